"""What follows when a key is revoked: nothing that waits under it goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from podadmin.core.errors import Refused
from podadmin.requests import service as requests
from podadmin.requests.records import request
from podadmin.requests.state import State
from podadmin.vault.model import KeyInfo

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

TOLD = "The key of this pod was revoked. Fetch its new public key from the network and send the request again."
"""What a requester reads; why the key was revoked stays in the journal."""


def stop_requests(profile: Profile) -> int:
    """Refuse every request that waits for a decision; how many there were."""
    with profile.store.read() as connection:
        waiting = connection.execute(
            select(request.c.id).where(request.c.state.in_([State.HELD, State.LAPSED]))
        ).scalars()
        ids = tuple(waiting)
    refused = 0
    for request_id in ids:
        try:
            requests.refuse(profile.store, profile.clock, request_id, profile.actor, TOLD)
        except Refused:
            continue  # somebody has decided meanwhile
        refused += 1
    return refused


def replace_journal_key(profile: Profile, info: KeyInfo) -> None:
    """Another journal key takes the place of one that is about to be revoked."""
    profile.vault.rotate(info.id, profile.actor, timedelta())
