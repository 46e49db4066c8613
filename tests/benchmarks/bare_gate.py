"""What the parts of a gate are measured with: a store, an upstream, and nothing that opens or decides."""

from __future__ import annotations

from typing import Any

from podadmin.core.clock import Clock
from podadmin.gate.ports import Numbers, Ports, Upstream
from podadmin.store.engine import Store


def ports(store: Store, clock: Clock, upstream: Upstream) -> Ports:
    """Those of a gate before a pod of the network's own software, with the numbers it comes with."""
    return Ports(
        store=store,
        clock=clock,
        owner="clinic",
        pod_name="clinic",
        datasets=lambda: ("patients",),
        records=lambda _name: None,
        pod_key=_no_key,
        paused=lambda: False,
        upstream=upstream,
        numbers=Numbers(lambda: 300.0, lambda: 270.0, lambda: 2**24, lambda: 30),
        foreign=True,
    )


def _no_key() -> Any:
    raise AssertionError("nothing is opened here")
