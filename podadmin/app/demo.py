"""The demo requester of the local network, run as what it is: another process that only knows the network."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podadmin.core import own_process
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.progress import Progress
from podadmin.datasources import service as datasources
from podadmin.datasources.model import found_out
from podadmin.networks import service as networks
from podadmin.networks.service import LOCAL
from podadmin.pod.service import needed

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

SEND_SECONDS = 60.0
LOOK_SECONDS = 0.05
MOST_COPIES = 50


def command(profile: Profile, what: str) -> list[str]:
    """The command that sends one request to this profile's pod. Raises Unavailable (`network.no-datasource`)."""
    pod = needed(profile.store)
    # those that the built-in pod offers come first
    sources = sorted(datasources.list_all(profile.store), key=lambda each: not found_out(each.source))
    if not sources:
        raise Unavailable(
            "network.no-datasource",
            "The demo requester has nothing to ask about.",
            "No datasource is connected.",
            "Connect a datasource first.",
        )
    return [
        *own_process.command("podadmin.networks.local.demo_requester"),
        "--folder",
        str(profile.network_folder),
        "--state",
        str(profile.requester_folder),
        "--what",
        what,
        "--pod",
        f"{pod.owner}/{sources[0].name}",
        "--table",
        sources[0].name,
        "--json",
    ]


def send_demo_requests(profile: Profile, what: str, copies: int, progress: Progress) -> int:
    """Send requests one after the other; how many were sent. The requester goes on listening until it is answered.

    Raises BadInput (`network.bad-copies`), Unavailable (`network.demo-not-joined`, `network.demo-failed` and what the
    requester itself reports).
    """
    if not 1 <= copies <= MOST_COPIES:
        raise BadInput(
            "network.bad-copies",
            "Nothing was sent.",
            f"The demo requester sends 1 to {MOST_COPIES} requests at a time.",
            "Ask for fewer.",
        )
    if all(each.kind != LOCAL for each in networks.joined(profile.store)):
        raise Unavailable(
            "network.demo-not-joined",
            "Nothing was sent.",
            "The pod has not joined the local network.",
            "Join the local network first.",
        )
    for number in range(copies):
        progress.report(f"Sending {number + 1} of {copies}", number / copies)
        _send_one(profile, what)
    return copies


def _send_one(profile: Profile, what: str) -> None:
    """Start the requester and read its first line; it stays to hear the answer and ends by itself."""
    profile.requester_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    heard = profile.requester_folder / "heard.jsonl"
    with heard.open("ab") as lines:
        start = lines.tell()
        process = subprocess.Popen(
            command(profile, what),
            stdin=subprocess.DEVNULL,
            stdout=lines,
            stderr=subprocess.DEVNULL,
            env=own_process.environment(PYTHONUNBUFFERED="1"),
            start_new_session=True,
        )
    first = _first_line(process, heard, start)
    if "error" in first:
        error = first["error"]
        raise Unavailable(error["code"], error["what"], error["why"], error["next_step"])


def _first_line(process: subprocess.Popen[bytes], heard: Path, start: int) -> dict[str, Any]:
    """The first thing that the requester says: that it sent, or why it could not."""
    waited = 0.0
    while waited < SEND_SECONDS:
        with heard.open("rb") as lines:
            lines.seek(start)
            line = lines.readline()
        if line.endswith(b"\n"):
            said = json.loads(line)
            return said if isinstance(said, dict) else {}
        if process.poll() is not None:
            break
        try:
            process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            waited += LOOK_SECONDS
    process.kill()
    process.wait()
    raise Unavailable(
        "network.demo-failed",
        "The demo requester sent nothing.",
        "It ended or was silent before it could send.",
        "Look whether the local network is connected, then try again.",
    )
