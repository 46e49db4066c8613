"""The chain: every edit, removal, insertion, exchange and cut is found, and the first wrong entry is named."""

from __future__ import annotations

import hashlib
import json
from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.canon import canonical
from podadmin.core.clock import stamp
from podadmin.journal.chain import GENESIS, START, Anchor, Break, Entry, Head, first_break, hash_of, link, moment_of

TEXTS = st.text(max_size=8)
PARTS = st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
AT = stamp(datetime(2026, 3, 1, tzinfo=UTC))


def chain_of(parts: list[tuple[str, str, str, str, str]]) -> list[Entry]:
    entries: list[Entry] = []
    for each in parts:
        entries.append(link(entries[-1] if entries else None, *each))
    return entries


def anchor_at(entries: list[Entry], seq: int) -> Anchor:
    return Anchor(seq, entries[seq - 1].hash, AT)


CHAINS = st.lists(PARTS, min_size=1, max_size=8).map(chain_of)


@given(CHAINS)
def test_what_was_written_is_whole_with_and_without_an_anchor(entries: list[Entry]) -> None:
    assert first_break(entries) == (len(entries), None)
    for seq in range(1, len(entries) + 1):
        assert first_break(entries, [anchor_at(entries, seq)]) == (len(entries), None)


def test_an_empty_journal_is_whole_unless_an_anchor_says_otherwise() -> None:
    assert first_break([]) == (0, None)
    right, broken = first_break([], [Anchor(3, "ab", AT)])
    assert right == 0
    assert broken is not None
    assert broken.seq == 1
    assert "from 1 to 3 are gone" in broken.why


@given(CHAINS, st.data())
def test_any_edit_of_any_field_of_any_entry_is_found_at_that_entry(entries: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(["at", "actor", "act", "subject", "body", "previous", "hash"]))
    value = data.draw(TEXTS.filter(lambda text: text != getattr(entries[at], field)))
    edited = [*entries[:at], entries[at]._replace(**{field: value}), *entries[at + 1 :]]
    right, broken = first_break(edited)
    assert right == at
    assert broken is not None
    assert broken.seq == at + 1


