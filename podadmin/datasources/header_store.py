"""What is known of the headers of a folder's files, beside the inventory's rows and in the same file.

Like the inventory it is a copy of what the files say and may be thrown away at any time. A file is read again only
where its size or time is another than when it was read. What is kept of a file is one row: a number for its layout
(which columns, of what kind), eight bytes for each value, and why it gives no row where it gives none.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from podadmin.datasources.folders import ending
from podadmin.datasources.header_facts import LEFT_OUT
from podadmin.datasources.header_pool import Fact, Item, Order
from podadmin.datasources.inventory_look import below, said, state

VERSION: Final = "1"
"""What is kept is read anew where the readers have learnt something since."""
PER_FOLDER: Final = 12
SAMPLED: Final = 3_000
"""A sample takes up to PER_FOLDER files of a folder, evenly, and about this many in all."""
_COMMIT: Final = 4_000
_TELLING: Final = 50
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS header (
    folder INTEGER NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    reason TEXT NOT NULL, layout INTEGER NOT NULL, held BLOB NOT NULL, PRIMARY KEY (folder, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS header_layout (id INTEGER PRIMARY KEY, layout TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS header_word (digest BLOB PRIMARY KEY, word TEXT NOT NULL) WITHOUT ROWID;
"""
_PENDING: Final = """
SELECT f.folder, f.name, d.path, f.size, f.modified FROM file f JOIN folder d ON d.id = f.folder
LEFT JOIN header h ON h.folder = f.folder AND h.name = f.name
WHERE h.name IS NULL AND (f.folder, f.name) > (?, ?) ORDER BY f.folder, f.name LIMIT ?
"""
_SAMPLE: Final = """
WITH numbered AS (
    SELECT folder, name, size, modified, row_number() OVER (PARTITION BY folder ORDER BY name) - 1 AS place,
           count(*) OVER (PARTITION BY folder) AS many
    FROM file WHERE folder % ? = 0)
SELECT n.folder, n.name, d.path, n.size, n.modified FROM numbered n JOIN folder d ON d.id = n.folder
LEFT JOIN header h ON h.folder = n.folder AND h.name = n.name
WHERE h.name IS NULL AND (place = 0 OR place * ? / many <> (place - 1) * ? / many) ORDER BY n.folder, n.name
"""


@dataclass(frozen=True)
class Known:
    """How many files there are, of how many the header was read, and what came of those: by reason for no row."""

    files: int
    read: int
    reasons: tuple[tuple[str, int], ...]

    @property
    def rows(self) -> int:
        """Files that give a row."""
        return self.read - sum(times for _, times in self.reasons)

    @property
    def broken(self) -> int:
        """Files that could not be read, without those that a pod leaves out although they are sound."""
        return sum(times for reason, times in self.reasons if reason not in LEFT_OUT)

    @property
    def whole(self) -> bool:
        """Was every file read?"""
        return self.read == self.files


