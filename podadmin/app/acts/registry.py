"""The one table of acts: what the desktop's buttons do and what commands do are the same functions.

An act is a plain function whose signature is its whole description: `@act("requests approve")` reads the names,
types, defaults and help texts, and from them come the command line, the checks and the conversion of arguments.
Rooms of acts are imported when one of their acts is first asked for, so that a start pays for nothing it does not use.
This module imports the standard library and `podadmin.core` only, and never shows anything.
"""

from __future__ import annotations

import importlib
import inspect
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import SimpleNamespace
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from podadmin.core.errors import BadInput, ExitCode, Refused
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger

F = TypeVar("F", bound=Callable[..., Any])
Kind = Literal["text", "int", "float", "bool", "choice", "list", "dict", "secret"]

ROOMS: dict[str, str] = {
    "status": "podadmin.app.acts.status",
    "overview": "podadmin.app.acts.overview",
    "keyring": "podadmin.app.acts.keyring",
    "pod": "podadmin.app.acts.pod",
    "gate": "podadmin.app.acts.gate",
    "datasource": "podadmin.app.acts.datasource",
    "schema": "podadmin.app.acts.schema",
    "network": "podadmin.app.acts.network",
    "hub": "podadmin.app.acts.hub",
    "requests": "podadmin.app.acts.requests",
    "grants": "podadmin.app.acts.grants",
    "reviews": "podadmin.app.acts.reviews",
    "receipt": "podadmin.app.acts.receipts",
    "rules": "podadmin.app.acts.rules",
    "limits": "podadmin.app.acts.limits",
    "keys": "podadmin.app.acts.keys",
    "backup": "podadmin.app.acts.backup",
    "lock": "podadmin.app.acts.lock",
    "journal": "podadmin.app.acts.journal",
    "settings": "podadmin.app.acts.settings",
    "tour": "podadmin.app.acts.tour",
}
"""The first word of an act's name -> the module that holds it. The order is the order of `podadmin --help`."""

_INJECTED = ("profile", "progress")
_KINDS: dict[object, Kind] = {str: "text", int: "int", float: "float", bool: "bool"}
_SECRETS = (Secret[str], Secret[str] | None)
_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True)
class Param:
    """One argument of an act. `default` means nothing where `required` is true; `choices` only for kind `choice`.

    `placed`: a command line gives it by its place, as those that are required, although it can be left out.
    """

    name: str
    kind: Kind
    help: str
    required: bool
    default: Any = None
    choices: tuple[str, ...] = ()
    placed: bool = False


@dataclass(frozen=True)
class Act:
    """One thing that can be done or asked.

    `writes`: it changes the profile. `kinds`: what kinds of thing it may change (`request`, `datasource`, ...).
    `long`: it takes a Progress, reports steps and can be cancelled. `summary` is one line; `explanation` is all of
    the function's description. `ends_with` says which exit code a command has that returned this view: an act that
    was done can still have found something that a script must not pass over. `guarded`: whoever wants it proves first
    who they are; `while_locked`: it can be had while the window is locked, and so shows nothing of the profile.
    `auditing`: an auditor may do it although it writes; it then records nothing and changes nothing in the profile.
    """

    name: str
    function: Callable[..., Any]
    summary: str
    params: tuple[Param, ...]
    writes: bool
    long: bool
    kinds: tuple[str, ...] = ()
    explanation: str = ""
    injected: tuple[str, ...] = ()
    ends_with: Callable[[Any], ExitCode] = lambda _view: ExitCode.OK
    guarded: bool = False
    while_locked: bool = False
    auditing: bool = False

    def param(self, name: str) -> Param | None:
        """The parameter called `name`, or None."""
        return next((param for param in self.params if param.name == name), None)


_acts: dict[str, Act] = {}
_IMPORTING = threading.RLock()


