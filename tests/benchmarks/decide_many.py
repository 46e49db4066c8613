"""Deciding with 1 000 rules and 10 000 grants, and deciding 10 000 past requests again while a rule is edited.

The decision is a whole one: facts, every rule with its reason in the trace, grants found among all. The simulation
reads the history from a real store, as the page does.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import insert

from podadmin.core.canon import canonical
from podadmin.core.clock import SystemClock, stamp
from podadmin.journal.records import Journal
from podadmin.requests.decide import decide
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Claims, Opened, Unverified, Verified, VerifiedRequest, judge
from podadmin.requests.grant_pins import pins_of
from podadmin.requests.grants import Grant
from podadmin.requests.policy import Grants, Rules
from podadmin.requests.records import request, sealed
from podadmin.requests.rule_facts import facts_of, keep
from podadmin.requests.rule_history import past
from podadmin.requests.rule_records import request_facts
from podadmin.requests.rules import Rule, draft
from podadmin.requests.simulation import simulate
from podadmin.store.engine import Store
from podadmin.store.unit import Fact
from tests.benchmarks.figures import beside_bound

RULES, GRANTS, HISTORY, RULES_EDITED_AMONG = 1_000, 10_000, 10_000, 50
DECIDE_BOUND, SIMULATE_BOUND = 20.0, 1000.0
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
PROTOCOL = {
    "class_name": "bitfount.ResultsOnly",
    "algorithm": [
        {
            "class_name": "bitfount.SqlQuery",
            "query": "SELECT sex, COUNT(*) AS n FROM `patients` GROUP BY sex",
            "table": "patients",
            "datastructure": {"table": "patients", "compatible_datasources": ["CSVSource"]},
        }
    ],
}


def run(rounds: int = 9) -> list[dict[str, Any]]:
    """Two figures in ms, each beside its bound."""
    asked = asked_for("study-7", "ab" * 32)
    rules = Rules(_rules(RULES))
    pins = pins_of(asked)
    grants = Grants.of([*(_grant(n, f"{n:064x}") for n in range(GRANTS - 1)), _grant(GRANTS, pins.fingerprint)])
    deciding = [_decide(asked, rules, grants) for _ in range(rounds + 1)][1:]
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "podadmin.db", Journal(SystemClock()))
        _fill(store)
        current, edited = Rules(_rules(RULES_EDITED_AMONG)), _rules(1)[0]
        simulating = [_simulate(store, current, edited) for _ in range(rounds + 1)][1:]
        store.close()
    return [
        beside_bound(f"deciding with {RULES} rules and {GRANTS} grants", deciding, DECIDE_BOUND),
        beside_bound(f"deciding {HISTORY} past requests again", simulating, SIMULATE_BOUND),
    ]


def _decide(asked: Verified[VerifiedRequest], rules: Rules, grants: Grants) -> float:
    began = perf_counter()
    effects = statement(asked, shipped())
    verdict = decide(
        asked, effects=effects, grants=grants, limits=(), access="ACCEPT", now=NOW, replay=False, rules=rules
    )
    took = (perf_counter() - began) * 1000
    assert len(verdict.trace) >= RULES
    assert verdict.outcome == "hold", verdict.words
    return took


def _simulate(store: Store, rules: Rules, edited: Rule) -> float:
    began = perf_counter()
    with store.read() as connection:
        found = simulate(past(connection), rules, edited)
    took = (perf_counter() - began) * 1000
    assert found.total == HISTORY
    return took


def _rules(count: int) -> list[Rule]:
    """Rules of every verdict: most for a project of their own, some for everybody, one that holds what is asked."""
    made = []
    for n in range(count):
        verdict = ("allow", "refuse", "hold", "allow")[n % 4]
        conditions = {"project": f"only: study-{n}", "column": "only: age, sex", "leaves": "at-most: aggregate"}
        if n % 10 == 0:
            del conditions["project"]
            conditions["requester_name"] = f"only: lab-{n}"
        if n == 2:
            conditions = {"protocol": "only: ResultsOnly"}
        message = "Not for this project." if verdict == "refuse" else ""
        made.append(draft(f"Rule {n}", verdict, conditions, message=message, rule_id=f"rul_{n:05}"))
    return made


def _grant(number: int, fingerprint: str) -> Grant:
    return Grant(f"grt_{number}", fingerprint, 3, NOW + timedelta(days=30), NOW - timedelta(days=1), f"req_{number}")


def asked_for(project: str, key: str) -> Verified[VerifiedRequest]:
    claims = Claims("lab-7", project, "key-based", "key-1", key, PROTOCOL, {"batched_execution": False}, False)
    opened = Opened(
        "local", "job-request", "task-1", "alice/patients", ("alice/patients",), PROTOCOL, Unverified(claims), "good",
        "cd" * 32,
    )  # fmt: skip
    return judge(opened)


def _fill(store: Store) -> None:
    requests, kept, sealings = [], [], []
    asked = asked_for("study-0", "0" * 64)
    like = facts_of(asked, statement(asked, shipped()), 0.0)
    for n in range(HISTORY):
        facts = replace(like, project=f"study-{n % 60}", requester_key=f"{n % 40:064x}", requester_name=f"lab-{n % 40}")
        at = stamp(NOW - timedelta(minutes=HISTORY - n))
        requests.append(
            {
                "number": n + 1, "id": f"req_{n:012d}", "network": "local", "task_id": f"task-{n}", "type": 2,
                "state": "finished", "received_at": at, "requester": f"lab-{n % 40}", "verified": "verified",
                "body_digest": f"{n:064x}",
            }
        )  # fmt: skip
        sealings.append({"request_id": f"req_{n:012d}", "wire": b"", "body": b""})
        kept.append(
            {
                "request_id": f"req_{n:012d}", "number": n + 1, "at": at, "facts": keep(facts), "stance": "passes",
                "opinions": canonical({"before": [], "after": []}),
            }
        )  # fmt: skip
    with store.record(Fact("benchmark", "request.filled", "many", {"rows": HISTORY})) as unit:
        unit.execute(insert(request), requests)
        unit.execute(insert(sealed), sealings)
        unit.execute(insert(request_facts), kept)
