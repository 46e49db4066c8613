"""A custodian's first hour with real processes, through the command line only: the eight steps of the first story.

A profile under a passphrase file, a pod, a CSV file, the local network, the gate as `podadmin serve`, and the demo
requester as a process of its own that only knows the network.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.nursery import Process, run
from tests.patience import PATIENCE, until
from tests.spoilt import spoilt

ROOT = Path(__file__).resolve().parents[2]
RECORDS = 600

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@dataclass
class Requester:
    """A demo requester as a process; what it heard, line by line."""

    process: subprocess.Popen[bytes]
    file: Path

    def heard(self) -> list[dict[str, Any]]:
        lines = self.file.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def types(self) -> list[str]:
        return [each.get("type", each["event"]) for each in self.heard() if each["event"] != "answered"]

    def first(self, kind: str) -> dict[str, Any]:
        return next(each for each in self.heard() if each.get("type", each["event"]) == kind)

    def ends(self) -> int:
        return self.process.wait(PATIENCE)


@dataclass
class Custodian:
    """Somebody at a terminal."""

    folder: Path
    exactly: bool = False
    """Are the commands started with the very program of a user? Else by the nursery: in a tenth of the time."""
    gate: Process | None = None
    requesters: list[Requester] = field(default_factory=list)

    @property
    def profile(self) -> Path:
        return self.folder / "profile"

    @property
    def database(self) -> Path:
        return self.profile / "podadmin.db"

    def line(self, *words: str) -> list[str]:
        return [*words, "--profile", str(self.profile), "--passphrase-file", str(self.folder / "passphrase")]

    def done(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        if self.exactly:
            command = [sys.executable, "-m", "podadmin", *self.line(*words)]
            return subprocess.run(command, capture_output=True, env=environment(), timeout=PATIENCE, check=False)
        return run(self.line(*words), environment(), PATIENCE)

    def run(self, *words: str, ends: int = 0) -> Any:
        """The JSON that a command prints; it must end with the exit code `ends` and say nothing else."""
        done = self.done(*words, "--json")
        assert (done.returncode, done.stderr) == (ends, b""), f"{words}: {done.stdout!r} {done.stderr!r}"
        return json.loads(done.stdout)

    def start_gate(self) -> None:
        log = self.folder / "serve.jsonl"
        with log.open("wb") as out, (self.folder / "serve.err").open("ab") as err:
            self.gate = Process(self.line("serve"), environment(), stdout=out.fileno(), stderr=err.fileno())
        gate = self.gate

        def on() -> bool:
            assert gate.poll() is None, (self.folder / "serve.err").read_text(encoding="utf-8")
            lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
            return bool(lines) and lines[-1].endswith("\n") and json.loads(lines[-1])["gate"] == "on"

        until(on, "the gate is on")

    def stop_gate(self) -> None:
        assert self.gate is not None
        self.gate.send_signal(signal.SIGTERM)
        assert self.gate.wait(PATIENCE) == 0
        self.gate = None

    def kill_gate(self) -> None:
        assert self.gate is not None
        self.gate.kill()
        self.gate.wait(PATIENCE)
        self.gate = None

    def rules(self, **changes: Any) -> None:
        """What the owner of the local network sets."""
        path = self.profile / "local-network" / "network.json"
        rules = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**rules, **changes}), encoding="utf-8")

    def ask(self, what: str, *more: str) -> Requester:
        """A research group asks; it goes on listening by itself."""
        file = self.folder / f"heard-{len(self.requesters)}.jsonl"
        state = self.folder / "research-lab"
        words = ["--folder", str(self.profile / "local-network"), "--state", str(state), "--what", what, "--json"]
        words += ["--pod", "trust/patients", "--table", "patients", "--wait", "120", *more]
        with file.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "podadmin.networks.local.demo_requester", *words], stdout=out, env=environment()
            )
        asking = Requester(process, file)
        self.requesters.append(asking)
        until(lambda: "sent" in asking.types() or process.poll() is not None, f"the requester has sent {what}")
        assert "sent" in asking.types(), file.read_text(encoding="utf-8")
        return asking

    def _states(self) -> dict[str, str]:
        """The states of all requests, the newest last: a glance at the file, so that waiting takes no commands."""
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as connection:
            return dict(connection.execute("SELECT id, state FROM request ORDER BY number"))

    def newest(self, state: str) -> dict[str, Any]:
        """The newest request, as soon as it is in this state."""
        until(lambda: [*self._states().values()][-1:] == [state], f"the newest request is {state}")
        row = self.run("requests", "list", "--limit", "1")["rows"][0]
        assert row["state"] == state
        return dict(row)

    def becomes(self, request: str, state: str) -> dict[str, Any]:
        until(lambda: self._states().get(request) == state, f"{request} is {state}")
        detail = self.run("requests", "show", request)
        assert detail["row"]["state"] == state
        return dict(detail)


@pytest.fixture
def custodian(tmp_path: Path) -> Iterator[Custodian]:
    """What they started is ended afterwards."""
    person = Custodian(tmp_path)
    yield person
    for process in [person.gate, *(each.process for each in person.requesters)]:
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()


def equipped(folder: Path) -> Custodian:
    """Somebody with a passphrase and a file of patients."""
    (folder / "passphrase").write_text("seven quiet herons by the river\n", encoding="utf-8")
    (folder / "passphrase").chmod(0o600)
    shutil.copy(ROOT / "resources" / "demo" / "patients.csv", folder / "patients.csv")
    return Custodian(folder)


def set_up(custodian: Custodian) -> None:
    """Steps 1 to 3."""
    run, csv = custodian.run, str(custodian.folder / "patients.csv")
    assert run("status")["needs_setup"] == ["keyring", "pod", "datasource", "network"]
    assert run("keyring", "choose", "passphrase")["state"] == "ready"
    pod = run("pod", "create", "eye-clinic", "--owner", "trust")
    assert (pod["identifier"], pod["state"], len(pod["fingerprint"])) == ("trust/eye-clinic", "running", 64)
    keys = {key["kind"]: key for key in run("keys", "list")}
    assert set(keys) == {"RSA-4096", "Ed25519"}

    assert run("datasource", "probe", csv)["ok"]
    run("datasource", "add", "patients", csv, "--ignore", "patient_id", "--force", "sex=categorical")
    made = run("schema", "generate", "patients", "--save")
    assert (made["records"], made["saved"]) == (RECORDS, True)
    assert "patient_id" not in [column["name"] for column in made["columns"]]
    run("schema", "export", "patients", str(custodian.folder / "schema.yaml"))
    exported = yaml.safe_load((custodian.folder / "schema.yaml").read_text(encoding="utf-8"))
    assert exported["metadata"]["schema_version"] == "4"
    assert exported["number_of_records"] == RECORDS

    assert run("network", "join", "local")["state"] == "joined"
    assert run("status")["needs_setup"] == []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Steps 1 to 3, taken once for the stories that only begin there."""
    folder = tmp_path_factory.mktemp("prepared")
    set_up(equipped(folder))
    return folder