def act(
    name: str,
    *,
    writes: bool = False,
    kinds: tuple[str, ...] = (),
    ends_with: Callable[[Any], ExitCode] = lambda _view: ExitCode.OK,
    guarded: bool = False,
    while_locked: bool = False,
    auditing: bool = False,
) -> Callable[[F], F]:
    """Register the decorated function as the act called `name` (its command words) and leave it as it is.

    The function's parameters must be of the types str, int, float, bool, list[str], dict[str, str] or a Literal of
    texts, each with its help: `Annotated[str, "the request's id"]`. `profile` and `progress` are handed in by `call`.
    A secret is `Secret[str]`, or `Secret[str] | None` where it can be left out: a command line never carries its text,
    only the name of a file that holds it or the wish to be asked on the terminal.
    """

    def register(function: F) -> F:
        assert name not in _acts, f"two acts are called {name!r}"
        explanation = inspect.getdoc(function) or ""
        assert explanation, f"the act {name!r} has no description"
        injected = tuple(p for p in inspect.signature(function).parameters if p in _INJECTED)
        _acts[name] = Act(
            name=name,
            function=function,
            summary=" ".join(explanation.split("\n\n")[0].split()),
            params=_params(name, function),
            writes=writes,
            long="progress" in injected,
            kinds=kinds,
            explanation=explanation,
            injected=injected,
            ends_with=ends_with,
            guarded=guarded,
            while_locked=while_locked,
            auditing=auditing,
        )
        return function

    return register


def find(name: str) -> Act:
    """The act called `name`, its room imported if it was not yet. Raises BadInput `act.unknown`."""
    room = ROOMS.get(name.partition(" ")[0])
    if room is not None:
        # several threads that import at once slow down one another, and the window
        with _IMPORTING:
            importlib.import_module(room)
    found = _acts.get(name)
    if found is None:
        near = get_close_matches(name, _acts, n=1) if room else get_close_matches(name.partition(" ")[0], ROOMS, n=1)
        raise BadInput(
            "act.unknown",
            f"There is no command `{stranger(name, 60)}`.",
            f"The nearest one is `{near[0]}`." if near else "Its first words match no command.",
            "See all commands with `podadmin --help`.",
        )
    return found


def named(word: str) -> tuple[Act, ...]:
    """The acts whose first word is `word`, in the order in which they are written. Empty for an unknown word."""
    room = ROOMS.get(word)
    if room is not None:
        importlib.import_module(room)
    return tuple(known for name, known in _acts.items() if name.partition(" ")[0] == word)


def all_acts() -> tuple[Act, ...]:
    """Every act there is, room by room. Imports all rooms: for help texts and checks, not for a start."""
    for room in ROOMS.values():
        importlib.import_module(room)
    order = {word: index for index, word in enumerate(ROOMS)}
    return tuple(sorted(_acts.values(), key=lambda known: order.get(known.name.partition(" ")[0], len(order))))


def call(wanted: Act, profile: object, arguments: Mapping[str, object], progress: Progress | None = None) -> Any:
    """Do `wanted` with `arguments` (by name; texts are converted to the declared types) and return its view.

    Raises BadInput `act.bad-argument` for an argument that is unknown, missing or not of its type, Refused `lock.…`
    where the window is locked or a proof is needed first (`podadmin.app.presence`), Refused `act.auditor` where the
    profile is open to read only, and whatever the act itself raises.
    """
    if wanted.writes and not wanted.auditing and getattr(profile, "auditor", False):
        raise Refused(
            "act.auditor",
            "Nothing was changed.",
            "This profile was opened by an auditor, who looks, verifies and exports, and changes nothing.",
            "Start podadmin without --auditor to work with this profile.",
        )
    presence = getattr(profile, "presence", None)
    if presence is not None:
        presence.admit(wanted)
    for name in arguments:
        if wanted.param(name) is None:
            raise _bad(wanted, stranger(str(name), 40), "The command does not have this argument.")
    given: dict[str, Any] = {}
    for param in wanted.params:
        if param.name in arguments:
            given[param.name] = _converted(wanted, param, arguments[param.name])
        elif param.required:
            raise _bad(wanted, param.name, "It is needed, and nothing was given for it.")
    if "profile" in wanted.injected:
        given["profile"] = profile
    if "progress" in wanted.injected:
        given["progress"] = progress if progress is not None else Progress()
    return wanted.function(**given)


