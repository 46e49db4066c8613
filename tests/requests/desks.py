"""A desk at which requests come and are decided in few words: a real store, and a clock that a test moves."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from podadmin.core.clock import ManualClock
from podadmin.core.errors import PodadminError
from podadmin.journal.records import Journal, all_entries
from podadmin.limits import service as limits
from podadmin.requests import grant_moves, service
from podadmin.requests.grant_moves import Terms
from podadmin.requests.grant_pins import WORDS, Pins
from podadmin.requests.grants import matches
from podadmin.requests.records import grant, receipt
from podadmin.requests.service import Captured, LimitSeen, Opening
from podadmin.requests.state import Event, State
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
MODEL = "acme/Retina:3"
DAYS = 30.0
BODY = hashlib.sha256(b"body").hexdigest()


def pins(version: int = 3, key: str = "ab", family: str = "fam", **changes: str) -> Pins:
    values = {name: f'"{name}"' for name in WORDS}
    values |= {"model_version": f"[[[],{version}]]", "requester_key": f'"{key}"', "columns": "[]", "switches": "[]"}
    values |= {"purpose": '""'}
    values |= changes
    mark = hashlib.sha256(json.dumps([family, values], sort_keys=True).encode()).hexdigest()
    return Pins(hashlib.sha256(family.encode()).hexdigest(), mark, values)


def refused(act: Any, code: str) -> PodadminError:
    """It is refused with this code; what it says."""
    with pytest.raises(PodadminError) as caught:
        act()
    assert caught.value.code == code
    return caught.value


class Desk:
    """A store with a clock, and requests that come and are decided in few words."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(NOW)
        self.store = Store.open(path, Journal(self.clock))
        self.count = 0

    def send(
        self,
        of: Pins,
        wants: float = 0.0,
        code: str = "request.undecided",
        rule: str = "",
        network: str = "local",
        **changes: Any,
    ) -> str:
        """A verified request comes and is opened: covered by a grant where one covers it, else held.

        `changes` are other fields of what was found when it was opened.
        """
        self.count += 1
        name = f"task-{self.count}"
        made = service.capture(
            self.store,
            self.clock,
            Captured(network, name, 2, "lab", name.encode(), b"body", BODY, self.clock.now(), 300.0),
        )
        assert made is not None
        with self.store.read() as connection:
            grants = service.grants_for(connection, of)
        covering = next((each for each in grants if matches(each, of, self.clock.now()).matches), None)
        opening: dict[str, Any] = {
            "requester": "lab",
            "task": "Inference",
            "datasource": "patients",
            "project": "study",
            "risk": "low",
            "verified": "verified",
            "fingerprint": of.fingerprint,
            "verdict": "allow" if covering or rule else "hold",
            "code": "request.granted" if covering else "rule.allowed" if rule else code,
            "words": "Words",
            "answerable": True,
            "findings": {"wants": [{"resource": MODEL, "amount": wants}]} if wants else {},
            "sealed_digest": hashlib.sha256(name.encode()).hexdigest(),
            "grant_id": covering.id if covering else "",
            "rule": rule,
            "seen": (LimitSeen(MODEL, 1000, 0),) if wants else (),
            "pins": of,
        }
        service.record_opening(self.store, self.clock, made, Opening(**{**opening, **changes}))
        return made

    def approve(self, request_id: str, terms: Terms | None = None, actor: str = "anna") -> State:
        return service.approve(self.store, self.clock, request_id, actor, "", DAYS, terms)

    def granted(self, of: Pins, wants: float = 0.0, **terms: Any) -> str:
        """The id of a grant that was made with the approval of a request that has run since."""
        request_id = self.send(of, wants)
        self.approve(request_id, Terms(**{"runs": 2, **terms}))
        self.run(request_id)
        with self.store.read() as connection:
            return str(connection.execute(select(grant.c.id).where(grant.c.made_from == request_id)).scalar_one())

    def run(self, request_id: str, used: float = 0.0) -> None:
        taken = service.next_to_deliver(self.store, self.clock, 270.0, 30)
        assert taken is not None
        assert taken.request_id == request_id
        service.started(self.store, request_id)
        if used:
            with self.store.record(
                Fact(
                    "gate",
                    "request.result",
                    request_id,
                    {"bytes": 1, "sha256": request_id, "consumed": [[MODEL, used]]},
                )
            ) as unit:
                task = limits.Task(request_id, "t", "local", "study", "lab", "patients")
                limits.meter_message(unit, task, {MODEL: used}, message_digest=request_id, at=self.clock.now())
        service.ended(self.store, self.clock, request_id, Event.FINISHED, "Over")

    def row(self, grant_id: str) -> Any:
        with self.store.read() as connection:
            return grant_moves.row_of(connection, grant_id)

    def state(self, request_id: str) -> str:
        return str(service.find(self.store, request_id).row.state)

    def bodies(self, act: str) -> list[dict[str, Any]]:
        with self.store.read() as connection:
            return [json.loads(entry.body) for entry in all_entries(connection) if entry.act == act]

    def receipts(self, about: str) -> list[dict[str, Any]]:
        wanted = select(receipt.c.document).where((receipt.c.request_id == about) | (receipt.c.grant_id == about))
        with self.store.read() as connection:
            return [json.loads(each) for each in connection.execute(wanted.order_by(receipt.c.number)).scalars()]
