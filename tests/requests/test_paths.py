"""Where two values differ, and what counts as JSON at all."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.canon import canonical
from podadmin.requests.paths import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_NODES,
    WHOLE,
    FieldChange,
    changed,
    fault_of,
    field_changes,
)

plain = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
documents = st.recursive(plain, lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(), x, max_size=4))


@given(documents)
def test_a_value_does_not_differ_from_its_copy(value: Any) -> None:
    assert fault_of(value) == ""
    assert list(field_changes(value, copy.deepcopy(value))) == []


@given(documents, documents)
def test_values_differ_exactly_when_their_canonical_json_does(one: Any, other: Any) -> None:
    found = list(field_changes(one, other))
    assert bool(found) == (canonical(one) != canonical(other))
    assert all(change.was != change.now for change in found)


def test_a_change_is_named_by_its_place() -> None:
    was = {"algorithm": [{"query": "a", "gone": 1}], "odd key": 1}
    now = {"algorithm": [{"query": "b"}, {}], "odd key": True}
    assert list(field_changes(was, now)) == [
        FieldChange("algorithm[0].gone", "1", "", ("algorithm", 0, "gone")),
        FieldChange("algorithm[0].query", '"a"', '"b"', ("algorithm", 0, "query")),
        FieldChange("algorithm[1]", "", "{}", ("algorithm", 1)),
        FieldChange('"odd key"', "1", "true", ("odd key",)),
    ]
    assert list(field_changes({}, [])) == [FieldChange(WHOLE, "{}", "[]")]


@given(documents, documents)
def test_all_changes_made_one_after_the_other_lead_from_one_value_to_the_other(one: Any, other: Any) -> None:
    made = copy.deepcopy(one)
    for change in reversed(list(field_changes(one, other))):  # from the end, so that places in lists stay what they are
        if change.was:
            made = changed(made, change)
    for change in field_changes(made, other):
        made = changed(made, change)
    assert canonical(made) == canonical(other)


def test_one_change_is_made_alone_and_the_value_stays_what_it_was() -> None:
    was = {"a": [1, {"b": 2}], "c": 3}
    assert changed(was, FieldChange("a[1].b", "2", "5", ("a", 1, "b"))) == {"a": [1, {"b": 5}], "c": 3}
    assert changed(was, FieldChange("a[0]", "1", "", ("a", 0))) == {"a": [{"b": 2}], "c": 3}
    assert changed(was, FieldChange("a[2]", "", "[]", ("a", 2))) == {"a": [1, {"b": 2}, []], "c": 3}
    assert changed(was, FieldChange("c", "3", "", ("c",))) == {"a": [1, {"b": 2}]}
    assert changed(was, FieldChange("d", "", "null", ("d",))) == {"a": [1, {"b": 2}], "c": 3, "d": None}
    assert changed(was, FieldChange(WHOLE, "", "7")) == 7
    assert changed(was, FieldChange("c.x", "", "7", ("c", "x"))) == was
    assert changed([1], FieldChange("x", "", "7", ("x",))) == [1]
    assert changed({"c": 3}, FieldChange("a.b", "", "7", ("a", "b"))) == {"c": 3}
    assert was == {"a": [1, {"b": 2}], "c": 3}


def test_null_and_nothing_are_different() -> None:
    assert list(field_changes({"a": None}, {})) == [FieldChange("a", "null", "", ("a",))]


DEEP = "it is nested more than 64 levels deep"
LARGE = "it is larger than a protocol can sensibly be"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (nested(MAX_DEPTH + 1), DEEP),
        (nested(100_000), DEEP),
        ({1: "a"}, "one of its maps has a key that is not text"),
        ({b"a": "a"}, "one of its maps has a key that is not text"),
        ("\ud800", "one of its texts is not valid Unicode"),
        ({"\udfff": 1}, "one of its texts is not valid Unicode"),
        (b"bytes", "it holds a value that JSON cannot carry"),
        (("tuple",), "it holds a value that JSON cannot carry"),
        (float("nan"), "it holds a value that JSON cannot carry"),
        (float("inf"), "it holds a value that JSON cannot carry"),
        (2**64, "it holds a value that JSON cannot carry"),
        (-(2**63) - 1, "it holds a value that JSON cannot carry"),
        ([0] * (MAX_NODES + 1), LARGE),
        ("x" * (MAX_CHARACTERS + 1), LARGE),
        (["x" * (MAX_CHARACTERS // 2)] * 3, LARGE),
        ([[0] * 1000] * (MAX_NODES // 1000), LARGE),
    ],
    ids=range(16),
)
def test_what_is_not_plain_json_is_a_fault(value: Any, fault: str) -> None:
    assert fault_of(value) == fault


@pytest.mark.parametrize("value", [nested(MAX_DEPTH), 2**64 - 1, -(2**63), "x" * MAX_CHARACTERS, [0] * (MAX_NODES - 1)])
def test_the_bounds_themselves_are_allowed(value: Any) -> None:
    assert fault_of(value) == ""
