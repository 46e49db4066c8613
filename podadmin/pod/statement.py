"""What a requester's SQL may consist of: one SELECT over the declared tables, checked on its syntax tree.

Locking DuckDB down (see `sql`) is the second wall. This is the first: whatever is not known to be harmless is
refused, so that the file of the datasource can be reached only through its view, without its ignored columns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection

import duckdb

from podadmin.core.errors import Refused
from podadmin.requests.sql_names import REFUSED_FUNCTIONS, TABLE_FUNCTIONS
from podadmin.requests.sql_quotes import first_statement, standard_quotes

MAX_QUERY = 1024 * 1024
"""Characters of a query."""

_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLES = {"BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION"}
_MODIFIERS = {"ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"}
_ORDERS = {"ORDER_DEFAULT", "ASCENDING", "DESCENDING", "DESC", "ASC"}
_PLAIN_TYPES = _NODES | _TABLES | _MODIFIERS | _ORDERS
_CLASSES = {
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "DEFAULT",
    "FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
_CTE_NAME = re.compile(r"(?!duckdb_|pg_|sqlite_|information_schema)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)
_ESCAPE_STRING = re.compile(r"(?<![A-Za-z0-9_\"])[eE]'")


def refuse(code: str, why: str) -> Refused:
    """The refusal of a query."""
    return Refused(
        f"sql.{code}",
        "The query is not run on this pod.",
        why,
        "Change the query so that it is one SELECT over the table of the datasource.",
    )


def read(con: duckdb.DuckDBPyConnection, query: str, tables: Collection[str]) -> str:
    """The query in DuckDB's own quoting, proved to be one SELECT that reads nothing but `tables`.

    Raises Refused `sql.too-long`, `sql.syntax`, `sql.not-one`, `sql.not-select`, `sql.other-table`,
    `sql.other-function` and `sql.not-known`; duckdb.InterruptException where it is stopped meanwhile. Nothing of the
    query is executed.
    """
    if len(query) > MAX_QUERY or "\0" in query:
        raise refuse("too-long", f"A query has at most {MAX_QUERY} characters, none of them a null character.")
    if "`" in query and _ESCAPE_STRING.search(query):
        raise refuse("syntax", "It mixes backticks with escape strings, which cannot be told apart safely.")
    text = standard_quotes(query)
    try:
        statements = con.extract_statements(text)
    except duckdb.InterruptException:
        raise  # it was stopped, which says nothing of the query
    except (duckdb.Error, RuntimeError, UnicodeError):
        raise refuse("syntax", "It is not valid SQL.") from None
    if len(statements) != 1:
        raise refuse("not-one", f"It consists of {len(statements)} statements, and exactly one is run.")
    if statements[0].type != duckdb.StatementType.SELECT or statements[0].named_parameters:
        raise refuse("not-select", "It does something else than reading with SELECT, or it has open parameters.")
    one = first_statement(text)
    check(con, one, tables)
    return one


def check(con: duckdb.DuckDBPyConnection, text: str, tables: Collection[str]) -> None:
    """Walk the syntax tree of `text`. Raises as `read` does."""
    try:
        row = con.execute("SELECT json_serialize_sql(?)", [text]).fetchone()
        tree = json.loads(row[0]) if row is not None else {}
    except duckdb.InterruptException:
        raise
    except (duckdb.Error, RecursionError, ValueError):
        raise refuse("not-known", "It is too deeply nested, or of a form that is not known to be harmless.") from None
    if tree.get("error") is not False or len(tree.get("statements", ())) != 1:
        raise refuse("not-known", "It has a form that is not known to be harmless (PIVOT, for example).")
    known = {name.casefold() for name in tables}
    waiting: list[object] = [tree["statements"][0]]
    used: list[str] = []
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            known |= _common_tables(item)
            used += _checked(item)
            waiting.extend(item.values())
    for name in used:
        if name.casefold() not in known:
            raise refuse("other-table", "It names a table that is not part of this datasource.")


def _common_tables(item: dict[str, object]) -> set[str]:
    entries = item.get("cte_map")
    if not isinstance(entries, dict):
        return set()
    listed = entries.get("map")
    names = [str(entry.get("key")) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    for name in names:
        # A name such as a path could shadow, elsewhere in the query, what must not be read.
        if not _CTE_NAME.fullmatch(name):
            raise refuse("other-table", "A WITH name in it is not a plain word.")
    return {name.casefold() for name in names}


def _checked(item: dict[str, object]) -> list[str]:
    """The tables that this node names. Raises Refused for a node that may not be there."""
    kind, group = item.get("type"), item.get("class")
    if group is not None:
        if group not in _CLASSES:
            raise refuse("not-known", "It has a part that is not known to be harmless.")
        if group in {"FUNCTION", "WINDOW"}:
            name = str(item.get("function_name", "")).casefold()
            if REFUSED_FUNCTIONS.fullmatch(name) or item.get("catalog") or item.get("schema") not in {"", "main", None}:
                raise refuse("other-function", "It calls a function that this pod does not offer.")
        return []
    if not isinstance(kind, str):
        return []
    if kind not in _PLAIN_TYPES:
        raise refuse("not-known", "It has a part that is not known to be harmless.")
    if kind == "TABLE_FUNCTION":
        called = item.get("function")
        name = str(called.get("function_name", "")).casefold() if isinstance(called, dict) else ""
        if name not in TABLE_FUNCTIONS:
            raise refuse("other-function", "It reads from a function that this pod does not offer.")
    if kind == "BASE_TABLE":
        if item.get("catalog_name") or item.get("schema_name") not in {"", "main"} or item.get("at_clause"):
            raise refuse("other-table", "It names a table that is not part of this datasource.")
        return [str(item.get("table_name", ""))]
    return []
