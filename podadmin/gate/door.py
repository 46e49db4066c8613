"""Who may call the relay as the pod, and with which proof its calls go on to the network."""

from __future__ import annotations

import hmac
from typing import Protocol

from podadmin.core.secret import Secret
from podadmin.gate.credentials import Credentials, OfThePod, proof_in
from podadmin.networks.bitfount import rpc
from podadmin.networks.bitfount.client import Metadata


class Door(Protocol):
    """`own_pod`: the gate itself is the member of the network, and the pod speaks to nobody but the gate."""

    own_pod: bool

    def admit(self, context: rpc.Context) -> Metadata | None:
        """The metadata with which a call goes on; None for a caller who is not the pod."""

    def known(self, shown: Metadata) -> bool:
        """Is it certain that the caller is the pod? Only then a decided request is handed out."""

    def believed(self, shown: Metadata) -> None:
        """The network has answered a call with this metadata."""

    def took(self, shown: Metadata) -> None:
        """With this metadata a decided request was fetched, before any code of its task can have run."""

    def must_be_own(self, shown: Metadata) -> None:
        """Raises Refused (`gate.other-account`) for who speaks for another account than that which fetched requests."""


class OwnPod:
    """The built-in worker, which was started with a credential of this gate."""

    own_pod = True

    def __init__(self, key_id: str, key: Secret[str], credentials: Credentials) -> None:
        self._id = key_id
        self._key = key
        self._credentials = credentials

    def admit(self, context: rpc.Context) -> Metadata | None:
        given = {name: value for name, value in (context.invocation_metadata() or ()) if isinstance(value, str)}
        right = hmac.compare_digest(given.get("x-api-key", "").encode(), self._key.reveal().encode())
        return self._credentials.metadata() if right and given.get("x-api-key-id") == self._id else None

    def known(self, shown: Metadata) -> bool:
        return True

    def believed(self, shown: Metadata) -> None:
        return

    def took(self, shown: Metadata) -> None:
        return

    def must_be_own(self, shown: Metadata) -> None:
        return


class ForeignPod:
    """The network's own software behind the proxy: what each call proves to the network, it proves to the gate."""

    own_pod = False

    def __init__(self, credentials: OfThePod) -> None:
        self._credentials = credentials
        self._last: tuple[tuple[object, ...], Metadata] = (), ()

    def admit(self, context: rpc.Context) -> Metadata | None:
        given = tuple(context.invocation_metadata() or ())
        known, shown = self._last
        if given != known:
            shown = proof_in(given)
            self._last = given, shown
        return shown

    def known(self, shown: Metadata) -> bool:
        return self._credentials.is_believed(shown)

    def believed(self, shown: Metadata) -> None:
        self._credentials.believed(shown)

    def took(self, shown: Metadata) -> None:
        self._credentials.took(shown)

    def must_be_own(self, shown: Metadata) -> None:
        self._credentials.must_be_own(shown)
