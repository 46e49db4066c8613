"""Acts on networks: join the local network, leave it, send a request to the pod as its demo requester."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import anyio

from podadmin.app.acts.asked import HowMany
from podadmin.app.acts.registry import act
from podadmin.app.demo import send_demo_requests
from podadmin.app.moments import moment_words
from podadmin.app.views.facts import Done, Fact
from podadmin.app.views.networks import LostRow, NetworkCard, ProxyView
from podadmin.core.errors import NotFound, PodadminError, Refused
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.networks import service
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.places import BITFOUNT_NETWORKS
from podadmin.networks.local.address import Address
from podadmin.networks.local.membership import Membership, join
from podadmin.networks.local.service import LocalNetwork
from podadmin.networks.service import LOCAL, ApiKey
from podadmin.pod.service import Pod, needed
from podadmin.vault.model import Purpose, SecretPurpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

TITLE = "Local network"
Kind = Annotated[Literal["local", "bitfount", "bitfount-staging", "bitfount-sandbox"], "which network"]


@act("network list")
def list_networks(profile: Profile) -> tuple[NetworkCard, ...]:
    """List the networks with what they see of this pod."""
    joined = [each for each in service.joined(profile.store) if each.kind in BITFOUNT_NETWORKS]
    return (_local_card(profile), *(_real_card(profile, each) for each in joined))


@act("network proxy")
def show_proxy(profile: Profile) -> ProxyView:
    """Show the hospital's proxy, through which networks are reached, and the hosts that it does not lead to.

    It is set with `settings set network.proxy`.
    """
    from podadmin.app.outside import kept_password
    from podadmin.gate.outages import standing

    address, user = profile.settings.text("network.proxy"), profile.settings.text("network.proxy-user")
    words = "Networks are reached straight out, or as the environment says."
    if address:
        words = "Everything that leaves this computer for a network goes through it; it sees hosts and nothing else."
    lost = tuple(LostRow(each.host, each.since, each.why, each.next_step) for each in standing(profile.store))
    if address and lost:
        words = f"It does not lead to {lost[0].host}{f' and {len(lost) - 1} more' if len(lost) > 1 else ''}."
    return ProxyView(address, stranger(user), kept_password(profile) is not None, words, lost if address else ())


@act("network proxy-password", writes=True, kinds=("network", "key"))
def proxy_password(
    profile: Profile,
    *,
    password: Annotated[Secret[str] | None, "the password; without one, the one that is kept is forgotten"] = None,
) -> ProxyView:
    """Keep the password of the hospital's proxy in the vault, or forget it."""
    from podadmin.app.outside import HOLDER, kept_password

    vault = profile.open_vault()
    if password is not None:
        vault.put_secret(SecretPurpose.PROXY, HOLDER, Secret(password.reveal().encode()), profile.actor)
    elif (kept := kept_password(profile)) is not None:
        vault.remove_secret(kept.id, profile.actor)
    return show_proxy(profile)


@act("network proxy-try")
def try_proxy(
    profile: Profile,
    *,
    host: Annotated[str, "the host to reach through it"] = "hub.bitfount.com",
    port: Annotated[int, "the port to reach"] = 443,
    progress: Progress,
) -> Done:
    """Reach a host through the hospital's proxy and say whether it lets this computer through. Nothing is sent."""
    from podadmin.app import outside
    from podadmin.networks import way_out

    outside.take(profile)
    progress.report("Asking the proxy")
    anyio.run(way_out.reach, host, port)
    through = "The hospital's proxy let it through." if way_out.now() is not None else "No proxy is in the way."
    return Done(f"{stranger(host, 100)} can be reached. {through}", host)


@act("network join", writes=True, kinds=("network",))
def join_network(
    profile: Profile,
    kind: Kind,
    *,
    progress: Progress,
) -> NetworkCard:
    """Join a network. The local one runs on this machine only; a real one is reached by a pod of its own software.

    That pod proves itself to its network; podadmin stands before it and takes no key of it. See `pod import`.
    """
    pod = needed(profile.store)
    if kind != LOCAL:
        return _join_real(profile, pod, kind)
    if any(each.kind == kind for each in service.joined(profile.store)):
        return _local_card(profile)
    vault = profile.open_vault()
    key = vault.find(Purpose.POD)
    if key is None:
        raise _no_key()
    progress.report("Starting the local network", 0.2)
    with LocalNetwork(profile.network_folder) as local:
        progress.report("Joining it", 0.6)
        member = anyio.run(_register, local.address, pod.owner, pod.name, key.public_ssh)
    service.keep_api_key(vault, kind, ApiKey(member.api_key_id, member.api_key), profile.actor)
    facts = {"owner": pod.owner, "pod": pod.name, "pod_key": key.fingerprint}
    service.record_join(profile.store, profile.clock, profile.actor, kind, facts)
    progress.report("Joined", 1.0)
    return _local_card(profile)


