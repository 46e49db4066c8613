"""One connection to somebody's database: it cannot write, every question has a limit, and it can be stopped at once.

A question runs in a thread of its own, so that whoever waits for it can be let go within a second even where the
server, or the network to it, says nothing any more.

Must never do: keep a password after the connection is made, or let a driver's text out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as StillRunning
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Executable, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from podadmin.core.errors import BadInput, PodadminError
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.database_errors import Fault, explained, said
from podadmin.datasources.database_families import CONNECT_SECONDS, Family, bad_url, family_of
from podadmin.datasources.model import SqlSource

Result = TypeVar("Result")
SECONDS: Final = 3600
"""The longest that one question may take where nothing else is said."""
_POLL_SECONDS: Final = 0.05
_LET_GO_SECONDS: Final = 0.7
_STOPS, _STOP_SECONDS = 20, 0.2
_SECRETS: Final = frozenset({"password", "passwd", "pwd", "sslpassword", "ssl_key_password", "passfile", "token"})


class Session:
    """A connection in one transaction that only reads. Make one with `session`."""

    def __init__(self, connection: Connection, family: Family, progress: Progress, seconds: int, stop: Any) -> None:
        self.connection = connection
        self.family = family
        self.progress = progress
        self._waiting = _Waiting(progress, seconds, family)
        self._stop = stop

    def rows(self, statement: Executable | str, what: str = "", done: float | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement; a text goes to the driver as it is, without parameters.

        `what` and `done` (0.0 to 1.0) are reported first. Raises Cancelled and what `database_errors.said` makes.
        """
        if what:
            self.progress.report(what, done)
        self.progress.check()

        def work() -> list[tuple[Any, ...]]:
            if isinstance(statement, str):
                direct = self.connection.execution_options(no_parameters=True)
                found = direct.exec_driver_sql(statement)
            else:
                found = self.connection.execute(statement)
            return [tuple(row) for row in found] if found.returns_rows else []

        return self.call(work)

    def call(self, work: Callable[[], Result]) -> Result:
        """`work` that talks to the connection, in another thread. Raises as `rows` does."""
        return self._waiting.for_(work, self._stop)

    def attempt(self, statement: Executable | str) -> list[tuple[Any, ...]] | None:
        """The rows of a statement that may fail, or None; the session stays usable. Raises Cancelled, or lost."""
        # only PostgreSQL gives up a whole transaction for one statement that fails
        aside = self.connection.begin_nested() if self.family.name == "postgresql" else nullcontext()
        try:
            with aside:
                return self.rows(statement)
        except PodadminError as error:
            if error.code in {"core.cancelled", "datasource.database-lost", "datasource.database-too-long"}:
                raise
            return None

    @property
    def abandoned(self) -> bool:
        return self._waiting.abandoned


class _Waiting:
    """Waits for work in another thread, no longer than is allowed and not at all once the work was cancelled."""

    def __init__(self, progress: Progress, seconds: int, family: Family) -> None:
        self._progress = progress
        self._polls = round((seconds + CONNECT_SECONDS) / _POLL_SECONDS)
        self._family = family
        self.abandoned = False

    def for_(self, work: Callable[[], Result], stop: Callable[[], None] | None) -> Result:
        """Raises Cancelled, or what the work raised in words."""
        future: Future[Result] = Future()
        threading.Thread(target=_run, args=(work, future), name="database", daemon=True).start()
        for _ in range(self._polls):
            with suppress(StillRunning):
                return self._outcome(future, _POLL_SECONDS)
            if self._progress.cancelled:
                break
        self._end(future, stop)
        self._progress.check()
        raise said(Fault.TOO_LONG, self._family.words)

    def _outcome(self, future: Future[Result], seconds: float) -> Result:
        try:
            return future.result(seconds)
        except StillRunning:
            if not future.done():
                raise
            raise said(Fault.TIMED_OUT, self._family.words) from None
        except PodadminError:
            raise
        except Exception as error:  # noqa: BLE001 - a boundary: drivers raise what they like, and it becomes our error
            self._progress.check()
            raise explained(error, self._family.words) from None

    def _end(self, future: Future[Result], stop: Callable[[], None] | None) -> None:
        """Have the server stop. Where it does not answer, the thread is left behind and ends with the connection."""
        if stop is not None:
            threading.Thread(target=_stopping, args=(stop, future), name="database-stop", daemon=True).start()
        with suppress(StillRunning):
            future.exception(_LET_GO_SECONDS)
        self.abandoned = not future.done()


def _stopping(stop: Callable[[], None], future: Future[Any]) -> None:
    """Stop more than once: the server forgets a wish that comes before the statement that it is meant for."""
    for _ in range(_STOPS):
        _run(stop, Future())
        with suppress(StillRunning):
            future.exception(_STOP_SECONDS)
            return


def _run(work: Callable[[], Result], future: Future[Result]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
        future.set_exception(error)


@contextmanager
def session(
    source: SqlSource, password: Secret[str] | None, progress: Progress, *, seconds: int = SECONDS
) -> Iterator[Session]:
    """A session with the database of `source`. `seconds`: the longest that one question may take.

    Raises BadInput `datasource.database-url` and `datasource.password-in-url`, Unavailable `datasource.database-driver`
    and what `database_errors.said` makes, and Cancelled.
    """
    url = address(source.url)
    family = family_of(url)
    waiting = _Waiting(progress, CONNECT_SECONDS, family)
    engine = family.engine(url if password is None else url.set(password=password.reveal()), seconds)
    try:
        connection = waiting.for_(engine.connect, None)
        opened = None
        try:

            def begin() -> Any:
                stop = family.stop(connection)
                connection.rollback()
                family.begin(connection, seconds)
                return stop

            opened = Session(connection, family, progress, seconds, waiting.for_(begin, None))
            yield opened
        finally:
            _close(connection, opened is not None and opened.abandoned)
    finally:
        engine.dispose()


def _close(connection: Connection, abandoned: bool) -> None:
    def close() -> None:
        with suppress(SQLAlchemyError, OSError):
            if abandoned:
                connection.invalidate()
            connection.close()

    if abandoned:
        # its driver is still in use by the thread that was left behind, so nobody waits for this
        threading.Thread(target=_run, args=(close, Future()), name="database-close", daemon=True).start()
    else:
        _run(close, Future())


def address(text: str) -> URL:
    """The URL in `text`, which holds no password. Raises BadInput as `session` does."""
    try:
        url = make_url(text)
        url.get_dialect  # noqa: B018 - an unknown name is found further down
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise bad_url("It does not have the form of a URL.") from None
    if url.password or any(name.lower() in _SECRETS for name in url.query):
        raise BadInput(
            "datasource.password-in-url",
            "The URL holds a password.",
            "It would be kept and shown wherever the URL is, and written into files.",
            "Take the password out of the URL and enter it by itself: it is kept in the vault.",
        )
    return url
