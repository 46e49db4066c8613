"""A pod of the network's own software behind the gate: what its gate is made of, and what the screens say of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from podadmin.app.gate_wiring import Wanted, ports_of
from podadmin.app.restoring import UPLOADS
from podadmin.core.clock import Clock
from podadmin.core.errors import NotFound
from podadmin.gate.authority import open_authority
from podadmin.gate.credentials import OfThePod
from podadmin.gate.ports import Upstream
from podadmin.gate.proxy_gate import ProxyGate
from podadmin.gate.rooms import Rooms
from podadmin.gate.uploads import Uploads
from podadmin.networks import service as networks
from podadmin.networks.bitfount.places import BITFOUNT_NETWORKS, Places
from podadmin.networks.bitfount.references import ReferencePolicy
from podadmin.networks.local.places import STORE, local_places
from podadmin.networks.local.service import LocalNetwork
from podadmin.networks.service import LOCAL
from podadmin.pod import setup as setups
from podadmin.store.engine import Store
from podadmin.vault.service import Vault

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

SILENT: Final = timedelta(seconds=120)
"""A pod polls every few seconds and tells the hub every ten that it is there (gate contract, section 4)."""


def folder_of(profile: Profile) -> Path:
    """Where the certificates for the environment of the pod lie."""
    return profile.folder / "gate"


def uploads_of(profile: Profile) -> Uploads:
    """What tasks have uploaded and has not left."""
    return Uploads(profile.folder / UPLOADS)


def places_of(profile: Profile, kind: str) -> Places:
    """The hosts of a network. Raises NotFound (`network.not-joined`), what finding the local network raises."""
    if kind == LOCAL:
        return local_places(LocalNetwork(profile.network_folder).address)
    if kind not in BITFOUNT_NETWORKS:
        raise NotFound(
            "network.not-joined",
            "There is no network behind the gate.",
            "The pod is no member of one that this gate knows.",
            "Join one with `podadmin network join`.",
        )
    return BITFOUNT_NETWORKS[kind]


def brought_as(store: Store) -> tuple[str, str, tuple[str, ...]]:
    """By which names the network knows the pod that was brought: its account, its own, those of its datasets.

    Raises NotFound (`pod.not-set-up`).
    """
    config = setups.needed(store).config
    return config.username, config.name, tuple(each.name for each in config.datasources or ())


def joined_kind(profile: Profile) -> str:
    """The network that a real pod of this profile takes requests from; empty where there is none."""
    from podadmin.app.gate_wiring import network_for
    from podadmin.pod.setup import BITFOUNT

    found = network_for(BITFOUNT, networks.joined(profile.store))
    return found.kind if found is not None else ""


def proxy_gate(
    profile: Profile, wanted: Wanted, vault: Vault, network: LocalNetwork | None, news: Callable[[], None]
) -> Callable[[], ProxyGate]:
    """What makes the gate for the pod of a profile, to be called in the gate's own loop: its connection to the network
    belongs to that loop. All that may take time is done before. Raises what making the gate's authority raises.
    """
    places = places_of(profile, wanted.network)
    target, tls = places.message_target
    credentials = OfThePod(profile.clock)
    folder = folder_of(profile)
    folder.mkdir(mode=0o700, exist_ok=True)
    authority = open_authority(vault, profile.store, profile.clock, places.constraint, folder)
    upstream = Upstream(
        kind=wanted.network,
        title=places.title,
        message_service=target,
        tls=tls,
        access_manager=places.address_of(places.access_manager),
        hub=places.address_of(places.hub),
        credentials=credentials,
        references=_references(places, network),
        rooms=Rooms(places, uploads_of(profile)),
    )
    ports = ports_of(profile, wanted, upstream)
    return lambda: ProxyGate(ports, places, credentials, authority, news)


def _references(places: Places, network: LocalNetwork | None) -> ReferencePolicy:
    if network is not None:
        return ReferencePolicy.local(network.address.object_store, STORE)
    return ReferencePolicy(places.store_pattern)


def red_words(gate: ProxyGate, clock: Clock) -> str:
    """Why the pod must be taken for one that does not stand behind the gate; empty where it does."""
    seen, now = gate.seen, clock.now()
    if seen.alarm:
        return f"This pod is not behind the gate: {seen.alarm}"
    if seen.connected is None:
        return "This pod is not behind the gate: no pod has connected through it since the gate was switched on."
    if seen.down_contact is None or now - seen.down_contact > SILENT:
        return "This pod is not behind the gate: it has said nothing for two minutes."
    return ""


def pod_words(gate: ProxyGate, clock: Clock) -> str:
    """How the pod behind the proxy stands, for the bar that is always seen."""
    return red_words(gate, clock) or "The pod stands behind the gate"
