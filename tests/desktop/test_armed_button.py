"""Rule 4: a prompt cannot be tricked. Every clause of it, on the one button that approves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from podadmin.desktop.widgets.armed import ARM_MS, ArmedButton
from podadmin.desktop.widgets.prompt import Sheet

TICKS = 24
NEVER = 24_000_000


class Stage:
    """A window with a line and an approve button whose time is driven by hand."""

    def __init__(self, qtbot: QtBot) -> None:
        self.decided: list[str] = []
        self.window = QDialog()
        layout = QVBoxLayout(self.window)
        self.button = ArmedButton("Approve once", lambda: self.decided.append("approved"), arm_ms=NEVER)
        self.line = QLineEdit()
        self.line.setAccessibleName("Note")
        layout.addWidget(self.button)
        layout.addWidget(self.line)
        qtbot.addWidget(self.window)
        self.window.show()
        qtbot.waitExposed(self.window)
        self.window.activateWindow()
        QApplication.processEvents()

    def arm(self) -> None:
        for _ in range(TICKS):
            self.button.tick()

    def click(self) -> None:
        QTest.mouseClick(self.button, Qt.MouseButton.LeftButton)


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    made = Stage(qtbot)
    yield made
    made.window.close()


def test_it_takes_one_point_two_seconds() -> None:
    assert ARM_MS == 1200


def test_real_time_arms_it(qtbot: QtBot) -> None:
    button = ArmedButton("Approve once", arm_ms=TICKS)
    qtbot.addWidget(button)
    button.show()
    with qtbot.waitSignal(button.armed_changed):
        pass
    assert button.armed


def test_a_press_before_it_is_armed_does_nothing(stage: Stage) -> None:
    for _ in range(TICKS - 1):
        stage.button.tick()
    stage.click()
    assert stage.decided == []


def test_a_press_after_it_is_armed_approves_once(stage: Stage) -> None:
    stage.arm()
    stage.click()
    assert stage.decided == ["approved"]


def test_a_press_that_began_before_arming_and_ended_after_does_nothing(stage: Stage) -> None:
    QTest.mousePress(stage.button, Qt.MouseButton.LeftButton)
    stage.arm()
    QTest.mouseRelease(stage.button, Qt.MouseButton.LeftButton)
    assert stage.decided == []


def test_it_is_never_the_default_button(stage: Stage) -> None:
    stage.button.setDefault(True)
    stage.button.setAutoDefault(True)
    assert not stage.button.isDefault()
    assert not stage.button.autoDefault()
    stage.arm()
    stage.line.setFocus()
    QTest.keyClick(stage.line, Qt.Key.Key_Return)
    assert stage.decided == []


def test_it_is_not_focused_first(stage: Stage) -> None:
    assert stage.window.focusWidget() is not stage.button
    assert stage.button.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_even_a_program_cannot_focus_it_before_it_is_armed(stage: Stage) -> None:
    stage.button.setFocus()
    QApplication.processEvents()
    assert not stage.button.hasFocus()


def test_the_keyboard_reaches_it_once_it_is_armed(stage: Stage) -> None:
    stage.arm()
    stage.line.setFocus()
    QTest.keyClick(stage.line, Qt.Key.Key_Tab)
    assert stage.button.hasFocus()


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape, Qt.Key.Key_Select])
@pytest.mark.parametrize("armed", [False, True])
def test_enter_and_escape_never_approve(stage: Stage, key: Qt.Key, armed: bool) -> None:
    if armed:
        stage.arm()
        stage.button.setFocus()
    QTest.keyClick(stage.button, key)
    assert stage.decided == []


def test_space_before_it_is_armed_does_nothing(stage: Stage) -> None:
    QTest.keyClick(stage.button, Qt.Key.Key_Space)
    assert stage.decided == []


def test_space_pressed_anew_after_arming_approves(stage: Stage) -> None:
    stage.arm()
    stage.button.setFocus()
    QTest.keyClick(stage.button, Qt.Key.Key_Space)
    assert stage.decided == ["approved"]


def test_space_held_down_while_it_arms_does_nothing(stage: Stage) -> None:
    def key(kind: QEvent.Type, repeated: bool) -> None:
        event = QKeyEvent(kind, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier, " ", repeated)
        QApplication.sendEvent(stage.button, event)

    key(QEvent.Type.KeyPress, False)
    stage.arm()
    for _ in range(5):
        key(QEvent.Type.KeyRelease, True)
        key(QEvent.Type.KeyPress, True)
    key(QEvent.Type.KeyRelease, False)
    assert stage.decided == []


def test_hiding_starts_the_time_again(stage: Stage) -> None:
    stage.arm()
    stage.button.hide()
    stage.button.show()
    assert not stage.button.armed
    stage.click()
    assert stage.decided == []


def test_other_content_starts_the_time_again(stage: Stage) -> None:
    stage.arm()
    stage.button.setFocus()
    stage.button.rearm()
    assert not stage.button.armed
    assert not stage.button.hasFocus()
    stage.click()
    assert stage.decided == []


@pytest.mark.parametrize("kind", [QEvent.Type.WindowActivate, QEvent.Type.WindowDeactivate])
def test_a_window_that_comes_to_the_front_starts_the_time_again(stage: Stage, kind: QEvent.Type) -> None:
    stage.arm()
    QApplication.sendEvent(stage.window, QEvent(kind))
    assert not stage.button.armed


def test_time_does_not_count_while_it_cannot_be_seen(qtbot: QtBot) -> None:
    area = QScrollArea()
    page = QWidget()
    page.setMinimumHeight(4000)
    layout = QVBoxLayout(page)
    layout.addStretch(1)
    button = ArmedButton("Approve once", arm_ms=NEVER)
    layout.addWidget(button)
    area.setWidget(page)
    area.setWidgetResizable(True)
    area.resize(300, 200)
    qtbot.addWidget(area)
    area.show()
    qtbot.waitExposed(area)
    for _ in range(TICKS):
        button.tick()
    assert not button.armed
    area.ensureWidgetVisible(button)
    for _ in range(TICKS):
        button.tick()
    assert button.armed


def test_where_it_may_not_be_pressed_it_says_why_and_never_arms(stage: Stage) -> None:
    stage.button.set_permit(False, "The signature <b>could not</b> be verified.")
    stage.arm()
    assert not stage.button.isEnabled()
    assert not stage.button.armed
    assert stage.button.accessibleDescription() == "The signature <b>could not</b> be verified."
    assert "&lt;b&gt;" in stage.button.toolTip()
    QTest.mouseClick(stage.button, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    stage.button.click()
    assert stage.decided == []


def test_being_allowed_again_starts_the_time_again(stage: Stage) -> None:
    stage.arm()
    stage.button.set_permit(False, "No.")
    stage.button.set_permit(True)
    assert not stage.button.armed


def test_an_assistive_tool_waits_like_everyone(stage: Stage) -> None:
    stage.button.click()
    assert stage.decided == []
    stage.arm()
    stage.button.click()
    assert stage.decided == ["approved"]


def test_the_button_shows_that_it_arms(stage: Stage) -> None:
    stage.button.tick()
    early = stage.button.grab().toImage()
    for _ in range(10):
        stage.button.tick()
    assert stage.button.grab().toImage() != early
    assert "waits" in stage.button.accessibleDescription()
    stage.arm()
    assert stage.button.accessibleDescription() == ""


def test_time_does_not_count_while_a_sheet_lies_over_it(stage: Stage) -> None:
    sheet = Sheet(stage.window, "A question")
    sheet.open()
    stage.arm()
    assert not stage.button.armed
    sheet.dismiss()
    stage.arm()
    assert stage.button.armed


def test_a_sheet_that_opens_over_an_armed_button_starts_the_time_again(stage: Stage) -> None:
    stage.arm()
    sheet = Sheet(stage.window, "A question")
    sheet.open()
    assert not stage.button.armed
    sheet.dismiss()
    stage.click()
    assert stage.decided == []
