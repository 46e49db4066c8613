"""Makes an export: chooses the writer, binds it to the head of the journal, puts it in place, and says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from podadmin import __version__
from podadmin.app.exports.lines import write_lines
from podadmin.app.exports.selection import Binding, Selection, walk
from podadmin.app.exports.writing import digest_of, new_file
from podadmin.app.proof import prove
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
    """Write one export. `form`: lines | fhir | bundle | crate | pack.

    Raises what `new_file` raises, NotFound, Cancelled.
    """
    if selection.request:
        named = requests.find(profile.store, selection.request).row.id
        selection = Selection(named, selection.since, selection.until)
    # the proof that a pack tells of is made before: it takes its own look at the journal
    check = prove(profile, progress) if form == "pack" else None
    with new_file(to) as file, profile.store.read() as connection:
        binding = _binding(profile, connection)
        entries = walk(connection, selection, progress, "Writing the export")
        if form == "lines":
            count = write_lines(file, binding, selection, entries)
        elif form in {"fhir", "bundle"}:
            from podadmin.app.exports.audit_events import write_bundle, write_events

            write = write_events if form == "fhir" else write_bundle
            count = write(file, binding, selection, entries)
        elif form == "crate":
            from podadmin.app.exports.crate import write_crate

            count = write_crate(file, binding, selection, entries, connection, progress)
        else:
            from podadmin.app.exports.pack import write_pack
            from podadmin.app.exports.pack_facts import gather

            assert check is not None
            facts = gather(profile, connection, binding, selection, entries, check)
            progress.report("Setting the pages")
            count = write_pack(file, facts)
        progress.check()
    return Exported(to, count, digest_of(to), binding)


def _binding(profile: Profile, connection: Connection) -> Binding:
    last = last_entry(connection)
    if last is None:
        raise NotFound(
            "journal.empty",
            "Nothing was exported.",
            "The journal has no entry yet.",
            "The first change of this profile will be one.",
        )
    pod = pods.find(profile.store)
    return Binding(
        last.seq,
        last.hash,
        unstamp(last.at),
        profile.clock.now(),
        stranger(profile.actor),
        stranger(pod.identifier) if pod else "",
        profile.id,
        __version__,
        not profile.auditor,
    )
