"""What a request will do is told from the table; what the table does not know is unknown, and that is the worst."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.text import quoted
from podadmin.requests.effect_facts import Computing, ModelUse, Output, Reading
from podadmin.requests.effect_table import shipped
from podadmin.requests.effect_walk import Draft, switches, words_of
from podadmin.requests.effects import UNKNOWN_HEADLINE, UNKNOWN_LEAVES, Effects, finished, statement
from podadmin.requests.envelope import Requester, Verified, VerifiedRequest
from podadmin.requests.protocols import read_protocol

Make = Callable[..., Verified[VerifiedRequest]]
TABLE = shipped()


def is_worst(found: Effects) -> bool:
    return (
        not found.known
        and (found.risk, found.level) == ("unknown", "unknown")
        and found.headline.startswith(UNKNOWN_HEADLINE)
        and found.leaves[0] == "Not known: count on every record leaving."
        and bool(found.reasons)
    )


def with_query(protocols: dict[str, Any], query: str) -> dict[str, Any]:
    protocol: dict[str, Any] = copy.deepcopy(protocols["sql"])
    protocol["algorithm"][0]["query"] = query
    return protocol


def test_the_name_of_a_table_is_no_column_of_a_datasource_that_has_none_of_that_name(
    verified: Make, protocols: dict[str, Any]
) -> None:
    request = verified(with_query(protocols, "SELECT p.age FROM patients AS p"))
    unknown = statement(request, TABLE)
    assert unknown.read.columns == ("p", "age")
    assert unknown.reads == (
        "By the SQL, of the table “patients”: “age”.",
        "And “p”, should a table in it have a column of that name.",
    )
    without = statement(request, TABLE, {"age", "sex"})
    assert (without.read.columns, without.reads) == (("age",), ("By the SQL, of the table “patients”: “age”.",))
    there = statement(request, TABLE, {"age", "p"})
    assert (there.read.columns, there.reads) == (("p", "age"), ("By the SQL, of the table “patients”: “p”, “age”.",))
    # what is no table in the query is read, whatever is known of the datasource
    field = statement(verified(with_query(protocols, "SELECT visit.ward FROM patients")), TABLE, {"age"})
    assert field.read.columns == ("visit", "ward")


def test_sql_is_read_and_shown_as_it_is(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified(protocols["sql"]), TABLE)
    assert (found.known, found.risk, found.level) == (True, "high", "row")
    assert found.headline.startswith("Runs the requester's own SQL on table “patients”")
    assert found.reads == ("By the SQL, of the table “patients”: “sex”.",)
    assert found.computes == ("The requester's own SQL, exactly as it stands in the request.",)
    assert found.leaves[0].startswith("The result table of the SQL, which can hold single records. It groups")
    assert any("error text" in each for each in found.leaves)
    assert found.stays == ("Nothing but the pod's own logs.",)
    assert "abababababababab" in found.destination
    assert found.reasons == ("Something about single records leaves the pod.",)
    assert found.read == Reading("patients", ("patients",), ("sex",), all_columns=False)
    assert found.computed == Computing(
        "bitfount.ResultsOnly", ("bitfount.SqlQuery",), sql=(protocols["sql"]["algorithm"][0]["query"],)
    )
    assert [(each.level, each.channel, each.always) for each in found.outputs] == [
        ("row", "message", False),
        ("telemetry", "message", True),
        ("traceback", "message", True),
        ("telemetry", "telemetry", True),
    ]


def test_figures_are_no_single_records_where_the_sql_itself_demands_a_group(
    verified: Make, protocols: dict[str, Any]
) -> None:
    query = "SELECT sex, COUNT(*) AS n FROM `patients` WHERE age > 60 GROUP BY sex HAVING COUNT(*) >= 12"
    found = statement(verified(with_query(protocols, query)), TABLE)
    assert (found.known, found.risk, found.level) == (True, "medium", "aggregate")
    assert found.reasons == ("Figures over at least 12 records each leave the pod.",)
    assert found.outputs[0].smallest_group == 12
    assert found.leaves[0].startswith("The result table of the SQL: figures over records. The SQL demands at least 12")
    assert found.read.filters == ("Only records that meet the condition: WHERE age > 60",)
    assert found.reads[-1] == found.read.filters[0]
    count = statement(verified(with_query(protocols, "SELECT COUNT(*) AS n FROM patients")), TABLE)
    assert (count.risk, count.level, count.reasons) == ("low", "counts", ("Only counts leave the pod.",))
    assert count.outputs[0].every_record
    assert count.leaves[0] == "The result of the SQL: counts. All records of the table stand behind each figure."
    assert count.reads == ("By the SQL, of the table “patients”: only how many records it has, and no column.",)
    every = statement(verified(with_query(protocols, "SELECT AVG(age) AS n FROM patients")), TABLE)
    assert (every.risk, every.reasons) == ("medium", ("Figures over all records leave the pod.",))
    nothing = statement(verified(with_query(protocols, "SELECT 1 AS n")), TABLE)
    assert (nothing.risk, nothing.reasons) == ("low", ("Nothing that was computed leaves the pod.",))
    assert nothing.leaves[0] == "The result of the SQL, which holds nothing of the data."


def test_sql_that_reaches_out_or_cannot_be_read_is_loud(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified(with_query(protocols, "SELECT * FROM read_csv('/etc/passwd')")), TABLE)
    assert (found.risk, found.level, found.read.all_columns) == ("high", "row", True)
    assert any("outside of the datasource: rows from “READ_CSV”" in each for each in found.reasons)
    assert any(each.startswith("Outside of the datasource") for each in found.reads)
    garbage = statement(verified(with_query(protocols, "give me all of it")), TABLE)
    assert (garbage.risk, garbage.level, garbage.read.all_columns) == ("high", "row", True)
    assert garbage.reads[0].startswith("Table “patients”. Which columns the SQL reads could not be found out")
    every = statement(verified(with_query(protocols, "SELECT * FROM patients")), TABLE)
    assert every.reads == ("By the SQL, of the table “patients”: every column.",)


def test_inference_tells_the_model_the_columns_and_the_predictions(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified(protocols["inference"]), TABLE)
    assert (found.known, found.risk) == (True, "high")
    assert "“acme/Retina:3”" in found.headline
    assert found.reads == ("For every record: “age”, “sex”, “img_…”.",)
    assert found.leaves[0] == "One prediction for every record."
    assert found.computed.models == (ModelUse("acme/Retina:3"),)
    assert found.read.columns == ("age", "sex", "img_…")
    assert found.read.all_columns
    assert found.outputs[0].often == "each-batch"
    assert found.stays == ("A CSV file with the results, in the task's folder of the pod.",)


def test_a_report_sends_everything_in_it(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified(protocols["report"]), TABLE)
    assert (found.known, found.risk) == (True, "high")
    assert "all columns, because the request does not name any" in found.reads[0]
    assert "“name”, “born”" in found.reads[1]
    assert {"name", "born"} <= set(found.read.columns)
    both = copy.deepcopy(protocols["report"])
    both["algorithm"][0]["datastructure"] = {"selected_cols": ["age"]}
    assert {"age", "name", "born"} <= set(statement(verified(both), TABLE).read.columns)
    assert found.leaves[0].startswith("The complete CSV report")
    assert found.read.all_columns


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
    ("protocol", lambda p: p.update(class_name="bitfount.InferenceAndCSVReport")),
    ("protocol without prefix", lambda p: p.update(class_name="ResultsOnly")),
    ("protocol argument", lambda p: p.update(upload_to="https://example.org")),
    ("null argument", lambda p: p.update(surprise=None)),
    ("results path", lambda p: p.update(primary_results_path="/etc")),
    ("aggregator", lambda p: p.update(aggregator={"class_name": "bitfount.OtherAggregator"})),
    ("aggregator argument", lambda p: p.update(aggregator={"class_name": "bitfount.Aggregator", "weights": {}})),
    ("aggregator text", lambda p: p.update(aggregator="bitfount.Aggregator")),
    ("no algorithm", lambda p: p.update(algorithm=[])),
    ("algorithm twice", lambda p: p["algorithm"].append(copy.deepcopy(p["algorithm"][0]))),
    ("algorithm class", lambda p: p["algorithm"][0].update(class_name="bitfount.RecordFilterAlgorithm")),
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


@pytest.mark.parametrize("flags", [{"enable_anonymized_tracker_upload": True}, {"new_switch": False}])
def test_a_switch_that_could_change_the_effects_makes_them_unknown(verified: Make, flags: dict[str, Any]) -> None:
    assert is_worst(statement(verified(flags=flags), TABLE))


def test_an_unknown_part_of_a_known_task_still_tells_what_is_known(verified: Make, protocols: dict[str, Any]) -> None:
    found = statement(verified({**protocols["sql"], "extra": 1}), TABLE)
    assert "Apart from what is not known: Runs the requester's own SQL" in found.headline
    assert found.leaves[1].startswith("The result table")
    assert found.outputs[0].level == "unknown"
    assert found.read.all_columns
    assert found.reasons == ("“ResultsOnly” has “extra”, and what that changes is not known.",)


def test_strangers_words_are_made_safe_and_cannot_fill_our_sentences(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    protocol["algorithm"][0]["query"] = "SELECT '{table}' FROM `x\u202e` -- \n"
    protocol["algorithm"][0]["table"] = "a\u202eb{model}"
    found = statement(verified(protocol, requester_name="<b>\u200b"), TABLE)
    assert "“a<U+202E>b{model}”" in found.headline
    assert "“x<U+202E>”" in found.reads[0]
    assert found.computed.sql == ("SELECT '{table}' FROM `x\u202e` -- \n",)
    assert "<b><U+200B>" in found.destination


def test_many_columns_are_counted(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = copy.deepcopy(protocols["inference"])
    protocol["algorithm"]["datastructure"] = {"selected_cols": [f"c{n}" for n in range(50)]}
    assert statement(verified(protocol), TABLE).reads[0].endswith("“c39” and 10 more.")


@pytest.mark.parametrize(("columns", "end"), [(40, "“c39”."), (41, "“c39” and 1 more."), (42, "“c39” and 2 more.")])
def test_forty_columns_are_named_and_the_rest_counted(
    verified: Make, protocols: dict[str, Any], columns: int, end: str
) -> None:
    query = f"SELECT {', '.join(f'c{place}' for place in range(columns))} FROM t"
    assert statement(verified(with_query(protocols, query)), TABLE).reads[0].endswith(end)


def test_of_long_names_as_much_is_shown_as_tells_them_apart(verified: Make, protocols: dict[str, Any]) -> None:
    (reads,) = statement(verified(with_query(protocols, f"SELECT {'n' * 90} FROM t")), TABLE).reads
    assert len(reads.removeprefix("By the SQL, of the table “t”: “").removesuffix("”.")) == 80
    (why,) = statement(verified({**protocols["sql"], "n" * 90: 1}), TABLE).reasons
    assert len(why.removeprefix("“ResultsOnly” has “").partition("”")[0]) == 60


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


def test_what_is_not_known_leaves_in_a_way_that_is_not_known_to_somebody_who_is_not_known(
    verified: Make, protocols: dict[str, Any]
) -> None:
    found = statement(verified({**protocols["sql"], "class_name": "bitfount.Novel"}), shipped())
    first = found.outputs[0]
    assert (first.level, first.channel, first.destination) == ("unknown", "unknown", "unknown")
    part = {**protocols["sql"], "algorithm": {**protocols["sql"]["algorithm"][0], "novel": 1}}
    for protocol in (part, {"class_name": "bitfount.Novel"}):
        headline = statement(verified(protocol), shipped()).headline
        assert headline.startswith(UNKNOWN_HEADLINE)
        assert not headline.endswith("is not known: ")


def test_all_that_is_said_where_something_is_not_known(verified: Make, protocols: dict[str, Any]) -> None:
    found = asdict(statement(verified({**protocols["inference"], "extra": 1}), TABLE))
    assert found.pop("known") is False
    known = statement(verified(protocols["inference"]), TABLE)
    assert known.known is True
    always = [each.words for each in TABLE.always]
    assert found.pop("leaves") == (UNKNOWN_LEAVES, "One prediction for every record.", *always)
    assert [each["level"] for each in found.pop("outputs")][:2] == ["unknown", "row"]
    assert found == {
        "headline": f"{UNKNOWN_HEADLINE} Apart from what is not known: {known.headline}",
        "reads": ("Not known: count on everything that the pod can read.", "For every record: “age”, “sex”, “img_…”."),
        "computes": ("Not known.", *known.computes),
        "stays": ("Not known.", "A CSV file with the results, in the task's folder of the pod."),
        "destination": "The requester who calls themselves “Dr. Mole” (key abababababababab), by encrypted messages. "
        "Other destinations cannot be ruled out.",
        "risk": "unknown",
        "reasons": ("“ResultsOnly” has “extra”, and what that changes is not known.",),
        "level": "unknown",
        "read": {
            "datasource": "patients",
            "tables": (),
            "columns": ("age", "sex", "img_…"),
            "all_columns": True,
            "filters": (),
            "ehr": False,
            "outside": (),
        },
        "computed": {
            "protocol": "bitfount.ResultsOnly",
            "algorithms": ("bitfount.ModelInference",),
            "aggregator": "",
            "models": (
                {"slug": "acme/Retina:3", "origin": "hub", "code_digest": "", "weights_digest": "", "trains": False},
            ),
            "sql": (),
            "foreign_code": False,
        },
    }
    bare = statement(verified({"class_name": "bitfount.Novel"}), TABLE)
    assert (bare.headline, bare.reads, bare.computes, bare.stays) == (
        UNKNOWN_HEADLINE,
        ("Not known: count on everything that the pod can read.",),
        ("Not known.",),
        ("Not known.",),
    )
    assert bare.known is False


def test_everybody_who_gets_something_is_named() -> None:
    draft = Draft("patients")
    draft.outputs = [
        Output("row", "upload", "store", "Rows."),
        Output("none", "e-mail", "recipients", "A text."),
        Output("telemetry", "telemetry", "operator", "Counts."),
    ]
    found = finished(draft, "It does.", TABLE, Requester("Dr. Mole\u202e", "ab" * 32), Computing("p"))
    assert found.destination == (
        "The requester who calls themselves “Dr. Mole<U+202E>” (key abababababababab), by encrypted messages. "
        "Also an object store at an address that the requester gives. Also the recipients of an e-mail. "
        "Also the operator of the network."
    )
    assert (found.known, found.headline, found.stays) == (True, "It does.", ("Nothing but the pod's own logs.",))
    assert [each.words for each in found.outputs[:3]] == ["Rows.", "A text.", "Counts."]


def test_the_datasource_is_all_behind_the_name_of_its_owner(verified: Make) -> None:
    request = verified(pod_identifier="alice/eyes/2026", pod_identifiers=("alice/eyes/2026",))
    assert statement(request, TABLE).read.datasource == "eyes/2026"


REASONS = {
    "protocol": ("“InferenceAndCSVReport · SqlQuery” is not a combination that podadmin knows.",),
    "protocol without prefix": (
        "The protocol “ResultsOnly” is not known.",
        "“ResultsOnly · SqlQuery” is not a combination that podadmin knows.",
    ),
    "results path": ('“ResultsOnly” sets “primary_results_path” to "/etc", and what that changes is not known.',),
    "aggregator text": (
        "At “aggregator” stands something that is not a step.",
        "The aggregator “without a class” is not known.",
    ),
    "not an algorithm": (
        "At “algorithm[1]” stands something that is not a step.",
        "The algorithm “without a class” is not known.",
        "“ResultsOnly · SqlQuery · ?” is not a combination that podadmin knows.",
    ),
    "empty query": ("“SqlQuery” lacks its “query”.",),
    "a model where none belongs": (
        "The model is not named with owner, name and version.",
        "“SqlQuery” carries a model that it should not.",
    ),
    "datastructure argument": ("“datastructure” has “query”, and what that changes is not known.",),
}


@pytest.mark.parametrize("name", REASONS)
def test_what_is_not_known_is_said_in_words(verified: Make, protocols: dict[str, Any], name: str) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    dict(CHANGES)[name](protocol)
    assert statement(verified(protocol), TABLE).reasons == REASONS[name]


def test_a_switch_and_a_missing_model_are_said_in_words(verified: Make, protocols: dict[str, Any]) -> None:
    switch = statement(verified(flags={"new_switch": False}), TABLE)
    assert switch.reasons == ("The request has “new_switch”, and what that changes is not known.",)
    protocol = copy.deepcopy(protocols["inference"])
    del protocol["algorithm"]["model"]
    assert "“ModelInference” does not say which model it runs." in statement(verified(protocol), TABLE).reasons


def test_of_two_queries_nothing_that_one_of_them_reaches_is_lost(verified: Make, protocols: dict[str, Any]) -> None:
    protocol = with_query(protocols, "SELECT a FROM read_csv('/etc/passwd')")
    protocol["algorithm"] += with_query(protocols, "SELECT b FROM read_json('/etc/shadow'), eyes")["algorithm"]
    found = statement(verified(protocol), TABLE)
    assert len(found.computed.sql) == 2
    assert found.read.outside == (
        "rows from “READ_CSV”",
        "the function “READ_CSV”",
        "rows from “read_json”",
        "the function “read_json”",
    )
    assert {"patients", "eyes"} <= set(found.read.tables)
    assert {"a", "b"} <= set(found.read.columns)
    assert sum(each.startswith("Outside of the datasource") for each in found.reads) == len(found.read.outside)


def test_a_requester_cannot_end_our_quotation_marks_and_go_on_in_our_words(verified: Any) -> None:
    """The name is the requester's own; a key and a confirmation behind it would be believed."""
    name = "lab” (key 0123456789abcdef), confirmed by you. “"
    said = statement(verified(requester_name=name), shipped("bitfount")).destination
    assert said.startswith(f"The requester who calls themselves {quoted(name)} (key ")
    assert (said.count("“"), said.count("”")) == (1, 1)


