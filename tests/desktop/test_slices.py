"""Work in turns: between two of them the window lives, and what is left can be ended, put off and taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from podadmin.desktop.page import Page
from podadmin.desktop.slices import Slices
from podadmin.desktop.widgets.text import PlainLabel
from tests.desktop.hands import Show, texts
from tests.desktop.held import Desk

LONG = 0.008
"""More than a turn may take: one piece of this length is a turn."""


def pieces(done: list[str], *names: str) -> Iterator[None]:
    for name in names:
        until = perf_counter() + LONG
        while perf_counter() < until:
            pass
        done.append(name)
        yield


def test_between_two_pieces_the_event_loop_has_its_turn(qtbot: QtBot) -> None:
    done: list[str] = []
    owner = QWidget()
    qtbot.addWidget(owner)

    def telling() -> Iterator[None]:
        for _ in pieces(done, "one", "two"):
            QTimer.singleShot(0, owner, lambda: done.append("somebody else"))
            yield

    slices = Slices(owner)
    slices.begin(telling(), lambda: done.append("over"))
    assert done == []
    assert slices.busy
    qtbot.waitUntil(lambda: "over" in done)
    assert not slices.busy
    assert done[:3] == ["one", "somebody else", "two"]


def test_what_begins_anew_ends_what_was_under_way(qtbot: QtBot) -> None:
    done: list[str] = []
    owner = QWidget()
    qtbot.addWidget(owner)
    slices = Slices(owner)

    def old() -> Iterator[None]:
        done.append("old")
        slices.begin(pieces(done, "new"), lambda: done.append("over"))
        yield
        done.append("never")

    slices.begin(old(), lambda: done.append("never"))
    qtbot.waitUntil(lambda: "over" in done)
    assert done == ["old", "new", "over"]


def test_a_piece_that_fails_ends_the_rest(qtbot: QtBot) -> None:
    def broken() -> Iterator[None]:
        yield
        raise ValueError("a piece")

    owner = QWidget()
    qtbot.addWidget(owner)
    done: list[str] = []
    slices = Slices(owner)
    slices.begin(broken(), lambda: done.append("never"))
    with qtbot.captureExceptions() as caught:
        qtbot.waitUntil(lambda: not slices.busy)
    assert [str(error) for _, error, _ in caught] == ["a piece"]
    assert done == []


class Slow(Page):
    title = "Slow"

    def build(self) -> Iterator[None]:
        self.log: list[str] = []
        for name in ("First card", "Second card", "Third card"):
            yield from pieces(self.log, name)
            self.body.addWidget(PlainLabel(name))

    def refresh(self) -> None:
        self.log.append("read")

    def open_subject(self, subject: str) -> None:
        self.log.append(f"opened {subject}")


@pytest.fixture
def slow(show: Show, host: QWidget) -> Slow:
    return show(Slow(Desk(host), sliced=True))


def test_a_page_reads_and_opens_when_its_last_card_is_there(qtbot: QtBot, slow: Slow) -> None:
    slow.arrive("one thing")
    assert "Loading slow" in texts(slow)
    slow.arrive("another thing")
    qtbot.waitUntil(lambda: slow.ready)
    assert slow.log == ["First card", "Second card", "Third card", "read", "opened another thing"]
    assert "Third card" in texts(slow)


def test_a_page_that_is_left_goes_on_when_somebody_comes_back(qtbot: QtBot, slow: Slow) -> None:
    slow.hide()
    turns: list[str] = []
    for turn in ("one", "two", "three"):
        QTimer.singleShot(0, slow, lambda turn=turn: turns.append(turn))
        qtbot.waitUntil(lambda turn=turn: turn in turns)
    made = list(slow.log)
    assert len(made) < 3
    assert not slow.ready
    slow.show()
    slow.arrive()
    qtbot.waitUntil(lambda: slow.ready)
    assert slow.log == ["First card", "Second card", "Third card", "read"]


def test_without_a_window_a_page_is_complete_at_once(show: Show, host: QWidget) -> None:
    page = show(Slow(Desk(host)))
    assert page.ready
    assert "Third card" in texts(page)
