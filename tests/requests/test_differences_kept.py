"""What a custodian reads of a difference, word for word: whoever changes a sentence looks at all of them.

`data/differences.json` holds what is said between every two of the requests below, in both directions.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from podadmin.requests.difference import MAX_DETAILS, MAX_SHOWN, Change, compared, decided_on, difference, summary
from podadmin.requests.effect_table import shipped
from podadmin.requests.envelope import Verified, VerifiedRequest

Make = Callable[..., Verified[VerifiedRequest]]
KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "differences.json").read_text(encoding="utf-8"))


def requests(verified: Make, protocols: dict[str, Any]) -> dict[str, Verified[VerifiedRequest]]:
    def sql(query: str) -> dict[str, Any]:
        made: dict[str, Any] = copy.deepcopy(protocols["sql"])
        made["algorithm"][0]["query"] = query
        return made

    novel = {**protocols["sql"], "class_name": "bitfount.Novel\u202e"}
    batched = {"batched_execution": True, "requires_ehr_connection": True, "supports_mps": True}
    return {
        "rows": verified(protocols["sql"]),
        "rows of another": verified(
            protocols["sql"], requester_name="Dr. Vole", requester_key_fingerprint="cd" * 32, project_id=None
        ),
        "groups": verified(sql("SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex HAVING COUNT(*) >= 12")),
        "batched": verified(protocols["sql"], flags=batched),
        "inference": verified(protocols["inference"], pod_identifiers=("alice/patients", "bob/eyes")),
        "report": verified(protocols["report"]),
        "novel": verified(novel, network="bitfount"),
    }


def said(was: Verified[VerifiedRequest], now: Verified[VerifiedRequest]) -> dict[str, Any]:
    found = difference(was, now, shipped())
    return {"summary": summary(found), "changes": json.loads(json.dumps([asdict(each) for each in found]))}


PAIRS = [f"{was} -> {now}" for was, now in itertools.permutations(
    ("rows", "rows of another", "groups", "batched", "inference", "report", "novel"), 2
)]  # fmt: skip


def test_every_pair_is_kept() -> None:
    assert sorted(KEPT) == sorted(PAIRS)


@pytest.mark.parametrize("pair", PAIRS)
def test_what_a_custodian_reads_of_a_difference_is_what_was_looked_at(
    verified: Make, protocols: dict[str, Any], pair: str
) -> None:
    found = requests(verified, protocols)
    was, now = (found[each] for each in pair.split(" -> "))
    assert said(was, now) == KEPT[pair]


def test_a_request_and_its_copy_have_no_difference_and_what_is_beside_it_is_all_decided_on(
    verified: Make, protocols: dict[str, Any]
) -> None:
    for each in requests(verified, protocols).values():
        assert said(each, each) == {"summary": "It is the same request.", "changes": []}
    assert decided_on(requests(verified, protocols)["batched"].value) == {
        "network": "local",
        "pod": "alice/patients",
        "pods": ["alice/patients"],
        "requester_name_claimed": "Dr. Mole",
        "requester_key": "ab" * 32,
        "auth_type": "key-based",
        "project_claimed": "proj-1",
        "flags_claimed": {"batched_execution": True, "requires_ehr_connection": True},
        "protocol": protocols["sql"],
    }


def test_a_whole_that_was_replaced_and_many_details_are_told_within_bounds(
    verified: Make, protocols: dict[str, Any]
) -> None:
    was, now = copy.deepcopy(protocols["inference"]), copy.deepcopy(protocols["inference"])
    was["algorithm"]["datastructure"] = {"selected_cols": [f"c{number}" for number in range(40 + 60)]}
    now["algorithm"]["datastructure"] = {
        "selected_cols": [f"c{number if number < 40 else -number}" for number in range(100)]
    }
    found = [each for each in difference(verified(was), verified(now), shipped()) if each.kind == "effect"]
    assert [each.path for each in found] == [f"read.columns[{place}]" for place in range(40, 40 + MAX_DETAILS)]
    assert {each.title for each in found} == {"In detail"}
    text = decided_on(verified(protocols["sql"]).value)
    assert [each.path for each in compared(text, {**text, "project_claimed": None}, shipped())] == ["project_claimed"]


def test_what_is_too_much_to_show_is_told_by_one_line(verified: Make, protocols: dict[str, Any]) -> None:
    was, now = copy.deepcopy(protocols["sql"]), copy.deepcopy(protocols["sql"])
    for made, value in ((was, 0), (now, 1)):
        made["algorithm"][0]["datastructure"]["schema_requirements"] = {
            f"k{place}": value for place in range(MAX_SHOWN)
        }
    exactly = difference(verified(was), verified(now), shipped())
    assert len(exactly) == MAX_SHOWN
    assert exactly[-1].path != "(more)"
    now["algorithm"][0]["datastructure"]["schema_requirements"]["one"] = 1
    more = difference(verified(was), verified(now), shipped())
    assert more[-1] == Change("field", "(more)", "", "", None, "Further places are written differently")
    assert len(more) == MAX_SHOWN + 1
