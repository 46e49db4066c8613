"""What a database or its driver reports, in words that a custodian can act on.

Every driver has numbers or codes of its own, and texts in the language of the server. Codes are read first; a text is
read only for what no driver gives a code for, which is a connection that was never made.

Must never do: pass on the text of a driver. It quotes statements, addresses and sometimes values.
"""

from __future__ import annotations

import re
import sqlite3
import ssl
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from podadmin.core.errors import BadInput, NotFound, PodadminError, Unavailable


class Fault(Enum):
    """What went wrong with a database."""

    UNREACHABLE = auto()
    TIMED_OUT = auto()
    CERTIFICATE = auto()
    ENCRYPTION = auto()
    PASSWORD = auto()
    DATABASE = auto()
    TABLE = auto()
    PERMISSION = auto()
    LOST = auto()
    TOO_LONG = auto()
    STOPPED = auto()
    BUSY = auto()
    DISK = auto()
    DAMAGED = auto()
    STATEMENT = auto()
    OTHER = auto()


_SQLSTATES: Final = {
    "28000": Fault.PASSWORD, "28P01": Fault.PASSWORD, "3D000": Fault.DATABASE, "3F000": Fault.TABLE,
    "42P01": Fault.TABLE, "42S02": Fault.TABLE, "42501": Fault.PERMISSION, "25006": Fault.PERMISSION,
    "57014": Fault.TOO_LONG, "57P01": Fault.LOST, "57P02": Fault.LOST, "57P03": Fault.BUSY, "53300": Fault.BUSY,
    "55P03": Fault.BUSY, "53100": Fault.DISK, "53200": Fault.BUSY, "58030": Fault.DISK, "XX001": Fault.DAMAGED,
    "XX002": Fault.DAMAGED, "HYT00": Fault.TIMED_OUT, "HYT01": Fault.LOST,
}  # fmt: skip
"""SQLSTATEs (PostgreSQL manual, appendix A; ODBC reference, appendix A)."""
_MYSQL: Final = {
    1040: Fault.BUSY, 1044: Fault.PERMISSION, 1045: Fault.PASSWORD, 1049: Fault.DATABASE, 1142: Fault.PERMISSION,
    1143: Fault.PERMISSION, 1146: Fault.TABLE, 1203: Fault.BUSY, 1205: Fault.BUSY, 1226: Fault.BUSY,
    1227: Fault.PERMISSION, 1317: Fault.STOPPED, 1356: Fault.PERMISSION, 1370: Fault.PERMISSION, 1698: Fault.PASSWORD,
    1820: Fault.PASSWORD, 1862: Fault.PASSWORD, 1927: Fault.LOST, 1969: Fault.TOO_LONG, 2006: Fault.LOST,
    2013: Fault.LOST, 2014: Fault.LOST, 2026: Fault.ENCRYPTION, 2061: Fault.PASSWORD, 3024: Fault.TOO_LONG,
    3118: Fault.PASSWORD, 3159: Fault.ENCRYPTION,
}  # fmt: skip
"""Error numbers of MySQL and MariaDB (their manuals, server and client error references)."""
_SQL_SERVER: Final = {
    208: Fault.TABLE, 229: Fault.PERMISSION, 230: Fault.PERMISSION, 916: Fault.PERMISSION, 1205: Fault.BUSY,
    1222: Fault.BUSY, 4060: Fault.DATABASE, 18452: Fault.PASSWORD, 18456: Fault.PASSWORD, 20003: Fault.TOO_LONG,
    20004: Fault.LOST, 20006: Fault.LOST, 20009: Fault.UNREACHABLE, 20047: Fault.LOST,
}  # fmt: skip
"""Error numbers of SQL Server, and those of FreeTDS from 20000 on (their manuals)."""
_ORACLE: Final = {
    "ORA-00942": Fault.TABLE, "ORA-01013": Fault.STOPPED, "ORA-01017": Fault.PASSWORD, "ORA-01031": Fault.PERMISSION,
    "ORA-03113": Fault.LOST, "ORA-03114": Fault.LOST, "ORA-12154": Fault.DATABASE, "ORA-12505": Fault.DATABASE,
    "ORA-12514": Fault.DATABASE, "ORA-12541": Fault.UNREACHABLE, "ORA-28000": Fault.PASSWORD,
    "ORA-28001": Fault.PASSWORD, "DPY-4011": Fault.LOST, "DPY-4024": Fault.TOO_LONG, "DPY-6000": Fault.UNREACHABLE,
    "DPY-6001": Fault.DATABASE, "DPY-6003": Fault.DATABASE, "DPY-6005": Fault.UNREACHABLE,
}  # fmt: skip
"""Error numbers of Oracle, and those of its driver (DPY; Oracle's error message references)."""
_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: Fault.BUSY, sqlite3.SQLITE_LOCKED: Fault.BUSY, sqlite3.SQLITE_INTERRUPT: Fault.STOPPED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED, sqlite3.SQLITE_CORRUPT: Fault.DAMAGED, sqlite3.SQLITE_IOERR: Fault.DISK,
    sqlite3.SQLITE_CANTOPEN: Fault.DATABASE, sqlite3.SQLITE_PERM: Fault.PERMISSION, sqlite3.SQLITE_FULL: Fault.DISK,
    sqlite3.SQLITE_AUTH: Fault.PERMISSION, sqlite3.SQLITE_READONLY: Fault.PERMISSION,
}  # fmt: skip
_TEXTS: Final = (
    (r"certificate|CERTIFICATE_VERIFY_FAILED|root\.crt|hostname mismatch", Fault.CERTIFICATE),
    (r"\bSSL\b|\bTLS\b|no encryption", Fault.ENCRYPTION),
    (r"password|authentication failed|Login failed|role .* does not exist|no pg_hba", Fault.PASSWORD),
    (r"database .* does not exist|Unknown database|service name", Fault.DATABASE),
    (r"no such table|no such schema", Fault.TABLE),
    (r"timed? ?out|timeout expired", Fault.TIMED_OUT),
    (r"refused|could not translate|resolve|not known|unreachable|No such file|No route|t connect", Fault.UNREACHABLE),
    (r"closed|Connection reset|Broken pipe|is lost|Lost connection|terminating connection|network error", Fault.LOST),
)  # fmt: skip


