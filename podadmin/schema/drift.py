"""What is different between two schemas of one datasource, in words, what breaks apart from what does not. Pure.

Breaking is what makes a task that ran against the older schema fail, or mean something else: a column that is gone,
another type, and a label whose class has another number, because a model knows labels by their numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

from podadmin.core.text import stranger
from podadmin.schema.model import Document, Feature

_WIDER = frozenset({("Int64", "Float64"), ("Int64", "UInt64")})
_SHOWN = 12


@dataclass(frozen=True)
class Drift:
    """One difference. `column` is "" for the whole schema."""

    column: str
    what: str
    breaking: bool


def drift(before: Document, now: Document) -> tuple[Drift, ...]:
    """Every difference from `before` to `now`, what breaks first."""
    found: list[Drift] = []
    was, new = ({each.name: each for each in document.features} for document in (before, now))
    found += [Drift(name, "The column is gone.", True) for name in was if name not in new]
    found += [_added(new[name]) for name in new if name not in was]
    for name in was.keys() & new.keys():
        found += _feature(was[name], new[name])
    if before.records != now.records:
        found.append(Drift("", f"There are {now.records:,} records; there were {before.records:,}.", False))
    if before.description != now.description:
        found.append(Drift("", "The description of the datasource is another.", False))
    return tuple(sorted(found, key=lambda each: (not each.breaking, each.column, each.what)))


def _added(feature: Feature) -> Drift:
    words = f"The column is new ({feature.stype})."
    if feature.stype == "categorical":
        words = f"The column is new and tells its {len(feature.labels)} labels."
    return Drift(feature.name, words, False)


def _feature(was: Feature, now: Feature) -> list[Drift]:
    found = []
    if was.stype != now.stype:
        found.append(Drift(now.name, f"It is {now.stype}; it was {was.stype}.", True))
    if was.dtype != now.dtype:
        found.append(Drift(now.name, _stored(was, now), (was.dtype, now.dtype) not in _WIDER))
    if was.stype == now.stype == "categorical":
        found += _labels(was, now)
    for key in ("dimensions", "formats", "modes"):
        if dict(getattr(was, key)) != dict(getattr(now, key)):
            found.append(Drift(now.name, f"Its images have other {key}.", False))
    if was.description != now.description:
        found.append(Drift(now.name, "Its description is another.", False))
    return found


def _stored(was: Feature, now: Feature) -> str:
    return f"It is stored as {now.dtype}; it was {was.dtype}."


def _labels(was: Feature, now: Feature) -> list[Drift]:
    classes, before = ({label: place for place, label in enumerate(each.labels)} for each in (now, was))
    found = []
    if gone := [label for label in before if label not in classes]:
        found.append(Drift(now.name, f"{_so(gone, 'is', 'are')} gone: {_named(gone)}.", True))
    if moved := [label for label in before if label in classes and classes[label] != before[label]]:
        words = f"{_so(moved, 'has', 'have')} another number, by which models know it: {_named(moved)}."
        found.append(Drift(now.name, words, True))
    if new := [label for label in classes if label not in before]:
        found.append(Drift(now.name, f"{_so(new, 'is', 'are')} new, and would be told: {_named(new)}.", False))
    return found


def _so(labels: list[str], one: str, many: str) -> str:
    return f"1 label {one}" if len(labels) == 1 else f"{len(labels)} labels {many}"


def _named(labels: list[str]) -> str:
    rest = len(labels) - _SHOWN
    named = ", ".join(f"“{stranger(label, 40)}”" for label in labels[:_SHOWN])
    return f"{named} and {rest} more" if rest > 0 else named
