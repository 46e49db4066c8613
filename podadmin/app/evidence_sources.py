"""Holds what the pod is and works with against the journal: datasources, networks, the pod and how it is started.

Whoever can write to the database could lay another file under a datasource, or another program under the pod. Entries
that an older podadmin wrote hold no digest; of what they tell, only that it is there can be checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, select

from podadmin.app.evidence_rows import Found, Kept, compare
from podadmin.datasources import records as sources
from podadmin.networks.records import network
from podadmin.pod import records as pods
from podadmin.pod.setup import BITFOUNT

_STATES: Final = {"pod.created": "running", "pod.paused": "paused", "pod.resumed": "running"}
_SET_UP: Final = ("pod.brought", "pod.configured", "pod.start-changed")
_SOURCES: Final = ("datasource.added", "datasource.changed", "datasource.described", "datasource.removed")
_NETWORKS: Final = ("network.joined", "network.left")
ACTS: Final = (*_STATES, *_SET_UP, "pod.worker-chosen", *_SOURCES, *_NETWORKS)


@dataclass
class SourcesTold:
    """What the journal says, later entries before earlier ones."""

    sources: dict[str, Kept] = field(default_factory=dict)
    networks: dict[str, Kept] = field(default_factory=dict)
    pods: dict[str, Kept] = field(default_factory=dict)
    setups: dict[str, Kept] = field(default_factory=dict)

    def hear(self, entry: Any, body: Mapping[str, Any]) -> None:
        """Take in one entry whose act is one of `ACTS`."""
        if entry.act in _NETWORKS:
            joined = entry.act == "network.joined"
            self.networks[entry.subject] = Kept(entry.seq, {"facts": dict(body) if joined else None})
        elif entry.act in _SOURCES:
            _add(self.sources, entry, {"removed": entry.act == "datasource.removed", **_of(body, "name", "sha256")})
        elif entry.act in _SET_UP:
            _add(self.setups, entry, _of(body, "sha256"))
            if entry.act == "pod.brought":
                _add(self.pods, entry, {"worker": BITFOUNT})
        else:
            facts = {"state": _STATES[entry.act]} if entry.act in _STATES else _of(body, "worker")
            _add(self.pods, entry, {**_of(body, "name", "owner"), **facts})


def differing_source(connection: Connection, told: SourcesTold) -> Found:
    """The first datasource, network or pod that is not what the journal says; None where all are."""
    for table, kept, name, what, same in (
        (sources.datasource, told.sources, "id", "The datasource", _same_source),
        (network, told.networks, "kind", "The network", _same_network),
        (pods.pod, told.pods, "id", "The pod", _same_pod),
        (pods.setup, told.setups, "pod_id", "What is started as the pod", _same_setup),
    ):
        found = compare(connection.execute(select(table)), kept, attrgetter(name), what, same)
        if found is not None:
            return found
    return None


def _add(kept: dict[str, Kept], entry: Any, facts: Mapping[str, Any]) -> None:
    before = kept[entry.subject].facts if entry.subject in kept else {}
    kept[entry.subject] = Kept(entry.seq, {**before, **facts})


def _of(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: body[name] for name in names if name in body}


def _same_source(row: Any, said: Mapping[str, Any]) -> bool:
    name, _, removed = row.name.partition("~")
    return (
        bool(row.removed_at) == bool(removed) == said["removed"]
        and name == said["name"]
        and said.get("sha256", "") in {"", sources.proof_of(row.kind, row.config)}
    )


def _same_network(row: Any, said: Mapping[str, Any]) -> bool:
    facts = said["facts"]
    if facts is None or row.left_at is not None:
        return facts is None and row.left_at is not None
    return all(facts.get(name) == value for name, value in json.loads(row.facts).items())


def _same_pod(row: Any, said: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in said.items()) and (
        "worker" in said or row.worker != BITFOUNT
    )


def _same_setup(row: Any, said: Mapping[str, Any]) -> bool:
    return said.get("sha256", "") in {"", pods.proof_of(row.config, row.storage, row.launch)}
