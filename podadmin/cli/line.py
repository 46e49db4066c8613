"""From the words of a command line to an act and its arguments; the help texts, which come from the same table."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from podadmin.app.acts.registry import Act, Param, all_acts, find, named
from podadmin.app.options import Options
from podadmin.cli.typed import secret_asked, secret_from
from podadmin.core.errors import BadInput
from podadmin.core.text import stranger, visible

_WITH_VALUE = {"--profile", "--keyring", "--passphrase-file"}
_EVERYWHERE = {"profile", "keyring", "passphrase_file", "json", "auditor"}
_MOST_WORDS = 3

OWN = {
    "serve": "Run the pod's gate without the desktop, until it is told to stop (SIGTERM or Ctrl-C).",
    "version": "Say which podadmin this is.",
    "help": "List the commands, or say what one of them takes: `podadmin help requests approve`.",
}
"""Commands that are no acts: they are about the process, not about the profile."""

_EPILOG = """
Secrets are never given as arguments: they come from the keyring of the system, from
a file that an option names, or are asked for on the terminal.

Exit codes: 0 done, 1 a defect of podadmin, 2 bad input, 3 not found, 4 refused by a rule, 5 something needed is locked,
absent, full or busy, 6 a record or message is not what was written or signed, 130 stopped with Ctrl-C.
"""


@dataclass(frozen=True)
class Line:
    """A command line, understood. Exactly one of `act`, `own` and `help` says what is wanted."""

    options: Options
    json: bool
    act: Act | None = None
    arguments: dict[str, object] | None = None
    own: str = ""
    help: str = ""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong as one of our errors and prints nothing by itself."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(
            "cli.usage",
            "The command cannot be understood.",
            stranger(message[:1].upper() + message[1:], 300) + ("" if message.endswith(".") else "."),
            f"See what it takes with `{self.prog} --help`.",
        )


def wants_json(argv: Sequence[str]) -> bool:
    """Does the line ask for JSON? Also answers for lines that cannot be understood."""
    return "--json" in (argv[: list(argv).index("--")] if "--" in argv else argv)


def parse(argv: Sequence[str]) -> Line:
    """Raises BadInput `cli.usage` or `act.unknown`."""
    words, rest = _part(argv)
    if words[:1] == ["help"]:
        words, rest = words[1:], ["--help", *rest]
    asks_help = "-h" in rest or "--help" in rest
    if not words:
        if asks_help:
            return Line(Options(), False, help=overall_help())
        if "--version" in rest:
            words = ["version"]
            rest.remove("--version")
        else:
            _Parser(prog="podadmin", add_help=False).error("it names no command")
    name = _longest(words)
    if not name:
        if asks_help:
            return Line(Options(), False, help=_help_of_word(words[0]))
        return _no_such(words)
    if name in OWN:
        parser = _parser(name, OWN[name])
        wanted = None
    else:
        wanted = find(name)
        parser = _parser(name, wanted.explanation)
        for param in wanted.params:
            _add(parser, param)
    if asks_help:
        return Line(Options(), False, help=parser.format_help().rstrip())
    given = vars(_reading(parser, wanted, rest)([*words[len(name.split()) :], *rest]))
    options = _options(given)
    as_json = bool(given.get("json"))
    if wanted is None:
        return Line(options, as_json, own=name)
    arguments = {param.name: given[param.name] for param in wanted.params if param.name in given}
    return Line(options, as_json, act=wanted, arguments=arguments | _secrets(wanted, given))


def _reading(parser: _Parser, wanted: Act | None, rest: Sequence[str]) -> Callable[[list[str]], argparse.Namespace]:
    """How the parser reads the line: what may be left out at its place can otherwise not stand behind an option."""
    optional = wanted is not None and any(param.placed and not param.required for param in wanted.params)
    return parser.parse_intermixed_args if optional and "--" not in rest else parser.parse_args


def overall_help() -> str:
    """All commands with one line each. Imports every room of acts."""
    listed = [(known.name, known.summary) for known in all_acts()] + list(OWN.items())
    lines = ["usage: podadmin [options] [command …]", "", "commands:", *_listing(listed), "", "options:"]
    lines += _listing(
        [
            ("--profile DIR", "the folder of the profile; without it, the one of this account"),
            ("--keyring WHERE", "where secrets live: system, memory or passphrase"),
            ("--passphrase-file FILE", "the file whose first line is the passphrase"),
            ("--auditor", "look only: nothing of the profile is changed, and the gate is left alone"),
            ("--json", "print one JSON document instead of text"),
            ("--help", "after a command: what that command takes"),
        ]
    )
    lines += ["", "options of the desktop, which opens where no command is given:"]
    lines += _listing(
        [
            ("--headless", "the real desktop without a screen"),
            ("--script FILE", "play the steps of a file as a person would, then stop"),
            ("--theme WHICH", "system, light or dark"),
            ("--exit-after-paint", "say how long the first paint took, then stop"),
        ]
    )
    return "\n".join(lines) + "\n" + _EPILOG.rstrip()


def _part(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The command words, and everything else in its order. Options that hold everywhere may stand between the words."""
    words: list[str] = []
    rest: list[str] = []
    index = 0
    while index < len(argv):
        item = argv[index]
        if item in _WITH_VALUE:
            rest += argv[index : index + 2]
            index += 2
            continue
        if item.startswith("-"):
            rest.append(item)
            if (
                item not in {"--json", "--auditor", "-h", "--help", "--version"}
                and item.partition("=")[0] not in _WITH_VALUE
            ):
                return words, rest + list(argv[index + 1 :])
        elif len(words) < _MOST_WORDS:
            words.append(item)
        else:
            return words, rest + list(argv[index:])
        index += 1
    return words, rest


