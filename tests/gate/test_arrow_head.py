"""What is told of a table in a result: its columns and rows as the library says, and nothing at all of what is none."""

from __future__ import annotations

import io
from pathlib import Path

import nanoarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nanoarrow import ipc

from podadmin.core.secret import Secret
from podadmin.gate.arrow_head import NoTable, head_of
from podadmin.gate.result_content import FEATHER, content_of
from podadmin.networks.bitfount import codec, rpc

VECTORS = Path(__file__).resolve().parents[1] / "interop" / "vectors"


def written(*batches: dict[str, list[int]]) -> bytes:
    """A stream with these batches of numbers."""
    out = io.BytesIO()
    with ipc.StreamWriter.from_writable(out) as writer:
        for batch in batches:
            schema = nanoarrow.struct(dict.fromkeys(batch, nanoarrow.int64()))
            columns = [nanoarrow.c_array(column, nanoarrow.int64()) for column in batch.values()]
            rows = len(next(iter(batch.values()), []))
            writer.write_array(nanoarrow.c_array_from_buffers(schema, rows, [None], children=columns))
    return out.getvalue()


def test_columns_and_rows_of_every_batch_are_told() -> None:
    assert head_of(written({"age": [1, 2, 3], "größe": [4, 5, 6]}, {"age": [7], "größe": [8]})) == (("age", "größe"), 4)


def test_the_table_of_a_real_result_is_told() -> None:
    wire = (VECTORS / "session/evaluation_results-dataframe.wire.bin").read_bytes()
    value = codec.open_session(Secret(bytes(range(32))), rpc.GET.read_response(wire).body)
    table = next(iter(value.values())) if isinstance(value, dict) else value
    found = content_of(table)
    assert (found.what, found.rows) == ("a table", 2)
    assert found.columns


NINE = b"\x01\x00\x00\x00\x00\x0fB@M"
"""These bytes ended the process when a library read them."""


@pytest.mark.parametrize("data", [b"", NINE, b"\xff\xff\xff\xff\x08\0\0\0", b"\xff\xff\xff\xff\0\0\0\0"])
def test_what_is_no_table_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(NoTable):
        head_of(data)
    assert content_of(codec.Opaque(FEATHER, b"ARROW1\0\0" + data)).rows is None


@given(st.data())
def test_no_change_of_a_table_breaks_its_reading(data: st.DataObject) -> None:
    table = bytearray(written({"age": [1, 2, 3]}))
    for _ in range(data.draw(st.integers(1, 6))):
        table[data.draw(st.integers(0, len(table) - 1))] = data.draw(st.integers(0, 255))
    try:
        names, rows = head_of(bytes(table[: data.draw(st.integers(0, len(table)))]))
    except NoTable:
        return
    assert len(names) <= 10_000
    assert rows >= 0
