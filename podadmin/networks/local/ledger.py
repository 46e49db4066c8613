"""What the local network keeps: members, pods, keys, tasks, mailboxes, messages, bodies and use. One SQLite file.

Every public method is one transaction that is on the disk when it returns (WAL, `synchronous=FULL`), so a killed
process loses no message that it has accepted. The file is held exclusively: one network per folder.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import Unavailable

FILE = "network.sqlite"
MAX_WAITING = 10_000
"""Messages in one mailbox."""
_KEEP_OBJECTS = 7 * 86400.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS own (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS api_key (id TEXT PRIMARY KEY, user TEXT NOT NULL, hash BLOB NOT NULL, made_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pod (
    identifier TEXT PRIMARY KEY, owner TEXT NOT NULL, public_key TEXT NOT NULL, display_name TEXT NOT NULL,
    description TEXT NOT NULL, registered_at TEXT NOT NULL, connected_at TEXT);
CREATE TABLE IF NOT EXISTS requester_key (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, public_key TEXT NOT NULL, active INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS task (
    id TEXT PRIMARY KEY, requester TEXT NOT NULL, project TEXT, made_at TEXT NOT NULL, started_at TEXT);
CREATE TABLE IF NOT EXISTS mailbox (
    id TEXT PRIMARY KEY, owner TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, task TEXT,
    closed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox TEXT NOT NULL, receipt TEXT NOT NULL UNIQUE, data BLOB NOT NULL,
    visible_at REAL NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS message_by_mailbox ON message (mailbox, visible_at);
CREATE TABLE IF NOT EXISTS object (
    upload TEXT PRIMARY KEY, download TEXT NOT NULL UNIQUE, task TEXT NOT NULL, pod TEXT, cap INTEGER NOT NULL,
    made_at REAL NOT NULL, body BLOB);
CREATE TABLE IF NOT EXISTS published (
    kind TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL, upload TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS use_counted (task TEXT, mailbox TEXT, body BLOB, PRIMARY KEY (task, mailbox, body));
CREATE TABLE IF NOT EXISTS use (
    project TEXT NOT NULL, resource TEXT NOT NULL, amount REAL NOT NULL, PRIMARY KEY (project, resource));
"""


@dataclass(frozen=True)
class Pod:
    identifier: str
    owner: str
    public_key: str
    display_name: str
    description: str


@dataclass(frozen=True)
class RequesterKey:
    id: str
    user: str
    public_key: str
    active: bool


@dataclass(frozen=True)
class Task:
    id: str
    requester: str
    project: str | None
    started: bool


@dataclass(frozen=True)
class Mailbox:
    """`kind`: pod (its idle mailbox) | worker (a pod within a task) | requester. `name`: whom it belongs to on the
    wire, a user or a pod identifier."""

    id: str
    owner: str
    kind: str
    name: str
    task: str | None
    closed: bool


@dataclass(frozen=True)
class Room:
    """Room for one body in the object store, behind two addresses that cannot be guessed."""

    upload: str
    download: str
    pod: str | None


@dataclass(frozen=True)
class Published:
    """A body that members find by a name: the schema of a pod, the code of a model. `digest`: what its owner says of
    its content."""

    version: int
    digest: str
    download: str


class Full(Exception):
    """A mailbox holds as many messages as it may."""


