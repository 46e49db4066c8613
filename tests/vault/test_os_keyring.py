"""The keyring of the operating system: a real one on a bus of its own, and every state that it can be in."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keyring.backends.kwallet
import keyring.backends.null
import keyring.backends.Windows
import pytest
from keyring.backend import KeyringBackend

from podadmin.core.errors import Cancelled, Refused, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.journal import service as journal_service
from podadmin.vault import os_keyring
from podadmin.vault.model import KeyringState, Purpose, SecretPurpose
from podadmin.vault.os_keyring import SERVICE, OsKeyring, choose

ROOT = Path(os_keyring.__file__).parents[2]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the Secret Service is Linux's")
real = [
    linux,
    pytest.mark.keyring,
    pytest.mark.skipif(
        not all(map(shutil.which, ("dbus-daemon", "dbus-run-session", "gnome-keyring-daemon"))),
        reason="gnome-keyring and dbus-daemon are not installed",
    ),
]

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={folder}/bus</listen><servicedir>{folder}/services</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""


@dataclass
class Bus:
    """A session bus of its own with its own home; `serve` says what starts when somebody asks for a keyring."""

    folder: Path

    def serve(self, script: str) -> None:
        """Every call makes a new service that the bus starts by itself, which is how nothing here has to wait."""
        runner = self.folder / "serve.sh"
        runner.write_text(f"#!/bin/sh\necho $$ >> {self.folder}/pids\n{script}\n")
        runner.chmod(0o700)
        (self.folder / "services").mkdir(exist_ok=True)
        (self.folder / "services" / "secrets.service").write_text(
            f"[D-BUS Service]\nName=org.freedesktop.secrets\nExec={runner}\n"
        )
        reload_services()

    def end_services(self) -> None:
        pids = self.folder / "pids"
        for pid in pids.read_text().split() if pids.exists() else ():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue


def reload_services() -> None:
    """Tell the bus to read its service files again now, instead of when it notices."""
    import secretstorage
    from jeepney import DBusAddress, new_method_call

    connection = secretstorage.dbus_init()
    address = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    connection.send_and_get_reply(new_method_call(address, "ReloadConfig"))
    connection.close()


GNOME = "printf %s 'a password' | exec gnome-keyring-daemon --unlock --foreground --components=secrets"
GNOME_WITHOUT_KEYRING = "exec gnome-keyring-daemon --foreground --components=secrets"


@pytest.fixture
def bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    folder = tmp_path / "bus"
    (folder / "services").mkdir(parents=True)
    (folder / "data" / "keyrings").mkdir(parents=True)
    (folder / "run").mkdir(mode=0o700)
    (folder / "bus.conf").write_text(CONFIG.format(folder=folder))
    for name, value in {
        "HOME": folder,
        "XDG_DATA_HOME": folder / "data",
        "XDG_CONFIG_HOME": folder / "config",
        "XDG_RUNTIME_DIR": folder / "run",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHON_KEYRING_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert daemon.stdout is not None
    assert daemon.stdout.readline()
    bus = Bus(folder)
    yield bus
    bus.end_services()
    daemon.kill()
    daemon.wait()
    daemon.stdout.close()


def lock_the_default_keyring() -> None:
    import secretstorage

    connection = secretstorage.dbus_init()
    secretstorage.get_default_collection(connection).lock()
    connection.close()


class TestReal:
    pytestmark = real

    def test_an_open_keyring_is_ready_and_keeps_what_it_is_given(self, bus: Bus) -> None:
        bus.serve(GNOME)
        store = OsKeyring("profile-a")
        assert store.title == "Keyring of the operating system"
        assert store.state() is KeyringState.READY
        assert store.title == "Secret Service keyring of this desktop"
        assert store.get("kek") is None
        store.put("kek", bytes(range(32)))
        store.put("kek", bytes(range(1, 33)))
        assert OsKeyring("profile-a").get("kek") == bytes(range(1, 33))
        store.remove("kek")
        store.remove("kek")
        assert store.get("kek") is None

    def test_two_profiles_do_not_meet(self, bus: Bus) -> None:
        bus.serve(GNOME)
        OsKeyring("profile-a").put("kek", b"a")
        OsKeyring("profile-b").put("kek", b"b")
        OsKeyring("profile-b").remove("other")
        assert (OsKeyring("profile-a").get("kek"), OsKeyring("profile-b").get("kek")) == (b"a", b"b")

    def test_a_locked_keyring_is_seen_without_a_question_and_gives_nothing(self, bus: Bus) -> None:
        bus.serve(GNOME)
        store = OsKeyring("profile-a")
        store.put("kek", b"secret")
        lock_the_default_keyring()
        assert store.state() is KeyringState.LOCKED
        for act in (lambda: store.get("kek"), lambda: store.put("kek", b"other"), lambda: store.remove("kek")):
            with pytest.raises(Unavailable) as caught:
                act()
            assert caught.value.code == "vault.keyring-locked"
        assert store.state() is KeyringState.LOCKED

    def test_a_service_without_any_keyring_yet_counts_as_locked_because_its_first_use_asks(self, bus: Bus) -> None:
        bus.serve(GNOME_WITHOUT_KEYRING)
        store = OsKeyring("profile-a")
        assert store.state() is KeyringState.LOCKED
        with pytest.raises(Unavailable) as caught:
            store.put("kek", b"secret")
        assert caught.value.code == "vault.keyring-locked"

    def test_a_bus_without_a_keyring_service_is_absent(self, bus: Bus) -> None:
        store = OsKeyring("profile-a")
        assert store.state() is KeyringState.ABSENT
        with pytest.raises(Unavailable) as caught:
            store.put("kek", b"secret")
        assert caught.value.code == "vault.keyring-absent"

    def test_a_keyring_that_starts_later_is_found_then(self, bus: Bus) -> None:
        store = OsKeyring("profile-a")
        assert store.state() is KeyringState.ABSENT
        bus.serve(GNOME)
        assert store.state() is KeyringState.READY

    def test_a_service_that_never_answers_is_given_up_in_time(self, bus: Bus) -> None:
        bus.serve("exec sleep 60")
        store = OsKeyring("profile-a", timeout_seconds=0.3)
        assert store.state() is KeyringState.UNRESPONSIVE
        with pytest.raises(Unavailable) as caught:
            store.get("kek")
        assert caught.value.code == "vault.keyring-unresponsive"

    def test_a_vault_in_a_real_keyring_is_locked_vanishes_comes_back_and_is_sealed_anew(
        self, bus: Bus, profile: Any
    ) -> None:
        bus.serve(GNOME)
        profile.secrets = OsKeyring("profile-a")
        vault = profile.open()
        info = vault.create(Purpose.JOURNAL, "custodian")
        vault.exchange_kek("custodian")
        assert profile.open().private(info).reveal()
        lock_the_default_keyring()
        for act in (profile.open, lambda: vault.create(Purpose.REVIEWER, "custodian", "anna")):
            with pytest.raises(Unavailable) as caught:
                act()
            assert caught.value.code == "vault.keyring-locked"
        assert vault.journal_signer().sign(b"what was opened before stays open")
        assert [path.name for path in profile.keys.iterdir()] == [info.file]
        bus.end_services()
        with pytest.raises(Unavailable) as caught:
            vault.exchange_kek("custodian")
        assert caught.value.code in {"vault.keyring-locked", "vault.keyring-absent", "vault.keyring-unresponsive"}
        assert [act for _, act, _, _ in profile.acts()].count("keyring.exchanged") == 1

    def test_an_item_that_somebody_overwrote_is_tampered_and_stays_as_it_is(self, bus: Bus) -> None:
        bus.serve(GNOME)
        backend = choose()
        backend.set_password(SERVICE, "profile-a/kek", "not base64 at all!")
        store = OsKeyring("profile-a")
        with pytest.raises(Tampered) as caught:
            store.get("kek")
        assert caught.value.code == "vault.keyring-item-changed"
        assert backend.get_password(SERVICE, "profile-a/kek") == "not base64 at all!"

    def test_a_keyring_that_was_chosen_in_the_librarys_settings_is_used_where_it_is_allowed(
        self, bus: Bus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bus.serve(GNOME)
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.SecretService.Keyring")
        assert OsKeyring("profile-a").state() is KeyringState.READY
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.macOS.Keyring")
        assert OsKeyring("profile-a").state() is KeyringState.ABSENT

    def test_a_preferred_collection_is_the_one_that_is_looked_at(
        self, bus: Bus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bus.serve(GNOME)
        monkeypatch.setenv("KEYRING_PROPERTY_PREFERRED_COLLECTION", "/org/freedesktop/secrets/collection/nowhere")
        assert OsKeyring("profile-a").state() is KeyringState.LOCKED

    def test_another_process_finds_the_secret_in_an_ordinary_session(self, tmp_path: Path) -> None:
        """The whole way as on a server: dbus-run-session, a daemon unlocked from standard input, two processes."""
        run = "from podadmin.vault.os_keyring import OsKeyring; k = OsKeyring('p'); "
        script = (
            "printf %s 'a password' | gnome-keyring-daemon --unlock --components=secrets --daemonize >/dev/null && "
            f'"$0" -c "{run}k.put(\'kek\', bytes(32))" && '
            f'"$0" -c "{run}print(k.state().value, k.get(\'kek\') == bytes(32))"'
        )
        for folder in ("data/keyrings", "config"):
            (tmp_path / folder).mkdir(parents=True)
        (tmp_path / "run").mkdir(mode=0o700)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "XDG_DATA_HOME": str(tmp_path / "data"),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        }
        ended = subprocess.run(
            ["dbus-run-session", "--", "sh", "-c", script, sys.executable],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert ended.stdout.split() == ["ready", "True"]


@linux
def test_an_account_without_a_bus_has_no_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    store = OsKeyring("profile-a")
    assert store.state() is KeyringState.ABSENT
    with pytest.raises(Unavailable) as caught:
        store.get("kek")
    assert caught.value.code == "vault.keyring-absent"


STATE = """
import json
from podadmin.core.errors import PodadminError
from podadmin.vault.os_keyring import OsKeyring
store = OsKeyring("profile-a")
errors = []
for act in (lambda: store.get("kek"), lambda: store.put("kek", bytes(32)), lambda: store.remove("kek")):
    try:
        act()
    except PodadminError as error:
        errors.append([error.code, error.why])
