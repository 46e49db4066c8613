"""What a pod asks of a hub beyond reading: the calls of its software (bitfount contract, section 7), and no others.

Code that a task brings runs with the pod's credentials, or with somebody else's, and a hub keeps what it is given: a
model, a project, a description. What left that way would be in no message, and nobody would see it.
"""

from __future__ import annotations

import re
from typing import Final

from podadmin.core.errors import Refused

_NAME: Final = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.~@+-]+"
"""Part of a path as it is sent: nothing that a server could read as another path."""
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ACCESS_PATH: Final = "/api/access"
_CALLS: Final = (
    ("POST", ACCESS_PATH),
    ("POST", "/api/pods"),
    ("PATCH", "/api/pods"),
    ("POST", f"/api/pods/{_NAME}/{_NAME}"),
    ("POST", "/api/upload"),
    ("PUT", f"/api/compute/instances/{_NAME}"),
    ("POST", f"/api/compute/{_NAME}/certificate"),
    ("POST", f"/api/{_NAME}/keys"),
    ("POST", "/api/projects"),
    ("PUT", f"/api/projects/{_NAME}/pod"),
    ("PUT", f"/api/ehr/jwks/{_NAME}"),
    ("POST", "/api/compute-clusters"),
    ("POST", f"/api/compute-clusters/{_NAME}/datasets"),
)
_KNOWN: Final = tuple((method, re.compile(path)) for method, path in _CALLS)
MOST_BODY: Final = 256 * 1024
"""Bytes of what such a call holds; the check of access holds the request itself, which the gate has stored before."""


def check(method: str, path: str, size: int) -> None:
    """Raises Refused: `gate.unknown-web-call` for a call that no pod's software makes, `gate.web-call-too-big`.

    `path` as it was sent, without its question; `size` in bytes.
    """
    if method in READS and not size:
        return
    if not any(method == known and shape.fullmatch(path) for known, shape in _KNOWN):
        raise Refused(
            "gate.unknown-web-call",
            "A call of the pod to its network was stopped.",
            "It would write something there that the pod's own software does not write.",
            "Look at the task that runs. Where the pod is of a newer version, let unknown calls out in the settings.",
        )
    if size > MOST_BODY and path != ACCESS_PATH:
        raise Refused(
            "gate.web-call-too-big",
            "A call of the pod to its network was stopped.",
            f"It holds more than {MOST_BODY // 1024} KiB, which such calls never do.",
            "Look at the task that runs: data may be hidden there.",
        )
