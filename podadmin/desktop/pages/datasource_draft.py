"""What has been entered in the wizard so far, as values: nothing of it is saved anywhere until the last step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PureWindowsPath
from typing import Any, Final
from urllib.parse import urlsplit

from podadmin.app.views.datasources import KindView
from podadmin.core.secret import Secret

AS_FOUND: Final = ""
TYPES: Final = (
    (AS_FOUND, "As found"),
    ("categorical", "Categorical"),
    ("continuous", "Continuous"),
    ("text", "Text"),
    ("image", "Image"),
)
KIND, SET_UP, TEST, PREVIEW, COLUMNS, SCHEMA, SAVE = (
    "Kind",
    "Set up",
    "Test",
    "Preview",
    "Columns",
    "Schema",
    "Save",
)
ALL: Final = (KIND, SET_UP, TEST, PREVIEW, COLUMNS, SCHEMA, SAVE)
_MODEL: Final = "OMOPSource"
_NOTHING: Final[Mapping[str, str]] = {}
_THINGS: Final = {
    "table": "file",
    "database": "database",
    "engine": "engine",
    "images": "folder",
    "eye": "folder",
    "service": "service",
    "none": "datasource",
}


def steps_for(kind: KindView | None, values: Mapping[str, str] = _NOTHING) -> tuple[str, ...]:
    """The steps of the wizard for a kind: what podadmin does not read has no preview and no columns.

    Neither has a model of tables as a whole, which the pod knows: one of its tables has.
    """
    whole = kind is not None and kind.kind == _MODEL and bool(values) and not values.get("table")
    if kind is None or (kind.reads == "profile" and not whole):
        return ALL
    return (KIND, SET_UP, SAVE) if kind.group == "none" else (KIND, SET_UP, TEST, SAVE)


def thing(kind: KindView | None) -> str:
    """What a datasource of this kind is, in a word: a file, a folder, a database, a service."""
    return thing_of(kind.group) if kind is not None else "datasource"


def thing_of(group: str) -> str:
    """What a datasource of a kind of this group is, in a word."""
    return _THINGS.get(group, "datasource")


@dataclass(frozen=True)
class Choice:
    """What was chosen for one column. `force` is empty where the type is taken as it was found."""

    ignored: bool = False
    force: str = AS_FOUND
    description: str = ""

    @property
    def made(self) -> bool:
        """Is anything chosen at all?"""
        return self != Choice()


@dataclass(frozen=True)
class Given:
    """Where the data is: a kind, and its fields that do not have their default.

    `passwords` counts how many passwords were typed: with another one it is another source. The password itself is not
    here, since this is compared, kept and shown.
    """

    kind: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    passwords: int = 0

    def arguments(self, password: Secret[str] | None) -> dict[str, Any]:
        """What the acts take that look at a source."""
        return {"kind": self.kind, "set": dict(self.values), "password": password}


@dataclass(frozen=True)
class Draft:
    """A datasource before it exists. `choices` by the column's own name, where anything was chosen."""

    given: Given = Given()
    name: str = ""
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def arguments(self, password: Secret[str] | None) -> dict[str, Any]:
        """What `datasource add` and `schema preview` take."""
        return {"name": self.name, **self.given.arguments(password), **self.of_columns()}

    def of_columns(self) -> dict[str, Any]:
        """What was chosen for columns, as the acts take it."""
        read = {name: choice for name, choice in self.choices.items() if not choice.ignored}
        return {
            "ignore": [name for name, choice in self.choices.items() if choice.ignored],
            "force": {name: choice.force for name, choice in read.items() if choice.force},
            "describe": {name: choice.description for name, choice in read.items() if choice.description},
        }


def name_for(given: Given) -> str:
    """A name that a pod accepts, from where the data is; empty where nothing of it can be used."""
    values = given.values
    if path := values.get("path", ""):
        return name_from(path)
    if table := values.get("table", ""):
        return _plain(table)
    url = values.get("url", "")
    if url:
        return name_from(urlsplit(url).path)
    return _plain(values.get("template_name", ""))


def name_from(path: str) -> str:
    """A name that a pod accepts, from the name of a file or folder; empty where nothing of it can be used."""
    return _plain(PureWindowsPath(path).stem if "\\" in path else PurePath(path).stem)


def _plain(words: str) -> str:
    return re.sub(r"[^a-z\d]+", "-", words.lower(), flags=re.ASCII).strip("-")
