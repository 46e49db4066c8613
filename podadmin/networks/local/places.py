"""The local network by names, so that a pod reaches it through the very same proxy as a real one.

The names end in `internal`, which is reserved for such uses; no resolver is asked for them, because the gate knows
where they lead.
"""

from __future__ import annotations

import re
from typing import Final

from podadmin.networks.bitfount.places import Places
from podadmin.networks.local.address import Address

DOMAIN: Final = "local.podadmin.internal"
MESSAGES, HUB, ACCESS, STORE = (f"{name}.{DOMAIN}" for name in ("messaging", "hub", "access", "store"))


def local_places(address: Address) -> Places:
    """The hosts of the local network that listens at `address`."""
    return Places(
        kind="local",
        title="Local network",
        message_service=MESSAGES,
        hub=HUB,
        access_manager=ACCESS,
        store_pattern=re.escape(STORE),
        store_domain=STORE,
        addresses={
            MESSAGES: f"http://{address.message_service}",
            HUB: address.hub,
            ACCESS: address.access_manager,
            STORE: address.object_store,
        },
    )
