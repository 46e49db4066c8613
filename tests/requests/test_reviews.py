"""Two people: votes that are blind until all are in, cast with one's own key, counted once, never about one's own."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from podadmin.app.evidence import check_evidence
from podadmin.app.review_rows import review_view
from podadmin.core.canon import canonical
from podadmin.core.clock import stamp
from podadmin.core.errors import BadInput, Refused, Tampered
from podadmin.journal.records import all_entries
from podadmin.requests import grant_cover, review_moves, reviews, service
from podadmin.requests.reviews import SignedVote, Subject, Vote
from podadmin.requests.state import State
from tests.requests.desks import refused
from tests.requests.review_desk import NOW, Desk, Key

SEALED = Path(__file__).parent / "data" / "sealed-vote.json"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "podadmin.db")
    yield made
    assert check_evidence(made.store) is None
    made.store.close()


# --- the quorum ------------------------------------------------------------------------------------------------------


def test_approving_waits_for_the_votes_that_a_rule_asks_for(desk: Desk) -> None:
    desk.enrol("ben", "cleo", "dora")
    request_id = desk.send()
    error = refused(lambda: desk.approve(request_id), "review.votes-missing")
    assert "0 of 2" in error.why
    assert desk.cast(request_id, "ben").row.opened_at is None
    assert "1 of 2" in refused(lambda: desk.approve(request_id), "review.votes-missing").why
    done = desk.cast(request_id, "cleo")
    assert (done.row.result, bool(done.row.opened_at)) == ("allow", True)
    refused(lambda: desk.cast(request_id, "dora"), "review.not-waiting")
    assert desk.approve(request_id) == State.APPROVED
    assert desk.acts().count("review.cast") == 2
    assert desk.acts().count("review.opened") == 1


def test_one_no_is_a_no_and_another_round_can_be_asked_for(desk: Desk) -> None:
    desk.enrol("ben", "cleo")
    request_id = desk.send()
    desk.cast(request_id, "ben", "refuse", "Too many columns.")
    desk.clock.advance(1)
    done = desk.cast(request_id, "cleo")
    assert done.row.result == "refuse"
    assert [(vote.verdict, vote.reason) for vote, _ in done.votes] == [("refuse", "Too many columns."), ("allow", "")]
    refused(lambda: desk.approve(request_id), "review.said-no")
    ask = lambda needed: review_moves.ask(desk.store, desk.clock, request_id, "anna", needed, (), "They explained.")  # noqa: E731
    refused(lambda: ask(1), "review.fewer-votes")
    ask(2)
    refused(lambda: desk.approve(request_id), "review.votes-missing")
    desk.cast(request_id, "ben")
    desk.cast(request_id, "cleo")
    assert desk.approve(request_id) == State.APPROVED
    refused(lambda: ask(2), "review.not-waiting")


def test_a_person_can_ask_colleagues_where_no_rule_does(desk: Desk) -> None:
    desk.enrol("ben", "cleo")
    request_id = desk.send(votes=0)
    assert review_view(desk.store, request_id).state == "none"
    refused(lambda: desk.cast(request_id, "ben"), "review.none")
    for needed, names, code in (
        (0, (), "review.bad-ask"),
        (21, (), "review.bad-ask"),
        (2, ("ben",), "review.bad-ask"),
        (1, ("nobody",), "review.no-reviewer"),
    ):
        refused(lambda n=needed, w=names: review_moves.ask(desk.store, desk.clock, request_id, "anna", n, w, "?"), code)
    review_moves.ask(desk.store, desk.clock, request_id, "anna", 1, ("ben",), "Is this the study?")
    refused(lambda: desk.cast(request_id, "cleo"), "review.foreign")
    desk.cast(request_id, "ben")
    assert desk.approve(request_id) == State.APPROVED
    many = desk.send("t2", votes=0)
    review_moves.ask(desk.store, desk.clock, many, "anna", 20, (), "Everybody")
    assert "0 of 20" in refused(lambda: desk.approve(many), "review.votes-missing").why


@given(verdicts=st.lists(st.sampled_from(["allow", "refuse"]), max_size=5), needed=st.integers(-1, 5))
def test_the_votes_say_yes_only_where_enough_are_in_and_all_say_yes(verdicts: list[str], needed: int) -> None:
    said = reviews.outcome(verdicts, needed)
    assert (said == "allow") == (len(verdicts) >= max(needed, 1) and set(verdicts) == {"allow"})
    assert (said == "") == (len(verdicts) < max(needed, 1))


# --- blind -----------------------------------------------------------------------------------------------------------


def test_the_first_vote_stands_nowhere_in_readable_form_before_the_last(desk: Desk) -> None:
    desk.enrol("ben", "cleo")
    request_id = desk.send()
    desk.cast(request_id, "ben", "refuse", "The-secret-reason-of-ben")
    view = review_view(desk.store, request_id)
    assert [(vote.reviewer, vote.verdict, vote.reason) for vote in view.votes] == [("ben", "", "")]
    assert "1 of 2" in view.words
    assert [row.name for row in view.may_vote] == ["cleo"]
    everything = desk.everything()
    assert "The-secret-reason-of-ben" not in everything
    assert "refuse" not in everything.partition("review.cast")[2]
    desk.clock.advance(1)
    desk.cast(request_id, "cleo")
    assert "The-secret-reason-of-ben" in desk.everything()
    view = review_view(desk.store, request_id)
    assert (view.state, view.may_vote) == ("refuse", ())
    assert [vote.verdict for vote in view.votes] == ["refuse", "allow"]


def test_a_vote_cannot_be_guessed_from_its_digest(desk: Desk) -> None:
    desk.enrol("ben")
    first, second = desk.send("t1"), desk.send("t2")
    digests = [desk.cast(each, "ben").votes[0][0].digest for each in (first, second)]
    assert len(set(digests)) == 2
    subject = Subject("r", "f", "n")
    key = Key()
    votes = [
        reviews.sign_vote(Vote(subject, key.public_raw.hex(), "allow", "", salt, "at"), key) for salt in ("a", "b")
    ]
    assert votes[0].digest != votes[1].digest


def test_only_the_pods_key_opens_a_vote_and_a_box_stands_for_one_review(desk: Desk) -> None:
    key, subject = Key(), Subject("req_1", "ab", "round_1")
    other = Subject("req_1", "ab", "round_2")
    signed = reviews.sign_vote(Vote(subject, key.public_raw.hex(), "allow", "", "s", "at"), key)
    blind = reviews.blind_key(desk.journal, subject)
    box = reviews.seal_vote(signed, reviews.public_hex(blind), "key_journal")
    assert reviews.key_of_box(box) == "key_journal"
    assert reviews.open_vote(box, reviews.blind_key(desk.journal, subject)) == signed
    for wrong in (reviews.blind_key(desk.journal, other), reviews.blind_key(Key(), subject)):
        refused(lambda w=wrong: reviews.open_vote(box, w), "review.vote-forged")
    told = json.loads(box)
    for name in ("to", "once", "box"):
        changed = json.dumps({**told, name: "00" * 32})
        refused(lambda c=changed: reviews.open_vote(c, blind), "review.vote-forged")
    refused(lambda: reviews.open_vote(json.dumps({**told, "key": "key_x"}), blind), "review.vote-forged")
    refused(lambda: reviews.open_vote(json.dumps({**told, "box": "zz"}), blind), "review.vote-forged")
    refused(lambda: reviews.seal_vote(signed, "zz", "k"), "review.unreadable")
    for bad in ("", "[]", "{}", json.dumps({**told, "more": "x"}), json.dumps({**told, "format": "x"}), "[" * 100_000):
        refused(lambda b=bad: reviews.key_of_box(b), "review.unreadable")
    refused(lambda: reviews.key_of_box(json.dumps({**told, "key": 1})), "review.unreadable")


def test_a_vote_that_another_version_sealed_is_opened() -> None:
    """Votes wait in the records and in files while podadmin is updated: their form stays what it was."""
    pod, ben = Key("key_journal"), Key("key_ben")
    pod.private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    ben.private = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
    subject = Subject("req_1", "ab", "round_1")
    signed = reviews.open_vote(SEALED.read_text(encoding="utf-8").strip(), reviews.blind_key(pod, subject))
    told = Vote(subject, ben.public_raw.hex(), "refuse", "Too many columns.", "salt", "2026-11-21T03:00:00.000000Z")
    assert reviews.read_vote(signed, subject) == told
    assert reviews.sign_vote(told, ben) == signed


# --- forged, replayed, foreign ---------------------------------------------------------------------------------------


def test_votes_that_were_tampered_with_replayed_or_come_from_elsewhere_do_not_count(desk: Desk) -> None:
    desk.enrol("ben", "cleo")
    request_id, another = desk.send("t1"), desk.send("t2")
    ben = desk.keys["ben"]
    refused(lambda: desk.take(request_id, desk.sealed(request_id, Key())), "review.foreign")
    refused(lambda: desk.take(request_id, desk.sealed(request_id, ben, by=Key())), "review.vote-forged")
    refused(lambda: desk.take(request_id, desk.sealed(another, ben)), "review.vote-forged")
    with desk.store.read() as connection:
        subject = review_moves.subject_of(connection, request_id)
    moved = desk.sealed(request_id, ben)
    vote = Vote(Subject(another, subject.fingerprint, subject.nonce), ben.public_raw.hex(), "allow", "", "s", "at")
    boxed = reviews.seal_vote(
        reviews.sign_vote(vote, ben), reviews.public_hex(reviews.blind_key(desk.journal, subject)), "key_journal"
    )
    refused(lambda: desk.take(request_id, boxed), "review.other-request")
    refused(lambda: desk.take(request_id, "nonsense"), "review.unreadable")
    assert len(desk.take(request_id, moved).votes) == 1
    refused(lambda: desk.take(request_id, moved), "review.voted")
    refused(lambda: desk.take(request_id, desk.sealed(request_id, ben, "refuse")), "review.voted")
    review_moves.ask(desk.store, desk.clock, request_id, "anna", 2, (), "Once more")
    refused(lambda: desk.take(request_id, moved), "review.vote-forged")
    assert desk.acts().count("review.cast") == 1


def test_a_vote_that_says_something_else_than_words_does_not_count_and_stops_nobody_elses(desk: Desk) -> None:
    desk.enrol("ben", "cleo")
    request_id = desk.send()
    for verdict, reason in (([], "x"), ("refuse", 5), ("allow", {}), (None, "x"), ("allow", None)):
        odd = desk.sealed(request_id, desk.keys["ben"], verdict, reason=reason)
        refused(lambda o=odd: desk.take(request_id, o), "review.vote-forged")
    desk.cast(request_id, "ben")
    assert desk.cast(request_id, "cleo").row.result == "allow"


def test_nobody_reviews_their_own(desk: Desk) -> None:
    desk.enrol("ben", "cleo", "dora")
    own = desk.send("t1", requester="ben")
    refused(lambda: desk.cast(own, "ben"), "review.own")
    keyed = desk.send("t2", findings={"requester_key": desk.keys["cleo"].fingerprint})
    refused(lambda: desk.cast(keyed, "cleo"), "review.own")
    assert len(desk.cast(keyed, "ben").votes) == 1, "it is not ben's key"
    nameless = desk.send("t0", sender="", requester="")
    assert len(desk.cast(nameless, "ben").votes) == 1, "who has no account here is not everybody without a name"
    asked = desk.send("t3", votes=0)
    review_moves.ask(desk.store, desk.clock, asked, "dora", 1, (), "?")
    refused(lambda: desk.cast(asked, "dora"), "review.own")
    desk.cast(asked, "ben")
    refused(lambda: desk.approve(asked, actor="ben"), "review.own")
    key = Key()
    review_moves.enrol(desk.store, desk.clock, "anna", "Ed", key.public_raw.hex(), "remote", "edward")
    last = desk.send("t4", votes=1)
    desk.take(last, desk.sealed(last, key))
    refused(lambda: desk.approve(last, actor="edward"), "review.own")
    assert desk.approve(last) == State.APPROVED
    asked = desk.send("t5", votes=0)
    review_moves.ask(desk.store, desk.clock, asked, "edward", 1, (), "?")
    refused(lambda: desk.take(asked, desk.sealed(asked, key)), "review.own")


def test_who_reviews_is_known_by_one_key_each(desk: Desk) -> None:
    desk.enrol("ben")
    public = desk.keys["ben"].public_raw.hex()
    enrol = lambda name, key: review_moves.enrol(desk.store, desk.clock, "anna", name, key, "remote", "")  # noqa: E731
    refused(lambda: enrol("bernard", public), "review.known-key")
    odd = [("x", f"{letter}b" * 32) for letter in string.printable if letter not in "0123456789abcdef"]
    for name, key in ((" ", "ab" * 32), ("x", "ab" * 31), ("x", "ab" * 33), *odd):
        refused(lambda n=name, k=key: enrol(n, k), "review.bad-reviewer")
    enrol("ben", "ab" * 32)
    with desk.store.read() as connection:
        refused(lambda: review_moves.reviewer_of(connection, "ben"), "review.no-reviewer")
        ids = [row.id for row in review_moves.reviewers(connection)]
    request_id = desk.send()
    review_moves.remove(desk.store, desk.clock, "anna", ids[0], "Left")
    review_moves.remove(desk.store, desk.clock, "anna", ids[1], "Left")
    refused(lambda: review_moves.remove(desk.store, desk.clock, "anna", ids[0], "Left"), "review.no-reviewer")
    refused(lambda: desk.take(request_id, desk.sealed(request_id, desk.keys["ben"])), "review.foreign")


def test_who_is_removed_by_name_votes_no_more_and_the_entry_has_the_id(desk: Desk) -> None:
    desk.enrol("ben")
    with desk.store.read() as connection:
        ben = review_moves.reviewer_of(connection, "ben").id
    request_id = desk.send()
    review_moves.remove(desk.store, desk.clock, "anna", "ben", "Left.")
    refused(lambda: desk.cast(request_id, "ben"), "review.foreign")
    with desk.store.read() as connection:
        assert [each.subject for each in all_entries(connection) if each.act == "reviewer.removed"] == [ben]


def test_a_vote_on_what_does_not_wait_any_more_is_not_counted(desk: Desk) -> None:
    desk.enrol("ben")
    request_id = desk.send()
    service.refuse(desk.store, desk.clock, request_id, "anna", "No.")
    refused(lambda: desk.cast(request_id, "ben"), "review.not-waiting")


def test_two_votes_at_the_same_moment_are_not_counted_as_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading the votes that are there and writing one's own, somebody else has voted."""
    desk.enrol("ben", "cleo")
    request_id = desk.send()
    real = review_moves._opened

    def slow(*given: Any) -> Any:
        found = real(*given)
        monkeypatch.setattr(review_moves, "_opened", real)
        desk.cast(request_id, "cleo")
        return found

    monkeypatch.setattr(review_moves, "_opened", slow)
    refused(lambda: desk.cast(request_id, "ben"), "review.not-waiting")
    assert desk.cast(request_id, "ben").row.result == "allow"


