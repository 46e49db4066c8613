"""How far the figures of a request are from those that may have left before: told, and counted where the data is here.

Counting reads the declared file as the built-in worker does. The custodian may know the number; no requester learns it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from podadmin.app.gate_wiring import worker_sources
from podadmin.app.views.facts import Permit
from podadmin.app.views.near import NearRow, NearView
from podadmin.core.clock import unstamp
from podadmin.core.errors import Cancelled, PodadminError, Refused
from podadmin.core.progress import Progress
from podadmin.core.text import elide, stranger
from podadmin.requests import service
from podadmin.requests.differencing import Before, before, choices_of, differ
from podadmin.requests.sql_terms import Choice

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.pod.sql import Source

MOST_COUNTED: Final = 20
"""So many of the newest choices are counted: the file is read once for each."""
_NOT_HERE: Final = "Its records can be counted only where the data is a CSV file that the built-in worker reads."
_LEFT_OUT: Final = " Where the groups are others, one that was left out as too small can follow from the rest."


def near_view(profile: Profile, request: str, progress: Progress, count: bool) -> NearView:
    """What the figures of a request can be set against. Raises NotFound (`request.unknown`) and Cancelled.

    With `count` also Refused (`request.not-counted`) where the data cannot be read here.
    """
    found = service.find(profile.store, request)
    choices = choices_of(found.findings.get("protocol") or {})
    with profile.store.read() as connection:
        others = before(connection, found, choices) if choices else ()
    source = next((each for each in worker_sources(profile) if each.name == found.row.datasource), None)
    may = Permit(True) if source is not None else Permit(False, _NOT_HERE)
    if count and source is None:
        raise Refused(
            "request.not-counted",
            "The records were not counted.",
            _NOT_HERE,
            "Compare the conditions of both queries by hand.",
        )
    if not others:
        none = "No figures about another choice of this data have left before." if choices else ""
        return NearView(found.row.id, none, (), may)
    small = int(profile.settings.number("schema.small-group"))
    rows = []
    for number, each in enumerate(others):
        apart: int | str | None = None
        if count and source is not None and number < MOST_COUNTED:
            progress.report("Counting by how many records they differ", number / min(len(others), MOST_COUNTED))
            apart = _apart(source, choices, each.choice, progress)
        rows.append(_row(each, choices, apart, small))
    words = _words(rows, small) + (_LEFT_OUT if any(_grouped_otherwise(each, choices) for each in others) else "")
    return NearView(found.row.id, words, tuple(rows), may, count, _tone(rows))


def _apart(source: Source, choices: Sequence[Choice], other: Choice, progress: Progress) -> int | str:
    """How many records a choice and the nearest of `choices` differ by in a group, 0 where in none; or why that could
    not be counted.
    """
    from podadmin.pod.sql import Bounds, name, opened

    numbers: list[int] = []
    try:
        with opened(source, Bounds(), progress, (other.table,)) as database:
            for each in (one for one in choices if differ(one, other)):
                shared = ", ".join(sorted({*each.groups} & {*other.groups}))
                # the conditions were parsed and written anew: nothing stands there as the stranger wrote it
                mine, its = each.where, other.where
                counted = f"count(*) FILTER ({mine} AND NOT {its}), count(*) FILTER ({its} AND NOT {mine})"
                grouped = f" GROUP BY {shared}" if shared else ""
                select = f"SELECT {counted} FROM {name(other.table)}{grouped}"  # noqa: S608 - as said above
                numbers += [number for row in database.con.execute(select).fetchall() for number in row if number]
    except Cancelled:
        raise
    except PodadminError as error:
        return error.why
    return min(numbers, default=0)


def _row(each: Before, choices: Sequence[Choice], apart: int | str | None, small: int) -> NearRow:
    tone = "warn"
    if apart is None:
        words = "By how many records they differ was not counted."
    elif isinstance(apart, str):
        words = f"By how many records they differ could not be counted. {apart}"
    elif not apart:
        words, tone = "Both choose the same records today.", "plain"
    else:
        many = "1 record" if apart == 1 else f"{apart:,} records"
        words, tone = f"They differ by {many}.", "plain"
        if apart < small:
            words, tone = f"They differ by {many}: the difference of both figures is about them alone.", "bad"
    if _grouped_otherwise(each, choices):
        words += _LEFT_OUT
    row = each.row
    return NearRow(
        row.id,
        stranger(row.requester) or "unknown",
        unstamp(row.received_at),
        each.requests,
        _choice_words(each.choice),
        apart if isinstance(apart, int) and apart else None,
        words,
        tone,
    )


def _grouped_otherwise(each: Before, choices: Sequence[Choice]) -> bool:
    return any(one.groups != each.choice.groups for one in choices)


def _choice_words(choice: Choice) -> str:
    where = " AND ".join(stranger(each, 300) for each in choice.conditions)
    groups = ", ".join(stranger(each, 60) for each in choice.groups)
    return elide(f"{where or 'all records'}{f', by {groups}' if groups else ''}", 600)


def _words(rows: Sequence[NearRow], small: int) -> str:
    others = "1 other choice" if len(rows) == 1 else f"{len(rows):,} other choices"
    words = f"Figures about {others} of this data may have left before."
    near = sum(1 for each in rows if each.tone == "bad")
    if near:
        which = "One of them differs" if near == 1 else f"{near:,} of them differ"
        return f"{words} {which} from this request's by fewer than {small} records, so that both together tell of them."
    return f"{words} What two figures differ by is about the records that only one of them looks at."


def _tone(rows: Sequence[NearRow]) -> str:
    tones = {each.tone for each in rows}
    return next((tone for tone in ("bad", "warn") if tone in tones), "plain")