@pytest.fixture
def at_work(custodian: Custodian, prepared: Path) -> Custodian:
    """A custodian who took steps 1 to 3, with the gate on."""
    shutil.copytree(prepared, custodian.folder, dirs_exist_ok=True)
    custodian.start_gate()
    return custodian


def test_the_first_hour(custodian: Custodian) -> None:
    run = custodian.run
    equipped(custodian.folder)
    custodian.exactly = True
    set_up(custodian)
    custodian.exactly = False
    custodian.start_gate()

    # 4 and 5: a request arrives, is seen exactly, and is approved
    counting = custodian.ask("sql")
    row = custodian.newest("held")
    detail = run("requests", "show", row["id"])
    assert detail["row"]["verified"] == "verified"
    assert detail["effects"]["known"]
    assert detail["protocol"]["class_name"] == "bitfount.ResultsOnly"
    assert detail["may_approve"]["allowed"]
    run("requests", "approve", row["id"], "--note", "Counts only.")
    assert counting.ends() == 0
    assert str(RECORDS) in json.dumps(counting.first("EVALUATION_RESULTS"))
    custodian.becomes(row["id"], "finished")
    assert run("requests", "approve", row["id"], ends=4)["error"]["code"] == "request.cannot-approve"

    # a refusal, in words that the requester reads
    rows = custodian.ask("rows")
    row = custodian.newest("held")
    assert row["risk"] == "high"
    assert run("requests", "refuse", row["id"], " ", ends=4)["error"]["code"] == "request.reason-missing"
    words = "Whole rows do not leave this hospital. Ask for counts: “n ≥ 10”."
    assert run("requests", "refuse", row["id"], words)["row"]["state"] == "refused"
    assert rows.ends() == 4
    assert words in json.dumps(rows.first("JOB_REJECT"), ensure_ascii=False)

    # what nobody knows is shown as unknown, and is never worth less than the worst
    custodian.ask("unknown")
    row = custodian.newest("held")
    detail = run("requests", "show", row["id"])
    assert (detail["effects"]["known"], detail["row"]["risk"]) == (False, "unknown")
    run("requests", "refuse", row["id"], "Nobody knows what this would do.")

    # an inference is metered, a report too
    for what, used in (("inference", RECORDS), ("report", 2 * RECORDS)):
        asking = custodian.ask(what)
        row = custodian.newest("held")
        run("requests", "approve", row["id"])
        assert asking.ends() == 0, asking.heard()
        custodian.becomes(row["id"], "finished")
        (meter,) = run("limits", "list")
        assert (meter["used"], meter["reserved"], meter["limit"], meter["mode"]) == (used, 0, 5000, "stops")

    # 7: all of it is in the journal, and it is whole
    until(lambda: run("journal", "verify")["anchored_to"], "the head is anchored")
    acts = {entry["act"] for entry in run("journal", "list", "--limit", "1000")["rows"]}
    assert {
        "pod.created",
        "key.created",
        "datasource.added",
        "schema.saved",
        "schema.exported",
        "network.joined",
        "request.captured",
        "request.opened",
        "request.held",
        "request.approved",
        "request.refused",
        "request.started",
        "request.result",
        "request.finished",
        "limit.used",
    } <= acts
    custodian.stop_gate()
    check = run("journal", "verify")
    assert (check["state"], check["problems"]) == ("whole", [])
    # the gate keeps the head when it ends; what a command recorded since is not anchored yet
    assert check["anchored_to"] == check["entries"]


