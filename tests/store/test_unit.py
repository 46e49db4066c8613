"""No record, no action: a change and its journal entry are one transaction, by construction."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from podadmin.core.clock import ManualClock
from podadmin.core.errors import PodadminError, Unavailable
from podadmin.journal.chain import first_break
from podadmin.journal.records import Journal, all_entries, journal_entry
from podadmin.store.engine import Store
from podadmin.store.settings import setting
from podadmin.store.unit import Fact

FACT = Fact("custodian", "setting.changed", "gate.window", {"now": 5})


def values(store: Store) -> dict[str, str]:
    with store.read() as connection:
        return {row.name: row.value for row in connection.execute(select(setting))}


def acts(store: Store) -> list[str]:
    with store.read() as connection:
        return [entry.act for entry in all_entries(connection)]


def put(store: Store, name: str, value: str, fact: Fact = FACT) -> None:
    with store.record(fact) as unit:
        unit.execute(insert(setting).values(name=name, value=value))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO setting VALUES ('a', '1')",
        "UPDATE setting SET value = '2'",
        "DELETE FROM setting",
        "DROP TABLE setting",
        "CREATE TABLE own (a)",
        "DELETE FROM journal_entry",
        "PRAGMA user_version = 7",
    ],
)
def test_a_write_without_a_unit_fails_and_nothing_changes(store: Store, statement: str) -> None:
    put(store, "kept", "1")
    with pytest.raises(PodadminError) as caught, store.read() as connection:  # noqa: PT012
        connection.exec_driver_sql(statement)
        connection.commit()
    assert caught.value.code == "store.read-only"
    assert values(store) == {"kept": "1"}
    assert acts(store) == ["setting.changed"]


def test_every_write_has_its_entry_with_what_was_noted(store: Store) -> None:
    with store.record(FACT) as unit:
        unit.execute(insert(setting).values(name="a", value="1"))
        unit.note(now=6, was=3)
        unit.also(Fact("gate", "limit.used", "model", {"amount": 2}))
        assert unit.connection.execute(select(setting.c.value)).scalar_one() == "1"
    with store.read() as connection:
        entries = list(all_entries(connection))
    assert [(e.seq, e.actor, e.act, e.subject, json.loads(e.body)) for e in entries] == [
        (1, "custodian", "setting.changed", "gate.window", {"now": 6, "was": 3}),
        (2, "gate", "limit.used", "model", {"amount": 2}),
    ]
    assert entries[0].at == "2026-03-01T09:00:00.000000Z"


class Full:
    """A journal on a full disk."""

    def append(self, connection: Connection, fact: Fact) -> int:
        raise sqlite3.OperationalError("database or disk is full")


class SecondFails:
    """A journal that can write one entry of a transaction and not the next."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._count = 0

    def append(self, connection: Connection, fact: Fact) -> int:
        self._count += 1
        if self._count == 2:
            raise sqlite3.OperationalError("database or disk is full")
        return self._journal.append(connection, fact)


def test_a_unit_whose_entry_cannot_be_written_writes_nothing(path: Path) -> None:
    store = Store.open(path, Full())
    with pytest.raises(Unavailable):
        put(store, "a", "1")
    assert values(store) == {}
    store.close()


def test_a_unit_whose_second_entry_cannot_be_written_writes_nothing(path: Path, clock: ManualClock) -> None:
    store = Store.open(path, SecondFails(Journal(clock)))
    with pytest.raises(Unavailable), store.record(FACT) as unit:  # noqa: PT012
        unit.execute(insert(setting).values(name="a", value="1"))
        unit.also(FACT)
    assert (values(store), acts(store)) == ({}, [])
    store.close()


