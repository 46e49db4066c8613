"""Runs one command: opens the profile, does the act off the main thread, prints what came of it, ends with its code.

The main thread only waits, so that Ctrl-C is heard at once: the first asks the act to stop, the second leaves.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, TextIO

from podadmin import __version__
from podadmin.app.acts.registry import Act, call
from podadmin.app.diagnostics import unexpected
from podadmin.app.options import Options
from podadmin.cli import render
from podadmin.cli.line import Line, parse, wants_json
from podadmin.core.errors import Cancelled, ExitCode, PodadminError, Unavailable
from podadmin.core.progress import Progress, Step
from podadmin.core.text import elide, visible

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells count it: 128 and the number of the signal."""


def main(argv: Sequence[str]) -> int:
    """Run the command that `argv` (without the program's name) names; the exit code is documented in README.md."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    as_json = wants_json(argv)
    stop = _Stop()
    try:
        line = parse(argv)
        text, code = _run(line, stop)
        _print(text)
    except PodadminError as error:
        return _fail(error, as_json, stopped=stop.asked)
    except KeyboardInterrupt:
        return _fail(Cancelled(), as_json, stopped=True)
    except Exception as error:  # noqa: BLE001 - the boundary: a defect ends with a code, not with a traceback
        return _fail(unexpected(error, f"podadmin {visible(' '.join(argv[:2]))}"), as_json, stopped=False)
    return code


def _run(line: Line, stop: _Stop) -> tuple[str, int]:
    """What to print, and the exit code."""
    if line.help:
        return line.help, ExitCode.OK
    if line.own == "serve":
        from podadmin.app.serve import serve

        return "", serve(line.options)
    if line.own == "version":
        about = {"podadmin": __version__, "python": platform.python_version()}
        return (render.as_json(about) if line.json else f"podadmin {__version__}"), ExitCode.OK
    assert line.act is not None
    value = _do(line.act, line.options, line.arguments or {}, stop)
    return (render.as_json(value) if line.json else render.as_text(value)), line.act.ends_with(value)


def _do(act: Act, options: Options, arguments: dict[str, object], stop: _Stop) -> Any:
    """The view that `act` returns. Raises what it raises; Cancelled after Ctrl-C."""
    ticker = _Ticker(sys.stderr)
    progress = Progress(ticker.show)

    def work() -> Any:
        if "profile" not in act.injected:
            return call(act, None, arguments, progress)
        from podadmin.app.profile import open_profile

        with open_profile(options) as profile:
            return call(act, profile, arguments, progress)

    try:
        with stop.listening(progress):
            return _in_thread(work)
    finally:
        ticker.clear()


def _in_thread(work: Callable[[], Any]) -> Any:
    """The result of `work`, or its exception; the calling thread stays free to hear signals."""
    result: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the waiting thread
            failure.append(error)

    thread = threading.Thread(target=run, name="podadmin-act", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return result[0]


class _Stop:
    """Turns the first Ctrl-C into a wish to stop; the second is Python's own KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False
        self._progress: Progress | None = None
        self._before: Any = None

    def listening(self, progress: Progress) -> _Stop:
        self._progress = progress
        return self

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._heard)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.asked = True
        if self._progress is not None:
            self._progress.cancel()


class _Ticker:
    """One line on a terminal that says how far the work is; nothing where there is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._shown = ""

    def show(self, step: Step) -> None:
        percent = "" if step.fraction is None else f" {min(max(step.fraction, 0.0), 1.0):.0%}"
        self._write(elide(visible(step.what), 70) + percent)

    def clear(self) -> None:
        if self._shown:
            self._write("")
            self._write("", end="\r")

    def _write(self, text: str, end: str = "") -> None:
        if self._stream is not None and (text != self._shown or end):
            self._stream.write("\r" + text.ljust(len(self._shown)) + end)
            self._stream.flush()
            self._shown = text


def _fail(error: PodadminError, as_json: bool, *, stopped: bool) -> int:
    if as_json:
        try:
            _print(json.dumps({"error": error.as_dict()}, indent=2))
        except PodadminError as second:
            _complain(second)
    else:
        _complain(error)
    return INTERRUPTED if stopped and isinstance(error, Cancelled) else int(error.exit_code)


def _complain(error: PodadminError) -> None:
    try:
        print("podadmin:", "\n  ".join(render.error_lines(error.as_dict())), file=sys.stderr, flush=True)
    except OSError:
        _abandon(sys.stderr)


def _print(text: str) -> None:
    """On standard output. A reader that went away is no error; a full disk is. Raises Unavailable `cli.output`."""
    if not text:
        return
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _abandon(sys.stdout)
    except OSError:
        _abandon(sys.stdout)
        raise Unavailable(
            "cli.output",
            "The result could not be written.",
            "Standard output takes no more: its disk may be full. What the command did is done.",
            "Make room and look at the result again.",
        ) from None


def _abandon(stream: TextIO) -> None:
    """Point a stream that cannot be written at nothing, so that closing it at the end does not complain again."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
