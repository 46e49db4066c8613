"""Acts on the journal: read it, verify it, export it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts.registry import act
from podadmin.app.journal_words import row_of
from podadmin.app.proof import prove
from podadmin.app.views.facts import Done
from podadmin.app.views.journal import JournalCheck, JournalPage, JournalRow
from podadmin.core.errors import BadInput, ExitCode
from podadmin.core.progress import Progress
from podadmin.journal import service
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

MOST_ROWS = 1000


@act("journal list")
def list_entries(
    profile: Profile,
    *,
    search: Annotated[str, "only entries that hold this text, or the entry with this number"] = "",
    limit: Annotated[int, "how many"] = 50,
    before: Annotated[int, "only entries with a smaller number; 0 for the newest"] = 0,
) -> JournalPage:
    """List the journal, the newest entry first."""
    if not 1 <= limit <= MOST_ROWS:
        raise BadInput(
            "journal.bad-limit",
            "The list was not made.",
            f"It can show 1 to {MOST_ROWS} entries at a time.",
            "Ask for fewer and continue with `before`.",
        )
    entries, total = service.page(profile.store, search=search, limit=limit, before=before)
    more = entries[-1].seq if len(entries) == limit and entries[-1].seq > 1 else None
    return JournalPage(tuple(row_of(entry) for entry in entries), total, more)


@act("journal show")
def show(profile: Profile, entry: Annotated[int, "the entry's number"]) -> JournalRow:
    """Show one entry with its facts and hashes."""
    return row_of(service.find(profile.store, entry))


def _ends_with(check: JournalCheck) -> ExitCode:
    return ExitCode.OK if check.state == "whole" else ExitCode.INTEGRITY


@act("journal verify", ends_with=_ends_with)
def verify(profile: Profile, progress: Progress) -> JournalCheck:
    """Recompute the whole chain, hold it against the anchor in the keyring and the records against their entries."""
    return prove(profile, progress)


@act("journal export", writes=True, kinds=("journal",))
def export(profile: Profile, to: Annotated[str, "the file to write, one entry a line as JSON"]) -> Done:
    """Write the journal to a file, one entry a line."""
    path = Path(to).expanduser()
    if path.is_dir() or not path.parent.is_dir():
        raise BadInput(
            "journal.bad-place",
            "The journal was not exported.",
            "The place that was named is a folder, or its folder does not exist.",
            "Name a file in a folder that exists.",
        )
    count = service.export_lines(profile.store, path)
    with profile.store.record(Fact(profile.actor, "journal.exported", path.name, {"entries": count})):
        pass
    return Done(f"{count:,} entries were written." if count != 1 else "One entry was written.", str(path))
