"""A custodian connects data of any kind at the desktop; a file by keyboard alone, every step by real keys."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.nursery import run
from tests.pod.telling_pod import Pod, telling

PASSWORD = "swordfish-of-the-ward"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def played(folder: Path, script: str) -> None:
    """One session at the desktop; what the script does not find fails the test with its words."""
    steps = folder / "script.txt"
    steps.write_text(script, encoding="utf-8")
    (folder / "passphrase").write_text("nine quiet herons at dusk\n", encoding="utf-8")
    (folder / "passphrase").chmod(0o600)
    ended = subprocess.run(
        [sys.executable, "-m", "podadmin", *_line(folder, "--headless", "--script", str(steps))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert ended.returncode == 0, ended.stderr


def asked(folder: Path, *words: str) -> object:
    """What a command says, as JSON."""
    ended = run(_line(folder, *words, "--json"), {**os.environ}, 280, folder=folder)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def _line(folder: Path, *words: str) -> list[str]:
    where = ["--profile", str(folder / "profile"), "--keyring", "passphrase"]
    return [*words, *where, "--passphrase-file", str(folder / "passphrase")]


def test_a_file_is_connected_by_keyboard_alone(tmp_path: Path) -> None:
    file = tmp_path / "clinic.csv"
    rows = (f"{4_000_000_000 + 7919 * place},{40 + place % 40},{'MF'[place % 2]}" for place in range(200))
    file.write_text("\n".join(("nhs_number,age,sex", *rows, "")), encoding="utf-8")
    played(
        tmp_path,
        f"""
        wait "Welcome to podadmin" 180
        key Ctrl+4
        wait-enabled "Connect a datasource" 180
        tab-to "Connect a datasource"
        key Return

        wait "Parquet file" 180
        tab-to "CSV file"                   # where the keyboard is, or will be in a moment: to the right and back
        key Right
        key Left
        key Return

        wait "Test the file" 180             # it is in the first field; an error brings it back there
        keys "{tmp_path}/nowhere.csv"
        key Return
        wait "Who can fix it" 180
        tab-to "Change what you entered"
        key Return
        wait "It was moved, renamed or deleted" 180
        key Ctrl+A
        keys "{file}"
        key Return
        wait "The file can be read" 180
        key Return

        wait "First rows, masked" 180
        expect 9999999999
        expect-not 4000000000
        tab-to "Show values"
        key Space
        wait 4000000000 180
        tab-to Continue
        key Return

        wait-enabled "Describe age" 180      # it is in the name
        key Ctrl+A
        keys "clinic-by-keys"
        tab-to "Ignore nhs_number"
        key Space
        tab-to "Type of sex"
        key Down
        tab-to "Describe age"
        keys "Years at the visit"
        tab-to "Generate the schema"
        key Return

        wait "What will be saved" 180
        key Escape
        wait "would be lost" 180             # Escape asks, and Escape again stays
        key Escape
        wait-gone "would be lost" 180
        tab-to "Save the datasource"
        key Return
        wait "was connected, and its schema was saved" 180

        tab-to "Look now"
        key Return
        wait "was looked at" 180
        tab-to "Change how it is set up…"
        key Return
        wait "Change clinic-by-keys" 180
        tab-to "Advanced: folded"
        key Return
        wait "Display name" 180
        tab-to "Display name"
        keys "Eye clinic"
        key Return
        wait "was changed" 180
        """,
    )
    card = asked(tmp_path, "datasource", "show", "clinic-by-keys")
    assert isinstance(card, dict)
    assert card["columns_ignored"] == ["nhs_number"]
    fields = asked(tmp_path, "datasource", "fields", "clinic-by-keys")
    assert isinstance(fields, dict)
    assert fields["values"] == {"path": str(file), "display_name": "Eye clinic"}
    assert (fields["force"], fields["describe"]) == ({"sex": "categorical"}, {"age": "Years at the visit"})


@pytest.fixture
def pod() -> Iterator[Pod]:
    """A pod that somebody else started on this computer."""
    with telling() as made:
        yield made


def test_a_folder_of_a_camera_and_a_database_are_connected_and_the_password_is_nowhere_in_clear(
    tmp_path: Path, pod: Pod
) -> None:
    scans = tmp_path / "scans" / "left"
    scans.mkdir(parents=True)
    for place in range(30):
        (scans / f"{place}.e2e").write_bytes(b"scan")
    with closing(sqlite3.connect(tmp_path / "ward.db")) as ward, ward:
        ward.execute("CREATE TABLE visits (id INTEGER, sex TEXT, age REAL)")
        ward.executemany("INSERT INTO visits VALUES (?, ?, ?)", [(n, "MF"[n % 2], 40 + n % 40) for n in range(200)])
    played(
        tmp_path,
        f"""
        wait "Welcome to podadmin" 180
        page Datasources
        wait-enabled "Connect a datasource" 180
        click "Connect a datasource"
        wait "Heidelberg E2E" 180
        click "Heidelberg E2E"
        click Continue
        expect-disabled "Test the folder"
        type Folder "{tmp_path}/scans"
        choose Eye Left
        type "Protocol of the series" Images
        click "Which of it counts"
        wait "Created from" 180
        type "Created from" yesterday
        click "Test the folder"
        wait "It is a day, such as 2024-01-31." 180
        type "Created from" 2020-01-31
        click "Test the folder"
        wait "The folder can be read" 180
        click Continue
        expect "podadmin counts and watches the files, and the schema comes from the pod"
        click "Save the datasource"
        wait "was connected" 180
        wait "Files that count" 180
        wait "Only the pod's own software can read this kind of data." 180
        click "Take the schema from the pod"
        wait "No pod of the network's own software runs here" 180
        type "Port of its control server" "{pod.port}"
        click "Ask this pod"
        wait "Taken from the pod at port {pod.port}" 180
        expect "How many records have each of its labels is not known"

        click "Back to all datasources"
        click "Connect a datasource"
        click "Database table or query"
        click Continue
        type Address "sqlite:///{tmp_path}/none.db"
        type Table visits
        type Password {PASSWORD}
        click "Test the database"
        wait "DATABASE_NOT_FOUND" 180
        click "Change what you entered"
        expect "The SQLite database was not found."
        expect-not {PASSWORD}
        type Address "sqlite:///{tmp_path}/ward.db"
        click "Test the database"
        wait "The database can be read" 180
        click Continue
        wait "First rows, masked" 180
        click Continue
        wait-enabled "Describe sex" 180
        click "Generate the schema"
        wait "What will be saved" 180
        click "Save the datasource"
        wait "was connected, and its schema was saved" 180
        wait "kept where secrets live" 180
        """,
    )
    files = [each for each in tmp_path.rglob("*") if each.is_file() and each.name != "script.txt"]
    assert not [each for each in files if PASSWORD.encode() in each.read_bytes()]
    rows = asked(tmp_path, "datasource", "list")
    assert isinstance(rows, list)
    assert {row["name"]: (row["kind"], row["schema_state"]) for row in rows} == {
        "scans": ("HeidelbergE2ESource", "saved"),
        "visits": ("SQLSource", "saved"),
    }
