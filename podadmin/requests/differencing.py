"""Figures that differ: what two queries tell together about the few records that only one of them looks at.

Each of two figures may be about enough people, and the difference between them about one: the difference attack of
statistical disclosure control (Denning, Denning and Schwartz, The tracker, ACM TODS 4(1), 1979). A query alone cannot
show that, so it is set beside those whose figures may have left before. Only queries of the form that counts as figures
at all have a choice of records that can be compared (`sql_shape`): comparisons of columns with constants joined by AND.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from podadmin.core.canon import JSON
from podadmin.requests.effect_facts import COMPUTED
from podadmin.requests.protocols import Protocol, read_protocol
from podadmin.requests.reading import Found
from podadmin.requests.records import request, sealed
from podadmin.requests.sql_reading import SqlFacts, understand
from podadmin.requests.sql_terms import Choice
from podadmin.requests.state import State

LOOKED_AT: Final = 200
"""So many of the newest requests on the same data are set beside one."""
_MAY_HAVE_LEFT: Final = (
    State.APPROVED, State.DELIVERING, State.RUNNING, State.FINISHED, State.STOPPED, State.FAILED, State.INTERRUPTED,
)  # fmt: skip


@dataclass(frozen=True)
class Before:
    """A choice whose figures may have left: the newest request with it, and how many requests had it."""

    row: Row[Any]
    choice: Choice
    requests: int


def choices_of(protocol: JSON) -> tuple[Choice, ...]:
    """The choices of all queries of a verified protocol that have one, each once."""
    return tuple(dict.fromkeys(choice for each in _understood(protocol) for choice in each.choices))


def _understood(protocol: JSON) -> Iterator[SqlFacts]:
    return (understand(each.query) for each in read_protocol(protocol).algorithms if each.query)


def differ(one: Choice, other: Choice) -> bool:
    """Can figures of both be set against each other, so that the difference is about other records than each?"""
    same_table = one.table.casefold() == other.table.casefold()
    return same_table and (one.conditions, one.groups) != (other.conditions, other.groups)


def before(connection: Connection, found: Found, choices: tuple[Choice, ...]) -> tuple[Before, ...]:
    """The other choices of the same data whose figures may have left, whoever asked; the newest first."""
    row = found.row
    told: dict[Choice, Before] = {}
    for other in connection.execute(_others(row.id, row.network, row.datasource).limit(LOOKED_AT)):
        for choice in choices_of(json.loads(other.protocol or "{}")):
            if any(differ(each, choice) for each in choices):
                seen = told.get(choice)
                told[choice] = Before(seen.row if seen else other, choice, seen.requests + 1 if seen else 1)
    return tuple(told.values())


def beside(connection: Connection, request_id: str, network: str, datasource: str, protocol: Protocol) -> bool | None:
    """May other figures of the same data, that may have left or that it asks for as well, be set against its figures?

    None where that cannot be told: something else than figures with a choice of records is asked for or has left by
    SQL, or more requests would have to be looked at than are.
    """
    parts = [understand(each.query).choices if each.query else () for each in protocol.algorithms]
    choices = tuple(choice for each in parts for choice in each)
    if any(differ(one, other) for one in choices for other in choices):
        return True
    doubt = not all(parts) or not choices
    others = connection.execute(_others(request_id, network, datasource).limit(LOOKED_AT + 1)).all()
    for other in others:
        for found in _understood(json.loads(other.protocol or "{}")):
            if any(differ(one, choice) for one in choices for choice in found.choices):
                return True
            doubt = doubt or (found.level in COMPUTED and not found.choices)
    return None if doubt or len(others) > LOOKED_AT else False


def _others(request_id: str, network: str, datasource: str) -> Select[Any]:
    """Other requests on this data whose results may have left, with their protocols, the newest first."""
    return (
        select(request, func.json_extract(sealed.c.findings, "$.protocol").label("protocol"))
        .join(sealed)
        .where(
            request.c.state.in_(_MAY_HAVE_LEFT),
            request.c.datasource == datasource,
            request.c.network == network,
            request.c.verified == "verified",
            request.c.id != request_id,
        )
        .order_by(request.c.number.desc())
    )
