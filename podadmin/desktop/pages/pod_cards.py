"""The cards of “Pod & gate”: what stands between pod and network, the pod that is kept running, the task in it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.gate import CountRow, GateView
from podadmin.app.views.pod import RunningTask, SupervisedView
from podadmin.core.clock import Clock
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import DangerButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.empty import EmptyState
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row, wrap
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import ago, amount, count, precise, size, when, whole

_MODES: Final = {
    "off": BadgeSpec("bad", "Off", "shield-alert"),
    "unused": BadgeSpec("plain", "Not there yet", "circle-dot"),
    "starting": BadgeSpec("info", "Starting", "loader-circle"),
    "elsewhere": BadgeSpec("info", "Not in this window", "info"),
    "built-in": BadgeSpec("good", "Stands before the built-in worker", "shield-check"),
    "proxy": BadgeSpec("good", "Stands before the pod", "shield-check"),
    "blocked": BadgeSpec("bad", "Blocked", "octagon-x"),
}
_STATES: Final = {
    "none": BadgeSpec("plain", "Not brought", "circle-dot"),
    "stopped": BadgeSpec("plain", "Stopped", "circle-dot"),
    "starting": BadgeSpec("info", "Starting", "loader-circle"),
    "ready": BadgeSpec("good", "Ready", "circle-check"),
    "unready": BadgeSpec("warn", "Not ready", "triangle-alert"),
    "waiting": BadgeSpec("warn", "Ended, starts again", "refresh-cw"),
    "hindered": BadgeSpec("bad", "Cannot be started", "circle-x"),
}


class GateCard(Card):
    """The gate: which pod, which network, since when, and what has passed or was kept back."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._clock = clock
        self._counts: tuple[CountRow, ...] = ()
        self._badge = Badge(_MODES["off"])
        self._words = PlainLabel("", "muted", wrap=True)
        self._red = column()
        self._facts = FactGrid()
        self._figures = CardGrid(SIZE.figure_least)
        self.body.setSpacing(SPACE.m)
        self.body.addLayout(
            row(IconMark("shield-check", "muted"), PlainLabel("The gate", "strong"), self._badge, STRETCH)
        )
        self.body.addWidget(self._words)
        self.body.addLayout(self._red)
        self.body.addWidget(self._facts)
        self.body.addWidget(self._figures)

    def show_gate(self, gate: GateView) -> None:
        """Show this state of the gate."""
        self._badge.set(
            _MODES.get(gate.mode, _MODES["off"]) if not gate.red else BadgeSpec("bad", "Not passed", "shield-alert")
        )
        self._words.setText(gate.words)
        self._words.setVisible(not gate.red)
        clear(self._red)
        if gate.red:
            self._red.addWidget(Banner("bad", gate.red))
        now = self._clock.now()
        facts = [Fact("Pod", gate.pod or "none yet"), Fact("Network", gate.network or "none")]
        if gate.since is not None:
            facts += [
                Fact("On since", f"{when(gate.since)}, {ago(gate.since, now)}"),
                Fact("Heard from the network", ago(gate.up_contact, now)),
                Fact("Heard from the pod", ago(gate.down_contact, now)),
            ]
        self._facts.set_facts(facts)
        if gate.counts != self._counts:
            self._counts = gate.counts
            self._figures.set_cards([_figure(each.words, each.count, each.key) for each in gate.counts])
        self._figures.setVisible(bool(gate.counts))


def _figure(words: str, number: int, key: str) -> FigureCard:
    card = FigureCard(words[:1].upper() + words[1:])
    loud = number > 0 and key in {"refused", "withheld", "hosts-refused", "alarms"}
    card.set(whole(number), "since the gate was switched on", "warn" if loud else "plain")
    return card


class TaskCard(Card):
    """The task that runs in the pod, and how it is ended by hand."""

    stop_wanted = Signal(str)
    withhold_wanted = Signal(str)
    open_wanted = Signal(str)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._clock = clock
        self._task = RunningTask()
        self._title = PlainLabel("", "medium", wrap=True)
        self._words = PlainLabel("", "muted", wrap=True)
        self.stop = DangerButton("Stop the task…", lambda: self.stop_wanted.emit(self._task.request_id), "octagon-x")
        self.withhold = QuietButton(
            "Withhold the result…", lambda: self.withhold_wanted.emit(self._task.request_id), "ban"
        )
        self.see = QuietButton("Open the request", lambda: self.open_wanted.emit(self._task.request_id), "eye")
        words = column(self._title, self._words, gap=SPACE.hair)
        self.body.addLayout(row(IconMark("play", "accent_text"), (words, 1), gap=SPACE.m))
        self.body.addLayout(row(STRETCH, self.see, self.withhold, self.stop))

    def show_task(self, task: RunningTask) -> None:
        """Show this task; nothing where none runs."""
        self._task = task
        self.setVisible(bool(task.request_id))
        self._title.setText(f"A task is running: {task.task}")
        self._words.setText(
            f"{task.requester} asks on {task.datasource}. The request came {ago(task.since, self._clock.now())}."
        )


