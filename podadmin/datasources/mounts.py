"""Is the disk or share of something connected? An empty mount point looks like a folder that lost its files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from podadmin.core.errors import Unavailable
from podadmin.core.text import stranger

IsMount = Callable[[Path], bool]


def mount_of(path: Path, is_mount: IsMount = os.path.ismount) -> str:
    """The point at which the disk or share of `path` is mounted; "" where that is the disk of the system itself."""
    for each in (path, *path.parents):
        if each == Path(each.anchor):
            return ""
        if is_mount(each):
            return str(each)
    return ""


def check_mounted(mount: str, is_mount: IsMount = os.path.ismount) -> None:
    """Raises Unavailable (`datasource.not-mounted`) where `mount` was a mount point once and is none now."""
    if mount and not is_mount(Path(mount)):
        raise Unavailable(
            "datasource.not-mounted",
            "The disk or share of this datasource is not mounted.",
            f"Nothing is mounted at {stranger(mount, 200)}, where the data was when the datasource was added.",
            "Connect the share or the disk, then look again.",
        )
