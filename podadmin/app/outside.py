"""The hospital's proxy as this profile has it: host, port and name are settings, its password lies in the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from podadmin.core.secret import Secret
from podadmin.networks import way_out
from podadmin.networks.way_out import WayOut
from podadmin.vault.model import SecretPurpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.vault.model import SecretInfo

HOLDER: Final = "The hospital's proxy"


def kept_password(profile: Profile) -> SecretInfo | None:
    """What is kept of the password, None where none is. Works while the vault is locked."""
    return profile.vault.find_secret(SecretPurpose.PROXY, HOLDER)


def mark(profile: Profile) -> tuple[str, str, str]:
    """Another one after every change of the way out."""
    address, user = profile.settings.text("network.proxy"), profile.settings.text("network.proxy-user")
    kept = kept_password(profile) if user else None
    return address, user, kept.id if kept is not None else ""


def take(profile: Profile) -> None:
    """Let everything that leaves for a network go the way that is set. Raises what opening the vault raises."""
    address, user, password = mark(profile)
    if not address:
        way_out.use(None)
        return
    host, port = way_out.read_place(address)
    secret = Secret(profile.open_vault().secret(password).reveal().decode()) if password else None
    way_out.use(WayOut(host, port, user, secret))
