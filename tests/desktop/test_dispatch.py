"""What other threads say reaches the Qt thread: in order, only while somebody listens, and never after closing."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThread
from pytestqt.qtbot import QtBot

from podadmin.desktop.dispatch import Dispatcher


@pytest.fixture
def dispatcher(qtbot: QtBot) -> Iterator[Dispatcher]:
    made = Dispatcher()
    yield made
    made.close()


def in_thread(act: object) -> threading.Thread:
    assert callable(act)
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_it_runs_on_the_qt_thread_in_order(dispatcher: Dispatcher, qtbot: QtBot) -> None:
    owner, seen, threads = QObject(), [], set()

    def note(n: int) -> None:
        seen.append(n)
        threads.add(QThread.currentThread())

    def talk() -> None:
        for n in range(2000):
            dispatcher.post(owner, lambda n=n: note(n))

    thread = in_thread(talk)
    qtbot.waitUntil(lambda: len(seen) == 2000)
    thread.join()
    assert seen == list(range(2000))
    assert threads == {owner.thread()}


def test_floods_from_many_threads_lose_nothing(dispatcher: Dispatcher, qtbot: QtBot) -> None:
    owner, seen = QObject(), []

    def talk() -> None:
        for n in range(500):
            dispatcher.post(owner, lambda n=n: seen.append(n))

    threads = [in_thread(talk) for _ in range(8)]
    qtbot.waitUntil(lambda: len(seen) == 4000)
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted(list(range(500)) * 8)


def test_a_deleted_owner_is_not_called(dispatcher: Dispatcher, qtbot: QtBot) -> None:
    owner, other, seen = QObject(), QObject(), []
    dispatcher.post(owner, lambda: seen.append("deleted"))
    dispatcher.post(other, lambda: seen.append("alive"))
    import shiboken6

    shiboken6.delete(owner)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == ["alive"]


def test_closing_drops_what_waits_and_takes_nothing_more(dispatcher: Dispatcher, qtbot: QtBot, qapp: object) -> None:
    owner, seen = QObject(), []
    for n in range(20):
        dispatcher.post(owner, lambda n=n: seen.append(n))
    dispatcher.close()
    dispatcher.post(owner, lambda: seen.append("late"))
    probe = Dispatcher()
    done: list[bool] = []
    probe.post(owner, lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    assert seen == []


def test_an_act_that_fails_does_not_stop_the_others(dispatcher: Dispatcher, qtbot: QtBot) -> None:
    owner, seen = QObject(), []

    def fail() -> None:
        raise ValueError("a defect")

    with qtbot.captureExceptions() as caught:
        dispatcher.post(owner, fail)
        dispatcher.post(owner, lambda: seen.append(1))
        qtbot.waitUntil(lambda: seen == [1])
    assert [kind for kind, _, _ in caught] == [ValueError]


def test_a_flood_leaves_room_for_the_window(dispatcher: Dispatcher, qtbot: QtBot) -> None:
    from podadmin.desktop.watchdog import Watchdog

    owner, seen = QObject(), []

    def work() -> None:
        seen.append(sum(range(20_000)))

    dog = Watchdog()
    for _ in range(1000):
        dispatcher.post(owner, work)
    qtbot.waitUntil(lambda: len(seen) == 1000, timeout=20_000)
    dog.stop()
    assert dog.worst_busy < 50
