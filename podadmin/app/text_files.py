"""Short texts that the custodian wants in a file: written beside its place first, then renamed, never half there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from podadmin.core.errors import PodadminError


def write_text(to: Path, text: str, failed: Callable[[str], PodadminError]) -> None:
    """Write `text` (ASCII) to `to`. Where that is not possible, raises what `failed` makes of the system's reason."""
    scratch = to.with_name(to.name + ".part")
    try:
        with scratch.open("x", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(to)
    except OSError as error:
        raise failed(error.strerror or type(error).__name__) from error
