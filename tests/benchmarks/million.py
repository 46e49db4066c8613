"""A profile with a million requests and more than a million journal entries, made in a minute or two.

Each kind of request is brought through its life once by the real services; its rows and entries are then told again
under other names and times, and the chain over all of them is made anew. So `journal verify` holds over the whole: the
chain, and the records against their entries. Written past the store, with indexes and triggers made afterwards.

`anchor` makes of it the profile of somebody who has used it: its keys lie in a passphrase file, as on a machine without
a keyring, and the head of the journal lies beside them. So a start proves from there, and the rest while it is used.

By hand: `python -m tests.benchmarks.million FOLDER [REQUESTS]`; the profile is FOLDER/profile.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.canon import canonical
from podadmin.core.clock import ManualClock, SystemClock, stamp
from podadmin.core.errors import BadInput
from podadmin.gate.findings import effects_shown, fact
from podadmin.journal.chain import Entry, link
from podadmin.journal.records import Journal, entry_of, journal_entry
from podadmin.journal.service import anchor_head
from podadmin.requests import service
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.grant_pins import WORDS, Pins
from podadmin.requests.receipts import GATE, PREFIX
from podadmin.requests.records import decision, receipt, request, sealed
from podadmin.requests.rule_facts import facts_of
from podadmin.requests.rule_history import Tried
from podadmin.requests.rule_records import request_facts
from podadmin.requests.service import Captured, Opening
from podadmin.requests.simulation import Circumstances
from podadmin.requests.state import Event
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.model import Purpose
from tests.benchmarks.decide_many import PROTOCOL, asked_for

REQUESTS: Final = 1_000_000
LABS, PROJECTS, SOURCES = 40, 60, 8
HELD_EVERY, FINISHED_EVERY, REFUSED_EVERY = 5_000, 60, 40
"""One in so many waits, was finished, was refused by a person; the gate turned all others away unopened."""
_TABLES: Final = (request, sealed, decision, receipt, request_facts)
_MINUTES: Final = 10
_PASSPHRASE: Final = "seven hundred lanterns on the quay"
_BATCH: Final = 20_000


@dataclass(frozen=True)
class Story:
    """What one request left behind: its rows by table and its entries, with the names that become others."""

    rows: tuple[tuple[str, dict[str, Any]], ...]
    entries: tuple[Entry, ...]
    names: tuple[str, ...]


def fill(profile: Path, count: int = REQUESTS) -> int:
    """Make the profile; the number of its journal entries."""
    with open_profile(Options(profile=profile, keyring="memory")) as opened:
        path = opened.store.path
    stories = _stories()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in ("synchronous=OFF", "journal_mode=MEMORY", "cache_size=-200000"):
            connection.execute(f"PRAGMA {pragma}")
        later = _without_indexes(connection)
        connection.execute("BEGIN")
        head = Entry(*connection.execute("SELECT * FROM journal_entry ORDER BY seq DESC LIMIT 1").fetchone())
        seq = _write(connection, _told(stories, count, head))
        connection.execute("INSERT INTO request_count SELECT state, count(*) FROM request GROUP BY state")
        connection.execute("INSERT INTO request_text (request_text) VALUES ('rebuild')")
        for sql in later:
            connection.execute(sql)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")
    return seq


def anchor(profile: Path) -> Options:
    """Let the profile have a journal key and an anchor that outlast the process; the options that open it.

    Its receipts are signed, which takes a minute or two the first time. The anchor lies at the last entry, whatever has
    come since it was put there the last time.
    """
    passphrase = profile.parent / "passphrase"
    passphrase.write_text(_PASSPHRASE, encoding="utf-8")
    options = Options(profile=profile, keyring="passphrase", passphrase_file=passphrase)
    with open_profile(options) as opened:
        vault = opened.open_vault()
        if vault.find(Purpose.JOURNAL) is None:
            vault.create(Purpose.JOURNAL, opened.actor)
        _sign_all(opened)
        anchor_head(opened.store, vault, vault.journal_signer(), opened.clock)
    return options


def _sign_all(profile: Profile) -> None:
    """What `sign_due` does, for all receipts as if they were one batch of it."""
    vault, rows = profile.vault, f"SELECT number, reference, document FROM {receipt.name} WHERE signature = ''"
    signer, info = vault.journal_signer(), vault.find(Purpose.JOURNAL)
    assert info is not None
    key = load_der_private_key(vault.private(info).reveal(), None)
    assert isinstance(key, Ed25519PrivateKey)
    with closing(sqlite3.connect(profile.store.path)) as connection:
        due = connection.execute(f"{rows} ORDER BY number").fetchall()
        told = [(key.sign(PREFIX + text.encode()).hex(), signer.fingerprint, number) for number, _, text in due]
    if due:
        body = {"receipts": len(due), "first": due[0][1], "last": due[-1][1], "key": signer.fingerprint}
        with profile.store.record(Fact(GATE, "receipt.signed", due[0][1], body)) as unit:
            unit.connection.exec_driver_sql(f"UPDATE {receipt.name} SET signature = ?, key = ? WHERE number = ?", told)


def _stories() -> dict[str, Story]:
    with tempfile.TemporaryDirectory() as folder:
        clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
        store = Store.open(Path(folder) / "podadmin.db", Journal(clock))
        made = {what: _live(store, clock, what) for what in ("turned away", "held", "refused", "finished")}
        store.close()
    return made


def _live(store: Store, clock: ManualClock, what: str) -> Story:
    task, mark = f"task-of-{what}", hashlib.sha256(what.encode()).hexdigest()
    wire, body = f"wire of {what}".encode(), f"body of {what}".encode()
    digest = hashlib.sha256(body).hexdigest()
    away = what == "turned away"
    problem = BadInput("request.too-big", "It is too big.", "It has more bytes.", "Nothing.") if away else None
    captured = Captured("local", task, 2, "lab-name", wire, body, digest, clock.now(), 300.0, problem)
    name = str(service.capture(store, clock, captured))
    if not away:
        service.record_opening(store, clock, name, _opening(mark))
    if what == "refused":
        service.refuse(store, clock, name, "custodian", "Not for this project.")
    if what == "finished":
        service.approve(store, clock, name, "custodian", "", 30)
        service.next_to_deliver(store, clock, 270.0, 30)
        service.started(store, name)
        service.ended(store, clock, name, Event.FINISHED, "Finished: the results were passed on")
    with store.read() as connection:
        subjects = [
            name,
            *connection.exec_driver_sql("SELECT reference FROM receipt WHERE request_id = ?", (name,)).scalars(),
        ]
        entries = connection.execute(
            journal_entry.select().where(journal_entry.c.subject.in_(subjects)).order_by(journal_entry.c.seq)
        )
        told = tuple(entry_of(each) for each in entries)
        rows = tuple(
            (table.name, dict(row))
            for table in _TABLES
            for row in connection.execute(
                table.select().where((table.c.id if table is request else table.c.request_id) == name)
            ).mappings()
        )
    decided = [row["id"] for table, row in rows if table == "decision"]
    wire_mark = hashlib.sha256(wire).hexdigest()
    return Story(rows, told, (name, task, mark, wire_mark, digest, *subjects[1:], *decided))


def _opening(mark: str) -> Opening:
    asked = asked_for("study-name", "ab" * 32)
    effects = statement(asked, shipped())
    lines = [fact("Opened with the pod key", "yes", "good"), fact("Signature", "right: the requester's key", "good")]
    trace = [
        {"considered": f"Rule {n}", "outcome": "Does not apply. Another project.", "tone": "plain"} for n in range(9)
    ]
    return Opening(
        requester="lab-name", task="ResultsOnly · SqlQuery", datasource="source-name", project="study-name",
        risk="medium", verified="verified", fingerprint=mark, verdict="hold", code="decide.undecided",
        words="Waiting for your decision", answerable=True,
        findings={
            "verification": lines, "requester_key": "ab" * 32, "protocol": PROTOCOL, "effects": effects_shown(effects),
            "trace": trace, "signature": "good",
        },
        sealed_digest=mark,
        pins=Pins("fa" * 32, mark, {name: f'"{name}"' for name in WORDS}),
        tried=Tried(datetime(2026, 1, 1, tzinfo=UTC), facts_of(asked, effects, 0.0), Circumstances((), ())),
    )  # fmt: skip


def _told(stories: dict[str, Story], count: int, head: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of every table, in the order of the requests; entries are chained behind `head`."""
    began = SystemClock().now() - timedelta(minutes=count / _MINUTES)
    # a story is kept as one text, so that a name is exchanged everywhere at once
    texts = {what: json.dumps([_plain(story.rows), story.entries]) for what, story in stories.items()}
    last = head
    for number in range(1, count + 1):
        what = _which(number)
        names = stories[what].names
        task = f"task-{number}"
        wire, body = f"wire of {task}".encode(), f"body of {task}".encode()
        mark = hashlib.sha256(task.encode()).hexdigest()
        fresh = [f"req_{number:012d}", task, mark, hashlib.sha256(wire).hexdigest(), hashlib.sha256(body).hexdigest()]
        fresh += [f"{name[0]}-{number:08X}" if "-" in name else f"dec_{number:012d}" for name in names[5:]]
        text = texts[what]
        for old, new in zip(names, fresh, strict=True):
            text = text.replace(old, new)
        for old, new in (("lab-name", f"lab-{number % LABS}"), ("study-name", f"study-{number % PROJECTS}")):
            text = text.replace(old, new)
        text = text.replace("source-name", f"source-{number % SOURCES}")
        rows, entries = json.loads(text)
        at = stamp(began + timedelta(minutes=number / _MINUTES))
        documents = {row["reference"]: row for table, row in rows if table == "receipt"}
        for kept in entries:
            _, _, actor, act, subject, said, _, _ = kept
            if act == "receipt.made":
                row = documents[subject]
                document = {**json.loads(row["document"]), "at": at, "journal": {"entry": last.seq, "hash": last.hash}}
                row.update(document=canonical(document), entry=last.seq, made_at=at)
                told = json.loads(said)
                sum_of = hashlib.sha256(row["document"].encode()).hexdigest()
                said = canonical({**told, "entry": last.seq, "sha256": sum_of})
            last = link(last, at, actor, act, subject, said)
            yield "journal_entry", last._asdict()
        for table, row in rows:
            if table == "request":
                row.update(number=number, received_at=at, deadline=at)
                if what == "turned away":
                    # as many words to find and to sort by as opened ones have
                    row.update(task="ResultsOnly · SqlQuery", project=f"study-{number % PROJECTS}")
                    row.update(datasource=f"source-{number % SOURCES}", risk="medium")
            elif table == "request_sealed":
                row.update(wire=wire, body=body)
            elif table == "decision":
                row.update(at=at)
            elif table == "request_facts":
                row.update(number=number, at=at)
            else:
                row.pop("number")
            yield table, row


