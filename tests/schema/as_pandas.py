"""What a schema of a table file says, held against what pandas, and so a pod, reads from it."""

from __future__ import annotations

import math
from typing import Any

import pandas
import pytest

from podadmin.schema.generate import Generated


def same_as_pandas(found: Generated, theirs: Any) -> None:
    """`theirs`: the table as pandas reads it, with its types converted as a pod does it (bitfount contract, 3.2)."""
    assert found.rows == len(theirs)
    for column in found.columns:
        series = theirs[column.name]
        assert column.nulls == int(series.isna().sum())
        assert column.count == int(series.count())
        assert column.distinct == series.nunique()
        if not column.count:
            continue
        assert column.dtype == ("string" if isinstance(series.dtype, pandas.StringDtype) else str(series.dtype))
        if column.dtype in {"Int64", "Float64"}:
            assert column.minimum == pytest.approx(series.min())
            assert column.maximum == pytest.approx(series.max())
            assert column.mean == pytest.approx(series.astype(float).mean(), rel=1e-9, abs=1e-6)
            if column.count > 1:
                assert column.deviation is not None
                assert math.isclose(column.deviation, series.astype(float).std(), rel_tol=1e-6, abs_tol=1e-6)
