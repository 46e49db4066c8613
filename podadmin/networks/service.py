"""Joining and leaving networks. The membership's secret goes to the vault; the row says that there is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.sqlite import insert

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, stamp, unstamp
from podadmin.core.errors import Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks.records import network
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.model import SecretPurpose
from podadmin.vault.service import Vault

LOCAL = "local"


@dataclass(frozen=True)
class Joined:
    """A network that the pod is a member of. `facts` are those of its kind, never a secret."""

    kind: str
    joined_at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class ApiKey:
    """How the pod proves itself to a network."""

    id: str
    key: Secret[str]


def joined(store: Store) -> tuple[Joined, ...]:
    """The networks that the pod has joined and not left."""
    with store.read() as connection:
        rows = connection.execute(select(network).where(network.c.left_at.is_(None)).order_by(network.c.kind)).all()
    return tuple(Joined(row.kind, unstamp(row.joined_at), json.loads(row.facts)) for row in rows)


def record_join(store: Store, clock: Clock, actor: str, kind: str, facts: Mapping[str, Any]) -> None:
    """The pod is a member of this network from now on."""
    values = {"kind": kind, "joined_at": stamp(clock.now()), "left_at": None, "facts": canonical(dict(facts))}
    with store.record(Fact(actor, "network.joined", kind, dict(facts))) as unit:
        unit.execute(insert(network).values(**values).on_conflict_do_update([network.c.kind], set_=values))


def record_leave(store: Store, clock: Clock, actor: str, kind: str) -> bool:
    """The pod is no member any more. False where it was none."""
    if all(each.kind != kind for each in joined(store)):
        return False
    with store.record(Fact(actor, "network.left", kind)) as unit:
        unit.execute(update(network).where(network.c.kind == kind).values(left_at=stamp(clock.now())))
    return True


def keep_api_key(vault: Vault, kind: str, key: ApiKey, actor: str) -> None:
    """Keep the key of a membership in the vault. Raises what `Vault.put_secret` raises."""
    value = Secret(canonical({"id": key.id, "key": key.key.reveal()}).encode())
    vault.put_secret(SecretPurpose.API_KEY, _holder(kind), value, actor)


def api_key(vault: Vault, kind: str) -> ApiKey:
    """The key of a membership. Raises Unavailable (`network.key-missing`), Tampered (`network.key-changed`)."""
    kept = _kept(vault, kind)
    if kept is None:
        raise Unavailable(
            "network.key-missing",
            "The pod cannot prove itself to its network.",
            "The key of its membership is not where secrets live.",
            "Leave the network and join it again.",
        )
    try:
        value = json.loads(kept)
        return ApiKey(str(value["id"]), Secret(str(value["key"])))
    except (ValueError, KeyError, TypeError) as error:
        raise Tampered(
            "network.key-changed",
            "The pod cannot prove itself to its network.",
            "The key of its membership is not one that podadmin kept.",
            "Leave the network and join it again.",
        ) from error


def has_api_key(vault: Vault, kind: str) -> bool:
    """Is there a key of this membership? One who logged in as a person has none."""
    return vault.find_secret(SecretPurpose.API_KEY, _holder(kind)) is not None


def forget_api_key(vault: Vault, kind: str, actor: str) -> None:
    """Remove the key of a membership."""
    info = vault.find_secret(SecretPurpose.API_KEY, _holder(kind))
    if info is not None:
        vault.remove_secret(info.id, actor)
    vault.secrets.remove(item_of(kind))


def item_of(kind: str) -> str:
    """The item of the keyring in which profiles of the first version kept the key of a membership."""
    return f"network-{kind}"


def _kept(vault: Vault, kind: str) -> bytes | None:
    info = vault.find_secret(SecretPurpose.API_KEY, _holder(kind))
    return vault.secret(info.id).reveal() if info is not None else vault.secrets.get(item_of(kind))


def _holder(kind: str) -> str:
    return f"The network {kind}"