def _which(number: int) -> str:
    if number % HELD_EVERY == 0:
        return "held"
    if number % FINISHED_EVERY == 0:
        return "finished"
    return "refused" if number % REFUSED_EVERY == 0 else "turned away"


def _plain(rows: Sequence[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (table, {name: None if isinstance(value, bytes) else value for name, value in row.items()})
        for table, row in rows
    ]


def _without_indexes(connection: sqlite3.Connection) -> list[str]:
    """Take indexes and triggers away; what makes them again."""
    kept = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND "
        "name NOT LIKE 'request_text%'"
    ).fetchall()
    for kind, name, _ in kept:
        connection.execute(f'DROP {kind} "{name}"')
    connection.execute("DELETE FROM request_count")
    return [sql for _, _, sql in kept]


def _write(connection: sqlite3.Connection, rows: Iterator[tuple[str, dict[str, Any]]]) -> int:
    waiting: dict[str, list[dict[str, Any]]] = {}
    held, seq = 0, 0
    for table, row in rows:
        waiting.setdefault(table, []).append(row)
        held += 1
        seq = row["seq"] if table == "journal_entry" else seq
        if held >= _BATCH:
            _flush(connection, waiting)
            held = 0
    _flush(connection, waiting)
    return seq


def _flush(connection: sqlite3.Connection, waiting: dict[str, list[dict[str, Any]]]) -> None:
    for table, rows in waiting.items():
        if rows:
            names = list(rows[0])
            marks = ", ".join(f":{name}" for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
    waiting.clear()


if __name__ == "__main__":
    place = Path(sys.argv[1]) / "profile"
    print(fill(place, int(sys.argv[2]) if len(sys.argv) > 2 else REQUESTS))
