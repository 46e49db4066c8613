"""What left for a request, message by message, and what waits to be seen: looked at here, let go or withheld.

Letting go stands only where one has looked, and closing the sheet decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import Preview
from podadmin.app.views.facts import Done, Fact
from podadmin.app.views.gate import ResultRow, ResultView
from podadmin.app.views.left import LeftRow, LeftView
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.datasource_preview import PreviewStep
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.armed import ArmedButton
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import DangerButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid, FactList
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.prompt import ReasonPrompt, Sheet
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import count, precise, size, when, whole

_OUTCOMES: Final = {
    "passed": BadgeSpec("good", "Went out", "check"),
    "stripped": BadgeSpec("info", "Without the error", "circle-minus"),
    "held": BadgeSpec("warn", "Kept until seen", "hourglass"),
    "queued": BadgeSpec("info", "On its way", "hourglass"),
    "withheld": BadgeSpec("bad", "Withheld", "ban"),
    "refused": BadgeSpec("bad", "Refused", "octagon-x"),
}
_KINDS: Final = {
    "EVALUATION_RESULTS": "A result",
    "TRAINING_UPDATE": "An update of a model",
    "MODEL_PARAMETERS": "The parameters of a model",
}
"""What waits, by the network's own word for it."""
_FIRST: Final = 4
"""So many of those that wait are shown, and the last; they go in their order."""
LOOK: Final = "Look at it…"
WITHHOLD: Final = "Withhold what waits…"


class LeftCard(Card):
    """Signals: `look_wanted(ResultRow, before)`, `before` being how many have to be seen too and go before it, and
    `withhold_wanted(request)`.
    """

    look_wanted = Signal(object, int)
    withhold_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What left", parent=parent)
        self._left: LeftView | None = None
        self._words = PlainLabel("", "muted", wrap=True)
        self._waiting = column(gap=SPACE.m)
        self.withhold = DangerButton(WITHHOLD, self._withhold, "ban")
        self._bar = wrap(row(STRETCH, self.withhold))
        self.table = RowTable(
            "What left for this request",
            [
                Column("When", lambda each: when(each.at), width=19, tip=_moments),
                Column("Message", lambda each: each.type, "mono", width=24, tip=lambda each: each.sealed),
                Column("Became", lambda each: _OUTCOMES[each.outcome], "badge", width=18, tip=lambda each: each.why),
                Column("What it held", _held, stretch=3, tip=_held),
                Column("Size", lambda each: size(each.size), "number", width=10),
                Column("To", lambda each: each.to, width=16, spare=True),
            ],
            row_key=lambda each: f"{each.at}{each.type}{each.outcome}",
            fits=True,
        )
        for each in (self._words, self._bar, self.table):
            self.body.addWidget(each)
        self.body.insertLayout(1, self._waiting)
        self.show_left(None)

    def show_left(self, left: LeftView | None) -> None:
        """Show what left; the card hides where nothing did and nothing waits."""
        shown = left is not None and bool(left.rows or left.waiting)
        self.setVisible(shown)
        if left is None or not shown or left == self._left:
            return
        self._left = left
        self._words.setText(left.words)
        clear(self._waiting)
        seen = [*enumerate(_to_be_seen(left.waiting))]
        for before, each in (*seen[:_FIRST], *seen[_FIRST:][-1:]):
            self._waiting.addWidget(self._wait(each, before))
        if words := _behind(len(seen) - _FIRST - 1, len(left.waiting) - len(seen)):
            self._waiting.addWidget(PlainLabel(words, "muted", wrap=True))
        self._bar.setVisible(bool(left.waiting))
        self.withhold.set_permit(left.may_withhold.allowed, left.may_withhold.reason)
        self.table.set_rows(left.rows)
        self.table.setVisible(bool(left.rows))

    def _wait(self, each: ResultRow, before: int) -> Banner:
        title = f"{_KINDS.get(each.kind, 'A message')} of {size(each.size)} waits until you have seen it"
        return Banner("warn", " ".join(each.reasons), LOOK, lambda: self.look_wanted.emit(each, before), title=title)

    def _withhold(self) -> None:
        if self._left is not None:
            self.withhold_wanted.emit(self._left.request)


def _to_be_seen(waiting: Sequence[ResultRow]) -> list[ResultRow]:
    """Those that have a reason of their own to wait; the others only keep their places behind them."""
    return [each for each in waiting if each.reasons] or list(waiting[:1])


def _behind(between: int, following: int) -> str:
    words = [f"{count(between, 'more waits', 'more wait')} between these."] if between > 0 else []
    if following:
        words.append(f"{count(following, 'message follows', 'messages follow')} once these have gone.")
    return " ".join(words)


