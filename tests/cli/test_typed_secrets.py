"""A secret reaches an act from a file or from the terminal, and never as a word of the command line."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest

from podadmin.app.acts import registry
from podadmin.app.acts.registry import act, call, find
from podadmin.cli.line import parse
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.secret import Secret

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_acts", {})
    monkeypatch.setattr(registry, "ROOMS", {"shelf": "podadmin.app.acts"})

    @act("shelf open", writes=True)
    def unlock(
        profile: object,
        combination: Annotated[Secret[str], "the combination of the lock"],
        *,
        spare: Annotated[Secret[str] | None, "that of the second lock"] = None,
    ) -> tuple[str, str]:
        """Open the shelf."""
        return combination.reveal(), spare.reveal() if spare else ""


def test_a_secret_is_read_from_the_first_line_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "combination"
    file.write_text("7-12-40\nnot this\n")
    line = parse(["shelf", "open", "--combination-from", str(file), "--spare-from", str(file)])
    assert line.act is not None
    assert "7-12-40" not in repr(line)
    assert call(line.act, None, line.arguments or {}) == ("7-12-40", "7-12-40")


def test_a_secret_that_may_be_left_out_is_not_asked_for(tmp_path: Path) -> None:
    assert call(find("shelf open"), None, {"combination": Secret("7")}) == ("7", "")
    assert call(find("shelf open"), None, {"combination": Secret("7"), "spare": None}) == ("7", "")


@pytest.mark.parametrize("value", ["7-12-40", 7, None])
def test_the_text_of_a_secret_is_no_argument(value: object) -> None:
    with pytest.raises(BadInput) as caught:
        call(find("shelf open"), None, {"combination": value})
    assert caught.value.code == "act.bad-argument"
    assert "7-12-40" not in str(caught.value)


def test_the_command_line_takes_no_text_of_a_secret() -> None:
    with pytest.raises(BadInput) as caught:
        parse(["shelf", "open", "7-12-40"])
    assert caught.value.code == "cli.usage"
    shown = parse(["shelf", "open", "--help"]).help
    assert "--combination-from FILE" in shown
    assert "--combination-asked" not in shown
    assert "--spare-asked" in shown


def test_a_file_that_has_no_secret_in_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as absent:
        parse(["shelf", "open", "--combination-from", str(tmp_path / "nothing")])
    assert absent.value.code == "cli.secret-file"
    (tmp_path / "empty").write_text("\n7-12-40\n")
    with pytest.raises(BadInput) as empty:
        parse(["shelf", "open", "--combination-from", str(tmp_path / "empty")])
    assert empty.value.code == "cli.secret-empty"
    with pytest.raises(BadInput):
        parse(["shelf", "open", "--combination-from", " "])


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(BadInput) as caught:
            parse(["shelf", "open"])
    assert caught.value.code == "cli.secret-unasked"
    assert "--combination-from" in caught.value.next_step


ASK = """
from podadmin.app.acts.registry import Param
from podadmin.cli.typed import secret_asked
print(secret_asked(Param("combination", "secret", "the combination", True)).reveal()[::-1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
def test_what_is_typed_on_a_terminal_is_not_shown_there() -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", ASK],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        cwd=ROOT,
        start_new_session=True,
    ) as asked:
        shown = b""
        while b": " not in shown:
            shown += os.read(master, 1000)
        os.write(master, b"7-12-40\n")
        out, _ = asked.communicate(timeout=60)
    os.close(slave)
    os.close(master)
    assert asked.returncode == 0
    assert out.split() == [b"04-21-7"]
    assert b"The combination: " in shown
    assert b"7-12-40" not in shown