@pytest.mark.parametrize("body", [{"bytes": b"x"}, {"nan": float("nan")}, {"set": {1}}])
def test_a_fact_that_is_no_plain_json_writes_nothing(store: Store, body: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        put(store, "a", "1", Fact("custodian", "setting.changed", "a", body))
    assert (values(store), acts(store)) == ({}, [])
    put(store, "a", "2")
    assert values(store) == {"a": "2"}


def test_a_text_that_is_no_unicode_writes_nothing_and_does_not_block_the_next(store: Store) -> None:
    with pytest.raises(ValueError):
        put(store, "a", "1", Fact("custodian", "setting.changed", "half a pair \ud800"))
    assert (values(store), acts(store)) == ({}, [])
    put(store, "a", "2")
    assert acts(store) == ["setting.changed"]


def test_an_exception_in_the_body_takes_everything_back(store: Store) -> None:
    with pytest.raises(KeyError), store.record(FACT) as unit:  # noqa: PT012
        unit.execute(insert(setting).values(name="a", value="1"))
        raise KeyError("a defect")
    assert (values(store), acts(store)) == ({}, [])


def test_our_own_errors_pass_through_as_they_are(store: Store) -> None:
    wanted = Unavailable("room.cause", "What.", "Why.", "Next.")
    with pytest.raises(Unavailable) as caught, store.record(FACT) as unit:  # noqa: PT012
        unit.execute(insert(setting).values(name="a", value="1"))
        raise wanted
    assert caught.value is wanted
    assert (values(store), acts(store)) == ({}, [])


def test_a_statement_that_the_database_refuses_takes_everything_back(store: Store) -> None:
    put(store, "a", "1")
    with pytest.raises(Unavailable) as caught, store.record(FACT) as unit:  # noqa: PT012
        unit.execute(update(setting).values(value="2"))
        unit.execute(insert(setting).values(name="a", value="3"))
    assert caught.value.code == "store.failed"
    assert "SQLITE_CONSTRAINT" in caught.value.why
    assert values(store) == {"a": "1"}
    assert len(acts(store)) == 1


def test_sixteen_threads_write_one_whole_chain(store: Store) -> None:
    start, failures = threading.Barrier(16), []

    def work(number: int) -> None:
        try:
            start.wait()
            for turn in range(20):
                put(store, f"{number}-{turn}", "1", Fact(f"thread-{number}", "setting.changed", str(turn)))
        except Exception as error:  # noqa: BLE001 - reported by the test below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with store.read() as connection:
        entries = list(all_entries(connection))
    assert first_break(entries) == (320, None)
    assert len(values(store)) == 320
    for number in range(16):
        assert [e.subject for e in entries if e.actor == f"thread-{number}"] == [str(turn) for turn in range(20)]


def test_two_stores_on_one_file_keep_one_chain(store: Store, path: Path, clock: ManualClock) -> None:
    other = Store.open(path, Journal(clock))
    threads = [
        threading.Thread(target=lambda s=each, n=name: [put(s, f"{n}{turn}", "1") for turn in range(25)])
        for name, each in (("a", store), ("b", other))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert first_break(all_entries(connection)) == (50, None)
    other.close()


def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    put(store, "a", "1")
    with store.read() as connection:
        before = connection.execute(select(setting.c.value)).scalar_one()
        with store.record(FACT) as unit:
            unit.execute(update(setting).values(value="2"))
        assert connection.execute(select(setting.c.value)).scalar_one() == before == "1"
        entries = connection.execute(select(journal_entry.c.seq)).scalars().all()
        assert list(entries) == [1]
    assert values(store) == {"a": "2"}


def test_a_unit_inside_a_unit_is_a_defect_that_is_said_at_once_and_writes_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError, match="inside another"), store.record(FACT) as unit:  # noqa: PT012
        unit.execute(insert(setting).values(name="a", value="1"))
        put(store, "b", "2")
    assert (values(store), acts(store)) == ({}, [])
    put(store, "c", "3")
    assert values(store) == {"c": "3"}


def test_a_commit_that_returned_is_on_the_disk(store: Store, path: Path) -> None:
    with store.record(FACT) as unit:
        assert unit.connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert unit.connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert unit.connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
