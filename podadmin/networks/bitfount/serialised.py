"""The parts of a task as they travel, by the names of the field (bitfount contract, section 5.3).

These are shapes and nothing more: what a part does is the business of the effect table, and what may run is decided
on the verified tree (`podadmin.requests.protocols`). Every part carries arguments of its own beside those named here.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NotRequired

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from podadmin.core.errors import BadInput

_OPEN = ConfigDict(extra="allow", strict=True)


@with_config(_OPEN)
class SerializedTaskFilter(TypedDict):
    """Which records of a datasource a task wants."""

    class_name: str
    filter_type: str
    value: int | float | str | list[str] | dict[str, int]


@with_config(_OPEN)
class SerializedDataStructure(TypedDict):
    """Which table, columns and datasources an algorithm needs."""

    table: NotRequired[str | dict[str, str]]
    schema_requirements: NotRequired[dict[str, Any] | str]
    compatible_datasources: NotRequired[list[str]]
    task_filters: NotRequired[list[SerializedTaskFilter]]


@with_config(_OPEN)
class SerializedModel(TypedDict):
    """A model of an algorithm. `hub` is an object of the requester's software and never travels."""

    class_name: str
    hub: NotRequired[None]
    schema: NotRequired[dict[str, Any]]
    datastructure: NotRequired[SerializedDataStructure]


@with_config(_OPEN)
class SerializedAggregator(TypedDict):
    """How the answers of several pods are put together."""

    class_name: str


@with_config(_OPEN)
class SerializedAlgorithm(TypedDict):
    """One step of a protocol. `class_name` is a value of AlgorithmType, or a plugin's."""

    class_name: str
    model: NotRequired[SerializedModel]
    datastructure: NotRequired[SerializedDataStructure]


@with_config(_OPEN)
class SerializedProtocol(TypedDict):
    """A whole task. `class_name` is a value of ProtocolType, or a plugin's."""

    class_name: str
    algorithm: SerializedAlgorithm | list[SerializedAlgorithm]
    aggregator: NotRequired[SerializedAggregator]
    primary_results_path: NotRequired[str]


class HuggingFaceImageClassificationInferenceDictionary(TypedDict):
    """One answer of an image classification."""

    image_classification: str


class TextGenerationDictionary(TypedDict):
    """One answer of a text generation."""

    generated_text: str


def serialised_protocol(value: object) -> SerializedProtocol:
    """`value` as a serialised protocol, its own arguments included. Raises BadInput (`protocol.malformed`).

    The error names places, never what stands there: that is a stranger's.
    """
    try:
        return _reader().validate_python(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part in _NAMES or isinstance(part, int)) or "its top"
        raise BadInput(
            "protocol.malformed",
            "This is not a task that a pod could run.",
            f"It does not have the form of one at: {where}.",
            "Ask the requester to send it again with unmodified software.",
        ) from None


_NAMES = frozenset(
    {"class_name", "algorithm", "aggregator", "primary_results_path", "model", "datastructure", "table"}
    | {"schema_requirements", "compatible_datasources", "task_filters", "filter_type", "value", "schema", "hub"}
)


@cache
def _reader() -> TypeAdapter[SerializedProtocol]:
    # made when it is first needed: building it costs more than reading with it
    return TypeAdapter(SerializedProtocol)
