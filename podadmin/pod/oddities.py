"""What is odd about a pod that somebody set up before: each with a fix, or the reason why there is none here.

`look` gathers facts from files and changes nothing; `judge` is a pure rule over those facts. Sources: bitfount
contract, sections 0, 1.7, 2, 4, 9.3, 9.4, 10 and 11.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from podadmin.core.text import stranger
from podadmin.networks.bitfount.pod_config import DatasourceConfig, PodConfig
from podadmin.pod.yaml_reading import Found
from podadmin.vault.importing import POD_KEY, POD_PUBLIC, LeftBehind, left_behind

CONTROL_PORT = 29209
STYPES = frozenset({"categorical", "continuous", "image", "text", "image_prefix"})
_MOST_PLUGINS = 200
_LARGEST_PLUGIN = 16 * 1024 * 1024


@dataclass(frozen=True)
class Plugin:
    """A file of Python that the pod runs with everything that it may do. `sha256` of its content."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Facts:
    """What was found. `variables` are those that the pod is started with today, as far as they are known.

    `readable_by_others`: files of the pod that other accounts of this computer can read. `caches`: files in which data
    of patients lies readable, with their sizes. `private` and `public`: are the key files there?
    """

    found: Found
    file: Path
    storage: Path
    variables: Mapping[str, str]
    left: tuple[LeftBehind, ...] = ()
    plugins: tuple[Plugin, ...] = ()
    caches: tuple[tuple[Path, int], ...] = ()
    readable_by_others: tuple[Path, ...] = ()
    private: bool = True
    public: bool = True


@dataclass(frozen=True)
class Oddity:
    """`tone`: bad | warn | info. `what` it is, `why` it matters; `fix`: what podadmin does about it when it starts the
    pod, or what can be done with `act`; `why_not`: why nothing can be done about it here. One of the two is empty.
    """

    code: str
    tone: str
    what: str
    why: str
    fix: str = ""
    act: str = ""
    why_not: str = ""


def key_folder(storage: Path, config: PodConfig) -> Path:
    """Where the software of the field looks for the pod's key (bitfount contract, section 4)."""
    return storage / config.username / "pods" / config.name


def look(found: Found, file: Path, storage: Path, variables: Mapping[str, str]) -> Facts:
    """The facts about a pod on this computer. What cannot be read is not there for this."""
    keys = key_folder(storage, found.config)
    cache = Path(variables.get("BITFOUNT_CACHE_DIR") or storage / "cache")
    caches = [*cache.glob("datasets/*.sqlite"), *cache.glob("pods/*/background_cache.db")]
    private = [keys / POD_KEY, keys / "compute_tls_key.pem", storage / found.config.username / ".token", file]
    return Facts(
        found=found,
        file=file,
        storage=storage,
        variables=variables,
        left=left_behind(keys / POD_KEY),
        plugins=tuple(_plugins(storage, variables)),
        caches=tuple((path, path.stat().st_size) for path in sorted(caches) if path.is_file()),
        readable_by_others=tuple(path for path in private if _open_to_others(path)),
        private=(keys / POD_KEY).is_file(),
        public=(keys / POD_PUBLIC).is_file(),
    )


def judge(facts: Facts) -> tuple[Oddity, ...]:
    """Everything that is odd, the worst first. Pure."""
    every = (*_keys(facts), *_file(facts), *_leaks(facts), *_data(facts), *_settings(facts.found.config))
    order = {"bad": 0, "warn": 1, "info": 2}
    return tuple(sorted(every, key=lambda each: order[each.tone]))


def _keys(facts: Facts) -> Iterator[Oddity]:
    for left in facts.left:
        if not left.protected:
            yield Oddity(
                "key-in-clear",
                "bad",
                f"{left.what} lies readable in {stranger(str(left.path), 200)}",
                "Whoever reads this file can use it, and every backup of the disk holds it too.",
                fix=f"Seal it in the vault and remove the file. {left.without}",
                act=f"keys seal {left.path} --remove",
            )
    if not facts.private:
        without = "nothing" if not facts.public else "only the public half"
        yield Oddity(
            "no-key",
            "warn",
            f"The pod's storage holds {without} of its key",
            "The pod's software makes a new identity without asking when it finds no key.",
            fix="Started from here, the pod is lent its key from the vault, for its start only.",
        )


