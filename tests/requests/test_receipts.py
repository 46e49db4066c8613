"""Receipts: one for every decision, in its transaction, signed as soon as the key is there, verified by anybody."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from podadmin.core.canon import canonical
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused
from podadmin.journal.records import Journal, all_entries
from podadmin.requests import receipts, service
from podadmin.requests.receipts import PREFIX, Signed
from podadmin.requests.records import receipt
from podadmin.requests.service import Captured, Opening, Terms
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
SCRIPT = Path(__file__).resolve().parents[2] / "resources" / "verify_receipt.py"


class Key:
    """A journal key that can be away."""

    fingerprint = "f1" * 32

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()
        self.signed = 0

    @property
    def public_raw(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def pem(self) -> str:
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, data: bytes) -> bytes:
        self.signed += 1
        return self.private.sign(data)


class Desk:
    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(NOW)
        self.store = Store.open(path, Journal(self.clock))

    def send(self, task: str, verdict: str = "hold", problem: PodadminError | None = None, **changes: Any) -> str:
        request_id = service.capture(
            self.store,
            self.clock,
            Captured("local", task, 2, "lab\u202e", b"wire", b"", "bd" * 32, self.clock.now(), 300.0, problem),
        )
        assert request_id is not None
        if problem is None:
            found = (
                "lab\u202e",
                "SQL",
                "patients",
                "study",
                "low",
                "verified",
                "ab" * 32,
                verdict,
                "request.x",
                "It may not.",
            )
            opening = Opening(*found, True, {}, "cd" * 32, **changes)
            service.record_opening(self.store, self.clock, request_id, opening)
        return request_id

    def told(self) -> list[dict[str, Any]]:
        with self.store.read() as connection:
            return [json.loads(each) for each in connection.execute(select(receipt.c.document)).scalars()]

    def entries(self) -> dict[int, Any]:
        with self.store.read() as connection:
            return {entry.seq: entry for entry in all_entries(connection)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "podadmin.db")
    yield made
    made.store.close()


# --- what gets one ---------------------------------------------------------------------------------------------------


def test_every_decision_has_a_receipt_that_names_its_entry_with_its_hash(desk: Desk) -> None:
    approved = desk.send("t1")
    service.approve(desk.store, desk.clock, approved, "anna", "a note for the house", 30, Terms(2))
    refused = desk.send("t2")
    service.refuse(desk.store, desk.clock, refused, "anna", "Not before the board has met.")
    desk.send("t3", "refuse")
    desk.send("t4", "refuse", rule="rul_1@2")
    desk.send("t5", problem=BadInput("request.too-big", "Too big.", "Too many bytes.", "Smaller."))
    desk.send("t6", "allow", rule="rul_2@1")
    late = desk.send("t7")
    desk.clock.advance(301)
    service.lapse_due(desk.store, desk.clock)
    service.approve(desk.store, desk.clock, late, "anna", "", 30)
    told = desk.told()
    assert [(each["act"], each["by"]) for each in told] == [
        ("approved", "anna"),
        ("grant-made", "anna"),
        ("refused", "anna"),
        ("refused", "the gate's own checks"),
        ("refused", "the rule rul_1@2"),
        ("refused", "the gate's own checks"),
        ("approved", "rule"),
        ("held", "gate"),
        ("approved", "anna"),
        ("grant-made", "anna"),
    ]
    entries = desk.entries()
    about = {
        "approved": "request.approved",
        "grant-made": "grant.made",
        "refused": "request.refused",
        "held": "request.lapsed",
    }
    for each in told:
        entry = entries[each["journal"]["entry"]]
        assert entry.hash == each["journal"]["hash"]
        assert entry.act == about[each["act"]] or each["reason"] == "Too big."
        assert each["format"] == "podadmin.receipt/1"
        assert each["request"]["requester"] == "lab<U+202E>"
    made = [entry for entry in entries.values() if entry.act == "receipt.made"]
    assert len(made) == len(told)
    assert "a note for the house" not in json.dumps(told[0])
    assert told[2]["reason"] == "Not before the board has met."
    assert (told[4]["rule"], told[6]["rule"]) == ("rul_1@2", "rul_2@1")
    assert told[1]["until"] == "2026-12-21T03:00:00.000000Z"
    assert told[7]["hold"].startswith("H-")
    assert len({each["reference"] for each in told}) == len(told)


def test_a_decision_that_fails_leaves_no_receipt(desk: Desk) -> None:
    request_id = desk.send("t1")
    with pytest.raises(Refused):
        service.refuse(desk.store, desk.clock, request_id, "anna", " ")
    service.refuse(desk.store, desk.clock, request_id, "anna", "No.")
    with pytest.raises(Refused):
        service.approve(desk.store, desk.clock, request_id, "anna", "", 30)
    assert [each["act"] for each in desk.told()] == ["refused"]


def test_a_receipt_for_what_the_unit_does_not_record_is_a_defect(desk: Desk) -> None:
    named = r"\('request.y', 's'\)"
    with pytest.raises(RuntimeError, match=named), desk.store.record(Fact("a", "request.x", "s")) as unit:
        receipts.issue(unit, desk.clock, "approved", ("request.y", "s"), {})
    assert desk.told() == []


# --- signed ----------------------------------------------------------------------------------------------------------


def test_what_was_decided_while_the_key_was_locked_is_signed_later_and_once(desk: Desk) -> None:
    for n in range(3):
        service.refuse(desk.store, desk.clock, desk.send(f"t{n}"), "anna", "No.")
    rows, unsigned = receipts.listing(desk.store, about="", limit=10, before=0)
    assert unsigned == 3
    with pytest.raises(Refused) as caught:
        receipts.signed_of(rows[0][0]).as_file()
    assert caught.value.code == "receipt.not-signed"
    key = Key()
    assert receipts.sign_due(desk.store, key) == 3
    assert receipts.sign_due(desk.store, key) == 0
    assert key.signed == 3
    rows, unsigned = receipts.listing(desk.store, about="", limit=10, before=0)
    assert unsigned == 0
    assert all(receipts.right(receipts.signed_of(row), key.public_raw) for row, _ in rows)
    assert {row.key for row, _ in rows} == {key.fingerprint}
    signed = [json.loads(entry.body) for entry in desk.entries().values() if entry.act == "receipt.signed"]
    assert signed == [
        {"receipts": 3, "first": rows[2][0].reference, "last": rows[0][0].reference, "key": key.fingerprint}
    ]


def test_a_key_that_locks_half_way_signs_nothing_wrong(desk: Desk) -> None:
    service.refuse(desk.store, desk.clock, desk.send("t1"), "anna", "No.")

    class Locked(Key):
        def sign(self, data: bytes) -> bytes:
            raise Refused("vault.locked", "It is locked.", "It is.", "Unlock it.")

    with pytest.raises(Refused):
        receipts.sign_due(desk.store, Locked())
    assert receipts.sign_due(desk.store, Key()) == 1


def test_many_are_signed_in_portions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who decides something, or closes podadmin, waits for one portion and not for all."""
    monkeypatch.setattr(receipts, "AT_ONCE", 2)
    for n in range(5):
        desk.send(f"t{n}", "refuse")
    key = Key()
    assert [receipts.sign_due(desk.store, key) for _ in range(4)] == [2, 2, 1, 0]
    assert [entry.act for entry in desk.entries().values()].count("receipt.signed") == 3


