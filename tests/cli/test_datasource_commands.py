"""Commands about datasources as a script uses them: words in, JSON and an exit code out, no secret on the line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podadmin.cli.main import main
from tests.datasources.mine import mine

ODD = "Ward 5 – “50%” 'eyes'\n🩺 100% $HOME"
Command = Callable[..., tuple[int, Any]]


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command on a profile of this test; the exit code and what it printed."""
    (tmp_path / "passphrase").write_text("a long enough passphrase for tests\n", encoding="utf-8")

    def run(*words: str) -> tuple[int, Any]:
        everywhere = ["--profile", str(tmp_path / "profile"), "--passphrase-file", str(tmp_path / "passphrase")]
        code = main([*everywhere, "--keyring", "passphrase", "--json", *words])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_the_kinds_say_what_each_field_is(command: Command) -> None:
    code, kinds = command("datasource", "kinds")
    assert code == 0
    by_kind = {each["kind"]: each for each in kinds}
    assert len(by_kind) == 18
    fields = {each["name"]: each for each in by_kind["HeidelbergE2ESource"]["fields"]}
    assert fields["laterality"]["required"]
    assert ["L", "Left"] in fields["laterality"]["choices"]


def test_a_file_in_the_place_of_the_name_is_told_as_that(command: Command, tmp_path: Path) -> None:
    code, said = command("datasource", "add", str(tmp_path / "clinic.csv"))
    assert (code, said["error"]["code"]) == (2, "datasource.name")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    ("kind", "name", "more"),
    [
        ("CSVSource", "a.csv", []),
        ("TopconSource", "a.fda", ["--set", "modality=OCT"]),
        ("HeidelbergSource", "a.sdb", ["--set", "file_modification_min_date=2001-01-01"]),
        ("HeidelbergE2ESource", "a.e2e", ["--set", "laterality=B", "--set", "series_protocol=Images"]),
    ],
)
def test_a_path_may_be_called_anything(command: Command, tmp_path: Path, kind: str, name: str, more: list[str]) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    (folder / name).write_bytes(b"id,age\n1,50\n")
    path = str(folder / name) if kind == "CSVSource" else str(folder)
    code, found = command("datasource", "probe", path, "--kind", kind, *more)
    assert (code, found["ok"]) == (0, True), found
    code, card = command("datasource", "add", "odd", path, "--kind", kind, *more)
    assert (code, card["kind"]) == (0, kind)
    code, checked = command("datasource", "check", "odd")
    assert (code, checked["health"]) == (0, "good")
    code, kept = command("datasource", "fields", "odd")
    assert kept["values"]["path"] == path


def test_what_broke_ends_with_an_exit_code_that_says_so(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "eyes"
    folder.mkdir()
    code, found = command("datasource", "probe", str(folder), "--kind", "topcon")
    assert (code, found["field_code"], found["error"]["code"]) == (2, "EMPTY_DIRECTORY", "datasource.empty-folder")
    (folder / "a.fda").write_bytes(b"scan")
    assert command("datasource", "add", "eyes", str(folder), "--kind", "topcon")[0] == 0
    (folder / "a.fda").unlink()
    folder.rmdir()
    code, seen = command("datasource", "look")
    assert (code, seen["rows"][0]["cause"]) == (2, "not found")
    assert command("datasource", "health")[0] == 2


def test_a_token_comes_from_a_file_and_not_from_the_line(command: Command, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("hunter2-of-the-mine\n", encoding="utf-8")
    with mine() as it:
        it.token = "hunter2-of-the-mine"
        values = ["--set", f"service_url={it.address}", "--set", "template_name=patients_by_age"]
        words = ["--kind", "intermine", *values, "--password-from", str(secret)]
        assert command("datasource", "probe", *words)[0] == 0
        assert command("datasource", "add", "mine", *words)[0] == 0
        code, refused = command("datasource", "add", "b", "--kind", "intermine", *values, "--set", "token=hunter2")
        assert (code, refused["error"]["code"]) == (2, "datasource.secret-in-text")
        code, checked = command("datasource", "check", "mine")
        assert (code, checked["rows"]) == (0, 1234)
    code, lost = command("datasource", "check", "mine")
    assert (code, lost["cause"]) == (2, "refuses connections")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--kind", "null", "--set", "seeds=1"], "datasource.unknown-field"),
        (["--kind", "dicom"], "datasource.field-missing"),
        (["--kind", "fhir"], "datasource.unknown-kind"),
        (["--kind", "sql", "--set", "url=postgresql://a:hunter2@b/c", "--set", "table=t"], "datasource.field"),
    ],
)
def test_what_cannot_be_meant_is_refused(command: Command, words: list[str], code: str) -> None:
    ended, refused = command("datasource", "add", "a", *words)
    assert (ended in {2, 3}, refused["error"]["code"]) == (True, code)
    assert "hunter2" not in json.dumps(refused)
