"""Limits in words: what stops, what is unlimited, and what nobody has said. Absent is never silently unlimited."""

from __future__ import annotations

from podadmin.app.views.limits import MeterRow
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.words import amount, count


def inferences(number: float) -> str:
    """`1 inference`, `1,204 inferences`."""
    if number == int(number):
        return count(int(number), "inference", "inferences")
    return f"{amount(number)} inferences"


def level(row: MeterRow) -> float | None:
    """The part of the limit that is used or promised, 0.0 and up; None where there is no limit to be a part of."""
    if row.taken is not None:
        return row.taken
    if row.limit is None:
        return None
    taken = row.used + row.reserved
    return taken / row.limit if row.limit else 1.0


def mode_badge(row: MeterRow) -> BadgeSpec:
    """The state of a limit, in words that can be read alone. What must not be goes before everything else."""
    if row.states:
        more = f" +{len(row.states) - 1}" if len(row.states) > 1 else ""
        return BadgeSpec("bad", f"{row.states[0]}{more}", "shield-alert")
    if row.mode not in ("stops", "unlimited"):
        return BadgeSpec("bad", "Unknown", "circle-help")
    part = level(row)
    if part is None:
        if row.mode == "unlimited":
            return BadgeSpec("warn", "Unlimited", "triangle-alert")
        return BadgeSpec("bad", "Unknown", "circle-help")
    if part >= 1:
        return BadgeSpec("bad", "Used up", "octagon-x")
    if part >= row.warn_at:
        return BadgeSpec("warn", "Stops soon", "octagon-x")
    return BadgeSpec("info", "Stops", "octagon-x")


def mode_words(row: MeterRow) -> tuple[str, str, str]:
    """(tone, title, sentence) for the detail of a meter."""
    part = level(row)
    if row.mode not in ("stops", "unlimited") or (part is None and row.mode == "stops"):
        return (
            "bad",
            "Limit unknown",
            "Unknown is not unlimited: nothing is given out until the network has said whether there is a limit.",
        )
    if part is None:
        return (
            "warn",
            "Unlimited",
            "The network sets no limit for this model here. Use is counted, and nothing stops it. Set one of your own.",
        )
    own = " One of your own limits counts here too, and the stricter one stops." if row.own_stops else ""
    if part >= 1:
        left = " Some of it is promised to runs that have not ended." if row.reserved else ""
        what = (
            f"All {inferences(row.limit)} are taken." if row.limit is not None and not row.own_stops else "It is taken."
        )
        return "bad", "Used up", f"{what} Every further run is stopped.{left}{own}"
    words = f"{inferences(row.free or 0.0)} are free. A run that would go beyond them is stopped.{own}"
    return ("warn" if part >= row.warn_at else "info"), "Stops at its limit", words


def limit_cell(row: MeterRow) -> str:
    """The limit as a table shows it."""
    if row.limit is not None:
        return amount(row.limit)
    if row.mode == "unlimited":
        return "your own" if row.own_stops else "none"
    return "not known"


def free_cell(row: MeterRow) -> str:
    """What is free as a table shows it."""
    if row.free is not None:
        return amount(row.free)
    return "no end" if row.mode == "unlimited" else "nothing"
