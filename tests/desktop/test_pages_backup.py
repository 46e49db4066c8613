"""The part of Keys about backups: every state in words, and sheets that ask before anything is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.views.backup import BackupMade, BackupRow, BackupsView, BackupTried
from podadmin.app.views.handover import HandedOver
from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput
from podadmin.core.secret import Secret
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.page import Page
from podadmin.desktop.pages.backup import BackupPart
from podadmin.desktop.pages.backup_sheets import HandOver, MakeBackup, OpenBackup, WorkSheet
from podadmin.desktop.session import RunningJob, Session
from podadmin.desktop.theme import style
from podadmin.desktop.widgets.layout import column
from podadmin.desktop.widgets.prompt import InfoSheet
from podadmin.desktop.widgets.text import PlainLabel

WRONG = BadInput("backup.wrong-passphrase", "It does not open.", "It is another.", "Give the right one.")
NOW = SystemClock().now()


def row(name: str, state: str = "untested") -> BackupRow:
    words = {"untested": "Never tried", "tested": "Tried", "failed": "Failed"}[state]
    return BackupRow(
        name, NOW - timedelta(days=3), f"/mnt/stick/{name}", "passphrase", 490_000, "0" * 64, 12, None, state, words
    )  # fmt: skip


def view(*rows: BackupRow, tone: str = "warn", **more: Any) -> BackupsView:
    given = {"can_make": True, "can_restore": False, "waits": False, **more}
    return BackupsView(tone, "How it stands.", "Do this.", rows, **given)


class Acts(Session):
    """Does what a test says it does."""

    def __init__(self) -> None:
        self.dispatcher = Dispatcher()
        super().__init__(self.dispatcher)
        self.answers: dict[str, Any] = {"backup list": view()}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def read(
        self, _owner: Any, act: str, arguments: Mapping[str, object], success: Any, failure: Any = None, *_: Any
    ) -> Any:  # type: ignore[override]
        self.asked.append((act, dict(arguments)))
        answer = self.answers[act]
        (failure if isinstance(answer, Exception) else success)(answer)

    def write(
        self,
        owner: Any,
        act: str,
        arguments: Mapping[str, object],
        success: Any = None,
        failure: Any = None,
        title: str = "",
        *_: Any,
    ) -> Any:  # type: ignore[override]
        job = RunningJob(title)
        self.pending = lambda: self.read(owner, act, arguments, success, failure)
        return job


class Desk:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.sheet_host = QWidget()

    def go(self, page: str, subject: str = "") -> None: ...

    def say(self, text: str, tone: str = "good") -> None: ...

    def show_error(self, error: Any) -> None: ...


class Holder(Page):
    title = "Keys"

    def build(self) -> None:
        self.part = BackupPart(self)
        self.body.addWidget(self.part)


@pytest.fixture
def acts() -> Iterator[Acts]:
    made = Acts()
    yield made
    made.dispatcher.close()


@pytest.fixture
def page(qtbot: QtBot, acts: Acts) -> Holder:
    desk = Desk(acts)
    made = Holder(desk)
    desk.sheet_host.setLayout(column(made))
    style.dress(desk.sheet_host)
    qtbot.addWidget(desk.sheet_host)
    desk.sheet_host.resize(1000, 800)
    desk.sheet_host.show()
    qtbot.waitExposed(desk.sheet_host)
    made.part.refresh()
    made.state.show_content()
    return made


def seen(page: Holder) -> str:
    host = page.desk.sheet_host
    QApplication.processEvents()
    return " | ".join(label.raw() for label in host.findChildren(PlainLabel) if label.isVisible())


def sheet(page: Holder, kind: type[Any]) -> Any:
    (found,) = [each for each in page.desk.sheet_host.findChildren(kind) if each.isVisible()]
    return found


def test_without_keys_nothing_can_be_made_and_an_empty_profile_can_be_restored_into(page: Holder, acts: Acts) -> None:
    acts.answers["backup list"] = view(tone="plain", can_make=False, can_restore=True)
    page.part.refresh()
    assert not page.part.make.isEnabled()
    assert "make the pod first" in page.part.make.accessibleDescription()
    assert page.part.restore.isVisible()
    acts.answers["backup list"] = view(tone="plain", can_make=False, can_restore=True, waits=True)
    page.part.refresh()
    assert not page.part.restore.isVisible()
    assert "start it again" in seen(page)


def test_every_backup_says_whether_its_restore_was_tried(page: Holder, acts: Acts) -> None:
    acts.answers["backup list"] = view(row("one"), row("two", "tested"), row("three", "failed"), tone="bad")
    page.part.refresh()
    assert "What to do: Do this." in seen(page)
    assert len(page.part._table.rows()) == 3
    assert not page.part.restore.isVisible()
    acts.answers["backup list"] = WRONG
    page.part.refresh()
    assert "It does not open." in seen(page)


def test_a_backup_is_made_with_the_same_passphrase_twice_and_the_fields_forget_it(page: Holder, acts: Acts) -> None:
    page.part.make.click()
    asked = sheet(page, MakeBackup)
    assert not asked.confirm.isEnabled()
    asked.file.set_value("/mnt/stick/one.backup")
    asked.first.set_value("short")
    assert "12 characters" in asked.confirm.accessibleDescription()
    asked.first.set_value("nine quiet herons")
    asked.second.set_value("nine quiet heroes")
    assert "the same" in asked.confirm.accessibleDescription()
    asked.second.set_value("nine quiet herons")
    asked.confirm.click()
    assert [asked.first.value(), asked.second.value()] == ["", ""]
    assert not asked.confirm.isEnabled()
    acts.answers["backup make"] = WRONG
    acts.pending()
    assert "It does not open." in asked.problem.text()
    asked.first.set_value("nine quiet herons")
    asked.second.set_value("nine quiet herons")
    asked.confirm.click()
    acts.answers["backup make"] = BackupMade("b", "/mnt/stick/one.backup", 490_000, "0" * 64, 12, "passphrase")
    acts.pending()
    name, given = acts.asked[-2]
    assert (name, given["to"]) == ("backup make", "/mnt/stick/one.backup")
    assert isinstance(given["new_passphrase"], Secret)
    assert "was written and read back, up to entry 12" in seen(page)


def test_shares_are_asked_for_by_numbers_that_can_be_and_named_afterwards(page: Holder, acts: Acts) -> None:
    page.part.make.click()
    asked = sheet(page, MakeBackup)
    asked.file.set_value("/mnt/stick/one.backup")
    asked.kind.pick("shares")
    asked._pick("shares")
    asked.quorum.set_value("5")
    assert "than there are" in asked.confirm.accessibleDescription()
    asked.of.set_value("5")
    assert "folder" in asked.confirm.accessibleDescription()
    asked.folder.set_value("/mnt/shares")
    asked.confirm.click()
    acts.answers["backup make-shared"] = BackupMade("b", "x", 1, "0", 12, "5 of 5 shares", ("/mnt/shares/share-1",))
    acts.pending()
    assert acts.asked[-2] == (
        "backup make-shared",
        {"to": "/mnt/stick/one.backup", "shares_to": "/mnt/shares", "quorum": 5, "of": 5},
    )
    sheet(page, InfoSheet)
    assert "/mnt/shares/share-1" in seen(page)


def test_a_restore_is_tried_with_the_newest_backup_or_with_shares(page: Holder, acts: Acts) -> None:
    acts.answers["backup list"] = view(row("newest"), row("older"))
    page.part.refresh()
    page.part.test.click()
    asked = sheet(page, OpenBackup)
    assert asked.file.value() == "/mnt/stick/newest"
    assert asked.passphrase.line.echoMode() == QLineEdit.EchoMode.Password
    asked.kind.pick("shares")
    asked._pick("shares")
    assert "Add the shares" in asked.confirm.accessibleDescription()
    asked.share.set_value("/mnt/share-1.txt")
    asked.add.click()
    asked.words.set_value("acid acorn")
    asked.confirm.click()
    assert asked.words.value() == ""
    assert not asked.findChild(QPlainTextEdit).document().isUndoAvailable()
    acts.answers["backup test-shared"] = BackupTried("b", NOW, 12, 2, 1, "It can be restored.")
    acts.pending()
    name, given = acts.asked[-2]
    assert (name, given["share"], given["words"].reveal()) == ("backup test-shared", ["/mnt/share-1.txt"], "acid acorn")
    assert "2 keys and 1 secret, 12 journal entries" in seen(page)


def test_a_restore_asks_for_the_file_and_says_what_comes_next(page: Holder, acts: Acts) -> None:
    acts.answers["backup list"] = view(can_restore=True)
    page.part.refresh()
    page.part.restore.click()
    asked = sheet(page, OpenBackup)
    assert "two pods with one identity" in seen(page)
    asked.file.set_value("/mnt/stick/one.backup")
    asked.passphrase.set_value("nine quiet herons")
    asked.confirm.click()
    acts.answers["backup restore"] = BackupTried("b", NOW, 12, 2, 0, "Close podadmin and start it again.")
    acts.pending()
    assert acts.asked[-2][0] == "backup restore"
    assert "Close podadmin and start it again." in seen(page)


def test_the_key_is_handed_over_and_what_is_not_protected_is_said_before(page: Holder, acts: Acts) -> None:
    page.part.hand_over.click()
    asked = sheet(page, HandOver)
    assert "every program of your account" in seen(page)
    asked.storage.set_value("/srv/pod")
    asked.seconds.set_value("soon")
    assert "how many seconds" in asked.confirm.accessibleDescription()
    asked.seconds.set_value("90")
    asked.confirm.click()
    acts.answers["keys hand-over"] = HandedOver("clinic", True, True, 3.0, "The pod has read its key.", "In memory.")
    acts.pending()
    assert acts.asked[-1] == ("keys hand-over", {"storage": "/srv/pod", "user": "_default", "seconds": 90.0})
    assert "The pod has read its key. In memory." in seen(page)


def test_closing_a_sheet_stops_what_it_had_begun(page: Holder) -> None:
    page.part.hand_over.click()
    asked: WorkSheet = sheet(page, HandOver)
    asked.storage.set_value("/srv/pod")  # type: ignore[attr-defined]
    asked.confirm.click()
    job = asked._job
    assert job is not None
    asked.dismiss()
    assert job.cancelled
