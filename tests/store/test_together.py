"""Units that share a commit: each is done when all are on the disk, and none is hurt by another's failure."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, insert, select

from podadmin.core.clock import ManualClock
from podadmin.core.errors import PodadminError
from podadmin.journal.chain import first_break
from podadmin.journal.records import Journal, all_entries
from podadmin.store.engine import Store
from podadmin.store.settings import setting
from podadmin.store.unit import Fact, Unit

PATIENCE = 30.0
Body = Callable[[Unit], None]


def _side_by_side(work: Callable[[int], None], many: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def values(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(select(setting.c.name)).scalars())


def chain(store: Store) -> list[str]:
    with store.read() as connection:
        entries = list(all_entries(connection))
    assert first_break(entries) == (len(entries), None)
    return [each.subject for each in entries]


def written(name: str) -> Body:
    return lambda unit: unit.execute(insert(setting).values(name=name, value="1")) and None


@dataclass
class Met:
    """Units whose bodies all came before the first was over: what became of each, and the commits, in their order."""

    store: Store
    outcomes: dict[str, BaseException | None] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def go(self, **bodies: Body) -> Met:
        names, coming = list(bodies), threading.Event()
        event.listen(self.store._writer, "commit", self._committed)

        def work(name: str) -> None:
            try:
                with self.store.record(Fact("gate", "setting.changed", name), together=True) as unit:
                    if name == names[0]:
                        coming.set()
                        self._wait_for(len(names) - 1)
                    bodies[name](unit)
                self.outcomes[name] = None
            except BaseException as error:  # noqa: BLE001 - handed to the test, which looks at every one
                self.outcomes[name] = error
            self.events.append(name)

        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        threads[0].start()
        assert coming.wait(PATIENCE)
        for thread in threads[1:]:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        event.remove(self.store._writer, "commit", self._committed)
        return self

    def _committed(self, _connection: Connection) -> None:
        self.events.append("commit")

    def _wait_for(self, others: int) -> None:
        assert self.store._writing is not None
        ends = threading.Event()
        for _ in range(int(PATIENCE * 1000)):
            if self.store._writing._coming == others:
                return
            ends.wait(0.001)
        raise AssertionError("the others did not come")


def test_units_that_come_meanwhile_share_one_commit_and_none_is_done_before_it(store: Store) -> None:
    met = Met(store).go(**{name: written(name) for name in "abcd"})
    assert met.events[0] == "commit"
    assert met.events.count("commit") == 1
    assert met.outcomes == dict.fromkeys("abcd")
    assert values(store) == set("abcd")
    assert sorted(chain(store)) == list("abcd")


def _defect(unit: Unit) -> None:
    written("b")(unit)
    raise KeyError("a defect")


def _refused(unit: Unit) -> None:
    written("b")(unit)
    unit.execute(insert(setting).values(name="b", value="2"))


def _unreadable(unit: Unit) -> None:
    written("b")(unit)
    unit.note(bytes=b"x")


@pytest.mark.parametrize(("body", "error"), [(_defect, KeyError), (_refused, PodadminError), (_unreadable, TypeError)])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_fails_takes_nothing_of_the_others_with_it(
    store: Store, body: Body, error: type[Exception], place: int
) -> None:
    names = ["a", "c", "d"]
    names.insert(place, "b")
    met = Met(store).go(**{name: body if name == "b" else written(name) for name in names})
    assert isinstance(met.outcomes.pop("b"), error)
    assert met.outcomes == dict.fromkeys("acd")
    assert values(store) == set("acd")
    assert sorted(chain(store)) == list("acd")
    assert met.events[0] == "commit"  # whoever failed may ask for what those before it wrote


def test_where_the_database_gives_everything_up_every_one_hears_of_it(store: Store) -> None:
    def full(unit: Unit) -> None:
        driver = unit.connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute("ROLLBACK")  # as SQLite does by itself where the disk is full
        raise sqlite3.OperationalError("database or disk is full")

    met = Met(store).go(a=written("a"), b=full, c=written("c"))
    assert {name for name, error in met.outcomes.items() if error is None} <= {"c"}  # it may have come after the loss
    assert isinstance(met.outcomes["a"], PodadminError)
    assert isinstance(met.outcomes["b"], PodadminError)
    assert values(store) == {name for name, error in met.outcomes.items() if error is None} == set(chain(store))
    with store.record(Fact("gate", "setting.changed", "later"), together=True) as unit:
        written("later")(unit)
    assert "later" in values(store)


def test_a_commit_that_fails_fails_for_all_and_leaves_nothing(store: Store) -> None:
    def broken(_connection: Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(store._writer, "commit", broken)
    met = Met(store).go(a=written("a"), b=_defect, c=written("c"))  # what fails may do so for what is lost now
    event.remove(store._writer, "commit", broken)
    assert all(isinstance(error, PodadminError) for error in met.outcomes.values())
    assert len(met.outcomes) == 3
    assert (values(store), chain(store)) == (set(), [])
    assert Met(store).go(a=written("a"), b=written("b")).outcomes == {"a": None, "b": None}


def test_a_unit_that_wants_to_be_alone_is_committed_alone(store: Store) -> None:
    alone = threading.Thread(target=lambda: _alone(store))

    def begins(unit: Unit) -> None:
        written("a")(unit)
        alone.start()

    met = Met(store).go(a=begins, b=written("b"), c=written("c"))
    alone.join(PATIENCE)
    assert met.outcomes == dict.fromkeys("abc")
    assert values(store) == {"a", "b", "c", "alone"}
    assert len(chain(store)) == 4


def _alone(store: Store) -> None:
    with store.record(Fact("custodian", "setting.changed", "alone")) as unit:
        written("alone")(unit)


@pytest.mark.parametrize("inner", [False, True])
@pytest.mark.parametrize("outer", [False, True])
def test_a_unit_inside_a_unit_stays_a_defect(store: Store, outer: bool, inner: bool) -> None:
    fact = Fact("custodian", "setting.changed", "a")
    with pytest.raises(RuntimeError, match="inside another"), store.record(fact, together=outer) as unit:  # noqa: PT012
        written("a")(unit)
        with store.record(fact, together=inner):
            pass
    assert (values(store), chain(store)) == (set(), [])
    _alone(store)
    assert values(store) == {"alone"}


def test_many_threads_of_both_kinds_and_two_stores_write_one_whole_chain(
    store: Store, path: Path, clock: ManualClock
) -> None:
    other, failures = Store.open(path, Journal(clock)), []

    def work(number: int) -> None:
        try:
            for turn in range(12):
                name = f"{number}-{turn}"
                fact = Fact(f"thread-{number}", "setting.changed", name)
                with (other if number % 5 == 0 else store).record(fact, together=number % 3 != 0) as unit:
                    written(name)(unit)
        except Exception as error:  # noqa: BLE001 - reported by the test below
            failures.append(error)

    _side_by_side(work, 12)
    assert failures == []
    subjects = chain(store)
    assert set(subjects) == values(store)
    assert len(subjects) == 144
    for number in range(12):
        mine = [each for each in subjects if each.startswith(f"{number}-")]
        assert mine == [f"{number}-{turn}" for turn in range(12)]
    other.close()


def _gathers(store: Store, *names: str) -> list[str]:
    """Records each in one gathering; the commits and what could be read meanwhile, in their order."""
    seen: list[str] = []

    def committed(_connection: Connection) -> None:
        seen.append("commit")

    event.listen(store._writer, "commit", committed)
    try:
        with store.gathered():
            for name in names:
                try:
                    with store.record(Fact("gate", "setting.changed", name), together=True) as unit:
                        written(name)(unit)
                        if name == "bad":
                            raise KeyError(name)
                except KeyError:
                    seen.append("refused")
                seen.append("".join(sorted(values(store))))
    finally:
        event.remove(store._writer, "commit", committed)
    return seen


def test_what_one_thread_gathers_waits_for_the_disk_once_and_keeps_its_order(store: Store) -> None:
    assert _gathers(store, "a", "b", "c") == ["", "", "", "commit"]
    assert chain(store) == ["a", "b", "c"]
    assert _gathers(store) == []


def test_what_fails_in_a_gathering_takes_nothing_of_the_rest_with_it(store: Store) -> None:
    assert _gathers(store, "a", "bad", "c") == ["", "refused", "", "", "commit"]
    assert chain(store) == ["a", "c"]


def test_a_gathering_ends_with_what_was_done_where_its_body_fails(store: Store) -> None:
    with pytest.raises(KeyError), store.gathered():  # noqa: PT012
        with store.record(Fact("gate", "setting.changed", "a"), together=True) as unit:
            written("a")(unit)
        raise KeyError("a defect")
    assert (values(store), chain(store)) == ({"a"}, ["a"])
    _alone(store)


def test_a_gathering_whose_commit_fails_says_so_and_leaves_nothing(store: Store) -> None:
    def broken(_connection: Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(store._writer, "commit", broken)
    with pytest.raises(PodadminError) as caught:
        _gathers(store, "a", "b")
    event.remove(store._writer, "commit", broken)
    assert caught.value.code.startswith("store.")
    assert (values(store), chain(store)) == (set(), [])
    assert _gathers(store, "a") == ["", "commit"]


def test_gatherings_beside_others_lose_nothing(store: Store) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(4):
                names = [f"{number}-{turn}-{each}" for each in range(5)]
                if number % 2:
                    _gathers(store, *names)
                else:
                    for name in names:
                        with store.record(Fact("gate", "setting.changed", name), together=number % 4 == 0) as unit:
                            written(name)(unit)
        except BaseException as error:  # noqa: BLE001 - reported by the test below
            failures.append(error)

    _side_by_side(work, 6)
    assert failures == []
    subjects = chain(store)
    assert len(subjects) == 120
    assert set(subjects) == values(store)
