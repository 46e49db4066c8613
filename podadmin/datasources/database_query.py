"""Is a text one SELECT that writes nothing? Asked before any text of somebody is sent to a database as a query.

It is the first of three doors: the session itself is one that cannot write, and drivers are told to carry out one
statement at a time.
"""

from __future__ import annotations

import logging
from typing import Final

from podadmin.core.errors import BadInput, PodadminError, Refused
from podadmin.core.text import stranger

MAX_CHARACTERS: Final = 100_000
_DIALECTS: Final = {"postgresql": "postgres", "mysql": "mysql", "mssql": "tsql", "oracle": "oracle", "sqlite": "sqlite"}
_ACTING: Final = (
    "pg_read_", "pg_ls_", "pg_stat_file", "lo_", "dblink", "pg_sleep", "pg_terminate_", "pg_cancel_", "pg_advisory",
    "pg_try_advisory", "pg_notify", "pg_reload", "pg_rotate", "pg_switch", "pg_create", "pg_drop", "pg_export",
    "pg_logical", "pg_replication", "set_config", "setval", "nextval", "query_to_xml",
    "table_to_xml", "database_to_xml", "load_file", "sys_", "sleep", "benchmark", "get_lock", "release_lock",
    "master_pos_wait", "xp_", "sp_",
    "openrowset", "opendatasource", "openquery", "utl_", "dbms_", "httpuritype", "load_extension", "readfile",
    "writefile", "edit", "fts3_tokenizer", "last_insert_id",
)  # fmt: skip
"""Beginnings of the names of functions that write, wait, lock or reach beyond the database."""


def checked(query: str, family: str) -> str:
    """`query` without what may follow it, ready to stand in brackets. `family`: SQLAlchemy's name of the database.

    Raises BadInput `datasource.query` and `datasource.duplicate-columns`, Refused `datasource.query-writes`.
    """
    text = query.strip().rstrip(";").rstrip()
    if len(text) > MAX_CHARACTERS or "\0" in text or "/*!" in text or "/*M!" in text:
        raise _bad("It is longer than podadmin reads, or holds characters or comments that databases read differently.")
    tree = _parsed(text, family)
    names = [str(name).casefold() for name in tree.named_selects if name and name != "*"]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise BadInput(
            "datasource.duplicate-columns",
            "Two columns have the same name.",
            f"The query gives the name “{stranger(twice, 60)}” to two of its columns.",
            "Give one of them another name with AS.",
        )
    return text


def _parsed(text: str, family: str):  # type: ignore[no-untyped-def] # sqlglot is imported within, for a quick start
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ErrorLevel, SqlglotError

    # its warnings quote the text
    logging.getLogger("sqlglot").disabled = True
    try:
        trees = [each for each in sqlglot.parse(text, read=_DIALECTS[family], error_level=ErrorLevel.IMMEDIATE) if each]
    except (SqlglotError, RecursionError, ValueError, KeyError, IndexError, AttributeError, TypeError):
        raise _bad("It cannot be read as SQL of this database.") from None
    if len(trees) != 1:
        raise _bad("It holds no statement, or more than one.")
    tree = trees[0]
    acting = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.Drop, exp.Alter, exp.Set, exp.Use, exp.Pragma,
              exp.Transaction, exp.Commit, exp.Rollback, exp.Kill, exp.Merge, exp.Copy)  # fmt: skip
    queries = (exp.Select, exp.SetOperation, exp.Subquery, exp.Table, exp.Values)
    for node in tree.walk():
        # sqlglot counts queries among what defines and changes data
        if isinstance(node, acting) and not isinstance(node, queries):
            raise _writes(f"It holds {type(node).__name__.upper()}.")
        if isinstance(node, exp.Func):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
            if name.startswith(_ACTING):
                raise _writes(f"It calls {stranger(name, 60)}, which does more than read.")
    if not isinstance(tree, (exp.Select, exp.SetOperation, exp.Subquery)):
        raise _bad("It is no SELECT.")
    return tree


def _bad(why: str) -> PodadminError:
    return BadInput(
        "datasource.query",
        "This is not a query that can be a datasource.",
        why,
        "Write one SELECT whose columns each have a name of their own.",
    )


def _writes(why: str) -> PodadminError:
    return Refused(
        "datasource.query-writes",
        "This query could change something, so it is not used.",
        why,
        "Write one SELECT that only reads, without INTO and FOR UPDATE.",
    )
