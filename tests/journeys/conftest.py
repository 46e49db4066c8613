"""A custodian for a story."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.custodian import Custodian


@pytest.fixture
def custodian(tmp_path: Path) -> Custodian:
    return Custodian(tmp_path)
