"""The form of a datasource, made from the fields that its kind declares: the same to connect one and to change one.

What was entered is kept as text, not in the editors: those of a group are made when it is first unfolded, a few in a
turn of the event loop, since forty at once would be felt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from podadmin.app.views.datasources import FieldView, KindView
from podadmin.core.secret import Secret
from podadmin.desktop.pages.datasource_fields import WIDE, editor_for, put, text_in
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.form import Field
from podadmin.desktop.widgets.layout import STRETCH, Fitting, bring_into_view, clear, column, row, wrap
from podadmin.desktop.widgets.rows import RowsField
from podadmin.desktop.widgets.secret import SecretField
from podadmin.desktop.widgets.text import PlainLabel

BASIC: Final = "basic"
GROUPS: Final = {
    BASIC: "",
    "reading": "How the text is read",
    "filter": "Which of it counts",
    "columns": "Columns",
    "split": "Split of the records",
    "advanced": "Advanced",
}
_A_TURN: Final = 3
"""Editors that are made in one turn of the event loop."""
_KEPT: Final = "One is kept; type another to replace it"


class FieldGroup(Fitting):
    """The fields of one group, folded under its title; the basic ones have no title and are always there."""

    def __init__(self, form: SourceForm, name: str, fields: Sequence[FieldView]) -> None:
        super().__init__()
        self.name, self.fields = name, tuple(fields)
        self._form = form
        self._title = GROUPS.get(name, name)
        self._across = 0
        self.open = name == BASIC
        self._head = GhostButton(self._title, self.turn, "chevron-right")
        self._note = PlainLabel("", "small")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE.xl)
        self._grid.setVerticalSpacing(SPACE.l)
        self._place = wrap(self._grid)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(lambda: self._grow(_A_TURN))
        head = wrap(row(self._head, self._note, STRETCH))
        self.setLayout(column(head, self._place, gap=SPACE.s))
        head.setVisible(name != BASIC)  # not before it has a parent: it would be a window for a moment
        self._place.setVisible(self.open)
        if self.open:
            self._grow(_A_TURN)
        self.tell()

    def turn(self) -> None:
        """Unfold it, or fold it."""
        self.unfold(not self.open)

    def unfold(self, on: bool = True) -> None:
        """Show its fields; the editors that are missing are made in the next turns."""
        self.open = on
        self._place.setVisible(on)
        self._head.set_icon("chevron-down" if on else "chevron-right")
        if on:
            self._grow(_A_TURN)
        self.tell()

    def make_all(self) -> None:
        """Make every editor now, for one of them that is needed at once."""
        self._grow(len(self.fields))

    def tell(self) -> None:
        """Say what is set in it, on its title."""
        number = sum(each.name in self._form.values() for each in self.fields)
        self._note.setText(f"{number} set" if number else "")
        self._head.setAccessibleName(f"{self._title}: {'shown' if self.open else 'folded'}")

    def arrange(self) -> None:
        """Lay out the fields that mean something now, short ones side by side where there is room."""
        across = 2 if self.width() >= 2 * SIZE.search + SPACE.xl else 1
        shown = [each for each in self.fields if each.name in self._form.editors]
        wanted = [each for each in shown if self._form.means(each)]
        while self._grid.takeAt(0) is not None:
            continue
        line = place = 0
        for each in wanted:
            editor = self._form.editors[each.name]
            if each.input in WIDE or across == 1:
                line += 1 if place else 0
                self._grid.addWidget(editor, line, 0, 1, across, Qt.AlignmentFlag.AlignTop)
                line, place = line + 1, 0
            else:
                self._grid.addWidget(editor, line, place, Qt.AlignmentFlag.AlignTop)
                line, place = (line + 1, 0) if place else (line, 1)
        for each in shown:
            self._form.editors[each.name].setVisible(each in wanted)
        for made in range(2):
            self._grid.setColumnStretch(made, 1 if made < across else 0)
        self._across = across
        self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        across = 2 if event.size().width() >= 2 * SIZE.search + SPACE.xl else 1
        if across != self._across:
            self.arrange()

    def _grow(self, most: int) -> None:
        missing = [each for each in self.fields if each.name not in self._form.editors]
        for each in missing[:most]:
            editor = self._form.make(each)
            editor.setParent(self._place)
        self.arrange()
        if len(missing) > most:
            self._soon.start()


class SourceForm(QWidget):
    """The fields of a kind. `changed` comes with everything that is typed, `submitted` with Enter in a line."""

    changed = Signal()
    submitted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind: KindView | None = None
        self.editors: dict[str, Field] = {}
        self.groups: dict[str, FieldGroup] = {}
        self._texts: dict[str, str] = {}
        self._kept = False
        self._holder = column(gap=SPACE.m)
        self.setLayout(self._holder)

    def show_kind(self, kind: KindView, values: Mapping[str, str], has_password: bool = False) -> None:
        """Show the form of a kind with these values; groups in which something is set are unfolded."""
        clear(self._holder)
        self.kind, self.editors, self.groups, self._kept = kind, {}, {}, has_password
        self._texts = {each.name: values.get(each.name, each.default) for each in kind.fields}
        for name in (*GROUPS, *(each.group for each in kind.fields if each.group not in GROUPS)):
            fields = [each for each in kind.fields if each.group == name]
            if fields and name not in self.groups:
                self.groups[name] = FieldGroup(self, name, fields)
                self._holder.addWidget(self.groups[name])
                if name != BASIC and any(each.name in values for each in fields):
                    self.groups[name].unfold()

    def values(self) -> dict[str, str]:
        """What was entered: the fields that mean something and do not have their default. Never a password."""
        fields = self.kind.fields if self.kind is not None else ()
        told = {each.name: self._texts.get(each.name, "") for each in fields if each.input != "secret"}
        return {
            each.name: told[each.name]
            for each in fields
            if each.name in told and told[each.name] not in ("", each.default) and self.means(each)
        }

    def means(self, field: FieldView) -> bool:
        """Does a field mean something with what is entered in the others?"""
        name, value = field.only_with
        return not name or self._texts.get(name, "") == value

    def missing(self) -> str:
        """The label of the first field that is needed and empty; "" where nothing is missing."""
        fields = self.kind.fields if self.kind is not None else ()
        return next((each.label for each in fields if each.required and not self._texts[each.name]), "")

    @property
    def password_written(self) -> bool:
        """Was a password typed that has not been taken yet?"""
        return any(isinstance(each, SecretField) and each.written for each in self.editors.values())

    def take_password(self) -> Secret[str] | None:
        """The password that was typed; its field is empty afterwards and says that one is kept."""
        for each in self.editors.values():
            if isinstance(each, SecretField):
                taken = each.take()
                if taken is not None:
                    self._kept = True
                    each.show_kept(_KEPT)
                return taken
        return None

    def show_error(self, name: str, words: str) -> bool:
        """Say at a field what is wrong with it; false where there is no such field."""
        view = next((each for each in (self.kind.fields if self.kind else ()) if each.name == name), None)
        if view is None:
            return False
        group = self.groups[view.group]
        group.make_all()
        group.unfold()
        editor = self.editors[name]
        editor.set_error(words)
        self._focus(editor)
        return True

    def clear_errors(self) -> None:
        """Nothing is wrong any more."""
        for each in self.editors.values():
            each.set_error("")

    def focus_first(self) -> None:
        """Put the keyboard into the first field that is needed and empty, else into the first one."""
        fields = self.kind.fields if self.kind is not None else ()
        wanted = next((each for each in fields if each.required and not self._texts[each.name]), None)
        first = wanted or next(iter(fields), None)
        if first is not None and first.name in self.editors:
            self._focus(self.editors[first.name])

    def make(self, view: FieldView) -> Field:
        """The editor of a field, filled with what is known of it."""
        editor = editor_for(view)
        self.editors[view.name] = editor
        put(editor, self._texts[view.name])
        if isinstance(editor, SecretField) and self._kept:
            editor.show_kept(_KEPT)
        editor.changed.connect(lambda: self._changed(view, editor))
        if isinstance(editor.editor, QLineEdit):
            editor.editor.returnPressed.connect(self.submitted.emit)
        return editor

    def _changed(self, view: FieldView, editor: Field) -> None:
        editor.set_error("")
        self._texts[view.name] = text_in(editor)
        fields = self.kind.fields if self.kind is not None else ()
        touched = {each.group for each in fields if each.only_with[0] == view.name}
        for name in touched:
            self.groups[name].arrange()
        self.groups[view.group].tell()
        self.changed.emit()

    def _focus(self, editor: Field) -> None:
        target = editor.first() if isinstance(editor, RowsField) else editor.editor
        target.setFocus()
        bring_into_view(target)
        # an error below it has its room only once that is laid out
        QTimer.singleShot(0, editor, lambda: bring_into_view(editor))
