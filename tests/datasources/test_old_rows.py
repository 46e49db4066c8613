"""Datasources of profiles that older versions wrote open as before, and can do what is new."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from podadmin.core.clock import ManualClock
from podadmin.core.progress import Progress
from podadmin.datasources import health, service
from podadmin.datasources.model import ColumnChoices, CsvSource, Kind, ParquetSource, Reading
from podadmin.journal.records import Journal
from podadmin.store import migrate
from podadmin.store.engine import Store
from podadmin.vault.service import Vault

CLOCK = ManualClock(datetime(2026, 5, 1, 9, 0, tzinfo=UTC))


def written_by(revision: str, path: Path, rows: list[tuple[str, str, dict[str, object], str | None]]) -> None:
    """A database as that revision makes it, with these datasources: (name, kind, config, last check)."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    with sqlite3.connect(path) as written:
        for name, kind, kept, check in rows:
            written.execute(
                "INSERT INTO datasource VALUES (?, ?, ?, ?, '2026-01-02T03:04:05.000000Z', NULL, ?)",
                (f"ds_{name}", name, kind, json.dumps(kept), check),
            )


def no_vault() -> Vault:
    raise AssertionError("a file needs no password")


def test_datasources_of_every_released_version_are_the_same_ones(tmp_path: Path) -> None:
    data = tmp_path / "patients.csv"
    data.write_bytes(b"id;age\n1;50\n2;60\n")
    choices: dict[str, object] = {"ignore": ["id"], "force": {"age": "categorical"}, "describe": {"age": "years"}}
    found = {"ok": True, "at": "2026-01-02T03:04:05.000000Z", "rows": 2, "columns": 2, "size": 17, "rejected": 0}
    broken = {
        "ok": False,
        "at": "2026-01-02T03:04:05.000000Z",
        "who_can_fix": "You.",
        "error": {"code": "datasource.x"},
    }
    for revision in ("0001", "0005", "0009"):
        path = tmp_path / f"{revision}.db"
        written_by(
            revision,
            path,
            [
                ("plain", "CSVSource", {"path": str(data), **choices}, json.dumps(found)),
                ("told", "CSVSource", {"path": str(data), "reading": {"separator": ";"}, **choices}, None),
                ("table", "ParquetSource", {"path": "/data/x.parquet", **choices}, json.dumps(broken)),
            ],
        )
        store = Store.open(path, Journal(CLOCK))
        try:
            plain, table, told = service.list_all(store)
            assert (plain.kind, plain.source) == (Kind.CSV, CsvSource(data))
            assert plain.choices == ColumnChoices(("id",), {"age": "categorical"}, {"age": "years"})
            assert plain.last_check == found
            assert plain.mount == ""
            assert told.source == CsvSource(data, Reading(separator=";"))
            assert table.source == ParquetSource(Path("/data/x.parquet"))
            assert health.kept(store) == {}
            kept = tmp_path / "inventory.db"
            checked = service.check(store, CLOCK, "c", "plain", Progress(), vault=no_vault, kept=kept)
            assert checked.last_check is not None
            assert checked.last_check["rows"] == 2
            service.remove(store, CLOCK, "c", "told", "over", vault=no_vault)
            assert [each.name for each in service.list_all(store)] == ["plain", "table"]
        finally:
            store.close()
