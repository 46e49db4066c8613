"""Canaries: secrets that are known here, used in everything a custodian does with secrets, and looked for everywhere.

A whole journey at the real desktop and the command line; then every file that there is, every picture's text, the
journal, exports, logs and what was said is searched for each secret in every usual form. Then the desktop is aborted:
it leaves no core dump. What is not claimed: the engine's process holds keys and passphrases while it runs, because it
uses them; whoever may read its memory can read them.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.networks import service as networks
from podadmin.vault.kek import KEK_ITEM
from tests.nursery import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="processes are aborted as on POSIX"),
]

ROOT = Path(__file__).resolve().parents[2]
PROFILE_PASSPHRASE = "canary profile heron"
BACKUP_PASSPHRASE = "canary backup osprey"
MISTYPED = "canary mistyped magpie"
KEY_PASSPHRASE = "canary imported kestrel"
TYPED = (PROFILE_PASSPHRASE, BACKUP_PASSPHRASE, MISTYPED, KEY_PASSPHRASE)


class Custodian:
    """One person with a folder; everything that is said to them is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.profile = folder / "profile"
        self.hidden = folder / "hidden"
        self.hidden.mkdir()
        self.secret = self.file("profile-passphrase", PROFILE_PASSPHRASE)
        self.said: list[str] = []
        self.pictures: list[str] = []

    def file(self, name: str, text: str) -> Path:
        """A secret as a person keeps it: in a file outside everything that podadmin writes."""
        path = self.hidden / name
        path.write_text(text + "\n", encoding="utf-8")
        path.chmod(0o600)
        return path

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    def line(self, *words: str) -> list[str]:
        return ["--profile", str(self.profile), "--passphrase-file", str(self.secret), *words]

    def does(self, *words: str, fails: str = "") -> str:
        done = run(self.line(*words), self.environment, 180, folder=self.folder)
        self.said.append((done.stdout + done.stderr).decode())
        right = (fails.encode() in done.stderr and done.returncode != 0) if fails else done.returncode == 0
        assert right, self.said[-1]
        return done.stdout.decode()

    def sits_down(self, script: str) -> subprocess.Popen[str]:
        steps = self.hidden / "script.txt"
        steps.write_text(script, encoding="utf-8")

        def freely() -> None:
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

        return subprocess.Popen(
            [sys.executable, "-m", "podadmin", *self.line("--headless", "--script", str(steps))],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=freely,
        )


def forms(secret: bytes) -> Iterator[bytes]:
    """The secret as files and texts may carry it."""
    yield secret
    yield secret.hex().encode()
    for encoded in (base64.b64encode(secret), base64.urlsafe_b64encode(secret)):
        # inside of longer base 64 only its middle is recognisable, at any of three offsets
        yield encoded.rstrip(b"=")
    yield json.dumps(secret.decode("latin-1")).strip('"').encode("latin-1", "replace")
    yield secret.decode("latin-1").encode("utf-16-le")


