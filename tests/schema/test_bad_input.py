"""Files as they come: each gets a clear answer, and what can be read of it is read as it stands."""

import gzip
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, NotFound, PodadminError
from podadmin.core.progress import Progress, Step
from podadmin.datasources import tables
from podadmin.datasources.accessibility import who_can_fix
from podadmin.datasources.long_lines import LONG_LINE
from podadmin.datasources.model import ColumnChoices, Reading, source_at
from podadmin.schema.generate import Generated, generate
from podadmin.schema.statistics import ColumnStatistics

Make = Callable[..., Generated]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    def make(content: bytes | str, name: str = "data.csv", reading: Reading | None = None) -> Generated:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        source = source_at(path, reading or Reading())
        return generate("demo", source, ColumnChoices(), SystemClock(), Progress())

    return make


def by_name(found: Generated) -> dict[str, ColumnStatistics]:
    return {column.name: column for column in found.columns}


def refused(made: Make, content: bytes | str, code: str, name: str = "data.csv") -> PodadminError:
    with pytest.raises(PodadminError) as caught:
        made(content, name)
    assert caught.value.code == code
    assert who_can_fix(code)
    return caught.value


def test_types_that_change_far_down_are_heard_and_said(made: Make) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(400_000))
    found = by_name(made("a,b\n" + rows + "later,1\n" + rows))
    assert (found["a"].dtype, found["b"].dtype) == ("string", "Int64")
    assert "800,000 of 800,001 values are numbers; 1 is none" in found["a"].notes[0]


@pytest.mark.slow
def test_types_that_change_at_row_four_million(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT CASE WHEN i = 4000000 THEN 'later' ELSE i::VARCHAR END AS a, i AS b "
            f"FROM range(4000100) r(i)) TO '{path}' (HEADER)"
        )
    found = by_name(generate("demo", source_at(path), ColumnChoices(), SystemClock(), Progress()))
    assert (found["a"].dtype, found["b"].dtype) == ("string", "Int64")
    assert "4,000,099 of 4,000,100 values are numbers; 1 is none" in found["a"].notes[0]


def test_one_column(made: Make) -> None:
    assert by_name(made("only\n1\n2\n"))["only"].dtype == "Int64"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_columns(made: Make) -> None:
    header = ",".join(f"c{n}" for n in range(10_000))
    line = ",".join(str(n % 7) for n in range(10_000))
    found = made(f"{header}\n{line}\n{line}\n")
    assert (found.rows, len(found.columns)) == (2, 10_000)
    assert found.columns[9_999].maximum == 9_999 % 7


@pytest.mark.parametrize("over", [1, LONG_LINE, 5 * LONG_LINE])
def test_a_huge_cell_is_one_line_that_is_left_out_and_said(made: Make, over: int) -> None:
    found = made("a,b\n" + "1,x\n" * 300_000 + "2," + "y" * (LONG_LINE - 2 + over) + "\n3,z\n")
    assert (found.rows, found.rejected.count) == (300_001, 1)
    assert found.rejected.first[0].line == 300_002


def test_a_cell_that_just_fits_is_read(made: Make) -> None:
    found = made("a,b\n" + "1,x\n" * 300_000 + "2," + "y" * (LONG_LINE - 2) + "\n3,z\n")
    assert (found.rows, found.rejected.count) == (300_002, 0)
    assert by_name(found)["b"].longest == LONG_LINE - 2


def test_no_row_is_lost_where_the_engine_goes_from_one_part_of_a_file_to_the_next(made: Make) -> None:
    """DuckDB loses rows there, without a word, where it is told the longest line and that is half a part or more."""
    found = made("a,b\n" + "".join(f"{n},{n}\n" for n in range(1_500_000)))
    assert (found.rows, found.rejected.count) == (1_500_000, 0)
    assert (by_name(found)["a"].minimum, by_name(found)["a"].maximum) == (0, 1_499_999)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_a_huge_cell_in_a_packed_file_is_said_as_well(made: Make, ending: str, pack: Callable[[bytes], bytes]) -> None:
    text = b"a,b\n" + b"1,x\n" * 3_000 + b"2," + b"y" * 9_000_000 + b"\n3,z\n"
    found = made(pack(text), f"data.csv.{ending}")
    assert (found.rows, found.rejected.count) == (3_001, 1)
    assert found.rejected.first[0].line == 3_002


