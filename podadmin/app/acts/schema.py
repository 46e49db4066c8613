"""Acts on schemas: generate, look at what they reveal, keep, export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.datasource import QUOTE_HELP, SEPARATOR_HELP, Encoding, Header, chosen, file_at
from podadmin.app.acts.registry import act
from podadmin.app.views.datasources import ColumnView, Revelation, SchemaView
from podadmin.app.views.facts import Done
from podadmin.core.errors import NotFound
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.datasources import service as datasources
from podadmin.datasources.model import ColumnChoices, DatasourceName, FileSource
from podadmin.schema import service
from podadmin.schema.generate import Generated, generate
from podadmin.schema.model import Document
from podadmin.schema.reveals import Reveal, reveals
from podadmin.schema.statistics import ColumnStatistics

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

LABELS_SHOWN = 50


@dataclass(frozen=True)
class _Made:
    """What a view needs, whether a schema was just generated or saved before."""

    document: Document
    columns: tuple[ColumnStatistics, ...]
    rejected: int
    seconds: float
    made_at: datetime
    saved: bool


@act("schema generate", writes=True, kinds=("schema",))
def generate_schema(
    profile: Profile,
    datasource: Annotated[str, "its id or name"],
    *,
    save: Annotated[bool, "keep it as the schema of the datasource"] = False,
    progress: Progress,
) -> SchemaView:
    """Read a datasource and generate its schema; shows what it would reveal."""
    source = datasources.get(profile.store, datasource)
    generated = _generate(profile, source.name, source.source, source.choices, progress)
    if save:
        service.save(profile.store, profile.clock, profile.actor, source.id, generated)
    return _view(profile, source.id, source.name, _made(profile, generated, save))


@act("schema preview")
def preview(
    profile: Profile,
    path: Annotated[str, "the file: CSV (also packed) or Parquet"],
    *,
    name: Annotated[str, "the name that the datasource would have"] = "preview",
    ignore: Annotated[list[str], "a column that is never read"] = [],  # noqa: B006 - read only; the signature is the help
    force: Annotated[dict[str, str], "column=type"] = {},  # noqa: B006
    describe: Annotated[dict[str, str], "column=description"] = {},  # noqa: B006
    encoding: Encoding = "auto",
    separator: Annotated[str, SEPARATOR_HELP] = "",
    quote: Annotated[str, QUOTE_HELP] = "",
    header: Header = "auto",
    progress: Progress,
) -> SchemaView:
    """Generate the schema that a file would have, without keeping anything."""
    DatasourceName(name)
    choices = chosen(ignore, force, describe)
    generated = _generate(profile, name, file_at(path, encoding, separator, quote, header), choices, progress)
    return _view(profile, "", name, _made(profile, generated, saved=False))


@act("schema show")
def show(profile: Profile, datasource: Annotated[str, "its id or name"]) -> SchemaView:
    """Show the saved schema of a datasource and what it reveals."""
    source = datasources.get(profile.store, datasource)
    kept = service.latest(profile.store, source.id)
    if kept is None:
        raise NotFound(
            "schema.none",
            "This datasource has no schema yet.",
            "None was generated and saved.",
            "Generate it on the page of the datasource, or with `podadmin schema generate`.",
        )
    made = _Made(kept.document, kept.columns, kept.rejected, kept.seconds, kept.made_at, True)
    return _view(profile, source.id, source.name, made)


@act("schema export", writes=True, kinds=("schema",))
def export(
    profile: Profile,
    datasource: Annotated[str, "its id or name"],
    to: Annotated[str, "the file to write"],
    *,
    format: Annotated[Literal["yaml", "json"], "how it is written"] = "yaml",  # noqa: A002 - the word of the command line
) -> Done:
    """Write the saved schema of a datasource to a file, in the pod's format (version 4)."""
    source = datasources.get(profile.store, datasource)
    path = service.export(profile.store, profile.actor, source.id, Path(to), format)
    return Done(f"The schema of {source.name} was written.", str(path))


def _generate(profile: Profile, name: str, source: FileSource, choices: ColumnChoices, progress: Progress) -> Generated:
    memory = f"{int(profile.settings.number('schema.memory'))}MB"
    return generate(
        name, source, choices, profile.clock, progress, memory_limit=memory, temp_directory=profile.work_folder
    )


def _made(profile: Profile, generated: Generated, saved: bool) -> _Made:
    return _Made(
        generated.document,
        generated.columns,
        generated.rejected.count,
        generated.seconds,
        profile.clock.now(),
        saved,
    )


def _view(profile: Profile, datasource_id: str, name: str, made: _Made) -> SchemaView:
    small = int(profile.settings.number("schema.small-group"))
    told = reveals(made.document.records, made.columns, small)
    warnings = _warnings(told)
    return SchemaView(
        datasource=datasource_id,
        datasource_name=name,
        made_at=made.made_at,
        records=made.document.records,
        columns=tuple(_column(column, warnings.get(stranger(column.name, 60), "")) for column in made.columns),
        reveals=tuple(Revelation(each.column, each.what, each.values, each.tone) for each in told),
        rejected_lines=made.rejected,
        seconds=made.seconds,
        saved=made.saved,
        document=made.document.as_dict(),
    )


def _warnings(told: tuple[Reveal, ...]) -> dict[str, str]:
    """The gravest thing that is told about each column."""
    found: dict[str, str] = {}
    for tone in ("warn", "bad"):
        found |= {each.column: each.what for each in told if each.column and each.tone == tone}
    return found


def _column(column: ColumnStatistics, warning: str) -> ColumnView:
    return ColumnView(
        name=column.name,
        dtype=column.dtype,
        stype=column.stype,
        forced=column.forced,
        ignored=False,
        description=stranger(column.description or "", 500),
        nulls=column.nulls,
        distinct=column.distinct,
        distinct_estimated=column.distinct_estimated,
        minimum="" if column.minimum is None else stranger(str(column.minimum), 60),
        maximum="" if column.maximum is None else stranger(str(column.maximum), 60),
        mean=column.mean,
        labels=tuple(stranger(label, 60) for label, _times in column.labels[:LABELS_SHOWN]),
        warning=warning,
    )
