"""Schemas of real files, the same counts as pandas, and work that stops when it is told to."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podadmin.core.clock import SystemClock
from podadmin.core.errors import BadInput, Cancelled, Unavailable
from podadmin.core.progress import Progress, Step
from podadmin.core.resources import resource as shipped
from podadmin.datasources.dtypes import NULL_WORDS
from podadmin.datasources.model import ColumnChoices, CsvSource
from podadmin.schema.generate import Generated, generate
from podadmin.schema.statistics import ColumnStatistics
from tests.patience import quick
from tests.schema.as_pandas import same_as_pandas

Make = Callable[..., Generated]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    def make(
        content: bytes | str, choices: ColumnChoices | None = None, progress: Progress | None = None, **more: Any
    ) -> Generated:
        path = tmp_path / "data.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return generate(
            "demo", CsvSource(path), choices or ColumnChoices(), SystemClock(), progress or Progress(), **more
        )

    return make


def by_name(generated: Generated) -> dict[str, ColumnStatistics]:
    return {column.name: column for column in generated.columns}


def test_the_demo_patients_get_the_schema_that_one_expects() -> None:
    path = shipped("demo", "patients.csv")
    choices = ColumnChoices(
        ignore=("patient_id",), force={"sex": "categorical", "eye": "categorical"}, describe={"age": "years"}
    )
    found = generate("demo", CsvSource(path), choices, SystemClock(), Progress())
    assert found.rows == found.document.records == 600
    assert found.rejected.count == 0
    kinds = {feature.name: (feature.dtype, feature.stype) for feature in found.document.features}
    assert kinds == {
        "age": ("Int64", "continuous"),
        "bmi": ("Float64", "continuous"),
        "diagnosis_code": ("string", "text"),
        "eye": ("string", "categorical"),
        "hba1c": ("Float64", "continuous"),
        "sex": ("string", "categorical"),
        "smoker": ("boolean", "categorical"),
        "systolic_bp": ("Int64", "continuous"),
        "va_letters": ("Int64", "continuous"),
        "visit_date": ("string", "text"),
    }
    features = {feature.name: feature for feature in found.document.features}
    assert features["age"].description == "years"
    assert features["sex"].labels == ("F", "M")
    assert features["smoker"].labels == ("False", "True", "nan")
    assert by_name(found)["visit_date"].minimum == "2024-01-08"
    assert found.document.force_stypes == {"categorical": ("sex", "eye")}


def test_the_demo_file_is_what_its_generator_writes(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "packaging" / "make_demo_data.py"), str(tmp_path / "again.csv")], check=True
    )
    assert (tmp_path / "again.csv").read_bytes() == shipped("demo", "patients.csv").read_bytes()


def test_a_late_change_of_mind_is_heard(made: Make) -> None:
    # the first rows, and more than the look takes in, are whole numbers; what comes later decides
    rows = "".join(f"{n},{n},{n},{n},true\n" for n in range(5000))
    found = by_name(made("int,float,text,null,bool\n" + rows + "1,2.5,x,,true\n1,1,1,,1\n"))
    assert {name: column.dtype for name, column in found.items()} == {
        "int": "Int64",
        "float": "Float64",
        "text": "string",
        "null": "Int64",
        "bool": "string",
    }
    assert found["null"].nulls == 2
    assert found["text"].mean is None
    assert found["float"].maximum == 4999.0


def test_a_column_that_begins_empty_gets_the_type_of_what_comes(made: Make) -> None:
    rows = "".join(f"{n},,,\n" for n in range(5000))
    found = by_name(made("n,i,b,d\n" + rows + "1,7,true,2024-02-29\n"))
    assert [found[name].dtype for name in "ibd"] == ["Int64", "boolean", "string"]
    assert (found["i"].minimum, found["i"].nulls) == (7, 5000)
    assert found["b"].labels == (("True", 1), ("nan", 5000))
    assert found["d"].minimum == found["d"].maximum == "2024-02-29"


@pytest.mark.parametrize("word", NULL_WORDS)
def test_a_late_word_for_empty_counts_as_empty_in_a_file_too_large_for_exact_counts(
    made: Make, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setattr("podadmin.schema.generate.EXACT_BYTES", 0)
    rows = "".join(f"{n},text,true,2024-01-01,\n" for n in range(1500))
    choices = ColumnChoices(force={"t": "categorical"})
    found = made("n,t,b,d,e\n" + rows + ",".join([word] * 5) + "\n", choices)
    columns = by_name(found)
    assert found.rows == 1501
    assert [columns[name].dtype for name in "ntbde"] == ["Int64", "string", "boolean", "string", "string"]
    assert [columns[name].nulls for name in "ntbde"] == [1, 1, 1, 1, 1501]
    assert columns["t"].labels == (("nan", 1), ("text", 1500))
    assert columns["d"].minimum == "2024-01-01"


def test_a_column_of_nothing_is_text(made: Make) -> None:
    found = by_name(made("a,b\n1,\n2,NA\n"))
    assert (found["b"].dtype, found["b"].stype, found["b"].nulls) == ("string", "text", 2)


def test_whole_numbers_beyond_floating_point_keep_their_last_digit(made: Make) -> None:
    found = by_name(made("big,id\n9007199254740993,12345678901234567890123\n1,22345678901234567890123\n"))
    assert (found["big"].dtype, found["big"].maximum) == ("Int64", 9007199254740993)
    assert (found["id"].dtype, found["id"].maximum) == ("string", None)


def test_infinities_do_not_reach_the_document(made: Make) -> None:
    found = made("x,y\n1,1e400\n2.5,-1e400\n")
    assert by_name(found)["x"].mean == 1.75
    json.dumps([column.as_dict() for column in found.columns], allow_nan=False)


def test_labels_of_forced_columns(made: Make) -> None:
    content = "code,n,f,b\n" + "x,1,1.5,true\ny,10,2,false\nx,2,,\n,01,1.50,true\n"
    force = dict.fromkeys(["code", "n", "f", "b"], "categorical")
    found = by_name(made(content, ColumnChoices(force=force)))
    assert found["code"].labels == (("nan", 1), ("x", 2), ("y", 1))
    assert found["n"].labels == (("1", 2), ("10", 1), ("2", 1))
    assert found["f"].labels == (("1.5", 2), ("2.0", 1), ("nan", 1))
    assert found["b"].labels == (("False", 1), ("True", 2), ("nan", 1))
    assert (found["code"].distinct, found["n"].distinct, found["n"].distinct_estimated) == (2, 3, False)


def test_an_image_prefix_is_spelt_out(made: Make) -> None:
    found = made("img_l,img_r,age\na.png,b.png,3\n", ColumnChoices(force={"img_": "image_prefix"}))
    assert {feature.name: feature.stype for feature in found.document.features} == {
        "age": "continuous",
        "img_l": "image",
        "img_r": "image",
    }
    assert found.document.force_stypes == {"image": ("img_l", "img_r")}


def test_too_many_labels_are_refused_before_anything_is_kept(made: Make) -> None:
    content = "id\n" + "".join(f"p{n}\n" for n in range(300))
    for limit in (10, 250, 299):
        with pytest.raises(BadInput) as caught:
            made(content, ColumnChoices(force={"id": "categorical"}), max_labels=limit)
        assert caught.value.code == "schema.too-many-labels"
    assert len(by_name(made(content, ColumnChoices(force={"id": "categorical"}), max_labels=300))["id"].labels) == 300


def test_text_cannot_be_made_continuous(made: Make) -> None:
    with pytest.raises(BadInput) as caught:
        made("x\n1\ntwo\n", ColumnChoices(force={"x": "continuous"}))
    assert caught.value.code == "schema.not-numeric"
    assert "two" not in str(caught.value)


def test_ignored_columns_leave_no_trace(made: Make) -> None:
    found = made("name,age\nSECRET,1\n", ColumnChoices(ignore=("name",)))
    assert [column.name for column in found.columns] == ["age"]
    assert "SECRET" not in repr(found)
    assert "name:" not in found.document.to_yaml().replace("name: demo", "")


def test_text_values_are_not_kept(made: Make) -> None:
    assert "SECRET" not in repr(made("name,age\nSECRET,1\nSECRETS,2\n"))


def test_rejected_lines_are_counted_and_named(made: Make) -> None:
    found = made("a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert found.rows == found.document.records == 2
    assert found.rejected.count == 2
    assert [each.line for each in found.rejected.first] == [3, 4]


def test_a_file_that_grows_underneath_gives_no_schema(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a\n1\n2\n")

    def meddle(step: Step) -> None:
        with path.open("ab") as file:
            file.write(b"3\n")

    with pytest.raises(Unavailable) as caught:
        generate("demo", CsvSource(path), ColumnChoices(), SystemClock(), Progress(meddle))
    assert caught.value.code == "datasource.changed-while-read"


def test_progress_goes_forward_to_the_end(made: Make) -> None:
    steps: list[Step] = []
    rows = "".join(f"{number}\n" for number in range(300))
    made("a\n" + rows, ColumnChoices(force={"a": "categorical"}), Progress(steps.append))
    fractions = [step.fraction for step in steps if step.fraction is not None]
    assert fractions == sorted(fractions)
    assert len({step.what for step in steps}) == 2


_cells = st.fixed_dictionaries(
    {
        "whole": st.none() | st.integers(-(2**40), 2**40),
        "real": st.none() | st.floats(-1e9, 1e9),
        "flag": st.none() | st.booleans(),
        "text": st.none() | st.text(st.sampled_from("abcxyzé ,;\"'\n"), max_size=6),
    }
)


@given(st.lists(_cells, min_size=1, max_size=40))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_and_types_are_those_of_pandas(made: Make, cells: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    pandas.DataFrame(cells, dtype=object).to_csv(text, index_label="row")
    found = made(text.getvalue())
    theirs = pandas.read_csv(io.StringIO(text.getvalue())).convert_dtypes()
    same_as_pandas(found, theirs)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.csv"
    with duckdb.connect() as connection:
        columns = ", ".join(
            f"(random() * 1e6)::INT AS i{n}, random() AS f{n}, 'text' || i % {n + 7} AS t{n}" for n in range(6)
        )
        connection.execute(f"COPY (SELECT {columns} FROM range(1500000) r(i)) TO '{path}' (HEADER)")
    return path


@pytest.mark.slow
def test_work_stops_within_a_second_of_being_told_to(large: Path) -> None:
    def stopped() -> float:
        told: list[float] = []

        def listen(step: Step) -> None:
            if not told and step.fraction is not None and step.fraction > 0.05:
                told.append(time.monotonic())
                progress.cancel()

        progress = Progress(listen)
        with pytest.raises(Cancelled):
            generate("demo", CsvSource(large), ColumnChoices(), SystemClock(), progress)
        return time.monotonic() - told[0]

    quick(1.0, stopped)


_BOUNDED = """
import sys
from pathlib import Path
from podadmin.core.clock import SystemClock
from podadmin.core.progress import Progress
from podadmin.datasources.model import ColumnChoices, CsvSource
from podadmin.schema.generate import generate
source = CsvSource(Path(sys.argv[1]))
print(generate("x", source, ColumnChoices(), SystemClock(), Progress(), memory_limit="128MB").rows)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_does_not_follow_the_size_of_the_file(large: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED, str(large)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    rows, peak = map(int, done.stdout.split())
    assert rows == 1_500_000
    assert large.stat().st_size > 150e6
    assert peak * 1024 < 200e6


@pytest.mark.parametrize("columns", [1, 24, 25, 97, 300])
def test_a_wide_file_is_read_in_turns_and_counted_exactly(made: Make, columns: int) -> None:
    header = ",".join(f"c{number}" for number in range(columns))
    lines = [",".join(str((row * 7 + number) % (number % 5 + 2)) for number in range(columns)) for row in range(40)]
    steps: list[float] = []
    progress = Progress(lambda step: steps.append(step.fraction or 0.0))
    found = made("\n".join([header, *lines]) + "\n", progress=progress)
    assert found.rows == 40
    assert [column.distinct for column in found.columns] == [number % 5 + 2 for number in range(columns)]
    assert not any(column.distinct_estimated for column in found.columns)
    assert steps == sorted(steps)


def test_where_exact_counts_need_more_memory_than_is_allowed_they_are_estimates_that_say_so(made: Make) -> None:
    rows = [",".join(f"{row}-{number}" for number in range(24)) for row in range(300)]
    content = ",".join(f"c{number}" for number in range(24)) + "\n" + "\n".join(rows) + "\n"
    found = made(content, memory_limit="60MB")
    assert found.rows == 300
    assert all(column.distinct_estimated for column in found.columns)
    assert all(abs(column.distinct - 300) < 60 for column in found.columns)
