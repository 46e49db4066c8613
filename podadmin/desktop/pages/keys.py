"""Keys: where secrets live and in which state that place is, and every key with what a person needs to compare it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.keys import KeyRow
from podadmin.app.views.status import KeyringView
from podadmin.core.clock import Clock, SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.backup import BackupPart
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import GhostButton, TabRow
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import LongField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import ago, when

STATES: Final = {
    "ready": BadgeSpec("good", "Ready"),
    "locked": BadgeSpec("warn", "Locked", "lock"),
    "absent": BadgeSpec("bad", "Absent"),
    "refused": BadgeSpec("bad", "Refused", "ban"),
    "unresponsive": BadgeSpec("bad", "Does not answer"),
    "undecided": BadgeSpec("plain", "Not chosen yet"),
}
FORGETFUL: Final = BadgeSpec("warn", "Ready, but forgets")
FORGETS: Final = (
    "When podadmin closes, the key that opens everything sealed here is gone. Use this for tests and the tour only, "
    "never for data that must be answered for."
)


class KeyringCard(Card):
    """The place where secrets live: its state, the exact reason for it, and the next step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._badge = Badge(STATES["undecided"])
        self._name = PlainLabel("", "strong")
        self._words = PlainLabel("", "body", wrap=True, selectable=True)
        self._next = PlainLabel("", "medium", wrap=True, selectable=True)
        head = row(IconMark("lock", "muted"), PlainLabel("Where secrets live", "strong"), STRETCH, self._badge)
        self.body.addLayout(head)
        self.body.addWidget(self._name)
        self.body.addWidget(self._words)
        self.body.addWidget(self._next)
        self._loud = Banner("warn", FORGETS, title="This keyring forgets everything when podadmin closes")
        self.body.addWidget(self._loud)
        self._loud.setVisible(False)

    def show_keyring(self, keyring: KeyringView) -> None:
        """Show its state."""
        ready_but = keyring.forgets and keyring.state == "ready"
        self._badge.set(FORGETFUL if ready_but else STATES.get(keyring.state, BadgeSpec("bad", keyring.state)))
        name = keyring.backend[:1].upper() + keyring.backend[1:]
        self._name.setText(name)
        self._name.setVisible(bool(name))
        self._words.setText(keyring.words)
        self._next.setText(f"What to do: {keyring.next_step}" if keyring.next_step else "")
        self._next.setVisible(bool(keyring.next_step))
        self._loud.setVisible(keyring.forgets)


