"""Keeping and exporting schemas."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, NotFound, Unavailable
from podadmin.core.progress import Progress
from podadmin.datasources.model import ColumnChoices, CsvSource
from podadmin.journal.chain import Entry
from podadmin.journal.records import Journal, all_entries
from podadmin.schema import service
from podadmin.schema.generate import Generated, generate
from podadmin.schema.model import read
from podadmin.store.engine import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 5, 1, 9, 0, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    opened = Store.open(tmp_path / "profile" / "podadmin.db", Journal(clock))
    yield opened
    opened.close()


@pytest.fixture
def generated(tmp_path: Path, clock: ManualClock) -> Generated:
    path = tmp_path / "patients.csv"
    path.write_bytes("code,age\nSECRETé,50\nSECRET2,60\nx\n".encode())
    return generate("a", CsvSource(path), ColumnChoices(force={"code": "categorical"}), clock, Progress())


def entries(store: Store) -> list[Entry]:
    with store.read() as connection:
        return list(all_entries(connection))


def test_a_schema_is_kept_with_everything_that_was_found(
    store: Store, clock: ManualClock, generated: Generated
) -> None:
    assert service.latest(store, "ds_1") is None
    kept = service.save(store, clock, "custodian", "ds_1", generated)
    assert service.latest(store, "ds_1") == kept
    assert (kept.document, kept.columns, kept.rejected) == (generated.document, generated.columns, 1)
    assert kept.size == generated.fingerprint.size
    assert service.latest(store, "ds_2") is None


def test_the_newest_schema_counts(store: Store, clock: ManualClock, generated: Generated) -> None:
    service.save(store, clock, "custodian", "ds_1", generated)
    clock.advance(1)
    second = service.save(store, clock, "custodian", "ds_1", generated)
    assert service.latest(store, "ds_1") == second


def test_what_was_read_once_is_read_anew_where_it_was_changed(
    store: Store, clock: ManualClock, generated: Generated, tmp_path: Path
) -> None:
    kept = service.save(store, clock, "custodian", "ds_1", generated)
    assert service.latest(store, "ds_1") == service.latest(store, "ds_1") == kept
    with sqlite3.connect(tmp_path / "profile" / "podadmin.db") as database:
        database.execute("UPDATE schema SET document = replace(document, 'SECRET2', 'changed')")
        database.execute("UPDATE schema SET statistics = replace(statistics, 'SECRET2', 'changed')")
    now = service.latest(store, "ds_1")
    assert now is not None
    assert "changed" in now.document.to_json()
    assert any("changed" in str(each) for each in now.columns)


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_an_export_is_the_document_and_nothing_else_is_left(
    store: Store, clock: ManualClock, generated: Generated, tmp_path: Path, kind: str
) -> None:
    service.save(store, clock, "custodian", "ds_1", generated)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "schema").write_text("older")
    written = service.export(store, "custodian", "ds_1", folder / "schema", kind)
    assert read(written.read_text("utf-8")) == generated.document
    assert [path.name for path in folder.iterdir()] == ["schema"]


def test_the_journal_carries_counts_and_digests_and_no_label(
    store: Store, clock: ManualClock, generated: Generated, tmp_path: Path
) -> None:
    kept = service.save(store, clock, "custodian", "ds_1", generated)
    service.export(store, "custodian", "ds_1", tmp_path / "schema.yaml")
    acts = entries(store)
    assert [(entry.act, entry.subject) for entry in acts] == [("schema.saved", kept.id), ("schema.exported", kept.id)]
    body = json.loads(acts[0].body)
    assert (body["records"], body["columns"], body["labels"], body["rejected"]) == (2, 2, 2, 1)
    assert len(body["document_sha256"]) == 64
    assert all("SECRET" not in entry.body for entry in acts)


def test_an_export_that_fails_leaves_neither_file_nor_entry(
    store: Store, clock: ManualClock, generated: Generated, tmp_path: Path
) -> None:
    service.save(store, clock, "custodian", "ds_1", generated)
    with pytest.raises(BadInput) as missing:
        service.export(store, "custodian", "ds_1", tmp_path / "no" / "schema.yaml")
    assert missing.value.code == "schema.export-folder"
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").write_text("x")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Unavailable) as refused:
        service.export(store, "custodian", "ds_1", tmp_path / "taken")
    assert refused.value.code == "schema.export-disk"
    assert sorted(tmp_path.iterdir()) == before
    assert [entry.act for entry in entries(store)] == ["schema.saved"]


def test_an_export_needs_a_schema_and_a_known_format(
    store: Store, clock: ManualClock, generated: Generated, tmp_path: Path
) -> None:
    with pytest.raises(NotFound) as none:
        service.export(store, "custodian", "ds_1", tmp_path / "schema.yaml")
    assert none.value.code == "schema.none"
    service.save(store, clock, "custodian", "ds_1", generated)
    with pytest.raises(BadInput) as odd:
        service.export(store, "custodian", "ds_1", tmp_path / "schema.xml", "xml")
    assert odd.value.code == "schema.format"
