"""Keys: each key says its state and its runway, a changed key is loud, and every act asks what it has to ask first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import delete

from podadmin.app.views.keys import KeyDone, KeyRow, LeftFile
from podadmin.app.views.status import KeyringView
from podadmin.core.clock import ManualClock
from podadmin.core.secret import Secret
from podadmin.core.text import grouped
from podadmin.desktop.pages.keys_cards import KeyList, KeyringCard
from podadmin.desktop.pages.keys_secrets import FILE, SecretsPart
from podadmin.desktop.pages.keys_sheets import ExportKey, ImportKey, LeftFiles, MakeKey, ReplaceKey
from podadmin.desktop.pages.keys_trust import TrustPart
from podadmin.desktop.widgets.prompt import Sheet
from tests.desktop.hands import Show, buttons, press, texts

NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
NASTY = "lab\u202egnp <b>"
KEY = KeyRow(
    id="key_1",
    purpose="Opens the requests that are sent to the pod",
    kind="RSA-4096",
    fingerprint=grouped("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    words="coffee-bench-marble-robot-blanket-oyster",
    where="Sealed in key_1.key",
    created_at=NOW - timedelta(days=2),
    last_used_at=None,
    public="ssh-rsa AAAAB3Nza",
    known_by="Nobody yet",
    runway="To be renewed in 728 days",
)
THEIRS = replace(
    KEY, id="trust_1", group="trusted", name=NASTY, purpose=f"Verifies requests of {NASTY}", state="not confirmed"
)
CHANGED = replace(
    THEIRS, state="changed", offered_fingerprint=KEY.fingerprint, offered_words="oak-river-lamp-tiger-plum-atlas",
    offered_at=NOW - timedelta(hours=1),
)  # fmt: skip


class Page:
    """What parts of a page need of it, and what they asked for."""

    def __init__(self) -> None:
        self.sheet_host = QWidget()
        self.sheet_host.resize(1000, 800)
        self.desk: Any = self
        self.written: list[tuple[str, dict[str, object]]] = []
        self.told: list[str] = []

    def write(self, act: str, arguments: dict[str, object], success: Any = None, title: str = "") -> None:
        self.written.append((act, arguments))
        if success is not None:
            success(KeyDone("Done.", KEY, ("Tell them.",)))

    def notice(self, tone: str, text: str) -> None:
        self.told.append(text)

    def say(self, text: str) -> None:
        self.told.append(text)

    def refresh(self) -> None:
        self.told.append("read again")

    @property
    def sheet(self) -> Any:
        return self.sheet_host.findChildren(Sheet)[-1]


@pytest.fixture
def page(qapp: QApplication) -> Iterator[Page]:
    made = Page()
    made.sheet_host.show()
    yield made
    delete(made.sheet_host)


def test_a_key_in_use_can_be_replaced_and_one_that_ends_can_be_ended(show: Show) -> None:
    keys = show(KeyList(ManualClock(NOW)))
    wanted: list[tuple[str, str]] = []
    keys.wanted.connect(lambda act, key: wanted.append((act, key.id)))
    ending = replace(KEY, id="key_0", state="ending", tone="warn", runway="Accepted for 13 days yet", purpose="Old")
    keys.show_keys((KEY, ending, replace(KEY, id="key_x", state="revoked", reason="stolen", purpose="Gone")))
    said = texts(keys)
    assert "Validity\nTo be renewed in 728 days" in said
    assert "Accepted for 13 days yet" in said
    assert {"In use", "Still accepted"} <= set(said.split("\n"))
    assert "Keys that are not used any more" in said
    assert f"End now: {KEY.purpose}" not in buttons(keys)
    assert "Replace: Old" not in buttons(keys)
    for name in (
        f"Replace: {KEY.purpose}",
        f"Revoke: {KEY.purpose}",
        f"Export the public half: {KEY.purpose}",
        "End now: Old",
    ):
        press(keys, name)
    assert wanted == [("replace", "key_1"), ("revoke", "key_1"), ("export", "key_1"), ("end", "key_0")]


def test_a_keyring_offers_what_can_be_done_in_its_state(show: Show) -> None:
    card = show(KeyringCard())
    heard: list[str] = []
    card.unlock_wanted.connect(lambda: heard.append("unlock"))
    card.exchange_wanted.connect(lambda: heard.append("exchange"))
    for state, offered in (
        ("ready", {"Seal everything anew…"}),
        ("locked", {"Unlock the keyring"}),
        ("unresponsive", {"Unlock the keyring"}),
        ("absent", set()),
        ("refused", set()),
        ("undecided", set()),
    ):
        card.show_keyring(KeyringView(state, "the keyring", "So it is.", "", False))
        assert set(buttons(card)) == offered, state
    card.show_keyring(KeyringView("locked", "the keyring", "So it is.", "", False))
    press(card, "Unlock the keyring")
    card.show_keyring(KeyringView("ready", "the keyring", "So it is.", "", False))
    press(card, "Seal everything anew…")
    assert heard == ["unlock", "exchange"]


def test_a_pinned_key_is_confirmed_by_words_that_are_typed(show: Show, page: Page) -> None:
    part = show(TrustPart(page, ManualClock(NOW)))  # type: ignore[arg-type]
    part.show_keys(())
    assert "No keys of others yet" in texts(part)
    part.show_keys((THEIRS,))
    said = texts(part)
    assert "Not yet confirmed" in said
    assert "<U+202E>" in said
    press(part, next(name for name in buttons(part) if name.startswith("Confirm")))
    sheet = page.sheet
    assert not sheet.confirm.isEnabled()
    sheet.words.set_value("oak river")
    QTest.keyClick(sheet.words.line, Qt.Key.Key_Return)
    assert page.written == []
    press(sheet, "Compare and confirm")
    assert page.written == [("keys confirm", {"key": "trust_1", "words": "oak river"})]
    assert page.told == ["read again", "Done. Tell them."]


@pytest.mark.parametrize(
    ("button", "confirm", "act"),
    [
        ("Take the new", "Take the new key", "keys accept"),
        ("Keep", "Keep the pinned key", "keys keep"),
        ("Distrust", "Trust it no more", "keys distrust"),
    ],
)
def test_a_changed_key_is_loud_and_settled_with_a_reason(
    show: Show, page: Page, button: str, confirm: str, act: str
) -> None:
    part = show(TrustPart(page, ManualClock(NOW)))  # type: ignore[arg-type]
    part.show_keys((CHANGED,))
    said = texts(part)
    assert "Another key came under this name" in said
    assert "oak-river-lamp-tiger-plum-atlas" in said
    assert not any(name.startswith("Confirm") for name in buttons(part))
    press(part, next(name for name in buttons(part) if name.startswith(button)))
    sheet = page.sheet
    assert not sheet.confirm.isEnabled()
    sheet.field.set_value("They called")
    press(sheet, confirm)
    assert page.written == [(act, {"key": "trust_1", "reason": "They called"})]


def nothing(*_: Any) -> Any:
    raise AssertionError("nothing is done before it is asked for")


def test_a_new_key_needs_a_name_where_there_are_several(show: Show, page: Page) -> None:
    sheet = MakeKey(page.sheet_host, nothing, nothing)
    sheet.open()
    assert sheet.missing() == "Say whose it is first."
    sheet.name.set_value(" Epic production ")
    assert sheet.start() == ("keys create", {"purpose": "ehr", "name": "Epic production", "kind": "es384"})
    sheet.purpose.set_value("pod")
    assert not sheet.name.isVisible()
    assert not sheet.kind.isVisible()
    assert sheet.start() == ("keys create", {"purpose": "pod", "name": "", "kind": "usual"})


def test_the_passphrase_of_a_key_file_leaves_the_window_with_the_act(page: Page) -> None:
    sheet = ImportKey(page.sheet_host, nothing, nothing)
    sheet.open()
    assert sheet.missing() == "Name the file first."
    sheet.file.set_value("/srv/pod_rsa.pem")
    sheet.passphrase.set_value("open sesame")
    act, arguments = sheet.start()
    typed = arguments["passphrase"]
    assert act == "keys import"
    assert isinstance(typed, Secret)
    assert typed.reveal() == "open sesame"
    assert "open sesame" not in repr(arguments)
    assert sheet.passphrase.value() == ""
    assert sheet.start()[1]["passphrase"] is None
    assert (arguments["replace"], arguments["purpose"], sheet.overlap.isVisible()) == (False, "pod", False)
    sheet.replace.set_value(True)
    assert sheet.overlap.isVisible()
    sheet.purpose.set_value("ehr")
    assert sheet.missing() == "Say whose it is first."


def test_a_key_is_replaced_and_exported_as_it_is_asked_for(page: Page) -> None:
    rotate = ReplaceKey(page.sheet_host, nothing, KEY, nothing)
    assert rotate.start() == ("keys rotate", {"key": "key_1", "overlap_days": 14})
    assert ReplaceKey(page.sheet_host, nothing, replace(KEY, group="journal"), nothing).overlap.isHidden()
    export = ExportKey(page.sheet_host, nothing, KEY, nothing)
    assert export.missing() == "Name the file first."
    export.file.set_value("/srv/key.pub")
    assert export.start() == ("keys public", {"key": "key_1", "form": "openssh", "to": "/srv/key.pub"})
    health = ExportKey(page.sheet_host, nothing, replace(KEY, group="ehr"), nothing)
    health.file.set_value("/srv/jwks.json")
    assert health.start() == ("keys jwks", {"to": "/srv/jwks.json"})


def test_files_in_clear_are_sealed_one_by_one(page: Page) -> None:
    sealed: list[str] = []
    files = (
        LeftFile("/srv/.token", "Tokens. Sign in again.", False, False),
        LeftFile("/srv/pod_rsa.pem", "The key. It is made anew.", True, True),
    )
    sheet = LeftFiles(page.sheet_host, files, sealed.append)
    sheet.open()
    said = texts(sheet)
    assert {"Only there", "Sealed here too", "Has a passphrase"} <= set(said.split("\n"))
    press(sheet, "Seal and remove: /srv/.token")
    assert sealed == ["/srv/.token"]
    sheet.show_files(())
    assert "Nothing lies there in clear any more." in texts(sheet)


def test_only_a_sealed_file_can_be_written_back(show: Show, page: Page) -> None:
    part = show(SecretsPart(page, ManualClock(NOW)))  # type: ignore[arg-type]
    part.show_secrets(())
    assert not part.isVisible()
    token = replace(KEY, id="sec_1", group="secret", purpose="Proves this pod to a network", name="local", state="kept")
    file = replace(token, id="sec_2", purpose=FILE, name="/srv/.token", last_used_at=NOW)
    part.show_secrets((token, file))
    part.setVisible(True)
    part._table.select("sec_1")
    assert not part.give_back.isEnabled()
    part._table.select("sec_2")
    assert part.give_back.isEnabled()
    press(part, "Forget…")
    sheet = page.sheet
    assert not sheet.confirm.isEnabled()
    sheet.field.set_value("forget")
    press(sheet, "Forget it")
    assert page.written == [("keys forget", {"key": "sec_2"})]
    press(part, "Write it back…")
    back = page.sheet
    back.file.set_value("/srv/again")
    assert back.start() == ("keys give-back", {"key": "sec_2", "to": "/srv/again"})
