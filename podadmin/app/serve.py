"""`podadmin serve`: the engine of a profile without a desktop, until it is told to end."""

from __future__ import annotations

import json
import signal
import sys
import threading
from types import FrameType

from podadmin.app.engine import Engine
from podadmin.app.options import Options
from podadmin.app.profile import open_profile
from podadmin.core.errors import ExitCode, Refused, Unavailable


def serve(options: Options) -> int:
    """Run until SIGTERM or SIGINT. Prints one JSON line on the standard output whenever the state of the gate changes.

    Raises Unavailable (`engine.elsewhere`) where another process runs the engine of this profile, Refused
    (`engine.auditor`).
    """
    if options.auditor:
        raise Refused(
            "engine.auditor",
            "The gate was not started.",
            "An auditor only looks.",
            "Start it without --auditor.",
        )
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    with open_profile(options) as profile:
        engine = Engine(profile)
        profile.engine = engine
        if not engine.start():
            raise Unavailable(
                "engine.elsewhere",
                "The gate was not started.",
                "Another podadmin runs the gate of this profile.",
                "Use that one, or close it first.",
            )
        try:
            said = ""
            while not ended.wait(0.1):
                snapshot = engine.snapshot()
                line = json.dumps({"gate": snapshot.state, "why": snapshot.why, "worker": snapshot.worker})
                if line != said:
                    sys.stdout.write(line + "\n")
                    sys.stdout.flush()
                    said = line
        finally:
            engine.stop()
    return int(ExitCode.OK)
