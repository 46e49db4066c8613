"""What a decision was about, taken apart: the pins of a request, and the family of requests that it belongs to.

The fingerprint says only that something differs. Pins say what: each is one fact, and all together they are everything
that the fingerprint covers, so that two requests have the same pins exactly where they have the same fingerprint and
the world around them (digests, columns behind a `*`, the purpose of the project) is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from podadmin.core.canon import canonical
from podadmin.core.text import stranger
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.fingerprint import NOT_DECIDED_ON, fingerprint
from podadmin.requests.protocols import Protocol, read
from podadmin.requests.terms import duo

if TYPE_CHECKING:
    from podadmin.requests.effects import Effects

KEY: Final = "requester_key"
PURPOSE: Final = "purpose"
WORDS: Final[dict[str, str]] = {
    KEY: "The requester's key",
    "identity": "How identity was proved",
    "switches": "Switches outside the seal",
    "protocol": "The protocol",
    "model_version": "The version of the model",
    "columns": "The columns that are asked for",
    "destination": "Where results go",
    "model_hash": "The model behind its name",
    "code": "The model's code",
    "weights": "The model's weights",
    "columns_read": "The columns that are read",
    PURPOSE: "The purpose of the project",
}
"""Every pin by its name, in the order in which a grant shows them."""
UNSIGNED: Final = frozenset({"identity", "switches"})
"""Outside the signature: whoever carries a message can write them, so a difference is never held against a grant."""
FOUND_HERE: Final = frozenset({"model_hash", "code", "weights", "columns_read", PURPOSE})
"""Not in the request: what this pod found under the names in it, and could find otherwise tomorrow."""
UNKNOWN: Final = frozenset({"", "{}", "[]", '""', None})
"""Values of a pin that was not known when it was made."""
MAY_VARY: Final = frozenset({"model_version", "model_hash", "code", "weights", "columns", "columns_read", "switches"})
"""What a person can let vary. Who asks, what else the protocol says and where results go are always pinned."""
_FOLLOWS: Final = {"columns": {"columns_read"}, "model_version": {"model_hash", "code", "weights"}}
_MODEL: Final = "BitfountModelReference"
_COLUMNS: Final = frozenset(
    {
        "columns_to_include",
        "image_cols",
        "image_prefix",
        "original_cols",
        "selected_cols",
        "selected_cols_prefix",
        "target",
    }
)
_WORDS_SHOWN: Final = 300


@dataclass(frozen=True)
class Surroundings:
    """What this pod found out about a request that does not stand in it. Empty: not known, which is pinned as such.

    Each is complete or empty, never a part of what there is. Digests are by `owner/name:version`. `columns_read` are
    all columns that the request reads, also behind a `*`. `destinations` are the addresses to which results go beside
    the requester.
    """

    model_hash: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    columns_read: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    purpose: str = ""


@dataclass(frozen=True)
class Pins:
    """`values` maps each name of `WORDS` to canonical JSON. `family` is the SHA-256 of what makes requests alike."""

    family: str
    fingerprint: str
    values: Mapping[str, str]


def pins_of(verified: Verified[VerifiedRequest], around: Surroundings | None = None) -> Pins:
    """The pins of a request."""
    request, around = verified.value, around or Surroundings()
    taken: dict[str, list[Any]] = {"model_version": [], "columns": []}
    rest = _without(request.protocol, (), taken)
    found: dict[str, Any] = {
        KEY: request.requester.key_fingerprint,
        "identity": request.auth_type,
        "switches": [[name, json.loads(value)] for name, value in request.flags_claimed if name not in NOT_DECIDED_ON],
        "protocol": hashlib.sha256(canonical(rest).encode()).hexdigest(),
        "destination": sorted(set(around.destinations)),
        "model_hash": dict(around.model_hash),
        "code": dict(around.code),
        "weights": dict(around.weights),
        "columns_read": sorted(set(around.columns_read)),
        PURPOSE: around.purpose,
        **taken,
    }
    values = {name: canonical(found[name]) for name in WORDS}
    return Pins(_family(request, read(verified)), fingerprint(verified), values)


def surroundings(effects: Effects, purpose: str = "", model_hash: Mapping[str, str] | None = None) -> Surroundings:
    """What pins need to know beside the request: from its effect statement, and what the gate has found out."""
    models = [each for each in effects.computed.models if each.slug]
    everything = ("*",) if effects.read.all_columns else ()
    return Surroundings(
        model_hash=model_hash or {},
        code={each.slug: each.code_digest for each in models if each.code_digest},
        weights={each.slug: each.weights_digest for each in models if each.weights_digest},
        columns_read=(*effects.read.columns, *everything),
        destinations=tuple(
            f"{each.destination} by {each.channel}{' to ' * bool(each.address)}{each.address}"
            for each in effects.outputs
            if not each.always
        ),
        purpose=purpose,
    )


def _family(request: VerifiedRequest, protocol: Protocol) -> str:
    """Requests of one family are about the same undertaking, and differ at most in how it is done.

    In it: network, pods, the requester's name as the network gives it, project, the classes of protocol, algorithms
    and aggregator, the models by owner and name, the tables, and the text of queries. A question in other words is
    another question, and not the one that was granted in a changed form.
    """
    steps = [
        [
            each.part.class_name,
            each.table,
            each.query,
            None if each.model is None else [each.model.part.text("username"), each.model.part.text("model_ref")],
        ]
        for each in protocol.algorithms
    ]
    about = {
        "version": 1,
        "network": request.network,
        "pod": request.pod_identifier,
        "pods": list(request.pod_identifiers),
        "requester": request.requester.name_claimed,
        "project": request.project_claimed,
        "protocol": protocol.part.class_name,
        "steps": steps,
        "aggregator": protocol.aggregator.class_name if protocol.aggregator else None,
    }
    return hashlib.sha256(canonical(about).encode()).hexdigest()


def _without(value: Any, path: tuple[str | int, ...], taken: dict[str, list[Any]]) -> Any:
    """`value` without model versions and columns, which go to `taken` with the place where they stood."""
    if isinstance(value, list):
        return [_without(each, (*path, place), taken) for place, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    rest: dict[str, Any] = {}
    for key, each in sorted(value.items()):
        if key in _COLUMNS:
            taken["columns"].append([[*path, key], each])
        elif key == "model_version" and value.get("class_name") == _MODEL:
            taken["model_version"].append([[*path, key], each])
        else:
            rest[key] = _without(each, (*path, key), taken)
    return rest


def varying(names: Iterable[str]) -> frozenset[str]:
    """The pins that vary where these may: another version has other digests, other columns are other columns read."""
    given = set(names)
    return frozenset(given.union(*(_FOLLOWS.get(name, set()) for name in given)))


def shown(name: str, value: str) -> str:
    """A pin's value as a person reads it."""
    found = json.loads(value)
    if name in {"columns", "model_version"}:
        found = [each for _path, each in found]
        if len(found) == 1:
            found = found[0]
    if not found and found != 0:
        return "none" if name in {"switches", "columns", "destination", "model_version"} else "not known"
    if name in {KEY, "protocol"}:
        return str(found)[:16]
    if name == PURPOSE:
        known = duo().terms
        words = (f"{known[code].label} ({code})" if code in known else code for code in str(found).split())
        return stranger(", ".join(words), _WORDS_SHOWN)
    if isinstance(found, dict):
        return stranger(", ".join(f"{key}: {each}" for key, each in sorted(found.items())), _WORDS_SHOWN)
    if isinstance(found, list):
        return stranger(", ".join(_piece(each) for each in found), _WORDS_SHOWN)
    return stranger(str(found), _WORDS_SHOWN)


def _piece(value: object) -> str:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], bool):
        return f"{value[0]} {'on' if value[1] else 'off'}"
    return value if isinstance(value, str) else canonical(value)
