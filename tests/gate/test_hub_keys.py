"""The keys of a hub: what a pod could take for a key that was never held against its pin is not handed on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from podadmin.core.errors import BadInput
from podadmin.gate.hub_keys import as_read, hub_keys
from podadmin.networks.bitfount.access_manager import MOST_COUNTED, read_answer
from podadmin.vault.forms import jwk

KEY: dict[str, Any] = {
    **jwk(rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()),
    "kid": "hub-1",
}


def document(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


@pytest.mark.parametrize(
    "keys",
    [
        [KEY, KEY],
        [{**KEY, "n": KEY["n"][::-1].lstrip("A")}, KEY],
        [{**KEY, "kid": 5}],
        [{**KEY, "kid": ["hub-1"]}],
        [{**KEY, "kid": None}],
        [{**KEY, "e": "AQ"}],
        [{**KEY, "e": "Aw"}],
        [{**KEY, "n": "AQAB"}],
        [{**KEY, "n": "_" * 30_000 + "w"}],
        [{**KEY, "kid": str(number)} for number in range(33)],
        ["hub-1"],
    ],
)
def test_a_key_that_could_be_taken_for_another_ends_the_reading(keys: list[Any]) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        hub_keys(document(*keys))


def test_keys_of_other_kinds_are_not_handed_on() -> None:
    only = document(KEY)
    assert list(hub_keys(only)) == ["hub-1"]
    assert json.loads(as_read(only)) == json.loads(only)
    mixed = document({"kty": "oct", "kid": "hub-1", "k": "AAAA"}, {**KEY, "kty": "rsa"}, KEY)
    assert list(hub_keys(mixed)) == ["hub-1"]
    assert json.loads(as_read(mixed)) == {"keys": [KEY]}


@pytest.mark.parametrize("number", [MOST_COUNTED + 1, 2**63, 10**30])
@pytest.mark.parametrize("name", ["limit", "totalUsage"])
def test_a_number_that_no_record_can_hold_is_no_answer_of_an_access_manager(number: int, name: str) -> None:
    entry = {"resourceType": "MODEL_INFERENCE", "resourceName": "a/M:1", "limit": 5, "totalUsage": 0}
    answer = {"code": "ACCEPT", "limits": [{**entry, name: number}]}
    with pytest.raises(BadInput):
        read_answer(json.dumps(answer).encode())
    largest = {"code": "ACCEPT", "limits": [{**entry, name: MOST_COUNTED}]}
    assert read_answer(json.dumps(largest).encode()).accepted
