"""What ships beside the code is found in a source tree and in a frozen bundle, and its absence is said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from podadmin.core.resources import resource


def test_what_ships_is_found() -> None:
    assert resource("demo", "patients.csv").is_file()


def test_in_a_frozen_bundle_it_is_looked_for_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "x.txt").write_text("x", encoding="utf-8")
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resource("x.txt") == tmp_path / "resources" / "x.txt"


def test_what_is_missing_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"resources/demo/nothing\.csv"):
        resource("demo", "nothing.csv")
