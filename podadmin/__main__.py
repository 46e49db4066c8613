"""`podadmin` alone opens the desktop; `podadmin WORD ...` runs that command. Imports next to nothing itself."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from podadmin.core.memory import no_core_dumps

if TYPE_CHECKING:
    from pathlib import Path

_THEMES = ("system", "light", "dark")
_KEYRINGS = ("system", "memory", "passphrase")


def main(argv: list[str] | None = None) -> int:
    """The entry of the `podadmin` command. Returns its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if _wants_command(words):
        from podadmin.cli.main import main as run_command

        return run_command(words)
    return _desktop(words)


_WITH_VALUE = ("--profile", "--keyring", "--passphrase-file", "--theme", "--script")


def start() -> NoReturn:
    """The whole process: `main`, and an end that says nothing that a custodian could not understand."""
    no_core_dumps()
    words = sys.argv[1:]
    code = main(words)
    if _wants_command(words):
        sys.exit(code)
    # The desktop has closed everything by now. Taking the interpreter apart would add nothing but complaints: PySide6
    # keeps modules alive, and DuckDB's bindings then report each of their functions as leaked.
    import logging

    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _wants_command(words: list[str]) -> bool:
    """True where help is wanted or a word stands that is neither an option of the desktop nor the value of one."""
    if "-h" in words or "--help" in words:
        return True
    expecting = False
    for word in words:
        if expecting:
            expecting = False
        elif word in _WITH_VALUE:
            expecting = True
        elif not word.startswith("-"):
            return True
    return False


def _desktop(words: list[str]) -> int:
    from pathlib import Path

    from podadmin import __version__

    parser = argparse.ArgumentParser(
        prog="podadmin",
        description="The desktop application of a data custodian. With a command word it works without a window: "
        "see `podadmin help`.",
    )
    parser.add_argument("--profile", type=Path, help="the folder of the profile (default: that of this account)")
    parser.add_argument("--keyring", choices=_KEYRINGS, help="where secrets live")
    parser.add_argument("--passphrase-file", type=Path, help="a file whose first line is the passphrase")
    parser.add_argument("--theme", choices=_THEMES, help="light, dark, or what the system says")
    parser.add_argument("--auditor", action="store_true", help="look only: nothing of the profile is changed")
    parser.add_argument("--headless", action="store_true", help="the real desktop without a screen")
    parser.add_argument("--script", type=Path, help="play the steps in this file as a person would, then stop")
    parser.add_argument("--exit-after-paint", action="store_true", help="print the time to the first paint and stop")
    parser.add_argument("--version", action="version", version=f"podadmin {__version__}")
    given = parser.parse_args(words)
    if given.headless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if given.headless and given.profile is None:
        return _without_profile(given)
    return _show(given, given.profile)


def _without_profile(given: argparse.Namespace) -> int:
    """Test mode never touches the profile of the account: without `--profile` it has one that ends with it."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory(prefix="podadmin-", ignore_cleanup_errors=True) as folder:
        sys.stderr.write("podadmin: without --profile, test mode uses an empty profile and removes it at the end\n")
        return _show(given, Path(folder) / "profile")


def _show(given: argparse.Namespace, profile: Path | None) -> int:
    # nothing that is made before the first paint is garbage: looking for it took a tenth of the time until then
    gc.disable()
    from podadmin.app.options import Options
    from podadmin.desktop.application import run

    return run(
        Options(
            profile=profile,
            keyring=given.keyring,
            passphrase_file=given.passphrase_file,
            headless=given.headless,
            script=given.script,
            theme=given.theme or "",
            exit_after_paint=given.exit_after_paint,
            auditor=given.auditor,
        )
    )


if __name__ == "__main__":
    start()
