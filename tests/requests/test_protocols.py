"""A protocol is read as what it is, and what does not fit is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.protocols import read, read_protocol, unknown_arguments

Make = Callable[..., Verified[VerifiedRequest]]


def test_an_sql_task_is_read(verified: Make, protocols: dict[str, Any]) -> None:
    found = read(verified(protocols["sql"]))
    assert found.title == "ResultsOnly · SqlQuery"
    [step] = found.algorithms
    assert step.query.startswith("SELECT sex")
    assert step.table == "patients"
    assert (step.columns, step.model, found.aggregator, found.malformed) == ((), None, None, ())


def test_a_single_algorithm_and_a_list_of_one_read_alike(protocols: dict[str, Any]) -> None:
    single = {**protocols["sql"], "algorithm": protocols["sql"]["algorithm"][0]}
    assert read_protocol(single).algorithms == read_protocol(protocols["sql"]).algorithms


def test_a_model_task_is_read(protocols: dict[str, Any]) -> None:
    found = read_protocol(protocols["inference"])
    [step] = found.algorithms
    assert step.model is not None
    assert step.model.slug == "acme/Retina:3"
    assert found.models == (step.model,)
    assert step.columns == ("age", "sex", "img_…")
    assert step.table == ""


def test_the_table_and_the_columns_of_a_models_datastructure_count_too() -> None:
    model = {"class_name": "M", "datastructure": {"table": "scans", "target": ["eye"], "selected_cols": ["a", 3]}}
    own = {"target": "sex", "image_cols": ["a", "left"]}
    [step] = read_protocol({"algorithm": {"model": model, "datastructure": own}}).algorithms
    assert step.table == "scans"
    assert step.columns == ("a", "left", "sex", "eye")


@pytest.mark.parametrize(
    "change",
    [
        {"username": None},
        {"username": ""},
        {"model_ref": None},
        {"model_ref": {}},
        {"model_version": None},
        {"model_version": "3"},
        {"model_version": True},
        {"model_version": 3.0},
        {"class_name": "Other"},
    ],
)
def test_a_model_without_a_full_name_has_no_slug(protocols: dict[str, Any], change: dict[str, Any]) -> None:
    model = {**protocols["inference"]["algorithm"]["model"], **change}
    [step] = read_protocol({"class_name": "bitfount.X", "algorithm": {"model": model}}).algorithms
    assert step.model is not None
    assert step.model.slug == ""


def test_what_is_not_a_map_is_named_by_its_place() -> None:
    protocol = {"class_name": "bitfount.X", "algorithm": [7, {"model": "x", "datastructure": []}], "aggregator": "a"}
    found = read_protocol(protocol)
    assert found.malformed == ("algorithm[0]", "algorithm[1].datastructure", "algorithm[1].model", "aggregator")
    assert found.title == "X · ? · ?"
    nested = {"class_name": "bitfount.X", "algorithm": {"model": {"datastructure": 1}}}
    assert read_protocol(nested).malformed == ("algorithm[0].model.datastructure",)
    assert read_protocol({"class_name": "bitfount.X", "algorithm": 3}).malformed == ("algorithm[0]",)
    assert read_protocol({"class_name": "bitfount.X"}).algorithms == ()


def test_a_class_that_is_not_text_stays_visible_as_an_argument() -> None:
    [step] = read_protocol({"class_name": "bitfount.X", "algorithm": {"class_name": ["a"]}}).algorithms
    assert step.part.class_name == ""
    assert unknown_arguments(step.part, {}) == ("class_name",)


def test_unknown_arguments_are_listed_whatever_their_value(protocols: dict[str, Any]) -> None:
    protocol = {**protocols["sql"], "new": None, "other": {"deep": 1}}
    part = read_protocol(protocol).part
    assert unknown_arguments(part, {"save_location": {}}) == ("new", "other")
    assert part.value("other") == {"deep": 1}
    assert part.value("missing") is None
    assert part.text("other") == ""
    assert part.texts("other") == ()


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(
            st.sampled_from(["class_name", "algorithm", "aggregator", "model", "datastructure", "table", "query", "x"]),
            x,
            max_size=4,
        )
    ),
)


@given(st.dictionaries(st.sampled_from(["class_name", "algorithm", "aggregator", "x"]), junk, max_size=4))
def test_no_shape_breaks_the_reader(protocol: dict[str, Any]) -> None:
    found = read_protocol(protocol)
    assert isinstance(found.title, str)
    for step in found.algorithms:
        assert isinstance(step.query + step.table, str)
        assert all(isinstance(each, str) for each in step.columns)


def test_a_task_is_named_by_its_steps_in_plain_words() -> None:
    sql = {"class_name": "bitfount.SqlQuery", "query": "SELECT 1"}
    model = {"class_name": "BitfountModelReference", "username": "lab", "model_ref": "risk", "model_version": 2}
    inference = {"class_name": "bitfount.ModelInference", "model": model}
    nameless = {"class_name": "bitfount.ModelInference"}
    report = {"class_name": "bitfount.CSVReportAlgorithm"}

    def task(name: str, *steps: object) -> str:
        return read_protocol({"class_name": name, "algorithm": list(steps)}).task

    assert task("bitfount.ResultsOnly", sql) == "SQL query (ResultsOnly)"
    both = "Inference with lab/risk:2, CSV report (InferenceAndReturnCSVReport)"
    assert task("bitfount.InferenceAndReturnCSVReport", inference, report) == both
    assert task("bitfount.ResultsOnly", nameless) == "ModelInference (ResultsOnly)"
    assert task("other.SqlQuery") == "other.SqlQuery"
    assert task("lab.Thing", {"class_name": "lab.SqlQuery"}, {"x": 1}) == "lab.SqlQuery, ? (lab.Thing)"
