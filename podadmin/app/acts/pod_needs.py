"""What the pod and its gate need of a person, for the first page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podadmin.app.acts import gate, pod_run
from podadmin.app.views.overview import Need
from podadmin.pod.setup import BITFOUNT, worker

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

PAGE = "Pod & gate"
_LOOK = "Look at the pod"


def pod_needs(profile: Profile) -> list[Need]:
    """A pod that is not behind the gate, cannot be started, or ends by itself; the worst first."""
    if worker(profile.store) != BITFOUNT:
        return []
    needs: list[Need] = []
    red = gate.status(profile).red
    now = pod_run.status(profile)
    if red and now.state in {"ready", "unready"}:
        needs.append(Need("bad", "The pod is not behind the gate", red, _LOOK, PAGE, "hosts"))
    if now.state == "hindered":
        needs.append(Need("bad", "The pod cannot be started", f"{now.detail} {now.next_step}".strip(), _LOOK, PAGE))
    elif now.state == "waiting":
        needs.append(Need("warn", "The pod ended by itself", now.detail, "See what it said", PAGE, "output"))
    elif now.state == "unready":
        needs.append(Need("warn", "The pod is not ready for tasks", now.detail, _LOOK, PAGE, "output"))
    return needs
