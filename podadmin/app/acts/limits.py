"""Acts on limits: what every model has used, how much is left and for how long, and the custodian's own limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.limit_views import (
    alarm_row,
    event_row,
    forecast_view,
    meter_row,
    notice_of,
    own_row,
    taken,
    version_row,
)
from podadmin.app.acts.registry import act
from podadmin.app.notices import After, recorded_since
from podadmin.app.views.facts import Notices
from podadmin.app.views.limits import (
    AlarmRow,
    ForecastView,
    MeterDetail,
    MeterRow,
    OwnRow,
    OwnVersion,
)
from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.limits import service
from podadmin.limits.alarms import Kind
from podadmin.limits.forecast import forecast, path
from podadmin.limits.model import Key, Meter
from podadmin.limits.own import MOST, Scope, Use
from podadmin.requests.grant_cover import check_may_decide
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from podadmin.app.profile import Profile

SPARK_DAYS = 60
PATH_DAYS = 120
NOTICES = ("limit.threshold", "limit.alarm")
States = Literal["any", "stops", "soon", "used-up", "unlimited", "unknown", "odd"]


@act("limits list")
def list_limits(
    profile: Profile,
    *,
    search: Annotated[str, "only models whose name or project holds this"] = "",
    state: Annotated[States, "only models in this state; `odd` are those with something that must not be"] = "any",
    limit: Annotated[int, "at most so many; 0 for all"] = 0,
    after: Annotated[str, "continue after this meter's id"] = "",
) -> tuple[MeterRow, ...]:
    """List every model that was limited, promised or used, with what is left of its limit and when it runs out."""
    now, wanted, warn_at = profile.clock.now(), search.strip().casefold(), warns_at(profile)
    with profile.store.read() as connection:
        odd = service.unseen(connection)
        found = [
            each
            for each in service.meters(connection, now=now)
            if (not wanted or wanted in f"{each.key.resource}\n{each.key.project}".casefold())
            and is_in_state(each, state, odd.get(each.key, ()), warn_at)
        ]
        place = next((place + 1 for place, each in enumerate(found) if each.id == after), 0) if after else 0
        return tuple(
            _row(connection, each, odd.get(each.key, ()), now.date(), warn_at)
            for each in (found[place : place + limit] if limit > 0 else found[place:])
        )


def near(profile: Profile, most: int) -> tuple[tuple[MeterRow, ...], int]:
    """Models that are used up or nearly so: the first `most` as rows, and how many there are."""
    now, warn_at = profile.clock.now(), warns_at(profile)
    with profile.store.read() as connection:
        found = [
            each
            for each in service.meters(connection, now=now)
            if each.mode != "unknown" and (taken(each) or 0.0) >= warn_at
        ]
        return tuple(_row(connection, each, (), now.date(), warn_at) for each in found[:most]), len(found)


@act("limits show")
def show(profile: Profile, meter: Annotated[str, "the meter's id, as the list prints it"]) -> MeterDetail:
    """Show one model's use in one project: by day, requester, project and datasource, event by event."""
    now = profile.clock.now()
    with profile.store.read() as connection:
        key = service.find_key(connection, meter)
        found = service.meter_of(connection, key, now=now)
        days = service.by_day(connection, key)
        view = _forecast(found, days, now.date())
        odd = service.unseen(connection).get(key, ())
        own = [each for each in service.own_limits(connection) if _concerns(each.scope, key)]
        row = meter_row(found, service.added_up(days), odd, view, warns_at(profile))
        return MeterDetail(
            row=row,
            events=tuple(event_row(each) for each in service.events(connection, key)),
            by_requester=_named(service.by_requester(connection, key)),
            by_project=_named(service.by_project(connection, key)),
            by_datasource=_named(service.by_datasource(connection, key)),
            by_day=tuple(reversed(days)),
            own=tuple(own_row(connection, each, now) for each in own),
            alarms=tuple(alarm_row(each) for each in service.alarms(connection, key)),
            forecast=view,
        )


