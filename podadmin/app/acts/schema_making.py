"""Acts that make schemas: generated here, taken from the pod, or tried without keeping anything. Each is a job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

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
from podadmin.app.pod_schema import from_pod
from podadmin.app.schema_views import Made, counted_in, kept_view, schema_view
from podadmin.app.views.datasources import GenerationRow, SchemaView
from podadmin.app.views.facts import Done
from podadmin.core.files import read_named
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources import service as datasources
from podadmin.datasources.dialect import undecodable
from podadmin.datasources.files import unreadable
from podadmin.datasources.model import ColumnChoices, Datasource, DatasourceName, Source
from podadmin.datasources.stored import made_from
from podadmin.schema import jobs, service
from podadmin.schema.config import read_config
from podadmin.schema.from_pod import check_pod_knows, made_by
from podadmin.schema.generate import Generated, generate

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

_LARGEST_CONFIG: Final = 2 * 1024 * 1024


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
    with _at_work(profile, source.id):
        before = service.latest(profile.store, source.id)
        password = datasources.password_of(source.source, profile.open_vault)
        kept = inventory_of(profile, source.id)
        generated = _generate(
            profile, source.name, source.source, source.choices, password, kept, progress, every_file=every_file
        )
        if save:
            _save(profile, source, generated)
    return schema_view(profile, source.id, source.name, _made(profile, source.source, generated, save, before))


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
    return schema_view(profile, "", name, _made(profile, source, generated, saved=False))


@act("schema take", writes=True, kinds=("schema",))
def take(
    profile: Profile,
    datasource: Named,
    *,
    port: Annotated[
        int, "the port of the control server of a pod on this computer that podadmin did not start; 0: of its own"
    ] = 0,
    progress: Progress,
) -> SchemaView:
    """Take the schema of a datasource from the running pod, for kinds that only the pod can read, and keep it.

    It says which labels there are and not how many records have each: look at what it reveals before releasing it.
    """
    source = datasources.get(profile.store, datasource)
    check_pod_knows(source.source)
    with _at_work(profile, source.id):
        generated = from_pod(profile, source, port, progress)
        kept = _save(profile, source, generated)
    return kept_view(profile, source, kept)


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
        if made_by(datasources.get(profile.store, each.datasource).source) == "pod":
            take(profile, each.datasource, progress=progress)
        else:
            generate_schema(profile, each.datasource, save=True, progress=progress)
    return Done(f"Interrupted generations brought to their end: {len(waiting)}.")


def _save(profile: Profile, source: Datasource, generated: Generated) -> service.Saved:
    mark = made_from(source.source, source.choices)
    return service.save(profile.store, profile.clock, profile.actor, source.id, generated, mark)


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
    """A generation, as a row that says so and a lock that says that its process lives."""
    lock = _lock(profile, datasource_id)
    # whoever sees the row has to see the lock: without it the work counts as cut short
    lock.take()
    try:
        with jobs.running(profile.store, profile.clock, profile.actor, datasource_id):
            yield
    finally:
        lock.release()


def _text_of(path: Path) -> str:
    try:
        data = read_named(path, _LARGEST_CONFIG + 1)
        if len(data) > _LARGEST_CONFIG:
            raise undecodable(f"It has more than {_LARGEST_CONFIG} bytes, which is far more than a configuration has.")
        return data.decode("utf-8")
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


def _made(
    profile: Profile, source: Source, generated: Generated, saved: bool, before: service.Saved | None = None
) -> Made:
    return Made(
        generated.document,
        generated.columns,
        generated.rejected.count,
        generated.seconds,
        profile.clock.now(),
        saved,
        before.document if before is not None else None,
        generated.notes,
        counted_in(source, generated.origin),
        generated.origin,
        generated.unread,
    )
