"""Testing a source of any kind, showing its first rows, and a quick look at its columns. Reads only, keeps nothing.

Which part of the room does it follows from the kind of the source; what comes back is the same for all.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from podadmin.core.clock import Clock
from podadmin.core.errors import Refused
from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources import tables
from podadmin.datasources.files import fingerprint
from podadmin.datasources.folders import FileFilter
from podadmin.datasources.kinds.registry import declaration
from podadmin.datasources.model import (
    ColumnGuess,
    CsvSource,
    EngineSource,
    FileSource,
    FolderSource,
    JsonLinesSource,
    NullSource,
    ParquetSource,
    Probe,
    Rows,
    ServiceSource,
    Source,
    SourceProbe,
    SqlSource,
)
from podadmin.datasources.mounts import check_mounted
from podadmin.datasources.patience import PATIENCE_SECONDS, within

if TYPE_CHECKING:
    from podadmin.datasources import databases, engine_tables, folder_counts, headers, web_service
else:
    databases = Late("podadmin.datasources.databases")
    engine_tables = Late("podadmin.datasources.engine_tables")
    folder_counts = Late("podadmin.datasources.folder_counts")
    headers = Late("podadmin.datasources.headers")
    web_service = Late("podadmin.datasources.web_service")

Found = Probe | SourceProbe


def probe(
    source: Source,
    password: Secret[str] | None,
    kept: Path,
    clock: Clock,
    progress: Progress,
    *,
    temp_directory: Path | None = None,
) -> Found:
    """Everything that testing a source tells. `kept`: the file of a folder's inventory, which is brought up to date.

    Raises what its kind raises (`datasource.*`) and Cancelled.
    """
    match source:
        case CsvSource() | ParquetSource() | JsonLinesSource():
            # a share that hangs holds up a thread that nobody waits for, and not the one that reads the file
            touch(source, progress)
            return tables.probe(source, progress, temp_directory=temp_directory)
        case FolderSource():
            if reads_headers(source):
                return headers.probe(source, kept, clock, progress)
            return folder_counts.probe(source, kept, clock, progress)
        case SqlSource():
            return databases.probe(source, password, progress)
        case EngineSource():
            return engine_tables.probe(source, password, progress)
        case ServiceSource():
            return web_service.probe(source, password, clock, progress)
        case NullSource():
            return SourceProbe(True, True, "proved", "There is no data that could be changed.")


def columns(
    source: Source,
    password: Secret[str] | None,
    kept: Path,
    clock: Clock,
    progress: Progress,
    *,
    temp_directory: Path | None = None,
) -> tuple[ColumnGuess, ...]:
    """The columns of a source with the types that a sample suggests; none for a kind that podadmin does not read.

    A service tells the names of its columns only. Raises as `probe`.
    """
    match source:
        case CsvSource() | ParquetSource() | JsonLinesSource():
            return tables.columns(source, temp_directory=temp_directory)
        case FolderSource() if reads_headers(source):
            return headers.columns(source, kept, clock, progress)
        case SqlSource() if not source.whole_model:
            return databases.columns(source, password, progress)
        case EngineSource():
            return engine_tables.columns(source, password, progress)
        case ServiceSource():
            names = web_service.columns(source, password, clock, progress)
            return tuple(ColumnGuess(name, "", "", 0, 0) for name in names)
        case _:
            return ()


def preview(
    source: Source,
    password: Secret[str] | None,
    kept: Path,
    clock: Clock,
    progress: Progress,
    *,
    masked: bool = True,
    temp_directory: Path | None = None,
) -> Rows:
    """The first rows of a source. Raises as `probe`, and Refused (`datasource.not-shown`) for a kind without rows."""
    match source:
        case CsvSource() | ParquetSource() | JsonLinesSource():
            return tables.preview(source, masked=masked, temp_directory=temp_directory)
        case FolderSource() if reads_headers(source):
            return headers.preview(source, kept, clock, progress, masked=masked)
        case SqlSource() if not source.whole_model:
            return databases.preview(source, password, progress, masked=masked)
        case EngineSource():
            return engine_tables.preview(source, password, progress, masked=masked)
        case _:
            raise Refused(
                "datasource.not-shown",
                "The first rows of this datasource cannot be shown.",
                declaration(source.kind).reads_words,
                "Look at what testing it tells.",
            )


def header(source: Source, password: Secret[str] | None, clock: Clock, progress: Progress) -> tuple[str, ...] | None:
    """What is looked at before a source is kept: that it is there, and the names of its columns where it has any.

    None where the columns are known only to who reads all of it. Raises as `probe`.
    """
    match source:
        case JsonLinesSource():
            touch(source, progress)
            return None
        case CsvSource() | ParquetSource():
            return touch(source, progress)
        case FolderSource():
            touch(source, progress)
            return None
        case SqlSource():
            # of the OMOP model as a whole, the one table that every version has is looked at
            one = replace(source, table="person") if source.whole_model else source
            looked = databases.columns(one, password, progress)
            return None if source.whole_model else tuple(each.name for each in looked)
        case EngineSource():
            return engine_tables.names(source, password, progress)
        case ServiceSource():
            return web_service.columns(source, password, clock, progress)
        case NullSource():
            return None


def touch(
    source: FileSource | FolderSource,
    progress: Progress,
    *,
    mount: str = "",
    patience: float = PATIENCE_SECONDS,
) -> tuple[str, ...]:
    """Look whether files are there and may be read; the names of the columns of a table file. A share may hang.

    `mount`: where their disk or share was mounted. Raises what `mounts.check_mounted`, `tables.first_look` and
    `folder_counts.first_file` raise, Unavailable (`datasource.share-hangs`) and Cancelled.
    """

    def look() -> tuple[str, ...]:
        check_mounted(mount)
        if isinstance(source, FolderSource):
            folder_counts.first_file(source.path, counting(source))
            return ()
        fingerprint(source.path)
        return tables.first_look(source)

    return within(patience, str(source.path), look, progress)


def counting(source: FolderSource) -> FileFilter:
    """Which files of a folder count, wherever they are counted."""
    return headers.wanted(source) if reads_headers(source) else folder_counts.counting(source)


def reads_headers(source: FolderSource) -> bool:
    """Does podadmin read the headers of these files, or only count them?"""
    return declaration(source.kind).reads == "profile"
