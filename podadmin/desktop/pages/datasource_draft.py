"""What has been entered in the wizard so far, as a value: nothing of it is saved anywhere until the last step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PureWindowsPath
from typing import Any, Final

AS_FOUND: Final = ""
TYPES: Final = (
    (AS_FOUND, "As found"),
    ("categorical", "Categorical"),
    ("continuous", "Continuous"),
    ("text", "Text"),
    ("image", "Image"),
)


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
class Draft:
    """A datasource before it exists. `choices` by the column's own name, where anything was chosen."""

    path: str = ""
    name: str = ""
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def arguments(self) -> dict[str, Any]:
        """What `datasource add` and `schema preview` take."""
        read = {name: choice for name, choice in self.choices.items() if not choice.ignored}
        return {
            "name": self.name,
            "path": self.path,
            "ignore": [name for name, choice in self.choices.items() if choice.ignored],
            "force": {name: choice.force for name, choice in read.items() if choice.force},
            "describe": {name: choice.description for name, choice in read.items() if choice.description},
        }


def name_from(path: str) -> str:
    """A name that a pod accepts, from the name of the file; empty where nothing of it can be used."""
    stem = PureWindowsPath(path).stem if "\\" in path else PurePath(path).stem
    return re.sub(r"[^a-z\d]+", "-", stem.lower(), flags=re.ASCII).strip("-")
