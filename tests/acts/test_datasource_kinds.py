"""Datasources of every kind from the first test to their end, as commands and the desktop do it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from podadmin.app.acts.registry import call, find
from podadmin.app.profile import Profile
from podadmin.app.sentinel import look_at_all
from podadmin.core.errors import BadInput, NotFound, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.kinds.pod_settings import PodSettings
from podadmin.datasources.stored import BESIDE_THE_DATA
from podadmin.vault.model import SecretPurpose
from tests.datasources.mine import Mine, mine

TOKEN = "hunter2-token-of-the-mine"
Do = Callable[..., Any]


@pytest.fixture
def do(profile: Profile) -> Do:
    """Calls an act by its name; `name` can be an argument of the act as well."""

    def act(wanted: str, /, **arguments: object) -> Any:
        return call(find(wanted), profile, arguments)

    return act


@pytest.fixture
def service() -> Iterator[Mine]:
    with mine() as running:
        running.token = TOKEN
        yield running


@pytest.fixture
def clinic(tmp_path: Path) -> str:
    """A database in a file, with one table."""
    path = tmp_path / "clinic.db"
    opened = sqlite3.connect(path)
    opened.execute("CREATE TABLE visits (id INTEGER, age INTEGER, sex TEXT)")
    opened.executemany("INSERT INTO visits VALUES (?, ?, ?)", [(n, 20 + n % 60, "MF"[n % 2]) for n in range(400)])
    opened.commit()
    opened.close()
    path.chmod(0o444)
    return f"sqlite:///{path}"


def fields(it: Mine) -> dict[str, str]:
    return {"service_url": it.address, "template_name": "patients_by_age"}


def everything_written(profile: Profile) -> str:
    """All that lies in the profile's folder, and all that the journal says, as one text."""
    parts = [each.read_bytes() for each in sorted(profile.folder.rglob("*")) if each.is_file()]
    return b"\n".join(parts).decode("latin-1") + "\n".join(entry.body for entry in profile.entries_since(0))


def test_a_table_of_a_database_gets_a_schema(do: Do, clinic: str) -> None:
    given = {"kind": "SQLSource", "set": {"url": clinic, "table": "visits"}}
    found = do("datasource probe", **given)
    assert found.ok
    facts = {fact.label: fact.value for fact in found.facts}
    assert (facts["Rows"], facts["Columns"]) == ("400", "3")
    assert do("datasource preview", **given).masked
    assert [each.name for each in do("datasource columns", **given)] == ["id", "age", "sex"]
    card = do("datasource add", **{**given, "name": "visits"}, force={"sex": "categorical"})
    assert (card.kind_title, card.offered, card.health) == ("Database table or query", False, "unknown")
    assert "built-in pod does not offer it" in card.offered_words
    checked = do("datasource check", datasource="visits")
    assert (checked.health, checked.rows, checked.columns) == ("good", 400, 3)
    schema = do("schema generate", datasource="visits", save=True)
    assert schema.records == 400
    assert {each.name: each.labels for each in schema.columns}["sex"] == ("F", "M")
    assert do("datasource show", datasource="visits").schema_state == "saved"


def test_a_folder_of_images_gets_a_schema(do: Do, tmp_path: Path) -> None:
    folder = tmp_path / "skin"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (64, 48)).save(folder / f"{number}.png")
    found = do("datasource probe", path=str(folder), kind="image")
    assert found.ok, found.error
    assert {fact.label: fact.value for fact in found.facts}["Files"] == "5"
    do("datasource add", name="skin", path=str(folder), kind="image", force={"Pixel Data": "image"})
    counted = do("datasource inventory", datasource="skin")
    assert (counted.files, counted.whole, counted.by_ending) == (5, True, ((".png", 5),))
    schema = do("schema generate", datasource="skin", save=True)
    assert schema.records == 5
    assert {each.name: each.stype for each in schema.columns}["Pixel Data"] == "image"
    assert do("datasource show", datasource="skin").schema_state == "saved"
    Image.new("RGB", (64, 48)).save(folder / "another.png")
    do("datasource check", datasource="skin")
    card = do("datasource show", datasource="skin")
    assert (card.files, card.schema_state) == (6, "outdated")


