"""Asks the pod that runs on this computer for the schema of a datasource, and can be called off at any moment."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio

from podadmin.app.acts.source_given import inventory_of
from podadmin.app.pod_care import folder_of
from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.core.late import Late
from podadmin.core.progress import Progress
from podadmin.datasources import inventory
from podadmin.datasources.model import Datasource, Fingerprint, FolderSource
from podadmin.pod import service as pods
from podadmin.pod import setup
from podadmin.pod.output import told
from podadmin.schema.from_pod import taken
from podadmin.schema.generate import Generated

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.pod import control
    from podadmin.pod.control import ControlClient, Health
else:
    control = Late("podadmin.pod.control")


READY_SECONDS: Final = 60.0
"""How long a pod that was just started is waited for."""
LOOK_SECONDS: Final = 0.5


def from_pod(profile: Profile, source: Datasource, port: int, progress: Progress) -> Generated:
    """The schema that the pod tells. `port`: of a control server on this computer; 0 for the pod that runs here.

    Raises Refused (`pod.not-running`), BadInput (`pod.no-such-port`), Unavailable (`pod.not-ready`, and what
    `control.ControlClient.schema` and `schema.from_pod.taken` raise), NotFound (`pod.not-offered`) and Cancelled.
    """
    began = profile.clock.monotonic()
    try:
        health, answer = anyio.run(_asked, control.ControlClient(_port(profile, port)), source.name, progress)
    except asyncio.CancelledError:
        progress.check()
        raise
    progress.report("Reading what it told", 0.9)
    pod = pods.find(profile.store)
    name = pod.identifier if pod is not None and not port else f"at port {port}"
    made = taken(answer, source, name, health.instance, profile.clock.monotonic() - began)
    return replace(made, fingerprint=_folder_now(profile, source))


def _port(profile: Profile, port: int) -> int:
    if not 0 <= port < 65_536:
        raise BadInput(
            "pod.no-such-port",
            "The pod was not asked.",
            f"There is no port {port}: they are numbered from 1 to 65535.",
            "Give the port of the pod's control server; 29209 is what its software takes by itself.",
        )
    if port:
        return port
    doing = told(folder_of(profile))
    if setup.find(profile.store) is None or not doing.lives:
        raise Refused(
            "pod.not-running",
            "The pod was not asked for the schema.",
            "No pod of the network's own software runs here: only that one can read data of this kind.",
            "Start it on the page of the pod. Where somebody else starts it on this computer, give the port of its "
            "control server.",
        )
    return doing.port


async def _asked(client: ControlClient, name: str, progress: Progress) -> tuple[Health, Any]:
    loop, waiting = asyncio.get_running_loop(), asyncio.current_task()
    assert waiting is not None

    def call_off() -> None:
        with contextlib.suppress(RuntimeError):
            # the loop has ended where the answer came first
            loop.call_soon_threadsafe(waiting.cancel)

    progress.on_cancel(call_off)
    progress.report("Asking the pod how it is", 0.1)
    ends = loop.time() + READY_SECONDS
    while not (health := await client.health()).ready:
        if loop.time() >= ends:
            raise Unavailable(
                "pod.not-ready",
                "The pod is not ready yet.",
                "It answers, and has not come to the end of its start.",
                "Wait until it is ready for tasks, then take the schema.",
            )
        progress.report("Waiting for the pod, which has not come to the end of its start", 0.2)
        await asyncio.sleep(LOOK_SECONDS)
    progress.report(f"Asking the pod for the schema of {name}", 0.4)
    return health, await client.schema(name)


def _folder_now(profile: Profile, source: Datasource) -> Fingerprint | None:
    """How large the folder is now, by which it is seen later that there is more than the schema was made from."""
    known = inventory.known(inventory_of(profile, source.id)) if isinstance(source.source, FolderSource) else None
    return Fingerprint(known.size, 0, 0, 0) if known is not None and known.whole else None