def _longest(words: Sequence[str]) -> str:
    """The longest beginning of `words` that is a command; empty where there is none."""
    if words[0] in OWN:
        return words[0]
    names = {known.name for known in named(words[0])}
    beginnings = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    return next((name for name in beginnings if name in names), "")


def _no_such(words: Sequence[str]) -> NoReturn:
    if len(words) == 1 and named(words[0]):
        _Parser(prog=f"podadmin {words[0]}", add_help=False).error(f"after `{words[0]}` one more word is needed")
    find(" ".join(words[:2]))
    raise AssertionError("a command that exists was not found")


def _help_of_word(word: str) -> str:
    known = named(word)
    if not known:
        find(word)
    lines = _listing([(act.name, act.summary) for act in known])
    return "\n".join([f"usage: podadmin {visible(word)} … [options]", "", "commands:", *lines])


def _listing(rows: list[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name:<{width}}  {what}" for name, what in rows]


def _parser(name: str, explanation: str) -> _Parser:
    parser = _Parser(
        prog=f"podadmin {name}",
        description=explanation.replace("%", "%%"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
    )
    everywhere = parser.add_argument_group("options of every command")
    everywhere.add_argument("--profile", metavar="DIR", help="the folder of the profile")
    everywhere.add_argument("--keyring", choices=("system", "memory", "passphrase"), help="where secrets live")
    everywhere.add_argument("--passphrase-file", metavar="FILE", help="the file whose first line is the passphrase")
    everywhere.add_argument("--auditor", action="store_true", help="look only: nothing of the profile is changed")
    everywhere.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    return parser


def _add(parser: _Parser, param: Param) -> None:
    """Parameters without a default become positional arguments, the others options. Values stay texts: acts convert."""
    if param.name in _EVERYWHERE:
        return
    text = param.help.replace("%", "%%")
    shape: dict[str, Any] = {"help": text}
    if param.kind == "choice":
        shape["metavar"] = "{" + ",".join(param.choices) + "}"
    elif param.kind == "dict":
        shape["metavar"] = "NAME=VALUE"
    if param.kind == "secret":
        _add_secret(parser, param)
        return
    if param.required:
        if param.kind in ("list", "dict"):
            shape["nargs"] = "+"
        parser.add_argument(param.name, **shape)
        return
    if param.placed and param.kind == "text":
        parser.add_argument(param.name, **shape, nargs="?")
        return
    option = "--" + param.name.replace("_", "-")
    if param.kind == "bool":
        parser.add_argument(option, dest=param.name, action=argparse.BooleanOptionalAction, help=text)
        return
    if param.default not in ("", None, [], {}, ()):
        shape["help"] = f"{text} (without it: {str(param.default).replace('%', '%%')})"
    if param.kind in ("list", "dict"):
        shape["action"] = "append"
        shape["help"] += "; may be given more than once"
    parser.add_argument(option, dest=param.name, **({"metavar": param.name.upper()} | shape))


def _secrets(wanted: Act, given: dict[str, Any]) -> dict[str, object]:
    """The secrets that the command needs and those that it was told of, read or asked for."""
    found: dict[str, object] = {}
    for param in wanted.params:
        if param.kind != "secret":
            continue
        file = _path(given, f"{param.name}.from")
        if file is not None:
            found[param.name] = secret_from(file)
        elif param.required or given.get(f"{param.name}.asked"):
            found[param.name] = secret_asked(param)
    return found


def _add_secret(parser: _Parser, param: Param) -> None:
    """A secret comes from a file or from the terminal; its text is no argument of a command."""
    option = "--" + param.name.replace("_", "-")
    text = param.help.replace("%", "%%")
    parser.add_argument(
        f"{option}-from", dest=f"{param.name}.from", metavar="FILE", help=f"{text}: the first line of this file"
    )
    if not param.required:
        parser.add_argument(
            f"{option}-asked", dest=f"{param.name}.asked", action="store_true", help=f"{text}: ask on the terminal"
        )


def _options(given: dict[str, Any]) -> Options:
    return Options(
        profile=_path(given, "profile"),
        keyring=given.get("keyring"),
        passphrase_file=_path(given, "passphrase_file"),
        auditor=bool(given.get("auditor")),
    )


def _path(given: dict[str, Any], name: str) -> Path | None:
    text = given.get(name)
    if text is None:
        return None
    if not text.strip() or "\0" in text:
        option = name.replace("_", "-").replace(".", "-")
        raise BadInput(
            "cli.empty-path", f"`--{option}` names no place.", "The path is empty.", f"Give a path after `--{option}`."
        )
    return Path(text)
