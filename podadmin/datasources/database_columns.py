"""What a column of a database holds, by the type that the database declares for it. Pure rules.

The types are those that a pod would see: it reads a table through pandas, where a decimal number is a floating point
number, a date becomes text, and everything that has no name in the schema format is text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.types import (
    BINARY,
    JSON,
    VARBINARY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Time,
    TypeEngine,
    Uuid,
)

from podadmin.datasources.dtypes import BOOLEAN, FLOAT, INTEGER, STRING


class Cells(StrEnum):
    """What the cells of a column are to whoever counts them."""

    BOOLEAN = "boolean"
    WHOLE = "whole"
    FLOAT = "float"
    DECIMAL = "decimal"
    MOMENT = "moment"
    TEXT = "text"
    OTHER = "other"
    """Shown as text: a time of day, a UUID, JSON, an array."""
    BYTES = "bytes"
    DYNAMIC = "dynamic"
    """SQLite: every cell has a type of its own, whatever the column declares."""


@dataclass(frozen=True)
class Column:
    """A column as the database names it. `native`: the database's own name for its type, for a person."""

    name: str
    cells: Cells
    native: str


_DTYPES = {Cells.BOOLEAN: BOOLEAN, Cells.WHOLE: INTEGER, Cells.FLOAT: FLOAT, Cells.DECIMAL: FLOAT}
_WHOLE = frozenset({"YEAR", "OID"})
_DECIMAL = frozenset({"MONEY", "SMALLMONEY"})
_BYTES = frozenset({"BIT", "BYTEA", "IMAGE", "ROWVERSION", "TIMESTAMP_ROWVERSION", "BFILE", "RAW", "ROWID"})


def declared(cells: Cells) -> str:
    """The dtype of a column whose cells are these, before any of them was looked at."""
    return _DTYPES.get(cells, STRING)


def cells_of(kind: TypeEngine[Any], family: str) -> Cells:
    """What a column of this declared type holds in a database of this family (SQLAlchemy's name for it)."""
    if family == "sqlite":
        return Cells.DYNAMIC
    inner = getattr(kind, "data_type", None)
    if isinstance(inner, TypeEngine):
        return cells_of(inner, family)  # a domain over another type
    name = type(kind).__name__.upper()
    if isinstance(kind, Boolean) or (family == "mssql" and name == "BIT"):
        return Cells.BOOLEAN
    if isinstance(kind, (LargeBinary, BINARY, VARBINARY)) or name in _BYTES:
        return Cells.BYTES
    if isinstance(kind, (Integer, BigInteger)) or (family == "mysql" and name in _WHOLE):
        return Cells.WHOLE
    if isinstance(kind, Float):
        return Cells.FLOAT
    if isinstance(kind, Numeric) or (family == "mssql" and name in _DECIMAL):
        return Cells.DECIMAL
    if isinstance(kind, Interval):
        return Cells.OTHER
    if isinstance(kind, (Date, DateTime)):
        return Cells.MOMENT
    if isinstance(kind, (Time, Uuid, JSON)) or (isinstance(kind, Enum) and family == "postgresql"):
        return Cells.OTHER
    if isinstance(kind, String) and name not in {"CLOB", "NCLOB", "LONG", "NTEXT", "XML"}:
        return Cells.TEXT
    return Cells.OTHER
