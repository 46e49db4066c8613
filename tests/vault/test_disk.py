"""Sealed files are written whole or not at all, and trouble with the disk is said in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from podadmin.core.errors import Unavailable
from podadmin.vault import disk


def test_a_disk_that_fills_up_leaves_the_old_file_and_no_scrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.key"
    disk.write_whole(path, b"old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable) as caught:
        disk.write_whole(path, b"new")
    assert caught.value.code == "vault.cannot-write"
    assert os.strerror(errno.ENOSPC) in caught.value.why
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.key"]


def test_reading_stops_just_after_the_limit(tmp_path: Path) -> None:
    disk.write_whole(tmp_path / "a.key", b"x" * 100)
    assert disk.read_whole(tmp_path / "a.key", 10) == b"x" * 11
    assert disk.read_whole(tmp_path / "none.key", 10) is None


def test_discarding_what_is_not_there_does_nothing_and_a_folder_is_not_discarded(tmp_path: Path) -> None:
    disk.discard(tmp_path / "none.key")
    (tmp_path / "a.key").mkdir()
    with pytest.raises(Unavailable) as caught:
        disk.discard(tmp_path / "a.key")
    assert caught.value.code == "vault.cannot-write"
