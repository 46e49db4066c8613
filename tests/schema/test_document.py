"""The version 4 document: its keys, its order, and that it comes back as it was written."""

import hashlib
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput
from podadmin.schema.model import EMPTY_HASH, Document, Feature, read

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_features = st.lists(
    st.one_of(
        st.builds(
            Feature,
            _texts,
            st.none() | _texts,
            st.sampled_from(["Int64", "Float64", "string", "boolean"]),
            st.sampled_from(["continuous", "text"]),
        ),
        st.builds(
            Feature,
            _texts,
            st.none() | _texts,
            st.just("string"),
            st.just("categorical"),
            st.lists(_texts, unique=True, max_size=5).map(tuple),
        ),
        st.builds(
            Feature,
            _texts,
            st.none(),
            st.just("string"),
            st.just("image"),
            dimensions=st.dictionaries(_texts, st.integers(0, 9), max_size=2),
        ),
    ),
    unique_by=lambda feature: feature.name,
    max_size=5,
).map(tuple)
_documents = st.builds(
    Document,
    _texts,
    st.none() | _texts,
    st.integers(0, 10**12),
    _features,
    st.dictionaries(st.sampled_from(["categorical", "image", "text"]), st.lists(_texts, max_size=3).map(tuple)),
    st.sampled_from(["full", "partial", "empty"]),
)


@given(_documents)
def test_a_document_comes_back_as_it_was_written(document: Document) -> None:
    assert read(document.to_yaml()) == document
    assert read(json.dumps(document.as_dict())) == document


@given(_documents)
def test_features_are_sorted_by_name(document: Document) -> None:
    names = [feature["featureName"] for feature in document.as_dict()["features"]]
    assert names == sorted(names)


DOCUMENT = Document(
    "eye-clinic",
    None,
    2,
    (Feature("sex", "as registered", "string", "categorical", ("F", "M")), Feature("age", None, "Int64", "continuous")),
    {"categorical": ("sex",)},
)


def test_keys_stand_in_the_order_of_the_format() -> None:
    written = yaml.safe_load(DOCUMENT.to_yaml())
    assert list(written) == ["name", "description", "number_of_records", "features", "metadata"]
    assert written["features"] == [
        {"featureName": "age", "description": None, "dtype": "Int64", "semanticType": "continuous"},
        {
            "featureName": "sex",
            "description": "as registered",
            "dtype": "string",
            "semanticType": "categorical",
            "encoder": {"classes": {"F": 0, "M": 1}},
        },
    ]
    assert list(written["features"][1]) == ["featureName", "description", "dtype", "semanticType", "encoder"]
    assert list(written["metadata"].items()) == [
        ("bitfount_version", "13.0.0"),
        ("hash", EMPTY_HASH),
        ("force_stypes", {"categorical": ["sex"]}),
        ("schema_version", "4"),
        ("schema_type", "full"),
    ]


def test_the_constant_hash_is_that_of_an_empty_list() -> None:
    assert hashlib.sha256(b"[]").hexdigest() == EMPTY_HASH


def _broken(**changes: object) -> str:
    data = DOCUMENT.as_dict()
    data.update(changes)
    return json.dumps(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "a: [",
        "!!python/object/apply:os.system ['true']",
        _broken(surprise=1),
        _broken(features=None),
        _broken(name=3),
        _broken(number_of_records=-1),
        _broken(number_of_records=True),
        _broken(features=[DOCUMENT.as_dict()["features"][0]] * 2),
        _broken(features=[{"featureName": "a", "dtype": "x", "semanticType": "odd"}]),
        _broken(
            features=[
                {
                    "featureName": "a",
                    "dtype": "string",
                    "semanticType": "categorical",
                    "encoder": {"classes": {"x": 0, "y": 2}},
                }
            ]
        ),
        _broken(metadata={**DOCUMENT.as_dict()["metadata"], "schema_type": "huge"}),
        _broken(metadata={**DOCUMENT.as_dict()["metadata"], "surprise": 1}),
    ],
)
def test_what_is_not_a_schema_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(text)
    assert caught.value.code == "schema.not-a-document"


@pytest.mark.parametrize("version", ["0", "5", None, 4])
def test_another_version_is_named(version: object) -> None:
    with pytest.raises(BadInput) as caught:
        read(_broken(metadata={**DOCUMENT.as_dict()["metadata"], "schema_version": version}))
    assert caught.value.code == "schema.version"


FEATURES = DOCUMENT.as_dict()["features"]


def _older(version: str, **top: object) -> str:
    metadata = {"bitfount_version": "4.0.0", "hash": EMPTY_HASH, "schema_version": version}
    return json.dumps({**top, "metadata": metadata})


def test_older_versions_are_read_as_what_they_say() -> None:
    table = {"name": "eye-clinic", "description": None, "features": FEATURES}
    first = read(_older("1", tables=[{**table, "name": "zoo"}, table]))
    second = read(_older("2", table={**table, "number_of_records": 2}))
    third = read(_older("3", name="eye-clinic", description=None, number_of_records=2, features=FEATURES))
    assert first.features == second.features == third.features == DOCUMENT.features
    assert (first.name, first.records) == ("eye-clinic", 0)
    assert (second.records, third.records) == (2, 2)
    assert read(second.to_yaml()) == second


@pytest.mark.parametrize("top", [{"tables": []}, {"tables": {}}, {"table": []}, {}])
def test_an_older_document_without_a_table_is_refused(top: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        read(_older("1" if "table" not in top else "2", **top))
    assert caught.value.code == "schema.not-a-document"
