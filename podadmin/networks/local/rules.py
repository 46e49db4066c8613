"""What the owner of a local network may set: projects, who is in them, limits, and how fast it redelivers.

The file is read again for every question about access, so a change needs no restart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from podadmin.core.errors import BadInput, Unavailable

FILE = "network.json"

PROJECT = "glaucoma-study"
REQUESTER = "research-lab"
MODEL = "research-lab/hba1c-risk:1"


class Project(BaseModel):
    """`members` may send tasks to `pods` (`owner/name`, or `*` for all). `limits`: resource -> inferences, or null."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: list[str]
    pods: list[str] = ["*"]
    limits: dict[str, Annotated[int, Field(ge=0)] | None] = {}


class Rules(BaseModel):
    """Times are seconds, sizes are bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    visibility_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """A message that was handed out and not acknowledged is handed out again after this time."""
    long_poll_seconds: Annotated[float, Field(ge=0, le=15)] = 3.0
    object_bytes: Annotated[int, Field(gt=0, le=256 * 1024 * 1024)] = 64 * 1024 * 1024
    object_store_name: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,253}$")] | None = None
    """The host that addresses in the object store name, with https, as a public network's do: whoever uses them has to
    know where that host is (`places.STORE` is known here). Without it they name the port on this machine."""
    projects: dict[str, Project] = {PROJECT: Project(members=[REQUESTER], limits={MODEL: 5000})}

    def store_origin(self, address: str) -> str:
        """What addresses in the object store begin with; `address`: `http://127.0.0.1:PORT`, where it listens."""
        return f"https://{self.object_store_name}" if self.object_store_name else address


def read_rules(folder: Path) -> Rules:
    """The rules of the network in `folder`; the file is written with the defaults where there is none.

    Raises BadInput `local.rules` where it does not say what rules say, Unavailable `local.folder` where it cannot be
    read or written.
    """
    path = folder / FILE
    try:
        if not path.exists():
            path.write_text(Rules().model_dump_json(indent=1) + "\n", encoding="utf-8")
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise Unavailable(
            "local.folder",
            "The folder of the local network cannot be used.",
            "It cannot be read or written.",
            "Check who owns the folder and whether the disk is full.",
        ) from None
    except ValueError:
        raise _wrong() from None
    try:
        return Rules.model_validate_json(text)
    except ValidationError:
        raise _wrong() from None


def _wrong() -> BadInput:
    return BadInput(
        "local.rules",
        "The rules of the local network cannot be read.",
        f"The file {FILE} does not say what it should.",
        "Correct the file, or remove it to go back to the rules it came with.",
    )
