"""The certificate authority of the gate: made on this machine, for the network's hosts, believed by one pod only.

Its key is sealed in the vault. Its certificates name nothing beside the hosts of the pod's network (RFC 5280, section
4.2.1.10), it lives for three months and is replaced in time, and it is never put into the trust store of the system:
only the environment of the pod points to it. Its certificates for the hosts live for a day.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sqlalchemy import insert, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_id, stamp, unstamp
from podadmin.core.errors import Tampered
from podadmin.core.secret import Secret
from podadmin.gate.records import authority as table
from podadmin.gate.trust_files import system_certificates, write_public
from podadmin.requests.moves import GATE
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from podadmin.vault.model import SecretPurpose
from podadmin.vault.service import Vault

AUTHORITY_FILE: Final = "gate-authority.pem"
BUNDLE_FILE: Final = "gate-bundle.pem"
LIFE: Final = timedelta(days=90)
RENEW_BEFORE: Final = timedelta(days=30)
"""A new one is made so long before the end. Until shortly before it the old one goes on certifying, because a pod that
runs believes the ones that there were when it was started."""
SWITCH_BEFORE: Final = timedelta(days=2)
LEAF_LIFE: Final = timedelta(hours=24)
LEAF_SLACK: Final = timedelta(hours=1)
"""A certificate is valid from so long before it was made: a clock may be set back."""
_NO_ADDRESSES: Final = [x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))]


@dataclass(frozen=True)
class Leaf:
    """The certificate of one host with its key, both PEM; `chain` ends with the authority's own."""

    host: str
    key: Secret[bytes]
    chain: bytes
    begins: datetime
    ends: datetime

    def serves(self, now: datetime) -> bool:
        """Is it valid for a good while yet?"""
        return self.begins <= now < self.ends - LEAF_LIFE / 2


@dataclass(frozen=True)
class _Issuer:
    id: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    ends: datetime


class Authority:
    """Certifies the gate for the hosts of one network. Safe from any thread; make one with `open_authority`."""

    def __init__(self, issuers: Callable[[], Sequence[_Issuer]], clock: Clock, folder: Path) -> None:
        self._issuers = issuers
        self._clock = clock
        self._folder = folder
        self._lock = threading.Lock()
        self._leaves: dict[str, Leaf] = {}
        self._contexts: dict[str, tuple[Leaf, ssl.SSLContext]] = {}
        self._known: Sequence[_Issuer] = ()

    @property
    def certificate_file(self) -> Path:
        """The authority's certificates alone, PEM."""
        return self._folder / AUTHORITY_FILE

    @property
    def bundle_file(self) -> Path:
        """The machine's certificates and the authority's: for what reaches hosts that the gate does not look into."""
        return self._folder / BUNDLE_FILE

    @property
    def ends(self) -> datetime:
        """When the last of its certificates ends."""
        return max(each.ends for each in self._known)

    @property
    def restart_by(self) -> datetime | None:
        """Until when a pod has to be started again that was started before the newest authority was made."""
        return min(each.ends for each in self._known) - SWITCH_BEFORE if len(self._known) > 1 else None

    def renew(self) -> None:
        """Make a new authority where the end is near, and write the files anew. For the start and once a day.

        Raises what the vault and the store raise, Unavailable (`gate.files`).
        """
        self._known = self._issuers()
        own = b"".join(each.certificate.public_bytes(Encoding.PEM) for each in self._known)
        write_public(self.certificate_file, own)
        write_public(self.bundle_file, system_certificates() + own)

    def leaf(self, host: str) -> Leaf:
        """A certificate that is valid now for a host. It is one of the authority's names or below one."""
        now = self._clock.now()
        with self._lock:
            kept = self._leaves.get(host)
            if kept is None or not kept.serves(now):
                kept = self._leaves[host] = self._made(host, now)
            return kept

    def context(self, host: str) -> ssl.SSLContext:
        """For ending TLS as `host`: TLS 1.2 at least, HTTP/1.1."""
        leaf = self.leaf(host)
        with self._lock:
            kept = self._contexts.get(host)
            if kept is not None and kept[0] is leaf:
                return kept[1]
            context = _context(leaf, self._folder)
            self._contexts[host] = (leaf, context)
            return context

    def _made(self, host: str, now: datetime) -> Leaf:
        usable = [each for each in self._known if each.ends - SWITCH_BEFORE > now] or list(self._known)
        issuer = usable[0]
        key = ec.generate_private_key(ec.SECP256R1())
        begins, ends = now - LEAF_SLACK, min(now + LEAF_LIFE, issuer.ends)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])]))
            .issuer_name(issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certifies=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_key_of(issuer.certificate), critical=False)
            .sign(issuer.key, hashes.SHA256())
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = certificate.public_bytes(Encoding.PEM) + issuer.certificate.public_bytes(Encoding.PEM)
        return Leaf(host, Secret(pem), chain, begins, ends)


