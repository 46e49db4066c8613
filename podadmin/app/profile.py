"""A profile: one folder with database, sealed keys, logs and exports, and everything that was opened from it.

Nothing is ever written outside the folder except where the custodian pointed. A profile opens without the keyring, so
that what was recorded can be read when the keyring is locked; only what needs a key says so.
"""

from __future__ import annotations

import getpass
import logging
import shutil
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from podadmin.app.diagnostics import quiet_threads
from podadmin.app.lock import EngineLock
from podadmin.app.options import Options, folder_of
from podadmin.app.presence import Presence
from podadmin.app.restoring import finish as finish_restoring
from podadmin.app.settings import Settings, keep
from podadmin.core.clock import Clock, SystemClock, new_id
from podadmin.core.errors import Refused, Unavailable
from podadmin.core.redaction import redact
from podadmin.core.secret import Secret
from podadmin.journal import service as journal_service
from podadmin.journal.chain import Entry
from podadmin.journal.records import Journal, last_entry
from podadmin.store.engine import Store, Watcher, explain
from podadmin.store.unit import Fact
from podadmin.vault.handover import sweep as sweep_lent_keys

if TYPE_CHECKING:
    from podadmin.app.engine import Engine
    from podadmin.vault.backends import SecretStore
    from podadmin.vault.service import Vault

KEYRING_SETTING = "keyring.backend"
PROFILE_SETTING = "profile.id"
TOUR_SETTING = "tour"
_WIPE = "remove-this-tour"


