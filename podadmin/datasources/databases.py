"""Testing a table or query of a database, showing its first rows, and a quick look at its columns. Reads only."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, select

from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.datasources.database_facts import Facts, facts
from podadmin.datasources.database_relation import Relation, relation
from podadmin.datasources.database_rights import rights
from podadmin.datasources.database_samples import as_text, sample, shown_cell
from podadmin.datasources.database_session import Session, session
from podadmin.datasources.dtypes import stype_of
from podadmin.datasources.masking import masked as mask
from podadmin.datasources.model import ColumnGuess, Kind, Rows, SourceProbe, SqlSource

SECONDS: Final = 120
"""The longest that one question of a test may take."""
COUNTED_ROWS: Final = 5_000_000
"""Rows of a table that is believed to have fewer are counted by a test; of a larger one the estimate is given."""


def probe(source: SqlSource, password: Secret[str] | None, progress: Progress) -> SourceProbe:
    """Connect, look at the rights of the account, and say what is there. Nothing is saved.

    A datasource of kind OMOP without a table is tested as the whole model (see omop). Raises what
    `database_session.session` and `database_relation.relation` raise, NotFound `datasource.omop-tables`, and Cancelled.
    """
    with session(source, password, progress, seconds=SECONDS) as opened:
        if source.kind is Kind.OMOP and source.whole_model:
            from podadmin.datasources.omop import probe_model

            return probe_model(opened, source)
        found = relation(opened, source)
        allowed = rights(opened, source)
        known = facts(opened, found, source.url)
        rows, about = _rows(opened, found, known)
        _some(opened, found, 1)
        return SourceProbe(
            True,
            True,
            allowed.standing,
            allowed.words,
            rows=rows,
            size=known.size,
            newest=known.newest,
            columns=found.names,
            doubts=(*allowed.doubts, *doubts(opened)),
            details=(*details(opened), *about),
        )


def _rows(opened: Session, found: Relation, known: Facts) -> tuple[int | None, tuple[tuple[str, str], ...]]:
    if known.rows is not None and known.rows > COUNTED_ROWS:
        return known.rows, (("Rows", f"about {known.rows:,}, as the database estimates"),)
    count = opened.rows(select(func.count()).select_from(found.source), "Counting the rows", 0.3)
    return int(count[0][0]), ()


def details(opened: Session) -> tuple[tuple[str, str], ...]:
    """(label, words) about the server and the connection to it."""
    version = ".".join(map(str, opened.connection.dialect.server_version_info or ()))
    secured = encryption(opened)
    plain = "on this computer" if _local(opened) else "not encrypted"
    return (
        ("Server", f"{_server(opened)} {version}".strip()),
        *((("Connection", secured or plain),) if secured is not None else ()),
    )


def _server(opened: Session) -> str:
    if opened.family.name == "mysql":
        return "MariaDB" if getattr(opened.connection.dialect, "is_mariadb", False) else "MySQL"
    return opened.family.words


def doubts(opened: Session) -> tuple[str, ...]:
    """Sentences about the connection that the custodian should know."""
    if encryption(opened) == "" and not _local(opened):
        return (_OPEN,)
    return ()


_ENCRYPTION: Final = {
    "postgresql": "SELECT CASE WHEN ssl THEN version ELSE '' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SHOW SESSION STATUS LIKE 'Ssl_version'",
    "mssql": "SELECT CASE WHEN CONVERT(VARCHAR, CONNECTIONPROPERTY('net_transport')) = 'TCP' "
    "AND encrypt_option = 'TRUE' THEN 'encrypted' ELSE '' END FROM sys.dm_exec_connections WHERE session_id = @@SPID",
}


def encryption(opened: Session) -> str | None:
    """How the connection is encrypted, "" where it is not, None where that is not known or there is no network."""
    asked = _ENCRYPTION.get(opened.family.name)
    found = opened.attempt(asked) if asked else None
    return str(found[0][-1] or "") if found else None


_OPEN: Final = (
    "The connection is not encrypted: whoever listens on the network can read the rows. Ask whoever runs the database "
    "for TLS."
)


def _local(opened: Session) -> bool:
    url = opened.connection.engine.url
    host = url.host or str(url.query.get("host", ""))
    return not host or host.startswith("/") or "unix_socket" in url.query or host in {"localhost", "127.0.0.1", "::1"}


def preview(
    source: SqlSource, password: Secret[str] | None, progress: Progress, rows: int = 20, masked: bool = True
) -> Rows:
    """Some rows as text that is safe to show; masked, only the shapes of values. Raises as `probe` does."""
    with session(source, password, progress, seconds=SECONDS) as opened:
        found = relation(opened, source)
        cells = _some(opened, found, max(rows, 0))

    def shown(value: Any) -> str:
        text = as_text(value) or ""
        return stranger(mask(text) if masked else text)

    return Rows(tuple(map(stranger, found.names)), tuple(tuple(map(shown, row)) for row in cells), masked)


def _some(opened: Session, found: Relation, wanted: int) -> list[tuple[Any, ...]]:
    """The first rows, at most `wanted`, with all columns."""
    if not wanted:
        return []
    shown = [shown_cell(found, each).label(f"c{place}") for place, each in enumerate(found.columns)]
    return opened.rows(found.few(shown, wanted), "Reading the first rows", 0.5)


def columns(source: SqlSource, password: Secret[str] | None, progress: Progress) -> tuple[ColumnGuess, ...]:
    """What some rows say about every column. Raises as `probe` does."""
    with session(source, password, progress, seconds=SECONDS) as opened:
        found = relation(opened, source)
        seen = sample(opened, found, source.url, found.columns)
    return tuple(
        ColumnGuess(each.name, dtype, stype_of(each.name, dtype), seen.rows, seen.rows - each.cells)
        for each, dtype in zip(seen.looks, seen.dtypes, strict=True)
    )
