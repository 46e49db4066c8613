"""What the shell shows at all times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podadmin.app.acts import keyring, pod
from podadmin.app.acts.registry import act
from podadmin.app.views.status import GateView, KeyringView, PodView, Status
from podadmin.datasources import service as datasources
from podadmin.networks import service as networks
from podadmin.pod.setup import BITFOUNT, worker
from podadmin.requests import service as requests

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


@act("status")
def status(profile: Profile) -> Status:
    """Show the state of the pod, its gate and its keyring, and how many requests wait."""
    shown_pod = pod_view(profile)
    shown_keyring = keyring.show(profile)
    return Status(
        pod=shown_pod,
        gate=gate_view(profile, shown_pod),
        keyring=shown_keyring,
        held=requests.count_held(profile.store),
        tour=profile.is_tour,
        needs_setup=_needs(profile, shown_pod, shown_keyring),
    )


def pod_view(profile: Profile) -> PodView:
    """The pod, as far as it can be known before it was chosen where secrets live."""
    return pod.show(profile) if profile.keyring_choice is not None else PodView("none")


def gate_view(profile: Profile, shown_pod: PodView) -> GateView:
    """The gate in words. Where no engine runs, nothing can run and nothing is checked, and it says so."""
    engine = profile.engine
    if profile.auditor:
        return GateView("elsewhere", "An auditor looks: no gate runs here", "Nothing can be changed in this window.")
    if engine is None:
        if profile.lock.taken_elsewhere():
            return GateView("elsewhere", "The gate runs in another podadmin", "This one shows and decides.")
        if profile.engine_comes:
            return GateView("starting", "The gate is starting")
        why = "No engine runs for this profile. Open podadmin, or start `podadmin serve`."
        return _gate_off(profile, shown_pod, why)
    now = engine.snapshot()
    if now.state == "elsewhere":
        return GateView("elsewhere", "The gate runs in another podadmin", "This one shows and decides.")
    if now.state == "starting":
        return GateView("starting", "The gate is starting", now.why)
    if now.state == "blocked":
        return GateView("blocked", "Gate is OFF: nothing can run", f"{now.why} {now.next_step}".strip())
    if now.state == "idle":
        return _gate_off(profile, shown_pod, f"{now.why} {now.next_step}".strip())
    checks, contact = now.checks_per_minute, now.last_contact
    if now.upstream_problem:
        words = "Gate is on, but the network cannot be reached"
        return GateView("on", words, now.upstream_problem, checks, contact, now.worker)
    if shown_pod.state == "paused":
        return GateView(
            "paused", "Pod is paused: nothing is delivered", shown_pod.paused_reason, checks, contact, now.worker
        )
    words = f"Gate is on: {checks} check{'' if checks == 1 else 's'} a minute"
    return GateView("on", words, "", checks, contact, now.worker)


def _gate_off(profile: Profile, shown_pod: PodView, why: str) -> GateView:
    """A gate that is off is an alarm, except where nothing is there yet that could run: that is said instead."""
    if shown_pod.state == "none":
        first = "Make the pod on the first page, or with `podadmin pod create NAME`."
        return GateView("unused", "No gate yet: first make the pod", first)
    if worker(profile.store) != BITFOUNT and not networks.joined(profile.store):
        first = "Join a network on the Networks page, or with `podadmin network join`."
        return GateView("unused", "No gate yet: the pod has joined no network", first)
    return GateView("off", "Gate is OFF: nothing can run, nothing is checked", why)


def _needs(profile: Profile, shown_pod: PodView, shown_keyring: KeyringView) -> tuple[str, ...]:
    open_steps = {
        "keyring": shown_keyring.state == "undecided",
        "pod": shown_pod.state == "none",
        "datasource": not datasources.list_all(profile.store),
        "network": not networks.joined(profile.store),
    }
    return tuple(name for name, is_open in open_steps.items() if is_open)
