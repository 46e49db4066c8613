"""A process of podadmin that crashes leaves no picture of its memory behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="core dumps are of POSIX")

CRASH = """
import os, resource, signal, sys
{limits}
if {protected}:
    from podadmin.core.memory import no_core_dumps
    assert no_core_dumps()
    assert no_core_dumps()
held = "canary-in-memory"
os.kill(os.getpid(), signal.SIGABRT)
"""
FREELY = "resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))"


def crashed(folder: Path, limits: str, *, protected: bool) -> list[Path]:
    """The dumps that a process has left which aborts in `folder`."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH.format(limits=limits, protected=protected)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGABRT, done.stderr
    return list(folder.iterdir())


def test_a_crash_writes_no_memory_where_it_otherwise_would(tmp_path: Path) -> None:
    for name in ("open", "kept"):
        (tmp_path / name).mkdir()
    pattern = Path("/proc/sys/kernel/core_pattern")
    dumps_here = pattern.exists() and pattern.read_text(encoding="ascii").strip() in {"core", "core.%p"}
    written = crashed(tmp_path / "open", FREELY, protected=False)
    if dumps_here and written:
        assert b"canary-in-memory" in written[0].read_bytes(), "without the limit the memory is in the file"
    assert crashed(tmp_path / "kept", FREELY, protected=True) == []


def test_a_limit_that_is_lower_already_is_as_good(tmp_path: Path) -> None:
    none = "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"
    assert crashed(tmp_path, none, protected=True) == []


def test_a_limit_that_cannot_be_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    from podadmin.core.memory import no_core_dumps

    def refused(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refused)
    for limit, safe in ((0, True), (1, True), (1 << 20, False)):
        monkeypatch.setattr(resource, "getrlimit", lambda _which, limit=limit: (limit, limit))
        assert no_core_dumps() is safe
