"""The pure rules: names, masks, dialects, types and choices."""

import errno
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, NotFound, PodadminError, Unavailable
from podadmin.datasources.accessibility import who_can_fix
from podadmin.datasources.choices import check_choices, forced
from podadmin.datasources.dialect import dialect
from podadmin.datasources.dtypes import BOOLEAN, FLOAT, INTEGER, STRING, Evidence, dtype_of, stype_of
from podadmin.datasources.files import unreadable
from podadmin.datasources.masking import masked
from podadmin.datasources.model import ColumnChoices, DatasourceName
from podadmin.datasources.sample import judged


@given(st.text())
def test_a_mask_keeps_the_length_and_can_be_masked_again(value: str) -> None:
    assert len(masked(value)) == len(value)
    assert masked(masked(value)) == masked(value)


@given(st.text())
def test_a_mask_shows_no_letter_but_x_and_no_digit_but_nine(value: str) -> None:
    for char in masked(value):
        assert not unicodedata.category(char).startswith(("L", "N", "M")) or char in "xX9"
        assert char == "·" or char.isascii()


@given(st.text(st.sampled_from("abcdefg"), min_size=1), st.data())
def test_values_of_one_shape_cannot_be_told_apart(value: str, data: st.DataObject) -> None:
    other = data.draw(st.text(st.sampled_from("uvwxyz"), min_size=len(value), max_size=len(value)))
    assert masked(value) == masked(other)


def test_a_mask_keeps_what_a_custodian_needs_to_judge_the_shape() -> None:
    assert masked("Müller, Jörg  1961-04-30") == "Xxxxxx, Xxxx  9999-99-99"


@pytest.mark.parametrize("name", ["a", "eye-clinic-2024", "a_b-c1", "2024"])
def test_names_that_a_pod_accepts_are_accepted(name: str) -> None:
    assert str(DatasourceName(name)) == name


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a-", "a--b", "a-_b", "abc DEF", "é", "a\n", "a.b", "٣"])
def test_names_that_a_pod_refuses_are_refused(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        DatasourceName(name)
    assert caught.value.code == "datasource.name"


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.ENOENT, NotFound, "datasource.not-found"),
        (errno.ENOTDIR, NotFound, "datasource.not-found"),
        (errno.EACCES, Unavailable, "datasource.permission-denied"),
        (errno.EPERM, Unavailable, "datasource.permission-denied"),
        (errno.EISDIR, BadInput, "datasource.not-a-file"),
        (errno.EIO, Unavailable, "datasource.disk"),
        (errno.ESTALE, Unavailable, "datasource.disk"),
    ],
)
def test_every_failure_of_the_file_system_has_its_own_words_and_somebody_who_can_fix_it(
    number: int, kind: type[PodadminError], code: str
) -> None:
    error = unreadable(OSError(number, "secret text of the system", "/a/secret/path"))
    assert type(error) is kind
    assert error.code == code
    assert "secret" not in str(error)
    assert who_can_fix(code).endswith(".")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_that_cuts_all_lines_alike(separator: str) -> None:
    lines = [["id", "note, or remark", "c"], ["1", "a", "2"], ["2", "b; c | d", "3"]]
    text = "\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    found = dialect(text.encode())
    assert found.separator == separator
    assert found.columns == ("id", "note, or remark", "c")


def test_a_single_column_has_no_separator_to_find() -> None:
    assert dialect(b"id\n1\n2\n").separator == ","


def test_a_column_without_a_name_gets_the_name_that_the_pod_will_give_it() -> None:
    assert dialect(b",age\n0,3\n").columns == ("Unnamed: 0", "age")


@pytest.mark.parametrize(
    ("evidence", "dtype"),
    [
        (Evidence(0), STRING),
        (Evidence(3, booleans=3), BOOLEAN),
        (Evidence(3, numbers=3, whole=True), INTEGER),
        (Evidence(3, numbers=3), FLOAT),
        (Evidence(3, numbers=2, whole=True), STRING),
        (Evidence(3, booleans=2, numbers=1), STRING),
    ],
)
def test_a_column_has_the_type_that_all_of_its_cells_fit(evidence: Evidence, dtype: str) -> None:
    assert dtype_of(evidence) == dtype


def test_semantic_types_follow_the_contract() -> None:
    assert stype_of("x", BOOLEAN) == "categorical"
    assert stype_of("x", INTEGER) == stype_of("x", FLOAT) == "continuous"
    assert stype_of("x", STRING) == "text"
    assert stype_of("BITFOUNT_INFERRED_LABEL", STRING) == "categorical"


def test_a_look_counts_what_cells_could_be() -> None:
    seen = judged("x", ["1", " 2.0 ", "1e3", None, "true", "2024-01-02", "1_000", "0x1F", "٣"])
    assert (seen.cells, seen.numbers, seen.whole, seen.booleans, seen.dates) == (8, 3, True, 1, 1)


HEADER = ("age", "sex", "img_left", "img_right")


def test_an_unknown_column_is_refused_with_the_nearest_name() -> None:
    for choices in (
        ColumnChoices(ignore=("agee",)),
        ColumnChoices(force={"agee": "text"}),
        ColumnChoices(describe={"agee": "years"}),
    ):
        with pytest.raises(BadInput) as caught:
            check_choices(choices, HEADER)
        assert caught.value.code == "datasource.unknown-column"
        assert "“age”" in caught.value.why


def test_an_unknown_type_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(BadInput) as caught:
        check_choices(ColumnChoices(force={"sex": "categoric"}), HEADER)
    assert caught.value.code == "datasource.unknown-type"
    assert "“categorical”" in caught.value.why


def test_a_prefix_that_no_column_has_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        check_choices(ColumnChoices(force={"scan_": "image_prefix"}), HEADER)
    assert caught.value.code == "datasource.unknown-column"


def test_choices_that_contradict_each_other_or_leave_nothing_are_refused() -> None:
    with pytest.raises(BadInput) as caught:
        check_choices(ColumnChoices(ignore=("age",), force={"age": "text"}), HEADER)
    assert caught.value.code == "datasource.ignored-and-forced"
    with pytest.raises(BadInput) as caught:
        check_choices(ColumnChoices(ignore=HEADER), HEADER)
    assert caught.value.code == "datasource.nothing-left"


def test_a_prefix_is_spelt_out_and_gives_way_to_a_choice_about_a_column() -> None:
    choices = ColumnChoices(force={"img_left": "text", "img_": "image_prefix"})
    check_choices(choices, HEADER)
    assert forced(choices, HEADER) == {"img_left": "text", "img_right": "image"}
    assert forced(ColumnChoices(ignore=("img_left",), force={"img_": "image_prefix"}), HEADER) == {"img_right": "image"}
