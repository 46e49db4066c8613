"""Frozen views of requests, as the acts return them: for looking at, and for the tests of the pages that show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from podadmin.app.views.facts import Fact, Permit, Section
from podadmin.app.views.journal import JournalRow
from podadmin.app.views.networks import NetworkCard
from podadmin.app.views.overview import DayCounts, Need, Overview
from podadmin.app.views.requests import EffectView, RequestDetail, RequestPage, RequestRow, TraceLine
from podadmin.app.views.status import GateView, KeyringView, PodView, Status

NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
NASTY = '<b>bold</b> <img src="x"> &lt;i&gt; a\u202egnp.exe \u200b\x07 & "quoted"'
"""Strangers' text that would do harm anywhere but in a plain label."""

ROW = RequestRow(
    id="req_1F8Z3K9QW2M7",
    state="held",
    state_words="Waiting for your decision",
    requester="demo-researcher",
    task="Results only: SQL query",
    datasource="patients",
    risk="high",
    verified="verified",
    received_at=NOW - timedelta(seconds=108),
    deadline=NOW + timedelta(seconds=192),
    reference="",
    project="diabetes-2026",
)
EFFECTS = EffectView(
    known=True,
    headline="Runs the requester's own SQL on table “patients” and sends its result table to the requester.",
    reads=("The table “patients”, with every column that is not ignored.",),
    computes=('The SQL of the requester:\nSELECT eye, COUNT(*) AS n FROM "patients" GROUP BY eye',),
    stays=("Nothing but the pod's own logs.",),
    leaves=(
        "The result table of the SQL. It is treated as row level: it can hold single records.",
        "Progress messages and log lines of the task. After a failure: an error text, which can quote data.",
        "Counts of records and files, and reasons why files were skipped, to the operator of the network.",
    ),
    to="The requester who calls themselves “demo-researcher” (key 9f86d081884c7d65), by encrypted messages.",
    risk="high",
    reasons=("Something about every single record leaves the pod.",),
)
UNKNOWN = EffectView(
    known=False,
    headline="What this request would do is not known.",
    reads=("Not known: count on everything that the pod can read.",),
    computes=("Not known.",),
    stays=("Not known.",),
    leaves=("Not known: count on every record leaving.",),
    to="The requester who calls themselves “demo-researcher”. Other destinations cannot be ruled out.",
    risk="unknown",
    reasons=("The algorithm “custom.Exfiltrate” is not known.",),
)
SECTIONS = (
    Section(
        "People",
        (
            Fact("Requester", "demo-researcher"),
            Fact("Signing key", "9f86 d081 884c 7d65 9a2f eaa0 c55a d015", mono=True),
        ),
    ),
    Section("Project", (Fact("Project", "diabetes-2026"), Fact("Named by", "the requester, unsigned", "warn"))),
    Section("Setting", (Fact("Network", "local"), Fact("Runs in", "the built-in worker of this pod"))),
    Section("Data", (Fact("Datasource", "patients"), Fact("Reads", EFFECTS.reads[0]))),
    Section("Outputs", (Fact("Leaves", EFFECTS.leaves[0], "warn"), Fact("To", EFFECTS.to))),
)
HISTORY = (
    JournalRow(
        41, NOW - timedelta(seconds=108), "gate", "request.captured", ROW.id, "A request was captured", {}, "ab", "cd"
    ),
    JournalRow(
        42, NOW - timedelta(seconds=107), "gate", "request.opened", ROW.id, "The request was opened", {}, "ef", "ab"
    ),
)
HELD = RequestDetail(
    row=ROW,
    effects=EFFECTS,
    sections=SECTIONS,
    verification=(
        Fact("Signature", "The signature over the encrypted request holds", "good"),
        Fact("Signed by", "9f86 d081 884c 7d65", mono=True),
        Fact("Outer and inner protocol", "are the same", "good"),
        Fact("Project", "is not signed: anyone on the way could have written it", "warn"),
    ),
    differences=(Fact("protocol.algorithm.query", "was COUNT(*), now COUNT(*) AS n", "warn"),),
    compared_with="req_0000000000AA",
    trace=(
        TraceLine("Was it sealed for this pod and signed?", "Yes", "good"),
        TraceLine("Does a grant cover it?", "No grant has its fingerprint"),
        TraceLine("Verdict", "Hold: nobody has decided it yet", "warn"),
    ),
    protocol={"class_name": "bitfount.ResultsOnly", "algorithm": {"class_name": "bitfount.SqlQuery", "query": "…"}},
    outcome=(Fact("State", "Waiting for your decision"),),
    history=HISTORY,
    may_approve=Permit(True),
    may_refuse=Permit(True),
)
LAPSED = replace(
    HELD,
    row=replace(
        ROW,
        state="lapsed",
        state_words="Held: nobody decided in time",
        reference="H-7K2M-9QXD",
        deadline=NOW - timedelta(minutes=20),
    ),
)
FINISHED = replace(
    HELD,
    row=replace(ROW, state="finished", state_words="Finished; its results were passed on"),
    may_approve=Permit(False, "It is not waiting for a decision: finished."),
    may_refuse=Permit(False, "It is not waiting for a decision: finished."),
    outcome=(Fact("State", "Finished; its results were passed on", "good"), Fact("Approved by", "custodian")),
)
NOT_VERIFIED = replace(
    HELD,
    row=replace(ROW, state="invalid", state_words="Outer and inner protocol differ", verified="failed", risk="unknown"),
    effects=UNKNOWN,
    protocol={},
    differences=(),
    compared_with="",
    verification=(Fact("Outer and inner protocol", "differ", "bad"),),
    may_approve=Permit(False, "It is not valid."),
    may_refuse=Permit(False, "It is not valid."),
)


