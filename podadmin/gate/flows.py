"""Flows of protocol version 9 and what else starts work in a real pod without an access check: always held.

Nobody has signed their steps, or only the hub has. No rule and no grant allows one; a person sees what it claims to do
and decides once (gate contract, sections 3.2 and 7). A rule that refuses, or asks for several people, speaks as about
every request of which nothing is known: what is sent as a flow cannot go around it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock
from podadmin.core.text import stranger
from podadmin.gate.findings import effects_shown, fact, problem_shown, trace_shown
from podadmin.networks.bitfount.types import MessageType, type_name
from podadmin.requests import service
from podadmin.requests.effect_table import shipped
from podadmin.requests.envelope import Requester
from podadmin.requests.flow_effects import of_flow
from podadmin.requests.rule_facts import Facts, unknown
from podadmin.requests.service import Opening
from podadmin.requests.state import Event, State
from podadmin.requests.verdict import Considered, weigh
from podadmin.store.engine import Store

FOR_A_YEAR: Final = 365 * 86_400.0
HUB_SECONDS: Final = 300.0
"""How old a task may be that the hub starts (bitfount contract, section 5.5). Its outer time is not signed; the gate
counts from the earlier of that and its own (gate contract, 7.3)."""
NO_LIMIT: Final = float("inf")
UNANSWERED: Final = frozenset({MessageType.DATASET_PROJECT_LINKED, MessageType.JOB_REQUEST_FROM_HUB})


@dataclass(frozen=True)
class Claimed:
    """What a trigger says of itself. `proof` is how far anything in it was proved, as lines of the verification."""

    kind: int
    requester: str
    datasource: str
    project: str
    flow: Mapping[str, Any] | None
    proof: tuple[dict[str, Any], ...]
    answerable: bool


def window_of(kind: int, usual: float) -> float:
    """Seconds in which a trigger can be decided; a link to a dataset waits for as long as it takes."""
    if kind == MessageType.DATASET_PROJECT_LINKED:
        return FOR_A_YEAR
    return HUB_SECONDS if kind == MessageType.JOB_REQUEST_FROM_HUB else usual


def latest_of(usual: float) -> Mapping[int, float]:
    """Seconds after which a trigger is not delivered any more, by type; others: `usual`."""
    return {
        int(MessageType.JOB_REQUEST): usual,
        int(MessageType.DATASET_PROJECT_LINKED): NO_LIMIT,
        int(MessageType.JOB_REQUEST_FROM_HUB): HUB_SECONDS,
    }


def facts_of(claimed: Claimed, network: str) -> Facts:
    """What rules see of a trigger."""
    return unknown(network, claimed.requester, claimed.project, claimed.datasource)


def held(claimed: Claimed, *, replay: bool, rules: Sequence[Considered] = ()) -> Opening:
    """The opening of a trigger that only a person can decide on. `rules`: what the rules say about it."""
    flow = dict(claimed.flow) if claimed.flow is not None else {}
    effects = of_flow(flow, Requester(claimed.requester, ""), claimed.datasource, shipped())
    what = "a flow of protocol version 9" if claimed.flow is not None else f"a {type_name(claimed.kind)}"
    opinions = [
        Considered(
            "Who may decide",
            "holds",
            f"It is {what}: no access check of the network covers it, so no rule and no grant allows it. A person "
            "has to.",
            "request.flow",
        )
    ]
    opinions += [each for each in rules if each.outcome != "allows"]
    if replay:
        why = "The very same came before. Whoever wants another run sends a new one."
        opinions.insert(0, Considered("Seen before", "refuses", why, "request.replayed"))
    verdict = weigh(opinions)
    return Opening(
        requester=claimed.requester,
        task=stranger(str(flow.get("name") or type_name(claimed.kind)), 120),
        datasource=claimed.datasource,
        project=claimed.project,
        risk=effects.risk,
        verified="unsigned",
        fingerprint="",
        verdict=verdict.outcome,
        code=verdict.code,
        words="Waiting for your decision" if verdict.outcome == "hold" else verdict.words,
        answerable=claimed.answerable,
        sealed_digest=hashlib.sha256(canonical([claimed.kind, claimed.datasource, flow]).encode()).hexdigest(),
        findings={
            "verification": [*claimed.proof, fact("Its steps", "not signed by anybody who asks", "warn")],
            "protocol": flow,
            "effects": effects_shown(effects),
            "trace": trace_shown(verdict),
            "code": verdict.code,
            "flow": True,
            **({"problem": problem_shown(verdict)} if verdict.outcome == "refuse" else {}),
        },
        rule=verdict.rule,
        votes_needed=verdict.reviewers if verdict.reviewers > 1 else 0,
        review_why="A rule asks for it" if verdict.reviewers > 1 else "",
    )


def taken(store: Store, clock: Clock, request_id: str) -> None:
    """The pod has a trigger that it never answers, or answers to the hub alone: for the gate it has ended with that."""
    row = service.find(store, request_id).row
    if row.type not in UNANSWERED:
        return
    if row.state == State.DELIVERING:
        service.started(store, request_id)
    if row.state in {State.DELIVERING, State.RUNNING}:  # the latter where a gate was killed in between
        service.ended(store, clock, request_id, Event.FINISHED, "Handed to the pod, which works on it by itself")
