"""The engine of a profile: one of them, fail closed, and back by itself when what it lacked is there again."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.engine import Engine
from podadmin.app.lock import EngineLock
from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.core.errors import PodadminError, Refused, Unavailable
from podadmin.requests import service
from tests.patience import until


def states(profile: Any) -> list[str]:
    page = service.listing(profile.store, state="", search="", limit=50, after="")
    return [row.state for row in page.rows][::-1]


# --- one engine ------------------------------------------------------------------------------------------------------


def test_a_lock_is_held_by_one_and_looking_at_it_takes_nothing(tmp_path: Path) -> None:
    first, second = EngineLock(tmp_path / "lock"), EngineLock(tmp_path / "lock")
    assert not first.taken_elsewhere()
    assert not (tmp_path / "lock").exists()
    assert first.take()
    assert first.take()
    assert second.taken_elsewhere()
    assert not first.taken_elsewhere()
    assert not second.take()
    written = (tmp_path / "lock").read_bytes()
    assert second.taken_elsewhere()
    assert (tmp_path / "lock").read_bytes() == written
    first.release()
    first.release()
    assert not second.taken_elsewhere()
    assert second.take()
    second.release()


def test_who_looks_all_the_time_never_keeps_an_engine_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    ended = threading.Event()

    def look() -> None:
        lock = EngineLock(path)
        while not ended.is_set():
            lock.taken_elsewhere()

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for each in lookers:
        each.start()
    try:
        for _ in range(30):
            lock = EngineLock(path)
            assert lock.take()
            lock.release()
    finally:
        ended.set()
        for each in lookers:
            each.join()


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from podadmin.app.lock import EngineLock\n"
        "lock = EngineLock(Path(sys.argv[1])); print(lock.take(), flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True\n"
        assert EngineLock(tmp_path / "lock").taken_elsewhere()
        process.kill()
        process.wait()
    lock = EngineLock(tmp_path / "lock")
    assert lock.take()
    lock.release()


@pytest.mark.slow
def test_a_second_engine_is_refused_and_a_second_process_decides_all_the_same(house: Any) -> None:
    """The engine runs here; the command line lists, approves and refuses, and the engine acts on it."""
    profile = house.open()
    house.on(profile)
    assert house.error("serve")["code"] == "engine.elsewhere"
    other = house.open()
    watching = Engine(other)
    assert not watching.start()
    assert watching.snapshot().state == "elsewhere"
    watching.stop()
    assert house.act(profile, "status").gate.state == "on"
    house.act(profile, "network send", what="sql", copies=2)
    house.until(lambda: states(profile) == ["held", "held"], "both wait")
    assert house.said("status")["gate"]["state"] == "elsewhere"
    listed = house.said("requests", "list")["rows"]
    assert len(listed) == 2
    house.said("requests", "approve", listed[0]["id"])
    house.said("requests", "refuse", listed[1]["id"], "Not this one.")
    house.until(lambda: sorted(states(profile)) == ["finished", "refused"], "the engine acts on what was decided")
    house.until(lambda: not service.answers_due(profile.store), "the requesters were told")
    heard = (profile.requester_folder / "heard.jsonl").read_text(encoding="utf-8")
    assert "Not this one." in heard


# --- a newer profile -------------------------------------------------------------------------------------------------


def every_file(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("words", [("status",), ("serve",), ("requests", "list")])
def test_a_profile_of_a_newer_version_is_left_as_it_is_byte_for_byte(house: Any, words: tuple[str, ...]) -> None:
    database = sqlite3.connect(house.folder / "podadmin.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    before = every_file(house.folder)
    found = house.error(*words)
    assert found["code"] == "store.newer"
    assert found["exit"] == 4
    assert every_file(house.folder) == before


# --- keyring ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_without_its_secret_the_gate_is_blocked_with_words_and_comes_on_when_it_is_there(house: Any) -> None:
    """A request that was captured before waits unopened, and is opened then."""
    right = house.secret.read_text(encoding="utf-8")
    house.secret.unlink()
    profile = house.open()
    wire = b""
    digest = hashlib.sha256(b"\x00").hexdigest()
    captured = service.Captured("local", "t-before", 2, "research-lab", wire, b"\x00", digest, None, 300.0)
    service.capture(profile.store, profile.clock, captured)
    engine = house.engine(profile)
    house.until(lambda: engine.snapshot().state == "blocked", "the gate is blocked")
    assert "passphrase" in engine.snapshot().why
    assert engine.snapshot().next_step
    view = house.act(profile, "status")  # what needs no key works without it
    assert (view.gate.state, view.keyring.state, view.pod.name) == ("blocked", "locked", "clinic")
    assert states(profile) == ["captured"]
    house.secret.write_text("another one\n", encoding="utf-8")
    assert states(profile) == ["captured"]
    house.secret.write_text(right, encoding="utf-8")
    house.until(lambda: engine.snapshot().state == "on", "the gate is on")
    house.until(lambda: states(profile) == ["invalid"], "what waited is opened: it is no request")


def test_a_wrong_passphrase_is_an_error_with_words_and_the_right_one_is_taken_without_a_restart(house: Any) -> None:
    right = house.secret.read_text(encoding="utf-8")
    house.secret.write_text("wrong\n", encoding="utf-8")
    profile = house.open()
    with pytest.raises(PodadminError) as caught:
        profile.open_vault()
    assert caught.value.code.startswith("vault.")
    house.secret.write_text(right, encoding="utf-8")
    assert not profile.open_vault().locked


# --- the record ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by_hand", "words"),
    [
        ("UPDATE journal_entry SET actor = 'nobody' WHERE seq = 3", "Entry 3 "),
        ("DELETE FROM journal_entry WHERE seq = (SELECT max(seq) FROM journal_entry)", "is gone"),
        ("DELETE FROM decision", "The decision on the request"),
    ],
)
def test_with_a_record_that_is_not_what_was_written_nothing_is_delivered_and_nothing_is_anchored_on_top(
    house: Any, by_hand: str, words: str
) -> None:
    with house.open() as profile:
        engine = house.on(profile)
        house.act(profile, "network send", what="sql")
        house.until(lambda: states(profile) == ["held"], "a request waits")
        house.act(profile, "pod pause", reason="The record is to be changed while something waits for delivery.")
        house.act(
            profile,
            "requests approve",
            request=service.listing(profile.store, state="", search="", limit=1, after="").rows[0].id,
        )
        engine.stop()  # the last entry is anchored now
    anchored = (house.folder / "secrets.sealed").read_bytes()
    with sqlite3.connect(house.folder / "podadmin.db") as connection:
        connection.execute(by_hand)
    profile = house.open()
    engine = house.engine(profile)
    house.until(lambda: engine.snapshot().state == "blocked", "the gate is blocked")
    assert words in engine.snapshot().why
    last = profile.last_entry()
    engine.stop()
    assert states(profile) == ["approved"]
    assert profile.last_entry() == last
    assert (house.folder / "secrets.sealed").read_bytes() == anchored


# --- disks -----------------------------------------------------------------------------------------------------------


def moved_to(house: Any, disk: Path) -> None:
    """The profile lies on another disk from now on."""
    shutil.copytree(house.folder, disk / "profile")
    house.folder = disk / "profile"


@pytest.mark.slow
def test_a_full_disk_acknowledges_nothing_says_so_and_takes_the_request_when_there_is_room(
    house: Any, small_disk: Callable[..., Path]
) -> None:
    disk = small_disk("size=6m")
    network = house.folder / "local-network"
    moved_to(house, disk)
    # the network has room of its own: only the profile's database is on the full disk
    moved = house.folder / "local-network"
    shutil.rmtree(moved)
    moved.symlink_to(network, target_is_directory=True)
    requester = house.folder / "demo-requester"
    shutil.copytree(requester, network.parent / "requester-elsewhere")
    shutil.rmtree(requester)
    requester.symlink_to(network.parent / "requester-elsewhere", target_is_directory=True)
    profile = house.open()
    engine = house.on(profile)
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                continue
        except OSError:
            pass
    house.act(profile, "network send", what="sql")
    house.until(lambda: engine.snapshot().state == "blocked", "the gate says that it cannot write")
    assert "full" in engine.snapshot().why
    assert states(profile) == []
    with pytest.raises(Unavailable) as caught:
        house.act(profile, "settings set", name="gate.window", value="200")
    assert caught.value.code == "store.disk-full"
    filler.unlink()
    house.until(lambda: states(profile) == ["held"], "the request comes again and is kept")
    house.until(lambda: engine.snapshot().state == "on", "the gate is on again")
    assert house.act(profile, "journal verify").state == "whole"


@pytest.mark.slow
def test_a_read_only_disk_is_an_error_with_words(house: Any, small_disk: Callable[..., Path]) -> None:
    disk = small_disk("size=8m")
    moved_to(house, disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    before = every_file(house.folder)
    for words in (("serve",), ("status",), ("requests", "list"), ("settings", "set", "gate.window", "100")):
        found = house.error(*words)
        assert found["code"] in {"store.read-only", "store.cannot-open"}, (words, found)
        assert found["exit"] == 5
        assert found["next_step"]
    assert every_file(house.folder) == before


def test_an_engine_that_cannot_make_its_lock_says_why(house: Any) -> None:
    profile = house.open()
    (house.folder / "engine.lock").unlink(missing_ok=True)
    (house.folder / "engine.lock").mkdir()
    with pytest.raises(Unavailable) as caught:
        Engine(profile).start()
    assert caught.value.code.startswith("store.")


# --- what should run -------------------------------------------------------------------------------------------------


def test_an_engine_without_a_pod_is_idle_and_says_what_to_do(tmp_path: Path) -> None:
    with open_profile(Options(profile=tmp_path / "empty")) as profile:
        engine = Engine(profile)
        assert engine.start()
        until(lambda: engine.snapshot().state == "idle", "the engine is idle")
        assert engine.snapshot().why == "There is no pod yet."
        profile.engine = engine
        assert call(find("status"), profile, {}).gate.state == "unused", "nothing could run, so nothing is wrong"
        assert call(find("gate status"), profile, {}).words.endswith("`podadmin pod create NAME`.")
        assert profile.lock.held
        engine.stop()
        engine.stop()
        assert not profile.lock.held


@pytest.mark.slow
def test_leaving_the_network_and_joining_it_switches_the_gate(house: Any) -> None:
    profile = house.open()
    engine = house.on(profile)
    with pytest.raises(Refused):
        house.act(profile, "pod pause", reason=" ")
    house.act(profile, "pod pause", reason="Maintenance.")
    assert house.act(profile, "status").gate.state == "paused"
    house.act(profile, "pod resume")
    house.act(profile, "network leave", kind="local")
    house.until(lambda: engine.snapshot().state == "idle", "the gate is off")
    assert json.dumps(engine.snapshot().why)
    house.act(profile, "network join", kind="local")
    told: list[str] = []

    def is_on() -> bool:
        told.append(house.act(profile, "status").gate.state)
        return told[-1] == "on"

    house.until(is_on, "the gate is on again")
    assert "starting" in told, "what is about to be on is no alarm"
