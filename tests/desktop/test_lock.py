"""The lock over the window: nothing is behind it that a picture or a screen reader could find, and drafts stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from podadmin.app.views.facts import Done
from podadmin.app.views.lock import LockView
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, Refused
from podadmin.core.secret import Secret
from podadmin.desktop.curtain import Curtain
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.lock import FIELD, LockPage, ProofSheet
from podadmin.desktop.page import Page
from podadmin.desktop.pages import PageEntry
from podadmin.desktop.seek import find, texts
from podadmin.desktop.session import Session
from podadmin.desktop.shell import Shell
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.text import PlainLabel

RIGHT = "nine quiet herons"
PATIENT = "Ward 7, patient 4711"
WRONG = BadInput("vault.passphrase-wrong", "It does not open.", "It is another.", "Give the right one.")
PROOF = Refused("lock.proof-needed", "Not yet.", "Prove it.", "Prove it.")


class Ward(Page):
    """A page with something on it that is nobody's business."""

    title = "Ward"
    help_text = "A page for tests."

    def build(self) -> None:
        self.draft = TextField("Draft")
        self.reads = 0
        self.body.addWidget(PlainLabel(PATIENT))
        self.body.addWidget(self.draft)

    def refresh(self) -> None:
        self.reads += 1


class House(Session):
    """Answers as the application would."""

    def __init__(self) -> None:
        self.dispatcher = Dispatcher()
        super().__init__(self.dispatcher)
        self.locked = False
        self.means = "passphrase"
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def read(
        self, owner: Any, act: str, arguments: Mapping[str, object], success: Any, failure: Any = None, *_: Any
    ) -> Any:  # type: ignore[override]
        self.asked.append((act, dict(arguments)))
        if act == "lock now":
            self.locked = True
        if act in {"lock unlock", "lock prove"} and self.means == "passphrase":
            given = arguments.get("passphrase")
            if not isinstance(given, Secret) or given.reveal() != RIGHT:
                failure(WRONG)
                return None
        if act == "lock unlock":
            self.locked = False
        if act.startswith("lock"):
            view = LockView(self.locked, None, self.means, "Words about the proof.", 15, "Gate is on")
            success(Done("Proved.") if act == "lock prove" else view)
        return None


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.dispatcher.close()