def _held(each: LeftRow) -> str:
    many = f"{whole(each.count)} alike. " if each.count > 1 else ""
    if each.outcome == "passed" and each.why:
        return f"{many}{each.words} It was seen first: {each.why}" if each.type in _KINDS else f"{many}{each.words}"
    return f"{many}{each.words} {each.why}" if each.why else f"{many}{each.words}"


def _moments(each: LeftRow) -> str:
    return f"{precise(each.at)} to {precise(each.last_at)}" if each.last_at is not None else precise(each.at)


class ResultSheet(Sheet):
    """What is in a result that waits, its first rows by their shape until their values are asked for.

    `before`: so many have to be seen too and go before it; what comes while it is looked at does not go with it.
    """

    def __init__(self, page: Page, waiting: ResultRow, before: int) -> None:
        words = "It was opened here with the key of its task. Its requester has not got it yet."
        super().__init__(page.desk.sheet_host, "A result that waits to be seen", words, "scan-eye", "warn")
        self.panel.setFixedWidth(SIZE.palette)
        self._page, self._waiting = page, waiting
        self._reasons = FactList(waiting.reasons or ("It follows a result that waits.",), "warn")
        self._facts = FactGrid()
        self._preview = PreviewStep()
        self._preview.setFixedHeight(SIZE.palette_list)
        self._preview.masked_wanted.connect(lambda masked: self._read(values=not masked))
        self._problem = column()
        said = f"Let it and the {whole(before)} before it go" if before else "Let it go to the requester"
        self.release = ArmedButton(said, self._release, "send")
        for each in (PlainLabel("Why it waits", "medium"), self._reasons, self._facts, self._preview):
            self.body.addWidget(each)
        self.body.addLayout(self._problem)
        self.buttons_row.addWidget(QuietButton("Close", self.dismiss))
        self.buttons_row.addWidget(self.release)
        self.release.set_permit(False, "It is being opened.")

    def open(self, first: QWidget | None = None) -> None:
        super().open(first)
        self._preview.begin()
        self._read(values=False)

    def show_result(self, found: ResultView) -> None:
        """Show what was found in it."""
        rows = count(found.rows, "row", "rows") if found.rows is not None else "cannot be told"
        facts = [
            Fact("What it is", found.what),
            Fact("Rows", rows),
            Fact("Columns", ", ".join(found.columns) or "none"),
        ]
        if found.promised:
            facts.append(Fact("Promised", found.promised))
        self._facts.set_facts(facts)
        names = tuple(dict.fromkeys(name for line in found.sample for name, _cell in line))
        lines = tuple(tuple(dict(line).get(name, "") for name in names) for line in found.sample)
        self._preview.setVisible(bool(names))
        if names:
            self._preview.show_preview(Preview(names, lines, found.masked))
        self.release.set_permit(True)
        self.release.rearm()

    def _read(self, *, values: bool) -> None:
        arguments = {"result_id": self._waiting.id, "values": values}
        self._page.session.read(self, "gate show-result", arguments, self.show_result, self._failed)

    def _failed(self, error: PodadminError) -> None:
        self._preview.setVisible(False)
        clear(self._problem)
        self._problem.addWidget(Banner("bad", f"{error.why} {error.next_step} ({error.code})", title=error.what))
        self.release.set_permit(False, error.why)

    def _release(self) -> None:
        request = self._waiting.request_id

        def done(said: Done) -> None:
            self._page.desk.say(said.words)
            self._page.refresh()

        self.dismiss()
        self._page.write("gate release-result", {"request_id": request, "through": self._waiting.id}, done)


class LeftPart:
    """The card on the page of a request: read again when the request is, and what is wanted of it done."""

    def __init__(self, page: Page, card: LeftCard) -> None:
        self._page, self._card = page, card
        card.look_wanted.connect(self._look)
        card.withhold_wanted.connect(self._withhold)

    def read(self, request: str) -> None:
        """Read what left for a request."""
        # where it cannot be read there is nothing to show; the page says what is wrong with the request itself
        self._page.session.read(
            self._card,
            "requests left",
            {"request": request},
            self._card.show_left,
            lambda _: self._card.show_left(None),
        )

    def _look(self, waiting: ResultRow, before: int) -> None:
        ResultSheet(self._page, waiting, before).open()

    def _withhold(self, request: str) -> None:
        def decided(words: str) -> None:
            self._page.write("gate withhold", {"request_id": request, "words": words}, self._withheld)

        ReasonPrompt(
            self._page.desk.sheet_host,
            "Withhold the result",
            "Nothing that waits leaves, and the task ends. Pod and requester are ready for the next task afterwards.",
            "Withhold the result",
            decided,
            label="What the requester is told",
            hint="It is recorded as well.",
        ).open()

    def _withheld(self, done: Done) -> None:
        self._page.desk.say(done.words)
        self._page.refresh()
