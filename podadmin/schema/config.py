"""What the network's own software is told to generate a schema from, read as choices about columns. Pure.

The shape is `MinimalSchemaGenerationConfig` of bitfount 13: datasource_name, description, column_descriptions,
ignore_cols and force_stypes, each but the first absent or null where nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from podadmin.core.errors import BadInput
from podadmin.core.late import Late
from podadmin.core.text import stranger
from podadmin.datasources.choices import IMAGE_PREFIX
from podadmin.datasources.dtypes import SEMANTIC_TYPES
from podadmin.datasources.model import ColumnChoices

if TYPE_CHECKING:
    import yaml
else:
    yaml = Late("yaml")

_KEYS = ("datasource_name", "description", "column_descriptions", "ignore_cols", "force_stypes")


@dataclass(frozen=True)
class GenerationConfig:
    """A name, a description and choices about columns."""

    name: str
    description: str | None
    choices: ColumnChoices

    def as_dict(self) -> dict[str, Any]:
        """The config as the network's own software takes it."""
        force: dict[str, list[str]] = {}
        for column, stype in self.choices.force.items():
            force.setdefault(stype, []).append(column)
        return {
            "datasource_name": self.name,
            "description": self.description,
            "column_descriptions": dict(self.choices.describe) or None,
            "ignore_cols": list(self.choices.ignore) or None,
            "force_stypes": force or None,
        }


def read_config(text: str) -> GenerationConfig:
    """The config in a YAML or JSON text. Raises BadInput (`schema.config`): nothing in it is passed over in silence."""
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad("It is neither YAML nor JSON.") from error
    if not isinstance(data, dict):
        raise _bad("It is not a table of names and values.")
    unknown = sorted(str(key) for key in data if key not in _KEYS)
    if unknown:
        raise _bad(f"It has a part that is not known: “{stranger(unknown[0], 60)}”.")
    name = data.get("datasource_name")
    description = data.get("description")
    if not isinstance(name, str) or not (description is None or isinstance(description, str)):
        raise _bad("datasource_name and description are texts.")
    ignored = _texts(data.get("ignore_cols"), "ignore_cols")
    return GenerationConfig(
        name, description, ColumnChoices(ignored, _force(data.get("force_stypes")), _described(data, name))
    )


def _force(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _bad("force_stypes is not a table of types and columns.")
    force: dict[str, str] = {}
    for stype, columns in value.items():
        if stype not in (*SEMANTIC_TYPES, IMAGE_PREFIX):
            raise _bad(f"“{stranger(str(stype), 60)}” is not a type that a column can have.")
        for column in _texts(columns, str(stype)):
            if force.setdefault(column, stype) != stype:
                raise _bad(f"The column “{stranger(column, 60)}” is given two types.")
    return force


def _described(data: dict[str, Any], name: str) -> dict[str, str]:
    found = data.get("column_descriptions")
    if found is None:
        return {}
    if isinstance(found, dict) and set(found) == {name} and isinstance(found[name], dict):
        found = found[name]  # by table, of which there is one
    if not isinstance(found, dict) or not all(isinstance(t, str) for pair in found.items() for t in pair):
        raise _bad("column_descriptions is not a table of columns and descriptions.")
    return dict(found)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _bad(f"{stranger(where, 60)} is not a list of names.")
    return tuple(value)


def _bad(why: str) -> BadInput:
    return BadInput(
        "schema.config",
        "This is not a configuration from which a schema can be generated.",
        why,
        "Correct it, or choose types and columns here instead.",
    )
