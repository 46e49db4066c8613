"""By what the network knows who speaks: the gate's own key, or what the pod itself shows with each of its calls.

What a pod shows is held in memory only, the latest of each kind, and is used for nothing but what the gate says to the
network in the pod's place (gate contract, section 3.1).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from podadmin.core.clock import Clock
from podadmin.core.errors import Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks.bitfount.client import Metadata, api_key_metadata
from podadmin.networks.bitfount.places import Role
from podadmin.networks.bitfount.tokens import claims

PROOFS: Final = frozenset({"token", "x-api-key-id", "x-api-key"})
"""The metadata by which a message service knows a caller (bitfount contract, section 5.1)."""
_HEADERS: Final = frozenset({"authorization", "x-api-key-id", "x-api-key"})
_TELLING: Final = (PROOFS | _HEADERS) - {"x-api-key"}
"""Those that say who calls; the secret half of a key says nothing beside its id."""
_REMEMBERED: Final = 16
_GOOD_FOR: Final = 3600.0
_OFTEN: Final = 10.0
"""Seconds in which the same proof is not noted again."""


class Credentials(Protocol):
    """How the gate proves itself to a network."""

    def metadata(self) -> Metadata:
        """For the message service. Raises Unavailable (`gate.pod-silent`)."""

    def headers(self, role: Role) -> Mapping[str, str]:
        """For the hub and the access manager. Raises Unavailable (`gate.pod-silent`)."""


class OwnKey:
    """An API key of the gate itself: it is a member of the network."""

    def __init__(self, key_id: str, key: Secret[str]) -> None:
        self._id = key_id
        self._key = key

    def metadata(self) -> Metadata:
        return api_key_metadata(self._id, self._key.reveal())

    def headers(self, role: Role) -> Mapping[str, str]:
        return dict(self.metadata())


class OfThePod:
    """What the pod showed last, and which of it the network has believed. Safe from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._metadata: Secret[str] | None = None
        self._latest: Metadata = ()
        self._latest_at = 0.0
        self._account: tuple[str, str] | None = None
        self._headers: dict[Role, Secret[str]] = {}
        self._believed: OrderedDict[str, float] = OrderedDict()

    def metadata(self) -> Metadata:
        if self._metadata is None:
            raise _silent()
        return tuple((str(key), str(value)) for key, value in json.loads(self._metadata.reveal()))

    def headers(self, role: Role) -> Mapping[str, str]:
        kept = self._headers.get(role)
        if kept is not None:
            return {str(key): str(value) for key, value in json.loads(kept.reveal()).items()}
        found = dict(self.metadata())
        if "token" in found:
            return {"authorization": f"Bearer {found['token']}"}
        return {name: value for name, value in found.items() if name in _HEADERS}

    def believed(self, shown: Metadata) -> None:
        """The network has answered a call with this proof."""
        now = self._clock.monotonic()
        if shown == self._latest and now - self._latest_at < _OFTEN:
            return
        with self._lock:
            self._latest, self._latest_at = shown, now
            self._metadata = Secret(json.dumps(list(shown)))
            self._believed[_digest(shown)] = now
            self._believed.move_to_end(_digest(shown))
            while len(self._believed) > _REMEMBERED:
                self._believed.popitem(last=False)

    def is_believed(self, shown: Metadata) -> bool:
        """Has the network believed this very proof lately, and is it the pod's? A stranger on this machine has none."""
        when = self._believed.get(_digest(shown))
        return when is not None and self._clock.monotonic() - when < _GOOD_FOR and self._is_own(shown)

    def took(self, shown: Metadata) -> None:
        """A decided request was fetched with this proof; before the first one no code of a task can have run there."""
        self._account = self._account or _account(shown)

    def renewed(self, key_id: str) -> None:
        """A new pod is started: with the API key of this id, or with what it will fetch its first request with."""
        self._account = ("key", key_id) if key_id else None

    def must_be_own(self, shown: Sequence[tuple[str, str]]) -> None:
        """Raises Refused (`gate.other-account`) for a proof of another account than the one that fetched the first
        request. `shown`: headers by names in small letters, or metadata.

        A pod has one account while it runs; code in its worker can bring a stranger's.
        """
        if not self._is_own(shown):
            raise Refused(
                "gate.other-account",
                "A call of the pod to its network was stopped.",
                "It speaks for another account than the one with which the pod fetched its tasks.",
                "Look at the task that runs. If you gave the pod another account, start podadmin again.",
            )

    def _is_own(self, shown: Sequence[tuple[str, str]]) -> bool:
        return self._account in {None, _account(shown)}

    def asked(self, role: Role, headers: Mapping[str, str]) -> None:
        """The network has answered a question with these headers."""
        proof = {name.lower(): value for name, value in headers.items() if name.lower() in _HEADERS}
        if proof:
            with self._lock:
                self._headers[role] = Secret(json.dumps(proof))


def proof_in(metadata: Sequence[tuple[str, str | bytes]]) -> Metadata:
    """What in the metadata of a call says who calls, in the order of names."""
    return tuple(sorted((key, value) for key, value in metadata if key in PROOFS and isinstance(value, str)))


def _account(shown: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    """The kind of a proof, and whom it speaks for: the id of an API key, or the subject of a token, whose signature the
    network verifies; empty for a token that only the network can read. None for no proof, and for several: which one
    counts, only their reader knows.
    """
    found = [(name, proof) for name, proof in shown if name in _TELLING]
    if len(found) != 1:
        return None
    name, proof = found[0]
    if name == "x-api-key-id":
        return "key", proof
    return "token", str(claims(proof).get("sub", ""))


def _digest(shown: Metadata) -> str:
    return hashlib.sha256(repr(tuple(sorted(shown))).encode()).hexdigest()


def _silent() -> Unavailable:
    return Unavailable(
        "gate.pod-silent",
        "The network cannot be asked yet.",
        "The pod has not connected through this gate since it was switched on, and the gate has no key of its own.",
        "Start the pod with the environment that `podadmin gate environment` prints.",
    )
