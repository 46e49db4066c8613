"""Long work of the Qt thread in turns of a few milliseconds: between two of them the window paints and takes input.

What is done so is an iterator that stops after every piece that a person would see, mostly a card. A piece is never
cut: one that takes long by itself has to be made of smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Final, TypeVar

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

_BUDGET: Final = 0.006
"""Seconds after which a turn begins no further piece."""


class Part(QWidget):
    """A part of a page that is much work to make: the constructor makes its frame, `build` all that is in it.

    Who makes one either goes through `build` once, in turns, after the frame has got its place; or takes it `complete`.
    """

    def build(self) -> Iterator[object]:
        """Make what is in it; stops after every piece. It does nothing and is asked nothing before the end."""
        raise NotImplementedError


P = TypeVar("P", bound=Part)


def complete(part: P) -> P:
    """The part, with all that is in it."""
    at_once(part.build())
    return part


def at_once(steps: Iterable[object] | None) -> None:
    """All of it now, for what is small and for who cannot wait."""
    for _ in steps or ():
        pass


class Slices(QObject):
    """Goes through one iterator at a time. Lives on the Qt thread as long as its parent does."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._steps: Iterator[object] | None = None
        self._then: Callable[[], object] | None = None
        self._paused = False
        self._timer = QTimer(self)
        # started anew after each turn: whatever became due meanwhile comes before the next one
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._turn)

    @property
    def busy(self) -> bool:
        """Is something left to do?"""
        return self._steps is not None

    def begin(self, steps: Iterable[object], then: Callable[[], object] | None = None) -> None:
        """Begin with the next turn of the event loop, in place of what is under way; `then` is called at the end."""
        self.end()
        self._steps, self._then = iter(steps), then
        self.resume()

    def end(self) -> None:
        """Leave off; what is left is not done and `then` is not called."""
        self._timer.stop()
        self._steps = self._then = None

    def pause(self) -> None:
        """Do nothing until `resume`."""
        self._paused = True
        self._timer.stop()

    def resume(self) -> None:
        """Go on with what was begun."""
        self._paused = False
        if self.busy:
            self._timer.start()

    def _turn(self) -> None:
        until, steps = perf_counter() + _BUDGET, self._steps
        # a piece may begin something else, or end this
        while steps is not None and self._steps is steps and perf_counter() < until:
            try:
                next(steps)
            except StopIteration:
                self._over(steps)
            except Exception:
                self.end()
                raise
        if not self._paused:
            self.resume()

    def _over(self, steps: Iterator[object]) -> None:
        if self._steps is steps:
            then = self._then
            self.end()
            if then is not None:
                then()
