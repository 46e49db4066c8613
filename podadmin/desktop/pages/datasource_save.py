"""The last steps of the wizard: the schema is generated, and what it reveals is looked at before anything is saved.

What podadmin does not read has no schema here: of it the name and the settings are looked at instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import KindView, SchemaView
from podadmin.app.views.facts import Fact
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.datasource_draft import Draft, thing
from podadmin.desktop.pages.datasource_fields import words_of
from podadmin.desktop.pages.schema_reveals import marked
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.slices import complete
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import CheckField, TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import count

LOOKED: Final = "I have looked at what this reveals"
NAME_HINT: Final = "Lower-case letters and digits, joined by - or _"
_NAMES_AT_MOST: Final = 12
_KEPT: Final = "was typed; it is kept where secrets live, and nowhere else"
_HOW: Final = {
    "file": "The file is read once, from its first line to its last.",
    "folder": "The headers of the files are read once, and nothing else of them.",
    "engine": "The engine counts, and sends its counts instead of its rows.",
    "database": "The database counts, and sends its counts instead of its rows.",
}


class NameCard(Card):
    """What the network will call the datasource."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("What will the network call it?", parent=parent)
        self.field = TextField("Name", hint=NAME_HINT)
        self.field.setFixedWidth(SIZE.field)
        self.field.changed.connect(self._renamed)
        line = row()
        line.addWidget(self.field, 0, Qt.AlignmentFlag.AlignTop)
        line.addStretch(1)
        self.body.addLayout(line)

    def _renamed(self) -> None:
        self.field.set_error("")
        self.changed.emit()


class GenerateStep(QWidget):
    """The schema is being generated, or why it could not be. `again_wanted` asks once more."""

    again_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = JobBar()
        card = Card("Generating the schema")
        self._words = PlainLabel("", "muted", wrap=True)
        card.body.addWidget(self._words)
        card.body.addWidget(self.job)
        card.body.addStretch(1)
        self._state = StateView(card)
        self.setLayout(column((self._state, 1)))

    def begin(self, kind: KindView | None) -> None:
        """It has begun."""
        words = _HOW.get(thing(kind), "The data is read once.")
        self._words.setText(f"{words} Nothing is saved by this.")
        self._state.show_content()

    def show_problem(self, error: PodadminError) -> None:
        """It did not come to an end; what was chosen stays."""
        self._state.show_error(error, self.again_wanted.emit)


class SaveStep(QWidget):
    """What will be saved and what that reveals. `changed` comes when the confirmation changes."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.schema: SchemaView | None = None
        self.job = JobBar()
        self._problem = column(gap=SPACE.none)
        self._facts = FactGrid()
        self.looked = CheckField(LOOKED)
        self.looked.changed.connect(self.changed.emit)
        self.review = complete(SchemaReview())
        self.name = NameCard()
        self.name.changed.connect(self.changed.emit)
        card = Card("What will be saved")
        card.body.setSpacing(SPACE.m)
        card.body.addWidget(self._facts)
        card.body.addWidget(self.looked)
        card.body.addWidget(self.job)
        self.setLayout(column(self._problem, self.name, card, self.review, STRETCH))

    @property
    def needs_look(self) -> bool:
        """Is something marked that has not been confirmed as seen?"""
        found = self.schema is not None and bool(marked(self.schema.reveals))
        return found and not self.looked.value()

    def show_schema(self, draft: Draft, kind: KindView | None, schema: SchemaView) -> None:
        """Show what a draft would save. What was confirmed for another schema counts for nothing."""
        self._show(draft, schema)
        self.looked.setVisible(bool(marked(schema.reveals)))
        self._facts.set_facts((Fact("Name", draft.name), *_settings(draft, kind), *_of_columns(draft, schema)))
        self.review.show_schema(schema)
        self.changed.emit()

    def show_settings(self, draft: Draft, kind: KindView) -> None:
        """Show what a draft of a kind that podadmin does not read would save: its settings, and no schema."""
        self._show(draft, None)
        self.looked.setVisible(False)
        self._facts.set_facts((*_settings(draft, kind), Fact("Schema", kind.reads_words)))
        self.changed.emit()

    def _show(self, draft: Draft, schema: SchemaView | None) -> None:
        clear(self._problem)
        self.schema = schema
        self.looked.set_value(False)
        self.name.setVisible(schema is None)
        self.review.setVisible(schema is not None)
        if schema is None:
            self.name.field.set_value(draft.name)

    def show_problem(self, error: PodadminError) -> None:
        """It could not be saved; what was chosen stays."""
        clear(self._problem)
        words = f"{error.why} {error.next_step} ({error.code})"
        self._problem.addWidget(Banner("bad", words, title=error.what))


def _settings(draft: Draft, kind: KindView | None) -> tuple[Fact, ...]:
    """Its kind, and every field that does not have its default."""
    if kind is None:
        return ()
    given = draft.given
    facts = [
        Fact(each.label, words_of(each, given.values[each.name])) for each in kind.fields if each.name in given.values
    ]
    secret = [Fact("Password", _KEPT)] if given.passwords else []
    return (Fact("Kind", kind.title), *facts, *secret)


def _of_columns(draft: Draft, schema: SchemaView) -> tuple[Fact, ...]:
    given = draft.of_columns()
    return (
        Fact("Published", f"{count(len(schema.columns), 'column', 'columns')} in the schema, and no row"),
        Fact("Never read", _names(given["ignore"]) or "no column"),
        Fact("Type chosen by hand", _forced(given["force"]) or "none"),
    )


def _names(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_AT_MOST
    return ", ".join(names[:_NAMES_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _forced(force: Mapping[str, str]) -> str:
    return _names([f"{name} as {stype}" for name, stype in force.items()])
