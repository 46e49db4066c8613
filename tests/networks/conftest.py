"""Keys that are made once, and a pod that speaks the wire without any other room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from podadmin.networks.bitfount import crypto
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.local.address import Address
from podadmin.networks.local.membership import Membership, join
from podadmin.networks.local.service import LocalNetwork

VECTORS = Path(__file__).resolve().parents[1] / "interop" / "vectors"


class HeldKey:
    """A private key as a thing that opens blocks and signs."""

    def __init__(self, private: RSAPrivateKey) -> None:
        self._private = private

    def decrypt(self, block: bytes) -> bytes:
        return self._private.decrypt(block, crypto.oaep())

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data, crypto.pss(), hashes.SHA256())

    @property
    def public(self) -> str:
        return crypto.public_line(self._private.public_key())


@pytest.fixture(scope="session")
def pod_key() -> HeldKey:
    key = load_ssh_private_key((VECTORS / "keys/pod/pod_rsa.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return HeldKey(key)


@pytest.fixture(scope="session")
def requester_key() -> HeldKey:
    key = load_pem_private_key((VECTORS / "keys/modeller.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return HeldKey(key)


@pytest.fixture
def requester_folder(tmp_path: Path) -> Path:
    """A requester that already has its key: making one takes seconds."""
    folder = tmp_path / "requester"
    folder.mkdir()
    (folder / "requester.pem").write_bytes((VECTORS / "keys/modeller.pem").read_bytes())
    return folder


@pytest.fixture
def network(tmp_path: Path) -> Iterator[LocalNetwork]:
    """A running local network with quick redelivery."""
    folder = tmp_path / "network"
    folder.mkdir(mode=0o700)
    (folder / "network.json").write_text(
        '{"visibility_seconds": 0.4, "long_poll_seconds": 2, "projects": {"glaucoma-study":'
        ' {"members": ["research-lab"], "limits": {"research-lab/hba1c-risk:1": 500, "other/model:2": null}}}}',
        encoding="utf-8",
    )
    with LocalNetwork(folder) as running:
        yield running


@dataclass
class PodSide:
    """A pod on the wire."""

    identifier: str
    address: Address
    member: Membership
    client: MessageServiceClient
    hub: HubClient


class PodMaker(Protocol):
    def __call__(self, address: Address, name: str = ...) -> object: ...


@asynccontextmanager
async def pod_on(address: Address, public: str, name: str = "diabetes") -> AsyncIterator[PodSide]:
    member = await join(address, "custodian")
    hub = HubClient(address.hub, member.headers())
    await hub.register_pod(name, public, display_name="Diabetes")
    client = MessageServiceClient.open(address.message_service, tls=False, metadata=member.metadata())
    async with client:
        yield PodSide(f"custodian/{name}", address, member, client, hub)


@pytest.fixture
def make_pod() -> object:
    return pod_on
