"""Real files, good and bad, as custodians have them."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.errors import BadInput, Cancelled, NotFound, PodadminError, Unavailable
from podadmin.core.progress import Progress, Step
from podadmin.datasources import tables
from podadmin.datasources.accessibility import who_can_fix
from podadmin.datasources.model import ColumnGuess, CsvSource, Probe, Rows

Write = Callable[[bytes], Path]


def probe(path: Path, progress: Progress, **more: Any) -> Probe:
    return tables.probe(CsvSource(path), progress, **more)


def preview(path: Path, rows: int = 20, masked: bool = True) -> Rows:
    return tables.preview(CsvSource(path), rows, masked)


def columns(path: Path) -> tuple[ColumnGuess, ...]:
    return tables.columns(CsvSource(path))


@pytest.fixture
def written(tmp_path: Path) -> Write:
    def write(content: bytes) -> Path:
        path = tmp_path / "data.csv"
        path.write_bytes(content)
        return path

    return write


def _refused(path: Path, kind: type[PodadminError], code: str) -> PodadminError:
    with pytest.raises(kind) as caught:
        probe(path, Progress())
    assert caught.value.code == code
    assert who_can_fix(code)
    return caught.value


def test_a_good_file_is_described_and_left_as_it_was(written: Write) -> None:
    path = written(b"id,age\n1,50\n2,\n3,70\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    before = path.stat()
    found = probe(path, Progress())
    assert (found.rows, found.size, found.columns) == (3, 20, ("id", "age"))
    assert (found.encoding, found.separator, found.header) == ("UTF-8", ",", True)
    assert found.modified == datetime.fromtimestamp(1_700_000_000, UTC)
    assert found.rejected.count == 0
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    _refused(tmp_path / "gone.csv", NotFound, "datasource.not-found")


def test_a_folder_whose_name_ends_in_csv(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    _refused(folder, BadInput, "datasource.not-a-file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    _refused(tmp_path / "pipe.csv", BadInput, "datasource.not-a-file")


def test_a_name_that_a_pod_refuses(tmp_path: Path) -> None:
    path = tmp_path / "data.xlsx"
    path.write_bytes(b"a\n1\n")
    _refused(path, BadInput, "datasource.not-a-table")


@pytest.fixture
def without_rights() -> Iterator[None]:
    """Be somebody for whom permission bits count: root is nobody for a while."""
    if not hasattr(os, "seteuid") or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="permission bits mean little on Windows")
def test_a_file_that_this_account_may_not_read(written: Write, request: pytest.FixtureRequest) -> None:
    path = written(b"a\n1\n")
    path.chmod(0)
    request.getfixturevalue("without_rights")
    _refused(path, Unavailable, "datasource.permission-denied")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"  \r\n"])
def test_an_empty_file(written: Write, content: bytes) -> None:
    _refused(written(content), BadInput, "datasource.empty-file")


@pytest.mark.parametrize("content", [b"a,b", b"a,b\n", b"\xef\xbb\xbfa,b\r\n"])
def test_a_header_and_nothing_else(written: Write, content: bytes) -> None:
    _refused(written(content), BadInput, "datasource.header-only")


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04spreadsheet", b"\x00\x01\x02\x03" * 50, b"a,b\n1,\x00\n", bytes(range(1, 32)) * 20]
)
def test_a_binary_file(written: Write, content: bytes) -> None:
    _refused(written(content), BadInput, "datasource.binary")


@pytest.mark.parametrize(
    "content",
    [
        b"name\n\x81\x8d\n",
        b"\xff\xfe\x00\xd8a\x00",
        b"name\n" + b"Ren\xe9\n" * 300_000 + b"\x81\n",
    ],
)
def test_text_that_cannot_be_decoded(written: Write, content: bytes) -> None:
    _refused(written(content), BadInput, "datasource.encoding")


def test_a_copy_in_utf_8_is_gone_afterwards(written: Write, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    seen: list[int] = []
    path = written("a\nRené\n".encode("cp1252"))
    progress = Progress(lambda step: seen.append(len(list(scratch.iterdir()))))
    assert probe(path, progress, temp_directory=scratch).rows == 1
    assert max(seen) == 1
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8 with a byte-order mark"),
        ("cp1252", "Latin-1 / Windows-1252"),
        ("latin-1", "Latin-1 / Windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be-sig", "UTF-16"),
    ],
)
def test_encodings_of_the_real_world(written: Write, encoding: str, words: str) -> None:
    text = "naïve,Größe\nZoë,180\nRené,175\n"
    path = written(b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-sig" else text.encode(encoding))
    assert probe(path, Progress()).encoding == words
    shown = preview(path, masked=False)
    assert shown.columns == ("naïve", "Größe")
    assert shown.rows == (("Zoë", "180"), ("René", "175"))


def test_windows_quotation_marks_in_a_preview(written: Write) -> None:
    path = written("note\n“left” eye – 5 €\n".encode("cp1252"))
    assert preview(path, masked=False).rows == (("“left” eye – 5 €",),)


def test_ragged_lines_are_counted_and_named_by_the_lines_of_an_editor(written: Write) -> None:
    path = written(b'a,b,c\n1,2,3\n4,5\n"x\ny",5,6\n7,8,9,10\n1,2,3\n')
    found = probe(path, Progress())
    assert found.rows == 3
    assert found.rejected.count == 2
    assert [(each.line, each.reason) for each in found.rejected.first] == [
        (3, "It has fewer cells than the header has names."),
        (6, "It has more cells than the header has names."),
    ]


def test_a_reason_never_quotes_the_line(written: Write) -> None:
    found = probe(written(b'a,b\n1,2\nSECRET\n3,"SECRET"x\n4,5\n'), Progress())
    assert found.rejected.count == 2
    assert "SECRET" not in repr(found)


def test_a_line_in_another_encoding_is_counted_and_not_dropped_in_silence(written: Write) -> None:
    good = b"1,plain\n" * 200_000
    found = probe(written(b"a,b\n" + good + b"2,Ren\xe9\n"), Progress())
    assert found.rows == 200_000
    assert found.rejected.count == 1
    assert found.rejected.first[0].line == 200_002


def test_a_file_without_a_line_that_fits_its_header(written: Write) -> None:
    error = _refused(written(b"a,b,c\n1;2;3\n4;5;6\n"), BadInput, "datasource.ragged")
    assert "2 lines" in error.why


def test_two_columns_of_one_name(written: Write) -> None:
    error = _refused(written(b"id,age,age\n1,2,3\n"), BadInput, "datasource.duplicate-columns")
    assert "“age”" in error.what


def test_names_that_differ_in_capitals_only_are_two_names(written: Write) -> None:
    path = written(b"Age,age\n1,2\n")
    assert probe(path, Progress()).columns == ("Age", "age")
    assert preview(path, masked=False).rows == (("1", "2"),)


def test_line_breaks_inside_quotation_marks_belong_to_the_cell(written: Write) -> None:
    path = written(b'id,note\n1,"first\nsecond, ""quoted"""\n2,x\n')
    assert probe(path, Progress()).rows == 2
    assert preview(path, masked=False).rows[0] == ("1", 'first<U+000A>second, "quoted"')