EVERY = "SELECT AVG(age) AS n FROM patients"
GUARDED = "SELECT sex, AVG(age) AS n FROM patients GROUP BY sex HAVING COUNT(*) >= 10"
ONE_FILE = ("test_run", "batched_execution", "run_on_new_data_only")


@pytest.mark.parametrize("switch", ONE_FILE)
@pytest.mark.parametrize(
    ("query", "level", "group"),
    [(EVERY, "row", None), (GUARDED, "aggregate", 10), (f"{GUARDED} UNION {EVERY}", "row", None)],
)
def test_a_figure_over_one_file_is_about_the_person_in_it(
    verified: Any, protocols: dict[str, Any], switch: str, query: str, level: str, group: int | None
) -> None:
    """A trial runs over one file, a batch can hold one, and so can what is new since the last time."""
    one = statement(verified(with_query(protocols, query), flags={switch: True}), TABLE)
    all_of_them = statement(verified(with_query(protocols, query), flags={switch: False}), TABLE)
    told = [each for each in one.outputs if not each.always]
    assert (one.level, [each.smallest_group for each in told]) == (level, [group])
    assert [each.every_record for each in told] == [False]
    assert any("count on single records" in each for each in one.leaves) == (level == "row")
    assert all_of_them.level == "aggregate"


