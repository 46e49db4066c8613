"""Planning: what this pod runs, and that it runs nothing that it does not understand in full."""

from __future__ import annotations

from typing import Any

import pytest

from podadmin.networks.bitfount.types import PodResponseType
from podadmin.pod import tasks

STRUCTURE = {"table": "patients", "compatible_datasources": ["CSVSource"], "schema_requirements": {"partial": ["x"]}}
SQL = {"class_name": "bitfount.SqlQuery", "query": "SELECT 1", "table": "patients", "datastructure": STRUCTURE}
MODEL = {
    "class_name": "BitfountModelReference",
    "username": "research-lab",
    "model_ref": "hba1c-risk",
    "model_version": 1,
}
INFERENCE = {"class_name": "bitfount.ModelInference", "model": MODEL, "datastructure": STRUCTURE}
REPORT = {"class_name": "bitfount.CSVReportAlgorithm", "original_cols": ["age", "sex"]}


def plan(protocol: dict[str, Any], to: str = "clinic/patients", names: tuple[str, ...] = ("patients",)) -> tasks.Plan:
    return tasks.plan(protocol, names, to, "clinic-pod")


def results_only(*algorithms: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"class_name": "bitfount.ResultsOnly", "algorithm": list(algorithms), **more}


def test_sql() -> None:
    found = plan(results_only(SQL, aggregator={"class_name": "bitfount.Aggregator"}, save_location=["Modeller"]))
    assert found == tasks.Plan("sql", "patients", "SqlQuery", query="SELECT 1", also_named=("clinic-pod",))


def test_one_algorithm_may_stand_alone() -> None:
    assert plan({"class_name": "bitfount.ResultsOnly", "algorithm": SQL}).kind == "sql"


def test_inference_and_report() -> None:
    found = plan(results_only({**INFERENCE, "class_outputs": ["risk"]}))
    assert (found.kind, found.model, found.output) == ("inference", "research-lab/hba1c-risk:1", "risk")
    report = plan({"class_name": "bitfount.InferenceAndReturnCSVReport", "algorithm": [INFERENCE, REPORT]})
    assert (report.kind, report.columns, report.total) == ("csv-report", ("age", "sex"), 2)
    assert plan({"class_name": "bitfount.InferenceAndReturnCSVReport", "algorithm": [INFERENCE]}).columns is None


def test_the_pod_s_own_name_means_its_only_datasource() -> None:
    structure = {**STRUCTURE, "table": {"clinic/clinic-pod": "clinic-pod"}}
    named = {**SQL, "table": None, "datastructure": structure}
    assert plan(results_only(named), to="clinic/clinic-pod").datasource == "patients"
    with pytest.raises(tasks.TaskRefused):
        plan(results_only(named), to="clinic/clinic-pod", names=("patients", "eyes"))
    assert plan(results_only(SQL), to="clinic/clinic-pod", names=("patients", "eyes")).datasource == "patients"


SETUP, INCOMPATIBLE = PodResponseType.TASK_SETUP_ERROR, PodResponseType.INCOMPATIBLE_DATASOURCE


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [
        ({}, SETUP),
        ({"class_name": "bitfount.ResultsOnly"}, SETUP),
        ({"class_name": "research_lab.Atlas", "algorithm": [SQL]}, SETUP),
        ({"class_name": "bitfount.FederatedAveraging", "algorithm": [SQL]}, SETUP),
        ({"class_name": "bitfount.InferenceAndCSVReport", "algorithm": [INFERENCE, REPORT]}, SETUP),
        ({"class_name": "bitfount.InferenceAndReturnCSVReport", "algorithm": [SQL, REPORT]}, SETUP),
        ({"class_name": "bitfount.InferenceAndReturnCSVReport", "algorithm": [INFERENCE, REPORT, REPORT]}, SETUP),
        (results_only(), SETUP),
        (results_only(SQL, SQL), SETUP),
        (results_only(SQL, INFERENCE), SETUP),
        (results_only({"class_name": "bitfount.PrivateSqlQuery", "query": "SELECT 1"}), SETUP),
        (results_only({**SQL, "query": ""}), SETUP),
        (results_only({**SQL, "epsilon": 1.0}), SETUP),
        (results_only(SQL, aggregator={"class_name": "bitfount.SecureAggregator"}), SETUP),
        (results_only(SQL, save_location=["Worker"]), SETUP),
        (results_only(SQL, secure_aggregation=True), SETUP),
        (results_only({**SQL, "datastructure": {**STRUCTURE, "task_filters": [{"value": 1}]}}), SETUP),
        (
            results_only({**SQL, "datastructure": {**STRUCTURE, "compatible_datasources": ["DICOMSource"]}}),
            INCOMPATIBLE,
        ),
        (results_only({**SQL, "table": "other"}), INCOMPATIBLE),
        (results_only({**INFERENCE, "model": {"class_name": "PyTorchTabularClassifier"}}), SETUP),
        (results_only({**INFERENCE, "model": {**MODEL, "model_version": None}}), SETUP),
        (results_only({**INFERENCE, "model": {**MODEL, "weights": "x"}}), SETUP),
        (results_only({**INFERENCE, "class_outputs": ["a", "b"]}), SETUP),
        (results_only({**INFERENCE, "postprocessors": [{"type": "x"}]}), SETUP),
    ],
)
def test_what_is_not_understood_is_not_run(protocol: dict[str, Any], answer: PodResponseType) -> None:
    with pytest.raises(tasks.TaskRefused) as refused:
        plan(protocol)
    assert refused.value.answer is answer
    assert refused.value.code in {"pod.unknown-task", "pod.incompatible"}


def test_another_pod_s_task_is_refused() -> None:
    with pytest.raises(tasks.TaskRefused) as refused:
        plan(results_only(SQL), to="clinic/elsewhere")
    assert refused.value.answer is INCOMPATIBLE
