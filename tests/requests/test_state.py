"""The life of a request: every step that is not in the table is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.app.views.requests import RequestRow
from podadmin.core.errors import Refused
from podadmin.requests.state import TERMINAL, TRANSITIONS, WAITING, Event, State, advance, can_advance

PAIRS = list(itertools.product(State, Event))


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_pair_is_either_in_the_table_or_refused(state: State, event: Event) -> None:
    if can_advance(state, event):
        assert advance(state, event) == TRANSITIONS[state, event]
    else:
        with pytest.raises(Refused, match=r"request\.wrong-state"):
            advance(state, event)


def test_nothing_leaves_a_terminal_state_and_everything_else_can_be_left() -> None:
    left = {state for state, _event in TRANSITIONS}
    assert left.isdisjoint(TERMINAL)
    assert left | TERMINAL == set(State)


def test_only_the_pods_acceptance_makes_a_request_run_and_only_once() -> None:
    into = [pair for pair, state in TRANSITIONS.items() if state is State.RUNNING]
    assert into == [(State.DELIVERING, Event.STARTED)]
    out = {state for (came_from, _event), state in TRANSITIONS.items() if came_from is State.RUNNING}
    assert out <= TERMINAL


@given(st.lists(st.sampled_from(Event), max_size=60))
def test_no_history_runs_a_request_twice(events: list[Event]) -> None:
    state, runs = State.CAPTURED, 0
    for event in events:
        if can_advance(state, event):
            state = advance(state, event)
            runs += state is State.RUNNING
    assert runs <= 1


def test_nothing_runs_or_is_delivered_that_was_not_approved() -> None:
    into = [came_from for (came_from, _event), state in TRANSITIONS.items() if state is State.DELIVERING]
    assert into == [State.APPROVED]
    approving = {event for (_state, event), state in TRANSITIONS.items() if state is State.APPROVED}
    assert approving == {Event.APPROVED, Event.UNDELIVERED}


def test_a_person_can_refuse_wherever_a_person_can_decide() -> None:
    assert all(can_advance(state, Event.REFUSED) for state in WAITING)


def test_every_state_can_be_reached() -> None:
    assert set(TRANSITIONS.values()) | {State.CAPTURED} == set(State)


def test_the_screens_know_every_state() -> None:
    assert all(str(state) in (RequestRow.__doc__ or "") for state in State)
