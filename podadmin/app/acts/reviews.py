"""Acts on reviews: who reviews, asking for votes, voting here or through files, and how far a review is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from podadmin.app.acts.asked import FileTo, RequestId, Why
from podadmin.app.acts.receipts import read_text, write_text
from podadmin.app.acts.registry import act
from podadmin.app.review_rows import review_view, reviewer_row
from podadmin.app.signing import sign_receipts
from podadmin.app.views.facts import Done
from podadmin.app.views.grants import ReviewerRow, ReviewView
from podadmin.core.clock import new_id, stamp
from podadmin.core.errors import Refused
from podadmin.core.files import expanded
from podadmin.requests import receipts, review_moves, reviews, service

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.vault.handles import Signer

NONE: list[str] = []
Verdict = Literal["allow", "refuse"]


@act("reviews people")
def people(profile: Profile) -> tuple[ReviewerRow, ...]:
    """List who can review."""
    with profile.store.read() as connection:
        return tuple(reviewer_row(row) for row in review_moves.reviewers(connection))


@act("reviews enrol", writes=True, kinds=("reviewer", "key"))
def enrol(
    profile: Profile,
    name: Annotated[str, "the reviewer's name, as colleagues know it"],
    *,
    public_key: Annotated[str, "the reviewer's public key, 64 hex digits; empty: a key is made in this profile"] = "",
    account: Annotated[str, "the account with which they decide here themselves, where they do"] = "",
) -> tuple[ReviewerRow, ...]:
    """Enrol a reviewer: one who works at this computer, or one who gets files and has a podadmin of their own."""
    from podadmin.vault.model import Purpose

    kind = "remote" if public_key else "local"
    if not public_key:
        vault = profile.open_vault()
        info = vault.find(Purpose.REVIEWER, name) or vault.create(Purpose.REVIEWER, profile.actor, name)
        public_key = vault.signer(info.id).public_raw.hex()
    public_key = public_key.strip().lower()
    review_moves.enrol(profile.store, profile.clock, profile.actor, name, public_key, kind, account.strip())
    return people(profile)


@act("reviews remove", writes=True, kinds=("reviewer",))
def remove(
    profile: Profile,
    reviewer: Annotated[str, "the id or the name from `reviews people`"],
    reason: Why,
) -> tuple[ReviewerRow, ...]:
    """Have somebody review no more. What they have voted stays."""
    review_moves.remove(profile.store, profile.clock, profile.actor, reviewer, reason)
    return people(profile)


@act("reviews show")
def show(profile: Profile, request: RequestId) -> ReviewView:
    """Show how far the review of a request is. Votes are hidden until all are in."""
    return review_view(profile.store, service.find(profile.store, request).row.id)


@act("reviews ask", writes=True, kinds=("review", "request"))
def ask(
    profile: Profile,
    request: RequestId,
    why: Annotated[str, "what the reviewers should look at"],
    *,
    needed: Annotated[int, "how many votes are needed"] = 1,
    reviewers: Annotated[list[str], "who is asked, by id or name; nobody: everybody who is enrolled"] = NONE,
) -> ReviewView:
    """Ask colleagues about a request. It can be approved when all votes are in and every one says yes."""
    found = service.find(profile.store, request)
    review_moves.ask(profile.store, profile.clock, found.row.id, profile.actor, needed, reviewers, why)
    return review_view(profile.store, found.row.id)


@act("reviews vote", writes=True, kinds=("review", "request", "receipt"))
def vote(
    profile: Profile,
    request: RequestId,
    reviewer: Annotated[str, "who votes, by id or name"],
    verdict: Annotated[Verdict, "the vote"],
    *,
    reason: Annotated[str, "why; needed to say no"] = "",
) -> ReviewView:
    """Vote as a reviewer of this computer. The vote is sealed until all are in, and it stands."""
    found = service.find(profile.store, request)
    with profile.store.read() as connection:
        who = review_moves.reviewer_of(connection, reviewer)
    own = _own_key(profile, who.public_key)
    vault = profile.open_vault()
    review_moves.cast(
        profile.store,
        profile.clock,
        found.row.id,
        who.id,
        verdict,
        reason,
        own,
        vault.journal_signer(),
        vault.signer,
    )
    sign_receipts(profile)
    return review_view(profile.store, found.row.id)


@act("reviews export", writes=True, kinds=("review",))
def export(
    profile: Profile,
    request: RequestId,
    to: FileTo,
) -> Done:
    """Write a request for review to a file, for a reviewer with a podadmin of their own."""
    found = service.find(profile.store, request)
    signer = profile.open_vault().journal_signer()
    with profile.store.read() as connection:
        subject = review_moves.subject_of(connection, found.row.id)
        standing = review_moves.standing(connection, found.row.id)
    assert standing is not None
    facts: dict[str, Any] = {
        "request": receipts.request_facts(found.row),
        "nonce": subject.nonce,
        "needed": standing.row.needed,
        "why": standing.row.why,
        "asked_at": standing.row.asked_at,
        "effects": found.findings.get("effects") or {},
        "protocol": found.findings.get("protocol") or {},
        "seal_to": reviews.public_hex(reviews.blind_key(signer, subject)),
        "key": signer.key_id,
    }
    path = expanded(to)
    write_text(path, reviews.ask_file(facts, signer))
    return Done("The request for review was written. The reviewer's vote comes back sealed.", str(path))


@act("reviews read")
def read(profile: Profile, file: Annotated[str, "a request for review"]) -> dict[str, Any]:
    """Show what a request for review from another pod asks, and the key of the pod that signed it."""
    found, pod_key = reviews.read_ask(read_text(Path(file)))
    shown = {name: found[name] for name in ("request", "needed", "why", "asked_at", "effects", "protocol")}
    return {**shown, "pod_key": pod_key}


@act("reviews answer", writes=True, kinds=("key",))
def answer(
    profile: Profile,
    file: Annotated[str, "the request for review"],
    reviewer: Annotated[str, "the name of your reviewer key; it is made where there is none"],
    verdict: Annotated[Verdict, "the vote"],
    to: FileTo,
    *,
    reason: Annotated[str, "why; needed to say no"] = "",
) -> Done:
    """Vote on a request for review of another pod: writes a sealed vote that only that pod can open."""
    from podadmin.vault.model import Purpose

    reviews.check_vote(verdict, reason)
    asked, _pod_key = reviews.read_ask(read_text(Path(file)))
    vault = profile.open_vault()
    info = vault.find(Purpose.REVIEWER, reviewer) or vault.create(Purpose.REVIEWER, profile.actor, reviewer)
    signer = vault.signer(info.id)
    said = reviews.Vote(
        reviews.subject_of(asked),
        signer.public_raw.hex(),
        verdict,
        reason.strip(),
        new_id("salt"),
        stamp(profile.clock.now()),
    )
    path = expanded(to)
    write_text(path, reviews.seal_vote(reviews.sign_vote(said, signer), asked["seal_to"], asked["key"]) + "\n")
    return Done(f"The vote was written. The key that signed it is {signer.public_raw.hex()}.", str(path))


@act("reviews import", writes=True, kinds=("review", "request", "receipt"))
def import_vote(
    profile: Profile,
    request: RequestId,
    file: Annotated[str, "the reviewer's sealed vote"],
) -> ReviewView:
    """Count a vote that came as a file. It stays sealed until all are in."""
    found = service.find(profile.store, request)
    sealed = read_text(Path(file)).strip()
    vault = profile.open_vault()
    review_moves.take(profile.store, profile.clock, found.row.id, sealed, vault.signer)
    sign_receipts(profile)
    return review_view(profile.store, found.row.id)


def _own_key(profile: Profile, public_key: str) -> Signer:
    from podadmin.vault.model import Purpose

    vault = profile.open_vault()
    kept = vault.keys()
    for signer in (vault.signer(info.id) for info in kept if info.purpose is Purpose.REVIEWER):
        if signer.public_raw.hex() == public_key:
            return signer
    raise Refused(
        "review.not-here",
        "The vote was not cast.",
        "The key of this reviewer does not lie in this profile.",
        "Export the request for review, and import the vote that comes back.",
    )
