"""Files of JSON lines: every line is a row or is told with its number, and every value is the one that stands there."""

from __future__ import annotations

import gzip
import json
import math
import string
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, Cancelled, NotFound
from podadmin.core.progress import Progress
from podadmin.datasources.long_lines import LONG_LINE
from podadmin.datasources.model import ColumnChoices, JsonLinesSource, Kind, kind_at, source_at
from podadmin.datasources.tables import columns, first_look, preview, probe, reading
from podadmin.schema.generate import Generated, generate

NAMES = st.text(string.ascii_letters + "/~\"'é.$[]* ", max_size=4)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**66), 2**66),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.lists(st.integers(0, 9), max_size=2),
    st.dictionaries(NAMES, st.booleans(), max_size=2),
)
BAD = st.sampled_from(['{"a":', "[1]", "7", '"x"', '{"a":1,"a":2}', "{'a': 1}", '{"a":1} {"a":2}', '{"a":"\\ud800"}'])
LINES = st.lists(st.one_of(st.dictionaries(NAMES, VALUES, max_size=4), BAD, st.just("")), min_size=1, max_size=12)
NUMBERS = count()
KINDS: dict[str, tuple[bytes, bytes, int, bytes, bytes]] = {
    "a.csv": (b"a,b\n", b"x,1\n", 300_000, b"", b",2"),
    "one.csv.gz": (b"a\n", b"x\n", 600_000, b"", b""),
    "a.ndjson": (b"", b'{"a": "x"}\n', 3, b'{"a": "', b'"}'),
}
"""Header, a row, how many of them (so many that the head of the file is whole), and what stands round a long cell."""


def written(path: Path, text: str | bytes) -> JsonLinesSource:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return JsonLinesSource(path)


def read(source: JsonLinesSource) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[Any, ...]], tuple[int, ...]]:
    """Names, types, rows and the numbers of the lines that were refused."""
    with reading(source, Progress()) as reader:
        table = reader.table
        rows = reader.rows([reader.cell(name) for name in table.columns], "Reading")
        return table.columns, table.types, rows, tuple(each.line for each in reader.rejected().first)


def schema_of(source: JsonLinesSource, choices: ColumnChoices = ColumnChoices()) -> Generated:  # noqa: B008 - frozen
    return generate("t", source, choices, SystemClock(), Progress())


def expected(value: Any, kind: str) -> Any:
    if value is None or kind in {"BOOLEAN", "BIGINT", "DOUBLE"}:
        return value
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def same(found: Any, wanted: Any, kind: str) -> bool:
    if kind == "VARCHAR" and isinstance(wanted, float):
        return found is not None and math.isclose(float(found), wanted, rel_tol=1e-12, abs_tol=1e-300)
    return bool(found == wanted)


@settings(max_examples=25)
@given(lines=LINES, ends=st.sampled_from(["\n", "\r\n"]))
def test_every_line_is_a_row_with_its_values_or_is_told_with_its_number(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any] | str], ends: str
) -> None:
    first: dict[str, Any] = {"first": 1}
    given_lines = [first, *lines]
    told = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in given_lines]
    path = tmp_path_factory.getbasetemp() / f"lines-{next(NUMBERS)}.ndjson"
    names, types, rows, refused = read(written(path, ends.join(told) + ends))
    objects = [each for each in given_lines if isinstance(each, dict)]
    assert refused == tuple(n for n, each in enumerate(given_lines, 1) if isinstance(each, str) and each)
    assert set(names) == {name for each in objects for name in each}
    assert len(rows) == len(objects)
    for row, wanted in zip(rows, objects, strict=True):
        for name, kind, cell in zip(names, types, row, strict=True):
            value = wanted.get(name)
            assert same(cell, value if isinstance(value, float) else expected(value, kind), kind), (name, kind)


@pytest.mark.parametrize(
    ("values", "kind", "stype"),
    [
        ("1 2 null", "Int64", "continuous"),
        ("1 2.5", "Float64", "continuous"),
        ("true null", "boolean", "categorical"),
        ('1 "1"', "string", "text"),
        ("1 true", "string", "text"),
        ("9223372036854775808 1", "string", "text"),
        ("9223372036854775807 -9223372036854775808", "Int64", "continuous"),
        ("null null", "string", "text"),
    ],
)
def test_a_field_has_the_type_that_all_its_values_have(tmp_path: Path, values: str, kind: str, stype: str) -> None:
    lines = "\n".join(f'{{"row": {n}, "a": {value}}}' for n, value in enumerate(values.split()))
    found = {each.name: each for each in columns(written(tmp_path / "a.jsonl", lines))}["a"]
    assert (found.dtype, found.stype) == (kind, stype)


def test_fields_keep_the_order_of_the_first_lines_and_later_ones_are_found_however_late(tmp_path: Path) -> None:
    lines = ['{"z": 1, "m": 2}', *['{"z": 3}'] * 3_000, '{"late": "x", "Z": 4}']
    found = schema_of(written(tmp_path / "a.ndjson", "\n".join(lines)))
    assert [each.name for each in found.columns] == ["z", "m", "Z", "late"]
    assert found.rows == 3_002
    assert {each.name: each.nulls for each in found.columns} == {"z": 1, "m": 3_001, "Z": 3_001, "late": 3_001}


