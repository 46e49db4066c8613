"""Grants as cards: what each is pinned to, what is left of it, and what a person can do with it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.grants import GrantDetail, PinView
from podadmin.core.clock import Clock
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import DangerButton, GhostButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import ChoiceField, LongField
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.prompt import Question
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel, set_name
from podadmin.desktop.widgets.words import amount, count, until, when

REVOKE: Final = "Revoke…"
VARY: Final = "Let a pin vary…"
SOURCE: Final = "The request it was made from"
RECEIPTS: Final = "Its receipts"
_TONES: Final = {"lasting": "good", "used-up": "plain", "expired": "plain", "voided": "bad", "revoked": "plain"}
_WORDS: Final = {
    "lasting": "Lasts",
    "used-up": "Used up",
    "expired": "Expired",
    "voided": "Voided",
    "revoked": "Revoked",
}


def state_badge(state: str) -> BadgeSpec:
    """The state of a grant as a badge."""
    return BadgeSpec(_TONES.get(state, "plain"), _WORDS.get(state, state))


class GrantCard(Card):
    """One grant. `revoke_wanted`, `vary_wanted`, `source_wanted` and `receipts_wanted` carry what is meant."""

    revoke_wanted = Signal(object)
    vary_wanted = Signal(object)
    source_wanted = Signal(str)
    receipts_wanted = Signal(str)

    def __init__(self, grant: GrantDetail, clock: Clock, parent: QWidget | None = None) -> None:
        ended = grant.row.state != "lasting"
        super().__init__(sunken=ended, parent=parent)
        self.grant = grant
        shown = grant.row
        name = f"Grant {shown.id}"
        set_name(self, name)
        title = ElidedLabel(shown.task or "A request", "strong")
        project = f" in the project “{shown.project}”" if shown.project else ""
        about = PlainLabel(
            f"For {shown.requester or 'an unknown requester'}{project}, on {shown.datasource or 'no datasource'}",
            "muted",
            wrap=True,
        )
        self.body.addLayout(row((column(title, about, gap=SPACE.hair), 1), Badge(state_badge(shown.state))))
        if shown.state == "voided":
            self.body.addWidget(Banner("bad", grant.ended_reason, title="What was decided on has changed"))
        elif grant.ended_reason:
            self.body.addWidget(PlainLabel(f"Revoked: {grant.ended_reason}", "body", wrap=True, selectable=True))
        self.left = FactGrid(_left(grant, clock))
        self.pins = FactGrid(_pins(grant.pins))
        self.body.addWidget(self.left)
        self.body.addWidget(PlainLabel("Pinned to", "label"))
        self.body.addWidget(self.pins)
        self.revoke = DangerButton(REVOKE, lambda: self.revoke_wanted.emit(grant), "ban", f"{REVOKE} {name}")
        self.vary = QuietButton(VARY, lambda: self.vary_wanted.emit(grant), name=f"{VARY} {name}")
        source = GhostButton(
            SOURCE, lambda: self.source_wanted.emit(shown.made_from), "arrow-right", f"{SOURCE}: {shown.id}"
        )
        receipts = GhostButton(
            RECEIPTS, lambda: self.receipts_wanted.emit(shown.id), "file-text", f"{RECEIPTS}: {shown.id}"
        )
        for button in (self.revoke, self.vary):
            button.set_permit(grant.may_change.allowed, grant.may_change.reason)
            button.setVisible(not ended)
        self.body.addLayout(row(source, receipts, STRETCH, self.vary, self.revoke))
        self.body.addStretch(1)


def _left(grant: GrantDetail, clock: Clock) -> tuple[Fact, ...]:
    shown = grant.row
    now = clock.now()
    facts = [Fact("Runs", f"{shown.runs_left} of {shown.runs} left")]
    if shown.inferences is None:
        facts.append(Fact("Inferences", "the network's limits only"))
    else:
        facts.append(Fact("Inferences", f"{amount(shown.inferences_left or 0)} of {amount(shown.inferences)} left"))
    if shown.ended_at is not None:
        facts.append(Fact("Ended", when(shown.ended_at)))
    else:
        facts.append(Fact("Expires", f"{when(shown.expires_at)} ({until(shown.expires_at, now)})"))
    facts.append(Fact("Approved", f"{when(shown.made_at)} by {shown.made_by or 'an older podadmin'}"))
    if grant.uses:
        facts.append(Fact("Used", f"{count(len(grant.uses), 'run', 'runs')}, last {when(grant.uses[0].at)}"))
    if grant.note:
        facts.append(Fact("Note", grant.note))
    return tuple(facts)


def _pins(pins: tuple[PinView, ...]) -> tuple[Fact, ...]:
    """Each pin that says something; those that were not known together, because they are pinned as such."""
    facts = [_pin(each) for each in pins if each.now or each.varies or each.value not in ("none", "not known")]
    unknown = [each.words for each in pins if each.value == "not known" and not each.now and not each.varies]
    if unknown:
        words = ", ".join(f"{word[:1].lower()}{word[1:]}" for word in unknown)
        facts.append(Fact("Not known", f"{words}: a request in which they are known is not covered"))
    return tuple(facts)


def _pin(pin: PinView) -> Fact:
    if pin.now:
        return Fact(pin.words, f"was {pin.value}, now {pin.now}", "bad")
    if pin.varies:
        return Fact(pin.words, f"may vary; was {pin.value}", "warn")
    return Fact(pin.words, pin.value, mono=pin.name in {"requester_key", "protocol", "fingerprint"})


class VarySheet(Question):
    """Lets one pin of a grant be anything; says what that means and asks why."""

    vary = Signal(str, str, str)

    def __init__(self, host: QWidget, grant: GrantDetail) -> None:
        super().__init__(
            host,
            "Let a pin vary",
            "The grant then covers requests in which this is something else than what you have decided on. "
            "Everything else stays as it is. It is recorded, and cannot be taken back but by revoking the grant.",
        )
        self._grant = grant.row.id
        open_pins = [(each.name, each.words) for each in grant.pins if each.may_vary and not each.varies]
        self.pin = ChoiceField("Pin that may vary", open_pins or [("", "Every pin that may vary does so already")])
        self.reason = LongField("Reason")
        self.ask(DangerButton("Let it vary", self._confirm, "triangle-alert"), self.pin, self.reason)

    def missing(self) -> str:
        complete = self.reason.value().strip() and self.pin.value()
        return "" if complete else "Choose a pin, and write why it may vary."

    def _confirm(self) -> None:
        pin, reason = self.pin.value(), self.reason.value().strip()
        if pin and reason:
            self.dismiss()
            self.vary.emit(self._grant, pin, reason)
