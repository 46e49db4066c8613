"""The driver does what a person could do, and nothing else; when it cannot, it says at which line and what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QListWidget, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from podadmin.desktop.driver import Driver, ScriptError, parse
from podadmin.desktop.theme import style
from podadmin.desktop.widgets.buttons import ArmedButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.form import CheckField, ChoiceField, LongField, PathField, TextField
from podadmin.desktop.widgets.layout import column
from podadmin.desktop.widgets.prompt import ReasonPrompt
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel


class Room(QMainWindow):
    """A window with one of everything."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []
        self.name = TextField("Name & title")
        self.note = LongField("Note")
        self.kind = ChoiceField("Kind", [("csv", "CSV"), ("pq", "Parquet")])
        self.check = CheckField("Show real values")
        self.path = PathField("Location")
        self.go = PrimaryButton("Go on", self._went)
        self.shut = QuietButton("Shut")
        self.shut.set_permit(False, "The keyring is locked.")
        self.ask = QuietButton("Refuse…", self._ask)
        self.armed = ArmedButton("Approve once", lambda: self.log.append("approved"), arm_ms=48)
        self.table = RowTable("Requests", [Column("Task", str)], row_key=str)
        self.table.set_rows([f"request {n}" for n in range(60)])
        self.table.picked.connect(lambda row: self.log.append(f"picked {row}"))
        self.table.opened.connect(lambda row: self.log.append(f"opened {row}"))
        self.label = PlainLabel("Waiting")
        self.centre = QWidget()
        self.centre.setLayout(
            column(
                self.name, self.note, self.kind, self.check, self.path, self.go, self.shut, self.ask, self.armed,
                self.label, self.table,
            )
        )  # fmt: skip
        self.setCentralWidget(self.centre)
        self.resize(900, 1000)

    def _went(self) -> None:
        self.log.append(f"went {self.name.value()} {self.kind.value()} {self.check.value()}")
        QTimer.singleShot(50, self, lambda: self.label.setText("Arrived at last"))

    def _ask(self) -> None:
        ReasonPrompt(self.centre, "Refuse it", "Why?", "Refuse now", lambda r: self.log.append(f"refused {r}")).open()


@pytest.fixture
def room(qtbot: QtBot) -> Iterator[Room]:
    made = Room()
    style.dress(made)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def play(qtbot: QtBot, room: QMainWindow, script: str, patience: float = 0.3) -> str:
    driver = Driver(room, patience=patience)
    with qtbot.waitSignal(driver.finished, timeout=20_000) as blocker:
        driver.run(script)
    driver.deleteLater()
    assert blocker.args is not None
    return str(blocker.args[0])


def test_it_fills_a_form_and_presses_on(qtbot: QtBot, room: Room) -> None:
    problem = play(
        qtbot,
        room,
        """
        # a comment
        type "Name & title" "Anna's pod"
        type Name&nothing x
        """.replace("type Name&nothing x", "type Note 'two words'")
        + """
        choose Kind Parquet
        check "Show real values"
        check "Show real values"
        type Location /data/flights.csv
        click "Go on"
        wait "arrived AT last" 5
        expect "two words"
        """,
        5,
    )
    assert problem == ""
    assert room.log == ["went Anna's pod pq True"]
    assert room.note.value() == "two words"
    assert room.path.value() == "/data/flights.csv"


def test_typing_replaces_what_was_there(qtbot: QtBot, room: Room) -> None:
    assert play(qtbot, room, 'type "Name & title" first\ntype "Name & title" second') == ""
    assert room.name.value() == "second"


def test_what_is_disabled_cannot_be_pressed_and_says_why(qtbot: QtBot, room: Room) -> None:
    problem = play(qtbot, room, "\nclick Shut")
    assert problem == "line 2: click Shut: 'Shut' is disabled: The keyring is locked."


def test_what_is_not_there_is_named_with_what_is(qtbot: QtBot, room: Room) -> None:
    problem = play(qtbot, room, 'click "Go away"')
    assert problem.startswith("line 1: click 'Go away': there is no 'Go away' to see; there are: ")
    assert "'Go on'" in problem


def test_hidden_things_are_not_found(qtbot: QtBot, room: Room) -> None:
    room.go.hide()
    assert "there is no 'Go on'" in play(qtbot, room, 'click "Go on"')


def test_a_sheet_hides_the_window_under_it(qtbot: QtBot, room: Room) -> None:
    problem = play(qtbot, room, 'click Refuse…\nclick "Go on"')
    assert problem.startswith("line 2: click 'Go on': there is no 'Go on' to see")
    assert room.log == []


def test_it_answers_a_sheet(qtbot: QtBot, room: Room) -> None:
    script = 'click Refuse…\nexpect-disabled "Refuse now"\ntype Reason "too much"\nclick "Refuse now"\nwait-gone "Why?"'
    assert play(qtbot, room, script) == ""
    assert room.log == ["refused too much"]


def test_it_waits_for_the_approve_button_like_everyone(qtbot: QtBot, room: Room) -> None:
    script = 'wait-enabled "Approve once" 10\nclick "Approve once"'
    assert play(qtbot, room, script, 5) == ""
    assert room.log == ["approved"]


def test_an_approve_press_too_early_does_nothing(qtbot: QtBot, room: Room) -> None:
    room.armed.rearm()
    room.armed._timer.stop()
    assert play(qtbot, room, 'click "Approve once"\nexpect-not approved') == ""
    assert room.log == []


