"""How the pod of the network's own software is set up here: its configuration, its storage, its start. Recorded.

A decision to run or to stop is a row; the engine acts on rows (`podadmin.app.pod_care`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.errors import NotFound
from podadmin.core.text import stranger
from podadmin.networks.bitfount.pod_config import PodConfig
from podadmin.pod import service
from podadmin.pod.launch import Launch, check
from podadmin.pod.records import pod as pods
from podadmin.pod.records import proof_of
from podadmin.pod.records import setup as table
from podadmin.pod.yaml_config import written
from podadmin.pod.yaml_reading import read
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit
from podadmin.vault.model import SecretPurpose

BUILT_IN, BITFOUNT = "built-in", "bitfount"


@dataclass(frozen=True)
class Setup:
    """`storage` is the pod's own folder. `source`: from where the configuration was brought. `wanted`: running |
    stopped, asked for at `asked_at`: asking again for running means a restart.
    """

    pod_id: str
    config: PodConfig
    storage: Path
    launch: Launch
    source: str
    wanted: str
    asked_at: datetime


def find(store: Store) -> Setup | None:
    """The set-up of the pod; None where the built-in worker is all there is."""
    with store.read() as connection:
        row = connection.execute(select(table)).first()
    if row is None:
        return None
    return Setup(
        row.pod_id,
        read(row.config).config,
        Path(row.storage),
        Launch.of(json.loads(row.launch)),
        row.source,
        row.wanted,
        unstamp(row.asked_at),
    )


def needed(store: Store) -> Setup:
    """The set-up. Raises NotFound (`pod.not-set-up`)."""
    found = find(store)
    if found is None:
        raise NotFound(
            "pod.not-set-up",
            "This profile starts no pod of the network's own software.",
            "No configuration of one was brought or written; the built-in worker does the work.",
            "Bring one with `podadmin pod import FILE`.",
        )
    return found


def worker(store: Store) -> str:
    """Which software does the pod's work: built-in | bitfount."""
    with store.read() as connection:
        row = connection.execute(select(pods.c.worker)).first()
    return BUILT_IN if row is None else str(row.worker)


def bring(
    store: Store, clock: Clock, actor: str, config: PodConfig, storage: Path, source: str, launch: Launch
) -> Setup:
    """Keep the configuration of a pod; from now on that pod does the work. It is not started by this.

    Raises NotFound (`pod.none`), BadInput (`pod.command`).
    """
    check(launch)
    pod = service.needed(store)
    new = Setup(pod.id, config, storage, launch, source, "stopped", clock.now())
    body = {
        "pod": config.identifier,
        "source": stranger(source, 300),
        "storage": stranger(str(storage), 300),
        "datasources": len(config.datasources or ()),
        "launch": launch.kind,
        "sha256": _proof(new),
    }
    with store.record(Fact(actor, "pod.brought", pod.id, body)) as unit:
        _keep(unit, new)
        unit.execute(update(pods).where(pods.c.id == pod.id).values(worker=BITFOUNT))
    return new


def change_config(store: Store, clock: Clock, actor: str, config: PodConfig) -> Setup:
    """Keep another configuration. A pod that runs is told by a reload. Raises NotFound (`pod.not-set-up`)."""
    new = replace(needed(store), config=config)
    body = {"datasources": [each.name for each in config.datasources or ()], "sha256": _proof(new)}
    with store.record(Fact(actor, "pod.configured", new.pod_id, body)) as unit:
        _keep(unit, new)
    return new


def change_launch(store: Store, actor: str, launch: Launch) -> Setup:
    """Keep how the pod is started. Raises NotFound (`pod.not-set-up`), BadInput (`pod.command`)."""
    check(launch)
    new = replace(needed(store), launch=launch)
    program = stranger(launch.image or launch.command[0], 200)
    body = {"launch": launch.kind, "program": program, "sha256": _proof(new)}
    with store.record(Fact(actor, "pod.start-changed", new.pod_id, body)) as unit:
        _keep(unit, new)
    return new


def choose_worker(store: Store, actor: str, which: str) -> None:
    """Let the built-in worker or the pod that was brought do the work.

    Raises NotFound (`pod.none`, `pod.not-set-up`).
    """
    pod = service.needed(store)
    if which == BITFOUNT:
        needed(store)
    if worker(store) != which:
        with store.record(Fact(actor, "pod.worker-chosen", pod.id, {"worker": which})) as unit:
            unit.execute(update(pods).where(pods.c.id == pod.id).values(worker=which))


def ask(store: Store, clock: Clock, actor: str, wanted: str, reason: str = "") -> Setup:
    """Ask for the pod to run (again) or to stop; the engine does it. Raises NotFound (`pod.not-set-up`)."""
    new = replace(needed(store), wanted=wanted, asked_at=clock.now())
    act = "pod.start-asked" if wanted == "running" else "pod.stop-asked"
    with store.record(Fact(actor, act, new.pod_id, {"reason": stranger(reason, 300)} if reason else {})) as unit:
        unit.execute(update(table).values(wanted=wanted, asked_at=stamp(new.asked_at)))
    return new


def holder(variable: str) -> str:
    """Under which name the vault keeps the value of a variable of the pod."""
    return f"The pod's {variable}"


PURPOSE = SecretPurpose.PASSWORD


def _content(each: Setup) -> dict[str, str]:
    launch = canonical(each.launch.as_dict())
    return {"config": written(each.config), "storage": str(each.storage), "launch": launch}


def _proof(each: Setup) -> str:
    return proof_of(**_content(each))


def _keep(unit: Unit, each: Setup) -> None:
    values: dict[str, Any] = {
        "pod_id": each.pod_id,
        **_content(each),
        "source": each.source,
        "wanted": each.wanted,
        "asked_at": stamp(each.asked_at),
    }
    unit.execute(insert(table).values(**values).on_conflict_do_update([table.c.pod_id], set_=values))
