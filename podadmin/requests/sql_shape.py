"""Single records or figures: what a line of a query's result can be about.

A line counts as a figure only where every way to make it be about one person is closed: a plain form that all engines
read alike, one table, sums and counts over plain columns, simple conditions joined by AND, and either all records of
the table or a smallest group that the SQL itself demands (`HAVING COUNT(*) >= k`). Everything else is single records,
and the reason is told. Differences between two requests are beyond this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from podadmin.core.text import quoted, stranger
from podadmin.requests.effect_facts import Level, worst
from podadmin.requests.sql_sources import common_table, has_two_meanings
from podadmin.requests.sql_terms import (
    Choice,
    SingleRecords,
    column_compared,
    combining,
    conjuncts,
    demanded_by,
    folded,
    harmless,
    inside_of,
    is_count_of_records,
    is_plain_column,
    is_plain_star,
    is_same_column,
    key_of,
    whole_number,
    written,
)

if TYPE_CHECKING:
    from sqlglot import exp

_ODD = re.compile(r"""--|/\*|[\\$#@?\[\]{};]|\b\w+'|[^\x09\x0a\x0d\x20-\x7e]""")
"""Comments, escapes, dollar quotes, parameters, prefixed strings, more than ASCII: what engines read differently."""
_HIDING = re.compile(r"--|/\*|[\\$#]|\b\w+'|[^\w\x20-\x7e\t\r\n]")
"""Of these, what hides a name: MariaDB runs what stands in `/*! */` and behind `1--1`, and DuckDB takes out some signs
that nobody sees."""
_DROPPING = re.compile(r"json_extract_path_text|convert\"?\s*\(|uuid\"?\s*\(\s*[^)\s]")
"""Functions whose columns the parser drops, or takes for a type as in SQL Server's CONVERT(INT, a)."""
_QUOTED = re.compile(r"'[^'\\]*'|\"[^\"\\]*\"|`[^`\\]*`")
_LAST_SEMICOLON = re.compile(r";\s*\Z")
_SELECT_PARTS: Final = frozenset({"expressions", "from_", "where", "group", "having", "order", "limit", "offset"})
_MOST_NESTED: Final = 8


@dataclass(frozen=True)
class Shape:
    """`level`: none | counts | aggregate | row. See `sql_reading.SqlFacts` for the rest."""

    level: Level
    smallest_group: int | None = None
    every_record: bool = False
    why: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


def shape_of(tree: exp.Expr, text: str) -> Shape:
    """The shape of what a query lets out, from its tree and its text."""
    try:
        _plain(text)
        return _of_query(tree, 0)
    except SingleRecords as found:
        return Shape("row", why=(str(found),))


def can_hide(text: str) -> bool:
    """Could an engine read a column in a text, where another reads nothing or another name?"""
    return bool(_HIDING.search(_unquoted(text)) or _DROPPING.search(text.casefold()))


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda found: found.group(0)[0] + found.group(0)[-1], text)


def _plain(text: str) -> None:
    if _ODD.search(_unquoted(_LAST_SEMICOLON.sub("", text))):
        raise SingleRecords(
            "It is written in a way that engines could read differently (comments, escapes or unusual signs): "
            "count on single records."
        )


def _of_query(tree: exp.Expr, depth: int) -> Shape:
    from sqlglot import exp

    if depth > _MOST_NESTED:
        raise SingleRecords("It is nested too deeply to be sure: count on single records.")
    if isinstance(tree, exp.SetOperation):
        _only(tree, {"this", "expression", "distinct", "with_", "order", "limit", "offset"}, "UNION")
        _ordered(tree, ())
        return _both(_of_query(tree.this, depth + 1), _of_query(tree.expression, depth + 1))
    if isinstance(tree, exp.Subquery):
        _only(tree, {"this", "alias"}, "a query in brackets")
        return _of_query(tree.this, depth + 1)
    if not isinstance(tree, exp.Select):
        raise SingleRecords("It is no SELECT of a known form: count on single records.")
    return _of_select(tree, depth)


