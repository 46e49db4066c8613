"""Opening and verifying one request, as the gate does, beside the bare cryptography that it cannot do without.

Bare: one RSA-4096 block, the AES-GCM of the rest, one signature of an RSA-4096 key, with keys that are loaded. Ours:
the body as it comes from the network, through the vault's handle, to a verified request: unpacked within its bounds,
opened, the requester's key read, the signature checked, and everything judged. The two take turns in one process.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from podadmin.core.clock import SystemClock
from podadmin.journal.records import Journal
from podadmin.networks.bitfount import codec, crypto
from podadmin.networks.bitfount.job_request import check_signature, open_job_request, seal_job_request
from podadmin.requests.envelope import Claims, Opened, Unverified, judge
from podadmin.store.engine import Store
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.forms import public_forms
from podadmin.vault.model import Purpose
from podadmin.vault.service import Vault
from tests.benchmarks.decide_many import PROTOCOL
from tests.benchmarks.figures import in_turns

ROUNDS, WARM = 60, 5
POD: Final = "clinic/patients"
LONG: Final = " ".join(hashlib.sha256(str(place).encode()).hexdigest() for place in range(40))
"""So long that it cannot be in the RSA block itself, as every real protocol is."""


class _Signer:
    def __init__(self, private: RSAPrivateKey) -> None:
        self.private = private

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data, crypto.pss(), hashes.SHA256())


def run(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """One figure in ms: ours beside the bare cryptography; the bound of the ratio is 2."""
    requester = generate_private_key(public_exponent=65537, key_size=4096)
    public = requester.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "podadmin.db", Journal(clock))
        keyring = MemoryKeyring()
        vault = Vault(Path(folder), keyring, store, clock)
        vault.unlock()
        made = vault.create(Purpose.POD, "anna")
        body = seal_job_request(
            protocol={**PROTOCOL, "description": LONG},
            pod_identifiers=[POD],
            session_key=codec.new_session_key(),
            pod_public=made.public_ssh,
            signer=_Signer(requester),
            project_id="study-7",
            key_id="key-1",
        )
        private = load_der_private_key(vault.private(made).reveal(), None)
        assert isinstance(private, RSAPrivateKey)
        first = open_job_request(body, vault.pod_key(), None)
        assert first.signature is not None
        bare, ours = [], []
        for turn in range(rounds + WARM):
            began = perf_counter()
            _bare(private, requester.public_key(), first.encrypted_request, first.signature)
            between = perf_counter()
            _ours(vault, body, public)
            if turn >= WARM:
                bare.append(1000 * (between - began))
                ours.append(1000 * (perf_counter() - between))
        store.close()
    note = (
        f"median of {rounds} turns each, RSA-4096; the second figure is the bare cryptography, the bound of the ratio 2"
    )
    return [in_turns("opening and verifying one request", "ms", note, ours, bare)]


def _bare(private: RSAPrivateKey, public: RSAPublicKey, sealed: bytes, signature: bytes) -> None:
    once = private.decrypt(sealed[: crypto.BLOCK], crypto.oaep())
    rest = crypto.BLOCK + crypto.NONCE
    AESGCM(once).decrypt(sealed[crypto.BLOCK : rest], sealed[rest:], None)
    public.verify(signature, sealed, crypto.pss(), hashes.SHA256())


def _ours(vault: Vault, body: bytes, public: str) -> None:
    opened = open_job_request(body, vault.pod_key().once(), None)
    forms = public_forms(crypto.read_public_key(public))
    opened = check_signature(opened, forms.pem)
    outer = opened.outer
    verified = judge(
        Opened(
            network="bitfount",
            kind="job-request",
            task_id="task-1",
            pod_identifier=POD,
            pod_identifiers=opened.pod_identifiers,
            protocol=opened.protocol,
            claims=Unverified(
                Claims(
                    requester_name="research-lab",
                    project_id=outer.project_id,
                    auth_type=outer.auth_type,
                    key_id=outer.key_id,
                    requester_key_fingerprint=forms.fingerprint,
                    outer_protocol=dict(outer.serialized_protocol),
                    flags={},
                    has_flow_spec=outer.flow_spec_raw is not None,
                )
            ),
            signature=opened.signature_state,
            body_digest=hashlib.sha256(opened.encrypted_request).hexdigest(),
        )
    )
    assert verified.value.protocol
