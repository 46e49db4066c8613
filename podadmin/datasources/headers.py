"""Folders of DICOM files, images or NIfTI volumes: what their headers say, file by file, and what that looks like.

Only headers are read, in processes of their own, and only those of files that are new or have changed. Unless every
file is asked for, a few of each folder are, and what is said then says of how many it speaks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from podadmin.core.clock import Clock
from podadmin.core.errors import Refused
from podadmin.core.progress import Progress, Step
from podadmin.core.text import stranger
from podadmin.datasources import folder_counts, inventory
from podadmin.datasources.dtypes import stype_of
from podadmin.datasources.folders import NO_ENDING, FileFilter, Inventory, ending
from podadmin.datasources.header_facts import (
    BURNED_IN,
    DATE,
    IDENTITY_REMOVED,
    NOTHING,
    PATIENT,
    PICTURE,
    PRIVATE,
    REASONS,
    SERIES,
    STUDY,
    TEXT,
    WORD,
    Picture,
)
from podadmin.datasources.header_pool import PATIENCE_SECONDS, Item, Order, Pool
from podadmin.datasources.header_store import HeaderStore, Known
from podadmin.datasources.header_tally import Tallies, Tally, tallied
from podadmin.datasources.model import ColumnGuess, FolderSource, Kind, Rows, SourceProbe

READERS: Final = {
    Kind.IMAGE: "image",
    Kind.NIFTI: "nifti",
    Kind.DICOM: "dicom",
    Kind.DICOM_OPHTHALMOLOGY: "dicom",
}
"""The kinds whose headers are read here."""
_SNIFFED: Final = frozenset({Kind.IMAGE, Kind.DICOM, Kind.DICOM_OPHTHALMOLOGY})
"""Kinds of which a pod also takes files without an ending, by their first bytes."""
_COMMIT_FILES: Final = 2_000
_LOOK_SHARE: Final = 0.1
_SHOWN: Final = 20
ORIGINAL, MODIFIED, LABEL = "_original_filename", "_last_modified", "BITFOUNT_INFERRED_LABEL"
"""Columns that a pod adds to those of the files (bitfount contract, section 3.2)."""


@dataclass(frozen=True)
class Reading:
    """What a look at the headers of a folder brought. `store`: what is known, for as long as it is open."""

    inventory: Inventory
    known: Known
    store: HeaderStore


def wanted(source: FolderSource) -> FileFilter:
    """Which files of the folder count, with the endings of the kind where none were chosen."""
    chosen = folder_counts.counting(source)
    given = source.chosen.extensions or tuple(source.settings.get("file_extensions") or ()) or chosen.extensions
    sniffed = (NO_ENDING,) if source.kind in _SNIFFED and not chosen.strict else ()
    return replace(chosen, extensions=(*given, *sniffed))


@contextmanager
def reading(
    source: FolderSource,
    kept: Path,
    clock: Clock,
    progress: Progress,
    *,
    every_file: bool = False,
    texts: frozenset[str] = frozenset(),
    patience: float = PATIENCE_SECONDS,
) -> Iterator[Reading]:
    """Bring what is known of the folder's headers up to date, in the inventory's file `kept`, and open it.

    `every_file`: read all that were not read yet, not a sample. `texts`: columns whose values are needed as they are.
    Raises what `inventory.look` raises, BadInput `datasource.empty-folder`, Unavailable (`datasource.share-hangs`,
    `datasource.no-process`) and Cancelled; what was read until then is kept.
    """
    reader = _reader(source)
    found = inventory.look(source.path, kept, wanted(source), clock, _part(progress, 0.0, _LOOK_SHARE))
    folder_counts.refuse_empty(found)
    with inventory.opened(kept) as connection:
        store = HeaderStore(connection, os.fsencode(source.path))
        order = store.begin(reader, bool(source.settings.get("images_only", True)), texts)
        waiting = store.waiting(every_file)
        if waiting:
            began = clock.monotonic()
            _read(store, order, waiting, every_file, clock, _part(progress, _LOOK_SHARE, 1.0), patience)
            store.took(waiting, clock.monotonic() - began)
        yield Reading(found, store.known(), store)


def _read(
    store: HeaderStore,
    order: Order,
    waiting: int,
    every_file: bool,
    clock: Clock,
    progress: Progress,
    patience: float,
) -> None:
    done = 0
    try:
        with Pool(order, clock, progress, workers=1 if waiting < _COMMIT_FILES // 20 else 0, patience=patience) as pool:
            for number, fact in pool.read(store.pending(every_file)):
                store.keep(number, fact)
                done += 1
                if done % _COMMIT_FILES == 0:
                    store.commit()
                if done % 100 == 0:
                    progress.report(f"Read the headers of {done:,} of {waiting:,} files", done / waiting)
    finally:
        store.commit()


def _part(progress: Progress, start: float, end: float) -> Progress:
    """`progress` for a part of the work, from `start` to `end` of the whole."""

    def told(step: Step) -> None:
        fraction = None if step.fraction is None else start + (end - start) * step.fraction
        progress.report(step.what, fraction)

    part = Progress(told)
    progress.on_cancel(part.cancel)
    return part


def of_how_many(known: Known) -> str:
    """How much of the folder was read, in words that never say more than is so."""
    if known.whole:
        return (
            "The header of its one file was read."
            if known.files == 1
            else (f"The headers of all {known.files:,} files were read.")
        )
    return f"The headers of {known.read:,} of {known.files:,} files were read: a sample of each folder."


def reasons(known: Known) -> tuple[str, ...]:
    """Why files give no row, as "n files: reason"."""
    return tuple(f"{_files(times)}: {REASONS.get(reason, reason)}" for reason, times in known.reasons)


def _files(times: int, one: str = "", many: str = "") -> str:
    return f"1 file {one}".rstrip() if times == 1 else f"{times:,} files {many}".rstrip()


def preview(
    source: FolderSource, kept: Path, clock: Clock, progress: Progress, *, masked: bool = True, rows: int = _SHOWN
) -> Rows:
    """The first files as rows that are safe to show; masked, only the shapes of values (see masking).

    Raises as `reading` does.
    """
    found = inventory.look(source.path, kept, wanted(source), clock, progress)
    folder_counts.refuse_empty(found)
    order = Order(
        _reader(source),
        images_only=bool(source.settings.get("images_only", True)),
        shown="shapes" if masked else "values",
    )
    shown: dict[int, dict[str, str]] = {}
    with Pool(order, clock, progress, workers=1) as pool:
        for number, fact in pool.read(_first(source, kept, 2 * rows)):
            if not fact.reason:
                shown[number] = dict(fact.shown)
    first = [shown[number] for number in sorted(shown)[:rows]]
    columns = tuple(dict.fromkeys(name for row in first for name in row))
    return Rows(
        tuple(stranger(name) for name in columns),
        tuple(tuple(stranger(row.get(name, "")) for name in columns) for row in first),
        masked,
    )


def _first(source: FolderSource, kept: Path, most: int) -> Iterator[Item]:
    for number, (path, _, _) in enumerate(inventory.files(kept, source.path)):
        if number >= most:
            return
        yield number, os.fsencode(path), not ending(path.name)


def _reader(source: FolderSource) -> str:
    reader = READERS.get(source.kind)
    if reader is None:
        raise Refused(
            "datasource.not-read",
            "podadmin does not read files of this kind.",
            "Their format belongs to a manufacturer; only the pod has what it takes to read it.",
            "Take the schema from the pod once it runs; podadmin keeps the inventory and the configuration.",
        )
    return reader


def probe(source: FolderSource, kept: Path, clock: Clock, progress: Progress) -> SourceProbe:
    """Count the files, and read the headers of a sample of them. Raises what `reading` raises."""
    with reading(source, kept, clock, progress) as found:
        counted = tallied(found.store, progress)
        known, seen = found.known, found.inventory
    base = folder_counts.described(seen)
    return replace(
        base,
        rows=known.rows if known.whole else None,
        columns=tuple(stranger(name) for name in table(source, counted)),
        doubts=(*base.doubts, *_doubts(source, known, counted)),
        details=(("Headers", of_how_many(known)), *base.details, *_details(known, counted)),
    )


def columns(source: FolderSource, kept: Path, clock: Clock, progress: Progress) -> tuple[ColumnGuess, ...]:
    """The columns that a sample of the files gives. Raises what `reading` raises."""
    with reading(source, kept, clock, progress) as found:
        counted = tallied(found.store, progress)
    return tuple(
        ColumnGuess(name, each.dtype, stype_of(name, each.dtype), counted.rows, counted.rows - each.filled)
        for name, each in table(source, counted).items()
    )


def table(source: FolderSource, counted: Tallies) -> dict[str, Tally]:
    """The columns that a pod gives, with those that it adds itself: path, time of change, and the folder as a label."""
    rows, days = counted.rows, 86_400 * 1e9
    added = {
        ORIGINAL: Tally({TEXT: rows}, rows, others=rows),
        MODIFIED: Tally({DATE: rows}, rows, False, low=counted.oldest / days, high=counted.newest / days),
    }
    if source.settings.get("infer_class_labels_from_filepaths"):
        inside = sum(counted.folders.values())
        kinds = {WORD: inside, NOTHING: rows - inside} if inside < rows else {WORD: inside}
        added[LABEL] = Tally(kinds, len(counted.folders), values=counted.folders)
    return counted.visible() | (added if rows else {})


def _doubts(source: FolderSource, known: Known, counted: Tallies) -> tuple[str, ...]:
    told = []
    if not known.rows:
        told.append("None of the files that were looked at gives a row.")
    if known.broken:
        told.append(f"{_files(known.broken)} of {known.read:,} could not be read; the reasons stand below.")
    burned = counted.hidden(BURNED_IN).values
    if burned.get("yes"):
        says = _files(burned["yes"], "says", "say")
        told.append(f"{says} that names or numbers of patients are drawn into the image itself.")
    if counted.hidden(PRIVATE).values.get("yes"):
        holds = _files(counted.hidden(PRIVATE).values["yes"], "holds", "hold")
        told.append(f"{holds} private elements, in which anything can stand; they are not in the schema.")
    if source.kind is Kind.NIFTI and ".nii.gz" in source.chosen.extensions and ".gz" not in source.chosen.extensions:
        told.append("A pod compares what stands behind the last dot only: with .nii.gz alone it finds no packed file.")
    if source.kind is Kind.DICOM_OPHTHALMOLOGY:
        told.append("A pod works out further columns from these files itself, such as the side and the kind of scan.")
    return tuple(told)


def _details(known: Known, counted: Tallies) -> tuple[tuple[str, str], ...]:
    told = [("Files without a row", words) for words in reasons(known)]
    for label, name in (("Patients", PATIENT), ("Studies", STUDY), ("Series", SERIES)):
        each = counted.hidden(name)
        if each.filled:
            told.append((label, f"{'' if each.exact else 'about '}{each.distinct:,}"))
    for label, name in (("Burned-in annotation", BURNED_IN), ("Patient identity removed", IDENTITY_REMOVED)):
        each = counted.hidden(name)
        if each.filled or counted.hidden(PATIENT).filled:
            said = f"{each.values.get('yes', 0):,} yes, {each.values.get('no', 0):,} no"
            told.append((label, f"{said}, {counted.rows - each.filled:,} do not say"))
    for label, name in (("Modalities", "Modality"), ("Manufacturers", "Manufacturer"), ("Formats", "ImageFormat")):
        if words := counted.hidden(name).values:
            told.append((label, _frequent(words)))
    if pictures := dimensions(counted):
        told.append(("Dimensions", _frequent(pictures)))
    return tuple(told)


def dimensions(counted: Tallies) -> dict[str, int]:
    """How many files have images of which dimensions, as the schema writes them."""
    found: dict[str, int] = {}
    for text, times in counted.hidden(PICTURE).values.items():
        written = str(Picture.from_text(text).dimensions)
        found[written] = found.get(written, 0) + times
    return found


def _frequent(words: Mapping[str, int], most: int = 5) -> str:
    ranked = sorted(words.items(), key=lambda each: (-each[1], each[0]))
    shown = ", ".join(f"{stranger(word, 40)} ({times:,})" for word, times in ranked[:most])
    return f"{shown} and {len(ranked) - most:,} more" if len(ranked) > most else shown