def _both(one: Shape, other: Shape) -> Shape:
    choices = tuple(dict.fromkeys((*one.choices, *other.choices)))
    if len({each.conditions for each in choices}) > 1:
        raise SingleRecords("It sets two choices of records beside each other, which can differ by a single one.")
    groups = [each.smallest_group for each in (one, other) if not each.every_record and each.level != "none"]
    known = [each for each in groups if each is not None]
    return Shape(
        worst((one.level, other.level)),
        min(known) if known and len(known) == len(groups) else None,
        one.every_record and other.every_record,
        tuple(dict.fromkeys((*one.why, *other.why))),
        choices,
    )


def _of_select(select: exp.Select, depth: int) -> Shape:
    from sqlglot import exp

    _only(select, _SELECT_PARTS | {"with_"}, "the SELECT")
    results = [each.this if isinstance(each, exp.Alias) else each for each in select.expressions]
    begin = select.args.get("from_")
    if begin is None:
        return _without_table(select, results)
    inner = _inner(begin.this)
    if inner is not None and _passes_on(select, results):
        return _of_query(inner, depth + 1)
    table = _single_table(begin.this, depth)
    keys = _keys(select, results)
    aggregated = [_figure(each, keys) for each in results]
    if not any(aggregated) and not keys:
        raise SingleRecords("It lists single records.")
    summed = {name for each in results for name in _summed(each)}
    conditions = _conditions(select, summed)
    source = begin.this.alias_or_name
    choices = (Choice(table, written(conditions, source), written(keys, source)),)
    given = [each.alias for each in select.expressions if isinstance(each, exp.Alias)]
    _ordered(select, (*(each.name for each in keys), *given))
    fewest = _fewest(select, keys)
    if fewest is not None and fewest >= 2:
        return Shape("aggregate", fewest, why=(_guarded(fewest, summed),), choices=choices)
    if keys:
        raise SingleRecords(
            "It groups, but nothing demands a smallest group: a line can be about a single record. "
            "HAVING COUNT(*) >= 10, for example, would demand one."
        )
    if conditions or select.args.get("having"):
        raise SingleRecords(
            "Its conditions can pick out a single record, and nothing demands a smallest number of records. "
            "HAVING COUNT(*) >= 10, for example, would demand one."
        )
    level: Level = "aggregate" if summed else "counts"
    why = ("All records of the table stand behind each figure.",)
    return Shape(level, every_record=True, why=why, choices=choices)


def _guarded(fewest: int, summed: set[str]) -> str:
    missing = " Records without a value count towards it." if summed else ""
    return f"The SQL demands at least {fewest} records behind each line.{missing}"


def _without_table(select: exp.Select, results: list[exp.Expr]) -> Shape:
    from sqlglot import exp

    if any(select.args.get(part) for part in _SELECT_PARTS - {"expressions"}):
        raise SingleRecords("It has conditions without a table: count on single records.")
    if not all(isinstance(each, (exp.Literal, exp.Boolean, exp.Null)) for each in results):
        raise SingleRecords("It computes something without a table that is not known: count on single records.")
    return Shape("none", why=("It reads no table.",))


def _only(node: exp.Expr, parts: Iterable[str], what: str) -> None:
    """Raises where a node has any other part than these."""
    allowed = frozenset(parts)
    other = next((name for name, value in node.args.items() if value and name not in allowed), None)
    if other is not None:
        words = other.rstrip("_").replace("_", " ").upper()
        raise SingleRecords(f"It uses {words} in {what}: count on single records.")


def _inner(source: exp.Expr) -> exp.Expr | None:
    """The query behind a source that is no table of the datasource."""
    from sqlglot import exp

    if isinstance(source, exp.Table) and has_two_meanings(source):
        raise SingleRecords("A name in FROM can mean a WITH or something else, which engines decide differently.")
    if isinstance(source, exp.Subquery):
        _only(source, {"this", "alias"}, "a query in brackets")
        _plain_alias(source)
        inner: exp.Expr = source.this
        return inner
    if isinstance(source, exp.Table) and (common := common_table(source)) is not None:
        _only(source, {"this", "alias"}, "a table")
        _only(common, {"this", "alias"}, "WITH")
        _plain_alias(source)
        _plain_alias(common)
        if isinstance(common.parent, exp.With) and common.parent.args.get("recursive"):
            raise SingleRecords("It is recursive: count on single records.")
        behind: exp.Expr = common.this
        return behind
    return None