def holders(secrets: dict[str, bytes], files: Iterator[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Which secret stands where."""
    sought = [(name, form) for name, secret in secrets.items() for form in forms(secret) if len(form) >= 12]
    return sorted({(name, where) for where, content in files for name, form in sought if form in content})


def inner(der: bytes) -> bytes:
    """The middle of a private key: what no public half contains."""
    return der[-160:-60]


def no_refusal(custodian: Custodian, script: str) -> subprocess.Popen[str]:
    """Play a script whose last step waits for ever, until everything before it is done."""
    mark = custodian.folder / "played.png"
    process = custodian.sits_down(script + f"\npicture {shlex.quote(str(mark))}\nwait 'this never comes' 300\n")
    ends = time.monotonic() + 800
    while not mark.exists():
        if process.poll() is not None:
            out, err = process.communicate()
            pytest.fail(f"the desktop ended: {out}{err}")
        assert time.monotonic() < ends, "the journey takes too long"
        threading.Event().wait(0.1)
    return process


def test_no_canary_is_found_anywhere_after_the_whole_journey(tmp_path: Path) -> None:
    person = Custodian(tmp_path)
    foreign = generate_private_key(65537, 4096)
    pem = person.hidden / "pod_rsa.pem"
    encryption = BestAvailableEncryption(KEY_PASSPHRASE.encode())
    pem.write_bytes(foreign.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    out = tmp_path / "out"
    shares = tmp_path / "shares"
    out.mkdir()
    shares.mkdir()
    backup_secret = person.file("backup-passphrase", BACKUP_PASSPHRASE)
    wrong = person.file("wrong", MISTYPED)
    person.does("--keyring", "passphrase", "pod", "create", "clinic")
    imported = person.file("imported", KEY_PASSPHRASE)
    person.does("keys", "import", str(pem), "--passphrase-from", str(imported), "--replace")
    person.does("network", "join", "local")
    person.does("backup", "make", str(out / "one.backup"), "--new-passphrase-from", str(backup_secret))
    person.does("backup", "test", str(out / "one.backup"), "--passphrase-from", str(backup_secret))
    person.does("backup", "test", str(out / "one.backup"), "--passphrase-from", str(wrong), fails="wrong-passphrase")
    person.does("keys", "hand-over", "--seconds", "1", fails="handover.not-read")
    desk = no_refusal(
        person,
        f"""
        wait "Gate is on" 180
        page Networks
        choose "What the demo requester asks for" "Predictions of the demo model"
        page Keys
        click Backup
        wait-enabled "Make a backup…" 180
        click "Make a backup…"
        type "File to write" {out / "two.backup"}
        type "Passphrase of the backup" "{BACKUP_PASSPHRASE}"
        type "The same once more" "{BACKUP_PASSPHRASE}"
        picture {out / "asking.png"}
        click "Make the backup"
        wait "Who are you?" 180
        wait "You are asked for the passphrase" 180
        type "Passphrase of this profile" "{MISTYPED}"
        click "Prove it and go on"
        wait "does not open" 180
        type "Passphrase of this profile" "{PROFILE_PASSPHRASE}"
        click "Prove it and go on"
        wait "was written and read back" 180
        picture {out / "made.png"}
        click "Make a backup…"
        type "File to write" {out / "three.backup"}
        click "Shares of several custodians"
        type "Folder for the shares" {shares}
        click "Make the backup"
        wait "Give each share to its custodian" 180
        picture {out / "shares.png"}
        click Close
        click "Test the restore…"
        type "File of the backup" {out / "two.backup"}
        type "Passphrase of the backup" "{BACKUP_PASSPHRASE}"
        click "Test it"
        wait "The backup can be restored" 180
        key Ctrl+L
        wait "You are asked for the passphrase" 180
        type "Passphrase of this profile" "{MISTYPED}"
        click Unlock
        wait "does not open" 180
        type "Passphrase of this profile" "{PROFILE_PASSPHRASE}"
        click Unlock
        wait-gone "podadmin is locked" 180
        page Journal
        click "Verify the journal"
        wait "Verified to entry" 180
        """,
    )
    desk.send_signal(signal.SIGABRT)
    said, complained = desk.communicate(timeout=60)
    assert desk.returncode == -signal.SIGABRT
    person.said += [said, complained]
    assert not [each for each in tmp_path.rglob("core*") if each.is_file()], "a crash leaves no memory behind"
    person.does("journal", "export", str(out / "journal.jsonl"))
    person.does("--json", "keys", "list")
    person.does("--json", "settings", "list")
    person.does("--json", "journal", "list", "--limit", "500")
    secrets: dict[str, Any] = {text: text.encode() for text in TYPED}
    with open_profile(Options(profile=person.profile, passphrase_file=person.secret)) as profile:
        vault = profile.open_vault()
        kek = vault.secrets.get(KEK_ITEM)
        assert kek is not None
        secrets["key-encryption key"] = kek
        for info in vault.every_key():
            private = vault.private(info).reveal()
            secrets[f"private {info.purpose.value} key"] = inner(private) if len(private) > 200 else private[-32:]
        secrets["key of the network"] = networks.api_key(vault, "local").key.reveal().encode()
    secrets["foreign key"] = inner(foreign.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    for number, share in enumerate(sorted(shares.iterdir())):
        words = [line for line in share.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        secrets[f"share {number}"] = words[1].encode()

    def everything() -> Iterator[tuple[str, bytes]]:
        for path in sorted(tmp_path.rglob("*")):
            inside = path.relative_to(tmp_path).parts
            if path.is_file() and not path.is_symlink() and inside[0] not in {"hidden", "shares"}:
                yield "/".join(inside), path.read_bytes()
        for number, text in enumerate(person.said):
            yield f"said {number}", text.encode()
        for base in (Path("/dev/shm"), Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"))):
            if base.is_dir():
                for path in base.rglob("podadmin-*"):
                    yield (
                        f"left in memory: {path.name}",
                        b"".join(f.read_bytes() for f in path.rglob("*") if f.is_file()),
                    )

    places = {where for where, _ in everything()}
    for expected in ("profile/podadmin.db", "profile/secrets.sealed", "out/journal.jsonl", "out/two.backup"):
        assert expected in places, f"{expected} was not looked at"
    assert holders(secrets, everything()) == []


def test_the_search_finds_what_is_there() -> None:
    """A search that finds nothing proves nothing, unless it would have found something."""
    canary = {"it": b"canary in the coal mine"}
    for form in (
        b"xx canary in the coal mine xx",
        b"canary in the coal mine".hex().encode(),
        base64.b64encode(b"canary in the coal mine"),
        "canary in the coal mine".encode("utf-16-le"),
    ):
        assert holders(canary, iter([("a file", b"..." + form + b"...")])) == [("it", "a file")]
    assert holders(canary, iter([("a file", b"nothing here")])) == []
