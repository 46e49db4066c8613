"""Tables that nobody here wrote: each is what pandas makes of it, or gets a clear answer (`tables/README.md`)."""

from __future__ import annotations

from pathlib import Path

import pandas
import pytest

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.datasources.model import ColumnChoices, Reading, source_at
from podadmin.schema.generate import Generated, generate
from tests.schema.as_pandas import same_as_pandas

TABLES = Path(__file__).with_name("tables")
AS_THEY_ARE = ("cancer", "china_smoking", "copper", "elnino", "heart", "iris", "macrodata", "modechoice")


def made(name: str, reading: Reading | None = None) -> Generated:
    source = source_at(TABLES / name, reading or Reading())
    return generate("t", source, ColumnChoices(), SystemClock(), Progress())


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_a_table_is_what_pandas_makes_of_it(name: str) -> None:
    found = made(f"{name}.csv")
    separator = ";" if name == "modechoice" else ","
    same_as_pandas(found, pandas.read_csv(TABLES / f"{name}.csv", sep=separator).convert_dtypes())
    assert not found.rejected.count


@pytest.mark.parametrize(
    ("name", "header"), [("linnerud_physiological.csv", True), ("diabetes_data_raw.csv.gz", False)]
)
def test_cells_parted_by_spaces_are_read_once_the_custodian_says_so(name: str, header: bool) -> None:
    assert len(made(name).columns) == 1
    found = made(name, Reading(separator=" ", header=header))
    theirs = pandas.read_csv(TABLES / name, sep=" ", header=0 if header else None).convert_dtypes()
    theirs.columns = [column.name for column in found.columns]
    same_as_pandas(found, theirs)


@pytest.mark.parametrize(("name", "rows"), [("patients", 22), ("observations", 64)])
def test_an_export_of_health_records_is_what_pandas_makes_of_it(name: str, rows: int) -> None:
    found = made(f"{name}.ndjson.gz")
    theirs = pandas.read_json(TABLES / f"{name}.ndjson.gz", lines=True, dtype=False)
    assert found.rows == len(theirs) == rows
    assert {each.name for each in found.columns} == set(theirs.columns)
    for each in found.columns:
        column = theirs[each.name]
        assert each.nulls == column.isna().sum(), each.name
        kinds = {type(value) for value in column.dropna()}
        if kinds == {bool}:
            assert (each.dtype, each.stype) == ("boolean", "categorical")
        elif kinds <= {int, float}:
            assert each.looks_like or (each.minimum, each.maximum) == (column.min(), column.max())
        else:
            assert (each.dtype, each.stype) == ("string", "text")
    assert not found.rejected.count


def test_a_first_line_that_is_no_header_is_said_with_the_first_line_that_does_not_fit_it() -> None:
    with pytest.raises(BadInput) as caught:
        made("wine_data.csv")
    assert caught.value.code == "datasource.ragged"
    assert "178 lines do not fit the header; the first is line 2" in caught.value.why
