"""Key files in every form that OpenSSL and ssh-keygen write, and what is said about those that cannot be used."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as curve
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.vault.clearing import give_back, remove_clear_file, seal_file, sealed_as
from podadmin.vault.forms import public_forms
from podadmin.vault.importing import FoundKey, check_size, left_behind, read_key_file, read_private
from podadmin.vault.making import generate
from podadmin.vault.model import KeyKind, Purpose, SecretPurpose

Profile = Any
WORD = "a passphrase for a file"
tools = pytest.mark.skipif(
    shutil.which("openssl") is None or shutil.which("ssh-keygen") is None, reason="needs openssl and ssh-keygen"
)
RSA = generate_private_key(65537, 2048)
PKCS8 = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def code(act: Any, kind: type[PodadminError]) -> str:
    with pytest.raises(kind) as caught:
        act()
    assert WORD not in str(caught.value)
    return caught.value.code


def openssl(*words: str, given: bytes = PKCS8) -> bytes:
    environment = {**os.environ, "WORD": WORD}
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True, env=environment).stdout


def openssh(tmp_path: Path, word: str) -> bytes:
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_bytes(PKCS8)
    subprocess.run(["ssh-keygen", "-p", "-q", "-P", "", "-N", word, "-f", str(file)], check=True, capture_output=True)
    return file.read_bytes()


@tools
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("PKCS #8", ("pkcs8", "-topk8", "-nocrypt")),
        ("PKCS #8", ("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "env:WORD")),
        ("PKCS #8", ("pkcs8", "-topk8", "-scrypt", "-passout", "env:WORD")),
        ("PKCS #1", ("rsa", "-traditional")),
        ("PKCS #1", ("rsa", "-traditional", "-aes256", "-passout", "env:WORD")),
        ("PKCS #1", ("rsa", "-traditional", "-des3", "-passout", "env:WORD")),
    ],
)
def test_every_form_that_openssl_writes_is_read(form: str, words: tuple[str, ...]) -> None:
    data, protected = openssl(*words), "env:WORD" in words
    found = read_private(data, Secret(WORD))
    assert (found.form, found.protected) == (form, protected)
    assert public_forms(found.private.public_key()) == public_forms(RSA.public_key())
    assert repr(found) == f"FoundKey({form!r})"
    if protected:
        assert code(lambda: read_private(data), Unavailable) == "vault.import-passphrase-needed"
        assert code(lambda: read_private(data, Secret("wrong")), BadInput) == "vault.import-passphrase-wrong"


@tools
@pytest.mark.parametrize("word", ["", WORD])
def test_what_ssh_keygen_writes_is_read_with_and_without_a_passphrase(tmp_path: Path, word: str) -> None:
    data = openssh(tmp_path, word)
    found = read_private(data, Secret(WORD))
    assert (found.form, found.protected) == ("OpenSSH", bool(word))
    assert public_forms(found.private.public_key()) == public_forms(RSA.public_key())
    if word:
        assert code(lambda: read_private(data), Unavailable) == "vault.import-passphrase-needed"
        assert code(lambda: read_private(data, Secret("wrong")), BadInput) == "vault.import-passphrase-wrong"


@tools
def test_a_curve_key_of_old_tools_is_read() -> None:
    found = read_private(openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", given=b""))
    assert found.form == "SEC 1"
    assert isinstance(generate(KeyKind.P_384), type(found.private))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a key",
        PKCS8[:-200] + PKCS8[-100:],
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n!!!\n-----END OPENSSH PRIVATE KEY-----",
        b"-----BEGIN OPENSSH PRIVATE KEY-----",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAA\n-----END OPENSSH PRIVATE KEY-----",
        curve(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        public_forms(RSA.public_key()).pem.encode(),
    ],
    ids=["nothing", "text", "cut", "not base 64", "no end", "short", "another curve", "public half"],
)
def test_what_is_no_usable_private_key_is_said(data: bytes) -> None:
    assert code(lambda: read_private(data), BadInput) == "vault.not-a-private-key"


def storage(tmp_path: Path) -> Path:
    """A storage as the real software has it; gives the key file."""
    pod = tmp_path / "storage" / "alice" / "pods" / "clinic"
    pod.mkdir(parents=True)
    (pod / "pod_rsa.pem").write_bytes(PKCS8)
    (pod / "pod_rsa.pub.pem").write_text(public_forms(RSA.public_key()).ssh)
    return pod / "pod_rsa.pem"


def test_the_folder_of_a_pod_will_do_and_its_public_half_must_belong(tmp_path: Path) -> None:
    key_file = storage(tmp_path)
    assert read_key_file(key_file.parent).form == "PKCS #8"
    other = public_forms(generate_private_key(65537, 2048).public_key())
    key_file.with_name("pod_rsa.pub.pem").write_text(other.pem)
    assert code(lambda: read_key_file(key_file), Refused) == "vault.import-pair"
    key_file.with_name("pod_rsa.pub.pem").write_bytes(b"\xff\xfe")
    assert code(lambda: read_key_file(key_file), BadInput) == "vault.not-a-public-key"
    key_file.with_name("pod_rsa.pub.pem").unlink()
    assert read_key_file(key_file).private
    assert code(lambda: read_key_file(tmp_path / "nothing"), NotFound) == "vault.no-key-file"
    assert code(lambda: read_key_file(tmp_path), NotFound) == "vault.no-key-file"
    key_file.write_bytes(b"x" * 70_000)
    assert code(lambda: read_key_file(key_file), BadInput) == "vault.not-a-private-key"


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file = storage(tmp_path)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    assert code(lambda: read_key_file(key_file), Unavailable) == "vault.import-file"


def test_a_pod_takes_no_key_of_another_size() -> None:
    found = read_private(PKCS8)
    for purpose in (Purpose.POD, Purpose.EHR):
        assert code(lambda purpose=purpose: check_size(found, purpose), BadInput) == "vault.import-size"
    check_size(FoundKey(generate_private_key(65537, 3072), "PKCS #8", False), Purpose.EHR)
    ed25519 = generate(KeyKind.ED25519).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    check_size(read_private(ed25519), Purpose.REVIEWER)


def test_what_lies_beside_a_key_is_found_and_nothing_is_followed_or_touched(tmp_path: Path) -> None:
    key_file = storage(tmp_path)
    user = key_file.parents[2]
    files = {
        key_file.with_name("compute_tls_key.pem"): PKCS8,
        key_file.with_name(
            "other.key"
        ): b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
        key_file.with_name("notes.txt"): b"nothing",
        user / ".token": b"{}",
        user / "modeller_rsa.pem": PKCS8,
        user.parent / "_default" / "pods" / "_smart-backend" / "ES384_default_private.pem": PKCS8,
    }
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (key_file.parent / "link.pem").symlink_to(key_file)
    left = left_behind(key_file)
    assert [each.path.name for each in left] == [
        "pod_rsa.pem",
        "compute_tls_key.pem",
        "other.key",
        ".token",
        "modeller_rsa.pem",
        "ES384_default_private.pem",
    ]
    assert [each.protected for each in left] == [False, False, True, False, False, False]
    assert len({each.what for each in left}) == 6
    assert all(each.without for each in left)
    alone = tmp_path / "alone" / "key.pem"
    assert left_behind(alone) == ()


def test_files_that_vanish_or_cannot_be_read_while_one_looks_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file = storage(tmp_path)
    (key_file.parent / "gone.pem").write_bytes(PKCS8)
    (key_file.parent / "shut.pem").write_bytes(PKCS8)
    real_stat, real_open = Path.lstat, os.open
    read: list[str] = []

    def look(path: Path) -> os.stat_result:
        if path.name == "gone.pem":
            raise FileNotFoundError
        return real_stat(path)

    def opened(path: Path, flags: int) -> int:
        if path.name == "shut.pem" or path.name in read:
            raise PermissionError
        read.append(path.name)
        return real_open(path, flags)

    monkeypatch.setattr(Path, "lstat", look)
    monkeypatch.setattr(os, "open", opened)
    assert [each.path.name for each in left_behind(key_file)] == ["pod_rsa.pem"]


class TestClearing:
    """Sealed first, read back, and only then removed."""

    def test_a_file_is_removed_only_once_the_vault_holds_the_same(self, profile: Profile, tmp_path: Path) -> None:
        vault, file = profile.open(), tmp_path / ".token"
        file.write_bytes(b"the token")
        store = profile.stores[0]
        assert sealed_as(vault, file) == ""
        remove = lambda: remove_clear_file(vault, store, file, "custodian")  # noqa: E731
        assert code(remove, Refused) == "vault.clear-file-unsealed"
        held = seal_file(vault, file, "custodian")
        assert seal_file(vault, file, "custodian") == held == sealed_as(vault, file)
        file.write_bytes(b"another token")
        assert sealed_as(vault, file) == ""
        assert code(remove, Refused) == "vault.clear-file-unsealed"
        assert file.exists()
        again = seal_file(vault, file, "custodian")
        remove()
        assert not file.exists()
        assert sealed_as(vault, file) == ""
        assert profile.acts()[-1][1:] == ("file.removed", again, {"file": str(file)})
        assert code(remove, NotFound) == "vault.no-clear-file"
        give_back(vault, store, again, file, "custodian")
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"another token", 0o600)
        assert profile.acts()[-1][1] == "file.given-back"
        back = lambda: give_back(vault, store, again, file, "custodian")  # noqa: E731
        assert code(back, Refused) == "vault.clear-file-exists"
        far = lambda: give_back(vault, store, again, tmp_path / "no" / "x", "custodian")  # noqa: E731
        assert code(far, Unavailable) == "vault.clear-file"

    def test_a_key_of_this_pod_needs_no_second_copy(self, profile: Profile, tmp_path: Path) -> None:
        vault, file = profile.open(), tmp_path / "pod_rsa.pem"
        private = generate(KeyKind.ED25519)
        file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        assert sealed_as(vault, file) == ""
        info = vault.import_key(Purpose.REVIEWER, private, "custodian", "anna")
        assert seal_file(vault, file, "custodian") == info.id == sealed_as(vault, file)
        assert vault.secrets_kept() == ()

    def test_other_secrets_are_never_written_out(self, profile: Profile, tmp_path: Path) -> None:
        vault = profile.open()
        info = vault.put_secret(SecretPurpose.API_KEY, "hub", Secret(b"key"), "custodian")
        back = lambda: give_back(vault, profile.stores[0], info.id, tmp_path / "x", "custodian")  # noqa: E731
        assert code(back, Refused) == "vault.clear-file-odd"
        nobody = lambda: give_back(vault, profile.stores[0], "sec_NO", tmp_path / "x", "custodian")  # noqa: E731
        assert code(nobody, NotFound) == "vault.no-secret"

    def test_links_folders_and_odd_sizes_are_left_alone(self, profile: Profile, tmp_path: Path) -> None:
        vault = profile.open()
        (tmp_path / "file").write_bytes(b"x")
        (tmp_path / "link").symlink_to(tmp_path / "file")
        (tmp_path / "empty").touch()
        (tmp_path / "long").write_bytes(b"x" * 140_000)
        for name in ("link", "empty", "long", "."):
            assert code(lambda name=name: seal_file(vault, tmp_path / name, "c"), Refused) == "vault.clear-file-odd"
        assert vault.secrets_kept() == ()

    def test_a_file_that_changes_while_it_is_sealed_stays(
        self, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vault, file = profile.open(), tmp_path / ".token"
        file.write_bytes(b"one")
        real = vault.put_secret

        def meanwhile(*words: Any) -> Any:
            kept = real(*words)
            file.write_bytes(b"two")
            return kept

        monkeypatch.setattr(vault, "put_secret", meanwhile)
        assert code(lambda: seal_file(vault, file, "custodian"), Refused) == "vault.clear-file-changed"
        assert file.read_bytes() == b"two"

    def test_a_file_that_cannot_be_read_or_removed_is_said(
        self, profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vault, file = profile.open(), tmp_path / ".token"
        file.write_bytes(b"one")
        seal_file(vault, file, "custodian")

        def refused(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        remove = lambda: remove_clear_file(vault, profile.stores[0], file, "custodian")  # noqa: E731
        with monkeypatch.context() as shut:
            shut.setattr(Path, "unlink", refused)
            assert code(remove, Unavailable) == "vault.clear-file"
        with monkeypatch.context() as kept:
            kept.setattr(Path, "unlink", lambda _: None)
            assert code(remove, Refused) == "vault.clear-file-changed"
        with monkeypatch.context() as shut:
            shut.setattr(Path, "lstat", refused)
            assert code(lambda: seal_file(vault, file, "custodian"), Unavailable) == "vault.clear-file"
        assert file.read_bytes() == b"one"
