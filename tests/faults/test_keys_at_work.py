"""The pod's key is replaced and revoked while its gate is on: the commands are one process, the engine another."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from podadmin.requests.state import State

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends the engine on POSIX"),
]


def pod_keys(installation: Any) -> list[dict[str, Any]]:
    listed = json.loads(installation.cli("keys", "list").stdout)
    return [row for row in listed if row["group"] == "pod"]


def done(installation: Any, *words: str) -> dict[str, Any]:
    ended = installation.cli(*words)
    assert ended.returncode == 0, ended.stdout.decode() + ended.stderr.decode()
    view: dict[str, Any] = json.loads(ended.stdout)
    return view


def body_of(installation: Any, act: str, request_id: str) -> dict[str, Any]:
    """What the one entry of this act says about a request."""
    with installation.store.read() as connection:
        body = connection.exec_driver_sql(
            "SELECT body FROM journal_entry WHERE act = ? AND subject = ?", (act, request_id)
        ).scalar_one()
    read: dict[str, Any] = json.loads(body)
    return read


def test_a_request_for_the_old_key_runs_in_the_overlap_and_its_entry_names_the_key(installation: Any) -> None:
    """It is sealed for the old key, waits while the key is replaced, and is opened, delivered and run after that."""
    served = installation.serve()
    served.wait_for("on")
    (old,) = pod_keys(installation)
    listening = installation.send("sql")
    row = installation.only(State.HELD)
    new = done(installation, "keys", "rotate", old["id"], "--overlap-days", "7")["key"]
    installation.until(lambda: "key.handed-over" in installation.acts(new["id"]), "the pod got the new key")
    served.wait_for("on")
    installation.approve(row.id)
    installation.until(lambda: "BATCHES_COMPLETE" in listening.kinds, f"the end; heard {listening.kinds}")
    assert body_of(installation, "request.opened", row.id)["key"] == old["id"]
    assert installation.acts(old["id"]).count("key.handed-over") >= 2
    installation.check()


def test_a_revoked_key_turns_the_gate_off_and_refuses_what_waits_until_there_is_another(installation: Any) -> None:
    served = installation.serve()
    served.wait_for("on")
    (old,) = pod_keys(installation)
    listening = installation.send("sql")
    row = installation.only(State.HELD)
    revoked = done(installation, "keys", "revoke", old["id"], "the disk was stolen")
    assert revoked["key"]["state"] == "revoked"
    installation.until(lambda: served.is_now("blocked"), f"the gate is off; it said {served.states}")
    assert "revoked" in json.dumps(served.states[-1])
    assert installation.only().state == State.REFUSED
    done(installation, "keys", "create", "pod")
    installation.until(lambda: served.is_now("on"), f"the gate is on again; it said {served.states}")
    # an answer is sealed with what only the revoked key opens; one that was on its way when it was revoked may be out
    installation.until(lambda: "request.answered" in installation.acts(row.id), "the answer, given or not")
    told = ["LOG_MESSAGE", "JOB_REJECT"]
    if "problem" in body_of(installation, "request.answered", row.id):
        assert listening.kinds == told[: len(listening.kinds)]
    else:
        installation.until(lambda: listening.kinds == told, f"the requester is told; heard {listening.kinds}")
    assert "request.delivering" not in installation.acts(row.id)
    installation.check()
