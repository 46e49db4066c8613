"""The local network by the names of the public one, so that a real pod reaches it through the very same proxy.

No other names would do: the worker of a real pod speaks to the public message service whatever its configuration says
(gate contract, section 0.2), and a pod shows its keys to no other hub (section 4). No resolver is asked for them,
because the gate knows where they lead; the object store has a name that the public network gives to nobody.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from podadmin.networks.bitfount.places import PRODUCTION, Places
from podadmin.networks.local.address import Address

STORE: Final = "podadmin-message-service-external.s3.eu-west-2.amazonaws.com"


def local_places(address: Address) -> Places:
    """The hosts of the local network that listens at `address`."""
    return replace(
        PRODUCTION,
        kind="local",
        title="Local network",
        store_pattern=re.escape(STORE),
        store_domain=STORE,
        tunnelled=(),
        addresses={
            PRODUCTION.message_service: f"http://{address.message_service}",
            PRODUCTION.hub: address.hub,
            PRODUCTION.access_manager: address.access_manager,
            STORE: address.object_store,
        },
    )
