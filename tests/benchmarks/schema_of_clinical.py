"""How fast and how small a schema of a clinical table is made, beside DuckDB's own parse and what pandas takes.

`PODADMIN_BENCHMARK_ROWS` says how many rows the table has; the target figures are meant for 5 000 000. Every run is a
process of its own, ours and its peers in turn, so that a disturbance of the machine meets all. Memory is told twice:
the peak of the whole process, and how far it grew over the process with everything imported and nothing read.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.clinical import write
from tests.benchmarks.figures import in_turns, measured

ROWS = int(os.environ.get("PODADMIN_BENCHMARK_ROWS", "300000"))
MEMORY = "400MB"
MEASURE = """
import json, sys, time
def memory(of):
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(status[of].split()[0]) / 1024
{imports}
idle, ready = memory("VmRSS"), time.perf_counter()
{work}
done, peak = time.perf_counter(), memory("VmHWM")
print(json.dumps(dict(work=done - ready, peak=peak, grown=peak - idle, rows=rows)))
"""
_OURS = MEASURE.format(
    imports="from pathlib import Path\nimport _duckdb\n"
    "from podadmin.core.clock import SystemClock\n"
    "from podadmin.core.progress import Progress\n"
    "from podadmin.datasources.model import ColumnChoices, source_at\n"
    "from podadmin.schema.generate import generate",
    work=f"rows = generate('x', source_at(Path(sys.argv[1])), ColumnChoices(), SystemClock(), Progress(), "
    f"memory_limit='{MEMORY}').rows",
)
_FLOOR = MEASURE.format(
    imports="import duckdb",
    work="con = duckdb.connect(config={'preserve_insertion_order': 'false', 'memory_limit': '" + MEMORY + "'})\n"
    "con.execute('SET enable_progress_bar=false')\n"
    "path = sys.argv[1]\n"
    "names = [row[0] for row in con.execute(f\"DESCRIBE FROM '{path}'\").fetchall()]\n"
    "counts = ', '.join(f'count({name})' for name in names)\n"
    "rows = con.execute(f\"SELECT count(*), {counts} FROM '{path}'\").fetchone()[0]",
)
_DECODED = MEASURE.format(
    imports="import duckdb",
    # to count what is there, the values of a page need not be made
    work="con = duckdb.connect(config={'preserve_insertion_order': 'false', 'memory_limit': '" + MEMORY + "'})\n"
    "con.execute('SET enable_progress_bar=false')\n"
    "path = sys.argv[1]\n"
    "names = [row[0] for row in con.execute(f\"DESCRIBE FROM '{path}'\").fetchall()]\n"
    "values = ', '.join(f'last({name})' for name in names)\n"
    "rows = con.execute(f\"SELECT count(*), {values} FROM '{path}'\").fetchone()[0]",
)
_PANDAS = MEASURE.format(imports="import pandas", work="rows = len(pandas.read_csv(sys.argv[1]))")
_FIGURES = MEASURE.format(
    imports="import pandas",
    # the figures of a schema's statistics that pandas can tell, as who knows it would ask for them
    work="table = pandas.read_csv(sys.argv[1])\n"
    "told = {}\n"
    "for name, column in table.items():\n"
    "    found = dict(cells=column.count(), different=column.nunique(), often=column.value_counts().head(20))\n"
    "    if pandas.api.types.is_bool_dtype(column):\n"
    "        found['trues'] = column.sum()\n"
    "    elif pandas.api.types.is_numeric_dtype(column):\n"
    "        found |= dict(low=column.min(), high=column.max(), mean=column.mean(), deviation=column.std())\n"
    "        found['shares'] = column.quantile([place / 128 for place in range(129)])\n"
    "    else:\n"
    "        text = pandas.api.types.is_string_dtype(column)\n"
    "        lengths = (column if text else column.dropna().astype('str')).str.len()\n"
    "        found |= dict(shortest=lengths.min(), longest=lengths.max())\n"
    "    told[name] = found\n"
    "rows = len(table)",
)
_BATCHES = MEASURE.format(
    imports="import pandas",
    # what the network's own software does with each part: section 3.2 of its contract
    work="rows, kinds = 0, {}\n"
    "for part in pandas.read_csv(sys.argv[1], chunksize=100_000):\n"
    "    part = part.convert_dtypes()\n"
    "    rows += len(part)\n"
    "    kinds |= {name: str(dtype) for name, dtype in part.dtypes.items()}",
)


def run(rounds: int = 3) -> list[dict[str, Any]]:
    """The figures: name, ours, peer, ratio (ours by peer; below 1 is better), ratio_min, ratio_max, unit, note."""
    with tempfile.TemporaryDirectory() as folder:
        table, packed = write(Path(folder), ROWS)
        size = f"{ROWS} rows, {table.stat().st_size / 1e6:.0f} MB as CSV, {rounds} rounds"
        figures: list[dict[str, Any]] = []
        for words, program, path in (
            ("DuckDB parsing every column", _FLOOR, table),
            ("pandas.read_csv alone", _PANDAS, table),
            ("pandas telling the figures that it can", _FIGURES, table),
            ("batches of 100 000 as the contract has it", _BATCHES, table),
            ("DuckDB counting in every column of Parquet", _FLOOR, packed),
            ("DuckDB decoding every value of Parquet", _DECODED, packed),
        ):
            ours, peer = [], []
            for _ in range(rounds):
                ours.append(measured(_OURS, path))
                peer.append(measured(program, path))
            assert {each["rows"] for each in ours} == {each["rows"] for each in peer} == {ROWS}
            note = f"{size}; the peer is {words}"
            for key, unit in (("work", "s"), ("peak", "MiB"), ("grown", "MiB")):
                name = f"schema of a clinical table beside {words}: {key}"
                figures.append(in_turns(name, unit, note, [a[key] for a in ours], [b[key] for b in peer]))
        return figures