def _file(facts: Facts) -> Iterator[Oddity]:
    for name in facts.found.secrets:
        yield Oddity(
            "secret-in-file",
            "bad",
            f"The configuration file held a secret in clear; here it is called {name}",
            "Whoever reads the file has it.",
            fix="It lies in the vault now, and the pod gets it in its environment. Seal and remove the old file.",
            act=f"keys seal {facts.file} --remove",
        )
    for path in facts.readable_by_others:
        yield Oddity(
            "readable-by-others",
            "bad",
            f"Other accounts of this computer can read {stranger(str(path), 200)}",
            "Its mode lets more than its owner in.",
            fix="Take the right to read from everybody but its owner.",
            act=f"chmod 600 {path}",
        )
    for place in dict.fromkeys(facts.found.relative):
        yield Oddity(
            "relative-path",
            "warn",
            f"{stranger(place, 100)} was a path that is not absolute",
            "It means another file in every folder from which the pod is started.",
            fix="It is absolute now, seen from the folder that was named.",
        )


def _leaks(facts: Facts) -> Iterator[Oddity]:
    port = facts.variables.get("BITFOUNT_POD_CONTROL_SERVER_PORT") or str(CONTROL_PORT)
    yield Oddity(
        "control-server",
        "bad",
        f"The pod's control server listens on all addresses of this computer (port {stranger(port, 10)})",
        "Without any proof of who asks it takes other datasources, replaces settings and clears caches.",
        why_not="The pod's software has no setting for it. Close the port in the firewall of this computer.",
    )
    if _is_on(facts.variables, "BITFOUNT_ENABLE_TELEMETRY", default=True):
        yield Oddity(
            "telemetry",
            "warn",
            "Telemetry is on",
            "Names of datasources, numbers of files and of records leave for the maker of the software.",
            fix="Started from here, it is off, and the gate refuses the measurements that have no switch.",
        )
    if facts.variables.get("BITFOUNT_DD_CLIENT_TOKEN"):
        yield Oddity(
            "datadog",
            "bad",
            "A token for Datadog is set",
            "Logs of the pod are sent to a third party.",
            fix="Started from here, the variable is left behind, and the gate lets no such host through.",
        )
    if _is_on(facts.variables, "BITFOUNT_PATIENT_API_SERVER_ENABLED", default=False):
        yield Oddity(
            "patient-api",
            "bad",
            "The pod's interface for patients' data is on",
            "It gives patients' data to whoever is logged in as the pod's user.",
            fix="Started from here, it is off.",
        )
    for plugin in facts.plugins:
        yield Oddity(
            "plugin",
            "bad",
            f"A plugin is there: {stranger(str(plugin.path), 200)}",
            f"The pod runs it with everything that it may do. SHA-256 {plugin.sha256}.",
            why_not="podadmin cannot tell what it does. Have somebody read it, and remove it where nobody knows it.",
        )


def _data(facts: Facts) -> Iterator[Oddity]:
    if not (facts.variables.get("BITFOUNT_TASK_RESULTS_DIR") or facts.variables.get("BITFOUNT_OUTPUT_DIR")):
        yield Oddity(
            "results-anywhere",
            "warn",
            "Results of tasks land in the folder from which the pod happens to be started",
            "They hold data of patients, and nothing ever removes them.",
            fix="Started from here, they land in the profile's folder for this pod.",
        )
    if facts.found.config.pod_db is True:
        yield Oddity(
            "database-anywhere",
            "warn",
            "The pod keeps its project database in the folder from which it happens to be started",
            "It names the files of patients that were looked at.",
            fix="Give it a folder of its own.",
            act="pod configure --pod-db FOLDER",
        )
    if not _is_on(facts.variables, "BITFOUNT_CACHE_ENCRYPTION_ENABLED", default=False):
        held = f" {len(facts.caches)} such files are there now." if facts.caches else ""
        yield Oddity(
            "cache-in-clear",
            "bad" if facts.caches else "warn",
            "The pod's cache is not encrypted",
            f"It holds what was read from patients' files, readable on the disk.{held}",
            why_not="Its encryption reads the pod's key from a file while the pod runs, and here the key is lent for "
            "the start only. Keep the storage on an encrypted disk.",
        )
    if _is_on(facts.variables, "BITFOUNT_BACKGROUND_PERIODIC_RERUN_ENABLED", default=True):
        yield Oddity(
            "unattended",
            "warn",
            "Tasks that were linked once are run again by themselves, each night and when files are added",
            "Nobody decides about those runs, and the network's access manager is not asked.",
            fix="Started from here, this is off.",
        )