@act("limits forecast")
def what_if(
    profile: Profile,
    meter: Annotated[str, "the meter's id, as the list prints it"],
    *,
    limit: Annotated[float, "what if the limit were this; below 0: as it is"] = -1.0,
    at_once: Annotated[float, "what if this many inferences were promised to one more grant"] = 0.0,
    weekly: Annotated[float, "what if this many more were used each week"] = 0.0,
) -> ForecastView:
    """Say when a model's limit will be used up, as things are or with another limit, grant or use."""
    for amount in (at_once, weekly, max(limit, 0.0)):
        _check_what_if(amount)
    now = profile.clock.now()
    with profile.store.read() as connection:
        key = service.find_key(connection, meter)
        found = service.meter_of(connection, key, now=now)
        days = service.by_day(connection, key)
    return _forecast(found, days, now.date(), limit if limit >= 0 else None, at_once, weekly)


@act("limits own")
def own(profile: Profile) -> tuple[OwnRow, ...]:
    """List your own limits, each with how far it is taken in its present period."""
    now = profile.clock.now()
    with profile.store.read() as connection:
        return tuple(own_row(connection, each, now) for each in service.own_limits(connection))


@act("limits set", writes=True, kinds=("limit",))
def set_limit(
    profile: Profile,
    amount: Annotated[float, "how many inferences; 0 stops every use"],
    reason: Annotated[str, "why, for whoever looks at the record later"],
    *,
    model: Annotated[str, "only this model, with its version or without for every version"] = "",
    project: Annotated[str, "only in this project"] = "",
    no_project: Annotated[bool, "only what belongs to no project"] = False,
    requester: Annotated[str, "only for this requester"] = "",
    datasource: Annotated[str, "only on this datasource"] = "",
    period: Annotated[
        Literal["total", "month", "day"], "over which time it counts; days and months are UTC's"
    ] = "total",
    effect: Annotated[Literal["stops", "warns"], "what happens at the limit"] = "stops",
) -> OwnRow:
    """Set a limit of your own, beside the network's; the stricter one stops. Set again, it is changed."""
    if no_project and project:
        raise BadInput(
            "limit.two-projects",
            "The limit was not set.",
            "It names a project and says that there is none.",
            "Leave one of the two out.",
        )
    named: str | None = project or None
    scope = Scope(model or None, "" if no_project else named, requester or None, datasource or None)
    now = profile.clock.now()
    with profile.store.record(Fact(profile.actor, "limit.set", model or project or requester or datasource)) as unit:
        check_may_decide(unit.connection, profile.actor, now)
        made = service.set_limit(
            unit,
            scope=scope,
            period=period,
            amount=amount,
            effect=effect,
            reason=reason,
            by=profile.actor,
            at=now,
        )
    with profile.store.read() as connection:
        return own_row(connection, made, now)


@act("limits remove", writes=True, kinds=("limit",))
def remove(
    profile: Profile,
    limit: Annotated[str, "the limit's id, as `limits own` prints it"],
    reason: Annotated[str, "why, for whoever looks at the record later"],
) -> tuple[OwnRow, ...]:
    """Remove one of your own limits; its versions stay in the record."""
    now = profile.clock.now()
    with profile.store.record(Fact(profile.actor, "limit.removed", limit)) as unit:
        check_may_decide(unit.connection, profile.actor, now)
        service.remove_limit(unit, limit, reason, now)
    return own(profile)


@act("limits history")
def history(profile: Profile, limit: Annotated[str, "the limit's id"]) -> tuple[OwnVersion, ...]:
    """Show every version of one of your own limits: what it was, from when to when, by whom and why."""
    with profile.store.read() as connection:
        return tuple(version_row(each) for each in service.versions(connection, limit))


@act("limits alarms")
def alarms(
    profile: Profile, *, every: Annotated[bool, "those too that somebody has seen to"] = False
) -> tuple[AlarmRow, ...]:
    """List what must not be: overruns, unknown models, use without a task, use that went backwards."""
    with profile.store.read() as connection:
        found = service.alarms(connection, limit=1000)
    return tuple(alarm_row(each) for each in found if every or each.seen_at is None)


