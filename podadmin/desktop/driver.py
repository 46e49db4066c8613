"""Plays a person from a script: finds things by name, presses, types, waits, looks, takes pictures.

A step a line, words quoted as in a shell, `#` begins a comment:

    click NAME · type NAME TEXT · choose NAME WORDS · check NAME · uncheck NAME · key Ctrl+K · page NAME
    tab-to NAME · keys TEXT (by the keyboard alone: Tab until NAME has it, then what is typed goes there)
    select-row TEXT · open-row TEXT · wait TEXT [SECONDS] · wait-gone TEXT [SECONDS] · wait-enabled NAME [SECONDS]
    expect TEXT · expect-not TEXT · expect-enabled NAME · expect-disabled NAME · expect-no-stall MS [WORK_MS]
    picture FILE · size W H · theme light|dark · quit

A stall is a time in which the event loop was away; WORK_MS is how much of it may be the window's own work.
It never runs an event loop of its own: one timer looks at one step at a time. Everything goes through real events, so
what a person cannot press, the driver cannot press.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QCheckBox,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QWidget,
)

from podadmin.desktop import seek
from podadmin.desktop.watchdog import Watchdog
from podadmin.desktop.widgets.layout import bring_into_view

POLL_MS: Final = 10
PATIENCE: Final = 10.0
"""Seconds that a step waits for its widget or text unless it says otherwise."""
_SETTLES: Final = 8
_STOPS: Final = 400
"""So many presses of Tab go round any page at least once."""
_AWAY: Final = QPoint(-10_000, -10_000)


@dataclass(frozen=True)
class Line:
    """A step with the number of its line."""

    number: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        return shlex.join(self.words)


class ScriptError(ValueError):
    """A script that cannot be played; the message names the line."""


def parse(text: str) -> list[Line]:
    """The steps of a script. Raises ScriptError for an unknown step, wrong words or an open quote."""
    steps: list[Line] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        try:
            words = shlex.split(raw, comments=True)
        except ValueError as error:
            raise ScriptError(f"line {number}: {raw.strip()}: {error}") from error
        if not words:
            continue
        if words[0] not in _STEPS:
            raise ScriptError(f"line {number}: {words[0]}: no such step; there are {', '.join(sorted(_STEPS))}")
        least, most = _STEPS[words[0]]
        if not least <= len(words) - 1 <= most:
            raise ScriptError(f"line {number}: {raw.strip()}: needs {least} to {most} words after the step")
        steps.append(Line(number, tuple(words)))
    return steps


_STEPS: Final = {
    "click": (1, 2),
    "type": (2, 3),
    "choose": (2, 3),
    "check": (1, 2),
    "uncheck": (1, 2),
    "key": (1, 1),
    "keys": (1, 1),
    "tab-to": (1, 2),
    "page": (1, 1),
    "select-row": (1, 2),
    "open-row": (1, 2),
    "wait": (1, 2),
    "wait-gone": (1, 2),
    "wait-enabled": (1, 2),
    "expect": (1, 1),
    "expect-not": (1, 1),
    "expect-enabled": (1, 1),
    "expect-disabled": (1, 1),
    "expect-no-stall": (1, 2),
    "picture": (1, 1),
    "size": (2, 2),
    "theme": (1, 1),
    "quit": (0, 0),
}


_LOOKS: Final = frozenset({"expect", "expect-not", "expect-enabled", "expect-disabled", "wait-gone", "picture"})


class _NotYet(Exception):
    """The step cannot be done now; it is tried again until its time is up. Says what stands in the way."""


class _Failed(Exception):
    """The step cannot be done at all."""


class Driver(QObject):
    """Plays one script on one window. `finished` carries an empty text, or the line that failed and why."""

    finished = Signal(str)

    def __init__(self, window: QMainWindow, patience: float = PATIENCE, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._window = window
        self._patience = patience
        self._steps: list[Line] = []
        self._at = 0
        self._since = 0.0
        self.watchdog = Watchdog(self)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._turn)
        self._acts: dict[str, Callable[[tuple[str, ...]], None]] = {
            "click": self._click,
            "type": self._type,
            "choose": self._choose,
            "check": lambda words: self._check(words[0], True),
            "uncheck": lambda words: self._check(words[0], False),
            "key": self._key,
            "keys": self._keys,
            "tab-to": self._tab_to,
            "page": self._click,
            "select-row": lambda words: self._row(words[0], twice=False),
            "open-row": lambda words: self._row(words[0], twice=True),
            "wait": lambda words: self._see(words[0]),
            "wait-gone": lambda words: self._see_not(words[0]),
            "wait-enabled": self._enabled,
            "expect": self._expect,
            "expect-not": self._expect_not,
            "expect-enabled": self._expect_enabled,
            "expect-disabled": self._expect_disabled,
            "expect-no-stall": self._no_stall,
            "picture": self._picture,
            "size": self._size,
            "theme": self._theme,
            "quit": self._quit,
        }

    def run(self, text: str) -> None:
        """The same as `start`, under the name that tests read well."""
        self.start(text)

    def start(self, text: str) -> None:
        """Begin to play; `finished` comes later, also for a script that cannot be played at all."""
        try:
            self._steps = parse(text)
        except ScriptError as error:
            problem = str(error)
            QTimer.singleShot(0, self, lambda: self._end(problem))
            return
        QCursor.setPos(_AWAY)
        QApplication.setCursorFlashTime(0)
        self._window.activateWindow()
        self._at = 0
        self._since = perf_counter()
        self.watchdog.reset()
        self._timer.start()

    def _turn(self) -> None:
        if self._at >= len(self._steps):
            self._end("")
            return
        step = self._steps[self._at]
        try:
            if step.words[0] in _LOOKS:
                # Qt shows what is put into a layout by a posted call: before that nobody has seen the page without it
                QApplication.sendPostedEvents(None, QEvent.Type.MetaCall.value)
                if self._coming():
                    raise _NotYet("the page is still coming, part by part")
            self._acts[step.words[0]](step.words[1:])
        except _NotYet as wait:
            if perf_counter() - self._since > self._time_for(step):
                self._end(f"line {step.number}: {step.text}: {wait}")
            return
        except _Failed as failure:
            self._end(f"line {step.number}: {step.text}: {failure}")
            return
        self._at += 1
        self._since = perf_counter()

    def _coming(self) -> bool:
        """Is the page in front not complete? Who looks at what is there waits for that."""
        return bool(getattr(self._window, "busy", False))

    def _time_for(self, step: Line) -> float:
        named = step.words[0] in ("wait", "wait-gone", "wait-enabled", "tab-to") and len(step.words) > 2
        return float(step.words[2]) if named else self._patience

    def _end(self, problem: str) -> None:
        self._timer.stop()
        self.watchdog.stop()
        self.finished.emit(problem)

    def _find(self, name: str, *kinds: type[QWidget]) -> QWidget:
        found = seek.find(self._window, name, *kinds)
        if found is None:
            there = ", ".join(repr(each) for each in seek.names(self._window, *kinds)) or "nothing"
            raise _NotYet(f"there is no {name!r} to see; there are: {there}")
        return found

    def _press(self, widget: QWidget, point: QPoint | None = None, twice: bool = False) -> None:
        """A press of the left button where a person would press; what is off the page is scrolled to first."""
        if not widget.isEnabled():
            why = widget.accessibleDescription()
            raise _NotYet(f"{seek.name_of(widget)!r} is disabled" + (f": {why}" if why else ""))
        bring_into_view(widget)
        where = point or widget.rect().center()
        over = seek.covered(widget, where)
        if over is not None:
            raise _NotYet(f"{seek.name_of(widget)!r} lies under {seek.name_of(over) or type(over).__name__!r}")
        target = widget.childAt(where) or widget if point is not None else widget
        if target is not widget and point is not None:
            where = target.mapFrom(widget, where)
        QTest.mouseMove(target, where)
        for press in (QTest.mouseClick, QTest.mouseDClick) if twice else (QTest.mouseClick,):
            press(target, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, where)

    def _click(self, words: tuple[str, ...]) -> None:
        self._press(self._find(words[0], QAbstractButton))

    def _type(self, words: tuple[str, ...]) -> None:
        widget = self._find(words[0], QLineEdit, QPlainTextEdit)
        if isinstance(widget, (QLineEdit, QPlainTextEdit)) and widget.isReadOnly():
            raise _Failed("it cannot be written into")
        self._press(widget)
        QTest.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClick(widget, Qt.Key.Key_Delete)
        QTest.keyClicks(widget, words[1])

    def _choose(self, words: tuple[str, ...]) -> None:
        widget = self._find(words[0], QComboBox)
        if not isinstance(widget, QComboBox):
            raise _Failed("it is not a choice")
        if not widget.isEnabled():
            raise _NotYet(f"{words[0]!r} is disabled")
        place = widget.findText(words[1], Qt.MatchFlag.MatchFixedString)
        if place < 0:
            there = ", ".join(repr(widget.itemText(i)) for i in range(widget.count()))
            raise _NotYet(f"{words[1]!r} is not among {there}")
        bring_into_view(widget)
        widget.setFocus(Qt.FocusReason.MouseFocusReason)
        while widget.currentIndex() != place:
            QTest.keyClick(widget, Qt.Key.Key_Down if widget.currentIndex() < place else Qt.Key.Key_Up)

    def _check(self, name: str, on: bool) -> None:
        widget = self._find(name, QCheckBox)
        if isinstance(widget, QCheckBox) and widget.isChecked() != on:
            box = QPoint(widget.height() // 2, widget.height() // 2)
            self._press(widget, box)
            if widget.isChecked() != on:
                raise _Failed("it did not change")

    def _key(self, words: tuple[str, ...]) -> None:
        keys = QKeySequence(words[0])
        if keys.isEmpty():
            raise _Failed("no such key")
        QTest.keySequence(self._keyboard(), keys)

    def _keys(self, words: tuple[str, ...]) -> None:
        QTest.keyClicks(self._keyboard(), words[0])

    def _tab_to(self, words: tuple[str, ...]) -> None:
        """Tab, as often as it takes to get there. It fails where a person with a keyboard alone would not get there."""
        passed: dict[str, None] = {}
        for _ in range(_STOPS):
            QTest.keyClick(self._keyboard(), Qt.Key.Key_Tab)
            here = QApplication.focusWidget()
            if here is not None and words[0] in seek.names_of(here):
                return
            passed[seek.name_of(here) if here is not None else ""] = None
        raise _NotYet(f"Tab does not come to {words[0]!r}; it passes: {', '.join(map(repr, passed))}")

    def _keyboard(self) -> QWidget:
        """What has the keyboard."""
        if not self._window.isActiveWindow():
            # a shortcut of a window that is not the active one is nobody's
            self._window.activateWindow()
            raise _NotYet("the window has not the keyboard")
        return QApplication.focusWidget() or self._window

    def _row(self, text: str, twice: bool) -> None:
        found = seek.row_with(self._window, text)
        if found is None:
            raise _NotYet(f"no row contains {text!r}; there are: {self._rows()}")
        view, index = found
        view.scrollTo(index)
        bring_into_view(view)
        middle = view.visualRect(index).center()
        self._press(view.viewport(), middle, twice)

    def _rows(self) -> str:
        rows = [
            str(view.model().index(row, 0).data() or "")
            for view in seek.seen(seek.ground(self._window))
            if isinstance(view, QAbstractItemView) and view.model() is not None
            for row in range(min(view.model().rowCount(), 20))
        ]
        return ", ".join(repr(row) for row in rows) or "none"

    def _visible(self, text: str) -> bool:
        wanted = " ".join(text.casefold().split())
        return any(wanted in " ".join(piece.casefold().split()) for piece in seek.texts(self._window))

    def _see(self, text: str) -> None:
        if not self._visible(text):
            raise _NotYet(f"{text!r} has not come; to be read: {self._reading()}")

    def _see_not(self, text: str) -> None:
        if self._visible(text):
            raise _NotYet(f"{text!r} is still there")

    def _expect(self, words: tuple[str, ...]) -> None:
        if not self._visible(words[0]):
            raise _Failed(f"{words[0]!r} is not there; to be read: {self._reading()}")

    def _expect_not(self, words: tuple[str, ...]) -> None:
        if self._visible(words[0]):
            raise _Failed(f"{words[0]!r} is there")

    def _enabled(self, words: tuple[str, ...]) -> None:
        widget = self._find(words[0])
        armed = getattr(widget, "armed", True)
        if not widget.isEnabled() or armed is not True:
            raise _NotYet(f"{words[0]!r} is not ready: {widget.accessibleDescription() or 'no reason given'}")

    def _expect_enabled(self, words: tuple[str, ...]) -> None:
        if not self._find(words[0]).isEnabled():
            raise _Failed("it is disabled")

    def _expect_disabled(self, words: tuple[str, ...]) -> None:
        if self._find(words[0]).isEnabled():
            raise _Failed("it is enabled")

    def _no_stall(self, words: tuple[str, ...]) -> None:
        worst, busy = self.watchdog.worst, self.watchdog.worst_busy
        self.watchdog.reset()
        if worst > float(words[0]) or busy > float(words[-1]):
            raise _Failed(f"the window stood still for up to {worst:.0f} ms, and worked up to {busy:.0f} ms at once")

    def _picture(self, words: tuple[str, ...]) -> None:
        QCursor.setPos(_AWAY)
        for widget in seek.seen(self._window):
            widget.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
        for _ in range(_SETTLES):
            # what has just been shown asks for its room, and its parent for more: a person sees the end of that
            QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        file = Path(words[0])
        if not self._window.grab().save(str(file)):
            raise _Failed("the picture cannot be written")
        self.watchdog.forgive()

    def _size(self, words: tuple[str, ...]) -> None:
        self._window.resize(int(words[0]), int(words[1]))

    def _theme(self, words: tuple[str, ...]) -> None:
        choose = getattr(self._window, "set_theme", None)
        if not callable(choose) or words[0] not in ("light", "dark", "system"):
            raise _Failed("there is no such theme")
        choose(words[0])

    def _quit(self, _: tuple[str, ...]) -> None:
        self._at = len(self._steps)

    def _reading(self) -> str:
        pieces = dict.fromkeys(piece.strip() for piece in seek.texts(self._window))
        return " | ".join(piece for piece in pieces if piece)[:2000]
