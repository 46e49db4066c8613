"""What a stranger's SQL reads and lets out, found by parsing: tables, columns, conditions, single records or figures.

The text is hostile and the engine that will run it is not known for certain: the built-in worker has DuckDB, bitfount's
own pod SQLite for files, and a database's own engine for SQL datasources (bitfount contract, sections 2 and 9.2). So it
is read in both dialects, and as what bitfount makes of it, and only what all readings prove is believed; whatever is
too long, too deep, odd or unknown counts as every column and every single record. Pure: nothing is executed, and the
time is bounded by the size.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from podadmin.core.text import quoted, stranger
from podadmin.requests.effect_facts import Level, worst
from podadmin.requests.sql_columns import columns_of
from podadmin.requests.sql_names import PACKAGES, TABLE_FUNCTIONS, reaches_out
from podadmin.requests.sql_quotes import bare, standard_quotes
from podadmin.requests.sql_sources import is_common_table, tables_of
from podadmin.requests.sql_terms import Choice, folded

if TYPE_CHECKING:
    from sqlglot import exp

MAX_CHARACTERS: Final = 20_000
MAX_TOKENS: Final = 5_000
MAX_DEPTH: Final = 16
"""Levels of brackets and CASE. Sixteen take a third of the stack that Python has, whoever calls."""
MAX_JOINS: Final = 32
MAX_SUBSCRIPTS: Final = 64
"""Square brackets. The parser's time grows with their square."""
MAX_TABLES: Final = 3
"""Names in backticks behind FROM: a query is read once more for each."""
_FILTER_SHOWN: Final = 300
_OPENING: Final = frozenset({"L_PAREN", "L_BRACKET", "L_BRACE", "CASE"})
_CLOSING: Final = frozenset({"R_PAREN", "R_BRACKET", "R_BRACE", "END"})
_PREFIXES: Final = frozenset({"NOT", "DASH", "PLUS", "TILDE", "INTERVAL", "DATE", "TIMESTAMP", "EXISTS", "BETWEEN"})
NOT_READ: Final = "It could not be read as SQL: count on every record and every column."


@dataclass(frozen=True)
class SqlFacts:
    """What is known of a query.

    `understood` false: it could not be read, and nothing else here limits it. `columns` are those that it names; of
    these, `perhaps` are the names of tables in it, which are columns too only where a table has one of that name.
    `all_columns`: it reads all others too, or could. `filters` are its conditions as written. `outside` is what it
    reaches beside its tables. `level`: none | counts | aggregate | row. `smallest_group`: the fewest records behind any
    figure; None where nothing guarantees one. `every_record`: all records of the table stand behind each figure.
    `why`: the reasons for the level, as sentences. `choices`: the records that figures are made of, whichever way it
    is read; none where it lets single records out.
    """

    understood: bool
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    all_columns: bool = True
    filters: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    level: Level = "row"
    smallest_group: int | None = None
    every_record: bool = False
    why: tuple[str, ...] = (NOT_READ,)
    choices: tuple[Choice, ...] = ()


def understand(query: str) -> SqlFacts:
    """What a query reads and lets out. Raises nothing: what cannot be understood is said to be so."""
    return _understand(query) if len(query) <= MAX_CHARACTERS else SqlFacts(False)


@lru_cache(maxsize=512)
def _understand(query: str) -> SqlFacts:
    found = [_understood(each) for each in readings(query)]
    known = [each for each in found if each.understood]
    if not known:
        outside = tuple(dict.fromkeys(name for each in found for name in each.outside))
        return SqlFacts(False, outside=outside)
    groups = [each.smallest_group for each in found]
    every = all(each.every_record for each in found)
    level = worst(each.level for each in found)
    choices = tuple(dict.fromkeys(choice for each in found for choice in each.choices))
    sure = {name.casefold() for each in known for name in each.columns if name not in each.perhaps}
    return SqlFacts(
        understood=True,
        tables=_joined(known, lambda each: each.tables),
        columns=_joined(known, lambda each: each.columns),
        perhaps=tuple(name for name in _joined(known, lambda each: each.perhaps) if name.casefold() not in sure),
        all_columns=any(each.all_columns for each in found),
        filters=known[0].filters,
        outside=_joined(found, lambda each: each.outside),
        level=level,
        smallest_group=None if None in groups else min(each for each in groups if each is not None),
        every_record=every,
        why=_joined(known, lambda each: each.why) if len(known) == len(found) else (*known[0].why, _ONE_WAY),
        choices=() if level == "row" else choices,
    )


