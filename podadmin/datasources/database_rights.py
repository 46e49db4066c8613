"""May the account of a datasource write? Read from the database's own table of rights, never believed from a name.

That a session is set to read only proves nothing about the account: whoever has its password can open another. So what
is asked is what the account may do at all. Each answer says how it is known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import make_url

from podadmin.core.text import stranger
from podadmin.datasources.database_families import is_mariadb, sqlite_path
from podadmin.datasources.database_session import Session
from podadmin.datasources.model import Kind, ReadOnly, SqlSource

_SHOWN = 5


@dataclass(frozen=True)
class Rights:
    """`standing` and, in a sentence, how it is known. `doubts`: what else should be known about the account."""

    standing: ReadOnly
    words: str
    doubts: tuple[str, ...] = field(default=())


def rights(opened: Session, source: SqlSource) -> Rights:
    """What the account of `source` may do."""
    match opened.family.name:
        case "postgresql":
            return _postgresql(opened, source.kind is Kind.OMOP)
        case "mysql":
            return _mysql(opened)
        case "mssql":
            return _sql_server(opened)
        case "oracle":
            return _oracle(opened)
    return _sqlite(opened, source.url)


def _writable(what: Sequence[str], doubts: Sequence[str] = ()) -> Rights:
    named = ", ".join(stranger(each, 80) for each in what[:_SHOWN])
    more = f" and {len(what) - _SHOWN} more" if len(what) > _SHOWN else ""
    return Rights("writable", f"The account may do more than read: {named}{more}.", tuple(doubts))


def _unknown(doubts: Sequence[str] = ()) -> Rights:
    return Rights(
        "not proved", "The database does not tell this account enough about its rights to be sure.", tuple(doubts)
    )


_PG_FLAGS = """
SELECT r.rolsuper, r.rolcreatedb, r.rolcreaterole, r.rolreplication, pg_is_in_recovery(),
       has_database_privilege(current_database(), 'CREATE'), has_database_privilege(current_database(), 'TEMPORARY'),
       coalesce((SELECT bool_or(pg_has_role(g.oid, 'MEMBER')) FROM pg_catalog.pg_roles g WHERE g.rolname IN
           ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program')), false),
       coalesce((SELECT bool_or(s.setconfig::text LIKE '%default_transaction_read_only=on%')
                 FROM pg_catalog.pg_db_role_setting s WHERE s.setrole IN (0, r.oid)), false)
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
"""
_PG_SCHEMAS = """
SELECT 'creating in the schema ' || n.nspname FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND has_schema_privilege(n.oid, 'CREATE')
ORDER BY 1 LIMIT 100
"""
_PG_TABLES = """
SELECT 'changing ' || n.nspname || '.' || c.relname FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
AND CASE WHEN c.relkind = 'm' THEN pg_has_role(c.relowner, 'USAGE')
    ELSE has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
      OR has_any_column_privilege(c.oid, 'INSERT, UPDATE') END
ORDER BY 1 LIMIT 100
"""


def _postgresql(opened: Session, for_pod: bool) -> Rights:
    found = opened.attempt(_PG_FLAGS)
    if not found:
        return _unknown()
    superuser, databases, roles, replication, standby, create, temporary, member, declared = found[0]
    doubts = []
    if for_pod and temporary and not declared and not standby:
        doubts.append(
            "The account may make temporary tables, and a pod of the network's own software takes that for a right to "
            "write and refuses it: have default_transaction_read_only switched on for the account."
        )
    if standby:
        return Rights("proved", "The server is a standby that takes no writes.", tuple(doubts))
    may = [
        words
        for words, flag in (
            ("everything, as a superuser", superuser),
            ("creating databases", databases),
            ("creating accounts", roles),
            ("replication", replication),
            ("creating schemas", create),
            ("writing through a predefined role", member),
        )
        if flag
    ]
    for question in (_PG_SCHEMAS, _PG_TABLES):
        rows = opened.attempt(question)
        if rows is None:
            return _writable(may, doubts) if may else _unknown(doubts)
        may += [str(row[0]) for row in rows]
    if may:
        return _writable(may, doubts)
    return Rights("proved", "PostgreSQL's table of rights lets the account read only.", tuple(doubts))


_MY_HARMLESS = frozenset(
    {
        "SELECT", "USAGE", "SHOW VIEW", "SHOW DATABASES", "PROCESS", "REPLICATION CLIENT", "BINLOG MONITOR",
        "SLAVE MONITOR", "REPLICA MONITOR", "SHOW_ROUTINE", "CONNECTION ADMIN",
    }
)  # fmt: skip
_MY_ROUTINE = frozenset({"EXECUTE"})
_GRANT = re.compile(r"GRANT (?P<what>.+?) ON (?P<on>.+?) TO ", re.IGNORECASE | re.DOTALL)
_ROLE = re.compile(r"GRANT (?P<role>[`'\"][^ ]+|[\w@%.]+) TO ", re.IGNORECASE)


def _mysql(opened: Session) -> Rights:
    found = opened.attempt("SHOW GRANTS")
    if not found:
        return _unknown()
    lines = [str(row[0]) for row in found]
    doubts = []
    for role in [name for line in lines if " ON " not in line for name in _ROLE.findall(line)]:
        more = _of_role(opened, role)
        if more is None:
            return _unknown()
        lines += more
    may, routines = _granted(lines)
    if routines:
        doubts.append("The account may run stored routines, which can write with the rights of whoever made them.")
    server = opened.attempt("SELECT @@global.read_only")
    if may:
        return _writable(may, doubts)
    if routines:
        return Rights("not proved", "Its grants let the account read, and run stored routines.", tuple(doubts))
    also = ", and the server takes no writes" if server and server[0][0] else ""
    return Rights("proved", f"Its grants let the account read only{also}.", tuple(doubts))


def _of_role(opened: Session, role: str) -> list[str] | None:
    """The grants of a role that the account may take on; None where it may not see them."""
    if not re.fullmatch(r"[`'\"\w@%.-]+", role):
        return None
    if not is_mariadb(opened.connection):
        found = opened.attempt(f"SHOW GRANTS FOR CURRENT_USER() USING {role}")
    elif opened.attempt(f"SET ROLE {role}") is None:
        found = None
    else:
        found = opened.attempt("SHOW GRANTS")
        opened.attempt("SET ROLE NONE")
    return None if found is None else [str(row[0]) for row in found]


def _granted(lines: Sequence[str]) -> tuple[list[str], bool]:
    """What grants allow beside reading, and whether they allow stored routines. The lines are those of SHOW GRANTS."""
    may, routines = [], False
    for line in lines:
        grant = _GRANT.match(line)
        if grant is None:
            continue
        for part in re.split(r",\s*(?![^(]*\))", grant["what"]):
            name = part.partition("(")[0].strip().upper()
            if name in _MY_ROUTINE:
                routines = True
            elif name not in _MY_HARMLESS:
                may.append(f"{name} on {grant['on'].replace('`', '')}")
        if "WITH GRANT OPTION" in line.upper():
            may.append(f"GRANT on {grant['on'].replace('`', '')}")
    return may, routines


_MS_HARMLESS = frozenset(
    {"CONNECT", "SELECT", "VIEW ANY COLUMN ENCRYPTION KEY DEFINITION", "VIEW ANY COLUMN MASTER KEY DEFINITION",
     "SHOWPLAN", "VIEW DEFINITION", "REFERENCES", "VIEW DATABASE STATE", "VIEW DATABASE PERFORMANCE STATE",
     "VIEW DATABASE SECURITY STATE", "UNMASK"}
)  # fmt: skip


def _sql_server(opened: Session) -> Rights:
    state = opened.attempt("SELECT DATABASEPROPERTYEX(DB_NAME(), 'Updateability')")
    if state and state[0][0] == "READ_ONLY":
        return Rights("proved", "The database is set to read only.")
    rows = opened.attempt("SELECT permission_name FROM fn_my_permissions(NULL, 'DATABASE')")
    objects = opened.attempt(
        "SELECT TOP 100 s.name + '.' + o.name FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id "
        "WHERE o.type IN ('U', 'V') AND (HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', "
        "'INSERT') = 1 OR HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'UPDATE') = 1 OR "
        "HAS_PERMS_BY_NAME(QUOTENAME(s.name) + '.' + QUOTENAME(o.name), 'OBJECT', 'DELETE') = 1)"
    )
    if rows is None or objects is None:
        return _unknown()
    routines = any(str(row[0]) == "EXECUTE" for row in rows)
    may = [str(row[0]) for row in rows if str(row[0]) not in _MS_HARMLESS | {"EXECUTE"}]
    may += [f"changing {row[0]}" for row in objects]
    if may:
        return _writable(may)
    if routines:
        return Rights("not proved", "Its permissions let the account read, and run stored procedures.")
    return Rights("proved", "SQL Server's permissions let the account read only.")


_ORA_HARMLESS = frozenset(
    {"CREATE SESSION", "SELECT ANY TABLE", "READ ANY TABLE", "SELECT ANY DICTIONARY", "SELECT ANY SEQUENCE",
     "SELECT ANY TRANSACTION", "ALTER SESSION", "SET CONTAINER"}
)  # fmt: skip
_ORA_TABLES = """
SELECT DISTINCT privilege || ' on ' || owner || '.' || table_name FROM (
  SELECT privilege, table_schema AS owner, table_name FROM all_tab_privs
  WHERE grantee IN (SELECT role FROM session_roles) OR grantee = USER
) WHERE privilege IN ('INSERT', 'UPDATE', 'DELETE', 'ALTER') AND ROWNUM <= 100
"""


def _oracle(opened: Session) -> Rights:
    rows = opened.attempt("SELECT privilege FROM session_privs")
    tables = opened.attempt(_ORA_TABLES)
    own = opened.attempt("SELECT count(*) FROM user_tables")
    if rows is None or tables is None or own is None:
        return _unknown()
    may = [str(row[0]) for row in rows if str(row[0]) not in _ORA_HARMLESS]
    may += [str(row[0]) for row in tables]
    if own[0][0]:
        may.append("changing the tables that it owns")
    if may:
        return _writable(may)
    return Rights("proved", "Oracle's privileges let the account read only.")


def _sqlite(opened: Session, url: str) -> Rights:
    path = sqlite_path(make_url(url))
    # the connection itself is asked to write, and has to refuse; the table would be gone with the transaction
    refused = opened.attempt('CREATE TABLE "podadmin writes nothing" (nothing)') is None
    if not refused:
        return _writable(("the file through this connection",))
    if os.access(path, os.W_OK):
        return Rights(
            "writable",
            "podadmin opens the file read-only, and a write was refused; but this account may write to the file.",
            ("Other programs of this account can change the file: have its right to write taken away.",),
        )
    return Rights("proved", "The file cannot be written to by this account, and a write was refused.")
