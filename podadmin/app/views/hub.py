"""What the acts at the hub of a network show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from podadmin.app.views.facts import Fact


@dataclass(frozen=True)
class HubView:
    """How this pod proves itself at the hub. `by`: nothing | an API key | a session of a person."""

    network: str
    hub: str
    by: str
    words: str
    username: str = ""
    ends: datetime | None = None


@dataclass(frozen=True)
class PublishedColumn:
    """A column as it would be published. `labels`: how many category names leave with it, the first of them shown."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "type", "labels", "shown")

    name: str
    type: str
    labels: int
    shown: str = ""


@dataclass(frozen=True)
class Publication:
    """Exactly what is, or was, published of a datasource. Nothing leaves without `seen`: the proof of this content."""

    words: str
    datasource: str
    network: str
    seen: str
    published: bool
    facts: tuple[Fact, ...]
    columns: tuple[PublishedColumn, ...]


@dataclass(frozen=True)
class ProjectRow:
    """A project at the hub with the datasets that are linked to it."""

    TABLE: ClassVar[tuple[str, ...]] = ("id", "name", "role", "status", "datasets")

    id: str
    name: str
    role: str
    status: str
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class UsageRow:
    """How much of a model is used in a project, as the hub counts. `limit` None: none is set there."""

    TABLE: ClassVar[tuple[str, ...]] = ("model", "used", "limit", "user")

    model: str
    used: int
    limit: int | None
    user: str = ""
