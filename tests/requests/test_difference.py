"""Two requests are compared by what they do first, then by how they are written."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests.difference import MAX_SHOWN, MAX_TRIED, Change, compared, decided_on, difference, summary
from podadmin.requests.effect_table import shipped
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.fingerprint import fingerprint

TABLE = shipped()
Make = Callable[..., Verified[VerifiedRequest]]


def between(was: Verified[VerifiedRequest], now: Verified[VerifiedRequest]) -> tuple[Change, ...]:
    return difference(was, now, TABLE)


def test_a_request_sent_again_has_no_difference(verified: Make) -> None:
    found = between(verified(), verified(task_id="task-2", body_digest="ee" * 32))
    assert found == ()
    assert summary(found) == "It is the same request."


def test_other_sql_is_an_effect_first_and_a_field_second(verified: Make, protocols: dict[str, Any]) -> None:
    other = copy.deepcopy(protocols["sql"])
    other["algorithm"][0]["query"] = "SELECT * FROM `patients`"
    found = between(verified(), verified(other))
    assert [(each.kind, each.path) for each in found] == [
        ("effect", "reads"),
        ("effect", "leaves"),
        ("effect", "computed.sql[0]"),
        ("field", "protocol.algorithm[0].query"),
    ]
    assert (found[0].title, found[0].now.endswith("every column.")) == ("What it reads", True)
    assert "SELECT * FROM" in found[2].now
    assert "SELECT sex" in found[2].was
    assert found[2].title == "The SQL"
    assert found[-1].effect is True
    assert summary(found) == "3 things that it does are different; 1 field is written differently."


def test_one_changed_sentence_is_one_thing(verified: Make, protocols: dict[str, Any]) -> None:
    found = between(verified(protocols["inference"]), verified({**protocols["inference"], "save_location": None}))
    assert [(each.kind, each.path, each.effect) for each in found] == [
        ("effect", "stays", None),
        ("field", "protocol.save_location", True),
    ]
    assert summary(found) == "1 thing that it does is different; 1 field is written differently."


def test_a_change_without_an_effect_says_so(verified: Make, protocols: dict[str, Any]) -> None:
    other = copy.deepcopy(protocols["sql"])
    other["algorithm"][0]["datastructure"]["compatible_datasources"] = ["CSVSource", "DICOMSource"]
    found = between(verified(), verified(other))
    assert found == (
        Change("field", "protocol.algorithm[0].datastructure.compatible_datasources[1]", "", '"DICOMSource"', False),
    )
    assert summary(found) == "It does the same as far as podadmin can tell; 1 field is written differently."


def test_effects_that_become_unknown_come_first(verified: Make, protocols: dict[str, Any]) -> None:
    found = between(verified(), verified({**protocols["sql"], "extra": 1}, flags={"test_run": True}, project_id=None))
    effects = [each.path for each in found if each.kind == "effect"]
    assert effects[:3] == ["headline", "destination", "risk"]
    assert "reasons" in effects
    kinds = [each.kind for each in found]
    assert kinds == sorted(kinds)
    assert {"project_claimed", "protocol.extra", "flags_claimed.test_run"} <= {each.path for each in found}
    assert f"{kinds.count('effect')} things that it does are different" in summary(found)
    assert f"{kinds.count('field')} fields are written differently" in summary(found)


def test_what_changes_with_every_sending_is_no_difference(verified: Make) -> None:
    again = verified(task_id="task-9", body_digest="0f" * 32, key_id="key-2", flags={**FLAGS, "supports_mps": True})
    assert between(verified(), again) == ()
    assert decided_on(verified().value) == decided_on(again.value)


FLAGS = {"batched_execution": False, "requires_ehr_connection": False}


@pytest.mark.parametrize(
    ("change", "path", "effect"),
    [
        ({"requester_name": "Dr. Other"}, "requester_name_claimed", True),
        ({"requester_key_fingerprint": "cd" * 32}, "requester_key", True),
        ({"project_id": "proj-2"}, "project_claimed", False),
        ({"network": "bitfount"}, "network", False),
        ({"flags": {**FLAGS, "test_run": True}}, "flags_claimed.test_run", False),
        ({"flags": {**FLAGS, "requires_ehr_connection": True}}, "flags_claimed.requires_ehr_connection", True),
        ({"flags": {**FLAGS, "run_on_new_data_only": True}}, "flags_claimed.run_on_new_data_only", True),
    ],
)
def test_each_change_says_whether_it_has_an_effect(verified: Make, change: Any, path: str, effect: bool) -> None:
    found = between(verified(), verified(**change))
    fields = [(each.path, each.effect) for each in found if each.kind == "field"]
    assert fields == [(path, effect)]
    assert any(each.kind == "effect" for each in found) == effect


def test_other_pods_are_listed_and_a_longer_list_is_one_place_each(verified: Make) -> None:
    found = between(verified(), verified(pod_identifiers=("alice/patients", "bob/other")))
    assert [(each.path, each.now, each.effect) for each in found] == [("pods[1]", '"bob/other"', False)]


def test_how_often_it_leaves_is_an_effect(verified: Make) -> None:
    found = between(verified(), verified(flags={**FLAGS, "batched_execution": True}))
    often = found[0]
    assert (often.kind, often.path, often.title) == ("effect", "often", "How often")
    assert often.was.startswith("once: The result table")
    assert often.now.startswith("each-batch: The result table")


def test_what_sentences_shorten_is_told_in_detail(verified: Make, protocols: dict[str, Any]) -> None:
    was, now = copy.deepcopy(protocols["inference"]), copy.deepcopy(protocols["inference"])
    columns = [f"c{number}" for number in range(60)]
    was["algorithm"]["datastructure"] = {"selected_cols": columns}
    now["algorithm"]["datastructure"] = {"selected_cols": [*columns[:-1], "nhs_number"]}
    found = between(verified(was), verified(now))
    assert [(each.kind, each.path, each.was, each.now) for each in found] == [
        ("effect", "read.columns[59]", '"c59"', '"nhs_number"'),
        ("field", "protocol.algorithm.datastructure.selected_cols[59]", '"c59"', '"nhs_number"'),
    ]
    middle = {number: copy.deepcopy(protocols["sql"]) for number in (1, 2)}
    for number, each in middle.items():
        filler = " OR ".join(["age > 1"] * 600)
        each["algorithm"][0]["query"] = f"SELECT * FROM patients WHERE {filler} OR age > {number} OR {filler}"
    shown = between(verified(middle[1]), verified(middle[2]))
    assert [each.path for each in shown if each.kind == "effect"] == ["computed.sql[0]"]


def test_a_request_with_thousands_of_changes_is_compared_within_bounds(
    verified: Make, protocols: dict[str, Any]
) -> None:
    was, now = copy.deepcopy(protocols["sql"]), copy.deepcopy(protocols["sql"])
    now["algorithm"][0]["datastructure"]["schema_requirements"] = {f"k{number}": number for number in range(5000)}
    was["algorithm"][0]["datastructure"]["schema_requirements"] = {f"k{number}": 0 for number in range(1, 5000)}
    found = between(verified(was), verified(now))
    fields = [each for each in found if each.kind == "field"]
    assert len(fields) == MAX_SHOWN + 1
    assert [each.effect for each in fields[: MAX_TRIED + 1]] == [False] * MAX_TRIED + [None]
    assert fields[-1].title == "Further places are written differently"


def test_the_other_way_round_is_the_same_difference_reversed(verified: Make, protocols: dict[str, Any]) -> None:
    one, other = verified(), verified(protocols["report"], project_id=None)
    there, back = between(one, other), between(other, one)
    assert {(each.path, each.was, each.now) for each in there if each.kind == "field"} == {
        (each.path, each.now, each.was) for each in back if each.kind == "field"
    }


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=4), st.lists(st.text(max_size=3), max_size=2)
)


@given(data=st.data())
def test_any_change_is_told_and_is_a_change_of_the_fingerprint(
    verified: Make, protocols: dict[str, Any], data: st.DataObject
) -> None:
    before = data.draw(st.sampled_from(list(protocols.values())))
    after = copy.deepcopy(before)
    steps = after["algorithm"] if isinstance(after["algorithm"], list) else [after["algorithm"]]
    below = [step[key] for step in steps for key in ("model", "datastructure") if key in step]
    place = data.draw(st.sampled_from([after, *steps, *below]))
    key = data.draw(st.sampled_from([*[name for name in place if name != "class_name"], "new"]))
    place[key] = data.draw(VALUES)
    was, now = verified(before), verified(after)
    found = between(was, now)
    assert (found == ()) == (fingerprint(was) == fingerprint(now))
    effects = [each for each in found if each.kind == "effect"]
    fields = [each for each in found if each.kind == "field"]
    assert bool(effects) == any(each.effect for each in fields)
    assert compared(decided_on(was.value), decided_on(now.value), TABLE) == found
