"""An auditor looks: every act that changes something is refused by one rule, and not a byte of the profile changes."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts.registry import all_acts, call, find
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.app.serve import serve
from podadmin.cli.main import main
from podadmin.core.errors import BadInput, NotFound, Refused, Unavailable
from podadmin.store.unit import Fact


@pytest.fixture
def audited(made: Any, do: Any, profile: Profile, options: Options) -> Iterator[Profile]:
    """The profile of a custodian, opened by an auditor while the custodian's podadmin is open too."""
    with open_profile(options._replace(auditor=True)) as auditor:
        yield auditor


def contents(folder: Path) -> dict[str, str]:
    """What lies in the folder. The files that SQLite keeps beside a database even to read it are left out."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.name.endswith("-shm")
        and path.name != "engine.lock"
        and not (path.name.endswith("-wal") and not path.stat().st_size)
    }


def test_every_act_that_writes_is_refused_and_none_is_forgotten(audited: Profile) -> None:
    refused = [act for act in all_acts() if act.writes and not act.auditing]
    assert len(refused) > 20
    for act in refused:
        with pytest.raises(Refused) as caught:
            call(act, audited, {})
        assert caught.value.code == "act.auditor", act.name


def test_acts_that_only_read_work_and_change_nothing(audited: Profile) -> None:
    before = contents(audited.folder)
    done = []
    for act in all_acts():
        if act.writes or any(param.required for param in act.params) or "profile" not in act.injected:
            continue
        with suppress(Unavailable, NotFound, BadInput):
            # Refused is not among them: that is what a write would be
            call(act, audited, {})
        done.append(act.name)
    assert {"status", "overview", "journal list", "journal verify", "journal anchors", "requests list"} <= set(done)
    assert contents(audited.folder) == before


def test_what_is_no_act_cannot_write_either(audited: Profile) -> None:
    with pytest.raises(Refused) as caught, audited.store.record(Fact("auditor", "key.used", "x")):
        pass
    assert caught.value.code == "store.reads-only"
    with pytest.raises(Exception, match=r"readonly|read-only|reading"), audited.store.read() as connection:
        connection.exec_driver_sql("DELETE FROM journal_entry")
    assert audited.last_entry() > 0


def test_an_auditor_exports_without_a_record_and_the_export_says_so(audited: Profile, tmp_path: Path) -> None:
    last = audited.last_entry()
    for form in ("lines", "fhir", "crate", "pack"):
        call(find("journal export"), audited, {"to": str(tmp_path / form), "format": form})
    assert audited.last_entry() == last
    about = json.loads((tmp_path / "lines").read_text(encoding="utf-8").splitlines()[0])
    assert about["belongs_to"]["recorded_in_the_journal"] is False
    assert "no: made by an auditor" in (tmp_path / "fhir").read_text(encoding="utf-8")


def test_an_auditor_verifies_with_the_anchor_that_they_keep(
    audited: Profile, profile: Profile, do: Any, tmp_path: Path
) -> None:
    kept = tmp_path / "mine.json"
    do("journal anchor-file", file=str(kept))
    assert call(find("journal verify"), audited, {"anchor": [str(kept)]}).state == "whole"
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute("DELETE FROM journal_entry WHERE seq > 4")
    assert call(find("journal verify"), audited, {"anchor": [str(kept)]}).state == "broken"


def test_an_auditor_sees_what_the_custodian_does_meanwhile(audited: Profile, do: Any) -> None:
    before = audited.last_entry()
    do("pod pause", reason="An audit.")
    assert audited.last_entry() == before + 1
    assert audited.entries_since(before)
    assert call(find("status"), audited, {}).gate.state == "elsewhere"


def test_nothing_is_made_where_there_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        open_profile(Options(profile=tmp_path / "none", auditor=True))
    assert caught.value.code == "store.no-profile"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("revision", "code"), [("0001", "store.older"), ("9999", "store.newer")])
def test_a_profile_of_another_version_is_left_as_it_is(
    made: Any, profile: Profile, options: Options, tmp_path: Path, revision: str, code: str
) -> None:
    profile.close()
    assert options.profile is not None
    copy = Path(shutil.copytree(options.profile, tmp_path / "copy"))
    with closing(sqlite3.connect(copy / "podadmin.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    before = contents(copy)
    with pytest.raises(Refused) as caught:
        open_profile(options._replace(profile=copy, auditor=True))
    assert caught.value.code == code
    assert contents(copy) == before


def test_an_auditor_runs_no_gate(options: Options) -> None:
    with pytest.raises(Refused) as caught:
        serve(options._replace(auditor=True))
    assert caught.value.code == "engine.auditor"


def test_the_command_line_takes_the_option_before_and_after_the_words(
    made: Any, profile: Profile, options: Options, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--profile", str(options.profile), "--passphrase-file", str(options.passphrase_file)]
    assert main(["--auditor", *where, "journal", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == profile.last_entry()
    assert main(["pod", "pause", "Because.", "--auditor", *where, "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "act.auditor"