def rows() -> tuple[RequestRow, ...]:
    """A list with every state in it."""
    states = (
        ("held", "high", "verified", "Results only: SQL query", 192),
        ("lapsed", "unknown", "verified", "Custom protocol", -900),
        ("captured", "unknown", "unopened", "Not opened", 290),
        ("running", "high", "verified", "Inference and return CSV report: hba1c-risk:1", -60),
        ("finished", "medium", "verified", "Results only: model inference", -600),
        ("granted", "low", "verified", "Results only: SQL query", -4000),
        ("refused", "high", "verified", "Results only: SQL query", -5000),
        ("invalid", "unknown", "failed", "Not opened", -6000),
        ("failed", "low", "verified", "Results only: SQL query", -7000),
    )
    return tuple(
        replace(
            ROW,
            id=f"req_{place:012d}",
            state=state,
            risk=risk,
            verified=verified,
            task=task,
            deadline=NOW + timedelta(seconds=left),
            received_at=NOW + timedelta(seconds=left - 300),
            reference="H-7K2M-9QXD" if state == "lapsed" else "",
        )
        for place, (state, risk, verified, task, left) in enumerate(states)
    )


def page_of(*shown: RequestRow, total: int | None = None, next_after: str | None = None) -> RequestPage:
    """A page with these rows."""
    by_state: dict[str, int] = {}
    for row in shown:
        by_state[row.state] = by_state.get(row.state, 0) + 1
    return RequestPage(shown, len(shown) if total is None else total, next_after, by_state)


def nasty_detail() -> RequestDetail:
    """A request in which every field that a stranger can write holds text that would do harm."""
    fact = (Fact("Plain", NASTY), Fact("Toned", NASTY, "warn"), Fact("Mono", NASTY, mono=True))
    return replace(
        HELD,
        row=replace(ROW, requester=NASTY, task=NASTY, datasource=NASTY, project=NASTY, reference=NASTY),
        effects=EffectView(True, NASTY, (NASTY,), (NASTY,), (NASTY,), (NASTY, NASTY), NASTY, "high", (NASTY,)),
        sections=(Section("People", fact), Section("Outputs", fact)),
        verification=fact,
        differences=fact,
        trace=(TraceLine("Does a grant cover it?", NASTY, "warn"),),
        protocol={NASTY: NASTY, "list": [NASTY]},
        outcome=fact,
        history=tuple(replace(entry, words=NASTY, actor=NASTY) for entry in HISTORY),
        may_approve=Permit(False, NASTY),
    )


def status(*needs_setup: str, **changes: object) -> Status:
    """A status with these steps open."""
    pod = PodView("none")
    if "pod" not in needs_setup:
        pod = PodView("running", "eye-clinic", "custodian", "custodian/eye-clinic", "9f86d081884c7d659a2feaa0c55ad015")
    keyring = KeyringView("ready", "the keyring of this account", "Ready: it can be read and written.")
    if "keyring" in needs_setup:
        keyring = KeyringView("undecided", "", "It was not chosen yet where secrets live.", "Choose it.")
    made = Status(pod, GateView("off", "Gate is OFF"), keyring, 0, False, needs_setup)
    return replace(made, **changes)  # type: ignore[arg-type]


DAYS = tuple((NOW - timedelta(days=6 - back)).date().isoformat() for back in range(7))
OVERVIEW = Overview(
    needs=(
        Need("warn", "demo-researcher waits for your decision", "SQL query on patients", "Decide", "Requests", ROW.id),
        Need("bad", "flights cannot be read", "The file is gone.", "See the datasource", "Datasources", "ds_1"),
    ),
    held=3,
    decided_week=41,
    inferences_week=12480.0,
    datasources=2,
    requests_by_day=tuple(DayCounts(day, {"approved": n % 4 + 2, "refused": n % 3}) for n, day in enumerate(DAYS)),
    inferences_by_day=tuple(
        DayCounts(day, {"acme/hba1c-risk:1": n * 120.0, "acme/retina:3": 90.0}) for n, day in enumerate(DAYS)
    ),
)
LOCAL = NetworkCard(
    "local",
    "Local network",
    "connected",
    "Connected: requests are received.",
    (
        Fact("This pod is known as", "custodian/eye-clinic", mono=True),
        Fact("It knows of this pod", "its name, its public key and the names of its datasources"),
        Fact("Message service", "127.0.0.1:41234", mono=True),
    ),
    "A demo requester can send requests to this pod.",
)
NOT_JOINED = NetworkCard("local", "Local network", "none", "Not joined. It runs on this computer only.", ())
