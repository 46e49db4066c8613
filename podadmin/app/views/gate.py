"""What “Pod & gate” shows of the gate: what stands between which pod and which network, and what it has seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class HostRow:
    """A host that the pod tried to reach. `verdict`: inspected | allowed | refused; `words` says why in a sentence.

    `may_allow`: a person may allow or refuse it; the network's own hosts are always inspected.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("host", "verdict", "count", "last")

    host: str
    verdict: str
    count: int = 0
    last: datetime | None = None
    words: str = ""
    may_allow: bool = False


@dataclass(frozen=True)
class CountRow:
    """How many messages went which way: `key` is held | delivered | refused | withheld | inspected | passed | …."""

    TABLE: ClassVar[tuple[str, ...]] = ("words", "count")

    key: str
    words: str
    count: int


@dataclass(frozen=True)
class ResultRow:
    """A result that waits to be seen before it leaves. `size` in bytes, sealed. `reasons`: why it waits, empty for one
    that only follows another.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("id", "request_id", "kind", "size", "at", "reasons")

    id: str
    request_id: str
    kind: str
    size: int
    at: datetime
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResultView:
    """What is in it. `rows` None: it cannot be told. `sample`: its first rows, as pairs of column and value, by their
    shape only where `masked`. `promised` is what its request was said to let out.
    """

    row: ResultRow
    what: str
    rows: int | None
    columns: tuple[str, ...] = ()
    sample: tuple[tuple[tuple[str, str], ...], ...] = ()
    promised: str = ""
    masked: bool = True


@dataclass(frozen=True)
class NameValue:
    """One variable of the environment that a pod behind the gate is started with."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "value")

    name: str
    value: str


@dataclass(frozen=True)
class GateView:
    """`mode`: off | unused (there is nothing yet that could run) | starting | elsewhere (in another podadmin) |
    blocked | built-in (the relay of the built-in worker) | proxy (a pod in proxy mode).

    `red` is a sentence where the pod is not behind the gate, else empty. `environment` is for a pod that somebody else
    starts, and holds no secret; `words` says the state in one sentence.
    """

    mode: str
    words: str = ""
    pod: str = ""
    network: str = ""
    since: datetime | None = None
    up_contact: datetime | None = None
    down_contact: datetime | None = None
    counts: tuple[CountRow, ...] = ()
    hosts: tuple[HostRow, ...] = ()
    red: str = ""
    environment: tuple[NameValue, ...] = ()
