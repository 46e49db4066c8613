"""Backups as a custodian makes, tries and restores them; and what podadmin says about them when nobody does."""

from __future__ import annotations

import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from podadmin.app import restoring
from podadmin.app.acts import backup as acts
from podadmin.app.backup_standing import STALE, due, judged
from podadmin.app.lock import EngineLock
from podadmin.app.profile import open_profile
from podadmin.app.proxy_mode import uploads_of
from podadmin.core.clock import ManualClock, SystemClock, new_id, stamp
from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.gate.records import result
from podadmin.gate.uploads import Uploads
from podadmin.networks import service as networks
from podadmin.networks.bitfount import messages
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.store.unit import Fact
from podadmin.vault.backup_records import Backup
from podadmin.vault.model import Purpose
from tests.spoilt import spoilt

REQUEST = "req_000000000000"
PASSPHRASE = Secret("nine quiet herons at dusk")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def made(house: Any, tmp_path: Path) -> Path:
    with house.open() as profile:
        view = house.act(profile, "backup make", to=str(tmp_path / "one.backup"), new_passphrase=PASSPHRASE)
    assert Path(view.place) == tmp_path / "one.backup"
    return tmp_path / "one.backup"


@pytest.fixture
def empty(house: Any, tmp_path: Path) -> Any:
    """Options of a new profile with a passphrase of its own."""
    (tmp_path / "other-secret").write_text("another long passphrase\n", encoding="utf-8")
    return lambda **more: house.options(
        **{"profile": tmp_path / "new", "keyring": "passphrase", "passphrase_file": tmp_path / "other-secret", **more}
    )


def test_a_backup_is_made_tried_and_restored_into_a_new_profile(house: Any, made: Path, empty: Any) -> None:
    with house.open() as profile:
        before = house.act(profile, "backup list")
        assert (before.tone, before.can_make, before.can_restore) == ("warn", True, False)
        tried = house.act(profile, "backup test", file=str(made), passphrase=PASSPHRASE)
        assert (tried.keys, tried.words.split(".")[0][-8:]) == (2, "is whole")
        after = house.act(profile, "backup list")
        assert after.tone == "good"
        assert str(profile.clock.now().year) in after.words
        assert after.backups[0].state == "tested"
        public = profile.vault.find(Purpose.POD).public_ssh
        name = profile.id
        kept = {each.kind for each in networks.joined(profile.store)}
    with open_profile(empty()) as fresh:
        assert house.act(fresh, "backup list").can_restore
        staged = house.act(fresh, "backup restore", file=str(made), passphrase=PASSPHRASE)
        assert staged.keys == 2
        view = house.act(fresh, "backup list")
        assert view.waits
        assert view.tone == "plain"
        with pytest.raises(Refused) as waits:
            house.act(fresh, "backup restore", file=str(made), passphrase=PASSPHRASE)
        assert waits.value.code == "backup.waits"
    with open_profile(empty(keyring=None)) as restored:
        assert restored.id != name, "its secrets never meet those of the profile that it was copied from"
        assert restored.open_vault().find(Purpose.POD).public_ssh == public
        assert restored.vault.pod_key().public_ssh == public
        assert {each.kind for each in networks.joined(restored.store)} == kept
        assert house.act(restored, "journal verify").state == "whole"
        view = house.act(restored, "backup list")
        assert (view.tone, view.waits, view.can_restore) == ("good", False, False)
        words = [row.words for row in house.act(restored, "journal list").rows]
        assert any("The profile was restored from the backup" in each for each in words)
    assert not (empty().profile / restoring.FOLDER).exists()


def _lies(folder: Uploads, body: bytes) -> str:
    """The address of a body that a task has put there."""
    made = folder.make_room(REQUEST, len(body))
    room = folder.room(f"/{made}")
    assert room is not None
    arriving = folder.begin(room)
    arriving.write(body)
    folder.finish(arriving)
    folder.leave(arriving)
    folder.take(f"https://store/{made}", REQUEST)
    return f"https://store/{made}"


def _waits(profile: Any, url: str, state: str) -> None:
    """A result in a message that says where its body lies."""
    message = messages.with_reference(pb.BitfountMessage(messageType=7, taskId="task"), url)
    with profile.store.record(Fact("test", "gate.result-held", REQUEST)) as unit:
        unit.execute(
            insert(result).values(
                id=new_id("out"), request_id=REQUEST, number=len(url), type=7, wire=message.SerializeToString(),
                state=state, at=stamp(NOW),
            )
        )  # fmt: skip


