"""Everything is looked through for garbage only while nobody uses the window."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from podadmin.core.clock import ManualClock
from podadmin.desktop.garbage import Garbage


class Knot:
    """Something that only a look through everything finds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)
    gc.enable()


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def old_knot() -> weakref.ref[Knot]:
    """A knot that has outlived the looks at what is new, and that nobody holds any more."""
    knot = Knot()
    found = weakref.ref(knot)
    gc.collect(1)
    del knot
    for _ in range(6):
        gc.collect(1)
    return found


def test_nothing_is_looked_through_while_the_window_is_used(collector: None, window: QWidget) -> None:
    clock = ManualClock(datetime(2026, 11, 21, tzinfo=UTC))
    garbage = Garbage(window, clock)
    clock.advance(60)
    assert not garbage.watch.watching, "not while things are still imported that will last"
    garbage.settle()
    knot = old_knot()
    clock.advance(4)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_A)
    clock.advance(4)
    garbage.watch.look()
    assert knot() is not None
    clock.advance(1)
    garbage.watch.look()
    assert knot() is None


def test_an_idle_window_does_not_look_again_and_again(collector: None, window: QWidget) -> None:
    clock = ManualClock(datetime(2026, 11, 21, tzinfo=UTC))
    garbage = Garbage(window, clock)
    garbage.settle()
    old_knot()
    clock.advance(5)
    garbage.watch.look()
    knot = Knot()
    found = weakref.ref(knot)
    gc.collect(1)
    del knot
    clock.advance(5)
    garbage.watch.look()
    assert found() is not None


def test_what_was_there_at_the_start_is_not_looked_through(collector: None, window: QWidget) -> None:
    knot = Knot()
    found = weakref.ref(knot)
    Garbage(window, ManualClock(datetime(2026, 11, 21, tzinfo=UTC))).settle()
    del knot
    gc.collect()
    assert found() is not None
    assert gc.isenabled()