def open_authority(
    vault: Vault, store: Store, clock: Clock, names: Sequence[str], folder: Path, actor: str = GATE
) -> Authority:
    """The authority for these names (`Places.constraint`), made where there is none; its files lie in `folder`.

    Raises what the vault and the store raise, Unavailable (`gate.files`).
    """

    def issuers() -> Sequence[_Issuer]:
        now = clock.now()
        kept = [each for each in _kept(vault, store, actor) if each.ends > now and _names(each) == tuple(names)]
        if not kept or max(each.ends for each in kept) - RENEW_BEFORE <= now:
            kept.append(_make(vault, store, clock, names, actor))
        return sorted(kept, key=lambda each: each.ends)

    opened = Authority(issuers, clock, folder)
    opened.renew()
    return opened


def _kept(vault: Vault, store: Store, actor: str) -> list[_Issuer]:
    with store.read() as connection:
        rows = connection.execute(select(table).where(table.c.ended_at.is_(None)).order_by(table.c.made_at)).all()
    found = []
    for row in rows:
        certificate = x509.load_pem_x509_certificate(row.certificate.encode())
        key = load_der_private_key(vault.secret(row.secret_id).reveal(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise Tampered(
                "gate.authority-changed",
                "The gate's certificate authority is not the one that was made.",
                "Its certificate and its sealed key do not belong together.",
                "Restore the profile from a backup, or make a new authority with `podadmin gate renew-authority`.",
            )
        found.append(_Issuer(row.id, certificate, key, unstamp(row.ends_at)))
    return found


def _make(vault: Vault, store: Store, clock: Clock, names: Sequence[str], actor: str) -> _Issuer:
    authority_id, now = new_id("ca"), clock.now()
    ends = now + LIFE
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"podadmin gate {authority_id}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - LEAF_SLACK)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certifies=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(each) for each in names], _NO_ADDRESSES), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    sealed = Secret(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    kept = vault.put_secret(SecretPurpose.AUTHORITY, authority_id, sealed, actor, ends)
    fact = {"names": list(names), "until": stamp(ends), "certificate": certificate.fingerprint(hashes.SHA256()).hex()}
    with store.record(Fact(actor, "gate.authority-made", authority_id, fact)) as unit:
        unit.execute(
            insert(table).values(
                id=authority_id,
                certificate=certificate.public_bytes(Encoding.PEM).decode("ascii"),
                names=canonical(list(names)),
                made_at=stamp(now),
                ends_at=stamp(ends),
                secret_id=kept.id,
            )
        )
    return _Issuer(authority_id, certificate, key, ends)


def end_authorities(vault: Vault, store: Store, clock: Clock, actor: str) -> int:
    """Believe none of the authorities any more and forget their keys; how many there were. The gate then makes one."""
    with store.read() as connection:
        rows = connection.execute(select(table).where(table.c.ended_at.is_(None))).all()
    for row in rows:
        with store.record(Fact(actor, "gate.authority-ended", row.id)) as unit:
            unit.execute(update(table).where(table.c.id == row.id).values(ended_at=stamp(clock.now())))
        if any(each.id == row.secret_id for each in vault.secrets_kept()):
            vault.remove_secret(row.secret_id, actor)
    return len(rows)


def names_of(store: Store) -> tuple[tuple[str, tuple[str, ...], datetime], ...]:
    """Every authority that is believed: its id, what it is for, and when it ends."""
    with store.read() as connection:
        rows = connection.execute(select(table).where(table.c.ended_at.is_(None)).order_by(table.c.made_at)).all()
    return tuple((row.id, tuple(json.loads(row.names)), unstamp(row.ends_at)) for row in rows)


def _names(issuer: _Issuer) -> tuple[str, ...]:
    constraints = issuer.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    return tuple(each.value for each in constraints.permitted_subtrees or () if isinstance(each, x509.DNSName))


def _key_of(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=certifies,
        encipher_only=False,
        decipher_only=False,
    )


def _context(leaf: Leaf, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # the library reads files only: a fresh one that nobody else may read, gone as soon as it was read
    with NamedTemporaryFile(dir=folder, prefix=".leaf-", delete=False) as file:
        path = Path(file.name)
        try:
            file.write(leaf.key.reveal() + leaf.chain)
            file.close()
            context.load_cert_chain(path)
        finally:
            path.unlink()
    return context
