"""What a datasource is: its name, its kind and where it lies. Pure values and rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeGuard

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.datasources.folders import FileFilter

_NAME = re.compile(r"[a-z\d]+((-|_)[a-z\d]+)*")


class Kind(StrEnum):
    """Kinds of datasource by the names that a pod's configuration uses (bitfount contract, section 2.2)."""

    CSV = "CSVSource"
    PARQUET = "ParquetSource"
    """Not known to pods of that network: read here, and offered to the networks that take Parquet."""
    JSON_LINES = "JSONLinesSource"
    """Not known to pods of that network."""
    IMAGE = "ImageSource"
    NIFTI = "NIFTISource"
    DICOM = "DICOMSource"
    DICOM_OPHTHALMOLOGY = "DICOMOphthalmologySource"
    HEIDELBERG = "HeidelbergSource"
    HEIDELBERG_E2E = "HeidelbergE2ESource"
    TOPCON = "TopconSource"
    OMOP = "OMOPSource"
    SQL = "SQLSource"
    """Tables or queries of any database that is named by a SQLAlchemy URL; not known to pods of that network."""
    SPARK = "SparkSource"
    TRINO = "TrinoSource"
    SNOWFLAKE = "SnowflakeSource"
    BIGQUERY = "BigQuerySource"
    """Tables in data engines over many machines; not known to pods of that network, as all four."""
    INTERMINE = "InterMineSource"
    NULL = "NullSource"


ENGINES = frozenset({Kind.SPARK, Kind.TRINO, Kind.SNOWFLAKE, Kind.BIGQUERY})


@dataclass(frozen=True)
class DatasourceName:
    """A name that a pod accepts: lower-case letters and digits, joined by single `-` or `_`.

    The whole name has to match (bitfount contract, section 1.1). Raises BadInput (`datasource.name`).
    """

    text: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.text) or not self.text.isascii():
            raise BadInput(
                "datasource.name",
                "This name cannot be used for a datasource.",
                "A pod accepts lower-case letters and digits, joined by single hyphens or underscores.",
                "Choose a name such as eye-clinic-2024.",
            )

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Reading:
    """How a text file is to be read where the custodian knows better than the rules that look at it.

    `encoding`: one of ENCODINGS; `separator`: one character; `quote`: a quotation mark, or `none`; `header`: does the
    first line hold the names of the columns? Everything left empty is found out.
    """

    encoding: str = ""
    separator: str = ""
    quote: str = ""
    header: bool | None = None

    def __post_init__(self) -> None:
        if self.encoding and self.encoding not in ENCODINGS:
            raise _unreadable_choice("an encoding", self.encoding, ", ".join(ENCODINGS))
        if len(self.separator) > 1 or self.separator in {'"', "\n", "\r"}:
            raise _unreadable_choice("a separator", self.separator, "any single character")
        if self.quote not in {"", "none"} and (len(self.quote) != 1 or self.quote == self.separator):
            raise _unreadable_choice("a quotation mark", self.quote, "\", ' or none")

    def as_dict(self) -> dict[str, Any]:
        """What was chosen, JSON-ready; nothing where everything is found out."""
        return {name: value for name, value in vars(self).items() if value not in ("", None)}


ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")


def _unreadable_choice(what: str, given: str, known: str) -> BadInput:
    return BadInput(
        "datasource.reading",
        f"“{stranger(given, 20)}” cannot be used as {what}.",
        f"What can be used: {known}.",
        "Choose one of these, or leave it to be found out.",
    )


