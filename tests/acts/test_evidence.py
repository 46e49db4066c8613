"""The records beside the journal: a row that somebody changed by hand is found although the chain itself is whole."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from podadmin.app import evidence_requests
from podadmin.app.evidence import Mismatch, check_evidence
from podadmin.app.evidence_rules import unchecked_rules
from podadmin.app.profile import Profile
from podadmin.app.settings import Settings
from podadmin.core.clock import ManualClock, stamp
from podadmin.core.errors import BadInput, Cancelled
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.gate import results
from podadmin.gate.hosts import ALLOWED, REFUSED
from podadmin.gate.hosts import decide as decide_host
from podadmin.journal import service as journal
from podadmin.journal.records import Journal
from podadmin.limits import service as limits
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.places import PRODUCTION
from podadmin.requests import rule_service, service
from podadmin.requests.grant_pins import Pins
from podadmin.requests.projects import state_purpose
from podadmin.requests.result_rules import Reason
from podadmin.requests.rule_records import rule, rule_version
from podadmin.requests.rules import Rule, draft
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
    clock: ManualClock

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
        task = limits.Task(ran, "task-ran", "local", "study", "research-lab", "patients")
        limits.meter_message(unit, task, {MODEL: 10.0}, message_digest=digest, at=clock.now())
    service.ended(store, clock, ran, Event.FINISHED, "Finished")
    late = arrive("late")
    clock.advance(WINDOW + 1)
    service.lapse_due(store, clock)
    service.approve(store, clock, late, "custodian", "", 30)
    with store.read() as connection:
        (grant,) = service.grants_for(connection, Pins("", "f" * 64, {}))
    arrive("by-grant", "allow", grant.id)
    arrive("held")
    yield Kept(store, path, names, clock)
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


@pytest.mark.parametrize("number", [-(2**63), -1, 0])
@pytest.mark.parametrize("live", [False, True])
def test_a_request_is_held_against_its_entries_whatever_its_number(kept: Kept, number: int, live: bool) -> None:
    assert kept.sql("UPDATE request SET number = ? WHERE id = ?", number, kept.names["held"]) == 1
    assert check_evidence(kept.store, live=live, progress=Progress()) is None
    assert kept.sql("UPDATE request SET state = 'approved' WHERE id = ?", kept.names["held"]) == 1
    found = check_evidence(kept.store, live=live, progress=Progress())
    assert found is not None
    assert found.words.startswith(f"The state of the request {kept.names['held']} is not the one")


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
        limits.note_limits(
            unit, network="local", project="study", resource=name, limit=None, network_total=0.0, request_id="req_0",
            at=datetime(2026, 3, 1, tzinfo=UTC),
        )  # fmt: skip
        task = limits.Task(kept.names["ran"], "task-ran", "local", "study", "research-lab", "patients")
        limits.meter_message(unit, task, {name: 2.0}, message_digest="d" * 64, at=datetime(2026, 3, 1, tzinfo=UTC))
    assert check_evidence(kept.store) is None


def test_a_message_that_another_request_brings_again_counts_once_and_is_no_tampering(kept: Kept) -> None:
    digest = hashlib.sha256(b"result").hexdigest()
    body = {"bytes": 6, "sha256": digest, "consumed": [[MODEL, 10.0]]}
    with kept.store.record(Fact("gate", "request.result", kept.names["held"], body)):
        pass
    assert check_evidence(kept.store) is None
    kept.sql("DELETE FROM usage")
    found = check_evidence(kept.store)
    assert found is not None
    assert "is gone" in found.words


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE decision SET request_id = 'req_X' WHERE request_id = ?", "is gone"),
        ("UPDATE usage SET request_id = 'req_X' WHERE request_id = ?", "is there, and no entry tells of it"),
        ("DELETE FROM receipt WHERE request_id = ?", "is gone"),
        ("UPDATE receipt SET act = 'refused' WHERE request_id = ?", "The receipt"),
    ],
)
def test_what_was_moved_to_a_request_that_is_not_there_is_found(kept: Kept, statement: str, words: str) -> None:
    assert kept.sql(statement, kept.names["ran"]) >= 1
    found = check_evidence(kept.store)
    assert found is not None
    assert words in found.words


def test_slices_of_any_size_find_the_same(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_requests, "SLICE", 2)
    told: list[float | None] = []
    progress = Progress(lambda step: told.append(step.fraction))
    assert check_evidence(kept.store, progress=progress) is None
    assert told[-1] == 1.0
    kept.sql("UPDATE request SET state = 'approved' WHERE id = ?", kept.names["late"])
    found = check_evidence(kept.store)
    assert found is not None
    assert "The state" in found.words
    progress.cancel()
    with pytest.raises(Cancelled):
        check_evidence(kept.store, progress=progress)


def test_a_result_that_was_withheld_counts_for_nothing(kept: Kept) -> None:
    body = {"bytes": 1, "sha256": "e" * 64, "consumed": [[MODEL, 500.0]], "withheld": True}
    with kept.store.record(Fact("gate", "request.result", kept.names["ran"], body)):
        pass
    assert check_evidence(kept.store) is None


STATED, OTHER = "DUO:0000037", "DUO:0000031"


@pytest.fixture
def ruled(kept: Kept) -> Kept:
    """Rules that were added, changed and removed, and projects whose purpose was stated, stated again, taken back."""
    conditions = {"project": "only: study", "leaves": "at-most: counts"}

    def add(name: str, verdict: str, message: str = "") -> str:
        wanted = draft(name, verdict, conditions, message=message)
        return rule_service.add(kept.store, kept.clock, "custodian", wanted, "The committee agreed.").id

    kept.names["counts"] = add("Counts \u202e", "allow")
    kept.names["old"] = add("Old", "refuse", "No.")
    rule_service.switch(kept.store, kept.clock, "custodian", kept.names["counts"], False, "Not today.")
    rule_service.remove(kept.store, kept.clock, "custodian", kept.names["old"], "Not needed.")
    for project, codes in (("atlas", [STATED]), ("atlas", [STATED, OTHER]), ("gone", [STATED]), ("gone", [])):
        state_purpose(kept.store, kept.clock, "custodian", project, codes)
    return kept


def looked_at(kept: Kept) -> Mismatch | None:
    """What is found, which is the same whether everything is looked at or only what can lead to a delivery."""
    found, live = check_evidence(kept.store), check_evidence(kept.store, live=True)
    assert found == live
    return found


def test_rules_and_purposes_that_were_not_touched_are_as_the_journal_says(ruled: Kept) -> None:
    assert looked_at(ruled) is None
    with ruled.store.read() as connection:
        assert unchecked_rules(connection) == ()


WIDER = "document = replace(document, 'at-most', 'more-than')"


@pytest.mark.parametrize(
    ("statement", "what", "act", "words"),
    [
        (f"UPDATE rule SET {WIDER} WHERE id = ?", "counts", "rule.changed", "The rule"),
        (f"UPDATE rule_version SET {WIDER} WHERE version = 1 AND rule_id = ?", "counts", "rule.added", "A version of"),
        ("UPDATE rule SET document = x'00' WHERE id = ?", "counts", "rule.changed", "The rule"),
        ("UPDATE rule SET version = 1 WHERE id = ?", "counts", "rule.changed", "The rule"),
        ("UPDATE rule SET changed_at = '2020-01-01T00:00:00Z' WHERE id = ?", "counts", "rule.changed", "The rule"),
        ("UPDATE rule SET removed = 1 WHERE id = ?", "counts", "rule.changed", "The rule"),
        ("UPDATE rule SET removed = 0 WHERE id = ?", "old", "rule.removed", "The rule"),
        ("DELETE FROM rule WHERE id = ?", "counts", "rule.changed", "is gone"),
        ("DELETE FROM rule_version WHERE version = 1 AND rule_id = ?", "counts", "rule.added", "is gone"),
        ("UPDATE rule_version SET by = 'x' WHERE version = 1 AND rule_id = ?", "counts", "rule.added", "A version of"),
        ("UPDATE rule_version SET reason = 'x' WHERE removed AND rule_id = ?", "old", "rule.removed", "A version of"),
        ("UPDATE rule_version SET at = 'noon' WHERE removed AND rule_id = ?", "old", "rule.removed", "A version of"),
        ("INSERT INTO rule SELECT 'rul_X', version, document, changed_at, 0 FROM rule WHERE id = ?", "old", None, ""),
    ],
)
def test_a_rule_that_was_changed_removed_or_made_up_by_hand_is_found_and_named(
    ruled: Kept, statement: str, what: str, act: str | None, words: str
) -> None:
    rule = ruled.names[what]
    assert ruled.sql(statement, rule) == 1
    assert journal.verify(ruled.store).broken is None
    found = looked_at(ruled)
    assert found is not None
    if act is None:
        assert (found.seq, found.words) == (None, "The rule rul_X is there, and no entry tells of it.")
        return
    assert found.seq == ruled.entry_of(act, rule)
    assert words in found.words
    assert f"rule {rule} " in found.words
    assert f"entry {found.seq}" in found.words


@pytest.mark.parametrize(
    ("statement", "project", "known"),
    [
        (f"UPDATE project_purpose SET codes = '{STATED}' WHERE project = ?", "atlas", True),
        (f"UPDATE project_purpose SET codes = '{STATED}' WHERE project = ?", "gone", True),
        ("UPDATE project_purpose SET by = 'somebody' WHERE project = ?", "atlas", True),
        ("UPDATE project_purpose SET at = '2026-02-01T09:00:00Z' WHERE project = ?", "atlas", True),
        ("UPDATE project_purpose SET version = 1 WHERE project = ?", "atlas", True),
        ("UPDATE project_purpose SET version = 3 WHERE project = ?", "atlas", True),
        ("DELETE FROM project_purpose WHERE project = ?", "atlas", True),
        ("INSERT INTO project_purpose SELECT ?, codes, at, by, 1 FROM project_purpose LIMIT 1", "new", False),
    ],
)
def test_a_purpose_that_was_changed_removed_or_made_up_by_hand_is_found_and_named(
    ruled: Kept, statement: str, project: str, known: bool
) -> None:
    assert ruled.sql(statement, project) == 1
    found = looked_at(ruled)
    assert found is not None
    assert found.words.startswith(f"The stated purpose of the project {project} ")
    # entries about one subject come newest first or last: it is the last statement that counts
    stated = [each.seq for each in journal.about(ruled.store, project) if each.act == "rule.purpose-stated"]
    assert found.seq == (max(stated) if known else None)


def made_by_an_older_podadmin(store: Store, clock: ManualClock, wanted: Rule) -> None:
    """A rule as it was written down before entries held a digest of it."""
    at, document = stamp(clock.now()), wanted.document()
    body = {"name": stranger(wanted.name), "version": 1, "verdict": wanted.verdict, "changes": [], "reason": "Once."}
    with store.record(Fact("custodian", "rule.added", wanted.id, body)) as unit:
        unit.execute(insert(rule).values(id=wanted.id, version=1, document=document, changed_at=at, removed=False))
        written = {"document": document, "at": at, "by": "custodian", "reason": "Once.", "removed": False}
        unit.execute(insert(rule_version).values(rule_id=wanted.id, version=1, **written))


def test_what_an_entry_of_an_older_podadmin_does_not_hold_cannot_be_checked_and_is_no_tampering(kept: Kept) -> None:
    older = draft("Counts \u202e", "allow", {"project": "only: study"}, rule_id="rul_OLDER")
    made_by_an_older_podadmin(kept.store, kept.clock, older)
    assert looked_at(kept) is None
    entry = kept.entry_of("rule.added", older.id)
    with kept.store.read() as connection:
        (told,) = unchecked_rules(connection)
    assert f"cannot be checked: “Counts <U+202E>” (entry {entry})." in told
    for table in ("rule", "rule_version"):
        kept.sql(f"UPDATE {table} SET document = replace(document, 'study', 'other')")
    assert looked_at(kept) is None
    # what such an entry does hold is held against the rule all the same
    kept.sql("UPDATE rule SET document = replace(document, 'other', 'third')")
    found = looked_at(kept)
    assert found is not None
    assert found.words == f"The rule rul_OLDER is not the one that entry {entry} tells of."
    for written in (older.document().replace('"allow"', '"hold"'), "[]", b"\0"):
        for table in ("rule", "rule_version"):
            kept.sql(f"UPDATE {table} SET document = ?", written)
        found = looked_at(kept)
        assert found is not None
        assert found.words == f"A version of the rule rul_OLDER is not the one that entry {entry} tells of."


def test_rules_of_an_older_podadmin_verify_with_a_note_until_they_are_changed(made: Any, profile: Profile) -> None:
    clock = ManualClock(profile.clock.now())
    for number in range(7):
        wanted = draft(f"Rule {number}", "hold", {}, rule_id=f"rul_{number}")
        made_by_an_older_podadmin(profile.store, clock, wanted)
    check = made("journal verify")
    assert check.state == "whole"
    (note,) = [each for each in check.notes if "rules" in each]
    assert "“Rule 4” (entry " in note
    assert "“Rule 5”" not in note
    assert " and 2 more. " in note
    for number in range(6):
        made("rules off", rule=f"rul_{number}", reason="To be read again.")
    made("rules remove", rule="rul_6", reason="Nobody needs it.")
    check = made("journal verify")
    assert check.state == "whole"
    assert not [each for each in check.notes if "rules" in each]


def gated(kept: Kept) -> str:
    """Settings, hosts and results as a custodian leaves them; the request whose result waits."""
    Settings(kept.store).change("gate.see-results", "on", "anna")
    decide_host(kept.store, kept.clock, PRODUCTION, "ehr.hospital.example", REFUSED, "anna", "Not for this pod.")
    decide_host(kept.store, kept.clock, PRODUCTION, "omop.hospital.example", ALLOWED, "anna", "Its warehouse.")
    ran = kept.names["ran"]
    for number in (1, 2, 2):
        message = pb.BitfountMessage(taskId="task-ran", messageType=pb.BitfountMessage.EVALUATION_RESULTS)
        message.body = bytes([number])
        results.hold(kept.store, kept.clock, message, message.SerializeToString(), (Reason("Look at it."),))
    return ran


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE setting SET value = '\"off\"' WHERE name = 'gate.see-results'", "The setting gate.see-results"),
        ("UPDATE setting SET value = '' WHERE name = 'gate.see-results'", "The setting gate.see-results"),
        ("DELETE FROM setting WHERE name = 'gate.see-results'", "is gone"),
        ("INSERT INTO setting VALUES ('gate.unknown-calls', '\"on\"')", "no entry tells of it"),
        ("UPDATE gate_host SET verdict = 'allowed' WHERE verdict = 'refused'", "The host ehr.hospital.example"),
        ("DELETE FROM gate_host WHERE verdict = 'refused'", "is gone"),
        ("UPDATE gate_host SET host = 'mallory.example' WHERE verdict = 'allowed'", "no entry tells of it"),
        ("UPDATE gate_result SET state = 'released' WHERE number = 2", "is not held"),
        ("UPDATE gate_result SET state = 'sent' WHERE number = 1", "is not held"),
        ("UPDATE gate_result SET reasons = '[]', state = 'released' WHERE number = 1", "is not held"),
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_what_the_gate_goes_by_cannot_be_changed_by_hand(kept: Kept, statement: str, words: str, live: bool) -> None:
    gated(kept)
    assert check_evidence(kept.store, live=live) is None
    assert kept.sql(statement) == 1
    assert journal.verify(kept.store).broken is None
    found = check_evidence(kept.store, live=live)
    assert found is not None
    assert words in found.words


def test_what_a_person_lets_go_is_as_the_journal_says(kept: Kept) -> None:
    ran = gated(kept)
    first = results.waiting(kept.store, ran)[0]
    assert results.release(kept.store, kept.clock, ran, "anna", first.id) == results.LetGo(1, 1)
    assert check_evidence(kept.store) is None
    assert results.release(kept.store, kept.clock, ran, "anna") == results.LetGo(1, 0)
    assert check_evidence(kept.store) is None
    results.sent(kept.store, results.released(kept.store)[0], None)
    decide_host(kept.store, kept.clock, PRODUCTION, "ehr.hospital.example", ALLOWED, "anna", "Now it may.")
    Settings(kept.store).change("gate.see-results", "off", "anna")
    assert check_evidence(kept.store) is None


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE gate_result SET state = 'released'", "is not held"),
        ("UPDATE gate_result SET state = iif(number = 1, 'held', 'released')", "went before one that waits"),
    ],
)
def test_another_result_than_the_one_that_was_let_go_cannot_go_by_hand(
    kept: Kept, statement: str, words: str, live: bool
) -> None:
    ran = gated(kept)
    results.release(kept.store, kept.clock, ran, "anna", results.waiting(kept.store, ran)[0].id)
    assert check_evidence(kept.store, live=live) is None
    kept.sql(statement)
    found = check_evidence(kept.store, live=live)
    assert found is not None
    assert words in found.words


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            (
                "CREATE TRIGGER let_go AFTER INSERT ON gate_result BEGIN"
                " UPDATE gate_result SET state = 'released' WHERE id = new.id; END"
            ),
            "acts by itself that podadmin did not put there: let_go",
        ),
        ("CREATE VIEW all_of_it AS SELECT * FROM request", "acts by itself that podadmin did not put there: all_of_it"),
        ("DROP TRIGGER request_counted", "was removed from it: request_counted"),
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_what_acts_in_the_database_by_itself_is_found(kept: Kept, statement: str, words: str, live: bool) -> None:
    kept.sql(statement)
    found = check_evidence(kept.store, live=live)
    assert found is not None
    assert words in found.words


def test_a_trigger_that_takes_the_place_of_one_of_ours_is_found(kept: Kept) -> None:
    kept.sql("DROP TRIGGER request_counted")
    kept.sql(
        "CREATE TRIGGER request_counted AFTER INSERT ON request BEGIN"
        " UPDATE request SET risk = 'low' WHERE id = new.id; END"
    )
    found = check_evidence(kept.store, live=True)
    assert found is not None
    assert "request_counted" in found.words
