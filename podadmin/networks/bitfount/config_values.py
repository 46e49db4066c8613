"""The small values of a pod's configuration: names, places, dates, and secrets that stand in the environment only."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer

NAME = r"^[a-z0-9]+((-|_)[a-z0-9]+)*$"
USERNAME = r"^(_default|[a-z0-9]([a-z0-9]|[-_][a-z0-9])*)$"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]{0,127})\}")


class Reference(str):
    """A text of the form `${NAME}` that means the value of a variable of the environment, never itself."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return self[2:-1]


class FromEnvironment(BaseModel):
    """A secret that the pod is given as a variable of its environment: its name, never its value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")

    @property
    def reference(self) -> Reference:
        return Reference(f"${{{self.name}}}")


def _hidden(value: Any) -> Any:
    """Only a reference is taken: a secret in clear has no way into a configuration."""
    if isinstance(value, Reference):
        found = _REFERENCE.fullmatch(value)
        return FromEnvironment(name=found[1]) if found else value
    if isinstance(value, str):
        raise ValueError("a secret stands in the environment, not in the file")
    return value


def is_absolute(path: str) -> bool:
    """Is this an absolute path, of this system or of another one that a pod can run on?"""
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def _absolute(path: str) -> str:
    if not is_absolute(path) or "\0" in path:
        raise ValueError("the path is not absolute")
    return path


def _username(text: str) -> str:
    # each letter after a joining hyphen or underscore counts with it: 39 characters at most stand after the first
    if text != "_default" and len(text) > 39:
        raise ValueError("the name is too long")
    return text


def _no_null(value: Any) -> Any:
    """The real software refuses a null wherever it stands, in what it hands on to other software as well."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        if part is None:
            raise ValueError("a null cannot be written")
        _no_null(part)
    return value


Handed = Annotated[dict[str, JsonValue], AfterValidator(_no_null)]
"""What is handed on to other software as it is."""
HiddenText = Annotated[
    FromEnvironment,
    BeforeValidator(_hidden),
    PlainSerializer(lambda value: value.reference, return_type=Any),
]
"""A field that holds a secret: in the file stands the name of a variable."""
Place = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_absolute)]
"""An absolute path: relative ones mean something else in every folder from which a pod is started."""
PodName = Annotated[str, Field(pattern=NAME, max_length=70)]
Username = Annotated[str, Field(pattern=USERNAME), AfterValidator(_username)]
Address = Annotated[str, Field(pattern=r"^https?://[^\s/@?#]+(/[^\s]*)?$", max_length=2048)]
"""An address without credentials in it."""


class Date(BaseModel):
    """A day, a month or a year."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    year: int = Field(ge=1, le=9999)
    month: int | None = Field(default=None, ge=1, le=12)
    day: int | None = Field(default=None, ge=1, le=31)
