"""Limits as the field means them, and meters as pure arithmetic."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput
from podadmin.limits.model import (
    Check,
    InferenceLimits,
    Key,
    Meter,
    check_amount,
    crossed,
    grantable,
    malformed,
    outstanding,
    read_meter,
)
from podadmin.limits.own import Effect, Own, OwnLimit, Scope

KEY = Key("local", "proj-1", "acme/Retina:3")
amounts = st.integers(0, 10_000).map(float)


def entry(**changes: Any) -> dict[str, Any]:
    return {"resourceType": "MODEL_INFERENCE", "resourceName": "o/m:1", "limit": 10, "totalUsage": 3, **changes}


def limits_of(*entries: Any) -> dict[str, InferenceLimits]:
    return InferenceLimits.from_access_check_result({"response_type": "ACCEPT", "limits": list(entries)})


def test_a_limit_is_read_under_the_models_full_name() -> None:
    found = limits_of(entry(), entry(resourceName="o/m:2", limit=0, totalUsage=0))
    assert set(found) == {"o/m:1", "o/m:2"}
    assert (found["o/m:1"].limit, found["o/m:1"].total_usage, found["o/m:1"].initial_total_usage) == (10, 3, 3)
    assert found["o/m:2"].limit == 0


def test_an_absent_or_null_limit_is_no_entry() -> None:
    absent = entry()
    del absent["limit"]
    assert limits_of(absent, entry(limit=None)) == {}
    assert InferenceLimits.from_access_check_result({"limits": None}) == {}
    assert InferenceLimits.from_access_check_result({}) == {}
    assert limits_of() == {}


def test_other_resources_are_passed_over() -> None:
    assert limits_of(entry(resourceType="COFFEE", totalUsage="x")) == {}


@pytest.mark.parametrize(
    "bad",
    [
        "text",
        None,
        entry(limit="10"),
        entry(limit=-1),
        entry(limit=1.5),
        entry(limit=True),
        entry(totalUsage=None),
        entry(totalUsage=-3),
        entry(resourceName=""),
        entry(resourceName=7),
    ],
)
def test_an_answer_of_another_shape_is_refused_as_a_whole(bad: Any) -> None:
    with pytest.raises(BadInput, match=r"limit\.malformed"):
        limits_of(entry(), bad)


def test_limits_that_are_not_a_list_are_refused() -> None:
    with pytest.raises(BadInput, match=r"limit\.malformed"):
        InferenceLimits.from_access_check_result({"limits": {"o/m:1": 3}})


def test_limits_have_the_names_of_the_field_and_remember_where_use_began() -> None:
    found = InferenceLimits(limit=5, total_usage=2)
    found.total_usage += 3
    assert (found.limit, found.total_usage, found.initial_total_usage) == (5, 5, 2)
    assert [each.name for each in dataclasses.fields(found) if each.init] == ["limit", "total_usage"]
    with pytest.raises(TypeError):
        InferenceLimits(5, 2)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("check", "mode", "free", "exhausted"),
    [
        (None, "unknown", 0.0, False),
        (Check(None, 5, 0), "unlimited", None, False),
        (Check(10, 5, 0), "stops", 5.0, False),
        (Check(10, 10, 0), "stops", 0.0, True),
        (Check(10, 11, 0), "stops", 0.0, True),
        (Check(0, 0, 0), "stops", 0.0, True),
    ],
)
def test_absent_unlimited_and_nothing_are_three_things(
    check: Check | None, mode: str, free: float | None, exhausted: bool
) -> None:
    found = read_meter(KEY, check, 0, 0)
    assert (found.mode, found.free, found.exhausted) == (mode, free, exhausted)
    assert found.id == KEY.id


def test_what_is_used_is_never_less_than_either_side_has_counted() -> None:
    assert read_meter(KEY, Check(100, 40, 10), 25, 5).used == 55
    assert read_meter(KEY, Check(100, 10, 40), 45, 5).used == 45
    assert read_meter(KEY, Check(100, 40, 10), 25, 5).free == 40


@given(limit=st.none() | amounts, network=amounts, local=amounts, since=amounts, reserved=amounts, wanted=amounts)
def test_a_promise_never_goes_over_the_limit(
    limit: float | None, network: float, local: float, since: float, reserved: float, wanted: float
) -> None:
    found = read_meter(KEY, Check(limit, network, local), local + since, reserved)
    assert found.used >= max(network, local + since)
    promised = grantable(found, wanted)
    assert 0 <= promised <= wanted
    if limit is None:
        assert promised == wanted
    elif promised > 0:
        assert found.used + found.reserved + promised <= limit
    else:
        assert wanted == 0 or found.exhausted
    assert grantable(read_meter(KEY, None, local, reserved), wanted) == 0


@given(used=st.lists(amounts, max_size=8), reserved=amounts)
def test_a_reservation_is_eaten_by_its_own_use_and_never_owes(used: list[float], reserved: float) -> None:
    total = 0.0
    left = outstanding(reserved, total)
    for amount in used:
        total += amount
        now = outstanding(reserved, total)
        assert 0 <= now <= left
        left = now
    assert total + left >= reserved


@pytest.mark.parametrize("bad", [-1, math.nan, math.inf, -math.inf, True])
def test_usage_that_goes_backwards_or_nowhere_is_refused(bad: float) -> None:
    with pytest.raises(BadInput, match=r"limit\.bad-amount"):
        check_amount(bad)


def test_amounts_are_numbers_from_nothing_on() -> None:
    assert check_amount(0) == 0.0
    assert check_amount(7) == 7.0
    with pytest.raises(BadInput):
        check_amount(0, least=1)


@given(*[st.text(max_size=6)] * 6)
def test_two_meters_never_share_a_name(a: str, b: str, c: str, d: str, e: str, f: str) -> None:
    one, other = Key(a, b, c), Key(d, e, f)
    assert (one.id == other.id) == (one == other)
    assert json.dumps(one.id).isascii()
    assert isinstance(read_meter(one, None, 0, 0), Meter)


def test_a_model_without_a_limit_hides_none_of_those_after_it() -> None:
    def listed(name: str, limit: int | None) -> dict[str, object]:
        return {"resourceType": "MODEL_INFERENCE", "resourceName": name, "limit": limit, "totalUsage": 1}

    found = InferenceLimits.from_access_check_result({"limits": [listed("a/a:1", None), listed("b/b:1", 5)]})
    assert list(found) == ["b/b:1"]


def test_a_meter_keeps_when_it_was_last_used() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    key = Key("local", "p", "a/b:1")
    for check in (None, Check(5, 0, 0)):
        assert read_meter(key, check, 0, 0, at).last_used == at


def test_what_is_no_amount_and_no_answer_have_their_codes() -> None:
    with pytest.raises(BadInput) as amount:
        check_amount(-1)
    assert amount.value.code == "limit.bad-amount"
    with pytest.raises(BadInput) as answer:
        InferenceLimits.from_access_check_result({"limits": "none"})
    assert answer.value.code == "limit.malformed"


def test_an_overrun_is_the_most_that_was_used_beyond_a_limit_that_stops() -> None:
    def own(amount: float, used: float, effect: Effect = "stops") -> Own:
        return Own(OwnLimit("lim_1", 1, Scope(requester="lab"), "day", amount, effect), used, 0)

    def overrun(limit: float | None, used: float, *own: Own) -> float:
        return read_meter(KEY, Check(limit, used, 0), 0, 0, own=own).overrun

    assert overrun(None, 9) == 0.0
    assert overrun(9, 9) == 0.0
    assert overrun(9, 9.5) == 0.5
    assert overrun(9, 12, own(5, 7)) == 3.0
    assert overrun(9, 10, own(5, 7), own(1, 4)) == 3.0
    assert overrun(None, 10, own(5, 7)) == 2.0
    assert overrun(None, 10, own(5, 99, "warns"), own(5, 4)) == 0.0


def test_a_limit_of_nothing_is_reached_by_the_first_use_and_told_once() -> None:
    assert crossed(0, 0.5, 0, 0.8) == 1.0
    assert crossed(1, 2, 0, 0.8) is None
    assert crossed(0, 0, 0, 0.8) is None


def test_an_answer_that_cannot_be_read_says_what_to_do() -> None:
    assert malformed().as_dict() == {
        "code": "limit.malformed",
        "what": "The limits of this request cannot be read.",
        "why": "The network's access check answered in a form that is not the agreed one.",
        "next_step": "Nothing is delivered on such an answer. Tell the network's operator.",
    }