def _settings(config: PodConfig) -> Iterator[Oddity]:
    if config.datasources is None:
        yield Oddity(
            "datasources-at-hub",
            "warn",
            "The configuration names no datasources: the pod fetches them from the hub",
            "Paths and connections of this hospital lie at the hub, and whoever changes them there changes the pod.",
            fix="Connect the datasources here and write them into the configuration.",
            act="pod configure --datasources",
        )
    if config.differential_privacy is not None:
        yield Oddity(
            "privacy-is-a-cap",
            "info",
            "The privacy budget protects less than its name says",
            "It is the most that a requester may ask for who uses differential privacy; one who does not is let in.",
            why_not="The pod's software has no more. Limits and rules here apply to every requester.",
        )
    if config.config_reload_file_poll_interval_seconds is not None:
        yield Oddity(
            "watches-its-file",
            "info",
            "The pod watches its configuration file and follows every change of it",
            "Whoever can write the file changes what the pod offers while it runs.",
            fix="Started from here, it reads a file that only your account can write.",
        )
    if not config.hub.url.startswith("https://") or not config.access_manager.url.startswith("https://"):
        yield Oddity(
            "unencrypted",
            "bad",
            "The hub or the access manager is reached without encryption",
            "Whoever stands in between can read and change what they say, permissions too.",
            fix="Correct the address.",
            act="pod configure --hub https://…",
        )
    for each in config.datasources or ():
        yield from _datasource(each)


def _datasource(each: DatasourceConfig) -> Iterator[Oddity]:
    data = each.data_config
    forced = data.force_stypes or {}
    nested = all(isinstance(value, dict) for value in forced.values()) and forced
    names = {stype for part in forced.values() for stype in part} if nested else set(forced)
    if unknown := sorted(str(name) for name in names - STYPES):
        yield Oddity(
            "unknown-type",
            "warn",
            f"{each.name} forces a type that does not exist: {stranger(', '.join(unknown), 100)}",
            "The pod's software passes it over without a word.",
            fix="Choose the type of the column on the page of the datasource.",
        )
    if data.column_descriptions:
        yield Oddity(
            "descriptions-lost",
            "info",
            f"Descriptions of columns of {each.name} never reach its schema",
            "The pod's software does not use them (version 13).",
            fix="A schema that podadmin generates has them.",
        )
    if data.auto_tidy:
        yield Oddity(
            "tidied",
            "info",
            f"{each.name} is tidied up before tasks see it",
            "Rows with gaps are left out and numbers are scaled: results are not about the data as they lie there.",
            fix="Switch it off on the page of the datasource where that is not meant.",
        )


def _plugins(storage: Path, variables: Mapping[str, str]) -> Iterator[Plugin]:
    first = Path(variables.get("BITFOUNT_PLUGIN_PATH") or storage / "_plugins")
    second = Path(variables.get("BITFOUNT_FEDERATED_PLUGIN_PATH") or first / "federated")
    folders = (first / "datasources", first / "models", second / "protocols", second / "algorithms")
    for path in sorted({path for folder in folders for path in folder.glob("*.py")})[:_MOST_PLUGINS]:
        try:
            size = path.stat().st_size
            if path.is_file() and size <= _LARGEST_PLUGIN:
                yield Plugin(path, hashlib.sha256(path.read_bytes()).hexdigest(), size)
        except OSError:
            yield Plugin(path, "of a file that cannot be read", 0)


def _open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH)) and path.owner() != ""
    except (OSError, KeyError, NotImplementedError):
        return False


def _is_on(variables: Mapping[str, str], name: str, *, default: bool) -> bool:
    told = variables.get(name, "").strip().lower()
    return default if not told else told in {"1", "true", "yes", "on", "t", "y"}
