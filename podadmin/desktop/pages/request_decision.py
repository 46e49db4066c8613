"""The bar on which a person decides: the time there is, refuse, and approve.

Approving goes through the armed button only. It starts its time again whenever the request in front, anything that
is shown of it, or the meaning of the button changes. Refusing asks for the words that the requester will read.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from podadmin.app.views.facts import Permit
from podadmin.app.views.requests import RequestDetail
from podadmin.core.clock import Clock
from podadmin.desktop.pages.grants_sheet import GrantSheet
from podadmin.desktop.pages.request_review import AskSheet
from podadmin.desktop.pages.request_words import DECIDABLE, deadline_words, is_late, late_words, state_badge
from podadmin.desktop.theme.tokens import SIZE, SPACE, TONE_ICONS
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import ArmedButton, DangerButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.keyboard import Fallen, has_keyboard
from podadmin.desktop.widgets.layout import STRETCH, row
from podadmin.desktop.widgets.prompt import ReasonPrompt
from podadmin.desktop.widgets.text import PlainLabel

APPROVE: Final = "Approve once"
GRANT: Final = "Approve and make a grant"
TERMS: Final = "Approve with a grant…"
ASK: Final = "Ask colleagues…"
REFUSE: Final = "Refuse…"
_SECOND_MS: Final = 1000
_INKS: Final = {"info": "accent_text", "good": "good", "warn": "warn", "bad": "bad"}
_BESIDE: Final = QBoxLayout.Direction.LeftToRight
_BELOW: Final = QBoxLayout.Direction.TopToBottom
_TOO_LATE: Final = (
    "Nothing was decided: the time for this sending ended meanwhile. What approving does now is said below the request."
)
_CHANGED: Final = "Nothing was decided: the request changed while you chose the terms. Look at it again first."
_BUSY: Final = "Your decision is being recorded."


class DecisionBar(Card):
    """`approved(id, terms)` and `refused(id, reason)` say what a person decided; the page carries it out.

    `terms` is empty without a grant for runs to come. `asked(arguments)`: colleagues are to be asked.
    `undecided(why)`: what was pressed decides nothing, because what it was about is not so any more.
    """

    approved = Signal(str, dict)
    asked = Signal(dict)
    refused = Signal(str, str)
    undecided = Signal(str)

    def __init__(self, clock: Clock, host: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._clock = clock
        self._host = host
        self._detail: RequestDetail | None = None
        self._busy = False
        self._fallen = Fallen()
        self._late: bool | None = None
        self._mark = IconMark("info", "muted")
        self._words = PlainLabel("", "medium", wrap=True)
        self._hindered = Banner("warn", "")
        self._hindered.setVisible(False)
        self.refuse = DangerButton(REFUSE, self._ask_refusal, "ban")
        self.refuse.set_help("Asks for the words that the requester will read.")
        self.approve = ArmedButton(APPROVE, lambda: self._decided(grant=False))
        self.grant = ArmedButton(GRANT, lambda: self._decided(grant=True), "shield-check")
        self.grant.setVisible(False)
        self.terms = QuietButton(TERMS, self._ask_terms, "shield-check")
        self.terms.set_help("Asks how often and until when the same request may run again.")
        self.colleagues = QuietButton(ASK, self._ask_colleagues, "user")
        self._against = row(STRETCH, self.colleagues, self.refuse, gap=SPACE.m)
        self._for = row(STRETCH, self.terms, self.approve, self.grant, gap=SPACE.m)
        self._acts, self._line = QBoxLayout(_BESIDE), QBoxLayout(_BESIDE)
        for layout in (self._acts, self._line):
            layout.setSpacing(SPACE.m)
        self._acts.addLayout(self._against, 1)
        self._acts.addLayout(self._for)
        self._line.addLayout(row(self._mark, (self._words, 1), gap=SPACE.m), 1)
        self._line.addLayout(self._acts)
        self.body.addWidget(self._hindered)
        self.body.addLayout(self._line)
        self._timer = QTimer(self)
        self._timer.setInterval(_SECOND_MS)
        self._timer.timeout.connect(self.tick)

    @property
    def words(self) -> str:
        """What the bar says about the time or the decision."""
        return self._words.text()

    def show_detail(self, detail: RequestDetail) -> None:
        """Show the bar for a request; approving starts its time again where what is decided on has changed."""
        before, self._detail = self._detail, detail
        self._busy = False
        self._permit()
        self.tick()
        if before is None or decided_on(before) != decided_on(detail):
            self.approve.rearm()
            self.grant.rearm()

    def forget(self) -> None:
        """No request is in front any more."""
        self._detail = None
        self._words.setText("")
        self._timer.stop()
        self._permit()

    def wait(self) -> None:
        """A decision is on its way: neither button can be pressed until the request is shown again."""
        held = has_keyboard(self)
        self._busy = True
        self._permit()
        self._fallen.note(held)

    @property
    def lost_keyboard(self) -> bool:
        """Did deciding take the keyboard off this bar, and has nobody moved it since?"""
        return self._fallen.lies_there

    def again(self) -> None:
        """The decision was not recorded: it can be made anew."""
        self._busy = False
        self._permit()
        self.approve.rearm()
        self.grant.rearm()

    def tick(self) -> None:
        """Say the time that is left now; change what approving means at the moment at which it changes."""
        detail = self._detail
        if detail is None:
            return
        now = self._clock.now()
        late = is_late(detail.row, now)
        if late != self._late:
            self._late = late
            self.approve.setVisible(not late)
            self.grant.setVisible(late)
            self._arrange()
        tone, words = deadline_words(detail.row, now)
        if late and not detail.may_approve.allowed:
            words = late_words(detail.row)[0]
        if not words:
            tone, words = state_badge(detail.row).tone, detail.row.state_words or detail.may_approve.reason
        if self._busy:
            tone, words = "info", _BUSY
        self._mark.set(TONE_ICONS[tone], _INKS.get(tone, "muted"))
        if self._words.raw() != words:
            self._words.setText(words)
        self._words.set_tone(tone)
        self._run_timer()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.tick()

    def minimumSizeHint(self) -> QSize:
        """As narrow as what speaks for and against below each other: that fits where one line does not."""
        hint = super().minimumSizeHint()
        hint.setWidth(min(hint.width(), max(self._widths()) + 2 * SPACE.l))
        return hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def _widths(self) -> tuple[int, int]:
        return self._against.sizeHint().width(), self._for.sizeHint().width()

    def _arrange(self) -> None:
        """The words stand beside the buttons where they have room to be read, else above them."""
        room = self.width() - 2 * SPACE.l
        acts = sum(self._widths()) + SPACE.m
        self._acts.setDirection(_BESIDE if acts <= room else _BELOW)
        self._line.setDirection(_BESIDE if acts + SIZE.search + SPACE.m <= room else _BELOW)

    def _run_timer(self) -> None:
        wanted = self._detail is not None and self._detail.row.state in DECIDABLE and self.isVisible()
        if wanted and not self._timer.isActive():
            self._timer.start()
        elif not wanted:
            self._timer.stop()

    def _permit(self) -> None:
        nothing = Permit(False, "No request is shown.")
        busy = Permit(False, _BUSY)
        detail = self._detail
        approve = busy if self._busy else detail.may_approve if detail is not None else nothing
        refuse = busy if self._busy else detail.may_refuse if detail is not None else nothing
        for button in (self.approve, self.grant, self.terms):
            button.set_permit(approve.allowed, approve.reason)
        waits = detail is not None and detail.row.state in DECIDABLE and not self._busy
        self.colleagues.set_permit(waits, "The request is not waiting for a decision.")
        self.refuse.set_permit(refuse.allowed, refuse.reason)
        # what hinders a decision is read without pointing at what cannot be pressed
        hindered = approve.reason if waits and not approve.allowed else ""
        if hindered:
            self._hindered.set("warn", f"Cannot be approved now: {hindered}")
        self._hindered.setVisible(bool(hindered))

    def _decided(self, grant: bool) -> None:
        detail = self._detail
        if detail is None or self._busy:
            return
        if is_late(detail.row, self._clock.now()) != grant:
            # the window closed under the hand: what the button says is not what approving would do now
            self.tick()
            self.undecided.emit(_TOO_LATE)
            return
        self.wait()
        self.tick()
        self.approved.emit(detail.row.id, {})

    def _ask_terms(self) -> None:
        detail = self._detail
        if detail is None or self._busy or not detail.may_approve.allowed:
            return
        late = is_late(detail.row, self._clock.now())
        sheet = GrantSheet(self._host, detail, late)
        sheet.agreed.connect(lambda request, terms: self._agreed(request, terms, late, decided_on(detail)))
        sheet.open()

    def _agreed(self, request: str, terms: dict[str, object], late: bool, about: tuple[object, ...]) -> None:
        """The terms were agreed for what stood behind the sheet: where that has changed, nothing is decided."""
        detail = self._detail
        if detail is None or self._busy or detail.row.id != request:
            return
        if is_late(detail.row, self._clock.now()) != late:
            # the window closed under the hand: what the sheet said is not what approving would do now
            self.tick()
            self.undecided.emit(_TOO_LATE)
            return
        if decided_on(detail) != about:
            self.undecided.emit(_CHANGED)
            return
        self.wait()
        self.tick()
        self.approved.emit(request, terms)

    def _ask_colleagues(self) -> None:
        detail = self._detail
        if detail is not None:
            AskSheet(self._host, detail.row.id, detail.reviewers, self.asked.emit).open()

    def _ask_refusal(self) -> None:
        detail = self._detail
        if detail is None or not detail.may_refuse.allowed or self._busy:
            return
        asked = detail.row.id
        ReasonPrompt(
            self._host,
            "Refuse this request",
            "Nothing runs. Your words are recorded in the journal and are what the requester will read.",
            "Refuse the request",
            lambda reason: self._refuse(asked, reason),
            required=detail.refusal_needs_reason,
            hint="The requester reads this. Write nothing that they should not know.",
        ).open()

    def _refuse(self, request: str, reason: str) -> None:
        """The words were written about one request: another that has come in front meanwhile is not meant."""
        if self._detail is not None and self._detail.row.id == request:
            self.wait()
            self.tick()
        self.refused.emit(request, reason)


def decided_on(detail: RequestDetail) -> tuple[object, ...]:
    """Everything on the page that a decision is about: where any of it changes, approving starts its time again."""
    row = detail.row
    return (
        (row.id, row.state, row.requester, row.task, row.datasource, row.risk, row.verified, row.project),
        detail.effects,
        detail.sections,
        detail.verification,
        detail.differences,
        detail.protocol,
        detail.may_approve,
    )
