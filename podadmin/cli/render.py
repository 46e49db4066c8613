"""The views of `podadmin.app.views` as text and as JSON, by their shape: no command has a printing of its own.

Text is for a person: facts as `label: value`, rows as tables, sections under a heading, nothing that a terminal would
obey. JSON is for programs: every field, times as RFC 3339 in UTC. Nothing is computed here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from datetime import datetime
from typing import Any, TypeGuard

from podadmin.app.views.facts import Done, Fact, Permit, Section
from podadmin.app.views.requests import TraceLine
from podadmin.core.clock import stamp
from podadmin.core.text import elide, visible

CELL = 48
"""The widest that a cell of a table may be, in characters; the facts of a single thing are never cut."""
INDENT = "  "
NOTHING = "–"
_ERROR = {"code", "what", "why", "next_step"}

_TONES = {"warn": "  [!]", "bad": "  [!!]"}


def as_json(value: object) -> str:
    """`value` as one JSON document. Characters beyond ASCII are escaped, so that no terminal and no locale matters."""
    return json.dumps(plain(value), indent=2, allow_nan=False)


def plain(value: object) -> Any:
    """`value` as dicts, lists, texts, numbers, booleans and None. Raises TypeError for anything that is no view."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return stamp(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    raise TypeError(f"a {type(value).__name__} is not part of a view")


def error_lines(error: Mapping[str, Any]) -> list[str]:
    """An error, as `PodadminError.as_dict` tells it, in sentences: what, why, what to do next, and its code."""
    said = (error["what"], error["why"], error["next_step"], f"[{error['code']}]")
    return [_words(str(each)) for each in said if each]


def as_text(value: object) -> str:
    """`value` for a person at a terminal, without a line break at its end; empty where there is nothing to say."""
    return "\n".join(_block(value))


def _block(value: object) -> list[str]:
    if isinstance(value, Done):
        return [_words(value.words) + (f" ({_words(value.subject)})" if value.subject else "")]
    if isinstance(value, (list, tuple)):
        return _sequence(value) or ["Nothing to list."]
    if isinstance(value, Mapping):
        return _tree(value)
    if _is_view(value):
        return _view(value)
    return _lines(value)


def _view(value: Any) -> list[str]:
    """Scalar fields as facts first, then what has parts of its own, each under its name."""
    facts: list[tuple[str, str]] = []
    parts: list[str] = []
    cells = _cells_of(value)
    for field in fields(value):
        item = getattr(value, field.name)
        if cells is not None and field.name == "columns":
            continue
        if cells is not None and field.name == "rows":
            parts += ["", *table([_cell(each) for each in value.columns], cells)]
        elif isinstance(item, Permit):
            facts.append((_label(field.name), "yes" if item.allowed else f"no: {_words(item.reason)}"))
        elif _is_scalar(item):
            if item not in ("", None):
                facts.append((_label(field.name), "\n".join(_lines(item))))
        elif _is_inline(item):
            if item:
                facts.append((_label(field.name), _inline(item)))
        else:
            parts.extend(_part(field, item))
    return _facts(facts) + parts


def _cells_of(value: Any) -> list[list[str]] | None:
    """The cells of a view that is a piece of somebody's table and the names of its columns; None of any other."""
    columns, rows = getattr(value, "columns", None), getattr(value, "rows", None)
    if not isinstance(columns, tuple) or not isinstance(rows, tuple):
        return None
    if not columns or not all(isinstance(row, tuple) and len(row) == len(columns) for row in rows):
        return None
    return [[_cell(each) for each in row] for row in rows]


def _part(field: Field[Any], item: Any) -> list[str]:
    if isinstance(item, (list, tuple)) and item and all(isinstance(part, Section) for part in item):
        lines: list[str] = []
        for section in item:
            lines += ["", f"{_words(section.title)}:", *_indented(_sequence(section.facts))]
        return lines
    if isinstance(item, Mapping) and set(item) >= _ERROR:
        lines = error_lines(item)
    else:
        lines = [] if not _is_view(item) and not item else _block(item)
    return ["", f"{_label(field.name)}:", *_indented(lines)] if lines else []


