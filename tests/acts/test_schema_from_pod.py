"""Data that only a pod can read has the schema that the running pod tells, and is looked at like every other."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from podadmin.app import pod_schema
from podadmin.app.acts.registry import call, find
from podadmin.app.pod_care import folder_of
from podadmin.app.profile import Profile
from podadmin.core.clock import SystemClock
from podadmin.core.errors import Cancelled, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.networks.bitfount.pod_config import PodConfig
from podadmin.pod import control, setup
from podadmin.pod.launch import Launch
from podadmin.pod.output import Doing, tell
from podadmin.schema.model import read
from tests.pod.telling_pod import Pod, telling, told

Do = Callable[..., Any]


@pytest.fixture
def pod() -> Iterator[Pod]:
    with telling() as made:
        yield made


@pytest.fixture
def do(profile: Profile) -> Do:
    def act(wanted: str, /, progress: Progress | None = None, **arguments: object) -> Any:
        return call(find(wanted), profile, arguments, progress)

    return act


@pytest.fixture
def scans(do: Do, tmp_path: Path) -> Path:
    """A connected folder of a camera whose files only a pod can read."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.sdb").write_bytes(b"x" * (number + 1))
    do("datasource add", name="scans", path=str(folder), kind="Heidelberg")
    return folder


def runs_here(profile: Profile, do: Do, pod: Pod, state: str = "ready") -> None:
    """The pod of this profile, as the engine that looks after it would have noted it down."""
    do("keyring choose", backend="passphrase")
    do("pod create", name="eyes", owner="trust")
    config = PodConfig.model_validate({"name": "eyes", "username": "trust", "datasources": []})
    setup.bring(
        profile.store, SystemClock(), "custodian", config, profile.folder / "storage", "here",
        Launch("command", (sys.executable, "{config}")),
    )  # fmt: skip
    folder_of(profile).mkdir(exist_ok=True)
    tell(folder_of(profile), Doing(state, 1, port=pod.port))


def refused(kind: type[PodadminError], act: Callable[[], object]) -> str:
    with pytest.raises(kind) as met:
        act()
    assert met.value.next_step
    return met.value.code


def test_the_schema_that_the_running_pod_tells_is_kept_with_where_it_came_from(
    do: Do, scans: Path, pod: Pod, profile: Profile
) -> None:
    card = do("datasource show", datasource="scans")
    assert (card.schema_state, card.schema_by, card.schema_from) == ("pod", "pod", "")
    runs_here(profile, do, pod)
    view = do("schema take", datasource="scans")
    assert pod.asked == ["/health", "/schemas?datasetName=scans"]
    assert (view.origin, view.records, view.saved, view.counted_in) == ("the pod trust/eyes", 40, True, "")
    entry = next(each for each in profile.entries_since(0) if each.act == "schema.taken")
    body = json.loads(entry.body)
    assert (body["pod"], body["instance"]) == ("trust/eyes", "i-7")
    assert [each.state for each in do("schema jobs")] == ["done"]
    card = do("datasource show", datasource="scans")
    assert (card.schema_state, card.schema_from) == ("saved", "trust/eyes")
    columns = {each.name: each for each in view.columns}
    assert columns["Laterality"].labels == ("L", "R", "nan")
    # nothing was counted here, and nothing says that it was
    assert (columns["Laterality"].nulls, columns["Laterality"].distinct, columns["Laterality"].small) == (None, 2, 0)
    assert columns["Filename"].looks_like == "names of files and folders"
    facts = do("schema column", datasource="scans", column="Laterality")
    assert facts.labels == (("L", None, ""), ("R", None, ""), ("nan", None, ""))
    assert "Values" not in {each.label for each in facts.summary}


def test_it_is_confirmed_released_compared_and_exported_as_any_other(
    do: Do, scans: Path, pod: Pod, tmp_path: Path
) -> None:
    view = do("schema take", datasource="scans", port=pod.port)
    assert view.origin == f"the pod at port {pod.port}"
    # how many have a label is not known, so each categorical column waits beside those that look like people
    assert view.unconfirmed == ("Filename", "Laterality")
    assert refused(Refused, lambda: do("schema release", datasource="scans")) == "schema.unconfirmed"
    small = {"datasource": "scans", "column": "Laterality", "small": True}
    assert refused(PodadminError, lambda: do("schema withhold", **small)) == "schema.not-counted"
    do("schema merge", datasource="scans", column="Laterality", label=["L", "R"], into="either side")
    do("schema confirm", datasource="scans", column=["Filename", "Laterality"])
    assert do("schema release", datasource="scans").released_at is not None
    del pod.schemas["scans"]["features"][3]
    do("schema take", datasource="scans", port=pod.port)
    assert [(each.column, each.breaking) for each in do("schema drift", datasource="scans")] == [("sharpness", True)]
    do("schema export", datasource="scans", to=str(tmp_path / "out.yaml"))
    written = read((tmp_path / "out.yaml").read_text(encoding="utf-8"))
    assert {each.name: each.labels for each in written.features}["Laterality"] == ("either side", "nan")


def test_what_was_chosen_here_and_the_pod_has_not_heard_of_is_said(do: Do, scans: Path, pod: Pod) -> None:
    pod.schemas["scans"]["metadata"]["schema_type"] = "partial"
    do(
        "datasource change",
        datasource="scans",
        ignore=["sharpness"],
        force={"Laterality": "text"},
        describe={"Filename": "as the camera names it"},
    )
    view = do("schema take", datasource="scans", port=pod.port)
    said = " ".join(view.notes)
    assert "It is partial" in said
    assert "“sharpness” should never be read" in said
    assert "“Laterality” has another type" in said
    assert {each.name: each.description for each in view.columns}["Filename"] == "as the camera names it"