def test_a_filter_of_the_requester_can_leave_a_single_record(verified: Any, protocols: dict[str, Any]) -> None:
    protocol = with_query(protocols, EVERY)
    step = protocol["algorithm"][0]
    step["datastructure"] = {**step.get("datastructure", {"class_name": "bitfount.DataStructure"}), "task_filters": []}
    assert statement(verified(protocol), TABLE).level == "aggregate"
    step["datastructure"]["task_filters"] = [{"class_name": "x", "filter_type": "min_date", "value": "2026-01-01"}]
    found = statement(verified(protocol), TABLE)
    assert (found.known, found.level) == (True, "row")


def test_what_holds_no_data_does_not_hold_it_in_batches(verified: Any, protocols: dict[str, Any]) -> None:
    found = statement(verified(with_query(protocols, "SELECT 1 AS n"), flags={"batched_execution": True}), TABLE)
    assert found.level == "none"


@pytest.mark.parametrize(
    ("algorithm", "argument"),
    [("bitfount.MONAIBundleInference", "bundle_name"), ("bitfount.TIMMInference", "model_id")],
)
def test_a_model_that_an_argument_names_is_named(
    verified: Any, protocols: dict[str, Any], algorithm: str, argument: str
) -> None:
    step = {"class_name": algorithm, argument: "spleen_ct"}
    found = statement(verified({**protocols["sql"], "algorithm": [step]}), TABLE)
    assert found.known, found.reasons
    assert "“spleen_ct”" in found.headline
    assert any("“spleen_ct”" in each for each in found.computes)
    assert [each.slug for each in found.computed.models] == ["spleen_ct"]