print(json.dumps([store.state().value, errors]))
"""


@pytest.mark.parametrize(
    ("configured", "reason"),
    [
        ("keyring.backends.null.Keyring", "take every secret and keep none"),
        ("keyring.backends.fail.Keyring", "refuse every secret"),
        ("keyring.backends.chainer.ChainerBackend", "which one holds the keys"),
        ("keyrings.alt.file.PlaintextKeyring", "not protected"),
        ("some.other.Backend", "does not know"),
    ],
)
@pytest.mark.parametrize("how", ["environment", "file"])
def test_a_setting_that_would_not_keep_secrets_safely_is_refused_with_its_reason(
    configured: str, reason: str, how: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PYTHON_KEYRING_BACKEND": ""}
    if how == "environment":
        environment["PYTHON_KEYRING_BACKEND"] = configured
    else:
        (tmp_path / "python_keyring").mkdir()
        (tmp_path / "python_keyring" / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring={configured}\n")
    ended = subprocess.run(
        [sys.executable, "-c", STATE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    state, errors = json.loads(ended.stdout)
    assert state == "refused"
    assert [code for code, _ in errors] == ["vault.keyring-refused"] * 3
    assert all(reason in why for _, why in errors)
    assert configured not in ended.stdout


@pytest.mark.parametrize(
    "configured",
    [
        "keyring.backends.null.Keyring",
        "keyring.backends.fail.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "keyrings.alt.file.EncryptedKeyring",
        "x",
    ],
)
def test_a_refused_setting_is_not_even_imported(configured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", configured)
    before = set(sys.modules)
    with pytest.raises(Refused) as caught:
        choose()
    assert caught.value.code == "vault.keyring-refused"
    assert set(sys.modules) == before


@linux
@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"no section at all", KeyringState.REFUSED),
        (b"[backend]\ndefault-keyring=\xff\xfe", KeyringState.REFUSED),
        (b"[other]\nx=y\n", KeyringState.ABSENT),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_not_guessed_at(
    content: bytes, state: KeyringState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "python_keyring").mkdir()
    (tmp_path / "python_keyring" / "keyringrc.cfg").write_bytes(content)
    assert OsKeyring("profile-a").state() is state


class Scripted(KeyringBackend):
    """A keyring library backend that fails as told, then keeps one value."""

    priority = 0.1  # type: ignore[assignment]

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)
        self.calls = 0
        self.value: str | None = None

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return self.value

    def set_password(self, service: str, username: str, password: str) -> None:
        self.value = password


def using(backend: KeyringBackend) -> OsKeyring:
    store = OsKeyring("profile-a")
    store._chosen = backend
    return store


def test_a_raw_bus_error_is_tried_once_more_and_then_told() -> None:
    jeepney = pytest.importorskip("jeepney")
    call = jeepney.new_method_call(jeepney.DBusAddress("/x", "x.y"), "Z")
    hiccup = jeepney.DBusErrorResponse(jeepney.new_error(call, "org.freedesktop.Secret.Error.NoSession"))
    once = Scripted(hiccup)
    assert using(once).get("kek") is None
    assert once.calls == 2
    with pytest.raises(Unavailable) as caught:
        using(Scripted(hiccup, hiccup)).get("kek")
    assert caught.value.code == "vault.keyring-unresponsive"


def test_a_keyring_that_says_no_is_not_asked_again() -> None:
    backend = Scripted(keyring.errors.KeyringLocked("x"))
    with pytest.raises(Unavailable):
        using(backend).get("kek")
    assert backend.calls == 1


def test_a_keyring_that_does_not_give_back_what_it_took_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        using(keyring.backends.null.Keyring()).put("kek", b"secret")
    assert caught.value.code == "vault.keyring-refused"


def test_a_secret_fits_the_smallest_keyring() -> None:
    backend = Scripted()
    store = using(backend)
    store.put("head", b"x" * os_keyring.LARGEST_SECRET)
    assert len(backend.value or "") <= 1280
    with pytest.raises(ValueError, match="at most"):
        store.put("head", b"x" * (os_keyring.LARGEST_SECRET + 1))


class Credentials(Scripted):
    """The Credential Manager of Windows: several items, each of at most 1280 characters."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.items.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password) > 1280:
            raise OSError(1783, "CredWrite", "The stub received bad data")
        self.items[username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.items[username]


def test_a_vault_lives_in_a_keyring_that_keeps_little(profile: Any) -> None:
    """Every key, secret and anchor goes through a keyring that refuses more than 1280 characters."""
    credentials = Credentials()
    profile.secrets = using(credentials)
    vault = profile.open()
    for purpose, name in ((Purpose.POD, ""), (Purpose.JOURNAL, ""), (Purpose.EHR, "epic"), (Purpose.REVIEWER, "anna")):
        vault.create(purpose, "custodian", name)
    vault.put_secret(SecretPurpose.FILE, "a long one", Secret(b"x" * 100_000), "custodian")
    journal_service.anchor_head(profile.stores[0], vault, vault.journal_signer(), profile.clock)
    vault.exchange_kek("custodian")
    assert sorted(credentials.items) == ["profile-a/journal-head", "profile-a/key-encryption-key"]
    assert max(map(len, credentials.items.values())) <= 1280
    later = profile.open()
    assert len(later.secret(later.secrets_kept()[0].id).reveal()) == 100_000
    assert later.pod_key().key_id
    with pytest.raises(Unavailable) as caught:
        using(Refusing()).put("kek", b"x")
    assert caught.value.code == "vault.keyring-unresponsive"


class Refusing(Scripted):
    """Refuses every item, as Windows does one that is too long."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError(1783, "CredWrite", "The stub received bad data")


def test_a_person_who_types_the_keyrings_password_is_waited_for_and_can_call_it_off() -> None:
    using(Scripted()).unlock("kek", 5, lambda: None)
    hanging, released = Scripted(), threading.Event()
    hanging.get_password = lambda *_: released.wait(60)  # type: ignore[method-assign,assignment]

    def called_off() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        using(hanging).unlock("kek", 5, called_off)
    released.set()
    with pytest.raises(Unavailable) as caught:
        using(Scripted(keyring.errors.KeyringLocked("dismissed"))).unlock("kek", 5, lambda: None)
    assert caught.value.code == "vault.keyring-locked"


def test_a_wallet_that_is_not_open_here_is_locked_and_the_others_are_open_with_the_session() -> None:
    assert using(keyring.backends.kwallet.DBusKeyring()).state() is KeyringState.LOCKED
    assert using(keyring.backends.Windows.WinVaultKeyring()).state() is KeyringState.READY


@linux
@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_each_operating_system_has_its_own_keyring_and_no_other(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", system)
    assert OsKeyring("profile-a").state() is KeyringState.ABSENT


def test_the_representation_names_the_profile_only() -> None:
    assert repr(OsKeyring("profile-a")) == "OsKeyring('profile-a')"
