"""A text file in another encoding, read from a copy in UTF-8: what reads tables fast reads nothing else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from podadmin.core.progress import Progress
from podadmin.datasources.dialect import Dialect, undecodable
from podadmin.datasources.files import unpacked, unreadable

_PART = 1 << 22


@contextmanager
def in_utf_8(
    path: Path, dialect: Dialect, progress: Progress, temp_directory: Path | None, head_only: bool
) -> Iterator[Path]:
    """An unpacked copy in UTF-8 of the file at `path`, or of its beginning, which is gone afterwards.

    It lies in `temp_directory` (else in the system's), readable for this account only. Raises BadInput and Unavailable
    (`datasource.*`), and Cancelled.
    """
    try:
        with TemporaryDirectory(prefix="csv-", dir=temp_directory) as folder:
            copy = Path(folder) / "copy.csv"
            size = max(path.stat().st_size, 1)
            with ExitStack() as files:
                raw = files.enter_context(unpacked(path, dialect.packed))
                source = files.enter_context(io.TextIOWrapper(raw, encoding=dialect.encoding, newline=""))
                to = files.enter_context(copy.open("w", encoding="utf-8", newline=""))
                done = 0
                while part := source.read(_PART):
                    done += to.write(part)
                    progress.report("Decoding the text", min(done / size, 1.0) * 0.05)
                    if head_only:
                        break
            yield copy
    except UnicodeError as error:
        raise undecodable("Further down it has bytes that are not text in the encoding of its beginning.") from error
    except OSError as error:
        raise unreadable(error) from error
