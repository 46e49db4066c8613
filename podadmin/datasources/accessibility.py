"""What an error of a datasource means for its health: the field's code, a cause with a name, and who can fix it.

One table for every kind of source, because a health check, the probe and the journal have to say the same. The codes of
the field are those that a pod itself reports (bitfount contract, section 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

YOU: Final = "You, by choosing another file or other settings."
OWNER: Final = "The person who writes this file."
FOLDER: Final = "Whoever puts files into this folder."
IT: Final = "Your IT service, or whoever owns the folder."
DATABASE: Final = "Whoever runs the database."
SERVICE: Final = "Whoever runs the web service."


class AccessibilityErrorCode(StrEnum):
    """Why a datasource cannot be used, by the codes of the field."""

    PATH_NOT_FOUND = "PATH_NOT_FOUND"
    NOT_A_DIRECTORY = "NOT_A_DIRECTORY"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    EMPTY_DIRECTORY = "EMPTY_DIRECTORY"
    EMPTY_FILE = "EMPTY_FILE"
    READ_TIMEOUT = "READ_TIMEOUT"
    OS_ERROR = "OS_ERROR"
    CONNECTION_REFUSED = "CONNECTION_REFUSED"
    AUTH_FAILED = "AUTH_FAILED"
    DATABASE_NOT_FOUND = "DATABASE_NOT_FOUND"
    CONNECTION_TIMEOUT = "CONNECTION_TIMEOUT"
    DB_ERROR = "DB_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    TEMPLATE_NOT_FOUND = "TEMPLATE_NOT_FOUND"
    HTTP_ERROR = "HTTP_ERROR"
    CONNECTION_ERROR = "CONNECTION_ERROR"
    CHECK_ERROR = "CHECK_ERROR"
    CHECK_TIMEOUT = "CHECK_TIMEOUT"
    CHECK_PENDING = "CHECK_PENDING"
    UNKNOWN = "UNKNOWN"


_F: Final = AccessibilityErrorCode


@dataclass(frozen=True)
class Standing:
    """What an error means. `cause` in a few words, as a headline says it; `who` can put it right, in a sentence."""

    code: AccessibilityErrorCode
    cause: str
    who: str


_STANDING: Final[dict[str, Standing]] = {
    "datasource.not-found": Standing(_F.PATH_NOT_FOUND, "not found", YOU),
    "datasource.not-mounted": Standing(_F.PATH_NOT_FOUND, "not mounted", IT),
    "datasource.folder-not-found": Standing(_F.PATH_NOT_FOUND, "not found", YOU),
    "datasource.not-a-file": Standing(_F.OS_ERROR, "not a file", YOU),
    "datasource.not-a-folder": Standing(_F.NOT_A_DIRECTORY, "not a folder", YOU),
    "datasource.permission-denied": Standing(_F.PERMISSION_DENIED, "permission denied", IT),
    "datasource.folder-denied": Standing(_F.PERMISSION_DENIED, "permission denied", IT),
    "datasource.disk": Standing(_F.OS_ERROR, "disk or share reports an error", IT),
    "datasource.folder-disk": Standing(_F.OS_ERROR, "disk or share reports an error", IT),
    "datasource.share-hangs": Standing(_F.READ_TIMEOUT, "slow share", IT),
    "datasource.empty-file": Standing(_F.EMPTY_FILE, "empty", OWNER),
    "datasource.header-only": Standing(_F.EMPTY_FILE, "empty", OWNER),
    "datasource.empty-folder": Standing(_F.EMPTY_DIRECTORY, "empty", FOLDER),
    "datasource.no-rows": Standing(_F.CHECK_ERROR, "no file gives a row", FOLDER),
    "datasource.no-process": Standing(_F.OS_ERROR, "no process may be started", IT),
    "datasource.not-read": Standing(_F.CHECK_ERROR, "not read by podadmin", YOU),
    "datasource.changed-while-read": Standing(_F.CHECK_ERROR, "being written to", OWNER),
    "datasource.inventory": Standing(_F.CHECK_ERROR, "no room for the inventory", YOU),
    "datasource.memory": Standing(_F.CHECK_ERROR, "not enough memory", YOU),
    "datasource.not-a-table": Standing(_F.OS_ERROR, "not a table", YOU),
    "datasource.not-json-lines": Standing(_F.OS_ERROR, "no JSON lines", OWNER),
    "datasource.too-many-columns": Standing(_F.CHECK_ERROR, "too many fields", OWNER),
    "datasource.not-parquet": Standing(_F.OS_ERROR, "damaged", OWNER),
    "datasource.damaged-archive": Standing(_F.OS_ERROR, "damaged", OWNER),
    "datasource.reading": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.name": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.unknown-column": Standing(_F.CHECK_ERROR, "a chosen column is gone", YOU),
    "datasource.unknown-type": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.ignored-and-forced": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.nothing-left": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.filter": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.field": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.unreadable": Standing(_F.OS_ERROR, "cannot be read as a table", OWNER),
    "datasource.binary": Standing(_F.OS_ERROR, "no text", OWNER),
    "datasource.encoding": Standing(_F.OS_ERROR, "encoding", OWNER),
    "datasource.no-header": Standing(_F.OS_ERROR, "no header", OWNER),
    "datasource.duplicate-columns": Standing(_F.OS_ERROR, "columns of the same name", OWNER),
    "datasource.ragged": Standing(_F.OS_ERROR, "lines do not fit the header", OWNER),
    "datasource.unknown-field": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.field-missing": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.password-missing": Standing(_F.AUTH_FAILED, "no password", YOU),
    "datasource.certificate": Standing(_F.CONNECTION_ERROR, "certificate", SERVICE),
    "datasource.token-refused": Standing(_F.AUTH_FAILED, "wrong token", YOU),
    "datasource.no-template": Standing(_F.TEMPLATE_NOT_FOUND, "template not found", YOU),
    "datasource.service-refused": Standing(_F.CONNECTION_REFUSED, "refuses connections", SERVICE),
    "datasource.service-unreachable": Standing(_F.CONNECTION_TIMEOUT, "not reachable", IT),
    "datasource.service-slow": Standing(_F.READ_TIMEOUT, "slow service", SERVICE),
    "datasource.service-down": Standing(_F.SERVICE_UNAVAILABLE, "service is down", SERVICE),
    "datasource.service-moved": Standing(_F.HTTP_ERROR, "moved", YOU),
    "datasource.service-answer": Standing(_F.HTTP_ERROR, "wrong address", YOU),
    "datasource.service-broken-off": Standing(_F.CONNECTION_ERROR, "no connection", IT),
    "datasource.database-url": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.password-in-url": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.no-table": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.query": Standing(_F.CHECK_ERROR, "settings do not fit", YOU),
    "datasource.query-writes": Standing(_F.CHECK_ERROR, "the query could write", YOU),
    "datasource.database-driver": Standing(_F.CHECK_ERROR, "driver not installed", IT),
    "datasource.engine-busy": Standing(_F.CONNECTION_ERROR, "in use already", YOU),
    "datasource.engine-unencrypted": Standing(_F.CONNECTION_ERROR, "password over an open line", YOU),
    "datasource.database-unreachable": Standing(_F.CONNECTION_REFUSED, "server not reachable", DATABASE),
    "datasource.database-timeout": Standing(_F.CONNECTION_TIMEOUT, "server does not answer", DATABASE),
    "datasource.database-certificate": Standing(_F.CONNECTION_ERROR, "certificate", DATABASE),
    "datasource.database-encryption": Standing(_F.CONNECTION_ERROR, "encryption", DATABASE),
    "datasource.database-password": Standing(_F.AUTH_FAILED, "wrong password", DATABASE),
    "datasource.database-not-found": Standing(_F.DATABASE_NOT_FOUND, "database not found", YOU),
    "datasource.database-table": Standing(_F.DB_ERROR, "table not found", YOU),
    "datasource.database-permission": Standing(_F.PERMISSION_DENIED, "permission denied", DATABASE),
    "datasource.database-lost": Standing(_F.CONNECTION_ERROR, "connection broke off", DATABASE),
    "datasource.database-busy": Standing(_F.SERVICE_UNAVAILABLE, "database is busy", DATABASE),
    "datasource.database-too-long": Standing(_F.READ_TIMEOUT, "took too long", DATABASE),
    "datasource.database-stopped": Standing(_F.DB_ERROR, "stopped by the database", DATABASE),
    "datasource.database-disk": Standing(_F.DB_ERROR, "disk of the database", DATABASE),
    "datasource.database-damaged": Standing(_F.DB_ERROR, "damaged", DATABASE),
    "datasource.database-statement": Standing(_F.DB_ERROR, "the query fails", YOU),
    "datasource.database-empty": Standing(_F.DB_ERROR, "empty", DATABASE),
    "datasource.database": Standing(_F.DB_ERROR, "database reports an error", DATABASE),
    "datasource.omop-tables": Standing(_F.DB_ERROR, "no OMOP tables", DATABASE),
}
"""Our code -> what it means. Each kind of source adds its own codes here."""

_NOT_KNOWN: Final = Standing(_F.UNKNOWN, "cannot be used", "")


def standing(code: str) -> Standing:
    """What our error `code` means; the field's UNKNOWN, with nobody named, where it is not a datasource's own."""
    return _STANDING.get(code, _NOT_KNOWN)


def who_can_fix(code: str) -> str:
    """Who can put right what the error `code` names; "" where that is not known."""
    return standing(code).who
