"""What a database itself makes of a requester's SQL, held against what was told of it: never more than was told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from podadmin.requests.sql_reading import understand
from tests.databases.servers import Server

SECRET = "canary-17"
TABLES = (
    "CREATE TABLE callers (person TEXT, age INT)",
    f"INSERT INTO callers VALUES ('{SECRET}', 40)",
)
FIGURES = "WITH c AS (SELECT age, count(*) AS n FROM callers GROUP BY age HAVING count(*) >= 10)"


@pytest.fixture(scope="module")
def in_postgresql(postgresql: Server) -> Iterator[Server]:
    postgresql.run(
        *TABLES,
        'CREATE TABLE "C" (age INT, person TEXT)',
        f"INSERT INTO \"C\" VALUES (40, '{SECRET}')",
        "CREATE SCHEMA of_callers",
        "CREATE TABLE of_callers.callers AS SELECT * FROM callers",
    )
    yield postgresql
    postgresql.run('DROP TABLE callers, "C"', "DROP SCHEMA of_callers CASCADE")


@pytest.fixture(scope="module")
def in_mysql(mysql: Server) -> Iterator[Server]:
    with _callers(mysql):
        yield mysql


@contextmanager
def _callers(server: Server, name: str = "callers") -> Iterator[None]:
    server.run(*(each.replace("callers", name) for each in TABLES))
    try:
        yield
    finally:
        server.run(f"DROP TABLE {name}")


def _held(server: Server, query: str) -> None:
    assert SECRET in str(server.run(query))
    found = understand(query)
    assert found.all_columns or "person" in found.columns, found.columns
    assert found.level == "row", found.why


@pytest.mark.parametrize(
    "query",
    [
        # a function of a row, written like a column
        "SELECT callers.row_to_json FROM callers",
        "SELECT x.to_jsonb FROM callers AS x",
        "SELECT x.json_agg FROM callers AS x",
        "SELECT x.array_agg FROM callers AS x",
        "SELECT x.concat FROM callers AS x",
        "SELECT x.quote_nullable FROM callers AS x",
        "SELECT x.record_out FROM callers AS x",
        # a table beside a WITH of that name in other letters
        f'{FIGURES} SELECT * FROM "C"',
        f'{FIGURES} SELECT n FROM (SELECT person AS n FROM "C") AS s',
        # columns by their place, and a join in brackets
        "SELECT b FROM callers AS x(b)",
        'SELECT * FROM (callers CROSS JOIN "C") AS x',
        "SELECT U&\"p!0065rson\" UESCAPE '!' FROM callers",
        # a text that names a table, or is SQL itself
        "SELECT table_to_xml('callers', true, false, '')",
        "SELECT schema_to_xml_and_xmlschema('of_callers', true, false, '')",
        "SELECT ts_stat('SELECT array_to_tsvector(ARRAY[person]) FROM callers')",
    ],
)
def test_postgresql_reads_nothing_that_was_not_told(in_postgresql: Server, query: str) -> None:
    _held(in_postgresql, query)


def test_no_function_of_postgresql_takes_a_column_that_was_not_told(in_postgresql: Server) -> None:
    """The parser knows many functions, and drops what it would not give to one."""
    functions = in_postgresql.run(
        "SELECT DISTINCT proname, n FROM pg_proc, generate_series(pronargs - pronargdefaults,"
        " CASE WHEN provariadic <> 0 THEN 6 ELSE pronargs END) AS n WHERE n BETWEEN 1 AND 6 ORDER BY 1, 2"
    )
    types = in_postgresql.run("SELECT typname, 1 FROM pg_type WHERE typname !~ '^(_|pg_)'")
    assert (len(functions) > 2000, len(types) > 80) == (True, True)
    for name, number in (*functions, *types):
        columns = [f"c{place}" for place in range(number)]
        for called in (name, f'"{name}"'):
            found = understand(f"SELECT {called}({', '.join(columns)}) FROM t")
            assert found.all_columns or set(columns) <= {each.casefold() for each in found.columns}, name


def test_every_function_of_postgresql_that_takes_a_row_is_known(in_postgresql: Server) -> None:
    names = in_postgresql.run("SELECT DISTINCT proname FROM pg_proc WHERE pronargs - pronargdefaults <= 1")
    told = set()
    with in_postgresql.connect() as connection:
        for (name,) in names:
            query = f'SELECT x."{name}" FROM callers AS x'
            with suppress(psycopg.Error):
                connection.execute(query)
                told.add(name)
                assert understand(query).all_columns or name == "age", name
    assert {"age", "to_json", "record_out"} <= told


def test_a_column_that_is_called_like_a_part_of_a_date_is_told(mysql: Server) -> None:
    mysql.run("CREATE TABLE days_of_callers (day DATE)", "INSERT INTO days_of_callers VALUES ('2000-01-03')")
    query = "SELECT TIMESTAMPDIFF(HOUR, '2000-01-01', day) FROM days_of_callers"
    try:
        assert mysql.run(query) == [(48,)]
    finally:
        mysql.run("DROP TABLE days_of_callers")
    assert "day" in {each.casefold() for each in understand(query).columns}


def test_mysql_has_a_name_of_its_own_for_the_number_of_a_record(mysql: Server) -> None:
    mysql.run("CREATE TABLE numbered_callers (person INT PRIMARY KEY)", "INSERT INTO numbered_callers VALUES (17)")
    try:
        assert mysql.run("SELECT _rowid FROM numbered_callers") == [(17,)]
        assert mysql.run("SELECT BINARY _rowid FROM numbered_callers") == [(b"17",)]
    finally:
        mysql.run("DROP TABLE numbered_callers")
    assert understand("SELECT _rowid FROM numbered_callers").all_columns
    assert understand("SELECT BINARY _rowid FROM numbered_callers").all_columns


@pytest.mark.parametrize(
    "query",
    [
        "SELECT age /*! , person */ FROM callers",
        "SELECT age /*!50000 , person */ FROM callers",
        "SELECT age, 5--1, person\n FROM callers",
        "SELECT * FROM (callers)",
        "SELECT 'x\\'', person, ' ''' FROM callers",
        # words of theirs before a column, which others take for a column that is called otherwise
        "SELECT DISTINCTROW person FROM callers",
        "SELECT STRAIGHT_JOIN person FROM callers",
        "SELECT HIGH_PRIORITY person FROM callers",
        "SELECT SQL_NO_CACHE person FROM callers",
        "SELECT SQL_BIG_RESULT `person` FROM callers",
        "SELECT BINARY person FROM callers",
        "SELECT BINARY -- AS\n person FROM callers",
        "SELECT x.* FROM (SELECT BINARY person FROM callers) AS x",
    ],
)
def test_mysql_reads_nothing_that_was_not_told(in_mysql: Server, query: str) -> None:
    _held(in_mysql, query)


def test_mariadb_reads_what_is_a_comment_for_mysql(mariadb: Server) -> None:
    with _callers(mariadb, "own_callers"):
        _held(mariadb, "SELECT age /*M! , person */ FROM own_callers")


@pytest.mark.parametrize(
    "query",
    ["TABLE own_callers", "WITH x AS (TABLE own_callers) SELECT * FROM x", "SELECT c.* FROM (TABLE own_callers) AS c"],
)
def test_mysql_has_a_query_that_names_no_column_at_all(only_mysql: Server, query: str) -> None:
    with _callers(only_mysql, "own_callers"):
        _held(only_mysql, query)
