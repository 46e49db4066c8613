"""The internet of these tests: the names of the public network, with TLS, in front of a network on this machine.

Who has its proxy and its certificate in the environment finds the hosts of the network there and nothing else. It
carries bytes and looks at none of them. The real requester stands behind it, never behind the gate.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.networks.bitfount.places import Places
from podadmin.pod.environment import environment

_CHUNK = 256 * 1024


class Internet:
    """`places.addresses` says where each host really is. Use it as a context; it serves from a thread of its own."""

    def __init__(self, places: Places, folder: Path) -> None:
        self._places = places
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.turned_away: list[str] = []
        """Hosts that were asked for and are none of the network's."""

    def environment(self) -> Mapping[str, str]:
        """What a process needs in its environment to be on this internet."""
        proxy = f"http://127.0.0.1:{self.port}"
        return environment(proxy, self._root, self._root, self._places.hosts)

    def __enter__(self) -> Internet:
        self._root, self._contexts = _certified(self._folder, sorted(self._places.addresses))
        self._thread = threading.Thread(target=self._loop.run_forever, name="internet", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, place, _ = head.split(b"\r\n")[0].decode().split(" ")
            host = place.rpartition(":")[0]
            if method != "CONNECT" or host not in self._contexts:
                self.turned_away.append(place)
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(self._contexts[host])
            real = urlsplit(self._places.addresses[host])
            far_reader, far_writer = await asyncio.open_connection(real.hostname, real.port)
            self._open.add(far_writer)
            try:
                await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
            finally:
                self._open.discard(far_writer)
                far_writer.close()
        except (OSError, EOFError, ValueError, asyncio.IncompleteReadError):
            return
        finally:
            self._open.discard(writer)
            writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


def _certified(folder: Path, hosts: list[str]) -> tuple[Path, dict[str, ssl.SSLContext]]:
    """A root certificate for these tests, and for every host what ends TLS in its name."""
    now = datetime.now(UTC)
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "internet of the tests")])

    def builder(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    root = builder(root_name, root_key.public_key()).add_extension(x509.BasicConstraints(True, None), True)
    root = root.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), True)
    folder.mkdir(parents=True, exist_ok=True)
    root_file = folder / "internet.pem"
    root_file.write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    contexts = {}
    for host in hosts:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host[:64])])
        leaf = builder(name, key.public_key()).add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        file = folder / f"{host}.pem"
        file.write_bytes(
            leaf.sign(root_key, hashes.SHA256()).public_bytes(Encoding.PEM)
            + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        contexts[host] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[host].load_cert_chain(file)
        # gRPC wants its protocol named; the hub and the store speak the older one
        contexts[host].set_alpn_protocols(["h2"] if host.startswith("messaging.") else ["http/1.1"])
    return root_file, contexts


@contextlib.contextmanager
def internet(places: Places, folder: Path) -> Iterator[Internet]:
    """The internet in front of a network, until the context ends."""
    with Internet(places, folder) as running:
        yield running
