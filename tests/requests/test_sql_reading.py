"""A stranger's SQL is read before anybody decides: what it names, what it reaches for, and what a line is about."""

# ruff: noqa: E501 - a query is read in one line
from __future__ import annotations

import json
import logging
import re
import sqlite3
from dataclasses import asdict
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from podadmin.requests import sql_reading
from podadmin.requests.sql_names import reaches_out
from podadmin.requests.sql_reading import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_JOINS,
    MAX_SUBSCRIPTS,
    MAX_TOKENS,
    Reading,
    SqlFacts,
    is_one_select,
    parsed,
    readings,
    understand,
)

GROUP = "It groups, but nothing demands a smallest group"
SEXES = "SELECT sex, count(*) AS n FROM t GROUP BY sex HAVING count(*) >= 5"


@pytest.mark.parametrize(
    ("query", "tables", "columns", "every"),
    [
        ("SELECT a FROM t", ("t",), ("a",), False),
        ("SELECT `a b` FROM `my-data`", ("my-data",), ("a b", "a"), False),
        ("SELECT * FROM t", ("t",), (), True),
        ("SELECT t.* FROM t", ("t",), (), True),
        ("SELECT t FROM t", ("t",), (), True),
        ("SELECT my_function(*) FROM t", ("t",), (), True),
        ("SELECT x.a FROM t AS x", ("t",), ("x", "a"), False),
        ("SELECT x FROM t AS x", ("t",), (), True),
        ("SELECT address.street FROM t", ("t",), ("address", "street"), False),
        ("SELECT t.address.street FROM t", ("t",), ("address", "street"), False),
        (
            "SELECT a FROM t WHERE b > 1 GROUP BY c HAVING max(d) > 1 ORDER BY e",
            ("t",),
            ("a", "b", "c", "d", "e"),
            False,
        ),
        ("SELECT count(*) AS n FROM t ORDER BY n", ("t",), (), False),
        ("SELECT count(*) AS n FROM t ORDER BY t.n", ("t",), ("n",), False),
        (
            "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.b = t.c)",
            ("t", "u"),
            ("a", "b", "c", "t", "u"),
            False,
        ),
        ("SELECT a FROM t JOIN u USING (k)", ("t", "u"), ("a", "k"), False),
        ("SELECT a FROM t NATURAL JOIN u", ("t", "u"), ("a",), True),
        ("SELECT a FROM t JOIN u USING (k, j)", ("t", "u"), ("a", "k", "j"), False),
        ("SELECT count(* EXCLUDE (a)) FROM t", ("t",), ("a",), True),
        ("SELECT a AS n FROM t ORDER BY (SELECT n FROM u)", ("t", "u"), ("a", "n"), False),
        ("SELECT A, a FROM t", ("t",), ("A",), False),
        ("SELECT a FROM t UNION SELECT b FROM u", ("t", "u"), ("a", "b"), False),
        ("WITH c AS (SELECT a FROM t) SELECT * FROM c", ("t",), ("a",), False),
        ("WITH c AS (SELECT a FROM t) SELECT * FROM c, u", ("t", "u"), ("a",), True),
        ("WITH c AS (SELECT a FROM t) SELECT c.* FROM c", ("t",), ("a", "c"), True),
        ("WITH t AS (SELECT a FROM t) SELECT a FROM t", ("t",), ("a",), False),
        ("WITH RECURSIVE c AS (SELECT a FROM t UNION SELECT a FROM c) SELECT a FROM c", ("t",), ("a",), False),
        (
            "WITH RECURSIVE a AS (SELECT x FROM b), b AS (SELECT id FROM t) SELECT x FROM a",
            ("b", "t"),
            ("x", "id"),
            False,
        ),
        ("WITH c AS (SELECT a FROM d), d AS (SELECT b FROM t) SELECT a FROM c", ("d", "t"), ("a", "b"), False),
        ("WITH d AS (SELECT b FROM t), c AS (SELECT b FROM d) SELECT b FROM c", ("t",), ("b",), False),
        ("SELECT * FROM (SELECT a FROM t) AS s", ("t",), ("a",), False),
        ("SELECT a FROM t WHERE b IN (WITH c AS (SELECT b FROM u) SELECT b FROM c)", ("t", "u"), ("a", "b"), False),
        ("SELECT count(*) FROM t", ("t",), (), False),
        ("SELECT a FROM t PIVOT (sum(b) FOR c IN ('x'))", ("t",), ("a", "b", "c", "x"), True),
        ("SELECT a FROM t UNPIVOT (n FOR m IN (c, d))", ("t",), ("a", "c", "d", "m", "n"), True),
        ("SELECT a FROM XX", ("XX",), ("a",), False),
        ("SELECT *", (), (), False),
        ("SELECT 1", (), (), False),
    ],
)
def test_tables_and_columns_are_named(
    query: str, tables: tuple[str, ...], columns: tuple[str, ...], every: bool
) -> None:
    found = understand(query)
    assert (found.understood, set(found.tables), set(found.columns)) == (True, set(tables), set(columns))
    assert (len(found.tables), found.all_columns) == (len(tables), every)
    assert found.outside == ()


