"""Limits as the network told them, promises, wishes and held results beside the journal: a hand in one is found."""

# ruff: noqa: E501 - a statement is read in one line
from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podadmin.app import evidence_requests
from podadmin.app.evidence import Mismatch, check_evidence
from podadmin.core.clock import ManualClock
from podadmin.gate import outgoing, results, wishes
from podadmin.journal import service as journal
from podadmin.journal.records import Journal
from podadmin.limits import service as limits
from podadmin.limits.alarms import Kind
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.requests import service
from podadmin.requests.result_rules import Reason
from podadmin.requests.service import Captured, LimitSeen
from podadmin.requests.state import Event
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from tests.acts.test_evidence import MODEL, WINDOW, Kept, opening

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def captured(store: Store, clock: ManualClock, what: str) -> str:
    message = pb.BitfountMessage(taskId=f"task-{what}", recipient="pod", podMailboxIds={"pod": "box"})
    body = f"sealed {what}".encode()
    digest = hashlib.sha256(body).hexdigest()
    wire = message.SerializeToString()
    came = Captured("local", f"task-{what}", 1, "research-lab", wire, body, digest, clock.now(), WINDOW)
    return str(service.capture(store, clock, came))


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Kept]:
    """Tasks with something promised: one has ended, one was stopped, one is wanted back, one has results that wait."""
    clock = ManualClock(NOW)
    path = tmp_path / "podadmin.db"
    store = Store.open(path, Journal(clock))
    names: dict[str, str] = {}

    def run(what: str) -> str:
        names[what] = name = captured(store, clock, what)
        service.record_opening(store, clock, name, opening(what))
        service.approve(store, clock, name, "custodian", "Only once.", 30)
        service.next_to_deliver(store, clock, 270.0, 30)
        service.started(store, name)
        return name

    service.ended(store, clock, run("ended"), Event.FINISHED, "Finished")
    wishes.wish(store, clock, run("stopped"), wishes.STOP, "It takes too long.", "anna")
    wishes.fulfil(store, clock, lambda _mailbox: None)
    wishes.wish(store, clock, run("stops"), wishes.WITHHOLD, "Not this.", "anna")
    service.ended(store, clock, names["stops"], Event.FINISHED, "Finished")
    run("waits")
    for number, reasons in enumerate([(Reason("Look at it."),), ()]):
        message = pb.BitfountMessage(taskId="task-waits", messageType=pb.BitfountMessage.EVALUATION_RESULTS)
        message.body = f"a result {number}".encode()
        left = replace(outgoing.left_of(message, clock.now()), result_id=f"out_{number}")
        with store.record(Fact("gate", "request.listed", names["waits"])) as unit:
            outgoing.put(unit, names["waits"], left)
        kept = (message, message.SerializeToString(), reasons, left.result_id, left.size, left.digest)
        results.hold(store, clock, *kept)
        results.hold(store, clock, *kept)  # its answer was lost
    yield Kept(store, path, names, clock)
    store.close()


def found_in(kept: Kept, live: bool = False) -> Mismatch | None:
    assert journal.verify(kept.store).broken is None
    return check_evidence(kept.store, live=live)


