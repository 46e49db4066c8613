"""Every setting, declared once: name, kind, default, bounds, words. The page, the commands and the checks follow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from podadmin.app.views.settings import SettingRow
from podadmin.core.errors import BadInput, NotFound
from podadmin.networks.way_out import read_place
from podadmin.store.engine import Store
from podadmin.store.settings import setting
from podadmin.store.unit import Fact

MOST_TEXT: Final = 300


@dataclass(frozen=True)
class Declared:
    """A setting. `kind`: int | float | choice | text. `check` raises BadInput for a text that will not do."""

    name: str
    title: str
    help: str
    kind: str
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    restart: bool = False
    check: Callable[[str], object] = len


SETTINGS: tuple[Declared, ...] = (
    Declared(
        "gate.window",
        "Time to decide",
        "How long a request can be decided before its requester is told that it is held. The requester's software "
        "gives up after 300 seconds, whatever is set here.",
        "float",
        300.0,
        1.0,
        300.0,
        unit="seconds",
    ),
    Declared(
        "gate.release-before",
        "Latest delivery",
        "An approved request older than this is not delivered any more: the pod would start it for a requester who "
        "has already gone. It is covered by a grant instead.",
        "float",
        270.0,
        1.0,
        290.0,
        unit="seconds",
    ),
    Declared(
        "gate.largest-request",
        "Largest request",
        "A request with more bytes than this is refused unopened.",
        "int",
        16 * 1024 * 1024,
        1024,
        512 * 1024 * 1024,
        unit="bytes",
    ),
    Declared(
        "gate.grant-days",
        "Life of a grant",
        "How long an approval that came after the window waits for the request to be sent again.",
        "int",
        30,
        1,
        365,
        unit="days",
    ),
    Declared(
        "gate.hide-errors",
        "Hide errors of the pod",
        "Leave out of a pod's last word to a requester what the error of a program says: it can quote data. You read "
        "it all the same.",
        "choice",
        "on",
        choices=("on", "off"),
    ),
    Declared(
        "gate.see-results",
        "See results first",
        "Keep what a task brings until you have seen it and let it go: its results, and of a training the first "
        "update of the model. Its words for a log stay here. Its requester waits meanwhile; a real pod and its "
        "requester do so for a few minutes only.",
        "choice",
        "off",
        choices=("off", "on"),
    ),
    Declared(
        "gate.telemetry",
        "Let measurements out",
        "Whether a pod behind the gate may send measurements of itself and of the data, such as numbers of files and "
        "records, to its network.",
        "choice",
        "off",
        choices=("off", "on"),
    ),
    Declared(
        "gate.unknown-calls",
        "Let unknown calls out",
        "Whether a pod behind the gate may make calls of its network that this version of podadmin does not know, and "
        "write other things at the network's hub than its own software does.",
        "choice",
        "off",
        choices=("off", "on"),
    ),
    Declared(
        "network.proxy",
        "The hospital's proxy",
        "Host and port of the proxy through which this computer reaches networks, such as proxy.hospital.example:3128. "
        "Empty: straight out, or as the environment says. The pod itself always goes through the gate.",
        "text",
        "",
        check=read_place,
    ),
    Declared(
        "network.proxy-user",
        "Name at the proxy",
        "The name by which the hospital's proxy knows this computer; empty where it asks for none. The password lies "
        "in the vault: `podadmin network proxy-password`.",
        "text",
        "",
    ),
    Declared(
        "keys.renew-after",
        "Life of a key",
        "After this long a key counts as due to be replaced, on the first page too. It goes on working. 0: never.",
        "int",
        730,
        0,
        3650,
        unit="days",
    ),
    Declared(
        "limits.warn-at",
        "Nearly used up",
        "From which part of a limit on you are told that it is nearly reached.",
        "int",
        80,
        1,
        100,
        unit="percent",
    ),
    Declared(
        "worker.time-limit",
        "Longest task",
        "The built-in worker stops a task that runs longer than this.",
        "float",
        600.0,
        1.0,
        86400.0,
        unit="seconds",
    ),
    Declared(
        "datasource.look-every",
        "Look at the datasources",
        "How often every datasource is looked at while the gate's engine runs: is it there, may it be read, does it "
        "answer? You are told when one breaks, and when it is well again. 0: never.",
        "int",
        15,
        0,
        1440,
        unit="minutes",
    ),
    Declared(
        "schema.memory",
        "Memory for reading data",
        "The most memory that generating a schema may use.",
        "int",
        512,
        64,
        65536,
        unit="MB",
    ),
    Declared(
        "schema.small-group",
        "Small groups",
        "A category with fewer records than this is marked when you review what a schema reveals.",
        "int",
        10,
        1,
        1000,
        unit="records",
    ),
    Declared(
        "journal.anchor-every",
        "Anchor the journal",
        "How soon after a change the head of the journal is kept in the keyring.",
        "float",
        5.0,
        0.1,
        3600.0,
        unit="seconds",
    ),
    Declared(
        "journal.copy-every",
        "Anchor the journal elsewhere",
        "How soon after a change the head of the journal is written to the files that were named for it.",
        "float",
        300.0,
        1.0,
        86400.0,
        unit="seconds",
    ),
    Declared(
        "journal.stamp-every",
        "Time-stamp the journal",
        "How often the time-stamping authority is asked, where one was named and something has happened.",
        "float",
        24.0,
        0.1,
        720.0,
        unit="hours",
    ),
    Declared(
        "journal.keep-years",
        "Keep the journal",
        "For how many years at least the journal, requests and decisions are kept; exports state it. podadmin deletes "
        "nothing by itself, and offers no way to delete an entry.",
        "int",
        6,
        6,
        100,
        unit="years",
    ),
    Declared(
        "lock.idle-minutes",
        "Lock the window",
        "After so many minutes in which nobody uses it, the window is locked; 0 for never. The gate goes on running.",
        "int",
        15,
        0,
        480,
        unit="minutes",
    ),
    Declared(
        "desktop.notify",
        "Tell of requests",
        "Show a notification of the system when a request comes to wait for you: who asks, what leaves, until when. "
        "It never decides anything.",
        "choice",
        "on",
        choices=("on", "off"),
    ),
    Declared(
        "appearance.theme",
        "Light or dark",
        "Follow the system's choice, or always use one.",
        "choice",
        "system",
        choices=("system", "light", "dark"),
    ),
)
_BY_NAME = {declared.name: declared for declared in SETTINGS}


class Settings:
    """The values in force for one profile, read from its store each time they are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def number(self, name: str) -> float:
        return float(self._value(name))

    def text(self, name: str) -> str:
        return str(self._value(name))

    def rows(self) -> tuple[SettingRow, ...]:
        kept = self._kept()
        return tuple(_row(declared, kept) for declared in SETTINGS)

    def change(self, name: str, given: str, actor: str) -> SettingRow:
        """Set a value; raises NotFound (`setting.unknown`) and BadInput (`setting.bad-value`)."""
        declared = declared_setting(name)
        value = convert(declared, given)
        before = self._value(name)
        fact = Fact(actor, "setting.changed", name, {"was": before, "now": value})
        with self._store.record(fact) as unit:
            keep(unit, name, value)
        return _row(declared, self._kept())

    def internal(self, name: str) -> Any:
        """A value that podadmin keeps for itself and that is no setting of the custodian's; None where absent."""
        return self._kept().get(name)

    def _value(self, name: str) -> Any:
        return self._kept().get(name, declared_setting(name).default)

    def _kept(self) -> dict[str, Any]:
        with self._store.read() as connection:
            return {row.name: json.loads(row.value) for row in connection.execute(select(setting))}


