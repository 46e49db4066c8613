"""Which columns a stranger's SQL reads: no engine reads one that was not named, whatever its author calls it.

What engines make of a query is not claimed but shown: of the columns that are not named nothing is left in the table,
and the answer stays the same.
"""

# ruff: noqa: E501 - a query is read in one line, and made of words of this file
from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable

import duckdb
import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from podadmin.requests.sql_reading import understand

HOW_MANY = int(os.environ.get("PODADMIN_STATEMENTS", "250"))
NAMES = ("nid", "note", "age", "visit", "tags", "doc")
VALUES = {
    "nid": "'canary-' || i::VARCHAR",
    "note": "'a note of ' || i::VARCHAR",
    "age": "30 + i::INTEGER",
    "visit": "{'ward': 'w' || i::VARCHAR, 'nid': 'inner-' || i::VARCHAR, 'age': i::INTEGER}",
    "tags": "[i::INTEGER, 7]",
    "doc": "'{\"nid\": \"doc-' || i::VARCHAR || '\"}'",
}


def in_duckdb(query: str, columns: Iterable[str]) -> list[str] | None:
    """The lines of an answer over a table `t` with these columns, in any order; None where it is not run."""
    kept = [*(f"{VALUES[name]} AS {name}" for name in NAMES if name in columns), "0 AS other"]
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(f"CREATE TABLE t AS SELECT {', '.join(kept)} FROM range(3) AS r(i)")
        con.execute("CREATE TABLE u AS SELECT 5 AS age, 'u' AS k")
        try:
            return sorted(map(repr, con.execute(query).fetchall()))
        except duckdb.Error:
            return None


def in_sqlite(query: str, columns: Iterable[str]) -> list[str] | None:
    kept = [*(name for name in ("nid", "note", "age", "doc") if name in columns), "other"]
    con = sqlite3.connect(":memory:")
    con.execute(f"CREATE TABLE t ({', '.join(kept)})")
    con.execute("CREATE TABLE u (age, k)")
    rows = [{"nid": f"canary-{i}", "note": f"n{i}", "age": 30 + i, "doc": f'{{"nid": "doc-{i}"}}'} for i in range(3)]
    for row in rows:
        con.execute(f"INSERT INTO t VALUES ({', '.join('?' for _ in kept)})", [row.get(name, 0) for name in kept])
    con.execute("INSERT INTO u VALUES (5, 'u')")
    try:
        return sorted(map(repr, con.execute(query).fetchall()))
    except sqlite3.Error:
        return None


ENGINES: tuple[Callable[[str, Iterable[str]], list[str] | None], ...] = (in_duckdb, in_sqlite)


def nothing_else_is_read(query: str) -> bool:
    """Was it told which columns a query reads, and does it answer the same where there are no others?"""
    found = understand(query)
    if not found.understood or found.all_columns:
        return False
    named = {name.casefold() for name in found.columns}
    for engine in ENGINES:
        whole = engine(query, NAMES)
        assert whole is None or whole == engine(query, named), (query, engine, found.columns)
    return True