@act("limits acknowledge", writes=True, kinds=("limit",))
def acknowledge(
    profile: Profile,
    alarm: Annotated[str, "the alarm's id, as `limits alarms` prints it"],
    reason: Annotated[str, "what you found, and what you did"],
    *,
    accept: Annotated[bool, "a total of the network that fell counts from now on"] = False,
) -> AlarmRow:
    """Say that you have seen to an alarm."""
    with profile.store.record(Fact(profile.actor, "limit.acknowledged", alarm)) as unit:
        service.acknowledge(unit, alarm, by=profile.actor, reason=reason, at=profile.clock.now(), accept=accept)
    with profile.store.read() as connection:
        return next(alarm_row(each) for each in service.alarms(connection, limit=100_000) if each.id == alarm)


@act("limits notices")
def notices(profile: Profile, *, after: After = 0) -> Notices:
    """List what has happened to limits: thresholds that were reached, and what must not be."""
    return recorded_since(profile, after, NOTICES, notice_of)


def warns_at(profile: Profile) -> float:
    """The part of a limit from which on it is said to be nearly reached."""
    return profile.settings.number("limits.warn-at") / 100


def is_in_state(meter: Meter, state: str, odd: tuple[Kind, ...], warn_at: float) -> bool:
    """Is a meter in the state that a list is narrowed to?"""
    if state == "any":
        return True
    if state == "odd":
        return bool(odd) or meter.overrun > 0
    part = taken(meter)
    if meter.mode == "unknown":
        return state == "unknown"
    if part is None:
        return state == "unlimited"
    if part >= 1:
        return state == "used-up"
    return state == ("soon" if part >= warn_at else "stops")


def _row(connection: Connection, meter: Meter, odd: tuple[Kind, ...], today: date, warn_at: float) -> MeterRow:
    days = service.by_day(connection, meter.key)
    used = {date.fromisoformat(day): amount for day, amount in days}
    series = service.added_up(days)[-SPARK_DAYS:]
    return meter_row(meter, series, odd, forecast(used, _lasting(meter), today), warn_at)


def _forecast(
    meter: Meter,
    days: Sequence[tuple[str, float]],
    today: date,
    limit: float | None = None,
    at_once: float = 0.0,
    weekly: float = 0.0,
) -> ForecastView:
    used = {date.fromisoformat(day): amount for day, amount in days}
    free = _lasting(meter) if limit is None else max(0.0, limit - meter.used - meter.reserved)
    seen = forecast(used, free, today, more_a_week=weekly, at_once=at_once)
    ahead = PATH_DAYS if seen.late is None else min(max((seen.late - today).days + 7, 28), PATH_DAYS)
    shown = (
        () if seen.state in ("used-up", "no-limit") else path(used, today, ahead, more_a_week=weekly, at_once=at_once)
    )
    return forecast_view(seen, shown, meter.mode)


def _lasting(meter: Meter) -> float | None:
    """What the limits leave that do not begin anew each day or month. None: nothing lasting stops, or nobody knows."""
    if meter.mode == "unknown":
        return None
    left = [each.free for each in meter.own if each.stops and each.limit.period == "total"]
    if meter.network_free is not None:
        left.append(meter.network_free)
    return min(left, default=None)


def _concerns(scope: Scope, key: Key) -> bool:
    """May a limit of this scope apply to some use of the meter?"""
    return Scope(scope.model, scope.project).covers(Use(key.resource, key.project))


def _named(pairs: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    return tuple((stranger(name), amount) for name, amount in pairs)


def _check_what_if(amount: float) -> None:
    if not 0 <= amount <= MOST:
        raise BadInput(
            "limit.bad-what-if",
            "Nothing was reckoned.",
            "An amount of inferences is a number from 0 up.",
            "Give another number.",
        )
