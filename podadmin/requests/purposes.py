"""What a project is for: no network carries a purpose, so it is what the custodian has stated here, in DUO codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, select

from podadmin.core.canon import canonical
from podadmin.requests.grant_pins import PURPOSE, Pins
from podadmin.requests.rule_records import project_purpose


def purposes_of(connection: Connection, project: str) -> tuple[str, ...]:
    """What the custodian has stated a project to be for: DUO codes; empty where nothing was stated."""
    found = connection.execute(select(project_purpose.c.codes).where(project_purpose.c.project == project)).scalar()
    return tuple(found.split()) if found and project else ()


def as_pin(codes: Iterable[str]) -> str:
    """A purpose as requests are pinned to it."""
    return " ".join(codes)


def as_decided(connection: Connection, pins: Pins, project: str) -> Pins:
    """The pins of a request that is decided on now, whatever its project was for when it came."""
    now = canonical(as_pin(purposes_of(connection, project)))
    return replace(pins, values={**pins.values, PURPOSE: now})
