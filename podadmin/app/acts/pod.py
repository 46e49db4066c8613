"""Acts on the pod of this profile: make it, look at it, pause and resume it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts import pod_run, pod_setup
from podadmin.app.acts.asked import Why
from podadmin.app.acts.registry import act
from podadmin.app.views.status import PodView
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.pod import service
from podadmin.vault.model import Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

__all__ = ["pod_run", "pod_setup"]


@act("pod create", writes=True, kinds=("pod", "key"))
def create(
    profile: Profile,
    name: Annotated[str, "the pod's name: lower-case letters and digits, joined by single hyphens or underscores"],
    *,
    owner: Annotated[str, "the account of the network that the pod belongs to"] = "custodian",
    progress: Progress,
) -> PodView:
    """Make the pod: its name, its RSA-4096 key and the Ed25519 key of its journal."""
    service.check_create(profile.store, name, owner)
    progress.report("Opening the keyring", 0.05)
    vault = profile.open_vault()
    if vault.find(Purpose.JOURNAL) is None:
        progress.report("Making the journal key", 0.1)
        vault.create(Purpose.JOURNAL, profile.actor)
    if vault.find(Purpose.POD) is None:
        progress.report("Making the pod key (RSA-4096)", 0.2)
        vault.create(Purpose.POD, profile.actor)
    service.create(profile.store, profile.clock, profile.actor, name, owner)
    progress.report("Done", 1.0)
    return show(profile)


@act("pod show")
def show(profile: Profile) -> PodView:
    """Show the pod of this profile."""
    found = service.find(profile.store)
    if found is None:
        return PodView("none")
    key = profile.vault.find(Purpose.POD)
    return PodView(
        state=found.state,
        name=found.name,
        owner=found.owner,
        identifier=found.identifier,
        fingerprint=key.fingerprint if key else "",
        created_at=found.created_at,
        paused_reason=stranger(found.paused_reason, 500),
    )


@act("pod pause", writes=True, kinds=("pod", "gate"))
def pause(profile: Profile, reason: Why) -> PodView:
    """Stop all deliveries to the pod at once; requests are still captured and can be decided."""
    service.pause(profile.store, profile.actor, reason)
    return show(profile)


@act("pod resume", writes=True, kinds=("pod", "gate"))
def resume(profile: Profile) -> PodView:
    """Let approved requests be delivered to the pod again."""
    service.resume(profile.store, profile.actor)
    return show(profile)
