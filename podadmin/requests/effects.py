"""What a verified request will do, in plain sentences: derived from the bytes that will run, never from a claim.

A class, a combination, an argument or a switch without a row in the effect table makes the effects unknown, and
unknown counts as the worst. The same is said as facts, for rules, grants and risk (`effect_facts`); risk is a stated
rule over them (`effect_risk`). What leaves with every task of the network alike (progress, error texts, telemetry) is
always told and enters no rule, because it tells no two requests apart.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from podadmin.core.text import quoted
from podadmin.requests.effect_facts import Computing, Output, Reading
from podadmin.requests.effect_risk import Risk, judge
from podadmin.requests.effect_table import EffectTable
from podadmin.requests.effect_walk import Draft, level_of, outputs_of, switches, walk
from podadmin.requests.envelope import Requester, Verified, VerifiedRequest
from podadmin.requests.protocols import read_protocol

UNKNOWN_HEADLINE: Final = "What this request would do is not known."
UNKNOWN_LEAVES: Final = "Not known: count on every record leaving."
_STAYS_NOTHING: Final = "Nothing but the pod's own logs."


@dataclass(frozen=True)
class Effects:
    """An effect statement. `known` false: treat it as the worst. `level` is the worst level of what leaves.

    The sentences are for people. `read`, `computed` and `outputs` say the same as facts, for rules, grants and risk.
    """

    known: bool
    headline: str
    reads: tuple[str, ...]
    computes: tuple[str, ...]
    stays: tuple[str, ...]
    leaves: tuple[str, ...]
    destination: str
    risk: Risk
    reasons: tuple[str, ...]
    level: str
    read: Reading
    computed: Computing
    outputs: tuple[Output, ...]


def statement(
    verified: Verified[VerifiedRequest], table: EffectTable, columns: Collection[str] | None = None
) -> Effects:
    """The effect statement of a verified request by an effect table (`effect_table.shipped()`).

    `columns` of its datasource, all of them, `folded`; None where they are not known.
    """
    return of_request(verified.value, table, columns)


def of_request(request: VerifiedRequest, table: EffectTable, columns: Collection[str] | None = None) -> Effects:
    """The same of a bare record, for comparing what was verified before; it proves nothing about the record."""
    protocol = read_protocol(request.protocol)
    draft = Draft(request.pod_identifier.partition("/")[2], columns)
    headline = walk(protocol, table, draft)
    switches(dict(request.flags_claimed), table, draft)
    return finished(draft, headline, table, request.requester, draft.computing(protocol))


def finished(draft: Draft, headline: str, table: EffectTable, requester: Requester, computing: Computing) -> Effects:
    """The statement of what was collected."""
    unknown = tuple(draft.unknown)
    reading = draft.reading()
    asked = draft.leaving()
    if unknown:
        asked = (Output("unknown", "unknown", "unknown", UNKNOWN_LEAVES), *asked)
    outputs = (*asked, *outputs_of(table.always, always=True))
    risk, reasons = judge(reading, computing, outputs, unknown)
    said = draft.sentences
    reads = (*said["reads"], *said["filters"])
    destination = _destination(requester, asked)
    if not unknown:
        return Effects(
            known=True,
            headline=headline,
            reads=reads,
            computes=tuple(said["computes"]),
            stays=tuple(said["stays"]) or (_STAYS_NOTHING,),
            leaves=tuple(each.words for each in outputs),
            destination=destination,
            risk=risk,
            reasons=reasons,
            level=level_of(outputs),
            read=reading,
            computed=computing,
            outputs=outputs,
        )
    return Effects(
        known=False,
        headline=f"{UNKNOWN_HEADLINE} Apart from what is not known: {headline}" if headline else UNKNOWN_HEADLINE,
        reads=("Not known: count on everything that the pod can read.", *reads),
        computes=("Not known.", *said["computes"]),
        stays=("Not known.", *said["stays"]),
        leaves=tuple(each.words for each in outputs),
        destination=f"{destination} Other destinations cannot be ruled out.",
        risk=risk,
        reasons=reasons,
        level=level_of(outputs),
        read=reading,
        computed=computing,
        outputs=outputs,
    )


def _destination(requester: Requester, outputs: tuple[Output, ...]) -> str:
    key = f"key {requester.key_fingerprint[:16]}"
    words = [f"The requester who calls themselves {quoted(requester.name_claimed)} ({key}), by encrypted messages."]
    told = {each.destination for each in outputs}
    if "store" in told:
        words.append("Also an object store at an address that the requester gives.")
    if "recipients" in told:
        words.append("Also the recipients of an e-mail.")
    if "operator" in told:
        words.append("Also the operator of the network.")
    return " ".join(words)
