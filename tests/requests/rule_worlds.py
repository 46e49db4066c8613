"""Small worlds of requests and rules for the property tests: few values, so that rules and requests often meet."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hypothesis import strategies as st

from podadmin.requests.rule_facts import Facts, ModelFact
from podadmin.requests.rules import Condition, Rule, draft
from podadmin.requests.simulation import Circumstances
from podadmin.requests.verdict import Considered

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
KEYS = ("a" * 64, "b" * 64)
LEVELS = ("none", "counts", "aggregate", "row", "unknown")


def make_facts(**changes: Any) -> Facts:
    """A request for counts that a rule can easily cover."""
    given: dict[str, Any] = {
        "network": "local",
        "requester_key": KEYS[0],
        "requester_name": "lab",
        "project": "study",
        "identity": "key-based",
        "datasource": "patients",
        "purposes": (),
        "protocol": "ResultsOnly",
        "algorithms": ("SqlQuery",),
        "models": (),
        "columns": ("age", "sex"),
        "all_columns": False,
        "level": "aggregate",
        "inferences": 0.0,
        "smallest_group": 10,
        "whole": False,
        "ehr": False,
    }
    return Facts(**{**given, **changes})


def make_rule(verdict: str = "allow", rule_id: str = "rul_1", **conditions: str) -> Rule:
    """A rule from its conditions' texts."""
    more: dict[str, Any] = {"message": "No."} if verdict == "refuse" else {}
    return draft(f"Rule {rule_id}", verdict, conditions, rule_id=rule_id, **more)


MODELS = tuple(
    itertools.starmap(
        ModelFact,
        itertools.product(
            ("acme/Retina:1", "acme/Retina:3", "ACME/Retina:3", "other/Model:2", ""), ("", "c" * 16), ("", "d" * 16)
        ),
    )
)


def any_facts(lot: Random) -> Facts:
    """Any request of the small world; a request without a model uses no inferences."""

    def some(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(lot.sample(values, lot.randint(0, len(values))))

    models = tuple(lot.sample(MODELS, lot.randint(0, 2)))
    whole = lot.random() < 0.5
    return make_facts(
        network=lot.choice(["local", "bitfount"]),
        requester_key=lot.choice(KEYS),
        requester_name=lot.choice(["lab", "LAB", "clinic"]),
        project=lot.choice(["study", "other", ""]),
        purposes=some(("DUO:0000031", "DUO:0000037")),
        datasource=lot.choice(["patients", "eyes"]),
        protocol=lot.choice(["ResultsOnly", "Report"]),
        algorithms=some(("SqlQuery", "ModelInference", "CSVReport")),
        models=models,
        columns=some(("age", "sex", "Age", "nhs")),
        all_columns=lot.random() < 0.5,
        level=lot.choice(LEVELS),
        inferences=lot.choice([0.0, 5.0, 20.0, None]) if models else 0.0,
        smallest_group=None if whole else lot.choice([1, 10, 50, None]),
        whole=whole,
        ehr=lot.choice([True, False, None]),
        beside=lot.choice([True, False, None]),
    )


def facts() -> st.SearchStrategy[Facts]:
    """Any request, told by one number: a draw for each of its parts costs more than all that is shown of them."""
    return st.integers(0, 2**32 - 1).map(lambda number: any_facts(Random(number)))


def _set(field: str, values: tuple[str, ...], modes: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    asked = st.lists(st.sampled_from(values), min_size=1, unique=True).map(lambda found: tuple(sorted(found)))
    return st.builds(lambda mode, found: Condition(field, mode, () if mode == "none" else found),
                     st.sampled_from(modes), asked)  # fmt: skip


def _one(field: str, values: tuple[str, ...], modes: tuple[str, ...]) -> st.SearchStrategy[Condition]:
    return st.builds(
        lambda mode, value: Condition(field, mode, (value,)), st.sampled_from(modes), st.sampled_from(values)
    )


CONDITIONS = {
    "network": _set("network", ("local", "bitfount"), ("only", "other")),
    "requester_key": _set("requester_key", KEYS, ("only", "other")),
    "requester_name": _set("requester_name", ("lab", "Clinic"), ("only", "other")),
    "project": _set("project", ("study", "other"), ("only", "other", "none")),
    "purpose": _set("purpose", ("DUO:0000031", "DUO:0000037"), ("only", "any", "other")),
    "datasource": _set("datasource", ("patients", "eyes"), ("only", "other")),
    "column": _set("column", ("age", "sex", "NHS"), ("only", "any", "other", "none")),
    "protocol": _set("protocol", ("ResultsOnly", "Report"), ("only", "other")),
    "algorithm": _set("algorithm", ("SqlQuery", "ModelInference"), ("only", "any", "other")),
    "model": _set(
        "model",
        ("acme/", "acme/Retina:1-3", "acme/Retina:2-", "other/Model", "acme/Retina#" + "c" * 16),
        ("only", "any", "other", "none"),
    ),
    "leaves": _one("leaves", ("none", "counts", "aggregate", "row"), ("at-most", "more-than")),
    "inferences": _one("inferences", ("0", "5", "10"), ("at-most", "more-than")),
    "group": _one("group", ("5", "10", "all"), ("at-least", "less-than")),
    "beside": _one("beside", ("none", "some"), ("is",)),
    "ehr": _one("ehr", ("used", "not-used"), ("is",)),
    "identity": _set("identity", ("key-based", "oidc-device-code"), ("only", "other")),
    "time": st.sampled_from(
        [
            Condition("time", "within", ("Sat Sun", "UTC")),
            Condition("time", "outside", ("08:00-18:00", "Europe/London")),
            Condition("time", "within", ("..2026-11-20", "UTC")),
        ]
    ),
}


@st.composite
def rules(draw: st.DrawFn, verdicts: tuple[str, ...] = ("allow", "refuse", "hold"), most: int = 3) -> Rule:
    """Any rule of the small world, with an id of its own letter."""
    verdict = draw(st.sampled_from(verdicts))
    fields = draw(st.lists(st.sampled_from(sorted(CONDITIONS)), unique=True, min_size=1, max_size=most))
    conditions = [draw(CONDITIONS[field]) for field in fields]
    return draft(
        "A rule",
        verdict,
        {each.field: each.text for each in conditions},
        message="No." if verdict == "refuse" else "",
        reviewers=draw(st.integers(1, 3)) if verdict == "hold" else 1,
        enabled=draw(st.sampled_from([True, True, True, False])),
        rule_id=f"rul_{draw(st.integers(0, 999)):03}",
    )


def rule_sets(most: int = 5, **more: Any) -> st.SearchStrategy[list[Rule]]:
    return st.lists(rules(**more), max_size=most, unique_by=lambda rule: rule.id)


MOMENTS = st.integers(-60, 60).map(lambda hours: NOW + timedelta(hours=hours))
_SAID = st.sampled_from(
    [
        Considered("Seen before", "passes", "Not seen."),
        Considered("The network's access check", "holds", "It said nothing.", "request.network-unanswered"),
        Considered("The network's access check", "refuses", "It says no.", "request.network-refused"),
    ]
)
CIRCUMSTANCES = st.builds(
    Circumstances,
    st.lists(_SAID, max_size=2).map(tuple),
    st.sampled_from(
        [
            (),
            (Considered("Grant grt_1", "allows", "It has a run left.", "request.granted", "grant:grt_1"),),
            (Considered("Other grants", "does-not-apply", "For others.", about="grant:"),),
        ]
    ),
)
FREE = Circumstances((), ())