def test_every_part_says_of_which_table_it_speaks(verified: Any, protocols: dict[str, Any]) -> None:
    parts = dict(TABLE.parts)
    named = [("protocol", "bitfount.ResultsOnly"), ("aggregator", "bitfount.Aggregator")]
    for role, name in (*named, *(each for each in TABLE.parts if each[0] == "datastructure")):
        parts[role, name] = replace(
            parts[role, name],
            computes=(f"The {role} on {{table}}.",),
            leaves=tuple(replace(each, words=f"{{table}} of the {role}.") for each in TABLE.always[:1]),
        )
    protocol = {**protocols["sql"], "aggregator": {"class_name": "bitfount.Aggregator"}}
    found = statement(verified(protocol), replace(TABLE, parts=parts))
    roles = ("protocol", "aggregator", "datastructure")
    assert {f"The {role} on “patients”." for role in roles} <= set(found.computes)
    assert "“patients” of the protocol." in found.leaves


def test_every_step_says_of_which_table_and_model_it_speaks(verified: Any, protocols: dict[str, Any]) -> None:
    told = replace(TABLE.always[0], words="The result for {table}.")
    also = replace(TABLE.always[0], words="What leaves of {table} and of {this}.")
    parts = {
        key: replace(row, stays=("Kept of {table}.",), leaves=(also,), result=(told,) if row.result else ())
        if row.role in {"algorithm", "model"}
        else row
        for key, row in TABLE.parts.items()
    }
    protocol = copy.deepcopy(protocols["inference"])
    protocol["algorithm"]["datastructure"] = {"class_name": "DataStructure", "table": "eyes"}
    found = statement(verified(protocol), replace(TABLE, parts=parts))
    assert [each for each in found.stays if "Kept" in each] == ["Kept of “eyes”."]
    assert {"The result for “eyes”.", "What leaves of “eyes” and of {this}."} <= set(found.leaves)


