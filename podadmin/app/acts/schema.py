"""Acts on schemas: look at what they reveal, decide what of it is told, release, export. Making them: schema_making."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts import schema_making
from podadmin.app.acts.registry import act
from podadmin.app.acts.source_given import Named
from podadmin.app.schema_views import column_facts, kept_view
from podadmin.app.views.datasources import ColumnFacts, DriftRow, SchemaView
from podadmin.app.views.facts import Done
from podadmin.core.errors import BadInput, NotFound
from podadmin.core.text import stranger
from podadmin.datasources import service as datasources
from podadmin.datasources.model import Datasource
from podadmin.schema import releases, service
from podadmin.schema.dictionary import read_dictionary
from podadmin.schema.disclosure import OTHER, applied, small_labels

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

__all__ = ["schema_making"]


@act("schema show")
def show(profile: Profile, datasource: Named) -> SchemaView:
    """Show the saved schema of a datasource and what it reveals."""
    source, kept = _kept(profile, datasource)
    return kept_view(profile, source, kept)


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
    return kept_view(profile, source, kept)


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
    return kept_view(profile, source, kept)


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
    return kept_view(profile, source, kept)


@act("schema tell", writes=True, kinds=("schema",))
def tell(
    profile: Profile,
    datasource: Named,
    column: Annotated[str, "a categorical column"],
) -> SchemaView:
    """Take back what was withheld or merged of a column."""
    source, kept = _kept(profile, datasource)
    releases.tell_again(profile.store, profile.actor, kept, column)
    return kept_view(profile, source, kept)


@act("schema release", writes=True, kinds=("schema",))
def release(profile: Profile, datasource: Named) -> SchemaView:
    """Let networks have the saved schema, as it was decided. Refused while a column waits to be confirmed."""
    source, kept = _kept(profile, datasource)
    small = int(profile.settings.number("schema.small-group"))
    releases.release(profile.store, profile.clock, profile.actor, kept, small)
    return kept_view(profile, source, kept)


@act("schema drift")
def drift(profile: Profile, datasource: Named) -> tuple[DriftRow, ...]:
    """Say how the saved schema differs from the one that was released, or saved before, and what that breaks."""
    source, kept = _kept(profile, datasource)
    return kept_view(profile, source, kept).drift


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
            "None was generated, or taken from the pod, and saved.",
            "Make it on the page of the datasource, or with `podadmin schema generate` or `podadmin schema take`.",
        )
    return source, kept


def _meant(profile: Profile, kept: service.Saved, column: str, labels: list[str], small: bool) -> list[str]:
    """The labels that were named, and the small ones where they were asked for."""
    if not small:
        return labels
    few = int(profile.settings.number("schema.small-group"))
    found = next((each for each in kept.columns if each.name == column), None)
    if found is not None and not found.counted:
        raise BadInput(
            "schema.not-counted",
            f"Which labels of “{stranger(column, 60)}” few records have is not known.",
            "The pod told the schema, and no pod tells how many records have a label.",
            "Name the labels themselves, with --label.",
        )
    return [*labels, *(small_labels(found, few) if found else ())]
