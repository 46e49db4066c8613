"""How each kind of database is connected to, kept from writing, limited in time, and stopped in mid-question.

One class for each, with the same face. What is asked is the same for all (database_expressions); what differs by nature
is here.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from podadmin.core.errors import BadInput, PodadminError, Unavailable
from podadmin.core.files import expanded
from podadmin.core.text import stranger
from podadmin.datasources.database_errors import Fault, said
from podadmin.datasources.database_expressions import HASH, ONE_IN

CONNECT_SECONDS: Final = 10
Stop = Callable[[], None]


@dataclass(frozen=True)
class Driver:
    """A driver: SQLAlchemy's name for it, the module, and the package to install."""

    name: str
    module: str
    package: str


class Family:
    """A kind of database. `name` is SQLAlchemy's, `words` what a person calls it."""

    name = ""
    words = ""
    drivers: tuple[Driver, ...] = ()
    snapshot = True
    """Does every question of one session see the same rows, whoever writes meanwhile?"""

    def url(self, url: URL) -> URL:
        """`url` with a driver that is here: the one that it names, or another that does the same.

        Raises Unavailable `datasource.database-driver`.
        """
        named = url.drivername.partition("+")[2]
        here = [driver for driver in self.drivers if find_spec(driver.module) is not None]
        for driver in sorted(here, key=lambda each: each.name != named):
            return url.set(drivername=f"{self.name}+{driver.name}")
        packages = " or ".join(driver.package for driver in self.drivers)
        raise Unavailable(
            "datasource.database-driver",
            f"What connects to {self.words} is not installed.",
            f"podadmin needs the Python package {packages} for it and comes without.",
            f"Ask your IT service to install it beside podadmin: pip install {self.drivers[0].package}.",
        )

    def engine(self, url: URL, seconds: int) -> Engine:
        """An engine for `url` (with its password). `seconds`: the longest that one question may take."""
        return create_engine(self.url(url), poolclass=NullPool, connect_args=self.connect_args(url, seconds))

    def connect_args(self, url: URL, seconds: int) -> Mapping[str, Any]:
        """Keyword arguments for the driver; `url` as the custodian wrote it."""
        return {}

    def begin(self, connection: Connection, seconds: int) -> None:
        """Make the session one that cannot write, is limited in time and shows moments in UTC."""

    def stop(self, connection: Connection) -> Stop:
        """What ends the question that runs on `connection`, from another thread."""
        raw = connection.connection.driver_connection
        return lambda: _call(raw, "cancel")


def _call(thing: Any, name: str) -> None:
    getattr(thing, name)()


def _has(url: URL, *names: str) -> bool:
    return any(name in url.query for name in names)


class PostgreSQL(Family):
    """PostgreSQL 10 and later."""

    name = "postgresql"
    words = "PostgreSQL"
    drivers = (Driver("psycopg", "psycopg", "psycopg[binary]"), Driver("pg8000", "pg8000", "pg8000"))

    def connect_args(self, url: URL, seconds: int) -> Mapping[str, Any]:
        if self.url(url).drivername.endswith("pg8000"):
            return {"timeout": seconds + CONNECT_SECONDS, "application_name": "podadmin"}
        given = {"application_name": "podadmin", "connect_timeout": CONNECT_SECONDS, "keepalives_idle": 30}
        # what is prepared is one statement: a second one behind it is refused by the server
        return {**{name: value for name, value in given.items() if not _has(url, name)}, "prepare_threshold": 0}

    def begin(self, connection: Connection, seconds: int) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {seconds * 1000}")
        connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
        connection.exec_driver_sql("SET LOCAL datestyle = 'ISO'")
        connection.exec_driver_sql("SET LOCAL bytea_output = 'hex'")

    def stop(self, connection: Connection) -> Stop:
        raw = connection.connection.driver_connection
        if hasattr(raw, "cancel_safe"):
            return lambda: _call(raw, "cancel")
        number = int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        return _by_another(connection.engine, f"SELECT pg_cancel_backend({number})")


class MySQL(Family):
    """MySQL 8 and MariaDB 10.3 and later."""

    name = "mysql"
    words = "MySQL or MariaDB"
    drivers = (Driver("pymysql", "pymysql", "PyMySQL"),)

    def connect_args(self, url: URL, seconds: int) -> Mapping[str, Any]:
        given = {"connect_timeout": CONNECT_SECONDS, "read_timeout": seconds + CONNECT_SECONDS, "charset": "utf8mb4"}
        return {**{name: value for name, value in given.items() if not _has(url, name)}, "local_infile": False}

    def begin(self, connection: Connection, seconds: int) -> None:
        limit = "max_statement_time" if is_mariadb(connection) else "max_execution_time"
        amount = seconds if is_mariadb(connection) else seconds * 1000
        connection.exec_driver_sql(f"SET SESSION {limit} = {amount}")
        connection.exec_driver_sql("SET SESSION time_zone = '+00:00'")
        connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def stop(self, connection: Connection) -> Stop:
        number = int(connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one())
        return _by_another(connection.engine, f"KILL QUERY {number}")


