"""Where the networks of this kind live, as data: which host does what, and how it is reached from here.

A pod names a host; the gate ends the connection where the host is one of the network's own, lets it through where it
is one that needs no look (a log-in), and refuses every other one. Hosts: bitfount contract, sections 1.1, 6.1 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from podadmin.networks.bitfount.references import BITFOUNT_STORE

STORE_DOMAIN: Final = "amazonaws.com"


class Role(StrEnum):
    """What a host of a network does."""

    MESSAGES = "messages"
    HUB = "hub"
    ACCESS = "access"
    STORE = "store"


@dataclass(frozen=True)
class Places:
    """The hosts of one network, by the names that a pod uses.

    `store_pattern`: a regular expression that the whole name of an object store matches; `store_domain`: the narrowest
    name that all of them end in, for the constraint of the gate's certificate authority. `tunnelled` are hosts that a
    pod needs and the gate does not look into. `addresses` says for a host where it is really reached, as
    `http://127.0.0.1:PORT`; one without an entry is reached under its own name with TLS on port 443.
    """

    kind: str
    title: str
    message_service: str
    hub: str
    access_manager: str
    store_pattern: str
    store_domain: str
    tunnelled: tuple[str, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)

    def role_of(self, host: str) -> Role | None:
        """What a host does in this network; None for one that is no part of it."""
        exact = {self.message_service: Role.MESSAGES, self.hub: Role.HUB, self.access_manager: Role.ACCESS}
        found = exact.get(host)
        if found is None and re.fullmatch(self.store_pattern, host):
            return Role.STORE
        return found

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that have one name, sorted."""
        return tuple(sorted({self.message_service, self.hub, self.access_manager}))

    @property
    def constraint(self) -> tuple[str, ...]:
        """Every name that a certificate for this network may end in, sorted."""
        return tuple(sorted({*self.hosts, self.store_domain}))

    @property
    def names(self) -> tuple[str, ...]:
        """Names that stand for all of its hosts: where one of them was reached past the gate, something is wrong."""
        return (*self.hosts, self.store_domain, f"any.{self.store_domain}")

    def address_of(self, host: str) -> str:
        """Where a host is reached: `https://host` or `http://127.0.0.1:PORT`."""
        return self.addresses.get(host, f"https://{host}")

    @property
    def message_target(self) -> tuple[str, bool]:
        """`host:port` of the message service, and whether it is reached with TLS."""
        address = self.address_of(self.message_service)
        scheme, _, rest = address.partition("://")
        return (rest if ":" in rest else f"{rest}:443"), scheme == "https"

    def outward(self, url: str) -> str:
        """An address as the network gave it, in the form in which the pod may use it: by the name of its host."""
        for host, address in self.addresses.items():
            if self.role_of(host) is Role.STORE and url.startswith(f"{address}/"):
                return f"https://{host}{url[len(address) :]}"
        return url


def _bitfount(kind: str, title: str, environment: str) -> Places:
    dotted = f".{environment}" if environment else ""
    return Places(
        kind=kind,
        title=title,
        message_service=f"messaging{dotted}.bitfount.com",
        hub=f"hub{dotted}.bitfount.com",
        access_manager=f"am.hub{dotted}.bitfount.com",
        store_pattern=BITFOUNT_STORE,
        store_domain=STORE_DOMAIN,
        tunnelled=(f"auth{dotted}.bitfount.com", f"smartonfhir{dotted}.bitfount.com"),
    )


PRODUCTION: Final = _bitfount("bitfount", "Bitfount", "")
STAGING: Final = _bitfount("bitfount-staging", "Bitfount (staging)", "staging")
SANDBOX: Final = _bitfount("bitfount-sandbox", "Bitfount (sandbox)", "sandbox")
BITFOUNT_NETWORKS: Final[Mapping[str, Places]] = {each.kind: each for each in (PRODUCTION, STAGING, SANDBOX)}
