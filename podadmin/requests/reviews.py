"""Votes of reviewers: what is signed, how it stays blind until all are in, and what the votes together say.

A vote is signed with the reviewer's own key and sealed to a key that only the pod's vault can make again: neither the
database nor a file that is passed on holds it in readable form before all votes are in. The key follows from the
journal key (its signature over a text that is signed for nothing else), so that there is no further secret to keep.
Pure functions over keys that are handed in: what is stored is the business of `review_moves`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput, Refused, Tampered

VOTE_FORMAT: Final = "podadmin.vote/1"
ASK_FORMAT: Final = "podadmin.review/1"
BOX_FORMAT: Final = "podadmin.sealed-vote/1"
LARGEST_FILE: Final = 8 * 1024 * 1024
_VOTE_PREFIX: Final = b"podadmin vote 1\n"
_ASK_PREFIX: Final = b"podadmin review 1\n"
_BLIND_PREFIX: Final = b"podadmin blind votes 1\n"
_NO_NONCE: Final = bytes(12)
"""Each box has a key of its own, from an exchange with a key that is thrown away: its nonce need not differ."""


class Signs(Protocol):
    """The handle of an Ed25519 key."""

    @property
    def key_id(self) -> str: ...

    @property
    def public_raw(self) -> bytes: ...

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Subject:
    """What is reviewed: one request in one round. `nonce` is new for each round."""

    request_id: str
    fingerprint: str
    nonce: str


@dataclass(frozen=True)
class Vote:
    """What a reviewer says. `verdict`: allow | refuse. `salt` keeps the digest of the vote from being guessed."""

    subject: Subject
    reviewer_key: str
    verdict: str
    reason: str
    salt: str
    at: str

    def document(self) -> str:
        return canonical(
            {
                "format": VOTE_FORMAT,
                "request": self.subject.request_id,
                "fingerprint": self.subject.fingerprint,
                "nonce": self.subject.nonce,
                "reviewer_key": self.reviewer_key,
                "verdict": self.verdict,
                "reason": self.reason,
                "salt": self.salt,
                "at": self.at,
            }
        )


@dataclass(frozen=True)
class SignedVote:
    document: str
    signature: str

    @property
    def digest(self) -> str:
        """SHA-256 of the signed vote: what the journal holds of it while it is blind."""
        return hashlib.sha256(f"{self.document}\n{self.signature}".encode()).hexdigest()


def check_vote(verdict: str, reason: str) -> None:
    """Raises BadInput (`review.bad-vote`)."""
    if verdict not in {"allow", "refuse"}:
        raise BadInput("review.bad-vote", "The vote was not cast.", "It has to be allow or refuse.", "Choose one.")
    if verdict == "refuse" and not reason.strip():
        raise BadInput(
            "review.bad-vote",
            "The vote was not cast.",
            "Saying no needs a reason: the other reviewers and the custodian read it once all votes are in.",
            "Write one sentence that says why.",
        )


def sign_vote(vote: Vote, signer: Signs) -> SignedVote:
    """The vote under the reviewer's signature. Raises what opening the key raises."""
    document = vote.document()
    return SignedVote(document, signer.sign(_VOTE_PREFIX + document.encode()).hex())


def read_vote(signed: SignedVote, subject: Subject) -> Vote:
    """A vote on exactly this subject.

    Raises Tampered (`review.vote-forged`) where the signature is not the one of the reviewer whom it names, and
    Refused (`review.other-request`) where it was cast about another request or in another round.
    """
    try:
        told = json.loads(signed.document)
        vote = Vote(
            Subject(told["request"], told["fingerprint"], told["nonce"]),
            told["reviewer_key"],
            told["verdict"],
            told["reason"],
            told["salt"],
            told["at"],
        )
        text = all(isinstance(each, str) for each in told.values())
        same = text and told["format"] == VOTE_FORMAT and vote.document() == signed.document
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(vote.reviewer_key))
        key.verify(bytes.fromhex(signed.signature), _VOTE_PREFIX + signed.document.encode())
    except (ValueError, KeyError, TypeError, InvalidSignature, RecursionError):
        raise _forged() from None
    if not same:
        raise _forged()
    if vote.subject != subject:
        raise Refused(
            "review.other-request",
            "The vote was not counted.",
            "It was cast about another request, or in an earlier round about this one.",
            "Have the reviewer vote on the request for review that was exported last.",
        )
    return vote


def blind_key(signer: Signs, subject: Subject) -> X25519PrivateKey:
    """The key to which the votes on a subject are sealed; the same whenever it is asked for."""
    secret = signer.sign(_BLIND_PREFIX + canonical([subject.request_id, subject.nonce]).encode())
    seed = HKDF(hashes.SHA256(), 32, None, _BLIND_PREFIX).derive(secret)
    return X25519PrivateKey.from_private_bytes(seed)


