"""Where the local network listens. The ports are chosen once and kept, so that clients survive its restarts."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from podadmin.core.errors import NotFound, Tampered

FILE = "address.json"


@dataclass(frozen=True)
class Address:
    """`message_service` is `127.0.0.1:PORT`; the other two are `http://127.0.0.1:PORT`. The hub is where the access
    manager is. Only who can read the file knows `join_token`, and so only the same user of the machine can join.
    """

    message_service: str
    access_manager: str
    object_store: str
    pid: int
    join_token: str

    @property
    def hub(self) -> str:
        return self.access_manager

    def ports(self) -> tuple[int, int, int]:
        """Message service, access manager, object store."""
        store, manager = urlsplit(self.object_store).port, urlsplit(self.access_manager).port
        return int(self.message_service.rpartition(":")[2]), manager or 0, store or 0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    def __repr__(self) -> str:
        return f"Address(message_service={self.message_service!r}, pid={self.pid})"


def address_at(ports: tuple[int, int, int], pid: int, join_token: str) -> Address:
    """The address of a network with these ports."""
    service, manager, store = ports
    return Address(f"127.0.0.1:{service}", f"http://127.0.0.1:{manager}", f"http://127.0.0.1:{store}", pid, join_token)


def read_address(folder: Path) -> Address:
    """The address that was last served from `folder`.

    Raises NotFound `local.no-address` where no network was ever started there, and Tampered `local.address-changed`
    where the file is not what was written: an address that leads away from this machine is never returned.
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except OSError:
        raise NotFound(
            "local.no-address",
            "There is no local network here.",
            "It was never started in this folder.",
            "Join the local network first.",
        ) from None
    try:
        found = Address(**json.loads(text))
        ports = found.ports()
        whole = (
            found == address_at(ports, found.pid, found.join_token)
            and isinstance(found.pid, int)
            and isinstance(found.join_token, str)
            and all(0 < port < 65536 for port in ports)
        )
    except (ValueError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise Tampered(
            "local.address-changed",
            "The address of the local network is not what was written.",
            "The file with the address was changed or damaged.",
            "Remove the folder of the local network and join it again.",
        )
    return found


def write_address(folder: Path, address: Address) -> None:
    """Replace the file in one step; only the user of the machine who runs the network may read it."""
    fresh = folder / f".{FILE}.{secrets.token_hex(4)}"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(address.as_dict(), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / FILE)
