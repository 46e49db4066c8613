"""Grants and receipts in the records: every act with what it answers, keeps and tells the journal.

`data/grants.json` was looked at line by line; whoever changes what is kept of a grant, what a receipt says or how an
error is worded looks at all of it again. What must hold whatever the file says is stated by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from podadmin.requests import grant_acts, grant_cover, grant_moves, receipts, service
from podadmin.requests.grant_moves import Terms
from podadmin.requests.records import decider, grant, grant_use, receipt
from podadmin.requests.state import Event
from tests.limits.books import Book
from tests.requests import desks as d
from tests.requests.desks import NOW, pins

HERE = Path(__file__)
TABLES = (grant, grant_use, decider, receipt)
KEPT: list[dict[str, Any]] = json.loads((HERE.parent / "data" / "grants.json").read_text(encoding="utf-8"))


class Key:
    """A key whose signature is always the same, so that it can be looked at."""

    fingerprint = "f1" * 32

    def sign(self, data: bytes) -> bytes:
        assert data.startswith(receipts.PREFIX)
        return bytes.fromhex("5a" * 64)


def write(book: Any, desk: Any) -> None:
    """The story of grants for one model on one desk, from the first approval to the last receipt."""
    store, clock = desk.store, desk.clock
    made_from, vary, revoke = grant_acts.make_from, grant_acts.let_vary, grant_acts.revoke

    for title, terms in {
        "no run": Terms(runs=0),
        "too many runs": Terms(runs=10_001),
        "no time": Terms(days=0),
        "too long": Terms(days=3661),
        "no inference": Terms(inferences=0),
        "the key may not vary": Terms(may_vary=frozenset({"requester_key"})),
    }.items():
        book.act(title, grant_moves.check_terms, terms)
    first = desk.send(pins(), wants=10)
    book.act("from what nobody approved", made_from, store, clock, first, "anna", Terms())
    wide = Terms(runs=3, days=7, inferences=25, may_vary=frozenset({"columns"}), note="for the board")
    book.act("approved with runs to come", desk.approve, first, wide)
    desk.run(first, used=4)
    book.act("its run has ended", desk.state, first)
    with store.read() as connection:
        one = str(connection.execute(select(grant.c.id)).scalar_one())
    second = desk.send(pins(columns='[["x"]]'), wants=20)
    book.act("the same with other columns comes", desk.state, second)
    desk.run(second, used=7)
    book.act("what it did not use came back", desk.state, second)
    wanting = desk.send(pins(), wants=19)
    book.act("more than is left", desk.state, wanting)
    third = desk.send(pins(), wants=2)
    clock.advance(400)
    service.next_to_deliver(store, clock, 270.0, 30)
    book.act("too late to be delivered", desk.state, third)
    book.act("the owner lets a version vary", vary, store, clock, one, "anna", "model_version", " Agreed. ")
    book.act("what may not vary", vary, store, clock, one, "anna", "protocol", "why not")
    book.act("what nobody knows", vary, store, clock, one, "anna", "colour", "why not")
    book.act("no reason", vary, store, clock, one, "anna", "switches", "  ")
    book.act("no such grant", vary, store, clock, "grt_x", "anna", "switches", "why")
    desk.granted(pins(family="spare"))
    spare = desk.send(pins(family="spare"))
    fourth = desk.send(pins())
    book.act("revoked, and what waits is held again", revoke, store, clock, one, "anna", " The study is over. ")
    book.act("what waited", desk.state, fourth)
    book.act("what waited by another grant", desk.state, spare)
    desk.run(spare)
    book.act("and has run", desk.state, spare)
    book.act("from what a grant allowed", made_from, store, clock, second, "anna", Terms())
    ruled = desk.send(pins(family="ruled"), rule="rul_1@1")
    book.act("a rule allowed", desk.state, ruled)
    desk.run(ruled)
    book.act("and has run as well", desk.state, ruled)
    book.act("from what a rule allowed", made_from, store, clock, ruled, "anna", Terms())
    book.act("another grant from the approval", made_from, store, clock, first, "anna", Terms(runs=1, days=0.5))
    book.act("revoked before", revoke, store, clock, one, "anna", "again")
    book.act("varied after its end", vary, store, clock, one, "anna", "switches", "why")
    book.act("no reason to revoke", revoke, store, clock, one, "anna", "")
    book.act("no such grant to revoke", revoke, store, clock, "grt_x", "anna", "why")
    other = desk.granted(pins(family="two"))
    desk.send(pins(family="two", weights='"others"'))
    book.act("a pin changed", lambda: grant_moves.changes_in(desk.row(other)))
    broken = desk.granted(pins(family="three"), wants=5)
    desk.send(pins(family="three", key="cd"), wants=5)
    book.act("another key", lambda: (desk.row(broken).ended, desk.row(broken).voided_reason))
    again = desk.granted(pins(family="four"))
    book.act("lasts", lambda: [grant_moves.lasts(desk.row(each), clock.now()) for each in (one, other, broken, again)])
    last = desk.granted(pins(family="five"), runs=1)
    failing = desk.send(pins(family="five"))
    taken = service.next_to_deliver(store, clock, 270.0, 30)
    book.act("it goes to the pod", lambda: taken is not None and taken.request_id == failing)
    book.act("and fails", service.ended, store, clock, failing, Event.FAILED, "It broke")
    end = clock.now() + timedelta(days=9)
    book.act(
        "used up", lambda: [grant_moves.lasts(desk.row(last), clock.now()), grant_moves.lasts(desk.row(again), end)]
    )

    changed = desk.granted(pins(family="six"))
    desk.send(pins(family="six", weights='"others"', code='"other"'))
    book.act("two pins changed", lambda: desk.row(changed).voided_reason)
    row = service.find(store, failing).row
    plain = partial(grant_moves.make_grant, clock=clock, row=row, pins=None, actor="anna", terms=Terms(runs=2))
    book.do("without pins, as before there were any", plain)

    name, cover, back = grant_cover.name_custodian, grant_cover.name_cover, grant_cover.take_back
    soon, later = clock.now() + timedelta(hours=1), clock.now() + timedelta(days=1)
    book.act("the first names another", name, store, clock, "anna", "ben\u202e", "he helps")
    book.act("the first names herself", name, store, clock, "anna", " anna ", " It is her pod. ")
    book.act("no name", name, store, clock, "anna", " ", "why")
    clock.advance(1)
    book.act("a second one", name, store, clock, "anna", "ben", "he helps")
    book.act("somebody else names", name, store, clock, "mallory\u202e", "mallory", "it suits me")
    book.act("somebody with a long name", name, store, clock, "m" * 61, "mallory", "it suits me")
    clock.advance(1)
    long = book.act("a colleague with a long name", name, store, clock, "anna", "c" * 61, "r" * 2100)
    book.act("somebody else names again", name, store, clock, "mallory", "mallory", "it suits me")
    book.act("and is taken back", back, store, clock, "anna", long, "The name is too long.")
    book.act("cover", cover, store, clock, "anna", "cleo", soon, later, " Holidays. ")
    book.act("cover that ends first", cover, store, clock, "anna", "cleo", later, soon, "why")
    book.act("cover that is over", cover, store, clock, "anna", "cleo", NOW - timedelta(days=2), clock.now(), "why")
    book.act("cover by oneself", cover, store, clock, "anna", "anna", soon, later, "why")
    book.act("cover by nobody", cover, store, clock, "anna", "", soon, later, "why")
    book.act("too early", made_from, store, clock, first, "cleo", Terms())
    clock.advance(3700)
    book.act("in time", made_from, store, clock, first, "cleo", Terms())
    book.act("cover is not passed on", cover, store, clock, "cleo", "dan", clock.now(), later, "why")
    book.act("in force", lambda: [[each.account, each.stands_for, each.reason] for each in grant_cover.listing(store)])
    with store.read() as connection:
        stands = grant_cover.check_may_decide(connection, "cleo", clock.now())
        ids = {row.account: row.id for row in grant_cover.in_force(connection, clock.now())}
    book.act("stands for", lambda: stands)
    book.act("taken back", back, store, clock, "anna", ids["ben"], "He has left.")
    book.act("taken back before", back, store, clock, "anna", ids["ben"], "again")
    book.act("no reason to take back", back, store, clock, "anna", ids["anna"], " ")
    book.act("the last one, by her cover", back, store, clock, "cleo", ids["anna"], "She is away.")
    book.act("the cover", back, store, clock, "anna", ids["cleo"], "She is here again.")
    book.act("the last one, by herself", back, store, clock, "anna", ids["anna"], "Everybody decides.")

    found = receipts.references_of(store, first)
    row = book.act("a receipt by its reference", receipts.find, store, f" {found[0].lower()} ")
    book.act("no such receipt", receipts.find, store, "R-XXXX")
    book.act("not signed yet", receipts.signed_of(row).as_file)
    book.act("all are signed", receipts.sign_due, store, Key())
    book.act("none is left", receipts.sign_due, store, Key())
    signed = receipts.signed_of(receipts.find(store, found[0]))
    text = book.act("its file", signed.as_file)
    book.act("read again", lambda: receipts.read_file(text) == signed)
    book.act("no receipt", receipts.read_file, text.replace("receipt/1", "receipt/2"))
    book.act("no signature of anybody", lambda: receipts.right(signed, b"\x01" * 32))
    book.act("the receipts of a request", lambda: found)
    for about in (first, one, found[1].lower(), "nothing"):
        listed = receipts.listing(store, about=about, limit=2, before=0)
        book.act(
            "listed", lambda listed=listed: [[each.number, row and row.id] for each, row in listed[0]] + [listed[1]]
        )
    pages = receipts.listing(store, about="", limit=3, before=5)
    book.act("a page further back", lambda: [each.number for each, _row in pages[0]])


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    desk = d.Desk(tmp_path_factory.mktemp("book") / "podadmin.db")
    made = Book(desk.store, TABLES, KEPT)
    write(made, desk)
    yield made
    desk.store.close()


def test_every_act_answers_keeps_and_tells_what_was_looked_at(book: Any) -> None:
    assert book.pages == KEPT


def test_what_must_not_be_is_in_no_page(book: Any) -> None:
    """Whatever the file says: what is refused keeps nothing, and a grant never has more left than it was given."""
    for page in book.pages:
        answer = page.get("answer")
        if isinstance(answer, dict) and "code" in answer:
            assert not {table.name for table in TABLES} & set(page), page["act"]
        for row in page.get("grant", ()):
            assert 0 <= row["runs_left"] <= row["runs"], page["act"]
            assert row["inferences"] is None or 0 <= row["inferences_left"] <= row["inferences"], page["act"]
            assert (row["voided_reason"] is None) == (row["ended_at"] is None), page["act"]
        for row in page.get("receipt", ()):
            assert json.loads(row["document"])["reference"] == row["reference"]
