"""When a result is held: every field against its meaning written another way, and what can never free a result."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.core.errors import BadInput
from podadmin.requests.promise import Promise, promise_of
from podadmin.requests.result_fields import ALL_FIELDS, RESULT_FIELDS
from podadmin.requests.result_rules import Found, held, why_held
from podadmin.requests.rule_facts import Facts
from podadmin.requests.rule_fields import FIELDS
from podadmin.requests.rule_words import changes, reading, result_reading
from podadmin.requests.rules import Rule, draft, read_rule
from podadmin.requests.sql_lines import Lines, lines_of

TEXTS = {
    "every": "is: result",
    "parameters": "is: first",
    "rows": "more-than: 10",
    "names": "any: nhs, Postcode",
    "identifiers": "is: suspected",
    "groups": "less-than: 5",
    "promise": "any: columns, level, rows",
}


@cache
def look(rule_id: str = "rul_1", **results: str) -> Rule:
    return draft(f"Look {rule_id}", "look", {}, rule_id=rule_id, results=results or TEXTS)


def words(found: Found, promised: Promise, **results: str) -> tuple[str, ...]:
    return why_held(look(**results), promised, found)


PROMISES = tuple(
    Promise(level, rows, columns, ("size",), group, whole, records)
    for level, rows, columns, (group, whole), records in itertools.product(
        ("unknown", "counts", "row"), (None, 1, 12), (None, ("sex", "size")), ((None, False), (8, False), (None, True)),
        (None, 12),
    )
)  # fmt: skip
FOUND = tuple(
    Found(rows, columns, least, before)
    for rows, columns, (least, before) in itertools.product(
        (None, 1, 12, 13), (None, (), ("sex", "size"), ("Sex", "NHS")),
        (({}, 0), ({"size": 1.0}, 0), ({"size": 4.0}, None), ({"size": 5.0}, 6)),
    )
)  # fmt: skip


def test_every_combination_is_held_exactly_where_its_meaning_says() -> None:
    """The meaning of each field, written as one expression, over all small results and promises."""
    for promise, found in itertools.product(PROMISES, FOUND):
        total = None if found.rows is None or found.before is None else found.rows + found.before
        names = None if found.columns is None else {each.lower() for each in found.columns}
        size = found.least.get("size")
        has_size = names is not None and "size" in names
        suspect = names is not None and "nhs" in names
        figures = promise.level == "counts"
        meant = {
            "every": True,
            "parameters": False,
            "rows": total is None or total > 10,
            "names": names is None or "nhs" in names,
            "identifiers": names is None or suspect,
            "groups": names is None
            or (has_size and (size is None or size < 5))
            or (
                not has_size
                and promise.smallest_group != 8
                and not (promise.whole and figures and total is not None and total <= (promise.rows or 0))
            ),
            "promise-rows": promise.rows is None or total is None or total > promise.rows,
            "promise-columns": promise.columns is None or names is None or not names <= {"sex", "size"},
            "promise-level": promise.level == "unknown"
            or (
                figures
                and (
                    total is None or names is None or suspect or (has_size and (size is None or size <= 1))
                    or (promise.records is not None and total >= promise.records and total > 1)
                )
            ),
        }  # fmt: skip
        for field, hold in meant.items():
            name, _, part = field.partition("-")
            text = f"any: {part}" if part else TEXTS[name]
            assert bool(words(found, promise, **{name: text})) is hold, (field, promise, found)


@given(st.sampled_from(PROMISES), st.sampled_from(FOUND), st.data())
@settings(max_examples=100)
def test_nothing_that_is_not_known_and_no_other_rule_frees_a_result(
    promise: Promise, found: Found, data: st.DataObject
) -> None:
    fields = data.draw(st.lists(st.sampled_from(sorted(TEXTS)), min_size=1, unique=True))
    rule = look(**{name: TEXTS[name] for name in fields})
    others = [look("rul_2", rows="more-than: 1"), look("rul_0", names="other: sex")]
    reasons = held([rule], promise, found)
    both = held([*others, rule], promise, found)
    assert set(reasons) <= set(both)
    assert both == held([rule, *others[::-1]], promise, found)
    if reasons:
        for less in (
            replace(found, rows=None), replace(found, columns=None), replace(found, least={}),
            replace(found, before=None), replace(found, problem="It cannot be opened."),
            replace(found, rows=(found.rows or 0) + 1000) if found.rows is not None else found,
        ):  # fmt: skip
            assert held([rule], promise, less), less
    assert held([rule], promise, replace(found, problem="No."))[0].words == "No."


def test_a_rule_that_holds_no_results_holds_none() -> None:
    assert why_held(draft("r", "hold", {}), Promise(), Found(problem="unreadable")) == ()
    assert held([], Promise(), Found(problem="unreadable")) == ()


def test_the_words_say_what_was_promised_and_what_was_found() -> None:
    promise = Promise("counts", 10, ("n",), ("n",), 10, False, 200)
    big = Found(200, ("n", "nhs_number"), {"n": 1.0, "nhs_number": 4.0})
    assert words(big, promise, promise="any: rows") == ("Promised at most 10 rows, found 200.",)
    assert words(replace(big, before=1), promise, rows="more-than: 10") == (
        "It may have at most 10 rows, found 201 with the results before it.",
    )
    assert words(big, replace(promise, rows=1), promise="any: rows") == ("Promised at most 1 row, found 200.",)
    assert words(big, promise, promise="any: columns") == (
        "Promised the column “n”, found the column “nhs_number” as well.",
    )
    level = words(big, promise, promise="any: level")
    assert level[0] == ("Promised figures, found single records: it has 200 lines and the datasource 200 records.")
    assert any("“nhs_number” looks like one of numbers issued to a person" in each for each in level)
    assert words(big, promise, groups="less-than: 5") == ("Groups may have no fewer than 5 records, “n” has one of 1.",)
    many = Found(1, tuple(f"c{number}" for number in range(8)), {})
    assert words(many, promise, names="other: x")[0].endswith("and 3 more beside those that it may have.")
    odd = Found(1, ("\u202en",), {})
    assert "\u202e" not in words(odd, promise, names="other: x")[0]


GROUPED = "SELECT sex, COUNT(*) AS n FROM t GROUP BY sex HAVING COUNT(*) >= 5"


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("SELECT COUNT(*) AS n FROM t", Lines(1, ("n",), ("n",))),
        ("SELECT sex, COUNT(*) AS n FROM t GROUP BY sex HAVING COUNT(*) > 9",
         Lines(None, ("sex", "n"), ("n",), True)),
        ("SELECT * FROM t LIMIT 10", Lines(10)),
        ("SELECT * FROM t LIMIT '10'", Lines()),
        ("SELECT * FROM t LIMIT 1000000000", Lines()),
        ("SELECT * FROM t", Lines()),
        ("SELECT COUNT(*) FROM t", Lines(1)),
        ("SELECT COUNT(*) FROM t LIMIT 5", Lines(1)),
        ("SELECT COUNT(*) FROM t LIMIT 0", Lines(0)),
        ("SELECT name, AVG(age) AS m FROM t", Lines(None, ("name", "m"))),
        ("SELECT a FROM (SELECT COUNT(*) AS a FROM t) x", Lines(1, ("a",), ("a",))),
        ("(SELECT COUNT(age) AS a FROM t)", Lines(1, ("a",), ("a",))),
        ("SELECT COUNT(DISTINCT age) AS a FROM t", Lines(1, ("a",))),
        ("SELECT SUM(age) AS a, COUNT(1) AS k FROM t", Lines(1, ("a", "k"), ("k",))),
        ("WITH c AS (SELECT COUNT(*) AS n FROM t) SELECT * FROM c", Lines(1, ("n",), ("n",))),
        ("WITH c AS (SELECT sex, COUNT(*) AS n FROM t GROUP BY sex HAVING COUNT(*) >= 5) SELECT * FROM c LIMIT 3",
         Lines(3, ("sex", "n"), ("n",), True)),
        ("SELECT COUNT(*) AS a FROM t UNION ALL SELECT COUNT(*) AS b FROM t", Lines(2, ("a",))),
        ("SELECT COUNT(*) AS a FROM t UNION ALL SELECT age FROM t", Lines(None, ("a",))),
        ("SELECT 1 AS x", Lines(1, ("x",))),
        ("SELECT unnest(range(1000)) AS x", Lines(None, ("x",))),
        ("SELECT 1 AS x" + " UNION ALL SELECT 1 AS x" * 30, Lines()),
        ("DROP TABLE t", Lines()),
        ("SELECT 1 --" + "x" * 30_000, Lines()),
        ("not sql at all (", Lines()),
        ("SELECT COUNT(*) AS `n` FROM `t`", Lines(1, ("n",), ("n",))),
        ("SELECT a 'b' FROM t", Lines(None, ("b",))),  # SQLite alone understands it
        ("SELECT a: b FROM t", Lines()),  # DuckDB calls it a, SQLite b
        ("SELECT a AS $$b$$ FROM t LIMIT 999999999", Lines(999_999_999)),
        ("SELECT name, COUNT(*) AS k FROM t", Lines(None, ("name", "k"), ("k",))),
        (f"SELECT sex, n FROM ({GROUPED}) AS x", Lines(None, ("sex", "n"), ("n",), True)),
        (f"SELECT sex FROM ({GROUPED}) AS x", Lines(None, ("sex",), (), True)),
        ("SELECT sex FROM (SELECT sex FROM t) AS x GROUP BY sex HAVING COUNT(*) >= 5", Lines(None, ("sex",), (), True)),
        # what stands one below the other is no longer one line for each group
        (f"{GROUPED} UNION ALL {GROUPED}", Lines(None, ("sex", "n"))),
        (f"{GROUPED} UNION ALL SELECT 'all', COUNT(*) AS n FROM t", Lines(None, ("sex", "n"))),
        (f"SELECT 'all' AS sex, COUNT(*) AS n FROM t UNION ALL {GROUPED} LIMIT 3", Lines(3, ("sex", "n"))),
        ("SELECT COUNT(*) AS a FROM t UNION ALL (SELECT COUNT(*) FROM t UNION ALL SELECT COUNT(*) FROM u)",
         Lines(3, ("a",))),
        ("(SELECT COUNT(*) AS a FROM t UNION ALL SELECT COUNT(*) FROM u)", Lines(2, ("a",))),
        ("SELECT a FROM (SELECT COUNT(*) AS a FROM t UNION ALL SELECT COUNT(*) FROM u) AS x", Lines(2, ("a",))),
        ("SELECT 1 AS x" + " UNION ALL SELECT 1 AS x" * 17, Lines(None, ("x",))),
        ("SELECT 1 AS x" + " UNION ALL SELECT 1 AS x" * 18, Lines()),
        ("SELECT COUNT(*) AS n FROM " + "(SELECT * FROM " * 9 + "t" + ") x" * 9, Lines(1, ("n",), ("n",))),
        ("SELECT a FROM " + "(SELECT a FROM " * 12 + "(SELECT COUNT(*) AS a FROM t) y" + ") x" * 12,
         Lines(None, ("a",))),
    ],
)  # fmt: skip
def test_what_the_lines_of_a_query_are(query: str, lines: Lines) -> None:
    assert lines_of(query) == lines


def facts(**changes: Any) -> Facts:
    given: dict[str, Any] = dict.fromkeys(
        ("network", "requester_key", "requester_name", "project", "identity", "datasource", "protocol"), "x"
    )
    given |= {"purposes": (), "algorithms": (), "models": (), "columns": (), "all_columns": False, "level": "aggregate",
              "inferences": 0.0, "smallest_group": 10, "whole": False, "ehr": False}  # fmt: skip
    return Facts(**{**given, **changes})


def effects(query: str = "", often: str = "once", channel: str = "message", more: int = 0) -> dict[str, Any]:
    one = {"level": "aggregate", "channel": channel, "often": often, "always": False}
    always = {"level": "telemetry", "channel": "telemetry", "often": "once", "always": True}
    return {
        "known": True,
        "computed": {"sql": [query] if query else []},
        "outputs": [one, *([one] * more), always],
    }


def test_what_was_promised_is_what_was_shown_and_no_more() -> None:
    grouped = "SELECT sex, COUNT(*) AS n FROM t GROUP BY sex HAVING COUNT(*) >= 10"
    found = promise_of(facts(), effects(grouped), 205)
    assert found == Promise("aggregate", 20, ("sex", "n"), ("n",), 10, False, 205)
    assert promise_of(facts(), effects(grouped + " LIMIT 3"), 205).rows == 3
    assert promise_of(facts(), effects(f"{grouped} UNION ALL {grouped}"), 205).rows is None
    assert promise_of(facts(), effects(grouped), None).rows is None
    assert promise_of(facts(), effects(grouped, often="each-batch"), 205).rows is None
    assert promise_of(facts(), effects(grouped, channel="upload"), 205).columns is None
    assert promise_of(facts(), effects(grouped, more=1), 205).counts == ()
    assert promise_of(facts(), effects(), 205) == Promise("aggregate", None, None, (), 10, False, 205)
    assert promise_of(None, effects(grouped), 7) == Promise(records=7)
    assert promise_of(facts(), None, 7) == promise_of(facts(), {"known": False}, 7) == Promise(records=7)


def test_what_holds_results_is_a_part_of_a_rule_and_is_kept_with_it() -> None:
    assert not FIELDS.keys() & RESULT_FIELDS.keys()
    assert {*FIELDS, *RESULT_FIELDS} == set(ALL_FIELDS)
    for verdict in ("allow", "hold", "look"):
        rule = draft("r", verdict, {"project": "only: study"}, results=TEXTS)
        assert read_rule("", 1, rule.document(), None) == rule
        assert rule.result_texts().keys() == TEXTS.keys()
        assert [each.label for each in result_reading(rule)] == [each.label for each in RESULT_FIELDS.values()]
        assert len(reading(rule)) == len(FIELDS)
    plain = draft("r", "allow", {"project": "only: study"})
    assert "results" not in plain.document()
    assert result_reading(plain) == ()
    more = draft("r", "allow", {"project": "only: study"}, results={"rows": "more-than: 10"})
    assert changes(plain, more) == (
        "Results are held: Number of rows: was: Results of any number of rows. Now: A task brings more than 10 rows.",
    )
    assert any("more than 10" in each for each in changes(None, more))


@pytest.mark.parametrize(
    ("verdict", "results", "code"),
    [
        ("look", {}, "rule.no-results"),
        ("refuse", {"rows": "more-than: 1"}, "rule.no-result-comes"),
        ("hold", {"rows": "more-than: many"}, "rule.bad-condition"),
        ("hold", {"rows": "at-most: 1"}, "rule.bad-condition"),
        ("hold", {"project": "only: x"}, "rule.bad-condition"),
        ("hold", {"promise": "any: luck"}, "rule.bad-condition"),
        ("hold", {"every": "is: none"}, "rule.bad-condition"),
    ],
)
def test_what_cannot_be_entered(verdict: str, results: dict[str, str], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        draft("r", verdict, {}, message="No.", results=results)
    assert caught.value.code == code
    with pytest.raises(BadInput):
        draft("r", "hold", {"rows": "more-than: 1"})


NAMES = ("a", "b", "c", "d", "e", "f")
LONG = "n" * 70


@pytest.mark.parametrize(
    ("found", "promise", "asked", "said"),
    [
        (Found(1, ("a",)), Promise(), {"every": "is: result"}, ("Every result of it is to be seen.",)),
        (Found(None), Promise(), {"rows": "more-than: 10"}, ("How many rows it has cannot be told.",)),
        (Found(1), Promise(), {"names": "any: a"}, ("What its columns are called cannot be told.",)),
        (Found(1, NAMES[:2]), Promise(), {"names": "any: A, b"}, ("It has the columns “a”, “b”.",)),
        (Found(1, NAMES[:5]), Promise(), {"names": "other: x"},
         ("It has the columns “a”, “b”, “c”, “d”, “e” beside those that it may have.",)),
        (Found(1, NAMES), Promise(), {"names": "other: x"},
         ("It has the columns “a”, “b”, “c”, “d”, “e” and 1 more beside those that it may have.",)),
        (Found(1, ("phone", "age")), Promise(), {"identifiers": "is: suspected"},
         ("Its column “phone” looks like one of telephone numbers.",)),
        (Found(1, ("sex",)), Promise(), {"groups": "less-than: 5"},
         ("How many records stand behind its lines cannot be told.",)),
        (Found(1, ("n", "cnt")), Promise(), {"groups": "less-than: 5"},
         ("How large the groups of the columns “n”, “cnt” are cannot be told.",)),
        (Found(3), Promise("counts"), {"promise": "any: rows"}, ("Its request promised no most number of rows.",)),
        (Found(1, ("a",)), Promise("counts"), {"promise": "any: columns"},
         ("Its request did not promise what its columns are called.",)),
        (Found(1, ("a",)), Promise(), {"promise": "any: level"},
         ("What would leave was not known, so nothing was promised.",)),
        (Found(None), Promise("counts"), {"promise": "any: level"},
         ("Promised figures, found single records: whether its lines are more than that cannot be told.",)),
        (Found(1, ("n",), {}), Promise("counts"), {"promise": "any: level"},
         ("Promised figures, found single records: how many records “n” counts cannot be told.",)),
        (Found(1, ("n",), {"n": 1.0}), Promise("counts"), {"promise": "any: level"},
         ("Promised figures, found single records: a line of “n” counts a single record.",)),
    ],
)  # fmt: skip
def test_a_custodian_reads_why_it_is_held(
    found: Found, promise: Promise, asked: dict[str, str], said: tuple[str, ...]
) -> None:
    rule = look(**asked)
    assert why_held(rule, promise, found) == said
    assert [(each.words, each.rule, each.name) for each in held([rule], promise, found)] == [
        (words, "rul_1@1", "Look rul_1") for words in said
    ]


@pytest.mark.parametrize(
    ("found", "asked"),
    [
        (Found(1, (f"{LONG}_phone",)), {"names": "other: x"}),
        (Found(1, (f"phone_{LONG}",)), {"identifiers": "is: suspected"}),
        (Found(1, (f"{LONG}_n",), {f"{LONG}_n": 1.0}), {"groups": "less-than: 5"}),
        (Found(1, (f"phone_{LONG}",)), {"promise": "any: level"}),
        (Found(1, (f"{LONG}_n",), {f"{LONG}_n": 1.0}), {"promise": "any: level"}),
        (Found(1, (f"{LONG}_n",)), {"promise": "any: level"}),
    ],
)
def test_of_a_long_name_sixty_characters_are_shown(found: Found, asked: dict[str, str]) -> None:
    (said,) = why_held(look(**asked), Promise("counts"), found)
    assert len(said.split("“")[1].split("”")[0]) == 60


def test_what_is_exactly_at_a_bound_goes() -> None:
    ten = Promise("counts", 10, ("sex", "n"), ("n",), 10, False, 200)
    at = Found(10, ("sex", "n"), {"n": 10.0})
    assert words(at, ten, rows="more-than: 10") == ()
    assert words(at, ten, groups="less-than: 10") == ()
    assert words(replace(at, columns=("sex",)), ten, groups="less-than: 10") == ()
    assert words(at, ten, promise="any: rows, columns, level") == ()
    whole = Promise("counts", 3, ("sex",), whole=True)
    assert words(Found(3, ("sex",)), whole, groups="less-than: 10") == ()


def test_as_many_lines_as_records_are_single_records_but_one_line_is_what_a_sum_is() -> None:
    promise = Promise("aggregate", 10, ("m",), records=2)
    assert words(Found(2, ("m",)), promise, promise="any: level") != ()
    assert words(Found(1, ("m",)), replace(promise, records=1), promise="any: level") == ()
    assert words(Found(1, ("n",), {"n": 2.0}), promise, promise="any: level") == (), "a count of two is no single one"
