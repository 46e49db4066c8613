"""What opening a request has found, as it is kept and shown: verification, effects, trace and limits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from podadmin.core.errors import PodadminError
from podadmin.core.text import grouped, stranger
from podadmin.limits.model import Meter
from podadmin.limits.own import standing, words
from podadmin.networks.bitfount.job_request import OpenedJobRequest
from podadmin.requests.decide import Invalid, Verdict, decide
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import Effects
from podadmin.requests.envelope import Requester
from podadmin.requests.flow_effects import of_flow

_OWN_WORDS: Final = 400


@dataclass(frozen=True)
class RequesterKey:
    """The key by which a requester signs: from the hub, compared with what was pinned before."""

    pem: str
    fingerprint: str
    known_before: bool


def decide_invalid(error: PodadminError) -> Verdict:
    """The verdict on a request that could not be verified."""
    return decide(
        Invalid.of(error),
        effects=None,
        grants=(),
        limits=(),
        access=None,
        now=datetime.min.replace(tzinfo=UTC),
        replay=False,
    )


def common(opened: OpenedJobRequest, key: RequesterKey | None) -> dict[str, Any]:
    """What every opened request has to show: how far it was verified, and by what."""
    signature = {
        "good": ("right: the requester's key signed exactly these sealed bytes", "good"),
        "bad": ("wrong", "bad"),
        "absent": ("missing", "bad"),
        "unknown-key": ("cannot be checked: the key is not known", "bad"),
    }[opened.signature_state]
    same = not opened.differs_from_envelope
    verification = [
        fact("Opened with the pod key", "yes", "good"),
        fact("Signature", *signature),
        fact("Signing key", grouped(key.fingerprint) if key else "not known", "plain" if key else "bad", mono=True),
        fact(
            "Readable and sealed protocol",
            "the same" if same else "DIFFERENT: the outside says something else than would run",
            "good" if same else "bad",
        ),
        fact("Not signed, only claimed", "the requester's name, the project and the switches outside the seal", "warn"),
    ]
    return {
        "verification": verification,
        "requester_key": key.fingerprint if key else "",
        "opened_by": opened.opened_by,
        "key_id": opened.outer.key_id,
        "ciphertext": sealed_digest_of(opened),
        "signature": opened.signature_state,
    }


def sealed_digest_of(opened: OpenedJobRequest) -> str:
    """SHA-256 of the part that the signature covers: what a replay has in common with the first."""
    return hashlib.sha256(opened.encrypted_request).hexdigest()


def fact(label: str, value: str, tone: str = "plain", *, mono: bool = False) -> dict[str, Any]:
    """One line of the verification."""
    return {"label": label, "value": value, "tone": tone, "mono": mono}


def effects_shown(effects: Effects) -> dict[str, Any]:
    """An effect statement as it is kept."""
    kept = asdict(effects)
    kept["to"] = kept.pop("destination")
    return kept


def flow_shown(opened: OpenedJobRequest, sender: str, key: RequesterKey | None, datasource: str) -> dict[str, Any]:
    """What a flow claims to do, which is refused; nothing for any other request."""
    if opened.outer.flow_spec_raw is None:
        return {}
    requester = Requester(sender, key.fingerprint if key else "")
    return {"effects": effects_shown(of_flow(dict(opened.outer.flow_spec_raw), requester, datasource, shipped()))}


def trace_shown(verdict: Verdict) -> list[dict[str, str]]:
    """What was considered, in the order in which it was, and the verdict."""
    tones = {"refuses": "bad", "holds": "warn", "allows": "good", "passes": "good", "does-not-apply": "plain"}
    words = {
        "refuses": "Refuses",
        "holds": "Holds",
        "allows": "Allows",
        "passes": "No objection",
        "does-not-apply": "Does not apply",
    }
    lines = [
        {
            "considered": each.name,
            "outcome": f"{words[each.outcome]}. {each.why}",
            "tone": tones[each.outcome],
        }
        for each in verdict.trace
    ]
    result = {"allow": "Allowed", "refuse": "Refused", "hold": "Held for you"}[verdict.outcome]
    lines.append(
        {
            "considered": "Verdict",
            "outcome": f"{result}. {verdict.words}",
            "tone": {"allow": "good", "refuse": "bad", "hold": "warn"}[verdict.outcome],
        }
    )
    return lines


def problem_shown(verdict: Verdict) -> Mapping[str, str]:
    """Why the gate refused by itself."""
    return {
        "code": verdict.code,
        "what": "The gate refused this request by itself.",
        "why": verdict.words,
        "next_step": "Nothing needs to be done; the requester was told.",
    }


def limit_shown(meter: Meter) -> dict[str, str]:
    """A meter in words: the network's limit, then each of the custodian's own."""
    if meter.limit is None:
        told = f"No limit is set by the network; {meter.used:,.15g} inferences used so far"
    else:
        told = (
            f"{meter.used:,.15g} of {meter.limit:,.15g} inferences used, {meter.network_free or 0:,.15g} free; "
            "stops at the limit of the network"
        )
    own = (f"Your own limit, {stranger(words(each.limit), _OWN_WORDS)}: {standing(each)}" for each in meter.own)
    return {"resource": meter.key.resource, "words": ". ".join((told, *own))}
