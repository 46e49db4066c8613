"""One question at a time: a flood of news asks once and once more, with what is known by then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from PySide6.QtCore import QObject

from podadmin.core.errors import PodadminError, Unavailable
from podadmin.desktop.inquiry import Inquiry

LOCKED = Unavailable("store.locked", "The records cannot be read.", "Why.", "Next.")


class Desk:
    """Keeps what was asked until a test answers it."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, object]] = []
        self.waiting: list[tuple[Callable[[Any], object], Callable[[PodadminError], object]]] = []

    def read(self, _owner: QObject, _act: str, arguments: Mapping[str, object], success: Any, failure: Any) -> None:
        self.asked.append(arguments)
        self.waiting.append((success, failure))


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_wanted_meanwhile_is_asked_once_more_with_what_is_known_by_then(fails: bool) -> None:
    desk, told = Desk(), list[object]()
    inquiry = Inquiry(desk, QObject(), "status", told.append, told.append, lambda: {"after": len(told)})  # type: ignore[arg-type]
    for _ in range(3):
        inquiry.ask()
    assert desk.asked == [{"after": 0}]
    desk.waiting[0][fails](LOCKED if fails else "first")
    assert desk.asked == [{"after": 0}, {"after": 1}]
    desk.waiting[1][0]("second")
    assert told == [LOCKED if fails else "first", "second"]
    assert len(desk.asked) == 2
    inquiry.ask()
    assert len(desk.asked) == 3


def test_an_answer_that_asks_by_itself_is_not_asked_twice() -> None:
    desk = Desk()
    inquiry = Inquiry(desk, QObject(), "status", lambda _: inquiry.ask())  # type: ignore[arg-type]
    inquiry.ask()
    inquiry.ask()
    desk.waiting[0][0]("answer")
    assert len(desk.asked) == 2
    desk.waiting[1][1](LOCKED)
    assert len(desk.asked) == 2
