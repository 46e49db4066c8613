"""What a request would do as facts, beside the sentences: what rules bound, grants pin and risk is judged by.

Sentences are for people; nothing ever parses them. Whatever could not be found out is said by a fact of its own
(`all_columns`, `unknown`, a level of `unknown`), never by an empty field that could be taken for "nothing".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["none", "telemetry", "counts", "aggregate", "parameters", "traceback", "row", "unknown"]
Channel = Literal["message", "upload", "e-mail", "telemetry", "unknown"]
LEVELS: Final[tuple[Level, ...]] = (
    "none",
    "telemetry",
    "counts",
    "aggregate",
    "parameters",
    "traceback",
    "row",
    "unknown",
)
"""What can leave, from the least to the worst. `telemetry` is counts about a run for the network's operator;
`traceback` is an error text from inside the program, which can quote data."""
COMPUTED: Final[frozenset[Level]] = frozenset({"counts", "aggregate"})
"""The levels of figures over records."""
FIGURES: Final[frozenset[Level]] = COMPUTED | {"none"}
"""The levels at which nothing leaves but figures over many records."""
CHANNELS: Final[tuple[Channel, ...]] = ("message", "upload", "e-mail", "telemetry", "unknown")
"""`message`: to the requester, sealed with the session key. `upload`: to an object store whose address the requester
gives. `e-mail`: the text of a notification. `telemetry`: to the operator of the network."""
_RANK: Final = {level: place for place, level in enumerate(LEVELS)}


@dataclass(frozen=True)
class Reading:
    """What is read. `columns` are those that could be named; `all_columns`: count on every other one as well.

    `filters`: what limits the records, in words; empty means every record. `ehr`: patients' records are asked for at
    the EHR system. `outside`: what is read beside the datasource (a file, an address), as it is named in the request.
    """

    datasource: str = ""
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    all_columns: bool = True
    filters: tuple[str, ...] = ()
    ehr: bool = False
    outside: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelUse:
    """A model that is run. `slug`: `owner/name:version`, empty where it is not pinned. Digests: empty, not named.

    `origin`: hub (the network's own store) | hugging-face | timm | monai | inline.
    """

    slug: str
    origin: str = "hub"
    code_digest: str = ""
    weights_digest: str = ""
    trains: bool = False


@dataclass(frozen=True)
class Computing:
    """What is computed: the classes in their order, the models, the SQL as it stands in the request.

    `foreign_code`: code runs that neither the network nor this pod has fixed, such as a model of its own.
    """

    protocol: str = ""
    algorithms: tuple[str, ...] = ()
    aggregator: str = ""
    models: tuple[ModelUse, ...] = ()
    sql: tuple[str, ...] = ()
    foreign_code: bool = False


@dataclass(frozen=True)
class Output:
    """One thing that leaves the pod.

    `destination`: requester | operator | store (an address in the request, or one that the requester sends while the
    task runs) | recipients (of an e-mail) | unknown. `address` is that of the store where the request names it.
    `often`: once | each-batch | each-round | on-failure | while-running. `smallest_group`: the fewest records behind
    any figure, where the request itself guarantees it; None where nothing does. `every_record`: all records of the
    datasource stand behind each figure. `always`: leaves with every task of the network alike.
    """

    level: Level
    channel: Channel
    destination: str
    words: str
    often: str = "once"
    smallest_group: int | None = None
    every_record: bool = False
    address: str = ""
    always: bool = False


def worst(levels: Iterable[Level]) -> Level:
    """The worst of some levels; `none` of no level."""
    return max(levels, key=_RANK.__getitem__, default="none")
