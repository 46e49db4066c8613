"""Some rows of a database, as text: they suggest what to look for, and a person may look at them. Never many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, literal_column

from podadmin.datasources.database_columns import Cells, Column, declared
from podadmin.datasources.database_expressions import Key, Written
from podadmin.datasources.database_facts import facts
from podadmin.datasources.database_relation import Relation
from podadmin.datasources.database_session import Session
from podadmin.datasources.dtypes import FLOAT, INTEGER, STRING
from podadmin.datasources.sample import SAMPLE_CELLS, SAMPLE_ROWS, Look, judged

TOGETHER: Final = 200
"""Columns of which some rows are asked for at once."""


@dataclass(frozen=True)
class Sample:
    """`rows` that were looked at; of each column what they say and which dtype they suggest."""

    rows: int
    looks: tuple[Look, ...]
    dtypes: tuple[str, ...]


def sample(opened: Session, found: Relation, url: str, columns: Sequence[Column]) -> Sample:
    """What some rows say about `columns`: the first, or rows from all over a stored table of PostgreSQL."""
    wanted = max(min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(columns), 1)), 20)
    known = facts(opened, found, url).rows if found.family == "postgresql" else None
    count, looks, dtypes = 0, list[Look](), list[str]()
    for first in range(0, len(columns), TOGETHER):
        part = columns[first : first + TOGETHER]
        shown = [shown_cell(found, each).label(f"c{place}") for place, each in enumerate(part)]
        cells = opened.rows(found.few(shown, wanted, known), "Looking at some rows", 0.02)
        if not cells and known:
            cells = opened.rows(found.few(shown, wanted))
        count = len(cells)
        for place, each in enumerate(part):
            values = [row[place] for row in cells]
            looks.append(judged(each.name, [as_text(value) or None for value in values]))
            dtypes.append(_dynamic(values) if each.cells is Cells.DYNAMIC else declared(each.cells))
    return Sample(count, tuple(looks), tuple(dtypes))


def shown_cell(found: Relation, column: Column) -> ColumnElement[Any]:
    """The cell of a column as it can be looked at: moments and what has no name of its own as text, no bytes."""
    cell = found.cell(column.name)
    if column.cells is Cells.MOMENT:
        return Written(cell)
    if column.cells is Cells.OTHER:
        return Key(cell, column.cells, found.family)
    return literal_column("NULL") if column.cells is Cells.BYTES else cell


def _dynamic(values: Sequence[Any]) -> str:
    filled = [value for value in values if value is not None]
    if not filled or not all(isinstance(value, (int, float)) for value in filled):
        return STRING
    return INTEGER if all(isinstance(value, int) or value.is_integer() for value in filled) else FLOAT


def plain_moment(text: str) -> str:
    """A moment without the zeros at the end of its fraction."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_text(value: Any) -> str | None:
    """A cell as the text that stands for it; None for an empty one and for what is no number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Decimal):
        return format(value, "f")
    return repr(value) if isinstance(value, float) else str(value)
