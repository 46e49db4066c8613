"""Reviews in the records: every act with what it answers, keeps and tells the journal.

`data/reviews.json` was looked at line by line; whoever changes what is kept of a review or how an error is worded looks
at all of it again. What must hold whatever the file says is stated by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podadmin.requests import grant_cover, review_moves, reviews, service
from podadmin.requests.records import receipt, review, reviewer, vote
from podadmin.requests.review_moves import Standing
from podadmin.requests.reviews import Subject, Vote
from tests.limits.books import Book
from tests.requests.review_desk import Desk, Key

TABLES = (review, reviewer, vote, receipt)
KEPT: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "reviews.json").read_text(encoding="utf-8"))


def told(found: Standing | None) -> Any:
    """How far a review is, without what is kept of it anyway."""
    if found is None:
        return None
    votes = [[person.name, each.verdict, each.reason] for each, person in found.votes]
    return [found.row.needed, found.row.result, votes, [each.name for each in found.asked]]


def write(book: Book, desk: Desk) -> None:
    """The story of reviews on one desk, from the first reviewer to the last vote."""
    store, clock = desk.store, desk.clock
    ben, cleo, dora = (desk.keys[name].public_raw.hex() for name in ("ben", "cleo", "dora"))
    other = Key().public_raw.hex()

    def ask(
        request_id: str, *names: str, needed: int = 2, why: str = "Is this the study?", actor: str = "anna"
    ) -> None:
        clock.advance(1)
        review_moves.ask(store, clock, request_id, actor, needed, names, why)

    def enrol(name: str, key: str, kind: str = "local", account: str = "", actor: str = "anna") -> str:
        return review_moves.enrol(store, clock, actor, name, key, kind, account)

    def cast(request_id: str, who: str, verdict: str = "allow", reason: str = "", name: str = "") -> Any:
        clock.advance(1)
        key, journal = desk.keys[who], desk.journal
        given = (name or who, verdict, reason, key, journal, desk.signer_of)
        return told(review_moves.cast(store, clock, request_id, *given))

    def standing(request_id: str) -> Any:
        with store.read() as connection:
            return told(review_moves.standing(connection, request_id))

    first = book.act("a request comes", desk.send, "t1", votes=0)
    ben_id = book.act("ben can review", enrol, " ben ", ben)
    book.act("nobody without a name", enrol, " ", cleo)
    book.act("no key", enrol, "cleo", "zz" * 32)
    book.act("a name that hides something", enrol, "eve\u202e", other)
    book.act("a key is one person's", enrol, "mallory", other)
    book.act("cleo, from elsewhere", enrol, "cleo", cleo, "remote", "cleo@host")
    book.act("dora", enrol, "dora", dora)
    book.act("there is no review yet", standing, first)
    book.act("no vote without one", cast, first, "ben")
    book.act("none needs no vote", ask, first, needed=0)
    book.act("nobody is called so", ask, first, "nobody")
    book.act("more votes than people", ask, first, "ben")
    book.act("the same one twice", ask, first, "ben", ben_id, "ben")
    book.act("cleo is asked", ask, first, "cleo", needed=1)
    book.act("dora is not", cast, first, "dora")
    book.act("ben is not cleo", cast, first, "ben", name="cleo")
    book.act("cleo says no", cast, first, "cleo", "refuse", " It is not. ")
    book.act("she said no", desk.approve, first)
    book.act("too late", cast, first, "cleo")
    book.act("everybody is asked", ask, first)
    book.act("fewer of them", ask, first, needed=1)
    book.act("neither yes nor no", cast, first, "ben", "maybe")
    book.act("a no without a reason", cast, first, "ben", "refuse", " ")
    book.act("no vote at all", desk.take, first, "nonsense")
    with store.read() as connection:
        subject = review_moves.subject_of(connection, first)
    book.act("signed by somebody else", desk.take, first, desk.sealed(first, desk.keys["ben"], by=Key()))
    said = Vote(Subject(first, subject.fingerprint, "round_0"), ben, "allow", "", "salt", "at")
    signed, to = reviews.sign_vote(said, desk.keys["ben"]), reviews.blind_key(desk.journal, subject)
    sealed = reviews.seal_vote(signed, reviews.public_hex(to), desk.journal.key_id)
    book.act("cast in another round", desk.take, first, sealed)
    texts = dict.fromkeys(("nonce", "seal_to", "key", "why", "asked_at"), "")
    facts = {"request": {"id": first, "fingerprint": ""}, "effects": {}, "protocol": {}, "needed": 1, **texts}
    asked = reviews.ask_file(facts, desk.journal)
    book.act("what was asked is not what was signed", reviews.read_ask, asked.replace(first, "another"))
    book.act("ben says yes", cast, first, "ben", reason="So it is.")
    book.act("ben says no", cast, first, "ben", "refuse", "I was wrong.")
    book.act("too few are in", desk.approve, first)
    book.act("one is in", standing, first)
    sealed = desk.sealed(first, desk.keys["cleo"], reason="They explained.")
    clock.advance(1)
    book.act("cleo's yes comes as a file", lambda: told(desk.take(first, sealed)))
    book.act("not by ben", desk.approve, first, "ben")
    book.act("not by cleo's account", desk.approve, first, "cleo@host")
    book.act("by anna", desk.approve, first)
    book.act("it waits no more", ask, first)

    own = book.act("ben sends one himself", desk.send, "t2", requester="ben")
    book.act("a rule asks for two", standing, own)
    book.act("it is his own", cast, own, "ben")
    key = {"requester_key": desk.keys["cleo"].fingerprint}
    keyed = book.act("one comes with cleo's key", desk.send, "t3", findings=key)
    book.act("it is hers", cast, keyed, "cleo")
    book.act("it is refused meanwhile", service.refuse, store, clock, keyed, "anna", "No.")
    book.act("it does not wait", cast, keyed, "ben")

    book.act("ben leaves", review_moves.remove, store, clock, "anna", "ben", "He has left.")
    book.act("ben is gone", review_moves.remove, store, clock, "anna", ben_id, "He has left.")
    book.act("ben votes no more", cast, own, "ben")
    book.act("anna decides", grant_cover.name_custodian, store, clock, "anna", "anna", "It is her pod.")
    book.act("mallory enrols", enrol, "mallory", Key().public_raw.hex(), actor="mallory")
    book.act("mallory asks", ask, own, actor="mallory")
    book.act("mallory removes", review_moves.remove, store, clock, "mallory", "cleo", "why")
    book.act("nobody was removed", review_moves.remove, store, clock, "anna", "nobody", "why")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    desk = Desk(tmp_path_factory.mktemp("book") / "podadmin.db")
    made = Book(desk.store, TABLES, KEPT, hidden=("sealed",))
    write(made, desk)
    yield made
    desk.store.close()


def test_every_act_answers_keeps_and_tells_what_was_looked_at(book: Book) -> None:
    assert book.pages == KEPT


def test_what_must_not_be_is_in_no_page(book: Book) -> None:
    """Whatever the file says: what is refused keeps nothing, and a vote stands in no page before its review is open."""
    for page in book.pages:
        answer = page["answer"]
        if isinstance(answer, dict) and "code" in answer:
            assert not {table.name for table in TABLES} & set(page), page["act"]
        opened = any(row["opened_at"] for row in page.get("review", ()))
        for row in page.get("vote", ()):
            assert opened or (row["verdict"], row["reason"]) == ("", ""), page["act"]
