"""How a pod of the network's own software is started: a command or a container, what it is given, what it never is.

Pure. No secret stands on a command line: a container gets the names of variables, and their values come from the
environment of the program that starts it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from podadmin.core.errors import BadInput

COMMAND = ("bitfount", "run_pod", "{config}")
"""How the software of the field starts a pod (bitfount contract, section 1.8)."""
RUNTIMES = ("docker", "podman")
KEPT = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT",
    "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "CUDA_VISIBLE_DEVICES", "DOCKER_HOST", "XDG_RUNTIME_DIR",
)  # fmt: skip
"""What the pod keeps of the environment in which podadmin runs. Everything else is left behind."""


@dataclass(frozen=True)
class Launch:
    """`command`: a program and its arguments; `{config}` stands for the configuration file. `container`: the same
    inside an image. `folder`: where it is started. `variables`: what else it finds in its environment; no secrets.
    """

    kind: Literal["command", "container"] = "command"
    command: tuple[str, ...] = COMMAND
    folder: str = ""
    runtime: str = "docker"
    image: str = ""
    options: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "variables": dict(self.variables)}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Launch:
        return cls(
            kind=told["kind"],
            command=tuple(told["command"]),
            folder=told["folder"],
            runtime=told["runtime"],
            image=told["image"],
            options=tuple(told["options"]),
            variables=tuple(dict(told["variables"]).items()),
        )


def parsed(text: str) -> tuple[str, ...]:
    """A command as a person writes it, as its parts. Raises BadInput (`pod.command`)."""
    try:
        parts = tuple(shlex.split(text))
    except ValueError:
        raise _bad("Its quotation marks do not match.") from None
    if not parts:
        raise _bad("It is empty.")
    return parts


def check(launch: Launch) -> None:
    """Raises BadInput (`pod.command`)."""
    if launch.kind == "container" and (launch.runtime not in RUNTIMES or not launch.image.strip()):
        raise _bad(f"A container needs an image, and one of {', '.join(RUNTIMES)} to run it.")
    if launch.image.startswith("-"):
        raise _bad("The name of an image does not begin with a hyphen.")
    if not any("{config}" in part for part in launch.command):
        raise _bad("Nowhere in it stands {config}, so that the pod would not be told its configuration.")


def arguments(
    launch: Launch, config: Path, names: Iterable[str], reads: Iterable[Path], writes: Iterable[Path], pod: str
) -> tuple[str, ...]:
    """The command line. `names`: the variables that a container is handed. `reads` and `writes`: folders and files
    that it sees, under the same paths as here, so that the configuration means the same inside.
    """
    command = tuple(part.replace("{config}", str(config)) for part in launch.command)
    if launch.kind == "command":
        return command
    parts = [launch.runtime, "run", "--rm", "--init", "--name", f"podadmin-{pod}", "--network", "host"]
    for name in sorted(set(names)):
        parts += ["--env", name]
    written = sorted({str(path) for path in writes})
    for place in written:
        parts += ["--volume", f"{place}:{place}"]
    for place in sorted({str(path) for path in (config, *reads)} - set(written)):
        parts += ["--volume", f"{place}:{place}:ro"]
    return (*parts, *launch.options, launch.image, *command)


def environment(
    launch: Launch, own: Mapping[str, str], defences: Mapping[str, str], gate: Mapping[str, str]
) -> dict[str, str]:
    """What the pod finds in its environment, secrets aside. The gate's part cannot be overruled by anything."""
    return {
        **{name: own[name] for name in KEPT if name in own},
        **defences,
        **dict(launch.variables),
        **gate,
    }


def defences(storage: Path, results: Path, port: int) -> dict[str, str]:
    """What is switched off or led elsewhere for a pod that podadmin starts (bitfount contract, sections 9.3 and 10)."""
    return {
        "BITFOUNT_STORAGE_PATH": str(storage),
        "BITFOUNT_OUTPUT_DIR": str(results),
        "BITFOUNT_TASK_RESULTS_DIR": str(results / "task-results"),
        "BITFOUNT_LOGS_DIR": str(results / "logs"),
        "BITFOUNT_LOG_TO_FILE": "false",
        "BITFOUNT_POD_CONTROL_SERVER_PORT": str(port),
        "BITFOUNT_ENABLE_TELEMETRY": "false",
        "BITFOUNT_ENABLE_EXECUTION_TIME_METRICS": "false",
        "BITFOUNT_ENABLE_EHR_CALL_METRICS": "false",
        "BITFOUNT_ENABLE_TIMING_METRICS": "false",
        "BITFOUNT_PATIENT_API_SERVER_ENABLED": "false",
        "BITFOUNT_BACKGROUND_PERIODIC_RERUN_ENABLED": "false",
        "BITFOUNT_BACKGROUND_GROWTH_RERUN_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _bad(why: str) -> BadInput:
    return BadInput(
        "pod.command",
        "How the pod is started was not changed.",
        why,
        "Give it as you would type it, such as `bitfount run_pod {config}`.",
    )