@pytest.mark.parametrize(
    "query", ["SELECT COLUMNS('a.*') FROM t", "SELECT #1 FROM t", "SELECT * EXCLUDE (a) FROM t", "FROM t"]
)
def test_what_only_one_engine_understands_counts_on_everything(query: str) -> None:
    found = understand(query)
    assert (found.understood, found.all_columns, found.level) == (True, True, "row")


def test_what_only_one_engine_understands_says_so() -> None:
    found = understand("SELECT list_transform(a, lambda x : x + 1)[1:2] FROM t")
    assert found.level == "row"
    one = understand("SELECT avg(a::INT) FROM t")
    assert (one.level, one.understood) in {("row", True), ("aggregate", True)}


@pytest.mark.parametrize(
    ("query", "level", "fewest", "every"),
    [
        ("SELECT count(*) FROM t", "counts", None, True),
        ("SELECT count(*) AS n, count(a) FROM t;", "counts", None, True),
        ("SELECT count(DISTINCT a) FROM t", "counts", None, True),
        ("SELECT count(1) FROM t ORDER BY 1 LIMIT 3 OFFSET 1", "counts", None, True),
        ("SELECT count(*) FROM t ORDER BY count(1)", "counts", None, True),
        ("SELECT count(*) FROM t ORDER BY count()", "counts", None, True),
        ("SELECT avg(a), sum(b), stddev(c) FROM t", "aggregate", None, True),
        ("SELECT round(avg(a), 1) + 1 FROM t", "aggregate", None, True),
        ("SELECT sum(a) / count(*) * 100 AS x FROM t", "aggregate", None, True),
        ("SELECT -coalesce(avg(CAST(a AS REAL)), 0) FROM t", "aggregate", None, True),
        ("SELECT avg(x.a) FROM (SELECT a FROM t) AS x", "aggregate", None, True),
        ("SELECT avg(a) FROM (SELECT * FROM t) AS x", "aggregate", None, True),
        ("WITH c AS (SELECT a, b FROM t) SELECT avg(a) FROM c", "aggregate", None, True),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 10", "aggregate", 10, False),
        ("SELECT sex, count(*) FROM t GROUP BY 1 HAVING count(*) > 9", "aggregate", 10, False),
        ("SELECT count(*), sex FROM t GROUP BY 2 HAVING count(*) > 9", "aggregate", 10, False),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING 10 <= count(*)", "aggregate", 10, False),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING 9 < count(*)", "aggregate", 10, False),
        ("SELECT sex, avg(a) FROM t GROUP BY sex HAVING count(a) >= 5 AND (avg(a) > 3)", "aggregate", 5, False),
        ("SELECT sex, avg(a) FROM t GROUP BY sex HAVING count(*) >= 5 AND count(a) >= 7", "aggregate", 7, False),
        ("SELECT sex FROM t GROUP BY sex HAVING count(*) >= 999999999", "aggregate", 999999999, False),
        ("SELECT sex FROM t GROUP BY sex HAVING count(DISTINCT id) >= 5", "aggregate", 5, False),
        ("SELECT count(*) FROM t WHERE age > 60 HAVING count(*) >= 5", "aggregate", 5, False),
        ("SELECT avg(a) FROM t WHERE age BETWEEN 1 AND 5 AND sex IN ('f', 'x') HAVING count(*) >= 5", "aggregate", 5, False),
        ("SELECT avg(a) FROM t WHERE 60 < age AND NOT sex = 'f' AND b IS NULL HAVING count(*) >= 5", "aggregate", 5, False),
        ("SELECT avg(a) FROM t WHERE b IS NOT NULL AND c LIKE 'x%' AND d > -3 HAVING count(*) >= 5", "aggregate", 5, False),
        ("SELECT sex, avg(a) AS m FROM t GROUP BY sex HAVING count(*) >= 5 ORDER BY m DESC, sex, count(*)", "aggregate", 5, False),
        ("SELECT * FROM (SELECT sex, count(*) AS n FROM t GROUP BY sex HAVING count(*) >= 5) AS x", "aggregate", 5, False),
        ("WITH c AS (SELECT sex, count(*) AS n FROM t GROUP BY sex HAVING count(*) >= 5) SELECT n FROM c ORDER BY n", "aggregate", 5, False),
        ("SELECT avg(a) FROM t UNION ALL SELECT avg(b) FROM t", "aggregate", None, True),
        ("SELECT s, count(*) FROM t GROUP BY s HAVING count(*) > 4 UNION SELECT s, count(*) FROM t GROUP BY s HAVING count(*) > 6", "aggregate", 5, False),
        ("SELECT count(*) FROM t UNION SELECT count(*) FROM t HAVING count(*) > 6", "aggregate", 7, False),
        ("SELECT count(*) FROM t UNION SELECT 1", "counts", None, False),
        ("WITH c AS (SELECT a FROM t) SELECT avg(a) FROM c UNION SELECT sum(a) FROM c", "aggregate", None, True),
        ("SELECT count(*) FROM t UNION SELECT count(a) FROM t ORDER BY 1 LIMIT 1 OFFSET 1", "counts", None, True),
        ("(SELECT count(*) FROM t)", "counts", None, True),
        ("SELECT 1, 'a', NULL, TRUE", "none", None, False),
        ("SELECT n FROM ((SELECT count(*) AS n FROM t) AS a) AS b", "counts", None, True),
        ("WITH c AS (SELECT a FROM t) SELECT avg(b.a) FROM c AS b", "aggregate", None, True),
        (f"{SEXES} UNION SELECT 'all', count(*) FROM t", "aggregate", 5, False),
        (f"{SEXES} UNION SELECT 'all', 1", "aggregate", 5, False),
        (f"SELECT n FROM ({SEXES}) AS s ORDER BY n LIMIT 2", "aggregate", 5, False),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 5 AND 'f' <> sex", "aggregate", 5, False),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 2", "aggregate", 2, False),
        ("SELECT round(age) + 1, count(*) FROM t GROUP BY age HAVING count(*) >= 5", "aggregate", 5, False),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) > 1", "aggregate", 2, False),
    ],
)  # fmt: skip
def test_figures_are_told_from_single_records(query: str, level: str, fewest: int | None, every: bool) -> None:
    found = understand(query)
    assert (found.level, found.smallest_group, found.every_record) == (level, fewest, every), found.why
    assert found.why


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT a FROM t", "It gives “a” of single records."),
        ("SELECT * FROM t", "It lists single records."),
        ("SELECT 1 FROM t", "It lists single records."),
        ("SELECT avg(a) FROM (SELECT a) AS s", "It counts lines without a table"),
        ("SELECT DISTINCT a FROM t", "It uses DISTINCT in the SELECT"),
        ("SELECT count(a, b) FROM t", "It uses EXPRESSIONS in COUNT"),
        ("SELECT sex, count(*) FROM t GROUP BY sex", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 1", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) > 0", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) <= 10", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) < 10", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) = 10", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING 10 >= count(*)", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING 10 > count(*)", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 9.5", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= '10'", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 99999999999", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= -10", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING sum(a) >= 10", GROUP),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 10 OR 1 = 1", "HAVING asks more than"),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING NOT count(*) >= 10", "HAVING asks more than"),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 10 AND max(a) > 3", "MAX gives values of single"),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 10 AND 3 < max(a)", "MAX gives values of single"),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 10 AND a > 3", "It gives “a” of single"),
        ("SELECT sex, a FROM t GROUP BY sex HAVING count(*) >= 10", "It gives “a” of single"),
        ("SELECT id AS sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 10", "It gives “id” of single"),
        ("SELECT sex AS s, count(*) FROM t GROUP BY s HAVING count(*) >= 10", "It gives “sex” of single"),
        ("SELECT age / 10, count(*) FROM t GROUP BY 1 HAVING count(*) >= 10", "It groups by something computed"),
        ("SELECT count(*) FROM t GROUP BY age > 3 HAVING count(*) >= 10", "It groups by something computed"),
        ("SELECT count(*) FROM t GROUP BY 2 HAVING count(*) >= 10", "the place of a result that is not there"),
        ("SELECT count(*) FROM t GROUP BY 0 HAVING count(*) >= 10", "the place of a result that is not there"),
        ("SELECT count(*) FROM t GROUP BY " + "9" * 5000 + " HAVING count(*) >= 10", "the place of a result"),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= " + "9" * 5000, GROUP),
        ("SELECT avg(CAST(a AS DECIMAL('\u00b2'))) FROM t", "AVG over something else than a plain column"),
        ("SELECT avg(CAST(a AS DECIMAL(" + "9" * 5000 + "))) FROM t", "AVG over something else than a plain column"),
        ("SELECT sex, count(*) FROM t GROUP BY 1.5 HAVING count(*) >= 10", "the place of a result that is not there"),
        ("SELECT count(*) FROM t GROUP BY 'a' HAVING count(*) >= 10", "It groups by something computed"),
        ("SELECT sex, count(*) FROM t GROUP BY ROLLUP (sex) HAVING count(*) >= 10", "It groups by something computed"),
        ("SELECT count(*) FROM t WHERE id = 5", "Its conditions can pick out a single record"),
        ("SELECT count(*) FROM t HAVING count(*) < 5", "Its conditions can pick out a single record"),
        ("SELECT count(*) FROM t WHERE id = 5 OR age > 3 HAVING count(*) >= 5", "more than comparisons joined by AND"),
        ("SELECT count(*) FROM t WHERE id = age HAVING count(*) >= 5", "more than comparisons joined by AND"),
        ("SELECT count(*) FROM t WHERE id + 1 > 3 HAVING count(*) >= 5", "more than comparisons joined by AND"),
        ("SELECT count(*) FROM t WHERE id IN (SELECT id FROM t) HAVING count(*) >= 5", "more than comparisons"),
        ("SELECT count(*) FROM t WHERE id BETWEEN 1 AND age HAVING count(*) >= 5", "more than comparisons"),
        ("SELECT count(*) FROM t WHERE id BETWEEN age AND 1 HAVING count(*) >= 5", "more than comparisons"),
        ("SELECT count(*) FROM t WHERE id IN (1, age) HAVING count(*) >= 5", "more than comparisons"),
        (
            "SELECT count(*) FROM t WHERE (SELECT a FROM t WHERE id = 5) > 6 HAVING count(*) >= 5",
            "more than comparisons",
        ),
        ("SELECT count(*) FROM t WHERE a HAVING count(*) >= 5", "more than comparisons"),
        ("SELECT count(*) FROM t WHERE (id = 5 OR a > 3) AND (b = 1 AND c = 2) HAVING count(*) >= 5", "more than"),
        ("SELECT count(*) FROM t WHERE (b = 1 AND c = 2) AND (id = 5 OR a > 3) HAVING count(*) >= 5", "more than"),
        ("SELECT count(*) FROM t HAVING (max(a) > 3 AND 1 = 1) AND (count(*) >= 5 AND 2 = 2)", "MAX gives values"),
        (
            "SELECT n FROM (SELECT s, count(*) AS n FROM t GROUP BY s HAVING count(*) > 4) AS x WHERE n > 6",
            "in a query that is counted",
        ),
        (
            "SELECT n FROM (SELECT s, count(*) AS n FROM t GROUP BY s HAVING count(*) > 4) AS x GROUP BY n",
            "in a query that is counted",
        ),
        (
            "SELECT n FROM (SELECT s, count(*) AS n FROM t GROUP BY s HAVING count(*) > 4) AS x HAVING 1 = 1",
            "in a query that is counted",
        ),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 1000000000", GROUP),
        ("SELECT avg(a) FROM t WHERE id = 5 AND a IS NULL HAVING count(*) >= 5", "the values that it adds up"),
        ("SELECT avg(CAST(a AS REAL)) FROM t WHERE A > 5 HAVING count(*) >= 5", "the values that it adds up"),
        ("SELECT min(a) FROM t", "MIN gives values of single records"),
        ("SELECT median(a) FROM t", "gives values of single records"),
        ("SELECT group_concat(a) FROM t", "GROUP_CONCAT gives values of single records"),
        ("SELECT sum(a) OVER () FROM t", "A window function"),
        ("SELECT row_number() OVER (ORDER BY a) FROM t", "A window function"),
        ("SELECT count(*) FILTER (WHERE id = 5) FROM t", "A condition inside of a sum or count"),
        ("SELECT avg(CASE WHEN id = 5 THEN a END) FROM t", "AVG over something else than a plain column"),
        ("SELECT sum(a * b) FROM t", "SUM over something else than a plain column"),
        (
            "SELECT sum(CAST(a AS INT DEFAULT (SELECT max(b) FROM t) ON CONVERSION ERROR)) FROM t",
            "SUM over something else than",
        ),
        ("SELECT count(*) FROM t ORDER BY 1 WITH FILL FROM (SELECT max(b) FROM t)", "It uses WITH FILL in ORDER BY"),
        ("SELECT sum(DISTINCT a) FROM t", "SUM over something else than a plain column"),
        ("SELECT count(CASE WHEN id = 5 THEN 1 END) FROM t", "It counts by a condition"),
        ("SELECT count(id = 5) FROM t", "It counts by a condition"),
        ("SELECT count(NULL) FROM t", "It counts by a condition"),
        ("SELECT count(DISTINCT id = 5) FROM t", "It counts by a condition"),
        ("SELECT count(DISTINCT CASE WHEN id = 5 THEN 1 END) FROM t", "It counts by a condition"),
        ("SELECT count(DISTINCT a, b) FROM t", "It counts by a condition"),
        ("SELECT CASE WHEN avg(a) > 3 THEN 1 END FROM t", "It uses CASE"),
        ("SELECT my_function(a) FROM t", "It uses MY_FUNCTION"),
        ("SELECT upper(a) FROM t", "It uses UPPER"),
        ("SELECT (SELECT a FROM t LIMIT 1) FROM t", "single record"),
        ("SELECT avg(a), (SELECT 1) FROM t", "single record"),
        ("SELECT count(*) FROM t, u", "It uses JOINS in the SELECT"),
        ("SELECT count(*) FROM t JOIN u ON t.a = u.a", "It uses JOINS in the SELECT"),
        ("SELECT avg(x) FROM (SELECT a AS x FROM t) AS s", "It computes over computed values"),
        ("SELECT avg(x) FROM (SELECT a + 1 AS x FROM t) AS s", "It computes over computed values"),
        ("SELECT avg(a) FROM (SELECT a FROM t WHERE id = 5) AS s", "It uses WHERE in a query that is counted"),
        ("SELECT avg(a) FROM (SELECT a FROM t LIMIT 1) AS s", "It uses LIMIT in a query that is counted"),
        ("SELECT avg(a) FROM (SELECT DISTINCT a FROM t) AS s", "It uses DISTINCT in a query that is counted"),
        (
            "SELECT avg(a) FROM (SELECT a FROM t UNION ALL SELECT a FROM t) AS s",
            "lines that are no records of one table",
        ),
        ("SELECT avg(a) FROM (SELECT 1 AS a) AS s", "It computes over computed values"),
        (
            "SELECT * REPLACE ((SELECT max(b) FROM t) AS n) FROM (SELECT count(*) AS n FROM t) AS s",
            "It uses REPLACE in *",
        ),
        (
            "WITH c AS (SELECT count(*) AS n FROM t) SELECT * REPLACE ((SELECT b FROM t LIMIT 1) AS n) FROM c",
            "It uses REPLACE in *",
        ),
        ("SELECT avg(a) FROM (SELECT * REPLACE ((SELECT max(b) FROM t) AS a) FROM t) AS s", "It uses REPLACE in *"),
        ("SELECT * EXCLUDE (b) FROM (SELECT count(*) AS n FROM t) AS s", "It uses EXCEPT in *"),
        ("SELECT count(* REPLACE (b AS a)) FROM t", "It counts by a condition"),
        ("SELECT count(*) FROM t ORDER BY count(* REPLACE (b AS a))", "Its order can tell something"),
        ("SELECT avg(b) FROM (SELECT a FROM t) AS s(b)", "It renames the columns"),
        ("SELECT avg(c) FROM t WHERE y.t.b = 1 HAVING count(*) >= 5", "more than comparisons"),
        ("SELECT avg(x.y.t.c) FROM t", "AVG over something else than a plain column"),
        ("SELECT avg(b) FROM t AS s(b)", "It renames the columns"),
        ("WITH c(b) AS (SELECT a FROM t) SELECT avg(b) FROM c", "It renames the columns"),
        ("WITH RECURSIVE c AS (SELECT a FROM t) SELECT avg(a) FROM c", "It is recursive"),
        ("SELECT count(*) FROM t ORDER BY max(a)", "Its order can tell something"),
        ("SELECT sex, count(*) FROM t GROUP BY sex HAVING count(*) >= 5 ORDER BY count(a)", "Its order can tell"),
        ("SELECT avg(a) FROM t ORDER BY b", "Its order can tell something"),
        (
            "SELECT sex, avg(a) AS m FROM t GROUP BY sex HAVING count(*) > 4 ORDER BY t.m",
            "Its order can tell something",
        ),
        ("(SELECT count(*) FROM t) LIMIT 1", "It uses LIMIT in a query in brackets"),
        (
            "SELECT n FROM (SELECT count(*) AS n FROM t) AS s TABLESAMPLE (10 PERCENT)",
            "It uses SAMPLE in a query in brackets",
        ),
        ("WITH c AS (SELECT a FROM t) SELECT avg(a) FROM c TABLESAMPLE (10 PERCENT)", "It uses SAMPLE in a table"),
        ("SELECT avg(a) FROM t TABLESAMPLE (10 PERCENT)", "It uses SAMPLE in a table"),
        ("WITH c AS MATERIALIZED (SELECT a FROM t) SELECT avg(a) FROM c", "It uses MATERIALIZED in WITH"),
        ("SELECT count(*) FROM t UNION BY NAME SELECT count(*) FROM t", "It uses BY NAME in UNION"),
        ("SELECT sex, count(*) FROM t GROUP BY ALL HAVING count(*) >= 5", "It uses ALL in GROUP BY"),
        ("SELECT avg(a) FROM range(10)", "It reads from something that is no table"),
        (f"SELECT n FROM ({SEXES}) AS s ORDER BY sex", "Its order can tell something"),
        (f"SELECT n + 1 FROM ({SEXES}) AS s", "in a query that is counted"),
        (f"SELECT * FROM ({SEXES}) AS s(a, b)", "It renames the columns"),
        ("SELECT sex FROM t GROUP BY sex HAVING 5 >= 3", GROUP),
        ("SELECT count(*) FROM t LIMIT (SELECT 3)", "Its number of lines is computed"),
        ("SELECT count(*) FROM t LIMIT 1 OFFSET (SELECT 3)", "Its number of lines is computed"),
        ("SELECT count(*) FROM t UNION SELECT a FROM t", "It gives “a” of single"),
        ("SELECT count(*) FROM t UNION SELECT count(*) FROM t ORDER BY (SELECT 1)", "Its order can tell"),
        ("SELECT count(*) FROM t -- a comment", "engines could read differently"),
        ("SELECT count(*) /* x */ FROM t", "engines could read differently"),
        ("SELECT count(*) FROM t WHERE a = E'x' HAVING count(*) >= 5", "engines could read differently"),
        ("SELECT count(*) FROM t WHERE a = N'x' HAVING count(*) >= 5", "engines could read differently"),
        ("SELECT count(*) FROM t WHERE a = 'x\\' HAVING count(*) >= 5", "engines could read differently"),
        ("SELECT avg(ä) FROM t", "engines could read differently"),
        ("SELECT 1 + 1", "It computes something without a table"),
        ("SELECT random()", "It computes something without a table"),
        ("SELECT 1 WHERE 1 = 1", "It has conditions without a table"),
        ("SELECT 1 LIMIT 1", "It has conditions without a table"),
        ("SELECT " + "round(" * 10 + "avg(a)" + ")" * 10 + " FROM t", "nested too deeply"),
        ("SELECT * FROM " + "(SELECT * FROM " * 10 + "t" + ") AS s" * 10, "nested too deeply"),
        ("SELECT avg(a) FROM " + "(SELECT a FROM " * 10 + "t" + ") AS s" * 10, "nested too deeply"),
    ],
)
def test_what_can_be_about_one_person_is_single_records(query: str, why: str) -> None:
    found = understand(query)
    assert (found.understood, found.level, found.smallest_group, found.every_record) == (True, "row", None, False)
    assert any(why in each for each in found.why), found.why


