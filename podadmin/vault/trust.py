"""The book of trust: the public keys of requesters, access managers and hubs, and how sure this pod is of each.

A key is pinned when it is first seen and is then *not yet confirmed*: nobody has compared it. It becomes *confirmed*
when the custodian gives the words that its owner reads out by telephone. Another key under a pinned name is never taken
by itself: it is kept as *offered*, told in the journal and refused until the custodian replaces the pin with a reason.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import Row, insert, select, update

from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.core.text import stranger
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.records import trusted_key
from podadmin.vault.words import in_words

GATE = "gate"
REASON_LIMIT = 2000
_ONE_LOOK = threading.Lock()
"""Two requests under one new key come side by side: the key is pinned by the first and known to the second."""
ROLES = ("requester", "access-manager", "hub")
_NO_OFFER: Final[dict[str, str | None]] = {"offered_fingerprint": "", "offered_pem": "", "offered_at": None}
_NOT_CONFIRMED: Final[dict[str, str | None]] = {"confirmed_at": None, "confirmed_by": ""}


class Trust(Enum):
    """How sure the pod is of a key."""

    PINNED = "not yet confirmed"
    CONFIRMED = "confirmed"
    CHANGED = "another key was offered"
    DISTRUSTED = "distrusted"


@dataclass(frozen=True)
class TrustedKey:
    """A public key of somebody else. `holder` and `key_id` are strangers' text; `key_id` is the network's number."""

    id: str
    role: str
    network: str
    holder: str
    key_id: str
    fingerprint: str
    words: str
    public_pem: str
    first_seen_at: datetime
    trust: Trust
    confirmed_at: datetime | None
    confirmed_by: str
    reason: str
    offered_fingerprint: str
    offered_words: str
    offered_at: datetime | None


@dataclass(frozen=True)
class Seen:
    """A key that somebody else uses, as a network gave it: `fingerprint` is that of `public_pem`."""

    role: str
    network: str
    holder: str
    key_id: str
    fingerprint: str
    public_pem: str


def trusted_keys(store: Store) -> tuple[TrustedKey, ...]:
    """Everybody's keys, those that need a look first, then by role and first sight."""
    with store.read() as connection:
        rows = connection.execute(select(trusted_key).order_by(trusted_key.c.first_seen_at, trusted_key.c.id)).all()
    entries = [_entry(row) for row in rows]
    return tuple(sorted(entries, key=lambda each: (each.trust is not Trust.CHANGED, ROLES.index(each.role))))


def find(store: Store, trust_id: str) -> TrustedKey:
    """One key. Raises NotFound (`vault.no-such-trust`)."""
    with store.read() as connection:
        row = connection.execute(select(trusted_key).where(trusted_key.c.id == trust_id)).first()
    if row is None:
        raise NotFound(
            "vault.no-such-trust",
            "There is no such key of somebody else.",
            "It was never seen in this profile, or its name was mistyped.",
            "List the keys with `podadmin keys trusted`.",
        )
    return _entry(row)


def see(store: Store, clock: Clock, seen: Seen, actor: str = GATE) -> bool:
    """Pin a key at first sight. False where another one is pinned under this name; that is recorded once for each.

    Raises Refused (`vault.distrusted`) for a key that the custodian has turned away.
    """
    with _ONE_LOOK:
        return _see(store, clock, seen, actor)


def _see(store: Store, clock: Clock, seen: Seen, actor: str) -> bool:
    with store.read() as connection:
        pinned = connection.execute(select(trusted_key).where(*_under(seen))).first()
    if pinned is None:
        _pin(store, clock, seen, actor)
        return True
    if pinned.distrusted_at is not None:
        raise Refused(
            "vault.distrusted",
            "The key that signed this is not trusted here.",
            f"The custodian has turned away the key {stranger(seen.key_id, 60)} of {stranger(seen.holder, 60)}.",
            "Ask the custodian why, or sign with another key.",
        )
    if pinned.fingerprint == seen.fingerprint:
        return True
    if pinned.offered_fingerprint != seen.fingerprint:
        _offer(store, clock, pinned, seen, actor)
    return False


def confirm(store: Store, clock: Clock, trust_id: str, words: str, actor: str) -> TrustedKey:
    """The owner has read out these words (or the 64 digits of the fingerprint), and they are those of the pinned key.

    Raises NotFound (`vault.no-such-trust`), BadInput (`vault.words-differ`), Refused (`vault.key-offered`) while
    another key is offered under the same name.
    """
    known = find(store, trust_id)
    if known.trust is Trust.CHANGED:
        raise Refused(
            "vault.key-offered",
            "The key was not confirmed.",
            "The network now gives another key under this name, and it has to be settled first which one is right.",
            "Ask the owner which words their key has, then replace the pinned key or leave it.",
        )
    if _plain(words) != _plain(known.words) and _digits(words) != known.fingerprint:
        raise BadInput(
            "vault.words-differ",
            "The key was not confirmed.",
            "The words are not those of the key that is pinned here.",
            "Let the owner read them out again. If they differ again, do not trust this key: it may be another's.",
        )
    body = _body(known) | {"fingerprint": known.fingerprint}
    fact = Fact(actor, "key.confirmed", known.holder, body)
    _settle(store, known.id, fact, confirmed_at=stamp(clock.now()), confirmed_by=actor, distrusted_at=None, reason="")
    return find(store, trust_id)


