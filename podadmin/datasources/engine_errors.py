"""What a custodian is told where DuckDB cannot read a table file, or a line of it.

No text of DuckDB's reaches anybody, because it quotes the line that it stumbled over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podadmin.core.errors import BadInput, PodadminError, Unavailable
from podadmin.core.late import Late

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Late("_duckdb")

TOO_LONG: Final = "It is longer than four million characters."
UNDECODABLE: Final = "It contains bytes that are not text in the encoding of the file."
_REASONS: Final = {
    "MISSING COLUMNS": "It has fewer cells than the header has names.",
    "TOO MANY COLUMNS": "It has more cells than the header has names.",
    "UNQUOTED VALUE": "A quotation mark in it is not closed, or stands where none may stand.",
    "LINE SIZE OVER MAXIMUM": TOO_LONG,
    "INVALID ENCODING": UNDECODABLE,
}


def reason_of(kind: str) -> str:
    """Why a line is no row, by DuckDB's name for the kind of error."""
    return _REASONS.get(kind, "It cannot be read as a row.")


def explained(error: duckdb.Error) -> PodadminError:
    """What a custodian is told where DuckDB cannot read a file."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return Unavailable(
            "datasource.memory",
            "Reading the file needs more memory than podadmin may use.",
            "It has very many columns, or a column with very many different or very long values.",
            "Ignore columns that are not needed, or allow more memory in the settings, then try again.",
        )
    if isinstance(error, duckdb.IOException):
        return Unavailable(
            "datasource.disk",
            "The file could not be read to its end.",
            "The disk or the network share reported an error, or the disk for temporary files is full.",
            "Check the disk or the connection to the share, then try again.",
        )
    return BadInput(
        "datasource.unreadable",
        "The file cannot be read as a table.",
        "Its lines do not follow the rules of its format closely enough to tell its cells apart, or it is damaged.",
        "Ask the person who writes this file to export it again, as CSV in UTF-8 or as Parquet.",
    )


def not_parquet() -> PodadminError:
    """What a custodian is told about a file that ends or begins as no Parquet file does."""
    return BadInput(
        "datasource.not-parquet",
        "This is not a Parquet file, or not a whole one.",
        "Its first or its last bytes are not those that every Parquet file has, or its footer cannot be read.",
        "Check that the export which writes this file has finished, or choose another file.",
    )