def test_a_query_over_two_tables_names_both_and_every_reason(verified: Any, protocols: dict[str, Any]) -> None:
    query = "SELECT a FROM t WHERE b IN (SELECT c FROM read_csv('x')) AND d IN (SELECT e FROM u)"
    found = statement(verified(with_query(protocols, query)), TABLE)
    assert "By the SQL, of the table “t”, “u”: every column." in found.reads
    assert found.leaves[0].endswith(
        "single records. It reaches outside the datasource: rows from “READ_CSV”. It reaches"
        " outside the datasource: the function “READ_CSV”. It gives “a” of single records."
    )


def test_a_step_that_lacks_its_query_has_none(verified: Any, protocols: dict[str, Any]) -> None:
    protocol = with_query(protocols, "")
    assert statement(verified(protocol), TABLE).computed.sql == ()


def test_only_what_leaves_once_leaves_once_for_each_batch() -> None:
    draft = Draft("patients")
    draft.outputs = [Output("row", "message", "requester", "x", often) for often in ("once", "each-round")]
    switches({"batched_execution": "true"}, TABLE, draft)
    assert [each.often for each in draft.outputs] == ["each-batch", "each-round"]


def test_a_query_without_a_table_reads_none(verified: Any, protocols: dict[str, Any]) -> None:
    found = statement(verified(with_query(protocols, "SELECT 1 AS n")), TABLE)
    assert found.reads == ("By the SQL: no table of the datasource.",)


def test_of_a_long_value_sixty_characters_are_shown(verified: Any, protocols: dict[str, Any]) -> None:
    (why,) = statement(verified({**protocols["sql"], "primary_results_path": "/" * 90}), TABLE).reasons
    assert len(why.removeprefix("“ResultsOnly” sets “primary_results_path” to ").partition(",")[0]) == 60


def test_a_headline_names_what_the_first_step_names_that_names_anything() -> None:
    steps = [
        {"class_name": "a"},
        {"class_name": "b", "table": "eyes", "model_id": "m"},
        {"class_name": "c", "table": "t"},
    ]
    words = words_of(read_protocol({"class_name": "p", "algorithm": steps}))
    assert (words["table"], words["model"]) == ("“eyes”", "“m”")
