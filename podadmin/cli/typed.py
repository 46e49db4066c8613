"""Secrets that a command needs: the first line of a file, or typed on the terminal. Never part of a command line."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from podadmin.app.acts.registry import Param
from podadmin.core.errors import BadInput, Cancelled, Unavailable
from podadmin.core.secret import Secret

LONGEST = 64 * 1024
"""Bytes of a file that holds a secret."""


def secret_from(file: Path) -> Secret[str]:
    """The first line of `file`. Raises Unavailable (`cli.secret-file`), BadInput (`cli.secret-empty`)."""
    try:
        with file.open("rb") as opened:
            text = opened.read(LONGEST).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Unavailable(
            "cli.secret-file",
            "A secret that the command needs could not be had.",
            "The file that should hold it cannot be read, or it is not text.",
            "Check that the file exists and that your account may read it.",
        ) from None
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise BadInput(
            "cli.secret-empty",
            "A secret that the command needs could not be had.",
            "It is empty.",
            "Write it on the first line of the file, or type it when you are asked.",
        )
    return Secret(lines[0])


def secret_asked(param: Param) -> Secret[str]:
    """What a person types for `param`, unseen; twice for a new one. Raises BadInput (`cli.secret-*`), Cancelled."""
    if not sys.stdin.isatty():
        option = "--" + param.name.replace("_", "-")
        raise BadInput(
            "cli.secret-unasked",
            "A secret that the command needs could not be asked for.",
            "There is no terminal on which somebody could type it.",
            f"Write it into a file that only your account may read, and name the file with `{option}-from`.",
        )
    try:
        typed = getpass.getpass(f"{param.help[:1].upper()}{param.help[1:]}: ")
        if param.name.startswith("new_") and getpass.getpass("The same once more: ") != typed:
            raise BadInput(
                "cli.secret-differs",
                "Nothing was done.",
                "What was typed the second time is not what was typed first.",
                "Start again: nobody could open what a mistyped secret seals.",
            )
    except EOFError:
        raise Cancelled() from None
    if not typed:
        raise BadInput(
            "cli.secret-empty",
            "A secret that the command needs could not be had.",
            "It is empty.",
            "Write it on the first line of the file, or type it when you are asked.",
        )
    return Secret(typed)
