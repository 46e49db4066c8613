"""Inference that really computes, metered as the contract says."""

from __future__ import annotations

import io
import json
import math
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput, Cancelled, NotFound
from podadmin.core.progress import Progress
from podadmin.core.resources import resource
from podadmin.pod import inference, sql
from podadmin.pod.usage import InferenceLimit

MODEL = "research-lab/hba1c-risk:1"
ROWS = 2345


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> sql.Source:
    """A file of the shape of the demonstration data, with missing values and awkward text."""
    chance = random.Random(7)
    frame = pd.DataFrame(
        {
            "patient_id": [f"P{number:05}" for number in range(ROWS)],
            "age": [chance.choice(["", str(chance.randint(18, 95))]) for _ in range(ROWS)],
            "sex": [chance.choice("FM") for _ in range(ROWS)],
            "systolic_bp": [str(chance.randint(90, 190)) for _ in range(ROWS)],
            "hba1c": [chance.choice(["NA", f"{chance.uniform(30, 110):.1f}"]) for _ in range(ROWS)],
            "bmi": [f"{chance.uniform(16, 45):.2f}" for _ in range(ROWS)],
            "smoker": [chance.choice(["yes", "no", ""]) for _ in range(ROWS)],
            "note": [chance.choice(["plain", 'a "quoted", note', "două rânduri"]) for _ in range(ROWS)],
        }
    )
    path = tmp_path_factory.mktemp("data") / "patients.csv"
    frame.to_csv(path, index=False)
    return sql.Source("patients", path, ("patient_id",))


def by_hand(source: sql.Source) -> list[float]:
    """The same computation, written down a second time with pandas."""
    frame = pd.read_csv(source.path, dtype=str, keep_default_na=False)
    document = json.loads(resource("demo", "hba1c-risk.json").read_text(encoding="utf-8"))
    total = pd.Series(document["intercept"], index=frame.index)
    for feature in document["features"]:
        text = frame[feature["column"]].replace({"yes": "1", "no": "0", "true": "1", "false": "0", "NA": ""})
        total = total + pd.to_numeric(text).fillna(feature["mean"]) * feature["coefficient"]
    return [1 / (1 + math.exp(-value)) for value in total]


def predict(source: sql.Source, limit: InferenceLimit, wanted: tuple[str, ...] | None = ()) -> inference.Predictions:
    return inference.predict(source, inference.load(MODEL), limit, sql.Bounds(), Progress(), wanted)


def test_predictions_are_those_that_pandas_computes(patients: sql.Source) -> None:
    found = predict(patients, InferenceLimit())
    assert found.values == pytest.approx(by_hand(patients))
    assert (found.asked, found.ended_by_limit) == (ROWS, False)


def test_the_report_holds_the_columns_as_they_are_and_the_predictions(patients: sql.Source) -> None:
    text = inference.as_csv(predict(patients, InferenceLimit(), None))
    report = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    original = pd.read_csv(patients.path, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(report.drop(columns="prediction"), original.drop(columns="patient_id"))
    assert [float(value) for value in report["prediction"]] == pytest.approx(by_hand(patients))


def test_on_the_demonstration_data() -> None:
    source = sql.Source("patients", resource("demo", "patients.csv"), ("patient_id",))
    report = pd.read_csv(io.StringIO(inference.as_csv(predict(source, InferenceLimit(), None))))
    assert list(report["prediction"]) == pytest.approx(by_hand(source))
    assert list(report.columns) == [*pd.read_csv(source.path).columns[1:], "prediction"]
    assert 0.02 < report["prediction"].min() < report["prediction"].mean() < report["prediction"].max() < 0.98


@pytest.mark.parametrize(
    ("limit", "used", "delivered", "ended"),
    [(150, 0, 150, True), (1500, 100, 1400, True), (ROWS, 0, ROWS, True), (ROWS + 1, 0, ROWS, False), (0, 0, 0, True)],
)
def test_limits_cut_the_results(patients: sql.Source, limit: int, used: int, delivered: int, ended: bool) -> None:
    found = predict(patients, InferenceLimit(limit, used), ("sex",))
    assert (len(found.values), len(found.rows), found.ended_by_limit) == (delivered, delivered, ended)
    assert found.values == pytest.approx(by_hand(patients)[:delivered])


def test_a_column_that_the_model_needs_is_missing(patients: sql.Source) -> None:
    for hidden in ("bmi", "smoker"):
        with pytest.raises(BadInput) as missing:
            predict(sql.Source("patients", patients.path, (hidden,)), InferenceLimit())
        assert missing.value.code == "inference.no-column"
        assert hidden in missing.value.what


def test_a_report_cannot_ask_for_an_ignored_column(patients: sql.Source) -> None:
    with pytest.raises(BadInput) as missing:
        predict(patients, InferenceLimit(), ("patient_id",))
    assert missing.value.code == "inference.no-column"


def test_a_value_that_is_no_number_is_said_without_the_value(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("age,systolic_bp,bmi,hba1c,smoker\n50,120,22,40,no\n50,secret-word,22,40,no\n", encoding="utf-8")
    with pytest.raises(BadInput) as odd:
        predict(sql.Source("patients", path), InferenceLimit())
    assert odd.value.code == "inference.not-a-number"
    assert "row 2" in odd.value.why
    assert "secret-word" not in str(odd.value)


def test_unknown_models_are_refused() -> None:
    for name in ("research-lab/hba1c-risk:2", "someone/else:1", "../../etc/passwd"):
        with pytest.raises(NotFound) as unknown:
            inference.load(name)
        assert unknown.value.code == "inference.unknown-model"


def test_the_model_s_file_says_what_it_is() -> None:
    document = json.loads(resource("demo", "hba1c-risk.json").read_text(encoding="utf-8"))
    assert "Not for clinical use" in document["note"]
    assert "not learnt" in document["note"]
    assert "was not trained" in resource("demo", "MODEL.md").read_text(encoding="utf-8")


def test_a_name_that_is_taken_is_an_error(patients: sql.Source) -> None:
    with pytest.raises(BadInput) as taken:
        inference.as_csv(predict(patients, InferenceLimit(), None), "AGE")
    assert taken.value.code == "inference.name-taken"


def test_a_cancelled_run_ends(patients: sql.Source) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        inference.predict(patients, inference.load(MODEL), InferenceLimit(), sql.Bounds(), progress)


@given(st.lists(st.one_of(st.none(), st.floats(-1e300, 1e300)), min_size=5, max_size=5))
def test_every_row_gives_a_probability(values: list[float | None]) -> None:
    assert 0.0 <= inference.probability(inference.load(MODEL), values) <= 1.0
