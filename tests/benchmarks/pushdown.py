"""A profile that PostgreSQL counts itself, beside pulling the rows over the line to count them here.

The peer is `pandas.read_sql` of the whole table and nothing else: it has not counted anything yet. Each run is a
process of its own, ours and the peer in turn. The server is Debian's, on a socket of this computer, so that nothing is
said here about a network, over which rows are slower still. `PODADMIN_BENCHMARK_ROWS` says how many rows the table has.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from tests.benchmarks.clinical import write
from tests.benchmarks.figures import in_turns, measured
from tests.benchmarks.schema_of_clinical import MEASURE, ROWS
from tests.databases.servers import Server, postgresql_server

_OURS = MEASURE.format(
    imports="import psycopg\nfrom podadmin.core.progress import Progress\n"
    "from podadmin.datasources.model import ColumnChoices, SqlSource\n"
    "from podadmin.schema.sql_pass import profile",
    work="source = SqlSource(open(sys.argv[1]).read(), table='clinical')\n"
    "rows = profile(source, None, ColumnChoices(), Progress()).rows",
)
_PULLED = MEASURE.format(
    imports="import pandas, psycopg, sqlalchemy",
    work="engine = sqlalchemy.create_engine(open(sys.argv[1]).read())\n"
    "rows = len(pandas.read_sql('SELECT * FROM clinical', engine))",
)
_TYPES = {"BIGINT": "bigint", "DOUBLE": "double precision", "VARCHAR": "text", "TIMESTAMP": "timestamp"}


def run(rounds: int = 3) -> list[dict[str, Any]]:
    """The figures: name, ours, peer, ratio (ours by peer; below 1 is better), ratio_min, ratio_max, unit, note."""
    with postgresql_server() as server, tempfile.TemporaryDirectory() as folder:
        _load(server, Path(folder))
        url = Path(folder) / "url"
        url.write_text(server.url())
        ours, peer = [], []
        for _ in range(rounds):
            ours.append(measured(_OURS, url))
            peer.append(measured(_PULLED, url))
    assert {each["rows"] for each in ours} == {each["rows"] for each in peer} == {ROWS}
    note = f"{ROWS} rows x 40 columns, {rounds} rounds; the peer is pandas.read_sql of all rows alone"
    return [
        in_turns(f"profile in PostgreSQL beside pulling the rows: {key}", unit, note, [a[key] for a in ours],
                 [b[key] for b in peer])
        for key, unit in (("work", "s"), ("peak", "MiB"), ("grown", "MiB"))
    ]  # fmt: skip


def _load(server: Server, folder: Path) -> None:
    table, packed = write(folder, ROWS)
    with duckdb.connect() as connection:
        kinds = connection.execute(f"DESCRIBE FROM '{packed}'").fetchall()
    columns = ", ".join(f"{name} {_TYPES.get(kind, kind.lower())}" for name, kind, *_ in kinds)
    with server.connect() as admin, admin.cursor() as cursor, table.open("rb") as file:
        assert isinstance(admin, psycopg.Connection)
        cursor.execute(f"CREATE TABLE clinical ({columns})".encode())
        with cursor.copy("COPY clinical FROM STDIN WITH (FORMAT csv, HEADER)") as copy:
            while part := file.read(1 << 20):
                copy.write(part)
        cursor.execute("ANALYZE clinical")
