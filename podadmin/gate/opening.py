"""From sealed bytes to a verdict: open with the pod key, verify, derive effects, ask the network, decide.

Each step is a pure rule of `requests` or one question to the network. What cannot be done now (a locked key, a network
out of reach) leaves the request captured and is tried again; what is wrong with the request itself is its verdict.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from anyio import to_thread

from podadmin.core.clock import unstamp
from podadmin.core.errors import NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.text import stranger
from podadmin.gate.findings import (
    RequesterKey,
    common,
    decide_invalid,
    effects_shown,
    fact,
    flow_shown,
    limit_shown,
    problem_shown,
    sealed_digest_of,
    trace_shown,
)
from podadmin.gate.flow_opening import NotNow, open_interactive, open_trigger
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.sessions import Sessions
from podadmin.journal.records import last_entry
from podadmin.limits import service as limits
from podadmin.limits.model import Key, Meter
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.access_manager import AccessAnswer, AccessManagerClient, AccessRequest
from podadmin.networks.bitfount.crypto import read_public_key
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.job_request import Claims as OuterClaims
from podadmin.networks.bitfount.job_request import OpenedJobRequest, check_signature, open_job_request
from podadmin.networks.bitfount.places import Role
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.requests import rule_service, service
from podadmin.requests.decide import LATER, Verdict, decide
from podadmin.requests.difference import beside_protocol
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import BY_LOG_IN, Claims, Opened, Unverified, Verified, VerifiedRequest, judge
from podadmin.requests.grant_pins import Pins, pins_of, surroundings
from podadmin.requests.protocols import Protocol, read
from podadmin.requests.purposes import as_pin, purposes_of
from podadmin.requests.rule_facts import facts_of
from podadmin.requests.rule_history import Tried, policy_mark, prepared_grants
from podadmin.requests.service import LimitSeen, Opening, Sealed
from podadmin.requests.simulation import Circumstances
from podadmin.vault.model import public_forms

TABLE = "bitfount"
ASK_SECONDS = 5.0
MOST_NAME = 300
"""Characters. No network gives longer names, and a question with one could not be asked."""
log = logging.getLogger("podadmin.gate")


class Opener:
    """Opens captured requests of one network."""

    def __init__(self, ports: Ports, sessions: Sessions, seen: Seen) -> None:
        self._ports = ports
        self._sessions = sessions
        self._seen = seen
        self._rules = rule_service.Shelf()
        upstream = ports.upstream
        shown = upstream.credentials.headers
        self._hub = HubClient(upstream.hub, lambda: shown(Role.HUB), timeout=ASK_SECONDS)
        self._access = AccessManagerClient(
            upstream.access_manager, timeout=ASK_SECONDS, headers=lambda: shown(Role.ACCESS)
        )

    async def open(self, request_id: str) -> bool:
        """Open one request and record its verdict. False where that cannot be done now."""
        sealed = await to_thread.run_sync(service.bytes_of, self._ports.store, request_id)
        try:
            opening = await self._opening(sealed)
        except NotNow as wait:
            self._seen.key_problem = wait.error.what if wait.error.code.startswith("vault.") else ""
            log.info("a request is not opened yet: %s", wait.error.code)
            return False
        except Exception as error:  # noqa: BLE001 - a request that hits a defect is refused; it must not stop the gate
            log.error("unexpected while opening a request: %s", type(error).__name__)  # noqa: TRY400 - may hold data
            opening = self._unopened(sealed, _defect())
        self._seen.key_problem = ""
        try:
            await to_thread.run_sync(service.record_opening, self._ports.store, self._ports.clock, request_id, opening)
        except Refused as error:
            if error.code != "request.wrong-state":
                raise
            log.info("a request was opened by another look meanwhile")
        return True

    async def _opening(self, sealed: Sealed) -> Opening:
        """What opening found. Raises NotNow where it cannot be said yet, for no fault of the request."""
        trigger = pb.BitfountMessage.FromString(sealed.wire)
        try:
            if int(trigger.messageType) != MessageType.JOB_REQUEST:
                if not self._ports.foreign:
                    raise _not_a_job_request(trigger.messageType)
                return await open_trigger(self._ports, self._hub, trigger, sealed)
            opened = await to_thread.run_sync(self._opened, sealed.body)
        except PodadminError as error:
            return self._unopened(sealed, error)
        self._sessions.keep(sealed.request_id, opened.session_key)
        problem: PodadminError | None = None
        key: RequesterKey | None = None
        verified: Verified[VerifiedRequest] | None = None
        try:
            key = await self._requester_key(trigger.sender, opened.outer.key_id)
            if key is not None:
                opened = await to_thread.run_sync(check_signature, opened, key.pem)
            if self._ports.foreign and opened.outer.flow_spec_raw is not None:
                return await open_interactive(self._ports, trigger, sealed, opened, key)
            verified = judge(self._values(sealed, trigger, opened, key), by_network=self._ports.foreign)
        except PodadminError as error:
            problem = error
        if verified is None:
            return self._invalid(sealed, opened, key, problem or _no_key())
        return await self._verified(sealed, opened, key, verified)

    def _opened(self, body: bytes) -> OpenedJobRequest:
        """Open with the pod key. The keyring may be waited for: never in the loop."""
        try:
            key = self._ports.pod_key().once()
            return replace(open_job_request(body, key, None), opened_by=key.opened_by)
        except Unavailable as error:
            raise NotNow(error) from None
        except PodadminError as error:
            if error.code.startswith("vault.") and error.code != "vault.cannot-decrypt":
                raise NotNow(error) from None  # our key is at fault, not the request
            raise

    async def _requester_key(self, requester: str, key_id: str | None) -> RequesterKey | None:
        if not key_id or not requester or max(len(key_id), len(requester)) > MOST_NAME:
            return None
        try:
            registered = await self._hub.key(requester, key_id)
        except NotFound:
            return None
        except (Unavailable, Refused) as error:
            raise NotNow(error) from None
        if not registered.active:
            return None
        forms = public_forms(read_public_key(registered.public_key))

        def pin() -> bool:
            return service.pin_requester_key(
                self._ports.store,
                self._ports.clock,
                network=self._ports.upstream.kind,
                requester=requester,
                key_id=key_id,
                fingerprint=forms.fingerprint,
                public_pem=forms.pem,
            )

        same = await to_thread.run_sync(pin)
        if not same:
            raise Tampered(
                "envelope.key-changed",
                "The network now gives another key for this requester than before.",
                f"The key {stranger(key_id, 60)} of {stranger(requester, 60)} was pinned when it was first seen, "
                "and it is a different one now.",
                "Ask the requester by telephone for the fingerprint of their key before you trust anything under it.",
            )
        return RequesterKey(forms.pem, forms.fingerprint, same)

    def _values(
        self, sealed: Sealed, trigger: pb.BitfountMessage, opened: OpenedJobRequest, key: RequesterKey | None
    ) -> Opened:
        outer = opened.outer
        return Opened(
            network=self._ports.upstream.kind,
            kind="job-request",
            task_id=sealed.task_id,
            pod_identifier=self._ports.addressed(trigger.recipient),
            pod_identifiers=opened.pod_identifiers,
            protocol=opened.protocol,
            claims=Unverified(
                Claims(
                    requester_name=trigger.sender,
                    project_id=outer.project_id,
                    auth_type=outer.auth_type,
                    key_id=outer.key_id,
                    requester_key_fingerprint=key.fingerprint if key else None,
                    outer_protocol=dict(outer.serialized_protocol),
                    flags=_flags(outer),
                    has_flow_spec=outer.flow_spec_raw is not None,
                )
            ),
            signature=opened.signature_state,
            body_digest=sealed_digest_of(opened),
            sent_at=_time(trigger.timestamp),
        )

    async def _verified(
        self,
        sealed: Sealed,
        opened: OpenedJobRequest,
        key: RequesterKey | None,
        verified: Verified[VerifiedRequest],
    ) -> Opening:
        request, protocol = verified.value, read(verified)
        effects = await to_thread.run_sync(statement, verified, shipped(TABLE))
        answer = await self._ask_network(sealed, request, opened)
        digest = sealed_digest_of(opened)
        replay = await to_thread.run_sync(service.seen_before, self._ports.store, sealed.request_id, digest)
        seen = _limits_seen(protocol, answer)

        datasource = request.pod_identifier.partition("/")[2]
        records = self._ports.records(datasource)
        hashes = _hashes(protocol, self._ports.model_hash)

        def weigh() -> tuple[Verdict, tuple[Meter, ...], Tried, Pins]:
            now = self._ports.clock.now()
            with self._ports.store.read() as connection:
                purposes = purposes_of(connection, request.project_claimed or "")
                pins = pins_of(verified, surroundings(effects, as_pin(purposes), hashes))
                grants = prepared_grants(connection, pins)
                rules, mark = self._rules.rules(connection), policy_mark(connection)
                meters = tuple(self._meter(connection, request, each) for each in seen)
                last = last_entry(connection)
            facts = facts_of(verified, effects, _inferences(protocol, records), purposes)
            verdict = decide(
                verified,
                effects=effects,
                grants=grants,
                limits=meters,
                access=answer.code.name if answer else LATER if self._ports.foreign else None,
                now=now,
                replay=replay,
                pins=pins,
                rules=rules,
                facts=facts,
                latest=unstamp(last.at) if last else None,
            )
            return verdict, meters, Tried(now, facts, Circumstances.of(verdict), mark), pins

        verdict, meters, tried, pins = await to_thread.run_sync(weigh)
        findings = {
            **common(opened, key),
            "protocol": request.protocol,
            "decided_on": beside_protocol(request),
            "effects": effects_shown(effects),
            "trace": trace_shown(verdict),
            "limits": [limit_shown(meter) for meter in meters],
            "wants": [
                {"resource": meter.key.resource, "amount": _wanted(records, meter)}
                for meter in meters
                if protocol.models
            ],
            "models": [{"resource": each.slug, "hash": hashes.get(each.slug, "")} for each in protocol.models],
            "access": answer.code.name if answer else "",
            "pod_identifier": request.pod_identifier,
            "code": verdict.code,
        }
        if verdict.outcome == "refuse":
            findings["problem"] = problem_shown(verdict)
        return Opening(
            requester=request.requester.name_claimed,
            task=protocol.task,
            datasource=datasource,
            project=request.project_claimed or "",
            risk=effects.risk,
            verified="verified",
            fingerprint=pins.fingerprint,
            verdict=verdict.outcome,
            code=verdict.code,
            words="Waiting for your decision" if verdict.outcome == "hold" else verdict.words,
            answerable=True,
            findings=findings,
            sealed_digest=digest,
            grant_id=verdict.grant_id,
            seen=seen,
            pins=pins,
            rule=verdict.rule,
            votes_needed=verdict.reviewers if verdict.reviewers > 1 else 0,
            review_why="A rule asks for it" if verdict.reviewers > 1 else "",
            tried=tried,
        )

    def _meter(self, connection: Any, request: VerifiedRequest, seen: LimitSeen) -> Meter:
        """The meter as it will stand once what the network just said is recorded."""
        key = Key(request.network, request.project_claimed or "", seen.resource)
        return limits.as_checked(
            connection,
            key,
            seen.limit,
            seen.network_total,
            now=self._ports.clock.now(),
            requester=request.requester.name_claimed,
            datasource=request.pod_identifier.partition("/")[2],
        )

    async def _ask_network(
        self, sealed: Sealed, request: VerifiedRequest, opened: OpenedJobRequest
    ) -> AccessAnswer | None:
        """What the access manager says. None where it has said nothing that can be read while the requester waited."""
        if request.auth_type in BY_LOG_IN:
            return None  # the token that proves it is given to the pod, when it asks
        asked = AccessRequest(
            pod_identifier=request.pod_identifier,
            protocol=request.protocol,
            requester=request.requester.name_claimed,
            project_id=request.project_claimed,
            unsigned_task=opened.encrypted_request,
            signature=opened.signature or b"",
            key_id=opened.outer.key_id,
        )
        try:
            return await self._access.check(asked)
        except PodadminError as error:
            # a real pod asks by itself before it begins, through this gate, and does not begin without a yes
            if self._ports.clock.now() < sealed.deadline and not self._ports.foreign:
                raise NotNow(error) from None
            return None

    def _unopened(self, sealed: Sealed, error: PodadminError) -> Opening:
        return Opening(
            requester=sealed.sender,
            task="",
            datasource="",
            project="",
            risk="unknown",
            verified="failed",
            fingerprint="",
            verdict="refuse",
            code=error.code,
            words=error.what,
            answerable=False,
            findings={
                "problem": error.as_dict(),
                "verification": [fact("Opened with the pod key", "no", "bad")],
                "trace": trace_shown(decide_invalid(error)),
                "code": error.code,
            },
        )

    def _invalid(
        self, sealed: Sealed, opened: OpenedJobRequest, key: RequesterKey | None, error: PodadminError
    ) -> Opening:
        return replace(
            self._unopened(sealed, error),
            answerable=True,
            sealed_digest=sealed_digest_of(opened),
            findings={
                **common(opened, key),
                **flow_shown(opened, sealed.sender, key, ""),
                "problem": error.as_dict(),
                "trace": trace_shown(decide_invalid(error)),
                "code": error.code,
            },
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


def _hashes(protocol: Protocol, known: Callable[[str], str]) -> Mapping[str, str]:
    """What stands behind each model's name here, by its slug; empty where that cannot be told of every one."""
    found = {each.slug: known(each.slug) if each.slug else "" for each in protocol.models}
    return found if all(found.values()) else {}


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


