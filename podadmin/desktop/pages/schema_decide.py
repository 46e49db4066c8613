"""What has to be decided before a schema may go to a network, one block a column, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import ColumnView, DriftRow, SchemaView
from podadmin.core.text import stranger
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import GhostButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import EmptyState
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.words import count, when

RELEASE: Final = "Release the schema"
CONFIRM: Final = "Confirm"
_BLOCKS: Final = 8


class DecideView(QWidget):
    """Columns that wait to be confirmed. Signals carry the column's name; `release_wanted` asks for the release."""

    confirm_wanted = Signal(str)
    withhold_wanted = Signal(str)
    merge_wanted = Signal(str)
    release_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._schema: SchemaView | None = None
        self._all = False
        self.release = PrimaryButton(RELEASE, self.release_wanted.emit, "check")
        self._card = Card("Before networks get this schema", action=self.release)
        self._state = PlainLabel("", "muted", wrap=True)
        self._list = column(gap=SPACE.m)
        self._more = GhostButton("Show all of them", self._show_all)
        self._card.body.addWidget(self._state)
        self._card.body.addLayout(self._list)
        self._card.body.addLayout(row(self._more, STRETCH))
        self.setLayout(column(self._card))

    def show_schema(self, schema: SchemaView) -> None:
        """Show what waits."""
        self._schema, self._all = schema, False
        waiting = len(schema.unconfirmed)
        when_words = (
            f"It was released on {when(schema.released_at)}. " if schema.released_at else "It was never released. "
        )
        rest = (
            f"{count(waiting, 'column waits', 'columns wait')} for you to confirm what it reveals."
            if waiting
            else "Everything that is marked was confirmed. Networks get what was released last, and nothing else."
        )
        self._state.setText(when_words + rest)
        self.release.set_permit(not waiting, f"{count(waiting, 'column has', 'columns have')} to be confirmed first.")
        self._draw()

    def _show_all(self) -> None:
        self._all = True
        self._draw()

    def _draw(self) -> None:
        clear(self._list)
        if self._schema is None:
            return
        waiting = [each for each in self._schema.columns if each.unconfirmed]
        for each in waiting if self._all else waiting[:_BLOCKS]:
            self._list.addWidget(self._block(each))
        self._more.setVisible(len(waiting) > _BLOCKS and not self._all)
        self._more.set_words(f"Show all {len(waiting)}")

    def _block(self, each: ColumnView) -> QWidget:
        card = Card(sunken=True)
        card.body.setSpacing(SPACE.s)
        name = stranger(each.name, 60)
        badge = Badge(BadgeSpec("bad" if each.stype == "categorical" and each.looks_like else "warn", "To confirm"))
        card.body.addLayout(row((ElidedLabel(each.name, "strong"), 1), badge))
        card.body.addWidget(PlainLabel(why(each), "body", wrap=True, selectable=True))
        buttons = [QuietButton(CONFIRM, partial(self.confirm_wanted.emit, each.name), "check", f"{CONFIRM}: {name}")]
        if each.small:
            for words, wanted in (
                ("Withhold small labels", self.withhold_wanted),
                ("Merge small labels", self.merge_wanted),
            ):
                buttons.append(QuietButton(words, partial(wanted.emit, each.name), "", f"{words}: {name}"))
        card.body.addLayout(row(*buttons, STRETCH))
        return card


def why(each: ColumnView) -> str:
    """Why a column has to be confirmed."""
    told = (
        "every value of it is told as a label"
        if each.stype == "categorical"
        else "its values stay here, its name is told"
    )
    words = f"It looks like {each.looks_like}: {told}." if each.looks_like else ""
    if each.small:
        words += f" {count(each.small, 'label', 'labels')} that few records have would be told."
    return words.strip() or each.warning


class DriftView(QWidget):
    """How this schema differs from the one before: what breaks tasks first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._head = column(gap=SPACE.s)
        self.table = RowTable(
            "Changes of the schema",
            [
                Column("", _badge, "badge", width=14),
                Column("Column", lambda each: each.column or "the whole schema", stretch=2),
                Column("What is different", lambda each: each.what, stretch=5, tip=lambda each: each.what),
                Column("Grants that pin it", lambda each: ", ".join(each.grants), stretch=2),
            ],
            row_key=lambda each: f"{each.column}\n{each.what}",
        )
        self.table.setMinimumHeight(10 * self.table.verticalHeader().defaultSectionSize())
        self._card = Card("Differences", flush=True)
        self._card.body.addWidget(self.table)
        self._none = EmptyState(
            "circle-check", "Nothing is different", "There is no earlier schema, or it says the same.", ink="muted"
        )
        self.setLayout(column(self._head, self._card, self._none, STRETCH))

    def show_drift(self, rows: Sequence[DriftRow], released: bool) -> None:
        """Show the differences from what was released, or saved before."""
        clear(self._head)
        self._card.setVisible(bool(rows))
        self._none.setVisible(not rows)
        breaking = sum(each.breaking for each in rows)
        grants = {name for each in rows for name in each.grants}
        against = "the schema that networks have" if released else "the schema that was saved before"
        if breaking:
            words = f"Compared with {against}. Tasks that use these columns may fail, or mean something else."
            if grants:
                words += f" {count(len(grants), 'running grant pins', 'running grants pin')} one of them."
            title = count(breaking, "change breaks what tasks rely on", "changes break what tasks rely on")
            self._head.addWidget(Banner("bad", words, title=title))
        elif rows:
            self._head.addWidget(
                Banner("good", f"Compared with {against}.", title="Nothing that tasks rely on is broken")
            )
        self.table.set_rows(rows)


def _badge(each: DriftRow) -> BadgeSpec:
    return BadgeSpec("bad", "Breaks") if each.breaking else BadgeSpec("plain", "Harmless", "check")
