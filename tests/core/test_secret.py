"""A secret is not printed, compared, hashed or carried away by accident."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest

from podadmin.core.secret import Secret

VALUE = "correct-horse-battery"


@dataclass(frozen=True)
class Holder:
    name: str
    key: Secret[str]


@pytest.mark.parametrize("value", [VALUE, VALUE.encode()])
def test_only_reveal_gives_it_away(value: str | bytes) -> None:
    secret = Secret(value)
    assert secret.reveal() == value
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", f"{secret!s:>40}"]
    assert not any(VALUE in text for text in shown)
    assert VALUE not in repr([secret, {"key": secret}])


def test_it_does_not_reach_a_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("podadmin.test").info("opened %s with %r", Holder("pod", Secret(VALUE)), Secret(VALUE))
    assert "opened" in caplog.text
    assert VALUE not in caplog.text


def test_it_does_not_reach_an_error() -> None:
    error = ValueError("it failed", Secret(VALUE))
    assert VALUE not in "".join(traceback.format_exception(error)) + str(error)


def test_it_is_never_serialised_or_copied() -> None:
    secret = Secret(VALUE)
    for act in (
        lambda: pickle.dumps(secret),
        lambda: pickle.dumps(Holder("pod", secret)),
        lambda: copy.copy(secret),
        lambda: copy.deepcopy(Holder("pod", secret)),
        lambda: json.dumps({"key": secret}),
    ):
        with pytest.raises(TypeError):
            act()


def test_it_cannot_be_compared_or_used_as_a_key() -> None:
    assert Secret(VALUE) != Secret(VALUE)
    assert Secret(VALUE) != VALUE
    with pytest.raises(TypeError):
        hash(Secret(VALUE))


def test_it_has_no_place_for_anything_else() -> None:
    with pytest.raises(AttributeError):
        Secret(VALUE).note = "x"  # type: ignore[attr-defined]
