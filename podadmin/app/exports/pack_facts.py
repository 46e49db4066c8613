"""What the evidence pack says, gathered from the journal and the profile before a line of it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from podadmin.app.exports.request_facts import RequestFacts, facts_of
from podadmin.app.exports.selection import Binding, Selection
from podadmin.app.journal_words import read_body
from podadmin.app.views.journal import JournalCheck
from podadmin.core.text import stranger
from podadmin.datasources import service as datasources
from podadmin.journal.chain import Entry
from podadmin.networks import service as networks
from podadmin.schema import service as schemas

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

SHOWN_REQUESTS = 200


@dataclass
class Heard:
    """What a walk through the entries has heard."""

    entries: int = 0
    first: Entry | None = None
    last: Entry | None = None
    acts: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    requests: dict[str, None] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    bytes_out: int = 0
    withheld: int = 0

    def hear(self, entry: Entry) -> None:
        """Take in one entry; the oldest comes first."""
        self.entries += 1
        self.first = self.first or entry
        self.last = entry
        self.acts[entry.act] += 1
        self.people[entry.actor] += 1
        if entry.act.startswith("request."):
            self.requests[entry.subject] = None
        if entry.act == "request.result":
            self._hear_of_result(entry)

    def _hear_of_result(self, entry: Entry) -> None:
        body = read_body(entry)
        if body.get("withheld"):
            self.withheld += 1
            return
        size, consumed = body.get("bytes"), body.get("consumed")
        self.bytes_out += size if isinstance(size, int) else 0
        for each in consumed if isinstance(consumed, list) else ():
            if isinstance(each, list) and len(each) == 2 and isinstance(each[1], (int, float)):
                self.used[str(each[0])] = self.used.get(str(each[0]), 0.0) + each[1]


@dataclass(frozen=True)
class Source:
    """A datasource as the record of processing names it."""

    name: str
    kind: str
    records: str
    columns: str


@dataclass(frozen=True)
class PackFacts:
    """Everything in the pack. `requests` are the newest ones, at most 200; `all_requests` counts all of them."""

    binding: Binding
    selection: Selection
    heard: Heard
    requests: tuple[RequestFacts, ...]
    sources: tuple[Source, ...]
    networks: tuple[str, ...]
    keep_years: int
    check: JournalCheck

    @property
    def all_requests(self) -> int:
        return len(self.heard.requests)

    def count(self, *acts: str) -> int:
        return sum(self.heard.acts[act] for act in acts)


def gather(
    profile: Profile,
    connection: Connection,
    binding: Binding,
    selection: Selection,
    entries: Iterable[Entry],
    check: JournalCheck,
) -> PackFacts:
    """Walk through the entries once and look up what they are about."""
    heard = Heard()
    for entry in entries:
        heard.hear(entry)
    newest = list(heard.requests)[-SHOWN_REQUESTS:]
    return PackFacts(
        binding,
        selection,
        heard,
        tuple(facts_of(connection, newest)),
        tuple(_sources(profile)),
        tuple(str(each.kind) for each in networks.joined(profile.store)),
        int(profile.settings.number("journal.keep-years")),
        check,
    )


def _sources(profile: Profile) -> Iterable[Source]:
    for each in datasources.list_all(profile.store):
        kept = schemas.latest(profile.store, each.id)
        records = f"{kept.document.records:,}" if kept else "not counted yet"
        columns = f"{len(kept.columns):,}" if kept else "no schema yet"
        yield Source(stranger(each.name), str(each.kind), records, columns)