READ_WITHOUT_ITS_NAME = [
    # a name before a dot that the requester chose: DuckDB looks there for a column of that table, and then for a field
    ("SELECT visit.ward FROM t AS visit", "visit"),
    ("SELECT visit.visit.ward FROM t AS visit", "visit"),
    ("SELECT visit.ward FROM t, (SELECT 1 AS x) AS visit", "visit"),
    ("WITH visit AS (SELECT 1 AS x) SELECT visit.ward FROM t, visit", "visit"),
    ("SELECT (SELECT visit.ward FROM u AS visit) FROM t", "visit"),
    ("SELECT (SELECT visit.ward FROM u) FROM t AS visit", "visit"),
    ("SELECT visit.ward FROM t WHERE 1 = (SELECT 1 FROM u AS visit)", "visit"),
    # a function behind a column
    ("SELECT nid.upper() FROM t", "nid"),
    ("SELECT t.nid.upper() FROM t", "nid"),
    ("SELECT visit.ward.substr(1, 2) FROM t", "visit"),
    ("SELECT age FROM t ORDER BY nid.upper()", "nid"),
    ("SELECT age FROM t WHERE nid.starts_with('canary-1')", "nid"),
    ('SELECT "nid".lower().upper() FROM t', "nid"),
    # an arrow into a document, and a part of a list
    ("SELECT coalesce(doc -> '$.nid', '') FROM t", "doc"),
    ("SELECT max(visit -> 'ward') FROM t", "visit"),
    ("SELECT tags[:age] FROM t", "age"),
    # what a table, and not a query, calls its columns
    ("SELECT b FROM t AS x(b)", "nid"),
    ("SELECT age FROM t AS x(age)", "nid"),
    ("SELECT b FROM (t) AS x(b)", "nid"),
    ("SELECT b FROM ((t)) AS x(b)", "nid"),
    ("SELECT b FROM (t CROSS JOIN u) AS x(b)", "nid"),
    # a table in brackets is no query
    ("SELECT * FROM (t)", "nid"),
    ("SELECT * FROM ((t))", "nid"),
    ("SELECT * FROM (t) AS x", "nid"),
    ("SELECT * FROM (t AS x)", "nid"),
    ("SELECT * FROM (t CROSS JOIN u)", "nid"),
    ("SELECT * FROM ((SELECT 1 AS x) AS s CROSS JOIN t)", "nid"),
    ("WITH c AS (SELECT 1 AS x) SELECT * FROM (c CROSS JOIN t)", "nid"),
    ("SELECT * FROM (SELECT 1 AS x) AS s, (t)", "nid"),
    ("SELECT min FROM (SUMMARIZE t)", "nid"),
    # signs that nobody sees
    ("SELECT nid\u200b FROM t", "nid"),
    ("SELECT nid\u00a0FROM t", "nid"),
]


@pytest.mark.parametrize(("query", "column"), READ_WITHOUT_ITS_NAME, ids=[each for each, _ in READ_WITHOUT_ITS_NAME])
def test_what_an_engine_reads_is_named_or_every_column_is(query: str, column: str) -> None:
    answers = [(engine(query, NAMES), engine(query, set(NAMES) - {column})) for engine in ENGINES]
    assert any(whole is not None and whole != without for whole, without in answers), "no engine reads it"
    found = understand(query)
    assert found.all_columns or column in found.columns, found.columns
    assert found.level == "row"


