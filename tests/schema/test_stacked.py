"""Columns that are read as rows give what columns give that stand side by side."""

import csv
import io
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.core.errors import Cancelled
from podadmin.core.progress import Progress, Step
from podadmin.datasources.dtypes import NULL_WORDS
from podadmin.datasources.engine import Engine
from podadmin.datasources.model import ColumnChoices, source_at
from podadmin.schema import file_pass
from podadmin.schema.generate import Generated, generate
from podadmin.schema.statistics import ColumnStatistics

Both = Callable[..., tuple[Generated, Generated]]


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """The schema of a table whose columns are stacked, however few they are, and the one of the same table else."""
    monkeypatch.setattr("podadmin.schema.generate.EXACT_BYTES", 0)
    monkeypatch.setattr(file_pass, "_LEAST_STACKED", 1)
    asked: list[int] = []
    reading = Engine.rows

    def rows(self: Engine, *args: Any, **more: Any) -> list[tuple[Any, ...]]:
        asked.append(len(more.get("stacked", ())))
        return reading(self, *args, **more)

    monkeypatch.setattr(Engine, "rows", rows)

    def make(content: str | Path, choices: ColumnChoices = ColumnChoices()) -> tuple[Generated, Generated]:  # noqa: B008 - frozen
        path = tmp_path / "data.csv"
        if isinstance(content, Path):
            path = content
        else:
            path.write_text(content, newline="")
        made = []
        for wide in (0, 500):
            monkeypatch.setattr(file_pass, "WIDE", wide)
            asked.clear()
            made.append(generate("demo", source_at(path), choices, SystemClock(), Progress()))
            assert any(asked) == (wide == 0)
        return made[0], made[1]

    return make


def alike(stacked: Generated, beside: Generated) -> None:
    """Equal to the last digit, but for a mean and a deviation, whose sums are made in another order."""
    assert (stacked.rows, stacked.rejected, stacked.document) == (beside.rows, beside.rejected, beside.document)
    for one, other in zip(stacked.columns, beside.columns, strict=True):
        assert replace(one, mean=None, deviation=None) == replace(other, mean=None, deviation=None)
        assert near(one, other, "mean"), (one, other)
        assert near(one, other, "deviation"), (one, other)


def near(one: ColumnStatistics, other: ColumnStatistics, fact: str) -> bool:
    a, b = getattr(one, fact), getattr(other, fact)
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9 * max(abs(float(one.maximum or 0)), 1.0))


_KINDS: dict[str, st.SearchStrategy[str]] = {
    "whole": st.integers(-9, 9).map(str),
    "large": st.integers(2**53, 2**63 + 9).map(str),
    "real": st.floats(-1e6, 1e6).map(repr),
    "half": st.sampled_from(["0.5", "1.5", "-0", "0"]),
    "edge": st.sampled_from(["inf", "-inf", "nan", "1e400", "1_000", "7", "#REF!", "<5"]),
    "word": st.sampled_from(["x", "y", "NHS", "a;b", "it's", "“q”", 'say "no"', "two\nlines"]),
    "text": st.text(st.sampled_from("abcxyzé ,;\"'"), max_size=6),
    "flag": st.sampled_from(["True", "FALSE", "true"]),
    "day": st.dates().map(str),
    "moment": st.datetimes().map(str),
    "european": st.dates().map(lambda day: f"{day.day:02}/{day.month:02}/{day.year:04}"),
    "empty": st.just(""),
    "word for empty": st.sampled_from(NULL_WORDS),
}


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table whose columns are of one kind each, mostly: any may hold empty cells and what is none of its kind."""
    rows = draw(st.integers(1, 12))
    columns = draw(st.lists(st.sampled_from(sorted(_KINDS)), min_size=2, max_size=8))
    seldom = st.integers(0, 30).flatmap(lambda n: _KINDS["empty"] if n < 3 else st.one_of(*_KINDS.values()))
    cells = [[draw(_KINDS[kind] if draw(st.integers(0, 9)) else seldom) for kind in columns] for _ in range(rows)]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[f"{kind} {place}" for place, kind in enumerate(columns)], *cells])
    return text.getvalue()


@given(tables())
@example("empty 0,half 1\r\n,\r\n,-0\r\n")
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_columns_read_as_rows_give_the_same(both: Both, table: str) -> None:
    alike(*both(table))


def test_columns_that_change_their_mind_far_down_give_the_same(both: Both) -> None:
    first = "".join(f"{n},{n % 3},{n}.5,,w{n % 4},1\n" for n in range(3_000))
    late = "x,1.5,<5,7,#REF!,1e9\n,NA,n/a,NULL,nan,2\n1_0,0.0,#DIV/0!,8,w9,3\n1,2\n"
    stacked, beside = both(
        "a,b,c,d,e,f\n" + first + late, ColumnChoices(force={"b": "categorical", "e": "categorical"})
    )
    assert stacked.rejected.count == 1
    assert [column.dtype for column in stacked.columns] == ["string", "Float64", "string", "Int64", "string", "Int64"]
    alike(stacked, beside)


def test_columns_of_a_typed_file_read_as_rows_give_the_same(both: Both, tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT i, i::UTINYINT AS tiny, (i * 7 % 100) / 4 AS real, CASE WHEN i % 9 = 0 THEN 'nan'::DOUBLE "
            "ELSE i END AS half, (i / 8)::DECIMAL(9, 3) AS exact, 'c' || i % 4 AS word, i % 3 = 0 AS flag, NULL::INT "
            "AS none, DATE '2020-01-01' + i::INT AS day, TIMESTAMP '2020-01-01 08:00' + INTERVAL (i) HOUR AS moment, "
            f"[i] AS list FROM range(200) r(i)) TO '{path}' (FORMAT parquet)"
        )
    force = dict.fromkeys(["word", "tiny", "day"], "categorical")
    alike(*both(path, ColumnChoices(force=force)))


def wide(path: Path, columns: int) -> Path:
    line = ",".join(str(n % 7) for n in range(columns)) + "\n"
    path.write_text(",".join(f"c{n}" for n in range(columns)) + "\n" + line * 3)
    return path


def test_where_memory_is_short_fewer_columns_are_stacked(tmp_path: Path) -> None:
    path = wide(tmp_path / "data.csv", 2_000)
    found = generate("demo", source_at(path), ColumnChoices(), SystemClock(), Progress(), memory_limit="260MB")
    assert (found.rows, [column.maximum for column in found.columns]) == (3, [n % 7 for n in range(2_000)])


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 0.3, 0.8])
def test_a_table_of_very_many_columns_stops_within_a_second_of_being_told_to(tmp_path: Path, after: float) -> None:
    told: list[float] = []
    seen: list[float] = []

    def listen(step: Step) -> None:
        seen.append(step.fraction or 0.0)
        if not told and seen[-1] >= after:
            told.append(time.process_time())
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled):
        generate("demo", source_at(wide(tmp_path / "data.csv", 4_000)), ColumnChoices(), SystemClock(), progress)
    # by what this process works meanwhile: there is no waiting in it, and others on the machine do not count
    assert time.process_time() - told[0] < 1.0
    assert seen == sorted(seen)
