"""A table of a real PostgreSQL as a datasource: its password lies in the vault, and what breaks is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.secret import Secret
from podadmin.vault.model import Purpose

PASSWORD = "a pass word: 50 % @/?"
Do = Callable[..., Any]


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Profile]:
    with open_profile(Options(profile=tmp_path / "profile", keyring="memory")) as opened:
        opened.open_vault().create(Purpose.JOURNAL, "test")
        yield opened


@pytest.fixture
def do(profile: Profile) -> Do:
    def act(wanted: str, /, **arguments: object) -> Any:
        return call(find(wanted), profile, arguments)

    return act


@pytest.fixture
def visits(postgresql: Any) -> Iterator[str]:
    """A table of 300 visits; the address of its database."""
    postgresql.run(
        "DROP TABLE IF EXISTS visits_of_story",
        "CREATE TABLE visits_of_story (id integer, age integer, ward text)",
        "INSERT INTO visits_of_story SELECT n, 20 + n % 60, 'ward ' || n % 3 FROM generate_series(1, 300) AS n",
        "GRANT SELECT ON visits_of_story TO reader",
        "ANALYZE visits_of_story",
    )
    yield postgresql.tcp()
    postgresql.run("DROP TABLE IF EXISTS visits_of_story")


def test_a_table_with_a_password_from_the_first_test_to_its_removal(
    do: Do, profile: Profile, postgresql: Any, visits: str
) -> None:
    given = {"kind": "SQLSource", "set": {"url": visits, "table": "visits_of_story"}}
    without = do("datasource probe", **given)
    assert (without.ok, without.field_code, without.cause) == (False, "AUTH_FAILED", "wrong password")
    found = do("datasource probe", **given, password=Secret(PASSWORD))
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Access"].startswith("read only, proved"), facts
    assert facts["Rows"] == "300"

    do("datasource add", **{**given, "name": "visits"}, password=Secret(PASSWORD), force={"ward": "categorical"})
    assert do("datasource check", datasource="visits").rows == 300
    schema = do("schema generate", datasource="visits", save=True)
    assert {each.name: each.labels for each in schema.columns}["ward"] == ("ward 0", "ward 1", "ward 2")
    written = b"".join(each.read_bytes() for each in profile.folder.rglob("*") if each.is_file())
    assert PASSWORD.encode() not in written
    assert PASSWORD not in "".join(entry.body for entry in profile.entries_since(0))

    assert do("datasource look").rows[0].state == "good"
    postgresql.run("REVOKE SELECT ON visits_of_story FROM reader")
    (row,) = do("datasource look").rows
    assert (row.state, row.field_code) == ("broken", "PERMISSION_DENIED")
    postgresql.run("GRANT SELECT ON visits_of_story TO reader", "ALTER ROLE reader PASSWORD 'another'")
    try:
        assert do("datasource look").rows[0].cause == "wrong password"
        do("datasource change", datasource="visits", password=Secret("another"))
        assert do("datasource check", datasource="visits").health == "good"
    finally:
        postgresql.run(f"ALTER ROLE reader PASSWORD '{PASSWORD}'")
    do("datasource remove", datasource="visits", reason="the study is over")
    assert profile.vault.secrets_kept() == ()
