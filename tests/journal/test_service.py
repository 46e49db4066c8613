"""The journal as people use it: pages and searches, the anchor in the keyring, an export that proves itself."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from podadmin.core.clock import ManualClock
from podadmin.core.errors import Cancelled, NotFound, Tampered
from podadmin.core.progress import Progress, Step
from podadmin.journal import service
from podadmin.journal.records import last_entry
from podadmin.journal.search import Wanted, page
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

Write = Callable[[int], None]


class Place:
    """A place for one anchor."""

    def __init__(self) -> None:
        self.kept: bytes | None = None

    def put_anchor(self, value: bytes) -> None:
        self.kept = value

    def get_anchor(self) -> bytes | None:
        return self.kept


class Key:
    """A journal key."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)

    def verify(self, data: bytes, signature: bytes) -> bool:
        try:
            self._key.public_key().verify(signature, data)
        except InvalidSignature:
            return False
        return True


def test_an_anchor_is_the_signed_head_and_reads_back(store: Store, clock: ManualClock, write: Write) -> None:
    place, key = Place(), Key()
    assert service.anchor_head(store, place, key, clock) is None
    assert service.read_anchor(place, key) is None
    write(3)
    anchor = service.anchor_head(store, place, key, clock)
    with store.read() as connection:
        head = last_entry(connection)
    assert head is not None
    assert anchor is not None
    assert (anchor.seq, anchor.hash, anchor.at) == (3, head.hash, "2026-03-01T09:00:04.500000Z")
    assert service.read_anchor(place, key) == anchor
    write(2)
    assert service.verify(store, [anchor]) == service.Verification(5, None)


def test_an_anchor_of_a_journal_that_was_longer_is_found(store: Store, clock: ManualClock, write: Write) -> None:
    place, key = Place(), Key()
    write(4)
    anchor = service.anchor_head(store, place, key, clock)
    assert anchor is not None
    with store.record(Fact("x", "y", "z")) as unit:
        unit.connection.exec_driver_sql("DELETE FROM journal_entry WHERE seq > 2")
    found = service.verify(store, [anchor])
    assert found.broken is not None
    # the entry that was recorded now took the place of the third
    assert found.broken.seq == 4
    assert found.broken.why == "entry 4 is gone: the anchor in the keyring proves what was written"


@pytest.mark.parametrize(
    "forge",
    [
        lambda kept: b"",
        lambda kept: b"garbage",
        lambda kept: b"\xff\xfe",
        lambda kept: b"[]",
        lambda kept: b"null",
        lambda kept: b'{"head": 5, "signature": "00"}',
        lambda kept: kept.replace(b'\\"seq\\":3', b'\\"seq\\":2'),
        lambda kept: kept[:-3] + (b'1"}' if kept[-3:] == b'0"}' else b'0"}'),
        lambda kept: kept.replace(b'"signature":"', b'"signature":"zz'),
        lambda kept: json.dumps({**json.loads(kept), "signature": ""}).encode(),
        lambda kept: json.dumps({"head": json.loads(kept)["head"]}).encode(),
    ],
)
def test_an_anchor_that_this_pod_has_not_signed_is_refused(
    store: Store, clock: ManualClock, write: Write, forge: Callable[[bytes], bytes]
) -> None:
    place, key = Place(), Key()
    write(3)
    service.anchor_head(store, place, key, clock)
    assert place.kept is not None
    forged = forge(place.kept)
    assert forged != place.kept
    place.kept = forged
    with pytest.raises(Tampered) as caught:
        service.read_anchor(place, key)
    assert caught.value.code == "journal.anchor-forged"


def test_a_signed_text_that_is_no_anchor_is_refused() -> None:
    place, key = Place(), Key()
    for head in ("{}", "[]", '{"seq": 1}', '{"seq": "1", "hash": 2, "at": 3}', '{"seq": 1, "hash": "a", "at": "noon"}'):
        place.kept = json.dumps({"head": head, "signature": key.sign(head.encode()).hex()}).encode()
        with pytest.raises(Tampered):
            service.read_anchor(place, key)


def test_an_anchor_of_another_pod_is_refused(store: Store, clock: ManualClock, write: Write) -> None:
    place = Place()
    write(3)
    service.anchor_head(store, place, Key(), clock)
    with pytest.raises(Tampered):
        service.read_anchor(place, Key())


def test_verifying_tells_how_far_it_is_and_can_be_stopped(store: Store) -> None:
    with store.record(Fact("custodian", "request.held", "0")) as unit:
        for number in range(1, 12_500):
            unit.also(Fact("custodian", "request.held", str(number)))
    steps: list[Step] = []
    assert service.verify(store, (), Progress(steps.append)).entries == 12_500
    assert [step.what for step in steps] == ["Checking entry 5,000 of 12,500", "Checking entry 10,000 of 12,500"]
    assert steps[0].fraction == pytest.approx(5000 / 12_500)
    progress = Progress(lambda _step: progress.cancel())
    with pytest.raises(Cancelled):
        service.verify(store, (), progress)


def test_pages_go_back_from_the_newest_without_gaps(store: Store, write: Write) -> None:
    write(7)
    first = page(store, Wanted(), limit=3)
    second = page(store, Wanted(), limit=3, before=first.next_before or 0)
    third = page(store, Wanted(), limit=3, before=second.next_before or 0)
    assert first.total == 7
    assert [entry.seq for each in (first, second, third) for entry in each.entries] == [7, 6, 5, 4, 3, 2, 1]
    assert third.next_before is None


@pytest.mark.parametrize(
    ("search", "found"),
    [("req_0002", [3]), ("05", [6]), ("Prüfung", [7, 6, 5, 4, 3, 2]), ("nothing", []), ("%", []), ("req\\_", [])],
)
def test_a_search_is_for_the_text_as_it_is(store: Store, write: Write, search: str, found: list[int]) -> None:
    write(7)
    entries = page(store, Wanted(search), limit=50).entries
    assert [entry.seq for entry in entries] == found


def test_the_entry_with_the_number_that_is_looked_for_comes_first_and_once(store: Store, write: Write) -> None:
    write(7)
    first = page(store, Wanted("5"), limit=1)
    second = page(store, Wanted("5"), limit=1, before=first.next_before or 0)
    third = page(store, Wanted("5"), limit=1, before=second.next_before or 0)
    assert [[entry.seq for entry in each.entries] for each in (first, second, third)] == [[5], [6], []]
    assert third.next_before is None
    assert page(store, Wanted("5", kind="key"), limit=9).entries == ()
    assert [entry.seq for entry in page(store, Wanted("9" * 18), limit=9).entries] == []


def test_entries_are_found_by_number_by_subject_and_since(store: Store, write: Write) -> None:
    write(5)
    assert service.find(store, 2).subject == "req_0001"
    assert [entry.seq for entry in service.about(store, "req_0003")] == [4]
    assert [entry.seq for entry in service.since(store, 3)] == [4, 5]
    for seq in (0, 6, -1):
        with pytest.raises(NotFound) as caught:
            service.find(store, seq)
        assert caught.value.code == "journal.no-such-entry"
