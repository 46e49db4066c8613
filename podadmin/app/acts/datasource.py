"""Acts on datasources: connect data of any kind, look at it, check it, change it, remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts import datasource_health, datasource_look
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
    check_no_secret,
    chosen,
    inventory_before,
    inventory_of,
    source_given,
)
from podadmin.app.datasource_rows import card, fields_view
from podadmin.app.views.datasources import DatasourceCard, DatasourceFields
from podadmin.app.views.facts import Done
from podadmin.core.errors import ExitCode
from podadmin.core.progress import Progress
from podadmin.datasources import health, service
from podadmin.datasources.kinds.registry import declaration, source_of, values_of
from podadmin.datasources.model import ColumnChoices, Datasource, DatasourceName, FolderSource, Source
from podadmin.schema import service as schemas

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

__all__ = ["add", "check", "datasource_health", "datasource_look", "list_datasources", "remove"]


def _check_ends_with(view: DatasourceCard) -> ExitCode:
    return ExitCode.BAD_INPUT if view.health == "broken" else ExitCode.OK


@act("datasource add", writes=True, kinds=("datasource",))
def add(
    profile: Profile,
    name: Annotated[str, "its name on the network: lower-case letters and digits, joined by hyphens or underscores"],
    path: SourcePath = "",
    *,
    kind: SourceKind = "",
    set: SourceValues = {},  # noqa: A002, B006 - the word of the command line; read only
    password: Password = None,
    ignore: Annotated[list[str], "a column that is never read"] = [],  # noqa: B006 - read only; the signature is the help
    force: Annotated[dict[str, str], "column=type, with categorical, continuous, text, image or image_prefix"] = {},  # noqa: B006
    describe: Annotated[dict[str, str], "column=description"] = {},  # noqa: B006
    encoding: Encoding = "auto",
    separator: Separator = "",
    quote: Quote = "",
    header: Header = "auto",
    progress: Progress | None = None,
) -> DatasourceCard:
    """Connect data under a name: a table file, or any other kind of datasource with its fields.

    Its header is looked at; a password is kept where secrets live and nowhere else.
    """
    # where the file stands in the place of the name, that is told, and not that a file is missing
    DatasourceName(name)
    source = source_given(path, kind, set, encoding, separator, quote, header)
    added = service.add(
        profile.store,
        profile.clock,
        profile.actor,
        name,
        source,
        chosen(ignore, force, describe),
        password=password,
        vault=profile.open_vault,
        progress=progress,
    )
    _adopt_inventory(profile, source, added)
    return _card(profile, added)


@act("datasource list")
def list_datasources(profile: Profile) -> tuple[DatasourceCard, ...]:
    """List the datasources that are connected."""
    known = health.kept(profile.store)
    return tuple(card(profile, each, known.get(each.id)) for each in service.list_all(profile.store))


@act("datasource show")
def show(profile: Profile, datasource: Named) -> DatasourceCard:
    """Show one datasource."""
    return _card(profile, service.get(profile.store, datasource))


@act("datasource fields")
def fields(profile: Profile, datasource: Named) -> DatasourceFields:
    """Show how a datasource is set up: the fields of its kind, their values, and the choices about columns."""
    return fields_view(service.get(profile.store, datasource))


@act("datasource check", writes=True, kinds=("datasource",), ends_with=_check_ends_with)
def check(profile: Profile, datasource: Named, progress: Progress) -> DatasourceCard:
    """Read a datasource once and keep what was found: its health, its rows or files, its size."""
    wanted = service.get(profile.store, datasource)
    checked = service.check(
        profile.store,
        profile.clock,
        profile.actor,
        wanted.id,
        progress,
        vault=profile.open_vault,
        kept=inventory_of(profile, wanted.id),
        temp_directory=profile.work_folder,
    )
    return _card(profile, checked)


@act("datasource change", writes=True, kinds=("datasource", "schema"))
def change(
    profile: Profile,
    datasource: Named,
    *,
    set: Annotated[dict[str, str], "field=value; without a value the field gets its default back"] = {},  # noqa: A002, B006
    password: Password = None,
    forget: Annotated[bool, "forget the password that is kept for it"] = False,
    ignore: Annotated[list[str], "a column that is never read, in place of those ignored until now"] = [],  # noqa: B006
    force: Annotated[dict[str, str], "column=type, in place of the types chosen until now"] = {},  # noqa: B006
    every_column: Annotated[bool, "read every column again, and force no type"] = False,
    describe: Annotated[dict[str, str], "column=description; without one the description is taken back"] = {},  # noqa: B006
    progress: Progress,
) -> DatasourceCard:
    """Change how a datasource is set up. Its name and kind stay, and so does its password unless another is given.

    Another place, another way of reading, and other choices about columns make its schema old. Descriptions reach the
    saved schema at once, because nothing has to be read for them.
    """
    before = service.get(profile.store, datasource)
    kind = declaration(before.kind)
    check_no_secret(kind, set)
    changed = service.change(
        profile.store,
        profile.clock,
        profile.actor,
        before.id,
        source_of(before.kind, {**values_of(before.source), **set}),
        _choices(before.choices, ignore, force, every_column, describe),
        password=password,
        forget_password=forget,
        vault=profile.open_vault,
        progress=progress,
    )
    kept = schemas.latest(profile.store, before.id) if describe else None
    if kept is not None:
        schemas.describe(profile.store, profile.clock, profile.actor, kept, describe)
    return _card(profile, changed)


@act("datasource remove", writes=True, kinds=("datasource",))
def remove(
    profile: Profile,
    datasource: Named,
    reason: Annotated[str, "why; it is recorded"],
) -> Done:
    """Stop offering a datasource. Its data is not touched, its history stays, its password is forgotten."""
    removed = service.remove(
        profile.store, profile.clock, profile.actor, datasource, reason, vault=lambda: profile.vault
    )
    inventory_of(profile, removed.id).unlink(missing_ok=True)
    return Done(f"The datasource {removed.name} was removed.", removed.id)


def _choices(
    before: ColumnChoices, ignore: list[str], force: dict[str, str], every_column: bool, describe: dict[str, str]
) -> ColumnChoices:
    if every_column:
        before = ColumnChoices(describe=before.describe)
    described = {name: text for name, text in {**before.describe, **describe}.items() if text}
    return ColumnChoices(tuple(ignore) or before.ignore, force or before.force, described)


def _adopt_inventory(profile: Profile, source: Source, added: Datasource) -> None:
    """What testing the folder has counted is counted for the datasource."""
    counted = inventory_before(profile, source)
    if isinstance(source, FolderSource) and counted.is_file():
        kept = inventory_of(profile, added.id)
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        counted.replace(kept)


def _card(profile: Profile, source: Datasource) -> DatasourceCard:
    return card(profile, source, health.kept(profile.store).get(source.id))
