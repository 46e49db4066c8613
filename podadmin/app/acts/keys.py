"""Acts on keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podadmin.app.acts.registry import act
from podadmin.app.key_rows import all_rows
from podadmin.app.views.keys import KeyRow

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


@act("keys list")
def list_keys(profile: Profile) -> tuple[KeyRow, ...]:
    """List the keys and secrets of this profile and the keys of others that were seen."""
    return all_rows(profile)