def replace(store: Store, clock: Clock, trust_id: str, reason: str, actor: str) -> TrustedKey:
    """Take the offered key in place of the pinned one. It is again not yet confirmed.

    Raises NotFound (`vault.no-such-trust`), Refused (`vault.nothing-offered`, `vault.reason-missing`).
    """
    known = find(store, trust_id)
    why = _reason(reason)
    _offered(known, "The pinned key was not replaced.")
    body = _body(known) | {"fingerprint": known.offered_fingerprint, "was": known.fingerprint, "reason": why}
    columns = trusted_key.c
    _settle(
        store,
        known.id,
        Fact(actor, "key.replaced", known.holder, body),
        fingerprint=columns.offered_fingerprint,
        public_pem=columns.offered_pem,
        first_seen_at=columns.offered_at,
        distrusted_at=None,
        reason=why,
        **_NOT_CONFIRMED,
        **_NO_OFFER,
    )
    return find(store, trust_id)


def keep(store: Store, trust_id: str, reason: str, actor: str) -> TrustedKey:
    """Turn the offered key away and keep the pinned one. Raises as `replace`."""
    known = find(store, trust_id)
    why = _reason(reason)
    _offered(known, "Nothing was turned away.")
    body = _body(known) | {"fingerprint": known.fingerprint, "turned_away": known.offered_fingerprint, "reason": why}
    _settle(store, known.id, Fact(actor, "key.kept", known.holder, body), reason=why, **_NO_OFFER)
    return find(store, trust_id)


def distrust(store: Store, clock: Clock, trust_id: str, reason: str, actor: str) -> TrustedKey:
    """Nothing that this key has signed is taken any more, until it is confirmed again.

    Raises NotFound (`vault.no-such-trust`), Refused (`vault.reason-missing`).
    """
    known = find(store, trust_id)
    why = _reason(reason)
    body = _body(known) | {"fingerprint": known.fingerprint, "reason": why}
    fact = Fact(actor, "key.distrusted", known.holder, body)
    _settle(store, known.id, fact, distrusted_at=stamp(clock.now()), reason=why, **_NOT_CONFIRMED)
    return find(store, trust_id)


def _pin(store: Store, clock: Clock, seen: Seen, actor: str) -> None:
    body = {
        "role": seen.role,
        "network": seen.network,
        "requester": seen.holder,
        "key": seen.key_id,
        "fingerprint": seen.fingerprint,
    }
    with store.record(Fact(actor, "key.pinned", seen.holder, body)) as unit:
        unit.execute(
            insert(trusted_key).values(
                id=new_id("trust"),
                role=seen.role,
                network=seen.network,
                holder=seen.holder,
                key_id=seen.key_id,
                fingerprint=seen.fingerprint,
                public_pem=seen.public_pem,
                first_seen_at=stamp(clock.now()),
            )
        )


def _offer(store: Store, clock: Clock, pinned: Row[Any], seen: Seen, actor: str) -> None:
    body = _body(_entry(pinned)) | {"fingerprint": pinned.fingerprint, "offered": seen.fingerprint}
    _settle(
        store,
        pinned.id,
        Fact(actor, "key.offered", pinned.holder, body),
        offered_fingerprint=seen.fingerprint,
        offered_pem=seen.public_pem,
        offered_at=stamp(clock.now()),
    )


def _settle(store: Store, trust_id: str, fact: Fact, **values: Any) -> None:
    """Record what became of a key, and keep it: one transaction. `values` are its columns."""
    with store.record(fact) as unit:
        unit.execute(update(trusted_key).where(trusted_key.c.id == trust_id).values(**values))


def _offered(known: TrustedKey, what: str) -> None:
    """Raises Refused (`vault.nothing-offered`) where no other key is offered; `what` says what was not done then."""
    if not known.offered_fingerprint:
        raise Refused("vault.nothing-offered", what, "No other key was offered under its name.", "Leave it as it is.")


def _entry(row: Row[Any]) -> TrustedKey:
    trust = Trust.CONFIRMED if row.confirmed_at else Trust.PINNED
    if row.offered_fingerprint:
        trust = Trust.CHANGED
    if row.distrusted_at:
        trust = Trust.DISTRUSTED
    return TrustedKey(
        id=row.id,
        role=row.role,
        network=row.network,
        holder=row.holder,
        key_id=row.key_id,
        fingerprint=row.fingerprint,
        words=in_words(bytes.fromhex(row.fingerprint)),
        public_pem=row.public_pem,
        first_seen_at=unstamp(row.first_seen_at),
        trust=trust,
        confirmed_at=unstamp(row.confirmed_at) if row.confirmed_at else None,
        confirmed_by=row.confirmed_by,
        reason=row.reason,
        offered_fingerprint=row.offered_fingerprint,
        offered_words=in_words(bytes.fromhex(row.offered_fingerprint)) if row.offered_fingerprint else "",
        offered_at=unstamp(row.offered_at) if row.offered_at else None,
    )


def _under(seen: Seen) -> tuple[Any, ...]:
    columns = trusted_key.c
    return (
        columns.role == seen.role,
        columns.network == seen.network,
        columns.holder == seen.holder,
        columns.key_id == seen.key_id,
    )


def _body(known: TrustedKey) -> dict[str, str]:
    return {"id": known.id, "role": known.role, "network": known.network, "key": known.key_id}


def _reason(reason: str) -> str:
    why = reason.strip()
    if not why:
        raise Refused(
            "vault.reason-missing",
            "Nothing was changed.",
            "What happens to a key needs a reason: whoever looks into the journal later will ask for it.",
            "Write one sentence that says why.",
        )
    return why[:REASON_LIMIT]


def _digits(text: str) -> str:
    """A fingerprint as somebody reads it out, without what parts its blocks."""
    return text.lower().translate(dict.fromkeys(map(ord, " :-\n\t")))


def _plain(words: str) -> list[str]:
    return words.lower().replace("-", " ").replace(",", " ").split()
