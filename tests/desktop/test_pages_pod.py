"""Pod & gate: the gate is red where the pod is not behind it, and everything that can be done asks first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from PySide6.QtWidgets import QApplication

from podadmin.app.views.facts import Permit
from podadmin.app.views.gate import CountRow, GateView, HostRow, NameValue
from podadmin.app.views.pod import DatasourceLine, OddityRow, OutputLine, RunningTask, SupervisedView
from podadmin.core.clock import ManualClock
from podadmin.desktop.pages.pod_cards import GateCard, PodCard, TaskCard
from podadmin.desktop.pages.pod_parts import EnvironmentPart, HostsPart, OddPart, OutputPart
from tests.desktop.hands import Show, buttons, named, press, texts

NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
NASTY = "lab\u202egnp <b>"
GATE = GateView(
    mode="proxy",
    words="The gate stands before the pod.",
    pod="alice/clinic",
    network="Bitfount",
    since=NOW - timedelta(hours=2),
    up_contact=NOW - timedelta(seconds=4),
    down_contact=NOW - timedelta(minutes=3),
    counts=(CountRow("held", "Held", 4), CountRow("withheld", "Withheld", 1)),
)
POD = SupervisedView(
    "ready",
    "The pod runs and is ready for tasks.",
    worker="bitfount",
    identifier="alice/clinic",
    wanted="running",
    since=NOW - timedelta(minutes=9),
    pid=7,
    cpu=12.4,
    memory=512 * 2**20,
    program="bitfount run_pod {config}",
    storage="/srv/pod",
    start=Permit(False, "The pod runs."),
    stop=Permit(True),
    reload=Permit(True),
    datasources=(DatasourceLine("patients", "CSVSource", "/srv/p.csv"),),
)


def test_the_gate_says_what_it_stands_between_since_when_and_what_passed(show: Show) -> None:
    card = show(GateCard(ManualClock(NOW)))
    card.show_gate(GATE)
    said = texts(card)
    for words in ("Stands before the pod", "alice/clinic", "Bitfount", "3 minutes ago", "Held", "Withheld", "4"):
        assert words in said, words
    card.show_gate(replace(GATE, red="This pod is not behind the gate: it has said nothing for two minutes."))
    said = texts(card)
    assert "This pod is not behind the gate: it has said nothing" in said
    assert "The gate stands before the pod." not in said
    assert "Stands before the pod" not in said
    for mode, badge in (("off", "Off"), ("unused", "Not there yet"), ("elsewhere", "Not in this window")):
        card.show_gate(GateView(mode, "It is so."))
        said = texts(card)
        assert "none yet" in said
        assert badge in said


def test_a_pod_can_be_started_stopped_restarted_and_told_of_its_datasources(show: Show) -> None:
    card = show(PodCard(ManualClock(NOW)))
    wanted: list[str] = []
    card.wanted.connect(wanted.append)
    card.show_pod(SupervisedView("none", "No pod was brought."))
    press(card, "Bring a pod that exists…")
    card.show_pod(POD)
    said = texts(card)
    assert "Ready" in said
    assert "12 % of one core" in said
    assert "patients" in said
    assert not named(card, "Start the pod").isEnabled()
    for name in ("Stop the pod…", "Restart", "Reload its datasources", "How it is started…"):
        press(card, name)
    assert wanted == ["bring", "stop", "restart", "reload", "launch"]
    card.show_pod(replace(POD, state="hindered", detail="The gate is off.", next_step="Switch it on.", deaths=3))
    said = texts(card)
    assert "Cannot be started" in said
    assert "The gate is off. Switch it on." in said
    assert "3 times in a row" in said
    card.show_pod(replace(POD, worker="built-in"))
    assert "The built-in worker does the work." in texts(card)


def test_a_running_task_is_ended_by_hand_and_none_is_offered_where_none_runs(show: Show) -> None:
    card = show(TaskCard(ManualClock(NOW)))
    asked: list[tuple[str, str]] = []
    card.stop_wanted.connect(lambda request: asked.append(("stop", request)))
    card.withhold_wanted.connect(lambda request: asked.append(("withhold", request)))
    card.open_wanted.connect(lambda request: asked.append(("open", request)))
    card.show_task(RunningTask("req_1", "SQL query (ResultsOnly)", NASTY, "patients", NOW - timedelta(minutes=1)))
    assert "lab<U+202E>gnp <b> asks on patients" in texts(card)
    for name in ("Stop the task…", "Withhold the result…", "Open the request"):
        press(card, name)
    assert asked == [("stop", "req_1"), ("withhold", "req_1"), ("open", "req_1")]
    card.show_task(RunningTask())
    assert not card.isVisible()


def test_only_a_host_that_is_none_of_the_networks_can_be_allowed(show: Show, qapp: QApplication) -> None:
    part = show(HostsPart())
    asked: list[tuple[str, str]] = []
    part.allow_wanted.connect(lambda host: asked.append(("allow", host)))
    part.refuse_wanted.connect(lambda host: asked.append(("refuse", host)))
    part.show_hosts(())
    assert "has not tried to reach anything" in texts(part)
    own = HostRow("hub.bitfount.com", "inspected", 9, NOW, "The network's own.")
    refused = HostRow("stats.example", "refused", 3, NOW, "Nobody allowed it.", may_allow=True)
    allowed = HostRow("fhir.example", "allowed", 1, NOW, "You allowed it.", may_allow=True)
    part.show_hosts((own, refused, allowed))
    for host, may_allow, may_refuse in (("hub.bitfount.com", False, False), ("stats.example", True, False),
                                        ("fhir.example", False, True)):  # fmt: skip
        part.table.select(host)
        qapp.processEvents()
        assert named(part, "Let the pod reach it…").isEnabled() is may_allow, host
        assert named(part, "Refuse it…").isEnabled() is may_refuse, host
    press(part, "Refuse it…")
    part.table.select("stats.example")
    press(part, "Let the pod reach it…")
    assert asked == [("refuse", "fhir.example"), ("allow", "stats.example")]


def test_each_oddity_has_its_fix_or_its_reason_and_a_file_is_sealed_from_there(show: Show) -> None:
    part = show(OddPart())
    assert "Nothing is odd" in texts(part)
    sealed: list[str] = []
    part.seal_wanted.connect(sealed.append)
    part.show_odd(
        (
            OddityRow(
                "key-in-clear", "bad", "A key lies readable", "It can be read.", "Seal it.", "keys seal /a b/k --remove"
            ),
            OddityRow("control-server", "bad", "A port is open", "It asks nobody.", why_not="There is no setting."),
        )
    )
    said = texts(part)
    assert "Seal it." in said
    assert "No fix here: There is no setting." in said
    assert list(buttons(part)) == ["Seal and remove: /a b/k"]
    press(part, "Seal and remove: /a b/k")
    assert sealed == ["/a b/k"]


def test_the_newest_line_of_output_stands_first_and_levels_are_words(show: Show) -> None:
    part = show(OutputPart())
    part.show_lines(())
    assert "said nothing of this level" in texts(part)
    part.show_lines((OutputLine(NOW, "info", "first"), OutputLine(NOW, "error", f"then {NASTY}")))
    model = part.table.model()
    cells = [[model.data(model.index(line, cell)) for cell in (1, 2)] for line in range(2)]
    assert cells == [["Error", "then lab<U+202E>gnp <b>"], ["Info", "first"]]
    levels: list[str] = []
    part.level_wanted.connect(levels.append)
    part.level.set_value("error")
    assert levels[-1:] == ["error"]


def test_the_environment_is_shown_and_copied_exactly(show: Show, qapp: QApplication) -> None:
    part = show(EnvironmentPart())
    part.show_environment(())
    assert not named(part, "Copy as export lines").isEnabled()
    part.show_environment((NameValue("HTTPS_PROXY", "http://127.0.0.1:9"), NameValue("NO_PROXY", "localhost")))
    press(part, "Copy as export lines")
    assert qapp.clipboard().text() == "export HTTPS_PROXY='http://127.0.0.1:9'\nexport NO_PROXY='localhost'\n"
