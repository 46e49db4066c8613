"""Receipts: what was decided, on what, by whom and until when, signed so that a requester can verify it offline.

A receipt is made in the transaction of its decision and names the journal entry that tells of it, with that entry's
hash. It is signed with the journal's Ed25519 key afterwards: a keyring that is locked then must neither hinder a
decision nor leave one without a signature for good, so a receipt is "not yet signed" until the next signing finds it.

The signature covers `PREFIX` and the receipt as canonical JSON in UTF-8. `resources/verify_receipt.py` verifies one
without podadmin.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Row, bindparam, func, insert, or_, select, update

from podadmin.core.canon import canonical
from podadmin.core.clock import Clock, new_reference, stamp
from podadmin.core.errors import BadInput, NotFound, Refused
from podadmin.core.text import stranger
from podadmin.journal.records import journal_entry
from podadmin.requests.records import receipt, request
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit

FORMAT: Final = "podadmin.receipt/1"
PREFIX: Final = b"podadmin receipt 1\n"
GATE: Final = "gate"
LARGEST_FILE: Final = 1024 * 1024
AT_ONCE: Final = 500
_INSERT: Final = insert(receipt)
_HASH: Final = select(journal_entry.c.hash).where(journal_entry.c.seq == bindparam("of"))


class Signs(Protocol):
    """The journal key's handle."""

    @property
    def fingerprint(self) -> str: ...

    def sign(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Signed:
    """A receipt as it is passed on. `signature` is hex, empty while it is not signed; `key` a fingerprint."""

    document: str
    signature: str
    key: str

    @property
    def facts(self) -> Mapping[str, Any]:
        facts: dict[str, Any] = json.loads(self.document)
        return facts

    def as_file(self) -> str:
        """The text of its file. Raises Refused (`receipt.not-signed`)."""
        if not self.signature:
            raise Refused(
                "receipt.not-signed",
                "The receipt was not exported.",
                "It is not signed yet: the key that signs receipts was locked when the decision was made.",
                "Unlock the keyring on the Keys page; waiting receipts are signed at once.",
            )
        return canonical({"receipt": self.facts, "signature": self.signature, "key": self.key}) + "\n"


def issue(unit: Unit, clock: Clock, act: str, about: tuple[str, str], facts: Mapping[str, Any]) -> str:
    """Make a receipt inside an open unit; returns its reference, `R-…`.

    `about` names the fact of this unit that tells of the decision by its act and subject. `facts` may have `request`
    (its row), `grant` (its id) and whatever else is to be told; no secret and no data.
    """
    reference = new_reference("R")
    made_at = stamp(clock.now())
    row = facts.get("request")
    document: dict[str, Any] = {"format": FORMAT, "reference": reference, "act": act, "at": made_at, **facts}
    if row is not None:
        document["request"] = request_facts(row)

    def close(entries: Sequence[int]) -> Iterator[Fact]:
        told_of = {(fact.act, fact.subject): number for number, fact in zip(entries, unit.facts, strict=True)}
        if about not in told_of:
            # a defect of the caller, said at once
            raise RuntimeError(f"a receipt names {about}, and the unit records no such fact")
        entry = told_of[about]
        head = unit.connection.execute(_HASH, {"of": entry}).scalar_one()
        document["journal"] = {"entry": entry, "hash": head}
        text = canonical(document)
        unit.execute(
            _INSERT,
            {
                "reference": reference,
                "act": act,
                "request_id": row.id if row is not None else "",
                "grant_id": str(facts.get("grant", "")),
                "document": text,
                "entry": entry,
                "made_at": made_at,
            },
        )
        yield Fact(
            GATE,
            "receipt.made",
            reference,
            {"entry": entry, "of": act, "sha256": hashlib.sha256(text.encode()).hexdigest()},
        )

    unit.once_recorded(close)
    return reference


def request_facts(row: Row[Any]) -> dict[str, str]:
    """What a receipt says of a request. Strangers' text stands there as it is shown."""
    return {
        "id": row.id,
        "network": row.network,
        "task": stranger(row.task_id),
        "requester": stranger(row.requester),
        "project": stranger(row.project),
        "datasource": stranger(row.datasource),
        "kind": stranger(row.task),
        "fingerprint": row.fingerprint,
        "sealed_sha256": row.sealed_digest or row.body_digest,
    }


def sign_due(store: Store, signer: Signs) -> int:
    """Sign the oldest receipts that are not signed yet, at most `AT_ONCE`; how many were.

    Raises what opening the key raises.
    """
    with store.read() as connection:
        due = connection.execute(
            select(receipt.c.number, receipt.c.reference, receipt.c.document)
            .where(receipt.c.signature == "")
            .order_by(receipt.c.number)
            .limit(AT_ONCE)
        ).all()
    if not due:
        return 0
    signatures = [(row.number, signer.sign(PREFIX + row.document.encode()).hex()) for row in due]
    body = {"receipts": len(due), "first": due[0].reference, "last": due[-1].reference, "key": signer.fingerprint}
    with store.record(Fact(GATE, "receipt.signed", due[0].reference, body)) as unit:
        for number, signature in signatures:
            # another process may have signed it meanwhile, with the same outcome: Ed25519 has one signature
            unit.execute(
                update(receipt)
                .where(receipt.c.number == number, receipt.c.signature == "")
                .values(signature=signature, key=signer.fingerprint)
            )
    return len(due)


def right(signed: Signed, public_raw: bytes) -> bool:
    """Is the signature the one of this public key (32 bytes) over this receipt?"""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_raw)
        key.verify(bytes.fromhex(signed.signature), PREFIX + signed.document.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def read_file(text: str) -> Signed:
    """A receipt from the text of its file. Raises BadInput (`receipt.unreadable`)."""
    try:
        kept = json.loads(text)
        signed = Signed(canonical(kept["receipt"]), kept["signature"], kept["key"])
        whole = all(isinstance(each, str) for each in (signed.signature, signed.key, signed.facts["reference"]))
        sound = whole and signed.facts["format"] == FORMAT and bool(signed.document.encode())
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise BadInput(
            "receipt.unreadable",
            "The file is not a receipt.",
            "It does not have the form of one, or it has one of a version that is not known here.",
            "Ask for the file again as it was exported.",
        )
    return signed


def find(store: Store, reference: str) -> Row[Any]:
    """A receipt by its reference. Raises NotFound (`receipt.unknown`)."""
    with store.read() as connection:
        row = connection.execute(select(receipt).where(receipt.c.reference == reference.strip().upper())).first()
    if row is None:
        raise NotFound(
            "receipt.unknown",
            "There is no such receipt.",
            "No receipt of this profile has this reference.",
            "List the receipts and use a reference from there.",
        )
    return row


def references_of(store: Store, request_id: str) -> tuple[str, ...]:
    """The references of a request's receipts, oldest first."""
    with store.read() as connection:
        wanted = select(receipt.c.reference).where(receipt.c.request_id == request_id).order_by(receipt.c.number)
        return tuple(connection.execute(wanted.limit(50)).scalars())


def listing(
    store: Store, *, about: str, limit: int, before: int
) -> tuple[tuple[tuple[Row[Any], Row[Any] | None], ...], int]:
    """Receipts, the newest first, each with its request; and how many are not signed.

    `about`: only those of this request, grant or reference. `before`: only those with a smaller number, 0 for all.
    """
    wanted = select(receipt).order_by(receipt.c.number.desc()).limit(limit)
    if about:
        same = (receipt.c.request_id == about, receipt.c.grant_id == about, receipt.c.reference == about.upper())
        wanted = wanted.where(or_(*same))
    if before:
        wanted = wanted.where(receipt.c.number < before)
    with store.read() as connection:
        rows = connection.execute(wanted).all()
        names = [row.request_id for row in rows if row.request_id]
        found = {row.id: row for row in connection.execute(select(request).where(request.c.id.in_(names)))}
        unsigned = connection.execute(
            select(func.count()).select_from(receipt).where(receipt.c.signature == "")
        ).scalar_one()
    return tuple((row, found.get(row.request_id)) for row in rows), int(unsigned)


def signed_of(row: Row[Any]) -> Signed:
    """The receipt in a row."""
    return Signed(row.document, row.signature, row.key)
