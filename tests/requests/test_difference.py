"""Two requests are compared by what they do first, then by how they are written."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from podadmin.requests.difference import Change, difference, summary
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Verified, VerifiedRequest

Make = Callable[..., Verified[VerifiedRequest]]


def between(was: Verified[VerifiedRequest], now: Verified[VerifiedRequest]) -> tuple[Change, ...]:
    return difference(was, statement(was, shipped()), now, statement(now, shipped()))


def test_a_request_sent_again_has_no_difference(verified: Make) -> None:
    found = between(verified(), verified(task_id="task-2", body_digest="ee" * 32))
    assert found == ()
    assert summary(found) == "It is the same request."


def test_other_sql_is_an_effect_first_and_a_field_second(verified: Make, protocols: dict[str, Any]) -> None:
    other = copy.deepcopy(protocols["sql"])
    other["algorithm"][0]["query"] = "SELECT * FROM `patients`"
    found = between(verified(), verified(other))
    assert [(each.kind, each.path) for each in found] == [
        ("effect", "computes"),
        ("field", "protocol.algorithm[0].query"),
    ]
    assert "SELECT * FROM" in found[0].now
    assert "SELECT sex" in found[0].was
    assert summary(found) == "1 thing that it does is different; 1 field is written differently."


def test_a_change_without_an_effect_says_so(verified: Make, protocols: dict[str, Any]) -> None:
    other = copy.deepcopy(protocols["sql"])
    other["algorithm"][0]["datastructure"]["compatible_datasources"] = ["CSVSource", "DICOMSource"]
    found = between(verified(), verified(other))
    assert found == (
        Change("field", "protocol.algorithm[0].datastructure.compatible_datasources[1]", "", '"DICOMSource"'),
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
