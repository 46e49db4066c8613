"""Which type a column has, decided from counts over its cells. Pure rules.

The names are those of pandas' nullable types, because a pod writes them into schemas; the rules give what pandas
infers for the whole column at once (bitfount contract, section 3.2), never what its last batch happened to look like.
"""

from __future__ import annotations

from dataclasses import dataclass

BOOLEAN, INTEGER, UNSIGNED, FLOAT, STRING = "boolean", "Int64", "UInt64", "Float64", "string"
WHOLE = frozenset({INTEGER, UNSIGNED})
NUMERIC = frozenset({INTEGER, UNSIGNED, FLOAT})
SEMANTIC_TYPES = ("categorical", "continuous", "image", "text")
NULL_WORDS = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""Cells that count as empty: the same that pandas, and so a pod, takes for missing."""
TRUE_WORDS = ("True", "TRUE", "true")
FALSE_WORDS = ("False", "FALSE", "false")


@dataclass(frozen=True)
class Evidence:
    """Counts of the cells of one column that are not empty: how many, and how many of them are what."""

    cells: int
    booleans: int = 0
    numbers: int = 0
    whole: bool = False
    """Is every number a whole number that fits into 64 bits?"""


def dtype_of(evidence: Evidence) -> str:
    """The type that every cell fits. A column of empty cells only is text: nothing says that it is a number."""
    if evidence.cells == 0:
        return STRING
    if evidence.booleans == evidence.cells:
        return BOOLEAN
    if evidence.numbers == evidence.cells:
        return INTEGER if evidence.whole else FLOAT
    return STRING


def stype_of(name: str, dtype: str) -> str:
    """The semantic type of a column that nobody forced."""
    if name == "BITFOUNT_INFERRED_LABEL" or dtype == BOOLEAN:
        return "categorical"
    return "continuous" if dtype in NUMERIC else "text"


def native_dtype(native: str) -> str:
    """The type of a column that a typed file (Parquet) declares, by DuckDB's name for it."""
    kind = native.partition("(")[0].upper()
    if kind == "BOOLEAN":
        return BOOLEAN
    if kind.endswith("INT") or kind == "INTEGER":
        return INTEGER
    return FLOAT if kind in {"FLOAT", "DOUBLE", "DECIMAL"} else STRING
