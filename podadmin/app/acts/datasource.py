"""Acts on datasources: look at a file without keeping anything, connect it, check it, remove it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.registry import act
from podadmin.app.moments import moment_words
from podadmin.app.views.datasources import ColumnView, DatasourceCard, Preview, ProbeView
from podadmin.app.views.facts import Done, Fact
from podadmin.core.errors import ExitCode, PodadminError
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources import service, tables
from podadmin.datasources.accessibility import who_can_fix
from podadmin.datasources.csv import POD_ENDING
from podadmin.datasources.identifiers import suspected
from podadmin.datasources.model import (
    ColumnChoices,
    CsvSource,
    Datasource,
    FileSource,
    ParquetSource,
    Probe,
    Reading,
    found_out,
    source_at,
)
from podadmin.schema import service as schemas

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


Encoding = Annotated[
    Literal["auto", "utf-8", "utf-16", "cp1252", "latin-1"], "how its text is encoded, where it is not found out"
]
Header = Annotated[Literal["auto", "yes", "no"], "does its first line hold the names of the columns"]
Separator = Annotated[str, "the character between cells (`tab` for a tabulator), where it is not found out"]
Quote = Annotated[str, "the quotation mark round cells, or `none`, where it is not found out"]
TableFile = Annotated[str, "the file: CSV (also packed) or Parquet"]
Named = Annotated[str, "its id or name"]


def _probe_ends_with(view: ProbeView) -> ExitCode:
    return ExitCode.OK if view.ok else ExitCode.BAD_INPUT


def _check_ends_with(card: DatasourceCard) -> ExitCode:
    return ExitCode.BAD_INPUT if card.health == "broken" else ExitCode.OK


@act("datasource probe", ends_with=_probe_ends_with)
def probe(
    profile: Profile,
    path: TableFile,
    *,
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
    progress: Progress,
) -> ProbeView:
    """Test a file: can it be read, what is in it, which lines cannot be used. Nothing is kept."""
    try:
        source = file_at(path, encoding, separator, quote, header)
        found = tables.probe(source, progress, temp_directory=profile.work_folder)
    except PodadminError as error:
        if error.code == "core.cancelled":
            raise
        facts = {name: str(value) for name, value in error.as_dict().items()}
        return ProbeView(False, (Fact("Who can fix it", who_can_fix(error.code)),), error=facts)
    rejected = found.rejected
    facts_found = (
        Fact("Can be read", "yes, all of it", "good"),
        Fact("Access", "read only: podadmin never writes to a datasource", "good"),
        Fact("Rows", f"{found.rows:,}"),
        Fact("Columns", str(len(found.columns))),
        Fact("Size", f"{found.size:,} bytes"),
        Fact("Last changed", moment_words(found.modified)),
        Fact("Encoding", found.encoding),
        *_text_facts(found),
        Fact("Lines that cannot be used", f"{rejected.count:,}", "warn" if rejected.count else "good"),
        *(Fact("Look at this", doubt, "warn") for doubt in found.doubts),
        *_pod_facts(source),
    )
    lines = tuple(Fact(f"Line {each.line:,}", stranger(each.reason), "warn") for each in rejected.first)
    return ProbeView(True, facts_found, lines)


def _text_facts(found: Probe) -> tuple[Fact, ...]:
    if not found.separator:
        return ()
    named = {"\t": "tabulator", " ": "space"}.get(found.separator, found.separator)
    return Fact("Separator", named), Fact("First line", "names of the columns" if found.header else "data, not names")


def _pod_facts(source: FileSource) -> tuple[Fact, ...]:
    words = []
    if source.path.suffix.lower() != POD_ENDING:
        words.append(f"Bitfount pods read tables only from files whose names end in {POD_ENDING}.")
    if not found_out(source):
        words.append("The built-in pod does not offer it: it reads CSV files, and finds out by itself how.")
    return tuple(Fact("Not for every network", each, "warn") for each in words)


@act("datasource preview")
def preview(
    profile: Profile,
    path: TableFile,
    *,
    masked: Annotated[bool, "show only the shape of values"] = True,
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
) -> Preview:
    """Show the first rows of a file, masked unless asked otherwise. Nothing is kept."""
    found = tables.preview(file_at(path, encoding, separator, quote, header), masked=masked)
    columns = tuple(stranger(name) for name in found.columns)
    rows = tuple(tuple(stranger(cell) for cell in row) for row in found.rows)
    return Preview(columns, rows, found.masked)


@act("datasource columns")
def columns(
    profile: Profile,
    path: TableFile,
    *,
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
) -> tuple[ColumnView, ...]:
    """List the columns of a file with the types that a sample of its rows suggests. Nothing is kept."""
    return tuple(
        ColumnView(
            guess.name, guess.dtype, guess.stype, False, False, "", nulls=guess.nulls, warning=_suspicion(guess.name)
        )
        for guess in tables.columns(file_at(path, encoding, separator, quote, header))
    )


@act("datasource add", writes=True, kinds=("datasource",))
def add(
    profile: Profile,
    name: Annotated[str, "its name on the network: lower-case letters and digits, joined by hyphens or underscores"],
    path: TableFile,
    *,
    ignore: Annotated[list[str], "a column that is never read"] = [],  # noqa: B006 - read only; the signature is the help
    force: Annotated[dict[str, str], "column=type, with categorical, continuous, text, image or image_prefix"] = {},  # noqa: B006
    describe: Annotated[dict[str, str], "column=description"] = {},  # noqa: B006
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
) -> DatasourceCard:
    """Connect a table file under a name."""
    choices = chosen(ignore, force, describe)
    source = file_at(path, encoding, separator, quote, header)
    added = service.add(profile.store, profile.clock, profile.actor, name, source, choices)
    return _card(profile, added)


@act("datasource list")
def list_datasources(profile: Profile) -> tuple[DatasourceCard, ...]:
    """List the datasources that are connected."""
    return tuple(_card(profile, each) for each in service.list_all(profile.store))


@act("datasource show")
def show(profile: Profile, datasource: Named) -> DatasourceCard:
    """Show one datasource."""
    return _card(profile, service.get(profile.store, datasource))


@act("datasource check", writes=True, kinds=("datasource",), ends_with=_check_ends_with)
def check(profile: Profile, datasource: Named, progress: Progress) -> DatasourceCard:
    """Read a datasource once and keep what was found: its health, its rows, its size."""
    checked = service.check(
        profile.store, profile.clock, profile.actor, datasource, progress, temp_directory=profile.work_folder
    )
    return _card(profile, checked)


@act("datasource remove", writes=True, kinds=("datasource",))
def remove(
    profile: Profile,
    datasource: Named,
    reason: Annotated[str, "why; it is recorded"],
) -> Done:
    """Stop offering a datasource. Its file is not touched, and its history stays."""
    removed = service.remove(profile.store, profile.clock, profile.actor, datasource, reason)
    return Done(f"The datasource {removed.name} was removed.", removed.id)


def chosen(ignore: Sequence[str], force: dict[str, str], describe: dict[str, str]) -> ColumnChoices:
    """The custodian's choices about columns as one value."""
    return ColumnChoices(tuple(ignore), dict(force), {name: text for name, text in describe.items() if text})


