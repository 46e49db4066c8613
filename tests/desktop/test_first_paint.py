"""Up to the first paint nothing heavy is imported, and the command line decides by its first word."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from podadmin.__main__ import _wants_command

HEAVY = ("pydantic", "httpx", "sqlalchemy", "cryptography", "keyring", "duckdb", "grpc", "aiohttp", "asyncio", "yaml")
PROBE = """
import json, sys
from podadmin.__main__ import main
code = main(["--headless", "--exit-after-paint", "--profile", sys.argv[1]])
print(json.dumps([code, sorted(sys.modules)]))
"""


def test_nothing_heavy_is_imported_before_the_first_paint(tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(profile)],
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    first, second = done.stdout.strip().splitlines()
    code, modules = json.loads(second)
    assert code == 0, done.stderr
    assert 0 < float(first) < 60_000
    assert [name for name in HEAVY if name in modules] == []
    assert "PySide6.QtWidgets" in modules
    assert not profile.exists()


def test_the_entry_imports_next_to_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; import podadmin.__main__; print(sorted(sys.modules))"],
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    assert "PySide6" not in done.stdout
    assert "dataclasses" not in done.stdout


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ([], False),
        (["--headless", "--script", "tour.txt"], False),
        (["--profile", "status"], False),
        (["--theme", "dark", "--exit-after-paint"], False),
        (["status"], True),
        (["--profile", "x", "status", "--json"], True),
        (["requests", "list"], True),
    ],
)
def test_a_command_word_goes_to_the_command_line(words: list[str], command: bool) -> None:
    assert _wants_command(words) is command


def play(tmp_path: Path, script: str, *more: str) -> subprocess.CompletedProcess[str]:
    steps = tmp_path / "script.txt"
    steps.write_text(script, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "podadmin", "--headless", "--keyring", "memory", *more, "--script", str(steps)],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "TMPDIR": str(tmp_path)},
    )


def test_test_mode_without_a_profile_leaves_nothing_behind(tmp_path: Path) -> None:
    done = play(tmp_path, 'wait "Welcome to podadmin" 60\nkey Ctrl+2\nwait "Nothing can arrive yet" 30\n')
    assert done.returncode == 0, done.stderr
    assert done.stderr == "podadmin: without --profile, test mode uses an empty profile and removes it at the end\n"
    assert [path.name for path in tmp_path.iterdir()] == ["script.txt"]


def test_the_end_says_nothing_but_what_the_script_found(tmp_path: Path) -> None:
    """DuckDB was used: its bindings complain when the interpreter is taken apart, which no custodian understands."""
    file = tmp_path / "clinic.csv"
    file.write_text("age,sex\n61,F\n58,M\n", encoding="utf-8")
    script = f"""
        wait "Welcome to podadmin" 60
        page Datasources
        wait-enabled "Connect a datasource" 30
        click "Connect a datasource"
        wait "Parquet file" 30
        click Continue
        type File {file}
        click "Test the file"
        wait "The file can be read" 60
        expect "something else"
    """
    done = play(tmp_path, script, "--profile", str(tmp_path / "profile"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "line 11: expect 'something else': 'something else' is not there" in done.stderr
