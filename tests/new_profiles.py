"""New profiles whose database was made once: bringing an empty one up to date costs more than most stories do.

What bringing up to date itself does is shown where it is at home, by tests that say so (`really_made`), and by every
process of podadmin that a test starts: none of them knows of this.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from podadmin.store import engine
from podadmin.store.migrate import bring_up_to_date


@contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Within, an empty file that is opened starts as a copy of one database, really brought up to date in `folder`."""
    ready, lock, really = folder / "ready.db", threading.Lock(), engine.bring_up_to_date

    def copied(path: Path) -> None:
        with lock:
            if path.stat().st_size == 0:
                if not ready.exists():
                    ready.touch(mode=0o600)
                    really(ready)
                shutil.copyfile(ready, path)
        really(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "bring_up_to_date", copied)
        yield


def really_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this test, a new database is made step by step, as a user's is."""
    monkeypatch.setattr(engine, "bring_up_to_date", bring_up_to_date)
