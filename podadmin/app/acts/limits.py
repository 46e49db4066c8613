"""Acts on limits: what every model has used, and how much is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from sqlalchemy import Connection

from podadmin.app.acts.registry import act
from podadmin.app.views.limits import MeterDetail, MeterEvent, MeterRow
from podadmin.core.text import stranger
from podadmin.limits import service
from podadmin.limits.model import Meter

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


@act("limits list")
def list_limits(profile: Profile) -> tuple[MeterRow, ...]:
    """List every model that was limited, promised or used, with what is left of its limit."""
    with profile.store.read() as connection:
        return tuple(_row(connection, found) for found in service.meters(connection, now=profile.clock.now()))


@act("limits show")
def show(profile: Profile, meter: Annotated[str, "the meter's id, as the list prints it"]) -> MeterDetail:
    """Show one model's use in one project: by day, by requester, event by event."""
    with profile.store.read() as connection:
        found = service.meter_of(connection, service.find_key(connection, meter), now=profile.clock.now())
        used = service.by_requester(connection, found.key)
        events = tuple(
            MeterEvent(
                event.at,
                event.request_id,
                stranger(event.requester),
                event.amount,
                f"{event.amount:g} inferences for {stranger(event.requester)}",
            )
            for event in service.events(connection, found.key)
        )
        requesters = tuple((stranger(name), amount) for name, amount in used)
        return MeterDetail(_row(connection, found), events, requesters)


def _row(connection: Connection, found: Meter) -> MeterRow:
    return MeterRow(
        id=found.id,
        model=stranger(found.key.resource),
        project=stranger(found.key.project),
        used=found.used,
        reserved=found.reserved,
        free=found.free,
        limit=found.limit,
        mode=found.mode,
        last_used=found.last_used,
        series=service.series(connection, found.key),
    )
