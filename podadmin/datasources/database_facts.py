"""What a database knows about its tables without reading them: how many rows there are about, their size, their age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import TextClause, make_url, text

from podadmin.datasources.database_families import sqlite_path
from podadmin.datasources.database_relation import Relation
from podadmin.datasources.database_session import Session

_POSTGRESQL = text(
    "SELECT c.reltuples::bigint, pg_total_relation_size(c.oid), NULL FROM pg_catalog.pg_class c "
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = :name "
    "AND CASE WHEN :schema = '' THEN pg_table_is_visible(c.oid) ELSE n.nspname = :schema END"
)
_MYSQL = text(
    "SELECT table_rows, data_length + index_length, update_time FROM information_schema.tables "
    "WHERE table_name = :name AND table_schema = CASE WHEN :schema = '' THEN DATABASE() ELSE :schema END"
)
_SQL_SERVER = text(
    "SELECT sum(CASE WHEN index_id < 2 THEN row_count ELSE 0 END), sum(used_page_count) * 8192, NULL "
    "FROM sys.dm_db_partition_stats WHERE object_id = "
    "OBJECT_ID(CASE WHEN :schema = '' THEN '' ELSE QUOTENAME(:schema) + '.' END + QUOTENAME(:name))"
)
_ORACLE = text(
    "SELECT num_rows, blocks * 8192, NULL FROM all_tables WHERE table_name = :name "
    "AND owner = COALESCE(:schema, SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'))"
)
_ASKED: dict[str, TextClause] = {
    "postgresql": _POSTGRESQL,
    "mysql": _MYSQL,
    "mssql": _SQL_SERVER,
    "oracle": _ORACLE,
}


@dataclass(frozen=True)
class Facts:
    """`rows` as the database estimates them, `size` in bytes with all indexes, `newest`: when a row last changed."""

    rows: int | None = None
    size: int | None = None
    newest: datetime | None = None


def facts(opened: Session, found: Relation, url: str) -> Facts:
    """What is known about a stored table, each None where the database does not tell (a view, a query)."""
    if found.family == "sqlite":
        return _of_file(url)
    if not found.stored:
        return Facts()
    rows = opened.attempt(_ASKED[found.family].bindparams(name=found.table, schema=found.schema))
    if not rows:
        return Facts()
    count, size, newest = rows[0]
    known = int(count) if count is not None and int(count) >= 0 else None
    return Facts(known, None if size is None else int(size), _aware(newest))


def _aware(moment: Any) -> datetime | None:
    # the session is in UTC
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None


def _of_file(url: str) -> Facts:
    path = sqlite_path(make_url(url))
    files = [each for each in (path, path.with_name(path.name + "-wal")) if each.is_file()]
    found = [each.stat() for each in files]
    newest = max((each.st_mtime for each in found), default=None)
    return Facts(
        None, sum(each.st_size for each in found), None if newest is None else datetime.fromtimestamp(newest, UTC)
    )