@pytest.mark.parametrize(("verdict", "reason"), [("", "x"), ("maybe", "x"), ("refuse", ""), ("refuse", " \n")])
def test_a_vote_is_yes_or_a_no_with_a_reason(desk: Desk, verdict: str, reason: str) -> None:
    desk.enrol("ben")
    request_id = desk.send()
    refused(lambda: desk.cast(request_id, "ben", verdict, reason), "review.bad-vote")


def test_what_the_reviewer_signed_is_exactly_what_is_counted() -> None:
    key, subject = Key(), Subject("req_1", "ab", "round_1")
    vote = Vote(subject, key.public_raw.hex(), "allow", "", "s", "at")
    signed = reviews.sign_vote(vote, key)
    assert reviews.read_vote(signed, subject) == vote

    def again(document: str) -> SignedVote:
        return SignedVote(document, key.sign(b"podadmin vote 1\n" + document.encode()).hex())

    told = json.loads(signed.document)
    for changed in (
        json.dumps(told),
        json.dumps({**told, "format": "podadmin.vote/2"}, sort_keys=True, separators=(",", ":")),
        json.dumps({**told, "more": 1}, sort_keys=True, separators=(",", ":")),
        "[]",
        "{}",
        "",
    ):
        refused(lambda c=changed: reviews.read_vote(again(c), subject), "review.vote-forged")
    refused(lambda: reviews.read_vote(SignedVote(signed.document, "00" * 64), subject), "review.vote-forged")
    refused(lambda: reviews.read_vote(SignedVote(signed.document, "zz"), subject), "review.vote-forged")
    for field in told:
        for odd in (None, 1, [], {}, ["allow"]):
            document = canonical({**told, field: odd})
            refused(lambda d=document: reviews.read_vote(again(d), subject), "review.vote-forged")
    for field, value in (("request_id", "x"), ("fingerprint", "x"), ("nonce", "x")):
        other = Subject(**{**subject.__dict__, field: value})
        refused(lambda o=other: reviews.read_vote(signed, o), "review.other-request")


