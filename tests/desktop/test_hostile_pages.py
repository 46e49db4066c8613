"""Every page with a stranger's text in every field of everything that it reads, whatever acts it comes from.

The views are made from the types that the acts say they give, so that a field or a page that is added later is covered
by itself. Most words that are names of something known here (states, tones, kinds) are strangers' text too: a page must
neither fail on a name that it does not know nor show it with what hides in it.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QAbstractButton, QWidget
from shiboken6 import delete

from podadmin.app.acts.registry import find
from podadmin.core.errors import BadInput, PodadminError
from podadmin.core.progress import Step
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.page import Page
from podadmin.desktop.pages import PAGES, PageEntry
from podadmin.desktop.session import Failure, RunningJob, Session, Success
from podadmin.desktop.widgets.buttons import TabRow
from tests.desktop.hands import Show
from tests.desktop.test_strangers_text import CORPUS, assert_plain

NOW: Final = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
EVERYTHING: Final = " ".join(CORPUS[name] for name in ("markup", "right to left", "zero width", "an address"))
_DEEPEST: Final = 6
_OURS: Final = {
    ("RuleRow", "verdict"): "hold",
    ("RuleRow", "state"): "on",
    ("LeftRow", "outcome"): "passed",
    ("DayCounts", "day"): "2026-11-21",
    ("MeterRow", "series"): "2026-11-21",
    ("MeterDetail", "series"): "2026-11-21",
    ("MeterDetail", "by_day"): "2026-11-21",
}
"""Words that only podadmin itself writes, and of which a page may rely on knowing each."""


def hostile(kind: Any, text: str, depth: int = 0) -> Any:
    """A value of a type with `text` wherever a text can stand."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return hostile(inner[0], text, depth)
    if origin is typing.Literal:
        return inner[0]
    if origin in {types.UnionType, typing.Union}:
        return hostile(next(each for each in inner if each is not type(None)), text, depth)
    if kind in _PLAIN:
        return _PLAIN[kind](text)
    if origin is not None and issubclass(origin, tuple):
        if depth > _DEEPEST:
            return ()
        parts = inner[:1] if inner[1:] == (...,) else inner
        return tuple(hostile(each, text, depth + 1) for each in parts)
    if origin is not None and issubclass(origin, Mapping):
        return {text: hostile(inner[1], text, depth + 1)}
    if origin is not None and issubclass(origin, Sequence):
        return [hostile(inner[0], text, depth + 1)]
    if dataclasses.is_dataclass(kind):
        types_of = typing.get_type_hints(kind, include_extras=True)
        values = {}
        for field in dataclasses.fields(kind):
            if field.init:
                words = _OURS.get((kind.__name__, field.name), text)
                values[field.name] = hostile(types_of[field.name], words, depth + 1)
        return kind(**values)
    raise TypeError(f"what is a hostile {kind}?")


_PLAIN: Final[dict[Any, Callable[[str], Any]]] = {
    str: lambda text: text,
    int: lambda _: 3,
    float: lambda _: 2.5,
    bool: lambda _: True,
    datetime: lambda _: NOW,
    type(None): lambda _: None,
    object: lambda text: text,
    Any: lambda text: {text: [text]},
}


def _given_by(act: str) -> Any:
    """What an act says that it gives. Other parts of its signature need names that are only there for the checker."""
    function = find(act).function
    names = types.FunctionType(function.__code__, function.__globals__)
    names.__annotations__ = {"return": function.__annotations__["return"]}
    return typing.get_type_hints(names, include_extras=True)["return"]


class HostileSession(Session):
    """Answers every act at once with a stranger's text in everything."""

    def __init__(self, text: str) -> None:
        super().__init__(Dispatcher())
        self._text = text
        self.asked: list[str] = []

    def read(
        self,
        owner: QObject,
        act: str,
        arguments: Mapping[str, object],
        success: Success,
        failure: Failure | None = None,
        title: str = "",
        progress: Callable[[Step], object] | None = None,
    ) -> RunningJob:
        job = RunningJob(title)
        job.done = True
        # a page that reads again because of what it was told is told once
        if self.asked.count(act) < 2:
            self.asked.append(act)
            success(hostile(_given_by(act), self._text))
        elif failure is not None:
            failure(BadInput(self._text, self._text, self._text, self._text))
        return job


class HostileDesk:
    """The window around a page, as far as a page needs one."""

    def __init__(self, session: Session, host: QWidget) -> None:
        self.session = session
        self.sheet_host = host

    def go(self, page: str, subject: str = "") -> None: ...

    def say(self, text: str, tone: str = "good") -> None: ...

    def show_error(self, error: PodadminError) -> None: ...


@pytest.fixture
def pages(show: Show) -> Iterator[Callable[[PageEntry, str], tuple[Page, HostileSession]]]:
    made: list[QWidget] = []

    def make(entry: PageEntry, text: str) -> tuple[Page, HostileSession]:
        session = HostileSession(text)
        page = entry.make(HostileDesk(session, show(QWidget())))
        page.resize(1300, 800)
        made.append(page)
        page.show()
        page.shown()
        return page, session

    yield make
    for page in made:
        delete(page)


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_every_page_shows_strangers_text_plainly_wherever_it_comes_from(
    pages: Callable[[PageEntry, str], tuple[Page, HostileSession]], entry: PageEntry
) -> None:
    page, session = pages(entry, EVERYTHING)
    assert session.asked
    assert_plain(page)
    for row in page.findChildren(TabRow):
        for button in row.findChildren(QAbstractButton):
            if button.isVisible():
                button.click()
                assert_plain(page)
    for subject in ("x", "new", "5"):
        page.open_subject(subject)
        assert_plain(page)
