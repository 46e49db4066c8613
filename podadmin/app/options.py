"""What a start was asked to be: the options of the command line, as values. Standard library only."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Options(NamedTuple):
    """`profile`: its folder, None for that of this account. `keyring`: system | memory | passphrase, None as it was.

    `auditor`: look only; nothing of the profile is made, changed or recorded.
    """

    profile: Path | None = None
    keyring: str | None = None
    passphrase_file: Path | None = None
    headless: bool = False
    script: Path | None = None
    theme: str = ""
    exit_after_paint: bool = False
    auditor: bool = False


def folder_of(options: Options) -> Path:
    """The profile folder of these options; it may not exist yet."""
    if options.profile is not None:
        return options.profile
    import platformdirs

    return Path(platformdirs.user_data_dir("podadmin", appauthor=False))
