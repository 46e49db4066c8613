"""The records beside the journal: a row that somebody changed by hand is found although the chain itself is whole."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podadmin.app.evidence import check_evidence
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput
from podadmin.journal import service as journal
from podadmin.journal.records import Journal
from podadmin.limits import service as limits
from podadmin.requests import service
from podadmin.requests.grant_pins import Pins
from podadmin.requests.service import Captured, LimitSeen, Opening
from podadmin.requests.state import Event
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

MODEL = "research-lab/hba1c-risk:1"
WINDOW = 300.0


@dataclass
class Kept:
    """A store with a history: request names by what became of them."""

    store: Store
    path: Path
    names: dict[str, str]

    def sql(self, statement: str, *values: object) -> int:
        """Change the database as somebody with the file would; how many rows were changed."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).rowcount

    def entry_of(self, act: str, subject: str) -> int:
        return next(each.seq for each in journal.about(self.store, subject) if each.act == act)


def opening(name: str, verdict: str = "hold", grant: str = "") -> Opening:
    return Opening(
        requester="research-lab",
        task="ResultsOnly · ModelInference",
        datasource="patients",
        project="study",
        risk="high",
        verified="verified",
        fingerprint="f" * 64,
        verdict=verdict,
        code="decide.hold",
        words="Waiting for your decision",
        answerable=True,
        findings={"wants": [{"resource": MODEL, "amount": 10.0}]},
        sealed_digest=hashlib.sha256(name.encode()).hexdigest(),
        grant_id=grant,
        seen=(LimitSeen(MODEL, 100.0, 0.0),),
    )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Requests in every state that a person can meet, with decisions, a grant, a pinned key and metered use."""
    clock = ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    path = tmp_path / "podadmin.db"
    store = Store.open(path, Journal(clock))
    names: dict[str, str] = {}

    def capture(what: str, problem: BadInput | None = None) -> str:
        body = b"" if problem else f"sealed {what}".encode()
        names[what] = str(
            service.capture(
                store,
                clock,
                Captured(
                    "local",
                    f"task-{what}",
                    1,
                    "research-lab",
                    f"wire {what}".encode(),
                    body,
                    hashlib.sha256(body).hexdigest(),
                    clock.now(),
                    WINDOW,
                    problem,
                ),
            )
        )
        return names[what]

    def arrive(what: str, verdict: str = "hold", grant: str = "") -> str:
        name = capture(what)
        service.record_opening(store, clock, name, opening(what, verdict, grant))
        return name

    service.pin_requester_key(
        store, clock, network="local", requester="research-lab", key_id="k1", fingerprint="ab" * 32, public_pem="PEM"
    )
    capture("captured")
    capture("too-big", BadInput("request.too-big", "It is too big.", "It has more bytes.", "Nothing."))
    arrive("invalid", "refuse")
    service.refuse(store, clock, arrive("refused"), "custodian", "Not this.")
    ran = arrive("ran")
    service.approve(store, clock, ran, "custodian", "Only once.", 30)
    service.next_to_deliver(store, clock, 270.0, 30)
    service.started(store, ran)
    digest = hashlib.sha256(b"result").hexdigest()
    body = {"bytes": 6, "sha256": digest, "consumed": [[MODEL, 10.0]]}
    with store.record(Fact("gate", "request.result", ran, body)) as unit:
        limits.meter(
            unit,
            request_id=ran,
            task_id="task-ran",
            network="local",
            project="study",
            resource=MODEL,
            amount=10.0,
            requester="research-lab",
            datasource="patients",
            message_digest=digest,
            at=clock.now(),
        )
    service.ended(store, clock, ran, Event.FINISHED, "Finished")
    late = arrive("late")
    clock.advance(WINDOW + 1)
    service.lapse_due(store, clock)
    service.approve(store, clock, late, "custodian", "", 30)
    with store.read() as connection:
        (grant,) = service.grants_for(connection, Pins("", "f" * 64, {}))
    arrive("by-grant", "allow", grant.id)
    arrive("held")
    yield Kept(store, path, names)
    store.close()


def test_what_was_not_touched_is_as_the_journal_says(kept: Kept) -> None:
    assert check_evidence(kept.store) is None
    with kept.store.read() as connection:
        states = {row.id: row.state for row in connection.exec_driver_sql("SELECT id, state FROM request")}
    assert {what: states[name] for what, name in kept.names.items()} == {
        "captured": "captured",
        "too-big": "invalid",
        "invalid": "invalid",
        "refused": "refused",
        "ran": "finished",
        "late": "granted",
        "by-grant": "approved",
        "held": "held",
    }


@pytest.mark.parametrize(
    ("statement", "what", "act", "words"),
    [
        ("UPDATE request_sealed SET body = x'00' WHERE request_id = ?", "ran", "request.captured", "sealed bytes"),
        ("UPDATE request_sealed SET body = x'' WHERE request_id = ?", "ran", "request.captured", "sealed bytes"),
        ("UPDATE request_sealed SET wire = x'00' WHERE request_id = ?", "held", "request.captured", "sealed bytes"),
        ("UPDATE request_sealed SET wire = x'00' WHERE request_id = ?", "too-big", "request.captured", "sealed bytes"),
        ("DELETE FROM request_sealed WHERE request_id = ?", "captured", "request.captured", "sealed bytes"),
        ("UPDATE request SET body_digest = 'x' WHERE id = ?", "held", "request.captured", "sealed bytes"),
        ("DELETE FROM request WHERE id = ?", "held", "request.captured", "is gone"),
        ("UPDATE request SET requester = 'somebody' WHERE id = ?", "held", "request.opened", "is shown"),
        ("UPDATE request SET risk = 'low' WHERE id = ?", "held", "request.opened", "is shown"),
        ("UPDATE request SET fingerprint = 'x' WHERE id = ?", "held", "request.opened", "is shown"),
        ("UPDATE request SET state = 'approved' WHERE id = ?", "refused", "request.refused", "The state"),
        ("UPDATE request SET state = 'approved' WHERE id = ?", "held", "request.opened", "The state"),
        ("UPDATE request SET state = 'approved' WHERE id = ?", "invalid", "request.opened", "The state"),
        ("UPDATE decision SET verdict = 'allow' WHERE request_id = ?", "refused", "request.refused", "The decision"),
        ("UPDATE decision SET reason = 'Gladly.' WHERE request_id = ?", "refused", "request.refused", "The decision"),
        ("UPDATE decision SET by = 'another' WHERE request_id = ?", "ran", "request.approved", "The decision"),
        ("UPDATE decision SET at = '2026-02-01T09:00:00Z' WHERE request_id = ?", "ran", "request.approved", "decision"),
        ("UPDATE decision SET at = 'noon' WHERE request_id = ?", "ran", "request.approved", "The decision"),
        ("DELETE FROM decision WHERE request_id = ?", "ran", "request.approved", "is gone"),
        ("UPDATE decision SET reason = '' WHERE request_id = ?", "by-grant", "request.approved", "The decision"),
        ("UPDATE usage SET amount = 1 WHERE request_id = ?", "ran", "request.result", "The use of"),
        ("UPDATE usage SET resource = 'other' WHERE request_id = ?", "ran", None, "no entry tells of it"),
        ("DELETE FROM usage WHERE request_id = ?", "ran", "request.result", "is gone"),
    ],
)
def test_a_record_that_was_changed_by_hand_is_found_and_its_entry_named(
    kept: Kept, statement: str, what: str, act: str | None, words: str
) -> None:
    name = kept.names[what]
    assert kept.sql(statement, name) == 1
    assert journal.verify(kept.store).broken is None
    found = check_evidence(kept.store)
    assert found is not None
    assert words in found.words
    assert found.seq == (kept.entry_of(act, name) if act else None)
    if found.seq is not None:
        assert f"entry {found.seq}" in found.words


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE grant_ SET runs_left = 5", "The grant"),
        ("UPDATE grant_ SET fingerprint = 'x'", "The grant"),
        ("UPDATE grant_ SET expires_at = '2099-01-01T00:00:00.000000Z'", "The grant"),
        ("DELETE FROM grant_", "is gone"),
        (
            (
                "INSERT INTO grant_ (id, fingerprint, runs_left, expires_at, made_at, made_from)"
                " SELECT 'grt_X', fingerprint, 9, expires_at, made_at, made_from FROM grant_"
            ),
            "The grant grt_X is there, and no entry tells of it.",
        ),
        ("UPDATE trusted_key SET fingerprint = 'cd'", "The pinned key of research-lab"),
        ("DELETE FROM trusted_key", "is gone"),
        ("UPDATE trusted_key SET holder = 'somebody'", "no entry tells of it"),
        (
            (
                "INSERT INTO usage (id, request_id, task_id, network, project, resource, amount, at, message_digest,"
                " requester, datasource, sequence, seq)"
                " SELECT 'use_X', request_id, task_id, network, project, resource, 5, at, 'x',"
                " requester, datasource, sequence, seq + 1000 FROM usage"
            ),
            "no entry tells of it",
        ),
    ],
)
def test_permissions_and_uses_that_were_made_up_or_removed_are_found(kept: Kept, statement: str, words: str) -> None:
    assert kept.sql(statement) == 1
    assert journal.verify(kept.store).broken is None
    found = check_evidence(kept.store)
    assert found is not None
    assert words in found.words


def test_a_request_and_a_decision_that_were_made_up_are_found(kept: Kept) -> None:
    held = kept.names["held"]
    kept.sql(
        "INSERT INTO decision (id, request_id, verdict, by, reason, at)"
        " VALUES ('dec_X', ?, 'allow', 'custodian', '', '2026-03-01T09:00:00Z')",
        held,
    )
    found = check_evidence(kept.store)
    assert found is not None
    assert found.words == f"The decision on the request {held} is there, and no entry tells of it."
    assert found.seq is None


def test_a_name_that_hides_something_is_held_against_how_the_entry_shows_it(kept: Kept) -> None:
    name, shown = "lab/\u202emodel:1", "lab/<U+202E>model:1"
    body = {"bytes": 1, "sha256": "d" * 64, "consumed": [[shown, 2.0]]}
    with kept.store.record(Fact("gate", "request.result", kept.names["ran"], body)) as unit:
        limits.meter(
            unit,
            request_id=kept.names["ran"],
            task_id="task-ran",
            network="local",
            project="study",
            resource=name,
            amount=2.0,
            requester="research-lab",
            datasource="patients",
            message_digest="d" * 64,
            at=datetime(2026, 3, 1, tzinfo=UTC),
        )
    assert check_evidence(kept.store) is None


def test_a_result_that_was_withheld_counts_for_nothing(kept: Kept) -> None:
    body = {"bytes": 1, "sha256": "e" * 64, "consumed": [[MODEL, 500.0]], "withheld": True}
    with kept.store.record(Fact("gate", "request.result", kept.names["ran"], body)):
        pass
    assert check_evidence(kept.store) is None
