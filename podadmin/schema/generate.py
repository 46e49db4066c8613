"""Makes a schema from a datasource of any kind. A table file is read here; other kinds are counted where they lie.

For a table file: a look at some rows, then one pass that counts everything, in bounded memory.

The look only rules out what a column cannot be, so that fewer things are tried in the pass; what a column is gets
decided by all of its cells. A column that turns into text in its last line is text. Labels of categorical columns of
which the look has not seen every value cost a second, narrower pass.

Must never do: keep a value of a text column that few rows share, drop a line without counting it, or return anything
after the file changed underneath.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from podadmin.core.clock import Clock
from podadmin.core.errors import Refused
from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources.choices import check_choices, forced
from podadmin.datasources.csv import located
from podadmin.datasources.dtypes import (
    FLOAT,
    INTEGER,
    STRING,
    UNSIGNED,
    Evidence,
    dtype_of,
    native_dtype,
)
from podadmin.datasources.engine import DEFAULT_MEMORY, Engine
from podadmin.datasources.files import unchanged
from podadmin.datasources.folders import Inventory
from podadmin.datasources.kinds.registry import declaration
from podadmin.datasources.model import (
    ColumnChoices,
    CsvSource,
    EngineSource,
    FileSource,
    Fingerprint,
    FolderSource,
    JsonLinesSource,
    ParquetSource,
    Rejected,
    Source,
    SqlSource,
)
from podadmin.datasources.tables import looks, reading, refuse_without_rows
from podadmin.schema.column_rules import (
    INT64,
    every_statistics,
    known_labels,
    largest_of,
    semantic,
    too_many_labels,
    typed,
)
from podadmin.schema.counts import Counts
from podadmin.schema.file_pass import read_all
from podadmin.schema.model import Document, Feature
from podadmin.schema.profile import MAX_LABELS, Profile, Unread
from podadmin.schema.statistics import ColumnStatistics, labelled

if TYPE_CHECKING:
    from podadmin.datasources import inventory, probing
    from podadmin.schema import engine_pass, folder_pass, sql_pass
else:
    inventory = Late("podadmin.datasources.inventory")
    probing = Late("podadmin.datasources.probing")
    engine_pass = Late("podadmin.schema.engine_pass")
    folder_pass = Late("podadmin.schema.folder_pass")
    sql_pass = Late("podadmin.schema.sql_pass")

EXACT_BYTES = 8 << 20
"""Up to this size of file different values are counted exactly; beyond it they are estimated (HyperLogLog)."""
EXACT_COLUMNS = 500
_SAFE_INTEGER = 2.0**53
_PASS_SPAN, _LABEL_SPAN = (0.02, 0.85), (0.88, 1.0)


@dataclass(frozen=True)
class Generated:
    """A schema that was made and not yet kept. `rows` were read, `rejected` were not; `seconds` it took.

    `notes`: sentences on how much of the source was read.
    """

    document: Document
    columns: tuple[ColumnStatistics, ...]
    rejected: Rejected
    rows: int
    seconds: float
    fingerprint: Fingerprint | None
    """What the file, or the files of the folder together, were like; None for what has no such thing."""
    notes: tuple[str, ...] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
    """`pod` and `instance`: which pod told it, in which of its runs; empty for a schema that was made here."""
    unread: Unread | None = None


def generate(
    name: str,
    source: Source,
    choices: ColumnChoices,
    clock: Clock,
    progress: Progress,
    *,
    password: Secret[str] | None = None,
    kept: Path | None = None,
    description: str | None = None,
    memory_limit: str = DEFAULT_MEMORY,
    temp_directory: Path | None = None,
    max_labels: int = MAX_LABELS,
    every_file: bool = False,
) -> Generated:
    """The full schema of `source`.

    `every_file`: read the headers of all files of a folder, not of a sample.
    `password`: with which a database is reached. `kept`: the file of a folder's inventory, which is brought up to date.
    `memory_limit` bounds DuckDB's buffers, for example `512MB`; what does not fit spills to `temp_directory` or is an
    error where there is none. Raises what `datasources.probing.probe` raises, `datasource.unknown-column` and its kin
    for choices that fit nothing, BadInput `schema.too-many-labels` and `schema.not-numeric`, Refused
    `schema.from-the-pod` for a kind that podadmin does not read, and Cancelled.
    """
    started = clock.monotonic()
    found: Fingerprint | None = None
    match source:
        case CsvSource() | ParquetSource() | JsonLinesSource():
            profile, found = _of_file(source, choices, progress, memory_limit, temp_directory, max_labels)
        case SqlSource() if not source.whole_model:
            profile = sql_pass.profile(source, password, choices, progress, max_labels=max_labels)
        case EngineSource():
            profile = engine_pass.profile(source, password, choices, progress, max_labels=max_labels)
        case FolderSource() if probing.reads_headers(source) and kept is not None:
            profile = folder_pass.profile(
                source, kept, choices, clock, progress, max_labels=max_labels, every_file=every_file
            )
            found = _of_folder(inventory.known(kept))
        case _:
            raise _from_the_pod(source)
    chosen = forced(choices, tuple(each.name for each in profile.columns))
    document = document_of(name, description, profile, chosen)
    seconds = clock.monotonic() - started
    return Generated(
        document, profile.columns, profile.rejected, profile.rows, seconds, found, profile.notes, unread=profile.unread
    )


def _of_file(
    source: FileSource,
    choices: ColumnChoices,
    progress: Progress,
    memory_limit: str,
    temp_directory: Path | None,
    max_labels: int,
) -> tuple[Profile, Fingerprint]:
    with unchanged(located(source.path)) as found:
        with reading(source, progress, memory_limit=memory_limit, temp_directory=temp_directory) as reader:
            names = reader.table.columns
            check_choices(choices, names)
            exact = found.size <= EXACT_BYTES and len(names) <= EXACT_COLUMNS
            profile = _Maker(reader, choices, exact, max_labels).profile()
        refuse_without_rows(profile.rows, profile.rejected)
    return profile, found


def _of_folder(found: Inventory | None) -> Fingerprint | None:
    if found is None:
        return None
    newest = int(found.newest.timestamp() * 1e9) if found.newest is not None else 0
    return Fingerprint(found.size, newest, 0, 0)


def _from_the_pod(source: Source) -> Refused:
    return Refused(
        "schema.from-the-pod",
        "The schema of this datasource is not generated here.",
        declaration(source.kind).reads_words,
        "Start the pod with this datasource, and take the schema over from it.",
    )


def document_of(name: str, description: str | None, profile: Profile, chosen: dict[str, str]) -> Document:
    """The document that a profile gives; `chosen`: column -> the semantic type that the custodian chose."""
    force_stypes = {stype: tuple(n for n, s in chosen.items() if s == stype) for stype in sorted(set(chosen.values()))}
    features = tuple(map(_feature, profile.columns))
    return Document(name, description, profile.rows, features, force_stypes, profile.level)


def _feature(column: ColumnStatistics) -> Feature:
    labels = tuple(label for label, _ in column.labels)
    pictures = dict(column.dimensions), dict(column.formats), dict(column.modes)
    return Feature(column.name, column.description, column.dtype, column.stype, labels, *pictures)


class _Maker:
    """One generation over one open file."""

    def __init__(self, reader: Engine, choices: ColumnChoices, exact: bool, max_labels: int) -> None:
        self._reader = reader
        self._choices = choices
        self._exact = exact
        self._max_labels = max_labels
        self._names = tuple(name for name in reader.table.columns if name not in choices.ignore)
        self._forced = forced(choices, reader.table.columns)

    def profile(self) -> Profile:
        """What is found about every column that is not ignored, in the order of the file."""
        _sampled, seen = looks(self._reader, self._names)
        texts = frozenset(name for name, stype in self._forced.items() if stype == "categorical")
        found = read_all(self._reader, seen, texts, _PASS_SPAN, self._exact)
        rows, counts = found.rows, found.counts
        dtypes = {name: self._dtype(name, each) for name, each in counts.items()}
        stypes = {name: semantic(name, dtypes[name], counts[name], self._forced.get(name)) for name in self._names}
        labels = self._labels([n for n in self._names if stypes[n] == "categorical"], dtypes, counts, rows)
        columns = []
        for each in every_statistics(seen, dtypes, stypes, counts, rows, labels, self._forced, self._choices.describe):
            self._reader.check()
            columns.append(each)
        return Profile(rows, tuple(columns), found.rejected)

    def _dtype(self, name: str, found: Counts) -> str:
        if self._reader.table.dialect is None:
            return typed(native_dtype(self._reader.type_of(name)), found)
        largest = largest_of(found)
        if found.cells and found.numbers == found.cells and found.whole and largest >= _SAFE_INTEGER:
            return self._large(name, found, largest)
        return dtype_of(
            Evidence(found.cells, found.trues + found.falses, found.numbers, found.whole and largest < INT64)
        )

    def _large(self, name: str, found: Counts, largest: float) -> str:
        """Whole numbers beyond 2^53: floating point has lost their last digits, so look once more, exactly.

        Digits that fit no 64-bit number are an identifier and stay text, as pandas leaves them.
        """
        cell = self._reader.cell(name)
        select = [f"count_if(regexp_matches({cell}, '[.eE]'))"]
        for kind in ("BIGINT", "UBIGINT"):
            select += [f"{each}(try_cast({cell} AS {kind}))" for each in ("min", "max", "count")]
        fractional, low, high, fits, low_u, high_u, fits_u = self._reader.rows(
            select, "Looking at large numbers", (0.85, 0.88)
        )[0]
        if fractional:
            return FLOAT if largest >= INT64 else INTEGER
        if fits == found.cells:
            found.low, found.high = low, high
            return INTEGER
        if fits_u == found.cells:
            found.low, found.high = low_u, high_u
            return UNSIGNED
        return STRING

    def _labels(
        self, names: list[str], dtypes: dict[str, str], counts: dict[str, Counts], rows: int
    ) -> dict[str, tuple[tuple[str, int], ...]]:
        """The labels of the categorical columns `names`, with how often each occurs."""
        known: dict[str, tuple[tuple[str, int], ...]] = {}
        for name in names:
            found = counts[name]
            # an estimate may be off by some per cent: only clear excess is refused here, the rest below
            if found.distinct > self._max_labels * (1 if found.exact else 1.5):
                raise too_many_labels(name, found.distinct, self._max_labels)
            labels = known_labels(dtypes[name], found, rows, name in self._forced)
            if labels is not None:
                known[name] = labels
        asked = [name for name in names if name not in known]
        if asked:
            known |= {name: labelled(cells, dtypes[name]) for name, cells in self._grouped(asked).items()}
        for name in names:
            if len(known[name]) > self._max_labels:
                raise too_many_labels(name, len(known[name]), self._max_labels)
        return known

    def _grouped(self, asked: list[str]) -> dict[str, list[tuple[str | None, int]]]:
        columns = [f"t{self._reader.cell(name)[1:]}" for name in asked]
        derived = [
            f"{self._reader.cell(name)}::VARCHAR AS {column}" for name, column in zip(asked, columns, strict=True)
        ]
        sets = ", ".join(f"({column})" for column in columns)
        # in every grouping set all other columns are NULL, so that coalesce finds the one that is meant
        select = [f"grouping({', '.join(columns)})", f"coalesce({', '.join(columns)})", "count(*)"]
        found_rows = self._reader.rows(
            select,
            "Collecting the labels of categorical columns",
            _LABEL_SPAN,
            tail=f"GROUP BY GROUPING SETS ({sets}) LIMIT {(self._max_labels + 2) * len(asked) * 2}",
            derived=derived,
        )
        every = (1 << len(asked)) - 1
        which = {every ^ (1 << (len(asked) - 1 - place)): name for place, name in enumerate(asked)}
        cells_of: dict[str, list[tuple[str | None, int]]] = {name: [] for name in asked}
        for mask, text, times in found_rows:
            cells_of[which[mask]].append((text, times))
        return cells_of
