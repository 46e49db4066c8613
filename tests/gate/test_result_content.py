"""What a custodian is told of a result: tables as pandas writes them, and values of every other form.

The tables in the folder were written by pandas with its default packing and with the others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.gate.feather import read_table
from podadmin.gate.result_content import FEATHER, content_of
from podadmin.networks.bitfount.codec import Opaque

TABLES = Path(__file__).parent / "tables"


def table(name: str) -> bytes:
    return (TABLES / f"{name}.feather").read_bytes()


@pytest.mark.parametrize("packing", ["lz4", "zstd", "uncompressed"])
def test_a_table_is_read_however_it_is_packed(packing: str) -> None:
    found = read_table(table(packing), 2)
    assert (found.rows, found.columns) == (3, ("sex", "n", "age", "old", "day"))
    assert found.least == {"n": 3.0}  # a column with a gap has no lowest number
    day = "(not shown)"
    assert found.first == (
        {"sex": "F", "n": 100, "age": 1.5, "old": True, "day": day},
        {"sex": "M", "n": 3, "age": None, "old": False, "day": day},
    )
    assert read_table(table(packing), 9).first[2]["sex"] is None


def test_a_table_of_several_batches_is_added_up() -> None:
    found = read_table(table("long"), 5)
    assert (found.rows, found.least, len(found.first)) == (800, {"n": 5.0, "m": 1.0}, 5)


def test_what_cannot_be_read_has_names_and_no_values_and_what_hides_more_has_no_number_of_rows() -> None:
    categories = read_table(table("categories"), 5)
    assert (categories.rows, categories.least, categories.first) == (3, {}, ())
    assert categories.columns is not None
    assert "kind" in categories.columns
    for name in ("nested", "long-text"):
        found = read_table(table(name), 5)
        assert found.rows is None
        assert found.columns is not None


@given(st.sampled_from(["lz4", "zstd", "uncompressed", "categories"]), st.data())
@settings(max_examples=60)
def test_no_change_of_a_table_raises_anything(name: str, data: st.DataObject) -> None:
    changed = bytearray(table(name))
    for _ in range(data.draw(st.integers(1, 8))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    read_table(bytes(changed), 5)
    read_table(bytes(changed[: data.draw(st.integers(0, len(changed)))]), 5)


def test_a_table_inside_of_a_result_is_told_and_a_tensor_is_not() -> None:
    found = content_of(Opaque(FEATHER, table("lz4")))
    assert (found.what, found.rows, found.least) == ("a table", 3, {"n": 3.0})
    assert found.sample[0]["sex"] == "F"
    assert content_of(Opaque(1, b"tensor")).rows is None
    assert content_of({"x": Opaque(1, b"tensor")}).rows is None
    both = content_of([Opaque(FEATHER, table("lz4")), {"n": [2, 9], "m": [1, 1]}])
    assert (both.rows, both.columns) == (5, ("sex", "n", "age", "old", "day", "m"))
    assert both.least == {"n": 2.0, "m": 1.0}
    assert content_of([Opaque(FEATHER, table("nested")), {"n": 1}]).rows is None
    assert content_of([Opaque(7, b""), 1]).columns is None


@pytest.mark.parametrize(
    ("value", "rows", "columns", "least"),
    [
        ({"n": [4, 2], "sex": ["F", "M"]}, 2, ("n", "sex"), {"n": 2.0}),
        ({"n": [4, None]}, 2, ("n",), {}),
        ({"n": 3}, 1, ("n",), {"n": 3.0}),
        ({"n": True}, 1, ("n",), {}),
        ({}, 0, (), {}),
        ({"p": [[0.1, 0.9]] * 200}, 200, ("p",), {}),
        ({"p": [[1] * 1000]}, 1000, ("p",), {}),
        ({"p": [[[1]]]}, None, ("p",), {}),
        ({"p": {"q": 1}}, None, ("p",), {}),
        ({"p": "x" * 5000}, None, ("p",), {}),
        ([{"n": 1, "m": 5}, {"n": 3}], 2, ("n", "m"), {"n": 1.0}),
        ([{"n": "x" * 5000}], None, ("n",), {}),
        ([{"n": [1]}, {"n": 2}], 2, ("n",), {"n": 1.0}),
        ([1.5, 2], 2, ("value",), {"value": 1.5}),
        ([float("nan"), 2], 2, ("value",), {}),
        ([], 0, ("value",), {}),
        ("a word", 1, ("value",), {}),
        (7, 1, ("value",), {"value": 7.0}),
        (None, 1, ("value",), {}),
    ],
)
def test_values_of_every_form(
    value: object, rows: int | None, columns: tuple[str, ...], least: dict[str, float]
) -> None:
    found = content_of(value)
    assert (found.rows, found.columns, found.least) == (rows, columns, least)


def test_a_sample_is_short_and_safe_to_show() -> None:
    found = content_of({f"c{number}": ["\u202e" + "x" * 1000] * 9 for number in range(99)})
    assert len(found.sample) == 5
    assert len(found.sample[0]) == 60
    assert all(len(cell) <= 100 and "\u202e" not in cell for line in found.sample for cell in line.values())
    assert len(found.columns or ()) == 99