@pytest.mark.parametrize(
    ("query", "columns", "every"),
    [
        ("SELECT x.a FROM t AS x", ("x", "a"), False),
        ("SELECT t.a FROM t AS x", ("a",), False),
        ("SELECT T.a FROM t", ("a",), False),
        ("SELECT x.* FROM t AS x", ("x",), True),
        ("SELECT t.a, u.b FROM t, u", ("t", "a", "u", "b"), False),
        ("WITH c AS (SELECT a FROM t) SELECT c.a, t.b FROM c, t", ("c", "a", "b"), False),
        ("SELECT a.b.c FROM t", ("a", "b", "c"), False),
        ("SELECT other.t.a FROM t", ("other", "a"), False),
        ("SELECT a, b AS n, count(*) AS m FROM t WINDOW w AS (PARTITION BY c)", ("a", "b", "c"), False),
        ("SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)", ("a", "b"), False),
        ("SELECT CAST(a AS STRUCT(x INT)) FROM t", ("a",), False),
        ("SELECT CAST(a AS STRUCT(x INT)) FROM t WHERE y = 1", ("a", "y"), False),
        ("SELECT struct_pack(x := a) FROM t", ("a",), False),
        ("SELECT \"my_function\"(a) FROM t", ("a",), False),
        ("SELECT date_trunc('month', a) FROM t", ("a",), False),
        ("SELECT date_trunc(b, a) FROM t", ("B", "a"), False),
        ("SELECT date_trunc(year, a) FROM t", ("YEAR", "a"), False),
        ('SELECT date_trunc( "Year" , a) FROM t', ("YEAR", "a"), False),
        ("SELECT 'year', date_trunc((`year`), a) FROM t", ("year", "a"), False),
        ("SELECT date_trunc('year', a) AS year, 'x, (year)' FROM t", ("a",), False),
        ("SELECT TIMESTAMPDIFF(HOUR, a, day) FROM t", ("HOUR", "a", "DAY"), False),
        ("SELECT date_bin(b, a, epoch) FROM t", ("a", "b", "EPOCH"), False),
        ("SELECT extract(year FROM a) FROM t", ("a",), False),
        ("SELECT a + INTERVAL '3' days FROM t", ("a",), False),
        ("SELECT f(x -> x + a) FROM t", ("x", "a"), False),
        ("SELECT f(t -> a) FROM t", ("a",), True),
        ("SELECT t.upper() FROM t", (), True),
        ("SELECT a FROM t AS x(b, c)", ("a",), True),
        ("SELECT b FROM (SELECT a FROM t) AS x(b)", ("a", "b"), False),
        ("WITH c(b) AS (SELECT a FROM t) SELECT b FROM c", ("a", "b"), False),
        ("WITH c AS (SELECT a FROM t) SELECT b FROM c AS x(b)", ("a", "b"), False),
        ("WITH c AS ((SELECT a FROM t)) SELECT * FROM c", ("a",), False),
        ("WITH c AS (DESCRIBE t) SELECT * FROM c", (), True),
        ("SELECT * FROM ((SELECT a FROM t)) AS s", ("a",), False),
        ("SELECT * FROM (SELECT a FROM t UNION SELECT b FROM u) AS s", ("a", "b"), False),
        ("SELECT * FROM (SELECT a FROM t) AS s CROSS JOIN (SELECT b FROM t) AS r", ("a", "b"), False),
        ("SELECT * FROM (SELECT a FROM t) AS s LATERAL VIEW explode(b) x AS y", ("a", "b"), True),
        ("SELECT t.json_agg FROM t", (), True),
        ("SELECT x.count FROM t AS x", ("x",), True),
        ("SELECT json_agg FROM t", ("json_agg",), False),
        ("SELECT t.counts FROM t", ("counts",), False),
        ("WITH c AS (SELECT a FROM t) SELECT * FROM C", ("a",), True),
        ('WITH c AS (SELECT a FROM t) SELECT * FROM "c"', ("a",), True),
        ('WITH "c" AS (SELECT a FROM t) SELECT * FROM "c"', ("a",), False),
        ("SELECT a AS n FROM t ORDER BY N", ("a", "N"), False),
        ('SELECT a AS "n" FROM t ORDER BY n', ("a", "n"), False),
        ('SELECT a AS "n" FROM t ORDER BY "n"', ("a",), False),
        ("SELECT a AS m, b AS n FROM t ORDER BY n", ("a", "b"), False),
        # what only some engines pass over
        ("SELECT a /*! , b */ FROM t", ("a",), True),
        ("SELECT a, 1--1, b\nFROM t", ("a",), True),
        ("SELECT a FROM t -- b", ("a",), True),
        ("SELECT a$b FROM t", ("a$b",), True),
        ("SELECT a FROM t WHERE b = N'x'", ("a", "b"), True),
        ("SELECT a FROM t WHERE b = 'x\\' AND c = 1", ("a", "b", "c"), True),
        ("SELECT a FROM t WHERE b = '--' AND c = \"#$\" ", ("a", "b", "c", "#$"), False),
        ("SELECT a FROM t WHERE b = 'ä\u200b'", ("a", "b"), False),
        ("SELECT größe FROM t", ("größe",), False),
        ("SELECT a\x0b FROM t", ("a",), True),
        ("SELECT json_extract_path_text(a, 'x', b) FROM t", ("a",), True),
        ('SELECT "JSON_extract_path_text"(a, \'x\', b) FROM t', ("a",), True),
        ("SELECT uuid(a) FROM t", (), True),
        ('SELECT "UUID" ( a) FROM t', (), True),
        ("SELECT uuid( ), a FROM t", ("a",), False),
        ("SELECT uuid, (a) FROM t", ("uuid", "a"), False),
        ("SELECT CONVERT(INT, a) FROM t", ("INT",), True),
        ("SELECT try_convert (DATE, a) FROM t", ("DATE",), True),
        # a name that engines give to a column that is called otherwise
        ("SELECT rowid FROM t", ("rowid",), True),
        ("SELECT a, t.OID FROM t", ("a", "OID"), True),
        ("SELECT _rowid_ FROM t", ("_rowid_",), True),
        ("SELECT sum(_rowid) FROM t", ("_rowid",), True),
        ("SELECT IDENTITYCOL FROM t", ("IDENTITYCOL",), True),
        ("SELECT ROWGUIDCOL FROM t", ("ROWGUIDCOL",), True),
    ],
)  # fmt: skip
def test_whatever_is_not_known_to_be_something_else_is_a_column(
    query: str, columns: tuple[str, ...], every: bool
) -> None:
    found = understand(query)
    assert (found.understood, set(found.columns), found.all_columns) == (True, set(columns), every)


