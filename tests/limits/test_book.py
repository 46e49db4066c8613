"""One model's life in the records: every act of the room once, with what it answers, writes and tells the journal.

`data/book.json` was looked at line by line; whoever changes what is kept of a limit looks at all of it again. What
must hold whatever the file says (nothing that is promised or used twice, no limit passed unseen) is stated in full.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.clock import ManualClock
from podadmin.journal.records import Journal
from podadmin.limits import service
from podadmin.limits.alarms import Kind
from podadmin.limits.keeping import no_such_limit
from podadmin.limits.model import Key
from podadmin.limits.own import Scope, Use
from podadmin.limits.records import limit_alarm, limit_check, own_limit, reservation, usage
from podadmin.store.engine import Store
from podadmin.store.unit import Unit
from tests.limits.books import Book

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)
MODEL, OTHER = "acme/Retina:3", "zoo/Bird:1"
WHERE = {"network": "local", "project": "proj-1", "resource": MODEL}
WHO = {"requester": "research-lab", "datasource": "patients"}
TASK = service.Task("req_1", "task-1", "local", "proj-1", "research-lab", "patients")
TABLES = (limit_check, usage, reservation, own_limit, limit_alarm)
KEPT: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "book.json").read_text(encoding="utf-8"))


def used(unit: Unit, *, resource: str, amount: float, **given: Any) -> Any:
    """What a message says of one model is counted."""
    whose = {each.name: given.pop(each.name) for each in fields(service.Task)}
    return service.meter_message(unit, service.Task(**whose), {resource: amount}, **given)


def write(book: Any) -> None:
    """The story: first without a word of the network, then limits, promises, use, alarms, other days and a crash."""
    reserve, note, put, use = service.reserve, service.note_limits, service.set_limit, used
    asked = {**WHERE, **WHO, "at": NOW}
    lab = {"by": "anna", "at": NOW, "reason": " Agreed in March. "}
    count = {**asked, "task_id": "task-1", "request_id": "req_1"}
    key = Key("local", "proj-1", MODEL)
    bird = Key("local", "", OTHER)

    book.do("nothing is promised of what nobody spoke of", reserve, request_id="req_1", wanted=5, **asked)
    book.do("use of what nobody spoke of stops", service.meter_message, TASK, {MODEL: 1}, message_digest="d0", at=NOW)
    noted = {**WHERE, "request_id": "req_1", "at": NOW}
    book.do("the network says 20", note, limit=20, network_total=0, **noted)
    book.do("no number", note, limit=float("nan"), network_total=0, **noted)
    book.do("no number either", note, limit=20, network_total=-1, **noted)
    model, lab_only = Scope(model="acme/Retina"), Scope(requester="research-lab", datasource="patients")
    own = book.do("an own limit stops", put, scope=model, period="total", amount=12, effect="stops", **lab)
    book.do("another warns", put, scope=lab_only, period="day", amount=5, effect="warns", **lab)
    book.do("the same again", put, scope=model, period="total", amount=12, effect="stops", **lab)
    book.do("no reason", put, scope=model, period="total", amount=9, effect="stops", **{**lab, "reason": " "})
    book.do("no scope", put, scope=Scope(), period="total", amount=9, effect="stops", **lab)
    book.do("no name", put, scope=Scope(model=" x"), period="total", amount=9, effect="stops", **lab)
    book.do("no amount", put, scope=model, period="total", amount=1.5, effect="stops", **lab)
    book.do("it is made stricter", put, scope=model, period="total", amount=10, effect="stops", **lab)
    project = Scope(project="proj-1", requester="rese\u202earch")
    book.do("a month in a project", put, scope=project, period="month", amount=1234, effect="stops", **lab)
    book.do("four are promised", reserve, request_id="req_1", wanted=4, **asked)
    book.do("asking again gives the same", reserve, request_id="req_1", wanted=9, **asked)
    book.do("the rest is promised", reserve, request_id="req_2", wanted=50, **asked)
    book.do("nothing is left of the own limit", reserve, request_id="req_3", wanted=1, **asked)
    book.do("no amount to promise", reserve, request_id="req_3", wanted=float("inf"), **asked)
    book.look("what is promised", service.open_reservations)
    book.look("has reserved", lambda connection: [service.has_reserved(connection, each) for each in ("req_1", "x")])
    book.look("has to be told", service.limited, "req_1", now=NOW)
    book.do("three are used", use, amount=3, message_digest="d1", sequence=1, **count)
    book.do("the same message", use, amount=3, message_digest="d1", sequence=1, **count)
    book.do("another with its number", use, amount=0.5, message_digest="d2", sequence=1, **count)
    book.do("and a third, told once", use, amount=0.25, message_digest="d3", sequence=1, **count)
    book.do("backwards", use, amount=-1, message_digest="d4", **count)
    many = {MODEL: 1.0, OTHER: 2.0}
    book.do("one of two is not known: nothing counts", service.meter_message, TASK, many, message_digest="d5", at=NOW)
    book.do("more than is free", service.meter_message, TASK, {MODEL: 9}, message_digest="d6", at=NOW)
    fine = {"message_digest": "d7", "at": NOW, "sequence": 3, "warn_at": 0.4}
    book.do("a mark of an own limit is told", service.meter_message, TASK, {MODEL: 0.25}, **fine)
    book.do("the same counts once", service.meter_message, TASK, {MODEL: 0.25}, **fine)
    book.do(
        "what others were promised is not free", service.meter_message, TASK, {MODEL: 2}, message_digest="d6b", at=NOW
    )
    book.look("the meter", service.meter_of, key, now=NOW, **WHO)
    book.look("without the request", service.meter_of, key, now=NOW, without="req_1", **WHO)
    book.look("for everyone", service.meter_of, key, now=NOW)
    book.look("as it will be", service.as_checked, key, 30, 9, now=NOW, **WHO)
    book.look("as it will be where nothing was said", service.as_checked, bird, None, 3, now=NOW)
    book.do("the first ends", service.settle, "req_1", "finished", NOW)
    book.do("it ended before", service.settle, "req_1", "failed", NOW)
    book.do("nothing more for it", reserve, request_id="req_1", wanted=1, **asked)
    book.do("the network counts more", note, limit=20, network_total=15, **noted)
    book.do("the network counts less", note, limit=20, network_total=3, **noted)
    book.do("the network is over its own limit", note, limit=2, network_total=16, **noted)
    book.do("the network's limit is used up", service.remove_limit, own.id, " No longer needed. ", NOW)
    book.do("nothing of the network's", reserve, request_id="req_4", wanted=1, **asked)
    wide = {"scope": Scope(model="m" * 500), "period": "day", "amount": 3, "effect": "warns"}
    long = book.do("a long name and a long reason", put, **wide, **{**lab, "reason": "r" * 2001})
    book.do("no reason to remove it", service.remove_limit, long.id, " ", NOW)
    book.do("removed for a long reason", service.remove_limit, long.id, "w" * 2001, NOW)
    book.do("removed before", service.remove_limit, own.id, "again", NOW)
    book.look("what it was", service.versions, own.id)
    book.look("what never was", service.versions, "lim_x")
    book.do("the network sets none", note, limit=None, network_total=0, **{**noted, "resource": OTHER, "project": ""})
    book.do("as much as wanted", reserve, request_id="req_5", wanted=7, **{**asked, "resource": OTHER, "project": ""})
    book.do("used yesterday", use, amount=4, message_digest="d8", **{
        **count, "resource": OTHER, "project": "", "request_id": "req_5", "at": EARLIER, "requester": "other-lab",
    })  # fmt: skip
    book.do("use at once beyond all stops", use, amount=90, message_digest="d9", warn_at=0.9, **count)
    book.look("the alarms", service.alarms)
    book.look("the alarms of one", service.alarms, bird)
    book.look("unseen", lambda connection: {str(key): kinds for key, kinds in service.unseen(connection).items()})
    seen = book.store
    with seen.read() as connection:
        first = {each.kind: each for each in service.alarms(connection)}
    told = {"by": "anna", "at": NOW}
    book.do("seen to", service.acknowledge, first[Kind.OVERRUN].id, reason=" Told the owner. ", **told)
    book.do("seen to before", service.acknowledge, first[Kind.OVERRUN].id, reason="again", **told)
    book.do("no word of it", service.acknowledge, first[Kind.RENUMBERED].id, reason=" ", **told)
    book.do("no such alarm", service.acknowledge, "alm_x", reason="why", **told)
    backwards = first[Kind.BACKWARDS].id
    book.do("not lower any more", service.acknowledge, backwards, reason="It is so.", accept=True, **told)
    book.do("it falls again", note, limit=200, network_total=1, **noted)
    with seen.read() as connection:
        fell = service.alarms(connection, key)[0]
    book.do("accepted", service.acknowledge, fell.id, reason="It began anew.", accept=True, **told)
    book.do("another count after that", note, limit=200, network_total=2, **noted)
    book.do("nearly all", use, amount=160, message_digest="e1", **count)
    book.do("a bit more than all that is not promised", use, amount=32.5, message_digest="e0", **count)
    book.do("the last of it", use, amount=38, message_digest="e2", **{**count, "request_id": "req_2"})
    more = {**count, "resource": OTHER, "request_id": "req_6"}
    book.do("the network sets none there", note, limit=None, network_total=0, **{
        **noted, "resource": OTHER, "project": "proj-2",
    })  # fmt: skip
    book.do("of another project", use, amount=2, message_digest="e3", **{**more, "project": "proj-2"})
    book.do("on other data", use, amount=6, message_digest="e4", **{**more, "project": "", "datasource": "scans"})
    book.do("a limit of nothing", put, scope=Scope(project=""), period="total", amount=0, effect="stops", **lab)
    book.do("for a model of a version", put, scope=Scope(model=OTHER), period="day", amount=8, effect="stops", **lab)
    book.look("all meters", service.meters, now=NOW)
    book.look("found", service.find_key, key.id)
    book.look("not found", service.find_key, "mtr_x")
    book.look("own limits", service.own_limits)
    book.look("own limits of a use", service.own_of, Use(MODEL, "proj-1", "research-lab", "patients"), NOW)
    for name in ("events", "by_day", "series", "by_requester", "by_datasource", "by_project"):
        book.look(name, getattr(service, name), key)
        book.look(f"{name} of the other", getattr(service, name), bird)
    book.look("the newest event", service.events, key, 1)
    owl = {**asked, "resource": "owl/Night:1", "request_id": "req_7"}
    night = replace(TASK, request_id="req_7", task_id="task-7")
    book.do("another model", note, limit=10, network_total=0, **{**noted, "resource": "owl/Night:1"})
    book.do("eight are promised", reserve, wanted=8, **owl)
    every = {"scope": Scope(model="owl/Night"), "period": "total", "effect": "stops"}
    book.do("less is allowed than promised", put, amount=4, **every, **lab)
    for title, sequence, amount, digest in (
        ("what it was promised itself is no hindrance", None, 1.5, "f1"),
        ("a second without a number", None, 0.5, "f2"),
        ("a number", 7, 0.25, "f3"),
        ("the number again", 7, 0.25, "f4"),
        ("another number", 8, 0.25, "f5"),
        ("that one again is told too", 8, 0.25, "f6"),
    ):
        more = {} if sequence is None else {"sequence": sequence}
        book.do(title, service.meter_message, night, {"owl/Night:1": amount}, message_digest=digest, at=NOW, **more)
    book.do("the network allows four", note, limit=4, network_total=0, **{**noted, "resource": "owl/Night:1"})
    book.do("exactly all", service.meter_message, night, {"owl/Night:1": 1.0}, message_digest="f7", at=NOW)
    book.do("a bit more", service.meter_message, night, {"owl/Night:1": 0.25}, message_digest="f8", at=NOW)
    book.do("not known and more than the own limit", use, amount=5, message_digest="f9", **{
        **count, "resource": "owl/Night:2", "request_id": "req_8",
    })  # fmt: skip
    second = {"resource": "owl/Night:2"}
    book.do("the network speaks at last, and all is used", note, limit=1, network_total=1, **{**noted, **second})
    book.do("it allows more", note, limit=50, network_total=1, **{**noted, **second})
    book.do("nothing of the own limit for a second model", reserve, wanted=1, **{**owl, **second})
    book.do("the own limit is wider", put, amount=40, **every, **lab)
    book.do("a second model for the same request", reserve, wanted=1, **{**owl, **second})
    book.do("after a crash", service.reconcile, {"req_2"}, NOW)
    book.do("nothing more to do", service.reconcile, {"req_2"}, NOW)
    book.look("what is still promised", service.open_reservations)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    opened = Store.open(tmp_path_factory.mktemp("book") / "podadmin.db", Journal(ManualClock(NOW)))
    made = Book(opened, TABLES, KEPT)
    write(made)
    yield made
    opened.close()


def test_every_act_answers_writes_and_tells_what_was_looked_at(book: Any) -> None:
    assert book.pages == KEPT


def test_what_must_not_be_is_in_no_page(book: Any) -> None:
    """Whatever the file says: what is refused writes nothing, and nothing is told without an entry."""
    for page in book.pages:
        refused = isinstance(page.get("answer"), dict) and "code" in page["answer"]
        written = [table.name for table in TABLES if table.name in page]
        assert not (refused and (written or "journal" in page)), page["act"]
        assert not written or "journal" in page, page["act"]
    used = [row for page in book.pages for row in page.get("usage", ())]
    assert len({(row["message_digest"], row["sequence"], row["resource"]) for row in used}) == len(used)
    promised = [row for page in book.pages for row in page.get("reservation", ()) if row["settled_at"] is None]
    assert sum(row["amount"] for row in promised if row["resource"] == MODEL) == 10, "the strictest limit is 10"
    assert str(no_such_limit()).endswith("[limit.no-such-limit]")
