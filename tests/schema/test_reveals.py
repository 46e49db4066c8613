"""What publishing reveals: labels are data, small ones point at people, names of columns give identifiers away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.schema.reveals import Reveal, reveals, suspected
from podadmin.schema.statistics import ColumnStatistics, label, labelled


def column(name: str, stype: str, labels: tuple[tuple[str, int], ...] = (), dtype: str = "string") -> ColumnStatistics:
    count = sum(times for text, times in labels if text != "nan") or 100
    return ColumnStatistics(name, dtype, stype, False, None, count, 0, len(labels), False, labels=labels)


@pytest.mark.parametrize(
    "name",
    [
        "name", "Surname", "first_name", "patientName", "DOB", "date_of_birth", "birthDate", "PostCode", "zip",
        "NHSNumber", "nhs_no", "MRN", "ssn", "patient_id", "PatientID", "email", "e_mail", "Phone", "home_address",
        "ip_address", "StudyInstanceUID", "pid", "mobile2",
    ],
)  # fmt: skip
def test_names_that_give_an_identifier_away(name: str) -> None:
    assert suspected(name)


@pytest.mark.parametrize(
    "name", ["age", "sex", "systolic_bp", "hba1c", "va_letters", "smoker", "eye", "filename", "bmi", "visit_date", ""]
)
def test_names_that_do_not(name: str) -> None:
    assert suspected(name) == ""


def test_records_and_names_of_columns_are_always_told() -> None:
    told = reveals(600, [column("age", "continuous", dtype="Int64")])
    assert told[0] == Reveal("", "That there are 600 records.", (), "plain")
    assert told[1].values == ("age",)
    assert len(told) == 2


def test_labels_are_told_because_they_are_data_and_empty_cells_are_not() -> None:
    told = reveals(100, [column("sex", "categorical", (("F", 50), ("M", 45), ("nan", 5)))])
    assert [(each.tone, each.values) for each in told[2:]] == [("plain", ("F", "M"))]


def test_a_label_that_few_have_is_marked() -> None:
    told = reveals(100, [column("code", "categorical", (("H35", 91), ("H43", 9)))])
    assert (told[2].tone, told[2].values) == ("warn", ("H43 (9)",))
    assert [each.tone for each in reveals(100, [column("code", "categorical", (("H35", 90), ("H43", 10)))])[2:]] == [
        "plain"
    ]


def test_a_categorical_identifier_is_the_worst_there_is() -> None:
    labels = tuple((f"DEMO-{n:03}", 1) for n in range(100))
    assert reveals(100, [column("patient_id", "categorical", labels)])[2].tone == "bad"
    near = reveals(100, [column("code", "categorical", labels)])
    assert near[2].tone == "bad"
    assert "100 different values in 100 records" in near[2].what


def test_an_identifier_that_stays_text_gives_away_its_name_only() -> None:
    told = reveals(100, [column("patient_id", "text")])
    assert (told[2].tone, told[2].values) == ("warn", ())


def test_labels_are_shown_as_plain_text() -> None:
    told = reveals(100, [column("x", "categorical", (("a\u202eb", 100),))])
    assert told[2].values == ("a<U+202E>b",)


@given(st.lists(st.tuples(st.none() | st.text(max_size=5), st.integers(1, 9)), max_size=20))
def test_labels_are_sorted_as_text_and_lose_no_cell(cells: list[tuple[str | None, int]]) -> None:
    found = labelled(cells, "string")
    assert [text for text, _ in found] == sorted({"nan" if text is None else text for text, _ in cells})
    assert sum(times for _, times in found) == sum(times for _, times in cells)


@pytest.mark.parametrize(
    ("text", "dtype", "expected"),
    [
        ("01", "Int64", "1"),
        (" +7 ", "Int64", "7"),
        ("2.0", "Int64", "2"),
        ("1e3", "Int64", "1000"),
        ("9007199254740993", "Int64", "9007199254740993"),
        ("1.50", "Float64", "1.5"),
        ("2", "Float64", "2.0"),
        ("TRUE", "boolean", "True"),
        ("false", "boolean", "False"),
        (" x ", "string", " x "),
    ],
)
def test_a_label_is_the_value_that_the_pod_reads(text: str, dtype: str, expected: str) -> None:
    assert label(text, dtype) == expected


def test_numbers_are_labelled_in_the_order_of_text() -> None:
    assert [text for text, _ in labelled([("2", 1), ("10", 1), ("1", 1)], "Int64")] == ["1", "10", "2"]