@pytest.mark.slow
def test_a_cell_of_a_gigabyte_is_one_line_that_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.zst"
    packer = zstandard.ZstdCompressor().compressobj()
    with path.open("wb") as file:
        file.write(packer.compress(b"a,b\n" + b"1,x\n" * 3_000 + b"2,"))
        for _ in range(1_000):
            file.write(packer.compress(b"y" * 1_000_000))
        file.write(packer.compress(b"\n3,z\n") + packer.flush())
    found = generate("demo", source_at(path), ColumnChoices(), SystemClock(), Progress())
    assert (found.rows, [each.line for each in found.rejected.first]) == (3_001, [3_002])


def test_a_nul_byte_makes_no_text_file(made: Make) -> None:
    refused(made, b"a,b\n1,\x00\n", "datasource.binary")


def test_names_that_look_alike_are_pointed_out(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("age,Age ,ＡＧＥ\n1,2,3\n".encode())
    probe = tables.probe(source_at(path), Progress())
    assert len(probe.doubts) == 1
    assert "look alike" in probe.doubts[0]


def test_dates_written_in_several_ways_are_text_and_said(made: Make) -> None:
    found = by_name(made("d,e\n2024-01-31,31/01/2024\n31/01/2024,28/02/2023\n31.01.2024,01/02/2023\n"))
    assert found["d"].minimum is None
    assert found["d"].notes == ("Dates are written in 3 different ways, so they cannot be compared.",)
    assert (found["e"].minimum, found["e"].maximum) == ("2023-02-01", "2024-01-31")
    assert found["e"].notes == ("Dates are read with the day first.",)
    assert {found["d"].dtype, found["e"].dtype} == {"string"}


def test_numbers_at_the_edge(made: Make) -> None:
    text = (
        "u,over,inf,zero,nan\n9223372036854775808,12345678901234567890123,inf,-0,nan\n1,22345678901234567890123,1,0,2\n"
    )
    found = by_name(made(text))
    assert (found["u"].dtype, found["u"].maximum) == ("UInt64", 9223372036854775808)
    assert found["over"].dtype == "string"
    assert found["over"].notes == ("Its numbers fit no 64-bit number, so they are kept as text.",)
    assert (found["inf"].dtype, found["inf"].maximum) == ("Float64", None)
    assert "infinity" in found["inf"].notes[0]
    assert (found["zero"].dtype, found["zero"].minimum) == ("Int64", 0)
    assert (found["nan"].dtype, found["nan"].nulls, found["nan"].maximum) == ("Int64", 1, 2)


def test_what_a_spreadsheet_lost_is_said(made: Make) -> None:
    rows = "".join(f"{n}\n" for n in range(3_000))
    column = by_name(made("x\n" + rows + "#REF!\n#DIV/0!\n"))["x"]
    assert column.dtype == "string"
    assert any("#REF!" in note for note in column.notes)


def test_an_underscore_makes_no_number(made: Make) -> None:
    rows = "".join(f"{n}\n" for n in range(3_000))
    assert by_name(made("x\n" + rows + "1_000\n"))["x"].dtype == "string"


def test_names_and_paths_that_look_like_something_else(made: Make) -> None:
    found = made('"a\'); DROP TABLE x; --","SELECT","n0"\n1,2,3\n', 'o\'ne 100%\n"two" 🏥 {x}.csv')
    assert [column.minimum for column in found.columns] == [1, 2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_file_that_vanishes_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a\n" + b"1\n" * 1000)

    def vanish(step: Step) -> None:
        path.unlink(missing_ok=True)

    with pytest.raises(NotFound) as caught:
        generate("demo", source_at(path), ColumnChoices(), SystemClock(), Progress(vanish))
    assert caught.value.code == "datasource.not-found"


PLAIN = "name;age\n'x;y';50\n'z';60\n'w';70\n"


def test_quotation_marks_of_one_stroke_are_found(made: Make) -> None:
    found = by_name(made(PLAIN))
    assert (found["age"].minimum, found["name"].longest) == (50, 3)


def assert_alike(one: Any, other: Any) -> None:
    """Equal, but for what depends on the order in which threads meet: estimates, and the last digit of a deviation."""
    for found, wanted in zip(one.columns, other.columns, strict=True):
        loose = {"quantiles": (), "histogram": (), "deviation": None}
        assert replace(found, **loose) == replace(wanted, **loose)
        assert found.deviation == pytest.approx(wanted.deviation)
        assert dict(found.quantiles) == pytest.approx(dict(wanted.quantiles), abs=25)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstandard.compress)])
