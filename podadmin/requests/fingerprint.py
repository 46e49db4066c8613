"""One number for what a decision is about: the same when a request is sent again, another for any other change."""

from __future__ import annotations

import hashlib
from typing import Final

from podadmin.core.canon import canonical
from podadmin.requests.envelope import Verified, VerifiedRequest

NOT_DECIDED_ON: Final = frozenset({"supports_mps"})
"""Switches that tell about the requester's own computer and change nothing here (bitfount contract, section 5.2)."""


def fingerprint(verified: Verified[VerifiedRequest]) -> str:
    """SHA-256, in hex, over what was decided on.

    In it: network, this pod and the other pods of the task, the key that signed, the way in which identity was proved,
    the claimed project, the switches and the protocol. Not in it: task id, times, session key, digest of the body and
    the requester's name, which is only claimed.
    """
    request = verified.value
    decided_on = {
        "version": 1,
        "network": request.network,
        "pod": request.pod_identifier,
        "pods": list(request.pod_identifiers),
        "requester_key": request.requester.key_fingerprint,
        "auth_type": request.auth_type,
        "project": request.project_claimed,
        "flags": [[name, value] for name, value in request.flags_claimed if name not in NOT_DECIDED_ON],
        "protocol": request.protocol_text,
    }
    return hashlib.sha256(canonical(decided_on).encode()).hexdigest()
