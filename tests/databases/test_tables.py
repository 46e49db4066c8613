"""Tables as they come: odd names, very many columns, types that have no name in a schema, queries, the OMOP model."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, column

from podadmin.core.errors import PodadminError
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources import databases, omop
from podadmin.datasources.database_columns import Cells
from podadmin.datasources.database_expressions import Deviation, Moment, Number
from podadmin.datasources.database_query import checked
from podadmin.datasources.model import ColumnChoices, Kind, SqlSource
from podadmin.schema.profile import Profile
from podadmin.schema.sql_pass import profile
from tests.databases.servers import numbered

PASSWORD = Secret("a pass word: 50 % @/?")
MYSQL = ("mariadb", "only_mysql")
ODD = ('a"b', "SELECT * FROM t; DROP TABLE t --", "%s %(x)s :y ?", "Ünï日", "it's", "`tick`", "back\\slash", "A", "a.b")


def profiled(url: str, table: str = "", choices: ColumnChoices = ColumnChoices(), query: str = "") -> Profile:  # noqa: B008
    return profile(SqlSource(url, table=table, query=query), PASSWORD, choices, Progress())


def found(made: Profile) -> dict[str, Any]:
    return {column.name: column for column in made.columns}


def sqlite_with(path: Path, *statements: str) -> str:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return f"sqlite:///{path}"


def quoted(name: str, mark: str) -> str:
    return mark + name.replace(mark, mark * 2) + mark


@pytest.mark.parametrize("where", ["postgresql", "mariadb", "only_mysql", "sqlite"])
def test_names_that_look_like_statements_are_names(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    mark = "`" if where in MYSQL else '"'
    table = 'odd "table" %s `x`'
    columns = ", ".join(f"{quoted(name, mark)} integer" for name in ODD)
    statements = (
        f"CREATE TABLE {quoted(table, mark)} ({columns})",
        f"INSERT INTO {quoted(table, mark)} VALUES ({', '.join(str(place) for place in range(len(ODD)))})",
    )
    if where == "sqlite":
        url = sqlite_with(tmp_path / "odd.db", *statements)
    else:
        server = request.getfixturevalue(where)
        server.run(*statements)
        url = server.url()
    choices = ColumnChoices(force=dict.fromkeys(ODD, "categorical"))
    columns_found = found(profiled(url, table, choices))
    assert tuple(columns_found) == ODD
    assert [columns_found[name].labels for name in ODD] == [((str(place), 1),) for place in range(len(ODD))]
    shown = databases.preview(SqlSource(url, table=table), PASSWORD, Progress(), masked=False)
    assert shown.rows == (tuple(map(str, range(len(ODD)))),)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["postgresql", "mariadb", "only_mysql", "sqlite"])
def test_more_than_a_thousand_columns(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    count = 1_010
    mark = "`" if where in MYSQL else '"'
    columns = ", ".join(f"{mark}c{place}{mark} integer" for place in range(count))
    statements = [f"CREATE TABLE wide ({columns})"]
    statements += [
        f"INSERT INTO wide VALUES ({', '.join(str(place * row) for place in range(count))})" for row in (1, 2)
    ]
    if where == "sqlite":
        url = sqlite_with(tmp_path / "wide.db", *statements)
    else:
        server = request.getfixturevalue(where)
        server.run(*statements)
        url = server.url()
    made = profiled(url, "wide", ColumnChoices(ignore=("c0",)))
    assert made.rows == 2
    assert len(made.columns) == count - 1
    last = made.columns[-1]
    assert (last.name, last.minimum, last.maximum, last.distinct) == ("c1009", 1009, 2018, 2)


def test_types_of_postgresql(postgresql: Any) -> None:
    postgresql.run(
        "CREATE TYPE mood AS ENUM ('fine', 'ill')",
        "CREATE DOMAIN weight AS numeric(5, 1)",
        "CREATE TABLE kinds (d numeric(8, 2), w weight, n numeric, f real, x double precision, u uuid, j jsonb, "
        "e mood, a int[], t time, b bytea, i interval, z timestamptz, far timestamp, big bigint, ip inet)",
        "INSERT INTO kinds VALUES (1.50, 70.5, 'NaN', 0.1, 'NaN', '00000000-0000-0000-0000-000000000001', "
        "'{\"a\": 1}', 'ill', '{1,2}', '10:00', '\\x00ff', '1 day', '2024-03-01 12:00+02', "
        "'infinity', 9223372036854775807, '::1')",
        "INSERT INTO kinds (d, n, x, z, far) VALUES (2, 3, 2, '2024-03-01', '2024-01-01')",
    )
    choices = ColumnChoices(force={"e": "categorical", "d": "categorical"})
    columns = found(profiled(postgresql.url(), "kinds", choices))
    dtypes = {name: column.dtype for name, column in columns.items()}
    assert dtypes == {
        **dict.fromkeys(("u", "j", "e", "a", "t", "b", "i", "z", "far", "ip"), "string"),
        "d": "Float64", "w": "Float64", "n": "Int64", "f": "Float64", "x": "Int64", "big": "Int64",
    }  # fmt: skip
    assert (columns["n"].count, columns["n"].maximum) == (1, 3), "what is no number counts as empty"
    assert columns["big"].maximum == 2**63 - 1
    assert columns["f"].maximum == pytest.approx(0.1, rel=1e-6)
    assert (columns["z"].minimum, columns["z"].maximum) == ("2024-03-01 00:00:00", "2024-03-01 10:00:00")
    assert columns["far"].maximum == "infinity"
    assert columns["e"].labels == (("ill", 1), ("nan", 1))
    assert columns["d"].labels == (("1.5", 1), ("2.0", 1))
    assert columns["b"].longest == 2


def test_text_is_compared_byte_by_byte_whatever_the_collation(mysql: Any) -> None:
    mysql.run(
        "CREATE TABLE words (w varchar(20), u bigint unsigned) COLLATE utf8mb4_general_ci",
        "INSERT INTO words VALUES ('a', 1), ('A', 18446744073709551615), ('a ', 2), ('ä', 3), ('😀', 4)",
    )
    columns = found(profiled(mysql.url(), "words", ColumnChoices(force={"w": "categorical"})))
    assert columns["w"].labels == (("A", 1), ("a", 1), ("a ", 1), ("ä", 1), ("😀", 1))
    assert (columns["u"].dtype, columns["u"].maximum) == ("UInt64", 2**64 - 1)


def test_a_column_of_sqlite_is_what_all_of_its_cells_are(tmp_path: Path) -> None:
    url = sqlite_with(
        tmp_path / "mixed.db",
        "CREATE TABLE mixed (a INTEGER, b, c REAL, d TEXT, e BLOB, f INTEGER)",
        "INSERT INTO mixed VALUES (1, 1, 1.0, '1', x'00ff', NULL), ('one', 2.5, 2.0, '2', 'x', NULL)",
    )
    columns = found(profiled(url, "mixed"))
    assert [columns[name].dtype for name in "abcdef"] == ["string", "Float64", "Int64", "string", "string", "string"]
    assert columns["f"].nulls == 2


def test_what_points_at_people_keeps_no_value(postgresql: Any) -> None:
    postgresql.run(
        "CREATE TABLE people (nhs_number bigint, surname text, ward text)",
        "INSERT INTO people SELECT 9434765919, 'Smith', 'A' FROM generate_series(1, 30)",
    )
    columns = found(profiled(postgresql.url(), "people"))
    for name in ("nhs_number", "surname"):
        assert columns[name].looks_like
        assert (columns[name].minimum, columns[name].maximum, columns[name].top, columns[name].quantiles) == (
            None, None, (), (),
        )  # fmt: skip
    assert columns["ward"].top == (("A", 30),)


def test_different_values_are_estimated_where_they_are_very_many(
    postgresql: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.run(
        "CREATE TABLE many AS SELECT i AS n, 'key ' || i AS t, i / 3.0 AS f, i % 7 AS few, "
        "timestamp '2024-01-01' + i * interval '1 minute' AS m FROM generate_series(1, 40000) i"
    )
    _estimated(postgresql.url(), monkeypatch)


def test_different_values_are_estimated_by_mysql_too(mysql: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mysql.run(
        "CREATE TABLE many AS SELECT seq AS n, concat('key ', seq) AS t, seq / 3.0 AS f, seq % 7 AS few, "
        f"date_add('2024-01-01', interval seq minute) AS m FROM {numbered(40_000)}"
    )
    _estimated(mysql.url(), monkeypatch)


def _estimated(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("podadmin.schema.column_pass.EXACT_ROWS", 1_000)
    monkeypatch.setattr("podadmin.schema.column_pass.EXACT_DISTINCT", 5_000)
    columns = found(profiled(url, "many"))
    for name in ("n", "t", "f", "m"):
        assert columns[name].distinct_estimated, name
        assert columns[name].distinct == pytest.approx(40_000, rel=0.1), name
    assert (columns["few"].distinct, columns["few"].distinct_estimated) == (7, False)
    assert columns["n"].quantiles[2][1] == pytest.approx(20_000, rel=0.1)


def test_an_empty_table_and_one_that_is_ignored_throughout(tmp_path: Path) -> None:
    url = sqlite_with(tmp_path / "empty.db", "CREATE TABLE empty (a)")
    for choices, code in (
        (ColumnChoices(), "datasource.database-empty"),
        (ColumnChoices(ignore=("a",)), "datasource.nothing-left"),
        (ColumnChoices(force={"b": "text"}), "datasource.unknown-column"),
    ):
        with pytest.raises(PodadminError) as raised:
            profiled(url, "empty", choices)
        assert raised.value.code == code


@pytest.mark.parametrize("where", ["postgresql", "mariadb", "only_mysql"])
def test_a_query_is_profiled_as_a_table_is(where: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(where)
    server.run("CREATE TABLE q (a integer, b varchar(20))", "INSERT INTO q VALUES (1, 'x:y 5%'), (2, 'it''s')")
    query = "SELECT a * 2 AS twice, b, 'c:d %s' AS c FROM q WHERE a < 3 -- and no more;"
    columns = found(profiled(server.url(), query=query, choices=ColumnChoices(force={"b": "categorical"})))
    assert [(name, column.dtype) for name, column in columns.items()] == [
        ("twice", "Int64"), ("b", "string"), ("c", "string"),
    ]  # fmt: skip
    assert columns["twice"].maximum == 4
    assert columns["b"].labels == (("it's", 1), ("x:y 5%", 1))


WRITING = (
    "DELETE FROM t", "INSERT INTO t SELECT 1", "SELECT 1; DROP TABLE t",
    "WITH d AS (DELETE FROM t RETURNING a) SELECT a FROM d",
    "SELECT a INTO b FROM t", "SELECT a FROM t FOR UPDATE", "DROP TABLE t", "COPY t TO '/tmp/x'", "VACUUM",
    "EXPLAIN DELETE FROM t",
    "SELECT pg_sleep(10)", "SELECT pg_read_file('/etc/passwd')", "SELECT nextval('s')",
    "SELECT load_file('/etc/passwd')",
    "SELECT lo_import('/etc/passwd')", "SELECT a FROM dblink('x', 'y') AS z(a int)", "CALL p()", "SET x = 1", "",
    "SELECT 1 /*! ; DROP TABLE t */ AS a", "SELECT a, b AS a FROM t", "not a query",
)  # fmt: skip


@pytest.mark.parametrize("query", WRITING)
@pytest.mark.parametrize("family", ["postgresql", "mysql", "mssql", "oracle", "sqlite"])
def test_a_query_that_could_do_more_than_read_is_refused(query: str, family: str) -> None:
    with pytest.raises(PodadminError) as raised:
        checked(query, family)
    assert raised.value.code in {"datasource.query", "datasource.query-writes", "datasource.duplicate-columns"}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t;", "WITH x AS (SELECT 1 AS a) SELECT a FROM x", "SELECT count(*) AS n FROM t GROUP BY a",
        "SELECT a FROM t UNION SELECT b FROM u", "SELECT 'DELETE FROM t; --' AS a FROM t",
        "SELECT t.a, CASE WHEN b > 1 THEN 'x' END AS c FROM t JOIN u ON t.a = u.a WHERE lower(d) LIKE 'x%'",
    ],
)  # fmt: skip
def test_a_query_that_reads_is_taken(query: str) -> None:
    for family in ("postgresql", "mysql", "mssql", "oracle", "sqlite"):
        assert checked(query, family) == query.rstrip(";")


def test_what_oracle_documents_is_asked_of_it() -> None:
    """No Oracle was reached: its reference says that functions take NULL for NULL but for some, of which NANVL is none,
    and that a moment with a zone that is cast to one without keeps its local time."""
    from sqlalchemy.dialects import oracle

    cell = column("c")

    def asked(expression: ColumnElement[Any]) -> str:
        return str(expression.compile(dialect=oracle.dialect()))

    assert asked(Number(cell, Cells.FLOAT)) == "CASE WHEN TO_BINARY_DOUBLE(c) IS NOT NAN THEN TO_BINARY_DOUBLE(c) END"
    assert asked(Number(cell, Cells.WHOLE)) == "TO_BINARY_DOUBLE(c)"
    assert asked(Moment(cell)) == "SYS_EXTRACT_UTC(CAST(c AS TIMESTAMP WITH TIME ZONE))"
    assert "NANVL" not in asked(Deviation(Number(cell)))


def test_neither_a_table_nor_a_query_or_both(tmp_path: Path) -> None:
    url = sqlite_with(tmp_path / "one.db", "CREATE TABLE one (a)")
    for table, query in (("", ""), ("one", "SELECT a FROM one")):
        with pytest.raises(PodadminError) as raised:
            profiled(url, table, query=query)
        assert raised.value.code == "datasource.no-table"


def omop_statements(version: str, *, without: tuple[str, ...] = (), persons: int = 25) -> list[str]:
    """A small hospital in the OMOP model: every table of `version`, some with rows that fit together."""
    statements = []
    for name, columns in omop.tables(version).items():
        if name in without:
            continue
        kinds = ", ".join(f'"{column}" {_kind(column)}' for column in columns)
        statements.append(f"CREATE TABLE {name} ({kinds})")
    statements += [
        f"INSERT INTO person (person_id, gender_concept_id, year_of_birth) "
        f"VALUES ({n}, {8507 + n % 2 * 25}, {1940 + n})"
        for n in range(persons)
    ]
    statements += [
        f"INSERT INTO visit_occurrence (visit_occurrence_id, person_id) VALUES ({n}, {n % persons})"
        for n in range(persons * 2)
    ]
    if "cdm_source" in omop.tables(version) and "cdm_source" not in without:
        statements.append(f"INSERT INTO cdm_source (cdm_source_name, cdm_version) VALUES ('test', '{version}.0')")
    return statements


def _kind(column: str) -> str:
    if column.endswith("_date"):
        return "date"
    if column.endswith(("_id", "_of_birth", "_supply")):
        return "integer"
    return "numeric" if column.endswith(("_as_number", "quantity")) else "varchar(50)"


@pytest.mark.parametrize("version", omop.VERSIONS)
def test_the_omop_model_is_found(version: str, postgresql: Any) -> None:
    base = f"omop{version.replace('.', '')}"
    postgresql.run(f"CREATE DATABASE {base}")
    with postgresql.connect(dbname=base) as connection:
        for statement in omop_statements(version):
            connection.execute(statement)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    source = SqlSource(postgresql.url(database=base), kind=Kind.OMOP, version=version)
    made = databases.probe(source, PASSWORD, Progress())
    assert (made.read_only, made.rows) == ("proved", 25)
    assert dict(made.details)["Rows of visit_occurrence"] == "50"
    assert set(made.columns) == set(omop.tables(version))
    assert len(made.doubts) == 1
    assert "temporary tables" in made.doubts[0], "a pod refuses an account that may make temporary tables"
    with postgresql.connect(dbname=base) as connection:
        connection.execute("ALTER ROLE reader SET default_transaction_read_only = on")
    try:
        assert databases.probe(source, PASSWORD, Progress()).doubts == ()
    finally:
        with postgresql.connect(dbname=base) as connection:
            connection.execute("ALTER ROLE reader RESET default_transaction_read_only")


def test_an_omop_model_that_is_not_whole_or_of_another_version(tmp_path: Path) -> None:
    url = sqlite_with(tmp_path / "omop.db", *omop_statements("v5.3", without=("note", "specimen")))
    made = databases.probe(SqlSource(url, kind=Kind.OMOP, version="v5.4"), None, Progress())
    said = " ".join(made.doubts)
    assert "It has no table cohort, episode, episode_event, note, specimen." in said
    assert "v5.3.0 of the model, and v5.4 was chosen" in said
    empty = sqlite_with(tmp_path / "none.db", "CREATE TABLE visits (a)")
    with pytest.raises(PodadminError) as raised:
        databases.probe(SqlSource(empty, kind=Kind.OMOP, version="v5.4"), None, Progress())
    assert raised.value.code == "datasource.omop-tables"
