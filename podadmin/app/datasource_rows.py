"""Datasources, their kinds and what testing them found, as the screen and the commands show them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from podadmin.app.acts.source_given import inventory_of
from podadmin.app.moments import moment_words
from podadmin.app.views.datasources import DatasourceCard, DatasourceFields, FieldView, KindView, ProbeView
from podadmin.app.views.facts import Fact
from podadmin.core.clock import unstamp
from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.datasources import inventory
from podadmin.datasources.accessibility import standing
from podadmin.datasources.csv import POD_ENDING
from podadmin.datasources.health import Health
from podadmin.datasources.kinds.registry import OURS, KindDeclaration, declaration, values_of
from podadmin.datasources.model import (
    ENGINES,
    Datasource,
    FileSource,
    FolderSource,
    Kind,
    Probe,
    Secretive,
    Source,
    SourceProbe,
    SqlSource,
    found_out,
)
from podadmin.datasources.stored import made_from
from podadmin.schema import service as schemas
from podadmin.schema.from_pod import made_by

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


def kind_view(kind: KindDeclaration) -> KindView:
    fields = tuple(
        FieldView(
            form.name,
            form.label,
            form.help,
            form.input,
            form.choices,
            form.default,
            form.required,
            form.group,
            form.only_with,
        )
        for form in kind.forms()
    )
    return KindView(
        str(kind.kind),
        kind.title,
        kind.words,
        kind.group,
        kind.reads,
        fields,
        kind.reads_words,
        kind.kind is Kind.CSV,
        _needs(kind.kind),
    )


def _needs(kind: Kind) -> str:
    if kind not in ENGINES:
        return ""
    from podadmin.datasources.engine_tables import missing

    package = missing(kind)
    return (
        f'It needs a package that is not installed here. Your IT service does it: pip install "{package}".'
        if package
        else ""
    )


def not_offered(source: Source) -> str:
    """Why the built-in pod does not offer a source; "" where it does."""
    if found_out(source):
        return ""
    if isinstance(source, FileSource):
        return "The built-in pod does not offer it: it reads CSV files, and finds out by itself how."
    who = "" if source.kind in OURS else " A Bitfount pod does."
    return f"The built-in pod does not offer it: it reads CSV files only.{who}"


def probe_view(source: Source, found: Probe | SourceProbe) -> ProbeView:
    """What testing a source found, good enough to be used."""
    if isinstance(found, SourceProbe):
        return ProbeView(True, (*_source_facts(source, found), *_reads_facts(source), *_pod_facts(source)))
    rejected = found.rejected
    facts = (
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
    return ProbeView(True, facts, lines)


def broken_view(error: PodadminError) -> ProbeView:
    """What testing a source found that cannot be used: the cause by its name, and who can fix it."""
    means = standing(error.code)
    facts = [Fact("What broke", means.cause, "bad"), Fact("Its code at Bitfount", str(means.code), mono=True)]
    if means.who:
        facts.append(Fact("Who can fix it", means.who))
    told = {name: str(value) for name, value in error.as_dict().items()}
    return ProbeView(False, tuple(facts), error=told, cause=means.cause, field_code=str(means.code))


def _source_facts(source: Source, found: SourceProbe) -> tuple[Fact, ...]:
    tone = {"proved": "good", "writable": "bad"}.get(found.read_only, "plain")
    access = {"proved": "read only, proved", "writable": "can be written to"}.get(
        found.read_only, "read only was not proved"
    )
    figures: list[tuple[str, str | None]] = [
        ("Rows", f"{found.rows:,}" if found.rows is not None else None),
        ("Files", f"{found.files:,}" if found.files is not None else None),
        ("Columns", f"{len(found.columns):,}" if found.columns and not _whole_model(source) else None),
        ("Size", f"{found.size:,} bytes" if found.size is not None else None),
        ("Newest", moment_words(found.newest) if found.newest is not None else None),
        ("Oldest", moment_words(found.oldest) if found.oldest is not None else None),
    ]
    return (
        Fact("Can be reached", "yes" if found.reachable else "no", "good" if found.reachable else "bad"),
        Fact("Can be read", "yes" if found.readable else "no", "good" if found.readable else "bad"),
        Fact("Access", f"{access}. {found.read_only_words}", tone),
        *(Fact(label, value) for label, value in figures if value is not None),
        *(Fact(label, stranger(words, 400)) for label, words in found.details),
        *(Fact("Look at this", stranger(doubt, 400), "warn") for doubt in found.doubts),
    )


def _reads_facts(source: Source) -> tuple[Fact, ...]:
    return (Fact("Schema", declaration(source.kind).reads_words),)


def _text_facts(found: Probe) -> tuple[Fact, ...]:
    if not found.separator:
        return ()
    named = {"\t": "tabulator", " ": "space"}.get(found.separator, found.separator)
    return Fact("Separator", named), Fact("First line", "names of the columns" if found.header else "data, not names")


def _pod_facts(source: Source) -> tuple[Fact, ...]:
    words = []
    if isinstance(source, FileSource) and source.path.suffix.lower() != POD_ENDING:
        words.append(f"Bitfount pods read tables only from files whose names end in {POD_ENDING}.")
    elif source.kind in OURS:
        words.append(f"Bitfount pods do not know this kind ({declaration(source.kind).title}).")
    words.append(not_offered(source))
    return tuple(Fact("Not for every network", each, "warn") for each in words if each)


def fields_view(source: Datasource) -> DatasourceFields:
    """How a datasource is set up."""
    choices = source.choices
    return DatasourceFields(
        source.id,
        source.name,
        kind_view(declaration(source.kind)),
        values_of(source.source),
        has_password(source.source),
        choices.ignore,
        dict(choices.force),
        dict(choices.describe),
    )


def has_password(source: Source) -> bool:
    return isinstance(source, Secretive) and bool(source.secret)


def card(profile: Profile, source: Datasource, health: Health | None) -> DatasourceCard:
    """A datasource with how it stands. `health`: what the last look that found something new has kept."""
    kind = declaration(source.kind)
    found = source.last_check if source.last_check is not None and source.last_check["ok"] else None
    state, words = _health(source.last_check, health)
    means = _standing(source.last_check, health)
    latest = schemas.latest(profile.store, source.id)
    schema_state = _schema_state(profile, source, latest)
    # a schema that is of what is there, or was there last, and that read all of it here tells what a check would
    told = latest if found is None and schema_state == "saved" and kind.reads == "profile" else None
    return DatasourceCard(
        id=source.id,
        name=source.name,
        kind=str(source.kind),
        location=stranger(source.source.location, 400),
        health=state,
        health_words=words,
        who_can_fix=means.who if means else "",
        rows=_figure(found, "rows") if found or latest is None else latest.document.records,
        columns=_figure(found, "columns") if told is None else len(told.columns) + len(source.choices.ignore),
        size=_figure(found, "size") if told is None else told.size or None,
        schema_state=schema_state,
        schema_made_at=latest.made_at if latest else None,
        columns_ignored=tuple(stranger(name) for name in source.choices.ignore),
        added_at=source.added_at,
        kind_title=kind.title,
        reads=kind.reads,
        files=_figure(found, "files"),
        newest=_moment(found, "modified"),
        cause=means.cause if means else "",
        field_code=str(means.code) if means else "",
        health_since=health.since if health is not None else None,
        checked_at=_moment(source.last_check, "at"),
        offered=not not_offered(source.source),
        offered_words=not_offered(source.source),
        has_password=has_password(source.source),
        schema_by=made_by(source.source),
        schema_from=latest.origin.get("pod", "") if latest else "",
    )


def _health(check: Any, health: Health | None) -> tuple[str, str]:
    """The state and its words. A look that found something new is newer than the check before it, or is the check."""
    if health is not None and health.state == "broken":
        return "broken", f"{health.error['what']} {health.error['why']}"
    if health is not None and health.state == "slow":
        return "slow", "It answers slowly: reading it will take long"
    if check is None:
        return ("good", "It can be reached") if health is not None else ("unknown", "Not checked yet")
    if check["ok"]:
        rejected = check["rejected"]
        return "good", f"Readable; {rejected:,} lines cannot be used" if rejected else "Readable"
    if health is not None:
        return "good", "It can be reached again"
    return "broken", f"{check['error']['what']} {check['error']['why']}"


def _standing(check: Any, health: Health | None) -> Any:
    if health is not None:
        return health.standing
    return standing(check["error"]["code"]) if check is not None and not check["ok"] else None


def _whole_model(source: Source) -> bool:
    return isinstance(source, SqlSource) and source.whole_model


def _schema_state(profile: Profile, source: Datasource, latest: schemas.Saved | None) -> str:
    if latest is None:
        return "pod" if made_by(source.source) in ("pod", "nobody") else "none"
    return "saved" if _unchanged(profile, latest, source) else "outdated"


def _unchanged(profile: Profile, kept: schemas.Saved, source: Datasource) -> bool:
    """Is the data, and what was chosen about it, still what the schema was made from? What cannot be asked is told by
    its health.
    """
    where = source.source
    if kept.made_from and kept.made_from != made_from(where, source.choices):
        return False
    if isinstance(where, FileSource):
        try:
            now = where.path.stat()
        except OSError:
            return True
        return (now.st_size, now.st_mtime_ns) == (kept.size, kept.modified_ns)
    if isinstance(where, FolderSource):
        found = inventory.known(inventory_of(profile, source.id))
        # a pod tells a schema and not how much it has read for it: what was there then was written down here
        unknown = found is None or not found.whole or (bool(kept.origin) and not kept.size)
        return unknown or (found is not None and found.size == kept.size)
    return True


def _figure(found: Any, name: str) -> int | None:
    value = found.get(name) if found is not None else None
    return int(value) if value is not None else None


def _moment(found: Any, name: str) -> datetime | None:
    value = found.get(name) if found is not None else None
    return unstamp(value) if value else None
