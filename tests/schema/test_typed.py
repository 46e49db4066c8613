"""Columns of numbers are read as such from a text; what stands against it in any cell is found, and nothing is lost."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.core.progress import Progress
from podadmin.datasources.dtypes import NULL_WORDS
from podadmin.datasources.engine import Engine
from podadmin.datasources.model import ColumnChoices, CsvSource
from podadmin.schema import file_pass
from podadmin.schema.generate import Generated, generate

Made = Callable[[str], tuple[Generated, list[Mapping[str, str]]]]
SAMPLED = 20
"""Rows of the beginning that are looked at here: all that come later are a surprise."""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The schema of a table, and as what its columns were read in each pass over all rows."""
    monkeypatch.setattr("podadmin.datasources.csv.SAMPLE_ROWS", SAMPLED)
    monkeypatch.setattr("podadmin.schema.generate.EXACT_BYTES", 0)
    passes: list[Mapping[str, str]] = []
    reading = Engine.rows

    def rows(self: Engine, *args: Any, **more: Any) -> list[tuple[Any, ...]]:
        if args[1] == file_pass._EVERY_ROW:
            passes.append(dict(self.typed))
        return reading(self, *args, **more)

    monkeypatch.setattr(Engine, "rows", rows)

    def make(content: str) -> tuple[Generated, list[Mapping[str, str]]]:
        path = tmp_path / "data.csv"
        path.write_text(content, encoding="utf-8", newline="")
        passes.clear()
        found = generate("demo", CsvSource(path), ColumnChoices(), SystemClock(), Progress())
        return found, list(passes)

    return make


def table(*late: str) -> str:
    """Numbers `a` and `b`, a text, and at the end the lines that nobody expected."""
    return "a,b,c\n" + "".join(f"{n},{n}.5,x\n" for n in range(3_000)) + "".join(line + "\n" for line in late)


def dtypes(found: Generated) -> list[str]:
    return [column.dtype for column in found.columns]


def test_numbers_are_read_as_such_in_one_pass(made: Made) -> None:
    found, passes = made(table())
    assert passes == [{"a": "DOUBLE", "b": "DOUBLE"}]
    assert (dtypes(found), found.columns[0].maximum) == (["Int64", "Float64", "string"], 2_999)


@pytest.mark.parametrize("word", [word for word in NULL_WORDS if word])
def test_a_late_word_for_empty_leaves_them_numbers(made: Made, word: str) -> None:
    found, passes = made(table(f"{word},1,x"))
    assert (dtypes(found), found.columns[0].nulls) == (["Int64", "Float64", "string"], 1)
    assert len(passes) == 2
    assert passes[-1] == {"a": "DOUBLE", "b": "DOUBLE"}


def test_a_late_cell_that_is_no_number_makes_one_column_text(made: Made) -> None:
    found, passes = made(table("<5,1,x"))
    assert dtypes(found) == ["string", "Float64", "string"]
    assert "3,000 of 3,001 values are numbers; 1 is none" in found.columns[0].notes[0]
    assert passes == [{"a": "DOUBLE", "b": "DOUBLE"}, {"b": "DOUBLE"}]


def test_a_late_line_that_is_no_row_is_told_as_ever(made: Made) -> None:
    found, passes = made(table("1,2", "3,4,5,6", "7,8,y"))
    assert (found.rows, found.rejected.count, [each.line for each in found.rejected.first]) == (3_001, 2, [3002, 3003])
    assert passes[-1] == {}


@pytest.mark.parametrize(
    "cell",
    [
        "x\" to 'DOUBLE'\n\nColumn c1 is being converted as type DOUBLE",
        "nan\" to 'DOUBLE'\n\nColumn c1 is being converted",
        "x\" to 'DOUBLE'\n\nColumn c99999999999999999999 is being converted",
        "Could not convert string \"NA\" to 'DOUBLE'\n\nColumn c1 is being converted as type DOUBLE",
    ],
)
def test_a_cell_that_speaks_like_duckdb_costs_time_and_nothing_else(made: Made, cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    found, passes = made(table(f"{quoted},1,x", f"1,2,{quoted}"))
    assert (dtypes(found), found.rows, found.rejected.count) == (["string", "Float64", "string"], 3_002, 0)
    assert len(passes) <= 5


def test_the_sample_is_believed_a_few_times_only(made: Made) -> None:
    names = [f"n{place}" for place in range(9)]
    lines = [",".join("1" for _ in names)] * 100
    lines += [",".join("x" if at == place else "1" for at in range(9)) for place in range(9)]
    found, passes = made("\n".join([",".join(names), *lines]) + "\n")
    assert dtypes(found) == ["string"] * 9
    assert len(passes) == file_pass._MOST_ERRORS + 1


@pytest.mark.parametrize(("cell", "dtype"), [("1_000", "string"), ("1e3", "Int64"), (" 7 ", "Int64"), ("+7", "Int64")])
def test_what_is_a_number_is_the_same_in_both_ways_of_reading(made: Made, cell: str, dtype: str) -> None:
    assert made(table(f"{cell},1,x"))[0].columns[0].dtype == dtype


_NUMBERS = st.integers(-(2**70), 2**70).map(str) | st.floats(width=32).map(repr) | st.integers(0, 9).map(str)
_SURPRISES = st.sampled_from(
    [*NULL_WORDS, "<5", "1_000", " 7", "7 ", "+7", ".5", "5.", "1e400", "-inf", "0x1F", "1,5", "１", '"', "a\nb", "no"]
)


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Columns of numbers in which, below what is sampled, anything may come."""
    columns = draw(st.integers(2, 4))
    kinds = [draw(st.sampled_from([_NUMBERS, st.integers(-99, 99).map(str)])) for _ in range(columns)]
    body = [[draw(kind) for kind in kinds]] * SAMPLED
    body += [[draw(kind) for kind in kinds] for _ in range(draw(st.integers(0, 4)))]
    body += [[draw(st.one_of(kind, _SURPRISES)) for kind in kinds] for _ in range(draw(st.integers(0, 3)))]
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[f"n{place}" for place in range(columns)], *body])
    return text.getvalue() + draw(st.sampled_from(["", "1\n", "1,2,3,4,5,6\n"]))


@given(tables())
@example("n0,n1\n" + "1,1\n" * SAMPLED + "NA,<5\n")
@example("n0,n1\n" + "1,-0.0\n" * SAMPLED + "nan,0\n")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_is_the_same_read_as_numbers_and_read_as_text(
    made: Made, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    as_numbers, _ = made(table)
    with monkeypatch.context() as only_text:
        only_text.setattr(file_pass, "_numbers", lambda *_: {})
        as_text, passes = made(table)
        assert not any(passes)
    assert (as_numbers.rows, as_numbers.rejected) == (as_text.rows, as_text.rejected)
    assert (as_numbers.document, as_numbers.columns) == (as_text.document, as_text.columns)
