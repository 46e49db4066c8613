"""New profiles whose database was made once: bringing an empty one up to date costs more than most stories do.

What bringing up to date itself does is shown where it is at home, by tests that take no part in this.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from podadmin.store import engine
from podadmin.store.migrate import bring_up_to_date


@contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Within, an empty file that is opened starts as a copy of one database, really brought up to date in `folder`."""
    ready = folder / "ready.db"

    def copied(path: Path) -> None:
        if path.stat().st_size == 0:
            if not ready.exists():
                bring_up_to_date(ready)
            shutil.copyfile(ready, path)
        bring_up_to_date(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "bring_up_to_date", copied)
        yield