def test_a_name_before_a_dot_is_told_before_what_it_is_asked_for() -> None:
    assert understand("SELECT visit.ward FROM t AS visit").columns == ("visit", "ward")
    assert understand("SELECT t.visit.ward FROM t").columns == ("visit", "ward")


NAME = st.sampled_from(NAMES)
GIVEN = st.sampled_from([*NAMES, "x", "t"])
PLAIN = st.one_of(NAME, NAME, st.builds("{}.{}".format, GIVEN, st.sampled_from([*NAMES, "ward"])), st.builds("x.{}.{}".format, NAME, NAME),
                  GIVEN, st.just("*"), st.builds('"{}"'.format, NAME), st.sampled_from(["1", "'w1'", "$1", "#1", "t.*", "rowid", "visit.*"]))  # fmt: skip
CALLS = st.sampled_from([
    "upper({})", "max({})", "count({})", "{}.upper()", "({}).nid", "{}['ward']", "{}[1:2]", "tags[:{}]", "coalesce({} -> '$.nid', '')",
    "list({} ORDER BY {})", "{} || {}", "CASE WHEN {} = {} THEN {} END", "max({}) FILTER (WHERE {} = 1)", "sum({}) OVER (PARTITION BY {})",
    "date_trunc({}, DATE '2020-01-01')", "struct_pack(nid := {})", "{{'nid': {}}}", "{{'nid': {}}}.nid", "[{}, {}]", "(SELECT {})", "(SELECT {} FROM u)",
    "(SELECT max({}) FROM t AS visit)", "{} IN (SELECT {} FROM t)", "EXISTS (SELECT {} FROM u AS {})", "CAST({} AS VARCHAR)", "{}::VARCHAR", "unnest([{}])", "struct_extract({}, 'ward')",
    "to_json({})", "row({})", "hash({})", "COLUMNS('{}')", "[q for q in tags if {} IS NOT NULL]", "list_transform(tags, lambda nid: {})", "arg_max({}, {})", "{} COLLATE NOCASE",
    "position({} IN {})", "trim(BOTH {} FROM {})", "{} BETWEEN {} AND {}", "any_value({})", "string_agg({}, ',')", "{} IS DISTINCT FROM {}", "try_cast({} AS INT)", "alias({})",
])  # fmt: skip


def filled(template: str, parts: list[str]) -> str:
    waiting = iter(parts)
    return re.sub(r"\{\{|\}\}|\{\}", lambda found: next(waiting) if found[0] == "{}" else found[0][0], template)