_ONE_WAY: Final = "Only one of the engines that could run it would understand it: count on single records."


def _joined(found: list[SqlFacts], names: Callable[[SqlFacts], tuple[str, ...]]) -> tuple[str, ...]:
    """All names once, the same in another case counting as the same."""
    once: dict[str, str] = {}
    for each in found:
        for name in names(each):
            once.setdefault(name.casefold(), name)
    return tuple(once.values())


@dataclass(frozen=True)
class Reading:
    """What one engine could run for a query: `text` in its `dialect`.

    `renamed`: tables that are called otherwise, where it is what bitfount makes of the query.
    """

    dialect: str
    written: str
    text: str
    renamed: tuple[tuple[str, str], ...] = ()


def readings(query: str) -> tuple[Reading, ...]:
    """Everything that an engine could run for a query."""
    given = (Reading("duckdb", query, standard_quotes(query)), Reading("sqlite", query, query))
    texts = bare(query)
    if len(texts) > MAX_TABLES:
        return ()
    return (*given, *(Reading("sqlite", text, text, ((folded(t.replace("-", "")), t),)) for text, t in texts))


def _understood(reading: Reading) -> SqlFacts:
    from podadmin.requests.sql_shape import can_hide, shape_of

    tree, outside = parsed(reading)
    if tree is None:
        return SqlFacts(False, outside=outside)
    tables = tuple(each for each in tables_of(tree) if not is_common_table(each))
    columns, perhaps, all_columns = columns_of(tree, reading)
    reached = tuple(_outside(tree))
    shape = shape_of(tree, reading.written)
    why = (*(f"It reaches outside the datasource: {each}." for each in reached), *shape.why)
    renamed = dict(reading.renamed)
    return SqlFacts(
        understood=True,
        tables=tuple(dict.fromkeys(renamed.get(folded(each.name), each.name) for each in tables if each.name)),
        columns=columns,
        perhaps=perhaps,
        all_columns=all_columns or bool(reached) or can_hide(reading.written),
        filters=tuple(_filters(tree, reading.dialect)),
        outside=reached,
        level="row" if reached else shape.level,
        smallest_group=None if reached else shape.smallest_group,
        every_record=shape.every_record and not reached,
        why=why,
        choices=tuple(replace(each, table=renamed.get(folded(each.table), each.table)) for each in shape.choices),
    )


def parsed(reading: Reading) -> tuple[exp.Expr | None, tuple[str, ...]]:
    """The one SELECT in a text, or None and what it seems to do instead."""
    if "\0" in reading.text:
        return None, ()
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ErrorLevel, SqlglotError

    # its warnings quote the text
    logging.getLogger("sqlglot").disabled = True
    text, dialect = reading.text, reading.dialect
    try:
        if not _bounded([each.token_type.name for each in sqlglot.tokenize(text, read=dialect)]):
            return None, ()
        trees = [each for each in sqlglot.parse(text, read=dialect, error_level=ErrorLevel.IMMEDIATE) if each]
    except (SqlglotError, RecursionError, ValueError, KeyError, IndexError, AttributeError, TypeError):
        return None, ()
    acts = tuple(f"the statement {type(each).__name__.upper()}" for each in trees if isinstance(each, _acting()))
    if len(trees) != 1 or not isinstance(trees[0], (exp.Select, exp.SetOperation, exp.Subquery)):
        return None, acts
    if dialect == "sqlite":
        _name_tables(trees[0])
    return trees[0], ()