class Profile:
    """An open profile. Safe to use from any thread. Make one with `open_profile`."""

    def __init__(self, folder: Path, store: Store, options: Options, clock: Clock) -> None:
        self.folder = folder
        self.store = store
        self.options = options
        self.clock = clock
        self.settings = Settings(store)
        self.actor = _account()
        self.auditor = options.auditor
        """Looks only: the store cannot be written, no engine runs, and acts that change something are refused."""
        self.presence = Presence(self)
        self.lock = EngineLock(folder / "engine.lock")
        self.engine: Engine | None = None
        self.engine_comes = False
        """True where an engine is about to be started for this process: until then the gate is not called off."""
        self._watcher: Watcher | None = None
        self._vault: Vault | None = None
        self._making = threading.Lock()

    @property
    def network_folder(self) -> Path:
        return self.folder / "local-network"

    @property
    def requester_folder(self) -> Path:
        return self.folder / "demo-requester"

    @property
    def work_folder(self) -> Path:
        """For what an engine spills while it reads data; emptied at every start of the engine."""
        return self.folder / "work"

    @property
    def id(self) -> str:
        return str(self.settings.internal(PROFILE_SETTING))

    @property
    def is_tour(self) -> bool:
        return bool(self.settings.internal(TOUR_SETTING))

    @property
    def keyring_choice(self) -> str | None:
        """The backend that was chosen for this profile; None while nothing was chosen."""
        kept = self.settings.internal(KEYRING_SETTING)
        return str(kept) if kept is not None else None

    def choose_keyring(self, backend: str) -> None:
        """Choose where secrets live. Raises Refused (`vault.backend-fixed`) once keys lie under another one."""
        kept = self.keyring_choice
        if kept == backend:
            return
        if kept is not None and _has_keys(self):
            raise Refused(
                "vault.backend-fixed",
                "Where secrets live was not changed.",
                f"The keys of this profile are sealed under the backend “{kept}”; another one could not open them.",
                f"Start podadmin with --keyring {kept}, or make a new profile.",
            )
        fact = Fact(self.actor, "keyring.chosen", backend, {"was": kept})
        with self.store.record(fact) as unit:
            keep(unit, KEYRING_SETTING, backend)
        with self._making:
            self._vault = None

    @property
    def vault(self) -> Vault:
        """The vault under the chosen backend, the same for all threads: another one would be locked on its own.

        Raises Unavailable (`vault.undecided`) while nothing was chosen.
        """
        with self._making:
            if self._vault is None:
                self._vault = self._new_vault()
            return self._vault

    def _new_vault(self) -> Vault:
        choice = self.keyring_choice
        if choice is None:
            raise Unavailable(
                "vault.undecided",
                "Keys cannot be made or used.",
                "It was not chosen where the secrets of this profile live.",
                "Choose it on the first page, or with `podadmin keyring choose`.",
            )
        from podadmin.vault.service import Vault

        secrets = self.secret_place(choice, self.id, self.folder)
        return Vault(self.folder / "keys", secrets, self.store, self.clock)

    def open_vault(self) -> Vault:
        """The vault, unlocked. May wait for the keyring. Raises what unlocking raises (`vault.*`)."""
        vault = self.vault
        vault.unlock()
        return vault

    def secret_place(self, choice: str, profile_id: str, folder: Path) -> SecretStore:
        """Where the secrets of the profile with that name and folder live, under a backend; this one or a restored."""
        from podadmin.app.passphrase import PassphraseAtUse
        from podadmin.vault.backends import open_backend

        def opened(passphrase: Secret[str] | None) -> SecretStore:
            return open_backend(choice, profile_id=profile_id, folder=folder, passphrase=passphrase)

        return PassphraseAtUse(opened, self.options.passphrase_file) if choice == "passphrase" else opened(None)

    def last_entry(self) -> int:
        """The number of the journal's last entry, 0 for an empty journal."""
        with self.store.read() as connection:
            last = last_entry(connection)
        return last.seq if last else 0

    def entries_since(self, seq: int) -> tuple[Entry, ...]:
        """What was recorded after entry `seq` by anybody; cheap where nothing was."""
        if self._watcher is None:
            self._watcher = Watcher(self.store.path, reads_only=self.auditor)
        return journal_service.since(self.store, seq) if self._watcher.changed() else ()

    def close(self) -> None:
        """Let go of everything; safe to call twice."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        self.lock.release()
        self.store.close()

    def __enter__(self) -> Profile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_profile(options: Options, clock: Clock | None = None) -> Profile:
    """Open the profile that the options name, and make it where it does not exist.

    Raises Unavailable and Refused (`store.*`) where the folder or its database cannot be used, Refused
    (`vault.downgrade`) where another keyring is asked for than the one that the keys lie under. For an auditor nothing
    is made: NotFound (`store.no-profile`) where there is no profile, Refused (`store.older`) for one to migrate first.
    """
    clock = clock or SystemClock()
    folder = folder_of(options)
    if options.auditor:
        return Profile(folder, Store.open_to_read(folder / "podadmin.db", Journal(clock)), options, clock)
    try:
        _finish_wipe(folder)
        finish_restoring(folder)
        for each in (folder, folder / "keys", folder / "work", folder / "logs"):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise explain(error, "opening the profile") from error
    store = Store.open(folder / "podadmin.db", Journal(clock))
    try:
        profile = Profile(folder, store, options, clock)
        _log_to(folder / "logs" / "podadmin.log")
        _name(profile)
        _keyring(profile)
        sweep_lent_keys(profile.id, folder)
    except BaseException:
        store.close()
        raise
    return profile


def wipe_at_next_start(profile: Profile) -> None:
    """Mark a tour's profile for removal. Raises Refused (`tour.not-a-tour`) for one with a custodian's own work."""
    if not profile.is_tour:
        raise Refused(
            "tour.not-a-tour",
            "Nothing was removed.",
            "This profile was not made by the tour.",
            "Remove datasources and networks one by one where you want that.",
        )
    (profile.folder / _WIPE).touch()


def _finish_wipe(folder: Path) -> None:
    if (folder / _WIPE).exists():
        lock = EngineLock(folder / "engine.lock")
        if not lock.take():
            raise Unavailable(
                "tour.still-running",
                "The tour is not removed yet.",
                "Another podadmin still runs in it.",
                "Close that one first.",
            )
        lock.release()
        for each in sorted(folder.iterdir(), key=lambda path: path.name == _WIPE):
            shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def _name(profile: Profile) -> None:
    if profile.settings.internal(PROFILE_SETTING) is None:
        name = new_id("profile")
        with profile.store.record(Fact(profile.actor, "profile.made", name)) as unit:
            keep(unit, PROFILE_SETTING, name)


def _keyring(profile: Profile) -> None:
    asked, kept = profile.options.keyring, profile.keyring_choice
    if asked is None and kept is None and profile.options.headless:
        asked = "memory"
    if asked is not None and kept is not None and asked != kept and _has_keys(profile):
        raise Refused(
            "vault.downgrade",
            "The profile was not opened.",
            f"Its keys are sealed under the backend “{kept}”, and “{asked}” was asked for.",
            f"Start podadmin with --keyring {kept}.",
        )
    if asked is not None:
        profile.choose_keyring(asked)


def _has_keys(profile: Profile) -> bool:
    return any((profile.folder / "keys").iterdir())


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "custodian"


def _log_to(file: Path) -> None:
    log = logging.getLogger("podadmin")
    if any(isinstance(handler, logging.FileHandler) and Path(handler.baseFilename) == file for handler in log.handlers):
        return
    handler = logging.FileHandler(file, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log.addHandler(handler)
    redact(log)
    quiet_threads()
    log.setLevel(logging.INFO)
    log.propagate = False
