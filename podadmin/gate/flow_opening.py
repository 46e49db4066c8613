"""Opening what starts work without being a job request: the gate proves what can be proved of it, and holds it.

The hub's signature is checked here with the hub's own keys, which are held to those that were seen first: what the pod
would believe is not what the gate believes (issue of the gate; bitfount contract, section 5.5).
"""

from __future__ import annotations

from anyio import to_thread
from sqlalchemy import Connection

from podadmin.core.errors import PodadminError, Refused, Tampered, Unavailable
from podadmin.gate.findings import RequesterKey, fact
from podadmin.gate.flows import Claimed, facts_of, held
from podadmin.gate.hub_keys import pin_hub_keys
from podadmin.gate.ports import Ports
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import triggers
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.job_request import OpenedJobRequest
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.requests import service
from podadmin.requests.rule_service import rules_of
from podadmin.requests.service import Look, Opening, Sealed
from podadmin.vault.model import public_forms


class NotNow(Exception):
    """A request cannot be opened yet, and it is not its fault: it stays captured and is tried again."""

    def __init__(self, error: PodadminError) -> None:
        super().__init__(error.code)
        self.error = error


async def open_trigger(ports: Ports, hub: HubClient, trigger: pb.BitfountMessage, sealed: Sealed) -> Look:
    """A trigger that is no job request, held for a person. Raises PodadminError where it is wrong, NotNow."""
    kind = int(trigger.messageType)
    if kind == MessageType.DATASET_PROJECT_LINKED:
        linked = await to_thread.run_sync(triggers.read_linked, sealed.body)
        proof = (fact("Signature", "none: anybody on the network's side can have written it", "bad"),)
        claimed = Claimed(kind, sealed.sender, linked.datasource, linked.project_id, linked.flow, proof, False)
    elif kind == MessageType.JOB_REQUEST_FROM_HUB:
        claimed = await _from_hub(ports, hub, sealed)
    else:
        proof = (fact("Kind", f"{type_name(kind)}: this version does not know what it does", "bad"),)
        claimed = Claimed(kind, sealed.sender, "", "", None, proof, False)
    return hold(ports, sealed, claimed)


def open_interactive(
    ports: Ports, trigger: pb.BitfountMessage, sealed: Sealed, opened: OpenedJobRequest, key: RequesterKey | None
) -> Look:
    """A job request that carries a flow: the pod would run the flow, which nobody signed, and ask nobody."""
    outer = opened.outer
    datasource = outer.datasource_name or ports.addressed(trigger.recipient).partition("/")[2]
    signed = "right, but it does not cover the flow" if opened.signature_state == "good" else opened.signature_state
    proof = (
        fact("Opened with the pod key", "yes", "good"),
        fact("Signature", signed, "warn"),
        fact("Signing key", key.fingerprint if key else "not known", "plain", mono=True),
    )
    claimed = Claimed(
        int(trigger.messageType), trigger.sender, datasource, outer.project_id or "", outer.flow_spec_raw, proof, True
    )
    return hold(ports, sealed, claimed)


def hold(ports: Ports, sealed: Sealed, claimed: Claimed) -> Look:
    """The opening of what was read, with a look whether the same came before."""

    def look(connection: Connection) -> Opening:
        said = rules_of(connection).opinions(facts_of(claimed, ports.upstream.kind), ports.clock.now())
        first = held(claimed, replay=False, rules=said)
        replay = service.seen_before(connection, sealed.request_id, first.sealed_digest)
        # a link can be made, undone and made again
        again = replay and claimed.kind != MessageType.DATASET_PROJECT_LINKED
        return held(claimed, replay=True, rules=said) if again else first

    return look


async def _from_hub(ports: Ports, hub: HubClient, sealed: Sealed) -> Claimed:
    trigger = await to_thread.run_sync(triggers.read_from_hub, sealed.body)
    try:
        document = await hub.signing_keys()
    except (Unavailable, Refused) as error:
        raise NotNow(error) from None

    def opened() -> Claimed:
        keys = pin_hub_keys(ports.store, ports.clock, ports.upstream.kind, document)
        key = keys.get(trigger.key_id)
        if key is None:
            raise Tampered(
                "trigger.unknown-key",
                "The key that signed this task is none of the hub's.",
                "The hub does not name it among its keys.",
                "It was not used. Tell the network that such a message was sent to you.",
            )
        forms = public_forms(key)
        try:
            pod_key = ports.pod_key().once()
        except PodadminError as error:
            raise NotNow(error) from None
        flow = triggers.open_from_hub(trigger, pod_key, forms.pem)
        proof = (
            fact("Signature of the hub", "right", "good"),
            fact("The hub's key", forms.fingerprint, "plain", mono=True),
            fact("Opened with the pod key", "yes", "good"),
        )
        kind = int(MessageType.JOB_REQUEST_FROM_HUB)
        return Claimed(kind, "the network's hub", trigger.datasource, trigger.project_id, flow, proof, False)

    return await to_thread.run_sync(opened)
