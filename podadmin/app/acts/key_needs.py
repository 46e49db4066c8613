"""What about keys needs the custodian now: another key under a pinned name, and keys and secrets whose time is up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podadmin.app.key_rows import all_rows
from podadmin.app.views.overview import Need

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

SHOWN = 3


def key_needs(profile: Profile) -> list[Need]:
    """The loud ones first; a few of each."""
    rows = all_rows(profile)
    changed = [
        Need(
            "bad",
            f"Another key came under the name of {row.name}",
            "What it signs is refused until you decide. Ask the owner by telephone.",
            "Look at both keys",
            "Keys",
            "trust",
        )
        for row in rows
        if row.state == "changed"
    ]
    due = [
        Need(row.tone, f"{row.purpose}: {row.name or row.kind}", f"{row.runway}.", "See the keys", "Keys", "keys")
        for row in rows
        if row.state in {"in use", "kept"} and row.tone in {"warn", "bad"}
    ]
    return changed[:SHOWN] + due[:SHOWN]
