"""A clinical table that nobody's patients are in: 40 columns as hospitals export them, as CSV and as Parquet.

The same rows come out whenever it is asked for the same number of them: values are hashes of the row's number.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

COLUMNS = 40


def _chance(place: int, of: int) -> str:
    return f"(hash(i, {place}) % {of})::BIGINT"


def _sometimes(place: int, percent: int, expression: str) -> str:
    """NULL in `percent` of the rows."""
    return f"CASE WHEN {_chance(1000 + place, 100)} < {percent} THEN NULL ELSE {expression} END"


def _expressions() -> dict[str, str]:
    """The 40 columns: name -> SQL over the row's number `i`."""
    found: dict[str, str] = {
        "patient_id": "printf('P%09d', i)",
        "encounter_id": "i + 10_000_000_000",
        "device_serial": f"printf('SN-%08x', {_chance(1, 2**31)})",
    }
    for place in range(8):
        found[f"count_{place}"] = _sometimes(10 + place, place, _chance(10 + place, 10 ** (place % 4 + 1)))
    for place in range(9):
        value = f"round({_chance(30 + place, 1_000_000)} / {10 ** (place % 4 + 1)}, {place % 3 + 1})"
        found[f"lab_{place}"] = _sometimes(30 + place, 3 * place, value)
    for place in range(3):
        found[f"date_{place}"] = _sometimes(50 + place, 2, f"(DATE '2015-01-01' + {_chance(50 + place, 3650)}::INT)")
    found["recorded_at"] = "(TIMESTAMP '2020-01-01 00:00:00' + INTERVAL (hash(i, 54) % 100000000) SECOND)"
    for place in range(8):
        found[f"code_{place}"] = _sometimes(
            60 + place, place, f"printf('K%02d.%d', {_chance(60 + place, 50)}, {place})"
        )
    found["note"] = (
        f"list_aggregate(['seen in clinic', 'stable, no change', 'review in ' || {_chance(70, 12)} || ' weeks', "
        f"'patient reports \"floaters\"', 'pressure ' || {_chance(71, 40)}]"
        f"[1:1 + {_chance(72, 5)}], 'string_agg', '; ')"
    )
    found["comment"] = _sometimes(73, 60, f"'free text number ' || {_chance(73, 100_000)}")
    for place in range(3):
        found[f"flag_{place}"] = _sometimes(80 + place, 5 * place, f"{_chance(80 + place, 2)} = 1")
    found["dirty"] = f"CASE WHEN {_chance(90, 5000)} = 0 THEN '<5' ELSE {_chance(91, 500)}::VARCHAR END"
    found["sex"] = f"['F', 'M', 'X'][1 + least({_chance(92, 200)} // 99, 2)]"
    found["site"] = f"'Site ' || {_chance(93, 12)}"
    assert len(found) == COLUMNS
    return found


def write(folder: Path, rows: int) -> tuple[Path, Path]:
    """`clinical.csv` and `clinical.parquet` (zstd) of `rows` rows in `folder`: the paths of both."""
    select = ", ".join(f"{expression} AS {name}" for name, expression in _expressions().items())
    table, packed = folder / "clinical.csv", folder / "clinical.parquet"
    with duckdb.connect(config={"preserve_insertion_order": "true", "memory_limit": "1GB"}) as connection:
        connection.execute("SET enable_progress_bar=false")
        connection.execute(f"COPY (SELECT {select} FROM range({int(rows)}) r(i)) TO '{table}' (HEADER)")
        connection.execute(
            f"COPY (SELECT {select} FROM range({int(rows)}) r(i)) TO '{packed}' (FORMAT parquet, COMPRESSION zstd)"
        )
    return table, packed


if __name__ == "__main__":
    print(*write(Path(sys.argv[1]), int(sys.argv[2])))