@pytest.mark.parametrize(("query", "shown"), [(f"SELECT {'n' * 70} FROM t", 60), (f"SELECT {'n' * 70}(a) FROM t", 40)])
def test_of_a_long_name_as_much_is_shown_as_tells_it_apart(query: str, shown: int) -> None:
    (why,) = understand(query).why
    (name,) = re.findall("n{9,}…n{9,}", why.lower())
    assert len(name) == shown


@pytest.mark.parametrize(
    ("query", "core", "each", "most"),
    [
        ("SELECT {} FROM t", "avg(a)", "round({})", 8),
        ("SELECT avg(a) FROM {}", "t", "(SELECT a FROM {}) AS s", 9),
        ("SELECT n FROM {}", "(SELECT count(*) AS n FROM t) AS s", "(SELECT n FROM {}) AS s", 7),
        ("{}", "SELECT count(*) FROM t", "({})", 8),
        ("{}", "SELECT count(*) FROM t", "{} UNION SELECT count(*) FROM t", 8),
        ("{}", "SELECT count(*) FROM t", "SELECT count(*) FROM t UNION ({})", 4),
    ],
)
def test_figures_are_told_as_deep_as_it_is_sure_of_them(query: str, core: str, each: str, most: int) -> None:
    for _ in range(most):
        core = each.replace("{}", core)
    assert understand(query.replace("{}", core)).every_record
    found = understand(query.replace("{}", each.replace("{}", core)))
    assert (found.level, found.every_record) == ("row", False)
    assert "nested too deeply" in found.why[0]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "READ_CSV"),
        ("SELECT * FROM read_text('x')", "read_text"),
        ("SELECT * FROM glob('*')", "rows from"),
        ("SELECT * FROM '/etc/passwd'", "can take for a file"),
        ("SELECT * FROM 'https://example.org/x.csv'", "can take for a file"),
        ("SELECT * FROM `C:\\x`", "can take for a file"),
        ("SELECT * FROM sqlite_master", "its own tables"),
        ("SELECT count(*) FROM sqlite_master", "its own tables"),
        ("SELECT type, count(*) FROM sqlite_master GROUP BY type HAVING count(*) >= 10", "its own tables"),
        ("SELECT * FROM pg_catalog.pg_tables", "another database"),
        ("SELECT * FROM other.t", "another database"),
        ("SELECT * FROM a.b.c", "another database"),
        ("SELECT * FROM @x", "rows from “Parameter”"),
        ("SELECT * FROM ?", "rows from “Placeholder”"),
        ("SELECT * FROM pragma_table_info('t')", "rows from “pragma_table_info”"),
        ("SELECT readfile('x') FROM t", "the function “readfile”"),
        ("SELECT load_extension('x') FROM t", "the function “load_extension”"),
        ("SELECT getenv('HOME') FROM t", "the function “getenv”"),
        ("SELECT a FROM t WHERE pg_read_file('x') = 'y'", "the function “pg_read_file”"),
        ("SELECT table_to_xml('u', true, false, '') FROM t", "the function “table_to_xml”"),
        ("SELECT schema_to_xmlschema('u', true, false, '') FROM t", "the function “schema_to_xmlschema”"),
        ("SELECT database_to_xml_and_xmlschema(true, false, '')", "“database_to_xml_and_xmlschema”"),
        ("SELECT ts_stat('SELECT a FROM u')", "the function “ts_stat”"),
        ("SELECT set_config('search_path', 'x', false)", "the function “set_config”"),
        ("SELECT sys_eval('id') FROM t", "the function “sys_eval”"),
        ("SELECT UTL_HTTP.REQUEST('http://x') FROM t", "the function “REQUEST”"),
        ("SELECT a, sys.dbms_xmlgen.getxml('SELECT b FROM u') FROM t", "the function “getxml”"),
        ("SELECT HTTPURITYPE('http://x').getclob() FROM t", "the function “HTTPURITYPE”"),
        # for SQLite a name behind IN is a table
        ("SELECT a FROM t WHERE b IN main.u", "the table “u” of another database"),
        ("SELECT a FROM t WHERE b IN pragma_table_info('u')", "rows from “pragma_table_info”"),
        ("SELECT a FROM t WHERE b IN sqlite_master", "its own tables"),
        ("WITH c AS (DELETE FROM t RETURNING a) SELECT a FROM c", "the clause DELETE"),
        ("SELECT a INTO u FROM t", "the clause INTO"),
        ("COPY t TO 'x'", "the statement COPY"),
        ("ATTACH 'x' AS y", "the statement ATTACH"),
        ("PRAGMA table_info(t)", "the statement PRAGMA"),
        ("INSTALL httpfs", "the statement INSTALL"),
        ("SET x = 1", "the statement SET"),
        ("DROP TABLE t", "the statement DROP"),
        ("INSERT INTO t VALUES (1)", "the statement INSERT"),
        ("CREATE TABLE x AS SELECT 1", "the statement CREATE"),
        ("SELECT 1; DROP TABLE t", "the statement DROP"),
    ],
)
def test_what_reaches_outside_is_named(query: str, what: str) -> None:
    found = understand(query)
    assert any(what in each for each in found.outside), found.outside
    assert (found.level, found.smallest_group, found.every_record, found.all_columns) == ("row", None, False, True)


