"""What a custodian meets who connects a database: what is said of it, and of everything that can be wrong with it."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from podadmin.core.errors import PodadminError
from podadmin.core.progress import Progress, Step
from podadmin.core.secret import Secret
from podadmin.datasources import databases
from podadmin.datasources.accessibility import AccessibilityErrorCode, standing
from podadmin.datasources.database_families import Family, family_of
from podadmin.datasources.database_rights import _granted
from podadmin.datasources.database_session import address, session
from podadmin.datasources.model import ColumnChoices, SqlSource
from podadmin.schema.sql_pass import profile
from tests.databases.servers import numbered
from tests.patience import PATIENCE, quick, until

PASSWORD = "a pass word: 50 % @/?"


def probe(url: str, table: str = "visits", password: str = PASSWORD, **more: Any) -> Any:
    return databases.probe(SqlSource(url, table=table, **more), Secret(password), Progress())


def code_of(act: Any) -> str:
    with pytest.raises(PodadminError) as raised:
        act()
    found = raised.value
    assert standing(found.code).code is not AccessibilityErrorCode.UNKNOWN, found.code
    assert PASSWORD not in repr(found.as_dict())
    assert found.__cause__ is None, "the text of a driver quotes what it was given"
    return found.code


@pytest.fixture(scope="module")
def clinic(postgresql: Any) -> Any:
    postgresql.run(
        "CREATE TABLE visits (id bigint PRIMARY KEY, day date, note text)",
        "INSERT INTO visits SELECT i, date '2024-01-01' + i::int, 'note ' || i FROM generate_series(1, 200) i",
        "CREATE TABLE secrets (id bigint)",
        "REVOKE ALL ON secrets FROM reader",
        "CREATE VIEW endless AS SELECT a.i + b.i AS i FROM generate_series(1, 1000000) a(i), "
        "generate_series(1, 1000000) b(i)",
        "GRANT INSERT ON visits TO writer",
    )
    return postgresql


@pytest.fixture(scope="module")
def ward(mariadb: Any) -> Any:
    return _ward(mariadb)


@pytest.fixture(scope="module")
def mysql_ward(only_mysql: Any) -> Any:
    return _ward(only_mysql)


@pytest.fixture(scope="module", params=["ward", "mysql_ward"])
def wards(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def _ward(mysql: Any) -> Any:
    mysql.run(
        "CREATE TABLE visits (id bigint PRIMARY KEY, day date, note text)",
        "INSERT INTO visits SELECT seq, date_add('2024-01-01', interval seq day), concat('note ', seq) "
        f"FROM {numbered(200)}",
        f"CREATE VIEW endless AS SELECT a.i + b.i AS i FROM (SELECT seq AS i FROM {numbered(1_000_000)}) a, "
        f"(SELECT seq AS i FROM {numbered(1_000_000)}) b",
    )
    return mysql


def test_postgresql_says_what_it_is_and_that_the_account_reads_only(clinic: Any) -> None:
    found = probe(clinic.tcp())
    assert (found.read_only, found.rows, found.columns) == ("proved", 200, ("id", "day", "note"))
    assert found.size is not None
    assert found.size > 0
    assert dict(found.details)["Server"].startswith("PostgreSQL ")
    assert dict(found.details)["Connection"].startswith("TLSv1.")
    assert found.doubts == ()


def test_an_account_that_may_write_is_found_out(clinic: Any, wards: Any) -> None:
    found = probe(clinic.url("writer"))
    assert (found.read_only, "changing public.visits" in found.read_only_words) == ("writable", True)
    assert probe(clinic.url("owner")).read_only == "writable"
    found = probe(wards.url("writer"), password="")
    assert (found.read_only, "INSERT on clinic.*" in found.read_only_words) == ("writable", True)
    assert probe(wards.url()).read_only == "proved"


def test_a_right_to_one_column_or_by_a_role_counts_as_well(clinic: Any) -> None:
    clinic.run(
        "CREATE ROLE clerk LOGIN", "CREATE ROLE clerks", "GRANT clerks TO clerk", "GRANT SELECT ON visits TO clerk"
    )
    assert probe(clinic.url("clerk")).read_only == "proved"
    clinic.run("GRANT UPDATE (note) ON visits TO clerks")
    assert probe(clinic.url("clerk")).read_only == "writable"


def test_a_right_by_a_role_of_mysql_counts_as_well(wards: Any) -> None:
    wards.run("CREATE USER clerk", "CREATE ROLE clerks", "GRANT clerks TO clerk", "GRANT SELECT ON clinic.* TO clerk")
    assert probe(wards.url("clerk"), password="").read_only == "proved"
    wards.run("GRANT DELETE ON clinic.visits TO clerks")
    found = probe(wards.url("clerk"), password="")
    assert (found.read_only, "DELETE on clinic.visits" in found.read_only_words) == ("writable", True)


def test_grants_of_mysql_are_read_line_by_line() -> None:
    assert _granted(["GRANT USAGE ON *.* TO `a`@`%`", "GRANT SELECT, SHOW VIEW ON `c`.* TO `a`@`%`"]) == ([], False)
    assert _granted(["GRANT SELECT (`x`, `y`), UPDATE (`z`) ON `c`.`t` TO `a`@`%`"]) == (["UPDATE on c.t"], False)
    assert _granted(["GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION"])[0] == [
        "ALL PRIVILEGES on *.*",
        "GRANT on *.*",
    ]
    assert _granted(["GRANT SELECT, EXECUTE ON `c`.* TO `a`@`%`"]) == ([], True)


def test_nothing_can_be_written_even_with_all_rights(clinic: Any, wards: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE visits (id INTEGER)")
    connection.close()
    for url in (clinic.url("owner"), wards.url("root"), f"sqlite:///{file}"):
        with session(SqlSource(url, table="visits"), None, Progress()) as opened:
            assert opened.attempt("DELETE FROM visits") is None
            assert opened.attempt("CREATE TABLE other (id integer)") is None
            assert opened.attempt("SELECT 1; SELECT 2") is None, "one statement at a time"
            assert opened.rows("SELECT 1") == [(1,)]
    assert clinic.run("SELECT count(*) FROM visits") == [(200,)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": "wrong"}, "datasource.database-password"),
        ({"account": "nobody"}, "datasource.database-password"),
        ({"database": "other"}, "datasource.database-not-found"),
        ({"table": "nothing"}, "datasource.database-table"),
        ({"table": "elsewhere.visits"}, "datasource.database-table"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(clinic: Any, wards: Any, change: dict[str, str], code: str) -> None:
    asked = {"table": "visits", "password": PASSWORD, **change}
    where = {name: asked.pop(name) for name in ("account", "database") if name in asked}
    assert code_of(lambda: probe(clinic.tcp(**where), **asked)) == code
    if "database" in where:
        wards.run("GRANT SELECT ON *.* TO reader")
    try:
        assert code_of(lambda: probe(wards.tcp(**where), **asked)) == code
    finally:
        wards.run("REVOKE SELECT ON *.* FROM reader") if "database" in where else None


def test_a_table_that_the_account_may_not_read(clinic: Any, wards: Any) -> None:
    assert code_of(lambda: probe(clinic.url(), "secrets")) == "datasource.database-permission"
    wards.run("CREATE USER guest", "GRANT SELECT (id) ON clinic.visits TO guest")
    source = SqlSource(wards.url("guest"), query="SELECT id, note FROM visits")
    assert code_of(lambda: databases.columns(source, None, Progress())) == "datasource.database-permission"


def test_nobody_answers() -> None:
    from tests.databases.servers import free_port

    port = free_port()
    for driver in ("postgresql+psycopg", "mysql+pymysql"):
        url = f"{driver}://reader@127.0.0.1:{port}/clinic"
        assert code_of(lambda url=url: probe(url)) == "datasource.database-unreachable"


def test_a_certificate_that_nobody_vouches_for(clinic: Any, wards: Any, tmp_path: Path) -> None:
    trusted = tmp_path / "root.crt"
    trusted.write_bytes(Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
    strict = clinic.tcp(more=f"?sslmode=verify-full&sslrootcert={trusted}")
    assert code_of(lambda: probe(strict)) == "datasource.database-certificate"
    strict = wards.tcp(more=f"?ssl_ca={trusted}&ssl_check_hostname=true")
    assert code_of(lambda: probe(strict)) == "datasource.database-certificate"
    known = clinic.tcp(more=f"?sslmode=verify-full&sslrootcert={clinic.folder}/server.crt")
    assert code_of(lambda: probe(known)) == "datasource.database-certificate", "it is for another name"
    known = clinic.tcp(more=f"?sslmode=verify-ca&sslrootcert={clinic.folder}/server.crt")
    assert probe(known).reachable


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr("podadmin.datasources.database_families.CONNECT_SECONDS", 2)
    monkeypatch.setattr("podadmin.datasources.database_session.CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+pymysql://reader@127.0.0.1:{silent.getsockname()[1]}/clinic?read_timeout=1"
        assert code_of(lambda: probe(url)) in {
            "datasource.database-lost", "datasource.database-timeout", "datasource.database-too-long",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("no url", "datasource.database-url"),
        ("mongodb://server/db", "datasource.database-url"),
        ("sqlite://", "datasource.database-url"),
        ("postgresql://reader:secret@server/db", "datasource.password-in-url"),
        ("postgresql://reader@server/db?password=secret", "datasource.password-in-url"),
    ],
)
def test_a_url_that_cannot_be_used(url: str, code: str) -> None:
    assert code_of(lambda: probe(url)) == code


def test_a_driver_that_is_not_here_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podadmin.datasources.database_families.find_spec", lambda _: None)
    with pytest.raises(PodadminError) as raised:
        probe("oracle://reader@server/db")
    assert raised.value.code == "datasource.database-driver"
    assert "pip install oracledb" in raised.value.next_step


def test_another_driver_does_where_the_one_that_is_named_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    url = address("postgresql+pg8000://reader@server/db")
    family: Family = family_of(url)
    monkeypatch.setattr(
        "podadmin.datasources.database_families.find_spec", lambda name: None if name == "pg8000" else object()
    )
    assert family.url(url).drivername == "postgresql+psycopg"


class Watched(Progress):
    """Tells when the database is counting."""

    def __init__(self) -> None:
        self.counting = threading.Event()
        super().__init__(self._seen)

    def _seen(self, step: Step) -> None:
        if step.what.startswith("Counting"):
            self.counting.set()


def in_the_background(source: SqlSource, progress: Progress) -> tuple[threading.Thread, list[PodadminError]]:
    errors: list[PodadminError] = []

    def work() -> None:
        try:
            profile(source, Secret(PASSWORD), ColumnChoices(), progress)
        except PodadminError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, errors


def endless(server: Any) -> SqlSource:
    return SqlSource(server.url(), table="endless")


RUNNING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active'",
    "mysql": "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND command = 'Query'",
}


def running(server: Any, there: bool) -> list[int]:
    """The numbers of the statements that the reader's sessions carry out, as soon as there are some, or none."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [int(row[0]) for row in server.run(RUNNING[server.family])]
        return bool(found) == there

    until(look, f"statements are running: {there}")
    return found


