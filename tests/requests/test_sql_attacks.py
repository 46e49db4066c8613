"""Queries that gave a name or a single value away while they were told as figures: each is run, and then read.

What an engine makes of them is not claimed but shown, by the engines that run them: DuckDB in the built-in worker,
SQLite for files in bitfount's own pod, which first takes every backtick out of the text.
"""

# ruff: noqa: E501 - a query is read in one line
from __future__ import annotations

import sqlite3
from typing import Any

import duckdb
import pytest

from podadmin.requests.sql_quotes import bare
from podadmin.requests.sql_reading import MAX_TABLES, understand

ROWS = [(n, f"name-{n:02}", "fm"[n % 2], 1000 + 7 * n if n else 3) for n in range(30)]
ONE_PERSON = {"name-00", "name-29", 3, 1007}
TABLE = "CREATE TABLE t (id INTEGER, name VARCHAR, sex VARCHAR, dose INTEGER)"


def in_sqlite(query: str) -> list[tuple[Any, ...]]:
    con = sqlite3.connect(":memory:")
    con.execute(TABLE)
    con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", ROWS)
    return con.execute(query).fetchall()


def in_bitfount(query: str) -> list[tuple[Any, ...]]:
    (text, table), *more = bare(query)
    assert (table, more) == ("t", [])
    return in_sqlite(text)


def in_duckdb(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        con.execute(TABLE)
        con.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", ROWS)
        return con.execute(query).fetchall()


GIVES_ONE_PERSON_AWAY = [
    # what stands in backticks is a name for everybody but bitfount, for which it is SQL
    (in_bitfount, "SELECT count(*) AS `n, name` FROM `t`"),
    (in_bitfount, "SELECT count(*) AS `n FROM t UNION ALL SELECT name` FROM `t`"),
    (in_bitfount, "SELECT sex, count(*) AS `n, max(name) AS x` FROM `t` GROUP BY sex HAVING count(*) >= 10"),
    # what does not fit is left out, until a single value is left
    (in_duckdb, "SELECT sum(TRY_CAST(dose AS TINYINT)) FROM t"),
    (in_duckdb, "SELECT avg(TRY_CAST(dose AS DECIMAL(1, 0))) FROM t"),
    # a WITH that comes later is seen
    (in_sqlite, "WITH a AS (SELECT avg(dose) AS v FROM b), b AS (SELECT dose FROM t WHERE id = 1) SELECT v FROM a"),
    (
        in_sqlite,
        "WITH b AS (SELECT dose FROM t) SELECT v FROM (WITH a AS (SELECT avg(dose) AS v FROM b), b AS (SELECT dose FROM t WHERE id = 1) SELECT v FROM a) AS s",
    ),
    # a long s (U+017F) is an s to whoever folds case, but no s in a name; and such a name that is not there is a text
    (in_sqlite, 'SELECT dose, count(*) FROM t GROUP BY "do\u017fe" HAVING count(*) >= 10'),
]


@pytest.mark.parametrize(("engine", "query"), GIVES_ONE_PERSON_AWAY, ids=[each for _, each in GIVES_ONE_PERSON_AWAY])
def test_what_gives_one_person_away_is_single_records(engine: Any, query: str) -> None:
    assert {cell for line in engine(query) for cell in line} & ONE_PERSON
    found = understand(query)
    assert (found.level, found.smallest_group, found.every_record) == ("row", None, False), found.why


def test_a_name_in_double_quotes_is_not_the_name_without_them() -> None:
    """MySQL takes what stands in double quotes for a text: then all records are one group."""
    assert understand('SELECT sex FROM t GROUP BY "sex" HAVING count(*) >= 10').level == "row"
    assert understand('SELECT "Sex" FROM t GROUP BY "sex" HAVING count(*) >= 10').level == "aggregate"


ALL_BUT_ONE = "SELECT sum(dose) FROM t WHERE name <> 'name-01' HAVING count(*) >= 10"


@pytest.mark.parametrize("both", ["{0} UNION ALL {1}", "{1} UNION {0}", "SELECT * FROM ({0} UNION ALL {1}) AS s"])
def test_two_choices_side_by_side_are_about_the_one_in_whom_they_differ(both: str) -> None:
    query = both.format("SELECT sum(dose) FROM t", ALL_BUT_ONE)
    sums = [line[0] for line in in_duckdb(query)]
    assert max(sums) - min(sums) == 1007
    found = understand(query)
    assert found.level == "row"
    assert found.why == ("It sets two choices of records beside each other, which can differ by a single one.",)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sum(a) FROM t WHERE b = 1 AND c > 2 HAVING count(*) >= 5 UNION SELECT avg(a) FROM t WHERE c > 2 AND b = 1 HAVING count(*) >= 5",
        "SELECT 1 UNION SELECT count(*) FROM t WHERE a = 1 HAVING count(*) >= 5 UNION SELECT 2",
    ],
)
def test_the_same_choice_can_be_looked_at_twice(query: str) -> None:
    assert (understand(query).level, understand(query).smallest_group) == ("aggregate", 5)