@given(CHAINS, st.data())
def test_a_number_that_was_changed_is_found(entries: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    number = data.draw(st.integers(-5, 20).filter(lambda seq: seq != at + 1))
    edited = [*entries[:at], entries[at]._replace(seq=number), *entries[at + 1 :]]
    right, broken = first_break(edited)
    assert (right, broken and broken.seq) == (at, at + 1)


@given(CHAINS, st.data())
def test_an_edit_with_its_hash_made_anew_is_found_at_the_next_entry_or_by_the_anchor(
    entries: list[Entry], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    old = entries[at]
    body = data.draw(TEXTS.filter(lambda text: text != old.body))
    fresh = hash_of(old.seq, old.at, old.actor, old.act, old.subject, body, old.previous)
    edited = [*entries[:at], old._replace(body=body, hash=fresh), *entries[at + 1 :]]
    right, broken = first_break(edited, [anchor_at(entries, len(entries))])
    assert broken is not None
    assert broken.seq == min(at + 2, len(entries))
    assert right == broken.seq - 1


@given(st.lists(PARTS, min_size=2, max_size=8), st.data())
def test_a_whole_chain_that_was_written_anew_is_found_by_the_anchor(
    parts: list[tuple[str, str, str, str, str]], data: st.DataObject
) -> None:
    entries = chain_of(parts)
    at = data.draw(st.integers(0, len(parts) - 1))
    other = data.draw(PARTS.filter(lambda each: each != parts[at]))
    forged = chain_of([*parts[:at], other, *parts[at + 1 :]])
    assert first_break(forged)[1] is None
    seq = data.draw(st.integers(at + 1, len(entries)))
    right, broken = first_break(forged, [anchor_at(entries, seq)])
    assert (right, broken) == (seq - 1, Break(seq, f"entry {seq} differs from the anchor in the keyring"))


@given(st.lists(PARTS, min_size=2, max_size=8), st.data())
def test_a_removed_entry_is_found_where_it_was(
    parts: list[tuple[str, str, str, str, str]], data: st.DataObject
) -> None:
    entries = chain_of(parts)
    at = data.draw(st.integers(0, len(entries) - 1))
    right, broken = first_break([*entries[:at], *entries[at + 1 :]], [anchor_at(entries, len(entries))])
    assert broken is not None
    assert (right, broken.seq) == (at, at + 1)


@given(CHAINS, st.data())
def test_an_inserted_entry_is_found_where_it_stands_or_at_the_next(entries: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    before = entries[at - 1] if at else None
    inserted = link(before, *data.draw(PARTS))
    _, broken = first_break([*entries[:at], inserted, *entries[at:]])
    if inserted == entries[at]:
        assert broken == Break(at + 2, f"entry {at + 2} is missing or out of order")
    else:
        assert broken is not None
        assert broken.seq == at + 2


@given(CHAINS, st.data())
def test_an_entry_from_elsewhere_is_found_where_it_stands(entries: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    foreign = Entry(at + 1, AT, "x", "y", "z", "{}", "f" * 64, "f" * 64)
    _, broken = first_break([*entries[:at], foreign, *entries[at:]])
    assert broken is not None
    assert broken.seq == at + 1


@given(st.lists(PARTS, min_size=2, max_size=8, unique=True), st.data())
def test_two_entries_that_changed_places_are_found_at_the_first(
    parts: list[tuple[str, str, str, str, str]], data: st.DataObject
) -> None:
    entries = chain_of(parts)
    first, second = sorted(data.draw(st.lists(st.integers(0, len(entries) - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(entries)
    swapped[first], swapped[second] = entries[second], entries[first]
    right, broken = first_break(swapped)
    assert (right, broken and broken.seq) == (first, first + 1)
    renumbered = list(entries)
    renumbered[first] = entries[second]._replace(seq=first + 1)
    renumbered[second] = entries[first]._replace(seq=second + 1)
    right, broken = first_break(renumbered)
    assert (right, broken and broken.seq) == (first, first + 1)


@given(st.lists(PARTS, min_size=2, max_size=8), st.data())
def test_a_chain_that_was_cut_is_found_by_the_anchor_only(
    parts: list[tuple[str, str, str, str, str]], data: st.DataObject
) -> None:
    entries = chain_of(parts)
    left = data.draw(st.integers(0, len(entries) - 1))
    assert first_break(entries[:left]) == (left, None)
    right, broken = first_break(entries[:left], [anchor_at(entries, len(entries))])
    assert right == left
    assert broken is not None
    assert broken.seq == left + 1
    lost = (
        f"entry {len(entries)} is gone" if left + 1 == len(entries) else f"from {left + 1} to {len(entries)} are gone"
    )
    assert lost in broken.why


@pytest.mark.parametrize("field", ["at", "actor", "act", "subject", "body", "hash"])
@pytest.mark.parametrize("value", [None, 5, b"bytes", 1.5])
def test_a_value_that_is_no_text_is_found_and_not_stumbled_over(field: str, value: object) -> None:
    entries = chain_of([("t", "a", "b", "c", "{}")] * 3)
    edited = [entries[0], entries[1]._replace(**{field: value}), entries[2]]  # type: ignore[arg-type]
    assert first_break(edited) == (1, Break(2, "entry 2 is not what was written"))


@pytest.mark.parametrize("value", [None, "2", 2.0, True])
def test_a_number_that_is_no_number_is_found(value: object) -> None:
    entries = chain_of([("t", "a", "b", "c", "{}")] * 3)
    edited = [entries[0], entries[1]._replace(seq=value), entries[2]]  # type: ignore[arg-type]
    right, broken = first_break(edited)
    assert (right, broken and broken.seq) == (1, 2)


def test_half_of_a_pair_in_a_text_is_found_and_not_stumbled_over() -> None:
    entries = chain_of([("t", "a", "b", "c", "{}")] * 2)
    right, broken = first_break([entries[0]._replace(actor="\ud800"), entries[1]])
    assert (right, broken and broken.seq) == (0, 1)


@given(PARTS, PARTS)
def test_different_entries_have_different_hashes_wherever_the_difference_stands(
    one: tuple[str, str, str, str, str], two: tuple[str, str, str, str, str]
) -> None:
    assert (link(None, *one).hash == link(None, *two).hash) == (one == two)


def test_text_cannot_be_moved_from_one_field_to_the_next() -> None:
    assert hash_of(1, "t", "ab", "c", "d", "{}", GENESIS) != hash_of(1, "t", "a", "bc", "d", "{}", GENESIS)
    assert hash_of(1, "t", 'a","b', "c", "d", "{}", GENESIS) != hash_of(1, "t", "a", 'b","c', "d", "{}", GENESIS)
    assert hash_of(11, "t", "a", "c", "d", "{}", GENESIS) != hash_of(1, "1t", "a", "c", "d", "{}", GENESIS)


def test_the_form_of_the_hash_is_fixed() -> None:
    entry = link(None, "2026-03-01T09:00:00.000000Z", "custodian", "pod.created", "pod_1", '{"name":"ä"}')
    assert entry.previous == GENESIS
    assert entry.hash == "8dfdaa6bea2ea1c441120343147047668736b5d4bd89f8e9c7d16eb1c05199ab"


def test_an_anchor_knows_its_moment() -> None:
    assert moment_of(Anchor(1, "ab", "2026-03-01T09:00:00Z")) == datetime(2026, 3, 1, 9, tzinfo=UTC)


@given(st.lists(PARTS, min_size=2, max_size=8), st.data())
def test_of_several_anchors_each_is_held_against_the_chain(
    parts: list[tuple[str, str, str, str, str]], data: st.DataObject
) -> None:
    entries = chain_of(parts)
    good = [anchor_at(entries, seq) for seq in range(1, len(entries) + 1)]
    assert first_break(entries, good) == (len(entries), None)
    seq = data.draw(st.integers(1, len(entries)))
    wrong = Anchor(seq, "ab" * 32, AT, "the file anchor.json")
    right, broken = first_break(entries, [*good, wrong])
    assert (right, broken) == (seq - 1, Break(seq, f"entry {seq} differs from the anchor in the file anchor.json"))


def test_a_chain_that_was_cut_is_told_by_the_farthest_anchor() -> None:
    entries = chain_of([("t", "a", "b", "c", "{}")] * 6)
    near, far = anchor_at(entries, 4), Anchor(6, entries[5].hash, AT, "the file on the stick")
    for anchors in ([near, far], [far, near]):
        right, broken = first_break(entries[:3], anchors)
        assert right == 3
        assert broken == Break(
            4, "the entries from 4 to 6 are gone: the anchor in the file on the stick proves what was written"
        )
    right, broken = first_break(entries[:5], [near, far])
    assert broken == Break(6, "entry 6 is gone: the anchor in the file on the stick proves what was written")
    assert right == 5


@given(st.lists(PARTS, min_size=2, max_size=8), st.data())
def test_a_walk_from_a_known_place_finds_the_same_as_one_from_the_beginning(
    parts: list[tuple[str, str, str, str, str]], data: st.DataObject
) -> None:
    entries = chain_of(parts)
    start = data.draw(st.integers(0, len(entries) - 1))
    after = entries[start - 1] if start else None
    head = Head(after.seq, after.hash) if after else START
    anchors = [anchor_at(entries, seq) for seq in range(1, len(entries) + 1)]
    assert first_break(entries[start:], anchors, head) == (len(entries), None)
    at = data.draw(st.integers(start, len(entries) - 1))
    edited = [*entries[:at], entries[at]._replace(body="other"), *entries[at + 1 :]]
    assert first_break(edited[start:], (), head)[1] == first_break(edited)[1] or entries[at].body == "other"
    assert first_break(entries[start:], (), Head(start, "ff" * 32)) == (
        start,
        Break(start + 1, f"entry {start + 1} does not follow entry {start}"),
    )


def test_an_anchor_at_or_before_the_known_place_is_left_out() -> None:
    entries = chain_of([("t", "a", "b", "c", "{}")] * 4)
    wrong = [Anchor(2, "ab", AT), Anchor(3, "ab", AT)]
    assert first_break(entries[3:], wrong, Head(3, entries[2].hash)) == (4, None)
    assert first_break([], wrong, Head(3, entries[2].hash)) == (3, None)


def test_an_anchor_knows_its_place_in_the_chain_and_where_it_was_found() -> None:
    anchor = Anchor(3, "ab", AT)
    assert anchor.head == Head(3, "ab")
    assert anchor.where == "the keyring"
    assert Head(0, "0" * 64) == START


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2028, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
        datetime(2100, 3, 1, tzinfo=UTC),
    ],
)
def test_a_leap_day_and_the_end_of_32_bits_are_moments_like_others(moment: datetime) -> None:
    first = link(None, stamp(moment), "a", "b", "c", "{}")
    assert first_break([first, link(first, stamp(moment), "a", "b", "c", "{}")]) == (2, None)
    assert moment_of(Anchor(1, first.hash, first.at)) == moment


@given(st.integers(-(2**53), 2**53), PARTS)
def test_the_hash_is_that_of_the_canonical_form(seq: int, parts: tuple[str, str, str, str, str]) -> None:
    whole = canonical([seq, *parts, GENESIS]).encode("utf-8")
    assert hash_of(seq, *parts, GENESIS) == hashlib.sha256(whole).hexdigest()


def read_back(entries: list[Entry]) -> list[Entry]:
    """The same values as other objects, as a database gives them."""
    return [Entry(*json.loads(json.dumps(entry))) for entry in entries]


def test_what_is_compared_are_values() -> None:
    entries = chain_of([("t", "a", "b", "c", "{}")] * 300)
    (fresh,) = json.loads(json.dumps([entries[298].hash]))
    assert first_break(read_back(entries), [Anchor(299, fresh, AT)]) == (300, None)
    right, broken = first_break(read_back(entries[:298]), [Anchor(int("299"), fresh, AT)])
    assert (right, broken) == (298, Break(299, "entry 299 is gone: the anchor in the keyring proves what was written"))


def test_of_two_anchors_at_one_entry_the_first_that_was_given_is_named() -> None:
    entries = chain_of([("t", "a", "b", "c", "{}")] * 3)
    one, two = (Anchor(3, entries[2].hash, AT, where) for where in ("the keyring", "the file x"))
    assert "in the keyring proves" in str(first_break(entries[:1], [one, two])[1])
    assert "in the file x proves" in str(first_break(entries[:1], [two, one])[1])


def test_anchors_and_breaks_are_values_that_nobody_changes() -> None:
    for value in (Anchor(1, "ab", AT), Break(1, "why")):
        with pytest.raises(FrozenInstanceError):
            value.seq = 2  # type: ignore[misc]
