"""A desk at which reviewers vote in few words: a real store, a clock that a test moves, and a key for everybody."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from podadmin.core.clock import ManualClock, stamp
from podadmin.journal.records import Journal, all_entries
from podadmin.requests import review_moves, reviews, service
from podadmin.requests.reviews import Vote
from podadmin.requests.service import Captured, Opening
from podadmin.requests.state import State
from podadmin.store.engine import Store
from podadmin.vault.model import public_forms
from tests.requests.desks import BODY, NOW


class Key:
    """A person's or the pod's Ed25519 key."""

    def __init__(self, name: str = "key_1") -> None:
        self.key_id = name
        self.private = Ed25519PrivateKey.generate()

    @property
    def public_raw(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def fingerprint(self) -> str:
        return public_forms(self.private.public_key()).fingerprint

    def sign(self, data: bytes) -> bytes:
        return self.private.sign(data)


class Desk:
    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(NOW)
        self.path = path
        self.store = Store.open(path, Journal(self.clock))
        self.journal = Key("key_journal")
        self.keys = {name: Key(f"key_{name}") for name in ("ben", "cleo", "dora")}

    def signer_of(self, key_id: str) -> Key:
        assert key_id == self.journal.key_id
        return self.journal

    def enrol(self, *names: str) -> None:
        for name in names:
            public = self.keys[name].public_raw.hex()
            review_moves.enrol(self.store, self.clock, "anna", name, public, "local", "")

    def send(self, task: str = "t1", votes: int = 2, sender: str = "lab", **changes: Any) -> str:
        request_id = service.capture(
            self.store,
            self.clock,
            Captured("local", task, 2, sender, task.encode(), b"body", BODY, self.clock.now(), 300.0),
        )
        assert request_id is not None
        given = {
            "requester": "lab",
            "task": "SQL",
            "datasource": "patients",
            "project": "study",
            "risk": "low",
            "verified": "verified",
            "fingerprint": "ab" * 32,
            "verdict": "hold",
            "code": "rule.held",
            "words": "Waiting",
            "answerable": True,
            "findings": {},
            "votes_needed": votes,
            "rule": "rul_1@1" if votes else "",
            "review_why": "A rule asks for it" if votes else "",
        }
        service.record_opening(self.store, self.clock, request_id, Opening(**{**given, **changes}))
        return request_id

    def cast(self, request_id: str, who: str, verdict: str = "allow", reason: str = "") -> review_moves.Standing:
        key, journal = self.keys[who], self.journal
        return review_moves.cast(self.store, self.clock, request_id, who, verdict, reason, key, journal, self.signer_of)

    def sealed(self, request_id: str, who: Key, verdict: Any = "allow", **changes: Any) -> str:
        """A vote as it comes as a file."""
        with self.store.read() as connection:
            subject = review_moves.subject_of(connection, request_id)
        subject = changes.pop("subject", subject)
        reason = changes.pop("reason", "because")
        vote = Vote(subject, who.public_raw.hex(), verdict, reason, "salt", stamp(NOW))
        to = reviews.public_hex(reviews.blind_key(self.journal, subject))
        return reviews.seal_vote(reviews.sign_vote(vote, changes.pop("by", who)), to, self.journal.key_id)

    def take(self, request_id: str, sealed: str) -> review_moves.Standing:
        return review_moves.take(self.store, self.clock, request_id, sealed, self.signer_of)

    def approve(self, request_id: str, actor: str = "anna") -> State:
        return service.approve(self.store, self.clock, request_id, actor, "", 30)

    def everything(self) -> str:
        """The whole database as a file says it, and every entry."""
        with closing(sqlite3.connect(self.path)) as connection:
            return "\n".join(connection.iterdump())

    def acts(self) -> list[str]:
        with self.store.read() as connection:
            return [entry.act for entry in all_entries(connection)]
