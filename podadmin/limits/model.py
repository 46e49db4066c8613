"""Limits and meters as values: what the network said, what was counted here, and what is left by both.

An absent limit and a limit of nothing are two different things, and neither is silent: a meter that has a limit
*stops*, one for which the network sets none is *unlimited*, and one about which nobody has said anything is *unknown*
and gives nothing out.
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

MODEL_INFERENCE: Final = "MODEL_INFERENCE"
Mode = Literal["stops", "unlimited", "unknown"]


@dataclass(frozen=True, kw_only=True)
class InferenceLimits:
    """The limit of one model in one project, as the field's software names it (bitfount contract, section 6.3).

    `limit` and `total_usage` are inferences; `initial_total_usage` is what was used when the access check answered.
    """

    limit: int
    total_usage: int
    _initial_total_usage: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_initial_total_usage", self.total_usage)

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
        listed = access_check_result.get("limits")
        if listed is None:
            return found
        if not isinstance(listed, list):
            raise _malformed()
        for each in listed:
            if not isinstance(each, Mapping):
                raise _malformed()
            if each.get("resourceType") != MODEL_INFERENCE or each.get("limit") is None:
                continue
            name, limit, used = each.get("resourceName"), each["limit"], each.get("totalUsage")
            if not isinstance(name, str) or not name or not _is_count(limit) or not _is_count(used):
                raise _malformed()
            found[name] = cls(limit=limit, total_usage=used)
        return found


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
    """What the network said at one moment. `limit` None: it sets none. `local_total` was counted here by then."""

    limit: float | None
    network_total: float
    local_total: float


@dataclass(frozen=True)
class Meter:
    """What one model has used in one project. Amounts are inferences; `reserved` is promised and not used yet."""

    key: Key
    mode: Mode
    limit: float | None
    used: float
    reserved: float
    last_used: datetime | None = None

    @property
    def id(self) -> str:
        return self.key.id

    @property
    def free(self) -> float | None:
        """What can still be promised, never below 0. None: unlimited. Nothing is free while the limit is unknown."""
        if self.mode == "unlimited":
            return None
        return 0.0 if self.limit is None else max(0.0, self.limit - self.used - self.reserved)

    @property
    def exhausted(self) -> bool:
        """Is there a limit, and nothing left of it?"""
        return self.mode == "stops" and self.free == 0.0


def read_meter(
    key: Key, check: Check | None, local_total: float, reserved: float, last_used: datetime | None = None
) -> Meter:
    """The meter after the latest check.

    Used is the greater of what the network and what this pod had counted at the check, and what was counted here
    since: the network may not have been told of everything yet, and it knows of other pods.
    """
    if check is None:
        return Meter(key, "unknown", None, local_total, reserved, last_used)
    used = max(check.network_total, check.local_total) + max(0.0, local_total - check.local_total)
    return Meter(key, "unlimited" if check.limit is None else "stops", check.limit, used, reserved, last_used)


def grantable(meter: Meter, wanted: float) -> float:
    """How much of `wanted` the meter can promise: all of it, the rest of the limit, or 0."""
    return wanted if meter.free is None else min(wanted, meter.free)


def outstanding(reserved: float, used_by_request: float) -> float:
    """What is left of a reservation after the use of its own request: use is never counted twice."""
    return max(0.0, reserved - used_by_request)


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


def _malformed() -> BadInput:
    return BadInput(
        "limit.malformed",
        "The limits of this request cannot be read.",
        "The network's access check answered in a form that is not the agreed one.",
        "Nothing is delivered on such an answer. Tell the network's operator.",
    )