def test_the_files_of_an_eye_camera_are_counted_and_their_schema_comes_from_the_pod(do: Do, tmp_path: Path) -> None:
    folder = tmp_path / "eyes"
    folder.mkdir()
    (folder / "a.e2e").write_bytes(b"scan")
    (folder / "notes.txt").write_text("no scan")
    values = {"laterality": "L", "series_protocol": "OCT ART Volume"}
    found = do("datasource probe", path=str(folder), kind="heidelberge2e", set=values)
    facts = {fact.label: fact.value for fact in found.facts}
    assert facts["Files"] == "1"
    assert "the schema comes from the pod" in facts["Schema"]
    card = do("datasource add", name="eyes", path=str(folder), kind="heidelberge2e", set=values)
    assert (card.reads, card.schema_state) == ("inventory", "pod")
    with pytest.raises(Refused) as caught:
        do("schema generate", datasource="eyes")
    assert caught.value.code == "schema.from-the-pod"
    with pytest.raises(Refused) as unseen:
        do("datasource preview", path=str(folder), kind="heidelberge2e", set=values)
    assert unseen.value.code == "datasource.not-shown"
    kept = do("datasource fields", datasource="eyes")
    assert dict(kept.values) == {"path": str(folder), **values}


def test_a_token_lies_in_the_vault_and_nowhere_else(do: Do, made: Do, profile: Profile, service: Mine) -> None:
    given = {"kind": "intermine", "set": fields(service)}
    refused = do("datasource probe", **given)
    assert (refused.ok, refused.field_code, refused.cause) == (False, "AUTH_FAILED", "wrong token")
    assert do("datasource probe", **given, password=Secret(TOKEN)).ok
    assert profile.vault.secrets_kept() == ()
    card = do("datasource add", **{**given, "name": "mine"}, password=Secret(TOKEN))
    assert card.has_password
    (info,) = profile.vault.secrets_kept()
    assert (info.purpose, info.holder) == (SecretPurpose.PASSWORD, card.id)
    assert do("datasource check", datasource="mine").rows == 1234
    assert TOKEN not in everything_written(profile)
    service.token = "another-token-now"
    assert do("datasource check", datasource="mine").cause == "wrong token"
    changed = do("datasource change", datasource="mine", password=Secret("another-token-now"))
    assert changed.health == "unknown"
    (newer,) = profile.vault.secrets_kept()
    assert newer.id != info.id
    assert do("datasource check", datasource="mine").health == "good"
    do("datasource remove", datasource="mine", reason="the study is over")
    assert profile.vault.secrets_kept() == ()


def test_a_name_that_is_taken_leaves_no_secret_behind(do: Do, made: Do, profile: Profile, service: Mine) -> None:
    do("datasource add", name="mine", kind="null")
    with pytest.raises(Refused) as caught:
        do("datasource add", name="mine", kind="intermine", set=fields(service), password=Secret(TOKEN))
    assert caught.value.code == "datasource.name-taken"
    assert profile.vault.secrets_kept() == ()


def test_a_password_that_was_lost_is_named_and_given_again(do: Do, made: Do, profile: Profile, service: Mine) -> None:
    do("datasource add", name="mine", kind="intermine", set=fields(service), password=Secret(TOKEN))
    profile.vault.remove_secret(profile.vault.secrets_kept()[0].id, "somebody")
    checked = do("datasource check", datasource="mine")
    assert (checked.health, checked.cause, checked.field_code) == ("broken", "no password", "AUTH_FAILED")
    with pytest.raises(Unavailable):
        do("datasource change", datasource="mine", set={"partition_size": "8"})
    do("datasource change", datasource="mine", password=Secret(TOKEN))
    assert do("datasource check", datasource="mine").health == "good"


def test_a_password_is_taken_by_no_other_way(do: Do, made: Do, service: Mine, patients: Path) -> None:
    with pytest.raises(BadInput) as among:
        do("datasource add", name="a", kind="intermine", set={**fields(service), "token": TOKEN})
    with pytest.raises(BadInput) as useless:
        do("datasource add", name="a", path=str(patients), password=Secret(TOKEN))
    assert {among.value.code, useless.value.code} == {"datasource.secret-in-text", "datasource.no-password-here"}
    assert TOKEN not in str(among.value) + str(useless.value)


