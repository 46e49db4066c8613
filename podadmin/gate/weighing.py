"""The verdict on a request that was opened and verified: limits, grants and rules as they are when it is recorded.

Everything that takes long (the cryptography, the network's answers, reading SQL) is done before; what is left is asked
through the connection that writes the verdict down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from podadmin.core.clock import unstamp
from podadmin.gate.findings import effects_shown, limit_shown, problem_shown, trace_shown
from podadmin.gate.ports import Ports
from podadmin.journal.records import last_entry
from podadmin.limits import service as limits
from podadmin.limits.model import Key, Meter
from podadmin.networks.bitfount.access_manager import AccessAnswer
from podadmin.requests import differencing, rule_service, service
from podadmin.requests.decide import LATER, decide
from podadmin.requests.difference import beside_protocol
from podadmin.requests.effects import Effects
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.grant_pins import pins_of, surroundings
from podadmin.requests.protocols import Protocol
from podadmin.requests.purposes import as_pin, purposes_of
from podadmin.requests.rule_facts import facts_of
from podadmin.requests.rule_history import Tried, policy_mark, prepared_grants
from podadmin.requests.service import LimitSeen, Opening
from podadmin.requests.simulation import Circumstances
from podadmin.store.engine import Store


@dataclass(frozen=True)
class Prepared:
    """A verified request with what is known of it before it is decided.

    `records`: how many its datasource has, None where that is not known. `hashes`: those of its models, by slug.
    `shown`: what its verification has to show.
    """

    request_id: str
    verified: Verified[VerifiedRequest]
    protocol: Protocol
    effects: Effects
    answer: AccessAnswer | None
    sealed_digest: str
    records: int | None
    hashes: Mapping[str, str]
    shown: Mapping[str, Any]

    @property
    def datasource(self) -> str:
        return self.verified.value.pod_identifier.partition("/")[2]


def look_ahead(store: Store, prepared: Prepared) -> None:
    """Read the SQL of earlier requests, so that it is known when the verdict is written. What is found counts then, and
    not now: other requests can be decided in between.
    """
    with store.read() as connection:
        _beside(connection, prepared)


def weighed(ports: Ports, shelf: rule_service.Shelf, prepared: Prepared, connection: Connection) -> Opening:
    """The verdict as it is now, with everything that it rests on."""
    request, protocol, answer = prepared.verified.value, prepared.protocol, prepared.answer
    now = ports.clock.now()
    seen = _limits_seen(protocol, answer)
    purposes = purposes_of(connection, request.project_claimed or "")
    pins = pins_of(prepared.verified, surroundings(prepared.effects, as_pin(purposes), prepared.hashes))
    rules, mark = shelf.rules(connection), policy_mark(connection)
    meters = tuple(_meter(connection, prepared, each, now) for each in seen)
    beside = _beside(connection, prepared) if "beside" in rules.asks else None
    facts = facts_of(prepared.verified, prepared.effects, _inferences(protocol, prepared.records), purposes, beside)
    last = last_entry(connection)
    verdict = decide(
        prepared.verified,
        effects=prepared.effects,
        grants=prepared_grants(connection, pins),
        limits=meters,
        access=answer.code.name if answer else LATER if ports.foreign else None,
        now=now,
        replay=service.seen_before(connection, prepared.request_id, prepared.sealed_digest),
        pins=pins,
        rules=rules,
        facts=facts,
        latest=unstamp(last.at) if last else None,
    )
    findings = {
        **prepared.shown,
        "protocol": request.protocol,
        "decided_on": beside_protocol(request),
        "effects": effects_shown(prepared.effects),
        "trace": trace_shown(verdict),
        "limits": [limit_shown(meter) for meter in meters],
        "wants": [
            {"resource": meter.key.resource, "amount": _wanted(prepared.records, meter)}
            for meter in meters
            if protocol.models
        ],
        "models": [{"resource": each.slug, "hash": prepared.hashes.get(each.slug, "")} for each in protocol.models],
        "access": answer.code.name if answer else "",
        "pod_identifier": request.pod_identifier,
        "code": verdict.code,
    }
    if verdict.outcome == "refuse":
        findings["problem"] = problem_shown(verdict)
    return Opening(
        requester=request.requester.name_claimed,
        task=protocol.task,
        datasource=prepared.datasource,
        project=request.project_claimed or "",
        risk=prepared.effects.risk,
        verified="verified",
        fingerprint=pins.fingerprint,
        verdict=verdict.outcome,
        code=verdict.code,
        words="Waiting for your decision" if verdict.outcome == "hold" else verdict.words,
        answerable=True,
        findings=findings,
        sealed_digest=prepared.sealed_digest,
        grant_id=verdict.grant_id,
        seen=seen,
        pins=pins,
        rule=verdict.rule,
        votes_needed=verdict.reviewers if verdict.reviewers > 1 else 0,
        review_why="A rule asks for it" if verdict.reviewers > 1 else "",
        tried=Tried(now, facts, Circumstances.of(verdict), mark),
    )


def _beside(connection: Connection, prepared: Prepared) -> bool | None:
    network = prepared.verified.value.network
    return differencing.beside(connection, prepared.request_id, network, prepared.datasource, prepared.protocol)


def _meter(connection: Connection, prepared: Prepared, seen: LimitSeen, now: datetime) -> Meter:
    """The meter as it will stand once what the network just said is recorded."""
    request = prepared.verified.value
    return limits.as_checked(
        connection,
        Key(request.network, request.project_claimed or "", seen.resource),
        seen.limit,
        seen.network_total,
        now=now,
        requester=request.requester.name_claimed,
        datasource=prepared.datasource,
    )


def _limits_seen(protocol: Protocol, answer: AccessAnswer | None) -> tuple[LimitSeen, ...]:
    """What the network said about the models of this task; a model about which it said nothing is unlimited there."""
    if answer is None or not answer.accepted:
        return ()
    said = {each.resource_name: each for each in answer.limits}
    found: list[LimitSeen] = []
    for model in protocol.models:
        if model.slug:
            limit = said.get(model.slug)
            found.append(
                LimitSeen(model.slug, limit.limit, limit.total_usage) if limit else LimitSeen(model.slug, None, 0.0)
            )
    return tuple(dict.fromkeys(found))


def _inferences(protocol: Protocol, records: int | None) -> float | None:
    """The most inferences that the task can use: one for each record and model; None where that is not known."""
    if not protocol.models:
        return 0.0
    return None if records is None else float(records * len(protocol.models))


def _wanted(records: int | None, meter: Meter) -> float:
    """How many inferences the task can use at the most: one for each record; all that is free where that is unknown."""
    if records is not None:
        return float(records)
    return meter.free if meter.free is not None else 0.0
