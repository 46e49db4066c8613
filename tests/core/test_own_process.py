"""Processes of podadmin's own: they find this package and nothing else, and end when nobody is there to hear them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from podadmin.core.own_process import command, environment

PATIENCE = 60.0
_WAITING = """
import signal, sys, threading
from podadmin.core.own_process import end_with
threading.Thread(target=end_with, args=(sys.stdin.buffer,), daemon=True).start()
print("here", flush=True)
while True:
    signal.pause()
"""


def test_nothing_of_the_environment_goes_along_but_what_a_program_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a secret")
    monkeypatch.setenv("PYTHONSTARTUP", "a stranger's file")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    found = environment(MORE="more")
    assert "a secret" not in found.values()
    assert "PYTHONSTARTUP" not in found
    assert (found["LANG"], found["MORE"]) == ("de_DE.UTF-8", "more")


def test_it_is_this_package_wherever_it_is_started(tmp_path: Path) -> None:
    (tmp_path / "podadmin").mkdir()
    (tmp_path / "podadmin" / "__init__.py").write_text("raise SystemExit('another podadmin')")
    (tmp_path / "json.py").write_text("raise SystemExit('another json')")
    done = subprocess.run(
        command("podadmin.core.own_process"),
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_it_ends_with_the_process_that_started_it_whatever_it_is_doing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WAITING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
