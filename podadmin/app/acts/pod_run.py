"""Acts on a pod of the network's own software while it runs: start, stop, restart, reload, look at it, hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import anyio

from podadmin.app.acts.registry import act
from podadmin.app.views.facts import Done, Permit
from podadmin.app.views.pod import DatasourceLine, OutputLine, RunningTask, SupervisedView
from podadmin.core.clock import unstamp
from podadmin.core.errors import PodadminError, Refused
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.pod import setup
from podadmin.requests import service as requests

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.pod.output import Doing
    from podadmin.pod.setup import Setup

_WORDS = {
    "stopped": "The pod does not run.",
    "starting": "The pod is starting. It is not ready for tasks yet.",
    "ready": "The pod runs and is ready for tasks.",
    "unready": "The pod runs, but it is not ready for tasks.",
    "waiting": "The pod has ended by itself and is started again in a moment.",
    "hindered": "The pod cannot be started now; that is tried again.",
}


@act("pod status")
def status(profile: Profile) -> SupervisedView:
    """Show how the pod of the network's own software is doing: its state, its processor and memory, its datasources."""
    from podadmin.app.pod_care import folder_of
    from podadmin.pod.output import told

    found = setup.find(profile.store)
    if found is None:
        return SupervisedView("none", "The built-in worker does the work. No other pod was brought.")
    doing = told(folder_of(profile))
    worker = setup.worker(profile.store)
    words, detail, next_step = _WORDS[doing.state], doing.words, doing.next_step
    if found.wanted == "running" and doing.state == "stopped":
        words = "The pod is to run, and is not running yet."
        if profile.engine is None and not profile.engine_comes:
            detail = "podadmin starts it when its engine runs: in the window, or with `podadmin serve`."
    return SupervisedView(
        state=doing.state,
        words=words,
        detail=stranger(detail, 400),
        next_step=next_step,
        worker=worker,
        identifier=found.config.identifier,
        wanted=found.wanted,
        since=doing.since,
        pid=doing.pid,
        port=doing.port,
        cpu=doing.cpu,
        memory=doing.memory,
        deaths=doing.deaths,
        program=_program(found),
        storage=str(found.storage),
        source=found.source,
        start=_may_start(found, worker, doing),
        stop=Permit(True) if found.wanted == "running" else Permit(False, "The pod is not to run."),
        reload=Permit(True) if doing.lives else Permit(False, "The pod does not run."),
        datasources=tuple(
            DatasourceLine(
                each.name, each.datasource, stranger(getattr(each.data_config.datasource_args, "path", None) or "", 200)
            )
            for each in found.config.datasources or ()
        ),
    )


@act("pod start", writes=True, kinds=("pod", "gate"))
def start(profile: Profile) -> SupervisedView:
    """Start the pod behind the gate, and keep it running. One that runs is left alone."""
    found = setup.needed(profile.store)
    if setup.worker(profile.store) != setup.BITFOUNT:
        setup.choose_worker(profile.store, profile.actor, setup.BITFOUNT)
    if found.wanted != "running":
        setup.ask(profile.store, profile.clock, profile.actor, "running")
    return status(profile)


@act("pod stop", writes=True, kinds=("pod", "gate"))
def stop(
    profile: Profile,
    *,
    reason: Annotated[str, "why; it is recorded"] = "",
    now: Annotated[bool, "also when a task is running; it fails then"] = False,
) -> SupervisedView:
    """Stop the pod. Refused while a task is running, unless it is to be now: then the task fails."""
    setup.needed(profile.store)
    _no_task(profile, now)
    setup.ask(profile.store, profile.clock, profile.actor, "stopped", reason)
    return status(profile)


@act("pod restart", writes=True, kinds=("pod", "gate"))
def restart(
    profile: Profile, *, now: Annotated[bool, "also when a task is running; it fails then"] = False
) -> SupervisedView:
    """Stop the pod and start it again with its present configuration."""
    setup.needed(profile.store)
    _no_task(profile, now)
    setup.ask(profile.store, profile.clock, profile.actor, "running")
    return status(profile)


@act("pod reload", writes=True, kinds=("pod",))
def reload(profile: Profile, *, progress: Progress) -> Done:
    """Let the running pod work with the datasources of its present configuration, without a restart."""
    from podadmin.app.pod_care import folder_of, plain_secrets_of
    from podadmin.pod.control import ControlClient
    from podadmin.pod.output import told
    from podadmin.pod.yaml_config import as_json
    from podadmin.store.unit import Fact

    now = setup.needed(profile.store)
    doing = told(folder_of(profile))
    if not doing.lives:
        raise Refused(
            "pod.not-running",
            "The pod was not told of its datasources.",
            "It does not run here. It reads its configuration when it starts.",
            "Start it.",
        )
    body = as_json(now.config, plain_secrets_of(profile, now))
    progress.report("Telling the pod. It may take a minute.")
    count = len(now.config.datasources or ())
    try:
        answer = anyio.run(ControlClient(doing.port).reload, body)
    except PodadminError as error:
        with profile.store.record(Fact(profile.actor, "pod.reload-failed", now.pod_id, {"code": error.code})):
            pass
        raise
    fact = Fact(profile.actor, "pod.reloaded", now.pod_id, {"datasources": count, "done": answer.done})
    with profile.store.record(fact):
        pass
    return Done(answer.words, now.config.identifier)


@act("pod output")
def output(
    profile: Profile,
    *,
    level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"], "only lines of this level or worse"
    ] = "info",
    lines: Annotated[int, "how many of the last lines"] = 200,
) -> tuple[OutputLine, ...]:
    """Show the last lines that the pod said, with their levels. Secrets are cut out."""
    from podadmin.app.pod_care import folder_of
    from podadmin.pod.output import last_lines

    found = last_lines(folder_of(profile), max(1, min(lines, 5000)), level)
    return tuple(OutputLine(each.at, each.level, each.text) for each in found)


@act("pod task")
def task(profile: Profile) -> RunningTask:
    """Show the task that is on its way to the pod or running in it."""
    found = requests.active(profile.store)
    if found is None:
        return RunningTask()
    row = found.row
    return RunningTask(
        row.id,
        stranger(row.task, 120),
        stranger(row.requester, 80),
        stranger(row.datasource, 80),
        unstamp(row.received_at),
    )


def _program(found: Setup) -> str:
    launch = found.launch
    return stranger(
        f"{launch.runtime}: {launch.image}" if launch.kind == "container" else " ".join(launch.command), 200
    )


def _may_start(found: Setup, worker: str, doing: Doing) -> Permit:
    if found.wanted == "running" and worker == setup.BITFOUNT:
        return Permit(False, "The pod runs." if doing.lives else "It is to run already.")
    return Permit(True)


def _no_task(profile: Profile, now: bool) -> None:
    running = requests.active(profile.store)
    if running is not None and not now:
        raise Refused(
            "pod.task-running",
            "The pod was not stopped.",
            "A task is running in it, which would fail and be lost.",
            "Wait until it has ended, stop the task first, or say that it is to be now.",
        )
