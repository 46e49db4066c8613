"""Makes an export: chooses the writer, binds it to the head of the journal, puts it in place, and says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podadmin import __version__
from podadmin.app.exports.lines import write_lines
from podadmin.app.exports.selection import Binding, Selection, walk
from podadmin.app.exports.writing import digest_of, new_file
from podadmin.core.clock import unstamp
from podadmin.core.errors import NotFound
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.journal.records import last_entry
from podadmin.pod import service as pods
from podadmin.requests import service as requests

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


@dataclass(frozen=True)
class Exported:
    """What was written: how many entries, the SHA-256 of the file, and the place of the journal it belongs to."""

    path: Path
    entries: int
    sha256: str
    binding: Binding

    def facts(self, form: str, selection: Selection) -> dict[str, Any]:
        """What the journal says of it."""
        return {
            "format": form,
            "entries": self.entries,
            "entry": self.binding.seq,
            "hash": self.binding.hash,
            "sha256": self.sha256,
            "selection": selection.words,
        }


def export(profile: Profile, to: Path, form: str, selection: Selection, progress: Progress) -> Exported:
    """Write one export. `form`: lines | fhir | crate | pack. Raises what `new_file` raises, NotFound, Cancelled."""
    if selection.request:
        selection = Selection(requests.find(profile.store, selection.request).row.id, selection.since, selection.until)
    doing = "Writing the export"
    with new_file(to) as file, profile.store.read() as connection:
        last = last_entry(connection)
        if last is None:
            raise NotFound("journal.empty", "Nothing was exported.", "The journal is empty.", "Come back later.")
        pod = pods.find(profile.store)
        binding = Binding(
            last.seq,
            last.hash,
            unstamp(last.at),
            profile.clock.now(),
            stranger(profile.actor),
            f"{pod.owner}/{pod.name}" if pod else "",
            profile.id,
            __version__,
            True,
        )
        entries = walk(connection, selection, progress, doing)
        count = write_lines(file, binding, selection, entries)
        progress.check()
    return Exported(to, count, digest_of(to), binding)
