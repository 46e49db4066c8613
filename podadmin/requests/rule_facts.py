"""What rules look at: a request as facts, small enough to keep for every request and to read ten thousand of at once.

Facts are made from a verified request and its effect statement only. Kept beside the request they are what a
simulation decides again, so they hold everything that a condition can ask for, and nothing that cannot be compared.
What could not be found out is said so (None, an empty name, `all_columns`), never left to look like "nothing".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from podadmin.core.canon import canonical
from podadmin.requests.effect_facts import COMPUTED, Output
from podadmin.requests.effects import Effects
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.protocols import read, read_protocol

VERSION: Final = 1
_EHR_SWITCH: Final = "requires_ehr_connection"
_NO_FIGURE: Final = frozenset({"none", "telemetry"})


@dataclass(frozen=True)
class ModelFact:
    """A model that is run. `slug` is `owner/name:version`, empty where it is not pinned. Digests: empty, not known."""

    slug: str
    code: str = ""
    weights: str = ""


@dataclass(frozen=True)
class Facts:
    """A verified request as rules see it.

    `requester_key` is the fingerprint of the key that signed. `requester_name` is what the network calls the owner of
    that key, `project` what the requester claims. `purposes` are DUO codes, empty where none is stated. `columns` are
    those that could be named; `all_columns`: count on every other one too. `level` is the worst level of what leaves.
    `inferences` is the most that the task can use, None where that is not known. `smallest_group` is the fewest
    records behind any figure that leaves, None where nothing guarantees one; `whole`: each figure that leaves is about
    every record of the datasource, or none leaves. `ehr` None: not known. `beside`: other figures of the same data may
    have left, against which these could be set; None where that was not asked or cannot be told (`differencing`).
    """

    network: str
    requester_key: str
    requester_name: str
    project: str
    identity: str
    datasource: str
    purposes: tuple[str, ...]
    protocol: str
    algorithms: tuple[str, ...]
    models: tuple[ModelFact, ...]
    columns: tuple[str, ...]
    all_columns: bool
    level: str
    inferences: float | None
    smallest_group: int | None
    whole: bool
    ehr: bool | None
    beside: bool | None = None


def facts_of(
    verified: Verified[VerifiedRequest],
    effects: Effects | None,
    inferences: float | None = None,
    purposes: tuple[str, ...] = (),
    beside: bool | None = None,
) -> Facts:
    """The facts of a verified request. `effects` None: nothing is known of what it does, which counts as the worst."""
    request, protocol = verified.value, read(verified)
    known = effects is not None and effects.known
    models = (
        tuple(ModelFact(each.slug, each.code_digest, each.weights_digest) for each in effects.computed.models)
        if effects is not None
        else tuple(ModelFact(each.slug) for each in protocol.models)
    )
    group, whole = _group(effects.outputs) if effects is not None and known else (None, False)
    return Facts(
        network=request.network,
        requester_key=request.requester.key_fingerprint,
        requester_name=request.requester.name_claimed,
        project=request.project_claimed or "",
        identity=request.auth_type,
        datasource=request.pod_identifier.partition("/")[2],
        purposes=tuple(sorted(set(purposes))),
        protocol=protocol.part.name,
        algorithms=tuple(dict.fromkeys(each.part.name for each in protocol.algorithms)),
        models=tuple(dict.fromkeys(models)),
        columns=tuple(dict.fromkeys(effects.read.columns)) if effects is not None else (),
        all_columns=effects.read.all_columns if effects is not None and known else True,
        level=effects.level if effects is not None and known else "unknown",
        inferences=inferences,
        smallest_group=group,
        whole=whole,
        ehr=_ehr(dict(request.flags_claimed), effects),
        beside=beside,
    )


def unknown(network: str, requester_name: str, project: str, datasource: str) -> Facts:
    """What rules see of what nobody has signed: who it claims to be from and about what, and else the worst."""
    return Facts(
        network=network,
        requester_key="",
        requester_name=requester_name,
        project=project,
        identity="",
        datasource=datasource,
        purposes=(),
        protocol="",
        algorithms=(),
        models=(),
        columns=(),
        all_columns=True,
        level="unknown",
        inferences=None,
        smallest_group=None,
        whole=False,
        ehr=None,
    )


def keep(facts: Facts) -> str:
    """Facts as canonical JSON."""
    return canonical({"v": VERSION, **asdict(facts)})


def kept(text: str) -> Facts:
    """Facts as they were kept. Raises ValueError where the text is something else."""
    found = json.loads(text)
    if not isinstance(found, dict) or found.pop("v", None) != VERSION or found.keys() | _LATER != _NAMES:
        raise ValueError("not the facts of a request")
    for name in ("purposes", "algorithms", "columns"):
        found[name] = tuple(found[name])
    found["models"] = tuple(ModelFact(**each) for each in found["models"])
    return Facts(**found)


def older(row: Mapping[str, Any], findings: Mapping[str, Any]) -> Facts | None:
    """What can still be said of a request that was opened before facts were kept; None where it was not verified.

    Only what its record states is taken; the rest is not known, so no rule that allows covers it by that.
    """
    protocol = findings.get("protocol")
    if row["verified"] != "verified" or not isinstance(protocol, dict):
        return None
    parts, effects = read_protocol(protocol), findings.get("effects") or {}
    known = bool(effects.get("known"))
    return Facts(
        network=row["network"],
        requester_key=str(findings.get("requester_key") or ""),
        requester_name=row["requester"],
        project=row["project"],
        identity="key-based",
        datasource=row["datasource"],
        purposes=(),
        protocol=parts.part.name,
        algorithms=tuple(dict.fromkeys(each.part.name for each in parts.algorithms)),
        models=tuple(dict.fromkeys(ModelFact(each.slug) for each in parts.models)),
        columns=tuple(dict.fromkeys(name for each in parts.algorithms for name in each.columns)),
        all_columns=True,
        level=str(effects.get("level") or "unknown") if known else "unknown",
        inferences=None,
        smallest_group=None,
        whole=False,
        ehr=None,
    )


def _group(outputs: Iterable[Output]) -> tuple[int | None, bool]:
    """The fewest records behind a figure, and whether each figure is about all of them or none leaves."""
    asked = [each for each in outputs if not each.always and each.level not in _NO_FIGURE]
    if any(each.level == "row" for each in asked):
        return 1, False  # with something about single records outside, no figure hides anybody any more
    if any(each.level not in COMPUTED for each in asked):
        return None, False
    parts = [each.smallest_group for each in asked if not each.every_record]
    known = [each for each in parts if each is not None]
    return (min(known) if known and len(known) == len(parts) else None), not parts


def _ehr(switches: Mapping[str, str], effects: Effects | None) -> bool | None:
    if switches.get(_EHR_SWITCH) == "true" or (effects is not None and effects.read.ehr):
        return True
    return False if effects is not None and effects.known else None


_NAMES: Final = {each.name for each in fields(Facts)}
_LATER: Final = {"beside"}
"""What facts that were kept by an older podadmin do not have."""
