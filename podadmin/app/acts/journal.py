"""Acts on the journal: read it, verify it, keep its head elsewhere, export it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app import anchoring, saved_filters
from podadmin.app.acts.asked import FileTo, HowMany
from podadmin.app.acts.registry import act
from podadmin.app.exports.selection import Selection, moment
from podadmin.app.journal_words import row_of
from podadmin.app.proof import prove
from podadmin.app.views.facts import Done
from podadmin.app.views.journal import AnchorView, JournalCheck, JournalFilters, JournalPage, JournalRow
from podadmin.core.errors import BadInput, ExitCode
from podadmin.core.files import expanded
from podadmin.core.progress import Progress
from podadmin.journal import search as searching
from podadmin.journal import service
from podadmin.journal.search import Wanted
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

MOST_ROWS = 1000
FILTERS = "journal"


@act("journal list")
def list_entries(
    profile: Profile,
    progress: Progress,
    *,
    search: Annotated[str, "only entries that hold this text, or the entry with this number or hash"] = "",
    kind: Annotated[str, "only acts on this kind of thing: the first word of the act, such as `request`"] = "",
    actor: Annotated[str, "only what this person or part of podadmin did"] = "",
    since: Annotated[str, "only from this day (2026-03-01) or moment on"] = "",
    until: Annotated[str, "only up to the end of this day, or before this moment"] = "",
    limit: HowMany = 50,
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
    wanted = Wanted(search.strip(), kind, actor, "", moment(since), moment(until, end=True))
    found = searching.page(profile.store, wanted, limit=limit, before=before, progress=progress)
    return JournalPage(tuple(row_of(entry) for entry in found.entries), found.total, found.next_before)


@act("journal filters")
def filters(profile: Profile) -> JournalFilters:
    """Show by which kinds of act and by whom the journal can be filtered."""
    saved = saved_filters.saved(profile, FILTERS)
    return JournalFilters(searching.kinds(profile.store), searching.actors(profile.store), saved)


@act("journal filter-save", writes=True, kinds=("journal",))
def filter_save(
    profile: Profile,
    name: Annotated[str, "its name; one that there is already is replaced"],
    *,
    search: Annotated[str, "text that entries hold"] = "",
    kind: Annotated[str, "the first word of their act"] = "",
    actor: Annotated[str, "who did it"] = "",
    since: Annotated[str, "the first day"] = "",
    until: Annotated[str, "the last day"] = "",
) -> JournalFilters:
    """Keep a filter of the journal under a name."""
    moment(since), moment(until, end=True)
    values = {"search": search.strip(), "kind": kind, "actor": actor, "since": since.strip(), "until": until.strip()}
    saved_filters.save(profile, FILTERS, name, values)
    return filters(profile)


@act("journal filter-remove", writes=True, kinds=("journal",))
def filter_remove(profile: Profile, name: Annotated[str, "the name of a saved filter"]) -> JournalFilters:
    """Forget a saved filter."""
    saved_filters.remove(profile, FILTERS, name)
    return filters(profile)


@act("journal show")
def show(profile: Profile, entry: Annotated[int, "the entry's number"]) -> JournalRow:
    """Show one entry with its facts and hashes."""
    return row_of(service.find(profile.store, entry))


def _ends_with(check: JournalCheck) -> ExitCode:
    return ExitCode.OK if check.state == "whole" else ExitCode.INTEGRITY


@act("journal verify", ends_with=_ends_with)
def verify(
    profile: Profile,
    progress: Progress,
    *,
    anchor: Annotated[list[str], "a file with an anchor to hold the journal against, besides those it knows of"] = [],  # noqa: B006 - never changed
) -> JournalCheck:
    """Recompute the whole chain; hold it against every readable anchor, and the records against their entries."""
    return prove(profile, progress, [expanded(each) for each in anchor])


@act("journal anchors")
def anchors(profile: Profile) -> tuple[AnchorView, ...]:
    """List where the journal's head is kept besides the database, and what each place proves."""
    last = service.head(profile.store)
    return anchoring.views(anchoring.kept_anchors(profile), last.seq if last else 0)


@act("journal anchor", writes=True, kinds=("journal",))
def anchor_now(profile: Profile) -> tuple[AnchorView, ...]:
    """Keep the journal's head everywhere now: in the keyring, in every file, and with the time-stamping authorities."""
    return anchoring.anchor_everywhere(profile)


@act("journal anchor-file", writes=True, kinds=("journal",))
def anchor_file(
    profile: Profile, file: Annotated[str, "the file, with its whole path; best on another disk"]
) -> tuple[AnchorView, ...]:
    """Keep the journal's signed head in a file, from now on after every change."""
    anchoring.add_file(profile, expanded(file))
    return anchors(profile)


@act("journal anchor-stamp", writes=True, kinds=("journal",))
def anchor_stamp(
    profile: Profile,
    address: Annotated[str, "the address of a time-stamping authority (RFC 3161)"],
    certificate: Annotated[str, "the file with the authority's root certificate (PEM)"],
) -> tuple[AnchorView, ...]:
    """Have the journal's head stamped by an authority now, and again as often as the settings say.

    Only a hash goes out, never what the journal says.
    """
    anchoring.add_authority(profile, address, expanded(certificate))
    return anchors(profile)


@act("journal anchor-remove", writes=True, kinds=("journal",))
def anchor_remove(
    profile: Profile, anchor: Annotated[str, "the anchor's id, as `journal anchors` lists it"]
) -> tuple[AnchorView, ...]:
    """Use an anchor's file or authority no longer. What it holds stays where it is."""
    anchoring.forget(profile, anchor)
    return anchors(profile)


@act("journal anchor-sheet", writes=True, kinds=("journal",))
def anchor_sheet(profile: Profile, to: Annotated[str, "the PDF file to write, to be printed"]) -> Done:
    """Write the journal's signed head as a sheet with a QR code, to be printed and kept elsewhere."""
    path = expanded(to)
    seq = anchoring.write_sheet(profile, path)
    return Done(f"The sheet proves the journal up to entry {seq:,}. Print it, and keep it elsewhere.", str(path))


@act("journal export", writes=True, kinds=("journal",), auditing=True, guarded=True)
def export(
    profile: Profile,
    progress: Progress,
    to: FileTo,
    *,
    format: Annotated[  # noqa: A002 - the option is called --format
        Literal["lines", "crate", "fhir", "bundle", "pack"],
        "JSON Lines, a Five Safes RO-Crate (ZIP) with receipts, FHIR R4 AuditEvents (NDJSON, or one Bundle), or the "
        "evidence pack (PDF)",
    ] = "lines",
    request: Annotated[str, "only what is about this request: its id or reference"] = "",
    since: Annotated[str, "only from this day (2026-03-01) or moment on"] = "",
    until: Annotated[str, "only up to the end of this day, or before this moment"] = "",
) -> Done:
    """Write the journal, or a part of it, to a file that says to which entry it belongs; that becomes an entry too."""
    from podadmin.app.exports.service import export as write

    selection = Selection(request.strip(), moment(since), moment(until, end=True))
    path = expanded(to)
    done = write(profile, path, format, selection, progress)
    if not profile.auditor:
        fact = Fact(profile.actor, "journal.exported", path.name, done.facts(format, selection))
        with profile.store.record(fact):
            pass
    words = "One entry was written." if done.entries == 1 else f"{done.entries:,} entries were written."
    return Done(f"{words} The export belongs to entry {done.binding.seq:,}.", str(path))
