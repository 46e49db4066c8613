"""What is in an opened result: what it is, how many rows, which columns, its lowest numbers, its first rows.

A value that can hide more than it seems to hold (lists inside of lists, long texts, forms that are not read here) has
no number of rows: whoever asks for one gets none, and what is not known holds a result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from podadmin.core.text import stranger
from podadmin.gate.feather import MARK, read_table
from podadmin.networks.bitfount import codec

FEATHER: Final = 2
"""The code under which a table travels (gate contract, section 3.5)."""
SHOWN_COLUMNS: Final = 60
_SHOWN_ROWS: Final = 5
_SHOWN_TEXT: Final = 80
_LONG_TEXT: Final = 2000
_MOST_COLUMNS: Final = 10_000


@dataclass(frozen=True)
class Content:
    """`rows` None: it cannot be told. `columns` None: nor can their names, which are as the pod gave them. `least`: the
    lowest number of each column that holds only numbers. `sample`: its first rows, by the names of columns.
    """

    what: str
    rows: int | None = None
    columns: tuple[str, ...] | None = None
    least: Mapping[str, float] = field(default_factory=dict)
    sample: tuple[Mapping[str, str], ...] = ()


def content_of(value: codec.Value) -> Content:
    """What an opened result holds."""
    if isinstance(value, Mapping):
        return _of_columns(value)
    if isinstance(value, codec.Opaque):
        return _of_opaque(value)
    if isinstance(value, list):
        return _of_list(value)
    return Content("one value", _length(value), ("value",), _lowest({"value": [value]}), ({"value": _text(value)},))


def _of_opaque(value: codec.Opaque) -> Content:
    if value.code != FEATHER or not value.data.startswith(MARK):
        return Content(f"a value of kind {value.code} with {len(value.data):,} bytes")
    table = read_table(value.data, _SHOWN_ROWS)
    sample = tuple(_line(each) for each in table.first)
    return Content("a table", table.rows, table.columns, table.least, sample)


def _of_columns(value: Mapping[Any, Any]) -> Content:
    columns = {str(name): each for name, each in value.items()}
    lengths = [_length(each) for each in columns.values()]
    told = len(columns) <= _MOST_COLUMNS and None not in lengths
    rows = max((each for each in lengths if each is not None), default=0) if told else None
    shown = list(columns.items())[:SHOWN_COLUMNS]
    sample = tuple(
        _line({name: _at(each, place) for name, each in shown}) for place in range(min(rows or 0, _SHOWN_ROWS))
    )
    return Content("columns with names", rows, tuple(columns), _lowest(columns) if told else {}, sample)


def _of_list(value: Sequence[Any]) -> Content:
    """A list of values, of records with names, or of parts that are each a result of their own."""
    if value and all(isinstance(each, Mapping) and not any(map(_is_nested, each.values())) for each in value):
        names = tuple(dict.fromkeys(str(name) for each in value for name in each))
        columns = {name: [each.get(name) for each in value] for name in names[:SHOWN_COLUMNS]}
        sample = tuple(_line(each) for each in value[:_SHOWN_ROWS])
        lengths = [_length(each) for line in value for each in line.values()]
        rows = None if None in lengths else len(value)
        return Content("records", rows, names, _lowest(columns), sample)
    if any(isinstance(each, (Mapping, codec.Opaque)) for each in value):
        parts = [content_of(each) for each in value]
        rows_of = [each.rows for each in parts]
        names_of = [each.columns for each in parts]
        return Content(
            f"{len(parts):,} results in one",
            None if None in rows_of else sum(each for each in rows_of if each is not None),
            None if None in names_of else tuple(dict.fromkeys(name for each in names_of for name in each or ())),
            _least_of(parts),
            tuple(line for each in parts for line in each.sample)[:_SHOWN_ROWS],
        )
    shown = tuple({"value": _text(each)} for each in value[:_SHOWN_ROWS])
    return Content("a list", _length(value), ("value",), _lowest({"value": value}), shown)


def _least_of(parts: Sequence[Content]) -> dict[str, float]:
    """The lowest of each column over several results; a column that is no number in one of them has none."""
    names = {name for each in parts for name in each.columns or ()}
    having = {name: [each for each in parts if name in (each.columns or ())] for name in names}
    return {
        name: min(each.least[name] for each in found)
        for name, found in having.items()
        if all(name in each.least for each in found)
    }


def _is_nested(value: object) -> bool:
    return isinstance(value, (Mapping, list, codec.Opaque))


def _length(value: object) -> int | None:
    """How many rows a column has: a list's length, or that of the longest list in it. None where it can hide more."""
    if isinstance(value, (str, bytes)):
        return 1 if len(value) <= _LONG_TEXT else None
    if isinstance(value, (Mapping, codec.Opaque)):
        return None
    if not isinstance(value, list):
        return 1
    inside = [each for each in value if isinstance(each, list)]
    flat = (each for each in value if not isinstance(each, list))
    cells = (each for part in (flat, *inside) for each in part)
    if any(_is_nested(each) or _length(each) is None for each in cells):
        return None
    return max(len(value), *(len(each) for each in inside)) if inside else len(value)


def _lowest(columns: Mapping[str, object]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, column in columns.items():
        cells = column if isinstance(column, list) else [column]
        numbers = [each for each in cells if isinstance(each, (int, float)) and not isinstance(each, bool)]
        if numbers and len(numbers) == len(cells) and all(map(math.isfinite, numbers)):
            found[name] = float(min(numbers))
    return found


def _at(column: object, place: int) -> object:
    if not isinstance(column, list):
        return column if place == 0 else ""
    return column[place] if place < len(column) else ""


def _line(cells: Mapping[Any, object]) -> dict[str, str]:
    return {stranger(str(name), 120): _text(each) for name, each in list(cells.items())[:SHOWN_COLUMNS]}


def _text(value: object) -> str:
    return stranger("" if value is None else str(value)[: _SHOWN_TEXT * 4], _SHOWN_TEXT)
