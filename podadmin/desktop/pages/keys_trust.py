"""The part of Keys about others: whose keys are pinned, which are confirmed, and under whose name another one came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.keys import KeyDone, KeyRow
from podadmin.core.clock import Clock
from podadmin.desktop.page import Page
from podadmin.desktop.pages.keys_cards import fingerprint_box
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import DangerButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.prompt import Question, ReasonPrompt
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import ago, when

STATES: Final = {
    "not confirmed": BadgeSpec("warn", "Not yet confirmed", "shield-question-mark"),
    "confirmed": BadgeSpec("good", "Confirmed", "shield-check"),
    "changed": BadgeSpec("bad", "Another key came", "shield-alert"),
    "distrusted": BadgeSpec("bad", "Not trusted", "ban"),
}
INTRO: Final = (
    "A key is pinned when it is first seen: whatever another key has signed under the same name is refused. Pinned is "
    "not "
    "proved. Ask the owner to read out the six words from their own screen, by telephone, and confirm the key with "
    "them."
)


class ConfirmKey(Question):
    """What the owner reads out is typed here: comparing is done by the application and cannot be ticked off."""

    def __init__(self, host: QWidget, key: KeyRow, on_words: Callable[[str], object]) -> None:
        super().__init__(
            host,
            "Confirm the key by telephone",
            f"Call {key.name} under a number that you know from elsewhere. They read out the six words of their own "
            "key, "
            "or its SHA-256 fingerprint of 64 digits; write down what you hear. Without podadmin they get the digits "
            "with: openssl pkey -pubin -in KEY.pub.pem -outform DER | sha256sum",
        )
        self._act = on_words
        self.words = TextField("Words that the owner reads out", placeholder="six words, or 64 digits")
        self.ask(PrimaryButton("Compare and confirm", self._confirm, "shield-check"), self.words)

    def missing(self) -> str:
        return "" if self.words.value().strip() else "Write down the words first."

    def _confirm(self) -> None:
        words, act = self.words.value().strip(), self._act
        self.dismiss()
        act(words)


class TrustCard(Card):
    """The pinned key of somebody else, and the one that came in its place where one did."""

    def __init__(self, key: KeyRow, clock: Clock, part: TrustPart) -> None:
        super().__init__()
        now = clock.now()
        self.body.addLayout(
            row(
                IconMark("user"),
                (PlainLabel(key.purpose, "strong", wrap=True), 1),
                Badge(STATES.get(key.state, BadgeSpec("bad", key.state))),
            )
        )
        if key.state == "changed" and key.offered_at is not None:
            self.body.addWidget(
                Banner(
                    "bad",
                    f"{ago(key.offered_at, now)[:1].upper()}{ago(key.offered_at, now)[1:]} the network gave another "
                    "key "
                    "under this name. Everything that it signed is refused until you decide. Ask the owner by "
                    "telephone "
                    "which words their key has now.",
                    title="Another key came under this name",
                )
            )
        self.body.addWidget(fingerprint_box(key.fingerprint, key.words, "Pinned key"))
        if key.offered_fingerprint:
            self.body.addWidget(fingerprint_box(key.offered_fingerprint, key.offered_words, "The key that came"))
        self.body.addWidget(
            FactGrid(
                (
                    Fact("First seen", f"{when(key.created_at)}, {ago(key.created_at, now)}"),
                    Fact("How sure", key.where),
                    Fact("Where it came from", key.known_by),
                    *((Fact("Last decision", key.reason),) if key.reason else ()),
                )
            )
        )
        acts: list[QWidget] = []
        if key.state == "changed":
            acts = [
                QuietButton("Keep the pinned key…", lambda: part.keep(key), "shield-check", f"Keep: {key.name}"),
                DangerButton(
                    "Take the new key…", lambda: part.accept(key), "key-round", f"Take the new key: {key.name}"
                ),
            ]
        elif key.state != "confirmed":
            acts = [QuietButton("Confirm…", lambda: part.confirm(key), "shield-check", f"Confirm: {key.name}")]
        if key.state != "distrusted":
            acts.append(DangerButton("Distrust…", lambda: part.distrust(key), "ban", f"Distrust: {key.name}"))
        self.body.addLayout(row(STRETCH, *acts))


class TrustPart(QWidget):
    """Lives on the Keys page."""

    def __init__(self, page: Page, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page, self._clock = page, clock
        self._keys: tuple[KeyRow, ...] | None = None
        self._column = column()
        self.state = StateView(wrap(self._column))
        self.setLayout(column(PlainLabel(INTRO, "muted", wrap=True), self.state))

    def show_keys(self, keys: Sequence[KeyRow]) -> None:
        """Show these keys of others."""
        if tuple(keys) == self._keys:
            return
        self._keys = tuple(keys)
        clear(self._column)
        for key in keys:
            self._column.addWidget(TrustCard(key, self._clock, self))
        self._column.addStretch(1)
        if keys:
            self.state.show_content()
        else:
            self.state.show_empty(
                "user",
                "No keys of others yet",
                "The key of a requester is pinned with the first request that it signed.",
            )

    def confirm(self, key: KeyRow) -> None:
        def said(words: str) -> None:
            self._write("keys confirm", {"key": key.id, "words": words})

        ConfirmKey(self._page.desk.sheet_host, key, said).open()

    def accept(self, key: KeyRow) -> None:
        self._ask(
            "Take the new key",
            f"From now on the key {key.offered_words} stands for {key.name}, and what the old one signs is refused. It "
            "is not yet confirmed. Grants that were made for the old key do not hold for it.",
            "Take the new key",
            "keys accept",
            key,
        )

    def keep(self, key: KeyRow) -> None:
        self._ask(
            "Keep the pinned key",
            "The key that came is turned away. When it comes again you will be told again.",
            "Keep the pinned key",
            "keys keep",
            key,
        )

    def distrust(self, key: KeyRow) -> None:
        self._ask(
            "Trust this key no more",
            f"Whatever {key.name} signs with it is refused from now on, until you confirm the key again.",
            "Trust it no more",
            "keys distrust",
            key,
        )

    def _ask(self, title: str, words: str, confirm: str, act: str, key: KeyRow) -> None:
        def decided(reason: str) -> None:
            self._write(act, {"key": key.id, "reason": reason})

        ReasonPrompt(self._page.desk.sheet_host, title, words, confirm, decided).open()

    def _write(self, act: str, arguments: dict[str, object]) -> None:
        self._page.write(act, arguments, self._done)

    def _done(self, view: KeyDone) -> None:
        self._page.refresh()
        self._page.notice("good", " ".join((view.words, *view.next_steps)))