@pytest.mark.parametrize(
    ("query", "one"),
    [
        ("SELECT a FROM t", True),
        ("WITH c AS (SELECT a FROM `t`) SELECT a FROM c", True),
        ("SELECT a FROM t UNION SELECT 1", False),
        ("SELECT a FROM (SELECT 1 EXCEPT SELECT 2) AS s", False),
        ("SELECT `a UNION SELECT b` FROM `t`", False),
        ("SELECT list_transform(a, lambda x : x + 1)[1:2] FROM t", False),
        ("SELECT 1; SELECT 2", False),
        ("what?", False),
        ("SELECT 1 FROM `a`, (SELECT 1 FROM `b`), (SELECT 1 FROM `c`), (SELECT 1 FROM `d`)", False),
    ],
)
def test_only_what_is_one_select_for_every_engine_is_one(query: str, one: bool) -> None:
    assert is_one_select(query) is one


def test_a_qualified_name_is_a_table_even_where_a_with_has_the_same_name() -> None:
    found = understand("WITH c AS (SELECT count(*) AS n FROM t) SELECT n FROM other.c")
    assert (set(found.tables), found.level) == ({"t", "c"}, "row")


@pytest.mark.parametrize(
    "query", ["SELECT * FROM {}(1)", "SELECT * FROM other.{}", "SELECT * FROM '{}.csv'", "SELECT read_{}(a) FROM t"]
)
def test_of_a_long_name_outside_sixty_characters_are_shown(query: str) -> None:
    (outside,) = understand(query.format("n" * 70)).outside
    assert len(outside.split("“")[1].split("”")[0]) == 60


