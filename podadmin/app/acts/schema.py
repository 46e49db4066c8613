"""Acts on schemas: generate, look at what they reveal, decide what of it is told, keep, release, export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    chosen,
    inventory_before,
    inventory_of,
    source_given,
)
from podadmin.app.lock import EngineLock
from podadmin.app.schema_views import Made, column_facts, schema_view
from podadmin.app.views.datasources import ColumnFacts, DriftRow, GenerationRow, SchemaView
from podadmin.app.views.facts import Done
from podadmin.core.errors import NotFound
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.datasources import service as datasources
from podadmin.datasources.dialect import undecodable
from podadmin.datasources.files import unreadable
from podadmin.datasources.model import ColumnChoices, Datasource, DatasourceName, Source
from podadmin.schema import jobs, releases, service
from podadmin.schema.config import read_config
from podadmin.schema.dictionary import read_dictionary
from podadmin.schema.disclosure import OTHER, applied, small_labels
from podadmin.schema.generate import Generated, generate

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


EveryFile = Annotated[bool, "read the headers of all files of a folder, not of a few in each"]


@act("schema generate", writes=True, kinds=("schema",))
def generate_schema(
    profile: Profile,
    datasource: Named,
    *,
    save: Annotated[bool, "keep it as the schema of the datasource"] = False,
    every_file: EveryFile = False,
    progress: Progress,
) -> SchemaView:
    """Read a datasource and generate its schema; shows what it would reveal."""
    source = datasources.get(profile.store, datasource)
    with jobs.running(profile.store, profile.clock, profile.actor, source.id), _at_work(profile, source.id):
        before = service.latest(profile.store, source.id)
        password = datasources.password_of(source.source, profile.open_vault)
        kept = inventory_of(profile, source.id)
        generated = _generate(
            profile, source.name, source.source, source.choices, password, kept, progress, every_file=every_file
        )
        if save:
            service.save(profile.store, profile.clock, profile.actor, source.id, generated)
    return schema_view(profile, source.id, source.name, _made(profile, generated, save, before))


@act("schema preview")
def preview(
    profile: Profile,
    path: SourcePath = "",
    *,
    kind: SourceKind = "",
    set: SourceValues = {},  # noqa: A002, B006 - the word of the command line; read only
    password: Password = None,
    name: Annotated[str, "the name that the datasource would have"] = "preview",
    ignore: Annotated[list[str], "a column that is never read"] = [],  # noqa: B006 - read only; the signature is the help
    force: Annotated[dict[str, str], "column=type"] = {},  # noqa: B006
    describe: Annotated[dict[str, str], "column=description"] = {},  # noqa: B006
    config: Annotated[str, "a file with a MinimalSchemaGenerationConfig (YAML or JSON) to take choices from"] = "",
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
    every_file: EveryFile = False,
    progress: Progress,
) -> SchemaView:
    """Generate the schema that data of any kind would have, without keeping anything."""
    choices, description = chosen(ignore, force, describe), None
    if config:
        read = read_config(_text_of(Path(config)))
        name, description, choices = read.name, read.description, _both(read.choices, choices)
    DatasourceName(name)
    source = source_given(path, kind, set, encoding, separator, quote, header)
    kept = inventory_before(profile, source)
    generated = _generate(
        profile, name, source, choices, password, kept, progress, description=description, every_file=every_file
    )
    return schema_view(profile, "", name, _made(profile, generated, saved=False))


@act("schema show")
def show(profile: Profile, datasource: Named) -> SchemaView:
    """Show the saved schema of a datasource and what it reveals."""
    source, kept = _kept(profile, datasource)
    return schema_view(profile, source.id, source.name, _shown(profile, kept))


@act("schema column")
def column(profile: Profile, datasource: Named, column: Annotated[str, "the column's name"]) -> ColumnFacts:
    """Show everything that is known about one column. It is kept beside the schema and never published."""
    source, kept = _kept(profile, datasource)
    found = next((each for each in kept.columns if each.name == column), None)
    if found is None:
        raise NotFound(
            "schema.no-such-column",
            f"The schema has no column “{stranger(column, 60)}”.",
            "It was never there, or it is ignored.",
            "See the columns with `podadmin schema show`.",
        )
    return column_facts(profile, source.id, found)


@act("schema confirm", writes=True, kinds=("schema",))
def confirm(
    profile: Profile,
    datasource: Named,
    *,
    column: Annotated[list[str], "a column whose reveal you looked at and accept"],
) -> SchemaView:
    """Say that you looked at what columns reveal and accept it. It counts until something else would be told."""
    source, kept = _kept(profile, datasource)
    releases.confirm(profile.store, profile.clock, profile.actor, kept, column)
    return schema_view(profile, source.id, source.name, _shown(profile, kept))


@act("schema withhold", writes=True, kinds=("schema",))
def withhold(
    profile: Profile,
    datasource: Named,
    column: Annotated[str, "a categorical column"],
    *,
    label: Annotated[list[str], "a label that is never told"] = [],  # noqa: B006
    small: Annotated[bool, "all labels that too few records have"] = False,
) -> SchemaView:
    """Never tell labels of a column when its schema is published."""
    source, kept = _kept(profile, datasource)
    labels = _meant(profile, kept, column, label, small)
    releases.withhold(profile.store, profile.clock, profile.actor, kept, column, labels)
    return schema_view(profile, source.id, source.name, _shown(profile, kept))


@act("schema merge", writes=True, kinds=("schema",))
def merge(
    profile: Profile,
    datasource: Named,
    column: Annotated[str, "a categorical column"],
    *,
    label: Annotated[list[str], "a label that is merged"] = [],  # noqa: B006
    small: Annotated[bool, "all labels that too few records have"] = False,
    into: Annotated[str, "the label that is told instead"] = OTHER,
) -> SchemaView:
    """Tell one label instead of several of a column when its schema is published."""
    source, kept = _kept(profile, datasource)
    labels = _meant(profile, kept, column, label, small)
    releases.merge(profile.store, profile.clock, profile.actor, kept, column, labels, into)
    return schema_view(profile, source.id, source.name, _shown(profile, kept))


@act("schema tell", writes=True, kinds=("schema",))
def tell(
    profile: Profile,
    datasource: Named,
    column: Annotated[str, "a categorical column"],
) -> SchemaView:
    """Take back what was withheld or merged of a column."""
    source, kept = _kept(profile, datasource)
    releases.tell_again(profile.store, profile.actor, kept, column)
    return schema_view(profile, source.id, source.name, _shown(profile, kept))


@act("schema release", writes=True, kinds=("schema",))
def release(profile: Profile, datasource: Named) -> SchemaView:
    """Let networks have the saved schema, as it was decided. Refused while a column waits to be confirmed."""
    source, kept = _kept(profile, datasource)
    small = int(profile.settings.number("schema.small-group"))
    releases.release(profile.store, profile.clock, profile.actor, kept, small)
    return schema_view(profile, source.id, source.name, _shown(profile, kept))


@act("schema drift")
def drift(profile: Profile, datasource: Named) -> tuple[DriftRow, ...]:
    """Say how the saved schema differs from the one that was released, or saved before, and what that breaks."""
    source, kept = _kept(profile, datasource)
    return schema_view(profile, source.id, source.name, _shown(profile, kept)).drift


@act("schema describe", writes=True, kinds=("schema", "datasource"))
def describe(
    profile: Profile,
    datasource: Named,
    dictionary: Annotated[str, "a data dictionary: CSV or Excel, a column of names and one of descriptions"],
) -> Done:
    """Take the descriptions of columns from a data dictionary."""
    source, kept = _kept(profile, datasource)
    found = read_dictionary(Path(dictionary), [each.name for each in kept.columns])
    datasources.describe(profile.store, profile.actor, source.id, found.descriptions)
    service.describe(profile.store, profile.clock, profile.actor, kept, found.descriptions)
    unknown = f" {len(found.unknown)} names in it are no columns here." if found.unknown else ""
    return Done(f"{len(found.descriptions)} columns of {source.name} were described.{unknown}", source.id)


@act("schema jobs")
def generations(profile: Profile) -> tuple[GenerationRow, ...]:
    """List the newest generations: running, interrupted by a stop of podadmin, or ended."""
    names = {source.id: source.name for source in datasources.list_all(profile.store)}
    return tuple(
        _generation(profile, each, names) for each in jobs.newest(profile.store) if each.datasource_id in names
    )


@act("schema resume", writes=True, kinds=("schema",))
def resume(profile: Profile, progress: Progress) -> Done:
    """Go on with the generations that a stop of podadmin interrupted; each is saved as it ends."""
    waiting = [each for each in generations(profile) if each.state == "interrupted"]
    for each in waiting:
        generate_schema(profile, each.datasource, save=True, progress=progress)
    return Done(f"Interrupted generations brought to their end: {len(waiting)}.")


@act("schema export", writes=True, kinds=("schema",))
def export(
    profile: Profile,
    datasource: Named,
    to: Annotated[str, "the file to write"],
    *,
    format: Annotated[  # noqa: A002 - the word of the command line
        Literal["yaml", "json", "frictionless", "arrow"],
        "the pod's format as YAML or JSON, a Frictionless Table Schema, or an Arrow schema in base64",
    ] = "yaml",
) -> Done:
    """Write the saved schema of a datasource to a file, without what was withheld and with labels merged."""
    source = datasources.get(profile.store, datasource)
    chosen_for = releases.disclosure(profile.store, source.id)
    path = service.export(
        profile.store,
        profile.actor,
        source.id,
        Path(to),
        format,
        lambda kept: applied(kept.document, kept.columns, chosen_for),
    )
    return Done(f"The schema of {source.name} was written.", str(path))


def _kept(profile: Profile, datasource: str) -> tuple[Datasource, service.Saved]:
    source = datasources.get(profile.store, datasource)
    kept = service.latest(profile.store, source.id)
    if kept is None:
        raise NotFound(
            "schema.none",
            "This datasource has no schema yet.",
            "None was generated and saved.",
            "Generate it on the page of the datasource, or with `podadmin schema generate`.",
        )
    return source, kept


def _shown(profile: Profile, kept: service.Saved) -> Made:
    before = service.before(profile.store, kept)
    return Made(
        kept.document,
        kept.columns,
        kept.rejected,
        kept.seconds,
        kept.made_at,
        True,
        before.document if before is not None else None,
        kept.notes,
    )


def _meant(profile: Profile, kept: service.Saved, column: str, labels: list[str], small: bool) -> list[str]:
    """The labels that were named, and the small ones where they were asked for."""
    if not small:
        return labels
    few = int(profile.settings.number("schema.small-group"))
    found = next((each for each in kept.columns if each.name == column), None)
    return [*labels, *(small_labels(found, few) if found else ())]


def _generation(profile: Profile, each: jobs.Job, names: dict[str, str]) -> GenerationRow:
    state = each.state
    if state == jobs.RUNNING and not _lock(profile, each.datasource_id).taken_elsewhere():
        state = "interrupted"
    words = f"{each.error['what']} {each.error['why']}" if each.error else ""
    return GenerationRow(
        each.id, each.datasource_id, names[each.datasource_id], state, each.began_at, each.ended_at, words
    )


def _lock(profile: Profile, datasource_id: str) -> EngineLock:
    """Held by whoever generates the schema of the datasource, so that a generation which a crash cut short is known."""
    return EngineLock(profile.folder / f"generation-{datasource_id}.lock")


@contextmanager
def _at_work(profile: Profile, datasource_id: str) -> Iterator[None]:
    lock = _lock(profile, datasource_id)
    lock.take()
    try:
        yield
    finally:
        lock.release()


def _text_of(path: Path) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise undecodable("It is not UTF-8.") from error
    except OSError as error:
        raise unreadable(error) from error


def _both(first: ColumnChoices, then: ColumnChoices) -> ColumnChoices:
    """Choices of a file, overruled by those of the command."""
    return ColumnChoices(
        tuple(dict.fromkeys((*first.ignore, *then.ignore))),
        {**first.force, **then.force},
        {**first.describe, **then.describe},
    )


def _generate(
    profile: Profile,
    name: str,
    source: Source,
    choices: ColumnChoices,
    password: Secret[str] | None,
    kept: Path,
    progress: Progress,
    *,
    description: str | None = None,
    every_file: bool,
) -> Generated:
    memory = f"{int(profile.settings.number('schema.memory'))}MB"
    return generate(
        name,
        source,
        choices,
        profile.clock,
        progress,
        password=password,
        kept=kept,
        description=description,
        memory_limit=memory,
        temp_directory=profile.work_folder,
        every_file=every_file,
    )


def _made(profile: Profile, generated: Generated, saved: bool, before: service.Saved | None = None) -> Made:
    return Made(
        generated.document,
        generated.columns,
        generated.rejected.count,
        generated.seconds,
        profile.clock.now(),
        saved,
        before.document if before is not None else None,
        generated.notes,
    )
