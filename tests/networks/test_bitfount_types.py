"""The vocabularies and shapes of the field, held against what introspection of bitfount 13.0.0 told."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.errors import BadInput, Refused
from podadmin.core.secret import Secret
from podadmin.datasources.model import ColumnChoices, CsvSource, Datasource
from podadmin.networks.bitfount import serialised
from podadmin.networks.bitfount.authorisation import ProtocolContext, TaskContext, get_task_results_directory
from podadmin.networks.bitfount.containers import (
    DatasourceContainer,
    DatasourceContainerConfig,
    FileProcessingMetadata,
    HubConfig,
    MinimalDatasourceConfig,
    MinimalSchemaGenerationConfig,
    MinimalSchemaUploadConfig,
    PodPublicMetadata,
)
from podadmin.networks.bitfount.hub import HubClient
from podadmin.networks.bitfount.pod_config import DatasourceConfig, PodDetailsConfig
from podadmin.networks.bitfount.types import AggregatorType, AlgorithmType, MessageType, PodResponseType, ProtocolType
from podadmin.networks.service import ApiKey
from podadmin.schema.config import GenerationConfig
from podadmin.schema.model import read

VECTORS = Path(__file__).parents[1] / "interop" / "vectors"
FACTS: dict[str, Any] = json.loads((VECTORS / "bitfount-types.json").read_text(encoding="utf-8"))
MOMENT = datetime(2026, 11, 21, tzinfo=UTC)
SOURCE = Datasource(
    "ds_1", "patients", CsvSource(Path("/d/p.csv")).kind, CsvSource(Path("/d/p.csv")), ColumnChoices(), MOMENT
)


@pytest.mark.parametrize(
    ("ours", "theirs", "older"),
    [
        (AggregatorType, "AggregatorType", set()),
        (ProtocolType, "ProtocolType", set()),
        (AlgorithmType, "AlgorithmType", {"NextGenPatientInfoDownloadAlgorithm"}),
        (TaskContext, "TaskContext", set()),
        (PodResponseType, "_PodResponseType", set()),
    ],
)
def test_every_name_of_an_enumeration_means_what_it_means_there(ours: Any, theirs: str, older: set[str]) -> None:
    mine = {name: member.value for name, member in ours.__members__.items() if name not in older}
    assert mine == FACTS[theirs]
    assert older <= set(ours.__members__)


def test_message_types_are_all_there_without_a_gap() -> None:
    assert [each.value for each in MessageType] == list(range(40))


@pytest.mark.parametrize(
    "ours", [HubConfig, DatasourceContainer, DatasourceContainerConfig, MinimalDatasourceConfig,
             MinimalSchemaGenerationConfig, MinimalSchemaUploadConfig],
    ids=lambda each: each.__name__,
)  # fmt: skip
def test_a_container_has_the_fields_that_it_has_there(ours: type[Any]) -> None:
    assert [each.name for each in fields(ours)] == FACTS[ours.__name__]


@pytest.mark.parametrize(
    "name", ["SerializedProtocol", "SerializedAlgorithm", "SerializedAggregator", "SerializedModel",
             "SerializedDataStructure", "SerializedTaskFilter", "TextGenerationDictionary",
             "HuggingFaceImageClassificationInferenceDictionary"]
)  # fmt: skip
def test_a_serialised_part_has_the_keys_that_it_has_there(name: str) -> None:
    assert sorted(getattr(serialised, name).__annotations__) == FACTS[name]


@pytest.mark.parametrize("case", sorted((VECTORS / "job_request").glob("*.expect.json")), ids=lambda path: path.name)
def test_the_protocols_of_the_golden_vectors_have_the_shape_and_lose_nothing(case: Path) -> None:
    told = json.loads(case.read_text(encoding="utf-8"))
    for part in ("outer_without_request", "inner"):
        protocol = told[part]["serialized_protocol"]
        read = serialised.serialised_protocol(protocol)
        assert read == protocol
        assert read["class_name"] in set(ProtocolType)
        algorithms = read["algorithm"]
        for each in algorithms if isinstance(algorithms, list) else [algorithms]:
            assert each["class_name"] in set(AlgorithmType)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (7, "its top"),
        ({"class_name": "x"}, "algorithm"),
        ({"class_name": 3, "algorithm": []}, "class_name"),
        ({"class_name": "x", "algorithm": [{"model": {}}]}, "algorithm"),
        ({"class_name": "x", "algorithm": {"class_name": "y", "datastructure": {"table": 4}}}, "datastructure.table"),
    ],
)
def test_what_is_no_protocol_is_said_by_place_and_never_by_content(wrong: object, where: str) -> None:
    with pytest.raises(BadInput) as met:
        serialised.serialised_protocol(wrong)
    assert met.value.code == "protocol.malformed"
    assert where in met.value.why


def test_a_strangers_names_never_reach_the_words() -> None:
    with pytest.raises(BadInput) as met:
        serialised.serialised_protocol({"class_name": "x", "algorithm": [{"class_name": "y", "model": "s3cr3t-name"}]})
    assert "s3cr3t" not in str(met.value)


def test_results_lie_where_a_pod_puts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITFOUNT_TASK_RESULTS_DIR", raising=False)
    monkeypatch.setenv("BITFOUNT_OUTPUT_DIR", str(tmp_path))
    assert get_task_results_directory(None) == tmp_path
    context = ProtocolContext(project_id="p", task_id="t")
    assert get_task_results_directory(context) == tmp_path / "task-results" / "p" / "t"
    assert context.get_project_results_dir() == tmp_path / "task-results" / "p"
    monkeypatch.setenv("BITFOUNT_TASK_RESULTS_DIR", str(tmp_path / "r"))
    assert get_task_results_directory(context) == tmp_path / "r" / "p" / "t"
    assert (tmp_path / "r" / "p" / "t").is_dir()
    for odd in (None, "..", "a/b"):
        with pytest.raises(BadInput, match="folder"):
            ProtocolContext(project_id=odd).get_project_results_dir()


def test_who_asks_a_hub_proves_it_with_a_key_a_token_or_not_at_all() -> None:
    key = HubConfig("alice", ApiKey("id", Secret("core:rest")))
    assert key.headers() == {"x-api-key-id": "id", "x-api-key": "core"}
    assert HubConfig("alice", Secret("t0ken")).headers() == {"authorization": "Bearer t0ken"}
    assert HubConfig(None, None).headers() == {}
    assert "core" not in repr(key)
    session = HubClient("http://127.0.0.1:9")
    assert HubConfig(None, None, session).client("https://hub.example") is session
    with pytest.raises(Refused, match="encrypted"):
        HubConfig(None, None).client("http://hub.example")


def test_a_datasource_is_completed_and_published_with_what_was_released_only() -> None:
    document = read(json.dumps(_document()))
    whole = DatasourceContainer.completed(DatasourceContainerConfig("patients", SOURCE), document)
    assert whole.datasource_details == PodDetailsConfig(display_name="patients", description="patients")
    told = PodPublicMetadata.of(whole)
    assert (told.name, told.display_name, told.number_of_records) == ("patients", "patients", 3)
    assert told.schema == document.as_dict()
    upload = MinimalSchemaUploadConfig(told, "ssh-rsa AM", "ssh-rsa POD")
    assert upload.public_metadata.schema["name"] == "patients"


def test_minimal_forms_hold_what_their_use_needs() -> None:
    config = DatasourceConfig.model_validate(
        {"datasource": "bitfount.CSVSource", "name": "patients", "data_config": {"datasource_args": {"path": "/p.csv"}}}
    )
    minimal = MinimalDatasourceConfig.of(config)
    assert (minimal.datasource_cls_name, minimal.datasource_args) == ("CSVSource", {"path": "/p.csv"})
    choices = ColumnChoices(("id",), {"sex": "categorical"}, {"sex": "as registered"})
    generation = MinimalSchemaGenerationConfig.of(GenerationConfig("patients", None, choices))
    assert generation.as_dict() == {
        "datasource_name": "patients",
        "description": None,
        "column_descriptions": {"sex": "as registered"},
        "ignore_cols": ["id"],
        "force_stypes": {"categorical": ["sex"]},
    }
    files = FileProcessingMetadata(10, 8, 2, 1, {"9": 1, "14": 1})
    assert files.as_json()["skipReasons"] == {"9": 1, "14": 1}
    assert files.as_json()["totalFilesSuccessfullyProcessed"] == 8


def _document() -> dict[str, Any]:
    return {
        "name": "patients",
        "description": None,
        "number_of_records": 3,
        "features": [
            {"featureName": "age", "description": None, "dtype": "Int64", "semanticType": "continuous"},
        ],
        "metadata": {"bitfount_version": "13.0.0", "hash": "0" * 64, "force_stypes": {}, "schema_version": "4"},
    }
