"""Keys, secrets and trusted keys as rows that a person can read: what for, where, since when, until when, who knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select

from podadmin.app.acts.keyring import TITLES
from podadmin.app.views.keys import KeyRow
from podadmin.core.text import grouped, stranger
from podadmin.datasources import service as datasources
from podadmin.networks.records import network
from podadmin.vault import trust
from podadmin.vault.forms import read_public, thumbprint
from podadmin.vault.model import KeyInfo, KeyState, Purpose, SecretInfo

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

DUE_SOON_DAYS = 30
_ROLES = {
    "requester": "Verifies requests of {}",
    "access-manager": "Verifies what the access manager {} says",
    "hub": "Verifies what the hub {} says",
}
_TRUST = {
    trust.Trust.PINNED: ("not confirmed", "warn"),
    trust.Trust.CONFIRMED: ("confirmed", "good"),
    trust.Trust.CHANGED: ("changed", "bad"),
    trust.Trust.DISTRUSTED: ("distrusted", "bad"),
}
_ORDER = [state.value for state in KeyState]
_STATES = {
    KeyState.IN_USE: "good",
    KeyState.ENDING: "warn",
    KeyState.ENDED: "plain",
    KeyState.REVOKED: "bad",
}


def all_rows(profile: Profile) -> tuple[KeyRow, ...]:
    """Every key and secret of the profile and every key that it trusts: those in use first, ended ones last."""
    if profile.keyring_choice is None:
        return trusted_rows(profile)
    known = _networks(profile)
    own = [own_row(profile, info, known) for info in profile.vault.every_key()]
    own.sort(key=lambda row: _ORDER.index(row.state))
    names = {each.id: each.name for each in datasources.list_all(profile.store)}
    secrets = tuple(_secret_row(profile, info, names) for info in profile.vault.secrets_kept())
    return (*own, *secrets, *trusted_rows(profile))


def own_row(profile: Profile, info: KeyInfo, known: str | None = None) -> KeyRow:
    """A key of this pod."""
    now = profile.clock.now()
    state = info.state(now)
    days, words, tone = _runway(profile, info, state, now)
    place = TITLES[profile.keyring_choice or "memory"]
    return KeyRow(
        id=info.id,
        purpose=info.purpose.words,
        kind=info.kind.value,
        fingerprint=grouped(info.fingerprint),
        words=info.words,
        where=f"Sealed in {info.file}; what opens it lies in {place}",
        created_at=info.created_at,
        last_used_at=info.last_used_at,
        public=info.public_ssh,
        known_by=_known_by(info, _networks(profile) if known is None else known),
        group=info.purpose.value,
        name=info.name,
        state=state.value,
        tone=tone,
        runway=words,
        runway_days=days,
        origin={"created": "Made here", "imported": "Imported", "restored": "Restored from a backup"}[info.origin],
        thumbprint=thumbprint(read_public(info.public_pem)),
        reason=stranger(info.reason, 300),
    )


def trusted_rows(profile: Profile) -> tuple[KeyRow, ...]:
    """The keys of others, those that need a look first."""
    return tuple(trusted_row(each) for each in trust.trusted_keys(profile.store))


def trusted_row(each: trust.TrustedKey) -> KeyRow:
    """A key of somebody else."""
    state, tone = _TRUST[each.trust]
    where = "Pinned in this profile when it was first seen; nobody has compared it yet"
    if each.confirmed_at is not None:
        where = f"Pinned in this profile; its words were compared by {stranger(each.confirmed_by, 60)}"
    return KeyRow(
        id=each.id,
        purpose=_ROLES[each.role].format(stranger(each.holder, 80)),
        kind="Public half",
        fingerprint=grouped(each.fingerprint),
        words=each.words,
        where=where,
        created_at=each.first_seen_at,
        last_used_at=None,
        public=each.public_pem,
        known_by=f"The network ({each.network}), as its key {stranger(each.key_id, 60)}",
        group="trusted",
        name=stranger(each.holder, 80),
        state=state,
        tone=tone,
        reason=stranger(each.reason, 300),
        offered_fingerprint=grouped(each.offered_fingerprint),
        offered_words=each.offered_words,
        offered_at=each.offered_at,
    )


def _secret_row(profile: Profile, info: SecretInfo, names: Mapping[str, str]) -> KeyRow:
    days = (info.expires_at - profile.clock.now()).days if info.expires_at else None
    return KeyRow(
        id=info.id,
        purpose=info.purpose.words,
        kind="Secret",
        fingerprint="",
        words="",
        where=f"Sealed in {info.file}; what opens it lies in {TITLES[profile.keyring_choice or 'memory']}",
        created_at=info.created_at,
        last_used_at=info.last_used_at,
        public="",
        known_by="Whoever gave it: it is no key pair",
        group="secret",
        name=stranger(names.get(info.holder, info.holder), 120),
        state="kept",
        tone=_tone_of(days),
        runway=_left("It ends", days),
        runway_days=days,
    )


def _runway(profile: Profile, info: KeyInfo, state: KeyState, now: datetime) -> tuple[int | None, str, str]:
    """How many days are left, in words, and the tone of it."""
    if state is KeyState.REVOKED:
        return None, "Revoked: nothing is opened or signed with it", _STATES[state]
    if state is KeyState.ENDED:
        return None, "Replaced: no longer accepted", _STATES[state]
    if state is KeyState.ENDING and info.ends_at is not None:
        return (info.ends_at - now).days, _left("Accepted", (info.ends_at - now).days, "yet"), _STATES[state]
    lasts = int(profile.settings.number("keys.renew-after"))
    if not lasts:
        return None, "No time to renew it is set", _STATES[state]
    days = lasts - (now - info.created_at).days
    return days, _left("To be renewed", days), _tone_of(days)


def _left(what: str, days: int | None, end: str = "") -> str:
    if days is None:
        return ""
    word = "day" if abs(days) == 1 else "days"
    if days < 0:
        return f"{what}: overdue by {-days} {word}"
    if end:
        return f"{what} for {days} {word} {end}" if days else f"{what} for less than a day {end}"
    return f"{what} in {days} {word}" if days else f"{what} today"


def _tone_of(days: int | None) -> str:
    if days is None or days > DUE_SOON_DAYS:
        return "good"
    return "warn" if days > 0 else "bad"


def _networks(profile: Profile) -> str:
    with profile.store.read() as connection:
        joined = connection.execute(select(network.c.kind).where(network.c.left_at.is_(None))).scalars().all()
    return ", ".join(joined)


def _known_by(info: KeyInfo, networks: str) -> str:
    if info.purpose is Purpose.POD:
        return f"The network ({networks}) and its requesters" if networks else "Nobody yet"
    if info.purpose is Purpose.JOURNAL:
        return "Requesters who got a receipt; it proves this journal's anchors to you"
    if info.purpose is Purpose.REVIEWER:
        return f"Whoever checks what {info.name} has signed"
    return "The health record system at which it was registered"