def test_the_table_behind_in_is_read_whole() -> None:
    query = 'SELECT a FROM t WHERE b IN u AND c NOT IN (SELECT d FROM t WHERE e IN "v")'
    found = understand(query)
    assert (set(found.tables), found.all_columns) == ({"t", "u", "v"}, True)
    con = sqlite3.connect(":memory:")
    con.executescript("CREATE TABLE t (a, b, c, d, e); CREATE TABLE u (x); CREATE TABLE v (y);")
    con.executescript("INSERT INTO t VALUES (1, 'canary', 3, 4, 5); INSERT INTO u VALUES ('canary');")
    assert con.execute(query).fetchall() == [(1,)]
    assert understand("SELECT a FROM t WHERE b IN (1, 2)").tables == ("t",)
    # for DuckDB it is a column with lists, and this only DuckDB reads
    listed = understand("SELECT list_transform(a, lambda x : x + 1)[1:2] FROM t WHERE 'x' IN tags")
    assert (listed.tables, "tags" in listed.columns) == (("t",), True)


@pytest.mark.parametrize(
    "query", ["SELECT visit.upper() FROM t", "SELECT nid.abs(), utl_x FROM t", "SELECT utl FROM t"]
)
def test_a_function_behind_a_column_is_of_no_package(query: str) -> None:
    assert understand(query).outside == ()


