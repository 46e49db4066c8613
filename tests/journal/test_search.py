"""Finding entries: the same as looking at each, whatever the filter, the page and the clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from podadmin.core.clock import ManualClock, unstamp
from podadmin.core.errors import Cancelled
from podadmin.core.progress import Progress, Step
from podadmin.journal import search, service
from podadmin.journal.chain import Entry
from podadmin.journal.records import all_entries
from podadmin.journal.search import Wanted, page
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

DAY = 86_400.0


@pytest.fixture
def history(store: Store, clock: ManualClock) -> list[Entry]:
    """Three weeks, with a clock that jumps 48 hours forth and back, and small windows to be crossed."""
    acts = ("request.held", "request.refused", "key.used", "setting.changed", "requests-like.thing")
    for number in range(400):
        clock.advance(3600.0)
        if number == 150:
            clock.advance(2 * DAY)
        if number == 180:
            clock.advance(-2 * DAY)
        fact = Fact(("anna", "bert", "gate")[number % 3], acts[number % 5], f"x_{number // 7}", {"n": number})
        with store.record(fact):
            pass
    with store.read() as connection:
        return list(all_entries(connection))


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "FIRST_WINDOW", 7)
    monkeypatch.setattr(search, "LARGEST_WINDOW", 40)


def brute(entries: list[Entry], wanted: Wanted) -> list[int]:
    """What a person would find who looks at every entry."""

    def fits(entry: Entry) -> bool:
        at = unstamp(entry.at)
        texts = (entry.act, entry.subject, entry.actor, entry.body)
        return (
            (not wanted.kind or entry.act.partition(".")[0] == wanted.kind)
            and (not wanted.actor or entry.actor == wanted.actor)
            and (not wanted.subject or entry.subject == wanted.subject)
            and (wanted.since is None or at >= wanted.since)
            and (wanted.until is None or at < wanted.until)
            and (
                not wanted.search
                or any(wanted.search in text for text in texts)
                or str(entry.seq) == wanted.search
                or entry.hash == wanted.search
            )
        )

    return [entry.seq for entry in reversed(entries) if fits(entry)]


def paged(store: Store, wanted: Wanted, limit: int) -> list[int]:
    found: list[int] = []
    before: int | None = 0
    while before is not None:
        some = page(store, wanted, limit=limit, before=before)
        found += [entry.seq for entry in some.entries]
        before = some.next_before
    return found


START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize("limit", [1, 13, 1000])
@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(kind="request"),
        Wanted(kind="key", actor="anna"),
        Wanted(actor="nobody"),
        Wanted(kind="nothing"),
        Wanted(subject="x_3"),
        Wanted(search="x_5"),
        Wanted(search="395", kind="request"),
        Wanted(since=START + timedelta(days=5), until=START + timedelta(days=7)),
        Wanted(since=START + timedelta(days=7), actor="gate"),
        Wanted(until=START),
        Wanted(since=START + timedelta(days=400)),
    ],
)
def test_pages_hold_what_looking_at_each_entry_would_find(
    store: Store, history: list[Entry], small_windows: None, wanted: Wanted, limit: int
) -> None:
    expected = brute(history, wanted)
    assert paged(store, wanted, limit) == expected
    total = page(store, wanted, limit=limit).total
    assert total is None or total == len(expected)


def test_an_entry_is_found_by_its_hash(store: Store, history: list[Entry]) -> None:
    assert paged(store, Wanted(search=history[41].hash), 10) == [42]
    assert paged(store, Wanted(search="9" * 30), 10) == []


def test_a_clock_that_jumps_changes_times_and_neither_numbers_nor_the_proof(store: Store, history: list[Entry]) -> None:
    assert [entry.seq for entry in history] == list(range(1, 401))
    times = [unstamp(entry.at) for entry in history]
    assert any(later < earlier for earlier, later in itertools.pairwise(times))
    assert service.verify(store) == service.Verification(400, None)


def test_what_can_be_filtered_by_is_what_there_is(store: Store, history: list[Entry]) -> None:
    assert search.kinds(store) == ("key", "request", "requests-like", "setting")
    assert search.actors(store) == ("anna", "bert", "gate")
    assert search.actors(store, 2) == ("anna", "bert")


def test_an_empty_journal_has_empty_pages(store: Store) -> None:
    for wanted in (Wanted(), Wanted("x"), Wanted(kind="key"), Wanted(since=START)):
        found = page(store, wanted, limit=5)
        assert (found.entries, found.next_before) == ((), None)
    assert search.kinds(store) == ()


def test_a_long_search_says_how_far_it_is_and_can_be_stopped(
    store: Store, history: list[Entry], small_windows: None
) -> None:
    steps: list[Step] = []
    page(store, Wanted("nowhere"), limit=5, progress=Progress(steps.append))
    assert len(steps) > 5
    fractions = [step.fraction or 0.0 for step in steps]
    assert fractions == sorted(fractions)
    assert steps[0].what == "Searched back to entry 394"
    progress = Progress(lambda _step: progress.cancel())
    with pytest.raises(Cancelled):
        page(store, Wanted("nowhere"), limit=5, progress=progress)


def test_a_walk_from_an_anchor_holds_the_others_against_their_entries(
    store: Store, history: list[Entry], write: Callable[[int], None]
) -> None:
    from podadmin.journal.chain import Anchor, Break, Head

    at = history[0].at
    old, new = Anchor(100, history[99].hash, at), Anchor(390, history[389].hash, at)
    assert service.verify_from(store, [old, new], new.head).broken is None
    wrong = Anchor(100, "ab" * 32, at, "the file x")
    found = service.verify_from(store, [new, wrong], new.head)
    assert found.broken == Break(100, "entry 100 differs from the anchor in the file x")
    gone = service.verify(store, (), after=Head(999, "ab" * 32))
    assert gone.broken == Break(999, "entry 999 is gone")
    other = service.verify(store, (), after=Head(5, "ab" * 32))
    assert other.broken == Break(5, "entry 5 is not the one that was verified before")
