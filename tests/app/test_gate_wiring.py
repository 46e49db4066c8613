"""What a gate is told about the datasources of its profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from podadmin.app.gate_wiring import columns_of


def test_all_columns_of_a_file_are_known_once_it_has_a_schema_and_those_that_are_ignored_too(
    house: Any, tmp_path: Path
) -> None:
    """A name in a query is believed to be no column only where no column, however it is written, has it."""
    with house.open() as profile:
        assert columns_of(profile.store, "patients") == {"age", "sex"}
        assert columns_of(profile.store, "nobody") is None
        data = tmp_path / "other.csv"
        data.write_text("NHS,Age\n" + "".join(f"{n},{n % 50}\n" for n in range(40)), encoding="utf-8")
        house.act(profile, "datasource add", name="other", path=str(data), ignore=["NHS"])
        assert columns_of(profile.store, "other") is None
        house.act(profile, "schema generate", datasource="other", save=True)
        assert columns_of(profile.store, "other") == {"nhs", "age"}
