"""A second request is chosen from a list, and what is different is told, effects first; nothing is decided by it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.requests import Comparison, RequestPage
from podadmin.core.clock import ManualClock
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.pages.request_compare import ANOTHER, COMPARE, CompareSheet
from podadmin.desktop.pages.request_detail import RequestDetailView
from podadmin.desktop.session import Session
from podadmin.desktop.slices import complete
from tests.desktop import request_views as v
from tests.desktop.hands import texts


@pytest.fixture
def sheet(host: QWidget) -> CompareSheet:
    made = CompareSheet(host, Session(Dispatcher()), v.ROW)
    made.open()
    return made


def press(widget: QWidget, name: str) -> None:
    button = next(each for each in widget.findChildren(QPushButton) if each.text() == name and each.isVisible())
    QTest.keyClick(button, Qt.Key.Key_Space)
    QApplication.processEvents()


FOUND = Comparison(
    v.ROW,
    replace(v.ROW, id="req_2", task="Another task"),
    "1 thing that it does is different; 1 field is written differently.",
    (Fact("What it reads", "was: a\nnow: b", "warn"),),
    (Fact("protocol.algorithm.query", "was: x\nnow: y", "warn"),),
)


def test_the_list_holds_all_others_that_were_verified(sheet: CompareSheet) -> None:
    rows = (v.ROW, replace(v.ROW, id="req_2"), replace(v.ROW, id="req_3", verified="failed"))
    sheet.show_page(RequestPage(rows, 3, None, {}))
    assert [row.id for row in sheet.table.rows()] == ["req_2"]
    sheet.show_page(RequestPage((v.ROW,), 1, None, {}))
    assert "No other request" in texts(sheet)


def test_effects_come_first_and_another_can_be_chosen_by_keyboard(sheet: CompareSheet) -> None:
    sheet.show_page(RequestPage((replace(v.ROW, id="req_2"),), 1, None, {}))
    sheet.show_comparison(FOUND)
    words = texts(sheet)
    assert FOUND.words in words
    assert words.index("What it does differently") < words.index("How it is written differently")
    assert "was: a\nnow: b" in words
    focused = QApplication.focusWidget()
    assert isinstance(focused, QPushButton)
    assert focused.text() == ANOTHER
    press(sheet, ANOTHER)
    assert FOUND.words not in texts(sheet)
    assert sheet.table.isVisible()


def test_a_difference_that_is_none_shows_no_empty_blocks(sheet: CompareSheet) -> None:
    sheet.show_comparison(replace(FOUND, effects=(), fields=(), words="It is the same request."))
    words = texts(sheet)
    assert "It is the same request." in words
    assert "differently:" not in words
    assert "What it does differently" not in words


def test_the_page_asks_for_it_and_not_for_what_was_never_verified(host: QWidget) -> None:
    view = complete(RequestDetailView(ManualClock(v.NOW), host))
    view.setParent(host)
    view.show()
    wanted: list[str] = []
    view.compare_wanted.connect(lambda row: wanted.append(row.id))
    view.show_detail(v.HELD)
    press(view, COMPARE)
    assert wanted == [v.ROW.id]
    view.show_detail(v.NOT_VERIFIED)
    button = next(each for each in view.findChildren(QPushButton) if each.text() == COMPARE)
    assert not button.isEnabled()
    assert "was not verified" in button.accessibleDescription()


def test_the_sql_and_what_every_task_lets_out_are_said_apart(host: QWidget) -> None:
    view = complete(RequestDetailView(ManualClock(v.NOW), host))
    view.setParent(host)
    view.resize(1000, 800)
    view.show()
    effects = replace(v.EFFECTS, sql=("SELECT 1\nFROM t",), always=("Log lines.",))
    view.show_detail(replace(v.HELD, effects=effects, difference_words="2 things are different."))
    words = texts(view)
    assert "SELECT 1\nFROM t" in words
    assert "With every task of this network" in words
    assert words.index("What leaves the pod") < words.index("Log lines.")
    assert "2 things are different. Only what is listed here has changed" in words
