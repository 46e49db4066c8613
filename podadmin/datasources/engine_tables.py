"""A table in a data engine, through ibis: its connection, its columns, its first rows. Reads only, keeps nothing.

Which engine it is does not matter behind the connection: ibis writes what is asked in its language. ibis and the
software of each engine are optional packages. Names of columns never become part of a text.

Must never do: let ibis write into an engine (it would put functions of its own into Snowflake), open a browser to have
somebody log in, or send a password without encryption.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, TypeVar

from podadmin.core.errors import BadInput, PodadminError, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.datasources.database_columns import Cells, Column, declared
from podadmin.datasources.database_errors import Fault, explained, said
from podadmin.datasources.database_samples import as_text, plain_moment
from podadmin.datasources.dtypes import stype_of
from podadmin.datasources.masking import masked as mask
from podadmin.datasources.model import ColumnGuess, EngineSource, Kind, Rows, SourceProbe
from podadmin.datasources.sample import SAMPLE_CELLS, SAMPLE_ROWS, Look, judged

T = TypeVar("T")
_POLL_SECONDS: Final = 0.05
_SPARK = threading.Lock()
"""There is one Spark in a process: two datasources take turns."""


@dataclass(frozen=True)
class Driver:
    """What an engine needs beside ibis: `modules` that are imported, `extra` of ibis that brings them."""

    words: str
    modules: tuple[str, ...]
    extra: str


DRIVERS: Final[Mapping[Kind, Driver]] = {
    Kind.SPARK: Driver("Spark", ("pyspark",), "pyspark"),
    Kind.TRINO: Driver("Trino", ("trino",), "trino"),
    Kind.SNOWFLAKE: Driver("Snowflake", ("snowflake.connector",), "snowflake"),
    Kind.BIGQUERY: Driver("BigQuery", ("google.cloud.bigquery", "pydata_google_auth"), "bigquery"),
}


def missing(kind: Kind) -> str:
    """What has to be installed before an engine of this kind can be reached, as pip takes it; "" where nothing has."""
    driver = DRIVERS.get(kind)
    if driver is None or all(map(_is_here, ("ibis", *driver.modules))):
        return ""
    return f"ibis-framework[{driver.extra}]"


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        # of a name with dots the first part is imported
        return False


class EngineTable:
    """A table that is open. `words`: the engine's name."""

    def __init__(self, connection: Any, table: Any, progress: Progress, words: str) -> None:
        self.table = table
        self.words = words
        self.progress = progress
        self._connection = connection
        self.columns = tuple(Column(name, cells_of(kind), str(kind)) for name, kind in table.schema().items())

    def shown(self, column: Column) -> Any:
        """The cell of a column as it can be looked at."""
        cell = self.table[column.name]
        return cell if column.cells not in {Cells.OTHER, Cells.BYTES} else cell.cast("string")

    def looks(self, columns: Sequence[Column]) -> tuple[int, tuple[Look, ...]]:
        """How many rows were looked at, and what they say about each column."""
        wanted = max(min(SAMPLE_ROWS, SAMPLE_CELLS // max(len(columns), 1)), 20)
        texts = self.texts(columns, wanted, "Looking at some rows", 0.02)
        found = (judged(each.name, [row[place] or None for row in texts]) for place, each in enumerate(columns))
        return len(texts), tuple(found)

    def texts(self, columns: Sequence[Column], most: int, what: str, done: float) -> list[tuple[str | None, ...]]:
        """Cells of some rows, at most so many, as text; None for an empty one."""
        cells = [self.shown(each).name(f"c{place}") for place, each in enumerate(columns)]
        rows = self.rows(self.table.select(cells).limit(most), what, done)
        return [tuple(as_text(plain(row[f"c{place}"])) for place in range(len(columns))) for row in rows]

    def rows(self, expression: Any, what: str = "", done: float | None = None) -> list[dict[str, Any]]:
        """The rows of an expression."""
        if what:
            self.progress.report(what, done)
        found = _waited(
            lambda: self._connection.to_pyarrow(expression).to_pylist(), self.progress, self.words, self._stop
        )
        return list(found)

    def _stop(self) -> None:
        """Have the engine end its jobs, where it can be told."""
        spark = getattr(self._connection, "_session", None)
        if spark is not None:
            stop = getattr(spark, "interruptAll", None) or spark.sparkContext.cancelAllJobs
            threading.Thread(target=stop, name="engine-stop", daemon=True).start()


@contextmanager
def opened(source: EngineSource, password: Secret[str] | None, progress: Progress) -> Iterator[EngineTable]:
    """The table of `source`, open for reading.

    Raises Unavailable `datasource.database-driver` where packages are missing, BadInput
    `datasource.engine-unencrypted`, what `database_errors.said` makes, and Cancelled.
    """
    driver = DRIVERS[source.kind]
    needed = missing(source.kind)
    if needed:
        raise Unavailable(
            "datasource.database-driver",
            f"What connects to {driver.words} is not installed.",
            f"podadmin needs the Python package {needed} for it and comes without.",
            f'Ask your IT service to install it beside podadmin: pip install "{needed}".',
        )
    progress.report(f"Connecting to {driver.words}", 0.01)
    with ExitStack() as ends:
        connection = _connected(source, password, progress, ends)

        def find() -> EngineTable:
            files = source.where.get("files", "")
            if files:
                return EngineTable(connection, connection.read_parquet(files), progress, driver.words)
            if source.table not in connection.list_tables():
                raise said(Fault.TABLE, driver.words)
            return EngineTable(connection, connection.table(source.table), progress, driver.words)

        yield _waited(find, progress, driver.words)


def connection_of(source: EngineSource, password: Secret[str] | None) -> dict[str, Any]:
    """What ibis takes to connect to Trino, Snowflake or BigQuery; the credentials of the last are found elsewhere.

    Raises BadInput `datasource.engine-unencrypted`.
    """
    where = source.where
    secret = password.reveal() if password is not None else None
    if source.kind is Kind.TRINO:
        plain = where.get("unencrypted") == "True"
        if plain and secret:
            raise BadInput(
                "datasource.engine-unencrypted",
                "The password was not sent.",
                "The connection is set up without encryption, and whoever listens would read it.",
                "Take the encryption back, or forget the password.",
            )
        # ibis takes a text for a password where the name of the server says https
        server = f"{'http' if plain else 'https'}://{where['server']}"
        return {
            "host": server, "port": int(where.get("port", "443")), "user": where["user"], "auth": secret,
            "database": where["catalog"], "schema": where["namespace"], "source": "podadmin",
        }  # fmt: skip
    if source.kind is Kind.SNOWFLAKE:
        more = {name: where[name] for name in ("warehouse", "role") if name in where}
        return {
            "account": where["account"], "user": where["user"], "password": secret,
            "database": where["database"], "schema": where["namespace"], "create_object_udfs": False, **more,
        }  # fmt: skip
    dataset = {"project_id": where["project"], "dataset_id": where["dataset"]}
    return {**dataset, **({"location": where["location"]} if "location" in where else {})}


def _connected(source: EngineSource, password: Secret[str] | None, progress: Progress, ends: ExitStack) -> Any:
    words = DRIVERS[source.kind].words
    ibis = import_module("ibis")
    if source.kind is Kind.SPARK:
        ends.enter_context(_SPARK)
        session, ours = _joined(lambda: _spark(source.where["address"], password), progress, words)
        if ours:
            ends.callback(_quietly, session.stop)
        return _joined(lambda: ibis.pyspark.connect(session), progress, words)
    given = connection_of(source, password)
    if source.kind is Kind.BIGQUERY:
        given["credentials"] = _joined(_google, progress, words)
    backend = getattr(ibis, DRIVERS[source.kind].extra)
    connection = _joined(lambda: backend.connect(**given), progress, words)
    ends.callback(_quietly, connection.disconnect)
    return connection


def _spark(address: str, token: Secret[str] | None) -> tuple[Any, bool]:
    """A session with Spark, and whether it was made here and ends with its use."""
    sql = import_module("pyspark.sql")
    if address.startswith("sc://"):
        rest = f"/;token={token.reveal()};use_ssl=true" if token is not None else ""
        return sql.SparkSession.builder.remote(f"{address.rstrip('/')}{rest}").create(), True
    running = getattr(import_module("pyspark").SparkContext, "_active_spark_context", None)
    settings = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC"}
    session = sql.SparkSession.builder.master(address).config(map=settings).getOrCreate()
    if session.sparkContext.master != address:
        raise Unavailable(
            "datasource.engine-busy",
            "Spark was not reached.",
            "Another Spark is in use by podadmin just now, and there can be only one at a time.",
            "Try again when the other work has ended.",
        )
    return session, running is None


def _google() -> Any:
    """The credentials of the account of this computer. Nobody is asked to log in."""
    found, _project = import_module("google.auth").default(scopes=["https://www.googleapis.com/auth/bigquery"])
    return found


def _quietly(end: Callable[[], object]) -> None:
    with suppress(Exception):
        # what is being left cannot be mended, and nothing was changed by it
        end()


def _waited(work: Callable[[], T], progress: Progress, words: str, stop: Callable[[], None] = lambda: None) -> T:
    """What `work` gives; the engine works in another thread, so that whoever waits can be let go."""
    progress.check()
    found: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            errors.append(error)

    worker = threading.Thread(target=run, name="engine", daemon=True)
    worker.start()
    while worker.is_alive():
        worker.join(_POLL_SECONDS)
        if progress.cancelled:
            stop()
            progress.check()
    if errors:
        progress.check()
        raise errors[0] if isinstance(errors[0], PodadminError) else explained(errors[0], words) from None
    return found[0]


def _joined(work: Callable[[], T], progress: Progress, words: str) -> T:
    """What `work` gives, which makes a connection: one that never stood was not lost."""
    try:
        return _waited(work, progress, words)
    except PodadminError as error:
        if error.code == said(Fault.LOST, words).code:
            raise said(Fault.UNREACHABLE, words) from None
        raise


def probe(source: EngineSource, password: Secret[str] | None, progress: Progress) -> SourceProbe:
    """Connect, count the rows and look at the first ones. Raises as `opened`."""
    with opened(source, password, progress) as found:
        rows = int(found.rows(found.table.aggregate(n=found.table.count()), "Counting the rows", 0.3)[0]["n"])
        found.texts(found.columns, 1, "Reading the first row", 0.9)
        open_line = source.where.get("unencrypted") == "True"
        return SourceProbe(
            True,
            True,
            "not proved",
            f"podadmin only asks questions. What the account may do in {found.words} cannot be seen from here: ask "
            "whoever runs it for one that reads only.",
            rows=rows,
            columns=tuple(each.name for each in found.columns),
            doubts=("The connection is not encrypted: whoever listens on the network can read it.",)
            if open_line
            else (),
            details=(("Engine", found.words),),
        )


def preview(
    source: EngineSource, password: Secret[str] | None, progress: Progress, rows: int = 20, masked: bool = True
) -> Rows:
    """Some rows as text that is safe to show; masked, only the shapes of values. Raises as `opened`."""
    with opened(source, password, progress) as found:
        cells = found.texts(found.columns, rows, "Reading the first rows", 0.5)
    names = tuple(stranger(each.name) for each in found.columns)
    shown = tuple(tuple(stranger(mask(cell or "") if masked else cell or "") for cell in row) for row in cells)
    return Rows(names, shown, masked)


def columns(source: EngineSource, password: Secret[str] | None, progress: Progress) -> tuple[ColumnGuess, ...]:
    """What some rows say about every column. Raises as `opened`."""
    with opened(source, password, progress) as found:
        rows, seen = found.looks(found.columns)
    dtypes = [declared(each.cells) for each in found.columns]
    return tuple(
        ColumnGuess(look.name, dtype, stype_of(look.name, dtype), rows, rows - look.cells)
        for look, dtype in zip(seen, dtypes, strict=True)
    )


def names(source: EngineSource, password: Secret[str] | None, progress: Progress) -> tuple[str, ...]:
    """The names of the columns. Raises as `opened`."""
    with opened(source, password, progress) as found:
        return tuple(each.name for each in found.columns)


def cells_of(kind: Any) -> Cells:
    """What a column of this ibis type holds."""
    tests = (
        ("is_boolean", Cells.BOOLEAN),
        ("is_integer", Cells.WHOLE),
        ("is_floating", Cells.FLOAT),
        ("is_decimal", Cells.DECIMAL),
        ("is_date", Cells.MOMENT),
        ("is_timestamp", Cells.MOMENT),
        ("is_string", Cells.TEXT),
        ("is_binary", Cells.BYTES),
    )
    return next((cells for test, cells in tests if getattr(kind, test)()), Cells.OTHER)


def plain(value: Any) -> Any:
    """A moment as text, everything else as it is."""
    return written(value) if isinstance(value, datetime) else value


def written(moment: date) -> str:
    """A day or a moment as text; one with a zone in UTC."""
    if isinstance(moment, datetime):
        there = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        return plain_moment(f"{there:%Y-%m-%d %H:%M:%S.%f}")
    return moment.isoformat()
