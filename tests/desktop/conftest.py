"""Interface tests: offscreen, the bundled fonts, and nothing may be left behind."""

from __future__ import annotations

import os

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import gc
from collections.abc import Iterator
from functools import partialmethod
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QThread, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete, isValid

from podadmin.desktop.theme import style
from podadmin.desktop.widgets import accessible
from tests.desktop.hands import Show, W

_kept: list[QWidget] = []


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["podadmin"]


@pytest.fixture(scope="session", autouse=True)
def _patient() -> Iterator[None]:
    """What is waited for may take as long as a busy machine needs; widgets last until their test is torn down.

    The plugin paints once more when the function of a test has returned. A widget that only refers to itself by then
    would be collected whenever the collector comes, in the middle of its own paint too.
    """
    real = QtBot.addWidget

    def add(bot: QtBot, widget: QWidget, **given: Any) -> None:
        real(bot, widget, **given)
        _kept.append(widget)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QtBot, "addWidget", add)
        for name in ("waitUntil", "waitSignal"):
            patch.setattr(QtBot, name, partialmethod(getattr(QtBot, name), timeout=60_000))
        yield


@pytest.fixture(autouse=True)
def _dressed(qapp: QApplication) -> None:
    qapp.setStyle("Fusion")
    style.load_fonts()
    accessible.install()
    style.apply("light")


@pytest.fixture(autouse=True)
def _nothing_left(qapp: QApplication, _dressed: None) -> Iterator[None]:
    """Fails a test that leaves a thread, a running timer or a top-level widget, and names it."""
    before = {id(thing) for thing in _living(qapp)}
    yield
    _kept.clear()
    gc.collect()
    for _ in range(3):
        qapp.processEvents()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [thing for thing in _living(qapp) if id(thing) not in before]
    names = [f"{type(thing).__name__} {thing.objectName()!r}" for thing in left]
    assert not left, f"left behind: {names}"


@pytest.fixture
def show(qapp: QApplication) -> Iterator[Show]:
    """Puts a widget on screen and takes it away after the test."""
    shown: list[QWidget] = []

    def put(widget: W) -> W:
        widget.resize(1000, 900)
        widget.show()
        shown.append(widget)
        qapp.processEvents()
        return widget

    yield put
    for widget in shown:
        delete(widget)
        vars(widget).clear()


@pytest.fixture
def host(show: Show) -> QWidget:
    """A widget on screen, over which sheets open."""
    return show(QWidget())


def _living(app: QApplication) -> list[QObject]:
    found: list[QObject] = list(app.topLevelWidgets())
    for thing in gc.get_objects():
        if isinstance(thing, (QThread, QTimer)) and isValid(thing):
            running = thing.isRunning() if isinstance(thing, QThread) else thing.isActive()
            if running and thing is not app.thread():
                found.append(thing)
    return found
