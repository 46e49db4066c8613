"""Generations as jobs: how they end is kept, one that was cut short is known, and can be brought to its end."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.profile import Profile
from podadmin.core.errors import Cancelled, PodadminError
from podadmin.core.progress import Progress, Step

Do = Callable[..., Any]
_DIES = """
import os, signal, sys
from pathlib import Path
from podadmin.app.acts.registry import call, find
from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.core.progress import Progress

with open_profile(Options(profile=Path(sys.argv[1]))) as profile:
    call(find("datasource add"), profile, {"name": "table", "path": sys.argv[2]})
    die = Progress(lambda step: os.kill(os.getpid(), signal.SIGKILL))
    call(find("schema generate"), profile, {"datasource": "table", "save": True}, die)
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,x\n" * 1_000, encoding="utf-8")
    return path


@pytest.fixture
def do(profile: Profile) -> Do:
    def act(wanted: str, /, progress: Progress | None = None, **arguments: object) -> Any:
        return call(find(wanted), profile, arguments, progress)

    return act


def test_how_a_generation_ends_is_kept(do: Do, table: Path) -> None:
    do("datasource add", name="table", path=str(table))
    do("schema generate", datasource="table", save=True)
    assert [each.state for each in do("schema jobs")] == ["done"]
    table.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(PodadminError):
        do("schema generate", datasource="table")
    failed = next(each for each in do("schema jobs") if each.state == "failed")
    assert failed.words.startswith("The file has column names but no rows.")


def test_a_generation_that_is_cancelled_keeps_nothing(do: Do, table: Path) -> None:
    do("datasource add", name="table", path=str(table))
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        do("schema generate", progress, datasource="table", save=True)
    assert [each.state for each in do("schema jobs")] == ["cancelled"]
    with pytest.raises(PodadminError) as none:
        do("schema show", datasource="table")
    assert none.value.code == "schema.none"


def test_a_running_generation_is_seen_as_such(do: Do, table: Path) -> None:
    do("datasource add", name="table", path=str(table))
    seen: list[str] = []

    def look(step: Step) -> None:
        seen.extend(each.state for each in do("schema jobs"))

    do("schema generate", Progress(look), datasource="table")
    assert set(seen) == {"running"}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_one_that_a_crash_cut_short_is_known_and_goes_on(do: Do, profile: Profile, table: Path) -> None:
    died = subprocess.run([sys.executable, "-c", _DIES, str(profile.folder), str(table)], check=False)
    assert died.returncode == -9
    assert [each.state for each in do("schema jobs")] == ["interrupted"]
    assert do("schema resume").words == "Interrupted generations brought to their end: 1."
    assert [each.state for each in do("schema jobs")] == ["done"]
    assert do("schema show", datasource="table").records == 1_000
