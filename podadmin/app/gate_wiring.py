"""What should run for a profile, and what its gate is given: derived from what is stored, nothing of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from podadmin.core.text import folded
from podadmin.datasources import service as datasources
from podadmin.datasources.model import Datasource, FileSource, found_out
from podadmin.gate.ports import Numbers, Ports, Upstream
from podadmin.networks.bitfount.places import BITFOUNT_NETWORKS
from podadmin.networks.service import LOCAL, Joined
from podadmin.pod import inference
from podadmin.pod import service as pods
from podadmin.pod.setup import BITFOUNT, BUILT_IN
from podadmin.pod.sql import Source
from podadmin.schema import service as schemas
from podadmin.store.engine import Store

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


@dataclass(frozen=True)
class Wanted:
    """What should run, derived from what is stored. Two equal ones need no restart."""

    owner: str
    name: str
    network: str
    joined_at: datetime
    keys: tuple[str, ...]
    """The pod's key in use and those that it replaced and that are still accepted, by id."""
    datasources: tuple[Source, ...]
    time_limit: float
    memory_mb: int
    worker: str = BUILT_IN
    """Which software does the pod's work: that of this application, or the network's own behind the proxy."""
    names: tuple[str, ...] = ()
    """The datasets of a pod of the network's own software, by the names in its configuration."""
    way_out: tuple[str, str, str] = ("", "", "")
    """The hospital's proxy: where, by which name, with which secret of the vault."""


def worker_sources(profile: Profile) -> tuple[Source, ...]:
    """The datasources that the built-in worker can read."""
    return tuple(
        Source(name=each.name, path=each.source.path, ignore=tuple(each.choices.ignore))
        for each in datasources.list_all(profile.store)
        if found_out(each.source)
    )


def ports_of(profile: Profile, wanted: Wanted, upstream: Upstream) -> Ports:
    """What a gate works with: each number and name is looked up when it is asked for."""
    number, text = profile.settings.number, profile.settings.text

    def records(name: str) -> int | None:
        known = _described(profile.store, name)
        return known[1].document.records if known else None

    def paused() -> bool:
        pod = pods.find(profile.store)
        return pod is None or pod.state != "running"

    return Ports(
        store=profile.store,
        clock=profile.clock,
        owner=wanted.owner,
        pod_name=wanted.name,
        datasets=lambda: wanted.names or tuple(source.name for source in wanted.datasources),
        records=records,
        columns=lambda name: columns_of(profile.store, name),
        pod_key=lambda: profile.open_vault().pod_key(),
        paused=paused,
        upstream=upstream,
        numbers=Numbers(
            window=lambda: number("gate.window"),
            release_before=lambda: number("gate.release-before"),
            largest_request=lambda: int(number("gate.largest-request")),
            grant_days=lambda: int(number("gate.grant-days")),
            warn_at=lambda: number("limits.warn-at") / 100,
            hide_errors=lambda: text("gate.hide-errors") == "on",
            see_results=lambda: text("gate.see-results") == "on",
            let_telemetry_out=lambda: text("gate.telemetry") == "on",
            let_unknown_out=lambda: text("gate.unknown-calls") == "on",
        ),
        foreign=wanted.worker == BITFOUNT,
        model_hash=inference.digest,
    )


def columns_of(store: Store, name: str) -> frozenset[str] | None:
    """All columns of a datasource with a schema, by its name, `folded`, those that are ignored too; None where that
    cannot be told: behind the name of anything but a file there can be more than its schema tells.
    """
    known = _described(store, name)
    if known is None or not isinstance(known[0].source, FileSource):
        return None
    source, kept = known
    return frozenset(map(folded, (*(each.name for each in kept.columns), *source.choices.ignore)))


def _described(store: Store, name: str) -> tuple[Datasource, schemas.Saved] | None:
    source = next((each for each in datasources.list_all(store) if each.name == name), None)
    kept = schemas.latest(store, source.id) if source else None
    return (source, kept) if source and kept else None


def network_for(worker: str, joined: Sequence[Joined]) -> Joined | None:
    """The network whose requests a pod takes: the built-in worker those of the local one, a real pod those of its own.

    A real pod that has joined no real network takes those of the local one, through the very same proxy.
    """
    real = next((each for each in joined if each.kind in BITFOUNT_NETWORKS), None)
    local = next((each for each in joined if each.kind == LOCAL), None)
    return (real or local) if worker == BITFOUNT else local