class Ledger:
    """Not for several threads: the network has one."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        try:
            self._db = sqlite3.connect(folder / FILE, isolation_level=None, timeout=2.0)
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
        except sqlite3.Error:
            raise Unavailable(
                "local.store",
                "The store of the local network cannot be opened.",
                "Another process runs this network, or its folder cannot be written.",
                "Close the other process, or check the folder.",
            ) from None
        with self._unit():
            self._db.execute(
                "DELETE FROM object WHERE made_at < ? AND upload NOT IN (SELECT upload FROM published)",
                (self._now() - _KEEP_OBJECTS,),
            )

    def close(self) -> None:
        self._db.close()

    def _now(self) -> float:
        return self._clock.now().timestamp()

    @contextmanager
    def _unit(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # --- own facts ---------------------------------------------------------------------------------------------------

    def own(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM own WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_own(self, name: str, value: str) -> None:
        with self._unit():
            self._db.execute("INSERT OR REPLACE INTO own VALUES (?, ?)", (name, value))

    # --- who ---------------------------------------------------------------------------------------------------------

    def issue_api_key(self, user: str) -> tuple[str, str]:
        """A fresh key pair for `user`: (id, key). Only a hash of the key is kept."""
        key_id, key = new_id("apikey"), secrets.token_urlsafe(32)
        with self._unit():
            self._db.execute(
                "INSERT INTO api_key VALUES (?, ?, ?, ?)", (key_id, user, _hash(key), stamp(self._clock.now()))
            )
        return key_id, key

    def user_of(self, key_id: str, key: str) -> str | None:
        """Who proves itself with these, or None."""
        row = self._db.execute("SELECT user, hash FROM api_key WHERE id = ?", (key_id,)).fetchone()
        return str(row[0]) if row is not None and secrets.compare_digest(row[1], _hash(key)) else None

    def register_pod(self, pod: Pod) -> bool:
        """Returns whether the pod was known before."""
        with self._unit():
            known = self._db.execute("SELECT 1 FROM pod WHERE identifier = ?", (pod.identifier,)).fetchone()
            self._db.execute(
                "INSERT INTO pod VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (identifier) DO UPDATE SET"
                " public_key = excluded.public_key, display_name = excluded.display_name,"
                " description = excluded.description",
                (
                    pod.identifier,
                    pod.owner,
                    pod.public_key,
                    pod.display_name,
                    pod.description,
                    stamp(self._clock.now()),
                ),
            )
            self._db.execute(
                "INSERT OR IGNORE INTO mailbox VALUES (?, ?, 'pod', ?, NULL, 0)",
                (pod.identifier, pod.owner, pod.identifier),
            )
        return known is not None

    def pods(self) -> tuple[Pod, ...]:
        rows = self._db.execute(
            "SELECT identifier, owner, public_key, display_name, description FROM pod ORDER BY identifier"
        )
        return tuple(Pod(*row) for row in rows)

    def pod(self, identifier: str) -> Pod | None:
        row = self._db.execute(
            "SELECT identifier, owner, public_key, display_name, description FROM pod WHERE identifier = ?",
            (identifier,),
        ).fetchone()
        return None if row is None else Pod(*row)

    def connected(self, owner: str) -> None:
        with self._unit():
            self._db.execute("UPDATE pod SET connected_at = ? WHERE owner = ?", (stamp(self._clock.now()), owner))

    def add_requester_key(self, user: str, public_key: str) -> str:
        """The number under which the key is known; the same key keeps its number."""
        with self._unit():
            row = self._db.execute(
                "SELECT id FROM requester_key WHERE user = ? AND public_key = ?", (user, public_key)
            ).fetchone()
            if row is not None:
                return str(row[0])
            key_id = new_id("key")
            self._db.execute("INSERT INTO requester_key VALUES (?, ?, ?, 1)", (key_id, user, public_key))
        return key_id

    def requester_key(self, user: str, key_id: str) -> RequesterKey | None:
        row = self._db.execute(
            "SELECT id, user, public_key, active FROM requester_key WHERE user = ? AND id = ?", (user, key_id)
        ).fetchone()
        return None if row is None else RequesterKey(row[0], row[1], row[2], bool(row[3]))

    # --- tasks and mailboxes -----------------------------------------------------------------------------------------

    def new_task(self, requester: str, project: str | None, sizes: Sequence[tuple[str, int]]) -> tuple[str, list[Room]]:
        """A task with room for one body of at most so many bytes per pod."""
        task = new_id("task")
        with self._unit():
            self._db.execute(
                "INSERT INTO task VALUES (?, ?, ?, ?, NULL)", (task, requester, project, stamp(self._clock.now()))
            )
            rooms = [self._new_room(task, pod, size) for pod, size in sizes]
        return task, rooms

    def task(self, task: str) -> Task | None:
        row = self._db.execute("SELECT id, requester, project, started_at FROM task WHERE id = ?", (task,)).fetchone()
        return None if row is None else Task(row[0], row[1], row[2], row[3] is not None)

    def start_task(
        self, task: Task, pods: Sequence[Pod], letter: Callable[[str, dict[str, str], Pod], bytes]
    ) -> tuple[str, dict[str, str]]:
        """Open the mailboxes of a task and deliver it, in one step: (requester's mailbox, pod -> its mailbox).

        `letter` makes the message for a pod from the two. Raises Full.
        """
        mine = new_id("mailbox")
        theirs = {pod.identifier: new_id("mailbox") for pod in pods}
        with self._unit():
            self._db.execute("UPDATE task SET started_at = ? WHERE id = ?", (stamp(self._clock.now()), task.id))
            self._db.execute(
                "INSERT INTO mailbox VALUES (?, ?, 'requester', ?, ?, 0)",
                (mine, task.requester, task.requester, task.id),
            )
            for pod in pods:
                self._db.execute(
                    "INSERT INTO mailbox VALUES (?, ?, 'worker', ?, ?, 0)",
                    (theirs[pod.identifier], pod.owner, pod.identifier, task.id),
                )
                self._post(pod.identifier, letter(mine, theirs, pod))
        return mine, theirs

    def mailbox(self, mailbox: str) -> Mailbox | None:
        row = self._db.execute(
            "SELECT id, owner, kind, name, task, closed FROM mailbox WHERE id = ?", (mailbox,)
        ).fetchone()
        return None if row is None else Mailbox(row[0], row[1], row[2], row[3], row[4], bool(row[5]))

    def idle_mailboxes(self, owner: str) -> tuple[str, ...]:
        """The idle mailboxes of all pods of `owner`."""
        rows = self._db.execute("SELECT id FROM mailbox WHERE owner = ? AND kind = 'pod'", (owner,))
        return tuple(str(row[0]) for row in rows)

    # --- messages ----------------------------------------------------------------------------------------------------

    def post(
        self,
        mailbox: str,
        data: bytes,
        counted: tuple[str, str, str, bytes, Sequence[tuple[str, float]]] | None = None,
    ) -> None:
        """Put a message into a mailbox. `counted`: project, task, sender's mailbox, body and what it used; the same
        body of the same sender counts once, because clients send again when an answer is lost. Raises Full.
        """
        with self._unit():
            self._post(mailbox, data)
            if counted is not None:
                self._count(*counted)

    def _post(self, mailbox: str, data: bytes) -> None:
        waiting = self._db.execute("SELECT count(*) FROM message WHERE mailbox = ?", (mailbox,)).fetchone()[0]
        if waiting >= MAX_WAITING:
            raise Full
        self._db.execute(
            "INSERT INTO message (mailbox, receipt, data, visible_at) VALUES (?, ?, ?, 0)",
            (mailbox, secrets.token_urlsafe(16), data),
        )

    def _count(self, project: str, task: str, mailbox: str, body: bytes, used: Sequence[tuple[str, float]]) -> None:
        seen = self._db.execute(
            "INSERT OR IGNORE INTO use_counted VALUES (?, ?, ?)", (task, mailbox, hashlib.sha256(body).digest())
        )
        if seen.rowcount == 0:
            return
        for resource, amount in used:
            self._db.execute(
                "INSERT INTO use VALUES (?, ?, ?) ON CONFLICT (project, resource) DO UPDATE SET"
                " amount = amount + excluded.amount",
                (project, resource, amount),
            )

    def lease(self, mailboxes: Sequence[str], visibility: float) -> tuple[bytes, str] | None:
        """The oldest message that may be handed out: (data, receipt). It is hidden for `visibility` seconds."""
        now = self._now()
        with self._unit():
            row = self._db.execute(
                f"SELECT id, data, receipt FROM message WHERE mailbox IN ({_marks(mailboxes)})"  # noqa: S608  marks only
                " AND visible_at <= ? ORDER BY id LIMIT 1",
                (*mailboxes, now),
            ).fetchone()
            if row is None:
                return None
            self._db.execute(
                "UPDATE message SET visible_at = ?, deliveries = deliveries + 1 WHERE id = ?",
                (now + visibility, row[0]),
            )
        return bytes(row[1]), str(row[2])

    def seconds_to_next(self, mailboxes: Sequence[str]) -> float | None:
        """Until the next message that waits becomes visible, or None where none waits."""
        row = self._db.execute(
            f"SELECT min(visible_at) FROM message WHERE mailbox IN ({_marks(mailboxes)})",  # noqa: S608  marks only
            tuple(mailboxes),
        ).fetchone()
        return None if row[0] is None else max(0.0, float(row[0]) - self._now())

    def acknowledge(self, mailbox: str, receipt: str, *, delete_mailbox: bool) -> None:
        """Forget a message. A second acknowledgement changes nothing: clients ask again when an answer is lost."""
        with self._unit():
            self._db.execute("DELETE FROM message WHERE mailbox = ? AND receipt = ?", (mailbox, receipt))
            if delete_mailbox:
                self._db.execute("UPDATE mailbox SET closed = 1 WHERE id = ?", (mailbox,))
                self._db.execute("DELETE FROM message WHERE mailbox = ?", (mailbox,))

    # --- bodies and use ----------------------------------------------------------------------------------------------

    def new_room(self, task: str, size: int) -> Room:
        with self._unit():
            return self._new_room(task, None, size)

    def _new_room(self, task: str, pod: str | None, size: int) -> Room:
        room = Room(secrets.token_urlsafe(32), secrets.token_urlsafe(32), pod)
        self._db.execute(
            "INSERT INTO object VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (room.upload, room.download, task, pod, size, self._now()),
        )
        return room

    def room_cap(self, upload: str) -> int | None:
        """How many bytes may still be put there, or None where there is no such room or it is taken."""
        row = self._db.execute("SELECT cap FROM object WHERE upload = ? AND body IS NULL", (upload,)).fetchone()
        return None if row is None else int(row[0])

    def fill(self, upload: str, body: bytes) -> bool:
        """Keep a body, in the place of the one that was published under its name before; false where there is no room
        or it is taken."""
        with self._unit():
            done = self._db.execute("UPDATE object SET body = ? WHERE upload = ? AND body IS NULL", (body, upload))
            self._db.execute(
                "DELETE FROM published WHERE upload != ?1 AND (kind, name, version) IN"
                " (SELECT kind, name, version FROM published WHERE upload = ?1)",
                (upload,),
            )
        return done.rowcount == 1

    def body(self, download: str) -> bytes | None:
        row = self._db.execute("SELECT body FROM object WHERE download = ?", (download,)).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    def filled_room(self, task: str, pod: str) -> str | None:
        """The download part of the address of the task for this pod, where it was uploaded."""
        row = self._db.execute(
            "SELECT download FROM object WHERE task = ? AND pod = ? AND body IS NOT NULL", (task, pod)
        ).fetchone()
        return None if row is None else str(row[0])

    def publish(self, kind: str, name: str, digest: str, size: int) -> tuple[Room, int]:
        """Room for a body that will be found under a name, and the number of its version: that of the last one where
        the content is the same. What was there before is found until the room is filled."""
        with self._unit():
            row = self._db.execute(
                "SELECT version, digest FROM published WHERE kind = ? AND name = ? ORDER BY version DESC",
                (kind, name),
            ).fetchone()
            version = 1 if row is None else int(row[0]) + (row[1] != digest)
            room = self._new_room(kind, None, size)
            self._db.execute("INSERT INTO published VALUES (?, ?, ?, ?, ?)", (kind, name, version, digest, room.upload))
        return room, version

    def published(self, kind: str, name: str, version: int | None = None) -> Published | None:
        """What was put last under a name, in a version or in the latest one."""
        row = self._db.execute(
            "SELECT p.version, p.digest, o.download FROM published p JOIN object o USING (upload) WHERE p.kind = ?"
            " AND p.name = ? AND (? IS NULL OR p.version = ?) AND o.body IS NOT NULL"
            " ORDER BY p.version DESC, p.rowid DESC LIMIT 1",
            (kind, name, version, version),
        ).fetchone()
        return None if row is None else Published(int(row[0]), str(row[1]), str(row[2]))

    def used(self, project: str) -> dict[str, float]:
        """What a project has used: resource -> inferences."""
        return dict(self._db.execute("SELECT resource, amount FROM use WHERE project = ?", (project,)).fetchall())


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))
