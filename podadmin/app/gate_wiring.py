"""What should run for a profile, and what its gate is given: derived from what is stored, nothing of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from podadmin.datasources import service as datasources
from podadmin.gate.ports import Numbers, Ports, Upstream
from podadmin.pod import inference
from podadmin.pod import service as pods
from podadmin.pod.sql import Source
from podadmin.schema import service as schemas

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


def ports_of(profile: Profile, wanted: Wanted, upstream: Upstream) -> Ports:
    """What a gate works with: each number and name is looked up when it is asked for."""
    number = profile.settings.number

    def records(name: str) -> int | None:
        source = next((each for each in datasources.list_all(profile.store) if each.name == name), None)
        kept = schemas.latest(profile.store, source.id) if source else None
        return kept.document.records if kept else None

    def paused() -> bool:
        pod = pods.find(profile.store)
        return pod is None or pod.state != "running"

    return Ports(
        store=profile.store,
        clock=profile.clock,
        owner=wanted.owner,
        pod_name=wanted.name,
        datasets=lambda: tuple(source.name for source in wanted.datasources),
        records=records,
        pod_key=lambda: profile.open_vault().pod_key(),
        paused=paused,
        upstream=upstream,
        numbers=Numbers(
            window=lambda: number("gate.window"),
            release_before=lambda: number("gate.release-before"),
            largest_request=lambda: int(number("gate.largest-request")),
            grant_days=lambda: int(number("gate.grant-days")),
            warn_at=lambda: number("limits.warn-at") / 100,
        ),
        model_hash=inference.digest,
    )
