"""Figures that differ: what two queries tell together about the few records that only one of them looks at.

Each of two figures may be about enough people, and the difference between them about one: the difference attack of
statistical disclosure control (Denning, Denning and Schwartz, The tracker, ACM TODS 4(1), 1979). A query alone cannot
show that, so it is set beside those whose figures may have left before. Only queries of the form that counts as figures
at all have a choice of records that can be compared (`sql_shape`): comparisons of columns with constants joined by AND.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from podadmin.core.canon import JSON
from podadmin.requests.effect_facts import COMPUTED
from podadmin.requests.protocols import Protocol, read_protocol
from podadmin.requests.reading import Found
from podadmin.requests.records import request, sealed
from podadmin.requests.sql_reading import parsed, readings, understand
from podadmin.requests.sql_terms import column_compared, conjuncts, is_plain_column
from podadmin.requests.state import State

if TYPE_CHECKING:
    from sqlglot import exp

LOOKED_AT: Final = 200
"""So many of the newest requests with SQL on the same data are set beside one."""
_MAY_HAVE_LEFT: Final = (
    State.APPROVED, State.DELIVERING, State.RUNNING, State.FINISHED, State.STOPPED, State.FAILED, State.INTERRUPTED,
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """The records that a query makes figures of: those of `table` that meet all `conditions`, each group apart.

    `conditions` and `groups` (columns) are in DuckDB's SQL, without the table's name before columns, and sorted.
    """

    table: str
    conditions: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def where(self) -> str:
        """The conditions as one, in DuckDB's SQL: true for the records that are chosen, and for no other."""
        return f"(({') AND ('.join(self.conditions)})) IS TRUE" if self.conditions else "TRUE"


@dataclass(frozen=True)
class Before:
    """A choice whose figures may have left: the newest request with it, and how many requests had it."""

    row: Row[Any]
    choice: Choice
    requests: int


@lru_cache(maxsize=512)
def choice_of(query: str) -> Choice | None:
    """What a query makes figures of; None where it lets single records out, or where that cannot be told."""
    from sqlglot import exp

    facts = understand(query)
    tree, _acts = parsed(readings(query)[0]) if facts.understood and facts.level in COMPUTED else (None, ())
    if tree is None or len(facts.tables) != 1 or facts.outside:
        return None
    wheres = {_conditions(each) for each in tree.find_all(exp.Where)} or {()}
    groups = {_groups(each) for each in tree.find_all(exp.Group)} or {()}
    conditions, keys = wheres.pop(), groups.pop()
    if wheres or groups or conditions is None or keys is None:
        return None
    return Choice(facts.tables[0], conditions, keys)


def choices_of(protocol: JSON) -> tuple[Choice, ...]:
    """The choices of all queries of a verified protocol that have one, each once."""
    found = (choice_of(each.query) for each in read_protocol(protocol).algorithms if each.query)
    return tuple(dict.fromkeys(each for each in found if each is not None))


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
    """May other figures of the same data have left, against which those of a request could be set?

    None where that cannot be told: something else than figures with a choice of records is asked for or has left by
    SQL, or more requests would have to be looked at than are.
    """
    choices = [choice_of(each.query) if each.query else None for each in protocol.algorithms]
    doubt = not choices or None in choices
    others = connection.execute(_others(request_id, network, datasource).limit(LOOKED_AT + 1)).all()
    for other in others:
        for algorithm in read_protocol(json.loads(other.protocol or "{}")).algorithms:
            choice = choice_of(algorithm.query) if algorithm.query else None
            if choice is None:
                doubt = doubt or (bool(algorithm.query) and understand(algorithm.query).level in COMPUTED)
            elif any(each is not None and differ(each, choice) for each in choices):
                return True
    return None if doubt or len(others) > LOOKED_AT else False


def _others(request_id: str, network: str, datasource: str) -> Select[Any]:
    """Other requests on this data whose results may have left, with their protocols, the newest first."""
    return (
        select(request, func.json_extract(sealed.c.findings, "$.protocol").label("protocol"))
        .join(sealed, sealed.c.request_id == request.c.id)
        .where(
            request.c.state.in_(_MAY_HAVE_LEFT),
            request.c.datasource == datasource,
            request.c.network == network,
            request.c.verified == "verified",
            request.c.id != request_id,
        )
        .order_by(request.c.number.desc())
    )


def _conditions(where: exp.Where) -> tuple[str, ...] | None:
    found = list(conjuncts(where.this))
    if any(column_compared(each) is None for each in found):
        return None
    return tuple(sorted({_bare(each) for each in found}))


def _groups(group: exp.Group) -> tuple[str, ...] | None:
    if not all(map(is_plain_column, group.expressions)):
        return None
    return tuple(sorted({_bare(each) for each in group.expressions}))


def _bare(node: exp.Expr) -> str:
    """In DuckDB's SQL, with columns in quotes and without their table."""
    from sqlglot import exp

    copy = node.copy()
    for column in list(copy.find_all(exp.Column)):
        column.set("table", None)
        column.this.set("quoted", True)
    return copy.sql("duckdb")
