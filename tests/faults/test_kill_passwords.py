"""`kill -9` where a password and its datasource are written: both are there or neither, and both open."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.evidence import check_evidence
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.own_process import environment
from podadmin.core.secret import Secret
from podadmin.datasources import service
from podadmin.journal.service import verify
from podadmin.vault.model import Purpose
from tests.datasources.mine import Mine, mine
from tests.nursery import run
from tests.sealed import lightly_sealed

FIRST, SECOND = "the first token", "the second token"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")]


@pytest.fixture
def running() -> Iterator[Mine]:
    with mine() as it:
        yield it


@pytest.fixture
def options(tmp_path: Path) -> Options:
    for name, words in (("secret", "a long enough passphrase for tests"), ("token", SECOND)):
        (tmp_path / name).write_text(f"{words}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    lightly_sealed(tmp_path / "profile", "a long enough passphrase for tests")
    return Options(profile=tmp_path / "profile", keyring="passphrase", passphrase_file=tmp_path / "secret")


def tokens(profile: Profile) -> dict[str, str | None]:
    """Every datasource with the token that it is reached with; each secret that is kept belongs to one of them."""
    profile.open_vault()
    sources = service.list_all(profile.store)
    found = {each.name: service.password_of(each.source, profile.open_vault) for each in sources}
    holders = {info.holder for info in profile.vault.secrets_kept()}
    assert holders == {each.id for each in sources if found[each.name] is not None}
    return {name: value.reveal() if value is not None else None for name, value in found.items()}


ADD = "datasource add new --kind intermine --set service_url={mine} --set template_name=patients_by_age"
DONE = {
    f"{ADD} --password-from": (
        "secret.kept",
        {"old": FIRST, "new": SECOND},
    ),
    "datasource change old --password-from": ("secret.kept", {"old": SECOND}),
    "datasource remove old over": ("secret.removed", {}),
    "datasource change old --forget": ("secret.removed", {"old": None}),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("command", list(DONE))
def test_a_password_and_its_datasource_are_never_one_without_the_other(
    options: Options, running: Mine, tmp_path: Path, command: str, when: str
) -> None:
    with open_profile(options) as profile:
        profile.open_vault().create(Purpose.JOURNAL, "test")
        values = {"service_url": running.address, "template_name": "patients_by_age"}
        given = {"name": "old", "kind": "intermine", "set": values, "password": Secret(FIRST)}
        call(find("datasource add"), profile, given)
    act, after = DONE[command]
    words = command.format(mine=running.address).split()
    line = ["--profile", str(options.profile), "--passphrase-file", str(options.passphrase_file), *words]
    line += [str(tmp_path / "token")] if words[-1] == "--password-from" else []
    done = run(line, environment(PYTHONUNBUFFERED="1"), 110, crash=(act, when))
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    with open_profile(options) as profile:
        assert tokens(profile) == (after if when == "after" else {"old": FIRST})
        assert verify(profile.store).broken is None
        assert check_evidence(profile.store) is None