def test_large_results_that_wait_are_in_the_backup_and_lie_there_again(house: Any, tmp_path: Path, empty: Any) -> None:
    """Those that wait or may go, whose bodies are what was judged; and nothing else that lies there."""
    bodies = {state: f"the body of what is {state}".encode() * 60_000 for state in ("held", "released", "sent")}
    with house.open() as profile:
        folder = uploads_of(profile)
        urls = {state: _lies(folder, body) for state, body in bodies.items()}
        for state, url in urls.items():
            _waits(profile, url, state)
        other = _lies(folder, b"what was judged")
        _waits(profile, other, "held")
        lies = folder.of(other, REQUEST)
        assert lies is not None
        (profile.folder / restoring.UPLOADS / f"{lies.id}.{REQUEST}.15.{lies.digest}.body").write_bytes(b"another")
        file = str(tmp_path / "large.backup")
        house.act(profile, "backup make", to=file, new_passphrase=PASSPHRASE)
        house.act(profile, "backup test", file=file, passphrase=PASSPHRASE)
        assert not (profile.folder / "backup-work").exists()
        with folder.opened(lies) as still:
            assert still.read() == b"another"
    with open_profile(empty()) as fresh:
        house.act(fresh, "backup restore", file=file, passphrase=PASSPHRASE)
    with open_profile(empty(keyring=None)) as restored:
        folder = uploads_of(restored)
        found = {state: folder.of(url, REQUEST) for state, url in urls.items()}
        assert (found["sent"], folder.of(other, REQUEST)) == (None, None)
        for state in ("held", "released"):
            upload = found[state]
            assert upload is not None
            assert not upload.open, "nothing takes its place"
            with folder.opened(upload) as file_of_it:
                assert file_of_it.read() == bodies[state]


def test_shares_make_try_and_restore(house: Any, tmp_path: Path, empty: Any) -> None:
    (tmp_path / "shares").mkdir()
    with house.open() as profile:
        view = house.act(
            profile, "backup make-shared", to=str(tmp_path / "b"), shares_to=str(tmp_path / "shares"), quorum=2, of=3
        )  # fmt: skip
        one, two, three = view.shares
        tried = house.act(profile, "backup test-shared", file=str(tmp_path / "b"), share=[one, three])
        assert tried.keys == 2
        typed = Secret(Path(two).read_text(encoding="utf-8"))
        again = house.act(profile, "backup test-shared", file=str(tmp_path / "b"), share=[one], words=typed)
        assert again.id == tried.id
        with pytest.raises(Refused) as few:
            house.act(profile, "backup test-shared", file=str(tmp_path / "b"), share=[one])
        assert few.value.code == "backup.too-few-shares"
        with pytest.raises(Unavailable) as unreadable:
            house.act(profile, "backup test-shared", file=str(tmp_path / "b"), share=[str(tmp_path / "none")])
        assert unreadable.value.code == "backup.share-file"
        for wrong, code in (
            ({"shares_to": str(tmp_path / "nowhere")}, "backup.bad-share-place"),
            ({"shares_to": str(tmp_path / "shares"), "quorum": 9, "of": 3}, "backup.bad-quorum"),
        ):
            with pytest.raises(BadInput) as bad:
                house.act(profile, "backup make-shared", to=str(tmp_path / "c"), **wrong)
            assert bad.value.code == code
    with open_profile(empty()) as fresh:
        house.act(fresh, "backup restore-shared", file=str(tmp_path / "b"), share=[two, three])
    with open_profile(empty(keyring=None)) as restored:
        assert restored.open_vault().pod_key()


def test_shares_of_a_backup_that_was_not_made_are_not_left_behind(house: Any, tmp_path: Path) -> None:
    (tmp_path / "shares").mkdir()
    with house.open() as profile:
        real = acts.service.SharesMaker.write
        written = []

        def write(self: Any, folder: Path, head: Any) -> Any:
            files = real(self, folder, head)
            written.extend(files)
            (tmp_path / "b").write_text("somebody else's")
            return files

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(acts.service.SharesMaker, "write", write)
            with pytest.raises(Refused):
                acts.make_shared(profile, Progress(), str(tmp_path / "b"), str(tmp_path / "shares"))
        assert len(written) == 3
        assert list((tmp_path / "shares").iterdir()) == []


def test_a_test_that_fails_is_remembered_and_said(house: Any, made: Path) -> None:
    with house.open() as profile:
        with pytest.raises(BadInput):
            house.act(profile, "backup test", file=str(made), passphrase=Secret("not the passphrase"))
        assert house.act(profile, "backup list").backups[0].state == "untested"
        made.write_bytes(spoilt(made.read_bytes()))
        with pytest.raises(PodadminError) as damaged:
            house.act(profile, "backup test", file=str(made), passphrase=PASSPHRASE)
        assert damaged.value.code == "backup.damaged"
        view = house.act(profile, "backup list")
        assert (view.tone, view.backups[0].state) == ("bad", "failed")
        assert not (profile.folder / "backup-work").exists()


def test_only_an_empty_profile_takes_a_backup(house: Any, made: Path) -> None:
    with house.open() as profile:
        with pytest.raises(Refused) as refused:
            house.act(profile, "backup restore", file=str(made), passphrase=PASSPHRASE)
        assert refused.value.code == "backup.not-empty"
        assert not (profile.folder / restoring.FOLDER).exists()


