"""The one writing connection: a unit of work has it for itself, or shares a commit with others that come meanwhile.

A commit has to wait for the disk, and that is most of what a small unit takes. Units that say so are therefore carried
out one after another in one transaction, each in a savepoint of its own, and all are on the disk once it is committed:
none is done before, none that fails takes another with it, and a crash leaves none of them or all.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import exc

MOST_TOGETHER = 50
"""Units that share one commit: the first waits for the last."""
_LOOK_AGAIN_SECONDS = 0.05


class Writing:
    """Hands out the writing connection, to one unit at a time. Usable from any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._turn = threading.RLock()
        self._counting = threading.Lock()
        self._coming = 0
        self._in_unit = False
        self._shared: _Shared | None = None
        self._mine = threading.local()

    @contextmanager
    def alone(self, act: str) -> Iterator[sa.Connection]:
        """A transaction of its own, committed at the end. Raises what the database raises."""
        with self._turn, self._entered(act):
            if self._shared is not None:
                self._end(self._shared)
            with self._engine.begin() as connection:
                yield connection

    @contextmanager
    def together(self, act: str) -> Iterator[sa.Connection]:
        """A part of a transaction that others may share; it is committed when this returns.

        Raises what the database raises: then nothing of this part was written. An exception of the body goes on once
        the parts before it are on the disk: it may rest on what they wrote. Where that was lost, that is raised.
        """
        shared: _Shared | None = None
        self._come()
        try:
            with self._entered(act):
                if self._shared is None:
                    self._shared = _Shared(self._engine)
                shared = self._shared
                try:
                    with shared.part():
                        yield shared.connection
                finally:
                    if self._coming == 0 or shared.lost or shared.parts >= MOST_TOGETHER:
                        self._end(shared)
        except Exception:
            self._leave(shared)
            raise
        except BaseException:
            self._turn.release()
            raise
        else:
            self._leave(shared)

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """The parts of this thread that come in it are committed at its end, and none waits for the disk before.

        Raises what the database raises: then it is not known which of them were written.
        """
        with self._counting:
            self._coming += 1  # so that nobody else ends what is gathered here
        held: list[_Shared] = []
        self._mine.held = held
        try:
            yield
        finally:
            del self._mine.held
            with self._counting:
                self._coming -= 1
            with self._turn:
                if self._shared in held and self._coming == 0:
                    self._end(held[-1])
            for shared in held:
                self._wait_for(shared)
        for shared in held:
            if shared.error is not None:
                raise shared.error

    def _leave(self, shared: _Shared | None) -> None:
        """The turn is over; waits for the commit, if it is not waited for later. Raises what it raised."""
        self._turn.release()
        if shared is None:
            return
        held: list[_Shared] | None = getattr(self._mine, "held", None)
        if held is None:
            self._wait_for(shared)
        elif shared not in held:
            held.append(shared)
        if shared.error is not None:
            raise shared.error

    def _come(self) -> None:
        with self._counting:
            self._coming += 1
        try:
            self._turn.acquire()
        finally:
            with self._counting:
                self._coming -= 1

    @contextmanager
    def _entered(self, act: str) -> Iterator[None]:
        if self._in_unit:
            # a defect of the caller, said at once: the one writing connection would be waited for in vain
            raise RuntimeError(f"a unit of work for {act} was opened inside another one")
        self._in_unit = True
        try:
            yield
        finally:
            self._in_unit = False

    def _end(self, shared: _Shared) -> None:
        self._shared = None
        shared.end()

    def _wait_for(self, shared: _Shared) -> None:
        # whoever was coming ends it; where that one was interrupted on its way, it is ended here
        while not shared.done.wait(_LOOK_AGAIN_SECONDS):
            with self._turn:
                if self._shared is shared:
                    self._end(shared)


class _Shared:
    """A transaction that is open, and the parts in it. Used by whoever has the turn."""

    def __init__(self, engine: sa.Engine) -> None:
        self.connection = engine.connect()
        try:
            self._transaction = self.connection.begin()
        except BaseException:
            self.connection.close()
            raise
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        self._driver = driver
        self.parts = 0
        self.lost = False
        self.error: Exception | None = None
        self.done = threading.Event()

    @contextmanager
    def part(self) -> Iterator[None]:
        """Everything in it, or nothing of it."""
        self._driver.execute("SAVEPOINT part")
        try:
            yield
            self._driver.execute("RELEASE part")
        except BaseException as error:
            self._take_back(error)
            raise
        self.parts += 1

    def _take_back(self, error: BaseException) -> None:
        try:
            # a disk that is full or broken makes the database give up the whole transaction by itself
            self._driver.execute("ROLLBACK TO part")
            self._driver.execute("RELEASE part")
        except sqlite3.Error as failed:
            self.lost = True
            self.error = error if isinstance(error, exc.SQLAlchemyError | sqlite3.Error) else failed

    def end(self) -> None:
        """Commit; `error` says afterwards whether that succeeded."""
        try:
            if self.lost:
                self._transaction.rollback()
                return
            with self._transaction:
                pass  # its end is the commit, or takes everything back where that fails
        except (exc.SQLAlchemyError, sqlite3.Error) as error:
            self.error = error
        finally:
            try:
                self.connection.close()
            finally:
                self.done.set()
