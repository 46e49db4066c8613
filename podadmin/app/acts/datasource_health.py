"""Acts on the health of datasources: how each stands, a look at all of them now, how often that happens by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from podadmin.app.acts.registry import act
from podadmin.app.datasource_rows import card
from podadmin.app.notices import After, recorded_since
from podadmin.app.sentinel import SCHEDULE, look_at, look_at_all, looks
from podadmin.app.views.datasources import HealthRow, HealthView
from podadmin.app.views.facts import Notice, Notices
from podadmin.core.errors import ExitCode
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources import health as standings
from podadmin.datasources import service
from podadmin.datasources.accessibility import standing

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

NOTICES = ("datasource.health-changed",)


def _health_ends_with(view: HealthView) -> ExitCode:
    return ExitCode.BAD_INPUT if any(row.state == "broken" for row in view.rows) else ExitCode.OK


@act("datasource health", ends_with=_health_ends_with)
def health(profile: Profile) -> HealthView:
    """Show how every datasource stands, what broke, since when, and how often that is looked at."""
    return _view(profile)


@act("datasource look", writes=True, kinds=("datasource",), ends_with=_health_ends_with)
def look(
    profile: Profile,
    *,
    datasource: Annotated[str, "the id or name of one of them; all are looked at without it"] = "",
    progress: Progress,
) -> HealthView:
    """Look at every datasource now, as it happens on the schedule. Only what has changed is recorded."""
    if datasource:
        look_at(profile, service.get(profile.store, datasource), progress, actor=profile.actor)
    else:
        look_at_all(profile, progress, actor=profile.actor)
    return _view(profile)


@act("datasource watch", writes=True, kinds=("setting",))
def watch(
    profile: Profile,
    every: Annotated[int, "minutes between two looks; 0 for never"],
) -> HealthView:
    """Say how often every datasource is looked at while the gate's engine runs."""
    profile.settings.change(SCHEDULE, str(every), profile.actor)
    return _view(profile)


@act("datasource notices")
def notices(profile: Profile, *, after: After = 0) -> Notices:
    """List which datasources broke, got slow or are well again."""
    return recorded_since(profile, after, NOTICES, _notice)


def _notice(seq: int, _act: str, body: Mapping[str, Any]) -> Notice:
    name = stranger(str(body["name"]), 80)
    if body["state"] == "broken":
        cause = standing(str(body.get("code", ""))).cause
        return Notice(seq, "bad", f"The datasource {name} cannot be used any more: {cause}.", name)
    if body["state"] == "slow":
        return Notice(seq, "warn", f"The datasource {name} answers slowly.", name)
    return Notice(seq, "good", f"The datasource {name} can be used again.", name)


def _view(profile: Profile) -> HealthView:
    every = int(profile.settings.number(SCHEDULE))
    words = f"Every {every} minutes" if every > 1 else ("Every minute" if every else "Never by itself")
    known, looked = standings.kept(profile.store), looks(profile)
    rows = []
    for each in service.list_all(profile.store):
        found = known.get(each.id)
        shown = card(profile, each, found)
        at = looked.get(each.id)
        seen = shown.health == "unknown" and at is not None
        rows.append(
            HealthRow(
                id=each.id,
                name=each.name,
                state="good" if seen else shown.health,
                cause=shown.cause,
                field_code=shown.field_code,
                words="It can be reached" if seen else shown.health_words,
                next_step=found.error.get("next_step", "") if found is not None else "",
                who_can_fix=shown.who_can_fix,
                since=shown.health_since,
                looked_at=at,
            )
        )
    return HealthView(every, words, tuple(rows))
