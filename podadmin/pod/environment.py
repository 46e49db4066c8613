"""The environment in which a pod of the network's own software is started so that everything it does passes the gate.

This is the whole of "proxy mode": no file of the pod is changed (gate contract, sections 0.3 and 7.10). Names of both
cases are set because each library reads another one, and a proxy that the machine has already is replaced, not added
to: one that stayed would lead past the gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "GRPC_PROXY")
EXCEPTIONS: Final = ("NO_PROXY", "NO_GRPC_PROXY")
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
"""What a pod says to itself (its control server, its children) does not leave the machine and needs no gate."""


def environment(
    proxy: str, bundle: Path, authority: Path, network_hosts: Iterable[str], no_proxy: str = ""
) -> Mapping[str, str]:
    """Every variable that has to be set, by name.

    `proxy`: `http://127.0.0.1:PORT`. `bundle`: the machine's certificates and the gate's authority in one file.
    `authority`: the gate's authority alone; the message service is believed under it and no other, so that a pod that
    found a way past the gate would not speak to the network. `network_hosts`: names that must never be reached without
    the proxy. `no_proxy`: the exceptions of the machine so far; those are kept that no host of the network falls under.
    """
    exceptions = ",".join(_exceptions(no_proxy, tuple(network_hosts)))
    found: dict[str, str] = {}
    for name, value in (*((name, proxy) for name in PROXIES), *((name, exceptions) for name in EXCEPTIONS)):
        found[name] = found[name.lower()] = value
    found["SSL_CERT_FILE"] = found["REQUESTS_CA_BUNDLE"] = str(bundle)
    found["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = str(authority)
    found["BITFOUNT_PROXY_SUPPORT"] = "true"
    return dict(sorted(found.items()))


def _exceptions(given: str, hosts: tuple[str, ...]) -> list[str]:
    kept = list(LOOPBACK)
    for entry in (part.strip().lower() for part in given.split(",")):
        name = entry.lstrip("*").strip(".").rpartition(":")[0] or entry.lstrip("*").strip(".")
        covers = not name or any(host == name or host.endswith(f".{name}") for host in hosts)
        if entry and not covers and entry not in kept:
            kept.append(entry)
    return kept
