"""What “Pod & gate” and the commands of the pod show of a pod of the network's own software."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from podadmin.app.views.facts import Permit

_NOT = Permit(False, "No pod was brought.")


@dataclass(frozen=True)
class OddityRow:
    """Something odd about the pod. `tone`: bad | warn | info. Either `fix` or `why_not` says what can be done.

    `act` is the command that does it, where one does.
    """

    TABLE: ClassVar[tuple[str, ...]] = ("tone", "what", "fix", "why_not")

    code: str
    tone: str
    what: str
    why: str
    fix: str = ""
    act: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class OutputLine:
    """One line of the pod's own output. `level`: debug | info | warning | error | critical."""

    TABLE: ClassVar[tuple[str, ...]] = ("at", "level", "text")

    at: datetime
    level: str
    text: str


@dataclass(frozen=True)
class DatasourceLine:
    """A datasource in the pod's configuration. `place` holds no secret."""

    TABLE: ClassVar[tuple[str, ...]] = ("name", "kind", "place")

    name: str
    kind: str
    place: str


@dataclass(frozen=True)
class SupervisedView:
    """The pod of the network's own software. `state`: none (not set up) | stopped | starting | ready | unready |
    waiting | hindered; `words` says it in a sentence, `detail` what stands in the way, `next_step` what to do.

    `wanted`: running | stopped. `cpu` in percent of one core, `memory` in bytes, both with its children.
    """

    state: str
    words: str
    detail: str = ""
    next_step: str = ""
    worker: str = "built-in"
    identifier: str = ""
    wanted: str = "stopped"
    since: datetime | None = None
    pid: int | None = None
    port: int = 0
    cpu: float | None = None
    memory: int | None = None
    deaths: int = 0
    program: str = ""
    storage: str = ""
    source: str = ""
    start: Permit = _NOT
    stop: Permit = _NOT
    reload: Permit = _NOT
    datasources: tuple[DatasourceLine, ...] = ()


@dataclass(frozen=True)
class Brought:
    """What was taken over of a pod that existed before, and what is odd about it."""

    words: str
    pod: str
    fingerprint: str
    secrets: tuple[str, ...]
    odd: tuple[OddityRow, ...]


@dataclass(frozen=True)
class ConfigText:
    """The configuration as a file. `variables`: what the pod needs in its environment besides; no values."""

    text: str
    variables: tuple[str, ...] = ()
    written: str = ""


@dataclass(frozen=True)
class RunningTask:
    """The task that is on its way to the pod or running in it. `request_id` empty: none is."""

    request_id: str = ""
    task: str = ""
    requester: str = ""
    datasource: str = ""
    since: datetime | None = None
