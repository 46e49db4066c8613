"""A backup of a real profile, from the file to a profile that works again; and every way in which it can go wrong."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, Cancelled, NotFound, PodadminError, Refused, Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.journal import service as journal
from podadmin.journal.records import Journal
from podadmin.store.engine import Store
from podadmin.vault import backup as service
from podadmin.vault import backup_content, backup_restore
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.backup import SharesMaker, Source, make, under_passphrase, with_passphrase, with_shares
from podadmin.vault.backup_content import Part, framed, items_of, manifest_of, part_of, parted, whole
from podadmin.vault.backup_file import SharesLock, head_of, sealed_pieces
from podadmin.vault.backup_records import backups
from podadmin.vault.backup_restore import prove, unpack
from podadmin.vault.kek import KEK_ITEM
from podadmin.vault.model import Purpose, SecretPurpose
from podadmin.vault.service import ANCHOR_ITEM, Vault
from podadmin.vault.shamir import shares_in
from tests.spoilt import spoilt

PASSPHRASE = Secret("nine quiet herons at dusk")
LOCK = under_passphrase(PASSPHRASE, 14)
WRITTEN = service._written
TOKEN = Secret(b"canary-token-of-the-hub")


@dataclass
class House:
    """A profile as the vault knows it, with a key and a secret in it."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC)))
    secrets: MemoryKeyring = field(default_factory=MemoryKeyring)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.store = Store.open(self.folder / "podadmin.db", Journal(self.clock))
        self.vault = Vault(self.folder / "keys", self.secrets, self.store, self.clock)

    def furnish(self) -> None:
        self.vault.unlock()
        self.vault.create(Purpose.JOURNAL, "anna")
        self.vault.put_secret(SecretPurpose.TOKEN, "hub", TOKEN, "anna")
        self.vault.put_anchor(b"the head")

    @property
    def source(self) -> Source:
        items = (KEK_ITEM, ANCHOR_ITEM, "network-local")
        return Source(self.folder, "profile_TEST", self.store, self.folder / "keys", self.secrets, items, self.clock)

    def back_up(self, to: Path, lock: Any = LOCK, progress: Progress | None = None) -> Any:
        return make(self.source, to, lock, "passphrase", "anna", progress or Progress())

    def acts(self) -> list[str]:
        with sqlite3.connect(self.folder / "podadmin.db") as connection:
            return [act for (act,) in connection.execute("SELECT act FROM journal_entry ORDER BY seq")]

    def sql(self, statement: str) -> None:
        with sqlite3.connect(self.folder / "podadmin.db") as connection:
            connection.execute(statement)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "profile")
    made.furnish()
    yield made
    made.store.close()


@pytest.fixture
def made(house: House, tmp_path: Path) -> Path:
    house.back_up(tmp_path / "one.backup")
    return tmp_path / "one.backup"


def restored(file: Path, into: Path, unlock: Any = None) -> Any:
    into.mkdir()
    unpacked = unpack(file, unlock or with_passphrase(PASSPHRASE), into, Progress())
    return unpacked, prove(unpacked, ManualClock(datetime(2026, 4, 1, tzinfo=UTC)), Progress())


def test_everything_comes_back_as_it_was(house: House, made: Path, tmp_path: Path) -> None:
    unpacked, proved = restored(made, tmp_path / "again")
    assert (proved.keys, proved.secrets) == (1, 1)
    assert proved.entries == house.acts().index("backup.begun") + 1
    assert unpacked.manifest.profile == "profile_TEST"
    assert {name: value.reveal() for name, value in unpacked.items.items()} == {
        KEK_ITEM: house.secrets.get(KEK_ITEM),
        ANCHOR_ITEM: b"the head",
    }
    keyring = MemoryKeyring()
    service.put_items(unpacked.items, keyring)
    store = Store.open(tmp_path / "again" / "podadmin.db", Journal(house.clock))
    try:
        vault = Vault(tmp_path / "again" / "keys", keyring, store, house.clock)
        vault.unlock()
        info = vault.find_secret(SecretPurpose.TOKEN, "hub")
        assert info is not None
        assert vault.secret(info.id).reveal() == TOKEN.reveal()
        assert vault.journal_signer().public_raw == house.vault.journal_signer().public_raw
        assert vault.journal_signer().sign(b"x") == house.vault.journal_signer().sign(b"x")
    finally:
        store.close()


