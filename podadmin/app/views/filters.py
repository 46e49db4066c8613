"""Filters of a list that were kept under a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class SavedFilter:
    """`values` are what the list is asked with, by the names of its options, as they were entered."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "values")

    name: str
    values: Mapping[str, str]
