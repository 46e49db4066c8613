"""Joining a local network: the keys by which it knows a member from then on."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, Field

from podadmin.core.secret import Secret
from podadmin.networks.bitfount.client import Metadata, api_key_metadata
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.local.address import Address


@dataclass(frozen=True)
class Membership:
    """The API key of one member. The caller keeps it: the network keeps only a hash."""

    username: str
    api_key_id: str
    api_key: Secret[str]

    def metadata(self) -> Metadata:
        """For the message service."""
        return api_key_metadata(self.api_key_id, self.api_key.reveal())

    def headers(self) -> dict[str, str]:
        """For hub and access manager."""
        return dict(self.metadata())


class _Joined(BaseModel):
    apiKeyId: str = Field(max_length=300)
    apiKey: str = Field(max_length=300)


async def join(address: Address, username: str) -> Membership:
    """Become a member under a user name (a pod's owner, or a requester). Raises the errors of `HubClient`."""
    answer = await HubClient(address.hub).ask(
        "POST", "/api/join", _Joined, {"username": username}, {"x-join-token": address.join_token}
    )
    return Membership(username, answer.apiKeyId, Secret(answer.apiKey))
