"""What Settings shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class SettingRow:
    """`kind`: int | float | bool | choice | text."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "value", "unit", "default", "title")

    name: str
    title: str
    help: str
    kind: str
    value: Any
    default: Any
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    restart: bool = False
    unit: str = ""
