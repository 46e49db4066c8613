"""Files of secrets that cost little to open, for profiles of tests: scrypt is meant to take half a second each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from podadmin.core.secret import Secret
from podadmin.vault.passphrase_file import PassphraseFile
from podadmin.vault.stretch import WEAKEST


def seal_lightly(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, files of secrets that are made in this process cost little to open."""
    monkeypatch.setattr(PassphraseFile.__init__, "__kwdefaults__", {"strength": WEAKEST})


def lightly_sealed(profile: Path, passphrase: str) -> None:
    """A profile's file of secrets as its first use makes it, with nothing in it, under the weakest stretching allowed.

    What is put into it later stays under the stretching that its head names.
    """
    profile.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = PassphraseFile(profile / "secrets.sealed", Secret(passphrase), strength=WEAKEST)
    file.put("made", b"now")
    file.remove("made")
