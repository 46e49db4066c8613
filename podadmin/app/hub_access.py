"""How this pod reaches the hub of a network, and how it proves itself there: by an API key or a person's session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from podadmin.app import outside
from podadmin.core.errors import NotFound, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks import service as networks
from podadmin.networks.bitfount.access_manager import AccessManagerClient
from podadmin.networks.bitfount.containers import HubConfig
from podadmin.networks.bitfount.device_login import DeviceLogin, Session
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.places import BITFOUNT_NETWORKS, Places
from podadmin.pod import service as pods
from podadmin.vault.model import Purpose, SecretPurpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.vault.service import Vault


def places(kind: str) -> Places:
    """The hosts of a network. Raises NotFound (`hub.no-network`)."""
    found = BITFOUNT_NETWORKS.get(kind)
    if found is None:
        raise NotFound(
            "hub.no-network",
            "There is no hub to ask.",
            f"A network of this name is not known; known are {', '.join(BITFOUNT_NETWORKS)}.",
            "Name one of these.",
        )
    return found


def holder(kind: str) -> str:
    """Under which name the vault keeps the session of a person at a network."""
    return f"The session at {kind}"


def login(profile: Profile, kind: str) -> DeviceLogin:
    """Where one logs in to a network."""
    where = places(kind)
    outside.take(profile)
    return DeviceLogin(where.address_of(where.tunnelled[0]), kind, profile.clock)


def session(vault: Vault, kind: str) -> Session | None:
    """The session that is kept; None where nobody logged in."""
    info = vault.find_secret(SecretPurpose.TOKEN, holder(kind))
    return None if info is None else Session.opened(vault.secret(info.id).reveal())


def keep_session(vault: Vault, kind: str, now: Session, actor: str) -> None:
    vault.put_secret(SecretPurpose.TOKEN, holder(kind), now.sealed(), actor, now.ends)


def become_member(profile: Profile, kind: str, owner: str, by: str) -> None:
    """Record that the pod is a member of a network from now on. Raises NotFound (`pod.none`)."""
    pod = pods.needed(profile.store)
    key = profile.vault.find(Purpose.POD)
    facts = {"owner": owner, "pod": pod.name, "pod_key": key.fingerprint if key else "", "by": by}
    networks.record_join(profile.store, profile.clock, profile.actor, kind, facts)


def access(profile: Profile, kind: str) -> HubConfig:
    """Who asks. Raises Unavailable (`hub.not-logged-in`), Refused (`login.ended`)."""
    vault = profile.open_vault()
    if networks.has_api_key(vault, kind):
        member = next((each for each in networks.joined(profile.store) if each.kind == kind), None)
        owner = str(member.facts.get("owner", "")) if member is not None else None
        return HubConfig(owner, networks.api_key(vault, kind))
    kept = session(vault, kind)
    if kept is None:
        raise Unavailable(
            "hub.not-logged-in",
            "The hub was not asked.",
            "Nobody logged in to this network, and it was given no API key.",
            "Log in with `podadmin hub login`, or keep an API key with `podadmin hub key`.",
        )
    now = anyio.run(login(profile, kind).renewed, kept)
    if now is not kept:
        keep_session(vault, kind, now, profile.actor)
    return HubConfig(now.username, Secret(now.access.reveal()))


def client(profile: Profile, kind: str) -> HubClient:
    """A client of the hub of a network. Raises as `access`."""
    where = places(kind)
    outside.take(profile)
    return access(profile, kind).client(where.address_of(where.hub))


def access_manager_key(kind: str) -> str:
    """The public key of the network's access manager, as it is registered with each dataset."""
    where = places(kind)
    return anyio.run(AccessManagerClient(where.address_of(where.access_manager)).public_key)
