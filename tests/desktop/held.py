"""Sessions of a window for tests: one whose answers come when the test lets them, and one that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from podadmin.core.errors import PodadminError
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.session import RunningJob, Session

Answer = Callable[[Any], object]


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


class Ready:
    """Answers at once what it was given for an act: a value, or an error."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers = dict(answers)

    def read(
        self, _owner: object, act: str, arguments: Any, success: Any, failure: Any = None, title: str = ""
    ) -> None:
        self.asked.append((act, dict(arguments)))
        answer = self.answer_to(act, title)
        if isinstance(answer, Exception):
            failure(answer)
        else:
            success(answer)

    def answer_to(self, act: str, _title: str) -> Any:
        return self.answers[act]


class Desk:
    """What a page stands on, without a window around it."""

    def __init__(self, host: QWidget) -> None:
        self.session = Held()
        self.sheet_host = host

    def go(self, page: str, subject: str = "") -> None: ...

    def say(self, text: str, tone: str = "good") -> None: ...

    def show_error(self, error: PodadminError) -> None: ...


class Window:
    """A desk without a window: a session that has not been started keeps what is asked of it waiting."""

    def __init__(self) -> None:
        self.session = Session(Dispatcher())
        self.sheet_host = QWidget()
        self.went: list[tuple[str, str]] = []
        self.said: list[str] = []

    def go(self, page: str, subject: str = "") -> None:
        self.went.append((page, subject))

    def say(self, text: str, tone: str = "good") -> None:
        self.said.append(text)

    def show_error(self, error: PodadminError) -> None:
        self.said.append(error.what)
