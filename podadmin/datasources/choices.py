"""Do the custodian's choices about columns fit the columns that there are? Pure rules, the same wherever asked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.datasources.dtypes import SEMANTIC_TYPES
from podadmin.datasources.model import ColumnChoices

IMAGE_PREFIX = "image_prefix"


def check_choices(choices: ColumnChoices, header: tuple[str, ...]) -> None:
    """A choice that would silently do nothing is refused, with the nearest name.

    Raises BadInput: `datasource.unknown-column`, `datasource.unknown-type`, `datasource.ignored-and-forced`,
    `datasource.nothing-left`.
    """
    for stype in choices.force.values():
        if stype not in (*SEMANTIC_TYPES, IMAGE_PREFIX):
            raise BadInput(
                "datasource.unknown-type",
                f"“{stranger(stype, 60)}” is not a type that a column can have.",
                f"Columns are {', '.join(SEMANTIC_TYPES)}.{_nearest(stype, (*SEMANTIC_TYPES, IMAGE_PREFIX))}",
                "Choose one of these types.",
            )
    names = {*choices.ignore, *choices.describe, *(n for n, s in choices.force.items() if s != IMAGE_PREFIX)}
    for name in sorted(names - set(header)):
        raise _unknown(name, header, "There is no column")
    for prefix in sorted(n for n, s in choices.force.items() if s == IMAGE_PREFIX):
        if not any(name.startswith(prefix) for name in header):
            raise _unknown(prefix, header, "No column has a name that begins with")
    for name in sorted(set(choices.ignore) & set(choices.force)):
        raise BadInput(
            "datasource.ignored-and-forced",
            f"The column “{stranger(name, 60)}” is ignored and has a type chosen for it as well.",
            "A column that is never read has no type.",
            "Keep one of the two choices.",
        )
    if set(header) <= set(choices.ignore):
        raise BadInput(
            "datasource.nothing-left",
            "Every column is ignored.",
            "A datasource without any column says nothing and can answer nothing.",
            "Keep at least one column.",
        )


def forced(choices: ColumnChoices, header: tuple[str, ...]) -> dict[str, str]:
    """Column -> semantic type for every column that the choices decide; prefixes are spelt out and are gone.

    A choice about a column itself wins over one about its prefix.
    """
    result: dict[str, str] = {}
    for chosen, stype in choices.force.items():
        if stype == IMAGE_PREFIX:
            result |= {name: "image" for name in header if name.startswith(chosen) and name not in choices.ignore}
    return result | {name: stype for name, stype in choices.force.items() if stype != IMAGE_PREFIX}


def _unknown(name: str, header: tuple[str, ...], begin: str) -> BadInput:
    return BadInput(
        "datasource.unknown-column",
        f"{begin} “{stranger(name, 60)}”.",
        f"The file has {len(header)} columns, and none of them is meant by this.{_nearest(name, header)}",
        "Correct the name, or take the choice back.",
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" The nearest name is “{stranger(near[0], 60)}”." if near else ""
