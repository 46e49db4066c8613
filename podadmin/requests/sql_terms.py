"""The small terms of SQL by which single records are told from figures: plain columns, constants, what AND joins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlglot import exp

_WHOLE_DIGITS: Final = 8
"""Before the point, for a DECIMAL that is wide: what does not fit, some engines cut."""
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


class SingleRecords(Exception):
    """A line of the result can be about one record, for this reason."""


@dataclass(frozen=True)
class Choice:
    """The records that a query makes figures of: those of `table` that meet all `conditions`, each group apart.

    `conditions` and `groups` (columns) are in DuckDB's SQL, each once and sorted, without the table's name before
    columns; in quotes is what was in quotes, which MySQL takes for a text.
    """

    table: str
    conditions: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def where(self) -> str:
        """The conditions as one, in DuckDB's SQL: true for the records that are chosen, and for no other."""
        return f"(({') AND ('.join(self.conditions)})) IS TRUE" if self.conditions else "TRUE"


def written(nodes: Iterable[exp.Expr], source: str) -> tuple[str, ...]:
    """Terms over one table as a `Choice` has them; `source` is what the query calls that table."""
    from sqlglot import exp

    copies = [each.copy() for each in nodes]
    for column in (column for each in copies for column in each.find_all(exp.Column)):
        # before a dot can stand another column, of which this is a field
        if folded(column.table) == folded(source):
            column.set("table", None)
    return tuple(sorted({each.sql("duckdb") for each in copies}))


def is_plain_column(node: exp.Expr) -> bool:
    from sqlglot import exp

    # where a catalog is named, a database is
    return isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier) and not node.args.get("db")


def is_plain_star(node: exp.Expr) -> bool:
    """`*` with nothing added to it, as `* REPLACE (… AS a)` has."""
    from sqlglot import exp

    return isinstance(node, exp.Star) and not any(node.args.values())


def key_of(column: exp.Expr) -> str:
    """A column's name, so that whatever any engine takes for the same name is the same."""
    return column.name.casefold()


def folded(name: str) -> str:
    """A name, so that only what every engine takes for the same name is the same: A to Z in another case."""
    return name.translate(_LOWER)


_LOWER = {ord(each): each.lower() for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def is_same_name(one: exp.Expr, other: exp.Expr) -> bool:
    """Do all engines take two names for the same one? They differ in letters, and in what double quotes change."""
    return one.name == other.name and bool(one.args.get("quoted")) == bool(other.args.get("quoted"))


def is_same_column(one: exp.Expr, other: exp.Expr) -> bool:
    """Do all engines take two plain columns for the same one?

    In double quotes only where both are: SQLite takes a name in double quotes that it does not find for a text, and
    MySQL takes every one for a text. Then a group would be of all records, and the column of any of them.
    """
    same = folded(one.name) == folded(other.name)
    return same and bool(one.this.args.get("quoted")) == bool(other.this.args.get("quoted"))


def combining() -> tuple[type[exp.Expr], ...]:
    """Aggregates that blend their values; MIN, MAX, FIRST, LIST, MEDIAN and their like hand single values on."""
    from sqlglot import exp

    return (exp.Sum, exp.Avg, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop)


def harmless() -> tuple[type[exp.Expr], ...]:
    """What can be done with figures that leaves them figures."""
    from sqlglot import exp

    return (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Paren, exp.Neg, exp.Round, exp.Cast, exp.Coalesce)


def inside_of(node: exp.Expr) -> exp.Expr:
    """What stands in brackets and casts."""
    from sqlglot import exp

    while isinstance(node, exp.Paren) or _is_wide_cast(node):
        node = node.this
    return node


def _is_wide_cast(node: exp.Expr) -> bool:
    """A cast to a number that leaves no value out: TRY_CAST and narrow numbers can leave out all but a single one."""
    from sqlglot import exp

    if type(node) is not exp.Cast or any(value for name, value in node.args.items() if name not in {"this", "to"}):
        return False
    kind, wide = node.to, exp.DataType.Type
    if kind.this in {wide.INT, wide.BIGINT, wide.INT128, wide.FLOAT, wide.DOUBLE}:
        return not kind.expressions
    digits = [number for each in kind.expressions if (number := whole_number(each.this)) is not None]
    fits = not digits or digits[0] - sum(digits[1:]) >= _WHOLE_DIGITS
    return bool(kind.this == wide.DECIMAL and len(digits) == len(kind.expressions) and fits)


def conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions that are joined by AND, in any order."""
    from sqlglot import exp

    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, exp.And):
            waiting += [found.this, found.expression]
        elif isinstance(found, exp.Paren):
            waiting.append(found.this)
        else:
            yield found


def column_compared(node: exp.Expr) -> str | None:
    """The column of a condition that compares one plain column with constants; None for every other."""
    from sqlglot import exp

    if isinstance(node, exp.Not):
        node = node.this
    if isinstance(node, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.Like)):
        left, right = node.this, node.expression
        if not is_plain_column(left):
            left, right = right, left
        fits = is_plain_column(left) and is_constant(right)
    elif isinstance(node, exp.Between):
        left = node.this
        fits = is_plain_column(left) and is_constant(node.args["low"]) and is_constant(node.args["high"])
    elif isinstance(node, exp.In):
        left = node.this
        listed = node.expressions
        fits = bool(listed) and is_plain_column(left) and all(map(is_constant, listed))
    else:
        return None
    return key_of(left) if fits else None


def is_constant(node: exp.Expr) -> bool:
    from sqlglot import exp

    if isinstance(node, exp.Neg):
        node = node.this
    return isinstance(node, (exp.Literal, exp.Null, exp.Boolean))


def whole_number(node: object) -> int | None:
    """A number of at most nine digits from 0 to 9; None for every other, and for what is no number."""
    from sqlglot import exp

    if not isinstance(node, exp.Literal) or node.is_string:
        return None
    return int(node.name) if _NUMBER.fullmatch(node.name) else None


def demanded_by(node: exp.Expr) -> int | None:
    """`k` of `COUNT(…) >= k` and what means the same."""
    from sqlglot import exp

    sides = (node.this, node.expression)
    for (count, number), least, more in (
        (sides, exp.GTE, exp.GT),
        (sides[::-1], exp.LTE, exp.LT),
    ):
        fewest = whole_number(number)
        if isinstance(count, exp.Count) and fewest is not None:
            if isinstance(node, least):
                return fewest
            if isinstance(node, more):
                return fewest + 1
    return None


def is_count_of_records(node: exp.Expr) -> bool:
    from sqlglot import exp

    if not isinstance(node, exp.Count):
        return False
    return node.this is None or isinstance(node.this, exp.Literal) or is_plain_star(node.this)