def test_what_was_not_touched_is_as_the_journal_says(written: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (500, 1, 2):
        monkeypatch.setattr(evidence_requests, "SLICE", size)
        assert (found_in(written), found_in(written, live=True)) == (None, None)


CHECK, PROMISE = "The network's word on a limit, chk_", "The promise rsv_"


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("statement", "what", "act", "words"),
    [
        ('UPDATE limit_check SET "limit" = 9000 WHERE request = ?', "waits", "request.opened", CHECK),
        ("UPDATE limit_check SET network_total = -50 WHERE request = ?", "waits", "request.opened", CHECK),
        ("UPDATE limit_check SET told_total = 1 WHERE request = ?", "waits", "request.opened", CHECK),
        ("UPDATE limit_check SET forgiven = 90 WHERE request = ?", "waits", "request.opened", CHECK),
        ("UPDATE limit_check SET seq = seq + 100 WHERE request = ?", "waits", "request.opened", CHECK),
        ("UPDATE limit_check SET resource = 'other' WHERE request = ?", "waits", "request.opened", CHECK),
        ("UPDATE limit_check SET request = 'req_X' WHERE request = ?", "waits", "request.opened", CHECK),
        ("DELETE FROM limit_check WHERE request = ?", "waits", "request.opened", CHECK),
        ("UPDATE reservation SET amount = 1 WHERE request_id = ?", "waits", "request.approved", PROMISE),
        ("UPDATE reservation SET resource = 'other' WHERE request_id = ?", "waits", "request.approved", PROMISE),
        ("UPDATE reservation SET request_id = 'req_X' WHERE request_id = ?", "waits", "request.approved", PROMISE),
        ("UPDATE reservation SET settled_at = made_at WHERE request_id = ?", "waits", "request.approved", PROMISE),
        ("DELETE FROM reservation WHERE request_id = ?", "waits", "request.approved", PROMISE),
        ("UPDATE gate_wish SET words = 'x' WHERE request_id = ?", "stops", "gate.withholding-wanted", "The wish wish_"),
        ("UPDATE gate_wish SET kind = 'stop' WHERE request_id = ?", "stops", "gate.withholding-wanted", "The wish wish_"),
        ("UPDATE gate_wish SET asked_by = 'x' WHERE request_id = ?", "stops", "gate.withholding-wanted", "The wish wish_"),
        ("UPDATE gate_wish SET done_at = asked_at WHERE request_id = ?", "stops", "gate.withholding-wanted", "The wish wish_"),
        ("UPDATE gate_wish SET done_at = NULL WHERE request_id = ?", "stopped", "gate.wish-done", "The wish wish_"),
        ("DELETE FROM gate_wish WHERE request_id = ?", "stops", "gate.withholding-wanted", "The wish wish_"),
        ("UPDATE gate_result SET wire = x'00' WHERE number = 1 AND request_id = ?", "waits", "gate.result-held", "The result out_"),
        ("UPDATE gate_result SET wire = x'' WHERE number = 2 AND request_id = ?", "waits", "gate.result-held", "The result out_"),
        ("UPDATE gate_outgoing SET digest = 'x' WHERE result_id = 'out_1' AND request_id = ?", "waits", "gate.result-held", "another body"),
        ("DELETE FROM gate_result WHERE number = 2 AND request_id = ?", "waits", "gate.result-held", "is gone"),
    ],
)  # fmt: skip
def test_a_row_that_was_changed_by_hand_is_found_and_its_entry_named(
    written: Kept, statement: str, what: str, act: str, words: str, live: bool
) -> None:
    name = written.names[what]
    assert written.sql(statement, name) == 1
    found = found_in(written, live)
    assert found is not None
    assert words in found.words
    told = {each.seq for each in journal.about(written.store, name) if each.act == act}
    assert found.seq in told
    assert f"entry {found.seq}" in found.words


ROW = {
    "limit_check": 'SELECT \'chk_X\', {seq}, network, project, resource, 9000, 0, 0, 0, 0, at, request FROM limit_check WHERE request = ?',
    "reservation": "SELECT 'rsv_X', {seq}, request_id, network, project, 'x', requester, datasource, 0, made_at, NULL, NULL FROM reservation WHERE request_id = ?",
}  # fmt: skip


@pytest.mark.parametrize("table", ROW)
def test_a_row_that_was_made_up_is_found(written: Kept, table: str) -> None:
    columns = {
        "limit_check": 'id, seq, network, project, resource, "limit", network_total, told_total, local_total_at_check, forgiven, at, request',
        "reservation": "id, seq, request_id, network, project, resource, requester, datasource, amount, made_at, settled_at, outcome",
    }[table]  # fmt: skip
    rows = ROW[table].format(seq=f"(SELECT max(seq) + 1 FROM {table})")
    assert written.sql(f"INSERT INTO {table} ({columns}) {rows}", written.names["ended"]) == 1
    found = found_in(written)
    assert found is not None
    assert found.seq is None
    assert found.words.endswith(f"{'chk' if table == 'limit_check' else 'rsv'}_X is there, and no entry tells of it.")


@pytest.mark.parametrize(
    ("statement", "what", "words"),
    [
        ("INSERT INTO gate_wish SELECT 'wish_X', ?, 'stop', words, asked_by, asked_at, asked_at, '' FROM gate_wish LIMIT 1", "waits", "wish_X"),
        ("INSERT INTO gate_result (id, request_id, number, type, wire, state, at) SELECT 'out_X', ?, 9, type, x'01', 'released', at FROM gate_result LIMIT 1", "stops", "out_X"),
        ("INSERT INTO gate_result (id, request_id, number, type, wire, state, at) SELECT 'out_X', ? || 'X', 9, type, x'01', 'sent', at FROM gate_result LIMIT 1", "stops", "out_X"),
        ("INSERT INTO gate_wish SELECT 'wish_X', ? || 'X', 'stop', words, asked_by, asked_at, asked_at, '' FROM gate_wish LIMIT 1", "waits", "wish_X"),
    ],
)  # fmt: skip
def test_a_wish_or_result_that_was_made_up_is_found(written: Kept, statement: str, what: str, words: str) -> None:
    assert written.sql(statement, written.names[what]) == 1
    found = found_in(written)
    assert found is not None
    assert (found.seq, words in found.words) == (None, True)
    assert "entry tells of it" in found.words