def test_packed_files_give_what_unpacked_ones_give(made: Make, ending: str, pack: Callable[[bytes], bytes]) -> None:
    text = "a,b\n" + "".join(f"{n},x{n % 3}\n" for n in range(5_000)) + "1,2,3\n"
    plain, packed = made(text), made(pack(text.encode()), f"data.csv.{ending}")
    assert_alike(packed, plain)
    assert dict(packed.columns[0].quantiles)[0.5] == pytest.approx(2_499.5, abs=25)
    assert packed.document == plain.document
    assert packed.rejected == plain.rejected
    assert packed.rejected.first[0].line == 5_002
    again = made(pack(text.encode("utf-16")), f"data.csv.{ending}")
    assert_alike(again, plain)


def test_a_packed_file_that_is_cut_short(made: Make) -> None:
    packed = gzip.compress(os.urandom(5_000).hex().encode())
    refused(made, packed[:2_000], "datasource.damaged-archive", "data.csv.gz")
    refused(made, b"not packed at all", "datasource.damaged-archive", "data.csv.zst")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"x" * 100 + b"PAR1", b"a,b\n1,2\n"])
def test_what_is_no_parquet_file(made: Make, content: bytes) -> None:
    refused(made, content, "datasource.not-parquet", "data.parquet")


def test_the_custodian_knows_better(made: Make) -> None:
    found = by_name(made("1|2\n3|4\n", reading=Reading(separator="|", header=False)))
    assert {name: column.maximum for name, column in found.items()} == {"column_1": 3, "column_2": 4}
    latin = "naïve\nZoë\n".encode("latin-1")
    assert list(by_name(made(latin, reading=Reading(encoding="latin-1")))) == ["naïve"]
    with pytest.raises(BadInput) as caught:
        made(latin, reading=Reading(encoding="utf-8"))
    assert caught.value.code == "datasource.encoding"
    loose = by_name(made('a,b\n"x,1\ny",2\n', reading=Reading(quote="none")))
    assert loose["a"].longest == 2


@pytest.mark.parametrize("wrong", [{"encoding": "ebcdic"}, {"separator": ",,"}, {"separator": '"'}, {"quote": "abc"}])
def test_a_way_of_reading_that_there_is_not(wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput) as caught:
        Reading(**wrong)  # type: ignore[arg-type]
    assert caught.value.code == "datasource.reading"


def test_a_first_line_of_data_is_doubted(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"1,50\n2,60\n")
    assert "looks like data" in tables.probe(source_at(path), Progress()).doubts[0]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("both")
    table, packed = folder / "same.csv", folder / "same.parquet"
    select = (
        "SELECT i AS id, (i * 7 % 100) / 4 AS value, CASE WHEN i % 5 = 0 THEN NULL ELSE 'c' || i % 4 END AS code, "
        "DATE '2020-01-01' + (i % 900)::INT AS day, i % 3 = 0 AS flag, (i % 6)::DOUBLE AS whole, i % 2 + 0.5 AS two "
        "FROM range(20000) r(i)"
    )
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{table}' (HEADER)")
        connection.execute(f"COPY ({select}) TO '{packed}' (FORMAT parquet)")
    return table, packed


def test_parquet_gives_what_the_same_table_as_csv_gives(both: tuple[Path, Path]) -> None:
    choices = ColumnChoices(force={"code": "categorical", "whole": "categorical"})
    one, two = (generate("t", source_at(path), choices, SystemClock(), Progress()) for path in both)
    assert one.document == two.document
    for a, b in zip(one.columns, two.columns, strict=True):
        for fact in ("count", "nulls", "distinct", "minimum", "maximum", "labels", "looks_like"):
            assert getattr(a, fact) == getattr(b, fact), (a.name, fact)
        assert a.mean == pytest.approx(b.mean)
        assert a.deviation == pytest.approx(b.deviation)


def test_a_histogram_holds_every_row(both: tuple[Path, Path]) -> None:
    found = by_name(generate("t", source_at(both[0]), ColumnChoices(), SystemClock(), Progress()))
    for name in ("id", "value", "day", "whole", "two"):
        assert sum(rows for _, _, rows in found[name].histogram) == found[name].count == 20_000
    assert [(low, rows) for low, _, rows in found["two"].histogram] == [(0.5, 10_000), (1.5, 10_000)]
    assert dict(found["code"].top) == {f"c{n}": 4_000 for n in range(4)}
    assert found["id"].likely_key
    assert found["day"].histogram[0][0] == "2020-01-01"
