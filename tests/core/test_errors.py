"""An error that a user meets has four parts, an exit code by its kind, and one form for every reader."""

from __future__ import annotations

import pickle

import pytest

from podadmin.core.errors import (
    BadInput,
    Cancelled,
    ExitCode,
    NotFound,
    PodadminError,
    Refused,
    Tampered,
    Unavailable,
)


@pytest.mark.parametrize(
    ("kind", "code"), [(BadInput, 2), (NotFound, 3), (Refused, 4), (Unavailable, 5), (Tampered, 6), (PodadminError, 1)]
)
def test_the_kind_decides_the_exit_code(kind: type[PodadminError], code: int) -> None:
    error = kind("room.cause", "What.", "Why.", "Next.")
    assert error.exit_code == code
    assert str(error) == "What. Why. Next. [room.cause]"
    assert error.as_dict() == {"code": "room.cause", "what": "What.", "why": "Why.", "next_step": "Next."}


def test_a_cancel_is_no_fault_and_says_what_was_stopped() -> None:
    assert Cancelled().exit_code == ExitCode.REFUSED
    assert Cancelled("The schema was not generated.").what == "The schema was not generated."
    assert Cancelled().code == "core.cancelled"


def test_an_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(Refused("room.cause", "What.", "Why.", "Next.")))
    assert isinstance(error, Refused)
    assert error.as_dict()["why"] == "Why."


def test_a_cancel_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(Cancelled("It was stopped.")))
    assert isinstance(error, Cancelled)
    assert error.what == "It was stopped."