def test_lines_that_are_no_rows_are_counted_with_their_reasons_in_a_packed_file_too(tmp_path: Path) -> None:
    lines = [b"\xef\xbb\xbf" + b'{"a": 1}', b"", b"oops", b"[1]", b'{"a": "\xff"}', b'{"a":1,"a":1}', b'{"a": 2}']
    lines.append(b'{"a": "' + b"x" * LONG_LINE + b'"}')
    path = tmp_path / "a.ndjson.gz"
    source = written(path, gzip.compress(b"\n".join(lines)))
    found = probe(source, Progress())
    assert (found.rows, found.rejected.count, found.encoding) == (2, 5, "JSON in UTF-8")
    assert [(each.line, each.reason.split()[-1]) for each in found.rejected.first] == [
        (3, "JSON."),
        (4, "braces."),
        (5, "file."),
        (6, "twice."),
        (8, "characters."),
    ]
    assert schema_of(source).rejected == found.rejected


def test_the_first_rows_are_shown_masked(tmp_path: Path) -> None:
    source = written(tmp_path / "a.ndjson", '{"name": "Anna", "n": {"x": 1}}\n{"name": null}\n')
    found = preview(source)
    assert found.columns == ("name", "n")
    assert "Anna" not in str(found.rows)
    assert preview(source, masked=False).rows[:2] == (("Anna", '{"x":1}'), ("", ""))


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("over", [-1, 0, 1, LONG_LINE // 2, 3 * LONG_LINE])
@pytest.mark.parametrize("kind", KINDS)
def test_a_line_is_a_row_or_too_long_and_never_both_nor_neither(
    tmp_path: Path, kind: str, over: int, ended: bool
) -> None:
    head, row, many, begin, end = KINDS[kind]
    line = begin + b"z" * (LONG_LINE + over - len(begin) - len(end)) + end
    content = head + row * many + line + b"\n" * ended
    path = tmp_path / kind
    path.write_bytes(gzip.compress(content, 1) if kind.endswith(".gz") else content)
    found = probe(source_at(path), Progress())
    assert (found.rows, found.rejected.count) == ((many + 1, 0) if over <= 0 else (many, 1))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "datasource.empty-file"),
        (b" \n\n", "datasource.empty-file"),
        (b'[\n{"a": 1}\n]\n', "datasource.not-json-lines"),
        (b'{\n "a": 1\n}\n', "datasource.not-json-lines"),
        (b"a,b\n1,2\n", "datasource.not-json-lines"),
        (b"\x00\x01\x02", "datasource.not-json-lines"),
        (b"[" * 100_000, "datasource.not-json-lines"),
        (b"{}\n{}\n", "datasource.not-json-lines"),
        ('{"a": 1}'.encode("utf-16"), "datasource.not-json-lines"),
        (b"\n".join(b'{"%d": 1}' % n for n in range(2_001)), "datasource.too-many-columns"),
    ],
)
def test_what_is_no_file_of_json_lines_is_said_so(tmp_path: Path, content: bytes, code: str) -> None:
    source = written(tmp_path / "a.ndjson", content)
    with pytest.raises(BadInput) as caught:
        probe(source, Progress())
    assert caught.value.code == code


def test_a_file_of_another_name_or_none_or_cut_short_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        first_look(written(tmp_path / "a.json", '{"a": 1}'))
    assert caught.value.code == "datasource.not-a-table"
    with pytest.raises(NotFound):
        first_look(JsonLinesSource(tmp_path / "none.ndjson"))
    with pytest.raises(BadInput) as caught:
        probe(written(tmp_path / "a.ndjson.gz", gzip.compress(b'{"a": 1}\n' * 9_000)[:-20]), Progress())
    assert caught.value.code == "datasource.damaged-archive"


def test_depth_and_nothing_of_a_copy_stay_behind(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    deep = '{"a": 1, "deep": ' + "[" * 5_000 + "]" * 5_000 + "}"
    with reading(written(tmp_path / "a.ndjson", f'{{"a": 0}}\n{deep}\n'), Progress(), temp_directory=folder) as reader:
        assert reader.rows(["sum(c0)"], "Adding") == [(1,)]
        assert any(folder.iterdir())
    assert not any(folder.iterdir())
    stopped = Progress(lambda step: stopped.cancel())
    with pytest.raises(Cancelled), reading(JsonLinesSource(tmp_path / "a.ndjson"), stopped, temp_directory=folder):
        raise AssertionError("it was cancelled before")
    assert not any(folder.iterdir())


def test_the_kind_is_told_by_the_ending() -> None:
    for name in ("a.ndjson", "A.JSONL.GZ", "a.jsonl.zst"):
        assert kind_at(Path(name)) is Kind.JSON_LINES
    assert kind_at(Path("a.csv.gz")) is Kind.CSV
    assert kind_at(Path("a.ndjson.parquet")) is Kind.PARQUET
