"""The tables of the OMOP common data model, by the versions that a pod knows (bitfount contract, section 2.2).

A pod takes the schema of such a datasource from the model and not from the data, so what has to be known here is
whether the database holds the model: which of its tables and columns are there, and what it says of itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from sqlalchemy import column, func, inspect, select, table
from sqlalchemy.sql.elements import quoted_name

from podadmin.core.errors import NotFound
from podadmin.core.resources import resource
from podadmin.core.text import stranger
from podadmin.datasources.database_rights import rights
from podadmin.datasources.database_session import Session
from podadmin.datasources.databases import details, doubts
from podadmin.datasources.model import SourceProbe, SqlSource

VERSIONS: Final = ("v3.0", "v5.3", "v5.4")
_COUNTED: Final = ("person", "visit_occurrence", "condition_occurrence", "drug_exposure", "measurement", "observation")
_SHOWN: Final = 8


def tables(version: str) -> Mapping[str, tuple[str, ...]]:
    """Table -> columns of a version of the model (one of VERSIONS)."""
    data = json.loads(resource("omop", "tables.json").read_text(encoding="utf-8"))
    return {name: tuple(columns) for name, columns in data[version].items()}


def probe_model(opened: Session, source: SqlSource) -> SourceProbe:
    """What testing the model of `source.version` found. Raises NotFound `datasource.omop-tables`."""
    wanted = tables(source.version or VERSIONS[-1])
    there = opened.call(lambda: _there(opened))
    found = {name: there[name] for name in wanted if name in there}
    if "person" not in found:
        raise NotFound(
            "datasource.omop-tables",
            "The OMOP tables were not found.",
            "The database, as this account sees it, has no table “person”, which every version of the model has.",
            "Check the database in the address, and the schema in which the account looks for tables first.",
        )
    lacking = sorted(set(wanted) - set(found))
    said = [f"It has no table {_listed(lacking)}."] if lacking else []
    for name, columns in found.items():
        missing = [each for each in wanted[name] if each not in {column.lower() for column in columns}]
        if missing:
            said.append(f"Its table {name} lacks {_listed(missing)}.")
    stated = _stated(opened, there)
    if stated and source.version and not stated.lower().lstrip("v").startswith(source.version.lstrip("v")):
        said.append(f"It calls itself version {stranger(stated, 20)} of the model, and {source.version} was chosen.")
    counted = {name: _count(opened, name) for name in _COUNTED if name in found}
    allowed = rights(opened, source)
    return SourceProbe(
        True,
        True,
        allowed.standing,
        allowed.words,
        rows=counted["person"],
        columns=tuple(found),
        doubts=(*allowed.doubts, *said, *doubts(opened)),
        details=(
            *details(opened),
            ("Tables of the model", f"{len(found)} of {len(wanted)}"),
            *((f"Rows of {name}", f"{rows:,}") for name, rows in counted.items()),
        ),
    )


def _there(opened: Session) -> dict[str, tuple[str, ...]]:
    inspector = inspect(opened.connection)
    names = {*inspector.get_table_names(), *inspector.get_view_names()}
    wanted = {name for version in VERSIONS for name in tables(version)}
    known = {name: name.lower() for name in names if name.lower() in wanted}
    return {lower: tuple(str(each["name"]) for each in inspector.get_columns(name)) for name, lower in known.items()}


def _stated(opened: Session, there: Mapping[str, tuple[str, ...]]) -> str:
    if "cdm_version" not in {each.lower() for each in there.get("cdm_source", ())}:
        return ""
    found = opened.rows(select(column("cdm_version")).select_from(table("cdm_source")).limit(1))
    return str(found[0][0] or "") if found else ""


def _count(opened: Session, name: str) -> int:
    asked = select(func.count()).select_from(table(quoted_name(name, None)))
    return int(opened.rows(asked, "Counting the rows", 0.5)[0][0])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
