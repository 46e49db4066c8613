"""One request in full, in the order in which a person decides: effects, what is new, the five safes, the evidence.

The widget takes a view and shows it; it reads nothing and decides nothing. What a person wants is a signal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact, Section
from podadmin.app.views.journal import JournalRow
from podadmin.app.views.requests import RequestDetail, RequestRow
from podadmin.core.clock import Clock
from podadmin.desktop.pages.purposes import STATE
from podadmin.desktop.pages.request_decision import DecisionBar, decided_on
from podadmin.desktop.pages.request_effects import DifferenceCard, EffectCard, trace_facts
from podadmin.desktop.pages.request_left import LeftCard
from podadmin.desktop.pages.request_near import NearCard
from podadmin.desktop.pages.request_review import ReviewCard
from podadmin.desktop.pages.request_words import DECIDABLE, effects_title, state_badge, verified_badge
from podadmin.desktop.pages.rules_why_not import WhyNotCard
from podadmin.desktop.slices import Part, at_once
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid, SectionCard
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row, scrolling
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.tree import JsonTree
from podadmin.desktop.widgets.words import amount, precise, when

PROJECT: Final = "Project"


class RequestDetailView(Part):
    """`request_wanted(id)`, `entry_wanted(seq)`, `compare_wanted(row)` and `purpose_wanted(project)` are links.

    `bar` says what was decided.
    """

    request_wanted = Signal(str)
    entry_wanted = Signal(str)
    compare_wanted = Signal(object)
    purpose_wanted = Signal(str)

    def __init__(self, clock: Clock, host: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.detail: RequestDetail | None = None
        self.complete = False
        self._clock, self._host = clock, host
        self._inner = column(gap=SPACE.l)
        self._inner.setContentsMargins(0, 0, SPACE.s, 0)
        self._area = scrolling(self._inner)
        self._area.setAccessibleName("The request in full")
        self._frame = column((self._area, 1), gap=SPACE.m)
        self.setLayout(self._frame)

    def build(self) -> Iterator[None]:
        """Make the cards, from the top to the bottom."""
        self._head = _Head()
        self._frame.insertWidget(0, self._head)
        yield
        self._tampered = Banner(
            "bad",
            "What was written on the outside is not what was signed inside, or the signature does not hold. "
            "Nothing of it was let through.",
            title="This request could not be verified",
        )
        self._inner.addWidget(self._tampered)
        yield
        self.effects = EffectCard()
        self._inner.addWidget(self.effects)
        yield
        self.differences = DifferenceCard(self.request_wanted.emit, self._compare)
        self._inner.addWidget(self.differences)
        yield
        self.review = ReviewCard(self._host)
        self._inner.addWidget(self.review)
        yield
        self.near = NearCard()
        self._inner.addWidget(self.near)
        yield
        self._outcome = FactsCard("Where it stands")
        self.left = LeftCard()
        self._sections = SafesView(self._ask_purpose)
        for card in (self._outcome, self.left, self._sections):
            self._inner.addWidget(card)
        yield
        self._verification = FactsCard("What was verified, and what was not")
        self._trace = FactsCard("How the verdict was reached")
        self._inner.addLayout(row((self._verification, 1), (self._trace, 1), gap=SPACE.l))
        yield
        self.why_not = WhyNotCard()
        self._inner.addWidget(self.why_not)
        yield
        self.history = _history_table()
        self.history.opened.connect(lambda entry: self.entry_wanted.emit(str(entry.seq)))
        self._history_card = Card("History, from the journal", flush=True)
        self._history_card.body.addWidget(self.history)
        self._inner.addWidget(self._history_card)
        yield
        self.protocol = ProtocolCard()
        self._inner.addWidget(self.protocol)
        self._inner.addStretch(1)
        yield
        self.bar = DecisionBar(self._clock, self._host)
        self._frame.addWidget(self.bar)
        yield

    def show_detail(self, detail: RequestDetail) -> None:
        """Show a request. One that is shown already stays where it was scrolled to."""
        at_once(self.show_in_turns(detail))

    def show_in_turns(self, detail: RequestDetail) -> Iterator[None]:
        """The same card by card. Nothing can be decided before the last one is there."""
        before, self.detail = self.detail, detail
        if before is None or decided_on(before) != decided_on(detail):
            self.complete = False
            self.bar.forget()
        if before is None or before.row.id != detail.row.id:
            for card in self._cards():
                card.setVisible(False)
            self.show_top()
        self._head.show_row(detail.row)
        yield
        self._tampered.setVisible(detail.row.verified == "failed")
        self.effects.set_title(effects_title(detail.row))
        yield from self.effects.show_in_turns(detail.effects)
        self._place_outcome(detail)
        self.effects.setVisible(True)
        yield
        self.differences.show_detail(detail)
        self.differences.setVisible(True)
        yield
        self.review.show_review(detail.row.id, detail.review)
        yield
        waiting = detail.row.state in DECIDABLE
        self._outcome.show_facts(() if waiting and len(detail.outcome) < 2 else detail.outcome)
        yield
        self._sections.setVisible(True)
        yield from self._sections.show_in_turns(detail.sections, bool(detail.row.project))
        self._verification.show_facts(detail.verification)
        yield
        self._trace.show_facts(trace_facts(detail))
        yield
        self.history.set_rows(detail.history)
        self._history_card.setVisible(bool(detail.history))
        yield
        self.protocol.show_protocol(detail.protocol)
        self.protocol.setVisible(True)
        yield
        self.bar.show_detail(detail)
        self.complete = True

    def _cards(self) -> tuple[QWidget, ...]:
        return (
            self._tampered,
            self.effects,
            self.differences,
            self.review,
            self.near,
            self._outcome,
            self.left,
            self._sections,
            self._verification,
            self._trace,
            self.why_not,
            self._history_card,
            self.protocol,
        )

    def show_top(self) -> None:
        """Scroll to what stands first."""
        self._area.verticalScrollBar().setValue(0)

    def forget(self) -> None:
        """No request is in front: nothing of the last one may be decided on."""
        self.detail = None
        self.complete = False
        self.bar.forget()

    def _compare(self) -> None:
        if self.detail is not None:
            self.compare_wanted.emit(self.detail.row)

    def _ask_purpose(self) -> None:
        if self.detail is not None:
            self.purpose_wanted.emit(self.detail.project)

    def _place_outcome(self, detail: RequestDetail) -> None:
        """Once there is nothing to decide, what became of it comes first; before that, what it would do does."""
        self._inner.removeWidget(self._outcome)
        after = detail.row.state in DECIDABLE
        self._inner.insertWidget(self._inner.indexOf(self.differences) + 1 if after else 0, self._outcome)
        self._inner.removeWidget(self.left)
        self._inner.insertWidget(self._inner.indexOf(self._outcome) + 1, self.left)


class _Head(QWidget):
    """What the request is called, who sent it, and how it stands."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = Badge(BadgeSpec("plain", ""))
        self._verified = Badge(BadgeSpec("plain", ""))
        self._task = ElidedLabel("", "heading")
        self._about = ElidedLabel("", "muted")
        self._reference = PlainLabel("", "small", selectable=True, mono=True)
        words = column(self._task, self._about, gap=SPACE.hair)
        self.setLayout(row((words, 1), self._reference, self._verified, self._state))

    def show_row(self, shown: RequestRow) -> None:
        """Another request, or another state of it."""
        self._task.setText(shown.task)
        self._state.set(state_badge(shown))
        self._verified.set(verified_badge(shown.verified))
        project = f" in the project “{shown.project}”" if shown.project else ""
        self._about.setText(f"From {shown.requester or 'an unknown requester'}{project}, {when(shown.received_at)}")
        self._about.set_tip(_moments(shown.received_at, shown.deadline))
        self._reference.setText(shown.reference)
        self._reference.setVisible(bool(shown.reference))


