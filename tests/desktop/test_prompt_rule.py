"""Rule 4 of the design, clause by clause where it is not about the button itself (see `test_armed_button`).

Closing decides nothing, and time that runs out never allows: neither on the screen nor behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
from pytestqt.qtbot import QtBot
from sqlalchemy import func, select

from podadmin.core.clock import ManualClock
from podadmin.desktop.pages import request_notices
from podadmin.journal.records import Journal
from podadmin.requests import service
from podadmin.requests.records import decision, grant
from podadmin.requests.service import Captured, Opening
from podadmin.requests.state import State
from podadmin.store.engine import Store
from tests.desktop import request_views as v
from tests.desktop.test_pages_requests import Bench

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    made = Bench(qtbot)
    qtbot.addWidget(made.window)
    made.view.show_detail(v.HELD)
    made.arm()
    assert made.view.bar.approve.armed
    return made


def test_closing_the_window_decides_nothing(bench: Bench) -> None:
    bench.window.close()
    QApplication.processEvents()
    assert bench.decided == []


def test_leaving_the_request_decides_nothing_and_it_has_to_be_armed_anew(bench: Bench) -> None:
    bench.view.hide()
    bench.view.show()
    QApplication.processEvents()
    assert bench.decided == []
    assert not bench.view.bar.approve.armed


def test_escape_decides_nothing_wherever_the_keyboard_is(bench: Bench) -> None:
    for button in (bench.view.bar.approve, bench.view.bar.refuse, bench.view):
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Escape)
    assert bench.decided == []


def test_time_that_runs_out_on_the_screen_approves_nothing(bench: Bench) -> None:
    bench.clock.advance(3600)
    for _ in range(3):
        bench.arm()
    assert bench.decided == []


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Store, ManualClock, str]]:
    clock = ManualClock(NOW)
    store = Store.open(tmp_path / "podadmin.db", Journal(clock))
    name = service.capture(store, clock, Captured("local", "task", 2, "lab", b"wire", b"body", "d" * 64, NOW, 300.0))
    assert name is not None
    words = ("lab", "SQL", "patients", "study", "low", "verified", "f" * 64, "hold", "decide.hold", "Waiting")
    service.record_opening(store, clock, name, Opening(*words, True, {}, "s" * 64))
    yield store, clock, name
    store.close()


@pytest.mark.parametrize("seconds", [301, 86_400, 400 * 86_400])
def test_time_that_runs_out_behind_the_screen_allows_nothing(
    held: tuple[Store, ManualClock, str], seconds: int
) -> None:
    store, clock, name = held
    clock.advance(seconds)
    for _ in range(3):
        service.lapse_due(store, clock)
        assert service.next_to_deliver(store, clock, 1e9, 30) is None
    assert service.find(store, name).row.state == State.LAPSED
    with store.read() as connection:
        for table in (decision, grant):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_a_notification_has_no_markup_and_a_press_on_it_only_opens(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    opened: list[bool] = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", lambda: True)
    monkeypatch.setattr(QSystemTrayIcon, "supportsMessages", lambda: True)
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _icon, title, words, *_: told.append((title, words)))
    tray = request_notices.Tray(lambda: opened.append(True))
    tray.show_message("<b>lab</b> & co waits", 'Rows leave. <a href="x">Until 10:05</a> &#8238;')
    assert told == [("‹b›lab‹/b› + co waits", 'Rows leave. ‹a href="x"›Until 10:05‹/a› +#8238;')]
    icon = tray.findChild(QSystemTrayIcon)
    assert isinstance(icon, QSystemTrayIcon)
    icon.messageClicked.emit()
    assert opened == [True]
    tray.deleteLater()
