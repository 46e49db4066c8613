"""The sentinel: looks at every datasource on a schedule and tells when one breaks, gets slow, or is well again.

A look reads next to nothing (see `podadmin.datasources.health`). What stayed as it was is not written down; when the
last look was is a note beside the database, which may be lost and is no record.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread

from podadmin.core.clock import stamp, unstamp
from podadmin.core.errors import Cancelled, PodadminError
from podadmin.core.progress import Progress
from podadmin.datasources import health, service
from podadmin.datasources.model import Datasource
from podadmin.datasources.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

SCHEDULE: Final = "datasource.look-every"
LOOK_SECONDS: Final = 1.0
FIRST_SECONDS: Final = 30.0
"""So long after the start of the engine comes the first look: opening the window comes before it."""
_NOTE: Final = "looks.json"
log = logging.getLogger("podadmin.sentinel")


class Sentinel:
    """One for each engine. `run` is for the engine's loop; `look_at_all` blocks."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile

    async def run(self) -> None:
        """Look at every datasource when its time has come, until cancelled."""
        clock = self._profile.clock
        began, looked = clock.monotonic(), 0.0
        while True:
            await anyio.sleep(LOOK_SECONDS)
            try:
                every = self._profile.settings.number(SCHEDULE) * 60.0
                now = clock.monotonic()
                due = looked + every if looked else began + FIRST_SECONDS
                if not every or now < due:
                    continue
                looked = now
                progress = Progress()
                try:
                    await to_thread.run_sync(look_at_all, self._profile, progress, abandon_on_cancel=True)
                finally:
                    progress.cancel()
            except PodadminError as error:
                log.warning("the datasources were not looked at: %s", error.code)


def look_at_all(
    profile: Profile, progress: Progress, *, actor: str = "podadmin", patience: float = PATIENCE_SECONDS
) -> int:
    """Look at every datasource once; says for how many something is new. Raises `store.*`, Cancelled.

    One whose password lies in a vault that is locked is left as it is: what cannot be asked says nothing about it.
    """
    new = 0
    sources = service.list_all(profile.store)
    for place, source in enumerate(sources):
        progress.report(f"Looking at {source.name}", place / len(sources))
        new += look_at(profile, source, progress, actor=actor, patience=patience)
    return new


def look_at(
    profile: Profile,
    source: Datasource,
    progress: Progress,
    *,
    actor: str = "podadmin",
    patience: float = PATIENCE_SECONDS,
) -> bool:
    """Look at one datasource and keep what is new. Raises as `look_at_all`."""
    try:
        password = service.password_of(source.source, lambda: profile.vault)
    except Cancelled:
        raise
    except PodadminError as error:
        if error.code != "datasource.password-missing":
            log.info("%s was not looked at: %s", source.id, error.code)
            return False
        found = health.broken(error)
    else:
        found = health.look(source.source, password, profile.clock, progress, mount=source.mount, patience=patience)
    _note(profile, source.id)
    return health.keep(profile.store, profile.clock, actor, source, found)


def looks(profile: Profile) -> Mapping[str, datetime]:
    """When every datasource was looked at last, by its id; empty where that note is lost."""
    try:
        kept = json.loads(_file(profile).read_text(encoding="utf-8"))
        return {str(name): unstamp(at) for name, at in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _note(profile: Profile, datasource_id: str) -> None:
    kept = {**{name: stamp(at) for name, at in looks(profile).items()}, datasource_id: stamp(profile.clock.now())}
    file = _file(profile)
    part = file.with_suffix(".part")
    try:
        part.write_text(json.dumps(kept), encoding="utf-8")
        part.replace(file)
    except OSError as error:
        log.warning("when a datasource was looked at was not noted: %s", type(error).__name__)


def _file(profile: Profile) -> Path:
    return profile.folder / _NOTE
