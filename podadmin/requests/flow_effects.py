"""What a flow of protocol version 9 claims to do. A flow is never verified here, so its effects are never known.

Its steps stand outside of every signature and no access check covers them (bitfount contract, sections 0 and 5.5): the
gate refuses a flow. What it asked for is told all the same, from the same table and under the heading of a claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podadmin.core.canon import canonical
from podadmin.core.text import quoted
from podadmin.requests.effect_facts import Computing
from podadmin.requests.effect_table import EffectTable
from podadmin.requests.effect_walk import Draft, collect, outputs_of
from podadmin.requests.effects import Effects, finished
from podadmin.requests.envelope import Requester
from podadmin.requests.paths import fault_of
from podadmin.requests.protocols import Part

UNVERIFIED: Final = (
    "It is a flow of the next protocol version, whose steps nobody signed: what it says of itself is a claim."
)
MAX_STEPS: Final = 100
_PHASES: Final = ("background", "interactive")
_FLOW: Final = "flow"


def of_flow(flow: object, requester: Requester, datasource: str, table: EffectTable) -> Effects:
    """What a flow claims to do. `known` is always false: nothing that it says is verified."""
    draft = Draft(datasource)
    draft.unknown.append(UNVERIFIED)
    names: list[str] = []
    if fault_of(flow) or not isinstance(flow, Mapping):
        draft.unknown.append("Its steps cannot be read.")
    else:
        names = _steps(flow, table, draft)
    draft.outputs += outputs_of(table.flow, always=False)
    return finished(draft, table.flow_headline, table, requester, Computing(_FLOW, tuple(names)))


def _steps(flow: Mapping[str, Any], table: EffectTable, draft: Draft) -> list[str]:
    worker, config = _map(flow.get("worker")), _map(flow.get("config"))
    listed = [each for phase in _PHASES for each in _list(_map(worker.get(phase)).get("steps"))]
    if not listed:
        draft.unknown.append("It names no step.")
    if len(listed) > MAX_STEPS:
        draft.unknown.append(f"It has {len(listed)} steps; the first {MAX_STEPS} are told here.")
    names = []
    for each in listed[:MAX_STEPS]:
        step = _map(each)
        name = f"{step.get('task')}.v{step.get('version')}"
        settings = _map(config.get(str(step.get("name"))))
        arguments = tuple((key, canonical(value)) for key, value in sorted(settings.items()))
        row = collect(Part("step", name, arguments), table, draft, {"model": _model(settings)})
        draft.ehr = draft.ehr or (row is not None and row.ehr)
        names.append(name)
    return names


def _model(settings: Mapping[str, Any]) -> str:
    named = [settings.get(key) for key in ("model_username", "model_ref", "model_version")]
    return quoted(f"{named[0]}/{named[1]}:{named[2]}") if all(named) else "(not named)"


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