def is_mariadb(connection: Connection) -> bool:
    """Is the server MariaDB and not MySQL?"""
    return bool(getattr(connection.dialect, "is_mariadb", False))


class SQLServer(Family):
    """SQL Server 2019 and later. Its reads see what is committed when they come to it: there is no snapshot."""

    name = "mssql"
    words = "SQL Server"
    drivers = (Driver("pyodbc", "pyodbc", "pyodbc"), Driver("pymssql", "pymssql", "pymssql"))
    snapshot = False

    def connect_args(self, url: URL, seconds: int) -> Mapping[str, Any]:
        if self.url(url).drivername.endswith("pymssql"):
            return {"login_timeout": CONNECT_SECONDS, "timeout": seconds, "appname": "podadmin"}
        return {"timeout": CONNECT_SECONDS, "readonly": True, "ApplicationIntent": "ReadOnly", "APP": "podadmin"}

    def begin(self, connection: Connection, seconds: int) -> None:
        raw: Any = connection.connection.driver_connection
        if hasattr(raw, "timeout"):
            raw.timeout = seconds
        connection.exec_driver_sql(f"SET LOCK_TIMEOUT {min(seconds, 60) * 1000}")

    def stop(self, connection: Connection) -> Stop:
        # neither driver stops a statement from another thread, and KILL is for administrators: whoever waits is let go
        # at once, and the server ends the statement when the connection is closed
        raw = connection.connection.driver_connection
        return lambda: _call(raw, "close")


class Oracle(Family):
    """Oracle 12c and later."""

    name = "oracle"
    words = "Oracle"
    drivers = (Driver("oracledb", "oracledb", "oracledb"),)

    def connect_args(self, url: URL, seconds: int) -> Mapping[str, Any]:
        return {"tcp_connect_timeout": float(CONNECT_SECONDS)}

    def begin(self, connection: Connection, seconds: int) -> None:
        raw: Any = connection.connection.driver_connection
        raw.call_timeout = seconds * 1000
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql("ALTER SESSION SET TIME_ZONE = '+00:00'")


class SQLite(Family):
    """A file of SQLite, opened so that nothing can be written through it."""

    name = "sqlite"
    words = "SQLite"
    drivers = (Driver("pysqlite", "sqlite3", "sqlite3"),)

    def engine(self, url: URL, seconds: int) -> Engine:
        path = sqlite_path(url)

        def connect() -> sqlite3.Connection:
            if not path.is_file():
                raise said(Fault.DATABASE, self.words)
            opened = sqlite3.connect(
                f"file:{quote(str(path))}?mode=ro", uri=True, timeout=CONNECT_SECONDS, check_same_thread=False
            )
            opened.create_function(HASH, 1, _part, deterministic=True)
            return opened

        made = create_engine("sqlite+pysqlite://", poolclass=NullPool, creator=connect)
        # Python's driver opens no transaction for a SELECT by itself, and only within one all see the same rows
        event.listen(made, "begin", _begin)
        return made

    def begin(self, connection: Connection, seconds: int) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("PRAGMA temp_store = MEMORY")
        connection.exec_driver_sql("PRAGMA trusted_schema = OFF")

    def stop(self, connection: Connection) -> Stop:
        raw = connection.connection.driver_connection
        return lambda: _call(raw, "interrupt")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _part(value: object) -> int:
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return zlib.crc32(raw) % ONE_IN


def sqlite_path(url: URL) -> Path:
    """The file that a URL of SQLite names. Raises BadInput `datasource.database-url`."""
    name = (url.database or "").removeprefix("file:").partition("?")[0]
    if not name or name == ":memory:":
        raise bad_url("A SQLite URL names a file: sqlite:////folder/file.db with four slashes for a full path.")
    return expanded(name)


def _by_another(engine: Engine, statement: str) -> Stop:
    def stop() -> None:
        with engine.connect() as other:
            other.exec_driver_sql(statement)

    return stop


_FAMILIES: Final[dict[str, Family]] = {
    "postgresql": PostgreSQL(),
    "postgres": PostgreSQL(),
    "mysql": MySQL(),
    "mariadb": MySQL(),
    "mssql": SQLServer(),
    "oracle": Oracle(),
    "sqlite": SQLite(),
}


def family_of(url: URL) -> Family:
    """The kind of database that a URL names. Raises BadInput `datasource.database-url`."""
    name = url.drivername.partition("+")[0]
    if name not in _FAMILIES:
        raise bad_url(
            f"“{stranger(name, 30)}” is none of postgresql, mysql, mariadb, mssql, oracle and sqlite, with which it "
            "has to begin."
        )
    return _FAMILIES[name]


def bad_url(why: str) -> PodadminError:
    """What is said about a URL that cannot be used. `why` is a whole sentence."""
    return BadInput(
        "datasource.database-url",
        "This is not the URL of a database that can be read.",
        why,
        "Write it as postgresql://account@server:5432/database, without the password.",
    )
