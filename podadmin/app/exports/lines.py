"""The journal as JSON Lines: one line that says what it is, then one line an entry, each with its hash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from podadmin.app.exports.selection import Binding, Selection
from podadmin.core.canon import canonical
from podadmin.journal.chain import Entry


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: bytes, /) -> object: ...


FORMAT = "podadmin journal, version 2"


def write_lines(file: Sink, binding: Binding, selection: Selection, entries: Iterable[Entry]) -> int:
    """How many entries were written. Entries are written as they are stored: their hashes can be recomputed."""
    about = {"export": FORMAT, "belongs_to": binding.as_json(), "selection": selection.as_json()}
    file.write(canonical(about).encode() + b"\n")
    count = 0
    for entry in entries:
        # an entry whose text is no Unicode was not written by podadmin; it is exported as far as it can be
        file.write(canonical(entry._asdict()).encode(errors="backslashreplace") + b"\n")
        count += 1
    return count
