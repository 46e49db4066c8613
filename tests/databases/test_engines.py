"""The same profile by an engine through ibis, Spark on this computer, beside that of the file by DuckDB."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot

from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.core.progress import Progress
from podadmin.datasources import engine_tables
from podadmin.datasources.model import ColumnChoices, EngineSource, Kind, ParquetSource
from podadmin.schema import engine_pass
from podadmin.schema.column_pass import profile_of
from podadmin.schema.generate import generate
from podadmin.schema.profile import MAX_LABELS, Profile
from tests.databases.test_same_everywhere import compare

ibis = pytest.importorskip("ibis")
# Spark takes a while to start, and warns about itself
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]
MASTER = "local[2]"
CHOICES = ColumnChoices(force={"code": "categorical", "whole": "categorical"}, ignore=("left out",))
TABLE = """
COPY (SELECT i AS whole, i / 4.0::DOUBLE AS real, CASE WHEN i % 5 > 0 THEN 'K' || i % 7 END AS code,
    i % 2 = 0 AS truth, DATE '2020-02-28' + i::INT AS day, TIMESTAMP '2024-01-01 10:00:00.25' + to_hours(i) AS moment,
    'text "%s" :x ' || i AS "{odd}", NULL::BIGINT AS nothing, (i / 100)::DECIMAL(9, 2) AS money,
    1 AS "left out", CASE WHEN i = 3 THEN 'nan'::DOUBLE ELSE i END AS holes
  FROM range(1, 61) r(i)) TO '{path}'
"""


def pack(path: Path, odd: str = 'odd ""name"" %') -> Path:
    with duckdb.connect() as connection:
        connection.execute(TABLE.format(path=path, odd=odd))
    return path


def profile_of_file(path: Path) -> Profile:
    found = generate("t", ParquetSource(path), CHOICES, SystemClock(), Progress())
    return Profile(found.rows, found.columns)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("engines") / "table.parquet")


@pytest.fixture(scope="module")
def of_file(packed: Path) -> Profile:
    return profile_of_file(packed)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Spark that all stories share: each start takes seconds."""
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    folder = tmp_path_factory.mktemp("spark")
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = (
        sql.SparkSession.builder.master(MASTER)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.warehouse.dir", str(folder))
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    yield
    session.stop()


class Translated:
    """Answers what would be asked of an engine: ibis writes it for that one, and DuckDB answers its translation."""

    def __init__(self, path: Path, dialect: str) -> None:
        self._dialect = dialect
        self._database = duckdb.connect()
        self._database.read_parquet(str(path)).create("t")

    def to_pyarrow(self, expression: Any) -> Any:
        asked = str(ibis.to_sql(expression, dialect=self._dialect))
        (told,) = sqlglot.transpile(asked, read=self._dialect, write="duckdb")
        return self._database.execute(told).to_arrow_table()


@pytest.mark.parametrize(
    ("dialect", "odd"), [("trino", 'odd ""name"" %'), ("snowflake", 'odd ""name"" %'), ("bigquery", "plain_name")]
)
def test_what_is_asked_of_engines_that_were_never_reached_gives_the_same(
    dialect: str, odd: str, tmp_path: Path
) -> None:
    path = pack(tmp_path / "table.parquet", odd)
    table = ibis.table(ibis.duckdb.connect().read_parquet(path).schema(), name="t")
    found = engine_tables.EngineTable(Translated(path, dialect), table, Progress(), dialect)
    compare(profile_of(engine_pass._Engine(found), found.columns, CHOICES, MAX_LABELS), profile_of_file(path))


def files(path: Path) -> EngineSource:
    return EngineSource(Kind.SPARK, "", {"address": MASTER, "files": str(path)})


def test_spark(packed: Path, of_file: Profile, spark: None) -> None:
    compare(engine_pass.profile(files(packed), None, CHOICES, Progress()), of_file)


def test_what_spark_holds_is_tested_and_looked_at(packed: Path, spark: None) -> None:
    found = engine_tables.probe(files(packed), None, Progress())
    assert (found.rows, found.read_only, len(found.columns)) == (60, "not proved", 11)
    shown = engine_tables.preview(files(packed), None, Progress(), rows=2)
    code = shown.columns.index("code")
    assert (shown.masked, shown.rows[0][code]) == (True, "X9")
    assert engine_tables.preview(files(packed), None, Progress(), rows=1, masked=False).rows[0][code] == "K1"
    guessed = {each.name: (each.dtype, each.nulls) for each in engine_tables.columns(files(packed), None, Progress())}
    assert (guessed["whole"], guessed["code"], guessed["nothing"][1]) == (("Int64", 0), ("string", 12), 60)


def test_what_the_engine_does_not_have(packed: Path, spark: None) -> None:
    absent = EngineSource(Kind.SPARK, "other", {"address": MASTER})
    with pytest.raises(PodadminError) as raised:
        engine_pass.profile(absent, None, CHOICES, Progress())
    assert raised.value.code == "datasource.database-table"
    with pytest.raises(PodadminError) as raised:
        engine_pass.profile(files(packed), None, ColumnChoices(ignore=("no such",)), Progress())
    assert raised.value.code == "datasource.unknown-column"
    progress = Progress()
    progress.cancel()
    with pytest.raises(PodadminError) as raised:
        engine_pass.profile(files(packed), None, CHOICES, progress)
    assert raised.value.code == "core.cancelled"
    with pytest.raises(PodadminError) as raised:
        engine_tables.probe(EngineSource(Kind.SPARK, "t", {"address": "local[1]"}), None, Progress())
    assert raised.value.code == "datasource.engine-busy"
