"""Reads headers in a few processes of their own: a file that brings one of them down costs that file and no more.

Bytes that strangers wrote are read by libraries that were not written against them, so none is read in the process
that holds keys. The processes are spawned (no threads or keys are copied into them), have a bound on their memory,
end with this one, and are killed when the work is stopped or when one of them does not answer.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from podadmin.core.clock import Clock
from podadmin.core.errors import PodadminError, Unavailable
from podadmin.core.memory import no_core_dumps
from podadmin.core.progress import Progress
from podadmin.datasources.header_facts import Brought, Row, Unreadable, packed, shown

MOST_WORKERS: Final = 4
CHUNK: Final = 64
PATIENCE_SECONDS: Final = 20.0
"""How long one file may take. A share that is slower for several files in turn is given up."""
GIVEN_UP_AFTER: Final = 3
START_SECONDS: Final = 60.0
"""How long a process may take to be ready: it loads its libraries first."""
READY: Final = "ready"
_MEMORY: Final = 1 << 30


@dataclass(frozen=True)
class Order:
    """What the processes are to read, the same for every file of one pass.

    `reader`: `dicom`, `image` or `nifti`. `key`: makes digests of texts. `texts`: columns whose values are kept as they
    are. `shown`: bring what a preview shows instead of facts: `shapes` of values, or the `values` themselves.
    """

    reader: str
    key: bytes = b""
    texts: frozenset[str] = frozenset()
    images_only: bool = True
    shown: str = ""


@dataclass(frozen=True)
class Fact:
    """What came of one file: `reason` why it gives no row, "" where it does. See header_facts for the rest."""

    reason: str = ""
    layout: str = ""
    values: bytes = b""
    words: tuple[tuple[bytes, str], ...] = ()
    shown: tuple[tuple[str, str], ...] = ()


def one(order: Order, path: bytes, brought: Brought, other: bool = False) -> Fact:
    """What the header of one file tells. Never raises for what is in the file: that is a reason.

    `other`: the file has no ending, so that being of another kind is no damage.
    """
    try:
        row = read(order, path)
        if order.shown:
            return Fact(shown=tuple(shown(row, order.shown == "shapes")))
        known = len(brought.words)
        layout, values = packed(row, order.key, brought)
        fresh = tuple(islice(brought.words.items(), known, None)) if len(brought.words) > known else ()
        brought.bounded()
        return Fact(layout=layout, values=values, words=fresh)
    except Unreadable as broken:
        return Fact("other" if other and broken.reason.startswith("not-") else broken.reason)
    except FileNotFoundError:
        return Fact("vanished")
    except PermissionError:
        return Fact("denied")
    except MemoryError:
        return Fact("memory")
    except RecursionError:
        return Fact("nested")
    except OSError:
        return Fact("disk")
    except Exception:  # noqa: BLE001 - at the edge of what strangers wrote: one file must never end the pass
        return Fact("damaged")


def read(order: Order, path: bytes) -> Row:
    """The row of one file, read in this process. Raises Unreadable and OSError."""
    if order.reader == "dicom":
        from podadmin.datasources import dicom_headers

        return dicom_headers.read(path, order.images_only, order.texts)
    if order.reader == "image":
        from podadmin.datasources import image_headers

        return image_headers.read(path, order.texts)
    from podadmin.datasources import nifti_headers

    return nifti_headers.read(path, order.texts)


def _serve(connection: Connection, order: Order) -> None:
    """What a process does until it is told to end, or until the process that asked is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    no_core_dumps()
    # what libraries complain about would carry values of the files into somebody's terminal or log
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    brought = Brought()
    layouts: dict[str, int] = {}
    _load(order)
    _bound_memory()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send(READY)
        while (asked := connection.recv()) is not None:
            found: list[tuple[Any, ...]] = []
            for number, path, other in asked:
                fact = one(order, path, brought, other)
                # the same few layouts come again and again: each is sent once and named by a number afterwards
                place = layouts.get(fact.layout)
                if place is None:
                    place = layouts[fact.layout] = len(layouts)
                    found.append((number, fact.reason, place, fact.layout, fact.values, fact.words, fact.shown))
                else:
                    found.append((number, fact.reason, place, None, fact.values, fact.words, fact.shown))
            connection.send(found)


def _load(order: Order) -> None:
    """Import what the reading takes, so that the bound on memory that follows is one for the files alone."""
    one(order, os.devnull.encode(), Brought())
    for name in {"dicom": ("pydicom.datadict", "pydicom.filereader"), "image": ("PIL.Image",)}.get(
        order.reader, ("nibabel", "numpy")
    ):
        import_module(name)