# --- who and about what ----------------------------------------------------------------------------------------------


def test_a_vote_counts_for_the_name_under_which_it_is_cast_and_for_no_other(desk: Desk) -> None:
    desk.enrol("ben", "cleo")
    request_id = desk.send()
    ben, journal = desk.keys["ben"], desk.journal
    cast = lambda name: review_moves.cast(  # noqa: E731
        desk.store, desk.clock, request_id, name, "allow", "", ben, journal, desk.signer_of
    )
    refused(lambda: cast("cleo"), "review.foreign")
    assert [person.name for _vote, person in cast("ben").votes] == ["ben"]


def test_opening_the_votes_on_a_request_opens_none_on_another(desk: Desk) -> None:
    desk.enrol("ben")
    waits, done = desk.send("t1"), desk.send("t2", votes=1)
    desk.cast(waits, "ben", "refuse", "Hidden yet.")
    desk.cast(done, "ben", "refuse", "No.")
    with desk.store.read() as connection:
        found = review_moves.standing(connection, waits)
    assert found is not None
    assert (found.row.opened_at, found.row.result) == (None, "")
    assert [(vote.verdict, vote.reason) for vote, _person in found.votes] == [("", "")]


def test_only_who_may_decide_says_who_reviews_and_what(desk: Desk) -> None:
    desk.enrol("ben")
    store, clock, key = desk.store, desk.clock, "ab" * 32
    grant_cover.name_custodian(store, clock, "anna", "anna", "She answers for the data.")
    request_id = desk.send(votes=0)
    for act in (
        lambda actor: review_moves.enrol(store, clock, actor, "x", key, "local", ""),
        lambda actor: review_moves.ask(store, clock, request_id, actor, 1, ("ben",), "?"),
        lambda actor: review_moves.remove(store, clock, actor, "ben", "Left."),
    ):
        refused(lambda act=act: act("mallory"), "grant.not-decider")  # type: ignore[misc]
        act("anna")


