"""From sealed bytes to a verdict: open with the pod key, verify, derive effects, ask the network, decide.

Each step is a pure rule of `requests` or one question to the network. What cannot be done now (a locked key, a network
out of reach) leaves the request captured and is tried again; what is wrong with the request itself is its verdict.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import anyio
from anyio import to_thread

from podadmin.core.clock import unstamp
from podadmin.core.errors import NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.text import stranger
from podadmin.gate.findings import (
    RequesterKey,
    common,
    decide_invalid,
    fact,
    flow_shown,
    sealed_digest_of,
    trace_shown,
)
from podadmin.gate.flow_opening import NotNow, open_interactive, open_trigger
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.sessions import Sessions
from podadmin.gate.weighing import Prepared, look_ahead, weighed
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.access_manager import AccessAnswer, AccessManagerClient, AccessRequest
from podadmin.networks.bitfount.crypto import read_public_key
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.job_request import Claims as OuterClaims
from podadmin.networks.bitfount.job_request import OpenedJobRequest, check_signature, open_job_request
from podadmin.networks.bitfount.places import Role
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.requests import rule_service, service
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import Effects, statement
from podadmin.requests.envelope import BY_LOG_IN, Claims, Opened, Unverified, Verified, VerifiedRequest, judge
from podadmin.requests.protocols import Protocol, read
from podadmin.requests.service import Look, Opening, Sealed
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

    async def open(self, *request_ids: str) -> int:
        """Open these requests at once and record their verdicts in this order; how many could be opened.

        The others are left as they are, for another time. Raises Unavailable and Tampered (`store.*`).
        """
        looks: dict[str, tuple[Sealed, Look]] = {}
        waits: list[PodadminError] = []
        failed: list[PodadminError] = []

        async def prepare(request_id: str) -> None:
            try:
                sealed = await to_thread.run_sync(service.bytes_of, self._ports.store, request_id)
                looks[request_id] = sealed, await self._prepared(sealed)
            except NotNow as wait:
                log.info("a request is not opened yet: %s", wait.error.code)
                waits.append(wait.error)
            except PodadminError as error:
                failed.append(error)

        async with anyio.create_task_group() as group:
            for request_id in request_ids:
                group.start_soon(prepare, request_id)
        self._seen.key_problem = next((each.what for each in waits if each.code.startswith("vault.")), "")
        await to_thread.run_sync(self._record, [looks[each] for each in request_ids if each in looks])
        if failed:
            raise failed[0]
        return len(looks)

    async def _prepared(self, sealed: Sealed) -> Look:
        """Everything but the verdict. Raises NotNow, and what the store raises."""
        try:
            return await self._opening(sealed)
        except NotNow:
            raise
        except Exception as error:  # noqa: BLE001 - a request that hits a defect is refused; it must not stop the gate
            return self._defective(sealed, error)

    def _record(self, looks: Sequence[tuple[Sealed, Look]]) -> None:
        """Write them down, each in its own unit of work, and wait for the disk once."""
        if not looks:
            return
        with self._ports.store.gathered():
            for sealed, look in looks:
                try:
                    self._write(sealed, look)
                except Exception as error:  # noqa: BLE001 - as where it was prepared
                    self._write(sealed, self._defective(sealed, error))

    def _write(self, sealed: Sealed, look: Look) -> None:
        try:
            service.open_by(self._ports.store, self._ports.clock, sealed.request_id, look)
        except Refused as error:
            if error.code != "request.wrong-state":
                raise
            log.info("a request was opened by another look meanwhile")

    def _defective(self, sealed: Sealed, error: Exception) -> Look:
        """A look that refuses a request whose opening hit a defect. Raises `error` where it is the store's."""
        if isinstance(error, PodadminError) and error.code.startswith("store."):
            raise error
        log.error("unexpected while opening a request: %s", type(error).__name__)  # its words may hold data
        return _as_it_is(self._unopened(sealed, _defect()))

    async def _opening(self, sealed: Sealed) -> Look:
        """What opening found. Raises NotNow where it cannot be said yet, for no fault of the request."""
        trigger = pb.BitfountMessage.FromString(sealed.wire)
        try:
            if int(trigger.messageType) != MessageType.JOB_REQUEST:
                if not self._ports.foreign:
                    raise _not_a_job_request(trigger.messageType)
                return await open_trigger(self._ports, self._hub, trigger, sealed)
            opened = await to_thread.run_sync(self._opened, sealed.body)
        except PodadminError as error:
            return self._refusing(sealed, error)
        self._sessions.keep(sealed.request_id, opened.session_key)
        problem: PodadminError | None = None
        key: RequesterKey | None = None
        verified: Verified[VerifiedRequest] | None = None
        try:
            key = await self._requester_key(trigger.sender, opened.outer.key_id)
            if key is not None:
                opened = await to_thread.run_sync(check_signature, opened, key.pem)
            if self._ports.foreign and opened.outer.flow_spec_raw is not None:
                return open_interactive(self._ports, trigger, sealed, opened, key)
            verified = judge(self._values(sealed, trigger, opened, key), by_network=self._ports.foreign)
        except PodadminError as error:
            problem = error
        if verified is None:
            return self._refusing(sealed, problem or _no_key(), opened, key)
        return await self._verified(sealed, opened, key, verified)

    def _refusing(
        self,
        sealed: Sealed,
        error: PodadminError,
        opened: OpenedJobRequest | None = None,
        key: RequesterKey | None = None,
    ) -> Look:
        """A look that refuses for what is wrong with the request. Raises `error` where it is the store's."""
        if error.code.startswith("store."):
            raise error
        if opened is None:
            return _as_it_is(self._unopened(sealed, error))
        return _as_it_is(self._invalid(sealed, opened, key, error))

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
    ) -> Look:
        request, protocol = verified.value, read(verified)
        datasource = request.pod_identifier.partition("/")[2]
        effects = await to_thread.run_sync(self._stated, verified, datasource)
        answer = await self._ask_network(sealed, request, opened)
        prepared = Prepared(
            request_id=sealed.request_id,
            verified=verified,
            protocol=protocol,
            effects=effects,
            answer=answer,
            sealed_digest=sealed_digest_of(opened),
            records=self._ports.records(datasource),
            hashes=_hashes(protocol, self._ports.model_hash),
            shown=common(opened, key),
        )
        if "beside" in self._rules.asks:
            await to_thread.run_sync(look_ahead, self._ports.store, prepared)
        return lambda connection: weighed(self._ports, self._rules, prepared, connection)

    def _stated(self, verified: Verified[VerifiedRequest], datasource: str) -> Effects:
        return statement(verified, shipped(TABLE), self._ports.columns(datasource))

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


def _hashes(protocol: Protocol, known: Callable[[str], str]) -> Mapping[str, str]:
    """What stands behind each model's name here, by its slug; empty where that cannot be told of every one."""
    found = {each.slug: known(each.slug) if each.slug else "" for each in protocol.models}
    return found if all(found.values()) else {}


def _as_it_is(opening: Opening) -> Look:
    return lambda _connection: opening


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
