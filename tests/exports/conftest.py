"""A profile with requests of strangers, told by entries as the gate tells them, ready to be exported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from podadmin.app.acts.registry import call, find
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.canon import canonical
from podadmin.core.clock import ManualClock, stamp
from podadmin.pod import service as pods
from podadmin.requests.records import decision, request, sealed
from podadmin.store.unit import Fact

CANARY = "hunter2-canary-secret"
NASTY = "<b>Bold</b> &amp; \u202egpj.exe\u200b <img src='http://127.0.0.1:9/x.png'> **not bold** 名前 🧬"
PROTOCOL = {
    "name": "bitfount.ResultsOnly",
    "arguments": {
        "sql": "SELECT count(*) FROM patients",
        "api_key": CANARY,
        "upload": f"https://user:{CANARY}@store.example/bucket/file.csv?X-Amz-Signature={CANARY}",
    },
}
EFFECTS = {
    "known": True,
    "headline": "Counts leave the pod",
    "reads": ["patients: age, hba1c"],
    "computes": ["A count by SQL"],
    "stays": [],
    "leaves": ["Figures over groups of at least 10"],
    "to": "research-lab",
    "risk": "low",
    "reasons": [],
}


class Gate:
    """Records requests as the gate does: rows, and the entries that tell of them, in one transaction each."""

    def __init__(self, profile: Profile, clock: ManualClock) -> None:
        self.profile = profile
        self.clock = clock
        self._number = 0

    def arrive(self, requester: str = "research-lab", task: str = "ResultsOnly · SQL", project: str = "study") -> str:
        self._number += 1
        name = f"req_{self._number:012}"
        self.clock.advance(60)
        body, wire = f"body {name}".encode(), f"wire {name}".encode()
        digest, wire_digest = hashlib.sha256(body).hexdigest(), hashlib.sha256(wire).hexdigest()
        facts = {"sha256": digest, "wire": wire_digest, "bytes": len(body), "network": "local"}
        row = {
            "number": self._number,
            "id": name,
            "network": "local",
            "task_id": f"task-{self._number}",
            "type": 1,
            "state": "held",
            "received_at": stamp(self.clock.now()),
            "requester": requester,
            "task": task,
            "datasource": "patients",
            "project": project,
            "risk": "low",
            "verified": "verified",
            "fingerprint": "f" * 64,
            "body_digest": digest,
        }
        findings = {"effects": EFFECTS, "protocol": PROTOCOL}
        with self.profile.store.record(Fact("gate", "request.captured", name, facts)) as unit:
            unit.execute(insert(request).values(**row))
            unit.execute(insert(sealed).values(request_id=name, wire=wire, body=body, findings=canonical(findings)))
        opened = {"requester": requester, "task": task, "risk": "low", "fingerprint": "f" * 64, "verdict": "hold"}
        self.say("gate", "request.opened", name, {**opened, "state": "held", "code": "decide.hold"})
        return name

    def say(self, actor: str, act: str, subject: str, body: Mapping[str, Any]) -> None:
        self.clock.advance(5)
        with self.profile.store.record(Fact(actor, act, subject, body)) as unit:
            if "state" in body:
                unit.execute(update(request).where(request.c.id == subject).values(state=body["state"]))
            if act in ("request.approved", "request.refused"):
                unit.execute(
                    insert(decision).values(
                        id=f"dec_{subject[4:]}",
                        request_id=subject,
                        verdict="allow" if act.endswith("approved") else "refuse",
                        by=actor,
                        reason=body.get("note") or body.get("reason") or "",
                        at=stamp(self.clock.now()),
                    )
                )

    def run(self, name: str) -> None:
        self.say("anna", "request.approved", name, {"note": "As agreed.", "state": "approved"})
        self.say("gate", "request.delivering", name, {"state": "delivering"})
        self.say("gate", "request.started", name, {"state": "running"})
        self.say("gate", "request.result", name, {"bytes": 12, "sha256": "c" * 64, "consumed": []})
        self.say("gate", "request.finished", name, {"state": "finished"})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 1, 9, tzinfo=UTC))


@pytest.fixture
def profile(tmp_path: Path, clock: ManualClock) -> Iterator[Profile]:
    with open_profile(Options(profile=tmp_path / "profile"), clock) as profile:
        pods.create(profile.store, clock, profile.actor, "eye-clinic", "trust")
        yield profile


@pytest.fixture
def gate(profile: Profile, clock: ManualClock) -> Gate:
    """Four requests: one that ran, one that was refused, one that waits, and one of a stranger with a nasty name."""
    gate = Gate(profile, clock)
    gate.run(gate.arrive())
    gate.say("bert", "request.refused", gate.arrive("other-lab"), {"reason": "Not this purpose.", "state": "refused"})
    gate.arrive()
    gate.arrive(NASTY, NASTY, NASTY)
    return gate


Export = Callable[..., Path]


@pytest.fixture
def export(profile: Profile, tmp_path: Path) -> Export:
    """Exports with the act that buttons and commands call; returns the file."""

    def act(form: str, name: str = "export", **arguments: object) -> Path:
        to = tmp_path / name
        call(find("journal export"), profile, {"to": str(to), "format": form, **arguments})
        return to

    return act


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