# --- by file ---------------------------------------------------------------------------------------------------------

FACTS: dict[str, Any] = {
    "request": {"id": "req_1", "fingerprint": "ab"},
    "nonce": "round_1",
    "seal_to": "00",
    "key": "key_journal",
    "needed": 1,
    "why": "A rule asks for it",
    "asked_at": stamp(NOW),
    "effects": {},
    "protocol": {},
}


def test_a_request_for_review_is_signed_by_the_pod(desk: Desk) -> None:
    text = reviews.ask_file(FACTS, desk.journal)
    ask, pod_key = reviews.read_ask(text)
    assert pod_key == desk.journal.public_raw.hex()
    assert reviews.subject_of(ask) == Subject("req_1", "ab", "round_1")
    told = json.loads(text)
    forged = json.dumps({**told, "ask": told["ask"].replace("req_1", "req_2")})
    with pytest.raises(Tampered) as caught:
        reviews.read_ask(forged)
    assert caught.value.code == "review.ask-forged"
    for name in FACTS:
        short = reviews.ask_file({key: value for key, value in FACTS.items() if key != name}, desk.journal)
        with pytest.raises(BadInput):
            reviews.read_ask(short)
    for bad in (
        "",
        "[]",
        "{}",
        json.dumps({**told, "signature": "zz"}),
        json.dumps({**told, "pod_key": "00"}),
        reviews.ask_file({**FACTS, "seal_to": 1}, desk.journal),
        reviews.ask_file({**FACTS, "key": 1}, desk.journal),
        reviews.ask_file({**FACTS, "format": "other"}, desk.journal),
        reviews.ask_file({**FACTS, "needed": "1"}, desk.journal),
        reviews.ask_file({**FACTS, "effects": []}, desk.journal),
        reviews.ask_file({**FACTS, "why": None}, desk.journal),
        json.dumps({**told, "ask": told["ask"] + "\ud800"}),
        json.dumps({**told, "ask": told["ask"].replace('"effects":{}', '"effects":{"n":NaN}')}),
        json.dumps({**told, "ask": told["ask"].replace('"effects":{}', '"effects":{"a":1},"effects":{}')}),
        "[" * 100_000,
    ):
        with pytest.raises(BadInput) as unreadable:
            reviews.read_ask(bad)
        assert unreadable.value.code == "review.unreadable"