def test_what_follows_is_as_the_journal_says(written: Kept) -> None:
    store, clock, names = written.store, written.clock, written.names
    assert results.release(store, clock, names["waits"], "anna").messages == 2
    assert found_in(written) is None
    results.sent(store, results.released(store)[0], None)
    assert wishes.fulfil(store, clock, lambda _mailbox: None) == 1
    assert found_in(written) is None
    wishes.wish(store, clock, names["waits"], wishes.STOP, "Enough.", "anna")
    assert found_in(written) is None
    # what a person accepts of the network makes a row as well
    key = {"network": "local", "project": "study", "resource": MODEL}
    with store.record(Fact("gate", "limit.checked", names["waits"])) as unit:
        limits.note_limits(unit, **key, limit=100, network_total=50, request_id=names["waits"], at=NOW)
    with store.record(Fact("gate", "limit.checked", names["waits"])) as unit:
        limits.note_limits(unit, **key, limit=100, network_total=5, request_id=names["waits"], at=NOW)
    with store.read() as connection:
        (alarm,) = (each for each in limits.alarms(connection) if each.kind is Kind.BACKWARDS)
    with store.record(Fact("anna", "limit.acknowledged", alarm.id)) as unit:
        limits.acknowledge(unit, alarm.id, by="anna", reason="It began anew.", at=NOW, accept=True)
    assert (found_in(written), found_in(written, live=True)) == (None, None)
    assert written.sql("UPDATE limit_check SET forgiven = 70 WHERE request = ''") == 1
    found = found_in(written, live=True)
    assert found is not None
    assert found.seq == written.entry_of("limit.acknowledged", alarm.id)
    assert written.sql("DELETE FROM limit_check WHERE request = ''") == 1
    assert "is gone" in str(found_in(written))


def test_a_promise_that_was_taken_back_in_the_same_breath_is_told_of_by_nobody(written: Kept) -> None:
    """Two models of which only the first has anything left: neither is promised."""
    name = captured(written.store, written.clock, "two")
    none = "research-lab/none:1"
    seen = (LimitSeen(MODEL, 100.0, 0.0), LimitSeen(none, 0.0, 0.0))
    wants = {"wants": [{"resource": each.resource, "amount": 1.0} for each in seen]}
    allowed = replace(opening("two"), verdict="allow", rule="rul_X", seen=seen, findings=wants)
    assert service.record_opening(written.store, written.clock, name, allowed) == "held"
    assert (found_in(written), found_in(written, live=True)) == (None, None)


def test_of_what_an_older_podadmin_wrote_only_what_is_told_of_can_be_checked(written: Kept) -> None:
    with closing(sqlite3.connect(written.path)) as connection, connection:
        connection.execute("UPDATE journal_entry SET body = json_remove(body, '$.checks', '$.promises', '$.wish')")
        connection.execute("UPDATE journal_entry SET body = json_remove(body, '$.sha256') WHERE act LIKE 'gate.%'")
    assert (check_evidence(written.store), check_evidence(written.store, live=True)) == (None, None)
    for statement in (
        "UPDATE reservation SET amount = 1",
        'UPDATE limit_check SET "limit" = 9000',
        "UPDATE gate_wish SET words = 'x'",
        "UPDATE gate_result SET wire = x'00'",
    ):
        assert written.sql(statement) >= 1
        assert check_evidence(written.store) is None
    # more of them than it tells of are too many
    more = (
        "INSERT INTO gate_wish SELECT 'wish_X', request_id, kind, words, asked_by, asked_at, done_at, '' FROM gate_wish"
    )
    with written.store.read():
        assert written.sql(f"{more} WHERE request_id = ?", written.names["stops"]) == 1
    found = check_evidence(written.store)
    assert found is not None
    assert found.words.endswith("is there as no entry tells of it.")
    assert written.sql("DELETE FROM gate_wish WHERE id = 'wish_X'") == 1
    assert written.sql("UPDATE gate_wish SET done_at = asked_at WHERE request_id = ?", written.names["stops"]) == 1
    assert check_evidence(written.store) is not None