def test_rows_are_picked_and_opened(qtbot: QtBot, room: Room) -> None:
    assert play(qtbot, room, 'select-row "request 3"\nopen-row "request 58"') == ""
    assert room.log == ["picked request 3", "picked request 58", "opened request 58"]
    assert "no row contains 'nothing'" in play(qtbot, room, "select-row nothing")


def test_what_a_list_says_is_read(qtbot: QtBot, room: Room) -> None:
    found = QListWidget(room)
    found.addItems(["Overview", "Time to decide"])
    found.resize(200, 200)
    found.show()
    assert play(qtbot, room, 'wait "Time to decide"\nselect-row "Time to decide"') == ""
    assert found.currentRow() == 1


def test_keys_go_where_the_keyboard_is(qtbot: QtBot, room: Room) -> None:
    assert play(qtbot, room, 'click Refuse…\nkey Escape\nwait-gone "Refuse it"') == ""
    assert "no such key" in play(qtbot, room, "key ''")


def test_expectations_fail_with_what_can_be_read(qtbot: QtBot, room: Room) -> None:
    problem = play(qtbot, room, "expect Arrived")
    assert problem.startswith("line 1: expect Arrived: 'Arrived' is not there; to be read:")
    assert "Waiting" in problem
    assert play(qtbot, room, "expect-not Waiting") == "line 1: expect-not Waiting: 'Waiting' is there"
    assert "has not come" in play(qtbot, room, "wait Godot 0.05")
    assert "is still there" in play(qtbot, room, "wait-gone Waiting 0.05")
    assert "it is enabled" in play(qtbot, room, 'expect-disabled "Go on"')
    assert "it is disabled" in play(qtbot, room, "expect-enabled Shut")


def test_a_page_is_not_looked_at_between_a_part_that_is_put_into_it_and_its_showing(qtbot: QtBot, room: Room) -> None:
    driver, told = Driver(room), []
    driver.finished.connect(told.append)
    driver.run("expect 'It came'")
    layout = room.centre.layout()
    assert layout is not None
    late = PlainLabel("It came")
    layout.addWidget(late)
    assert not late.isVisible()
    turns = driver.findChildren(QTimer, options=Qt.FindChildOption.FindDirectChildrenOnly)
    for turn in turns * 2:
        turn.timeout.emit()  # before anything else becomes due
    assert told == [""]


def test_choices_name_what_there_is(qtbot: QtBot, room: Room) -> None:
    assert "'XML' is not among 'CSV', 'Parquet'" in play(qtbot, room, "choose Kind XML")


def test_a_picture_is_of_the_window(qtbot: QtBot, room: Room, tmp_path: Path) -> None:
    from PySide6.QtGui import QImage

    file = tmp_path / "room.png"
    assert play(qtbot, room, f"size 960 720\npicture {file}") == ""
    assert QImage(str(file)).size().toTuple() == (960, 720)
    assert "cannot be written" in play(qtbot, room, f"picture {tmp_path}/no/such/folder.png")


def test_pictures_are_the_same_every_time(qtbot: QtBot, room: Room, tmp_path: Path) -> None:
    assert play(qtbot, room, 'type "Name & title" x\nwait-enabled "Approve once" 10', 5) == ""
    for n in (1, 2):
        assert play(qtbot, room, f"picture {tmp_path}/{n}.png") == ""
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_a_stall_is_noticed(qtbot: QtBot, room: Room) -> None:
    def stall() -> None:
        from time import thread_time

        until = thread_time() + 0.2
        while thread_time() < until:
            pass

    room.go.clicked.connect(stall)
    assert "stood still for" in play(qtbot, room, 'click "Go on"\nwait arrived 5\nexpect-no-stall 50', 5)
    assert "worked up to" in play(qtbot, room, 'click "Go on"\nwait arrived 5\nexpect-no-stall 60000 50', 5)
    assert play(qtbot, room, 'click "Go on"\nwait arrived 5\nexpect-no-stall 60000', 5) == ""


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("fly away", "line 1: fly: no such step"),
        ("\n\nclick", "line 3: click: needs 1 to 2 words"),
        ('click "open', 'line 1: click "open: No closing quotation'),
        ("size 1", "line 1: size 1: needs 2 to 2 words"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused_before_it_begins(
    qtbot: QtBot, room: Room, script: str, words: str
) -> None:
    with pytest.raises(ScriptError, match="line"):
        parse(script)
    assert play(qtbot, room, script).startswith(words)
    assert room.log == []


def test_quit_ends_the_script_there(qtbot: QtBot, room: Room) -> None:
    assert play(qtbot, room, 'quit\nclick "Go on"') == ""
    assert room.log == []


def test_a_window_without_themes_says_so(qtbot: QtBot, room: Room) -> None:
    assert "no such theme" in play(qtbot, room, "theme dark")


@pytest.mark.parametrize("keys", ["Alt+Left", "Ctrl+1", "Ctrl+K", "F1"])
def test_shortcuts_of_the_window_are_pressed(qtbot: QtBot, room: Room, keys: str) -> None:
    QShortcut(QKeySequence(keys), room).activated.connect(lambda: room.log.append(keys))
    assert play(qtbot, room, f"key {keys}", 5) == ""
    assert room.log == [keys]
