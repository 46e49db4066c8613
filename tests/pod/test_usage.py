"""The arithmetic of inference limits, by its properties."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from podadmin.pod.usage import InferenceLimit, settle

_amount = st.integers(min_value=0, max_value=10**6)
_batches = st.lists(st.integers(min_value=0, max_value=5000), max_size=30)


def delivered(limit: InferenceLimit, batches: list[int]) -> tuple[int, bool]:
    total = 0
    for batch in batches:
        settled = settle(limit, batch)
        limit = settled.after
        total += settled.allowed
        if settled.ended:
            return total, True
    return total, False


@given(_amount, _amount, _batches)
def test_never_more_is_delivered_than_the_limit_leaves(limit: int, used: int, batches: list[int]) -> None:
    total, ended = delivered(InferenceLimit(limit, used), batches)
    assert total <= max(0, limit - used)
    assert total == min(sum(batches), max(0, limit - used)) or not batches
    assert ended == (bool(batches) and used + sum(batches) >= limit)


@given(_amount, _batches)
def test_without_a_limit_everything_is_delivered(used: int, batches: list[int]) -> None:
    assert delivered(InferenceLimit(None, used), batches) == (sum(batches), False)


@given(_amount, _amount, st.integers(min_value=0, max_value=5000))
def test_the_size_of_batches_does_not_matter(limit: int, used: int, rows: int) -> None:
    whole = delivered(InferenceLimit(limit, used), [rows])[0]
    halves = delivered(InferenceLimit(limit, used), [rows // 2, rows - rows // 2])[0]
    assert whole == halves


def test_the_examples_of_the_contract() -> None:
    ten_of_twenty = InferenceLimit(20, 10)
    assert (settle(ten_of_twenty, 14).allowed, settle(ten_of_twenty, 14).ended) == (10, True)
    assert (settle(ten_of_twenty, 10).allowed, settle(ten_of_twenty, 10).ended) == (10, True)
    assert (settle(ten_of_twenty, 9).allowed, settle(ten_of_twenty, 9).ended) == (9, False)
    assert (settle(InferenceLimit(0, 0), 5).allowed, settle(InferenceLimit(0, 0), 5).ended) == (0, True)
    assert (InferenceLimit(20, 10).left, InferenceLimit(20, 30).left, InferenceLimit(None, 3).left) == (10, 0, None)