def test_undecided_is_held_and_runs_by_itself_once_it_was_approved(at_work: Custodian) -> None:
    custodian, run = at_work, at_work.run
    run("settings", "set", "gate.window", "3")
    assert run("settings", "set", "gate.window", "0", ends=2)["error"]["code"] == "setting.bad-value"

    asking = custodian.ask("sql")
    assert asking.ends() == 4
    row = custodian.newest("lapsed")
    told = json.dumps(asking.first("JOB_REJECT"), ensure_ascii=False)
    assert row["reference"] in told
    assert "Held" in told
    # the requester reads the reference over the telephone, in any case of letters
    detail = run("requests", "approve", row["reference"].lower())
    assert detail["row"]["state"] == "granted"

    # sent again, the same request runs by itself, once; a busy machine is given the time for it
    run("settings", "set", "gate.window", "300")
    again = custodian.ask("sql")
    assert again.ends() == 0
    assert str(RECORDS) in json.dumps(again.first("EVALUATION_RESULTS"))
    newest = custodian.newest("finished")
    assert newest["id"] != row["id"]
    facts = {fact["label"]: fact["value"] for fact in run("requests", "show", newest["id"])["outcome"]}
    assert "grant" in facts["Approved by"]
    run("settings", "set", "gate.window", "3")
    third = custodian.ask("sql")
    assert third.ends() == 4
    assert custodian.newest("lapsed")["id"] != newest["id"]
    custodian.stop_gate()
    assert run("journal", "verify")["problems"] == []


