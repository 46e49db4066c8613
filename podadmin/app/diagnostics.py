"""What happens with a defect: it is written to the profile's log without secrets and becomes an error with a code."""

from __future__ import annotations

import hashlib
import logging
import threading
import traceback

from podadmin.core.errors import PodadminError

log = logging.getLogger("podadmin")


def unexpected(error: BaseException, doing: str) -> PodadminError:
    """The error that a user meets for a defect of podadmin while `doing` something.

    The log gets the places in the code and the type of the error, never its text: that may carry data or secrets. The
    short mark in the code is the same for the same place, so that two reports can be recognised as one.
    """
    places = [
        f"{frame.filename.rpartition('podadmin/')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    mark = hashlib.sha256(" ".join([type(error).__name__, *places[-3:]]).encode()).hexdigest()[:6]
    log.error("defect %s while %s: %s at %s", mark, doing, type(error).__name__, " < ".join(reversed(places)))
    return PodadminError(
        f"app.defect-{mark}",
        f"“{doing}” was not done: podadmin met a situation that it should have foreseen.",
        f"A {type(error).__name__} was raised inside it.",
        "Nothing was half done. Report the code together with the log of the profile.",
    )


def quiet_threads() -> None:
    """Let a thread that ends with a defect say where in the log, and nothing of the values that it had."""
    threading.excepthook = _ended


def _ended(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        unexpected(args.exc_value, f"running the thread {args.thread.name if args.thread is not None else '?'}")