def test_a_datasource_is_set_up_differently_and_stays_what_it_is(do: Do, profile: Profile, patients: Path) -> None:
    added = do("datasource add", name="patients", path=str(patients), force={"sex": "categorical"})
    do("schema generate", datasource="patients", save=True)
    given = {"data_splitter": "predefined", "column_name": "sex"}
    changed = do("datasource change", datasource="patients", set=given, ignore=["patient_id"])
    assert (changed.id, changed.columns_ignored, changed.schema_state) == (added.id, ("patient_id",), "outdated")
    kept = do("datasource fields", datasource="patients")
    assert dict(kept.values) == {"path": str(patients), **given}
    assert dict(kept.force) == {"sex": "categorical"}
    do("datasource change", datasource="patients", set={"column_name": ""}, every_column=True)
    again = do("datasource fields", datasource="patients")
    assert (again.ignore, dict(again.force)) == ((), {})
    assert "column_name" not in again.values
    notes = patients.with_name("notes.doc")
    notes.write_text("no table")
    for wrong, code in (({"colum_name": "x"}, "unknown-field"), ({"path": str(notes)}, "not-a-table")):
        with pytest.raises(BadInput) as caught:
            do("datasource change", datasource="patients", set=wrong)
        assert caught.value.code == f"datasource.{code}"
    with pytest.raises(NotFound):
        do("datasource change", datasource="nobody", set={})
    told = [entry.body for entry in profile.entries_since(0) if entry.act == "datasource.changed"]
    bodies = [json.loads(each) for each in told]
    assert [each["changed"] for each in bodies] == [["ignore", "settings"], ["force", "ignore", "settings"]]
    assert (bodies[0]["was"]["ignore"], bodies[0]["now"]["ignore"]) == ("", '["patient_id"]')
    assert (bodies[1]["was"]["force"], bodies[1]["now"]["force"]) == ('{"sex":"categorical"}', "")


@pytest.mark.parametrize("source", ["file", "database"])
def test_a_card_tells_the_same_by_a_schema_of_what_is_there_and_by_a_check(
    do: Do, patients: Path, clinic: str, source: str
) -> None:
    where = (
        {"path": str(patients), "ignore": ["patient_id"]}
        if source == "file"
        else {"kind": "SQLSource", "set": {"url": clinic, "table": "visits"}, "ignore": ["id"]}
    )

    def told() -> tuple[int | None, int | None, int | None]:
        card = do("datasource show", datasource="a")
        return card.rows, card.columns, card.size

    do("datasource add", name="a", **where)
    assert told() == (None, None, None)
    do("schema generate", datasource="a", save=True)
    by_schema = told()
    assert do("datasource check", datasource="a").health == "good"
    rows, columns, size = told()
    assert None not in (rows, columns, size)
    assert by_schema == (rows, columns, size if source == "file" else None), "a schema keeps the size of a file only"


def test_what_an_old_schema_had_is_not_told_as_what_is_there(do: Do, patients: Path) -> None:
    do("datasource add", name="a", path=str(patients))
    do("schema generate", datasource="a", save=True)
    do("datasource change", datasource="a", ignore=["patient_id"])
    card = do("datasource show", datasource="a")
    assert (card.schema_state, card.columns, card.size) == ("outdated", None, None)


def test_only_what_a_schema_follows_from_makes_it_old(do: Do, patients: Path) -> None:
    do("datasource add", name="patients", path=str(patients), ignore=["patient_id"])
    do("schema generate", datasource="patients", save=True)

    def state_after(**changed: object) -> str:
        return str(do("datasource change", datasource="patients", **changed).schema_state)

    assert state_after(set={"display_name": "Our patients", "data_splitter": "percentage"}) == "saved"
    assert state_after(describe={"sex": "as registered"}) == "saved"
    assert state_after(force={"sex": "categorical"}) == "outdated"
    do("schema generate", datasource="patients", save=True)
    assert state_after(every_column=True, force={"sex": "categorical"}) == "outdated"
    do("schema generate", datasource="patients", save=True)
    assert state_after(set={"header": "yes"}) == "outdated"


def test_descriptions_are_changed_and_taken_back_and_the_saved_schema_says_so(
    do: Do, profile: Profile, patients: Path
) -> None:
    do("datasource add", name="patients", path=str(patients), describe={"sex": "as registered", "age": "in years"})
    do("schema generate", datasource="patients", save=True)
    do("datasource change", datasource="patients", describe={"sex": "", "age": "completed years"})
    assert dict(do("datasource fields", datasource="patients").describe) == {"age": "completed years"}
    shown = {each.name: each.description for each in do("schema show", datasource="patients").columns}
    assert (shown["sex"], shown["age"]) == ("", "completed years")
    with pytest.raises(BadInput) as caught:
        do("datasource change", datasource="patients", describe={"aeg": "in years"})
    assert caught.value.code == "datasource.unknown-column"
    assert "“age”" in caught.value.why
    body = next(json.loads(e.body) for e in profile.entries_since(0) if e.act == "datasource.changed")
    assert body["now"] == {"describe": '{"age":"completed years"}'}


