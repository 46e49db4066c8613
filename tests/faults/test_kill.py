"""`kill -9` at every commit point from a request's capture to its last answer: nothing is lost, nothing runs twice."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import psutil
import pytest

from podadmin.networks.bitfount.messages import reject_texts
from podadmin.networks.local.address import read_address
from podadmin.requests import service
from podadmin.requests.state import State
from tests.faults.told import GOOD

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX"),
]

RECORDS = 40


def crashed(installation: Any, *crashes: tuple[str, str], what: str = "inference", approve: bool = True) -> Any:
    """Send one request and let the engine die at each of `crashes` in turn; the requester that waits."""
    listening = None
    for crash in crashes:
        served = installation.serve(crash)
        if listening is None:
            served.wait_for("on")
            listening = installation.send(what)
        if approve:
            installation.decide_and(lambda now=served: now.process.poll() is not None, f"a crash at {crash}")
        assert served.was_killed(), served.errors
    return listening


def killed(pid: int) -> None:
    process = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([process], timeout=10)


@pytest.mark.parametrize("act", ["request.captured", "request.opened", "request.delivering", "limit.checked"])
def test_a_crash_on_the_way_to_the_pod_costs_time_and_nothing_else(installation: Any, act: str) -> None:
    """Dead right before the commit, started again, dead right after it, started again: the task runs, once."""
    listening = crashed(installation, (act, "before"), (act, "after"))
    installation.serve()
    installation.decide_and(lambda: "BATCHES_COMPLETE" in listening.kinds, f"the end; heard {listening.kinds}")
    row = installation.only(State.FINISHED)
    assert listening.kinds == GOOD
    assert len(listening.value("EVALUATION_RESULTS")["risk"]) == RECORDS
    assert installation.used() == RECORDS
    assert installation.acts(row.id).count("request.started") == 1
    installation.check()


def test_a_crash_of_the_process_that_decides(installation: Any) -> None:
    """The command line dies around its commit; the engine acts on what was committed, and on nothing else."""
    installation.serve().wait_for("on")
    listening = installation.send("sql")
    row = installation.only(State.HELD)
    before = installation.cli("requests", "approve", row.id, crash=("request.approved", "before"))
    assert before.returncode == -signal.SIGKILL
    assert installation.only().state == State.HELD
    assert listening.kinds == []
    after = installation.cli("requests", "approve", row.id, crash=("request.approved", "after"))
    assert after.returncode == -signal.SIGKILL
    installation.only(State.FINISHED)
    installation.until(lambda: "BATCHES_COMPLETE" in listening.kinds, "the end")
    assert listening.kinds == GOOD
    installation.check()


def test_a_crash_of_the_process_that_refuses(installation: Any) -> None:
    installation.serve().wait_for("on")
    listening = installation.send("sql")
    row = installation.only(State.HELD)
    words = ("requests", "refuse", row.id, "Not before the board has met.")
    before = installation.cli(*words, crash=("request.refused", "before"))
    assert before.returncode == -signal.SIGKILL, before
    assert installation.only().state == State.HELD
    assert installation.cli(*words, crash=("request.refused", "after")).returncode == -signal.SIGKILL
    installation.until(lambda: "JOB_REJECT" in listening.kinds, "the refusal")
    assert listening.kinds == ["LOG_MESSAGE", "JOB_REJECT"]
    ((words_told,),) = reject_texts(listening.value("JOB_REJECT")).values()
    assert words_told.startswith("Not before the board has met.\nReceipt R-")
    installation.only(State.REFUSED)
    installation.check()


def test_a_crash_around_the_start_delivers_again_what_was_not_begun_and_never_what_was(installation: Any) -> None:
    listening = crashed(installation, ("request.started", "before"), ("request.started", "after"))
    row = installation.only()
    assert row.state == State.RUNNING
    installation.serve()
    installation.only(State.INTERRUPTED)
    installation.until(lambda: "TASK_ABORT" in listening.kinds, "the requester hears that it was interrupted")
    assert "EVALUATION_RESULTS" not in listening.kinds
    assert "not repeated" in listening.value("TASK_ABORT")["message"]
    assert installation.used() == 0
    installation.check()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_a_result_counts_it_at_most_once_and_repeats_nothing(installation: Any, when: str) -> None:
    listening = crashed(installation, ("request.result", when))
    installation.serve()
    installation.only(State.INTERRUPTED)
    installation.until(lambda: "TASK_ABORT" in listening.kinds, "the requester hears that it was interrupted")
    assert "EVALUATION_RESULTS" not in listening.kinds
    assert installation.used() == (RECORDS if when == "after" else 0)
    installation.check()


def test_a_crash_before_the_end_is_recorded_tells_that_it_was_interrupted(installation: Any) -> None:
    listening = crashed(installation, ("request.finished", "before"))
    installation.serve()
    installation.only(State.INTERRUPTED)
    installation.until(lambda: "TASK_ABORT" in listening.kinds, "the requester hears of it")
    assert listening.kinds == [*GOOD[:-1], "TASK_ABORT"]
    assert installation.used() == RECORDS
    installation.check()


def test_a_crash_after_the_end_was_recorded_still_tells_the_requester(installation: Any) -> None:
    """And dying around the record of that telling may tell it again, which changes nothing."""
    listening = crashed(
        installation, ("request.finished", "after"), ("request.answered", "before"), ("request.answered", "after")
    )
    served = installation.serve()
    served.wait_for("on")
    row = installation.only(State.FINISHED)
    installation.until(lambda: "BATCHES_COMPLETE" in listening.kinds, "the requester hears of the end")
    assert set(listening.kinds) == set(GOOD)
    assert service.answers_due(installation.store) == ()
    assert installation.acts(row.id).count("request.answered") == 1
    assert installation.used() == RECORDS
    installation.check()


def test_a_crash_around_a_lapse_still_gives_the_requester_a_reference(installation: Any) -> None:
    installation.set("gate.window", 1.0)
    listening = crashed(
        installation,
        ("request.lapsed", "before"), ("request.lapsed", "after"), ("request.answered", "before"),
        approve=False,
    )  # fmt: skip
    installation.serve()
    row = installation.only(State.LAPSED)
    installation.until(lambda: "JOB_REJECT" in listening.kinds, "the reference")
    (words,) = reject_texts(listening.value("JOB_REJECT"))["UNAUTHORISED"]
    assert row.reference in words
    installation.until(lambda: not service.answers_due(installation.store), "the answer is recorded")
    assert installation.acts(row.id).count("request.lapsed") == 1
    installation.check()


def test_a_crash_around_too_late_makes_one_grant_that_the_next_one_uses(installation: Any) -> None:
    installation.set("gate.release-before", 1.0)
    installation.serve().wait_for("on")
    assert installation.cli("pod", "pause", "The test wants it late.").returncode == 0
    first = installation.send("sql")
    row = installation.only(State.HELD)
    installation.approve(row.id)
    installation.running[0].process.kill()
    assert installation.running[0].was_killed()
    assert installation.cli("pod", "resume").returncode == 0
    for when in ("before", "after"):
        assert installation.serve(("request.too-late", when)).was_killed()
    installation.set("gate.release-before", 270.0)
    served = installation.serve()
    served.wait_for("on")
    assert installation.only().state == State.GRANTED
    installation.until(lambda: "JOB_REJECT" in first.kinds, "the reference")
    second = installation.send("sql")
    installation.until(lambda: "BATCHES_COMPLETE" in second.kinds, "the same request, covered by the grant")
    rows = installation.rows()
    assert [each.state for each in rows] == [State.GRANTED, State.FINISHED]
    assert rows[1].grant_id
    installation.check()


def test_killing_the_local_network_in_the_middle_of_a_task(installation: Any) -> None:
    """The gate comes back by itself, the task is not repeated, and its requester is told when there is a network."""
    served = installation.serve()
    served.wait_for("on")
    listening = installation.send("inference")
    row = installation.only(State.HELD)
    killed(read_address(installation.folder / "local-network").pid)
    installation.approve(row.id)
    installation.until(lambda: served.states[-1]["gate"] == "blocked", "the gate says that it is off")
    installation.until(lambda: served.is_now("on"), "the gate is on again")
    installation.until(lambda: installation.only().state in {State.FINISHED, State.INTERRUPTED}, "an end")
    installation.until(lambda: {"BATCHES_COMPLETE", "TASK_ABORT"} & set(listening.kinds), "an answer")
    assert served.process.poll() is None
    again = installation.send("sql")
    installation.until(lambda: len(installation.rows()) == 2, "the next request arrives")
    installation.until(lambda: installation.rows()[1].state == State.HELD, "it is opened")
    installation.approve(installation.rows()[1].id)
    installation.until(lambda: "BATCHES_COMPLETE" in again.kinds, "the next one runs")
    installation.check()


@pytest.mark.parametrize("moment", ["request.delivering", "request.started"])
def test_killing_the_built_in_pod_in_the_middle_of_a_task(installation: Any, moment: str) -> None:
    served = installation.serve()
    served.wait_for("on")
    children = psutil.Process(served.process.pid).children(recursive=True)
    (pod,) = [each.pid for each in children if any("podadmin.pod.process" in word for word in each.cmdline())]
    os.kill(pod, signal.SIGSTOP)  # it dies while the gate believes that it works
    listening = installation.send("inference")
    row = installation.only(State.HELD)
    installation.approve(row.id)
    if moment == "request.delivering":
        killed(pod)
        installation.until(lambda: "BATCHES_COMPLETE" in listening.kinds, "another pod does it")
        assert installation.only().state == State.FINISHED
        assert installation.used() == RECORDS
    else:
        os.kill(pod, signal.SIGCONT)
        installation.until(lambda: moment in installation.acts(row.id), "the pod begins")
        killed(pod)
        installation.until(lambda: {"BATCHES_COMPLETE", "TASK_ABORT"} & set(listening.kinds), "an answer")
        assert installation.only().state in {State.FINISHED, State.INTERRUPTED}
    installation.until(lambda: served.is_now("on"), "the gate is on")
    installation.check()
