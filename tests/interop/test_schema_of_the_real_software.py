"""The schema that podadmin writes, held against the one that bitfount 13.0.0 itself made of the same file.

`vectors/schema-of-patients.json` is what the real package generated from the demo data with the same choices.
"""

from __future__ import annotations

import json
from pathlib import Path

from podadmin.core.clock import SystemClock
from podadmin.core.progress import Progress
from podadmin.core.resources import resource
from podadmin.datasources.model import ColumnChoices, CsvSource
from podadmin.schema.generate import generate

REAL = Path(__file__).parent / "vectors" / "schema-of-patients.json"
BOOLEAN_WITH_NULLS = "smoker"


def test_our_schema_of_the_demo_data_is_the_one_that_the_real_software_makes() -> None:
    real = json.loads(REAL.read_text(encoding="utf-8"))
    choices = ColumnChoices(ignore=("patient_id",), force={"sex": "categorical"})
    source = CsvSource(resource("demo", "patients.csv"))
    ours = generate("patients", source, choices, SystemClock(), Progress()).document.as_dict()

    assert ours["number_of_records"] == real["number_of_records"]
    assert ours["metadata"] == real["metadata"]
    mine = {feature["featureName"]: feature for feature in ours["features"]}
    theirs = {feature["featureName"]: feature for feature in real["features"]}
    assert list(mine) == list(theirs)
    # one difference is meant: the real package writes the labels of a boolean column with empty cells as "0.0", "1.0"
    assert list(theirs[BOOLEAN_WITH_NULLS].pop("encoder")["classes"]) == ["0.0", "1.0", "nan"]
    assert list(mine[BOOLEAN_WITH_NULLS].pop("encoder")["classes"]) == ["False", "True", "nan"]
    assert mine == theirs