def test_settings_that_lie_beside_the_data_are_those_of_every_kind() -> None:
    assert BESIDE_THE_DATA - {"output_path"} == set(PodSettings.model_fields) - {"required_fields"}


def test_the_sentinel_tells_once_that_something_broke_and_once_that_it_is_well(
    do: Do, profile: Profile, patients: Path, tmp_path: Path
) -> None:
    do("datasource add", name="patients", path=str(patients))
    assert look_at_all(profile, Progress()) == 0
    assert do("datasource show", datasource="patients").health == "unknown"
    (row,) = do("datasource health").rows
    assert (row.state, row.looked_at is not None) == ("good", True)
    patients.rename(tmp_path / "away.csv")
    assert look_at_all(profile, Progress()) == 1
    assert look_at_all(profile, Progress()) == 0
    (row,) = do("datasource health").rows
    assert (row.state, row.cause, row.field_code) == ("broken", "not found", "PATH_NOT_FOUND")
    assert row.who_can_fix
    assert row.next_step
    assert any(need.title == "patients cannot be read" for need in do("overview").needs)
    (tmp_path / "away.csv").rename(patients)
    assert do("datasource look").rows[0].state == "good"
    acts = [entry.act for entry in profile.entries_since(0)]
    assert acts.count("datasource.health-changed") == 2
    assert do("datasource notices", after=-1).notices == ()
    told = do("datasource notices", after=0)
    assert [each.tone for each in told.notices] == ["bad", "good"]
    assert told.notices[0].words == "The datasource patients cannot be used any more: not found."
    assert do("datasource notices", after=told.after).notices == ()


def test_one_whose_password_cannot_be_had_is_left_as_it_is(do: Do, made: Do, profile: Profile, service: Mine) -> None:
    do("datasource add", name="mine", kind="intermine", set=fields(service), password=Secret(TOKEN))
    profile.vault.lock()
    service.status = 503
    asked = len(service.asked)
    assert look_at_all(profile, Progress()) == 0
    assert len(service.asked) == asked
    profile.open_vault()
    assert look_at_all(profile, Progress()) == 1
    assert do("datasource show", datasource="mine").cause == "service is down"


def test_how_often_datasources_are_looked_at_is_a_setting(do: Do) -> None:
    assert do("datasource health").every_minutes == 15
    assert do("datasource watch", every=0).schedule_words == "Never by itself"
    with pytest.raises(BadInput):
        do("datasource watch", every=9999)


def test_a_kind_that_nobody_knows_and_fields_that_are_missing(do: Do) -> None:
    with pytest.raises(NotFound):
        do("datasource add", name="a", kind="fhir")
    with pytest.raises(BadInput) as caught:
        do("datasource add", name="a", kind="heidelberg")
    assert (caught.value.code, caught.value.field) == ("datasource.field-missing", "path")
    with pytest.raises(BadInput) as none:
        do("datasource add", name="a")
    assert none.value.code == "datasource.field-missing"


def test_an_omop_database_is_tested_as_a_whole_and_has_the_schema_of_its_version(do: Do, tmp_path: Path) -> None:
    opened = sqlite3.connect(tmp_path / "omop.db")
    opened.execute("CREATE TABLE person (person_id INTEGER, gender_concept_id INTEGER, year_of_birth INTEGER)")
    opened.executemany("INSERT INTO person VALUES (?, 8507, ?)", [(n, 1950 + n % 50) for n in range(60)])
    opened.commit()
    opened.close()
    given = {"kind": "omop", "set": {"url": f"sqlite:///{tmp_path / 'omop.db'}", "version": "v5.4"}}
    facts = {fact.label: fact.value for fact in do("datasource probe", **given).facts}
    assert (facts["Rows"], facts["Tables of the model"]) == ("60", "1 of 39")
    card = do("datasource add", **{**given, "name": "omop"}, ignore=["gender_concept_id"])
    assert card.schema_state == "pod"
    checked = do("datasource check", datasource="omop")
    assert (checked.health, checked.rows, checked.columns) == ("good", 60, None)
    with pytest.raises(Refused) as caught:
        do("schema generate", datasource="omop")
    assert caught.value.code == "schema.from-the-pod"
    assert do("datasource columns", **given) == ()
    do("datasource change", datasource="omop", set={"table": "person"})
    schema = do("schema generate", datasource="omop", save=True)
    assert [each.name for each in schema.columns] == ["person_id", "year_of_birth"]