def _plain_alias(source: exp.Expr) -> None:
    """Raises where a source gives new names to its columns: then a name here is another one there."""
    alias = source.args.get("alias")
    if alias is not None and alias.args.get("columns"):
        raise SingleRecords("It renames the columns of a query: count on single records.")


def _passes_on(select: exp.Select, results: list[exp.Expr]) -> bool:
    """Does it hand on the lines of its source as they are, or fewer of them?"""
    more = any(select.args.get(part) for part in ("where", "group", "having"))
    _ordered(select, [each.name for each in results])
    return not more and _as_they_are(results)


def _as_they_are(results: list[exp.Expr]) -> bool:
    """Are these the columns of a source as they are? Raises for a `*` in which anything can stand for a column."""
    from sqlglot import exp

    for star in (each for each in results if isinstance(each, exp.Star)):
        _only(star, (), "*")
    return all(is_plain_column(each) or isinstance(each, exp.Star) for each in results)


def _single_table(source: exp.Expr, depth: int) -> str:
    """The table whose records are the lines that are counted, each once. Raises where they are anything else."""
    from sqlglot import exp

    inner = _inner(source)
    if inner is None:
        if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
            raise SingleRecords("It reads from something that is no table: count on single records.")
        _only(source, {"this", "alias"}, "a table")
        _plain_alias(source)
        return source.name
    if depth > _MOST_NESTED:
        raise SingleRecords("It is nested too deeply to be sure: count on single records.")
    if not isinstance(inner, exp.Select):
        raise SingleRecords("It counts lines that are no records of one table: count on single records.")
    _only(inner, {"expressions", "from_"}, "a query that is counted")
    if not _as_they_are(inner.expressions):
        raise SingleRecords("It computes over computed values, not over columns: count on single records.")
    begin = inner.args.get("from_")
    if begin is None:
        raise SingleRecords("It counts lines without a table: count on single records.")
    called = {"", folded(begin.this.alias_or_name)}
    if any(folded(each.table) not in called for each in inner.expressions if isinstance(each, exp.Column)):
        # the field of a column would be called as a column is
        raise SingleRecords("It computes over parts of values, not over columns: count on single records.")
    return _single_table(begin.this, depth + 1)


def _keys(select: exp.Select, results: list[exp.Expr]) -> tuple[exp.Expr, ...]:
    """The columns that it groups by; a number stands for the result in its place.

    A name always means the column here: where a result has the same name, engines differ in what they take.
    """
    from sqlglot import exp

    group = select.args.get("group")
    if group is None:
        return ()
    _only(group, {"expressions"}, "GROUP BY")
    keys: list[exp.Expr] = []
    for each in group.expressions:
        key = each
        if isinstance(each, exp.Literal) and not each.is_string:
            place = whole_number(each) or 0
            if not 1 <= place <= len(results):
                raise SingleRecords("It groups by the place of a result that is not there: count on single records.")
            key = results[place - 1]
        if not is_plain_column(key):
            raise SingleRecords("It groups by something computed: count on single records.")
        keys.append(key)
    return tuple(keys)