def test_a_schema_of_a_folder_that_has_grown_since_is_old(do: Do, scans: Path, pod: Pod) -> None:
    do("datasource check", datasource="scans")
    do("schema take", datasource="scans", port=pod.port)
    assert do("datasource show", datasource="scans").schema_state == "saved"
    (scans / "9.sdb").write_bytes(b"more of it")
    do("datasource check", datasource="scans")
    assert do("datasource show", datasource="scans").schema_state == "outdated"


def test_a_pod_that_was_just_started_is_waited_for(
    do: Do, scans: Path, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_schema, "LOOK_SECONDS", 0.01)
    pod.ready_after = 3
    assert do("schema take", datasource="scans", port=pod.port).records == 40
    assert pod.asked.count("/health") == 4


def test_a_pod_that_cannot_answer_is_told_in_words(
    do: Do, scans: Path, pod: Pod, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_schema, "READY_SECONDS", 0.0)

    def take(**arguments: object) -> Callable[[], object]:
        return lambda: do("schema take", datasource="scans", **arguments)

    assert refused(Refused, take()) == "pod.not-running"
    runs_here(profile, do, pod, "waiting")
    assert refused(Refused, take()) == "pod.not-running"
    there = {"port": pod.port}
    pod.ready = False
    assert refused(Unavailable, take(**there)) == "pod.not-ready"
    pod.ready = True
    pod.schemas = {"other": told()}
    assert refused(NotFound, take(**there)) == "pod.not-offered"
    pod.schemas = {"scans": told(metadata={**told()["metadata"], "schema_type": "empty"})}
    assert refused(Unavailable, take(**there)) == "schema.pod-has-none"
    pod.schemas = {"scans": told(features=[])}
    assert refused(Unavailable, take(**there)) == "schema.pod-has-none"
    assert refused(PodadminError, take(port=70_000)) == "pod.no-such-port"
    pod.server.server_close()
    assert {each.state for each in do("schema jobs")} == {"failed"}
    with pytest.raises(NotFound):
        do("schema show", datasource="scans")


@pytest.mark.parametrize(
    "raw",
    [
        b"<html>not a pod</html>",
        b"\xff\xfe\x00",
        b"null",
        b"{}",
        b"[1]",
        b"[{}, {}]",
        b"[" * 100_000,
        json.dumps([told(surprise=1)]).encode(),
        json.dumps([told(number_of_records=float("nan"))]).encode(),
        json.dumps([told(features=[{"featureName": 1}])]).encode(),
    ],
)
def test_what_is_no_schema_is_not_taken_for_one(do: Do, scans: Path, pod: Pod, raw: bytes) -> None:
    pod.raw = raw
    act = lambda: do("schema take", datasource="scans", port=pod.port)  # noqa: E731
    assert refused(Unavailable, act) == "schema.pod-unusable"


def test_an_answer_without_an_end_is_cut(do: Do, scans: Path, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MOST_OF_SCHEMA", 1 << 20)
    pod.raw = b" " * (1 << 21)
    act = lambda: do("schema take", datasource="scans", port=pod.port)  # noqa: E731
    assert refused(Unavailable, act) == "pod.answer-too-long"


def test_a_packed_answer_is_counted_as_it_unpacks(
    do: Do, scans: Path, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = lambda: do("schema take", datasource="scans", port=pod.port)  # noqa: E731
    pod.packed_as, pod.raw = "gzip", gzip.compress(json.dumps([told()]).encode())
    assert act().records == 40
    monkeypatch.setattr(control, "MOST_OF_SCHEMA", 1 << 20)
    pod.raw = gzip.compress(b" " * (1 << 24))
    assert len(pod.raw) < 1 << 20
    assert refused(Unavailable, act) == "pod.answer-too-long"
    pod.packed_as = "br"
    assert refused(Unavailable, act) == "pod.no-control"


def test_whoever_waits_for_the_pod_can_be_let_go(do: Do, scans: Path, pod: Pod) -> None:
    pod.wait.clear()
    progress = Progress(
        lambda step: threading.Timer(0.1, progress.cancel).start() if "schema of" in step.what else None
    )
    with pytest.raises(Cancelled):
        do("schema take", progress, datasource="scans", port=pod.port)
    assert [each.state for each in do("schema jobs")] == ["cancelled"]


def test_a_number_of_records_that_the_pod_keeps_to_itself_is_none(do: Do, scans: Path, pod: Pod) -> None:
    pod.schemas["scans"]["number_of_records"] = None
    assert do("schema take", datasource="scans", port=pod.port).records == 0


def test_what_no_pod_knows_is_not_asked_for(do: Do, pod: Pod, patients: Path) -> None:
    do("datasource add", name="nothing", kind="Null")
    act = lambda: do("schema take", datasource="nothing", port=pod.port)  # noqa: E731
    assert refused(Refused, act) == "schema.not-of-a-pod"
    assert not pod.asked
    do("datasource add", name="table", path=str(patients))
    assert do("datasource show", datasource="table").schema_by == "here"


def test_what_only_a_pod_reads_is_not_generated_here(do: Do, scans: Path) -> None:
    act = lambda: do("schema generate", datasource="scans")  # noqa: E731
    assert refused(Refused, act) == "schema.from-the-pod"
