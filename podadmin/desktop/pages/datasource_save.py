"""The last steps of the wizard: the schema is generated, and what it reveals is looked at before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import SchemaView
from podadmin.app.views.facts import Fact
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.datasource_draft import Draft
from podadmin.desktop.pages.schema_reveals import marked
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import CheckField
from podadmin.desktop.widgets.layout import STRETCH, clear, column
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import count

LOOKED: Final = "I have looked at what this reveals"
_NAMES_AT_MOST: Final = 12


class GenerateStep(QWidget):
    """The schema is being generated, or why it could not be. `again_wanted` asks once more."""

    again_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = JobBar()
        card = Card("Generating the schema")
        words = "The file is read once, from its first line to its last. Nothing is saved by this."
        card.body.addWidget(PlainLabel(words, "muted", wrap=True))
        card.body.addWidget(self.job)
        card.body.addStretch(1)
        self._state = StateView(card)
        self.setLayout(column((self._state, 1)))

    def begin(self) -> None:
        """It has begun."""
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
        self.review = SchemaReview()
        card = Card("What will be saved")
        card.body.setSpacing(SPACE.m)
        card.body.addWidget(self._facts)
        card.body.addWidget(self.looked)
        card.body.addWidget(self.job)
        self.setLayout(column(self._problem, card, self.review, STRETCH))

    @property
    def needs_look(self) -> bool:
        """Is something marked that has not been confirmed as seen?"""
        found = self.schema is not None and bool(marked(self.schema.reveals))
        return found and not self.looked.value()

    def show_schema(self, draft: Draft, schema: SchemaView) -> None:
        """Show what a draft would save. What was confirmed for another schema counts for nothing."""
        clear(self._problem)
        self.schema = schema
        self.looked.set_value(False)
        self.looked.setVisible(bool(marked(schema.reveals)))
        self._facts.set_facts(draft_facts(draft, schema))
        self.review.show_schema(schema)
        self.changed.emit()

    def show_problem(self, error: PodadminError) -> None:
        """It could not be saved; what was chosen stays."""
        clear(self._problem)
        words = f"{error.why} {error.next_step} ({error.code})"
        self._problem.addWidget(Banner("bad", words, title=error.what))


def draft_facts(draft: Draft, schema: SchemaView) -> tuple[Fact, ...]:
    """A draft in words."""
    given = draft.arguments()
    return (
        Fact("Name", draft.name),
        Fact("File", draft.path, mono=True),
        Fact("Published", f"{count(len(schema.columns), 'column', 'columns')} in the schema, and no row"),
        Fact("Never read", _names(given["ignore"]) or "no column"),
        Fact("Type chosen by hand", _forced(given["force"]) or "none"),
    )


def _names(names: Sequence[str]) -> str:
    rest = len(names) - _NAMES_AT_MOST
    return ", ".join(names[:_NAMES_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _forced(force: Mapping[str, str]) -> str:
    return _names([f"{name} as {stype}" for name, stype in force.items()])
