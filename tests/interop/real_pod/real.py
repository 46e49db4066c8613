"""The real pod and the real requester of bitfount 13, each with files and an environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from podadmin.networks.bitfount.pod_config import PodConfig
from podadmin.networks.local.address import Address
from podadmin.networks.local.membership import Membership
from podadmin.networks.local.rules import PROJECT, REQUESTER
from podadmin.pod.yaml_config import written
from tests.interop.real_pod.processes import Process

HERE = Path(__file__).resolve().parent
KEYS = HERE.parent / "vectors" / "keys"
ORACLE_PYTHON = os.environ.get("PODADMIN_ORACLE_PYTHON", "")
OWNER, SOURCE = "alice", "patients"
POD = f"{OWNER}/{SOURCE}"
READY_SECONDS = 420.0
"""A pod is ready after 40 s on a quiet machine with two cores; this one is shared."""
ANSWER_SECONDS = 400.0
"""A requester gives up by itself after 300 s of silence."""
MARKS = [
    pytest.mark.oracle,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("real pod"),
    pytest.mark.skipif(
        not (os.environ.get("PODADMIN_ORACLE") and ORACLE_PYTHON), reason="PODADMIN_ORACLE… name no oracle"
    ),
]
"""Of every module of tests that start a real pod."""


RUN_POD = ("nice", "-n", "5", ORACLE_PYTHON, "-m", "bitfount.scripts.script_runner", "run_pod", "{config}")


def given_to_software(folder: Path) -> dict[str, str]:
    """What the real software needs so that it runs here at all: itself, its stand-ins, and no Prefect."""
    package = Path(ORACLE_PYTHON).parents[2] / "package"
    return {
        "PYTHONPATH": os.pathsep.join((str(HERE / "stand_ins"), str(package))),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
    }


def variables(folder: Path, member: Membership, network: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process of the real software. `network`: its way to the network."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "BITFOUNT_STORAGE_PATH": str(folder / "storage"),
        "BITFOUNT_OUTPUT_DIR": str(folder / "output"),
        "BITFOUNT_LOGS_DIR": str(folder / "logs"),
        "BITFOUNT_LOG_TO_FILE": "false",
        "BITFOUNT_ENABLE_TELEMETRY": "false",
        "BITFOUNT_API_KEY_ID": member.api_key_id,
        "BITFOUNT_API_KEY": member.api_key.reveal(),
        **given_to_software(folder),
        **network,
    }


def patients(path: Path, rows: int = 200) -> Path:
    """A table with as many women as men, 54 and 55 years old on average."""
    lines = ["patient,sex,age,hba1c"]
    for number in range(rows):
        woman = number % 2 == 0
        age = (54 if woman else 55) + (number % 20 - number % 2 - 9)
        lines.append(f"p{number:04d},{'F' if woman else 'M'},{age},{5 + number % 7 / 2}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def pod_files(folder: Path) -> Path:
    """The pod's folder: its key, its data, and the configuration that this application writes for it."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = folder / "storage" / OWNER / "pods" / SOURCE
    keys.mkdir(parents=True)
    for name in ("pod_rsa.pem", "pod_rsa.pub.pem"):
        shutil.copy(KEYS / "pod" / name, keys / name)
    config = PodConfig.model_validate(
        {
            "name": SOURCE,
            "username": OWNER,
            "datasources": [
                {
                    "datasource": "CSVSource",
                    "name": SOURCE,
                    "data_config": {"datasource_args": {"path": str(patients(folder / "patients.csv"))}},
                    "datasource_details_config": {"display_name": "Patients", "description": "Two hundred of them"},
                }
            ],
        }
    )
    place = folder / "pod.yaml"
    place.write_text(written(config), encoding="utf-8")
    return place


def start_pod(folder: Path, member: Membership, network: Mapping[str, str], name: str = "pod") -> Process:
    """`bitfount run_pod` with what `pod_files` wrote."""
    control = {"BITFOUNT_POD_CONTROL_SERVER_PORT": str(free_port())}
    command = [part.replace("{config}", str(folder / "pod.yaml")) for part in RUN_POD]
    return Process(name, command, folder, {**variables(folder, member, network), **control})


