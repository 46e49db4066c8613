"""How a datasource is set up, and changing it: the same form that connected it, filled with what it has now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import DatasourceFields, FieldView, KindView
from podadmin.app.views.facts import Fact
from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.desktop.pages.datasource_fields import words_of
from podadmin.desktop.pages.datasource_form import SourceForm
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import GhostButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, scrolling, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import count

CHANGE: Final = "Change…"
SAVE: Final = "Save the change"
_IGNORE, _FORCE, _DESCRIBE, _FORGET = "ignore", "force", "describe", "forget"
_COLUMNS: Final = (
    FieldView(_IGNORE, "Never read", "Columns that are never read, by their names.", "list", group="columns"),
    FieldView(
        _FORCE,
        "Types chosen by hand",
        "Column and its type: categorical, continuous, text, image or image_prefix.",
        "pairs",
        group="columns",
    ),
    FieldView(
        _DESCRIBE,
        "Descriptions of columns",
        "Column and what it holds. They reach the schema at once, and are published with it.",
        "pairs",
        group="columns",
    ),
)
_PASSWORD: Final = FieldView(
    _FORGET, "Forget the password that is kept", "It is removed from where secrets live.", "switch", default="no"
)
_SHOWN_AT_MOST: Final = 8


class SetUpCard(Card):
    """What is set, in words. `change_wanted` asks for the form."""

    change_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        self._change = QuietButton(CHANGE, None, "settings", "Change how it is set up…")
        super().__init__("How it is set up", action=self._change, parent=parent)
        self._change.clicked.connect(lambda *_: self.change_wanted.emit())
        self._facts = FactGrid()
        self._rest = PlainLabel("", "small")
        self.body.addWidget(self._facts)
        self.body.addWidget(self._rest)
        self.body.addStretch(1)

    def show_fields(self, fields: DatasourceFields) -> None:
        """Show what does not have its default."""
        labels = {each.name: each for each in fields.kind.fields}
        facts = [Fact("Kind", fields.kind.title)]
        facts += [Fact(labels[name].label, words_of(labels[name], text)) for name, text in fields.values.items()]
        if fields.has_password:
            facts.append(Fact("Password", "kept where secrets live"))
        if fields.ignore:
            facts.append(Fact("Never read", ", ".join(fields.ignore)))
        if fields.force:
            facts.append(
                Fact("Types chosen by hand", ", ".join(f"{name} as {at}" for name, at in fields.force.items()))
            )
        if fields.describe:
            facts.append(Fact("Described", count(len(fields.describe), "column", "columns")))
        self._facts.set_facts(facts[:_SHOWN_AT_MOST])
        rest = len(facts) - _SHOWN_AT_MOST
        self._rest.setText(f"and {rest} more: see {CHANGE.rstrip('…')}" if rest > 0 else "")
        self._rest.setVisible(rest > 0)


def form_of(fields: DatasourceFields) -> tuple[KindView, dict[str, str]]:
    """The form that changes a datasource, and what stands in it now: its own fields, and what was said of columns."""
    more: tuple[FieldView, ...] = () if fields.kind.group == "none" else _COLUMNS
    if fields.has_password:
        more = (_PASSWORD, *more)
    values = dict(fields.values)
    if fields.ignore:
        values[_IGNORE] = json.dumps(list(fields.ignore), ensure_ascii=False)
    if fields.force:
        values[_FORCE] = json.dumps(dict(fields.force), ensure_ascii=False, sort_keys=True)
    if fields.describe:
        values[_DESCRIBE] = json.dumps(dict(fields.describe), ensure_ascii=False, sort_keys=True)
    return replace(fields.kind, fields=(*fields.kind.fields, *more)), values


def changes(fields: DatasourceFields, entered: Mapping[str, str]) -> dict[str, Any]:
    """What `datasource change` takes to make what was entered of what there is; empty where nothing was changed.

    A field that has its default again is sent empty. Choices about columns replace all that there were.
    """
    before = form_of(fields)[1]
    names = sorted({*before, *entered} - {_IGNORE, _FORCE, _DESCRIBE, _FORGET})
    given: dict[str, Any] = {}
    fresh = {name: entered.get(name, "") for name in names if entered.get(name, "") != before.get(name, "")}
    if fresh:
        given["set"] = fresh
    if any(entered.get(name, "") != before.get(name, "") for name in (_IGNORE, _FORCE)):
        given |= {
            "every_column": True,
            "ignore": json.loads(entered.get(_IGNORE, "[]")),
            "force": json.loads(entered.get(_FORCE, "{}")),
        }
    was, now = (json.loads(each.get(_DESCRIBE, "") or "{}") for each in (before, entered))
    if described := {name: now.get(name, "") for name in {**was, **now} if now.get(name, "") != was.get(name, "")}:
        given["describe"] = described
    if entered.get(_FORGET) == "yes":
        given["forget"] = True
    return given


class ChangeView(QWidget):
    """The form over the page. `save_wanted(arguments)` carries what `datasource change` takes; `left` goes back."""

    save_wanted = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._fields: DatasourceFields | None = None
        self._password: Secret[str] | None = None
        self.form = SourceForm()
        self.form.changed.connect(self._settle)
        self.form.submitted.connect(self._on_save)
        self.job = JobBar()
        self._problem = column(gap=SPACE.none)
        self._title = PlainLabel("", "heading")
        card = Card()
        card.body.setSpacing(SPACE.l)
        words = (
            "The datasource keeps its name, its kind and its history. Its schema becomes old where the data, how it is "
            "read or what is chosen about columns is another; descriptions reach it at once."
        )
        card.body.addLayout(column(self._title, PlainLabel(words, "muted", wrap=True), gap=SPACE.none))
        card.body.addWidget(self.form)
        self._state = StateView(scrolling(wrap(column(self._problem, card, STRETCH))))
        self._leave = GhostButton("Leave it as it is", self.left.emit, "x")
        self._save = PrimaryButton(SAVE, self._on_save)
        self.setLayout(column((self._state, 1), self.job, row(self._leave, STRETCH, self._save)))
        self.show_loading()

    def show_loading(self) -> None:
        """Another datasource is about to be changed."""
        self._fields = self._password = None
        self._state.show_loading("Reading how it is set up")
        self._settle()

    def show_fields(self, fields: DatasourceFields) -> None:
        """Show how a datasource is set up now."""
        clear(self._problem)
        self._fields, self._password = fields, None
        self._title.setText(f"Change {fields.name}")
        kind, values = form_of(fields)
        self.form.show_kind(kind, values, fields.has_password)
        self._state.show_content()
        self._settle()
        self.form.focus_first()

    def show_problem(self, error: PodadminError) -> None:
        """It cannot be changed so: said at the field that the error names, else above the form."""
        clear(self._problem)
        self.set_busy(False)
        if self._fields is None:
            self._state.show_error(error)
            return
        words = f"{error.why} {error.next_step} ({error.code})"
        if not self.form.show_error(error.field, words):
            self._problem.addWidget(Banner("bad", words, title=error.what))
            self._save.setFocus()

    def follow(self, job: RunningJob) -> None:
        """The change is being made: what is there is looked at first."""
        self.job.follow(job)
        self.set_busy(True)

    def set_busy(self, busy: bool) -> None:
        """It is being changed."""
        self._settle()
        if busy:
            self._save.set_permit(False, "It is being changed.")

    def _changes(self) -> dict[str, Any]:
        return changes(self._fields, self.form.values()) if self._fields is not None else {}

    def _settle(self) -> None:
        missing = self.form.missing() if self._fields is not None else ""
        reason = f"Fill in “{missing}” first." if missing else ""
        typed = self._password is not None or self.form.password_written
        if not reason and not typed and not self._changes():
            reason = "Nothing has been changed."
        self._save.set_permit(not reason, reason)

    def _on_save(self) -> None:
        if self._fields is None or not self._save.isEnabled():
            return
        clear(self._problem)
        self.form.clear_errors()
        arguments = {"datasource": self._fields.id, **self._changes()}
        self._password = self.form.take_password() or self._password
        if self._password is not None:
            arguments["password"] = self._password
        self.save_wanted.emit(arguments)
