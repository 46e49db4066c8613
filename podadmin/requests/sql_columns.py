"""Which columns a stranger's SQL names, in whatever way the engine that runs it reads a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from podadmin.requests.sql_names import DATE_PARTS, OF_A_ROW, OWN_NAMES
from podadmin.requests.sql_sources import is_common_table, is_query, tables_of
from podadmin.requests.sql_terms import is_same_name

if TYPE_CHECKING:
    from sqlglot import exp

    from podadmin.requests.sql_reading import Reading


def columns_of(tree: exp.Expr, reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """The columns that are named anywhere, those of them that perhaps are none, and whether all others are read too.

    Every name counts as one that is not known to be something else. What stands before a dot is a table where that has
    such a column, and else a column with such a field (DuckDB): only who knows the table can tell, so it counts too.
    """
    from sqlglot import exp

    sources = {name.casefold() for each in tables_of(tree) for name in (each.alias_or_name, each.name)}
    # a WITH that no FROM names is none
    sources |= {each.alias.casefold() for each in tree.find_all(exp.Subquery)}
    own = _own_name(tree)
    given = DATE_PARTS - {each.casefold() for each in _ARGUMENT.findall(_LITERAL.sub("''", reading.written))}
    found: dict[str, str] = {}
    sure: set[str] = set()
    every = any(_takes_all(each) for each in tree.walk())
    for node in tree.find_all(exp.Column, exp.Identifier, exp.Var):
        if isinstance(node.parent, exp.Column) or _is_given(node, given):
            continue
        *before, last = node.parts if isinstance(node, exp.Column) else [node]
        for each in before:
            name = each.name.casefold()
            if name not in own:
                found.setdefault(name, each.name)
                sure |= {name} - sources
        name = last.name.casefold()
        every = every or name in OWN_NAMES
        if name in sources or (before and OF_A_ROW.fullmatch(name)):
            every = True
        elif not isinstance(last, exp.Star):
            found.setdefault(name, last.name)
            sure.add(name)
    for unmarked in _unmarked(tree, reading):
        name = unmarked.casefold()
        every = every or name in OWN_NAMES or name in sources
        found.setdefault(name, unmarked)
    return tuple(found.values()), tuple(each for name, each in found.items() if name not in sure), every


def _unmarked(tree: exp.Expr, reading: Reading) -> Iterator[str]:
    """Names of results that no AS tells to be such: one can be the column, and what stands before it a word of the
    engine, as in `SELECT DISTINCTROW person` (MySQL), `SELECT UNIQUE person` (Oracle), `SELECT TOP(1) person` (SQL
    Server).
    """
    import sqlglot
    from sqlglot import exp

    given = [each.args["alias"] for each in tree.find_all(exp.Alias) if _can_be_a_word(each.this)]
    # what bitfount makes of a query is for SQLite, which has no such words
    if given and not reading.renamed:
        tokens = sqlglot.tokenize(reading.text, read=reading.dialect)
        marked = {each.start for before, each in pairwise(tokens) if before.token_type.name == "ALIAS"}
        yield from (each.name for each in given if each.meta.get("start") not in marked)


def _can_be_a_word(result: exp.Expr) -> bool:
    from sqlglot import exp

    if isinstance(result, exp.Column):
        return len(result.parts) == 1 and not result.this.args.get("quoted")
    return isinstance(result, exp.Func) and not isinstance(result, exp.Count) and result.find(exp.Column) is None


def _own_name(tree: exp.Expr) -> set[str]:
    """The name of the only table, which before a dot means that table; none where there are several."""
    names = {each.name.casefold() for each in tables_of(tree) if not is_common_table(each)}
    return names if len(names) == 1 else set()


_LITERAL: Final = re.compile(r"'[^']*'")
_ARGUMENT: Final = re.compile(r"[(,]\s*[\"`]?(\w+)[\"`]?\s*(?=[,)])")
"""What stands alone between brackets and commas. For the parser date_trunc(year, a) is date_trunc('year', a)."""


def _is_given(node: exp.Expr, parts: frozenset[str]) -> bool:
    """Is it a name that is given where it stands, or that of a table, a function, a window or one of these `parts`?"""
    from sqlglot import exp

    if isinstance(node, exp.Column):
        return _is_own_result(node)
    if isinstance(node, exp.Var):
        return node.name.casefold() in parts
    above, key = node.parent, node.arg_key
    if isinstance(above, (exp.Table, exp.TableAlias, exp.Window, exp.ColumnDef)):
        return True
    return key == "alias" or (key == "this" and isinstance(above, (exp.PropertyEQ, exp.Anonymous)))


def _takes_all(node: exp.Expr) -> bool:
    """Does it stand for columns that it does not name?"""
    from sqlglot import exp

    if isinstance(node, exp.Star):
        return _star_reads_a_table(node)
    if isinstance(node, exp.TableAlias):
        # columns of a table are called otherwise, by their place
        return bool(node.args.get("columns")) and not is_query(node.parent)
    if isinstance(node, exp.Join):
        return bool(node.args.get("method"))
    # `a[:b]` is read as a parameter
    return isinstance(node, (exp.Columns, exp.PositionalColumn, exp.Pivot, exp.Summarize, exp.Placeholder))


def _star_reads_a_table(star: exp.Star) -> bool:
    from sqlglot import exp

    parent = star.parent
    if isinstance(parent, exp.Count) and not star.args.get("except_"):
        return False
    if not isinstance(parent, exp.Select):
        return True
    begin = parent.args.get("from_")
    sources = [*([begin.this] if begin else []), *(each.this for each in parent.args.get("joins") or ())]
    return not all(map(is_query, sources))


def _is_own_result(column: exp.Column) -> bool:
    """A name in ORDER BY that the same SELECT has given to a result is no column of the datasource."""
    from sqlglot import exp

    order = column.parent.parent if isinstance(column.parent, exp.Ordered) else None
    # in anything computed, engines look for a column first
    if not isinstance(order, exp.Order) or column.args.get("table") or not isinstance(order.parent, exp.Select):
        return False
    given = [each.args["alias"] for each in order.parent.expressions if isinstance(each, exp.Alias)]
    return any(is_same_name(column.this, each) for each in given)