@pytest.fixture
def shell(qtbot: QtBot, house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    entry = PageEntry("Overview", "layout-dashboard", f"{__name__}:Ward")
    monkeypatch.setattr(PageEntry, "make", lambda _self, desk, sliced: Ward(desk))
    made = Shell(house, [entry])
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.go("Overview")
    made.read_on()
    yield made
    made.close()


def spoken(shell: Shell) -> str:
    """Every name and value that a screen reader could reach from the window."""
    found: list[str] = []

    def walk(thing: QAccessibleInterface) -> None:
        found.append(thing.text(QAccessible.Text.Name))
        found.append(thing.text(QAccessible.Text.Value))
        for number in range(thing.childCount()):
            child = thing.child(number)
            if child is not None:
                walk(child)

    top = QAccessible.queryAccessibleInterface(shell)
    assert top is not None
    walk(top)
    return " | ".join(found)


def page(shell: Shell) -> Ward:
    found = shell.current()
    assert isinstance(found, Ward)
    return found


def front(shell: Shell) -> LockPage:
    found = shell.centralWidget()
    assert isinstance(found, LockPage)
    return found


def test_nothing_is_behind_the_lock_and_everything_is_there_again_afterwards(shell: Shell, house: House) -> None:
    page(shell).draft.set_value("half a sentence")
    shell.setWindowTitle("St Mary – podadmin")
    assert PATIENT in " ".join(texts(shell))
    assert PATIENT in spoken(shell)
    before = shell.grab().toImage()
    QTest.keySequence(shell, "Ctrl+L")
    assert shell.locked
    for where in (" ".join(texts(shell)), spoken(shell)):
        assert PATIENT not in where
        assert "half a sentence" not in where
        assert "podadmin is locked" in where
    assert shell.windowTitle() == "podadmin"
    assert shell.grab().toImage() != before
    reads = page(shell).reads
    lock = front(shell)
    lock.proof.field.set_value(RIGHT)
    lock.proof.confirm.click()
    assert not shell.locked
    assert page(shell).draft.value() == "half a sentence"
    assert page(shell).reads == reads + 1
    assert PATIENT in spoken(shell)


def test_a_wrong_passphrase_is_said_and_leaves_the_field_at_once(shell: Shell, house: House) -> None:
    shell.lock_now()
    lock = front(shell)
    assert find(shell, FIELD, QLineEdit) is lock.proof.field.line
    assert lock.proof.field.line.echoMode() == QLineEdit.EchoMode.Password
    QTest.keyClicks(lock.proof.field.line, "ten loud herons")
    QTest.keyClick(lock.proof.field.line, Qt.Key.Key_Return)
    assert lock.proof.field.value() == ""
    assert not lock.proof.field.line.isUndoAvailable()
    assert "It does not open." in lock.proof.problem.text()
    assert shell.locked
    given = dict(house.asked)["lock unlock"]["passphrase"]
    assert "herons" not in repr(given)


def test_shortcuts_do_nothing_while_it_is_locked(shell: Shell, house: House) -> None:
    shell.lock_now()
    for keys in ("Ctrl+K", "Ctrl+1", "F1", "F5", "Alt+Left", "Ctrl+L"):
        QTest.keySequence(shell, keys)
    assert shell.open_sheet() is None
    assert sum(act == "lock now" for act, _ in house.asked) == 1


def test_without_anything_to_ask_it_opens_with_a_press_and_says_so(shell: Shell, house: House) -> None:
    house.means = "none"
    shell.lock_now()
    lock = front(shell)
    assert not lock.proof.field.isVisible()
    assert "Words about the proof." in " ".join(texts(shell))
    lock.proof.confirm.click()
    assert not shell.locked


def test_tab_stays_in_the_lock(shell: Shell) -> None:
    shell.lock_now()
    lock = front(shell)
    lock.proof.field.set_value("x")
    lock.proof.field.line.setFocus()
    seen = set()
    for _ in range(4):
        QTest.keyClick(shell, Qt.Key.Key_Tab)
        seen.add(shell.focusWidget())
    assert seen == {lock.proof.field.line, lock.proof.confirm}


def test_a_lock_that_another_process_asked_for_comes_and_goes(shell: Shell, house: House) -> None:
    house.locked = True
    curtain = shell._curtain
    assert curtain is not None
    curtain._read()
    assert shell.locked
    house.locked = False
    curtain._read()
    assert not shell.locked


def test_a_window_that_is_closed_while_it_is_locked_takes_everything_along(shell: Shell) -> None:
    shell.lock_now()
    shell.close()
    assert page(shell).window() is shell


def test_a_window_that_nobody_uses_is_locked_and_use_puts_it_off(
    qtbot: QtBot, shell: Shell, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock(datetime(2026, 11, 21, tzinfo=UTC))
    curtain = Curtain(shell, clock)
    monkeypatch.setattr(shell, "_curtain", curtain)
    clock.advance(14 * 60)
    curtain.watch.look()
    assert not shell.locked
    QTest.mouseMove(shell.windowHandle(), QPoint(40, 40))
    QTest.mouseMove(shell.windowHandle(), QPoint(50, 50))
    clock.advance(14 * 60)
    curtain.watch.look()
    assert not shell.locked
    assert curtain.watch.eventFilter(shell, QEvent(QEvent.Type.Paint)) is False
    clock.advance(60)
    curtain.watch.look()
    assert shell.locked
    assert ("lock now", {"why": "idle"}) in house.asked
    curtain.watch.set_minutes(0)
    clock.advance(10_000)
    curtain.watch.look()


def refused_first(house: House, shell: Shell) -> tuple[list[str], list[Any]]:
    """An act that needs a proof, as `Session` hands it to whoever asks."""
    went: list[str] = []
    failed: list[Any] = []
    assert house.prover is not None
    house.prover(lambda: went.append("again"), lambda: failed.append(PROOF))
    return went, failed


def test_a_guarded_act_asks_over_the_page_and_goes_on(shell: Shell, house: House) -> None:
    went, failed = refused_first(house, shell)
    sheet = shell.open_sheet()
    assert isinstance(sheet, ProofSheet)
    sheet.proof.field.set_value("wrong")
    sheet.proof.confirm.click()
    assert "It does not open." in sheet.proof.problem.text()
    sheet.proof.field.set_value(RIGHT)
    sheet.proof.confirm.click()
    assert (went, failed) == (["again"], [])
    assert shell.open_sheet() is None


def test_closing_the_question_gives_the_act_up(shell: Shell, house: House) -> None:
    went, failed = refused_first(house, shell)
    QTest.keyClick(shell.open_sheet(), Qt.Key.Key_Escape)
    assert (went, failed) == ([], [PROOF])


def test_an_act_that_was_refused_for_a_proof_comes_back_through_the_session(qtbot: QtBot) -> None:
    from podadmin.app.ops import Outcome

    dispatcher = Dispatcher()
    session = Session(dispatcher)
    outcomes = [Outcome(error=PROOF), Outcome(value="done")]

    class Ops:
        def write(self, _act: str, _arguments: object, done: Callable[[Outcome], None], *_: object) -> Any:
            done(outcomes.pop(0))
            return type("Job", (), {"cancel": lambda _self: None})()

    session._ops = Ops()  # type: ignore[assignment]
    asked: list[str] = []

    def prove(again: Callable[[], None], _give_up: Callable[[], None]) -> None:
        asked.append("asked")
        again()

    session.prover = prove
    owner = QLineEdit()
    qtbot.addWidget(owner)
    came: list[Any] = []
    job = session.write(owner, "backup make", {}, came.append, came.append, "Making a backup")
    qtbot.waitUntil(lambda: bool(came))
    assert (came, asked, job.done, session.jobs) == (["done"], ["asked"], True, [])
    dispatcher.close()