@pytest.mark.parametrize("name", ["range(3)", "generate_series(1, 3)", "unnest([1, 2])"])
def test_rows_out_of_nothing_reach_nowhere(name: str) -> None:
    found = understand(f"SELECT * FROM {name}")
    assert (found.outside, found.level) == ((), "row")


@pytest.mark.parametrize("name", ["count", "sum", "avg", "upper", "substr", "date_diff", "round", "coalesce"])
def test_plain_functions_do_not_reach_out(name: str) -> None:
    assert not reaches_out(name)
    assert reaches_out("READ_csv_auto")
    assert reaches_out("postgres_scan")
    assert reaches_out("Load_File")


@pytest.mark.parametrize(
    "query",
    [
        "",
        ";",
        "selec",
        "give me all",
        "SELECT 1; SELECT 2",
        "VALUES (1)",
        "SELECT 'x",
        "SELECT 1 \0",
        "SELECT " + "x" * MAX_CHARACTERS,
        "SELECT " + "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
        "SELECT " + "a AS end, " * MAX_DEPTH + "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1) + " FROM t",
        "SELECT " + "CASE WHEN a THEN " * (MAX_DEPTH + 1) + "1" + " END" * (MAX_DEPTH + 1),
        "SELECT " + "NOT " * (MAX_DEPTH + 1) + "a",
        "SELECT 1 FROM a" + " JOIN a ON 1 = 1" * (MAX_JOINS + 1),
        "SELECT 1 FROM a" + " STRAIGHT_JOIN a ON 1 = 1" * (MAX_JOINS + 1),
        "SELECT a" + "[1]" * (MAX_SUBSCRIPTS + 1),
        "SELECT " + ",".join("a" * (MAX_TOKENS // 2)) + " FROM t",
        "SUMMARIZE t",
        "PIVOT t ON a USING sum(b)",
    ],
    ids=range(19),
)
def test_what_cannot_be_read_counts_as_everything(query: str) -> None:
    found = understand(query)
    assert (found.understood, found.level, found.all_columns, found.every_record) == (False, "row", True, False)
    assert found.why == (sql_reading.NOT_READ,)
    assert found.tables == found.columns == found.outside == ()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT " + "(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH + " FROM t",
        "SELECT (1), " + "(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH + " FROM t",
        "SELECT " + "NOT " * MAX_DEPTH + "a FROM t",
        "SELECT 1 FROM a" + " JOIN a ON 1 = 1" * MAX_JOINS,
        "SELECT a" + "[1]" * MAX_SUBSCRIPTS + " FROM t",
        "SELECT a FROM t WHERE b = '" + "x" * (MAX_CHARACTERS - 28) + "'",
        "SELECT " + ",".join("a" * (MAX_TOKENS // 2 - 1)) + " FROM t",
    ],
    ids=range(7),
)
def test_the_bounds_themselves_are_read(query: str) -> None:
    assert len(query) <= MAX_CHARACTERS
    assert understand(query).understood


def test_every_engine_that_could_run_a_query_reads_it_as_its_own() -> None:
    """The worker has DuckDB, files are in SQLite: as they are written, and without the backticks."""
    assert [each.dialect for each in readings("SELECT `a` FROM `t`")] == ["duckdb", "sqlite", "sqlite"]
    for deep, read in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False)):
        # in square brackets SQLite has names, so that no text begins between these two
        text = f"SELECT ['], {'(' * deep}a{')' * deep}, ['] FROM t"
        tree, _acts = parsed(Reading("sqlite", text, text))
        assert (tree is not None) == read


NEST = ["({})", "f({})", "CASE WHEN a THEN {} END", "NOT {}", "- {}", "(SELECT {})", "[{}]", "{{a: {}}}", "{}::INT",
        "CAST({} AS INT)", "a IN (SELECT {})", "INTERVAL {}", "{}[1]", "{} + {}", "f(x -> {})", "{} AND {}", "EXISTS({})",
        "DATE {}", "{} BETWEEN {} AND {}", "a.{}", "{} OVER ({})", "IF({}, {}, {})", "{} UNION SELECT {}"]  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.sampled_from(NEST), min_size=1, max_size=3), st.integers(1, 400))
