"""Canonical JSON: one value, one text."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.canon import canonical, parsed

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def turned(value: object) -> object:
    """The same value with the keys of every object in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(list(value))}
    if isinstance(value, list):
        return [turned(item) for item in value]
    return value


@given(VALUES)
def test_the_order_of_keys_does_not_matter(value: object) -> None:
    assert canonical(turned(value)) == canonical(value)


@given(VALUES)
def test_it_reads_back_as_the_same_value_and_is_its_own_canonical_form(value: object) -> None:
    text = canonical(value)
    assert json.loads(text) == parsed(text) == value
    assert canonical(json.loads(text)) == text


def test_its_form_is_fixed_because_hashes_depend_on_it() -> None:
    assert canonical({"b": [1, 2.5, None], "a": "ä\u202e\n/", "B": True}) == (
        '{"B":true,"a":"ä\u202e\\n/","b":[1,2.5,null]}'
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical({"deep": [number]})


@pytest.mark.parametrize("value", [b"bytes", datetime(2026, 1, 1, tzinfo=UTC), {1, 2}, object()])
def test_what_json_cannot_carry_is_refused_and_never_guessed(value: object) -> None:
    with pytest.raises(TypeError):
        canonical({"value": value})