def file_at(path: str, encoding: str, separator: str, quote: str, header: str) -> FileSource:
    """A table file, with what the custodian says about how it is to be read."""
    reading = Reading(
        "" if encoding == "auto" else encoding,
        {"tab": "\t", "\\t": "\t"}.get(separator, separator),
        quote,
        {"yes": True, "no": False}.get(header),
    )
    return source_at(Path(path), reading)


def _unchanged(kept: schemas.Saved, source: Datasource) -> bool:
    """Is the file still the one that the schema was made from? One that cannot be asked is told by its health."""
    if not isinstance(source.source, CsvSource | ParquetSource):
        return True
    try:
        now = source.source.path.stat()
    except OSError:
        return True
    return (now.st_size, now.st_mtime_ns) == (kept.size, kept.modified_ns)


def _suspicion(name: str) -> str:
    """What the name of a column suggests that it holds; "" where it suggests nothing that points at a person."""
    kind = suspected(name)
    return f"Its name suggests {kind}." if kind else ""


def _card(profile: Profile, source: Datasource) -> DatasourceCard:
    check_found = source.last_check
    health, words, who = "unknown", "Not checked yet", ""
    if check_found is not None and check_found["ok"]:
        rejected = check_found["rejected"]
        health = "good"
        words = f"Readable; {rejected:,} lines cannot be used" if rejected else "Readable"
    elif check_found is not None:
        health, who = "broken", check_found["who_can_fix"]
        words = f"{check_found['error']['what']} {check_found['error']['why']}"
    latest = schemas.latest(profile.store, source.id)
    state = "none"
    if latest is not None:
        state = "saved" if _unchanged(latest, source) else "outdated"
    ok = check_found is not None and check_found["ok"]
    return DatasourceCard(
        id=source.id,
        name=source.name,
        kind=str(source.kind),
        location=stranger(source.source.location, 400),
        health=health,
        health_words=words,
        who_can_fix=who,
        rows=check_found["rows"] if check_found and ok else (latest.document.records if latest else None),
        columns=check_found["columns"] if check_found and ok else None,
        size=check_found["size"] if check_found and ok else None,
        schema_state=state,
        schema_made_at=latest.made_at if latest else None,
        columns_ignored=tuple(stranger(name) for name in source.choices.ignore),
        added_at=source.added_at,
    )
