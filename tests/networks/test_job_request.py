"""A request opens for the right key, tells what was signed, and nothing that a stranger writes breaks the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, PodadminError, Tampered, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import codec, crypto
from podadmin.networks.bitfount.job_request import (
    OpenedJobRequest,
    check_signature,
    open_job_request,
    read_claims,
    seal_job_request,
)
from tests.spoilt import spoilt

SESSION = Secret(bytes(range(32)))
PROTOCOL = {
    "class_name": "bitfount.ResultsOnly",
    "algorithm": [{"class_name": "bitfount.SqlQuery", "query": "SELECT 1"}],
}
quick = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def state_or_failure(act: Callable[[], OpenedJobRequest]) -> str:
    """The state of the signature, or the code of our error; any other exception fails the test."""
    try:
        return act().signature_state
    except PodadminError as error:
        return error.code


STATES = {"good", "bad", "absent", "unknown-key"}


@pytest.fixture(scope="module")
def sealed(pod_key: Any, requester_key: Any) -> bytes:
    return seal_job_request(
        protocol=PROTOCOL,
        pod_identifiers=["custodian/diabetes"],
        session_key=SESSION,
        pod_public=pod_key.public,
        signer=requester_key,
        project_id="glaucoma-study",
        key_id="key_1",
        flags={"test_run": True},
    )


def test_what_a_requester_seals_the_pod_opens(sealed: bytes, pod_key: Any, requester_key: Any) -> None:
    opened = open_job_request(sealed, pod_key, requester_key.public.encode())
    assert opened.protocol == PROTOCOL
    assert opened.signature_state == "good"
    assert opened.outer.test_run
    assert opened.outer.force_rerun_failed_files
    assert not opened.outer.batched_execution
    assert opened.session_key.reveal() == SESSION.reveal()
    assert check_signature(opened, pod_key.public).signature_state == "bad"
    assert read_claims(sealed).key_id == "key_1"
    assert list(codec.unpack(sealed)) == [  # type: ignore[call-overload]  # the order of the real software
        "serialized_protocol", "auth_type", "request", "project_id", "run_on_new_data_only", "batched_execution",
        "key_id", "test_run", "force_rerun_failed_files", "enable_anonymized_tracker_upload",
        "requires_ehr_connection",
    ]  # fmt: skip


def respelt(sealed: bytes, **changes: object) -> bytes:
    """The same envelope with other fields; None takes a field out."""
    outer = codec.unpack(sealed)
    assert isinstance(outer, dict)
    outer |= changes
    return codec.pack({name: value for name, value in outer.items() if value is not None})


def parts(sealed: bytes) -> dict[str, bytes]:
    outer = codec.unpack(sealed)
    assert isinstance(outer, dict)
    inner = codec.unpack(outer["request"])
    assert isinstance(inner, dict)
    return inner


@quick
@given(st.data())
def test_no_change_of_a_single_byte_under_the_signature_verifies(
    sealed: bytes, pod_key: Any, requester_key: Any, data: st.DataObject
) -> None:
    inner = dict(parts(sealed))
    name = data.draw(st.sampled_from(sorted(inner)))
    changed = spoilt(inner[name], data.draw(st.integers(0, len(inner[name]) - 1)), data.draw(st.integers(1, 255)))
    body = respelt(sealed, request=codec.pack({**inner, name: changed}))
    found = state_or_failure(lambda: open_job_request(body, pod_key, requester_key.public.encode()))
    expected = {"bad"} if name == "signature" else {"envelope.not-for-this-key", "envelope.changed"}
    assert found in expected


@quick
@given(st.data())
def test_only_our_errors_escape_from_a_spoilt_envelope(sealed: bytes, pod_key: Any, data: st.DataObject) -> None:
    body = bytearray(sealed)
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    found = state_or_failure(lambda: open_job_request(bytes(body), pod_key, None))
    assert found in STATES or found.startswith("envelope.")


odd = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.floats() | st.text(max_size=5) | st.binary(max_size=600),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            ["serialized_protocol", "auth_type", "request", "project_id", "test_run", "flow_spec_raw", "supports_mps"]
        ),
        odd,
    )
)
def test_only_our_errors_escape_from_odd_envelopes(sealed: bytes, pod_key: Any, changes: dict[str, object]) -> None:
    found = state_or_failure(lambda: open_job_request(respelt(sealed, **changes), pod_key, None))
    assert found in STATES or found.startswith("envelope.")


@quick
@given(odd)
def test_only_our_errors_escape_from_odd_insides(sealed: bytes, pod_key: Any, inside: object) -> None:
    request = {"encrypted_request": crypto.encrypt_for(pod_key.public, codec.pack(inside))}
    with pytest.raises(BadInput) as caught:
        open_job_request(respelt(sealed, request=codec.pack(request)), pod_key, None)
    assert caught.value.code == "envelope.garbage"


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ({"aes_key": bytes(31)}, "session key"),
        ({"pod_identifiers": "custodian/diabetes"}, "list of pods"),
        ({"pod_identifiers": [1]}, "list of pods"),
        ({"serialized_protocol": [1]}, "protocol"),
        ({"serialized_protocol": {"x": b"bytes"}}, "cannot be shown"),
        ({"serialized_protocol": {"x": float("nan")}}, "cannot be shown"),
    ],
)
def test_what_is_wrong_inside_is_named(sealed: bytes, pod_key: Any, inside: dict[str, object], named: str) -> None:
    good = {"serialized_protocol": PROTOCOL, "pod_identifiers": ["a/b"], "aes_key": bytes(32)}
    request = {"encrypted_request": crypto.encrypt_for(pod_key.public, codec.pack({**good, **inside}))}
    with pytest.raises(BadInput) as caught:
        open_job_request(respelt(sealed, request=codec.pack(request)), pod_key, None)
    assert caught.value.code == "envelope.garbage"
    assert named in caught.value.why


def test_each_way_to_be_unreadable_has_its_code(sealed: bytes, pod_key: Any, requester_key: Any) -> None:
    inner = parts(sealed)

    def code(body: bytes, key: Any = pod_key) -> str:
        with pytest.raises(PodadminError) as caught:
            open_job_request(body, key, None)
        return caught.value.code

    assert code(b"") == "envelope.garbage"
    assert code(b"junk") == "envelope.garbage"
    assert code(sealed[:-5]) == "envelope.truncated"
    assert code(sealed + b"x") == "envelope.trailing"
    assert code(codec.pack([1])) == "envelope.garbage"
    assert code(respelt(sealed, auth_type=None)) == "envelope.garbage"
    assert code(respelt(sealed, request=b"junk")) == "envelope.garbage"
    assert code(respelt(sealed, request=codec.pack({"encrypted_request": bytes(511)}))) == "envelope.truncated"
    assert code(respelt(sealed, request=codec.pack({"encrypted_request": bytes(513)}))) == "envelope.truncated"
    assert code(respelt(sealed, padding=bytes(40_000_000))) == "envelope.too-big"
    assert code(bytes(17_000_000)) == "envelope.too-big"
    assert code(respelt(sealed, deep=[[[[[[[[0]]]]]]]], project_id=3)) == "envelope.garbage"
    assert code(sealed, requester_key) == "envelope.not-for-this-key"
    changed = spoilt(inner["encrypted_request"])
    assert code(respelt(sealed, request=codec.pack({"encrypted_request": changed}))) == "envelope.not-for-this-key"
    long = seal_job_request(
        protocol={**PROTOCOL, "padding": "x" * 1000 + "".join(map(chr, range(33, 500)))},
        pod_identifiers=["a/b"], session_key=SESSION, pod_public=pod_key.public,
    )  # fmt: skip
    encrypted = parts(long)["encrypted_request"]
    assert len(encrypted) > 512
    changed = spoilt(encrypted)
    assert code(respelt(long, request=codec.pack({"encrypted_request": changed}))) == "envelope.changed"
    assert open_job_request(long, pod_key, None).signature_state == "absent"
    assert read_claims(respelt(sealed, surprise=1)).unknown == ("surprise",)


def test_a_locked_key_is_said_to_be_locked(sealed: bytes) -> None:
    class Locked:
        def decrypt(self, block: bytes) -> bytes:
            raise Unavailable("vault.locked", "The keyring is locked.", "It is.", "Unlock it.")

    class Foreign:
        def __init__(self, code: str) -> None:
            self.code = code

        def decrypt(self, block: bytes) -> bytes:
            raise Tampered(self.code, "", "", "")

    for key, code in (
        (Locked(), "vault.locked"),
        (Foreign("vault.key-swapped"), "vault.key-swapped"),
        (Foreign("vault.cannot-decrypt"), "envelope.not-for-this-key"),
    ):
        with pytest.raises(PodadminError) as caught:
            open_job_request(sealed, key, None)
        assert caught.value.code == code


@pytest.mark.parametrize("size", [0, 1, 445, 446, 447, 5000])
def test_encryption_of_every_size_opens_and_has_the_known_length(pod_key: Any, size: int) -> None:
    plain = bytes(size)
    data = crypto.encrypt_for(pod_key.public, plain)
    assert len(data) == (512 if size <= 446 else 512 + 12 + size + 16)
    assert crypto.decrypt_with(pod_key, data) == plain


def test_odd_public_keys_are_refused(pod_key: Any) -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    usual = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    for key in (
        b"", b"ssh-rsa AAAA", b"-----BEGIN PUBLIC KEY-----", "ssh-ed25519 x", "x" * 20_000,
        small.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        curve.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ):  # fmt: skip
        with pytest.raises(BadInput) as caught:
            crypto.read_public_key(key)
        assert caught.value.code == "crypto.public-key"
    with pytest.raises(BadInput):
        crypto.encrypt_for(crypto.public_line(usual), b"x")
    assert crypto.read_public_key(crypto.public_pem(pod_key.public)).key_size == 4096


def test_a_flag_that_does_not_exist_is_an_error_of_the_caller(pod_key: Any) -> None:
    with pytest.raises(ValueError):
        seal_job_request(
            protocol=PROTOCOL, pod_identifiers=[], session_key=SESSION, pod_public=pod_key.public, flags={"x": True}
        )