# --- found -----------------------------------------------------------------------------------------------------------


def test_receipts_are_found_by_reference_request_and_grant(desk: Desk) -> None:
    request_id = desk.send("t1")
    service.approve(desk.store, desk.clock, request_id, "anna", "", 30, Terms())
    desk.send("t2", "refuse")
    rows, _ = receipts.listing(desk.store, about=request_id, limit=10, before=0)
    assert [row.act for row, _ in rows] == ["grant-made", "approved"]
    assert [source.id for _, source in rows if source is not None] == [request_id, request_id]
    grant_id = rows[0][0].grant_id
    assert [row.act for row, _ in receipts.listing(desk.store, about=grant_id, limit=10, before=0)[0]] == ["grant-made"]
    reference = rows[1][0].reference
    (found,), _ = receipts.listing(desk.store, about=reference.lower(), limit=10, before=0)
    assert found[0].reference == reference
    assert receipts.find(desk.store, f" {reference.lower()} ").act == "approved"
    assert receipts.references_of(desk.store, request_id) == (reference, rows[0][0].reference)
    first, _ = receipts.listing(desk.store, about="", limit=2, before=0)
    rest, _ = receipts.listing(desk.store, about="", limit=2, before=first[-1][0].number)
    assert [row.number for row, _ in (*first, *rest)] == [3, 2, 1]
    with pytest.raises(NotFound) as caught:
        receipts.find(desk.store, "R-0000-0000")
    assert caught.value.code == "receipt.unknown"


def test_the_receipts_of_a_request_are_listed_oldest_first_and_at_most_fifty(desk: Desk) -> None:
    came = desk.send("t1")
    row = service.find(desk.store, came).row
    made = []
    for number in range(52):
        with desk.store.record(Fact("gate", "receipt.tried", str(number))) as unit:
            made.append(receipts.issue(unit, desk.clock, "approved", ("receipt.tried", str(number)), {"request": row}))
    assert receipts.references_of(desk.store, came) == tuple(made[:50])


# --- verified --------------------------------------------------------------------------------------------------------


def exported(desk: Desk, key: Key, folder: Path) -> tuple[Path, Path]:
    service.refuse(desk.store, desk.clock, desk.send("t1"), "anna", "Nö: “no”\n\u2028.")
    receipts.sign_due(desk.store, key)
    (row, _), *_ = receipts.listing(desk.store, about="", limit=1, before=0)[0]
    file, public = folder / "receipt.json", folder / "key.pem"
    file.write_text(receipts.signed_of(row).as_file(), encoding="utf-8")
    public.write_text(key.pem, encoding="ascii")
    return file, public


