"""`kill -9` of a gate in proxy mode at every commit, with a pod that lives on: nothing lost, nothing twice, nothing
undecided; and with the pod alive, nothing has to be broken off either.
"""

from __future__ import annotations

import random
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from podadmin.app.settings import Settings
from podadmin.gate import results
from podadmin.journal.records import all_entries
from podadmin.requests import service
from podadmin.requests.state import State
from tests.faults.proxied import ProxiedPod, printed_environment
from tests.faults.told import GOOD
from tests.interop.real_pod import real

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX"),
]


@pytest.fixture
def pod(proxied: Any) -> Iterator[ProxiedPod]:
    """The pod, started while a gate is on; the gate has ended again when the story begins."""
    served = proxied.serve()
    served.wait_for("on")
    told = proxied.cli("gate", "environment")

    def state_of(task_id: str) -> str:
        row = service.by_task(proxied.store, task_id)
        return str(row.state) if row is not None else "not known"

    made = ProxiedPod(
        real.OWNER, real.SOURCE, printed_environment(told.stdout), proxied.folder / "local-network", state_of
    )
    made.start()
    proxied.until(lambda: "gate.pod-connected" in _all_acts(proxied), "the pod has connected")
    served.process.kill()
    assert served.was_killed()
    yield made
    made.stop()


def _all_acts(proxied: Any) -> set[str]:
    with proxied.store.read() as connection:
        return {each.act for each in all_entries(connection)}


def dies_at(proxied: Any, *crashes: tuple[str, str], decide: bool = True) -> None:
    """A gate for each of `crashes`, which dies there."""
    for crash in crashes:
        served = proxied.serve(crash)
        if decide:
            proxied.decide_and(lambda now=served: now.process.poll() is not None, f"a crash at {crash}")
        assert served.was_killed(), served.errors


def right(proxied: Any, pod: ProxiedPod) -> None:
    """What holds whatever happened: every request that the pod was handed had been decided, and it began each once."""
    proxied.check()
    assert {state for _, state in pod.handed} <= {State.DELIVERING}
    assert len(pod.began) == len(set(pod.began))
    assert pod.refused == []
    for row in proxied.rows():
        acts = proxied.acts(row.id)
        if "request.delivering" in acts:
            assert acts.index("request.approved") < acts.index("request.delivering")
            assert acts.count("request.started") <= 1


def test_a_request_survives_a_kill_at_every_commit_of_its_life(proxied: Any, pod: ProxiedPod) -> None:
    """Captured, opened, taken for the pod, begun, its result, its end, its answer: before each commit and after it."""
    pod.go.set()
    first = proxied.serve(("request.captured", "before"))
    first.wait_for("on")
    listening = proxied.send("sql")
    assert first.was_killed()
    dies_at(proxied, ("request.captured", "after"))
    for act in ("request.opened", "request.delivering", "request.started", "request.result", "request.finished"):
        dies_at(proxied, (act, "before"), (act, "after"))
    dies_at(proxied, ("request.answered", "before"), ("request.answered", "after"))
    proxied.serve().wait_for("on")
    proxied.until(lambda: pod.ended, f"the pod has ended it; heard {listening.kinds}")
    assert pod.ended == [(pod.began[0], "TASK_COMPLETE")]
    assert list(dict.fromkeys(listening.kinds)) == GOOD
    assert listening.value("EVALUATION_RESULTS") == {"n": [40]}
    row = proxied.only(State.FINISHED)
    assert proxied.acts(row.id).count("request.finished") == 1
    right(proxied, pod)


def test_a_gate_that_dies_while_idle_while_holding_and_while_a_task_runs_costs_an_outage(
    proxied: Any, pod: ProxiedPod
) -> None:
    proxied.serve().wait_for("on")
    proxied.running[-1].process.kill()  # idle
    proxied.serve().wait_for("on")
    listening = proxied.send("sql")
    row = proxied.only(State.HELD)
    proxied.running[-1].process.kill()  # holding
    assert proxied.running[-1].was_killed()
    assert pod.handed == []
    proxied.approve(row.id)
    proxied.serve()
    proxied.only(State.RUNNING)
    # an answer that was lost with the gate would be asked for again, and the requester would hear it twice
    proxied.until(lambda: "PREPARING_DATA" in listening.kinds, "the pod knows that it may begin")
    proxied.running[-1].process.kill()  # a task runs
    assert proxied.running[-1].was_killed()
    pod.go.set()
    proxied.serve()
    proxied.until(lambda: "BATCHES_COMPLETE" in listening.kinds, "the end")
    assert list(dict.fromkeys(listening.kinds)) == GOOD  # a phase that was under way may be told twice
    proxied.only(State.FINISHED)
    right(proxied, pod)


