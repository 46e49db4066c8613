"""Two figures, each about enough people, whose difference is about few: which choices of records can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests import differencing, service
from podadmin.requests.differencing import before, beside, choices_of, differ
from podadmin.requests.protocols import read_protocol
from podadmin.requests.sql_reading import understand
from podadmin.requests.sql_terms import Choice
from tests.requests.desks import Desk, pins

TAIL = " HAVING COUNT(*) >= 10"


def asking(*queries: str) -> dict[str, Any]:
    """The protocol of a request for these queries."""
    steps = [{"class_name": "bitfount.SqlQuery", "query": each, "table": "t"} for each in queries]
    return {"class_name": "bitfount.ResultsOnly", "algorithm": steps}


def test_a_choice_is_the_same_however_it_is_written() -> None:
    told = (Choice("patients", ("age > 40", "sex = 'F'"), ()),)
    for query in (
        "SELECT COUNT(*) FROM patients WHERE age > 40 AND sex = 'F'",
        "SELECT COUNT(*), AVG(bmi) FROM patients AS p WHERE (p.sex = 'F') AND p.age > 40",
        "SELECT COUNT(*) AS n FROM `patients` WHERE sex = 'F' AND age > 40",
        "SELECT * FROM (SELECT COUNT(*) AS n FROM patients WHERE sex = 'F' AND age > 40 HAVING COUNT(*) >= 10) t",
    ):
        text = query if "HAVING" in query else query + TAIL
        assert understand(text).choices == told, text


def test_groups_are_part_of_it() -> None:
    query = "SELECT ward, sex, COUNT(*) FROM patients GROUP BY sex, ward" + TAIL
    assert understand(query).choices == (Choice("patients", (), ("sex", "ward")),)
    assert understand("SELECT sex, COUNT(*) FROM t GROUP BY 1" + TAIL).choices == (Choice("t", (), ("sex",)),)
    assert understand("SELECT COUNT(*) FROM patients").choices == (Choice("patients", (), ()),)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT name FROM patients",
        "SELECT COUNT(*) FROM patients WHERE age > 40",
        "SELECT COUNT(*) FROM patients WHERE age > 40 OR sex = 'F'" + TAIL,
        "SELECT COUNT(*) FROM a JOIN b ON a.x = b.x" + TAIL,
        f"SELECT COUNT(*) FROM a{TAIL} UNION ALL SELECT COUNT(*) FROM a WHERE b > 1{TAIL}",
        "SELECT 1",
        "DROP TABLE patients",
        "",
        "SELECT COUNT(*) FROM read_csv('x')",
        "SELECT COUNT(*) FROM sqlite_master",
    ],
)
def test_what_lets_single_records_out_or_cannot_be_told_has_none(query: str) -> None:
    assert understand(query).choices == ()


HIDES_WHOM = [
    # the condition stands in a WITH that nothing looks at
    ("WITH c AS (SELECT 1 FROM t WHERE id <> 7) SELECT SUM(dose) FROM t", Choice("t", (), ())),
    (
        f"WITH c AS (SELECT 1 FROM t) SELECT SUM(dose) FROM t WHERE id <> 7{TAIL}",
        Choice("t", ("id <> 7",), ()),
    ),
    # groups by their place, and several groupings
    (f"SELECT sex, SUM(dose) FROM t WHERE id <> 7 GROUP BY 1{TAIL}", Choice("t", ("id <> 7",), ("sex",))),
    (
        f"SELECT sex FROM t WHERE id <> 7 GROUP BY sex{TAIL} UNION SELECT w FROM t WHERE id <> 7 GROUP BY w{TAIL}",
        Choice("t", ("id <> 7",), ("w",)),
    ),
    ("SELECT COUNT(*) FROM other UNION ALL SELECT COUNT(*) FROM t", Choice("t", (), ())),
    # what bitfount makes of a name in backticks
    (f"SELECT SUM(dose) FROM `t` WHERE `id > 7 AND id` <> 9{TAIL}", Choice("t", ("id <> 9", "id > 7"), ())),
    # a field of a column is not the column of that name
    (f"SELECT SUM(dose) FROM t WHERE visit.id <> 7{TAIL}", Choice("t", ("visit.id <> 7",), ())),
    (f"SELECT SUM(dose) FROM t AS v WHERE V.id <> 7{TAIL}", Choice("t", ("id <> 7",), ())),
    (f"SELECT SUM(dose) FROM t AS V WHERE v.id <> 7{TAIL}", Choice("t", ("id <> 7",), ())),
    # a condition twice is one
    (f"SELECT SUM(dose) FROM t WHERE id <> 7 AND t.id <> 7 AND id <> 7{TAIL}", Choice("t", ("id <> 7",), ())),
    # MySQL takes what is in double quotes for a text
    (f'SELECT SUM(dose) FROM t WHERE "id" <> 7{TAIL}', Choice("t", ('"id" <> 7',), ())),
]


@pytest.mark.parametrize(("query", "choice"), HIDES_WHOM, ids=[each for each, _ in HIDES_WHOM])
def test_whom_figures_are_about_is_told_however_a_query_hides_it(query: str, choice: Choice) -> None:
    assert choice in understand(query).choices


def test_no_figures_are_about_records_that_only_a_with_beside_them_chooses() -> None:
    told = understand("WITH c AS (SELECT 1 FROM t WHERE id <> 7) SELECT SUM(dose) FROM t").choices
    assert told == (Choice("t", (), ()),)


def test_the_hyphens_that_bitfount_takes_out_of_a_name_make_no_other_table() -> None:
    assert understand("SELECT COUNT(*) FROM `my-data`").choices == (Choice("my-data", (), ()),)


def test_what_figures_are_made_of_is_no_field_that_a_query_calls_a_column() -> None:
    query = f"SELECT SUM(dose) FROM (SELECT visit.id, dose FROM t) AS s WHERE id <> 7{TAIL}"
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT i AS id, {'id': i % 20} AS visit, i AS dose FROM range(30) AS r(i)")
        inside, column = con.execute(query).fetchall(), con.execute(query.replace("visit.", "")).fetchall()
    assert inside != column
    assert (understand(query).level, understand(query).choices) == ("row", ())
    assert "It computes over parts of values" in understand(query).why[0]
    for called in (query.replace("visit.", "t."), query.replace("visit.", "x.").replace("FROM t)", "FROM t AS X)")):
        assert understand(called).choices == (Choice("t", ("id <> 7",), ()),)


def test_all_queries_of_a_protocol_count_each_choice_once() -> None:
    queries = [f"SELECT COUNT(*) FROM t WHERE age > {age}{TAIL}" for age in (40, 40, 41)]
    found = choices_of(asking(*queries, "SELECT a FROM t"))
    assert [each.conditions for each in found] == [("age > 40",), ("age > 41",)]
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
    choices = understand(query).choices
    if not choices:
        assert "b" in conditions  # no comparison
        return
    (choice,) = choices
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t(a INTEGER, s VARCHAR, b BOOLEAN)")
        con.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
        straight = con.execute(query.removesuffix(TAIL)).fetchone()
        assert con.execute(f"SELECT count(*) FROM t WHERE {choice.where}").fetchone() == straight
        rest = con.execute(f"SELECT count(*) FROM t WHERE NOT {choice.where}").fetchone()
    assert straight is not None
    assert rest is not None
    assert straight[0] + rest[0] == len(ROWS)


# --- what may have left before ---------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "podadmin.db")
    yield made
    made.store.close()


def older_than(age: int) -> str:
    return f"SELECT COUNT(*) FROM patients WHERE age > {age}{TAIL}"


def seen(desk: Desk, request_id: str, *queries: str) -> dict[str, tuple[str, int]]:
    """By condition: the newest request whose figures are set beside those of this one, and how many had it."""
    choices = choices_of(asking(*queries))
    with desk.store.read() as connection:
        told = before(connection, service.find(desk.store, request_id), choices)
    return {" AND ".join(each.choice.conditions): (each.row.id, each.requests) for each in told}


def test_figures_of_the_same_data_that_may_have_left_are_set_beside_a_request_the_newest_first(desk: Desk) -> None:
    def sent(*queries: str, approved: bool = True, **changes: Any) -> str:
        made = desk.send(pins(), findings={"protocol": asking(*queries)} if queries else {}, **changes)
        if approved:
            desk.approve(made)
        return made

    ran, fresh = sent(older_than(40)), sent(older_than(41), older_than(42))
    desk.run(ran)
    again = sent(older_than(40), requester="another lab")
    sent()
    sent(older_than(50), approved=False)
    sent(older_than(51), datasource="others")
    sent(older_than(52), network="bitfount")
    sent(older_than(53), verified="unverified")
    sent("SELECT name FROM patients")
    now = sent(older_than(43), older_than(44))
    told = seen(desk, now, older_than(43), older_than(44))
    assert list(told.items()) == [
        ("age > 40", (again, 2)),
        ("age > 41", (fresh, 1)),
        ("age > 42", (fresh, 1)),
    ], "and neither one's own nor those that wait, are of other data, were not verified or let single records out"
    assert list(seen(desk, now, older_than(40))) == ["age > 41", "age > 42"], "the same choice is no other one"
    assert seen(desk, now) == {}


def test_only_so_many_of_the_newest_are_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differencing, "LOOKED_AT", 2)
    for age in (40, 41, 42):
        desk.approve(desk.send(pins(), findings={"protocol": asking(older_than(age))}))
    now = desk.send(pins(), findings={})
    assert list(seen(desk, now, older_than(50))) == ["age > 42", "age > 41"]


def may_be_set_against(desk: Desk, request_id: str, *queries: str, **place: str) -> bool | None:
    where = {"network": "local", "datasource": "patients", **place}
    with desk.store.read() as connection:
        return beside(connection, request_id, protocol=read_protocol(asking(*queries)), **where)


def test_whether_other_figures_have_left_is_told_where_it_can_be(desk: Desk) -> None:
    def sent(*queries: str, approved: bool = True, **changes: Any) -> str:
        made = desk.send(pins(), findings={"protocol": asking(*queries)}, **changes)
        if approved:
            desk.approve(made)
        return made

    now = sent(older_than(43), approved=False)
    sent(older_than(41), approved=False)
    sent(older_than(42), datasource="others")
    sent(older_than(43))
    sent("SELECT COUNT(*) FROM another_table")
    sent("SELECT name FROM patients")
    assert may_be_set_against(desk, now, older_than(43)) is False, "none but the same choice has left"
    assert may_be_set_against(desk, now, older_than(43), datasource="others") is True
    assert may_be_set_against(desk, now, older_than(43), network="bitfount") is False
    for untold in (("SELECT name FROM patients",), (), (older_than(43), "SELECT name FROM patients")):
        assert may_be_set_against(desk, now, *untold) is None
    sent(older_than(40))
    assert may_be_set_against(desk, now, older_than(43)) is True
    assert may_be_set_against(desk, now, older_than(43), "SELECT name FROM patients") is True


def test_figures_of_one_request_can_be_set_against_each_other(desk: Desk) -> None:
    now = desk.send(pins(), findings={})
    two = f"SELECT COUNT(*) FROM a GROUP BY x{TAIL} UNION ALL SELECT COUNT(*) FROM a GROUP BY y{TAIL}"
    assert understand(two).level == "aggregate"
    assert may_be_set_against(desk, now, two) is True
    assert may_be_set_against(desk, now, older_than(40), older_than(41)) is True
    assert may_be_set_against(desk, now, older_than(40), older_than(40)) is False


def test_where_more_requests_would_have_to_be_looked_at_it_cannot_be_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differencing, "LOOKED_AT", 2)
    for _ in range(2):
        desk.approve(desk.send(pins(), findings={"protocol": asking(older_than(40))}))
    now = desk.send(pins(), findings={})
    assert may_be_set_against(desk, now, older_than(40)) is False
    desk.approve(desk.send(pins(), findings={"protocol": asking(older_than(40))}))
    assert may_be_set_against(desk, now, older_than(40)) is None
    assert may_be_set_against(desk, now, older_than(41)) is True
