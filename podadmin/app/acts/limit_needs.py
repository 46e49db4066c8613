"""What about limits needs the custodian now: what must not be, and what is used up or nearly so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from podadmin.app.acts import limits
from podadmin.app.views.limits import MeterRow
from podadmin.app.views.overview import Need

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

SHOWN = 5


def limit_needs(profile: Profile) -> list[Need]:
    """Alarms first, then meters, then own limits that no meter shows; a few of each, and how many more there are."""
    told = [*_alarms(profile)]
    rows, models = limits.near(profile, SHOWN)
    own = [*_own(profile)]
    near = [*_meters(rows), *own]
    needs = told[:SHOWN] + near[:SHOWN]
    for count, words in (
        (len(told), "more alarms about limits"),
        (models + len(own), "more limits are nearly used up"),
    ):
        if count > SHOWN:
            title = f"{count - SHOWN} {words}"
            needs.append(Need("info", title, "Only the first are shown here.", "See the limits", "Models & limits"))
    return needs


def _alarms(profile: Profile) -> Iterator[Need]:
    for alarm in limits.alarms(profile):
        detail = f"{alarm.words} {alarm.todo}"
        yield Need("bad", f"{alarm.title}: {alarm.model}", detail, "See what to do", "Models & limits", alarm.meter)


def _meters(rows: tuple[MeterRow, ...]) -> Iterator[Need]:
    for row in rows:
        when = f" At the present pace it is used up {row.runs_out}." if row.runs_out[:1].isdigit() else ""
        of = f"{row.used:,.15g} of {row.limit:,.15g}" if row.limit is not None else f"{row.used:,.15g}"
        promised = f", {row.reserved:,.15g} more are promised" if row.reserved else ""
        detail = f"{of} inferences are used{promised} in {row.project or 'no project'}.{when if row.free else ''}"
        title = f"{row.model} has nearly reached its limit" if row.free else f"{row.model} has reached its limit"
        yield Need("warn", title, detail, "See its use", "Models & limits", row.id)


def _own(profile: Profile) -> Iterator[Need]:
    """Own limits that depend on who asks or on what data, and those that warn only: no row of a model shows them."""
    warn_at = limits.warns_at(profile)
    for each in limits.own(profile):
        shown_by_a_model = each.effect == "stops" and not each.requester and not each.datasource
        if not shown_by_a_model and each.used + each.reserved >= warn_at * each.amount:
            ends = "stops every further use" if each.effect == "stops" else "warns only"
            how = "nearly used up" if each.free else "used up"
            detail = f"{each.used:,.15g} of {each.amount:,.15g} inferences are used; this limit {ends}."
            title = f"Your own limit is {how}: {each.words}"
            yield Need("warn", title, detail, "See your limits", "Models & limits", f"own:{each.id}")
