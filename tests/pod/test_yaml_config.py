"""The configuration file of a real pod: what is written reads back as it was, whatever stands in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.secret import Secret
from podadmin.networks.bitfount.config_values import FromEnvironment
from podadmin.networks.bitfount.pod_config import DatasourceConfig, PodConfig
from podadmin.networks.bitfount.source_args import ARGS, FILTERED, OMOPSourceArgs
from podadmin.pod.yaml_config import as_json, environment_value, written
from podadmin.pod.yaml_reading import LARGEST, Found, read

ODD = "$'\"{}|#: \n\tab_1-\\&*!%@`,[]?\u202e\x00\x7fé😀"
NASTY = st.text(st.one_of(st.sampled_from(ODD), st.characters(codec="utf-8")))
TABLE = st.dictionaries(NASTY, NASTY, max_size=2)
WORD = st.from_regex(r"[a-z0-9]{1,6}([-_][a-z0-9]{1,6}){0,2}", fullmatch=True)
PATH = NASTY.map(lambda text: "/srv/" + text.replace("\0", ""))
DATE = st.fixed_dictionaries(
    {"year": st.integers(1900, 2100)}, optional={"month": st.integers(1, 12), "day": st.integers(1, 28)}
)
COLUMNS = st.lists(NASTY, max_size=3)


def _args(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    known: dict[str, st.SearchStrategy[Any]] = {
        "path": PATH, "output_path": PATH, "seed": st.integers(0, 2**31), "partition_size": st.integers(1, 5000),
        "ignore_cols": COLUMNS | NASTY, "required_fields": st.dictionaries(NASTY, NASTY | st.integers(), max_size=2),
        "read_csv_kwargs": st.dictionaries(NASTY, st.booleans() | NASTY | st.lists(NASTY, max_size=2), max_size=2),
        "iterable": st.just(True), "fast_load": st.just(True), "cache_images": st.just(False),
        "infer_class_labels_from_filepaths": st.booleans(), "file_extensions": COLUMNS, "images_only": st.booleans(),
        "read_sql_kwargs": TABLE, "version": st.sampled_from(["v3.0", "v5.3", "v5.4"]),
        "laterality": st.sampled_from("LRBU"), "series_protocol": NASTY, "service_url": NASTY, "template_name": NASTY,
        "heidelberg_csv_columns": st.fixed_dictionaries({"heidelberg_files_col": NASTY}),
        "dicom_ophthalmology_csv_columns": st.fixed_dictionaries({"oct_column": NASTY}),
        "ophthalmology_args": st.fixed_dictionaries(
            {}, optional={"modality": st.sampled_from(["OCT", "SLO"]), "minimum_dob": DATE, "match_slo": st.booleans(),
                          "required_field_names": COLUMNS, "series_description": NASTY,
                          "inferred_scan_type": st.just("Macular (strict)"), "minimum_num_bscans": st.integers(0, 99)}),
        "connection_string": st.just(FromEnvironment(name="DB")), "token": st.just(FromEnvironment(name="TOKEN")),
    }  # fmt: skip
    model = ARGS[kind]
    needed = {name: known[name] for name, each in model.model_fields.items() if each.is_required()}
    others = {name: known[name] for name, each in model.model_fields.items() if not each.is_required()}
    return st.fixed_dictionaries(needed, optional=others)


@st.composite
def datasources(draw: st.DrawFn, name: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(ARGS)))
    data: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"datasource_args": _args(kind)},
            optional={
                "force_stypes": st.dictionaries(st.sampled_from(["categorical", "image_prefix"]), COLUMNS),
                "column_descriptions": TABLE,
                "table_descriptions": TABLE,
                "description": NASTY,
                "ignore_cols": COLUMNS | st.dictionaries(NASTY, COLUMNS, max_size=2),
                "modifiers": st.dictionaries(
                    NASTY, st.fixed_dictionaries({}, optional={"prefix": NASTY, "suffix": NASTY})
                ),
                "auto_tidy": st.booleans(),
                "data_split": st.one_of(
                    st.fixed_dictionaries(
                        {"args": st.fixed_dictionaries({"validation_percentage": st.integers(0, 50)})}
                    ),
                    st.fixed_dictionaries(
                        {"data_splitter": st.just("predefined"), "args": st.fixed_dictionaries({"column_name": NASTY})}
                    ),
                ),
            },
        )
    )
    if kind in FILTERED and draw(st.booleans()):
        data["file_system_filters"] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "file_extension": NASTY | COLUMNS,
                    "file_creation_min_date": DATE,
                    "min_file_size": st.floats(0, 1e6),
                    "strict_file_extension": st.booleans(),
                },
            )
        )
    made: dict[str, Any] = {"datasource": kind, "name": name, "data_config": data}
    if draw(st.booleans()):
        made["datasource_details_config"] = {"display_name": draw(NASTY), "description": draw(NASTY)}
    if draw(st.booleans()):
        made["schema"] = draw(PATH)
    return made


@st.composite
def configs(draw: st.DrawFn) -> PodConfig:
    told: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {"name": WORD},
            optional={
                "username": st.from_regex(r"[a-z0-9]{1,10}(-[a-z0-9]{1,10})?", fullmatch=True),
                "differential_privacy": st.fixed_dictionaries({"epsilon": st.floats(0.001, 100)}),
                "approved_pods": st.lists(NASTY, max_size=2),
                "update_schema": st.booleans(),
                "pod_db": st.booleans() | PATH.map(lambda path: {"path": path}),
                "show_datapoints_with_results_in_db": st.booleans(),
                "version": NASTY,
                "cluster_id": NASTY,
                "config_reload_file_poll_interval_seconds": st.floats(0.1, 1e6),
                "hub": st.just({"url": "https://hub.staging.bitfount.com"}),
                "message_service": st.just({"url": "localhost", "port": 5001, "tls": False}),
                "ehr_config": st.one_of(
                    st.just({"provider": "nextgen enterprise", "base_url": "https://fhir.example/r4"}),
                    st.builds(
                        lambda scopes, lists: {
                            "provider": "generic r4", "base_url": "https://x.example/fhir", "client_id": "c",
                            "scopes": scopes, "list_resource_ids": lists,
                            "key_pair": {"public_key": "P", "private_key": FromEnvironment(name="EHR"), "kid": "k"},
                        },
                        st.lists(NASTY, max_size=2), st.lists(NASTY, max_size=2),
                    ),
                ),
            },
        )
    )  # fmt: skip
    if draw(st.booleans()):
        told["datasources"] = [draw(datasources(f"d{at}")) for at in range(draw(st.integers(0, 3)))]
    return PodConfig.model_validate(told)


@settings(max_examples=150)
@given(configs())
def test_what_is_written_reads_back_as_it_was(config: PodConfig) -> None:
    text = written(config)
    assert text.isascii()
    found = read(text)
    assert found.config == config
    assert found.secrets == {}
    assert found.relative == ()
    assert written(found.config) == text


@settings(max_examples=300)
@given(NASTY, NASTY)
def test_every_dollar_is_doubled_or_written_as_an_escape(key: str, value: str) -> None:
    config = PodConfig.model_validate(_pod(data_config={"datasource_args": {}, "column_descriptions": {key: value}}))
    text = written(config)
    assert text.replace("$$", "").count("$") == 0
    assert '"$$' not in text
    assert '$$"' not in text
    # what stands at the beginning of a line after a `#` would be cut out before the text is read
    assert not any(line.startswith("#") for line in text.splitlines())


def test_secrets_are_taken_out_and_a_variable_stands_for_each() -> None:
    found = read(
        "name: eye\nusername: alice\nsecrets: {access_key_id: kid, access_key: 'top-s3cret'}\n"
        "ehr_config: {provider: generic r4, base_url: 'https://x.example', client_id: c, scopes: [],\n"
        "  key_pair: {public_key: P, private_key: 'PRIV s3cret', kid: k}}\n"
        "datasources:\n- {datasource: OMOPSource, name: my-omop,"
        " data_config: {datasource_args: {connection_string: 'pg://u:s3cret@h/d'}}}\n"
        "- {datasource: InterMineSource, name: mine,"
        " data_config: {datasource_args: {service_url: u, template_name: t, token: s3cret-token}}}\n"
    )
    values = {name: secret.reveal() for name, secret in found.secrets.items()}
    assert values == {
        "BITFOUNT_API_KEY_ID": "kid",
        "BITFOUNT_API_KEY": "top-s3cret",
        "BITFOUNT_EHR_KEY_PAIR_PRIVATE_KEY": "PRIV s3cret",
        "PODADMIN_MY_OMOP_CONNECTION_STRING": "pg://u:s3cret@h/d",
        "PODADMIN_MINE_TOKEN": "s3cret-token",
    }
    text = written(found.config)
    assert "s3cret" not in text + repr(found)
    assert 'connection_string: "${PODADMIN_MY_OMOP_CONNECTION_STRING}"' in text
    # the pod's own key is not even named: the real software looks for it in its environment by itself
    assert "secrets" not in text
    args = found.config.datasources[0].data_config.datasource_args if found.config.datasources else None
    assert isinstance(args, OMOPSourceArgs)
    assert args.connection_string.name == "PODADMIN_MY_OMOP_CONNECTION_STRING"


def test_the_value_of_a_variable_arrives_through_the_quotation_marks() -> None:
    nasty = 'pa"ss\\w$ord${X}\n😀é'
    told = environment_value(Secret(nasty)).reveal()
    assert "$" not in told
    assert yaml.safe_load(f'"{told}"') == nasty
    assert environment_value(Secret(nasty), in_file=False).reveal() == nasty


def test_the_control_server_is_told_the_datasources_with_their_secrets() -> None:
    config = PodConfig.model_validate(
        _pod("OMOPSource", data_config={"datasource_args": {"connection_string": FromEnvironment(name="DB")}})
    )
    told = json.loads(as_json(config, {"DB": Secret("pg://x")}).reveal())
    assert told == [
        {"datasource": "OMOPSource", "name": "d", "data_config": {"datasource_args": {"connection_string": "pg://x"}}}
    ]
    with pytest.raises(Unavailable) as met:
        as_json(config, {})
    assert met.value.code == "pod.config-secret"


def test_variables_are_put_in_as_the_real_software_does(tmp_path: Path) -> None:
    text = (
        "name: eye\ncluster_id: $CLUSTER\nversion: 'v${MINOR|7}-$$5'\nmessage_service: {port: $PORT}\n"
        "datasources:\n- {datasource: CSVSource, name: d, schema: s/x.yaml,"
        " data_config: {datasource_args: {path: data/p.csv, ignore_cols: ['a$$', \"b\"]}}}\n"
    )
    found = read(
        text, environment={"CLUSTER": "c9", "PORT": "8443"}, beside=tmp_path / "conf", started_in=tmp_path / "w"
    )
    assert (found.config.cluster_id, found.config.version) == ("c9", "v7-$5")
    assert found.config.message_service.port == 8443
    (source,) = found.config.datasources or ()
    assert source.schema_path == str(tmp_path / "conf" / "s" / "x.yaml")
    assert source.data_config.datasource_args.model_dump()["path"] == str(tmp_path / "w" / "data" / "p.csv")
    assert source.data_config.datasource_args.ignore_cols == ("a$", "b")
    assert found.relative == ("datasources.#.schema", "datasources.#.data_config.datasource_args.path")
    with pytest.raises(BadInput) as met:
        read("name: eye\ncluster_id: $CLUSTER")
    assert met.value.code == "pod.config-variable"
    assert "CLUSTER" in met.value.why


def test_an_escape_of_yaml_is_no_variable() -> None:
    text = 'name: eye\nversion: "\\x24HOME $$ \\\\x24"\ncluster_id: \\x24a\napproved_pods: ["\\x24"]\n'
    found = read(text).config
    assert (found.version, found.cluster_id, found.approved_pods) == ("$HOME $ \\x24", "\\x24a", ("$",))
    config = PodConfig.model_validate(
        {"name": "eye", "version": "$lUS=", "cluster_id": "a$b$", "approved_pods": ["\\$x"]}
    )
    assert read(written(config)).config == config


def test_a_secret_that_is_a_variable_already_stays_one() -> None:
    text = "name: eye\nsecrets: {access_key_id: $MY_ID, access_key: '${MY_KEY}'}\n"
    found = read(text)
    assert found.variables == ("MY_ID", "MY_KEY")
    assert found.secrets == {}
    assert 'access_key: "${MY_KEY}"' in written(found.config)
    assert read(text, environment={"MY_KEY": "v"}).secrets["MY_KEY"].reveal() == "v"


def test_datasources_lose_the_prefix_with_which_filters_are_refused() -> None:
    found = read(
        "name: eye\ndatasources:\n- {datasource: bitfount.DICOMSource, name: d,"
        " data_config: {datasource_args: {path: /d}, file_system_filters: {file_extension: .dcm}}}\n"
    )
    assert "datasource: DICOMSource" in written(found.config)


CSV = "name: eye\ndatasources: [{datasource: CSVSource, name: d"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 9)}]\n" for at in range(9)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a table"),
        ("- a", "not a table"),
        ("name: [", "not YAML"),
        ("name: !!python/object/apply:os.system [x]", "something else"),
        ("name: !!python/name:os.system", "not YAML"),
        ("? [a, b]\n: c", "not text"),
        (BOMB, "unfolds"),
        ("a: &a [*a]", "nested"),
        ("x: " + "[" * 200 + "]" * 200, "nested"),
        ("x: " + "[" * 60_000, "not YAML"),
        ("name: eye\n# " + "x" * LARGEST, "longer than"),
        ("{}", "name"),
        ("name: abc DEF", "name"),
        ("name: ab--c", "name"),
        ("name: eye\nusername: Alice", "username"),
        ("name: eye\nnonsense: 1", "nonsense"),
        ("name: eye\nmessage_service: {tls: false}", "TLS"),
        ("name: eye\nhub: {url: 'https://u:p@hub.example'}", "hub.url"),
        ("name: eye\nconfig_reload_file_poll_interval_seconds: 0", "poll"),
        (CSV + ", data_config: {datasource_args: {path: p.csv}}}]", "absolute"),
        (CSV + "}, {datasource: CSVSource, name: d}]", "same name"),
        (CSV + ", data_config: {file_system_filters: {}}}]", "takes no filter"),
        ("name: eye\ndatasources: [{datasource: OMOPSource, name: d}]", "connection_string"),
        ("name: eye\nversion: caf\udce9", "not YAML"),
    ],
    ids=range(24),
)  # fmt: skip
def test_what_no_pod_could_use_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(BadInput) as met:
        read(text)
    assert met.value.code == "pod.config-unusable"
    assert why in met.value.why


def test_an_error_never_tells_a_value() -> None:
    with pytest.raises(BadInput) as met:
        read("name: eye\nhub: {url: s3cret-value}\napproved_pods: s3cret-too")
    assert "s3cret" not in str(met.value)


def test_a_secret_in_clear_has_no_way_into_a_configuration() -> None:
    with pytest.raises(ValueError, match="environment"):
        DatasourceConfig.model_validate(
            {
                "datasource": "OMOPSource",
                "name": "d",
                "data_config": {"datasource_args": {"connection_string": "pg://u:p@h"}},
            }
        )


def test_arguments_of_a_plugin_have_to_fit_the_table_of_some_kind() -> None:
    def told(args: str) -> Found:
        return read(
            f"name: eye\ndatasources: [{{datasource: MyPlugin, name: d, data_config: {{datasource_args: {args}}}}}]"
        )

    assert told("{path: /d, fast_load: true}").config.datasources
    with pytest.raises(BadInput, match="plugin"):
        told("{depth: 3}")


def _pod(datasource: str = "CSVSource", **more: Any) -> dict[str, Any]:
    return {"name": "eye", "datasources": [{"datasource": datasource, "name": "d", **more}]}
