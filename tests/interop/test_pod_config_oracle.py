"""The configuration that podadmin writes, held against what the real bitfount 13.0.0 makes of the file.

The judge loads it as `bitfount run_pod` does, with the substitution of environment variables before it, and tells
every field. What it adds are its own defaults; what we said has to arrive as we said it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.secret import Secret
from podadmin.networks.bitfount.config_values import Reference
from podadmin.networks.bitfount.pod_config import PodConfig, said
from podadmin.pod.yaml_config import environment_value, written
from podadmin.pod.yaml_reading import read

ORACLE, ORACLE_PYTHON = os.environ.get("PODADMIN_ORACLE", ""), os.environ.get("PODADMIN_ORACLE_PYTHON", "")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.slow,
    pytest.mark.skipif(not (ORACLE and ORACLE_PYTHON), reason="PODADMIN_ORACLE… name no oracle"),
]

NASTY = (
    "$", "$$", "$HOME", "${HOME}", "'$x", "$'", '"$"', "a$1b", "x|y ${A|b}", "# no comment", "\n# line\n#two",
    "yes", "null", "1e3", "0x10", "2020-01-01", "~", "%x", "@y", "`z`", "a: b", "- c", "é", "😀", "tab\there", "",
    "back\\slash", "trailing ", " $ leading", "{{ jinja }}", "*alias", "&anchor", "!tag", "[x]", "{x}", ">", "|",
)  # fmt: skip
FOLDER = {"path": "/srv/a$b/scans", "output_path": "/srv/out", "fast_load": True, "cache_images": False}
FILTER = {
    "file_extension": [".dcm", ".DCM"], "strict_file_extension": True, "min_file_size": 0.5, "max_file_size": 900.0,
    "file_creation_min_date": {"year": 2020, "month": 2}, "file_creation_max_date": {"year": 2030},
    "file_modification_min_date": {"year": 2019, "month": 1, "day": 31}, "file_modification_max_date": {"year": 2031},
}  # fmt: skip
EYE = {
    "modality": "OCT", "match_slo": True, "drop_row_on_missing_slo": True, "minimum_dob": {"year": 1930},
    "maximum_dob": {"year": 2010, "month": 12, "day": 31}, "minimum_num_bscans": 1, "maximum_num_bscans": 97,
    "check_required_fields": True, "required_field_names": ["Slice Thickness"], "series_description": "a$$",
    "minimum_acquisition_date": {"year": 2001}, "maximum_acquisition_date": {"year": 2026},
    "inferred_scan_type": "Macular (allow unknowns)",
}  # fmt: skip
COMMON = {
    "seed": 7,
    "ignore_cols": ["a$", "b"],
    "iterable": True,
    "partition_size": 5000,
    "required_fields": {"a": "b"},
}
SPLIT = {"validation_percentage": 20, "test_percentage": 5, "shuffle": False, "seed": 3, "iterative_splitting": True,
         "time_series_sort_by": ["a"]}  # fmt: skip
IN_DATA = {"column_name": "S", "training_set_label": "a", "validation_set_label": "b", "test_set_label": "c",
           "infer_data_split_labels": True}  # fmt: skip
SOURCES: dict[str, dict[str, Any]] = {
    "CSVSource": {"path": "/srv/data/p.csv", "read_csv_kwargs": {"sep": ";", "na_values": ["$", ""]}},
    "ImageSource": {**FOLDER, "file_extensions": [".png"], "infer_class_labels_from_filepaths": True},
    "NIFTISource": {**FOLDER, "file_extensions": [".nii.gz"]},
    "DICOMSource": {**FOLDER, "images_only": False},
    "DICOMOphthalmologySource": {
        **FOLDER, "ophthalmology_args": EYE, "dicom_ophthalmology_csv_columns": {"oct_column": "o", "slo_column": "s"},
    },
    "HeidelbergSource": {**FOLDER, "heidelberg_csv_columns": {"heidelberg_files_col": "f"}},
    "HeidelbergE2ESource": {**FOLDER, "laterality": "L", "series_protocol": "OCT ART Volume"},
    "TopconSource": {**FOLDER, "ophthalmology_args": {"modality": "SLO"}},
    "InterMineSource": {"service_url": "https://mine.example", "template_name": "t", "token": "tok$en \"'é"},
    "OMOPSource": {"connection_string": "postgresql+pg8000://u:pa$$w\"or'd\\@h/d", "version": "v5.4",
                   "read_sql_kwargs": {"chunksize": 10}},
    "NullSource": {},
}  # fmt: skip
KEY = '-----BEGIN PRIVATE KEY-----\nMIIE$vQ"\n-----END PRIVATE KEY-----\n'


def _everything() -> dict[str, Any]:
    datasources: list[dict[str, Any]] = []
    for number, (kind, args) in enumerate(SOURCES.items()):
        data: dict[str, Any] = {"datasource_args": {**COMMON, **args}, "auto_tidy": number % 2 == 0}
        if kind not in {"CSVSource", "InterMineSource", "OMOPSource", "NullSource"}:
            data["file_system_filters"] = FILTER
        data["data_split"] = (
            {"data_splitter": "predefined", "args": IN_DATA}
            if number % 2
            else {"data_splitter": "percentage", "args": SPLIT}
        )
        datasources.append({"datasource": kind, "name": f"source-{number}", "data_config": data})
    datasources[0]["schema"] = "/srv/schemas/$pat.yaml"
    datasources[0]["datasource_details_config"] = {"display_name": "Pati€nts $1", "description": "two\nlines"}
    datasources[0]["data_config"] |= {
        "force_stypes": {"categorical": ["sex", "$x"], "image_prefix": ["img_"]},
        "column_descriptions": {f"c{at}{text}": text for at, text in enumerate(NASTY)},
        "table_descriptions": {"t": "$"},
        "description": "\n".join(NASTY),
        "ignore_cols": ["name", "$id"],
        "modifiers": {"img": {"prefix": "/srv/$", "suffix": ".png"}, "other": {"suffix": "'$'"}},
    }
    return {
        "name": "eye-pod_2",
        "username": "alice-smith",
        "datasources": datasources,
        "access_manager": {"url": "https://am.hub.staging.bitfount.com"},
        "hub": {"url": "https://hub.staging.bitfount.com"},
        "message_service": {"url": "localhost", "port": 5001, "tls": False, "use_local_storage": True},
        "differential_privacy": {"epsilon": 0.1, "delta": 1e-7},
        "approved_pods": ["bob/pod-b"],
        "update_schema": True,
        "pod_db": {"path": "/srv/$db"},
        "show_datapoints_with_results_in_db": False,
        "version": "1.0.0",
        "config_reload_file_poll_interval_seconds": 30.5,
        "cluster_id": "c-1",
        "ehr_config": {
            "provider": "epic r4", "base_url": "https://fhir.example/r4", "client_id": "c$1", "scopes": ["a.read"],
            "list_resource_ids": ["http://x|1"],
            "key_pair": {"public_key": "PUB\nLIC", "private_key": KEY, "kid": "k1", "alg": "ES384"},
        },
    }  # fmt: skip


def _judged(path: Path, variables: dict[str, str]) -> Any:
    done = subprocess.run(
        [ORACLE_PYTHON, ORACLE, "config", str(path)],
        capture_output=True, text=True, check=True, timeout=110, env={**os.environ, **variables},
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["ok"], told
    return told["value"]


def _arrives(ours: Any, theirs: Any, secrets: dict[str, Secret[str]], at: str = "") -> list[str]:
    """Where what we said is not what the real software has."""
    if isinstance(ours, Reference):
        return [] if secrets[ours.name].reveal() == theirs else [f"{at}: the secret {ours.name}"]
    if isinstance(ours, dict):
        if not isinstance(theirs, dict):
            return [f"{at}: {theirs!r}"]
        return [line for key in ours for line in _arrives(ours[key], theirs.get(key), secrets, f"{at}.{key}")]
    if isinstance(ours, (list, tuple)):
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            return [f"{at}: {theirs!r}"]
        return [
            line
            for number, each in enumerate(ours)
            for line in _arrives(each, theirs[number], secrets, f"{at}[{number}]")
        ]
    return [] if ours == theirs and type(ours) is type(theirs) else [f"{at}: {theirs!r} instead of {ours!r}"]


def _loaded(told: dict[str, Any], folder: Path) -> tuple[PodConfig, Any, dict[str, Secret[str]]]:
    import yaml

    found = read(yaml.safe_dump(told).replace("$", "$$"))
    file = folder / "pod.yaml"
    file.write_text(written(found.config), encoding="ascii")
    variables = {name: environment_value(secret).reveal() for name, secret in found.secrets.items()}
    return found.config, _judged(file, variables), dict(found.secrets)


def test_every_field_arrives_as_it_was_said(tmp_path: Path) -> None:
    config, theirs, secrets = _loaded(_everything(), tmp_path)
    assert _arrives(said(config), theirs, secrets) == []
    assert theirs["datasources"][9]["data_config"]["datasource_args"]["connection_string"].startswith("postgresql")


def test_what_is_not_said_is_the_default_that_we_know(tmp_path: Path) -> None:
    config, theirs, _secrets = _loaded({"name": "eye", "secrets": {"access_key_id": "i", "access_key": "k"}}, tmp_path)
    assert theirs["secrets"] is None
    ours = config.model_dump(mode="json", by_alias=True, exclude={"secrets"})
    assert {key: theirs[key] for key in ours} == {**ours, "version": "1.0.0"}


def test_two_kinds_of_keys_and_the_other_health_record_systems_arrive(tmp_path: Path) -> None:
    keys = {"bitfount": {"access_key_id": "i", "access_key": "k$"}, "ehr": {"access_key_id": "e", "access_key": "f"}}
    told = {"name": "eye", "username": "alice", "secrets": keys, "pod_db": True, "datasources": []}
    told["ehr_config"] = {
        "provider": "nextgen enterprise", "base_url": "https://fhir.nextgen.com/x", "list_resource_ids": ["a"],
        "enterprise_url": "https://e.example", "smart_on_fhir_url": "https://s.example",
        "smart_on_fhir_resource_server_url": "https://r.example",
    }  # fmt: skip
    config, theirs, secrets = _loaded(told, tmp_path)
    assert _arrives(said(config), theirs, secrets) == []
    assert theirs["secrets"] == keys
