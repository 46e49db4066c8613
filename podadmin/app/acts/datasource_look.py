"""Acts that look at data without keeping anything: the kinds there are, testing, first rows, columns, inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts.registry import act
from podadmin.app.acts.source_given import (
    Encoding,
    Header,
    Named,
    Password,
    Quote,
    Separator,
    SourceKind,
    SourcePath,
    SourceValues,
    inventory_before,
    inventory_of,
    source_given,
)
from podadmin.app.datasource_rows import broken_view, kind_view, probe_view
from podadmin.app.views.datasources import ColumnView, InventoryView, KindView, Preview, ProbeView
from podadmin.core.errors import BadInput, ExitCode, PodadminError
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources import inventory, probing, service
from podadmin.datasources.folders import Inventory
from podadmin.datasources.identifiers import suspected
from podadmin.datasources.kinds.registry import KINDS
from podadmin.datasources.model import FolderSource

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


def _probe_ends_with(view: ProbeView) -> ExitCode:
    return ExitCode.OK if view.ok else ExitCode.BAD_INPUT


@act("datasource kinds")
def kinds(profile: Profile) -> tuple[KindView, ...]:
    """List the kinds of datasource, what podadmin reads of each, and the fields that each takes."""
    return tuple(map(kind_view, KINDS))


@act("datasource probe", ends_with=_probe_ends_with)
def probe(
    profile: Profile,
    path: SourcePath = "",
    *,
    kind: SourceKind = "",
    set: SourceValues = {},  # noqa: A002, B006 - the word of the command line; read only
    password: Password = None,
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
    progress: Progress,
) -> ProbeView:
    """Test data of any kind: can it be reached and read, what is in it, which lines cannot be used. Nothing is kept."""
    try:
        source = source_given(path, kind, set, encoding, separator, quote, header)
        found = probing.probe(
            source,
            password,
            inventory_before(profile, source),
            profile.clock,
            progress,
            temp_directory=profile.work_folder,
        )
    except PodadminError as error:
        if error.code == "core.cancelled":
            raise
        return broken_view(error)
    return probe_view(source, found)


@act("datasource preview")
def preview(
    profile: Profile,
    path: SourcePath = "",
    *,
    masked: Annotated[bool, "show only the shape of values"] = True,
    kind: SourceKind = "",
    set: SourceValues = {},  # noqa: A002, B006
    password: Password = None,
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
    progress: Progress,
) -> Preview:
    """Show the first rows, masked unless asked otherwise. Nothing is kept."""
    source = source_given(path, kind, set, encoding, separator, quote, header)
    found = probing.preview(
        source,
        password,
        inventory_before(profile, source),
        profile.clock,
        progress,
        masked=masked,
        temp_directory=profile.work_folder,
    )
    names = tuple(stranger(name) for name in found.columns)
    rows = tuple(tuple(stranger(cell) for cell in row) for row in found.rows)
    return Preview(names, rows, found.masked)


@act("datasource columns")
def columns(
    profile: Profile,
    path: SourcePath = "",
    *,
    kind: SourceKind = "",
    set: SourceValues = {},  # noqa: A002, B006
    password: Password = None,
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
    progress: Progress,
) -> tuple[ColumnView, ...]:
    """List the columns with the types that a sample suggests; none for data that podadmin does not read."""
    source = source_given(path, kind, set, encoding, separator, quote, header)
    found = probing.columns(
        source,
        password,
        inventory_before(profile, source),
        profile.clock,
        progress,
        temp_directory=profile.work_folder,
    )
    return tuple(
        ColumnView(
            guess.name, guess.dtype, guess.stype, False, False, "", nulls=guess.nulls, warning=_suspicion(guess.name)
        )
        for guess in found
    )


@act("datasource inventory")
def inventory_act(
    profile: Profile,
    datasource: Named,
    *,
    look: Annotated[bool, "look through the folder again; otherwise only what the last look found"] = True,
    progress: Progress,
) -> InventoryView:
    """Count the files of a datasource's folder. Only what is new since the last look is looked at closely."""
    chosen = service.get(profile.store, datasource)
    source = chosen.source
    if not isinstance(source, FolderSource):
        raise BadInput(
            "datasource.no-folder",
            "There is no inventory of this datasource.",
            "Only a folder of files has one.",
            "Look at what checking the datasource tells.",
        )
    kept = inventory_of(profile, chosen.id)
    if look and not profile.auditor:
        return _inventory_view(inventory.look(source.path, kept, probing.counting(source), profile.clock, progress))
    return _inventory_view(inventory.known(kept) or Inventory(whole=False))


def _inventory_view(found: Inventory) -> InventoryView:
    return InventoryView(
        files=found.files,
        size=found.size,
        folders=found.folders,
        others=found.others,
        links=found.links,
        newest=found.newest,
        oldest=found.oldest,
        by_ending=found.by_extension,
        unreadable=found.unreadable,
        unreadable_count=found.unreadable_count,
        changed=found.changed,
        whole=found.whole,
    )


def _suspicion(name: str) -> str:
    """What the name of a column suggests that it holds; "" where it suggests nothing that points at a person."""
    kind = suspected(name)
    return f"Its name suggests {kind}." if kind else ""
