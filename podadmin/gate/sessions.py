"""The session keys of tasks: never stored, opened again from the sealed bytes when they are needed, kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from podadmin.core.secret import Secret
from podadmin.gate.ports import Ports
from podadmin.networks.bitfount.job_request import open_job_request
from podadmin.requests import service

KEPT = 256


class Sessions:
    """Session keys by request, the ones used last kept. Safe from any thread."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._keys: OrderedDict[str, Secret[bytes]] = OrderedDict()
        self._lock = Lock()

    def keep(self, request_id: str, key: Secret[bytes]) -> None:
        """Remember a key that was just opened."""
        with self._lock:
            self._keys[request_id] = key
            self._keys.move_to_end(request_id)
            while len(self._keys) > KEPT:
                self._keys.popitem(last=False)

    def of(self, request_id: str) -> Secret[bytes]:
        """The key of a request. Raises what opening it raises, and what the vault raises while it is locked."""
        with self._lock:
            if request_id in self._keys:
                self._keys.move_to_end(request_id)
                return self._keys[request_id]
        body = service.bytes_of(self._ports.store, request_id).body
        key = open_job_request(body, self._ports.pod_key(), None).session_key
        self.keep(request_id, key)
        return key
