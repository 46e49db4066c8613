"""Keys that the real software made are read and used here, and the keys made here were read and used by it.

The vectors were made with the real bitfount 13.0.0: `alice` and `_default` are its storage, `real-…` what it sealed and
signed, with its own keys and with those in `ours`. Every key in them was made for these tests and is used nowhere else.
"""

from __future__ import annotations

import base64
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.core.clock import ManualClock
from podadmin.core.secret import Secret
from podadmin.journal.records import Journal
from podadmin.networks.bitfount import crypto
from podadmin.store.engine import Store
from podadmin.vault.backends import MemoryKeyring
from podadmin.vault.clearing import remove_clear_file, seal_file
from podadmin.vault.forms import jwk, public_forms, read_public, thumbprint
from podadmin.vault.importing import left_behind, read_key_file, read_private
from podadmin.vault.model import Purpose
from podadmin.vault.service import Vault

VECTORS = Path(__file__).with_name("vectors") / "key-files"
POD = VECTORS / "alice" / "pods" / "clinic" / "pod_rsa.pem"
SMART = VECTORS / "_default" / "pods" / "_smart-backend"
EXPECTED: dict[str, Any] = json.loads((VECTORS / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def vault(tmp_path: Path) -> Any:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    store = Store.open(tmp_path / "podadmin.db", Journal(clock))
    vault = Vault(tmp_path / "keys", MemoryKeyring(), store, clock)
    vault.unlock()
    yield vault
    store.close()


def test_the_real_pods_key_is_taken_over_and_opens_what_the_real_software_sealed(vault: Vault) -> None:
    found = read_key_file(POD)
    assert (found.form, found.protected) == ("OpenSSH", False)
    info = vault.import_key(Purpose.POD, found.private, "custodian")
    assert info.public_ssh == POD.with_name("pod_rsa.pub.pem").read_text().strip()
    assert isinstance(found.private, RSAPrivateKey)
    key = vault.pod_key()
    small = (VECTORS / "real-sealed-small.bin").read_bytes()
    assert key.decrypt(small) == b"made by the real software"
    assert crypto.decrypt_with(key, (VECTORS / "real-sealed-large.bin").read_bytes()) == (
        b"made by the real software " * 100
    )


def ours(name: str) -> bytes:
    return (VECTORS / "ours" / name).read_bytes()


@pytest.mark.parametrize("form", ["openssh", "pem"])
def test_the_real_software_sealed_for_each_form_of_our_public_half(vault: Vault, form: str) -> None:
    """The stored forms are the ones that are exported today, byte for byte."""
    private = read_private(ours("private-pkcs8.pem")).private
    info = vault.import_key(Purpose.POD, private, "custodian")
    assert f"{info.public_ssh} key_OURS\n".encode() == ours("public-openssh.pub")
    assert info.public_pem.encode() == ours("public-pem.pub.pem")
    sealed = ours(f"real-sealed-for-public-{form}.bin")
    assert crypto.decrypt_with(vault.pod_key(), sealed) == b"for the key of podadmin " * 60


@pytest.mark.parametrize("form", ["openssh", "pkcs8"])
def test_the_real_software_read_our_private_files_and_signed_with_them(form: str) -> None:
    signature = ours(f"real-signature-by-private-{form}.bin")
    assert crypto.verify(ours("public-pem.pub.pem"), signature, b"signed by the real software")
    private = read_private(ours(f"private-{form}.pem")).private
    kept = {"openssh": PrivateFormat.OpenSSH, "pkcs8": PrivateFormat.PKCS8}[form]
    again = read_private(private.private_bytes(Encoding.PEM, kept, NoEncryption())).private
    assert public_forms(again.public_key()) == public_forms(read_public(ours("public-pem.pub.pem").decode()))


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_the_real_client_keys_are_taken_over_and_described_as_the_real_software_does(
    vault: Vault, algorithm: str
) -> None:
    found = read_private((SMART / f"{algorithm}_default_private.pem").read_bytes())
    info = vault.import_key(Purpose.EHR, found.private, "custodian", algorithm)
    signer = vault.assertion_signer(info.id)
    real = dict(EXPECTED[algorithm]["jwk"])
    assert (signer.algorithm, real.pop("kid")) == (algorithm, "default")
    assert {name: value for name, value in signer.jwk.items() if name in real} == real
    assert signer.kid == thumbprint(found.private.public_key())
    verifies(found.private, base64.b64decode(EXPECTED[algorithm]["signature"]))
    verifies(found.private, signer.sign(b"header.claims"))


@pytest.mark.parametrize(("algorithm", "file"), [("ES384", "es384"), ("RS384", "rs384")])
def test_the_real_software_signed_with_our_client_keys(algorithm: str, file: str) -> None:
    private = read_private(ours(f"{file}_private.pem")).private
    real = EXPECTED[f"ours-{algorithm}"]
    assert {name: real["jwk"][name] for name in jwk(private.public_key())} == jwk(private.public_key())
    verifies(private, base64.b64decode(real["signature"]))


def verifies(private: Any, signature: bytes) -> None:
    """Raises InvalidSignature where it does not."""
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if isinstance(private, EllipticCurvePrivateKey):
        half = len(signature) // 2
        der = encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        private.public_key().verify(der, b"header.claims", ec.ECDSA(hashes.SHA384()))
    else:
        private.public_key().verify(signature, b"header.claims", padding.PKCS1v15(), hashes.SHA384())


def test_what_lies_in_clear_beside_a_real_pod_is_told_sealed_and_removed(vault: Vault, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    for name in ("alice", "_default"):
        shutil.copytree(VECTORS / name, storage / name)
    key_file = storage / "alice" / "pods" / "clinic" / "pod_rsa.pem"
    left = left_behind(key_file)
    assert [each.path.relative_to(storage).as_posix() for each in left] == [
        "alice/pods/clinic/pod_rsa.pem",
        "alice/pods/clinic/compute_tls_key.pem",
        "alice/.token",
        "_default/pods/_smart-backend/ES384_default_private.pem",
        "_default/pods/_smart-backend/RS384_default_private.pem",
    ]
    assert not any(each.protected for each in left)
    assert "new identity" in left[0].without
    pod = vault.import_key(Purpose.POD, read_key_file(key_file).private, "custodian")
    kept = {each.path: each.path.read_bytes() for each in left}
    held = {path: seal_file(vault, path, "custodian") for path in kept}
    # the certificate's file holds the very same key: it needs no second copy
    assert list(held.values())[:2] == [pod.id, pod.id]
    for path, data in kept.items():
        remove_clear_file(vault, vault._store, path, "custodian")
        assert not path.exists()
        if held[path] != pod.id:
            assert vault.secret(held[path]) is not None
            assert vault.secret(held[path]).reveal() == data
    assert left_behind(key_file) == ()
    assert (
        vault.private(pod).reveal()
        == Secret(
            read_private(kept[key_file]).private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        ).reveal()
    )