def script(*arguments: Path) -> subprocess.CompletedProcess[str]:
    """The verifier as a requester runs it: nothing of this project can be imported."""
    command = [sys.executable, "-I", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd="/", check=False)


def test_the_script_of_requesters_stands_alone_and_is_short() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert "import podadmin" not in text
    assert "from podadmin" not in text


def test_a_receipt_is_verified_without_podadmin(desk: Desk, tmp_path: Path) -> None:
    key = Key()
    file, public = exported(desk, key, tmp_path)
    done = script(file, public)
    assert (done.returncode, done.stderr) == (0, "")
    assert "VERIFIED" in done.stdout
    assert "NOT" not in done.stdout
    assert "Nö" in done.stdout
    assert "\u2028" not in done.stdout
    signed = receipts.read_file(file.read_text(encoding="utf-8"))
    assert receipts.right(signed, key.public_raw)
    assert signed.facts["by"] == "anna"
    assert signed.key == key.fingerprint


def test_the_script_says_what_it_cannot_verify(desk: Desk, tmp_path: Path) -> None:
    file, public = exported(desk, Key(), tmp_path)
    other = tmp_path / "other.pem"
    other.write_text(Key().pem, encoding="ascii")
    assert script(file, other).returncode == 1
    assert "NOT VERIFIED" in script(file, other).stdout
    assert script(file).returncode == 2
    assert script(tmp_path / "none", public).returncode == 2
    assert script(public, public).returncode == 2
    assert script(file, file).returncode == 2


@pytest.fixture(scope="session")
def one() -> tuple[Key, dict[str, Any]]:
    key = Key()
    facts = {"format": receipts.FORMAT, "reference": "R-1", "by": "anna", "runs": 2, "list": [1, {"a": None}]}
    signature = key.sign(PREFIX + canonical(facts).encode()).hex()
    return key, {"receipt": facts, "signature": signature, "key": key.fingerprint}


def test_what_was_signed_is_right(one: tuple[Key, dict[str, Any]]) -> None:
    key, kept = one
    assert receipts.right(receipts.read_file(json.dumps(kept, indent=3)), key.public_raw)


@given(data=st.data())
def test_no_change_of_a_receipt_is_right(one: tuple[Key, dict[str, Any]], data: st.DataObject) -> None:
    key, kept = one
    text = json.dumps(kept)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(codec="utf-8")) + text[place + data.draw(st.integers(0, 2)) :]
    try:
        signed = receipts.read_file(changed)
    except BadInput:
        return
    same = signed.facts == kept["receipt"] and bytes.fromhex(kept["signature"]) == _hex(signed.signature)
    assert receipts.right(signed, key.public_raw) == same


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"receipt":{}}',
        '{"receipt":{"format":"podadmin.receipt/1"},"signature":"","key":""}',
        '{"receipt":{"format":"podadmin.receipt/2","reference":"R"},"signature":"","key":""}',
        '{"receipt":{"format":"podadmin.receipt/1","reference":1},"signature":"","key":""}',
        '{"receipt":{"format":"podadmin.receipt/1","reference":"R"},"signature":1,"key":""}',
        '{"receipt":{"format":"podadmin.receipt/1","reference":"R"},"signature":"","key":1}',
        '{"receipt":{"format":"podadmin.receipt/1","reference":"R","a":NaN},"signature":"","key":""}',
        '{"receipt":{"format":"podadmin.receipt/1","reference":"\\ud800"},"signature":"","key":""}',
        '{"receipt":["format"],"signature":"","key":""}',
        "[" * 100_000,
    ],
)
def test_what_is_no_receipt_is_said_so(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        receipts.read_file(text)
    assert caught.value.code == "receipt.unreadable"


@pytest.mark.parametrize(
    ("signature", "public"), [("", b"k" * 32), ("zz", b"k" * 32), ("00" * 64, b""), ("00", b"x" * 32)]
)
def test_what_is_no_signature_or_no_key_is_wrong(signature: str, public: bytes) -> None:
    assert not receipts.right(Signed("{}", signature, ""), public)


def test_what_another_process_has_signed_meanwhile_keeps_its_signature(desk: Desk) -> None:
    class Slow(Key):
        """While this one signs, somebody else does."""

        fingerprint = "f2" * 32

        def sign(self, data: bytes) -> bytes:
            receipts.sign_due(desk.store, quick)
            return super().sign(data)

    quick = Key()
    service.refuse(desk.store, desk.clock, desk.send("t1"), "anna", "Not before the board has met.")
    receipts.sign_due(desk.store, Slow())
    with desk.store.read() as connection:
        (row,) = connection.execute(select(receipt)).all()
    assert row.key == quick.fingerprint
    assert receipts.right(receipts.signed_of(row), quick.public_raw)
