"""Who may know whom: the import contracts, and what the rooms outside the desktop drag in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = "PySide6 aiohttp alembic cryptography duckdb grpc httpx keyring pydantic sqlalchemy"


def python(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints for `code`."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_rooms_know_only_the_rooms_below_them() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_module_outside_the_desktop_imports_without_qt() -> None:
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "podadmin").rglob("*.py")
        if "desktop" not in path.parts and path.name != "env.py"
    )
    assert len(names) > 50
    found = python(
        "import importlib, sys\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(*(name for name in sys.modules if name.partition('.')[0] in ('PySide6', 'shiboken6')))",
        *names,
    )
    assert found == ""


@pytest.mark.parametrize(
    "name",
    [
        "podadmin.__main__",
        "podadmin.app.acts.registry",
        "podadmin.app.ops",
        "podadmin.app.options",
        "podadmin.app.views.status",
        "podadmin.app.views.requests",
        "podadmin.cli.main",
        "podadmin.core.errors",
        "podadmin.core.progress",
    ],
)
def test_what_a_start_needs_first_is_light(name: str) -> None:
    found = python(
        "import importlib, sys\n"
        "importlib.import_module(sys.argv[1])\n"
        "print(*(heavy for heavy in sys.argv[2:] if heavy in sys.modules))",
        name,
        *HEAVY.split(),
    )
    assert found == ""