def public_hex(key: X25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def seal_vote(signed: SignedVote, to: str, key_id: str) -> str:
    """The vote as only the vault opens it: to the public key `to` (hex) that follows from the key `key_id`."""
    once = X25519PrivateKey.generate()
    try:
        shared = once.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(to)))
    except ValueError:
        raise _unreadable() from None
    head = {"format": BOX_FORMAT, "key": key_id, "to": to, "once": public_hex(once)}
    text = canonical([signed.document, signed.signature])
    box = AESGCM(_box_key(shared, head)).encrypt(_NO_NONCE, text.encode(), canonical(head).encode())
    return canonical({**head, "box": box.hex()})


def key_of_box(sealed: str) -> str:
    """Which journal key a sealed vote needs. Raises BadInput (`review.unreadable`)."""
    return str(_box(sealed)["key"])


def open_vote(sealed: str, key: X25519PrivateKey) -> SignedVote:
    """Open a sealed vote. Raises BadInput (`review.unreadable`), Tampered (`review.vote-forged`)."""
    told = _box(sealed)
    head = {name: told[name] for name in ("format", "key", "to", "once")}
    try:
        shared = key.exchange(X25519PublicKey.from_public_bytes(bytes.fromhex(told["once"])))
        text = AESGCM(_box_key(shared, head)).decrypt(_NO_NONCE, bytes.fromhex(told["box"]), canonical(head).encode())
        document, signature = json.loads(text)
    except (ValueError, TypeError, InvalidTag, RecursionError):
        raise _forged() from None
    return SignedVote(str(document), str(signature))


def _box_key(shared: bytes, head: Mapping[str, str]) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, canonical(head).encode()).derive(shared)


def _box(sealed: str) -> dict[str, str]:
    names = {"format", "key", "to", "once", "box"}
    try:
        told = json.loads(sealed)
    except (ValueError, RecursionError):
        raise _unreadable() from None
    whole = isinstance(told, dict) and set(told) == names and all(isinstance(each, str) for each in told.values())
    if not whole or told["format"] != BOX_FORMAT:
        raise _unreadable()
    return {name: str(told[name]) for name in names}


def ask_file(facts: Mapping[str, Any], signer: Signs) -> str:
    """A request for review as a file, signed by the pod that asks."""
    document = canonical({"format": ASK_FORMAT, **facts})
    signature = signer.sign(_ASK_PREFIX + document.encode()).hex()
    return canonical({"ask": document, "signature": signature, "pod_key": signer.public_raw.hex()}) + "\n"


def read_ask(text: str) -> tuple[dict[str, Any], str]:
    """What a request for review asks, and the public key (hex) of the pod that signed it.

    Raises BadInput (`review.unreadable`), Tampered (`review.ask-forged`). Whether that key is the right pod's is for
    the reviewer to compare.
    """
    try:
        told = json.loads(text)
        document, pod_key = str(told["ask"]), str(told["pod_key"])
        ask = json.loads(document)
        subject_of(ask)
        texts = (ask["seal_to"], ask["key"], ask["why"], ask["asked_at"])
        maps = (ask["request"], ask["effects"], ask["protocol"])
        sound = all(isinstance(each, str) for each in texts) and all(isinstance(each, dict) for each in maps)
        sound = sound and ask["format"] == ASK_FORMAT and type(ask["needed"]) is int and canonical(ask) == document
        signed = _ASK_PREFIX + document.encode()
        key, signature = Ed25519PublicKey.from_public_bytes(bytes.fromhex(pod_key)), bytes.fromhex(told["signature"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unreadable() from None
    if not sound:
        raise _unreadable()
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        raise Tampered(
            "review.ask-forged",
            "The request for review is not what the pod signed.",
            "The file was changed after it was exported.",
            "Ask for it again.",
        ) from None
    return ask, pod_key


def subject_of(ask: Mapping[str, Any]) -> Subject:
    """What a request for review is about. Raises KeyError."""
    return Subject(str(ask["request"]["id"]), str(ask["request"]["fingerprint"]), str(ask["nonce"]))


def outcome(verdicts: Sequence[str], needed: int) -> str:
    """What the votes say: empty while too few are in, `allow` where all say so, else `refuse`."""
    if len(verdicts) < max(needed, 1):
        return ""
    return "allow" if all(each == "allow" for each in verdicts) else "refuse"


def _forged() -> Tampered:
    return Tampered(
        "review.vote-forged",
        "The vote was not counted.",
        "It is not what the reviewer signed, or it was sealed for another review.",
        "Ask the reviewer whether they cast it, and have it cast again.",
    )


def _unreadable() -> BadInput:
    return BadInput(
        "review.unreadable",
        "The file is not part of a review.",
        "It does not have the form of one, or it has one of a version that is not known here.",
        "Ask for the file again as it was exported.",
    )