@example(["({})"], 400)
@example(["{}[1]"], 400)
@example(["f({})", "({})"], 200)
def test_pathological_nesting_costs_little_time(shapes: list[str], times: int) -> None:
    query = "a"
    for number in range(times):
        query = (
            shapes[number % len(shapes)]
            .replace("{}", query, 1)
            .replace("{}", "a")
            .replace("{{", "{")
            .replace("}}", "}")
        )
        if len(query) > 30_000:
            break
    began = process_time()
    found = understand(f"SELECT {query} FROM t")
    assert process_time() - began < 6
    assert found.level == "row"


WORDS = ["SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "t", "a", "b", "count(*)", "avg(a)", "sum(a)", "max(a)",
         "(", ")", ",", ">=", "10", "1", "'x'", "AND", "OR", "NOT", "AS", "x", "JOIN", "UNION", "WITH", "LIMIT", "OVER", "CASE",
         "WHEN", "THEN", "END", "*", "IN", "DISTINCT", "FILTER", "`", '"', "'", "--", "/*", "*/", "$$", ";", "[", "]", "::", "\\"]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=24).map(" ".join) | st.text(max_size=80))
def test_any_text_is_answered(text: str) -> None:
    found = understand(text)
    assert isinstance(found, SqlFacts)
    assert found.level in {"none", "counts", "aggregate", "row"}
    assert found.why
    if not found.understood:
        assert (found.level, found.all_columns) == ("row", True)
    if found.smallest_group is not None:
        assert found.smallest_group >= 2


