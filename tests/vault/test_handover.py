"""Lending the pod's key as files: in memory where that is proved, for this account only, and gone afterwards."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault import handover
from podadmin.vault.handover import in_memory, lend, linked, sweep

ROOT = Path(__file__).resolve().parents[2]
KEY = generate_private_key(65537, 2048)
DER = Secret(KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
NAME = f"profile_TEST{os.getpid()}"

needs_memory = pytest.mark.skipif(
    not (sys.platform == "linux" and in_memory(Path("/dev/shm"))), reason="no tmpfs on this machine"
)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    assert not list(Path("/dev/shm").glob(f"*{NAME}*"))


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "in_memory", lambda _path: False)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@needs_memory
def test_the_files_are_what_a_pod_reads_and_only_this_account_can(tmp_path: Path) -> None:
    with lend(NAME, tmp_path, DER, "clinic") as lent:
        assert lent.in_memory
        assert lent.private == lent.storage / "_default" / "pods" / "clinic" / "pod_rsa.pem"
        assert [mode(lent.private), mode(lent.public)] == [0o600, 0o600]
        folders = [lent.storage, *(each for each in lent.storage.rglob("*") if each.is_dir())]
        assert {mode(each) for each in folders} == {0o700}
        assert not lent.was_read()
        text = lent.private.read_bytes()
        assert lent.was_read()
        assert text.startswith(b"-----BEGIN OPENSSH PRIVATE KEY-----")
        private = load_ssh_private_key(text, None)
        assert isinstance(private, RSAPrivateKey)
        assert private.private_numbers() == KEY.private_numbers()
        assert load_ssh_public_key(lent.public.read_bytes()) == KEY.public_key()
    assert not lent.storage.exists()
    assert not lent.was_read()
    assert not (tmp_path / handover.FOLDER).exists()


@pytest.mark.usefixtures("no_memory")
def test_without_a_place_in_memory_the_disk_of_the_profile_is_used_and_it_says_so(tmp_path: Path) -> None:
    with lend(NAME, tmp_path, DER, "clinic", "research") as lent:
        assert not lent.in_memory
        assert lent.storage.parent == tmp_path / handover.FOLDER
        assert lent.private.parent.parent.parent.name == "research"
    assert list((tmp_path / handover.FOLDER).iterdir()) == []


@pytest.mark.parametrize("name", ["..", ".", "a/b", "", "a\0b", "x" * 101, "ä"])
def test_names_that_could_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    for pod, user in ((name, "_default"), ("clinic", name)):
        with pytest.raises(BadInput) as bad, lend(NAME, tmp_path, DER, pod, user):
            pytest.fail("it was lent")
        assert bad.value.code == "handover.bad-name"


def test_memory_is_believed_only_where_the_system_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_memory(tmp_path / "is not there")
    assert not in_memory(Path("/proc"))
    monkeypatch.setattr(handover.sys, "platform", "darwin")
    assert not in_memory(Path("/dev/shm"))


@needs_memory
def test_a_runtime_folder_that_is_no_memory_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for told in ("relative", str(tmp_path / "missing"), "/proc"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", told)
        with lend(NAME, tmp_path, DER, "clinic") as lent:
            assert lent.storage.parent == Path("/dev/shm")


@pytest.mark.usefixtures("no_memory")
def test_a_disk_that_takes_nothing_lends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(handover, "_put", full)
    with pytest.raises(Unavailable) as refused, lend(NAME, tmp_path, DER, "clinic"):
        pytest.fail("it was lent")
    assert refused.value.code == "handover.cannot-write"
    assert list((tmp_path / handover.FOLDER).iterdir()) == []
    (tmp_path / handover.FOLDER).rmdir()
    (tmp_path / handover.FOLDER).write_text("in the way")
    with pytest.raises(Unavailable), lend(NAME, tmp_path, DER, "clinic"):
        pytest.fail("it was lent")


@pytest.mark.usefixtures("no_memory")
def test_a_file_that_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as held:
        with pytest.raises(Unavailable) as left, lend(NAME, tmp_path, DER, "clinic") as lent:
            held.setattr(handover.shutil, "rmtree", lambda *_, **__: None)
        assert left.value.code == "handover.left-behind"
        assert lent.storage.name in left.value.next_step
    shutil.rmtree(tmp_path / handover.FOLDER)


@pytest.mark.usefixtures("no_memory")
def test_what_lay_in_the_file_is_overwritten_before_it_is_removed(tmp_path: Path) -> None:
    with lend(NAME, tmp_path, DER, "clinic") as lent:
        kept = tmp_path / "a second name of the same file"
        os.link(lent.private, kept)
        size = kept.stat().st_size
    assert kept.read_bytes() == bytes(size)


@pytest.mark.usefixtures("no_memory")
def test_links_in_the_pods_own_storage_lead_to_the_key_and_are_removed(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    private = storage / "_default" / "pods" / "clinic" / "pod_rsa.pem"
    with lend(NAME, tmp_path, DER, "clinic") as lent:
        with linked(lent, storage, "clinic"):
            assert private.is_symlink()
            assert load_ssh_private_key(private.read_bytes(), None)
            assert (private.parent / "pod_rsa.pub.pem").read_bytes().startswith(b"ssh-rsa ")
        assert list(private.parent.iterdir()) == []
        private.symlink_to(tmp_path / "gone")
        with linked(lent, storage, "clinic"):
            assert private.read_bytes()
        private.write_text("a key in clear")
        with pytest.raises(Refused) as there, linked(lent, storage, "clinic"):
            pytest.fail("it was linked")
        assert there.value.code == "handover.files-there"
        assert private.read_text() == "a key in clear"
        (tmp_path / "file").write_text("no folder")
        with pytest.raises(Unavailable) as refused, linked(lent, tmp_path / "file", "clinic"):
            pytest.fail("it was linked")
        assert refused.value.code == "handover.cannot-write"


LENDER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from podadmin.core.secret import Secret
    from podadmin.vault.handover import lend

    with lend(sys.argv[1], Path(sys.argv[2]), Secret(Path(sys.argv[3]).read_bytes()), "clinic") as lent:
        print(lent.storage, flush=True)
        sys.stdin.read()
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("memory", [True, False])
def test_after_a_crash_the_next_start_removes_it_and_what_is_still_lent_stays(
    tmp_path: Path, memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if memory and not in_memory(Path("/dev/shm")):
        pytest.skip("no tmpfs on this machine")
    (tmp_path / "key").write_bytes(DER.reveal())
    code = LENDER if memory else "import podadmin.vault.handover as h; h.in_memory = lambda _: False\n" + LENDER
    lender = subprocess.Popen(
        [sys.executable, "-c", code, NAME, str(tmp_path), str(tmp_path / "key")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": ""},
        text=True,
    )
    assert lender.stdin is not None
    assert lender.stdout is not None
    try:
        storage = Path(lender.stdout.readline().strip())
        assert (storage / "_default" / "pods" / "clinic" / "pod_rsa.pem").exists()
        assert sweep(NAME, tmp_path) == 0
        assert storage.exists(), "a living process lends it"
        lender.send_signal(signal.SIGKILL)
        lender.wait(60)
        assert storage.exists(), "a crash leaves it behind"
        assert sweep("profile_ANOTHER", tmp_path) == 0
        assert sweep(NAME, tmp_path) == 1
        assert not storage.exists()
        assert sweep(NAME, tmp_path) == 0
    finally:
        lender.kill()
        lender.wait(60)
        lender.stdin.close()
        lender.stdout.close()
        sweep(NAME, tmp_path)


@pytest.mark.usefixtures("no_memory")
def test_sweeping_leaves_alone_what_it_cannot_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lent = tmp_path / handover.FOLDER
    lent.mkdir()
    (lent / f"podadmin-lent-{NAME}-file").write_text("no folder")
    (lent / f"podadmin-lent-{NAME}-link").symlink_to(tmp_path)
    (lent / f"podadmin-lent-{NAME}-left").mkdir()
    with monkeypatch.context() as held:
        held.setattr(handover.shutil, "rmtree", lambda *_, **__: None)
        assert sweep(NAME, tmp_path) == 0
    assert sweep(NAME, tmp_path) == 1
    assert len(list(lent.iterdir())) == 2


def test_a_folder_that_belongs_to_somebody_else_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / handover.FOLDER / f"podadmin-lent-{NAME}-theirs"
    theirs.mkdir(parents=True)
    with monkeypatch.context() as other:
        other.setattr(os, "getuid", lambda: theirs.stat().st_uid + 1)
        assert sweep(NAME, tmp_path) == 0
    assert theirs.exists()
