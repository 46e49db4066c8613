"""The keys of a network that the gate holds to what it saw first: the hub's signing keys and the access manager's.

The gate checks them itself, whatever the pod does with them: another key under a known name is not passed on, and the
custodian is told (the book of trust, `podadmin.vault.trust`).
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput, Tampered
from podadmin.core.text import stranger
from podadmin.networks.bitfount.crypto import read_public_key
from podadmin.networks.bitfount.tokens import unpadded
from podadmin.store.engine import Store
from podadmin.vault import trust
from podadmin.vault.model import public_forms

JWKS_PATH = "/api/hub-public-keys/jwks"
ACCESS_KEY_PATH = "/api/access-manager-key"
_RSA = "RSA"
_MOST_KEYS = 32
_SMALLEST, _LARGEST = 2048, 16384
"""Bits of a key: what is below can be broken, and what is above keeps whoever checks a signature busy."""
_EXPONENT = 65537


def hub_keys(document: bytes) -> Mapping[str, RSAPublicKey]:
    """The RSA keys of a JSON Web Key Set by their names (RFC 7517). Raises BadInput (`gate.bad-keys`), also where two
    have one name: a pod takes the first of them.
    """
    found: dict[str, RSAPublicKey] = {}
    try:
        entries = json.loads(document)["keys"]
        if not isinstance(entries, list) or len(entries) > _MOST_KEYS:
            raise ValueError("not a list of keys, or too long a one")
        for entry in entries:
            if entry.get("kty") != _RSA:
                continue
            name = entry["kid"]
            if not isinstance(name, str) or name in found:
                raise ValueError("a key that could be taken for another one")
            found[name] = _rsa(entry)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise _unreadable("hub") from None
    return found


def as_read(document: bytes) -> bytes:
    """A set that `hub_keys` has read, without keys of other kinds: what was not held against its pin reaches no pod.

    It is written anew, so that whoever reads it in another way finds the same keys.
    """
    told = json.loads(document)
    read = [entry for entry in told["keys"] if entry.get("kty") == _RSA]
    return json.dumps({**told, "keys": read}).encode()


def pin_hub_keys(store: Store, clock: Clock, network: str, document: bytes) -> Mapping[str, RSAPublicKey]:
    """The hub's keys, where each is the one that was seen first.

    Raises BadInput (`gate.bad-keys`), Tampered (`gate.hub-key-changed`), Refused (`vault.distrusted`).
    """
    found = hub_keys(document)
    for key_id, key in found.items():
        forms = public_forms(key)
        if not trust.see(store, clock, trust.Seen("hub", network, network, key_id[:300], forms.fingerprint, forms.pem)):
            raise _changed("hub", key_id)
    return found


def pin_access_key(store: Store, clock: Clock, network: str, document: bytes) -> bytes:
    """The answer with the access manager's key as the pod gets it, once the key is the one that was seen first.

    A pod reads more than a strict reader does: what cannot be read here is not passed on. Raises as `pin_hub_keys` and
    BadInput `crypto.public-key`.
    """
    try:
        told = json.loads(document)
        text = told["accessManagerPublicKey"]
        if not isinstance(text, str):
            raise ValueError("not a key")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unreadable("access manager") from None
    forms = public_forms(read_public_key(text))
    if not trust.see(store, clock, trust.Seen("access-manager", network, network, "", forms.fingerprint, forms.pem)):
        raise _changed("access manager", network)
    return json.dumps(told).encode()


def _rsa(entry: Mapping[str, Any]) -> RSAPublicKey:
    numbers = RSAPublicNumbers(_number(entry["e"]), _number(entry["n"]))
    if not _SMALLEST <= numbers.n.bit_length() <= _LARGEST or numbers.e < _EXPONENT:
        raise ValueError("a key that is weak, or takes for ever to check with")
    return numbers.public_key()


def _number(text: str) -> int:
    return int.from_bytes(unpadded(text), "big")


def _unreadable(whose: str) -> BadInput:
    return BadInput(
        "gate.bad-keys",
        f"The keys of the network's {whose} cannot be read.",
        f"What the {whose} answers does not have the form of keys.",
        "Nothing that they are for is used. If it happens again, tell the network.",
    )


def _changed(whose: str, name: str) -> Tampered:
    return Tampered(
        "gate.hub-key-changed",
        f"The {whose} of the network now has another key than before.",
        f"The key {stranger(name, 60)} was pinned when it was first seen, and it is a different one now.",
        "Ask the network whether it changed its keys; then replace the pin on the Keys page.",
    )