def _name_tables(tree: exp.Expr) -> None:
    """For SQLite a name behind IN is that of a table, or of a function that makes rows."""
    from sqlglot import exp

    for each in tree.find_all(exp.In):
        field = each.args.get("field")
        if field is not None:
            table = exp.Table(this=field.copy())
            if isinstance(field, exp.Column):
                table = exp.Table(this=field.this, db=field.args.get("table"))
            field.replace(exp.Subquery(this=exp.select("*").from_(table)))


def is_one_select(query: str) -> bool:
    """Is a query a single SELECT, in whatever way it is read? A group that it demands is then that of every line."""
    from sqlglot import exp

    trees = [tree for tree, _acts in map(parsed, readings(query))]
    return bool(trees) and all(tree is not None and tree.find(exp.SetOperation) is None for tree in trees)


def _bounded(tokens: list[str]) -> bool:
    """Is a text with these tokens small and flat enough to be parsed in bounded time and stack?"""
    depth = run = 0
    for kind in tokens:
        depth += (kind in _OPENING) - (kind in _CLOSING and depth > 0)
        run = run + 1 if kind in _PREFIXES else 0
        if depth > MAX_DEPTH or run > MAX_DEPTH:
            return False
    joins = sum(kind in {"JOIN", "STRAIGHT_JOIN"} for kind in tokens)
    return len(tokens) <= MAX_TOKENS and joins <= MAX_JOINS and tokens.count("L_BRACKET") <= MAX_SUBSCRIPTS


def _acting() -> tuple[type[exp.Expr], ...]:
    """Statements and clauses that change something, or reach for something, where they stand."""
    from sqlglot import exp

    return (
        exp.Command, exp.DDL, exp.DML, exp.Alter, exp.Analyze, exp.Attach, exp.Cache, exp.Copy, exp.Detach, exp.Drop,
        exp.Install, exp.Into, exp.Kill, exp.LoadData, exp.Merge, exp.Pragma, exp.Set, exp.TruncateTable, exp.Use,
    )  # fmt: skip


def _outside(tree: exp.Expr) -> Iterator[str]:
    """What reaches beside the tables of the datasource: functions on files and addresses, paths used as tables."""
    from sqlglot import exp

    for node in tree.find_all(exp.Func, exp.Table, *_acting()):
        if isinstance(node, _acting()):
            yield f"the clause {type(node).__name__.upper()}, which changes something"
        elif isinstance(node, exp.Table):
            if not isinstance(node.this, exp.Identifier):
                name = _function_name(node.this)
                if name.casefold() not in TABLE_FUNCTIONS:
                    yield f"rows from {quoted(name, 60)}"
            elif node.args.get("db"):
                yield f"the table {quoted(node.name, 60)} of another database"
            elif any(char in node.name for char in "/\\:.*?") or node.name.casefold().startswith(_OF_THE_ENGINE):
                yield f"{quoted(node.name, 60)}, which an engine can take for a file or for its own tables"
        elif reaches_out(_function_name(node)) or _is_of_a_package(node):
            yield f"the function {quoted(_function_name(node), 60)}"


def _is_of_a_package(function: exp.Expr) -> bool:
    from sqlglot import exp

    above = function.parent
    before = above.this.find_all(exp.Identifier) if isinstance(above, exp.Dot) else ()
    return any(PACKAGES.fullmatch(each.name.casefold()) for each in before)


_OF_THE_ENGINE: Final = ("sqlite_", "duckdb_", "pg_", "information_schema", "pragma_")


def _function_name(node: exp.Expr) -> str:
    from sqlglot import exp

    if isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc)):
        return str(node.name)
    if isinstance(node, (exp.GenerateSeries, exp.Unnest, exp.Explode)):
        return "range"
    return str(node.sql_name()) if isinstance(node, exp.Func) else type(node).__name__


def _filters(tree: exp.Expr, dialect: str) -> Iterator[str]:
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    for each in tree.find_all(exp.Where):
        try:
            yield stranger(f"WHERE {each.this.sql(dialect)}", _FILTER_SHOWN)
        except (RecursionError, SqlglotError):
            yield "WHERE …"