def test_a_backup_is_recorded_before_it_is_begun_and_when_it_is_there(house: House, made: Path) -> None:
    assert house.acts()[-2:] == ["backup.begun", "backup.made"]
    with house.store.read() as connection:
        (row,) = backups(connection)
    assert (row.place, row.lock, row.size) == (str(made), "passphrase", made.stat().st_size)
    assert row.made_at == house.clock.now()
    assert row.tested_at is None
    house.clock.advance(60)
    service.record_test(house.store, house.clock, "anna", row.id, row.entries)
    service.record_test(house.store, house.clock, "anna", "backup_ELSEWHERE", 3, "backup.damaged")
    with house.store.read() as connection:
        (tested,) = backups(connection)
    assert tested.tested_at == row.made_at + timedelta(seconds=60)
    assert house.acts()[-2:] == ["backup.tested", "backup.tested"]


def test_nothing_secret_stands_in_the_file_or_is_left_beside_it(house: House, made: Path, tmp_path: Path) -> None:
    kek = house.secrets.get(KEK_ITEM)
    assert kek is not None
    content = made.read_bytes()
    for secret in (PASSPHRASE.reveal().encode(), kek, TOKEN.reveal(), b"SQLite format", b"journal_entry"):
        assert secret not in content
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["one.backup", "profile"]
    assert not (house.folder / service.SCRATCH).exists()


def test_shares_open_it_together_and_their_files_say_what_they_are(house: House, tmp_path: Path) -> None:
    maker = SharesMaker(2, 3)
    files: list[Path] = []
    (tmp_path / "shares").mkdir()
    make(
        house.source,
        tmp_path / "one.backup",
        maker,
        "2 of 3 shares",
        "anna",
        Progress(),
        lambda head: files.extend(maker.write(tmp_path / "shares", head)),
    )
    assert repr(maker) == "SharesMaker(2 of 3)"
    assert [each.name.partition("-share-")[2] for each in files] == ["1-of-3.txt", "2-of-3.txt", "3-of-3.txt"]
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 for each in files)
    text = files[2].read_text(encoding="utf-8")
    assert "share 3 of 3" in text
    shares = [share for each in (files[2], files[0]) for share in shares_in(Secret(each.read_text(encoding="utf-8")))]
    unpacked, proved = restored(tmp_path / "one.backup", tmp_path / "again", with_shares(shares))
    assert proved.keys == 1
    assert isinstance(unpacked.head.lock, SharesLock)
    told = service.told_of(unpacked.head, Path("x"), house.clock.now(), 5)
    assert (told.lock, told.entries, told.tested_at) == ("2 of 3 shares", 5, house.clock.now())
    assert unpacked.head.id in text


def test_a_backup_under_a_passphrase_is_told_as_one(house: House, made: Path, tmp_path: Path) -> None:
    unpacked, _ = restored(made, tmp_path / "again")
    assert service.told_of(unpacked.head, made, house.clock.now(), 5).lock == "passphrase"


# --- where nothing is made -------------------------------------------------------------------------------------------


def nothing_is_left(house: House, folder: Path) -> None:
    assert [each.name for each in folder.iterdir() if each.name != "profile"] == []
    assert not (house.folder / service.SCRATCH).exists()
    assert "backup.made" not in house.acts()


