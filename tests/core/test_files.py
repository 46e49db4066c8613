"""A file that somebody names is read where it is one, and no further than it may be; all else is told at once."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from podadmin.core import files
from podadmin.core.errors import BadInput
from podadmin.core.files import expanded, open_named, read_named


def test_a_file_is_read_up_to_what_it_may_have_also_through_a_link(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to(file)
    assert read_named(tmp_path / "link", 4) == b"0123"
    assert read_named(file, 100) == b"0123456789"
    with open_named(file) as opened:
        assert opened.seek(0, 2) == 10


def test_a_pipe_a_device_a_folder_and_no_path_are_told_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        for name in ("pipe", "zero", "socket", "circle", ".", "missing", "~nobody-of-this-name/x", "a\0b", "x" * 5000):
            with pytest.raises(OSError) as caught:
                read_named(Path(name), 10)
            assert caught.value.strerror, name


def test_what_becomes_a_pipe_between_the_look_and_the_reading_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_bytes(b"x")
    os.mkfifo(pipe)
    opened = os.open

    def other(_path: object, flags: int) -> int:
        return opened(pipe, flags)

    monkeypatch.setattr(os, "open", other)
    with pytest.raises(OSError, match="pipe"):
        read_named(file, 10)


def test_a_home_that_nobody_has_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/x") == expanded(Path("~/x")) == tmp_path / "x"
    assert expanded("a/~b") == Path("a/~b")
    with pytest.raises(BadInput, match=r"file\.no-such-home") as caught:
        expanded("~nobody-of-this-name/\u202ex")
    assert "~nobody-of-this-name/<U+202E>x" in caught.value.what


def test_nothing_else_asks_for_a_home() -> None:
    source = Path(files.__file__).parents[1]
    assert [each for each in source.rglob("*.py") if "expanduser" in each.read_text("utf-8")] == [Path(files.__file__)]
