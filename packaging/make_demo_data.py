"""Writes resources/demo/patients.csv: invented patients of an eye clinic, the same at every run.

Nobody in it exists. The numbers are drawn from a generator with a fixed seed; no real table was looked at. The
generator is written out here, because the one of the standard library may draw differently in another Python.

    python packaging/make_demo_data.py [FILE]
"""

from __future__ import annotations

import csv
import io
import sys
from datetime import date, timedelta
from pathlib import Path

PATIENTS = 600
SEED = 20_260_501
HEADER = (
    "patient_id",
    "age",
    "sex",
    "systolic_bp",
    "hba1c",
    "bmi",
    "smoker",
    "eye",
    "visit_date",
    "diagnosis_code",
    "va_letters",
)
DIAGNOSES = (("H35.3", 34), ("H36.0", 22), ("H40.1", 18), ("H25.1", 14), ("H34.8", 8), ("H33.0", 3), ("H43.1", 1))
"""ICD-10 codes with their shares in per cent; the last ones are rare on purpose, so that small categories exist."""


class Draws:
    """A linear congruential generator (multiplier and increment of Knuth's MMIX), good enough for a demo."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def share(self) -> float:
        """A number from 0 up to, not including, 1."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self._state >> 11) / (1 << 53)

    def bell(self, middle: float, spread: float) -> float:
        """Roughly normal: the sum of twelve shares has a standard deviation of 1."""
        return middle + spread * (sum(self.share() for _ in range(12)) - 6)

    def code(self) -> str:
        point = self.share() * 100
        for code, share in DIAGNOSES:
            point -= share
            if point < 0:
                return code
        return DIAGNOSES[0][0]


def patients() -> str:
    """The whole table as CSV text."""
    draws = Draws(SEED)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    first_day = date(2024, 1, 8)
    for number in range(PATIENTS):
        age = min(max(round(draws.bell(67, 13)), 18), 96)
        diabetic = draws.share() < 0.35
        writer.writerow(
            (
                f"DEMO-{number + 1:04}",
                age,
                "F" if draws.share() < 0.54 else "M",
                _some(draws, 0.04, str(round(draws.bell(118 + age * 0.3, 14)))),
                _some(draws, 0.12, f"{max(draws.bell(7.6 if diabetic else 5.5, 0.8), 4.1):.1f}"),
                _some(draws, 0.06, f"{max(draws.bell(27, 4.2), 16.0):.1f}"),
                _some(draws, 0.03, "true" if draws.share() < 0.21 else "false"),
                "L" if draws.share() < 0.5 else "R",
                first_day + timedelta(days=int(draws.share() * 540)),
                draws.code(),
                _some(draws, 0.05, str(min(max(round(draws.bell(72 - max(age - 60, 0) * 0.4, 11)), 0), 100))),
            )
        )
    return text.getvalue()


def _some(draws: Draws, missing: float, value: str) -> str:
    return "" if draws.share() < missing else value


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("resources/demo/patients.csv")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(patients(), encoding="utf-8", newline="")