def is_ready(pod: Process) -> None:
    """Wait until the pod listens for tasks."""
    pod.says(r"Pod started|Ready for (next )?task", READY_SECONDS)


def inference(name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The algorithm that runs a model of the local hub, `owner/Model:version`."""
    model = _model(name, parameters)
    return [{"name": "bitfount.ModelInference", "model": model, "arguments": {"class_outputs": ["age"]}}]


def training(name: str, rounds: int) -> list[dict[str, Any]]:
    """The algorithm that trains a model of the local hub where the data is."""
    return [{"name": "bitfount.FederatedModelTraining", "model": _model(name, {"epochs": rounds})}]


def _model(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    owner, _, rest = name.partition("/")
    model, _, version = rest.partition(":")
    reference = {"username": owner, "model_ref": model, "model_version": int(version)}
    return {"bitfount_model": reference, "hyperparameters": dict(parameters)}


def publish_model(address: Address, owner: Membership, name: str) -> str:
    """Put a model of these tests on the hub as its owner does; its name there."""
    code = (HERE / f"{name}.py").read_bytes()
    digest = hashlib.sha256(code.replace(b"\r", b"")).hexdigest()
    told = {"modelName": name, "modelSize": len(code), "modelHash": digest, "privateModel": True}
    with httpx.Client(trust_env=False, timeout=20) as web:
        answer = web.post(f"{address.hub}/api/models", json=told, headers=owner.headers()).raise_for_status().json()
        room, fields = f"{address.object_store}/upload/{answer['uploadFields']['key']}", answer["uploadFields"]
        web.post(room, data=fields, files={"file": (f"{name}.py", code)}).raise_for_status()
    return f"{owner.username}/{name}:{answer['version']}"


def sql(query: str) -> list[dict[str, Any]]:
    return [{"name": "bitfount.SqlQuery", "arguments": {"query": query, "table": SOURCE}}]


BY_SEX = f"SELECT sex, COUNT(*) AS n, CAST(AVG(age) AS INT) AS age FROM `{SOURCE}` GROUP BY sex"


RESULTS_ONLY: Mapping[str, Any] = {"name": "bitfount.ResultsOnly"}
AVERAGING: Mapping[str, Any] = {
    "name": "bitfount.FederatedAveraging",
    "arguments": {"epochs_between_parameter_updates": 1},
}


def ask(
    folder: Path,
    name: str,
    member: Membership,
    network: Mapping[str, str],
    algorithm: list[dict[str, Any]],
    project: str = PROJECT,
    protocol: Mapping[str, Any] = RESULTS_ONLY,
) -> Process:
    """A requester with a task for the pod: the real runner, key-based."""
    (folder / "storage" / REQUESTER / "modeller" / "keys").mkdir(parents=True, exist_ok=True)
    config = {
        "modeller": {
            "username": REQUESTER,
            "identity_verification_method": "key-based",
            "private_key_file": str(KEYS / "modeller.pem"),
        },
        "pods": {"identifiers": [POD]},
        "project_id": project,
        "task": {
            "protocol": dict(protocol),
            "algorithm": algorithm,
            "data_structure": {"compatible_datasources": ["CSVSource"]},
        },
    }
    place = folder / f"{name}.yaml"
    place.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML
    command = ["nice", "-n", "5", ORACLE_PYTHON, str(HERE / "ask.py"), str(place)]
    return Process(name, command, folder, variables(folder, member, network))


def result_of(requester: Process, seconds: float = ANSWER_SECONDS) -> Any:
    """What the requester's runner gave back: the pod's part of it, or the text of what it raised."""
    told = requester.says(r"^(RESULT|ERROR) (.*)", seconds)
    return json.loads(told[2]) if told[1] == "RESULT" else told[2]


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