def cancelled(source: SqlSource, look: Callable[[], object] = list) -> float:
    """How long a profile of `source` goes on after it was told to stop, which is when `look` has returned."""
    progress = Watched()
    thread, errors = in_the_background(source, progress)
    assert progress.counting.wait(PATIENCE)
    look()
    told = monotonic()
    progress.cancel()
    thread.join(PATIENCE)
    assert [error.code for error in errors] == ["core.cancelled"]
    return monotonic() - told


@pytest.mark.parametrize("name", ["clinic", "ward", "mysql_ward"])
def test_cancelled_within_a_second_and_the_server_stops_as_well(name: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(name)
    quick(1.5, lambda: cancelled(endless(server), lambda: running(server, True)))
    running(server, False)


@pytest.mark.parametrize("name", ["clinic", "ward", "mysql_ward"])
def test_a_connection_that_breaks_off_in_mid_query(name: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(name)
    progress = Watched()
    thread, errors = in_the_background(endless(server), progress)
    assert progress.counting.wait(PATIENCE)
    for number in running(server, True):
        server.run(f"SELECT pg_terminate_backend({number})" if server.family == "postgresql" else f"KILL {number}")
    thread.join(PATIENCE)
    assert [error.code for error in errors] == ["datasource.database-lost"]
    assert "nothing of what was found is kept" in errors[0].what


@pytest.mark.parametrize("name", ["clinic", "ward", "mysql_ward"])
def test_one_question_takes_no_longer_than_it_may(name: str, request: pytest.FixtureRequest) -> None:
    source = endless(request.getfixturevalue(name))
    found = code_of(lambda: profile(source, Secret(PASSWORD), ColumnChoices(), Progress(), seconds=1))
    assert found == "datasource.database-too-long"


def test_a_file_of_sqlite_is_stopped_as_quickly(tmp_path: Path) -> None:
    file = tmp_path / "endless.db"
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
        )
    connection.close()
    quick(1.5, lambda: cancelled(SqlSource(f"sqlite:///{file}", table="endless")))


def test_files_of_sqlite(tmp_path: Path) -> None:
    missing, damaged, good = tmp_path / "missing.db", tmp_path / "damaged.db", tmp_path / "a #%é😀'.db"
    damaged.write_bytes(b"no database at all, but some text that is long enough" * 100)
    with sqlite3.connect(good) as connection:
        connection.execute("CREATE TABLE visits (id INTEGER)")
        connection.execute("INSERT INTO visits VALUES (1)")
    connection.close()
    assert code_of(lambda: probe(f"sqlite:///{missing}")) == "datasource.database-not-found"
    assert not missing.exists(), "looking for a file does not make it"
    assert code_of(lambda: probe(f"sqlite:///{damaged}")) == "datasource.database-damaged"
    from sqlalchemy import URL

    url = URL.create("sqlite", database=str(good)).render_as_string()
    found = probe(url)
    assert (found.rows, found.read_only) == (1, "writable")
    assert found.newest is not None
    good.chmod(0o444)
    expected = "writable" if os.geteuid() == 0 else "proved"
    assert probe(url).read_only == expected, "root may write to everything"
