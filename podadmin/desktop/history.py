"""Where the window has been: back and forward as in a browser. Knows no Qt."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A page, and the thing that was opened in it."""

    page: str
    subject: str = ""


class History:
    """A line of places and where in it the window stands."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._at = -1

    @property
    def can_back(self) -> bool:
        return self._at > 0

    @property
    def can_forward(self) -> bool:
        return self._at < len(self._places) - 1

    def visit(self, place: Place) -> None:
        """A new place; what lay ahead is forgotten. The same place twice counts once."""
        if self._at >= 0 and self._places[self._at] == place:
            return
        self._places = [*self._places[: self._at + 1], place]
        self._at = len(self._places) - 1

    def back(self) -> Place | None:
        """The place before, or None at the beginning."""
        if not self.can_back:
            return None
        self._at -= 1
        return self._places[self._at]

    def forward(self) -> Place | None:
        """The place after, or None at the end."""
        if not self.can_forward:
            return None
        self._at += 1
        return self._places[self._at]
