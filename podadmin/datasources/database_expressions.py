"""The few expressions over a cell that every database writes in its own way, so that whoever asks writes them once.

Each is an SQLAlchemy construct that is compiled for the database at hand. What they have in common is what a pod would
read through pandas: text is compared byte by byte (not by a collation that takes `a` and `A` for the same), what is no
number counts as empty, moments are in UTC.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double, Integer, LargeBinary, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from podadmin.datasources.database_columns import Cells

ONE_IN = 64
"""Where different values are too many to count, those are counted whose hash falls into one of so many parts."""
HASH = "podadmin_part"
"""The name of the function that a connection to SQLite is given for it."""
_MILLION = 1_000_000


class _OfCell(FunctionElement[Any]):
    """An expression over one cell. `cells`: what the column holds."""

    inherit_cache = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # what is compiled depends on `cells`, of which SQLAlchemy's cache knows nothing
        cls.inherit_cache = False

    def __init__(self, cell: ColumnElement[Any], cells: Cells = Cells.TEXT) -> None:
        super().__init__(cell)
        self.cells = cells

    def compiled(self, compiler: Any, kw: dict[str, Any]) -> str:
        return str(compiler.process(self.clauses, **kw))


class Number(_OfCell):
    """A cell as a number of double precision; what is no number (NaN) is NULL."""

    type = Double()


class Characters(_OfCell):
    """How many characters a text has, or how many bytes a binary value."""

    type = Integer()


class Key(_OfCell):
    """What stands for a cell where cells are compared or grouped. `family`: SQLAlchemy's name of the database."""

    def __init__(self, cell: ColumnElement[Any], cells: Cells, family: str) -> None:
        super().__init__(cell, cells)
        # compared byte by byte, text comes back from MySQL as the bytes of UTF-8
        self.type = LargeBinary() if family == "mysql" and cells in {Cells.TEXT, Cells.OTHER} else NullType()


class Moment(_OfCell):
    """A date or time as a moment in UTC without its zone."""

    type = Text()


class Written(_OfCell):
    """A moment as `2024-02-29 10:00:00`, perhaps with a fraction."""

    type = Text()


class Seconds(_OfCell):
    """Seconds from 1970 to a moment."""

    type = Double()


class Deviation(_OfCell):
    """The deviation of a sample (n - 1) over numbers. Not known to SQLite."""

    type = Double()


class Estimate(_OfCell):
    """About how many different keys there are: within three per cent where there are more than 60 000."""

    type = Integer()


class Chance(FunctionElement[Any]):
    """True for about this share of the rows, whichever they are; nothing is sorted for it."""

    inherit_cache = False

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share


@compiles(Number)
def _number(element: Number, compiler: Any, **kw: Any) -> str:
    return f"CAST({element.compiled(compiler, kw)} AS REAL)"


@compiles(Number, "postgresql")
def _number_pg(element: Number, compiler: Any, **kw: Any) -> str:
    number = f"CAST({element.compiled(compiler, kw)} AS double precision)"
    return number if element.cells is Cells.WHOLE else f"NULLIF({number}, 'NaN')"


@compiles(Number, "mysql")
def _number_my(element: Number, compiler: Any, **kw: Any) -> str:
    return f"({element.compiled(compiler, kw)} + 0e0)"


@compiles(Number, "mssql")
def _number_ms(element: Number, compiler: Any, **kw: Any) -> str:
    return f"CAST({element.compiled(compiler, kw)} AS FLOAT(53))"


@compiles(Number, "oracle")
def _number_ora(element: Number, compiler: Any, **kw: Any) -> str:
    number = f"TO_BINARY_DOUBLE({element.compiled(compiler, kw)})"
    # NANVL with NULL is none of the functions of which Oracle says that they take NULL
    exact = element.cells in {Cells.WHOLE, Cells.DECIMAL}
    return number if exact else f"CASE WHEN {number} IS NOT NAN THEN {number} END"


@compiles(Characters)
def _characters(element: Characters, compiler: Any, **kw: Any) -> str:
    return f"length({element.compiled(compiler, kw)})"