def fault_of(error: BaseException) -> Fault:
    """What the error of a driver says, by its code where it has one."""
    for each in _chain(error):
        found = _by_code(each)
        if found is not None:
            return found
    for each in _chain(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return Fault.CERTIFICATE
        if isinstance(each, ssl.SSLError):
            return Fault.ENCRYPTION
        if isinstance(each, TimeoutError):
            return Fault.TIMED_OUT
    text = " ".join(f"{type(each).__name__} {each}" for each in _chain(error))
    for pattern, fault in _TEXTS:
        if re.search(pattern, text, re.IGNORECASE):
            return fault
    if any(isinstance(each, OSError) for each in _chain(error)):
        return Fault.UNREACHABLE
    return Fault.OTHER


def _by_code(error: BaseException) -> Fault | None:
    sqlite = getattr(error, "sqlite_errorcode", None)
    if isinstance(sqlite, int):
        return _SQLITE.get(sqlite & 0xFF)
    module = type(error).__module__.partition(".")[0]
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and module != "pymysql":
        return _SQLSTATES.get(state) or {"08": Fault.LOST, "42": Fault.STATEMENT, "22": Fault.STATEMENT}.get(state[:2])
    full = getattr(error.args[0], "full_code", None) if error.args else None
    if isinstance(full, str):
        return _ORACLE.get(full)
    first = error.args[0] if error.args else None
    if isinstance(first, dict):
        # the driver pg8000 hands on the fields of the server's message
        return _SQLSTATES.get(str(first.get("C", "")))
    if isinstance(first, tuple) and first:
        first = first[0]
    if isinstance(first, int):
        if module == "pymysql":
            return _MYSQL.get(first)
        if module == "pymssql":
            return _SQL_SERVER.get(first)
    if isinstance(first, str) and module == "pyodbc":
        numbers = [int(number) for number in re.findall(r"\((\d{3,5})\)", str(error))]
        return next((_SQL_SERVER[n] for n in numbers if n in _SQL_SERVER), None) or _SQLSTATES.get(first)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = getattr(current, "orig", None) or current.__cause__ or current.__context__


def explained(error: BaseException, server: str) -> PodadminError:
    """The error that a custodian meets. `server`: the kind of database in words."""
    return said(fault_of(error), server)


def said(fault: Fault, server: str) -> PodadminError:
    """The words for `fault`. Codes are `datasource.*`; see datasources.accessibility for who can help."""
    return _of_connecting(fault, server) or _of_reading(fault, server)


def _of_connecting(fault: Fault, server: str) -> PodadminError | None:
    match fault:
        case Fault.UNREACHABLE:
            return Unavailable(
                "datasource.database-unreachable",
                f"The {server} server cannot be reached.",
                "Nothing answers at its address: the server is stopped, the name or the port is wrong, or a firewall "
                "stands between.",
                "Check the address and the port, then ask whoever runs the database whether it is up.",
            )
        case Fault.TIMED_OUT:
            return Unavailable(
                "datasource.database-timeout",
                f"The {server} server did not answer in time.",
                "The network is slow or drops what is sent, or the server is overloaded.",
                "Try again later; where it stays so, ask whoever runs the database.",
            )
        case Fault.CERTIFICATE:
            return Unavailable(
                "datasource.database-certificate",
                f"The certificate of the {server} server was not accepted.",
                "It is out of date, it was issued for another name, or by an authority that is not trusted here.",
                "Ask whoever runs the database for a valid certificate or for the authority's certificate; do not "
                "switch the check off before you know why it fails.",
            )
        case Fault.ENCRYPTION:
            return Unavailable(
                "datasource.database-encryption",
                f"No encrypted connection to the {server} server could be agreed on.",
                "The server offers none, requires one that was not asked for, or speaks another version of TLS.",
                "Ask whoever runs the database which settings for TLS its connections need.",
            )
        case Fault.PASSWORD:
            return Unavailable(
                "datasource.database-password",
                f"The {server} server did not accept the account or its password.",
                "The password is wrong or was changed, the account does not exist or is locked, or it may not connect "
                "from this computer.",
                "Enter the password again, or ask whoever runs the database about the account.",
            )
        case Fault.DATABASE:
            return NotFound(
                "datasource.database-not-found",
                f"The {server} database was not found.",
                "There is no database, or no database file, of the name that was given.",
                "Correct the name at the end of the address.",
            )
        case Fault.LOST:
            return Unavailable(
                "datasource.database-lost",
                f"The connection to the {server} server broke off, so nothing of what was found is kept.",
                "The server was stopped or restarted, the network failed, or somebody ended the session.",
                "Try again when the server is up.",
            )
        case Fault.BUSY:
            return Unavailable(
                "datasource.database-busy",
                f"The {server} database is busy.",
                "It has no free connection or no memory left, or what was asked for is locked by somebody else's work.",
                "Try again later.",
            )
    return None


def _of_reading(fault: Fault, server: str) -> PodadminError:
    match fault:
        case Fault.TABLE:
            return NotFound(
                "datasource.database-table",
                f"The {server} database does not have this table.",
                "It was renamed or removed, it is in another schema, or this account may not see it.",
                "Choose the table again; write its schema before it where it is not the account's own.",
            )
        case Fault.PERMISSION:
            return Unavailable(
                "datasource.database-permission",
                f"The {server} database does not let this account read what was asked for.",
                "The account lacks the right to read the table, one of its columns or a view beneath it.",
                "Ask whoever runs the database to grant SELECT on it; podadmin never needs more.",
            )
        case Fault.TOO_LONG:
            return Unavailable(
                "datasource.database-too-long",
                f"The {server} database took longer than is allowed for one question, and was stopped.",
                "The table is very large, or the server is slow or busy.",
                "Try again at a quieter time, ignore columns that are not needed, or allow more time.",
            )
        case Fault.STOPPED:
            return Unavailable(
                "datasource.database-stopped",
                f"Somebody stopped the question at the {server} database, so nothing of what was found is kept.",
                "An administrator or a rule of the server ended the statement.",
                "Ask whoever runs the database, then try again.",
            )
        case Fault.DISK:
            return Unavailable(
                "datasource.database-disk",
                f"The {server} database could not read or write its own files.",
                "Its disk is full or failing.",
                "Tell whoever runs the database.",
            )
        case Fault.DAMAGED:
            return BadInput(
                "datasource.database-damaged",
                f"This is not a {server} database, or a damaged one.",
                "What was found there does not have the form that it must have.",
                "Check that the right file or server was chosen, and ask for the last good copy.",
            )
        case Fault.STATEMENT:
            return BadInput(
                "datasource.database-statement",
                f"The {server} database could not carry out what was asked of it.",
                "The query does not fit its tables, or a value in them cannot be converted.",
                "Try the query at the database itself, then correct it here.",
            )
    return Unavailable(
        "datasource.database",
        f"The {server} database reported an error.",
        "It is none that podadmin knows by its number.",
        "Look into the log of the database for the time of this attempt.",
    )
