"""What a command ends with: output, errors and exit codes; signals and pipes with real processes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest

from podadmin.app.acts import registry
from podadmin.app.acts.registry import act
from podadmin.app.views.facts import Done
from podadmin.cli.main import main
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.progress import Progress

ERRORS: dict[str, type[PodadminError]] = {
    "input": BadInput,
    "absent": NotFound,
    "refused": Refused,
    "full": Unavailable,
    "forged": Tampered,
}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_acts", {})
    monkeypatch.setattr(registry, "ROOMS", {"shelf": "podadmin.app.acts"})

    @act("shelf ask")
    def ask(how: Annotated[str, "how it ends"], *, copies: Annotated[int, "how many"] = 1) -> Done:
        """Ask the shelf."""
        if how == "defect":
            raise ZeroDivisionError("4111 1111 1111 1111")
        if how in ERRORS:
            raise ERRORS[how]("shelf.cause", "It was not done.", "A\u202ewhy.", "Do something.")
        return Done("Asked.", subject="x" * copies)


def test_a_command_prints_its_view_and_ends_with_0(table: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shelf", "ask", "well", "--copies", "3"]) == 0
    assert capsys.readouterr() == ("Asked. (xxx)\n", "")
    assert main(["--json", "shelf", "ask", "well"]) == 0
    assert json.loads(capsys.readouterr().out) == {"words": "Asked.", "subject": "x"}


@pytest.mark.parametrize(("how", "code"), [("input", 2), ("absent", 3), ("refused", 4), ("full", 5), ("forged", 6)])
def test_each_kind_of_error_has_its_exit_code(
    table: None, capsys: pytest.CaptureFixture[str], how: str, code: int
) -> None:
    assert main(["shelf", "ask", how]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "podadmin: It was not done.\n  A<U+202E>why.\n  Do something.\n  [shelf.cause]\n"


def test_with_json_an_error_is_a_document_on_standard_output(table: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shelf", "ask", "absent", "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "error": {
            "code": "shelf.cause",
            "what": "It was not done.",
            "why": "A\u202ewhy.",
            "next_step": "Do something.",
        }
    }
    assert err == ""


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("shelf ask well --copies many", "act.bad-argument"),
        ("shelf ask", "cli.usage"),
        ("shelf nothing", "act.unknown"),
        ("--json", "cli.usage"),
    ],
)
def test_a_line_that_cannot_be_understood_ends_with_2_as_json_too(
    table: None, capsys: pytest.CaptureFixture[str], line: str, code: str
) -> None:
    assert main(["--json", *line.split()]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code


def test_a_defect_ends_with_1_and_says_nothing_of_what_it_held(table: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shelf", "ask", "defect", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"].startswith("app.defect-")
    assert "4111" not in out + err


def test_help_and_version_end_with_0(table: None, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["--help"], ["shelf", "--help"], ["shelf", "ask", "-h"], ["version"], ["--version"]):
        assert main(line) == 0
    out, err = capsys.readouterr()
    assert "Ask the shelf." in out
    assert out.count("podadmin 0.") == 2
    assert err == ""


def test_steps_are_shown_only_on_a_terminal(table: None, capsys: pytest.CaptureFixture[str]) -> None:
    @act("shelf walk")
    def walk(progress: Progress) -> Done:
        """Walk along the shelf."""
        progress.report("Reading", 0.5)
        return Done("Walked.")

    assert main(["shelf", "walk"]) == 0
    assert capsys.readouterr() == ("Walked.\n", "")


SCRIPT = """
import sys, threading
from podadmin.app.views.facts import Done
from podadmin.app.acts import registry
from podadmin.cli.main import main
from podadmin.core.progress import Progress

registry.ROOMS = {"shelf": "podadmin.app.acts"}

@registry.act("shelf walk")
def walk(progress: Progress) -> Done:
    "Walk until told to stop."
    stopped = threading.Event()
    progress.on_cancel(stopped.set)
    progress.report("Reading the catalogue", 0.25)
    print("walking", flush=True)
    stopped.wait(30)
    progress.check()
    return Done("Walked.")

@registry.act("shelf list")
def list_() -> Done:
    "List more than a pipe holds."
    return Done("x" * 1_000_000)

sys.exit(main(sys.argv[1:]))
"""


def start(*words: str, **how: Any) -> subprocess.Popen[bytes]:
    checkout = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        [sys.executable, "-P", "-c", SCRIPT, *words], env={**os.environ, "PYTHONPATH": checkout}, **how
    )


def test_ctrl_c_asks_the_act_to_stop_and_ends_with_130() -> None:
    process = start("shelf", "walk", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"walking\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"core.cancelled" in err


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = start("shelf", "list", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert err == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_result_that_cannot_be_written_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("shelf", "list", stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 5
    assert b"[cli.output]" in err
    assert b"Traceback" not in err


def test_on_a_terminal_the_step_is_one_line_that_is_taken_away_again() -> None:
    ours, theirs = pty.openpty()
    process = start("shelf", "walk", stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    assert process.stdout is not None
    assert process.stdout.readline() == b"walking\n"
    shown = os.read(ours, 1000)
    assert shown == b"\rReading the catalogue 25%"
    process.send_signal(signal.SIGINT)
    process.stdout.close()
    assert process.wait(timeout=60) == 130
    rest = os.read(ours, 1000)
    os.close(ours)
    assert rest.startswith(b"\r" + b" " * len("Reading the catalogue 25%") + b"\r")
