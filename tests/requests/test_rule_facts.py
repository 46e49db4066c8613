"""What rules are held against: the facts of a request from its effects, and the worst where something is not known."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from podadmin.requests.effect_facts import Computing, ModelUse, Output
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Opened, Verified, VerifiedRequest, judge
from podadmin.requests.rule_facts import Facts, ModelFact, facts_of, keep, kept, older, unknown

Make = Callable[..., Verified[VerifiedRequest]]


def out(level: Any, group: int | None = None, *, every: bool = False, always: bool = False) -> Output:
    return Output(level, "message", "requester", "words", smallest_group=group, every_record=every, always=always)


ALWAYS = out("traceback", always=True)


@pytest.mark.parametrize(
    ("outputs", "group", "whole"),
    [
        ((), None, True),
        ((ALWAYS,), None, True),
        ((out("none"), out("telemetry")), None, True),
        ((out("counts", every=True), ALWAYS), None, True),
        ((out("counts", 12),), 12, False),
        ((out("counts", 12), out("aggregate", 5)), 5, False),
        ((out("aggregate", 12), out("counts", every=True)), 12, False),
        ((out("aggregate", 12), out("counts")), None, False),
        ((out("counts"),), None, False),
        ((out("parameters"), out("counts", 12)), None, False),
        ((out("unknown"), out("counts", 12)), None, False),
        ((out("traceback"),), None, False),
        ((out("row"), out("counts", 12)), 1, False),
        ((out("unknown"), out("row")), 1, False),
        ((out("counts", 12), out("row", always=True)), 12, False),
    ],
)
def test_the_smallest_group_is_the_one_that_every_figure_keeps_to(
    verified: Make, protocols: dict[str, Any], outputs: tuple[Output, ...], group: int | None, whole: bool
) -> None:
    request = verified(protocols["sql"])
    effects = replace(statement(request, shipped()), outputs=outputs)
    found = facts_of(request, effects)
    assert (found.smallest_group, found.whole) == (group, whole)
    unknown = facts_of(request, replace(effects, known=False))
    assert (unknown.smallest_group, unknown.whole) == (None, False), "what is not known guarantees no group"


@pytest.mark.parametrize(
    ("query", "level", "group", "whole"),
    [
        ("SELECT COUNT(*) AS n FROM patients", "counts", None, True),
        ("SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex HAVING COUNT(*) >= 12", "aggregate", 12, False),
        ("SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex", "row", 1, False),
        ("SELECT AVG(age) AS n FROM patients WHERE age > 60", None, None, False),
        ("what?", "row", 1, False),
    ],
)
def test_the_sql_itself_decides_how_small_a_group_can_be(
    verified: Make, protocols: dict[str, Any], query: str, level: str | None, group: int | None, whole: bool
) -> None:
    protocol = copy.deepcopy(protocols["sql"])
    protocol["algorithm"][0]["query"] = query
    request = verified(protocol)
    found = facts_of(request, statement(request, shipped()))
    assert level in (None, found.level)
    assert (found.smallest_group, found.whole) == (group, whole) or level is None
    assert level is not None or not found.whole, "a condition leaves out records"


def test_every_fact_of_a_request_is_where_it_belongs(verified: Make, protocols: dict[str, Any]) -> None:
    request = verified(protocols["inference"], project_id=None)
    effects = statement(request, shipped())
    use = ModelUse("acme/Retina:3", code_digest="c" * 64, weights_digest="d" * 64)
    computed = Computing("p", ("a",), models=(use, use))
    read = replace(effects.read, columns=("age", "sex", "age"), all_columns=False)
    found = facts_of(request, replace(effects, computed=computed, read=read, level="row"), 7.0, ("b", "a", "b"))
    assert asdict(found) == {
        "network": "local",
        "requester_key": "ab" * 32,
        "requester_name": "Dr. Mole",
        "project": "",
        "identity": "key-based",
        "datasource": "patients",
        "purposes": ("a", "b"),
        "protocol": "ResultsOnly",
        "algorithms": ("ModelInference",),
        "models": ({"slug": "acme/Retina:3", "code": "c" * 64, "weights": "d" * 64},),
        "columns": ("age", "sex"),
        "all_columns": False,
        "level": "row",
        "inferences": 7.0,
        "smallest_group": 1,
        "whole": False,
        "ehr": False,
        "beside": None,
    }
    assert facts_of(verified(protocols["sql"]), None).project == "proj-1"


def test_where_nothing_is_known_every_fact_is_the_worst(verified: Make, protocols: dict[str, Any]) -> None:
    request = verified(protocols["inference"])
    unknown = replace(statement(request, shipped()), known=False, level="counts")
    for found in (facts_of(request, None), facts_of(request, unknown)):
        assert (found.level, found.all_columns, found.inferences) == ("unknown", True, None)
        assert (found.smallest_group, found.whole, found.ehr, found.purposes) == (None, False, None, ())
        assert [each.slug for each in found.models] == ["acme/Retina:3"]
    assert facts_of(request, None).columns == ()
    query = statement(verified(protocols["sql"]), shipped())
    assert not query.read.all_columns
    assert facts_of(verified(protocols["sql"]), replace(query, known=False)).all_columns


@pytest.mark.parametrize(
    ("flags", "known", "reads", "ehr"),
    [
        ({}, True, False, False),
        ({}, False, False, None),
        ({}, True, True, True),
        ({}, False, True, True),
        ({"requires_ehr_connection": True}, False, False, True),
        ({"requires_ehr_connection": True}, True, False, True),
        ({"requires_ehr_connection": False}, True, False, False),
        ({"requires_ehr_connection": "true"}, False, False, None),
    ],
)
def test_whether_the_ehr_is_asked(
    verified: Make, protocols: dict[str, Any], flags: dict[str, Any], known: bool, reads: bool, ehr: bool | None
) -> None:
    request = verified(protocols["sql"], flags=flags)
    effects = statement(verified(protocols["sql"]), shipped())
    made = replace(effects, known=known, read=replace(effects.read, ehr=reads))
    assert facts_of(request, made).ehr is ehr


def test_a_log_in_is_a_fact_of_its_own_and_proves_no_key(
    opened: Callable[..., Opened], protocols: dict[str, Any]
) -> None:
    request = judge(opened(protocols["sql"], auth_type="oidc-device-code"), by_network=True)
    found = facts_of(request, None)
    assert (found.identity, found.requester_key) == ("oidc-device-code", "")


@pytest.mark.parametrize("change", [{"v": 0}, {"v": None}, {"more": 1}])
def test_facts_of_another_shape_are_not_read(verified: Make, change: dict[str, Any]) -> None:
    text = keep(facts_of(verified(), None))
    assert kept(text) == facts_of(verified(), None)
    assert json.loads(text)["v"] == 1
    older_text = json.dumps({key: value for key, value in json.loads(text).items() if key != "beside"})
    assert kept(older_text) == facts_of(verified(), None), "as an older podadmin kept them"
    assert kept(keep(facts_of(verified(), None, beside=True))).beside is True
    with pytest.raises(ValueError, match=r"^not the facts of a request$"):
        kept(json.dumps({**json.loads(text), **change}))
    for other in (
        '{"network": "local"}',
        "[]",
        "null",
        json.dumps({key: value for key, value in json.loads(text).items() if key != "ehr"}),
    ):
        with pytest.raises(ValueError, match=r"^not the facts of a request$"):
            kept(other)


def test_of_an_older_request_only_what_was_recorded_is_known(protocols: dict[str, Any]) -> None:
    row = {"verified": "verified", "network": "local", "requester": "lab", "project": "study", "datasource": "eyes"}
    findings = {
        "protocol": protocols["inference"], "requester_key": "ab", "effects": {"known": True, "level": "row"},
    }  # fmt: skip
    worst: dict[str, Any] = {
        "purposes": (), "all_columns": True, "inferences": None, "smallest_group": None, "whole": False, "ehr": None,
    }  # fmt: skip
    assert older(row, findings) == Facts(
        network="local",
        requester_key="ab",
        requester_name="lab",
        project="study",
        identity="key-based",
        datasource="eyes",
        protocol="ResultsOnly",
        algorithms=("ModelInference",),
        models=(ModelFact("acme/Retina:3"),),
        columns=("age", "sex", "img_…"),
        level="row",
        **worst,
    )
    for effects in (None, {}, {"known": True}, {"level": "row"}, {"known": False, "level": "row"}):
        found = older(row, {"protocol": protocols["sql"], "effects": effects})
        assert found is not None
        assert (found.level, found.requester_key) == ("unknown", "")
    assert older({**row, "verified": "tampered"}, findings) is None
    assert older(row, {**findings, "protocol": None}) is None
    assert older(row, {}) is None


def test_rules_and_statements_mean_the_same_datasource(verified: Make, protocols: dict[str, Any]) -> None:
    for name in ("alice/patients", "alice/eyes/2026"):
        request = verified(protocols["sql"], pod_identifier=name, pod_identifiers=(name,))
        effects = statement(request, shipped())
        assert effects.read.datasource == facts_of(request, effects).datasource == name.removeprefix("alice/")


def test_of_what_nobody_signed_only_claims_are_known_and_else_the_worst() -> None:
    assert asdict(unknown("bitfount", "hub", "glaucoma", "patients")) == {
        "network": "bitfount",
        "requester_key": "",
        "requester_name": "hub",
        "project": "glaucoma",
        "identity": "",
        "datasource": "patients",
        "purposes": (),
        "protocol": "",
        "algorithms": (),
        "models": (),
        "columns": (),
        "all_columns": True,
        "level": "unknown",
        "inferences": None,
        "smallest_group": None,
        "whole": False,
        "ehr": None,
        "beside": None,
    }
