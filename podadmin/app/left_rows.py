"""What left for a request: every message that wanted to leave, what it held in plain words, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from podadmin.app.views.facts import Permit
from podadmin.app.views.gate import ResultRow
from podadmin.app.views.left import LeftRow, LeftView
from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.gate import outgoing, results
from podadmin.gate.outgoing import Left
from podadmin.gate.wishes import WITHHOLD, check_wish
from podadmin.requests import service
from podadmin.requests.result_rules import counted

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

_SEALED = {
    "session": "Sealed for the requester; opened here with the key of the task.",
    "reference": "Too large for a message: its body goes sealed by the object store, and not before the message.",
    "other": "Not readable here: sealed for somebody else, or not with the key of the task.",
    "no": "Not sealed.",
}
_SHOWN = 12


def left_view(profile: Profile, request: str) -> LeftView:
    """What left for a request. Raises NotFound (`request.unknown`)."""
    found = service.find(profile.store, request)
    rows = [*outgoing.listing(profile.store, found.row.id), *_pending(profile, found.row)]
    rows.sort(key=lambda each: each.at)
    return LeftView(
        found.row.id,
        _summary(rows),
        tuple(map(_row, rows)),
        tuple(map(result_row, results.waiting(profile.store, found.row.id))),
        _may_withhold(found.row.state),
    )


def result_row(found: results.Waiting) -> ResultRow:
    """A result that waits, as it is listed."""
    return ResultRow(found.id, found.request_id, found.kind, found.size, found.at, found.reasons)


def _pending(profile: Profile, row: Any) -> tuple[Left, ...]:
    """What the gate of this process has not written down yet."""
    engine = profile.engine
    gate = engine.gate if engine is not None else None
    return gate.relay.outgoing.pending(row.task_id, row.id) if gate is not None else ()


def _may_withhold(state: str) -> Permit:
    try:
        check_wish(state, WITHHOLD)
    except PodadminError as error:
        return Permit(False, error.why)
    return Permit(True)


def _summary(rows: list[Left]) -> str:
    if not rows:
        return "Nothing has left for this request."
    counts = {name: sum(each.count for each in rows if each.outcome == name) for name in _WORDS}
    size = sum(each.size for each in rows if each.outcome in {outgoing.PASSED, outgoing.STRIPPED})
    said = [words.format(n=f"{counts[name]:,}") for name, words in _WORDS.items() if counts[name]]
    left = f"{size:,} bytes have left." if size else "Nothing has left."
    return f"Of its messages {', '.join(said)}. {left}"


_WORDS = {
    outgoing.PASSED: "{n} went out",
    outgoing.STRIPPED: "{n} went out without the text of an error",
    outgoing.HELD: "{n} kept until seen",
    outgoing.QUEUED: "{n} on the way",
    outgoing.WITHHELD: "{n} withheld",
    outgoing.REFUSED: "{n} refused",
}


def _row(each: Left) -> LeftRow:
    return LeftRow(
        each.at,
        outgoing.title(each),
        each.size,
        each.recipient,
        each.outcome,
        _words(each),
        _SEALED[each.sealed],
        stranger(each.why, 1000),
        each.count,
        each.last_at if each.count > 1 else None,
    )


def _words(each: Left) -> str:
    """What a message held, as a sentence."""
    what = each.what
    if not what:
        return "Not looked into." if each.sealed != "session" else "Nothing but that it is sent."
    parts = [str(what.get("kind", ""))]
    columns = what.get("columns")
    if columns is not None:
        rows = "a number of rows that cannot be told" if each.rows is None else counted(each.rows)
        more = len(columns) - _SHOWN + int(what.get("more_columns", 0))
        named = ", ".join(f"“{name}”" for name in columns[:_SHOWN])
        parts = [f"{rows}: {named}{f' and {more:,} more' if more > 0 else ''}", *parts]
    parts += [_used(*used) for used in what.get("consumed", ())]
    text = "; ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}."


def _used(name: Any, amount: Any) -> str:
    return f"used {float(amount):,.15g} inferences of {name}"