@act("network leave", writes=True, kinds=("network",))
def leave(profile: Profile, kind: Kind) -> Done:
    """Leave a network: nothing is received from it any more."""
    if not service.record_leave(profile.store, profile.clock, profile.actor, kind):
        raise NotFound(
            "network.not-joined",
            "No network was left.",
            "The pod is no member of it.",
            "See the networks with `podadmin network list`.",
        )
    vault = profile.open_vault()
    if kind == LOCAL or service.has_api_key(vault, kind):
        service.forget_api_key(vault, kind, profile.actor)
    return Done("The network was left.", kind)


@act("network send", writes=True, kinds=("request",))
def send(
    profile: Profile,
    what: Annotated[
        Literal["sql", "rows", "inference", "report", "unknown"],
        "counts by SQL, whole rows by SQL, a model's predictions, a CSV report, or a task of a kind nobody knows",
    ],
    *,
    copies: HowMany = 1,
    progress: Progress,
) -> Done:
    """Let the demo requester of the local network send a request to this pod."""
    sent = send_demo_requests(profile, what, copies, progress)
    return Done(f"{sent} sent by the demo requester." if sent != 1 else "Sent by the demo requester.", what)


def _join_real(profile: Profile, pod: Pod, kind: str) -> NetworkCard:
    for each in service.joined(profile.store):
        if each.kind == kind:
            return _real_card(profile, each)
        if each.kind in BITFOUNT_NETWORKS:
            raise Refused(
                "network.one-only",
                "The network was not joined.",
                f"The pod is a member of {BITFOUNT_NETWORKS[each.kind].title}, and a pod speaks to one of them.",
                "Leave that one first.",
            )
    key = profile.vault.find(Purpose.POD)
    if key is None:
        raise _no_key()
    facts = {"owner": pod.owner, "pod": pod.name, "pod_key": key.fingerprint}
    service.record_join(profile.store, profile.clock, profile.actor, kind, facts)
    return next(_real_card(profile, each) for each in service.joined(profile.store) if each.kind == kind)


def _real_card(profile: Profile, joined: service.Joined) -> NetworkCard:
    """A real network as the gate sees it: through the eyes of the pod that stands behind the gate."""
    places = BITFOUNT_NETWORKS[joined.kind]
    facts = (
        Fact("This pod is known as", f"{joined.facts['owner']}/{joined.facts['pod']}, and by each datasource's name"),
        Fact("Joined", moment_words(joined.joined_at)),
        *(Fact("The gate looks into", host, mono=True) for host in places.hosts),
        *(Fact("Let through for the log-in", host, mono=True) for host in places.tunnelled),
    )
    engine = profile.engine
    gate = engine.proxy_gate if engine is not None else None
    if gate is None or gate.places.kind != joined.kind:
        words = "Joined. Nothing is received until a pod of the network's own software stands behind the gate."
        return NetworkCard(joined.kind, places.title, "joined", words, facts)
    if gate.seen.upstream_problem:
        return NetworkCard(joined.kind, places.title, "unreachable", gate.seen.upstream_problem, facts)
    state = "connected" if gate.seen.up_contact is not None else "joined"
    words = "Connected: requests are received." if state == "connected" else "Joined. The pod has not connected yet."
    return NetworkCard(joined.kind, places.title, state, words, facts)


def _no_key() -> NotFound:
    return NotFound(
        "network.no-pod-key",
        "The network was not joined.",
        "The pod has no key by which requests could be sealed for it.",
        "Restore the keys of this profile.",
    )


async def _register(address: Address, owner: str, pod: str, public_ssh: str) -> Membership:
    member = await join(address, owner)
    hub = HubClient(address.hub, member.headers())
    await hub.register_pod(pod, public_ssh, display_name=pod)
    return member


def _local_card(profile: Profile) -> NetworkCard:
    found = next((each for each in service.joined(profile.store) if each.kind == LOCAL), None)
    if found is None:
        words = "Not joined. It runs on this computer only and shows how requests arrive, with a demo requester."
        return NetworkCard(LOCAL, TITLE, "none", words, ())
    facts = [
        Fact("This pod is known as", f"{found.facts['owner']}/{found.facts['pod']}, and by each datasource's name"),
        Fact("Joined", moment_words(found.joined_at)),
        Fact("It knows of this pod", "its name, its public key and the names of its datasources"),
    ]
    try:
        address = LocalNetwork(profile.network_folder).address
        facts.append(Fact("Message service", address.message_service, mono=True))
        facts.append(Fact("Access manager and hub", address.access_manager, mono=True))
    except PodadminError as error:
        facts.append(Fact("Address", error.what, "warn"))
    state, words = "joined", "Joined. The gate is not running in this process."
    engine = profile.engine
    now = engine.snapshot() if engine is not None else None
    if now is not None and now.state == "on":
        state = "unreachable" if now.upstream_problem else "connected"
        words = now.upstream_problem or "Connected: requests are received."
    elif now is not None and now.running_here:
        words = "Joined. Nothing is received until the gate is on."
    return NetworkCard(LOCAL, TITLE, state, words, tuple(facts), "A demo requester can send requests to this pod.")
