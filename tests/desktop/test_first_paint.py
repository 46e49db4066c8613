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
        timeout=60,
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
        timeout=60,
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
