"""What the pod is and works with, beside the journal: another file under a datasource is found, and another program
under the pod."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.evidence import Mismatch, check_evidence
from podadmin.core.clock import ManualClock
from podadmin.datasources import service as datasources
from podadmin.datasources.model import ColumnChoices, CsvSource
from podadmin.journal import service as journal
from podadmin.journal.records import Journal
from podadmin.networks import service as networks
from podadmin.networks.bitfount.pod_config import PodConfig
from podadmin.pod import service as pods
from podadmin.pod import setup
from podadmin.pod.launch import Launch
from podadmin.store.engine import Store
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.service import Vault

COMMAND = Launch("command", ("bitfount", "run_pod", "{config}"))


@dataclass
class Kept:
    store: Store
    path: Path

    def sql(self, statement: str) -> None:
        """Change the database as somebody with the file would."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            assert connection.execute(statement).rowcount == 1

    def found(self, live: bool) -> Mismatch | None:
        assert journal.verify(self.store).broken is None
        return check_evidence(self.store, live=live)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """A pod that was brought, paused, with two networks and three datasources, one of each no longer there."""
    clock = ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    store = Store.open(tmp_path / "podadmin.db", Journal(clock))
    vault = Vault(tmp_path / "keys", MemoryKeyring(), store, clock)
    vault.unlock()
    pods.create(store, clock, "custodian", "eye-clinic", "alice")
    setup.bring(
        store, clock, "custodian", PodConfig(name="eye-clinic", username="alice"), tmp_path / "pod", "pod.yaml", COMMAND
    )
    setup.ask(store, clock, "custodian", "running")
    pods.pause(store, "custodian", "A long weekend.")
    for kind in ("bitfount", "local"):
        networks.record_join(store, clock, "custodian", kind, {"owner": "alice", "pod": "eye-clinic"})
    networks.record_leave(store, clock, "custodian", "local")
    file = tmp_path / "patients.csv"
    file.write_text("name,age\nAda,36\n", encoding="utf-8")
    for name in ("patients", "second", "third"):
        datasources.add(store, clock, "custodian", name, CsvSource(file), ColumnChoices(ignore=("name",)))
    datasources.change(store, clock, "custodian", "second", CsvSource(file), ColumnChoices(), vault=vault)
    datasources.describe(store, "custodian", "second", {"age": "in years"})
    datasources.remove(store, clock, "custodian", "third", "It is not used.")
    yield Kept(store, tmp_path / "podadmin.db")
    store.close()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE datasource SET config = replace(config, 'patients.csv', 'others.csv') WHERE name = 'patients'", "ds_"),
        ("UPDATE datasource SET config = replace(config, '[\"name\"]', '[]') WHERE name = 'patients'", "ds_"),
        ("UPDATE datasource SET config = replace(config, 'in years', 'in days') WHERE name = 'second'", "ds_"),
        ("UPDATE datasource SET kind = 'ParquetSource' WHERE name = 'patients'", "The datasource ds_"),
        ("UPDATE datasource SET name = 'others' WHERE name = 'patients'", "The datasource ds_"),
        ("UPDATE datasource SET removed_at = NULL WHERE removed_at IS NOT NULL", "The datasource ds_"),
        ("UPDATE datasource SET removed_at = NULL, name = 'third' WHERE removed_at IS NOT NULL", "The datasource ds_"),
        ("DELETE FROM datasource WHERE name = 'second'", "is gone"),
        ("INSERT INTO datasource SELECT 'ds_X', 'x', kind, config, added_at, NULL, NULL FROM datasource LIMIT 1",
         "no entry tells of it"),
        ("UPDATE network SET facts = replace(facts, 'alice', 'mallory') WHERE kind = 'bitfount'", "bitfount"),
        ("UPDATE network SET left_at = NULL WHERE kind = 'local'", "The network local"),
        ("UPDATE network SET left_at = joined_at WHERE kind = 'bitfount'", "The network bitfount"),
        ("UPDATE pod SET state = 'running'", "The pod pod_"),
        ("UPDATE pod SET worker = 'built-in'", "The pod pod_"),
        ("UPDATE pod SET owner = 'mallory'", "The pod pod_"),
        ("UPDATE pod_setup SET launch = replace(launch, 'bitfount', 'mallory')", "What is started as the pod"),
        ("UPDATE pod_setup SET config = replace(config, 'alice', 'mallory')", "What is started as the pod"),
        ("UPDATE pod_setup SET storage = '/elsewhere'", "What is started as the pod"),
        ("DELETE FROM pod_setup", "is gone"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("live", [False, True])
def test_what_the_pod_works_with_cannot_be_changed_by_hand(kept: Kept, statement: str, words: str, live: bool) -> None:
    assert kept.found(live) is None
    kept.sql(statement)
    found = kept.found(live)
    assert found is not None
    assert words in found.words


def test_what_is_done_in_podadmin_is_as_the_journal_says(kept: Kept) -> None:
    clock = ManualClock(datetime(2026, 3, 2, 9, tzinfo=UTC))
    config = PodConfig(name="eye-clinic", username="alice", pod_db=True)
    does: tuple[Callable[[], Any], ...] = (
        lambda: pods.resume(kept.store, "custodian"),
        lambda: setup.change_config(kept.store, clock, "custodian", config),
        lambda: setup.change_launch(kept.store, "custodian", Launch("command", ("pod", "{config}"))),
        lambda: setup.ask(kept.store, clock, "custodian", "stopped"),
        lambda: setup.choose_worker(kept.store, "custodian", "built-in"),
        lambda: setup.choose_worker(kept.store, "custodian", "bitfount"),
        lambda: networks.record_join(kept.store, clock, "custodian", "local", {"owner": "bob", "pod": "eye-clinic"}),
        lambda: networks.record_leave(kept.store, clock, "custodian", "bitfount"),
        lambda: datasources.describe(kept.store, "custodian", "patients", {"age": "in years"}),
        lambda: datasources.remove(kept.store, clock, "custodian", "patients", "It is not used."),
    )
    for act in does:
        act()
        assert (kept.found(False), kept.found(True)) == (None, None)


def test_an_entry_of_an_older_podadmin_holds_no_digest_and_what_it_tells_is_believed(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        connection.execute("UPDATE journal_entry SET body = json_remove(body, '$.sha256')")
    assert check_evidence(kept.store) is None
    kept.sql("UPDATE pod_setup SET storage = '/elsewhere'")
    assert check_evidence(kept.store) is None
    kept.sql("UPDATE datasource SET name = 'others' WHERE name = 'patients'")
    assert check_evidence(kept.store) is not None
