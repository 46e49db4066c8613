"""A pod connects behind the gate: which run of it this is, and what that means for what an earlier one had begun."""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, insert, select

from podadmin.core.clock import Clock, stamp
from podadmin.core.text import stranger
from podadmin.gate.records import pod as table
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.requests import service
from podadmin.store.engine import Store
from podadmin.store.unit import Fact


def connected(store: Store, clock: Clock, data: pb.PodData) -> bool:
    """Note a pod that has connected. True where it is another run than the one before.

    A pod names each of its runs. What an earlier run was handed and had not begun is handed out again; what it had
    begun is not repeated, and its requester is told (as `podadmin.requests.delivery.reconcile` says).
    """
    instance = hashlib.sha256(data.instanceId.encode()).hexdigest()[:32]
    with store.read() as connection:
        before = connection.execute(select(table.c.instance)).scalar()
    if before == instance:
        return False
    if before is not None:
        service.reconcile(store, clock)
    told = {"datasets": len(data.datasetNames), "system": stranger(data.podOS, 60)}
    with store.record(Fact("gate", "gate.pod-connected", stranger(data.podName, 200), told)) as unit:
        unit.execute(delete(table))
        unit.execute(insert(table).values(instance=instance, at=stamp(clock.now())))
    return True
