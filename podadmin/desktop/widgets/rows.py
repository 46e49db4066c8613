"""Fields that hold more than one value: a list of texts, or names with a value each, a line of editors for every one.

Nothing parts the values but the lines, so that a text may have a comma in it and a name an equals sign.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import GhostButton, IconButton
from podadmin.desktop.widgets.form import LONGEST_LINE, Field
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.text import set_name


class _Line(QLineEdit):
    """Enter in a line begins the next one."""

    def __init__(self, owner: RowsField, name: str, text: str, placeholder: str) -> None:
        super().__init__(text)
        self._owner = owner
        self.setMaxLength(LONGEST_LINE)
        set_name(self, name)
        self.setPlaceholderText(placeholder)
        self.textChanged.connect(lambda _: owner.changed.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._owner.add()
            return
        super().keyPressEvent(event)


class RowsField(Field):
    """`heads`: what stands in each column of a line; one for a list of texts, two for names with a value."""

    def __init__(
        self,
        label: str,
        heads: Sequence[str],
        hint: str = "",
        add: str = "Add",
        parent: QWidget | None = None,
    ) -> None:
        self._heads = tuple(heads)
        self._title = label
        self._lines: list[tuple[_Line, ...]] = []
        self._place = column(gap=SPACE.xs)
        self._add = GhostButton(add, self.add, "plus", f"Add: {label}")
        super().__init__(label, wrap(column(self._place, row(self._add, STRETCH), gap=SPACE.xs)), hint, parent)

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """What was written, line by line; those in which nothing stands are left out."""
        written = (tuple(each.text().strip() for each in line) for line in self._lines)
        return tuple(line for line in written if any(line))

    def set_rows(self, rows: Sequence[Sequence[str]]) -> None:
        """Show these lines instead."""
        if self.rows() == tuple(tuple(line) for line in rows):
            return
        self._draw(rows)
        self.changed.emit()

    def add(self) -> None:
        """One more line, and the keyboard in it."""
        if not self._lines or any(each.text().strip() for each in self._lines[-1]):
            self._append(("",) * len(self._heads))
        self._lines[-1][0].setFocus()

    def first(self) -> QWidget:
        """What gets the keyboard when the field does."""
        return self._lines[0][0] if self._lines else self._add

    def _draw(self, rows: Sequence[Sequence[str]]) -> None:
        clear(self._place)
        self._lines = []
        for line in rows:
            self._append(line)

    def _append(self, texts: Sequence[str]) -> None:
        number = len(self._lines) + 1
        names = [f"{self._title} {number}" + (f": {head}" if len(self._heads) > 1 else "") for head in self._heads]
        editors = tuple(
            _Line(self, name, text, head) for name, text, head in zip(names, texts, self._heads, strict=True)
        )
        self._lines.append(editors)
        gone = IconButton("x", f"Remove: {self._title} {number}", lambda: self._remove(editors))
        self._place.addWidget(wrap(row(*((each, 1) for each in editors), gone, gap=SPACE.xs)))

    def _remove(self, editors: tuple[_Line, ...]) -> None:
        left = [tuple(each.text() for each in line) for line in self._lines if line is not editors]
        self._draw(left)
        self.first().setFocus()
        self.changed.emit()
