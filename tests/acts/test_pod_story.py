"""A custodian brings the pod that the hospital has, sees what is odd about it, and lets podadmin run it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal

from podadmin.app.acts.registry import call, find
from podadmin.app.options import Options
from podadmin.app.pod_care import PodCare, folder_of
from podadmin.app.profile import Profile, open_profile
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks import service as networks
from podadmin.pod import setup
from tests.patience import until
from tests.pod.telling_pod import told as schema_told

STORAGE = Path(__file__).resolve().parents[1] / "interop" / "vectors" / "key-files"
LITTLE = Path(__file__).resolve().parents[1] / "pod" / "little_pod.py"
Do = Callable[..., Any]
CONFIG = """
name: {name}
username: alice
secrets: {{access_key_id: kid-1, access_key: s3cret-api}}
pod_db: true
differential_privacy: {{epsilon: 1.0}}
datasources:
- datasource: bitfount.CSVSource
  name: patients
  schema: schemas/p.yaml
  data_config:
    datasource_args: {{path: data/patients.csv}}
    force_stypes: {{categorial: [sex]}}
    column_descriptions: {{sex: as registered}}
- datasource: OMOPSource
  name: omop
  data_config: {{datasource_args: {{connection_string: '$DB'}}}}
"""


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """The storage of a pod that exists: its keys in clear, a plugin and a cache."""
    kept = tmp_path / "storage"
    shutil.copytree(STORAGE / "alice", kept / "alice")
    (kept / "_plugins" / "datasources").mkdir(parents=True)
    (kept / "_plugins" / "datasources" / "ours.py").write_text("print('hello')\n", encoding="utf-8")
    (kept / "cache" / "datasets").mkdir(parents=True)
    (kept / "cache" / "datasets" / "patients_cache.sqlite").write_bytes(b"x" * 9)
    return kept


@pytest.fixture
def file(tmp_path: Path, storage: Path) -> Path:
    name = next(path.name for path in (storage / "alice" / "pods").iterdir())
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "pod.yaml").write_text(CONFIG.format(name=name), encoding="utf-8")
    (tmp_path / "conf" / ".env.local").write_text(
        "# how the pod is started\nexport BITFOUNT_LOG_LEVEL=DEBUG\nDB='postgresql://u:s3cret-db@h/d'\n"
        "BITFOUNT_HUGGINGFACE_USER_ACCESS_TOKEN=s3cret-hf\n",
        encoding="utf-8",
    )
    return tmp_path / "conf" / "pod.yaml"


@pytest.fixture
def brought(do: Do, file: Path, storage: Path) -> Any:
    do("keyring choose", backend="passphrase")
    where = {"storage": str(storage), "variables": str(file.parent / ".env.local"), "started_in": str(file.parent)}
    return do("pod import", file=str(file), **where)


def little(do: Do) -> None:
    do("pod launch", command=f"{sys.executable} {LITTLE} {{config}}")


def code(kind: type[PodadminError], act: Callable[[], object]) -> str:
    with pytest.raises(kind) as met:
        act()
    return met.value.code


def test_a_pod_that_exists_is_brought_with_its_key_and_without_secrets_in_files(
    do: Do, brought: Any, profile: Profile, acts: Callable[[], list[str]], storage: Path, file: Path
) -> None:
    assert brought.pod.startswith("alice/")
    assert brought.secrets == ("BITFOUNT_API_KEY", "BITFOUNT_API_KEY_ID", "DB")
    assert do("pod show").fingerprint == brought.fingerprint
    assert "pod.brought" in acts()
    told = do("pod export-config")
    assert "s3cret" not in told.text
    assert 'connection_string: "${DB}"' in told.text
    assert f"path: {file.parent}/data/patients.csv" in told.text
    assert f"schema: {file.parent}/schemas/p.yaml" in told.text
    assert told.variables == ("BITFOUNT_API_KEY_ID", "BITFOUNT_API_KEY", "DB")
    vault = profile.open_vault()
    assert networks.api_key(vault, "bitfount").key.reveal() == "s3cret-api"
    assert [each.kind for each in networks.joined(profile.store)] == ["bitfount"]
    # no secret lies in clear anywhere in the profile; what the variables steer is kept
    for path in profile.folder.rglob("*"):
        assert not path.is_file() or b"s3cret" not in path.read_bytes()
    assert setup.needed(profile.store).launch.variables == (("BITFOUNT_LOG_LEVEL", "DEBUG"),)
    # the files of the pod are untouched
    assert any((storage / "alice").rglob("pod_rsa.pem"))


def test_what_is_odd_is_listed_each_with_a_fix_or_a_reason_why_not(do: Do, brought: Any) -> None:
    odd = {each.code: each for each in brought.odd}
    assert set(odd) >= {
        "key-in-clear", "secret-in-file", "relative-path", "control-server", "telemetry", "plugin", "results-anywhere",
        "database-anywhere", "cache-in-clear", "unattended", "privacy-is-a-cap", "unknown-type", "descriptions-lost",
    }  # fmt: skip
    assert all(bool(each.fix) != bool(each.why_not) for each in brought.odd)
    assert [each.tone for each in brought.odd] == sorted(
        (each.tone for each in brought.odd), key=["bad", "warn", "info"].index
    )
    assert "SHA-256 " in odd["plugin"].why
    assert "1 such files" in odd["cache-in-clear"].why
    assert odd["key-in-clear"].act.startswith("keys seal ")
    assert not any("s3cret" in str(each) for each in brought.odd)
    # started from here, most of it is not odd any more
    left = {each.code for each in do("pod odd")}
    assert left >= {"control-server", "plugin", "cache-in-clear", "key-in-clear", "database-anywhere"}
    assert not left & {"telemetry", "results-anywhere", "unattended", "secret-in-file", "relative-path"}


def test_the_key_that_lay_in_clear_is_sealed_by_the_act_that_is_named(do: Do, brought: Any) -> None:
    named = next(each.act for each in brought.odd if each.act.startswith("keys seal ") and "pod_rsa" in each.act)
    path = named.split()[2]
    do("keys seal", path=path, remove=True)
    assert not Path(path).exists()
    assert not any("pod_rsa" in each.what for each in do("pod odd"))


def test_the_configuration_that_is_written_to_a_file_is_brought_again_as_it_was(
    do: Do, brought: Any, tmp_path: Path, storage: Path, profile: Profile
) -> None:
    before = setup.needed(profile.store).config
    assert do("pod export-config", to=str(tmp_path / "out.yaml")).written == str(tmp_path / "out.yaml")
    do("pod import", file=str(tmp_path / "out.yaml"), storage=str(storage))
    assert setup.needed(profile.store).config == before


def test_what_cannot_be_brought_is_refused_in_words(do: Do, file: Path, storage: Path, tmp_path: Path) -> None:
    do("keyring choose", backend="passphrase")
    assert code(NotFound, lambda: do("pod odd")) == "pod.not-set-up"
    assert code(Unavailable, lambda: do("pod import", file=str(tmp_path / "absent.yaml"))) == "pod.file"
    nobody = tmp_path / "nobody.yaml"
    nobody.write_text("name: eye\n", encoding="utf-8")
    assert code(BadInput, lambda: do("pod import", file=str(nobody))) == "pod.no-owner"
    keyless = tmp_path / "keyless.yaml"
    keyless.write_text("name: eye\nusername: alice\n", encoding="utf-8")
    assert code(NotFound, lambda: do("pod import", file=str(keyless), storage=str(tmp_path))) == "vault.no-key-file"
    wrong = tmp_path / "variables"
    wrong.write_text("A=1\nthis is no variable\n", encoding="utf-8")
    assert code(BadInput, lambda: do("pod import", file=str(file), variables=str(wrong))) == "pod.variables"
    do("pod create", name="another", owner="alice")
    where = {"storage": str(storage), "variables": str(file.parent / ".env.local")}
    assert code(Refused, lambda: do("pod import", file=str(file), **where)) == "pod.other-pod"


def test_how_it_is_started_is_chosen_in_words_that_are_checked(do: Do, brought: Any, profile: Profile) -> None:
    assert do("pod status").program == "bitfount run_pod {config}"
    assert code(BadInput, lambda: do("pod launch", command="bitfount run_pod")) == "pod.command"
    assert code(BadInput, lambda: do("pod launch", command="bitfount 'run_pod {config}")) == "pod.command"
    assert code(BadInput, lambda: do("pod launch", image="--privileged")) == "pod.command"
    do("pod launch", image="registry.example/pod:13", runtime="podman", options="--memory 8g")
    kept = setup.needed(profile.store).launch
    assert (kept.kind, kept.options) == ("container", ("--memory", "8g"))
    assert do("pod status").program == "podman: registry.example/pod:13"
    do("pod worker", which="built-in")
    assert do("pod status").worker == "built-in"


def test_the_configuration_is_changed_and_the_connected_datasources_go_into_it(
    do: Do, brought: Any, patients: Path, profile: Profile, tmp_path: Path
) -> None:
    assert code(NotFound, lambda: do("pod configure", datasources=True)) == "pod.no-datasources"
    do("datasource add", name="eye-patients", path=str(patients), ignore=["patient_id"], force={"sex": "categorical"})
    done = do("pod configure", datasources=True, pod_db=str(tmp_path / "db"), epsilon=0.0)
    assert "next start" in done.words
    config = setup.needed(profile.store).config
    (source,) = config.datasources or ()
    assert (source.name, source.datasource) == ("eye-patients", "CSVSource")
    assert source.data_config.ignore_cols == ("patient_id",)
    assert source.data_config.force_stypes == {"categorical": ("sex",)}
    assert config.differential_privacy is None
    assert "pod_db:\n  path: " in do("pod export-config").text
    assert do("pod configure", datasources=True).words == "Nothing was changed."
    assert "Let a running pod take it" in _again(do, tmp_path, patients).words


def _again(do: Do, tmp_path: Path, patients: Path) -> Any:
    other = Path(shutil.copy(patients, tmp_path / "other.csv"))
    do("datasource add", name="others", path=str(other))
    return do("pod configure", datasources=True)


class Care:
    """The part of the engine that runs the pod, beside the test. `gate`: what is told of a gate, if one stands."""

    def __init__(self, profile: Profile) -> None:
        self.gate: dict[str, str] | None = None
        self.started_with: list[str] = []
        self.care = PodCare(profile, lambda: self if self.gate is not None else None, lambda: None)

    def environment(self) -> dict[str, str]:
        return dict(self.gate or {})

    def pod_starts(self, key_id: str) -> None:
        self.started_with.append(key_id)


@pytest.fixture
def care(profile: Profile) -> Iterator[Care]:
    made = Care(profile)
    with start_blocking_portal() as portal:
        running, scope = portal.start_task(_run, made.care)
        yield made
        portal.call(scope.cancel)
        running.result(30)


async def _run(care: PodCare, *, task_status: Any) -> None:
    with anyio.CancelScope() as scope:
        task_status.started(scope)
        await care.run()


def state_of(do: Do, wanted: str, since: object = None) -> Any:
    def look() -> Any:
        found = do("pod status")
        return found if found.state == wanted and (since is None or found.since != since) else None

    return until(look, f"the pod is {wanted}")


def test_the_pod_is_started_behind_the_gate_or_not_at_all_and_is_told_of_new_datasources(
    do: Do, brought: Any, care: Care, profile: Profile, acts: Callable[[], list[str]]
) -> None:
    little(do)
    do("pod launch", command=f"{sys.executable} {LITTLE} {{config}}", variables={"HTTPS_PROXY": "http://past.it:1"})
    assert do("pod status").start.allowed
    do("pod start")
    hindered = state_of(do, "hindered")
    assert "without the gate" in hindered.detail
    needs = [each.title for each in do("overview").needs if each.page == "Pod & gate"]
    assert needs == ["The pod cannot be started"]
    care.gate = {"HTTPS_PROXY": "http://127.0.0.1:9999", "SSL_CERT_FILE": "/ca.pem", "NO_PROXY": "localhost"}
    now = state_of(do, "ready")
    assert not now.start.allowed
    assert now.memory
    assert [each.name for each in now.datasources] == ["patients", "omop"]
    told = _environment(now.port)
    # what leads past the gate is overruled; what the pod needs is there, and nothing of our own environment
    assert told["HTTPS_PROXY"] == "http://127.0.0.1:9999"
    assert told["BITFOUNT_API_KEY"] == "s3cret-api"
    assert told["DB"] == "postgresql://u:s3cret-db@h/d"
    assert told["BITFOUNT_ENABLE_TELEMETRY"] == "false"
    assert "PODADMIN_SECRET" not in told
    assert care.started_with == ["kid-1"]  # the gate then knows in whose name the pod speaks
    file = folder_of(profile) / "pod.yaml"
    assert (file.stat().st_mode & 0o777) == 0o600
    assert "s3cret" not in file.read_text(encoding="ascii")
    assert "takes" in do("pod reload").words or "works with" in do("pod reload").words
    lines = do("pod output", level="warning")
    assert [line.level for line in lines] == ["warning"]
    assert str(file) in lines[0].text
    do("pod restart")
    assert state_of(do, "ready", since=now.since).pid != now.pid
    do("pod stop", reason="the disk is exchanged")
    assert state_of(do, "stopped").wanted == "stopped"
    assert {"pod.start-asked", "pod.stop-asked", "pod.reloaded", "pod.start-changed"} <= set(acts())
    assert code(Refused, lambda: do("pod reload")) == "pod.not-running"


def test_the_key_is_lent_for_the_start_where_it_does_not_lie_in_clear(
    do: Do, brought: Any, care: Care, profile: Profile, storage: Path, acts: Callable[[], list[str]]
) -> None:
    keys = next(path.parent for path in (storage / "alice").rglob("pod_rsa.pem"))
    do("keys seal", path=str(keys / "pod_rsa.pem"), remove=True)
    (keys / "pod_rsa.pub.pem").unlink()
    do(
        "pod launch",
        command=f"{sys.executable} {LITTLE} {{config}}",
        variables={"LITTLE_KEY": str(keys / "pod_rsa.pem")},
    )
    care.gate = {"HTTPS_PROXY": "http://127.0.0.1:9999"}
    do("pod start")
    state_of(do, "ready")
    assert any("[INFO] key of" in line.text for line in do("pod output"))
    assert not (keys / "pod_rsa.pem").exists()
    assert not (keys / "pod_rsa.pem").is_symlink()
    assert "key.taken-back" in acts()


def test_a_secret_that_is_missing_hinders_the_start_and_says_which(
    do: Do, brought: Any, care: Care, profile: Profile
) -> None:
    little(do)
    care.gate = {}
    vault = profile.open_vault()
    info = vault.find_secret(setup.PURPOSE, setup.holder("DB"))
    assert info is not None
    vault.remove_secret(info.id, "custodian")
    do("pod start")
    assert "The secret DB" in state_of(do, "hindered").detail
    do("pod secret", variable="DB", value=Secret("postgresql://new"))
    assert _environment(state_of(do, "ready").port)["DB"] == "postgresql://new"


def test_the_schema_of_what_only_the_pod_reads_comes_from_the_pod_that_podadmin_started(
    do: Do, brought: Any, care: Care, tmp_path: Path
) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "one.sdb").write_bytes(b"scan")
    do("datasource add", name="scans", path=str(tmp_path / "scans"), kind="Heidelberg")
    assert code(Refused, lambda: do("schema take", datasource="scans")) == "pod.not-running"
    schemas = json.dumps({"scans": schema_told()})
    do("pod launch", command=f"{sys.executable} {LITTLE} {{config}}", variables={"LITTLE_SCHEMAS": schemas})
    care.gate = {}
    do("pod start")
    state_of(do, "ready")
    assert do("schema take", datasource="scans").origin == f"the pod {brought.pod}"
    assert do("datasource show", datasource="scans").schema_from == brought.pod
    do("datasource add", name="others", path=str(tmp_path / "scans"), kind="Heidelberg")
    assert code(NotFound, lambda: do("schema take", datasource="others")) == "pod.not-offered"


def test_another_process_sees_the_same(do: Do, brought: Any, care: Care, options: Options) -> None:
    little(do)
    care.gate = {}
    do("pod start")
    state_of(do, "ready")
    with open_profile(options) as other:
        seen = call(find("pod status"), other, {})
        assert (seen.state, seen.wanted) == ("ready", "running")
        assert call(find("pod output"), other, {"lines": 1})[0].text


def _environment(port: int) -> dict[str, str]:
    import httpx

    told: dict[str, str] = json.loads(httpx.get(f"http://127.0.0.1:{port}/environment", trust_env=False).content)
    return told