class KeyCard(Card):
    """One key. Only what may be shown to anybody is here: the private half never reaches a screen."""

    copied = Signal(str, str)

    def __init__(self, key: KeyRow, now: datetime, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        own = bool(key.words)
        kind = BadgeSpec("info" if own else "plain", key.kind, "key-round" if own else "user")
        purpose = PlainLabel(key.purpose, "strong", wrap=True)
        self.body.addLayout(row(IconMark("key-round" if own else "user"), (purpose, 1), Badge(kind)))
        self.body.addWidget(_fingerprint(key))
        last = "never" if key.last_used_at is None else f"{when(key.last_used_at)}, {ago(key.last_used_at, now)}"
        self.body.addWidget(
            FactGrid(
                (
                    Fact("Where it lives", key.where),
                    Fact("Created" if own else "First seen", f"{when(key.created_at)}, {ago(key.created_at, now)}"),
                    *((Fact("Last used", last),) if own else ()),
                    Fact("Who knows the public half" if own else "Where it came from", key.known_by),
                )
            )
        )
        self.public = LongField("Public half", key.public)
        self.public.edit.setAccessibleName(f"Public half: {key.purpose}")
        self.public.edit.setReadOnly(True)
        self.public.edit.setProperty("mono", True)
        copy = GhostButton("Copy", self._copy, "copy", f"Copy the public half: {key.purpose}")
        copy.set_help("Copies the public half only. It may be given to anybody.")
        self._key = key
        self.body.addWidget(self.public)
        self.body.addLayout(row(PlainLabel("The public half may be given to anybody.", "small"), STRETCH, copy))
        self.body.addStretch(1)

    def _copy(self) -> None:
        self.copied.emit(self._key.purpose, self._key.public)


def _fingerprint(key: KeyRow) -> QWidget:
    """The fingerprint as a person reads it out: blocks of four in lines, and the words."""
    blocks = key.fingerprint.split(" ")
    lines = "\n".join(" ".join(blocks[start : start + 8]) for start in range(0, len(blocks), 8))
    box = Card(sunken=True)
    shown = PlainLabel(lines, "body", wrap=True, selectable=True, mono=True)
    shown.setAccessibleName(f"Fingerprint: {key.fingerprint}")
    box.body.setSpacing(SPACE.xs)
    box.body.addLayout(
        row(IconMark("fingerprint", "muted", SIZE.icon_small), PlainLabel("Fingerprint", "label"), STRETCH)
    )
    box.body.addWidget(shown)
    if key.words:
        words = PlainLabel(key.words, "medium", wrap=True, selectable=True, mono=True)
        words.setAccessibleName(f"Fingerprint in words: {words.text()}")
        box.body.addWidget(words)
    return box


class KeyList(QWidget):
    """The keys of this profile, then the keys of requesters that were seen."""

    copied = Signal(str, str)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._keys: tuple[KeyRow, ...] | None = None
        self._column = column(gap=SPACE.l)
        self.state = StateView(wrap(self._column))
        self.setLayout(column(self.state))

    def show_keys(self, keys: Sequence[KeyRow]) -> None:
        """Show these keys. A field in which somebody has selected something stays as it is while nothing changed."""
        if tuple(keys) == self._keys:
            return
        self._keys = tuple(keys)
        clear(self._column)
        own = [key for key in keys if key.words]
        others = [key for key in keys if not key.words]
        if own:
            self._column.addWidget(PlainLabel("Keys of this profile", "heading"))
            for key in own:
                self._column.addWidget(self._card(key))
        if others:
            self._column.addWidget(PlainLabel("Keys of requesters", "heading"))
            words = (
                "Seen with a first request and pinned then: a request signed by another key is refused. Compare the "
                "fingerprint with the person by telephone before you trust it."
            )
            self._column.addWidget(PlainLabel(words, "muted", wrap=True))
            for key in others:
                self._column.addWidget(self._card(key))
        if keys:
            self.state.show_content()
        else:
            self.state.show_empty(
                "key-round",
                "No keys yet",
                "Making a pod makes two: one that opens the requests sent to it, and one that signs the journal.",
            )

    def _card(self, key: KeyRow) -> KeyCard:
        card = KeyCard(key, self._clock.now())
        card.copied.connect(self.copied.emit)
        return card


class KeysPage(Page):
    """Reads the keyring and the keys; the one is shown also where the other cannot be read."""

    name = "Keys"
    title = "Keys"
    icon = "key-round"
    kinds = frozenset({"profile", "key", "keyring", "pod", "network", "request", "tour", "backup"})
    help_text = (
        "Private keys lie on disk sealed under one key, and that one lies in the keyring of this account. This page "
        "shows in which state the keyring is and why, and for every key what it is for, where it lives, and who knows "
        "its public half.\n\n"
        "A fingerprint identifies a key. Read it out by telephone, or its words, to be sure that two people mean the "
        "same key. Only public halves can be copied."
    )

    def build(self) -> None:
        self.keyring = KeyringCard()
        self.list = KeyList(SystemClock())
        self.list.copied.connect(self._copy)
        self.backup = BackupPart(self)
        self.parts = TabRow([("keys", "Keys"), ("backup", "Backup")], "Parts of this page", self._show_part)
        for part in (self.keyring, self.parts, self.list, self.backup):
            self.body.addWidget(part)
        self._show_part("keys")

    def open_subject(self, subject: str) -> None:
        if subject == "backup":
            self.parts.pick("backup")
            self._show_part("backup")

    def _show_part(self, key: str) -> None:
        self.list.setVisible(key == "keys")
        self.backup.setVisible(key == "backup")

    def refresh(self) -> None:
        self.backup.refresh()
        self.read("keyring show", {}, self.keyring.show_keyring)
        self.session.read(self, "keys list", {}, self.list.show_keys, self._no_keys)

    def _no_keys(self, error: PodadminError) -> None:
        self.list.state.show_error(error, self.refresh)

    def _copy(self, purpose: str, public: str) -> None:
        QGuiApplication.clipboard().setText(public)
        self.desk.say(f"The public half was copied: {purpose}.")