def test_a_result_that_waits_to_be_seen_waits_through_every_kill(proxied: Any, pod: ProxiedPod) -> None:
    pod.go.set()
    Settings(proxied.store).change("gate.see-results", "on", "test")
    first = proxied.serve(("gate.result-held", "before"))
    first.wait_for("on")
    listening = proxied.send("sql")
    proxied.decide_and(lambda: first.process.poll() is not None, "a crash")
    assert first.was_killed()
    dies_at(proxied, ("gate.result-held", "after"))
    served = proxied.serve()
    served.wait_for("on")
    row = proxied.only(State.RUNNING)
    proxied.until(lambda: len(results.waiting(proxied.store)) == 2, "result and last word wait, each once")
    assert "EVALUATION_RESULTS" not in listening.kinds
    before = proxied.cli("gate", "release-result", row.id, crash=("gate.result-released", "before"))
    assert before.returncode == -signal.SIGKILL, before
    assert "EVALUATION_RESULTS" not in listening.kinds
    served.process.kill()
    after = proxied.cli("gate", "release-result", row.id, crash=("gate.result-released", "after"))
    assert after.returncode == -signal.SIGKILL, after
    dies_at(proxied, ("gate.result-sent", "before"), ("gate.result-sent", "after"), decide=False)
    proxied.serve()
    proxied.until(lambda: "BATCHES_COMPLETE" in listening.kinds, f"the end; heard {listening.kinds}")
    assert list(dict.fromkeys(listening.kinds)) == GOOD
    proxied.only(State.FINISHED)
    assert {state for _, state in pod.handed} == {State.DELIVERING}
    assert pod.refused == []


@pytest.mark.parametrize("seen_first", [False, True])
def test_a_large_result_that_was_uploaded_outlives_every_kill(proxied: Any, pod: ProxiedPod, seen_first: bool) -> None:
    """Its message comes to another gate than its body, and every step after that to one more; nothing is judged twice
    and nothing is lost.
    """
    pod.large = [random.random() for _ in range(20_000)]
    if seen_first:
        Settings(proxied.store).change("gate.see-results", "on", "test")
    pod.go.set()
    first = proxied.serve()
    first.wait_for("on")
    listening = proxied.send("sql")
    proxied.decide_and(pod.uploaded.is_set, "the pod has uploaded its result")
    first.process.kill()
    assert first.was_killed()
    pod.tell.set()
    kept = "gate.result-held" if seen_first else "gate.result-queued"
    for act in ("request.result", kept):
        dies_at(proxied, (act, "before"), (act, "after"))
    if seen_first:
        proxied.serve().wait_for("on")
        row = proxied.only(State.RUNNING)
        proxied.until(lambda: len(results.waiting(proxied.store)) == 2, "result and last word wait, each once")
        proxied.running[-1].process.kill()
        assert proxied.running[-1].was_killed()
        assert len(list((proxied.folder / "gate" / "uploads").iterdir())) == 1
        assert proxied.cli("gate", "release-result", row.id).returncode == 0
    dies_at(proxied, ("gate.result-sent", "before"), ("gate.result-sent", "after"), decide=False)
    proxied.serve()
    proxied.until(lambda: "BATCHES_COMPLETE" in listening.kinds, f"the end; heard {listening.kinds}")
    assert list(dict.fromkeys(listening.kinds)) == GOOD
    assert listening.value("EVALUATION_RESULTS") == {"n": pod.large}
    row = proxied.only(State.FINISHED)
    proxied.until(lambda: not list((proxied.folder / "gate" / "uploads").iterdir()), "nothing is left here")
    assert proxied.acts(row.id).count("gate.result-sent") == proxied.acts(row.id).count(kept)
    assert pod.refused == []


@pytest.mark.parametrize("word", ["stop-task", "withhold"])
def test_a_stop_is_told_to_both_sides_wherever_the_gate_dies(proxied: Any, pod: ProxiedPod, word: str) -> None:
    proxied.serve().wait_for("on")
    listening = proxied.send("sql")
    proxied.approve(proxied.only(State.HELD).id)
    row = proxied.only(State.RUNNING)
    proxied.until(lambda: "PREPARING_DATA" in listening.kinds, "the pod knows that it may begin")
    proxied.running[-1].process.kill()
    assert proxied.running[-1].was_killed()
    wanted = "gate.stop-wanted" if word == "stop-task" else "gate.withholding-wanted"
    told = proxied.cli("gate", word, row.id, "The board objects.", crash=(wanted, "after"))
    assert told.returncode == -signal.SIGKILL, told
    # the end of the task and that of the wish are one commit
    dies_at(proxied, ("gate.wish-done", "before"), ("request.stopped", "after"), decide=False)
    proxied.serve().wait_for("on")
    proxied.until(lambda: pod.ended, "the pod has heard of it")
    proxied.until(lambda: "TASK_ABORT" in listening.kinds, "the requester has heard of it")
    assert pod.ended == [(pod.began[0], "TASK_CANCEL")], pod.refused
    assert "EVALUATION_RESULTS" not in listening.kinds
    assert "The board objects." in listening.value("TASK_ABORT")["message"]
    proxied.only(State.STOPPED)
    right(proxied, pod)
