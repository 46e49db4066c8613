"""Reviews as they are shown: votes stay hidden here as well until all are in."""

from __future__ import annotations

from typing import Any

from podadmin.app.views.grants import ReviewerRow, ReviewView, VoteView
from podadmin.core.clock import unstamp
from podadmin.core.text import stranger
from podadmin.requests import review_moves
from podadmin.store.engine import Store


def review_view(store: Store, request_id: str) -> ReviewView:
    """How far the review of a request is. Raises nothing of its own."""
    with store.read() as connection:
        found = review_moves.standing(connection, request_id)
        enrolled = tuple(reviewer_row(row) for row in review_moves.reviewers(connection))
    if found is None:
        words = "Nobody has asked for a review, and no rule asks for one."
        return ReviewView(request_id, "none", words, 0, "", "", (), (), enrolled)
    done, needed = len(found.votes), found.row.needed
    if not found.row.opened_at:
        state, words = "open", f"{done} of {needed} reviews are in; they are hidden until all are."
    elif found.row.result == "allow":
        state, words = "allow", "All reviews are in, and every one says yes."
    else:
        state, words = "refuse", "All reviews are in, and not every one says yes."
    voted = {person.id for _vote, person in found.votes}
    can_vote = tuple(reviewer_row(row) for row in found.asked if row.id not in voted) if state == "open" else ()
    if state == "open" and len(can_vote) < needed - done:
        words = f"{done} of {needed} reviews are in. {_too_few(len(can_vote), bool(enrolled))}"
    return ReviewView(
        request=request_id,
        state=state,
        words=words,
        needed=needed,
        why=stranger(found.row.why, 500),
        asked_by=stranger(found.row.asked_by),
        votes=tuple(
            VoteView(stranger(person.name), unstamp(each.cast_at), each.verdict, stranger(each.reason, 2000))
            for each, person in found.votes
        ),
        may_vote=can_vote,
        enrolled=enrolled,
    )


def _too_few(can_vote: int, any_enrolled: bool) -> str:
    """Why the votes that are missing cannot come, and what to do."""
    if not any_enrolled:
        who = "Nobody is enrolled as a reviewer, so no vote can come in."
    elif can_vote:
        who = f"Only {can_vote} of those who were asked can still vote: that is not enough."
    else:
        who = "Nobody who was asked can still vote."
    return f"{who} Enrol reviewers under Grants & rules, Grants, People, or with `podadmin reviews enrol NAME`."


def reviewer_row(row: Any) -> ReviewerRow:
    """A reviewer from a row."""
    return ReviewerRow(
        row.id, stranger(row.name), row.kind, stranger(row.account), row.public_key, unstamp(row.added_at)
    )