def keep(unit: Any, name: str, value: Any) -> None:
    """Write a value inside an open unit of work."""
    text = json.dumps(value)
    unit.execute(
        insert(setting).values(name=name, value=text).on_conflict_do_update([setting.c.name], set_={"value": text})
    )


def declared_setting(name: str) -> Declared:
    """The declaration called `name`. Raises NotFound (`setting.unknown`)."""
    if name not in _BY_NAME:
        raise NotFound(
            "setting.unknown",
            f"There is no setting called {name!r}.",
            "Its name is not in the settings table.",
            "See all names with `podadmin settings list`.",
        )
    return _BY_NAME[name]


def convert(declared: Declared, given: str) -> Any:
    """The value that a text means for this setting. Raises BadInput (`setting.bad-value`)."""
    reads: Mapping[str, Callable[[str], Any]] = {"int": int, "float": float, "choice": str, "text": str.strip}
    try:
        value = reads[declared.kind](given)
    except ValueError as error:
        raise _bad(declared, given) from error
    if declared.kind == "text" and value:
        declared.check(value)
        if len(value) > MOST_TEXT or not value.isprintable():
            raise _bad(declared, given)
    if declared.choices and value not in declared.choices:
        raise _bad(declared, given)
    if declared.kind in {"int", "float"}:
        low, high = declared.minimum, declared.maximum
        if not ((low is None or value >= low) and (high is None or value <= high)):
            raise _bad(declared, given)
    return value


def _bad(declared: Declared, given: str) -> BadInput:
    if declared.choices:
        wanted = "one of " + ", ".join(declared.choices)
    elif declared.kind == "text":
        wanted = f"a text of at most {MOST_TEXT} characters"
    else:
        wanted = f"a number from {declared.minimum:g} to {declared.maximum:g} ({declared.unit})"
    return BadInput(
        "setting.bad-value",
        f"“{declared.title}” was not changed.",
        f"It takes {wanted}, not {given[:40]!r}.",
        "Give a value that fits.",
    )


def _row(declared: Declared, kept: Mapping[str, Any]) -> SettingRow:
    return SettingRow(
        declared.name,
        declared.title,
        declared.help,
        declared.kind,
        kept.get(declared.name, declared.default),
        declared.default,
        declared.choices,
        declared.minimum,
        declared.maximum,
        declared.restart,
        declared.unit,
    )
