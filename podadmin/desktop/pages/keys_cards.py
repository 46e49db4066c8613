"""What is shown of keys: the place where secrets live, and a card for each key of this pod."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.keys import KeyRow
from podadmin.app.views.status import KeyringView
from podadmin.core.clock import Clock
from podadmin.desktop.slices import at_once
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import DangerButton, GhostButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import LongField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.table import Column, RowTable
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
GROUPS: Final = (
    ("pod", "The pod", ""),
    ("journal", "Journal and receipts", ""),
    ("reviewer", "Reviewers", "Each reviewer signs with a key of their own."),
    (
        "ehr",
        "Health record systems",
        "One key for each system and environment. Its public half is registered there, alone or as a key set.",
    ),
)
KEY_STATES: Final = {
    "in use": BadgeSpec("good", "In use"),
    "ending": BadgeSpec("warn", "Still accepted", "hourglass"),
    "ended": BadgeSpec("plain", "Ended", "circle-minus"),
    "revoked": BadgeSpec("bad", "Revoked", "ban"),
}


class KeyringCard(Card):
    """The place where secrets live: its state, the exact reason for it, the next step, and what can be done there."""

    unlock_wanted = Signal()
    exchange_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._badge = Badge(STATES["undecided"])
        self._name = PlainLabel("", "strong")
        self._words = PlainLabel("", "body", wrap=True, selectable=True)
        self._next = PlainLabel("", "medium", wrap=True, selectable=True)
        head = row(IconMark("lock", "muted"), PlainLabel("Where secrets live", "strong"), STRETCH, self._badge)
        self.unlock = QuietButton("Unlock the keyring", self.unlock_wanted.emit, "lock")
        self.unlock.set_help("The system may ask for the keyring's password. It can be called off.")
        self.exchange = GhostButton("Seal everything anew…", self.exchange_wanted.emit, "refresh-cw")
        self.exchange.set_help("Puts another key-encryption key in the place of the one in the keyring.")
        self.body.addLayout(head)
        self.body.addWidget(self._name)
        self.body.addWidget(self._words)
        self.body.addWidget(self._next)
        self._loud = Banner("warn", FORGETS, title="This keyring forgets everything when podadmin closes")
        self.body.addWidget(self._loud)
        self._acts = wrap(row(self.unlock, self.exchange, STRETCH))
        self.body.addWidget(self._acts)
        for part in (self._loud, self._acts):
            part.setVisible(False)

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
        self.unlock.setVisible(keyring.state in {"locked", "unresponsive"})
        self.exchange.setVisible(keyring.state == "ready")
        self._acts.setVisible(keyring.state in {"locked", "unresponsive", "ready"})


class KeyCard(Card):
    """One key of this pod. Only what may be shown to anybody is here: the private half never reaches a screen."""

    copied = Signal(str, str)
    wanted = Signal(str, object)
    """An act that a person wants to do with the key: export | replace | end | revoke, and the KeyRow."""

    def __init__(self, key: KeyRow, now: datetime, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._key = key
        title = f"{key.name}: {key.purpose[:1].lower()}{key.purpose[1:]}" if key.name else key.purpose
        self._words = title
        self.body.addLayout(
            row(
                IconMark("key-round"),
                (PlainLabel(title, "strong", wrap=True), 1),
                Badge(BadgeSpec("info", key.kind, "key-round")),
                Badge(KEY_STATES.get(key.state, BadgeSpec("bad", key.state))),
            )
        )
        self.body.addWidget(fingerprint_box(key.fingerprint, key.words))
        last = "never" if key.last_used_at is None else f"{when(key.last_used_at)}, {ago(key.last_used_at, now)}"
        self.body.addWidget(
            FactGrid(
                (
                    Fact("Validity", key.runway, key.tone if key.tone in {"warn", "bad"} else "plain"),
                    Fact("Where it lives", key.where),
                    Fact(key.origin or "Created", f"{when(key.created_at)}, {ago(key.created_at, now)}"),
                    Fact("Last used", last),
                    Fact("Who knows the public half", key.known_by),
                    *((Fact("Thumbprint (RFC 7638)", key.thumbprint, mono=True),) if key.group == "ehr" else ()),
                )
            )
        )
        self.public = LongField("Public half", key.public)
        self.public.edit.setAccessibleName(f"Public half: {title}")
        self.public.edit.setReadOnly(True)
        self.public.edit.setProperty("mono", True)
        copy = GhostButton("Copy", self._copy, "copy", f"Copy the public half: {title}")
        copy.set_help("Copies the public half only. It may be given to anybody.")
        export = GhostButton("Export…", lambda: self._want("export"), "download", f"Export the public half: {title}")
        self.body.addWidget(self.public)
        note = PlainLabel("The public half may be given to anybody.", "small", wrap=True)
        acts: list[QWidget] = [copy, export]
        if key.state == "in use":
            acts.append(GhostButton("Replace…", lambda: self._want("replace"), "refresh-cw", f"Replace: {title}"))
        if key.state == "ending":
            acts.append(GhostButton("End now…", lambda: self._want("end"), "circle-minus", f"End now: {title}"))
        acts.append(DangerButton("Revoke…", lambda: self._want("revoke"), "ban", f"Revoke: {title}"))
        self.body.addLayout(row((note, 1), *acts))
        self.body.addStretch(1)

    def _copy(self) -> None:
        self.copied.emit(self._words, self._key.public)

    def _want(self, act: str) -> None:
        self.wanted.emit(act, self._key)


def fingerprint_box(fingerprint: str, words: str, title: str = "Fingerprint") -> QWidget:
    """The fingerprint as a person reads it out: blocks of four in lines, and the words."""
    blocks = fingerprint.split(" ")
    lines = "\n".join(" ".join(blocks[start : start + 8]) for start in range(0, len(blocks), 8))
    box = Card(sunken=True)
    shown = PlainLabel(lines, "body", wrap=True, selectable=True, mono=True)
    shown.setAccessibleName(f"{title}: {fingerprint}")
    box.body.setSpacing(SPACE.xs)
    box.body.addLayout(row(IconMark("fingerprint", "muted", SIZE.icon_small), PlainLabel(title, "label"), STRETCH))
    box.body.addWidget(shown)
    if words:
        said = PlainLabel(words, "medium", wrap=True, selectable=True, mono=True)
        said.setAccessibleName(f"{title} in words: {said.text()}")
        box.body.addWidget(said)
    return box


class KeyList(QWidget):
    """The keys of this profile by what they are for, then those that ended."""

    copied = Signal(str, str)
    wanted = Signal(str, object)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._keys: tuple[KeyRow, ...] | None = None
        self._column = column(gap=SPACE.l)
        self.state = StateView(wrap(self._column))
        self.setLayout(column(self.state))

    def show_keys(self, keys: Sequence[KeyRow]) -> None:
        """Show these keys. A field in which somebody has selected something stays as it is while nothing changed."""
        at_once(self.show_in_turns(keys))

    def show_in_turns(self, keys: Sequence[KeyRow]) -> Iterator[None]:
        """The same card by card."""
        if tuple(keys) == self._keys:
            return
        self._keys = None
        clear(self._column)
        for group, title, words in GROUPS:
            living = [key for key in keys if key.group == group and key.state in {"in use", "ending"}]
            if living:
                self._column.addWidget(PlainLabel(title, "heading"))
                if words:
                    self._column.addWidget(PlainLabel(words, "muted", wrap=True))
                for key in living:
                    self._column.addWidget(self._card(key))
                    yield
        gone = [key for key in keys if key.state in {"ended", "revoked"}]
        if gone:
            self._column.addWidget(_ended(gone))
            yield
        self._column.addStretch(1)
        self._keys = tuple(keys)
        if any(key.group in {name for name, _, _ in GROUPS} for key in keys):
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
        card.wanted.connect(self.wanted.emit)
        return card


def _ended(keys: Sequence[KeyRow]) -> QWidget:
    table = RowTable(
        "Keys that are not used any more",
        (
            Column("What it was for", lambda key: f"{key.name}: {key.purpose}" if key.name else key.purpose, stretch=2),
            Column("In words", lambda key: key.words, "mono", stretch=2),
            Column("State", lambda key: KEY_STATES[key.state], "badge", width=14),
            Column("Why", lambda key: key.reason or key.runway, stretch=2, spare=True),
        ),
        fits=True,
    )
    table.set_rows(list(keys))
    card = Card("Keys that are not used any more", flush=True)
    card.body.addWidget(table)
    return card
