"""What acts are given to name a source: a file by its path, or any kind by the values of its declared fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput
from podadmin.core.secret import Secret
from podadmin.datasources.kinds.registry import KindDeclaration, declaration, kind_named, source_of
from podadmin.datasources.model import ColumnChoices, Kind, Source, kind_at
from podadmin.datasources.stored import stored

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

Encoding = Annotated[
    Literal["auto", "utf-8", "utf-16", "cp1252", "latin-1"], "how its text is encoded, where it is not found out"
]
Header = Annotated[Literal["auto", "yes", "no"], "does its first line hold the names of the columns"]
Separator = Annotated[str, "the character between cells (`tab` for a tabulator), where it is not found out"]
Quote = Annotated[str, "the quotation mark round cells, or `none`, where it is not found out"]
SourcePath = Annotated[str, "the file (CSV, JSON lines, also packed, or Parquet), or the folder of a kind that is one"]
SourceKind = Annotated[str, "which kind of datasource it is, where it is no table file: see `datasource kinds`"]
SourceValues = Annotated[dict[str, str], "field=value, with the fields of the kind: see `datasource kinds`"]
Password = Annotated[Secret[str] | None, "the password or token with which the data is reached"]
Named = Annotated[str, "its id or name"]
_WORDS = {"\t": "tab", "\\t": "tab", " ": "space"}


def source_given(
    path: str,
    kind: str,
    values: Mapping[str, str],
    encoding: str = "auto",
    separator: str = "",
    quote: str = "",
    header: str = "auto",
) -> Source:
    """The source that an act was given; without a kind it is a table file, by the ending of its name.

    Raises NotFound (`datasource.unknown-kind`), BadInput (`datasource.secret-in-text`, `datasource.*` of its fields).
    """
    wanted = declaration(_kind(path or values.get("path", ""), kind))
    check_no_secret(wanted, values)
    given = dict(values)
    read = {"encoding": encoding, "separator": _WORDS.get(separator, separator), "quote": quote, "header": header}
    given |= {name: value for name, value in {"path": path, **read}.items() if value not in ("", "auto")}
    return source_of(wanted.kind, given)


def check_no_secret(wanted: KindDeclaration, values: Mapping[str, str]) -> None:
    """Raises BadInput (`datasource.secret-in-text`): what travels among the values is shown and recorded."""
    secret = wanted.model.SECRET
    if secret and secret in values:
        raise BadInput(
            "datasource.secret-in-text",
            "A password is not given among the other fields.",
            "What stands there can be seen by others on this computer, and is shown and recorded.",
            "Name a file that holds it with --password-from, or have it asked for with --password-asked.",
        )


def _kind(path: str, kind: str) -> Kind:
    if kind:
        return kind_named(kind)
    return kind_at(Path(path))


def chosen(ignore: Sequence[str], force: Mapping[str, str], describe: Mapping[str, str]) -> ColumnChoices:
    """The custodian's choices about columns as one value."""
    return ColumnChoices(tuple(ignore), dict(force), {name: text for name, text in describe.items() if text})


def inventory_of(profile: Profile, datasource_id: str) -> Path:
    """The file that holds the inventory of a datasource's folder."""
    return profile.folder / "inventories" / f"{datasource_id}.db"


def inventory_before(profile: Profile, source: Source) -> Path:
    """The file for the inventory of a folder that is no datasource yet; it goes when the engine starts again."""
    mark = sha256(f"{source.kind} {canonical(stored(source))}".encode()).hexdigest()[:32]
    return profile.work_folder / f"inventory-{mark}.db"
