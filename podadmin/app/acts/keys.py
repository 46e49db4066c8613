"""Acts on keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from podadmin.app.acts.keyring import TITLES
from podadmin.app.acts.registry import act
from podadmin.app.views.keys import KeyRow
from podadmin.core.clock import unstamp
from podadmin.core.text import grouped, stranger
from podadmin.networks.records import network
from podadmin.requests.records import requester_key
from podadmin.vault.model import Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


@act("keys list")
def list_keys(profile: Profile) -> tuple[KeyRow, ...]:
    """List the keys of this profile and the keys of requesters that were seen."""
    return (*_own(profile), *_requesters(profile))


def _own(profile: Profile) -> tuple[KeyRow, ...]:
    if profile.keyring_choice is None:
        return ()
    vault = profile.vault
    kept = vault.keys()
    place = TITLES[profile.keyring_choice]
    with profile.store.read() as connection:
        joined = connection.execute(select(network.c.kind).where(network.c.left_at.is_(None))).scalars().all()
    known = {
        Purpose.POD: f"The network ({', '.join(joined)}) and its requesters" if joined else "Nobody yet",
        Purpose.JOURNAL: "Nobody: it proves this journal's anchors to you",
    }
    return tuple(
        KeyRow(
            id=info.id,
            purpose=info.purpose.words,
            kind=info.kind.value,
            fingerprint=grouped(info.fingerprint),
            words=info.words,
            where=f"Sealed in {info.file}; what opens it lies in {place}",
            created_at=info.created_at,
            last_used_at=info.last_used_at,
            public=info.public_ssh,
            known_by=known[info.purpose],
        )
        for info in kept
    )


def _requesters(profile: Profile) -> tuple[KeyRow, ...]:
    with profile.store.read() as connection:
        rows = connection.execute(select(requester_key).order_by(requester_key.c.first_seen_at)).all()
    return tuple(
        KeyRow(
            id=f"{row.network}:{row.requester}:{row.key_id}",
            purpose=f"Verifies requests of {stranger(row.requester)}",
            kind="RSA, public half",
            fingerprint=grouped(row.fingerprint),
            words="",
            where="Pinned in this profile when it was first seen; not confirmed by telephone",
            created_at=unstamp(row.first_seen_at),
            last_used_at=None,
            public=row.public_pem,
            known_by=f"The network ({row.network})",
        )
        for row in rows
    )
