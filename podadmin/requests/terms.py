"""Terms for purposes, shipped with the application: the codes of the Data Use Ontology with plain words.

The table lies in `resources/terms/duo.json` and cites its source. Nothing is looked up anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from podadmin.core.resources import resource


@dataclass(frozen=True)
class Term:
    """`code` such as DUO:0000042, `short` such as GRU (empty where there is none), the official label, plain words."""

    code: str
    short: str
    group: str
    label: str
    words: str


@dataclass(frozen=True)
class Terms:
    """`groups` maps the name of a group to its words; `terms` maps codes to terms, in the order of the file."""

    groups: Mapping[str, str]
    terms: Mapping[str, Term]

    def words(self, code: str) -> str:
        """The official label of a code; the code itself where it is not known."""
        found = self.terms.get(code)
        return found.label if found is not None else code


def parse(document: Mapping[str, Any]) -> Terms:
    """Terms from their JSON. Raises ValueError for a code that is there twice or belongs to no group."""
    terms: dict[str, Term] = {}
    for row in document["terms"]:
        term = Term(row["code"], row["short"], row["group"], row["label"], row["words"])
        if term.code in terms or term.group not in document["groups"]:
            raise ValueError(f"terms: {term.code} is there twice or belongs to no group")
        terms[term.code] = term
    return Terms(dict(document["groups"]), terms)


@cache
def duo() -> Terms:
    """The terms that ship. Raises FileNotFoundError, ValueError where the installation is damaged."""
    return parse(json.loads(resource("terms", "duo.json").read_text(encoding="utf-8")))
