"""What Keys shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class KeyRow:
    TABLE: ClassVar[tuple[str, ...]] = ("id", "purpose", "kind", "fingerprint", "where", "created_at", "last_used_at")

    id: str
    purpose: str
    kind: str
    fingerprint: str
    words: str
    where: str
    created_at: datetime
    last_used_at: datetime | None
    public: str
    known_by: str