def called(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(filled, CALLS, st.lists(inside, min_size=3, max_size=3))


TERM = st.recursive(PLAIN, called, max_leaves=4)
SOURCE = st.one_of(
    st.just("t"),
    st.builds(filled, st.sampled_from(["t AS {}", "t AS x({})", "(t)", "(t) AS {}", "(t AS {})", "(t CROSS JOIN u) AS x({})", "(SELECT * FROM t) AS {}",
                         "(SELECT {} FROM t) AS x", "(SELECT {} FROM t) AS x(age)", "(FROM t) AS {}", "t, u AS {}", "t, (SELECT 1 AS q) AS {}", "(SELECT {} AS nid FROM t)",
                         "u AS {}, LATERAL (SELECT * FROM t) AS x", "t, unnest([{}]) AS x(nid)", "t JOIN u USING ({})", "t NATURAL JOIN u AS {}", "u POSITIONAL JOIN t AS {}"]), st.lists(GIVEN, min_size=1, max_size=1)),
)  # fmt: skip
FORMS = st.sampled_from([
    "SELECT {term} FROM {source}", "SELECT {term} FROM {source}", "SELECT {term} AS {given} FROM {source}", "FROM {source} SELECT {term}",
    "WITH {given} AS (SELECT {term} FROM {source}) SELECT * FROM {given}", "WITH {given} AS (SELECT age FROM u) SELECT {term} FROM {source}",
    "SELECT age AS {given} FROM {source} ORDER BY {given} LIMIT 1", "SELECT age AS {given} FROM {source} ORDER BY {term} LIMIT 1",
    "SELECT age FROM {source} WHERE {term} IS NOT NULL", "SELECT count(*) FROM {source} GROUP BY {term}", "SELECT count(*) FROM {source} HAVING max({term}) IS NULL",
    "SELECT DISTINCT ON ({term}) 1 FROM {source}", "SELECT 1 FROM {source} QUALIFY row_number() OVER (ORDER BY {term}) = 1", "(SELECT {term} FROM {source})",
    "SELECT 1 AS {given} UNION ALL SELECT {term} FROM {source}", "SELECT {given}: {term} FROM {source}", "SELECT (SELECT {term}) FROM {source}",
])  # fmt: skip
QUERY = st.builds(lambda form, **parts: form.format(**parts), FORMS, term=TERM, source=SOURCE, given=GIVEN)


@settings(max_examples=HOW_MANY, deadline=None)
@given(QUERY)
@example("SELECT visit.ward FROM t")
@example("SELECT a.k, age AS nid FROM u AS a ORDER BY nid")
def test_of_the_columns_that_it_does_not_name_nothing_is_read(query: str) -> None:
    event("told" if nothing_else_is_read(query) else "every column")


FUNCTIONS = (
    "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro')"
)
VARIED = ("{}({})", "{}(DISTINCT {})", "{}({} ORDER BY sort) OVER (PARTITION BY part)", "{}({}) FILTER (WHERE part)")


def test_what_is_given_to_a_function_is_read() -> None:
    """The parser knows many functions, and drops what it would not give to one: then no engine may take it either."""
    con = duckdb.connect()
    con.execute("CREATE TABLE t (c1 VARCHAR, c2 VARCHAR, c3 VARCHAR, c4 VARCHAR, part BOOLEAN, sort INT)")
    known = sorted(row[0] for row in con.execute(FUNCTIONS).fetchall() if re.fullmatch(r"\w+", row[0]))
    assert len(known) > 500
    for name in known:
        for number in range(1, 5):
            query = f"SELECT {name}({', '.join(f'c{place + 1}' for place in range(number))}) FROM t"
            found = understand(query)
            if not found.all_columns and len(found.columns) < number:
                with pytest.raises(duckdb.Error):
                    con.execute(query)
        for form in VARIED:
            query = f"SELECT {form.format(name, 'c1')} FROM t"
            found = understand(query)
            wanted = set(re.findall("c1|part|sort", query.removeprefix(f"SELECT {name}")))
            if not found.all_columns and not wanted <= set(found.columns):
                with pytest.raises(duckdb.Error):
                    con.execute(query)


@pytest.mark.parametrize(
    ("query", "perhaps"),
    [
        ("SELECT x.a FROM t AS x", ("x",)),
        ("SELECT x.a, X.b FROM t AS x", ("x",)),
        ("SELECT x.a, u.b FROM t AS x, u", ("x", "u")),
        ("SELECT s.a FROM (SELECT a FROM t) AS s", ("s",)),
        ("WITH c AS (SELECT a FROM t) SELECT c.a FROM c", ("c",)),
        # the only table by its own name, and what is no table in the query
        ("SELECT t.a FROM t", ()),
        ("SELECT visit.ward FROM t", ()),
        ("SELECT x.visit.ward FROM t AS x", ("x",)),
        # a column of that name is read as well
        ("SELECT s.a FROM (SELECT s.b FROM t AS x) AS s", ("s",)),
        ("SELECT x.a FROM t AS x WHERE (SELECT visit FROM u) = 1", ("x",)),
    ],
)
def test_the_name_of_a_table_is_a_column_only_where_a_table_has_one_of_that_name(
    query: str, perhaps: tuple[str, ...]
) -> None:
    found = understand(query)
    assert found.perhaps == perhaps
    assert set(perhaps) <= set(found.columns)


@pytest.mark.parametrize("name", ["array_agg", "any_value", "concat", "count", "max", "min", "hash_record", "num_nulls", "pg_typeof",
                                  "quote_literal", "record_out", "to_json", "jsonb_agg", "COUNT"])  # fmt: skip
def test_a_function_of_a_row_reads_every_column(name: str) -> None:
    assert understand(f'SELECT t."{name}" FROM t').all_columns
    assert not understand(f'SELECT "{name}" FROM t').all_columns


@pytest.mark.parametrize("part", ["year", "months", "DOW", "century", "epoch"])
def test_a_part_of_a_date_is_no_column(part: str) -> None:
    assert understand(f"SELECT date_trunc('{part}', a) FROM t").columns == ("a",)
    assert understand(f"SELECT extract({part} FROM a) FROM t").columns == ("a",)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT DISTINCTROW person FROM t",
        "SELECT UNIQUE person FROM t",
        "SELECT PRIOR person FROM t",
        "SELECT TOP(1) person FROM t",
        'SELECT TOP(1) "person" FROM t',
        "SELECT FIRST(1) person FROM t",
        "SELECT a /* AS */ person FROM t",
        "SELECT a -- AS\n person FROM t",
        "SELECT a FROM t WHERE b IN (SELECT BINARY person FROM t)",
    ],
)
def test_what_stands_before_a_name_can_be_a_word_of_the_engine(query: str) -> None:
    found = understand(query)
    assert ("person" in found.columns, found.perhaps, found.level) == (True, ("person",), "row")
    assert set(understand(query.replace(" FROM", ", PRIOR nid FROM", 1)).perhaps) == {"person", "nid"}


@pytest.mark.parametrize(
    "query", ["SELECT BINARY _rowid FROM t", "SELECT UNIQUE rowid FROM t", "SELECT TOP(1) t FROM t"]
)
def test_behind_such_a_word_a_name_can_stand_for_all_columns(query: str) -> None:
    assert understand(query).all_columns


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a AS person FROM t",
        "SELECT a AS person, `b c` FROM t",
        "SELECT a aS\n/* so to speak */ person FROM t",
        "SELECT t.a person FROM t",
        'SELECT "DISTINCTROW" person FROM t',
        "SELECT a + b person FROM t",
        "SELECT upper(a) person FROM t",
        "SELECT COUNT(*) person FROM t",
        "SELECT MAX(a) person FROM t",
    ],
)
def test_a_name_of_a_result_that_can_be_nothing_else_is_no_column(query: str) -> None:
    assert "person" not in understand(query).columns