@compiles(Characters, "postgresql")
def _characters_pg(element: Characters, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    return f"octet_length({cell})" if element.cells is Cells.BYTES else f"char_length(CAST({cell} AS text))"


@compiles(Characters, "mysql")
def _characters_my(element: Characters, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    return f"LENGTH({cell})" if element.cells is Cells.BYTES else f"CHAR_LENGTH({_text_my(element.cells, cell)})"


@compiles(Characters, "mssql")
def _characters_ms(element: Characters, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    # LEN leaves out blanks at the end, so something is put behind them
    return f"DATALENGTH({cell})" if element.cells is Cells.BYTES else f"(LEN(CAST({cell} AS NVARCHAR(MAX)) + N'.') - 1)"


@compiles(Characters, "oracle")
def _characters_ora(element: Characters, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    return f"DBMS_LOB.GETLENGTH({cell})" if element.cells is Cells.BYTES else f"LENGTH({cell})"


@compiles(Key)
def _key(element: Key, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    return f"({cell} COLLATE BINARY)"


@compiles(Key, "postgresql")
def _key_pg(element: Key, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    if element.cells is Cells.BYTES:
        return f"md5({cell})"
    return f'(CAST({cell} AS text) COLLATE "C")' if element.cells in {Cells.TEXT, Cells.OTHER} else cell


@compiles(Key, "mysql")
def _key_my(element: Key, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    if element.cells is Cells.BYTES:
        return f"MD5({cell})"
    if element.cells in {Cells.TEXT, Cells.OTHER}:
        return f"CAST({_text_my(element.cells, cell)} AS BINARY)"
    return cell


def _text_my(cells: Cells, cell: str) -> str:
    return f"CONVERT({cell} USING utf8mb4)" if cells is Cells.TEXT else f"CAST({cell} AS CHAR CHARACTER SET utf8mb4)"


@compiles(Key, "mssql")
def _key_ms(element: Key, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    if element.cells is Cells.BYTES:
        return f"HASHBYTES('SHA2_256', {cell})"
    if element.cells in {Cells.TEXT, Cells.OTHER}:
        return f"(CAST({cell} AS NVARCHAR(4000)) COLLATE Latin1_General_100_BIN2)"
    return cell


@compiles(Key, "oracle")
def _key_ora(element: Key, compiler: Any, **kw: Any) -> str:
    cell = element.compiled(compiler, kw)
    if element.cells is Cells.BYTES:
        return f"RAWTOHEX(DBMS_LOB.SUBSTR({cell}, 1000, 1))"
    return f"TO_CHAR(SUBSTR({cell}, 1, 1000))" if element.cells in {Cells.TEXT, Cells.OTHER} else cell


@compiles(Moment)
def _moment(element: Moment, compiler: Any, **kw: Any) -> str:
    return f"strftime('%Y-%m-%d %H:%M:%f', {element.compiled(compiler, kw)})"


@compiles(Moment, "postgresql")
def _moment_pg(element: Moment, compiler: Any, **kw: Any) -> str:
    return f"CAST({element.compiled(compiler, kw)} AS timestamp)"


@compiles(Moment, "mysql")
def _moment_my(element: Moment, compiler: Any, **kw: Any) -> str:
    return f"CAST({element.compiled(compiler, kw)} AS DATETIME(6))"


@compiles(Moment, "mssql")
def _moment_ms(element: Moment, compiler: Any, **kw: Any) -> str:
    # style 1 turns a moment with a zone into UTC
    return f"CONVERT(DATETIME2, {element.compiled(compiler, kw)}, 1)"


@compiles(Moment, "oracle")
def _moment_ora(element: Moment, compiler: Any, **kw: Any) -> str:
    # a cast alone leaves the zone out; a moment without one is taken to be in the session's, which is UTC
    return f"SYS_EXTRACT_UTC(CAST({element.compiled(compiler, kw)} AS TIMESTAMP WITH TIME ZONE))"


@compiles(Written)
def _written(element: Written, compiler: Any, **kw: Any) -> str:
    return element.compiled(compiler, kw)


@compiles(Written, "postgresql")
def _written_pg(element: Written, compiler: Any, **kw: Any) -> str:
    return f"CAST({element.compiled(compiler, kw)} AS text)"


@compiles(Written, "mysql")
def _written_my(element: Written, compiler: Any, **kw: Any) -> str:
    return f"CAST({element.compiled(compiler, kw)} AS CHAR)"


@compiles(Written, "mssql")
def _written_ms(element: Written, compiler: Any, **kw: Any) -> str:
    return f"CONVERT(VARCHAR(27), {element.compiled(compiler, kw)}, 121)"


@compiles(Written, "oracle")
def _written_ora(element: Written, compiler: Any, **kw: Any) -> str:
    return f"TO_CHAR({element.compiled(compiler, kw)}, 'YYYY-MM-DD HH24:MI:SS.FF6')"


@compiles(Seconds)
def _seconds(element: Seconds, compiler: Any, **kw: Any) -> str:
    return f"CAST(strftime('%s', {element.compiled(compiler, kw)}) AS REAL)"


@compiles(Seconds, "postgresql")
def _seconds_pg(element: Seconds, compiler: Any, **kw: Any) -> str:
    return f"CAST(EXTRACT(EPOCH FROM {element.compiled(compiler, kw)}) AS double precision)"


@compiles(Seconds, "mysql")
def _seconds_my(element: Seconds, compiler: Any, **kw: Any) -> str:
    return f"(TIMESTAMPDIFF(SECOND, '1970-01-01', {element.compiled(compiler, kw)}) + 0e0)"


@compiles(Seconds, "mssql")
def _seconds_ms(element: Seconds, compiler: Any, **kw: Any) -> str:
    return f"CAST(DATEDIFF_BIG(SECOND, '1970-01-01', {element.compiled(compiler, kw)}) AS FLOAT(53))"


@compiles(Seconds, "oracle")
def _seconds_ora(element: Seconds, compiler: Any, **kw: Any) -> str:
    return f"((CAST({element.compiled(compiler, kw)} AS DATE) - DATE '1970-01-01') * 86400)"


@compiles(Deviation)
def _deviation(element: Deviation, compiler: Any, **kw: Any) -> str:
    return f"stddev_samp({element.compiled(compiler, kw)})"


@compiles(Deviation, "mssql")
def _deviation_ms(element: Deviation, compiler: Any, **kw: Any) -> str:
    return f"STDEV({element.compiled(compiler, kw)})"


_HASHES = {
    Cells.WHOLE: ("hashint8", "bigint"),
    Cells.FLOAT: ("hashfloat8", "double precision"),
    Cells.DECIMAL: ("hashfloat8", "double precision"),
    Cells.MOMENT: ("timestamp_hash", "timestamp"),
}


@compiles(Estimate)
def _estimate(element: Estimate, compiler: Any, **kw: Any) -> str:
    return _of_part(element.compiled(compiler, kw), f"{HASH}({element.compiled(compiler, kw)})")


@compiles(Estimate, "postgresql")
def _estimate_pg(element: Estimate, compiler: Any, **kw: Any) -> str:
    found = element.compiled(compiler, kw)
    function, kind = _HASHES.get(element.cells, ("hashtext", "text"))
    return _of_part(found, f"({function}(CAST({found} AS {kind})) & {ONE_IN - 1})")


@compiles(Estimate, "mysql")
def _estimate_my(element: Estimate, compiler: Any, **kw: Any) -> str:
    found = element.compiled(compiler, kw)
    return _of_part(found, f"(CRC32({found}) & {ONE_IN - 1})")


def _of_part(found: str, part: str) -> str:
    return f"({ONE_IN} * count(DISTINCT CASE WHEN {part} = 0 THEN {found} END))"


@compiles(Estimate, "mssql")
@compiles(Estimate, "oracle")
def _estimate_built_in(element: Estimate, compiler: Any, **kw: Any) -> str:
    return f"APPROX_COUNT_DISTINCT({element.compiled(compiler, kw)})"


@compiles(Chance)
def _chance(element: Chance, compiler: Any, **kw: Any) -> str:
    return f"(abs(random() / 2) % {_MILLION} < {_millionths(element)})"


@compiles(Chance, "postgresql")
def _chance_pg(element: Chance, compiler: Any, **kw: Any) -> str:
    return f"(random() < {_millionths(element)} / 1e6)"


@compiles(Chance, "mysql")
def _chance_my(element: Chance, compiler: Any, **kw: Any) -> str:
    return f"(RAND(1) < {_millionths(element)} / 1e6)"


@compiles(Chance, "mssql")
def _chance_ms(element: Chance, compiler: Any, **kw: Any) -> str:
    return f"(CHECKSUM(NEWID()) & 2147483647) / 2147483647.0 < {_millionths(element)} / 1e6"


@compiles(Chance, "oracle")
def _chance_ora(element: Chance, compiler: Any, **kw: Any) -> str:
    return f"(DBMS_RANDOM.VALUE < {_millionths(element)} / 1e6)"


def _millionths(element: Chance) -> int:
    return max(1, min(_MILLION, round(element.share * _MILLION)))
