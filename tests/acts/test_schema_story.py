"""From a file to a schema that networks may have: looked at, decided on, released, compared, described."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from nanoarrow import Schema, c_array_stream
from nanoarrow.ipc import InputStream

from podadmin.app.acts.registry import call, find
from podadmin.app.profile import Profile
from podadmin.core.errors import BadInput, Refused
from podadmin.schema import releases
from podadmin.schema.model import read

Do = Callable[..., Any]


@pytest.fixture
def do(profile: Profile) -> Do:
    """Calls an act by its name; `name` can be an argument of the act as well."""

    def act(wanted: str, /, **arguments: object) -> Any:
        return call(find(wanted), profile, arguments)

    return act


@pytest.fixture
def clinic(do: Do, tmp_path: Path) -> Path:
    """A connected datasource `clinic` with a saved schema; three patients have a rare code."""
    path = tmp_path / "clinic.csv"
    rows = [f"{(n % 2 and 'M') or 'F'},{'H99' if n < 3 else 'H35'},{20 + n % 60},p{n}@example.org" for n in range(200)]
    path.write_text("sex,code,age,contact\n" + "\n".join(rows) + "\n", encoding="utf-8")
    do("datasource add", name="clinic", path=str(path), force={"sex": "categorical", "code": "categorical"})
    do("schema generate", datasource="clinic", save=True)
    return path


def test_a_schema_is_released_only_after_everything_that_is_marked_was_confirmed(
    do: Do, clinic: Path, profile: Profile
) -> None:
    view = do("schema show", datasource="clinic")
    assert view.unconfirmed == ("code", "contact")
    with pytest.raises(Refused) as refused:
        do("schema release", datasource="clinic")
    assert refused.value.code == "schema.unconfirmed"
    assert do("schema merge", datasource="clinic", column="code", small=True, into="rare").unconfirmed == (
        "code",
        "contact",
    )
    do("schema withhold", datasource="clinic", column="code", label=["H99"])
    view = do("schema confirm", datasource="clinic", column=["contact"])
    assert view.unconfirmed == ()
    view = do("schema release", datasource="clinic")
    assert view.released_at is not None
    document = releases.outgoing(profile.store, view.datasource)
    labels = {feature.name: feature.labels for feature in document.features}
    assert labels["code"] == ("H35",)
    assert labels["sex"] == ("F", "M")


def test_a_confirmation_counts_no_more_once_something_else_would_be_told(do: Do, clinic: Path) -> None:
    do("schema confirm", datasource="clinic", column=["code", "contact"])
    assert do("schema show", datasource="clinic").unconfirmed == ()
    with clinic.open("a", encoding="utf-8") as file:
        file.write("F,H01,44,last@example.org\n")
    assert do("schema generate", datasource="clinic", save=True).unconfirmed == ("code",)


def test_merged_labels_are_one_label_and_can_be_taken_back(do: Do, clinic: Path) -> None:
    do("schema merge", datasource="clinic", column="code", label=["H99", "H35"], into="any")
    code = next(each for each in do("schema show", datasource="clinic").columns if each.name == "code")
    assert (code.labels, code.decided) == (("any",), "2 merged")
    do("schema tell", datasource="clinic", column="code")
    code = next(each for each in do("schema show", datasource="clinic").columns if each.name == "code")
    assert (code.labels, code.decided, code.small) == (("H35", "H99"), "", 1)


@pytest.mark.parametrize("label", ["H77", "h35", ""])
def test_a_label_that_is_not_there_cannot_be_decided_on(do: Do, clinic: Path, label: str) -> None:
    with pytest.raises(BadInput) as caught:
        do("schema withhold", datasource="clinic", column="code", label=[label])
    assert caught.value.code == "schema.unknown-label"


def test_what_changed_is_told_against_what_was_released(do: Do, clinic: Path) -> None:
    do("schema confirm", datasource="clinic", column=["code", "contact"])
    do("schema release", datasource="clinic")
    assert do("schema drift", datasource="clinic") == ()
    text = clinic.read_text(encoding="utf-8").replace("age", "years").replace("H35", "A00")
    clinic.write_text(text, encoding="utf-8")
    do("schema generate", datasource="clinic", save=True)
    told = {(each.column, each.breaking): each.what for each in do("schema drift", datasource="clinic")}
    assert told["age", True] == "The column is gone."
    assert "“H35”" in told["code", True]
    assert told["years", False] == "The column is new (continuous)."


def test_where_the_contract_and_common_sense_differ_the_other_way_is_named(do: Do, tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    rows = "".join(f"{n % 3},ward {'ABC'[n % 3]},{n},{'yes' if n % 2 else 'no'}\n" for n in range(60))
    path.write_text("triage,ward,number,contact\n" + rows, encoding="utf-8")
    do("datasource add", name="visits", path=str(path))
    do("schema generate", datasource="visits", save=True)

    def other(column: str) -> str:
        facts = do("schema column", datasource="visits", column=column).summary
        return next((fact.value for fact in facts if fact.label == "Another way"), "")

    # the default is the contract's, for text and for codes alike
    types = {each.name: each.stype for each in do("schema show", datasource="visits").columns}
    assert (types["triage"], types["ward"], types["number"]) == ("continuous", "text", "continuous")
    assert other("triage").startswith("It has 3 different values only. Chosen as “categorical”")
    assert other("ward").endswith("by the pod's rule it is text.")
    assert other("number") == ""
    do("datasource change", datasource="visits", force={"ward": "categorical"})
    do("schema generate", datasource="visits", save=True)
    assert other("ward") == ""


def test_statistics_of_a_column_stay_here(do: Do, clinic: Path) -> None:
    facts = do("schema column", datasource="clinic", column="age")
    shown = {fact.label: fact.value for fact in facts.summary}
    assert shown["From, to"] == "20 to 79"
    assert shown["Median"] == "47.5" or shown["Median"].startswith("about 4")
    assert sum(rows for _, _, rows in facts.bars) == 200
    contact = do("schema column", datasource="clinic", column="contact")
    assert ("Looks like", "e-mail addresses (most values say so: they are written as e-mail addresses)") in [
        (fact.label, fact.value) for fact in contact.summary
    ]
    assert contact.top == ()


def test_descriptions_come_from_a_dictionary_and_reach_the_features(do: Do, clinic: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("Variable", "Description"), ("AGE", "Age in years"), ("sex", "As registered"), ("gone", "x")):
        book.worksheets[0].append(row)
    book.save(tmp_path / "dictionary.xlsx")
    done = do("schema describe", datasource="clinic", dictionary=str(tmp_path / "dictionary.xlsx"))
    assert done.words == "2 columns of clinic were described. 1 names in it are no columns here."
    described = {each.name: each.description for each in do("schema show", datasource="clinic").columns}
    assert described == {"age": "Age in years", "sex": "As registered", "code": "", "contact": ""}
    again = do("schema generate", datasource="clinic", save=True)
    assert {each["featureName"]: each["description"] for each in again.document["features"]}["age"] == "Age in years"


def test_a_schema_in_the_words_of_others(do: Do, clinic: Path, tmp_path: Path) -> None:
    do("schema withhold", datasource="clinic", column="code", small=True)
    (tmp_path / "d.csv").write_text("name;label\nage;Age in years\n", encoding="utf-8")
    do("schema describe", datasource="clinic", dictionary=str(tmp_path / "d.csv"))
    for format in ("yaml", "frictionless", "arrow"):  # noqa: A001
        do("schema export", datasource="clinic", to=str(tmp_path / format), format=format)
    features = {feature.name: feature for feature in read((tmp_path / "yaml").read_text()).features}
    assert features["code"].labels == ("H35",)
    table = json.loads((tmp_path / "frictionless").read_text())
    assert table["fields"][0] == {"name": "age", "type": "integer", "description": "Age in years"}
    assert table["fields"][1]["constraints"] == {"enum": ["H35"]}
    message = base64.b64decode((tmp_path / "arrow").read_text(), validate=True)
    assert message[:4] == b"\xff\xff\xff\xff"
    assert len(message) == 8 + int.from_bytes(message[4:8], "little")
    fields = list(Schema(c_array_stream(InputStream.from_readable(io.BytesIO(message))).get_schema()).fields)
    assert [(field.name, str(field.type)) for field in fields][:2] == [("_index_", "Type.INT64"), ("age", "Type.INT64")]
    assert dict(fields[1].metadata.items()) == {b"__doc__": b"Age in years"}


def test_a_configuration_of_the_networks_own_software_is_taken_whole(do: Do, clinic: Path, tmp_path: Path) -> None:
    config = {
        "datasource_name": "eye-clinic",
        "description": "All of it",
        "column_descriptions": {"eye-clinic": {"age": "Age in years"}},
        "ignore_cols": ["contact"],
        "force_stypes": {"categorical": ["sex"]},
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    view = do("schema preview", path=str(clinic), config=str(tmp_path / "config.json"))
    assert (view.document["name"], view.document["description"]) == ("eye-clinic", "All of it")
    assert [each["featureName"] for each in view.document["features"]] == ["age", "code", "sex"]
    assert view.document["features"][0]["description"] == "Age in years"
    config["force_stypes"] = {"categorical": ["sexe"]}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        do("schema preview", path=str(clinic), config=str(tmp_path / "config.json"))
    assert "“sex”" in caught.value.why


def test_the_journal_tells_what_was_decided_without_a_label(
    do: Do, clinic: Path, profile: Profile, acts: Callable[[], list[str]]
) -> None:
    do("schema withhold", datasource="clinic", column="code", small=True)
    do("schema confirm", datasource="clinic", column=["contact"])
    do("schema release", datasource="clinic")
    assert [act for act in acts() if act.startswith("schema.")] == [
        "schema.generation-begun",
        "schema.saved",
        "schema.generation-ended",
        "schema.labels-decided",
        "schema.confirmed",
        "schema.released",
    ]
    assert not any("H99" in entry.body or "H35" in entry.body for entry in profile.entries_since(0))