@pytest.mark.parametrize(
    "changes",
    [{"verdict": ["allow"]}, {"verdict": {}}, {"verdict": None}, {"reason": 7}, {"salt": [1]}, {"at": None}],
)
def test_a_colleagues_vote_of_other_types_is_none(desk: Desk, changes: dict[str, Any]) -> None:
    """Whoever reviews signs what they like; it is not counted and leaves nothing behind."""
    desk.enrol("ben")
    request_id = desk.send(votes=1)
    who = desk.keys["ben"]
    with desk.store.read() as connection:
        subject = review_moves.subject_of(connection, request_id)
    to = reviews.public_hex(reviews.blind_key(desk.journal, subject))
    vote = Vote(subject, who.public_raw.hex(), "allow", "because", "salt", stamp(NOW))
    odd = json.dumps({**json.loads(vote.document()), **changes}, sort_keys=True, separators=(",", ":"))
    for document in (odd, "[" * 60_000):
        signed = SignedVote(document, who.sign(b"podadmin vote 1\n" + document.encode()).hex())
        refused(lambda: desk.take(request_id, reviews.seal_vote(signed, to, "key_journal")), "review.vote-forged")  # noqa: B023
    assert votes_in(desk, request_id) == 0
    desk.take(request_id, desk.sealed(request_id, who))


def votes_in(desk: Desk, request_id: str) -> int:
    with desk.store.read() as connection:
        found = review_moves.standing(connection, request_id)
    assert found is not None
    return len(found.votes)


@given(place=st.integers(0, 10_000), letter=st.characters(codec="utf-8"))
def test_no_change_of_a_sealed_vote_counts(place: int, letter: str) -> None:
    key, pod, subject = Key(), Key("key_journal"), Subject("req_1", "ab", "round_1")
    signed = reviews.sign_vote(Vote(subject, key.public_raw.hex(), "refuse", "no", "s", "at"), key)
    blind = reviews.blind_key(pod, subject)
    box = reviews.seal_vote(signed, reviews.public_hex(blind), "key_journal")
    place %= len(box)
    changed = box[:place] + letter + box[place + 1 :]
    try:
        opened = reviews.open_vote(changed, blind)
    except (BadInput, Tampered, Refused):
        return
    assert opened == signed
    assert changed.lower() == box.lower()
