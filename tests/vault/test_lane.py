"""Calls that never return stop neither their caller nor each other for longer than was agreed."""

from __future__ import annotations

import threading

import pytest

from podadmin.core.errors import Cancelled
from podadmin.vault.lane import Lane


def test_results_and_errors_come_back_to_the_caller() -> None:
    lane = Lane("test", 5)
    assert lane.run(lambda: 42) == 42
    with pytest.raises(KeyError):
        lane.run(lambda: {}["missing"])
    assert lane.run(threading.current_thread).daemon


def test_a_call_that_hangs_is_given_up_and_no_second_one_starts_beside_it() -> None:
    lane, released, started = Lane("test", 0.05), threading.Event(), []

    def hang() -> None:
        started.append(threading.current_thread())
        released.wait(60)

    for _ in range(2):
        with pytest.raises(TimeoutError):
            lane.run(hang)
    assert len(started) == 1
    released.set()
    started[0].join(60)
    assert lane.run(lambda: "again") == "again"


def test_a_person_is_waited_for_longer_and_can_call_it_off() -> None:
    lane, released, looks = Lane("test", 0.05), threading.Event(), [0]

    def typed() -> str:
        released.wait(60)
        return "the password"

    def look() -> None:
        looks[0] += 1
        if looks[0] == 2:
            released.set()

    assert lane.run(typed, 60, look) == "the password"
    assert looks[0] == 2

    def called_off() -> None:
        raise Cancelled

    held = threading.Event()
    with pytest.raises(Cancelled):
        lane.run(lambda: held.wait(60), 60, called_off)
    held.set()
    stuck = threading.Event()
    with pytest.raises(TimeoutError):
        lane.run(lambda: stuck.wait(60), 0.1, lambda: None)
    stuck.set()