class HeaderStore:
    """The headers of one folder in the inventory's open database."""

    def __init__(self, connection: sqlite3.Connection, top: bytes) -> None:
        self._connection = connection
        self._top = top
        connection.executescript(_TABLES)
        self._asked: dict[int, tuple[int, bytes, int, int]] = {}
        self._layouts: dict[str, int] = {}
        self._to_keep: list[tuple[int, bytes, int, int, str, int, bytes]] = []

    def begin(self, reader: str, images_only: bool, texts: frozenset[str]) -> Order:
        """Forget what no longer holds, and say what the processes are to read.

        `texts` are columns whose values are needed as they are: once one more is wanted, every file is read again.
        """
        kept = frozenset(json.loads(self._said("texts") or "[]"))
        mark = f"{VERSION}:{reader}:{images_only}"
        wanted = kept | texts if self._said("mark") == mark else texts
        if self._said("mark") != mark or not texts <= kept:
            for table in ("header", "header_layout", "header_word"):
                self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - one of the three above
            self._say("mark", mark)
            self._say("texts", json.dumps(sorted(wanted)))
            self._say("key", secrets.token_hex(16))
            self._changed()
        self._forget_others()
        self._connection.commit()
        return Order(reader, bytes.fromhex(self._said("key")), wanted, images_only)

    def _forget_others(self) -> None:
        """Forget the headers of files that are no longer as they were, unless the inventory is as it was."""
        held = f"at {state(self._connection)}"
        if self._said("compared") == held:
            return
        gone = self._connection.execute(
            "DELETE FROM header WHERE NOT EXISTS (SELECT 1 FROM file f WHERE f.folder = header.folder "
            "AND f.name = header.name AND f.size = header.size AND f.modified = header.modified)"
        ).rowcount
        if gone:
            self._changed()
        self._say("compared", held)

    def waiting(self, every_file: bool) -> int:
        """How many files of the sample, or of all, have not been read yet."""
        known = self.known()
        if every_file or known.whole:
            return known.files - known.read
        return len(self._connection.execute(_SAMPLE, self._share()).fetchall())

    def pending(self, every_file: bool) -> Iterator[Item]:
        """The files that have not been read, folder by folder and in portions, so that memory stays bounded."""
        for number, (folder, name, path, size, modified) in enumerate(self._rows(every_file)):
            self._asked[number] = (folder, name, size, modified)
            yield number, below(below(self._top, path), name), not ending(os.fsdecode(name))

    def _rows(self, every_file: bool) -> Iterator[tuple[int, bytes, bytes, int, int]]:
        if not every_file:
            yield from self._connection.execute(_SAMPLE, self._share()).fetchall()
            return
        last: tuple[int, bytes] = (0, b"")
        while portion := self._connection.execute(_PENDING, (*last, _COMMIT)).fetchall():
            last = portion[-1][:2]
            yield from portion

    def _share(self) -> tuple[int, int, int]:
        folders = int(self._connection.execute("SELECT count(*) FROM folder WHERE files > 0").fetchone()[0])
        step = max(1, -(-folders // SAMPLED))
        each = max(1, min(PER_FOLDER, SAMPLED // max(folders, 1)))
        return step, each, each

    def keep(self, number: int, fact: Fact) -> None:
        """Write down what came of a file that `pending` gave."""
        folder, name, size, modified = self._asked.pop(number)
        layout = 0
        if not fact.reason:
            layout = self._layout(fact.layout)
            if fact.words:
                self._connection.executemany("INSERT OR IGNORE INTO header_word VALUES (?, ?)", fact.words)
        self._to_keep.append((folder, name, size, modified, fact.reason, layout, fact.values))

    def commit(self) -> None:
        """Make lasting what was kept since the last time, so that a pass that is stopped goes on from there."""
        self._flush()
        self._changed()
        self._connection.commit()

    def _flush(self) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO header VALUES (?, ?, ?, ?, ?, ?, ?)", self._to_keep)
        self._to_keep.clear()

    def _layout(self, layout: str) -> int:
        found = self._layouts.get(layout)
        if found is None:
            self._connection.execute("INSERT OR IGNORE INTO header_layout (layout) VALUES (?)", (layout,))
            row = self._connection.execute("SELECT id FROM header_layout WHERE layout = ?", (layout,)).fetchone()
            found = self._layouts[layout] = int(row[0])
            if len(self._layouts) > 10_000:
                self._layouts.clear()
        return found

    def known(self) -> Known:
        """How much is known of the folder: counted once, as long as nothing changes."""
        held = f"{state(self._connection)} {self.generation}"
        kept = json.loads(self._said("known") or "{}")
        if kept.get("held") == held:
            return Known(kept["files"], kept["read"], tuple((reason, times) for reason, times in kept["reasons"]))
        reasons = self._connection.execute(
            "SELECT reason, count(*) FROM header WHERE reason <> '' GROUP BY reason ORDER BY 2 DESC, 1"
        ).fetchall()
        found = Known(self._files(), self._read(), tuple((str(reason), int(times)) for reason, times in reasons))
        self._say("known", json.dumps({"held": held, **vars(found)}))
        self._connection.commit()
        return found

    def took(self, files: int, seconds: float) -> None:
        """Remember how quickly headers came from this disk or share; a handful of them says nothing."""
        if files >= _TELLING and seconds > 0:
            self._say("speed", repr(files / seconds))
            self._connection.commit()

    def speed(self) -> float:
        """Files in a second, as the last long enough reading went; 0 where there was none."""
        return float(self._said("speed") or 0)

    def rows(self, portion: int = _COMMIT) -> Iterator[list[tuple[int, bytes, int]]]:
        """(layout, values, time of change in ns) of every file that gives a row, in portions."""
        found = self._connection.execute("SELECT layout, held, modified FROM header WHERE reason = ''")
        while rows := found.fetchmany(portion):
            yield rows

    def layouts(self) -> dict[int, str]:
        """The layouts by their numbers."""
        return dict(self._connection.execute("SELECT id, layout FROM header_layout").fetchall())

    def words(self) -> dict[bytes, str]:
        """The texts that were kept as they are, by their digests."""
        return dict(self._connection.execute("SELECT digest, word FROM header_word").fetchall())

    def folders(self) -> list[tuple[bytes, int]]:
        """(path below the top, files that give a row) of every folder."""
        return self._connection.execute(
            "SELECT d.path, count(*) FROM header h JOIN folder d ON d.id = h.folder WHERE h.reason = '' GROUP BY d.path"
        ).fetchall()

    @property
    def generation(self) -> str:
        """Another text whenever anything that is known has changed."""
        return self._said("generation")

    def remembered(self) -> str:
        """What was made of everything that is known (see `remember`); "" where something changed since."""
        made = json.loads(self._said("made") or "{}")
        return str(made.get("text", "")) if made.get("generation") == self.generation else ""

    def remember(self, text: str) -> None:
        """Keep what was made of everything that is known, for as long as nothing changes."""
        self._say("made", json.dumps({"generation": self.generation, "text": text}))
        self._connection.commit()

    def _files(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM file").fetchone()[0])

    def _read(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM header").fetchone()[0])

    def _changed(self) -> None:
        self._say("generation", str(int(self.generation or 0) + 1))

    def _said(self, key: str) -> str:
        return said(self._connection, f"header:{key}")

    def _say(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO look (key, value) VALUES (?, ?)", (f"header:{key}", value))
