"""Keys: where secrets live and in which state that place is, every key with its runway, and whose keys are trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtGui import QGuiApplication

from podadmin.app.views.facts import Done
from podadmin.app.views.keys import KeyDone, KeyRow, LeftFile, PublicHalf
from podadmin.app.views.status import KeyringView
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.backup import BackupPart
from podadmin.desktop.pages.keys_cards import KeyList, KeyringCard
from podadmin.desktop.pages.keys_secrets import SecretsPart
from podadmin.desktop.pages.keys_sheets import (
    Confirm,
    ExportKey,
    ImportKey,
    LeftFiles,
    MakeKey,
    ReplaceKey,
    doing,
    reading,
)
from podadmin.desktop.pages.keys_trust import TrustPart
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton, TabRow
from podadmin.desktop.widgets.layout import column, wrap
from podadmin.desktop.widgets.prompt import ReasonPrompt

__all__ = ["KeyList", "KeyringCard", "KeysPage"]
PARTS = ("keys", "trust", "backup")


class KeysPage(Page):
    """Reads the keyring and the keys; the one is shown also where the other cannot be read."""

    name = "Keys"
    title = "Keys"
    icon = "key-round"
    kinds = frozenset({"profile", "key", "keyring", "pod", "network", "request", "tour", "backup", "secret"})
    help_text = (
        "Private keys lie on disk sealed under one key, and that one lies in the keyring of this account. This page "
        "shows in which state the keyring is and why, and for every key what it is for, where it lives, how long it "
        "still lasts, and who knows its public half.\n\n"
        "A fingerprint identifies a key. Read it out by telephone, or its words, to be sure that two people mean the "
        "same key. Only public halves can be copied.\n\n"
        "Replacing a key makes a new one and lets the old one be accepted for a while. Revoking stops a key at once: "
        "with the pod's key everything stops until there is another.\n\n"
        "Trusted keys are those of requesters, access managers and hubs. They are pinned when they are first seen and "
        "refused when they change; confirm each by telephone."
    )

    def build(self) -> Iterator[None]:
        clock = SystemClock()
        self._left: LeftFiles | None = None
        self.keyring = KeyringCard()
        self.keyring.unlock_wanted.connect(self._unlock)
        self.keyring.exchange_wanted.connect(self._exchange)
        yield
        self.list = KeyList(clock)
        self.list.copied.connect(self._copy)
        self.list.wanted.connect(self._wanted)
        yield
        self.secrets = SecretsPart(self, clock)
        yield
        self.trust = TrustPart(self, clock)
        yield
        self.backup = BackupPart(self)
        yield
        own = wrap(column(self.list, self.secrets))
        self._parts = {"keys": own, "trust": self.trust, "backup": self.backup}
        names = [("keys", "Keys of this pod"), ("trust", "Trusted keys"), ("backup", "Backup")]
        self.parts = TabRow(names, "Parts of this page", self._show_part)
        for part in (self.keyring, self.parts, own, self.trust, self.backup):
            self.body.addWidget(part)
            yield
        self.add_action(QuietButton("Take over a key…", self._import, "folder-open"))
        self.add_action(PrimaryButton("Make a key…", self._make, "plus"))
        self._show_part("keys")

    def open_subject(self, subject: str) -> None:
        if subject in PARTS:
            self.parts.pick(subject)
            self._show_part(subject)

    def _show_part(self, key: str) -> None:
        for name, part in self._parts.items():
            part.setVisible(name == key)

    def refresh(self) -> None:
        self.backup.refresh()
        self.read("keyring show", {}, self._show_keyring)
        self.session.read(self, "keys list", {}, self._show_keys, self._no_keys)

    def _show_keyring(self, keyring: KeyringView) -> None:
        self.keyring.show_keyring(keyring)

    def _show_keys(self, keys: Sequence[KeyRow]) -> None:
        own = [key for key in keys if key.group not in {"secret", "trusted"}]
        self.in_turns(self.list.show_in_turns(own))
        self.secrets.show_secrets([key for key in keys if key.group == "secret"])
        trusted = [key for key in keys if key.group == "trusted"]
        self.trust.show_keys(trusted)
        asking = sum(key.state in {"changed", "not confirmed"} for key in trusted)
        self.parts.set_words("trust", f"Trusted keys ({asking} to confirm)" if asking else "Trusted keys")

    def _no_keys(self, error: PodadminError) -> None:
        self.list.state.show_error(error, self.refresh)

    def _copy(self, purpose: str, public: str) -> None:
        QGuiApplication.clipboard().setText(public)
        self.desk.say(f"The public half was copied: {purpose}.")

    def _make(self) -> None:
        MakeKey(self.desk.sheet_host, doing(self, "Making a key"), self._done).open()

    def _import(self) -> None:
        ImportKey(self.desk.sheet_host, doing(self, "Taking over a key"), self._imported).open()

    def _imported(self, view: KeyDone, path: str) -> None:
        self._done(view)
        if view.left:
            self._left = LeftFiles(self.desk.sheet_host, view.left, lambda file: self._seal(file, path))
            self._left.destroyed.connect(self._left_closed)
            self._left.open()

    def _left_closed(self) -> None:
        self._left = None

    def _seal(self, file: str, beside: str) -> None:
        def sealed(done: Done) -> None:
            self.desk.say(done.words)
            self.session.read(self, "keys left", {"path": beside}, self._show_left, lambda _: self._show_left(()))

        self.write("keys seal", {"path": file, "remove": True}, sealed, "Sealing a file")

    def _show_left(self, files: tuple[LeftFile, ...]) -> None:
        if self._left is not None:
            self._left.show_files(files)

    def _wanted(self, act: str, key: KeyRow) -> None:
        host = self.desk.sheet_host
        if act == "export":
            ExportKey(host, reading(self, "Writing the public half"), key, self._exported).open()
        elif act == "replace":
            ReplaceKey(host, doing(self, "Replacing a key"), key, self._done).open()
        elif act == "end":
            words = "What was made for the old key does not open any more, from now on."
            Confirm(host, "End the old key now", words, "End it now", "circle-minus", lambda: self._end(key)).open()
        else:
            self._revoke(key)

    def _exported(self, half: PublicHalf) -> None:
        self.desk.say(f"The public half was written to {half.file}.")

    def _end(self, key: KeyRow) -> None:
        self.write("keys end", {"key": key.id}, self._done)

    def _revoke(self, key: KeyRow) -> None:
        words = {
            "pod": "Everything under this key stops now: the gate goes off, nothing is opened or delivered, requests "
            "that "
            "wait are refused. It cannot be undone; make a new key afterwards.",
            "journal": "A new journal key takes its place at once, and the journal is anchored with it. What the old "
            "one "
            "has signed is not taken as proof any more.",
        }.get(key.group, "Nothing is signed with this key any more, in any process. It cannot be undone.")

        def decided(reason: str) -> None:
            self.write("keys revoke", {"key": key.id, "reason": reason}, self._done, "Revoking a key")

        ReasonPrompt(self.desk.sheet_host, "Revoke the key", words, "Revoke it now", decided).open()

    def _unlock(self) -> None:
        self.session.read(
            self, "keyring unlock", {}, self._unlocked, self._not_unlocked, "Waiting for the keyring's password"
        )

    def _unlocked(self, keyring: KeyringView) -> None:
        self._show_keyring(keyring)
        self.desk.say("The keyring is open.")

    def _not_unlocked(self, error: PodadminError) -> None:
        self.notice("warn", f"{error.what} {error.why} {error.next_step}")

    def _exchange(self) -> None:
        words = (
            "Another key-encryption key is put into the keyring, and every key and secret is sealed under it. It can "
            "be "
            "broken off at any moment without losing anything. Copies of the key folder from before do not open any "
            "more."
        )

        def decided() -> None:
            self.write("keyring exchange", {}, lambda done: self.desk.say(done.words), "Sealing everything anew")

        Confirm(self.desk.sheet_host, "Seal everything anew", words, "Seal anew", "refresh-cw", decided).open()

    def _done(self, view: KeyDone) -> None:
        self.refresh()
        if view.next_steps:
            self.notice("good", " ".join((view.words, *view.next_steps)))
        else:
            self.desk.say(view.words)
