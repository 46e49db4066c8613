"""A requester asks for a figure, then for nearly the same one: the custodian sees by how many people they differ."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.profile import Profile
from podadmin.core.errors import Refused
from podadmin.requests import service
from podadmin.requests.service import Captured, Opening

TAIL = " HAVING COUNT(*) >= 10"


@pytest.fixture
def desk(made: Any, tmp_path: Path) -> Any:
    """Forty patients of the ages 20 to 59, of whom one is 59."""
    file = tmp_path / "patients.csv"
    file.write_text("age,sex\n" + "".join(f"{20 + n},{'FM'[n % 2]}\n" for n in range(40)), encoding="utf-8")
    made("datasource add", name="patients", path=str(file))
    return made


def send(profile: Profile, task: str, query: str, **changes: Any) -> str:
    name = changes.get("datasource", "patients")
    body = hashlib.sha256(b"body").hexdigest()
    captured = Captured("local", task, 2, "lab", task.encode(), b"body", body, profile.clock.now(), 300.0)
    request_id = service.capture(profile.store, profile.clock, captured)
    assert request_id is not None
    step = {"class_name": "bitfount.SqlQuery", "query": query, "table": name}
    given: dict[str, Any] = {
        "requester": "lab", "task": "SQL query", "datasource": name, "project": "study", "risk": "low",
        "verified": "verified", "fingerprint": "ab" * 32, "verdict": "hold", "code": "request.undecided",
        "words": "Waiting", "answerable": True, "sealed_digest": task,
        "findings": {"protocol": {"class_name": "bitfount.ResultsOnly", "algorithm": [step]}},
    }  # fmt: skip
    service.record_opening(profile.store, profile.clock, request_id, Opening(**{**given, **changes}))
    return request_id


def test_a_figure_that_differs_by_one_person_from_an_earlier_one_is_told(desk: Any, profile: Profile) -> None:
    first = send(profile, "t1", "SELECT COUNT(*), AVG(age) FROM patients")
    assert (
        desk("requests near", request=first).words == "No figures about another choice of this data have left before."
    )
    desk("requests approve", request=first)
    second = send(profile, "t2", f"SELECT COUNT(*) FROM patients WHERE age < 59{TAIL}")
    told = desk("requests near", request=second)
    assert (told.counted, told.tone, [each.id for each in told.rows]) == (False, "warn", [first])
    assert told.rows[0].choice == "all records"
    counted = desk("requests near", request=second, count=True)
    assert (counted.tone, counted.rows[0].fewest) == ("bad", 1)
    assert counted.rows[0].words == "They differ by 1 record: the difference of both figures is about them alone."
    assert "by fewer than 10 records" in counted.words


def test_it_is_counted_group_by_group_and_many_are_no_warning(desk: Any, profile: Profile) -> None:
    by_sex = f"SELECT sex, COUNT(*) FROM patients{{}} GROUP BY sex{TAIL}"
    for number, where in enumerate(("", " WHERE age < 58", " WHERE age >= 40", " WHERE age < 99")):
        desk("requests approve", request=send(profile, f"t{number}", by_sex.format(where)))
    desk("requests approve", request=send(profile, "t9", by_sex.format("")))
    now = send(profile, "now", by_sex.format(""))
    rows = {each.choice: each for each in desk("requests near", request=now, count=True).rows}
    assert rows["age < 58, by sex"].fewest == 1  # two of them, one of either sex
    assert (rows["age >= 40, by sex"].fewest, rows["age >= 40, by sex"].tone) == (10, "plain")
    assert rows["age < 99, by sex"].words == "Both choose the same records today."
    assert len(rows) == 3, "the same choice is no other one"


def test_who_asked_makes_no_difference_and_what_never_left_does(desk: Any, profile: Profile) -> None:
    waits = send(profile, "t1", "SELECT COUNT(*) FROM patients")
    refused = send(profile, "t2", f"SELECT COUNT(*) FROM patients WHERE sex = 'F'{TAIL}")
    desk("requests refuse", request=refused, reason="No.")
    other = send(profile, "t3", f"SELECT COUNT(*) FROM patients WHERE age > 21{TAIL}", requester="another lab")
    desk("requests approve", request=other)
    again = send(profile, "t4", f"SELECT COUNT(*) FROM patients WHERE age > 21{TAIL}")
    desk("requests approve", request=again)
    told = desk("requests near", request=waits)
    assert [(each.id, each.requests, each.requester) for each in told.rows] == [(again, 2, "lab")]


def test_groups_that_were_left_out_are_spoken_of_and_single_records_have_no_neighbours(
    desk: Any, profile: Profile
) -> None:
    desk("requests approve", request=send(profile, "t1", f"SELECT sex, COUNT(*) FROM patients GROUP BY sex{TAIL}"))
    total = send(profile, "t2", "SELECT COUNT(*) FROM patients")
    assert "left out as too small" in desk("requests near", request=total, count=True).rows[0].words
    rows = send(profile, "t3", "SELECT age FROM patients")
    assert (desk("requests near", request=rows).words, desk("requests near", request=rows).rows) == ("", ())


def test_what_cannot_be_counted_says_so(desk: Any, profile: Profile, tmp_path: Path) -> None:
    elsewhere = send(profile, "t1", "SELECT COUNT(*) FROM far", datasource="far")
    assert not desk("requests near", request=elsewhere).may_count.allowed
    with pytest.raises(Refused) as caught:
        desk("requests near", request=elsewhere, count=True)
    assert caught.value.code == "request.not-counted"
    desk("requests approve", request=send(profile, "t2", "SELECT COUNT(*) FROM patients"))
    odd = send(profile, "t3", f"SELECT COUNT(*) FROM patients WHERE weight > 3{TAIL}")
    (row,) = desk("requests near", request=odd, count=True).rows
    assert (row.fewest, row.tone) == (None, "warn")
    assert row.words.startswith("By how many records they differ could not be counted. It names a column")
    (tmp_path / "patients.csv").unlink()
    assert "It is not there" in desk("requests near", request=odd, count=True).rows[0].words