def test_mixed_line_ends_are_read(written: Write) -> None:
    assert probe(written(b"a,b\r\n1,2\n3,4\r\n"), Progress()).rows == 2


def test_names_are_never_part_of_a_statement(written: Write) -> None:
    path = written(b'"a\'); DROP TABLE x; --","{scan}"""\n1,2\n')
    assert probe(path, Progress()).rows == 1
    assert preview(path, masked=False).rows == (("1", "2"),)


def test_a_file_name_is_never_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "data1.csv").write_bytes(b"a\n1\n")
    odd = tmp_path / "data[1]'.csv"
    odd.write_bytes(b"a\n1\n2\n")
    assert probe(odd, Progress()).rows == 2


def test_a_preview_is_masked_unless_values_were_asked_for(written: Write) -> None:
    path = written(b"name,born\nAda Lovelace,1815-12-10\n,\n")
    shown = preview(path)
    assert shown.masked
    assert shown.rows == (("Xxx Xxxxxxxx", "9999-99-99"), ("", ""))
    assert preview(path, 1, masked=False).rows == (("Ada Lovelace", "1815-12-10"),)


def test_a_preview_shows_the_first_rows_in_their_order(written: Write) -> None:
    path = written(b"n\n" + b"".join(b"%d\n" % n for n in range(500_000)))
    assert [row[0] for row in preview(path, 5, masked=False).rows] == ["0", "1", "2", "3", "4"]


def test_what_could_hide_in_a_cell_is_made_visible(written: Write) -> None:
    assert preview(written("a\nx\u202ey\n".encode()), masked=False).rows == (("x<U+202E>y",),)


def test_a_quick_look_names_types_and_empty_cells(written: Write) -> None:
    path = written(b"i,f,b,t,d,e\n1,1.5,true,x,2024-01-02,\n,2,False,y,,\n")
    found = {each.name: (each.dtype, each.stype, each.nulls) for each in columns(path)}
    assert found == {
        "i": ("Int64", "continuous", 1),
        "f": ("Float64", "continuous", 0),
        "b": ("boolean", "categorical", 0),
        "t": ("string", "text", 0),
        "d": ("string", "text", 1),
        "e": ("string", "text", 2),
    }


@pytest.mark.parametrize("change", ["append", "replace", "truncate"])
def test_a_file_that_changes_while_it_is_read_gives_no_result(written: Write, change: str) -> None:
    path = written(b"a,b\n" + b"1,2\n" * 1000)

    def meddle(step: Step) -> None:
        if change == "append":
            with path.open("ab") as file:
                file.write(b"3,4\n")
        elif change == "truncate":
            os.truncate(path, 8)
        else:
            other = path.with_name("other")
            other.write_bytes(path.read_bytes())
            other.replace(path)

    with pytest.raises(Unavailable) as caught:
        probe(path, Progress(meddle))
    assert caught.value.code == "datasource.changed-while-read"


def test_a_probe_that_was_cancelled_says_so(written: Write) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        probe(written(b"a\n1\n"), progress)