def test_a_constant_does_not_hide_two_choices() -> None:
    query = f"{ALL_BUT_ONE} UNION ALL SELECT 1 UNION ALL SELECT sum(dose) FROM t"
    assert understand(query).level == "row"
    query = f"SELECT 1 UNION ALL {ALL_BUT_ONE} UNION ALL SELECT sum(dose) FROM t"
    assert understand(query).level == "row"


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("INT", "aggregate"),
        ("BIGINT", "aggregate"),
        ("HUGEINT", "aggregate"),
        ("REAL", "aggregate"),
        ("DOUBLE", "aggregate"),
        ("DECIMAL", "aggregate"),
        ("DECIMAL(18, 4)", "aggregate"),
        ("DECIMAL(10, 2)", "aggregate"),
        ("DECIMAL(8)", "aggregate"),
        ("DECIMAL(9, 2)", "row"),
        ("DECIMAL(7)", "row"),
        ("TINYINT", "row"),
        ("SMALLINT", "row"),
        ("BOOLEAN", "row"),
        ("DATE", "row"),
        ("VARCHAR(1)", "row"),
        ("INT(3)", "row"),
    ],
)
def test_only_a_cast_that_leaves_every_value_in_is_looked_through(kind: str, level: str) -> None:
    assert understand(f"SELECT avg(CAST(a AS {kind})) FROM t").level == level


def test_a_with_of_the_same_name_as_its_table_is_no_doubt() -> None:
    assert understand("WITH t AS (SELECT a FROM t) SELECT avg(a) FROM t").level == "aggregate"
    assert understand("WITH b AS (SELECT a FROM t), c AS (SELECT a FROM b) SELECT avg(a) FROM c").level == "aggregate"


def test_a_with_in_other_letters_is_another_name() -> None:
    found = understand('WITH s AS (SELECT a FROM t) SELECT avg(a) FROM "\u017f"')
    assert (set(found.tables), found.level) == ({"t", "\u017f"}, "row")
    assert "A name in FROM can mean a WITH or something else, which engines decide differently." in found.why


@pytest.mark.parametrize("name", ['"C"', "C", '"c"'])
def test_a_table_whose_name_differs_in_letters_or_quotes_from_a_with_can_be_meant(name: str) -> None:
    """For PostgreSQL "C" is a table beside a WITH that is called c, for Oracle "c" is."""
    query = f"WITH c AS (SELECT sex, count(*) AS n FROM t GROUP BY sex HAVING count(*) >= 10) SELECT * FROM {name}"
    found = understand(query)
    assert (found.level, found.all_columns, found.smallest_group) == ("row", True, None)
    assert "A name in FROM can mean a WITH or something else, which engines decide differently." in found.why


def test_what_an_order_is_computed_from_is_read() -> None:
    """Engines look for a column of the table first, and then for a result of that name."""
    query = "SELECT id AS dose FROM t ORDER BY abs(dose - 1007)"
    assert in_sqlite(query)[0] == (1,)
    assert set(understand(query).columns) == {"id", "dose"}
    assert understand("SELECT id AS dose FROM t ORDER BY dose").columns == ("id",)


def test_hyphens_of_a_table_go_where_bitfount_takes_them_out() -> None:
    assert bare("SELECT a FROM t") == ()
    assert bare("SELECT `a-b` FROM `my-data` WHERE `my-data` > 1") == (
        ("SELECT a-b FROM mydata WHERE my-data > 1", "my-data"),
    )
    assert bare("SELECT 'from `x`' FROM `y`") == (("SELECT 'from x' FROM y", "x"), ("SELECT 'from x' FROM y", "y"))
    found = understand("SELECT count(`a-b`) FROM `My-Data`")
    assert (found.tables, found.level) == (("My-Data",), "row")


def test_a_query_over_many_names_in_backticks_is_not_read() -> None:
    several = "SELECT count(*) FROM " + ", ".join(f"(SELECT 1 FROM `t{n}`) AS s{n}" for n in range(MAX_TABLES))
    assert understand(several).understood
    assert not understand(f"{several}, (SELECT 1 FROM `t`) AS s").understood


def test_a_field_of_a_column_is_that_column_whatever_a_with_is_called() -> None:
    query = "WITH dose AS (SELECT 1) SELECT dose.exact FROM t"
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT {'exact': 1007} AS dose")
        assert con.execute(query).fetchall() == [(1007,)]
    assert set(understand(query).columns) == {"dose", "exact"}