class FactsCard(Card):
    """A titled card of facts; it hides where there is nothing to tell."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(title, parent=parent)
        self.grid = FactGrid()
        self.body.addWidget(self.grid)
        self.body.addStretch(1)

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show these facts."""
        self.grid.set_facts(facts)
        self.setVisible(bool(facts))


class ProtocolCard(Card):
    """The protocol exactly as it was verified, as a tree."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Verified protocol", parent=parent)
        self._none = PlainLabel("Nothing of this request could be verified: there is no protocol to show.", "muted")
        self.tree = JsonTree("Verified protocol")
        self._shown: Mapping[str, Any] | None = None
        self.body.addWidget(self._none)
        self.body.addWidget(self.tree)

    def show_protocol(self, protocol: Mapping[str, Any]) -> None:
        """Show another protocol; what was opened in the tree stays open where it is the same one."""
        self._none.setVisible(not protocol)
        self.tree.setVisible(bool(protocol))
        if protocol and protocol != self._shown:
            self.tree.show_value(protocol)
        self._shown = protocol


class SafesView(QWidget):
    """The five safes as cards side by side; an odd last one has a line to itself.

    `on_purpose`: a person wants to state what the project is for.
    """

    def __init__(self, on_purpose: Callable[[], object] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: tuple[Section, ...] = ()
        self._on_purpose = on_purpose
        self._purpose: QuietButton | None = None
        self._grid = CardGrid(SIZE.field)
        self._last = column()
        self.setLayout(column(self._grid, self._last, gap=SPACE.l))

    def show_sections(self, sections: Sequence[Section], has_project: bool = False) -> None:
        """Show these sections."""
        at_once(self.show_in_turns(sections, has_project))

    def show_in_turns(self, sections: Sequence[Section], has_project: bool = False) -> Iterator[None]:
        """The same card by card."""
        if tuple(sections) == self._shown:
            return
        self._shown = ()
        even = len(sections) // 2 * 2
        here = self._purpose is not None and self._purpose.hasFocus()
        self._purpose = None
        clear(self._last)
        yield from self._grid.fill((self._card(each, has_project) for each in sections[:even]), even)
        for section in sections[even:]:
            self._last.addWidget(self._card(section, has_project))
            yield
        self._shown = tuple(sections)
        if here and self._purpose is not None:
            # the keyboard stays where it was, though the cards are new
            self._purpose.setFocus(Qt.FocusReason.OtherFocusReason)

    def _card(self, section: Section, has_project: bool) -> SectionCard:
        card = SectionCard(section)
        if section.title == PROJECT and has_project and self._on_purpose is not None:
            self._purpose = QuietButton(STATE, self._on_purpose, "file-text")
            card.body.addLayout(row(self._purpose, STRETCH))
        card.body.addStretch(1)
        return card


def _history_table() -> RowTable:
    def moment(entry: JournalRow) -> str:
        return when(entry.at)

    return RowTable(
        "History of this request",
        [
            Column("When", moment, width=20, tip=lambda entry: precise(entry.at)),
            Column("Entry", lambda entry: amount(entry.seq), "number", width=9),
            Column("By", lambda entry: entry.actor, width=14),
            Column("What happened", lambda entry: entry.words),
        ],
        row_key=lambda entry: str(entry.seq),
        fits=True,
    )


def _moments(received: datetime, deadline: datetime | None) -> str:
    until = f"\nWindow until {precise(deadline)}" if deadline is not None else ""
    return f"Received {precise(received)}{until}"
