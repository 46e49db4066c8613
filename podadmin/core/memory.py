"""What is in memory stays there: when a process of podadmin crashes, nothing of its memory is written to a disk.

The engine holds keys in memory, because it uses them. A core dump would carry them into a file that nobody guards.
"""

from __future__ import annotations

import sys


def no_core_dumps() -> bool:
    """Allow this process and those it starts no core dump; False where the system has no such limit (Windows).

    One byte instead of none: Linux gives a dump to a collecting program, such as that of systemd or Ubuntu, whatever
    the limit is, except where it is exactly one (core(5)); and no dump to a file fits into one byte.
    """
    if sys.platform == "win32":  # pragma: no cover - exercised on Windows only
        return False
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
    except (OSError, ValueError):
        # a limit that is lower already cannot be raised: then there is none of a file either
        return resource.getrlimit(resource.RLIMIT_CORE)[0] <= 1
    return True
