"""What the gate is given: addresses, keys by handle, and the custodian's numbers. It looks nothing up by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from podadmin.core.clock import Clock
from podadmin.gate.credentials import Credentials
from podadmin.gate.rooms import Rooms
from podadmin.limits.counting import WARN_AT
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.store.engine import Store
from podadmin.vault.handles import PodKey


@dataclass(frozen=True)
class Upstream:
    """One network that the pod has joined. `message_service` is `host:port`."""

    kind: str
    title: str
    message_service: str
    tls: bool
    access_manager: str
    hub: str
    credentials: Credentials
    references: ReferencePolicy
    rooms: Rooms = field(default_factory=Rooms)


@dataclass(frozen=True)
class Numbers:
    """The custodian's settings that the gate asks for each time. Times in seconds, sizes in bytes, grants in days."""

    window: Callable[[], float]
    release_before: Callable[[], float]
    largest_request: Callable[[], int]
    grant_days: Callable[[], int]
    warn_at: Callable[[], float] = lambda: WARN_AT
    """The part of a limit from which on the journal tells that it is nearly used up."""
    hide_errors: Callable[[], bool] = lambda: True
    """Leave out of a pod's last word what the error of a program says: it can quote data."""
    see_results: Callable[[], bool] = lambda: False
    """Keep results back until a person has seen them and lets them go."""
    let_telemetry_out: Callable[[], bool] = lambda: False
    """May the pod send measurements of itself and of the data to the network?"""
    let_unknown_out: Callable[[], bool] = lambda: False
    """May calls pass that this version knows nothing of?"""


@dataclass(frozen=True)
class Ports:
    """Everything that a gate works with."""

    store: Store
    clock: Clock
    owner: str
    pod_name: str
    datasets: Callable[[], tuple[str, ...]]
    """The names of the datasources: each is addressed as `owner/name` (bitfount contract, section 1.2)."""
    records: Callable[[str], int | None]
    """How many records a datasource has, by its name; None where its schema is not known."""
    pod_key: Callable[[], PodKey]
    paused: Callable[[], bool]
    upstream: Upstream
    numbers: Numbers
    model_hash: Callable[[str], str] = lambda _slug: ""
    """The SHA-256 of what would run under a model's name (`owner/Model:version`); empty where that is not known."""
    columns: Callable[[str], Collection[str] | None] = lambda _name: None
    """All columns of a datasource by its name, `core.text.folded`; None where they are not known."""
    foreign: bool = False
    """The pod is the network's own software behind the proxy, and not the built-in worker."""

    def addressed(self, recipient: str) -> str:
        """The identifier under which a message reached this pod: a datasource's where it is one, else the pod's own."""
        known = {f"{self.owner}/{name}" for name in self.datasets()}
        return recipient if recipient in known else f"{self.owner}/{self.pod_name}"


@dataclass
class Seen:
    """What the gate has seen since it was started: for the screen, never for a decision."""

    since: datetime
    up_contact: datetime | None = None
    down_contact: datetime | None = None
    upstream_problem: str = ""
    key_problem: str = ""
    store_problems: dict[str, str] = field(default_factory=dict)
    """What could not be written, by the step that tried: fail closed, and say so."""
    checks: list[float] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    connected: datetime | None = None
    """When a pod behind the proxy last said that it is there (PodConnect), and the network believed it."""
    instance: str = ""
    """The pod's own name for this run of it."""
    alarm: str = ""
    """Why it must be feared that the pod does not stand behind this gate, in a sentence."""

    def check(self, monotonic: float) -> None:
        """The network was asked for requests at this moment."""
        self.checks = [moment for moment in self.checks if monotonic - moment < 60] + [monotonic]

    def count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def summary(self) -> Mapping[str, int]:
        return dict(self.counts)
