"""Limits in words: what stops, what is unlimited, and what nobody has said. Absent is never silently unlimited."""

from __future__ import annotations

from typing import Final

from podadmin.app.views.limits import MeterRow
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.words import amount, count

NEARLY: Final = 0.8
"""The part of a limit from which on it is said to be nearly reached."""


def inferences(number: float) -> str:
    """`1 inference`, `1,204 inferences`."""
    if number == int(number):
        return count(int(number), "inference", "inferences")
    return f"{amount(number)} inferences"


def level(row: MeterRow) -> float | None:
    """The part of the limit that is used or promised, 0.0 and up; None where there is no limit to be a part of."""
    if row.limit is None:
        return None
    taken = row.used + row.reserved
    return taken / row.limit if row.limit else 1.0


def mode_badge(row: MeterRow) -> BadgeSpec:
    """The state of a limit, in words that can be read alone."""
    if row.mode == "unlimited":
        return BadgeSpec("warn", "Unlimited", "triangle-alert")
    part = level(row)
    if row.mode != "stops" or part is None:
        return BadgeSpec("bad", "Unknown", "circle-help")
    if part >= 1:
        return BadgeSpec("bad", "Used up", "octagon-x")
    if part >= NEARLY:
        return BadgeSpec("warn", "Stops soon", "octagon-x")
    return BadgeSpec("info", "Stops", "octagon-x")


def mode_words(row: MeterRow) -> tuple[str, str, str]:
    """(tone, title, sentence) for the detail of a meter."""
    if row.mode == "unlimited":
        return (
            "warn",
            "Unlimited",
            "The network answered that it sets no limit for this model here. Use is counted, and nothing stops it.",
        )
    part = level(row)
    if row.mode != "stops" or part is None or row.limit is None:
        return (
            "bad",
            "Limit unknown",
            "Unknown is not unlimited: nothing is given out until the network has said whether there is a limit.",
        )
    if part >= 1:
        left = " Some of it is promised to runs that have not ended." if row.reserved else ""
        return "bad", "Used up", f"All {inferences(row.limit)} are taken. Every further run is stopped.{left}"
    words = f"{inferences(row.free or 0.0)} are free. A run that would go beyond {amount(row.limit)} is stopped."
    return ("warn" if part >= NEARLY else "info"), "Stops at its limit", words


def limit_cell(row: MeterRow) -> str:
    """The limit as a table shows it."""
    if row.limit is not None:
        return amount(row.limit)
    return "none" if row.mode == "unlimited" else "not known"


def free_cell(row: MeterRow) -> str:
    """What is free as a table shows it."""
    if row.free is not None:
        return amount(row.free)
    return "no end" if row.mode == "unlimited" else "nothing"
