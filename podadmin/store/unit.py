"""The unit of work: a state change and its journal entries are one transaction, by construction.

There is no public way to write to the database except through a `Unit`, and no way to get a `Unit` without a `Fact`.
The recorder (the journal) appends the entry in the same transaction; if it cannot, nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, CursorResult, Executable


@dataclass(frozen=True)
class Fact:
    """What is about to be done, as the journal will tell it.

    `act` is dotted: its first word is the kind of thing that changes (`request.refused`, `key.created`). `body` holds
    JSON values only and no secret, no data of a patient and no stranger's text that was not made safe.
    """

    actor: str
    act: str
    subject: str
    body: Mapping[str, Any] = field(default_factory=dict)


Closing = Callable[[Sequence[int]], Iterable[Fact]]
"""Gets the numbers of the unit's entries, in the order of its facts; gives more facts to record after them."""


class Recorder(Protocol):
    """What the store asks of the journal."""

    def append(self, connection: Connection, fact: Fact) -> int:
        """Append one entry inside the caller's transaction and return its sequence number."""


class Unit:
    """An open write transaction together with the facts that it will record."""

    def __init__(self, connection: Connection, fact: Fact) -> None:
        self._connection = connection
        self._facts: list[Fact] = [fact]
        self._closing: list[Closing] = []

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement inside this transaction."""
        return self._connection.execute(statement, parameters)

    @property
    def connection(self) -> Connection:
        """For reads inside the transaction."""
        return self._connection

    def note(self, **facts: Any) -> None:
        """Add to the body of the fact with which the unit was opened."""
        first = self._facts[0]
        self._facts[0] = Fact(first.actor, first.act, first.subject, {**first.body, **facts})

    def also(self, fact: Fact) -> None:
        """Record one more fact in the same transaction, after those before it."""
        self._facts.append(fact)

    def once_recorded(self, act: Closing) -> None:
        """Call `act` after the facts have become entries and before the transaction ends.

        For what has to name the entry that tells of it, such as a receipt.
        """
        self._closing.append(act)

    def closing(self, entries: Sequence[int]) -> Iterator[Fact]:
        """For the store: run what waits for the entries, and give the facts that come of it."""
        for act in self._closing:
            yield from act(entries)

    @property
    def facts(self) -> tuple[Fact, ...]:
        return tuple(self._facts)
