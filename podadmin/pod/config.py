"""What the built-in pod is told when it starts: one JSON line on its standard input, and nothing anywhere else.

Arguments and the environment of a process can be seen by others on the machine; a pipe cannot.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from podadmin.core.errors import BadInput
from podadmin.core.secret import Secret
from podadmin.networks.bitfount import crypto
from podadmin.pod import sql

MAX_LINE = 4 * 1024 * 1024
"""Bytes of the line."""


@dataclass(frozen=True)
class PodConfig:
    """`gate_address`: `127.0.0.1:PORT` of the message service; `access_url`: `http://127.0.0.1:PORT` of the access
    manager.
    `earlier_keys_pkcs8` are keys that the pod's own has replaced and that are still accepted.
    Seconds: for a task's work, for the requester's TASK_START, for its TASK_COMPLETE, between two polls.
    """

    gate_address: str
    access_url: str
    pod_identifier: str
    pod_name: str
    api_key_id: str
    api_key: Secret[str]
    pod_key_pkcs8: Secret[bytes]
    datasources: tuple[sql.Source, ...]
    instance_id: str
    time_limit: float = 600.0
    memory_mb: int = 512
    start_wait: float = 120.0
    complete_wait: float = 30.0
    poll_seconds: float = 1.0
    earlier_keys_pkcs8: tuple[Secret[bytes], ...] = ()

    def line(self) -> bytes:
        """The line for the pod's standard input, secrets included."""
        document = {
            "gate_address": self.gate_address,
            "access_url": self.access_url,
            "pod_identifier": self.pod_identifier,
            "pod_name": self.pod_name,
            "api_key_id": self.api_key_id,
            "api_key": self.api_key.reveal(),
            "pod_key_pkcs8_b64": base64.b64encode(self.pod_key_pkcs8.reveal()).decode(),
            "earlier_keys_pkcs8_b64": [base64.b64encode(key.reveal()).decode() for key in self.earlier_keys_pkcs8],
            "datasources": [
                {
                    "name": source.name,
                    "path": str(source.path),
                    "ignore": list(source.ignore),
                    "kind": source.kind,
                }
                for source in self.datasources
            ],
            "instance_id": self.instance_id,
            "time_limit": self.time_limit,
            "memory_mb": self.memory_mb,
            "start_wait": self.start_wait,
            "complete_wait": self.complete_wait,
            "poll_seconds": self.poll_seconds,
        }
        return json.dumps(document).encode() + b"\n"


class _Datasource(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1)
    path: str = Field(min_length=1)
    ignore: list[str] = []
    kind: Literal["CSVSource", "bitfount.CSVSource"] = "CSVSource"


_Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    gate_address: str = Field(pattern=r"^127\.0\.0\.1:[0-9]{1,5}$")
    access_url: str = Field(pattern=r"^http://127\.0\.0\.1:[0-9]{1,5}$")
    pod_identifier: str = Field(min_length=1)
    pod_name: str = Field(min_length=1)
    api_key_id: str
    api_key: str
    pod_key_pkcs8_b64: str
    datasources: list[_Datasource]
    instance_id: str = Field(min_length=1)
    time_limit: _Seconds = 600.0
    memory_mb: int = Field(default=512, ge=64)
    start_wait: _Seconds = 120.0
    complete_wait: _Seconds = 30.0
    poll_seconds: _Seconds = 1.0
    earlier_keys_pkcs8_b64: list[str] = Field(default=[], max_length=16)


def read_line(line: bytes) -> PodConfig:
    """The configuration that a line holds. Raises BadInput `pod.config`; the error names fields, never values."""
    try:
        if len(line) > MAX_LINE:
            raise ValueError
        found = _Line.model_validate_json(line)
        key = base64.b64decode(found.pod_key_pkcs8_b64, validate=True)
        earlier = tuple(Secret(base64.b64decode(each, validate=True)) for each in found.earlier_keys_pkcs8_b64)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in entry["loc"]) or "the line" for entry in error.errors()})
        raise _wrong(f"These parts are missing or wrong: {', '.join(fields)}.") from None
    except (ValueError, binascii.Error):
        raise _wrong("It is too long, or the key in it is not in base 64.") from None
    elsewhere = {"api_key", "pod_key_pkcs8_b64", "earlier_keys_pkcs8_b64", "datasources"}
    rest: Mapping[str, Any] = found.model_dump(exclude=elsewhere)
    return PodConfig(
        api_key=Secret(found.api_key),
        pod_key_pkcs8=Secret(key),
        earlier_keys_pkcs8=earlier,
        datasources=tuple(
            sql.Source(entry.name, Path(entry.path), tuple(entry.ignore), entry.kind) for entry in found.datasources
        ),
        **rest,
    )


def _wrong(why: str) -> BadInput:
    return BadInput(
        "pod.config",
        "The built-in pod was started with a configuration that it cannot use.",
        why,
        "Stop the application and start it again. If it happens again, report it.",
    )


class PodKey:
    """The private keys of the pod in the memory of the pod's process."""

    def __init__(self, pkcs8: Secret[bytes], earlier: tuple[Secret[bytes], ...] = ()) -> None:
        """Raises BadInput `pod.config` for what is not an RSA key in PKCS 8."""
        self._keys = tuple(_loaded(each) for each in (pkcs8, *earlier))

    def decrypt(self, block: bytes) -> bytes:
        """Raises ValueError where the block is for none of the keys."""
        for key in self._keys[:-1]:
            try:
                return key.decrypt(block, crypto.oaep())
            except ValueError:
                continue
        return self._keys[-1].decrypt(block, crypto.oaep())


def _loaded(pkcs8: Secret[bytes]) -> RSAPrivateKey:
    try:
        key: object = serialization.load_der_private_key(pkcs8.reveal(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _wrong("The key of the pod is not a key in PKCS 8.") from None
    if not isinstance(key, RSAPrivateKey):
        raise _wrong("The key of the pod is not an RSA key.")
    return key
