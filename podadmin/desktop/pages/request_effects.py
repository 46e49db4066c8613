"""The effect statement on screen: what a request will do, with what leaves in front, and what is new about it.

It shows what was derived from the verified bytes and nothing that the requester says about them. Effects that are
not known are the loudest thing on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtWidgets import QFrame, QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.requests import EffectView, RequestDetail
from podadmin.desktop.pages.request_compare import COMPARE
from podadmin.desktop.pages.request_words import risk_badge
from podadmin.desktop.slices import at_once
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid, FactList
from podadmin.desktop.widgets.layout import CardGrid, clear, column, row, wrap
from podadmin.desktop.widgets.text import PlainLabel

_SILENT = "Does not apply."
_SILENT_SHOWN = 8
_TONES = {"low": "info", "medium": "warn"}


class EffectCard(Card):
    """Headline, risk with its reasons, what leaves and to whom, and what is read, computed and kept."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What this request will do", parent=parent)
        self._holder = column(gap=SPACE.m)
        self.body.addLayout(self._holder)
        self._shown: EffectView | None = None

    def show_effects(self, effects: EffectView) -> None:
        """Show a statement."""
        at_once(self.show_in_turns(effects))

    def show_in_turns(self, effects: EffectView) -> Iterator[None]:
        """The same part by part."""
        if effects == self._shown:
            return
        self._shown = None
        clear(self._holder)
        if not effects.known:
            self._holder.addWidget(
                Banner(
                    "bad",
                    "Nobody can say here what this request does. Treat it as if every record left the pod.",
                    title="Effects unknown",
                )
            )
        headline = PlainLabel(effects.headline, "heading", wrap=True, selectable=True)
        headline.setAccessibleName(f"What it does: {headline.text()}")
        self._holder.addWidget(headline)
        reasons = PlainLabel(" ".join(effects.reasons), "muted", wrap=True, selectable=True)
        self._holder.addLayout(row(Badge(risk_badge(effects.risk)), (reasons, 1), gap=SPACE.m))
        yield
        self._holder.addWidget(LeavingBlock(effects))
        yield
        parts = CardGrid(SIZE.search - SPACE.l)
        parts.set_cards(
            [
                _part("What it reads", effects.reads, "database"),
                _part("What it computes", effects.computes, "play"),
                _part("What stays in the pod", effects.stays, "lock"),
            ]
        )
        self._holder.addWidget(parts)
        for query in effects.sql:
            yield
            self._holder.addWidget(_sql(query))
        self._shown = effects


class LeavingBlock(QFrame):
    """What leaves and to whom, in a block whose colour, icons and words say how much it matters."""

    def __init__(self, effects: EffectView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        tone = _TONES.get(effects.risk, "bad")
        self.setProperty("banner", tone)
        unsaid = "Nothing." if effects.known else "Not known: count on every record leaving."
        self.setLayout(
            column(
                PlainLabel("What leaves the pod", "strong"),
                FactList(effects.leaves or (unsaid,), tone, "arrow-right"),
                *_always(effects.always),
                PlainLabel(f"To: {effects.to or 'not known'}", "medium", wrap=True, selectable=True),
                gap=SPACE.s,
                margin=SPACE.m,
            )
        )


def _always(lines: Sequence[str]) -> tuple[QWidget, ...]:
    """What tells no two requests apart, said all the same and quietly."""
    if not lines:
        return ()
    return (PlainLabel("With every task of this network", "muted"), FactList(lines, "plain", "arrow-right"))


def _sql(query: str) -> Card:
    """The SQL line for line, in a frame of its own: nothing in it can be taken for words of this window."""
    card = Card(sunken=True)
    card.body.addWidget(PlainLabel("The SQL, exactly as it would run", "medium"))
    words = PlainLabel(query, wrap=True, selectable=True, mono=True)
    words.setAccessibleName(f"The SQL, exactly as it would run: {words.text()}")
    card.body.addWidget(words)
    return card


def _part(title: str, lines: Sequence[str], icon: str) -> Card:
    card = Card(sunken=True)
    card.body.addWidget(PlainLabel(title, "medium"))
    card.body.addWidget(FactList(lines or ("Nothing is named.",), icon=icon))
    card.body.addStretch(1)
    return card


class DifferenceCard(Card):
    """What is different from the last approved request like this one, in effects first."""

    def __init__(
        self, on_open: Callable[[str], object], on_compare: Callable[[], object], parent: QWidget | None = None
    ) -> None:
        self._compared = ""
        self._link = GhostButton("Open that request", lambda: on_open(self._compared), "arrow-right")
        self._compare = GhostButton(COMPARE, on_compare, "scale")
        actions = wrap(row(self._link, self._compare, gap=SPACE.s))
        super().__init__("Different from the last one approved", action=actions, parent=parent)
        self._words = PlainLabel("", "muted", wrap=True)
        self._facts = FactGrid()
        self.body.addWidget(self._words)
        self.body.addWidget(self._facts)

    def show_detail(self, detail: RequestDetail) -> None:
        """Show the differences of a request."""
        self._compared = detail.compared_with
        self._link.setVisible(bool(detail.compared_with))
        verified = detail.row.verified == "verified"
        self._compare.set_permit(verified, "" if verified else "A request that was not verified cannot be compared.")
        self._facts.setVisible(bool(detail.differences))
        self._facts.set_facts(detail.differences)
        if not detail.compared_with:
            words = "No request like this one was approved before: there is nothing to compare it with."
        elif not detail.differences:
            words = "Nothing is different: it asks for exactly what was approved before."
        else:
            words = "Only what is listed here has changed; everything else is as it was approved."
            words = f"{detail.difference_words} {words}".strip()
        self._words.setText(words)


def trace_facts(detail: RequestDetail) -> tuple[Fact, ...]:
    """The steps of the verdict as facts: all that spoke, and the first of those that did not."""
    silent = [line for line in detail.trace if line.outcome.startswith(_SILENT)]
    left_out = silent[_SILENT_SHOWN:]
    facts = [Fact(line.considered, line.outcome, line.tone) for line in detail.trace if line not in left_out]
    if left_out:
        facts.insert(-1, Fact(f"{len(left_out):,} more rules and grants", "Do not apply."))
    return tuple(facts)
