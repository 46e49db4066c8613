"""A profile is used by many threads at once: readers, the writer, the engine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.vault.service import Vault

THREADS = 8


@pytest.mark.parametrize("turn", range(10))
def test_threads_that_want_the_vault_at_once_get_the_same(tmp_path: Path, turn: int) -> None:
    """Each of two would be unlocked on its own, and a secret that one keeps in memory would be unknown to the other."""
    with open_profile(Options(profile=tmp_path / f"profile-{turn}", keyring="memory")) as profile:
        together = threading.Barrier(THREADS)

        def wanted(_: int) -> Vault:
            together.wait(30)
            return profile.vault

        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(wanted, range(THREADS)))
        assert all(vault is profile.vault for vault in found)