@dataclass(frozen=True)
class CsvSource:
    """One text file of rows and cells on a disk that this computer can reach, packed (.gz, .zst) or not."""

    path: Path
    reading: Reading = Reading()
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> Kind:
        return Kind.CSV

    @property
    def location(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class ParquetSource:
    """One Parquet file on a disk that this computer can reach."""

    path: Path
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> Kind:
        return Kind.PARQUET

    @property
    def location(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class JsonLinesSource:
    """One file of JSON lines (NDJSON) on a disk that this computer can reach, packed (.gz, .zst) or not."""

    path: Path
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> Kind:
        return Kind.JSON_LINES

    @property
    def location(self) -> str:
        return str(self.path)


JSON_LINES = (".ndjson", ".jsonl")
"""How names of such files end, where these are not packed."""
FileSource = CsvSource | ParquetSource | JsonLinesSource
"""A table that is one file."""


@dataclass(frozen=True)
class FolderSource:
    """A folder of files of one kind. `chosen`: which of its files count; `settings`: the kind's other fields.

    Settings are JSON-ready and by the names of the kind's declared model (`podadmin.datasources.kinds`); what has its
    default is left out of them.
    """

    kind: Kind
    path: Path
    chosen: FileFilter = field(default_factory=FileFilter)
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def location(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class SqlSource:
    """A table, or the rows of one SELECT, of a database; for OMOP the tables of its `version`.

    `url`: an SQLAlchemy URL without a password; `secret`: the name of the password in the vault, "" for none.
    `table` may be `schema.table`. A source of kind SQL has exactly one of `table` and `query`; of OMOP it has neither
    where the whole model is meant.
    """

    url: str
    secret: str = ""
    table: str = ""
    query: str = ""
    kind: Kind = Kind.SQL
    version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def whole_model(self) -> bool:
        """Is the OMOP model as a whole meant? Its schema is that of its version."""
        return not (self.table or self.query)

    @property
    def location(self) -> str:
        what = self.table or ("a query" if self.query else f"OMOP {self.version}")
        return f"{self.url} ({what})"


@dataclass(frozen=True)
class ServiceSource:
    """A template of an InterMine web service. `secret`: the name of the token in the vault, "" for none."""

    url: str
    template: str
    secret: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> Kind:
        return Kind.INTERMINE

    @property
    def location(self) -> str:
        return f"{self.url} (template {self.template})"


@dataclass(frozen=True)
class EngineSource:
    """A table in a data engine. `where`: how it is reached, by the names of the kind's declared fields, never a secret.

    `table` is empty where `where` names files that the engine finds. `secret`: the name of what proves who asks, in
    the vault, "" for none.
    """

    kind: Kind
    table: str
    where: Mapping[str, str] = field(default_factory=dict, hash=False)
    secret: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def location(self) -> str:
        named = ("address", "server", "account", "project", "catalog", "database", "dataset", "namespace", "files")
        way = "/".join(self.where[name] for name in named if name in self.where)
        return f"{way} ({self.table})" if self.table else way


@dataclass(frozen=True)
class NullSource:
    """No data of its own: a pod that works on health records only."""

    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> Kind:
        return Kind.NULL

    @property
    def location(self) -> str:
        return "no data"


Secretive = SqlSource | ServiceSource | EngineSource
"""Sources that may have a password or a token, which lies in the vault."""
Source = FileSource | FolderSource | SqlSource | ServiceSource | EngineSource | NullSource
"""Where the data of a datasource is. Each has its `kind` and its `location` in words, without any secret."""


def found_out(source: Source) -> TypeGuard[CsvSource]:
    """Can whoever has the file's name only read it as it is read here? The built-in pod offers no other."""
    return isinstance(source, CsvSource) and source.reading == Reading()


def kind_at(path: Path) -> Kind:
    """The kind of table that a file is, by the ending of its name."""
    if path.suffix.lower() == ".parquet":
        return Kind.PARQUET
    return Kind.JSON_LINES if {each.lower() for each in path.suffixes[-2:]} & {*JSON_LINES} else Kind.CSV


def source_at(path: Path, reading: Reading = Reading()) -> FileSource:
    """The source that a file is, by the ending of its name."""
    match kind_at(path):
        case Kind.PARQUET:
            return ParquetSource(path)
        case Kind.JSON_LINES:
            return JsonLinesSource(path)
        case _:
            return CsvSource(path, reading)


@dataclass(frozen=True)
class ColumnChoices:
    """What the custodian decided about columns.

    `ignore`: columns that are never read. `force`: column -> semantic type (`categorical`, `continuous`, `text`,
    `image`), or a prefix of column names -> `image_prefix`. `describe`: column -> description.
    """

    ignore: tuple[str, ...] = ()
    force: Mapping[str, str] = field(default_factory=dict)
    describe: Mapping[str, str] = field(default_factory=dict)


ReadOnly = Literal["proved", "not proved", "writable"]
"""Is it known that nothing can be changed in a source from here?"""


@dataclass(frozen=True)
class Fingerprint:
    """What the file system says about a file; two equal ones mean that nobody wrote to it in between."""

    size: int
    modified_ns: int
    inode: int
    device: int


@dataclass(frozen=True)
class RejectedLine:
    """A line of the file that cannot be read as a row: `line` counts from 1 as a text editor does."""

    line: int
    reason: str


@dataclass(frozen=True)
class Rejected:
    """All lines that were not read: how many, and the first of them in the order of the file."""

    count: int = 0
    first: tuple[RejectedLine, ...] = ()


@dataclass(frozen=True)
class Probe:
    """What testing a table file found. Nothing is saved by it and no value of the file is in it.

    `size` in bytes; `modified` aware and in UTC; `encoding` in words. `doubts`: what the custodian should look at
    before the file is used, in sentences.
    """

    rows: int
    size: int
    modified: datetime
    encoding: str
    separator: str
    header: bool
    columns: tuple[str, ...]
    rejected: Rejected
    fingerprint: Fingerprint
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceProbe:
    """What testing a source that is no table file found. Nothing is saved by it and no value of the data is in it.

    `read_only`: `proved` (a write was tried and refused, or the rights say so), `not proved`, or `writable`;
    `read_only_words` says how that is known. `rows`, `files`, `size` (bytes), `newest` and `oldest` (aware, UTC) are
    None where the source does not tell them. `doubts`: what the custodian should look at, in sentences. `details`:
    (label, words).
    """

    reachable: bool
    readable: bool
    read_only: ReadOnly
    read_only_words: str
    rows: int | None = None
    files: int | None = None
    size: int | None = None
    newest: datetime | None = None
    oldest: datetime | None = None
    columns: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ColumnGuess:
    """What the first rows say about a column; `sampled` of them were looked at."""

    name: str
    dtype: str
    stype: str
    sampled: int
    nulls: int


@dataclass(frozen=True)
class Rows:
    """The first rows as text; "" stands for an empty cell. `masked` says whether values or only shapes are shown."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    masked: bool


@dataclass(frozen=True)
class Datasource:
    """A datasource as it is kept. `last_check` is None until it was tested after it was added.

    `mount`: where the disk or share of its files was mounted when it was added, "" for the disk of the system.
    """

    id: str
    name: str
    kind: Kind
    source: Source
    choices: ColumnChoices
    added_at: datetime
    removed_at: datetime | None = None
    last_check: Mapping[str, Any] | None = None
    mount: str = ""