def _figure(node: exp.Expr, keys: tuple[exp.Expr, ...], depth: int = 0) -> bool:
    """Is a result made of sums and counts? False for a key of the groups or a constant. Raises for all else."""
    from sqlglot import exp

    if depth > _MOST_NESTED:
        raise SingleRecords("A result is nested too deeply to be sure: count on single records.")
    if isinstance(node, (exp.Literal, exp.Null, exp.Boolean)):
        return False
    if is_plain_column(node):
        if any(is_same_column(node, each) for each in keys):
            return False
        raise SingleRecords(f"It gives {quoted(node.name, 60)} of single records.")
    if isinstance(node, exp.Count):
        _only(node, {"this", "big_int"}, "COUNT")
        counted = node.this
        if isinstance(counted, exp.Distinct) and len(counted.expressions) == 1:
            counted = counted.expressions[0]
        if counted is None or isinstance(counted, exp.Literal) or is_plain_star(counted) or is_plain_column(counted):
            return True
        raise SingleRecords("It counts by a condition, which can pick out a single record.")
    if isinstance(node, combining()):
        _only(node, {"this"}, _function(node))
        if is_plain_column(inside_of(node.this)) and node.find(exp.Query) is None:
            return True
        raise SingleRecords(
            f"It computes {_function(node)} over something else than a plain column, which can pick out one record."
        )
    if isinstance(node, harmless()):
        parts = [each for each in node.iter_expressions() if not isinstance(each, exp.DataType)]
        figures = [_figure(each, keys, depth + 1) for each in parts]
        return any(figures)
    raise SingleRecords(_other(node))


def _other(node: exp.Expr) -> str:
    from sqlglot import exp

    if isinstance(node, exp.Window):
        return "A window function gives a value for every single record."
    if isinstance(node, exp.Filter):
        return "A condition inside of a sum or count can pick out a single record."
    if isinstance(node, exp.Star):
        return "It lists single records."
    if isinstance(node, exp.AggFunc):
        return f"{_function(node)} gives values of single records."
    if isinstance(node, exp.Query):
        return "A query inside of a result can pick out a single record."
    return f"It uses {_function(node)}, which can give something about a single record."


def _function(node: exp.Expr) -> str:
    from sqlglot import exp

    if isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc)):
        return stranger(str(node.name).upper(), 40)
    return node.sql_name() if isinstance(node, exp.Func) else type(node).__name__.upper()


def _summed(node: exp.Expr) -> Iterator[str]:
    """The columns that are added up or averaged in a result."""
    for each in node.find_all(*combining()):
        yield key_of(inside_of(each.this))


def _conditions(select: exp.Select, summed: set[str]) -> list[exp.Expr]:
    """Its conditions on records. Raises where they could make a figure be about one record."""
    where = select.args.get("where")
    if where is None:
        return []
    found = list(conjuncts(where.this))
    for each in found:
        column = column_compared(each)
        if column is None:
            raise SingleRecords(
                "Its conditions are more than comparisons joined by AND: they can pick out a single record."
            )
        if column in summed:
            raise SingleRecords(
                "Its conditions look at the values that it adds up: they can leave a single one that matters."
            )
    return found


def _fewest(select: exp.Select, keys: tuple[exp.Expr, ...]) -> int | None:
    """The fewest records that HAVING demands; None where it demands none. Raises for what else it could ask."""
    from sqlglot import exp

    having = select.args.get("having")
    if having is None:
        return None
    demanded: list[int] = []
    for each in conjuncts(having.this):
        if not isinstance(each, (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)):
            raise SingleRecords("HAVING asks more than comparisons joined by AND: count on single records.")
        _figure(each.this, keys)
        _figure(each.expression, keys)
        bound = demanded_by(each)
        if bound is not None:
            demanded.append(bound)
    return max(demanded, default=None)


def _ordered(query: exp.Expr, names: Iterable[str]) -> None:
    """Raises where the order or the number of lines could tell something: only results and numbers may order."""
    from sqlglot import exp

    known = {folded(each) for each in names}
    order = query.args.get("order")
    for each in order.expressions if order is not None else ():
        _only(each, {"this", "desc", "nulls_first"}, "ORDER BY")
        by = each.this
        named = is_plain_column(by) and not by.args.get("table") and folded(by.name) in known
        plain = isinstance(by, exp.Literal) or named
        if not plain and not is_count_of_records(by):
            raise SingleRecords("Its order can tell something about single records.")
    for part in ("limit", "offset"):
        number = query.args.get(part)
        if number is not None and not isinstance(number.expression, exp.Literal):
            raise SingleRecords("Its number of lines is computed: count on single records.")
