"""The custodian's own limits as values: what each one covers, over which time, and whether it stops or only warns.

They stand beside the limits of the network and never replace one: what the network has not permitted, an own limit
does not permit either. Days and months are those of UTC, so that a move of the clock's zone gives nothing away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from podadmin.core.errors import BadInput

Period = Literal["total", "month", "day"]
Effect = Literal["stops", "warns"]
PERIODS: Final[tuple[Period, ...]] = ("total", "month", "day")
EFFECTS: Final[tuple[Effect, ...]] = ("stops", "warns")
MOST: Final = 1e15
"""More than any limit can mean, and still exact as a number."""


@dataclass(frozen=True)
class Use:
    """What is about to use a model. None: not known here, so that only limits for everyone apply."""

    resource: str
    project: str
    requester: str | None = None
    datasource: str | None = None


@dataclass(frozen=True)
class Scope:
    """What an own limit covers. None: any. `model` with its version covers that one, without it every version."""

    model: str | None = None
    project: str | None = None
    requester: str | None = None
    datasource: str | None = None

    @property
    def for_everyone(self) -> bool:
        """Does it apply whoever asks and on whatever data?"""
        return self.requester is None and self.datasource is None

    def covers(self, use: Use) -> bool:
        """Does a limit of this scope apply to `use`?"""
        return (
            (self.model is None or covers_model(self.model, use.resource))
            and self.project in (None, use.project)
            and self.requester in (None, use.requester)
            and self.datasource in (None, use.datasource)
        )


@dataclass(frozen=True)
class OwnLimit:
    """A limit that the custodian has set. `amount` in inferences; `version` counts from 1 with every change."""

    id: str
    version: int
    scope: Scope
    period: Period
    amount: float
    effect: Effect


@dataclass(frozen=True)
class Own:
    """An own limit and how far it is taken in its present period."""

    limit: OwnLimit
    used: float
    reserved: float

    @property
    def stops(self) -> bool:
        return self.limit.effect == "stops"

    @property
    def free(self) -> float:
        """What it leaves, never below 0."""
        return max(0.0, self.limit.amount - self.used - self.reserved)


def covers_model(model: str, resource: str) -> bool:
    """Is `resource` (`owner/name:version`) the model that `model` names, with its version or without one?"""
    return resource == model or resource.rpartition(":")[0] == model


def period_start(period: Period, now: datetime) -> datetime | None:
    """When the present period began, in UTC; None where everything counts."""
    if period == "total":
        return None
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if period == "day" else day.replace(day=1)


def check_scope(scope: Scope) -> Scope:
    """`scope`, if it names anything. Raises BadInput (`limit.no-scope`, `limit.bad-scope`)."""
    named = (scope.model, scope.project, scope.requester, scope.datasource)
    if all(each is None for each in named):
        raise BadInput(
            "limit.no-scope",
            "The limit was not set.",
            "It names nothing that it would limit.",
            "Name a model, a project, a requester or a datasource, or several of them.",
        )
    if any(each is not None and each.strip() != each for each in named) or "" in (
        scope.model,
        scope.requester,
        scope.datasource,
    ):
        raise BadInput(
            "limit.bad-scope",
            "The limit was not set.",
            "A name in it is empty or begins or ends with a space, so that it would never match.",
            "Give the name exactly as the list of models or requests shows it.",
        )
    return scope


def check_own_amount(amount: float) -> float:
    """`amount` as that of a limit. Raises BadInput (`limit.bad-own-amount`)."""
    if isinstance(amount, bool) or not math.isfinite(amount) or not 0 <= amount <= MOST or amount != int(amount):
        raise BadInput(
            "limit.bad-own-amount",
            "The limit was not set.",
            "It is a whole number of inferences, from 0 up. A limit of 0 stops every use.",
            "Give a whole number.",
        )
    return float(amount)


def words(limit: OwnLimit) -> str:
    """The limit in one phrase: `at most 500 inferences a day of acme/retina:3 for research-lab`."""
    scope = limit.scope
    a = {"total": "in all", "month": "a month", "day": "a day"}[limit.period]
    parts = [f"at most {limit.amount:,.15g} inferences {a}"]
    if scope.model is not None:
        parts.append(f"of {scope.model}")
    if scope.project is not None:
        parts.append(f"in the project {scope.project}" if scope.project else "in no project")
    if scope.requester is not None:
        parts.append(f"for {scope.requester}")
    if scope.datasource is not None:
        parts.append(f"on {scope.datasource}")
    return " ".join(parts)


def standing(own: Own) -> str:
    """How far an own limit is taken, as a clause: `380 used, 20 promised and 100 free; it stops`."""
    taken = f"{own.used:,.15g} used"
    if own.reserved:
        taken += f", {own.reserved:,.15g} promised"
    return f"{taken} and {own.free:,.15g} free; it {'stops' if own.stops else 'only warns'}"
