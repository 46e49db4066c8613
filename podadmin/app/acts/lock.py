"""Acts on the lock of the window, and the proof that guarded acts ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.registry import act
from podadmin.app.acts.status import gate_view
from podadmin.app.views.facts import Done
from podadmin.app.views.lock import LockView
from podadmin.app.views.status import PodView
from podadmin.core.secret import Secret

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

Passphrase = Annotated[Secret[str] | None, "the passphrase under which the secrets of this profile lie"]


@act("lock show", while_locked=True)
def show(profile: Profile) -> LockView:
    """Show whether the window is locked, and how one proves who one is here."""
    presence = profile.presence
    presence.refresh()
    return LockView(
        locked=presence.locked_since is not None,
        since=presence.locked_since,
        means=presence.means.value,
        words=presence.means.words,
        idle_minutes=int(profile.settings.number("lock.idle-minutes")),
        gate=gate_view(profile, PodView("running")).words,
    )


@act("lock now", writes=True, kinds=("lock",), while_locked=True, auditing=True)
def lock(
    profile: Profile,
    *,
    why: Annotated[Literal["asked", "idle"], "whether somebody asks for it or nobody used the window"] = "asked",
) -> LockView:
    """Lock every window of this profile. The gate goes on running; only what the windows show is put away."""
    profile.presence.lock(why)
    return show(profile)


@act("lock unlock", writes=True, kinds=("lock",), while_locked=True, auditing=True)
def unlock(profile: Profile, *, passphrase: Passphrase = None) -> LockView:
    """Open the windows of this profile again, after a proof of who you are."""
    profile.presence.unlock(passphrase)
    return show(profile)


@act("lock prove", writes=True, kinds=("lock",), auditing=True)
def prove(profile: Profile, *, passphrase: Passphrase = None) -> Done:
    """Prove who you are for what comes next in this window. A command that needs a proof asks for it by itself."""
    means = profile.presence.prove(passphrase)
    return Done(means.words if means.value == "none" else "You have proved who you are.")
