"""Every kind's declared fields: from a form's texts to a source, to what is stored, and back without a difference."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, NotFound
from podadmin.datasources.folders import FileFilter
from podadmin.datasources.kinds.fields import FieldForm
from podadmin.datasources.kinds.registry import KINDS, declaration, kind_named, settings_of, source_of, values_of
from podadmin.datasources.model import CsvSource, FolderSource, Kind, Reading, SqlSource
from podadmin.datasources.stored import restored, stored

NEEDED: dict[str, str] = {
    "path": "/data/x",
    "url": "postgresql://reader@server/clinic",
    "service_url": "https://mine.example.org/mine/service",
    "template_name": "patients",
    "version": "v5.4",
    "laterality": "L",
    "series_protocol": "OCT ART Volume",
    "address": "local[2]",
    "server": "trino.example.org",
    "account": "trust-eyes",
    "user": "reader",
    "catalog": "hive",
    "database": "EPR",
    "namespace": "clinic",
    "project": "trust-eyes",
    "dataset": "clinic",
    "table": "visits",
}
WORD = st.text("abcdefghij KLM.ü%€$'\"", min_size=1, max_size=12).map(str.strip).filter(bool)
DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1)).map(date.isoformat)
ENDED = {
    "encoding",
    "separator",
    "quote",
    "query",
    "table",
    "url",
    "service_url",
    "address",
    "server",
    "account",
    "files",
}
"""Fields whose values hang together, or that take few texts: tested by hand below."""

FORMS = {each.kind: each.forms() for each in KINDS}
ENDS = (
    [(f"file_{what}_min_date", f"file_{what}_max_date") for what in ("creation", "modification")]
    + [(f"minimum_{what}", f"maximum_{what}") for what in ("dob", "num_bscans", "acquisition_date")]
    + [("min_file_size", "max_file_size")]
)


def text_for(form: FieldForm) -> st.SearchStrategy[str]:
    """Texts that a person could enter into this field."""
    if form.choices:
        return st.sampled_from([value for value, _words in form.choices])
    if form.name == "file_extension":
        return st.lists(st.sampled_from([".dcm", ".e2e", ".nii.gz"]), max_size=3, unique=True).map(json.dumps)
    return {
        "number": st.integers(1, 50).map(str),
        "date": DAYS,
        "switch": st.sampled_from(["yes", "no"]),
        "list": st.lists(WORD, max_size=3).map(json.dumps),
        "pairs": st.dictionaries(WORD, WORD, max_size=3).map(json.dumps),
        "lines": st.dictionaries(WORD, st.integers(), max_size=3).map(json.dumps)
        if form.name != "description"
        else WORD,
    }.get(form.input, WORD)


TEXTS = {
    kind: {form.name: text_for(form) for form in forms if form.input != "secret" and form.name not in ENDED}
    for kind, forms in FORMS.items()
}


@st.composite
def filled(draw: st.DrawFn) -> tuple[Kind, dict[str, str]]:
    kind = draw(st.sampled_from(list(FORMS)))
    needed = [form.name for form in FORMS[kind] if form.name in NEEDED and (form.required or form.name == "path")]
    given = {name: NEEDED[name] for name in needed}
    free = sorted(TEXTS[kind].keys() - given.keys())
    for name in draw(st.lists(st.sampled_from(free), max_size=8, unique=True)) if free else ():
        given[name] = draw(TEXTS[kind][name])
    for low, high in ENDS:
        if low in given and high in given:
            given[low], given[high] = sorted((given[low], given[high]), key=lambda each: (len(each), each))
    for part in ("training", "validation", "test"):
        if f"{part}_set_label" in given:
            given[f"{part}_set_label"] += f" {part}"
    if given.get("check_required_fields") == "yes":
        given["required_field_names"] = "age, sex"
    if kind is Kind.SPARK:
        given |= draw(st.sampled_from([{"table": "visits"}, {"files": "/data/visits"}]))
    if kind is Kind.SQL:
        given |= draw(st.sampled_from([{"table": "public.visits"}, {"query": "SELECT 1 AS one"}]))
    return kind, given


@given(filled())
def test_what_a_form_says_is_the_same_source_after_every_journey(case: tuple[Kind, dict[str, str]]) -> None:
    kind, given_texts = case
    source = source_of(kind, given_texts, "ds_1")
    assert source.kind is kind
    kept = stored(source)
    assert restored(kind, json.loads(json.dumps(kept))) == source
    texts = values_of(source)
    again = source_of(kind, texts, "ds_1")
    assert again == source
    assert values_of(again) == texts
    assert type(settings_of(source)) is declaration(kind).model


@pytest.mark.parametrize("kind", [each.kind for each in KINDS])
def test_a_field_that_does_not_exist_is_refused_with_the_nearest_name(kind: Kind) -> None:
    forms = declaration(kind).forms()
    needed = {form.name: NEEDED[form.name] for form in forms if form.required}
    with pytest.raises(BadInput) as caught:
        source_of(kind, {**needed, f"{forms[-1].name}_": "3"})
    assert caught.value.code == "datasource.unknown-field"
    assert f"“{forms[-1].name}”" in caught.value.why


@pytest.mark.parametrize("kind", [each.kind for each in KINDS])
def test_a_field_that_is_needed_is_asked_for_by_its_label(kind: Kind) -> None:
    for form in declaration(kind).forms():
        if form.required:
            given_texts = {each.name: NEEDED[each.name] for each in declaration(kind).forms() if each.required}
            del given_texts[form.name]
            with pytest.raises(BadInput) as caught:
                source_of(kind, given_texts)
            assert caught.value.code == "datasource.field-missing"
            assert form.label in caught.value.what
            assert caught.value.field == form.name


@pytest.mark.parametrize("kind", [each.kind for each in KINDS])
def test_every_field_says_what_it_is(kind: Kind) -> None:
    inputs = ["text", "path", "folder", "choice", "number", "date", "switch", "list", "pairs", "secret", "url", "lines"]
    forms = declaration(kind).forms()
    names = [form.name for form in forms]
    assert len(names) == len(set(names))
    for form in forms:
        assert form.input in inputs
        assert form.group in {"basic", "reading", "filter", "split", "advanced"}
        assert form.help.endswith((".", "?"))
        assert form.label[0].isupper()
        assert bool(form.choices) == (form.input == "choice")
        if form.only_with != ("", ""):
            other = next(each for each in forms if each.name == form.only_with[0])
            assert not other.choices or form.only_with[1] in [value for value, _ in other.choices]


def test_every_argument_that_a_pod_of_the_field_takes_can_be_chosen() -> None:
    """The arguments of bitfount contract, sections 1.3 to 1.5 and 2; those with a single value and ours apart."""
    everywhere = {"seed", "partition_size", "required_fields", "auto_tidy", "description", "table_descriptions"}
    files = {"path", "output_path", "infer_class_labels_from_filepaths", "file_extension", "strict_file_extension"}
    files |= {f"file_{what}_{end}_date" for what in ("creation", "modification") for end in ("min", "max")}
    files |= {"min_file_size", "max_file_size"}
    eyes = files | {"modality", "match_slo", "drop_row_on_missing_slo", "minimum_dob", "maximum_dob"}
    eyes |= {"minimum_num_bscans", "maximum_num_bscans", "check_required_fields", "required_field_names"}
    eyes |= {"minimum_acquisition_date", "maximum_acquisition_date", "series_description", "inferred_scan_type"}
    wanted: dict[Kind, set[str]] = {
        Kind.CSV: {"path", "read_csv_kwargs"},
        Kind.IMAGE: files | {"file_extensions"},
        Kind.NIFTI: files | {"file_extensions"},
        Kind.DICOM: files | {"images_only"},
        Kind.DICOM_OPHTHALMOLOGY: eyes | {"images_only", "oct_column", "slo_column"},
        Kind.HEIDELBERG: eyes | {"heidelberg_files_col"},
        Kind.HEIDELBERG_E2E: eyes | {"heidelberg_files_col", "laterality", "series_protocol"},
        Kind.TOPCON: eyes,
        Kind.OMOP: {"url", "version", "read_sql_kwargs"},
        Kind.INTERMINE: {"service_url", "template_name", "token"},
        Kind.NULL: set(),
    }
    for kind, names in wanted.items():
        offered = {form.name for form in declaration(kind).forms()}
        assert names | everywhere <= offered, (kind, (names | everywhere) - offered)


@pytest.mark.parametrize(
    ("kind", "given_texts", "field"),
    [
        (Kind.DICOM, {"path": "/x", "file_creation_min_date": "2024-02-30"}, "file_creation_min_date"),
        (Kind.DICOM, {"path": "/x", "file_creation_min_date": "12345"}, "file_creation_min_date"),
        (Kind.DICOM, {"path": "/x", "partition_size": "many"}, "partition_size"),
        (Kind.DICOM, {"path": "/x", "partition_size": "0"}, "partition_size"),
        (Kind.DICOM, {"path": "/x", "images_only": "perhaps"}, "images_only"),
        (Kind.DICOM, {"path": "/x", "file_extension": "[1]"}, "file_extension"),
        (Kind.DICOM, {"path": "/x", "path_prefixes": "no pair"}, "path_prefixes"),
        (Kind.DICOM, {"path": "/x", "required_fields": "{"}, "required_fields"),
        (Kind.DICOM, {"path": "/x", "required_fields": "[" * 100_000}, "required_fields"),
        (Kind.DICOM, {"path": "/x", "data_splitter": "thirds"}, "data_splitter"),
        (Kind.DICOM, {"path": "/x", "test_percentage": "101"}, "test_percentage"),
        (Kind.DICOM, {"path": "/x", "test_percentage": "60", "validation_percentage": "60"}, ""),
        (Kind.DICOM, {"path": "/x", "training_set_label": "A", "test_set_label": "A"}, ""),
        (Kind.TOPCON, {"path": "/x", "minimum_dob": "2001-01-01", "maximum_dob": "2000-01-01"}, ""),
        (Kind.TOPCON, {"path": "/x", "check_required_fields": "yes"}, ""),
        (Kind.TOPCON, {"path": "/x", "modality": "X-ray"}, "modality"),
        (Kind.HEIDELBERG_E2E, {"path": "/x", "laterality": "left", "series_protocol": "a"}, "laterality"),
        (Kind.OMOP, {"url": "postgresql://a@b/c", "version": "v6"}, "version"),
        (Kind.SQL, {"url": "postgresql://a@b/c"}, ""),
        (Kind.SQL, {"url": "postgresql://a@b/c", "table": "t", "query": "SELECT 1"}, ""),
        (Kind.SQL, {"url": "no address", "table": "t"}, "url"),
        (Kind.INTERMINE, {"service_url": "ftp://a/b", "template_name": "t"}, "service_url"),
        (Kind.INTERMINE, {"service_url": "http://far.example/b", "template_name": "t"}, "service_url"),
        (Kind.INTERMINE, {"service_url": "https://a:70000/b", "template_name": "t"}, "service_url"),
        (Kind.INTERMINE, {"service_url": "https://[/b", "template_name": "t"}, "service_url"),
        (Kind.CSV, {"path": "/x.csv", "encoding": "ebcdic"}, "encoding"),
    ],
)
def test_what_a_field_does_not_take_is_said_at_the_field(kind: Kind, given_texts: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        source_of(kind, given_texts)
    assert caught.value.code in {"datasource.field", "datasource.filter"}
    assert caught.value.field == field


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:hunter2@server/clinic",
        "postgresql://reader@server/clinic?password=hunter2",
        "mssql+pyodbc:///?odbc_connect=DSN%3Da%3BPWD%3Dhunter2",
        "mysql://reader:@server/clinic",
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        source_of(Kind.SQL, {"url": url, "table": "t"})
    assert caught.value.field == "url"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://u:hunter2@mine.example.org/s", "https://mine.example.org/s?token=hunter2"])
def test_a_token_in_the_address_of_a_service_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        source_of(Kind.INTERMINE, {"service_url": url, "template_name": "t"})
    assert "hunter2" not in str(caught.value)


def test_filters_become_those_of_the_inventory() -> None:
    source = source_of(
        Kind.DICOM,
        {
            "path": "/x",
            "file_extension": "DCM, .ima",
            "strict_file_extension": "yes",
            "file_modification_min_date": "2024-01-01",
            "max_file_size": "2.5",
        },
    )
    assert isinstance(source, FolderSource)
    chosen = FileFilter(extensions=(".dcm", ".ima"), strict=True, modified_from=date(2024, 1, 1), largest=2.5)
    assert source.chosen == chosen
    assert source.settings == {}


def test_a_split_and_the_modifiers_are_written_as_a_pod_takes_them() -> None:
    source = source_of(
        Kind.NULL,
        {
            "data_splitter": "percentage",
            "validation_percentage": "20",
            "split_seed": "7",
            "path_prefixes": "image=/scans/",
            "path_suffixes": '{"image": ".png", "mask": ".png"}',
        },
    )
    settings = settings_of(source)
    assert settings.split() == {
        "data_splitter": "percentage",
        "args": {
            "validation_percentage": 20,
            "test_percentage": 10,
            "shuffle": True,
            "iterative_splitting": False,
            "seed": 7,
        },
    }
    assert settings.modifiers() == {"image": {"prefix": "/scans/", "suffix": ".png"}, "mask": {"suffix": ".png"}}
    assert settings_of(source_of(Kind.NULL, {})).split() is None


def test_how_a_text_file_is_read_travels_with_its_words() -> None:
    source = source_of(Kind.CSV, {"path": "/x.csv", "separator": "tab", "header": "no", "encoding": "utf-16"})
    assert source == CsvSource(Path("/x.csv"), Reading("utf-16", "\t", "", False))
    assert values_of(source)["separator"] == "tab"


def test_what_an_older_version_stored_is_read() -> None:
    old: dict[str, Any] = {"path": "/x.csv", "ignore": [], "force": {}, "describe": {}}
    assert restored(Kind.CSV, old) == CsvSource(Path("/x.csv"))
    assert restored(Kind.CSV, {**old, "reading": {"separator": ";"}}) == CsvSource(Path("/x.csv"), Reading("", ";"))


def test_a_secret_is_stored_by_its_name_only() -> None:
    source = source_of(Kind.SQL, {"url": "postgresql://a@b/c", "table": "t"}, "ds_1")
    assert isinstance(source, SqlSource)
    assert stored(source)["secret"] == "ds_1"
    assert "ds_1" not in source.location


def test_a_kind_is_known_by_its_name_in_any_form() -> None:
    for name in ("DICOMSource", "dicom", " Dicom ", "bitfount.DICOMSource"):
        assert kind_named(name) is Kind.DICOM
    with pytest.raises(NotFound) as caught:
        kind_named("FHIRSource")
    assert caught.value.code == "datasource.unknown-kind"
