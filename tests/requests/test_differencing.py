"""Two figures, each about enough people, whose difference is about few: which choices of records can be compared."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests.differencing import Choice, choice_of, choices_of, differ

TAIL = " HAVING COUNT(*) >= 10"


def test_a_choice_is_the_same_however_it_is_written() -> None:
    told = Choice("patients", ('"age" > 40', "\"sex\" = 'F'"), ())
    for query in (
        "SELECT COUNT(*) FROM patients WHERE age > 40 AND sex = 'F'",
        "SELECT COUNT(*), AVG(bmi) FROM patients AS p WHERE (p.sex = 'F') AND p.age > 40",
        "SELECT COUNT(*) AS n FROM `patients` WHERE `sex` = 'F' AND age > 40",
        "SELECT * FROM (SELECT COUNT(*) AS n FROM patients WHERE sex = 'F' AND age > 40 HAVING COUNT(*) >= 10) t",
    ):
        text = query if "HAVING" in query else query + TAIL
        assert choice_of(text) == told, text


def test_groups_are_part_of_it() -> None:
    query = "SELECT ward, sex, COUNT(*) FROM patients GROUP BY sex, ward" + TAIL
    assert choice_of(query) == Choice("patients", (), ('"sex"', '"ward"'))
    assert choice_of("SELECT COUNT(*) FROM patients") == Choice("patients", (), ())


@pytest.mark.parametrize(
    "query",
    [
        "SELECT name FROM patients",
        "SELECT COUNT(*) FROM patients WHERE age > 40",
        "SELECT COUNT(*) FROM patients WHERE age > 40 OR sex = 'F'" + TAIL,
        "SELECT COUNT(*) FROM a JOIN b ON a.x = b.x" + TAIL,
        "SELECT sex, COUNT(*) FROM patients GROUP BY 1" + TAIL,
        "DROP TABLE patients",
        "",
        "SELECT COUNT(*) FROM read_csv('x')",
    ],
)
def test_what_lets_single_records_out_or_cannot_be_told_has_none(query: str) -> None:
    assert choice_of(query) is None


def test_all_queries_of_a_protocol_count_each_choice_once() -> None:
    queries = [f"SELECT COUNT(*) FROM t WHERE age > {age}{TAIL}" for age in (40, 40, 41)]
    steps = [
        {"class_name": "bitfount.SqlQuery", "query": query, "table": "t"} for query in [*queries, "SELECT a FROM t"]
    ]
    found = choices_of({"class_name": "bitfount.ResultsOnly", "algorithm": steps})
    assert [each.conditions for each in found] == [('"age" > 40',), ('"age" > 41',)]
    assert choices_of({}) == ()


def test_what_is_of_the_same_table_and_not_the_same_choice_can_be_set_against_each_other() -> None:
    one = Choice("t", ('"a" = 1',), ())
    assert not differ(one, one)
    assert differ(one, Choice("T", ('"a" = 2',), ()))
    assert differ(one, Choice("t", ('"a" = 1',), ('"b"',)))
    assert not differ(one, Choice("u", ('"a" = 2',), ()))


ROWS = [(number % 7 or None, "FM"[number % 2], number % 3 == 0) for number in range(40)]
CONDITIONS = st.sampled_from(
    [
        "a > 3",
        "NOT a = 2",
        "a IS NULL",
        "a IN (1, 2, NULL)",
        "s = 'F'",
        "s LIKE 'F%'",
        "b",
        "a BETWEEN 2 AND 5",
        "5 <= a",
    ]
)


@given(st.lists(CONDITIONS, max_size=3))
def test_it_chooses_the_records_that_the_query_does(conditions: list[str]) -> None:
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT COUNT(*) FROM t{where}{TAIL}"
    choice = choice_of(query)
    if choice is None:
        assert "b" in conditions  # no comparison
        return
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t(a INTEGER, s VARCHAR, b BOOLEAN)")
        con.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
        straight = con.execute(query.removesuffix(TAIL)).fetchone()
        assert con.execute(f"SELECT count(*) FROM t WHERE {choice.where}").fetchone() == straight
        rest = con.execute(f"SELECT count(*) FROM t WHERE NOT {choice.where}").fetchone()
    assert straight is not None
    assert rest is not None
    assert straight[0] + rest[0] == len(ROWS)
