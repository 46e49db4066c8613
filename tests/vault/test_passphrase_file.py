"""The passphrase file: opens with its passphrase, tells a wrong one from a changed file, is written whole."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault import passphrase_file, stretch
from podadmin.vault.model import KeyringState
from podadmin.vault.passphrase_file import PassphraseFile

WORDS = "correct horse battery staple"
HEADER = len(b"PODADMIN-SECRETS") + 4 + 16 + 16 + 32


def opened(path: Path, passphrase: str = WORDS) -> PassphraseFile:
    return PassphraseFile(path, Secret(passphrase), strength=14)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "profile" / "secrets.sealed"
    opened(path).put("kek", b"\x00\x01secret")
    return path


def test_what_was_put_is_there_for_the_next_process(path: Path) -> None:
    assert opened(path).get("kek") == b"\x00\x01secret"
    assert opened(path).get("other") is None
    assert opened(path).state() is KeyringState.READY


def test_a_file_that_is_not_made_yet_is_ready_and_holds_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path / "none")
    assert store.state() is KeyringState.READY
    assert store.get("kek") is None
    assert list(tmp_path.iterdir()) == []


def test_items_are_replaced_and_removed_one_by_one(path: Path) -> None:
    store = opened(path)
    store.put("head", b"1")
    store.put("head", b"2")
    store.remove("kek")
    store.remove("never there")
    assert (opened(path).get("head"), opened(path).get("kek")) == (b"2", None)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_this_account_may_read_the_file_and_no_scratch_file_stays(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {each.name for each in path.parent.iterdir()} == {"secrets.sealed", ".secrets.sealed.lock"}


def test_the_file_shows_nothing_of_the_items(path: Path) -> None:
    assert b"kek" not in path.read_bytes()
    assert b"secret" not in path.read_bytes()


def test_a_wrong_passphrase_is_its_own_error_and_the_state_is_locked(path: Path) -> None:
    store = opened(path, "correct horse battery stable")
    with pytest.raises(BadInput) as caught:
        store.get("kek")
    assert caught.value.code == "vault.passphrase-wrong"
    assert store.state() is KeyringState.LOCKED
    before = path.read_bytes()
    with pytest.raises(BadInput):
        store.put("kek", b"overwritten")
    assert path.read_bytes() == before


def test_the_same_letters_typed_on_another_system_open_the_file(tmp_path: Path) -> None:
    path = tmp_path / "secrets.sealed"
    opened(path, "cafe\u0301 cafe\u0301 cafe\u0301").put("kek", b"1")
    assert opened(path, "caf\u00e9 caf\u00e9 caf\u00e9").get("kek") == b"1"


def test_a_short_passphrase_is_refused_when_the_file_would_be_made(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        opened(tmp_path / "secrets.sealed", "short").put("kek", b"1")
    assert caught.value.code == "vault.passphrase-short"
    assert not (tmp_path / "secrets.sealed").exists()


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_no_changed_byte_opens(path: Path, data: st.DataObject) -> None:
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(1, 255))
    path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
    try:
        store = opened(path)
        with pytest.raises(Tampered) as caught:
            store.get("kek")
        assert caught.value.code == "vault.secrets-file-changed"
        assert store.state() is KeyringState.REFUSED
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("length", [0, 1, 20, HEADER - 1, HEADER, HEADER + 12, HEADER + 27, -1])
def test_a_truncated_file_does_not_open(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(Tampered):
        opened(path).get("kek")


def test_a_file_beyond_all_measure_is_not_read_into_memory(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(1 << 22)
    with pytest.raises(Tampered):
        opened(path).get("kek")


@pytest.mark.parametrize(("place", "value"), [(0, 2), (1, 13), (1, 21), (1, 63), (2, 9), (3, 2)])
def test_parameters_outside_the_known_ones_are_refused_before_scrypt_runs(path: Path, place: int, value: int) -> None:
    whole = bytearray(path.read_bytes())
    whole[16 + place] = value
    whole[HEADER - 32 : HEADER] = hashlib.sha256(whole[: HEADER - 32]).digest()
    path.write_bytes(whole)
    with pytest.raises(Tampered):
        opened(path).get("kek")


def test_a_salt_changed_with_a_matching_sum_opens_nothing(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[20] ^= 1
    whole[HEADER - 32 : HEADER] = hashlib.sha256(whole[: HEADER - 32]).digest()
    path.write_bytes(whole)
    with pytest.raises(BadInput):
        opened(path).get("kek")


@pytest.mark.parametrize("strength", [0, 13, 21])
def test_a_strength_out_of_bounds_is_a_mistake_of_the_programmer(tmp_path: Path, strength: int) -> None:
    with pytest.raises(ValueError, match="scrypt"):
        PassphraseFile(tmp_path / "secrets.sealed", Secret(WORDS), strength=strength)


def test_an_unreadable_place_is_said_as_such(tmp_path: Path) -> None:
    store = opened(tmp_path)  # a folder where the file should be
    with pytest.raises(Unavailable) as caught:
        store.get("kek")
    assert caught.value.code == "vault.cannot-read"
    assert store.state() is KeyringState.UNRESPONSIVE


def test_an_unwritable_place_is_said_as_such(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("a file where the folder should be")
    with pytest.raises(Unavailable) as caught:
        opened(tmp_path / "profile" / "secrets.sealed").put("kek", b"1")
    assert caught.value.code == "vault.cannot-write"


def test_a_disk_that_drops_what_it_was_given_is_found_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrase_file, "write_whole", lambda *_: None)
    with pytest.raises(Tampered):
        opened(path).put("kek", b"newer")


def test_scrypt_runs_once_and_then_the_key_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    real = stretch.Scrypt

    def counted(**parameters: int) -> object:
        runs.append(parameters["n"])
        return real(**parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(stretch, "Scrypt", counted)
    store = opened(path)
    for turn in range(3):
        store.put("head", bytes([turn]))
    assert runs == [1 << 14]


@pytest.mark.slow
def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from podadmin.core.secret import Secret\n"
        "from podadmin.vault.passphrase_file import PassphraseFile\n"
        f"store = PassphraseFile(Path(sys.argv[1]), Secret({WORDS!r}), strength=14)\n"
        "for turn in range(15): store.put(f'{sys.argv[2]}-{turn}', b'x')\n"
    )
    root = Path(passphrase_file.__file__).parents[2]
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), name], cwd=root) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    store = opened(path)
    assert all(store.get(f"{name}-{turn}") == b"x" for name in "ab" for turn in range(15))


def test_neither_the_passphrase_nor_an_item_is_in_any_representation(path: Path) -> None:
    store = opened(path)
    store.get("kek")
    shown = repr(store) + str(store) + repr(vars(store))
    assert "horse" not in shown
    assert "secret'" not in shown
    with pytest.raises(BadInput) as caught:
        opened(path, "another passphrase").get("kek")
    assert "another" not in str(caught.value)
