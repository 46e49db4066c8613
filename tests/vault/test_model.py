"""Keyring states say what to do; keys are shown in forms that other tools agree with."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from podadmin.vault.model import KeyKind, KeyringState, Purpose, public_forms
from podadmin.vault.words import WORDS, in_words

KEYS = {
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key(),
    "ed25519": ed25519.Ed25519PrivateKey.generate().public_key(),
}


def test_there_is_one_word_for_each_byte_and_none_is_mistaken_for_another() -> None:
    assert len(WORDS) == 256
    assert len({word[:4] for word in WORDS}) == 256
    assert all(word.isascii() and word.islower() and 2 < len(word) < 9 for word in WORDS)


def test_the_words_of_a_fingerprint_never_change() -> None:
    # printed on paper and pinned by others: a changed list would make every comparison fail
    assert (
        hashlib.sha256("\n".join(WORDS).encode()).hexdigest()
        == "efb39b0096f72d6871537e50425f9355a42a7ede1bdea087c496d85a97f995c4"
    )
    assert in_words(bytes([0, 1, 254, 255, 16, 32, 64])) == "acid-acorn-yogurt-zebra-atlas-bicycle"


@pytest.mark.parametrize("state", KeyringState)
def test_every_keyring_state_has_whole_sentences_and_a_next_step(state: KeyringState) -> None:
    assert state.words.endswith(".")
    assert state.next_step.endswith(".") or state is KeyringState.READY


def test_each_purpose_says_what_it_is_for_and_which_key_it_needs() -> None:
    assert {purpose.value: purpose.kind for purpose in Purpose} == {
        "pod": KeyKind.RSA_4096,
        "journal": KeyKind.ED25519,
        "reviewer": KeyKind.ED25519,
        "ehr": KeyKind.P_384,
    }
    assert all(purpose.words for purpose in Purpose)


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_ssh_keygen_reads_the_one_line_form_and_derives_it_from_the_pem(name: str, tmp_path: Path) -> None:
    forms = public_forms(KEYS[name])
    line, pem = tmp_path / "key.pub", tmp_path / "key.pem"
    line.write_text(forms.ssh + "\n")
    pem.write_text(forms.pem)
    listed = subprocess.run(["ssh-keygen", "-l", "-f", str(line)], capture_output=True, text=True, check=True).stdout
    assert listed.rstrip().endswith({"rsa": "(RSA)", "ed25519": "(ED25519)"}[name])
    if name == "rsa":  # ssh-keygen imports no Ed25519 key from PKCS #8
        imported = subprocess.run(
            ["ssh-keygen", "-i", "-m", "PKCS8", "-f", str(pem)], capture_output=True, text=True, check=True
        ).stdout
        assert imported.split()[:2] == forms.ssh.split()


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_computes_the_same_fingerprint(name: str, tmp_path: Path) -> None:
    forms = public_forms(KEYS[name])
    pem = tmp_path / "key.pem"
    pem.write_text(forms.pem)
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(pem), "-outform", "DER"], capture_output=True, check=True
    ).stdout
    digest = hashlib.sha256(der).digest()
    assert digest.hex() == forms.fingerprint
    assert in_words(digest) == forms.words