def test_a_place_that_is_none_and_one_that_is_taken(house: House, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere" / "one.backup"):
        with pytest.raises(BadInput) as bad:
            house.back_up(place)
        assert bad.value.code == "backup.bad-place"
    assert "backup.begun" not in house.acts()
    (tmp_path / "one.backup").write_bytes(b"the only good one")
    with pytest.raises(Refused) as taken:
        house.back_up(tmp_path / "one.backup")
    assert taken.value.code == "backup.exists"
    assert (tmp_path / "one.backup").read_bytes() == b"the only good one"


def test_a_file_that_comes_meanwhile_is_not_written_over(house: House, tmp_path: Path) -> None:
    to = tmp_path / "one.backup"
    with pytest.raises(Refused) as taken:
        make(
            house.source, to, LOCK, "passphrase", "anna", Progress(), lambda _head: to.write_bytes(b"somebody else's")
        )  # fmt: skip
    assert taken.value.code == "backup.exists"
    assert to.read_bytes() == b"somebody else's"
    to.unlink()
    nothing_is_left(house, tmp_path)


def test_a_profile_without_keys_has_nothing_to_back_up(tmp_path: Path) -> None:
    bare = House(tmp_path / "profile")
    try:
        with pytest.raises(Refused) as nothing:
            bare.back_up(tmp_path / "one.backup")
        assert nothing.value.code == "backup.nothing"
        bare.vault.unlock()
        with pytest.raises(Refused):
            bare.back_up(tmp_path / "one.backup")
        nothing_is_left(bare, tmp_path)
    finally:
        bare.store.close()


def test_without_what_opens_the_keys_there_is_no_backup(house: House, tmp_path: Path) -> None:
    house.secrets.remove(KEK_ITEM)
    with pytest.raises(Unavailable) as missing:
        house.back_up(tmp_path / "one.backup")
    assert missing.value.code == "vault.kek-missing"
    nothing_is_left(house, tmp_path)


def test_it_can_be_stopped_at_every_step(house: House, tmp_path: Path) -> None:
    steps: list[str] = []
    house.back_up(tmp_path / "whole.backup", progress=Progress(lambda step: steps.append(step.what)))
    (tmp_path / "whole.backup").unlink()
    for number in range(1, len(steps) + 1):
        to = tmp_path / f"{number}.backup"
        try:
            house.back_up(to, progress=stopping_at(number))
        except Cancelled:
            assert not to.exists()
        else:
            assert number == len(steps), "after its last step it is finished"
            to.unlink()
        assert [each.name for each in tmp_path.iterdir()] == ["profile"]


def stopping_at(number: int) -> Progress:
    """A progress that is cancelled at this step."""
    seen = []

    def stop(step: Any) -> None:
        seen.append(step)
        if len(seen) == number:
            progress.cancel()

    progress = Progress(stop)
    return progress


def failing(real: Callable[..., Any], at: int, error: OSError) -> Callable[..., Any]:
    count = 0

    def act(*arguments: Any, **names: Any) -> Any:
        nonlocal count
        count += 1
        if count == at:
            raise error
        return real(*arguments, **names)

    return act


@pytest.mark.parametrize("what", ["_put", "settle"])
def test_a_full_disk_leaves_nothing_behind(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(service, what, failing(getattr(service, what), 1, OSError(errno.ENOSPC, "full")))
    with pytest.raises(Unavailable) as full:
        house.back_up(tmp_path / "one.backup")
    assert full.value.code == "backup.cannot-write"
    assert "full" in full.value.why
    assert not list(tmp_path.glob(".*"))
    if what == "_put":
        nothing_is_left(house, tmp_path)


def test_a_disk_that_does_not_keep_what_it_is_given_is_found_out(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_written", lambda *given: WRITTEN(*given) and "0" * 64)
    with pytest.raises(Unavailable) as lost:
        house.back_up(tmp_path / "one.backup")
    assert lost.value.code == "backup.cannot-write"
    nothing_is_left(house, tmp_path)


def test_a_profile_whose_folder_cannot_be_written_says_so(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "mkdir", failing(Path.mkdir, 2, OSError(errno.EROFS, "read-only")))
    with pytest.raises(Unavailable) as refused:
        house.back_up(tmp_path / "one.backup")
    assert refused.value.code.startswith("store.")
    monkeypatch.undo()
    nothing_is_left(house, tmp_path)


# --- where nothing is restored ---------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "into").mkdir()
    with pytest.raises(NotFound) as gone:
        unpack(tmp_path / "none", with_passphrase(PASSPHRASE), tmp_path / "into", Progress())
    assert gone.value.code == "backup.no-file"
    with pytest.raises(Unavailable) as unreadable:
        unpack(tmp_path, with_passphrase(PASSPHRASE), tmp_path / "into", Progress())
    assert unreadable.value.code == "backup.cannot-read"


def test_a_disk_that_is_full_while_unpacking_says_so(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "into"
    into.mkdir()
    monkeypatch.setattr(os, "fsync", failing(os.fsync, 2, OSError(errno.ENOSPC, "full")))
    with pytest.raises(Unavailable) as full:
        unpack(made, with_passphrase(PASSPHRASE), into, Progress())
    assert full.value.code == "backup.cannot-unpack"


def crafted(tmp_path: Path, *parts: Part) -> Path:
    """A backup that only somebody who knows the passphrase can have made, with other parts than podadmin's."""
    key = Secret(bytes(32))
    content = b"".join(framed(parts))
    head = head_of("backup_TEST", datetime(2026, 3, 1, tzinfo=UTC), len(content), LOCK(key, "backup_TEST"))
    file = tmp_path / "crafted"
    file.write_bytes(head.raw + b"".join(sealed_pieces([content], head, key)))
    return file


MANIFEST = json.dumps({"podadmin": "1", "profile": "p", "made_at": "x", "entries": 1, "head": "0"}).encode()


@pytest.mark.parametrize(
    "parts",
    [
        (part_of("../../escape", b"x"),),
        (part_of("keys/../escape", b"x"),),
        (part_of("keys/.hidden", b"x"),),
        (part_of("keys/", b"x"),),
        (part_of("podadmin.db", b"x"),),
        (part_of("manifest", MANIFEST), part_of("items", b"{}")),
        (part_of("manifest", MANIFEST), part_of("database", b"x")),
        (part_of("items", b"{}"), part_of("database", b"x")),
        (part_of("manifest", b"no json"),),
        (part_of("manifest", b"{}"),),
        (part_of("manifest", MANIFEST.replace(b'"entries": 1', b'"entries": "1"')),),
        (part_of("items", b'{"a": "no base 64!"}'),),
        (part_of("items", b"[]"),),
        (Part("keys/a.key", 5_000, lambda: (b"too short",)),),
        (Part("manifest", 5_000_000, lambda: (bytes(5_000_000),)),),
    ],
)
def test_parts_that_podadmin_does_not_write_are_damage(tmp_path: Path, parts: tuple[Part, ...]) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(Tampered) as damaged:
        unpack(crafted(tmp_path, *parts), with_passphrase(PASSPHRASE), into, Progress())
    assert damaged.value.code == "backup.damaged"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["crafted", "into"]


def test_parts_come_apart_as_they_were_put_together() -> None:
    parts = (part_of("manifest", b"one"), part_of("keys/a.key", b""), part_of("database", b"three"))
    pieces = (bytes([each]) for each in b"".join(framed(parts)))
    assert [(name, size, whole(size, content)) for name, size, content in parted(pieces)] == [
        ("manifest", 3, b"one"),
        ("keys/a.key", 0, b""),
        ("database", 5, b"three"),
    ]
    assert list(parted(iter(()))) == []
    assert items_of(backup_content.items_as_bytes({"a": Secret(b"b")}).reveal())["a"].reveal() == b"b"
    assert manifest_of(MANIFEST).entries == 1


def tampered(house: House, to: Path, statement: str) -> Path:
    """A backup of a profile in which somebody changed the database by hand before it was copied."""
    house.sql(statement)
    house.back_up(to)
    return to


def test_a_journal_that_was_changed_is_found_when_a_restore_is_tried(house: House, tmp_path: Path) -> None:
    file = tampered(house, tmp_path / "one", "UPDATE journal_entry SET actor = 'nobody' WHERE seq = 1")
    with pytest.raises(Tampered) as broken:
        restored(file, tmp_path / "again")
    assert broken.value.code == "backup.journal-broken"
    assert "ntry 1" in broken.value.why


def test_a_key_that_does_not_open_is_found_when_a_restore_is_tried(house: House, tmp_path: Path) -> None:
    (file,) = (house.folder / "keys").glob("*.key")
    file.write_bytes(spoilt(file.read_bytes()))
    house.back_up(tmp_path / "one")
    with pytest.raises(PodadminError) as wrong:
        restored(tmp_path / "one", tmp_path / "again")
    assert wrong.value.code == "vault.key-file-changed"


def test_a_database_that_is_damaged_is_found_when_a_restore_is_tried(
    house: House, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "soundness", lambda *_: ("a page is lost",))
    with pytest.raises(Tampered) as damaged:
        restored(made, tmp_path / "again")
    assert damaged.value.code == "backup.damaged"


@pytest.mark.parametrize("during", ["Checking the database", "Checking entry", "Opening the keys"])
def test_a_restore_can_be_stopped_while_it_is_proved(
    made: Path, tmp_path: Path, during: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_STEP", 1)
    (tmp_path / "again").mkdir()
    unpacked = unpack(made, with_passphrase(PASSPHRASE), tmp_path / "again", Progress())
    progress = Progress(lambda step: progress.cancel() if step.what.startswith(during) else None)
    with pytest.raises(Cancelled):
        backup_restore.prove(unpacked, ManualClock(datetime(2026, 4, 1, tzinfo=UTC)), progress)


def test_what_a_crash_has_left_of_an_earlier_try_is_removed(house: House, tmp_path: Path) -> None:
    left = tmp_path / ".one.backup.0123abcd.part"
    other = tmp_path / ".two.backup.0123abcd.part"
    for each in (left, other):
        each.write_bytes(b"half of it")
    house.back_up(tmp_path / "one.backup")
    assert not left.exists()
    assert other.exists(), "it belongs to a backup of another name"