def _bound_memory() -> None:
    """Allow this process a gigabyte more than what its libraries have taken."""
    if sys.platform == "win32":  # pragma: no cover - there the process is only watched
        return
    import resource

    with suppress(OSError, ValueError):
        used = int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))


Item = tuple[int, bytes, bool]
"""(number by which the caller knows the file, its path, has it no ending?)"""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    since: float = 0.0
    ready: bool = False
    asked: list[Item] = field(default_factory=list)
    layouts: dict[int, str] = field(default_factory=dict)


class Pool:
    """A few processes that read headers for one pass. Use as a context: leaving it ends them, however it is left."""

    def __init__(
        self,
        order: Order,
        clock: Clock,
        progress: Progress,
        *,
        workers: int = 0,
        patience: float = PATIENCE_SECONDS,
        serve: Callable[[Connection, Order], None] = _serve,
    ) -> None:
        self._order = order
        self._clock = clock
        self._progress = progress
        self._patience = patience
        self._serve = serve
        self._most = workers or max(1, min(MOST_WORKERS, os.cpu_count() or 1))
        self._workers: list[_Worker] = []
        self._again: deque[list[Item]] = deque()
        self._slow = 0

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            self._end(worker)
        self._workers = []

    def read(self, items: Iterator[Item]) -> Iterator[tuple[int, Fact]]:
        """(number, what came of it) for every item, in any order. A process that ends or hangs costs one file.

        Raises Cancelled within a second of being cancelled, and Unavailable (`datasource.share-hangs`).
        """
        source = iter(items)
        while True:
            self._progress.check()
            self._hand_out(source)
            busy = [worker for worker in self._workers if worker.asked]
            if not busy:
                return
            ready = multiprocessing.connection.wait([worker.connection for worker in busy], timeout=0.2)
            for worker in busy:
                if worker.connection in ready:
                    yield from self._answer(worker, source)
                elif self._clock.monotonic() - worker.since > (self._patience if worker.ready else START_SECONDS):
                    yield from self._replace(worker, "slow")

    def _hand_out(self, source: Iterator[Item]) -> None:
        idle = [worker for worker in self._workers if not worker.asked]
        for _ in range(self._most - len(self._workers) + len(idle)):
            chunk = self._again.popleft() if self._again else _some(source, CHUNK)
            if not chunk:
                return
            self._ask(idle.pop() if idle else self._start(), chunk)

    def _ask(self, worker: _Worker, chunk: list[Item]) -> None:
        worker.asked, worker.since = chunk, self._clock.monotonic()
        with suppress(OSError):
            # a process that has just ended is seen when its answer is waited for
            worker.connection.send(chunk)

    def _answer(self, worker: _Worker, source: Iterator[Item]) -> Iterator[tuple[int, Fact]]:
        try:
            found = worker.connection.recv()
        except (EOFError, OSError):
            yield from self._replace(worker, "killed")
            return
        if found == READY:
            worker.ready, worker.since = True, self._clock.monotonic()
            return
        worker.asked = []
        self._slow = 0
        # it reads on while what it brought is kept
        self._hand_out(source)
        for number, reason, place, layout, values, words, told in found:
            if layout is not None:
                worker.layouts[place] = layout
            yield number, Fact(reason, worker.layouts[place], values, words, told)

    def _replace(self, worker: _Worker, reason: str) -> Iterator[tuple[int, Fact]]:
        """A process ended or does not answer: end it, and find out by which file it was."""
        asked = worker.asked
        self._workers.remove(worker)
        self._end(worker)
        if len(asked) > 1:
            self._again.extend([item] for item in asked)
            return
        self._slow = self._slow + 1 if reason == "slow" else 0
        if self._slow >= GIVEN_UP_AFTER:
            raise _hangs(self._patience)
        yield asked[0][0], Fact(reason)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=self._serve, args=(theirs, self._order), daemon=True, name="headers")
        try:
            process.start()
        except OSError as error:
            ours.close()
            raise _no_process() from error
        finally:
            theirs.close()
        self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _end(self, worker: _Worker) -> None:
        # it holds nothing that could be lost, so that nobody has to wait for it to end by itself
        worker.connection.close()
        worker.process.kill()
        worker.process.join()
        worker.process.close()


def _some(source: Iterator[Item], most: int) -> list[Item]:
    return list(islice(source, most))


def _hangs(seconds: float) -> PodadminError:
    return Unavailable(
        "datasource.share-hangs",
        "The folder does not answer.",
        f"Several files in turn could not be read within {seconds:g} seconds each.",
        "Check the connection to the share, then try again: what was read until now is kept.",
    )


def _no_process() -> PodadminError:
    return Unavailable(
        "datasource.no-process",
        "The headers could not be read.",
        "The system did not let podadmin start a process for reading them.",
        "Close some programs, or ask your IT service about the limits of this account; then try again.",
    )
