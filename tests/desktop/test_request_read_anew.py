"""A request that changes while it is looked at: what is shown in the end is what it is, whatever answer comes last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.ops import Job, Outcome
from podadmin.app.views.facts import Permit
from podadmin.app.views.requests import RequestDetail
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.pages.requests import RequestsPage
from podadmin.desktop.session import Session
from tests.desktop import request_views as v
from tests.desktop.hands import Show, texts
from tests.desktop.held import Desk, Held

TOLD = replace(v.HELD.history[0], seq=99, words="The requester was told")
NEWER = replace(v.HELD, history=(*v.HELD.history, TOLD))


@pytest.fixture
def page(qtbot: QtBot, show: Show, host: QWidget) -> Iterator[RequestsPage]:
    made = show(RequestsPage(Desk(host), sliced=True))
    qtbot.waitUntil(lambda: made.ready)
    made.open_subject(v.HELD.row.id)
    yield made
    made.hide()


def session(page: RequestsPage) -> Held:
    found = page.session
    assert isinstance(found, Held)
    return found


def told(detail: RequestDetail, page: RequestsPage) -> bool:
    return page.view.complete and [row.seq for row in page.view.history.rows()] == [each.seq for each in detail.history]


def test_what_would_have_allowed_it_does_not_cut_off_a_request_that_is_being_shown_anew(
    qtbot: QtBot, page: RequestsPage
) -> None:
    held = session(page)
    held.answer("requests show", v.HELD)
    qtbot.waitUntil(lambda: held.waits("requests why-not") == 1)
    page.refresh()
    held.answer("requests show", NEWER)
    assert page.busy
    held.answer("requests why-not", None)
    qtbot.waitUntil(lambda: told(NEWER, page))
    qtbot.waitUntil(lambda: held.waits("requests why-not") == 1)


def test_what_was_asked_sooner_and_comes_later_is_older(qtbot: QtBot, page: RequestsPage) -> None:
    held = session(page)
    page.refresh()
    held.answer("requests show", NEWER, which=1)
    held.answer("requests show", v.HELD)
    qtbot.waitUntil(lambda: not page.busy)
    assert told(NEWER, page)


def test_what_was_asked_before_a_decision_does_not_take_its_outcome_away(qtbot: QtBot, page: RequestsPage) -> None:
    held = session(page)
    page._decided(NEWER)
    held.answer("requests show", v.HELD)
    qtbot.waitUntil(lambda: told(NEWER, page))
    newest = replace(NEWER, history=(*NEWER.history, replace(TOLD, seq=100)))
    held.answer("requests show", newest)
    qtbot.waitUntil(lambda: told(newest, page))


def test_after_a_decision_one_stands_before_what_became_of_it_and_not_in_the_sidebar(
    qtbot: QtBot, page: RequestsPage
) -> None:
    held = session(page)
    held.answer("requests show", v.HELD)
    qtbot.waitUntil(lambda: told(v.HELD, page))
    places = [QPushButton(name, page) for name in ("Here", "There")]
    for each in places:
        each.show()
    with qtbot.waitActive(page.window()):
        page.window().activateWindow()
    bar, area = page.view.bar, page.view.findChild(QScrollArea)
    assert area is not None
    for moved_on in (True, False):
        bar.again()
        bar.refuse.setFocus()
        bar.wait()
        area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
        fell = QApplication.focusWidget()
        assert fell is not bar.refuse
        elsewhere = next(each for each in places if each is not fell)
        if moved_on:
            elsewhere.setFocus()
        page._decided(NEWER)
        assert area.verticalScrollBar().value() == 0
        assert elsewhere.hasFocus() is moved_on
        assert page._back.hasFocus() is not moved_on


def test_a_rule_that_is_made_meanwhile_is_read_of_the_request_in_front(qtbot: QtBot, page: RequestsPage) -> None:
    held = session(page)
    held.answer("requests show", v.HELD)
    qtbot.waitUntil(lambda: told(v.HELD, page))
    assert page.view.bar.terms.isEnabled()
    while held.waits("requests list"):
        held.answer("requests list", v.page_of(v.ROW))
    assert held.waits("requests show") == 0
    held._heard(frozenset({"rule"}))
    qtbot.waitUntil(lambda: held.waits("requests show") == 1)
    refused = Permit(False, "Rule “No counts” refuses it.")
    held.answer("requests show", replace(v.HELD, may_approve=refused))
    qtbot.waitUntil(lambda: "Cannot be approved now: Rule “No counts” refuses it." in texts(page.view.bar))
    assert not page.view.bar.approve.isEnabled()
    assert not page.view.bar.terms.isEnabled()


class Readers:
    """What the acts are asked of: the answers come when the test lets them, from any of its threads."""

    def __init__(self) -> None:
        self.asked: list[Callable[[Outcome], None]] = []

    def read(self, _act: str, _arguments: object, done: Callable[[Outcome], None], *_: object) -> Job:
        self.asked.append(done)
        return Job("", None)


def test_answers_to_one_question_come_in_the_order_in_which_it_was_asked(qtbot: QtBot, host: QWidget) -> None:
    session, readers, heard = Session(Dispatcher()), Readers(), list[str]()
    session._ops = readers  # type: ignore[assignment]

    def fails(_: object) -> None:
        heard.append("one that fails")
        raise ValueError("in a page")

    session.read(host, "requests show", {"request": "a"}, fails)
    session.read(host, "requests show", {"request": "a"}, heard.append)
    session.read(host, "requests show", {"request": "b"}, heard.append)
    session.read(host, "requests show", {"request": "a"}, heard.append)
    first, second, other, third = readers.asked
    with qtbot.captureExceptions() as caught:
        third(Outcome("third"))
        other(Outcome("another request"))
        qtbot.waitUntil(lambda: heard == ["another request"])
        second(Outcome("second"))
        first(Outcome("first"))
        qtbot.waitUntil(lambda: heard == ["another request", "one that fails", "second", "third"])
    assert [str(error) for _, error, _ in caught] == ["in a page"]
    assert not session._answers
