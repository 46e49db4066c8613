"""Adding, testing and removing: what is kept, and what the journal says."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, Cancelled, NotFound, Refused
from podadmin.core.progress import Progress
from podadmin.datasources import service
from podadmin.datasources.model import ColumnChoices, CsvSource, Datasource
from podadmin.datasources.service import add, get, list_all, remove
from podadmin.journal.chain import Entry
from podadmin.journal.records import Journal, all_entries
from podadmin.store.engine import Store
from podadmin.vault.service import Vault

CLOCK = ManualClock(datetime(2026, 5, 1, 9, 0, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "profile" / "podadmin.db", Journal(CLOCK))
    yield opened
    opened.close()


@pytest.fixture
def patients(tmp_path: Path) -> CsvSource:
    path = tmp_path / "patients.csv"
    path.write_bytes(b"id,age\nSECRET1,50\nSECRET2,60\n")
    return CsvSource(path)


def entries(store: Store) -> list[Entry]:
    with store.read() as connection:
        return list(all_entries(connection))


def no_vault() -> Vault:
    raise AssertionError("a file needs no password")


def check(store: Store, progress: Progress | None = None) -> Datasource:
    kept = store.path.parent / "inventory.db"
    return service.check(store, CLOCK, "custodian", "a", progress or Progress(), vault=no_vault, kept=kept)


def test_a_datasource_is_kept_as_it_was_given(store: Store, patients: CsvSource) -> None:
    choices = ColumnChoices(("id",), {"age": "categorical"}, {"age": "years"})
    new = add(store, CLOCK, "custodian", "eye-clinic", patients, choices)
    assert get(store, "eye-clinic") == get(store, new.id) == new
    assert list_all(store) == (new,)
    assert new.choices == choices
    assert new.source.path.is_absolute()
    assert [(entry.act, entry.subject) for entry in entries(store)] == [("datasource.added", new.id)]


def test_a_name_stands_for_one_datasource(store: Store, patients: CsvSource) -> None:
    add(store, CLOCK, "custodian", "a", patients, ColumnChoices())
    with pytest.raises(Refused) as caught:
        add(store, CLOCK, "custodian", "a", patients, ColumnChoices())
    assert caught.value.code == "datasource.name-taken"
    assert len(entries(store)) == 1


def test_what_does_not_fit_is_not_added(store: Store, patients: CsvSource) -> None:
    with pytest.raises(BadInput):
        add(store, CLOCK, "custodian", "Bad Name", patients, ColumnChoices())
    with pytest.raises(BadInput):
        add(store, CLOCK, "custodian", "a", patients, ColumnChoices(ignore=("agee",)))
    with pytest.raises(NotFound):
        add(store, CLOCK, "custodian", "a", CsvSource(patients.path.with_name("no.csv")), ColumnChoices())
    assert list_all(store) == ()
    assert entries(store) == []


def test_a_check_keeps_what_it_found(store: Store, patients: CsvSource) -> None:
    add(store, CLOCK, "custodian", "a", patients, ColumnChoices())
    found = check(store).last_check
    assert found is not None
    assert (found["ok"], found["rows"], found["columns"], found["rejected"]) == (True, 2, 2, 0)
    assert found["at"] == "2026-05-01T09:00:00.000000Z"


def test_a_broken_datasource_is_a_finding_with_somebody_who_can_fix_it(store: Store, patients: CsvSource) -> None:
    add(store, CLOCK, "custodian", "a", patients, ColumnChoices())
    patients.path.unlink()
    found = check(store).last_check
    assert found is not None
    assert found["ok"] is False
    assert found["error"]["code"] == "datasource.not-found"
    assert found["who_can_fix"]
    assert [entry.act for entry in entries(store)] == ["datasource.added", "datasource.checked"]


def test_a_column_that_vanished_from_the_file_breaks_the_choices_about_it(store: Store, patients: CsvSource) -> None:
    add(store, CLOCK, "custodian", "a", patients, ColumnChoices(ignore=("id",)))
    patients.path.write_bytes(b"identifier,age\nx,1\n")
    found = check(store).last_check
    assert found is not None
    assert found["error"]["code"] == "datasource.unknown-column"


def test_a_cancelled_check_changes_and_records_nothing(store: Store, patients: CsvSource) -> None:
    add(store, CLOCK, "custodian", "a", patients, ColumnChoices())
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        check(store, progress)
    assert get(store, "a").last_check is None
    assert len(entries(store)) == 1


def test_a_removed_datasource_leaves_its_history_and_frees_its_name(store: Store, patients: CsvSource) -> None:
    first = add(store, CLOCK, "custodian", "a", patients, ColumnChoices())
    with pytest.raises(BadInput) as caught:
        remove(store, CLOCK, "custodian", "a", "  ")
    assert caught.value.code == "datasource.no-reason"
    gone = remove(store, CLOCK, "custodian", "a", "study ended")
    assert (gone.name, gone.removed_at) == ("a", CLOCK.now())
    with pytest.raises(NotFound):
        get(store, "a")
    with pytest.raises(NotFound):
        remove(store, CLOCK, "custodian", first.id, "again")
    again = add(store, CLOCK, "custodian", "a", patients, ColumnChoices())
    assert list_all(store) == (again,)
    assert patients.path.exists()


def test_the_journal_holds_no_value_of_the_data(store: Store, patients: CsvSource) -> None:
    add(store, CLOCK, "custodian", "a", patients, ColumnChoices(ignore=("id",)))
    check(store)
    remove(store, CLOCK, "custodian", "a", "done")
    for entry in entries(store):
        json.loads(entry.body)
        assert "SECRET" not in entry.body
