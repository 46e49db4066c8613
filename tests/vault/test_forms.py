"""Every exported form of a public key is what OpenSSL and ssh-keygen make of the same key, and what RFCs say."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from podadmin.core.errors import BadInput
from podadmin.vault.forms import jwk, jwks, public_forms, published_jwk, read_public, thumbprint
from podadmin.vault.importing import read_private
from podadmin.vault.making import generate
from podadmin.vault.model import KeyKind

openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
ssh_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
KEYS: dict[KeyKind, Any] = {}


@pytest.fixture(params=list(KeyKind), ids=lambda kind: kind.value)
def private(request: pytest.FixtureRequest) -> Any:
    """One key of each kind that podadmin makes, the same one for every story."""
    if request.param not in KEYS:
        KEYS[request.param] = generate(request.param)
    return KEYS[request.param]


def run(*words: str | Path, given: bytes = b"") -> bytes:
    return subprocess.run([str(word) for word in words], input=given, capture_output=True, check=True).stdout


@openssl
def test_openssl_reads_the_pem_form_and_finds_the_same_fingerprint(private: Any) -> None:
    forms = public_forms(private.public_key())
    der = run("openssl", "pkey", "-pubin", "-outform", "DER", given=forms.pem.encode())
    assert hashlib.sha256(der).hexdigest() == forms.fingerprint
    assert run("openssl", "pkey", "-pubin", given=forms.pem.encode()).decode() == forms.pem


@openssl
def test_openssl_derives_the_same_public_half_from_the_private_one(private: Any) -> None:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert run("openssl", "pkey", "-pubout", given=pem).decode() == public_forms(private.public_key()).pem


@ssh_keygen
def test_ssh_keygen_agrees_on_the_openssh_line(private: Any, tmp_path: Path) -> None:
    forms = public_forms(private.public_key())
    (tmp_path / "key.pub").write_text(f"{forms.ssh} key_1\n")
    shown = run("ssh-keygen", "-l", "-E", "sha256", "-f", tmp_path / "key.pub").decode()
    of_line = base64.b64encode(hashlib.sha256(base64.b64decode(forms.ssh.split()[1])).digest()).decode().rstrip("=")
    assert f"SHA256:{of_line} key_1" in shown
    file = tmp_path / "private"
    file.touch(0o600)
    file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    assert run("ssh-keygen", "-y", "-f", file).decode().split()[:2] == forms.ssh.split()


@ssh_keygen
def test_ssh_keygen_makes_the_pem_of_the_line_that_is_exported(private: Any, tmp_path: Path) -> None:
    forms = public_forms(private.public_key())
    if forms.ssh.startswith("ssh-ed25519"):
        pytest.skip("ssh-keygen writes no PEM of Ed25519 keys")
    (tmp_path / "key.pub").write_text(forms.ssh + "\n")
    made = run("ssh-keygen", "-e", "-m", "PKCS8", "-f", tmp_path / "key.pub").decode()
    assert public_forms(read_public(made)) == forms


@pytest.mark.parametrize("form", ["pem", "ssh"])
def test_what_is_exported_is_read_again(private: Any, form: str) -> None:
    forms = public_forms(private.public_key())
    assert public_forms(read_public(f"\n  {getattr(forms, form)}  ")) == forms


def test_the_thumbprint_is_that_of_the_example_in_rfc_7638() -> None:
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu"
        "6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a"
        "wapJzKnqDKgw"
    )
    key = RSAPublicNumbers(65537, int.from_bytes(base64.urlsafe_b64decode(n + "=="), "big")).public_key()
    assert jwk(key) == {"e": "AQAB", "kty": "RSA", "n": n}
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_an_ed25519_key_is_described_as_in_rfc_8037() -> None:
    raw = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    key = Ed25519PublicKey.from_public_bytes(raw)
    assert jwk(key) == {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_key_set_has_public_members_only_and_names_each_key_by_its_thumbprint(private: Any) -> None:
    algorithm = "ES384" if jwk(private.public_key())["kty"] == "EC" else "RSA-OAEP-256"
    (only,) = jwks([(private.public_key(), algorithm)])["keys"]
    assert only == published_jwk(private.public_key(), algorithm)
    assert only["kid"] == thumbprint(private.public_key())
    assert only["use"] == ("enc" if algorithm == "RSA-OAEP-256" else "sig")
    assert not {"d", "p", "q", "dp", "dq", "qi", "k", "oth"} & set(only)
    assert json.loads(json.dumps(only)) == only


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "ssh-rsa AAAA",
        "ssh-dss AAAAB3NzaC1kc3MAAACB",
        "x" * 20_000,
        generate_private_key(SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
    ids=["nothing", "words", "broken pem", "broken line", "dsa", "long", "another curve"],
)
def test_what_is_no_usable_public_key_is_said(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_public(text)
    assert caught.value.code == "vault.not-a-public-key"


def test_private_forms_that_are_written_elsewhere_give_the_same_forms(private: Any) -> None:
    forms = public_forms(private.public_key())
    for kept in (PrivateFormat.PKCS8, PrivateFormat.OpenSSH):
        found = read_private(private.private_bytes(Encoding.PEM, kept, NoEncryption()))
        assert public_forms(found.private.public_key()) == forms
