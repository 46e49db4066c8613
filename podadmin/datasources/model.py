"""What a datasource is: its name, its kind and where it lies. Pure values and rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from podadmin.core.errors import BadInput

_NAME = re.compile(r"[a-z\d]+((-|_)[a-z\d]+)*")


class Kind(StrEnum):
    """Kinds of datasource by the names that a pod's configuration uses (bitfount contract, section 2.2)."""

    CSV = "CSVSource"


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
class CsvSource:
    """One CSV file on a disk that this computer can reach."""

    path: Path

    @property
    def kind(self) -> Kind:
        return Kind.CSV


@dataclass(frozen=True)
class ColumnChoices:
    """What the custodian decided about columns.

    `ignore`: columns that are never read. `force`: column -> semantic type (`categorical`, `continuous`, `text`,
    `image`), or a prefix of column names -> `image_prefix`. `describe`: column -> description.
    """

    ignore: tuple[str, ...] = ()
    force: Mapping[str, str] = field(default_factory=dict)
    describe: Mapping[str, str] = field(default_factory=dict)


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
    """What testing a CSV file found. Nothing is saved by it and no value of the file is in it.

    `size` in bytes; `modified` aware and in UTC; `encoding` in words; `header` false never happens for a file that
    can be used, because a pod takes the first line for the names.
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
    """A datasource as it is kept. `last_check` is None until it was tested after it was added."""

    id: str
    name: str
    kind: Kind
    source: CsvSource
    choices: ColumnChoices
    added_at: datetime
    removed_at: datetime | None = None
    last_check: Mapping[str, Any] | None = None
