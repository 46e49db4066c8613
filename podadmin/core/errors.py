"""The one family of errors that a user can meet: what happened, why, what to do next, and a code.

Raw library messages never become part of an error's sentences: they may carry data, paths or secrets.
The category decides the exit code of a command; the code names the exact cause and never changes meaning.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Self


class ExitCode(IntEnum):
    """Exit codes of the `podadmin` command; documented in README.md."""

    OK = 0
    UNEXPECTED = 1
    BAD_INPUT = 2
    NOT_FOUND = 3
    REFUSED = 4
    UNAVAILABLE = 5
    INTEGRITY = 6


class PodadminError(Exception):
    """An error that a user can meet.

    `code` is stable, lower case and dotted: `room.cause`, for example `datasource.empty-file`.
    `what`, `why` and `next_step` are whole sentences in the words of a custodian.
    `field` names the field of a form that it is about, where it is about one.
    """

    exit_code: ExitCode = ExitCode.UNEXPECTED

    def __init__(self, code: str, what: str, why: str, next_step: str) -> None:
        super().__init__(code, what, why, next_step)
        self.code = code
        self.what = what
        self.why = why
        self.next_step = next_step
        self.field = ""

    def at(self, field: str) -> Self:
        """The same error, about the field of a form that has this name."""
        self.field = field
        return self

    def __str__(self) -> str:
        return f"{self.what} {self.why} {self.next_step} [{self.code}]"

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON-ready facts, the same for `--json`, the journal and the desktop."""
        told = {"code": self.code, "what": self.what, "why": self.why, "next_step": self.next_step}
        return {**told, "field": self.field} if self.field else told


class BadInput(PodadminError):
    """What was given cannot be used as it is."""

    exit_code = ExitCode.BAD_INPUT


class NotFound(PodadminError):
    """The thing that was named does not exist here."""

    exit_code = ExitCode.NOT_FOUND


class Refused(PodadminError):
    """A rule of the application says no."""

    exit_code = ExitCode.REFUSED


class Unavailable(PodadminError):
    """Something that is needed is locked, absent, full, busy or out of reach."""

    exit_code = ExitCode.UNAVAILABLE


class Tampered(PodadminError):
    """A record, a key file or a message is not what was written or signed."""

    exit_code = ExitCode.INTEGRITY


class Cancelled(PodadminError):
    """The person who asked for a long piece of work has stopped it; nothing was kept."""

    exit_code = ExitCode.REFUSED

    def __init__(self, what: str = "The work was cancelled.") -> None:
        super().__init__("core.cancelled", what, "You asked for it to stop.", "Start it again when you are ready.")

    def __reduce__(self) -> tuple[object, ...]:
        # what pickle would do by itself calls the class with four arguments
        return (type(self), (self.what,))