def _flags(outer: OuterClaims) -> dict[str, object]:
    names = (
        "run_on_new_data_only",
        "batched_execution",
        "test_run",
        "force_rerun_failed_files",
        "enable_anonymized_tracker_upload",
        "requires_ehr_connection",
        "supports_mps",
        "datasource_name",
    )
    found = {name: getattr(outer, name) for name in names}
    # a name in the envelope that is not known here makes the effects unknown
    return {name: value for name, value in found.items() if value is not None} | dict.fromkeys(outer.unknown, "present")


def _time(text: str) -> Any:
    try:
        return unstamp(text)
    except (ValueError, OverflowError):
        return None


def _defect() -> Refused:
    return Refused(
        "request.unreadable",
        "The request could not be read to its end.",
        "It has something in it that this application did not foresee.",
        "It was not used. Report the last lines of the log together with the reference of the request.",
    )


def _not_a_job_request(number: int) -> Refused:
    return Refused(
        "request.kind-not-run",
        f"This is a {type_name(number)}, which this pod does not run.",
        "It would make the pod start work without an access check, and the built-in worker cannot do it.",
        "Ask the requester to send the task as an ordinary job request.",
    )


def _no_key() -> Refused:
    return Refused(
        "envelope.unknown-key",
        "The key that signed this request is not known here.",
        "The network gave no public key for it.",
        "Check with the requester that the key is registered with the network.",
    )
