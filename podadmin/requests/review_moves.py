"""Reviews as they are kept: who reviews, which request needs how many votes, votes cast blind, votes opened.

Nobody reviews their own grant: neither the requester, nor who asked for the review, nor who decides in the end may be
among the voters. The votes are opened in the transaction of the last one that is needed; until then the journal holds
the digest of each and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.core.text import stranger
from podadmin.requests import receipts
from podadmin.requests.grant_cover import check_may_decide
from podadmin.requests.reading import findings_of, row_of
from podadmin.requests.records import review, reviewer, vote
from podadmin.requests.reviews import (
    SignedVote,
    Signs,
    Subject,
    Vote,
    blind_key,
    check_vote,
    key_of_box,
    open_vote,
    outcome,
    public_hex,
    read_vote,
    seal_vote,
    sign_vote,
)
from podadmin.requests.state import WAITING
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

MOST_VOTES = 20
SignerOf = Callable[[str], Signs]
"""The journal key by its id: votes stay readable when the key has been exchanged meanwhile."""


@dataclass(frozen=True)
class Standing:
    """How far a review is. `result`: empty | allow | refuse. `votes`: each with its reviewer, oldest first."""

    row: Row[Any]
    votes: tuple[tuple[Row[Any], Row[Any]], ...]
    asked: tuple[Row[Any], ...]


def enrol(store: Store, clock: Clock, actor: str, name: str, public_key: str, kind: str, account: str) -> str:
    """From now on `name` can review, with this public key (hex). `kind`: local | remote. Returns the reviewer's id.

    Raises BadInput (`review.bad-reviewer`), Refused (`review.known-key`, `grant.not-decider`).
    """
    name = name.strip()
    if not name or len(public_key) != 64 or not set(public_key) <= set("0123456789abcdef"):
        raise BadInput(
            "review.bad-reviewer",
            "No reviewer was enrolled.",
            "A name is needed, and a public key of 64 hex digits as the reviewer's podadmin shows it.",
            "Ask the reviewer for the public key and compare it by telephone.",
        )
    made = new_id("rvr")
    body = {"name": stranger(name), "public_key": public_key, "kind": kind, "account": account}
    with store.record(Fact(actor, "reviewer.enrolled", made, body)) as unit:
        check_may_decide(unit.connection, actor, clock.now())
        known = unit.connection.execute(select(reviewer).where(reviewer.c.public_key == public_key)).first()
        if known is not None:
            raise Refused(
                "review.known-key",
                "No reviewer was enrolled.",
                f"This key is already the one of {stranger(known.name)}.",
                "One key is one person: have the reviewer make a key of their own.",
            )
        unit.execute(
            insert(reviewer).values(
                id=made,
                name=name,
                account=account,
                kind=kind,
                public_key=public_key,
                added_at=stamp(clock.now()),
                added_by=actor,
            )
        )
    return made


def remove(store: Store, clock: Clock, actor: str, name: str, reason: str) -> None:
    """The reviewer with this id or name votes no more; what they have cast stays.

    Raises NotFound (`review.no-reviewer`), Refused (`grant.not-decider`).
    """
    with store.read() as connection:
        check_may_decide(connection, actor, clock.now())
        who = reviewer_of(connection, name).id
    with store.record(Fact(actor, "reviewer.removed", who, {"reason": reason})) as unit:
        check_may_decide(unit.connection, actor, clock.now())
        reviewer_of(unit.connection, who)
        unit.execute(update(reviewer).where(reviewer.c.id == who).values(removed_at=stamp(clock.now())))


def reviewers(connection: Connection) -> tuple[Row[Any], ...]:
    """Those who can review."""
    return tuple(connection.execute(select(reviewer).where(reviewer.c.removed_at.is_(None)).order_by(reviewer.c.name)))


def reviewer_of(connection: Connection, name: str) -> Row[Any]:
    """A reviewer by id or by name. Raises NotFound (`review.no-reviewer`)."""
    found = [row for row in reviewers(connection) if name in (row.id, row.name)]
    if len(found) != 1:
        raise NotFound(
            "review.no-reviewer",
            "There is no such reviewer.",
            "Nobody who can review has this id, or several have this name.",
            "List the reviewers and use an id from there.",
        )
    return found[0]


def open_review(
    unit: Unit, clock: Clock, request_id: str, needed: int, ids: Sequence[str], why: str, asked_by: str
) -> None:
    """Ask for votes on a request; what was cast in an earlier round counts no more. Raises BadInput (`review.bad-ask`).

    `ids` are those of the reviewers who are asked, empty for everybody who is enrolled.
    """
    if not 1 <= needed <= MOST_VOTES or (ids and len(set(ids)) < needed):
        raise BadInput(
            "review.bad-ask",
            "No review was asked for.",
            f"It needs 1 to {MOST_VOTES} votes, and no more than people are asked.",
            "Correct the number, or ask more people.",
        )
    unit.execute(delete(vote).where(vote.c.request_id == request_id))
    unit.execute(delete(review).where(review.c.request_id == request_id))
    values = {
        "needed": needed,
        "reviewers": canonical(sorted(set(ids))),
        "why": why,
        "nonce": new_id("round"),
        "asked_by": asked_by,
        "asked_at": stamp(clock.now()),
    }
    unit.execute(insert(review).values(request_id=request_id, **values))
    body = {name: values[name] for name in ("needed", "reviewers", "why", "nonce")}
    unit.also(Fact(asked_by, "review.asked", request_id, body))


def ask(store: Store, clock: Clock, request_id: str, actor: str, needed: int, names: Sequence[str], why: str) -> None:
    """A person asks colleagues; votes of an earlier round count no more.

    Raises Refused (`review.not-waiting`, `review.fewer-votes`, `grant.not-decider`), BadInput (`review.bad-ask`),
    NotFound.
    """
    with store.record(Fact(actor, "review.wanted", request_id, {"needed": needed})) as unit:
        check_may_decide(unit.connection, actor, clock.now())
        row = row_of(unit.connection, request_id)
        before = unit.connection.execute(select(review).where(review.c.request_id == request_id)).first()
        if row.state not in WAITING:
            raise _not_waiting()
        if before is not None and needed < before.needed:
            raise Refused(
                "review.fewer-votes",
                "No review was asked for.",
                f"{before.needed} votes are needed for this request, and asking again cannot make that fewer.",
                "Ask for at least as many.",
            )
        ids = [reviewer_of(unit.connection, name).id for name in names]
        open_review(unit, clock, request_id, needed, ids, why, actor)


def standing(connection: Connection, request_id: str) -> Standing | None:
    """How far the review of a request is; None where none was asked for."""
    row = connection.execute(select(review).where(review.c.request_id == request_id)).first()
    if row is None:
        return None
    votes = connection.execute(select(vote).where(vote.c.request_id == request_id).order_by(vote.c.cast_at)).all()
    people = {each.id: each for each in connection.execute(select(reviewer))}
    ids = json.loads(row.reviewers)
    asked = tuple(each for each in reviewers(connection) if not ids or each.id in ids)
    return Standing(row, tuple((each, people[each.reviewer_id]) for each in votes), asked)


def subject_of(connection: Connection, request_id: str) -> Subject:
    """What is voted on. Raises NotFound (`review.none`)."""
    found = connection.execute(select(review).where(review.c.request_id == request_id)).first()
    if found is None:
        raise NotFound(
            "review.none",
            "There is no review of this request.",
            "Nobody has asked for one, and no rule asks for one.",
            "Ask for a review first.",
        )
    return Subject(request_id, row_of(connection, request_id).fingerprint, found.nonce)


def cast(
    store: Store,
    clock: Clock,
    request_id: str,
    reviewer_name: str,
    verdict: str,
    reason: str,
    own_key: Signs,
    journal_key: Signs,
    signer_of: SignerOf,
) -> Standing:
    """A reviewer of this workstation votes, with their own key. Raises what `take` and `check_vote` raise."""
    check_vote(verdict, reason)
    with store.read() as connection:
        subject = subject_of(connection, request_id)
    said = Vote(subject, own_key.public_raw.hex(), verdict, reason.strip(), new_id("salt"), stamp(clock.now()))
    sealed = seal_vote(sign_vote(said, own_key), public_hex(blind_key(journal_key, subject)), journal_key.key_id)
    return take(store, clock, request_id, sealed, signer_of, expected=reviewer_name)


def take(store: Store, clock: Clock, request_id: str, sealed: str, signer_of: SignerOf, expected: str = "") -> Standing:
    """Count a sealed vote, cast here or brought as a file; opens all votes where it is the last that is needed.

    Raises Refused: `review.foreign`, `review.own`, `review.voted`, `review.other-request`, `review.not-waiting`;
    Tampered (`review.vote-forged`), BadInput (`review.unreadable`), NotFound (`review.none`), and what opening the
    journal key raises. Then nothing was changed.
    """
    with store.read() as connection:
        subject = subject_of(connection, request_id)
    # outside of the unit: the keyring may be waited for, and nobody else can write meanwhile
    signed = open_vote(sealed, blind_key(signer_of(key_of_box(sealed)), subject))
    said = read_vote(signed, subject)
    check_vote(said.verdict, said.reason)
    before = _opened(store, request_id, subject, signer_of)
    with store.record(Fact(expected or "reviewer", "review.cast", request_id, {"digest": signed.digest})) as unit:
        who = _entitled(unit.connection, request_id, subject, said, expected)
        unit.note(reviewer=who.id)
        unit.execute(
            insert(vote).values(
                request_id=request_id,
                reviewer_id=who.id,
                cast_at=stamp(clock.now()),
                digest=signed.digest,
                sealed=sealed,
            )
        )
        _open_where_complete(unit, clock, request_id, {**before, who.id: (signed, said)})
    with store.read() as connection:
        found = standing(connection, request_id)
    assert found is not None
    return found


def _opened(store: Store, request_id: str, subject: Subject, signer_of: SignerOf) -> dict[str, tuple[SignedVote, Vote]]:
    with store.read() as connection:
        kept = connection.execute(select(vote).where(vote.c.request_id == request_id)).all()
    found: dict[str, tuple[SignedVote, Vote]] = {}
    for row in kept:
        signed = open_vote(row.sealed, blind_key(signer_of(key_of_box(row.sealed)), subject))
        found[row.reviewer_id] = (signed, read_vote(signed, subject))
    return found


def _entitled(connection: Connection, request_id: str, subject: Subject, said: Vote, expected: str) -> Row[Any]:
    row, found = row_of(connection, request_id), standing(connection, request_id)
    if row.state not in WAITING or found is None or found.row.opened_at or found.row.nonce != subject.nonce:
        raise _not_waiting()
    who = next((each for each in found.asked if each.public_key == said.reviewer_key), None)
    if who is None or (expected and expected not in (who.id, who.name)):
        raise Refused(
            "review.foreign",
            "The vote was not counted.",
            "It is signed with a key of somebody who was not asked to review this request.",
            "Enrol the reviewer, or ask for a review by those who are enrolled.",
        )
    requester_key = findings_of(connection, request_id).get("requester_key", "")
    own = {row.requester, found.row.asked_by} & {who.name, *([who.account] if who.account else [])}
    if own or (requester_key and requester_key == _fingerprint(who.public_key)):
        raise Refused(
            "review.own",
            "The vote was not counted.",
            f"{stranger(who.name)} has asked for this request to be let through, and nobody reviews their own grant.",
            "Have somebody else review it.",
        )
    if any(person.id == who.id for _vote, person in found.votes):
        raise Refused(
            "review.voted",
            "The vote was not counted.",
            f"{stranger(who.name)} has voted on this request before, and a vote stands.",
            "Nothing needs to be done.",
        )
    return who


def _open_where_complete(unit: Unit, clock: Clock, request_id: str, opened: dict[str, tuple[SignedVote, Vote]]) -> None:
    found = standing(unit.connection, request_id)
    assert found is not None
    # what was read before the unit was opened and what is there now are the same votes, or another one came between
    kept = {row.reviewer_id: row.digest for row, _person in found.votes}
    if kept != {name: signed.digest for name, (signed, _vote) in opened.items()}:
        raise _not_waiting()
    result = outcome([said.verdict for _signed, said in opened.values()], found.row.needed)
    if not result:
        return
    told = []
    for row, person in found.votes:
        said = opened[row.reviewer_id][1]
        unit.execute(
            update(vote)
            .where(vote.c.request_id == request_id, vote.c.reviewer_id == row.reviewer_id)
            .values(verdict=said.verdict, reason=said.reason)
        )
        told.append({"reviewer": row.reviewer_id, "name": stranger(person.name), "verdict": said.verdict})
    unit.execute(
        update(review).where(review.c.request_id == request_id).values(opened_at=stamp(clock.now()), result=result)
    )
    unit.also(Fact("gate", "review.opened", request_id, {"result": result, "votes": told}))
    facts = {"result": result, "votes": told, "request": row_of(unit.connection, request_id)}
    receipts.issue(unit, clock, "reviewed", ("review.opened", request_id), facts)


def check_reviewed(connection: Connection, request_id: str, actor: str) -> None:
    """May `actor` approve as far as reviewers are concerned?

    Raises Refused: `review.votes-missing`, `review.said-no`, `review.own`.
    """
    found = standing(connection, request_id)
    if found is None:
        return
    if not found.row.opened_at:
        raise Refused(
            "review.votes-missing",
            "The request was not approved.",
            f"{len(found.votes)} of {found.row.needed} reviews are in; they are hidden until all are.",
            "Wait for the reviewers, or ask others to review it.",
        )
    if found.row.result != "allow":
        raise Refused(
            "review.said-no",
            "The request was not approved.",
            "A reviewer has said no.",
            "Read why, then refuse the request or ask for another round.",
        )
    if any(actor in (person.account, person.name) for _vote, person in found.votes):
        raise Refused(
            "review.own",
            "The request was not approved.",
            "You have reviewed it yourself, and nobody reviews their own grant.",
            "Have another custodian approve it.",
        )


def _fingerprint(public_hex_: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from podadmin.vault.model import public_forms

    return public_forms(Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_hex_))).fingerprint


def _not_waiting() -> Refused:
    return Refused(
        "review.not-waiting",
        "Nothing was changed.",
        "The request does not wait for this review any more.",
        "Look at the request again: it has moved on since it was shown.",
    )
