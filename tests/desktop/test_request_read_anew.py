"""A request that changes while it is looked at: what is shown in the end is what it is, whatever answer comes last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.ops import Job, Outcome
from podadmin.app.views.requests import RequestDetail
from podadmin.core.errors import PodadminError
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.pages.requests import RequestsPage
from podadmin.desktop.session import RunningJob, Session
from tests.desktop import request_views as v
from tests.desktop.hands import Show

Answer = Callable[[Any], object]
TOLD = replace(v.HELD.history[0], seq=99, words="The requester was told")
NEWER = replace(v.HELD, history=(*v.HELD.history, TOLD))


class Held(Session):
    """A session whose answers come when the test lets them."""

    def __init__(self) -> None:
        super().__init__(Dispatcher())
        self.asked: list[tuple[str, Answer]] = []

    def read(
        self, owner: QObject, act: str, arguments: Mapping[str, object], success: Answer, *_: object, **__: object
    ) -> RunningJob:
        self.asked.append((act, success))
        return RunningJob("")

    def answer(self, act: str, value: object, which: int = 0) -> None:
        """Answer the first (or another) of the questions of this name that wait."""
        found = [each for each in self.asked if each[0] == act][which]
        self.asked.remove(found)
        found[1](value)

    def waits(self, act: str) -> int:
        return sum(each == act for each, _ in self.asked)


class Desk:
    def __init__(self, host: QWidget) -> None:
        self.session = Held()
        self.sheet_host = host

    def go(self, page: str, subject: str = "") -> None: ...

    def say(self, text: str, tone: str = "good") -> None: ...

    def show_error(self, error: PodadminError) -> None: ...


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
