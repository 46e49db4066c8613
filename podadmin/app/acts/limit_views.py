"""Puts meters, own limits, alarms and forecasts into the words and shapes that pages and commands show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from podadmin.app.moments import day_words
from podadmin.app.views.facts import Notice
from podadmin.app.views.limits import AlarmRow, ForecastView, MeterEvent, MeterRow, OwnRow, OwnVersion
from podadmin.core.text import stranger
from podadmin.limits.alarms import WORDS, Alarm, Kind, sentence
from podadmin.limits.own import OwnLimit, words
from podadmin.limits.service import own_taken, versions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from podadmin.limits.forecast import Forecast, Point
    from podadmin.limits.keeping import Version
    from podadmin.limits.model import Meter
    from podadmin.limits.service import UsageEvent

_LONGEST = 400
_EFFECTS = {"stops": "Stops", "warns": "Warns only"}


def meter_row(
    meter: Meter,
    series: tuple[tuple[str, float], ...],
    odd: tuple[Kind, ...],
    seen: Forecast | ForecastView,
    warn_at: float,
) -> MeterRow:
    """A meter as a row. `odd`: the kinds of alarm that nobody has seen to."""
    states = [WORDS[kind].title for kind in odd]
    if meter.overrun > 0 and Kind.OVERRUN not in odd:
        states.append(WORDS[Kind.OVERRUN].title)
    return MeterRow(
        id=meter.id,
        model=stranger(meter.key.resource) or "not named",
        project=stranger(meter.key.project),
        used=meter.used,
        reserved=meter.reserved,
        free=meter.free,
        limit=meter.limit,
        mode=meter.mode,
        last_used=meter.last_used,
        series=series,
        network=meter.key.network,
        own=tuple(f"{own_words(each.limit)}, {_EFFECTS[each.limit.effect].lower()}" for each in meter.own),
        own_stops=any(each.stops for each in meter.own),
        taken=taken(meter),
        states=tuple(states),
        runs_out=short_words(seen),
        warn_at=warn_at,
    )


def taken(meter: Meter) -> float | None:
    """The part of the strictest limit that stops which is used or promised; None where nothing stops it."""
    parts = [_part(each.used + each.reserved, each.limit.amount) for each in meter.own if each.stops]
    if meter.limit is not None:
        parts.append(_part(meter.used + meter.reserved, meter.limit))
    return max(parts, default=None)


def own_words(limit: OwnLimit) -> str:
    """An own limit in one phrase that may be shown."""
    return stranger(words(limit), _LONGEST)


def own_row(connection: Connection, limit: OwnLimit, now: datetime) -> OwnRow:
    """An own limit in force, with how far it is taken."""
    own, newest, scope = own_taken(connection, limit, now), versions(connection, limit.id)[0], limit.scope
    return OwnRow(
        id=limit.id,
        version=limit.version,
        words=own_words(limit),
        model=stranger(scope.model or ""),
        project=stranger(scope.project or ""),
        requester=stranger(scope.requester or ""),
        datasource=stranger(scope.datasource or ""),
        no_project=scope.project == "",
        period=limit.period,
        amount=limit.amount,
        effect=limit.effect,
        effect_words=_EFFECTS[limit.effect],
        used=own.used,
        reserved=own.reserved,
        free=own.free,
        reason=stranger(newest.reason, _LONGEST),
        by=stranger(newest.by),
        at=newest.at,
    )


def version_row(version: Version) -> OwnVersion:
    """One version of an own limit."""
    return OwnVersion(
        version.limit.version,
        own_words(version.limit),
        _EFFECTS[version.limit.effect],
        stranger(version.reason, _LONGEST),
        stranger(version.by),
        version.at,
        version.ended_at,
        stranger(version.ended_reason, _LONGEST),
    )


def alarm_row(alarm: Alarm) -> AlarmRow:
    """An alarm with what it means and what to do."""
    told = WORDS[alarm.kind]
    return AlarmRow(
        id=alarm.id,
        kind=str(alarm.kind),
        title=told.title,
        words=sentence(alarm),
        meaning=told.meaning,
        todo=told.todo,
        model=stranger(alarm.key.resource) or "not named",
        project=stranger(alarm.key.project),
        meter=alarm.key.id,
        request=alarm.request_id,
        task=stranger(alarm.task_id),
        at=alarm.at,
        seen_at=alarm.seen_at,
        seen_by=stranger(alarm.seen_by),
        seen_reason=stranger(alarm.seen_reason, _LONGEST),
        acceptable=alarm.kind is Kind.BACKWARDS and alarm.limit is not None and alarm.seen_at is None,
    )


def event_row(event: UsageEvent) -> MeterEvent:
    """One counted use."""
    who = stranger(event.requester)
    said = f"{event.amount:,.15g} inferences for {who}"
    return MeterEvent(event.at, event.request_id, who, event.amount, said, stranger(event.datasource))


def forecast_view(seen: Forecast, path: Sequence[Point], mode: str) -> ForecastView:
    """A forecast with its words."""
    return ForecastView(
        state="unknown" if mode == "unknown" else seen.state,
        words=_long_words(seen, mode),
        likely=_iso(seen.likely),
        early=_iso(seen.early),
        late=_iso(seen.late),
        free=seen.free,
        weekly=round(seen.weekly, 1),
        weeks=seen.weeks,
        path=tuple((each.day.isoformat(), each.low, each.middle, each.high) for each in path),
    )


def short_words(seen: Forecast | ForecastView) -> str:
    """A forecast for a cell of a table: `9 Dec 2026 (2 Dec – 20 Dec)`. Empty where there is no date to give."""
    if seen.state == "far":
        return "not within two years"
    if seen.state in ("not-enough", "no-use"):
        return {"not-enough": "too short a history", "no-use": "not used lately"}[seen.state]
    if seen.state != "dated":
        return ""
    likely, early, late = (_day(each) for each in (seen.likely, seen.early, seen.late))
    assert likely is not None
    end = day_words(late, year=late.year != likely.year) if late is not None else "later than in two years"
    begin = day_words(early, year=early.year != likely.year) if early is not None else "today"
    return f"{day_words(likely)} ({begin} – {end})"


def notice_of(seq: int, act: str, body: Mapping[str, Any]) -> Notice:
    """What has just happened to a limit, in one sentence."""
    name, meter = str(body.get("model", "")), str(body.get("meter", ""))
    if act == "limit.alarm":
        return Notice(seq, "bad", f"{body['title']}: {name}. {body['words']}", meter)
    whose = f"your own limit, {body['own']}," if "own" in body else f"the limit of {name}"
    stops = "It stops every further run." if body["stops"] else "It warns only."
    used, limit = f"{body['used']:,.15g}", f"{body['limit']:,.15g}"
    if body["reached"] >= 1:
        return Notice(seq, "bad", f"{whose[:1].upper()}{whose[1:]} is used up: {used} of {limit}. {stops}", meter)
    return Notice(seq, "warn", f"{whose[:1].upper()}{whose[1:]} is nearly used up: {used} of {limit}.", meter)


def _long_words(seen: Forecast, mode: str) -> str:
    if mode == "unknown":
        return "Nothing is given out while the limit is unknown, so there is nothing to run out."
    if seen.state == "no-limit":
        return "No limit stops it, so there is no day on which it runs out."
    if seen.state == "used-up":
        return "It is used up now."
    if seen.state == "not-enough":
        return (
            f"There is not enough history for a date: {_weeks(seen.weeks)} of use, and at least five are needed to "
            "say how much weeks differ."
        )
    if seen.state == "no-use":
        return "It was not used lately, so there is no day on which it runs out."
    pace = f"about {seen.weekly:,.0f} a week" if seen.weekly >= 10 else f"about {seen.weekly:,.1f} a week"
    if seen.trend:
        pace += f", {'rising' if seen.trend > 0 else 'falling'} by about {abs(seen.trend):,.1f} each week"
    if seen.likely is None:
        early = f" At the earliest, in one case out of ten, {day_words(seen.early)}." if seen.early else ""
        return f"At the present pace, {pace}, it is not used up within two years.{early}"
    band = "in four cases out of five "
    if seen.late is None:
        band += (
            f"not before {day_words(seen.early)}, and perhaps not within two years" if seen.early else "later or never"
        )
    else:
        assert seen.early is not None
        band += f"between {day_words(seen.early)} and {day_words(seen.late)}"
    return f"At the present pace, {pace}, it is used up about {day_words(seen.likely)}; {band}."


def _weeks(number: int) -> str:
    return "one whole week" if number == 1 else f"{number} whole weeks"


def _part(amount: float, limit: float) -> float:
    return amount / limit if limit else 1.0


def _iso(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _day(day: date | str | None) -> date | None:
    return date.fromisoformat(day) if isinstance(day, str) and day else (day if isinstance(day, date) else None)
