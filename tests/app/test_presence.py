"""The lock of the window, and the proof that guarded acts ask for: one rule for windows and commands."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.acts import handover as acts
from podadmin.app.acts.registry import all_acts
from podadmin.app.ops import Ops, Outcome
from podadmin.app.presence import PROOF_SECONDS
from podadmin.app.profile import open_profile
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, Cancelled, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.vault import handover, reproof

RIGHT, WRONG = Secret("a long enough passphrase for tests"), Secret("not that passphrase")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture
def window(house: Any, clock: ManualClock) -> Any:
    """A profile as a window has it open, with a person before it."""
    with open_profile(house.options(), clock) as profile:
        profile.presence.window = True
        yield profile


def acts_of(profile: Any, house: Any) -> list[str]:
    return [row.act for row in house.act(profile, "journal list").rows]


def test_what_takes_keys_away_or_out_asks_first() -> None:
    guarded = {act.name for act in all_acts() if act.guarded}
    assert guarded >= {"backup make", "backup make-shared", "keys hand-over", "keys revoke", "journal export"}
    assert {act.name for act in all_acts() if act.while_locked} == {"lock show", "lock now", "lock unlock"}


def test_a_guarded_act_asks_and_goes_on_for_two_minutes(window: Any, house: Any, clock: ManualClock) -> None:
    to = str(window.folder.parent / "journal.jsonl")
    with pytest.raises(Refused) as asked:
        house.act(window, "journal export", to=to)
    assert asked.value.code == "lock.proof-needed"
    with pytest.raises(BadInput) as wrong:
        house.act(window, "lock prove", passphrase=WRONG)
    assert wrong.value.code == "vault.passphrase-wrong"
    assert "lock.refused" in acts_of(window, house)
    with pytest.raises(BadInput) as nothing:
        house.act(window, "lock prove")
    assert nothing.value.code == "lock.passphrase-needed", "the file of the start is no proof of who sits there"
    with pytest.raises(Refused):
        house.act(window, "journal export", to=to)
    assert "proved" in house.act(window, "lock prove", passphrase=RIGHT).words
    house.act(window, "journal export", to=to)
    clock.advance(PROOF_SECONDS + 1)
    Path(to).unlink()
    with pytest.raises(Refused):
        house.act(window, "journal export", to=to)


def test_a_locked_window_gets_nothing_but_the_lock(window: Any, house: Any) -> None:
    house.act(window, "lock prove", passphrase=RIGHT)
    view = house.act(window, "lock now")
    assert view.locked
    assert view.since == window.clock.now()
    assert not window.presence.proved
    for name in ("status", "overview", "keys list", "journal list", "requests list"):
        with pytest.raises(Refused) as locked:
            house.act(window, name)
        assert locked.value.code == "lock.locked"
    again = house.act(window, "lock show")
    assert (again.means, again.idle_minutes) == ("passphrase", 15)
    assert "clinic" not in repr(again)
    with pytest.raises(BadInput):
        house.act(window, "lock unlock", passphrase=WRONG)
    assert house.act(window, "lock show").locked
    assert not house.act(window, "lock unlock", passphrase=RIGHT).locked
    assert house.act(window, "status").pod.name == "clinic"
    assert [each for each in reversed(acts_of(window, house)) if each.startswith("lock.")] == [
        "lock.locked",
        "lock.refused",
        "lock.unlocked",
    ]


def test_locking_twice_is_locking_once_and_unlocking_what_is_open_proves(window: Any, house: Any) -> None:
    house.act(window, "lock now", why="idle")
    house.act(window, "lock now")
    house.act(window, "lock unlock", passphrase=RIGHT)
    house.act(window, "lock unlock", passphrase=RIGHT)
    assert [each for each in acts_of(window, house) if each.startswith("lock.")] == ["lock.unlocked", "lock.locked"]


def test_closing_and_starting_again_does_not_open_the_lock(window: Any, house: Any) -> None:
    house.act(window, "lock now")
    with open_profile(house.options()) as again:
        again.presence.window = True
        with pytest.raises(Refused):
            house.act(again, "status")
        again.presence.window = False
        assert house.act(again, "status").pod.name == "clinic", "a command is no window"


def test_a_command_brings_its_own_proof(house: Any, tmp_path: Path) -> None:
    assert house.said("journal", "export", str(tmp_path / "j"))["words"]
    house.secret.write_text("not that passphrase\n", encoding="utf-8")
    assert house.error("journal", "export", str(tmp_path / "k"))["code"] == "vault.passphrase-wrong"
    assert not (tmp_path / "k").exists()


def test_a_command_locks_the_windows_and_can_open_them(house: Any) -> None:
    assert house.said("lock", "now")["locked"] is True
    assert house.said("lock", "show")["means"] == "passphrase"
    assert house.said("lock", "unlock", "--passphrase-from", str(house.secret))["locked"] is False


def test_memory_says_that_it_cannot_ask(house: Any, tmp_path: Path) -> None:
    with open_profile(house.options(profile=tmp_path / "m", keyring="memory")) as profile:
        profile.presence.window = True
        view = house.act(profile, "lock now")
        assert view.means == "none"
        assert "cannot ask" in view.words
        assert not house.act(profile, "lock unlock").locked
        house.act(profile, "journal export", to=str(tmp_path / "j"))
        assert "cannot ask" in house.act(profile, "lock prove").words
    with open_profile(house.options(profile=tmp_path / "u", keyring=None)) as undecided:
        assert house.act(undecided, "lock show").means == "none"


def test_an_auditor_locks_the_own_window_and_needs_no_passphrase(house: Any, tmp_path: Path) -> None:
    with open_profile(house.options(auditor=True, passphrase_file=None)) as profile:
        profile.presence.window = True
        entries = profile.last_entry()
        assert house.act(profile, "lock now").locked
        assert house.act(profile, "lock show").locked
        with pytest.raises(Refused):
            house.act(profile, "journal list")
        assert not house.act(profile, "lock unlock").locked
        house.act(profile, "journal export", to=str(tmp_path / "j"))
        assert profile.last_entry() == entries


def test_the_keyring_asks_its_own_question(house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(reproof, "means_of", lambda *_: reproof.Means.KEYRING)
    monkeypatch.setattr(reproof, "prove_by_keyring", lambda: asked.append("asked"))
    with open_profile(house.options()) as profile:
        house.act(profile, "journal export", to=str(tmp_path / "j"))
        house.act(profile, "journal export", to=str(tmp_path / "k"))
    assert asked == ["asked"]


def test_a_window_hears_of_a_lock_that_a_command_asked_for(house: Any) -> None:
    ops = Ops(house.options())
    heard = threading.Event()
    answers: list[Outcome] = []

    def told(kinds: frozenset[str]) -> None:
        if "lock" in kinds:
            heard.set()

    def ask(act: str) -> Outcome:
        came = threading.Event()
        ops.read(act, {}, lambda outcome: (answers.append(outcome), came.set())[1])
        assert came.wait(120)
        return answers[-1]

    ops.subscribe(told)
    ops.start()
    try:
        assert ask("status").error is None
        house.said("lock", "now")
        assert heard.wait(120)
        error = ask("status").error
        assert error is not None
        assert error.code == "lock.locked"
        assert ask("lock show").value.locked
    finally:
        ops.close()


# --- handing the key to a pod ----------------------------------------------------------------------------------------


def test_the_key_is_there_until_the_pod_has_read_it(house: Any, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    private = storage / "_default" / "pods" / "clinic" / "pod_rsa.pem"
    read: list[bytes] = []

    def pod(step: Any) -> None:
        if private.exists() and not read:
            assert str(storage) in step.what
            read.append(private.read_bytes() + (private.parent / "pod_rsa.pub.pem").read_bytes())

    with house.open() as profile:
        done = acts.hand_over(profile, Progress(pod), storage=str(storage), seconds=120)
        assert done.read
        assert b"OPENSSH PRIVATE KEY" in read[0]
        assert "swap" in done.protection or "disk" in done.protection
        assert list(private.parent.iterdir()) == []
        assert acts_of(profile, house)[:2] == ["key.taken-back", "key.handed-over"]
        words = [row.words for row in house.act(profile, "journal list").rows][:2]
        assert words[1] == "The pod key was handed over for the start of the pod clinic"
        assert words[0].startswith("The pod had read its key")


def test_nobody_reads_it_or_somebody_stops_it(house: Any) -> None:
    with house.open() as profile:
        with pytest.raises(Unavailable) as unread:
            acts.hand_over(profile, Progress(), seconds=1)
        assert unread.value.code == "handover.not-read"
        progress = Progress(lambda _step: progress.cancel())
        with pytest.raises(Cancelled):
            acts.hand_over(profile, progress, seconds=120)
        assert acts_of(profile, house)[:4] == ["key.taken-back", "key.handed-over"] * 2
        for base in (*handover._memory_bases(), profile.folder / handover.FOLDER):
            assert not list(base.glob(f"*{profile.id}*"))
        with pytest.raises(BadInput) as bad:
            acts.hand_over(profile, Progress(), seconds=0)
        assert bad.value.code == "handover.bad-time"
