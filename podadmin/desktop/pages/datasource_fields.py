"""The editor of each kind of field of a datasource, and how its value travels as text (see `FieldView`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from podadmin.app.views.datasources import FieldView
from podadmin.desktop.widgets.form import CheckField, ChoiceField, Field, LongField, PathField, TextField
from podadmin.desktop.widgets.rows import RowsField
from podadmin.desktop.widgets.secret import SecretField

WIDE: Final = frozenset({"path", "folder", "url", "lines", "list", "pairs", "switch"})
"""Inputs whose editor takes the whole width of a form."""
_PLACEHOLDERS: Final = {"date": "2024-01-31", "url": "dialect://name@server/database"}
_FIRST: Final = ("", "Choose one")


def editor_for(view: FieldView) -> Field:
    """An editor for a field; it holds nothing yet."""
    match view.input:
        case "secret":
            return SecretField(view.label, view.help)
        case "path" | "folder":
            return PathField(view.label, "folder" if view.input == "folder" else "file", view.help)
        case "choice":
            unset = view.required and not view.default and not any(value == "" for value, _ in view.choices)
            return ChoiceField(view.label, (_FIRST, *view.choices) if unset else view.choices, hint=view.help)
        case "switch":
            return CheckField(view.label, hint=view.help)
        case "list":
            return RowsField(view.label, ("One of them",), view.help)
        case "pairs":
            return RowsField(view.label, ("Name", "Value"), view.help)
        case "lines":
            return LongField(view.label, hint=view.help)
        case _:
            placeholder = view.default or _PLACEHOLDERS.get(view.input, "")
            return TextField(view.label, hint=view.help, placeholder=placeholder if view.input != "url" else "")


def text_in(editor: Field) -> str:
    """What stands in an editor, as a form's value. A secret is never among the values: "" ."""
    match editor:
        case SecretField():
            return ""
        case RowsField():
            return _joined(editor.rows())
        case CheckField():
            return "yes" if editor.value() else "no"
        case ChoiceField() | LongField() | TextField():
            return editor.value().strip()
        case _:
            raise TypeError(f"{type(editor).__name__} is no editor of a form")


def put(editor: Field, text: str) -> None:
    """Show a form's value in an editor."""
    match editor:
        case SecretField():
            return
        case RowsField():
            editor.set_rows(_parted(text))
        case CheckField():
            editor.set_value(text == "yes")
        case ChoiceField() | LongField() | TextField():
            editor.set_value(text)
        case _:
            raise TypeError(f"{type(editor).__name__} is no editor of a form")


def words_of(field: FieldView, text: str) -> str:
    """A value of a form as a person reads it."""
    if field.input == "choice":
        return dict(field.choices).get(text, text)
    if field.input == "list":
        return ", ".join(json.loads(text))
    if field.input == "pairs":
        return ", ".join(f"{name}: {value}" for name, value in json.loads(text).items())
    return text


def _joined(rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    if len(rows[0]) == 1:
        return json.dumps([line[0] for line in rows], ensure_ascii=False)
    return json.dumps({line[0]: line[1] for line in rows}, ensure_ascii=False, sort_keys=True)


def _parted(text: str) -> list[tuple[str, ...]]:
    if not text:
        return []
    held = json.loads(text)
    if isinstance(held, dict):
        return [(str(name), str(value)) for name, value in held.items()]
    return [(str(each),) for each in held]