@given(st.integers(2, 10**9 - 1), st.sampled_from([">=", ">"]))
def test_the_group_is_what_the_sql_demands(number: int, sign: str) -> None:
    found = understand(f"SELECT sex, avg(age) FROM t GROUP BY sex HAVING COUNT(*) {sign} {number}")
    assert found.smallest_group == number + (sign == ">")
    assert f"at least {found.smallest_group} records" in found.why[0]


def test_conditions_are_shown_short_and_safe() -> None:
    found = understand("SELECT a FROM t WHERE b = 'x\u202e' AND c > 1")
    assert found.filters == ("WHERE b = 'x<U+202E>' AND c > 1",)
    figures = understand("SELECT count(*) FROM t AS p WHERE p.age > 5 HAVING count(*) >= 5")
    assert (figures.filters, figures.choices[0].conditions) == (("WHERE p.age > 5",), ("age > 5",))
    assert understand("SELECT a FROM t WHERE b // 2 > 1").filters == ("WHERE b // 2 > 1",)
    long = understand("SELECT a FROM t WHERE " + " AND ".join(["b > 1"] * 600))
    assert len(long.filters[0]) == 300
    assert understand("SELECT a FROM t WHERE " + " + ".join(["b"] * 1500) + " > 1").understood
    assert understand("SELECT a FROM t WHERE b" + "::INT" * 1600 + " > 1").filters == ("WHERE …",)


def test_nothing_of_the_sql_reaches_a_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    # whatever was read before this: the parser speaks of what it cannot read
    monkeypatch.setattr(logging.getLogger("sqlglot"), "disabled", False)
    with caplog.at_level(logging.DEBUG):
        understand("VACUUM secret_table")
        understand("GRANT ALL ON secret_table TO x")
    assert "secret_table" not in caplog.text


GOLDEN = Path(__file__).parent / "data" / "sql.json"


@pytest.mark.parametrize("kept", json.loads(GOLDEN.read_text(encoding="utf-8")), ids=lambda kept: kept["query"][:60])
def test_what_a_custodian_reads_of_a_query_is_what_was_looked_at(kept: dict[str, Any]) -> None:
    """Every sentence and fact, word for word: whoever changes one looks at all of them."""
    found = {"query": kept["query"], **asdict(understand(kept["query"]))}
    assert json.loads(json.dumps(found)) == kept
