"""Pod & gate: what stands between which pod and which network, and the pod that podadmin keeps running."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from podadmin.app.views.facts import Done
from podadmin.app.views.gate import GateView
from podadmin.app.views.pod import Brought, OddityRow, OutputLine, RunningTask, SupervisedView
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.keys_sheets import doing
from podadmin.desktop.pages.pod_cards import GateCard, PodCard, TaskCard
from podadmin.desktop.pages.pod_hub import HubPart
from podadmin.desktop.pages.pod_parts import EnvironmentPart, HostsPart, OddPart, OutputPart
from podadmin.desktop.pages.pod_sheets import BringPod, LaunchPod
from podadmin.desktop.widgets.buttons import QuietButton, TabRow
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.prompt import ReasonPrompt

HUB: Final = "hub"
PARTS: Final = (
    ("hosts", "Hosts"),
    ("odd", "What is odd"),
    ("output", "Output"),
    ("environment", "Environment"),
    (HUB, "At the hub"),
)


class PodPage(Page):
    """The gate, the pod and the task in it; below them hosts, oddities, output and environment."""

    name = "Pod & gate"
    title = "Pod & gate"
    icon = "shield-check"
    kinds = frozenset({"profile", "pod", "gate", "request", "network", "key", "datasource"})
    help_text = (
        "The gate stands between a pod and its network: nothing runs in the pod that was not decided, and nothing "
        "leaves it unseen. This page says which pod stands behind it, since when, and what was held, delivered, "
        "refused or withheld.\n\n"
        "A pod of the network's own software can be brought with its configuration, key and secrets. podadmin starts "
        "it behind the gate, keeps it running, shows what it says, and lists what is odd about it. Where somebody else "
        "starts the pod, Environment shows what it needs.\n\n"
        "A host that is none of the network's is refused. Letting the pod reach it means that the gate does not see "
        "what goes there."
    )

    def build(self) -> Iterator[None]:
        clock = SystemClock()
        self._there = False
        self._made = False
        self.gate = GateCard(clock)
        yield
        self.task = TaskCard(clock)
        self.pod = PodCard(clock)
        yield
        self.hosts, self.odd = HostsPart(), OddPart()
        yield
        self.output, self.environment = OutputPart(), EnvironmentPart()
        yield
        self.hub = HubPart(self)
        yield
        self._parts: dict[str, Card] = {
            "hosts": self.hosts,
            "odd": self.odd,
            "output": self.output,
            "environment": self.environment,
            HUB: self.hub,
        }
        self.parts = TabRow(PARTS, "Parts of this page", self._show_part)
        self.bring = QuietButton("Bring a pod that exists…", self._bring, "folder-open")
        self.add_action(self.bring)
        for each in (self.gate, self.task, self.pod, self.parts, *self._parts.values()):
            self.body.addWidget(each)
            yield
        self.task.setVisible(False)
        self.pod.wanted.connect(self._wanted)
        self.task.stop_wanted.connect(self._stop_task)
        self.task.withhold_wanted.connect(self._withhold)
        self.task.open_wanted.connect(lambda request: self.desk.go("Requests", request))
        self.hosts.allow_wanted.connect(self._allow)
        self.hosts.refuse_wanted.connect(self._refuse)
        self.odd.seal_wanted.connect(self._seal)
        self.output.level_wanted.connect(lambda _level: self._read_output())
        self._show_part("hosts")

    def open_subject(self, subject: str) -> None:
        if subject in self._parts:
            self.parts.pick(subject)
            self._show_part(subject)

    def refresh(self) -> None:
        self.read("gate status", {}, self._show_gate)
        self.session.read(self, "pod status", {}, self._show_pod)
        self.session.read(self, "pod task", {}, self._show_task)

    def _show_part(self, key: str) -> None:
        made_here = self._made and not self._there
        shown = key if self._there else HUB if made_here else ""
        self.parts.setVisible(self._there)
        self.hub.show_made_here(made_here)
        for name, part in self._parts.items():
            part.setVisible(name == shown)
        if shown == HUB:
            self.hub.refresh()

    def _show_gate(self, gate: GateView) -> None:
        if bool(gate.pod) != self._made:
            # a pod that was made here has no hosts, oddities or output of its own; it can be known at a hub
            self._made = bool(gate.pod)
            self._show_part(self.parts.current)
        self.gate.show_gate(gate)
        self.hosts.show_hosts(gate.hosts)
        self.environment.show_environment(gate.environment)
        refused = sum(each.verdict == "refused" and each.count > 0 for each in gate.hosts)
        self.parts.set_words("hosts", f"Hosts ({refused} refused)" if refused else "Hosts")

    def _show_task(self, task: RunningTask) -> None:
        self.task.show_task(task)

    def _show_pod(self, pod: SupervisedView) -> None:
        self.pod.show_pod(pod)
        there = pod.state != "none"
        self.bring.setVisible(there)
        if there != self._there:
            # hosts, output and the rest are those of a pod of the network's own software
            self._there = there
            self._show_part(self.parts.current)
        if there:
            self.session.read(self, "pod odd", {}, self._show_odd, self._no_odd)
            self._read_output()

    def _read_output(self) -> None:
        arguments = {"level": self.output.level.value(), "lines": 200}
        self.session.read(self, "pod output", arguments, self._show_output)

    def _show_output(self, lines: Sequence[OutputLine]) -> None:
        self.output.show_lines(lines)

    def _show_odd(self, odd: Sequence[OddityRow]) -> None:
        self.odd.show_odd(odd)
        self.parts.set_words("odd", f"What is odd ({len(odd)})" if odd else "What is odd")

    def _no_odd(self, error: PodadminError) -> None:
        self.notice("warn", f"{error.what} {error.why} {error.next_step}")

    def _wanted(self, what: str) -> None:
        host = self.desk.sheet_host
        if what == "bring":
            self._bring()
        elif what == "launch":
            LaunchPod(host, doing(self, "Keeping how the pod is started"), self._said).open()
        elif what == "stop":
            words = "It tells its network that it goes, and ends. Requests are still captured, and wait."
            ReasonPrompt(host, "Stop the pod", words, "Stop the pod", self._stop, required=False, danger=False).open()
        elif what == "reload":
            self.write("pod reload", {}, self._said, "Telling the pod of its datasources")
        else:
            self.write(f"pod {what}", {}, self._changed_pod)

    def _stop(self, reason: str) -> None:
        self.write("pod stop", {"reason": reason}, self._changed_pod)

    def _changed_pod(self, pod: SupervisedView) -> None:
        self._show_pod(pod)
        self.desk.say(pod.words)

    def _said(self, done: Done) -> None:
        self.desk.say(done.words)
        self.refresh()

    def _bring(self) -> None:
        BringPod(self.desk.sheet_host, doing(self, "Bringing the pod"), self._brought).open()

    def _brought(self, view: Brought) -> None:
        self.notice("good", view.words)
        self.refresh()
        self._show_odd(view.odd)
        self.parts.pick("odd")
        self._show_part("odd")

    def _stop_task(self, request: str) -> None:
        self._end_task(request, "Stop the task", "gate stop-task", "The pod ends its work on it now.")

    def _withhold(self, request: str) -> None:
        words = "What the task still brings does not leave, and the task ends."
        self._end_task(request, "Withhold the result", "gate withhold", words)

    def _end_task(self, request: str, title: str, act: str, words: str) -> None:
        def decided(told: str) -> None:
            self.write(act, {"request_id": request, "words": told}, self._said)

        ReasonPrompt(
            self.desk.sheet_host,
            title,
            f"{words} Pod and requester are ready for the next task afterwards.",
            title,
            decided,
            label="What the requester is told",
            hint="It is recorded as well.",
        ).open()

    def _allow(self, host: str) -> None:
        words = f"The pod may reach {host} from now on. The gate does not look into what goes there."
        self._decide_host(host, "Let the pod reach it", "gate allow-host", words, danger=True)

    def _refuse(self, host: str) -> None:
        words = f"The pod may not reach {host} any more."
        self._decide_host(host, "Refuse the host", "gate refuse-host", words, danger=False)

    def _decide_host(self, host: str, title: str, act: str, words: str, *, danger: bool) -> None:
        def decided(reason: str) -> None:
            self.write(act, {"host": host, "reason": reason}, lambda hosts: self._hosts_changed(hosts))

        ReasonPrompt(self.desk.sheet_host, title, words, title, decided, danger=danger).open()

    def _hosts_changed(self, hosts: Any) -> None:
        self.hosts.show_hosts(hosts)
        self.desk.say("It holds from the next connection on.")

    def _seal(self, path: str) -> None:
        def decided(_reason: str) -> None:
            self.write("keys seal", {"path": path, "remove": True}, self._said, "Sealing a file")

        words = (
            f"The content of {path} is sealed in the vault and read back; then the file is removed. It can still be in "
            "backups of the disk. Software that reads this file stops working until it is given what it held."
        )
        ReasonPrompt(self.desk.sheet_host, "Seal and remove", words, "Seal and remove", decided, required=False).open()
