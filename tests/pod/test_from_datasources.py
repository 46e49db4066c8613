"""What the custodian connected and chose is what a pod is told, under the names of its own software."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from podadmin.datasources.folders import FileFilter
from podadmin.datasources.model import (
    ColumnChoices,
    CsvSource,
    Datasource,
    FolderSource,
    Kind,
    NullSource,
    ParquetSource,
    Reading,
    ServiceSource,
    Source,
    SqlSource,
)
from podadmin.networks.bitfount.pod_config import PodConfig, said
from podadmin.pod.from_datasources import container, datasource_config, variable_of
from podadmin.pod.launch import Launch, arguments, defences, environment
from podadmin.pod.yaml_config import written
from podadmin.pod.yaml_reading import read, references

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)


def connected(source: Source, choices: ColumnChoices | None = None) -> Datasource:
    return Datasource("ds_1", "eye-clinic", source.kind, source, choices or ColumnChoices(), MOMENT)


def told(source: Source, choices: ColumnChoices | None = None) -> Any:
    config = datasource_config(connected(source, choices))
    assert config is not None
    # whatever is told survives the file
    pod = PodConfig(name="eye", datasources=(config,))
    assert read(written(pod)).config == pod
    return said(config)


def test_a_text_file_is_told_with_columns_split_and_how_it_is_read() -> None:
    settings = {
        "display_name": "Eye clinic", "description": "All visits", "table_descriptions": {"visits": "one a row"},
        "data_splitter": "percentage", "validation_percentage": 20, "split_seed": 7, "time_series_sort_by": ["day"],
        "path_prefixes": {"scan": "/srv/"}, "path_suffixes": {"scan": ".png"}, "auto_tidy": True, "partition_size": 500,
        "read_csv_kwargs": {"decimal": ","},
    }  # fmt: skip
    choices = ColumnChoices(
        ("id",), {"sex": "categorical", "eye": "categorical", "img_": "image_prefix"}, {"sex": "as told"}
    )
    source = CsvSource(Path("/srv/p.csv"), Reading("cp1252", ";", "none"), settings)
    assert told(source, choices) == {
        "datasource": "CSVSource",
        "name": "eye-clinic",
        "datasource_details_config": {"display_name": "Eye clinic", "description": "All visits"},
        "data_config": {
            "force_stypes": {"categorical": ("sex", "eye"), "image_prefix": ("img_",)},
            "column_descriptions": {"sex": "as told"},
            "table_descriptions": {"visits": "one a row"},
            "description": "All visits",
            "ignore_cols": ("id",),
            "modifiers": {"scan": {"prefix": "/srv/", "suffix": ".png"}},
            "datasource_args": {
                "partition_size": 500,
                "path": "/srv/p.csv",
                "read_csv_kwargs": {"encoding": "cp1252", "sep": ";", "quoting": 3, "decimal": ","},
            },
            "data_split": {"args": {"validation_percentage": 20, "seed": 7, "time_series_sort_by": ("day",)}},
            "auto_tidy": True,
        },
    }


def test_a_folder_of_scans_is_told_with_its_filter_and_what_is_taken() -> None:
    chosen = FileFilter(
        extensions=(".dcm",), strict=True, created_from=date(2020, 2, 1), modified_until=date(2026, 1, 31), smallest=0.5
    )
    settings = {
        "modality": "OCT", "minimum_dob": "1930-01-01", "match_slo": True, "oct_column": "oct", "images_only": False,
        "required_field_names": ["Slice Thickness"], "output_path": "/srv/out",
    }  # fmt: skip
    data = told(FolderSource(Kind.DICOM_OPHTHALMOLOGY, Path("/srv/scans"), chosen, settings))["data_config"]
    assert data["datasource_args"] == {
        "path": "/srv/scans",
        "output_path": "/srv/out",
        "images_only": False,
        "ophthalmology_args": {
            "modality": "OCT",
            "match_slo": True,
            "minimum_dob": {"year": 1930, "month": 1, "day": 1},
            "required_field_names": ("Slice Thickness",),
        },
        "dicom_ophthalmology_csv_columns": {"oct_column": "oct"},
    }
    assert data["file_system_filters"] == {
        "file_extension": (".dcm",),
        "strict_file_extension": True,
        "file_creation_min_date": {"year": 2020, "month": 2, "day": 1},
        "file_modification_max_date": {"year": 2026, "month": 1, "day": 31},
        "min_file_size": 0.5,
    }


@pytest.mark.parametrize(
    ("source", "args"),
    [
        (FolderSource(Kind.IMAGE, Path("/i")), {"path": "/i"}),
        (FolderSource(Kind.NIFTI, Path("/n")), {"path": "/n"}),
        (FolderSource(Kind.TOPCON, Path("/t"), settings={"modality": "SLO"}),
         {"path": "/t", "ophthalmology_args": {"modality": "SLO"}}),
        (FolderSource(Kind.HEIDELBERG_E2E, Path("/h"), settings={"laterality": "L", "series_protocol": "Images"}),
         {"path": "/h", "laterality": "L", "series_protocol": "Images"}),
        (FolderSource(Kind.HEIDELBERG, Path("/h"), settings={"heidelberg_files_col": "f"}),
         {"path": "/h", "heidelberg_csv_columns": {"heidelberg_files_col": "f"}}),
    ],
)  # fmt: skip
def test_each_kind_of_folder_is_told_by_its_own_arguments(source: FolderSource, args: dict[str, Any]) -> None:
    assert told(source)["data_config"]["datasource_args"] == args


def test_secrets_of_databases_and_services_are_told_by_a_variable() -> None:
    omop = SqlSource("postgresql://u@h/d", "the password", kind=Kind.OMOP, version="v5.4")
    assert told(omop)["data_config"]["datasource_args"] == {
        "connection_string": "${PODADMIN_EYE_CLINIC_CONNECTION_STRING}",
        "version": "v5.4",
    }
    mine = ServiceSource("https://mine.example", "visits", "the token")
    assert told(mine)["data_config"]["datasource_args"]["token"] == "${PODADMIN_EYE_CLINIC_TOKEN}"
    open_one = ServiceSource("https://mine.example", "visits")
    assert told(open_one)["data_config"]["datasource_args"] == {
        "service_url": "https://mine.example",
        "template_name": "visits",
    }
    assert [variable_of(connected(each)) for each in (omop, mine, open_one, NullSource())] == [
        "PODADMIN_EYE_CLINIC_CONNECTION_STRING", "PODADMIN_EYE_CLINIC_TOKEN", "", "",
    ]  # fmt: skip
    config = datasource_config(connected(mine))
    assert config is not None
    assert references(PodConfig(name="eye", datasources=(config,))) == ("PODADMIN_EYE_CLINIC_TOKEN",)


def test_a_predefined_split_and_no_data_at_all_are_told() -> None:
    split = {"data_splitter": "predefined", "column_name": "part", "training_set_label": "a"}
    assert told(NullSource(split))["data_config"] == {
        "datasource_args": {},
        "data_split": {"data_splitter": "predefined", "args": {"column_name": "part", "training_set_label": "a"}},
    }


def test_kinds_that_no_pod_of_that_network_knows_are_left_out() -> None:
    for source in (ParquetSource(Path("/p.parquet")), SqlSource("sqlite:///x", table="t")):
        assert container(connected(source)) is None
        assert datasource_config(connected(source)) is None


def test_a_container_sees_the_data_read_only_and_gets_names_and_no_values() -> None:
    launch = Launch("container", image="registry.example/pod:13", runtime="podman", options=("--memory", "8g"))
    line = arguments(
        launch, Path("/p/pod.yaml"), ["BITFOUNT_API_KEY", "HTTPS_PROXY"], [Path("/data/p.csv"), Path("{lent}")],
        [Path("/srv/storage")], "clinic",
    )  # fmt: skip
    assert line[:4] == ("podman", "run", "--rm", "--init")
    assert line[line.index("--env") : line.index("--env") + 2] == ("--env", "BITFOUNT_API_KEY")
    mounts = [line[at + 1] for at, part in enumerate(line) if part == "--volume"]
    assert mounts == [
        "/srv/storage:/srv/storage", "/data/p.csv:/data/p.csv:ro", "/p/pod.yaml:/p/pod.yaml:ro", "{lent}:{lent}:ro",
    ]  # fmt: skip
    assert line[-6:] == ("--memory", "8g", "registry.example/pod:13", "bitfount", "run_pod", "/p/pod.yaml")
    assert not any("=" in part for part in line)


def test_nothing_overrules_the_gates_part_of_an_environment() -> None:
    launch = Launch(variables=(("HTTPS_PROXY", "http://past.it"), ("BITFOUNT_ENABLE_TELEMETRY", "true")))
    own = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "no", "HTTPS_PROXY": "http://old"}
    found = environment(launch, own, defences(Path("/s"), Path("/r"), 4711), {"HTTPS_PROXY": "http://127.0.0.1:1"})
    assert found["HTTPS_PROXY"] == "http://127.0.0.1:1"
    assert found["PATH"] == "/bin"
    assert "AWS_SECRET_ACCESS_KEY" not in found
    # what the custodian set for the pod on purpose is their decision
    assert found["BITFOUNT_ENABLE_TELEMETRY"] == "true"
    assert found["BITFOUNT_TASK_RESULTS_DIR"] == "/r/task-results"
    assert found["BITFOUNT_POD_CONTROL_SERVER_PORT"] == "4711"