def _sequence(items: list[Any] | tuple[Any, ...]) -> list[str]:
    if not items:
        return []
    if all(isinstance(item, Fact) for item in items):
        return _facts([(_words(f.label), "\n".join(_lines(f.value)) + _TONES.get(f.tone, "")) for f in items])
    if all(isinstance(item, TraceLine) for item in items):
        return [f"- {_words(t.considered)} {_words(t.outcome)}{_TONES.get(t.tone, '')}" for t in items]
    if all(isinstance(item, str) for item in items):
        return [f"- {_words(item)}" for item in items]
    if all(_is_view(item) for item in items) and len({type(item) for item in items}) == 1:
        return _rows(items)
    if all(isinstance(item, tuple) for item in items):
        if names := _same_names(items):
            return table([_cell(name) for name in names], [[_cell(cell) for _, cell in item] for item in items])
        return [f"- {'  '.join(_cell(part) for part in item)}" for item in items]
    return [line for item in items for line in _block(item)]


def _same_names(items: Sequence[Any]) -> tuple[str, ...]:
    """The names of rows that are pairs of a name and a cell, where all rows have the same; else none."""
    if not all(isinstance(part, tuple) and len(part) == 2 for item in items for part in item):
        return ()
    names = {tuple(name for name, _ in item) for item in items}
    return names.pop() if len(names) == 1 else ()


def _rows(items: Iterable[Any]) -> list[str]:
    rows = list(items)
    names = getattr(rows[0], "TABLE", None) or tuple(
        field.name for field in fields(rows[0]) if all(_fits_a_cell(getattr(row, field.name)) for row in rows)
    )
    if not names:
        return [line for row in rows for line in [*_block(row), ""]][:-1]
    told = tuple(name for name in names if any(getattr(row, name) not in ("", None, {}) for row in rows))
    # what is nothing in every row needs no column, but then at least two have to be left: days alone say nothing
    names = told if len(told) > 1 else names
    return table([_label(name) for name in names], [[_cell(getattr(row, name)) for name in names] for row in rows])


def table(titles: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a table with aligned columns, its titles first. Every row has as many cells as there are titles."""
    widths = [max(len(cell) for cell in column) for column in zip(titles, *rows, strict=True)]
    lines = [titles, ["-" * width for width in widths], *rows]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _facts(facts: list[tuple[str, str]]) -> list[str]:
    width = max((len(label) for label, _ in facts), default=0) + 1
    lines: list[str] = []
    for label, value in facts:
        first, *more = value.split("\n")
        lines.append(f"{label + ':':<{width}} {first}".rstrip())
        lines.extend(" " * (width + 1) + line for line in more)
    return lines


def _tree(value: Mapping[Any, Any]) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            lines += [f"{_words(str(key))}:", *_indented(_tree(item))]
        elif isinstance(item, (list, tuple)) and item:
            lines += [f"{_words(str(key))}:", *_indented(_leaves(item))]
        else:
            lines.append(f"{_words(str(key))}: {_cell(item, limit=None)}")
    return lines


def _leaves(items: list[Any] | tuple[Any, ...]) -> list[str]:
    lines: list[str] = []
    for item in items:
        inner = _tree(item) if isinstance(item, Mapping) else [_cell(item, limit=None)]
        lines += [("- " if index == 0 else "  ") + line for index, line in enumerate(inner or [NOTHING])]
    return lines


def _is_view(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (str, bool, int, float, datetime))


def _is_inline(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """A mapping of names to numbers fits a line: `held 3, refused 1`."""
    return isinstance(value, Mapping) and all(isinstance(item, (int, float)) for item in value.values())


def _fits_a_cell(value: object) -> bool:
    return _is_scalar(value) or _is_inline(value)


def _inline(value: Mapping[Any, Any]) -> str:
    return ", ".join(f"{_words(str(key))} {_cell(item)}" for key, item in value.items())


def _lines(value: object) -> list[str]:
    if isinstance(value, str):
        return visible(value, one_line=False).split("\n")
    return [_cell(value, limit=None)]


def _cell(value: object, limit: int | None = CELL) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.6g}"
    if isinstance(value, datetime):
        return stamp(value)[:19].replace("T", " ") + " UTC"
    if _is_inline(value):
        value = _inline(value) or NOTHING
    elif isinstance(value, (Mapping, list, tuple)):
        value = json.dumps(plain(value), ensure_ascii=False) if value else NOTHING
    text = _words(str(value))
    return text if limit is None else elide(text, limit)


def _words(text: str) -> str:
    return visible(text)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _indented(lines: list[str]) -> list[str]:
    return [INDENT + line if line else line for line in lines]
