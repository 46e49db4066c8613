"""Limits and meters as values: what the network said, what was counted here, and what is left by both.

An absent limit and a limit of nothing are two different things, and neither is silent: a meter that has a limit
*stops*, one for which the network sets none is *unlimited*, and one about which nobody has said anything is *unknown*
and gives nothing out. The custodian's own limits stand beside the network's; the stricter one stops.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeGuard

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput
from podadmin.limits.own import Own

MODEL_INFERENCE: Final = "MODEL_INFERENCE"
Mode = Literal["stops", "unlimited", "unknown"]


@dataclass(kw_only=True)
class InferenceLimits:
    """The limit of one model in one project, as the field's software names it (bitfount contract, section 6.3).

    `limit` and `total_usage` are inferences. `total_usage` moves on while a task runs; `initial_total_usage` stays
    what it was when this was made.
    """

    limit: int
    total_usage: int
    _initial_total_usage: int = field(init=False)

    def __post_init__(self) -> None:
        self._initial_total_usage = self.total_usage

    @property
    def initial_total_usage(self) -> int:
        return self._initial_total_usage

    @classmethod
    def from_access_check_result(cls, access_check_result: Mapping[str, Any]) -> dict[str, InferenceLimits]:
        """The limits in an answer of the access manager, by `owner/model:version`.

        An absent or null limit gives no entry; 0 is an entry and blocks. Resources other than model inferences are
        passed over. Raises BadInput (`limit.malformed`) where the answer is not of the shape of the contract.
        """
        found: dict[str, InferenceLimits] = {}
        for each in listed_resources(access_check_result):
            if each.get("limit") is None:
                continue
            name, limit, used = each.get("resourceName"), each["limit"], each.get("totalUsage")
            if not isinstance(name, str) or not name or not _is_count(limit) or not _is_count(used):
                raise malformed()
            found[name] = cls(limit=limit, total_usage=used)
        return found


def listed_resources(access_check_result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The model inferences that an answer of the access manager lists, in its order; empty where it lists nothing.

    Raises BadInput (`limit.malformed`).
    """
    listed = access_check_result.get("limits")
    if listed is None:
        return []
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise malformed()
    return [each for each in listed if each.get("resourceType") == MODEL_INFERENCE]


@dataclass(frozen=True)
class Key:
    """What a meter counts: one resource of one project in one network. `project` is empty where there is none."""

    network: str
    project: str
    resource: str

    @property
    def id(self) -> str:
        """A stable name for the meter."""
        digest = hashlib.sha256(canonical([self.network, self.project, self.resource]).encode()).hexdigest()
        return f"mtr_{digest[:12]}"


@dataclass(frozen=True)
class Check:
    """What the network said at one moment. `limit` None: it sets none. `local_total` was counted here by then.

    `forgiven` of it no longer counts, because a person has accepted that the network's total began anew.
    """

    limit: float | None
    network_total: float
    local_total: float
    forgiven: float = 0.0


@dataclass(frozen=True)
class Meter:
    """What one model has used in one project. Amounts are inferences; `reserved` is promised and not used yet.

    `mode` and `limit` are the network's word; `own` are the custodian's own limits that apply besides.
    """

    key: Key
    mode: Mode
    limit: float | None
    used: float
    reserved: float
    last_used: datetime | None = None
    own: tuple[Own, ...] = ()

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def network_free(self) -> float | None:
        """What the network's limit leaves, never below 0. None: it sets none. Nothing while it is unknown."""
        if self.mode == "unlimited":
            return None
        return 0.0 if self.limit is None else max(0.0, self.limit - self.used - self.reserved)

    @property
    def free(self) -> float | None:
        """What can still be promised: what the strictest limit that stops leaves. None: nothing stops it."""
        left = [each.free for each in self.own if each.stops]
        if self.network_free is not None:
            left.append(self.network_free)
        return min(left, default=None)

    @property
    def exhausted(self) -> bool:
        """Is there a limit that stops, the network's or the custodian's own, and nothing left of it?"""
        return (self.mode == "stops" and self.network_free == 0.0) or self.used_up_own is not None

    @property
    def used_up_own(self) -> Own | None:
        """The first of the custodian's own limits that stops and leaves nothing."""
        return next((each for each in self.own if each.stops and each.free == 0.0), None)

    @property
    def overrun(self) -> float:
        """How much more was used than the network's limit or one of the own that stop; 0 where nothing is."""
        over = [each.used - each.limit.amount for each in self.own if each.stops]
        if self.limit is not None:
            over.append(self.used - self.limit)
        return max([0.0, *over])


def read_meter(
    key: Key,
    check: Check | None,
    local_total: float,
    reserved: float,
    last_used: datetime | None = None,
    own: tuple[Own, ...] = (),
) -> Meter:
    """The meter after the latest check.

    Used is the greater of what the network and what this pod had counted at the check, and what was counted here
    since: the network may not have been told of everything yet, and it knows of other pods.
    """
    if check is None:
        return Meter(key, "unknown", None, local_total, reserved, last_used, own)
    at_check = max(check.network_total, check.local_total - check.forgiven)
    used = at_check + max(0.0, local_total - check.local_total)
    return Meter(key, "unlimited" if check.limit is None else "stops", check.limit, used, reserved, last_used, own)


def grantable(meter: Meter, wanted: float) -> float:
    """How much of `wanted` the meter can promise: all of it, the rest of the strictest limit, or 0."""
    return wanted if meter.free is None else min(wanted, meter.free)


def outstanding(reserved: float, used_by_request: float) -> float:
    """What is left of a reservation after the use of its own request: use is never counted twice."""
    return max(0.0, reserved - used_by_request)


def counted_total(told: float, used_before: float | None) -> float:
    """What counts as the network's total, where `used_before` was reckoned until now (None: nothing was known).

    A total that falls, or that does not know yet what was used here meanwhile, frees nothing.
    """
    return told if used_before is None else max(told, used_before)


def crossed(before: float, after: float, limit: float, warn_at: float) -> float | None:
    """The highest mark that use has reached on its way from `before` to `after`: 1.0, `warn_at`, or None.

    `warn_at` is a part of the limit, above 0 and up to 1. A limit of nothing is reached by any use.
    """
    for mark in (1.0, warn_at):
        if before < mark * limit <= after or (limit == 0 and before == 0 < after):
            return mark
    return None


def check_amount(amount: float, *, least: float = 0.0) -> float:
    """`amount` as a number of inferences. Raises BadInput (`limit.bad-amount`) for less than `least`, NaN, infinity."""
    if isinstance(amount, bool) or not math.isfinite(amount) or amount < least:
        raise BadInput(
            "limit.bad-amount",
            "The amount was not counted.",
            "It is not a number of inferences: usage never goes backwards and is never infinite.",
            "Look at the message that carried it: the pod or something between has sent nonsense.",
        )
    return float(amount)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def malformed() -> BadInput:
    """The error for an answer of an access check that is not of the shape of the contract."""
    return BadInput(
        "limit.malformed",
        "The limits of this request cannot be read.",
        "The network's access check answered in a form that is not the agreed one.",
        "Nothing is delivered on such an answer. Tell the network's operator.",
    )
