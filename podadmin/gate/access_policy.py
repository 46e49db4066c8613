"""The policy of the access check: only what was decided and is being delivered, and never more than is free.

The same for the built-in worker and for a real pod: what the pod is about to run is compared with what was decided,
the network's limits are recorded, and the pod gets the stricter of network and custodian (gate contract, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from podadmin.core.canon import canonical
from podadmin.core.errors import Refused
from podadmin.core.text import stranger
from podadmin.gate.ports import Ports
from podadmin.limits import service as limits
from podadmin.limits.model import MODEL_INFERENCE, Key, Meter
from podadmin.networks.bitfount.access_manager import AccessAnswer, ResourceLimit
from podadmin.networks.bitfount.types import PodResponseType
from podadmin.requests import service
from podadmin.requests.protocols import read_protocol
from podadmin.requests.service import GATE, Found
from podadmin.requests.state import State
from podadmin.store.unit import Fact, Unit

_NOTHING_LEFT = frozenset({"limit.exhausted", "limit.own-exhausted", "limit.settled"})
NOTHING_DECIDED: Mapping[str, Any] = {"code": PodResponseType.UNAUTHORISED.name, "limits": None}
"""The answer where what the pod would run is not what was decided, or nothing was."""


class AccessPolicy:
    """Its methods use the store: not in the loop."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def decided(self, digest: str | None, protocol: object, requester: str | None = None) -> Found | None:
        """The request that is being delivered, where it is this one: by the SHA-256 of its sealed part, or where the
        requester proved itself by a log-in and nothing is signed, by who asks; and with this very protocol.
        """
        active = service.active(self._ports.store)
        if active is None or active.row.state != State.DELIVERING:
            return None
        same = active.findings.get("ciphertext") == digest if digest else active.row.requester == requester
        if not same or not is_about(protocol, active.findings.get("protocol")):
            return None
        return active

    def narrowed(self, found: Found, answer: AccessAnswer) -> dict[str, Any]:
        """The network's limits are recorded; what the pod gets is what is free after everything that is reserved.

        A request for which nothing was reserved when it was approved, because the network was silent then, reserves
        now; where nothing is left for it, it does not start.
        """
        if not answer.accepted:
            return {"code": answer.code.name, "limits": None}
        inferences = [each for each in answer.limits if each.resource_type == MODEL_INFERENCE]
        body: dict[str, Any] = {
            "request": found.row.id,
            "limits": [[each.resource_name, each.limit] for each in inferences],
        }
        fetched = [[each.resource_name, _place(each)] for each in inferences if each.model_download_url]
        if fetched:
            body["models_from"] = fetched
        try:
            with self._ports.store.record(Fact(GATE, "limit.checked", found.row.id, body)) as unit:
                narrowed = self._taken_down(unit, found, inferences)
        except Refused as error:
            if error.code not in _NOTHING_LEFT:
                raise
            with self._ports.store.record(Fact(GATE, "limit.checked", found.row.id, {**body, "refused": error.code})):
                return {"code": PodResponseType.UNAUTHORISED.name, "limits": None}
        others = [each.as_json() for each in answer.limits if each.resource_type != MODEL_INFERENCE]
        return {"code": answer.code.name, "limits": [*narrowed, *others] or None}

    def _taken_down(self, unit: Unit, found: Found, told: list[ResourceLimit]) -> list[dict[str, Any]]:
        row, now = found.row, self._ports.clock.now()
        runs = {model.slug for model in read_protocol(found.findings["protocol"]).models}
        reserves = not limits.has_reserved(unit.connection, row.id)
        narrowed: list[dict[str, Any]] = []
        for each in told:
            key = Key(row.network, row.project, each.resource_name)
            limits.note_limits(
                unit,
                network=key.network,
                project=key.project,
                resource=key.resource,
                limit=each.limit,
                network_total=each.total_usage,
                request_id=row.id,
                at=now,
            )
            meter = limits.meter_of(
                unit.connection, key, now=now, requester=row.requester, datasource=row.datasource, without=row.id
            )
            # the network tells the limits of a whole project; only what the task runs can be used by it
            if reserves and each.resource_name in runs:
                limits.reserve(
                    unit,
                    request_id=row.id,
                    network=key.network,
                    project=key.project,
                    resource=key.resource,
                    requester=row.requester,
                    datasource=row.datasource,
                    wanted=meter.free or 0.0,
                    at=now,
                )
            narrowed.append(_narrower(each, meter))
        return narrowed


def is_about(asked: object, decided: object) -> bool:
    """Is the protocol of a question the one that was decided, whole or as a real pod asks about it?

    A real pod leaves the schema of each model out of its question, for brevity: it is the largest part, and it runs the
    protocol with it. Nothing else may be missing, and nothing may be added (seen with bitfount 13.0.0).
    """
    told = canonical(asked)
    return told == canonical(decided) or told == canonical(_without_schemas(decided))


def _without_schemas(protocol: object) -> object:
    if not isinstance(protocol, Mapping):
        return protocol
    algorithms = protocol.get("algorithm")
    if isinstance(algorithms, Mapping):
        return {**protocol, "algorithm": _without_schema(algorithms)}
    if isinstance(algorithms, (list, tuple)):
        return {**protocol, "algorithm": [_without_schema(each) for each in algorithms]}
    return protocol


def _without_schema(algorithm: object) -> object:
    if not isinstance(algorithm, Mapping) or not isinstance(algorithm.get("model"), Mapping):
        return algorithm
    return {**algorithm, "model": {name: part for name, part in algorithm["model"].items() if name != "schema"}}


def _place(told: ResourceLimit) -> str:
    """Where a model is fetched from: host and path. The rest of such an address is a key to it."""
    parts = urlsplit(told.model_download_url or "")
    return stranger(f"{parts.hostname}{parts.path}", 300)


def _narrower(told: ResourceLimit, meter: Meter) -> dict[str, Any]:
    """What the pod is told: the network's words, with a total and a limit between which lies only what is free."""
    if meter.free is None:
        return told.as_json()
    used = max(int(meter.used + meter.reserved), told.total_usage)
    limit = used + int(meter.free) if told.limit is None else min(told.limit, used + int(meter.free))
    return replace(told, limit=limit, total_usage=used).as_json()
