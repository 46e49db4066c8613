"""What one can do with the pod of a profile: make it, find it, pause it, resume it. Each change is recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, update

from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.pod.records import pod
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

# the names that a pod and its hub accept (bitfount contract, section 1.1)
_NAME = re.compile(r"[a-z\d]+((-|_)[a-z\d]+)*")
_OWNER = re.compile(r"[a-z\d](?:[a-z\d]|(-|_)(?=[a-z\d])){0,38}")
_LONGEST_IDENTIFIER = 70
_LONGEST_REASON = 500


@dataclass(frozen=True)
class Pod:
    """The pod of a profile; `state` is running or paused."""

    id: str
    name: str
    owner: str
    state: str
    paused_reason: str
    created_at: datetime

    @property
    def identifier(self) -> str:
        return f"{self.owner}/{self.name}"


def find(store: Store) -> Pod | None:
    """The pod, None while there is none."""
    with store.read() as connection:
        row = connection.execute(select(pod)).first()
    if row is None:
        return None
    return Pod(row.id, row.name, row.owner, row.state, row.paused_reason, unstamp(row.created_at))


def needed(store: Store) -> Pod:
    """The pod. Raises NotFound (`pod.none`)."""
    found = find(store)
    if found is None:
        raise NotFound(
            "pod.none",
            "This profile has no pod yet.",
            "Its name and keys were not made.",
            "Make it on the first page, or with `podadmin pod create NAME`.",
        )
    return found


def check_create(store: Store, name: str, owner: str) -> None:
    """Raises BadInput (`pod.bad-name`), Refused (`pod.exists`)."""
    if not (_NAME.fullmatch(name) and _OWNER.fullmatch(owner)) or len(f"{owner}/{name}") > _LONGEST_IDENTIFIER:
        raise BadInput(
            "pod.bad-name",
            "The pod was not made.",
            "Its name or owner has characters that networks refuse, or is too long.",
            "Use lower-case letters and digits, joined by single hyphens or underscores; 70 characters in all.",
        )
    if find(store) is not None:
        raise Refused(
            "pod.exists",
            "No second pod was made.",
            "A profile holds one pod.",
            "Use another profile (--profile) for another pod.",
        )


def create(store: Store, clock: Clock, actor: str, name: str, owner: str) -> None:
    """Record the pod, whose keys were made before. Raises as `check_create` does."""
    check_create(store, name, owner)
    pod_id = new_id("pod")
    with store.record(Fact(actor, "pod.created", pod_id, {"name": name, "owner": owner})) as unit:
        unit.execute(
            insert(pod).values(id=pod_id, name=name, owner=owner, state="running", created_at=stamp(clock.now()))
        )


def pause(store: Store, actor: str, reason: str) -> None:
    """Stop all deliveries to the pod. Raises NotFound (`pod.none`), Refused (`pod.reason-missing`)."""
    found, words = needed(store), reason.strip()[:_LONGEST_REASON]
    if not words:
        raise Refused(
            "pod.reason-missing",
            "The pod was not paused.",
            "Pausing needs a reason: whoever reads the journal later has to see why nothing ran.",
            "Write one sentence that says why.",
        )
    with store.record(Fact(actor, "pod.paused", found.id, {"reason": words})) as unit:
        unit.execute(update(pod).values(state="paused", paused_reason=words))


def resume(store: Store, actor: str) -> None:
    """Let deliveries go on; nothing happens where they do. Raises NotFound (`pod.none`)."""
    found = needed(store)
    if found.state == "paused":
        with store.record(Fact(actor, "pod.resumed", found.id)) as unit:
            unit.execute(update(pod).values(state="running", paused_reason=""))
