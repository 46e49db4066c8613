"""What stands behind FROM in a stranger's SQL: tables, and the names that a WITH around them gives to queries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from podadmin.requests.sql_terms import is_same_name

if TYPE_CHECKING:
    from sqlglot import exp


def tables_of(tree: exp.Expr) -> Iterator[exp.Table]:
    """Every name in FROM, wherever it stands; those of a WITH are among them."""
    from sqlglot import exp

    yield from tree.find_all(exp.Table)


def is_common_table(table: exp.Table) -> bool:
    """Does this name mean a WITH of the query, in its scope, and not a table of the datasource?"""
    return common_table(table) is not None


def common_table(table: exp.Table) -> exp.CTE | None:
    """The WITH that a name in FROM means for every engine: not itself, not one that comes later or is written in other
    letters.
    """
    from sqlglot import exp

    if not isinstance(table.this, exp.Identifier) or table.args.get("db"):
        return None
    node: exp.Expr = table
    while (parent := node.parent) is not None:
        listed: list[exp.CTE] = []
        if isinstance(parent, exp.With):
            place = next(index for index, each in enumerate(parent.expressions) if each is node)
            listed = parent.expressions[: place + 1] if parent.args.get("recursive") else parent.expressions[:place]
        elif (beside := parent.args.get("with_")) is not None and beside is not node:
            listed = beside.expressions
        found = next((each for each in listed if is_same_name(each.args["alias"].this, table.this)), None)
        if found is not None:
            return found
        node = parent
    return None


def has_two_meanings(table: exp.Table) -> bool:
    """Could engines mean different things by a name in FROM, because of a WITH around it that they see or do not see?

    SQLite sees those that come later, too, and some engines take more letters for the same than others: for PostgreSQL
    "C" is a table, and not the WITH that is called c.
    """
    around: dict[int, exp.CTE] = {}
    inside: set[int] = set()
    node: exp.Expr = table
    while (parent := node.parent) is not None:
        inside.add(id(node))
        beside = parent.args.get("with_")
        around |= {id(each): each for each in (beside.expressions if beside is not None else ())}
        node = parent
    meant = common_table(table)
    alike = [
        each for place, each in around.items() if place not in inside and each.alias.casefold() == table.name.casefold()
    ]
    return any(each is not meant for each in alike)


def is_query(source: exp.Expr | None) -> bool:
    """Is a source a query, in which its columns are named, and not a table, also not one in brackets?"""
    from sqlglot import exp

    while isinstance(source, (exp.CTE, exp.Subquery)) and not source.args.get("joins"):
        source = source.this
    if isinstance(source, exp.Table) and not source.args.get("joins"):
        common = common_table(source)
        return common is not None and isinstance(common.this, exp.Query)
    return isinstance(source, (exp.Select, exp.SetOperation))
