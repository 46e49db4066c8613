"""What an access check is made of, by the names of the field: how identities are proved, and what the answer carries.

The names, fields and readings are those of the field's software (bitfount contract, sections 6.1 to 6.3). Addresses
in an answer are keys to somebody's storage: they are kept out of every representation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final, TypedDict

from podadmin.core.errors import BadInput
from podadmin.core.files import expanded
from podadmin.core.text import stranger
from podadmin.limits.model import InferenceLimits, listed_resources, malformed
from podadmin.networks.bitfount.types import IdentityVerificationMethod, PodResponseType

IDENTITY_VERIFICATION_METHODS: Final[tuple[str, ...]] = tuple(each.value for each in IdentityVerificationMethod)
"""Every way to prove an identity, as its word on the wire."""

DEFAULT_IDENTITY_VERIFICATION_METHOD: Final[str] = IdentityVerificationMethod.DEFAULT.value
"""The way that is taken where none is named."""

_FOLDER: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class UnsupportedMethod(BadInput, ValueError):
    """No such way to prove an identity. The field's own software raises a ValueError here, and so does this."""


def check_identity_verification_method(method: str | IdentityVerificationMethod) -> IdentityVerificationMethod:
    """The way to prove an identity that a word names. Raises BadInput, a ValueError too (`access.unknown-method`)."""
    try:
        return IdentityVerificationMethod(method)
    except ValueError:
        raise UnsupportedMethod(
            "access.unknown-method",
            "The requester proves its identity in a way that is not known here.",
            f"“{stranger(str(method), 60)}” is none of {', '.join(IDENTITY_VERIFICATION_METHODS)}.",
            "Nothing is delivered on such a proof. Tell the requester which ways there are.",
        ) from None


class AccessCheckResult(TypedDict):
    """The result of an access check. `limits` as the access manager lists them; None where it sets none."""

    response_type: PodResponseType
    limits: list[dict[str, Any]] | None


@dataclass(kw_only=True)
class ModelURLs:
    """Where a model's code and its weights can be fetched from for a while. `model_weights_url` None: no weights."""

    model_download_url: str = field(repr=False)
    model_weights_url: str | None = field(repr=False)

    @classmethod
    def from_access_check_result(cls, access_check_result: Mapping[str, Any]) -> dict[str, ModelURLs]:
        """The addresses in an answer of the access manager, by `owner/model:version`.

        A model without an address for its code gives no entry, whatever is said of its weights. Raises BadInput
        (`limit.malformed`) where the answer is not of the shape of the contract.
        """
        found: dict[str, ModelURLs] = {}
        for each in listed_resources(access_check_result):
            name, code, weights = each.get("resourceName"), each.get("modelDownloadUrl"), each.get("weightsDownloadUrl")
            if code is None or code == "":
                continue
            if not isinstance(name, str) or not name or not isinstance(code, str):
                raise malformed()
            if weights is not None and not isinstance(weights, str):
                raise malformed()
            found[name] = cls(model_download_url=code, model_weights_url=weights)
        return found


class TaskContext(Enum):
    """On which side of a task something runs."""

    MODELLER = auto()
    WORKER = auto()


@dataclass(kw_only=True)
class ProtocolContext:
    """What a protocol has to know when it runs: limits and addresses by full model name, its project and its task."""

    inference_limits: dict[str, InferenceLimits] = field(default_factory=dict)
    model_urls: dict[str, ModelURLs] = field(default_factory=dict)
    task_context: TaskContext | None = None
    project_id: str | None = None
    task_id: str | None = None
    test_run: bool = False

    def get_task_results_dir(self) -> Path:
        """The folder for what this task leaves behind; it is made where it is missing.

        `BITFOUNT_TASK_RESULTS_DIR`, else `task-results` in `BITFOUNT_OUTPUT_DIR`, as a pod has them; in it a folder
        for the project and one for the task, where there is a project. Raises BadInput (`access.odd-name`) for names
        that would lead out of it: both come from a stranger's message.
        """
        folder = _results_base()
        if self.project_id is not None:
            folder /= _folder_name(self.project_id)
            if self.task_id is not None:
                folder /= _folder_name(self.task_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def get_project_results_dir(self) -> Path:
        """The folder that holds what all tasks of the project leave behind; it is made where it is missing.

        Raises BadInput (`access.odd-name`), also where there is no project.
        """
        folder = _results_base() / _folder_name(self.project_id or "")
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def get_task_results_directory(context: ProtocolContext | None) -> Path:
    """Where a task leaves its results: the folder of its context; without one, the folder of all output.

    Raises BadInput (`access.odd-name`).
    """
    return _output() if context is None else context.get_task_results_dir()


def _output() -> Path:
    return Path(os.environ.get("BITFOUNT_OUTPUT_DIR") or ".")


def _results_base() -> Path:
    set_to = os.environ.get("BITFOUNT_TASK_RESULTS_DIR")
    return expanded(set_to) if set_to else _output() / "task-results"


@dataclass
class PodResponseMessage:
    """What a pod tells about a task: whose it is, which pod answers, and the words for each kind of refusal."""

    modeller_name: str
    pod_identifier: str
    messages: dict[str, list[str]] = field(default_factory=dict)

    def add(self, response_type: PodResponseType, additional_messages: list[str] | None = None) -> None:
        """Note why the task is refused; an acceptance adds nothing."""
        if response_type is not PodResponseType.ACCEPT:
            self.messages[response_type.name] = list(additional_messages or ())


@dataclass
class AuthCheckResponse:
    """The answer to an access check: what the pod says about the task, and what the task is given to run with."""

    pod_response_message: PodResponseMessage
    protocol_context: ProtocolContext

    @classmethod
    def from_access_check_result(
        cls, access_check_result: AccessCheckResult, message: PodResponseMessage, context: ProtocolContext
    ) -> AuthCheckResponse:
        """`message` and `context` with what an access check said filled in. Raises BadInput (`limit.malformed`)."""
        message.add(access_check_result["response_type"])
        context.inference_limits = InferenceLimits.from_access_check_result(access_check_result)
        context.model_urls = ModelURLs.from_access_check_result(access_check_result)
        return cls(message, context)


def _folder_name(name: str) -> str:
    if not _FOLDER.fullmatch(name):
        raise BadInput(
            "access.odd-name",
            "The folder for the results of a task was not made.",
            f"“{stranger(name, 60)}” cannot be the name of a folder here.",
            "Refuse the task: an ordinary project or task has a plain name.",
        )
    return name