def _params(name: str, function: Callable[..., Any]) -> tuple[Param, ...]:
    """The parameters of `function` that a caller gives; asserts that each can be carried by a command."""
    signature = inspect.signature(function)
    wanted = {p.name: p.annotation for p in signature.parameters.values() if p.name not in _INJECTED}
    # Only these annotations are looked up: `Profile` may be a name that exists for the type checker alone.
    hints = get_type_hints(
        SimpleNamespace(__annotations__=wanted),
        globalns=getattr(function, "__globals__", {}),
        include_extras=True,
    )
    params: list[Param] = []
    for key, hint in hints.items():
        assert get_origin(hint) is Annotated, f"{name}: the parameter {key} has no help text"
        kind, choices = _kind(f"{name}: {key}", get_args(hint)[0])
        default = signature.parameters[key].default
        required = default is inspect.Parameter.empty
        placed = required or signature.parameters[key].kind is not inspect.Parameter.KEYWORD_ONLY
        params.append(
            Param(key, kind, str(get_args(hint)[1]), required, None if required else default, choices, placed)
        )
    return tuple(params)


def _kind(where: str, hint: object) -> tuple[Kind, tuple[str, ...]]:
    if hint in _KINDS:
        return _KINDS[hint], ()
    if hint in _SECRETS:
        return "secret", ()
    if hint == list[str]:
        return "list", ()
    if hint == dict[str, str]:
        return "dict", ()
    assert get_origin(hint) is Literal, f"{where} has a type that commands cannot carry: {hint!r}"
    choices = get_args(hint)
    assert all(isinstance(choice, str) for choice in choices), f"{where}: choices are texts"
    return "choice", choices


def _converted(wanted: Act, param: Param, value: object) -> Any:
    if param.kind == "text":
        return _text(wanted, param, value)
    if param.kind == "secret":
        if isinstance(value, Secret) or (value is None and not param.required):
            return value
        raise _bad(wanted, param.name, "It is a secret, which is typed or read from a file and never written out.")
    if param.kind == "choice":
        if value in param.choices:
            return value
        raise _bad(wanted, param.name, f"It can be one of: {', '.join(param.choices)}.")
    if param.kind == "bool":
        return _bool(wanted, param, value)
    if param.kind in ("int", "float"):
        return _number(wanted, param, value)
    if param.kind == "list":
        if isinstance(value, (list, tuple)):
            return [_text(wanted, param, item) for item in value]
        raise _bad(wanted, param.name, "It is a list of texts.")
    return _pairs(wanted, param, value)


def _text(wanted: Act, param: Param, value: object) -> str:
    if not isinstance(value, str):
        raise _bad(wanted, param.name, "It is a text.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise _bad(wanted, param.name, "It contains bytes that are not UTF-8 text.") from None
    if "\0" in value:
        raise _bad(wanted, param.name, "It contains a null character.")
    return value


def _bool(wanted: Act, param: Param, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _bad(wanted, param.name, "It is yes or no.")


def _number(wanted: Act, param: Param, value: object) -> int | float:
    whole = param.kind == "int"
    why = "It is a whole number." if whole else "It is a number."
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or (whole and isinstance(value, float)):
        raise _bad(wanted, param.name, why)
    try:
        number = int(value) if whole else float(value)
    except (ValueError, OverflowError):
        raise _bad(wanted, param.name, why) from None
    if not whole and not math.isfinite(number):
        raise _bad(wanted, param.name, why)
    return number


def _pairs(wanted: Act, param: Param, value: object) -> dict[str, str]:
    """`{"a": "b"}`, or the form of the command line: `["a=b"]`, parted at the first `=`."""
    if isinstance(value, Mapping):
        return {_text(wanted, param, key): _text(wanted, param, item) for key, item in value.items()}
    if not isinstance(value, (list, tuple)):
        raise _bad(wanted, param.name, "It is given as name=value.")
    pairs: dict[str, str] = {}
    for item in value:
        key, equals, text = _text(wanted, param, item).partition("=")
        if not equals or not key:
            raise _bad(wanted, param.name, "It is given as name=value.")
        if key in pairs:
            raise _bad(wanted, param.name, f"`{stranger(key, 40)}` is given twice.")
        pairs[key] = text
    return pairs


def _bad(wanted: Act, name: str, why: str) -> BadInput:
    return BadInput(
        "act.bad-argument",
        f"`{name}` cannot be used as it is given.",
        why,
        f"See what the command takes with `podadmin {wanted.name} --help`.",
    )
