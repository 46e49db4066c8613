"""What a request will do is told from the table; what the table does not know is unknown, and that is the worst."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.resources import resource
from podadmin.requests.effect_table import LEVELS, EffectTable, parse, shipped
from podadmin.requests.effects import UNKNOWN_HEADLINE, Effects, statement
from podadmin.requests.envelope import Verified, VerifiedRequest

Make = Callable[..., Verified[VerifiedRequest]]
TABLE = shipped()


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resource("effects", "bitfount.json").read_text(encoding="utf-8"))
    return found


def is_worst(found: Effects) -> bool:
    return (
        not found.known
        and (found.risk, found.level) == ("unknown", "unknown")
        and found.headline.startswith(UNKNOWN_HEADLINE)
        and found.leaves[0] == "Not known: count on every record leaving."
        and bool(found.reasons)
    )


def test_sql_is_row_level_and_shown_as_it_is(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified(protocols["sql"]), TABLE)
    assert (found.known, found.risk, found.level) == (True, "high", "row")
    assert found.headline.startswith("Runs the requester's own SQL on table “patients”")
    assert "not analysed" in found.reads[0]
    assert "SELECT sex, COUNT(*)" in found.computes[0]
    assert found.leaves[0].startswith("The result table of the SQL. It is treated as row level")
    assert any("error text" in each for each in found.leaves)
    assert found.stays == ("Nothing but the pod's own logs.",)
    assert "abababababababab" in found.destination
    assert found.reasons == ("Something about every single record leaves the pod.",)


def test_inference_tells_the_model_the_columns_and_the_predictions(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified(protocols["inference"]), TABLE)
    assert (found.known, found.risk) == (True, "high")
    assert "“acme/Retina:3”" in found.headline
    assert found.reads == ("For every record: “age”, “sex”, “img_…”.",)
    assert found.leaves[0] == "One prediction for every record."
    assert found.stays == ("A CSV file with the results, in the task's folder of the pod.",)


def test_a_report_sends_everything_in_it(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified(protocols["report"]), TABLE)
    assert (found.known, found.risk) == (True, "high")
    assert "all columns, because the request does not name any" in found.reads[0]
    assert "“name”, “born”" in found.reads[1]
    assert found.leaves[0].startswith("The complete CSV report")


def test_post_processing_filters_and_switches_add_their_sentences(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = copy.deepcopy(protocols["inference"])
    protocol["algorithm"]["postprocessors"] = [{"type": "rename"}]
    protocol["algorithm"]["datastructure"]["task_filters"] = [{"class_name": "AgeFilter"}]
    protocol["aggregator"] = {"class_name": "bitfount.Aggregator"}
    found = statement(verified(protocol, flags={"run_on_new_data_only": True}), TABLE)
    assert found.known
    assert any("Post-processing" in each for each in found.computes)
    assert any("all pods" in each for each in found.computes)
    assert any("filters" in each for each in found.reads)
    assert any("switch outside" in each for each in found.reads)
    assert "A CSV file with the results, in the task's folder of the pod." in found.stays


def test_results_kept_only_by_the_requester_do_not_stay(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = {**protocols["inference"], "save_location": ["Modeller"]}
    assert statement(verified(protocol), TABLE).stays == ("Nothing but the pod's own logs.",)


CHANGES: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("protocol", lambda p: p.update(class_name="bitfount.FederatedAveraging")),
    ("protocol without prefix", lambda p: p.update(class_name="ResultsOnly")),
    ("protocol argument", lambda p: p.update(upload_to="https://example.org")),
    ("null argument", lambda p: p.update(surprise=None)),
    ("results path", lambda p: p.update(primary_results_path="/etc")),
    ("secure aggregation", lambda p: p.update(secure_aggregation=True)),
    ("aggregator", lambda p: p.update(aggregator={"class_name": "bitfount.SecureAggregator"})),
    ("aggregator argument", lambda p: p.update(aggregator={"class_name": "bitfount.Aggregator", "weights": {}})),
    ("aggregator text", lambda p: p.update(aggregator="bitfount.Aggregator")),
    ("no algorithm", lambda p: p.update(algorithm=[])),
    ("algorithm twice", lambda p: p["algorithm"].append(copy.deepcopy(p["algorithm"][0]))),
    ("algorithm class", lambda p: p["algorithm"][0].update(class_name="bitfount.PrivateSqlQuery")),
    ("algorithm argument", lambda p: p["algorithm"][0].update(url="s3")),
    ("not an algorithm", lambda p: p["algorithm"].append(3)),
    ("no query", lambda p: p["algorithm"][0].pop("query")),
    ("empty query", lambda p: p["algorithm"][0].update(query="  ")),
    ("null query", lambda p: p["algorithm"][0].update(query=None)),
    ("query map", lambda p: p["algorithm"][0].update(query={"a": 1})),
    ("a model where none belongs", lambda p: p["algorithm"][0].update(model={"class_name": "BitfountModelReference"})),
    ("datastructure class", lambda p: p["algorithm"][0].update(datastructure={"class_name": "Mine"})),
    ("datastructure argument", lambda p: p["algorithm"][0]["datastructure"].update(query="SELECT 1")),
]


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_what_the_table_does_not_know_makes_the_effects_unknown(
    verified: Make, protocols: dict[str, Any], name: str, change: Callable[[dict[str, Any]], object]
) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    change(protocol)
    found = statement(verified(protocol), TABLE)
    assert is_worst(found), name
    assert found.destination.endswith("Other destinations cannot be ruled out.")


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": {"class_name": "MyModel"}},
        {"model": {"class_name": "BitfountModelReference", "username": "a", "model_ref": "b", "model_version": None}},
        {"pretrained_file": "w.pt"},
    ],
)
def test_a_model_that_is_not_pinned_is_unknown(verified: Make, protocols: dict[str, Any], change: Any) -> None:
    protocol = copy.deepcopy(protocols["inference"])
    protocol["algorithm"].update(change)
    assert is_worst(statement(verified(protocol), TABLE))


@pytest.mark.parametrize(
    "flags", [{"requires_ehr_connection": True}, {"enable_anonymized_tracker_upload": True}, {"new_switch": False}]
)
def test_a_switch_that_could_change_the_effects_makes_them_unknown(verified: Make, flags: dict[str, Any]) -> None:
    assert is_worst(statement(verified(flags=flags), TABLE))


def test_an_unknown_part_of_a_known_task_still_tells_what_is_known(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified({**protocols["sql"], "extra": 1}), TABLE)
    assert "Apart from what is not known: Runs the requester's own SQL" in found.headline
    assert found.leaves[1].startswith("The result table")
    assert found.reasons == ("“ResultsOnly” has “extra”, and what that changes is not known.",)


def test_strangers_words_are_made_safe_and_cannot_fill_our_sentences(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    protocol["algorithm"][0]["query"] = "SELECT '{table}' -- \u202e\n"
    protocol["algorithm"][0]["table"] = "a\u202eb{query}"
    found = statement(verified(protocol, requester_name="<b>\u200b"), TABLE)
    assert "“a<U+202E>b{query}”" in found.headline
    assert "SELECT '{table}' -- <U+202E>\n" in found.computes[0]
    assert "<b><U+200B>" in found.destination


def test_many_columns_are_counted_and_long_sql_is_shortened(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = copy.deepcopy(protocols["inference"])
    protocol["algorithm"]["datastructure"] = {"selected_cols": [f"c{n}" for n in range(50)]}
    assert statement(verified(protocol), TABLE).reads[0].endswith("“c39” and 10 more.")
    protocol = copy.deepcopy(protocols["sql"])
    protocol["algorithm"][0]["query"] = "SELECT " + "x" * 9000
    assert len(statement(verified(protocol), TABLE).computes[0]) < 4200


def test_a_task_without_a_table_says_so(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    del protocol["algorithm"][0]["table"], protocol["algorithm"][0]["datastructure"]
    assert "(none is named)" in statement(verified(protocol), TABLE).headline


@given(st.data())
def test_no_added_argument_anywhere_leaves_the_effects_known(
    verified: Make, protocols: dict[str, Any], data: st.DataObject
) -> None:
    protocol = copy.deepcopy(data.draw(st.sampled_from(list(protocols.values()))))
    steps = protocol["algorithm"] if isinstance(protocol["algorithm"], list) else [protocol["algorithm"]]
    step = data.draw(st.sampled_from(steps))
    below = [step[key] for key in ("model", "datastructure") if key in step]
    place = data.draw(st.sampled_from([protocol, step, *below]))
    name = data.draw(st.text(min_size=1, max_size=8).map(lambda text: f"x-{text}"))
    place[name] = data.draw(st.none() | st.booleans() | st.text(max_size=5))
    assert is_worst(statement(verified(protocol), TABLE))


@given(st.text(min_size=1, max_size=30))
def test_no_unknown_class_leaves_the_effects_known(verified: Make, protocols: dict[str, Any], name: str) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    known = ("bitfount.SqlQuery",)
    protocol["algorithm"][0]["class_name"] = name
    assert (name in known) or is_worst(statement(verified(protocol), TABLE))


@pytest.mark.parametrize(
    ("level", "risk"),
    [
        ("none", "low"),
        ("counts", "low"),
        ("aggregate", "medium"),
        ("parameters", "medium"),
        ("row", "high"),
    ],
)
def test_the_risk_is_the_stated_rule_over_the_worst_that_leaves(
    verified: Make, protocols: dict[str, Any], level: str, risk: str
) -> None:
    changed = document()
    task = changed["tasks"][0]
    task["leaves"] = [{"level": each, "channel": "message", "words": each} for each in ("none", level)]
    found = statement(verified(protocols["sql"]), parse(changed))
    assert (found.risk, found.level, len(found.reasons)) == (risk, level, 1)


def test_every_row_of_the_shipped_table_cites_its_source() -> None:
    assert isinstance(TABLE, EffectTable)
    rows = document()
    for row in [*rows["parts"], *rows["tasks"], rows["always"], rows["flags"]]:
        assert row["source"].startswith(("bitfount contract, section", "bitfount package"))
    assert TABLE.network == "bitfount"
    assert {each.level for each in TABLE.always} <= set(LEVELS)
    aliases = {name for (role, name), row in TABLE.parts.items() if role == "algorithm" and row.same_as}
    assert len(aliases) == 2
    assert shipped() is TABLE


def damage(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    found = document()
    change(found)
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t["parts"].append(t["parts"][0]),
        lambda t: t["parts"][0].update(role="spell"),
        lambda t: t["parts"][0].update(source=""),
        lambda t: t["parts"].append({"role": "model", "class": "X", "source": "s", "same_as": "Y"}),
        lambda t: t["parts"].append(
            {
                "role": "algorithm",
                "class": "X",
                "source": "s",
                "same_as": "bitfount.CSVReportGeneratorAlgorithm",
            }
        ),
        lambda t: t["tasks"][0].update(protocol="bitfount.Other"),
        lambda t: t["tasks"][0].update(algorithms=["bitfount.Other"]),
        lambda t: t["tasks"][0].update(algorithms=["bitfount.CSVReportGeneratorAlgorithm"]),
        lambda t: t["tasks"][0].update(source=""),
        lambda t: t["tasks"][0].update(leaves=[]),
        lambda t: t["tasks"][0]["leaves"][0].update(level="some"),
        lambda t: t["flags"]["arguments"].update(x={"says": [{"to": "leaves", "words": "w"}]}),
    ],
)
def test_a_table_with_a_mistake_is_refused_as_a_whole(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ValueError, match="effect table"):
        parse(damage(change))
