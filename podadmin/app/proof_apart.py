"""Proves a long journal in a process of its own, so that the window and the gate need not share their interpreter.

The process reads the database file and nothing else; it gets no key, and nothing that a key was needed for is done in
it. Its standard input: one JSON line that says what to walk, then nothing; the end means that this process is gone.
Its standard output, a JSON line each: `{"step": [what, fraction]}` as often as there is one, and as the last one of
`{"found": {...}}`, `{"error": [KIND, CODE, ...]}` and `{"failed": NAME}`. Whatever else comes, or does not come, is no
result: a record is never taken as whole because somebody could not look at it.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final

from podadmin.app.evidence import Mismatch
from podadmin.app.proof_walk import Walked, walk
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError, Tampered, Unavailable
from podadmin.core.memory import no_core_dumps
from podadmin.core.own_process import command, end_with, environment
from podadmin.core.progress import Progress, Step
from podadmin.journal.chain import Anchor, Break, Head
from podadmin.journal.records import Journal
from podadmin.journal.service import Verification
from podadmin.store.engine import Store

COMMAND: Final = command("podadmin.app.proof_apart")
_LONGEST: Final = 1 << 20
"""Bytes of a line."""
_BEHIND: Final = 5
"""How far the process stands back for others where there are too few processors (nice)."""
_KINDS: Final[dict[str, type[PodadminError]]] = {"Unavailable": Unavailable, "Tampered": Tampered}
log = logging.getLogger("podadmin.record")


# --- the side that asks ----------------------------------------------------------------------------------------------


def walk_apart(
    path: Path, anchors: Sequence[Anchor], known: int, progress: Progress, after: Head | None = None
) -> Walked:
    """What `walk` finds in the database at `path`, which has `known` entries at least; found by a process of its own.

    Raises what `walk` raises, and Unavailable (`journal.check-not-started`, `journal.check-ended`).
    """
    with _started() as process:
        progress.on_cancel(process.kill)
        assert process.stdin is not None  # Popen was asked for pipes
        assert process.stdout is not None
        with suppress(OSError):  # it has ended already, which is seen when it is listened to
            process.stdin.write(_order(path, anchors, after))
            process.stdin.flush()
        try:
            found = _listen(process.stdout, progress)
        except (ValueError, RecursionError):
            found = None
            process.kill()
        code = process.wait()
        if found is None or code != 0 or _falls_short(found, anchors, known):
            progress.check()
            raise _ended(code)
        return found


@contextmanager
def _started() -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
        )
    except OSError as error:
        raise Unavailable(
            "journal.check-not-started",
            "The journal was not verified.",
            "The system did not let podadmin start a process for reading it.",
            "Close some programs, or ask your IT service about the limits of this account; then try again.",
        ) from error
    try:
        yield process
    finally:
        # it holds nothing that could be lost
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was still to be written to it
                    stream.close()


def _order(path: Path, anchors: Sequence[Anchor], after: Head | None) -> bytes:
    asked = {"path": str(path.absolute()), "anchors": [asdict(each) for each in anchors], "after": after}
    return json.dumps(asked).encode() + b"\n"


def _listen(lines: IO[bytes], progress: Progress) -> Walked | None:
    """What was found, once nothing more is said; None where nothing was.

    Raises ValueError for what makes no sense, the error that was told, and Cancelled.
    """
    found: Walked | None = None
    while line := lines.readline(_LONGEST):
        said = json.loads(line)
        if found is not None:
            raise ValueError("something follows the result")
        match said:
            case {"step": [str(what), None | int() | float() as fraction]}:
                progress.report(what, fraction)
            case {"found": dict(told)}:
                found = _walked(told)
            case {"error": [str(kind), str(code), str(what), str(why), str(next_step)]} if kind in _KINDS:
                raise _KINDS[kind](code, what, why, next_step)
            case {"failed": str(name)}:
                log.warning("the process that verifies the journal failed: %.60s", name)
                return None
            case _:
                raise ValueError("that is nothing that it says")
    return found


def _told(found: Walked) -> dict[str, Any]:
    broken, mismatch = found.chain.broken, found.mismatch
    return {
        "damage": found.damage,
        "entries": found.chain.entries,
        "broken": broken and [broken.seq, broken.why],
        "mismatch": mismatch and [mismatch.seq, mismatch.words],
        "unchecked": found.unchecked,
    }


def _walked(told: dict[str, Any]) -> Walked:
    """The other way round. Raises ValueError."""
    match told:
        case {
            "damage": list(damage),
            "entries": int(entries),
            "broken": None | [int(), str()] as broken,
            "mismatch": None | [None | int(), str()] as mismatch,
            "unchecked": list(unchecked),
        } if all(isinstance(each, str) for each in [*damage, *unchecked]):
            return Walked(
                tuple(damage),
                Verification(entries, None if broken is None else Break(*broken)),
                None if mismatch is None else Mismatch(*mismatch),
                tuple(unchecked),
            )
    raise ValueError("that is no result")


def _falls_short(found: Walked, anchors: Sequence[Anchor], known: int) -> bool:
    """Is that called whole which ends before something that is known to be there?"""
    return found.chain.broken is None and found.chain.entries < max([known, *(each.seq for each in anchors)])


def _ended(code: int) -> Unavailable:
    log.warning("the process that verifies the journal ended with the number %d and without a result", code)
    return Unavailable(
        "journal.check-ended",
        "The journal was not verified: that it is whole is not known.",
        "The process that reads it ended without a result.",
        "Try again. If it happens twice, keep a copy of the profile and look for what ends programs on this machine.",
    )


# --- the side of the process -----------------------------------------------------------------------------------------


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _step(step: Step) -> None:
    _say(step=[step.what, step.fraction])


def main() -> int:
    """Walk what is asked for and say what was found. Exit codes: 0 once that is said, 1 where something else was."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is asked to stop at a terminal is the one that started this
    no_core_dumps()
    gc.freeze()  # what was imported is no garbage: looking for it among that took a fifth of the time
    if sys.platform != "win32":
        os.nice(_BEHIND)
    try:
        asked = json.loads(sys.stdin.buffer.readline())
        threading.Thread(target=end_with, args=(sys.stdin.buffer,), name="parent", daemon=True).start()
        store = Store.beside(Path(asked["path"]), Journal(SystemClock()))
        anchors, after = [Anchor(**each) for each in asked["anchors"]], asked["after"]
        _say(found=_told(walk(store, anchors, Progress(_step), None if after is None else Head(*after))))
    except PodadminError as error:
        _say(error=[type(error).__name__, error.code, error.what, error.why, error.next_step])
    except Exception as error:  # noqa: BLE001 - the edge of the process: what it was is told, without what it says
        _say(failed=type(error).__name__)
        return 1
    return 0


if __name__ == "__main__":
    ended = main()
    # a thread waits at the standard input, which the end of an interpreter would wait for
    os._exit(ended)
