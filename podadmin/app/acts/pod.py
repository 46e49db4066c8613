"""Acts on the pod of this profile: make it, look at it, pause and resume it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from sqlalchemy import Row, insert, select, update

from podadmin.app.acts.registry import act
from podadmin.app.views import PodView
from podadmin.core.clock import new_id, stamp, unstamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.pod.records import pod
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.model import Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

# the names that a pod and its hub accept (bitfount contract, section 1.1)
_NAME = re.compile(r"[a-z\d]+((-|_)[a-z\d]+)*")
_OWNER = re.compile(r"[a-z\d](?:[a-z\d]|(-|_)(?=[a-z\d])){0,38}")


def row_of(store: Store) -> Row[Any] | None:
    """The pod's row, None while there is none."""
    with store.read() as connection:
        return connection.execute(select(pod)).first()


def needed(store: Store) -> Row[Any]:
    """The pod's row. Raises NotFound (`pod.none`)."""
    row = row_of(store)
    if row is None:
        raise NotFound(
            "pod.none",
            "This profile has no pod yet.",
            "Its name and keys were not made.",
            "Make it on the first page, or with `podadmin pod create NAME`.",
        )
    return row


@act("pod create", writes=True, kinds=("pod", "key"))
def create(
    profile: Profile,
    name: Annotated[str, "the pod's name: lower-case letters and digits, joined by single hyphens or underscores"],
    *,
    owner: Annotated[str, "the account of the network that the pod belongs to"] = "custodian",
    progress: Progress,
) -> PodView:
    """Make the pod: its name, its RSA-4096 key and the Ed25519 key of its journal."""
    if not (_NAME.fullmatch(name) and _OWNER.fullmatch(owner)) or len(f"{owner}/{name}") > 70:
        raise BadInput(
            "pod.bad-name",
            "The pod was not made.",
            "Its name or owner has characters that networks refuse, or is too long.",
            "Use lower-case letters and digits, joined by single hyphens or underscores; 70 characters in all.",
        )
    if row_of(profile.store) is not None:
        raise Refused(
            "pod.exists",
            "No second pod was made.",
            "A profile holds one pod.",
            "Use another profile (--profile) for another pod.",
        )
    progress.report("Opening the keyring", 0.05)
    vault = profile.open_vault()
    if vault.find(Purpose.JOURNAL) is None:
        progress.report("Making the journal key", 0.1)
        vault.create(Purpose.JOURNAL, profile.actor)
    if vault.find(Purpose.POD) is None:
        progress.report("Making the pod key (RSA-4096)", 0.2)
        vault.create(Purpose.POD, profile.actor)
    pod_id = new_id("pod")
    with profile.store.record(Fact(profile.actor, "pod.created", pod_id, {"name": name, "owner": owner})) as unit:
        unit.execute(
            insert(pod).values(
                id=pod_id, name=name, owner=owner, state="running", created_at=stamp(profile.clock.now())
            )
        )
    progress.report("Done", 1.0)
    return show(profile)


@act("pod show")
def show(profile: Profile) -> PodView:
    """Show the pod of this profile."""
    row = row_of(profile.store)
    if row is None:
        return PodView("none")
    key = profile.vault.find(Purpose.POD)
    return PodView(
        state=row.state,
        name=row.name,
        owner=row.owner,
        identifier=f"{row.owner}/{row.name}",
        fingerprint=key.fingerprint if key else "",
        created_at=unstamp(row.created_at),
        paused_reason=stranger(row.paused_reason, 500),
    )


@act("pod pause", writes=True, kinds=("pod", "gate"))
def pause(profile: Profile, reason: Annotated[str, "why; it is recorded"]) -> PodView:
    """Stop all deliveries to the pod at once; requests are still captured and can be decided."""
    row = needed(profile.store)
    if not reason.strip():
        raise Refused(
            "pod.reason-missing",
            "The pod was not paused.",
            "Pausing needs a reason: whoever reads the journal later has to see why nothing ran.",
            "Write one sentence that says why.",
        )
    with profile.store.record(Fact(profile.actor, "pod.paused", row.id, {"reason": reason.strip()[:500]})) as unit:
        unit.execute(update(pod).values(state="paused", paused_reason=reason.strip()[:500]))
    return show(profile)


@act("pod resume", writes=True, kinds=("pod", "gate"))
def resume(profile: Profile) -> PodView:
    """Let approved requests be delivered to the pod again."""
    row = needed(profile.store)
    if row.state == "paused":
        with profile.store.record(Fact(profile.actor, "pod.resumed", row.id)) as unit:
            unit.execute(update(pod).values(state="running", paused_reason=""))
    return show(profile)