def test_nothing_is_restored_into_memory_or_nowhere(house: Any, made: Path, empty: Any, tmp_path: Path) -> None:
    with open_profile(empty(keyring="memory")) as fresh:
        with pytest.raises(Refused) as forgets:
            house.act(fresh, "backup restore", file=str(made), passphrase=PASSPHRASE)
        assert forgets.value.code == "backup.forgets"
    with open_profile(empty(keyring=None, profile=tmp_path / "undecided")) as undecided:
        with pytest.raises(Unavailable) as nowhere:
            house.act(undecided, "backup restore", file=str(made), passphrase=PASSPHRASE)
        assert nowhere.value.code == "vault.undecided"
        assert house.act(undecided, "backup list").words == "There is nothing to back up yet."


def test_a_restore_that_goes_wrong_keeps_nothing(house: Any, made: Path, empty: Any) -> None:
    with open_profile(empty()) as fresh:
        with pytest.raises(BadInput):
            house.act(fresh, "backup restore", file=str(made), passphrase=Secret("not the passphrase"))
        assert not (fresh.folder / restoring.FOLDER).exists()
        assert restoring.is_empty(fresh)
        house.act(fresh, "pod create", name="other")
        assert not restoring.is_empty(fresh)


def test_keys_that_were_made_meanwhile_are_never_written_over(house: Any, made: Path, empty: Any) -> None:
    with open_profile(empty()) as fresh:
        house.act(fresh, "backup restore", file=str(made), passphrase=PASSPHRASE)
        house.act(fresh, "pod create", name="other")
        mine = fresh.vault.find(Purpose.POD).public_ssh
    with pytest.raises(Refused) as grown:
        open_profile(empty(keyring=None))
    assert grown.value.code == "backup.grown"
    shutil.rmtree(empty().profile / restoring.FOLDER)
    with open_profile(empty(keyring=None)) as kept:
        assert kept.open_vault().find(Purpose.POD).public_ssh == mine


def test_a_restored_profile_is_not_put_under_a_running_engine(house: Any, made: Path, empty: Any) -> None:
    with open_profile(empty()) as fresh:
        house.act(fresh, "backup restore", file=str(made), passphrase=PASSPHRASE)
        lock = EngineLock(fresh.folder / "engine.lock")
        assert lock.take()
        refused: list[PodadminError] = []

        def start() -> None:
            try:
                restoring.finish(fresh.folder)
            except PodadminError as error:
                refused.append(error)

        other = threading.Thread(target=start)
        other.start()
        other.join()
        assert [each.code for each in refused] == ["backup.still-running"]
        lock.release()
    with open_profile(empty(keyring=None)) as restored:
        assert restored.open_vault().pod_key()


# --- the rule --------------------------------------------------------------------------------------------------------


def backup(age: timedelta, tested: timedelta | None = None, problem: str = "") -> Backup:
    return Backup(
        f"b{age}", NOW - age, "x", "passphrase", 1, "", 1, None if tested is None else NOW - tested, problem
    )  # fmt: skip


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("kept", "tone", "word"),
    [
        ([], "bad", "No backup was ever made"),
        ([backup(DAY)], "warn", "never tried"),
        ([backup(DAY, timedelta(0))], "good", "21 November 2026"),
        ([backup(DAY), backup(80 * DAY, 70 * DAY)], "good", "last tried with success"),
        ([backup(DAY), backup(200 * DAY, STALE + DAY)], "warn", "last tried 91 days ago"),
        ([backup(STALE + DAY, DAY)], "warn", "91 days old"),
        ([backup(DAY, DAY, "backup.damaged"), backup(2 * DAY, DAY)], "bad", "could not be restored"),
        ([backup(DAY), backup(2 * DAY, DAY, "backup.damaged")], "warn", "never tried"),
        ([backup(DAY, timedelta(0)), backup(2 * DAY, DAY, "backup.damaged")], "good", "with success"),
    ],
)
def test_what_is_said_of_backups(kept: list[Backup], tone: str, word: str) -> None:
    found = judged(kept, NOW)
    assert found[0] == tone
    assert word in found[1]
    assert bool(found[2]) == (tone != "good")


def test_the_overview_calls_for_a_backup_after_a_day_and_until_one_is_there(house: Any, tmp_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    with open_profile(house.options(), clock) as profile:
        assert due(profile) is None, "nobody is told in the first hour"
        clock.advance(2 * DAY.total_seconds())
        called = due(profile)
        assert called is not None
        assert called[0] == "warn"
        needs = house.act(profile, "overview").needs
        assert [(each.action, each.page, each.subject) for each in needs if "backup" in each.title] == [
            ("See the backups", "Keys", "backup")
        ]
        house.act(profile, "backup make", to=str(tmp_path / "b"), new_passphrase=PASSPHRASE)
        house.act(profile, "backup test", file=str(tmp_path / "b"), passphrase=PASSPHRASE)
        assert due(profile) is None
        clock.advance(91 * DAY.total_seconds())
        assert due(profile) is not None
