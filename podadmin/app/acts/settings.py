"""Acts on settings. The table of settings itself is in `podadmin.app.settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts.registry import act
from podadmin.app.views.settings import SettingRow

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

DECIDED = ("gate.", "limits.")
"""Settings under these names are decisions: they let something through, or let it go unseen."""


@act("settings list")
def list_settings(profile: Profile) -> tuple[SettingRow, ...]:
    """List all settings with their values and bounds."""
    return profile.settings.rows()


@act("settings set", writes=True, kinds=("setting",))
def change(
    profile: Profile,
    name: Annotated[str, "the setting's name"],
    value: Annotated[str, "the new value"],
) -> SettingRow:
    """Change one setting. What the gate lets through and where limits warn is changed by those who may decide."""
    if name.startswith(DECIDED):
        from podadmin.requests.grant_cover import must_decide

        must_decide(profile.store, profile.clock, profile.actor)
    return profile.settings.change(name, value, profile.actor)
