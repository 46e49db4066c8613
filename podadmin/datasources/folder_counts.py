"""What a folder of files holds, by names, sizes and times only: for formats that podadmin does not open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from podadmin.core.clock import Clock
from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress
from podadmin.datasources import inventory
from podadmin.datasources.folders import FileFilter, Inventory
from podadmin.datasources.kinds.registry import declaration
from podadmin.datasources.model import FolderSource, SourceProbe
from podadmin.datasources.patience import PATIENCE_SECONDS

MOST_FILES = 500_000
"""A pod refuses a datasource with more (bitfount contract, section 2.2)."""


def counting(source: FolderSource) -> FileFilter:
    """The filter by which files of a folder count: the endings of its kind, where the custodian chose none."""
    if source.chosen.extensions:
        return source.chosen
    return replace(source.chosen, extensions=declaration(source.kind).endings)


def probe(
    source: FolderSource, kept: Path, clock: Clock, progress: Progress, patience: float = PATIENCE_SECONDS
) -> SourceProbe:
    """Count the files of a folder. Raises what `inventory.look` raises, and BadInput (`datasource.empty-folder`)."""
    found = inventory.look(source.path, kept, counting(source), clock, progress, patience=patience)
    refuse_empty(found)
    return described(found)


def described(found: Inventory) -> SourceProbe:
    """What an inventory tells about a folder."""
    return SourceProbe(
        reachable=True,
        readable=True,
        read_only="not proved",
        read_only_words="podadmin opens the files for reading only, and tries no write in somebody's folder.",
        files=found.files,
        size=found.size,
        newest=found.newest,
        oldest=found.oldest,
        doubts=doubts(found),
        details=details(found),
    )


def refuse_empty(found: Inventory) -> None:
    """Raises BadInput (`datasource.empty-folder`) where no file counts."""
    if found.files:
        return
    others = f"{found.others:,} files are in it, and none of them counts."
    raise BadInput(
        "datasource.empty-folder",
        "The folder holds no file of this kind.",
        others if found.others else "There is none in it or in the folders in it.",
        "Check the folder and the filters, or wait until the export into it has finished.",
    )


def doubts(found: Inventory) -> tuple[str, ...]:
    """What the custodian should look at before the folder is used."""
    told = []
    if found.files > MOST_FILES:
        told.append(f"A pod takes at most {MOST_FILES:,} files for a datasource; this folder has {found.files:,}.")
    if found.unreadable_count:
        told.append(f"{found.unreadable_count:,} folders in it cannot be listed, such as {found.unreadable[0]}.")
    if found.links:
        told.append(f"{found.links:,} symbolic links were not followed.")
    if not found.whole:
        told.append("The look through the folder was stopped before its end; it goes on from there the next time.")
    return tuple(told)


def details(found: Inventory) -> tuple[tuple[str, str], ...]:
    """(label, words) of what else is known of a folder."""
    kinds = ", ".join(f"{count:,} {ending or 'without ending'}" for ending, count in found.by_extension[:6])
    return (
        ("Folders", f"{found.folders:,}"),
        ("Files by ending", kinds or "none"),
        ("Files that do not count", f"{found.others:,}"),
    )


def first_file(path: Path, chosen: FileFilter, most: int = 20_000) -> None:
    """A short look: is there a file that counts? Gives up after `most` names without an answer, and then says yes.

    Raises what `inventory.check_root` raises, and BadInput (`datasource.empty-folder`).
    """
    inventory.check_root(path)
    if not inventory.any_file(path, chosen, most):
        refuse_empty(Inventory())