class PodCard(Card):
    """The pod of the network's own software: its state, and what can be done with it."""

    wanted = Signal(str)
    """bring | start | stop | restart | reload | launch."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._clock = clock
        self._badge = Badge(_STATES["none"])
        self._words = PlainLabel("", "muted", wrap=True)
        self._problem = column()
        self._facts = FactGrid()
        self.start = PrimaryButton("Start the pod", lambda: self.wanted.emit("start"), "play")
        self.stop = QuietButton("Stop the pod…", lambda: self.wanted.emit("stop"), "circle-minus")
        self.restart = QuietButton("Restart", lambda: self.wanted.emit("restart"), "refresh-cw")
        self.reload = QuietButton("Reload its datasources", lambda: self.wanted.emit("reload"), "database")
        self.launch = QuietButton("How it is started…", lambda: self.wanted.emit("launch"), "command")
        self.restart.set_help("Stops it and starts it again with its present configuration.")
        self.reload.set_help("The pod that runs works with the datasources of its present configuration.")
        self._empty = EmptyState(
            "plug",
            "The built-in worker does the work",
            "A pod that this hospital has already can be brought: its configuration, its key and its secrets. "
            "podadmin then starts it behind the gate and keeps it running.",
            PrimaryButton("Bring a pod that exists…", lambda: self.wanted.emit("bring"), "folder-open"),
        )
        self.body.setSpacing(SPACE.m)
        head = row(IconMark("plug", "muted"), PlainLabel("The pod", "strong"), self._badge, STRETCH)
        self._there = wrap(
            column(
                head,
                self._words,
                self._problem,
                self._facts,
                row(self.start, self.stop, self.restart, self.reload, STRETCH, self.launch),
                gap=SPACE.m,
            )
        )
        self.body.addWidget(self._there)
        self.body.addWidget(self._empty)
        self._there.setVisible(False)

    def show_pod(self, pod: SupervisedView) -> None:
        """Show this state of the pod."""
        there = pod.state != "none"
        self._there.setVisible(there)
        self._empty.setVisible(not there)
        if not there:
            return
        self._badge.set(_STATES.get(pod.state, _STATES["stopped"]))
        self._words.setText(
            pod.words if pod.worker == "bitfount" else f"{pod.words} The built-in worker does the work."
        )
        clear(self._problem)
        if pod.detail or pod.next_step:
            tone = "bad" if pod.state == "hindered" else "warn"
            self._problem.addWidget(Banner(tone, " ".join(part for part in (pod.detail, pod.next_step) if part)))
        self._facts.set_facts(_facts(pod, self._clock))
        for button, permit in ((self.start, pod.start), (self.stop, pod.stop), (self.reload, pod.reload)):
            button.set_permit(permit.allowed, permit.reason)
        self.restart.set_permit(pod.stop.allowed, pod.stop.reason)


def _facts(pod: SupervisedView, clock: Clock) -> list[Fact]:
    facts = [Fact("Pod", pod.identifier)]
    if pod.since is not None:
        facts.append(Fact("Running since", f"{precise(pod.since)} ({ago(pod.since, clock.now())})"))
    if pod.cpu is not None:
        facts.append(Fact("Processor", f"{amount(round(pod.cpu))} % of one core, with its children"))
    if pod.memory is not None:
        facts.append(Fact("Memory", f"{size(pod.memory)}, with its children"))
    if pod.deaths:
        facts.append(Fact("Ended by itself", count(pod.deaths, "time in a row", "times in a row"), "warn"))
    facts.append(Fact("Datasources", ", ".join(each.name for each in pod.datasources) or "none in its configuration"))
    facts.append(Fact("Started with", pod.program, mono=True))
    facts.append(Fact("Storage", pod.storage, mono=True))
    return facts