def test_the_run_that_would_exceed_the_limit_is_stopped_and_both_sides_are_told(at_work: Custodian) -> None:
    custodian, run = at_work, at_work.run
    project = {"members": ["research-lab"], "pods": ["*"], "limits": {"research-lab/hba1c-risk:1": 100}}
    custodian.rules(projects={"glaucoma-study": project})

    asking = custodian.ask("inference")
    row = custodian.newest("held")
    run("requests", "approve", row["id"])
    assert asking.ends() == 7
    results, abort = asking.first("EVALUATION_RESULTS"), asking.first("TASK_ABORT")
    assert len(results["content"]["risk"]) == 100
    assert results["used"] == [{"resource": "research-lab/hba1c-risk:1", "amount": 100}]
    assert abort["reason"] == "LIMITS_EXCEEDED"
    assert "limit" in custodian.becomes(row["id"], "stopped")["row"]["state_words"]
    (meter,) = run("limits", "list")
    assert (meter["used"], meter["reserved"], meter["free"], meter["limit"]) == (100, 0, 0, 100)

    # the next one is refused before anybody is asked
    refused = custodian.ask("inference")
    assert refused.ends() == 4
    assert "limit" in json.dumps(refused.first("JOB_REJECT"))
    assert custodian.newest("invalid")["id"] != row["id"]
    custodian.stop_gate()
    assert run("journal", "verify")["problems"] == []


def acts_about(custodian: Custodian, request: str) -> list[str]:
    return [entry["act"] for entry in custodian.run("requests", "show", request)["history"]]


def test_a_killed_gate_loses_nothing_and_runs_nothing_twice(at_work: Custodian) -> None:
    custodian, run = at_work, at_work.run
    asking = custodian.ask("sql")
    row = custodian.newest("held")
    custodian.kill_gate()

    assert run("status")["gate"]["state"] == "off"
    # a decision is a row: it is made while no gate runs, and the gate acts on it when it is there again
    run("requests", "approve", row["id"])
    assert custodian.run("requests", "show", row["id"])["row"]["state"] == "approved"
    # the local network ends with the gate; its requester waits for it to come back, as real requesters do
    custodian.start_gate()
    custodian.becomes(row["id"], "finished")
    asking.ends()
    assert asking.types().count("EVALUATION_RESULTS") == 1

    custodian.kill_gate()
    custodian.start_gate()
    custodian.stop_gate()
    acts = acts_about(custodian, row["id"])
    assert [acts.count(act) for act in ("request.captured", "request.started", "request.result")] == [1, 1, 1]
    assert run("requests", "list")["total"] == 1

    custodian.start_gate()
    # one gate for each profile
    second = custodian.done("serve", "--json")
    assert second.returncode == 5
    assert json.loads(second.stdout)["error"]["code"] == "engine.elsewhere"
    custodian.stop_gate()
    assert run("journal", "verify")["problems"] == []


def test_one_byte_changed_by_hand_is_found_and_its_entry_named(at_work: Custodian) -> None:
    custodian, run = at_work, at_work.run
    custodian.stop_gate()
    assert run("journal", "verify")["anchored_to"] >= 9
    data = custodian.database.read_bytes()
    entry = run("journal", "show", "5")
    # in the texts of the entry, right before its two hashes (the next entry holds the second of them as well)
    place = data.index((entry["previous"] + entry["hash"]).encode()) - 4
    custodian.database.write_bytes(spoilt(data, place))

    check = run("journal", "verify", ends=6)
    assert (check["state"], check["entry"], check["entries"]) == ("broken", 5, 4)
    assert "entry 5" in check["words"].lower()
    done = custodian.done("journal", "verify")
    assert done.returncode == 6
    assert b"ntry 5" in done.stdout

    custodian.database.write_bytes(data)
    assert run("journal", "verify")["state"] == "whole"
