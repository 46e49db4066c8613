"""Grants as they are shown: from rows to views, with what each pin was and is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, literal_column, or_, select

from podadmin.app.views.facts import Permit
from podadmin.app.views.grants import GrantDetail, GrantRow, PinView, UseView
from podadmin.core.clock import stamp, unstamp
from podadmin.core.errors import PodadminError
from podadmin.core.text import stranger
from podadmin.requests import grant_cover
from podadmin.requests.grant_moves import changes_in, grant_of, lasts
from podadmin.requests.grant_pins import MAY_VARY, WORDS, shown
from podadmin.requests.records import grant, grant_use, receipt, request

ROWID: Any = literal_column("grant_.rowid")
USES_SHOWN = 20


def lasting(now: datetime) -> Any:
    """The condition of a grant that can still cover something."""
    return (grant.c.ended == "") & (grant.c.runs_left > 0) & (grant.c.expires_at > stamp(now))


def over(now: datetime) -> Any:
    return or_(grant.c.ended != "", grant.c.runs_left <= 0, grant.c.expires_at <= stamp(now))


def detail_of(connection: Connection, row: Row[Any], actor: str, now: datetime) -> GrantDetail:
    """One grant with everything that is known of it."""
    source = connection.execute(select(request).where(request.c.id == row.made_from)).first()
    uses = connection.execute(
        select(grant_use, request.c.state_words)
        .outerjoin(request, request.c.id == grant_use.c.request_id)
        .where(grant_use.c.grant_id == row.id)
        .order_by(grant_use.c.at.desc())
        .limit(USES_SHOWN)
    ).all()
    references = connection.execute(
        select(receipt.c.reference)
        .where(receipt.c.grant_id == row.id)
        .order_by(receipt.c.number.desc())
        .limit(USES_SHOWN)
    ).scalars()
    return GrantDetail(
        row=row_view(row, source, now),
        pins=_pins(row),
        uses=tuple(UseView(each.request_id, unstamp(each.at), each.state_words or "", each.used) for each in uses),
        receipts=tuple(references),
        note=stranger(row.note, 2000),
        ended_reason=stranger(row.voided_reason or "", 2000),
        may_change=_permit(connection, row, actor, now),
    )


def row_view(row: Row[Any], source: Row[Any] | None, now: datetime) -> GrantRow:
    state, words = _state(row, now)
    return GrantRow(
        id=row.id,
        state=state,
        state_words=words,
        requester=stranger(source.requester) if source else "",
        project=stranger(source.project) if source else "",
        task=stranger(source.task) if source else "",
        datasource=stranger(source.datasource) if source else "",
        runs=row.runs,
        runs_left=row.runs_left,
        inferences=row.inferences,
        inferences_left=row.inferences_left,
        made_at=unstamp(row.made_at),
        expires_at=unstamp(row.expires_at),
        ended_at=unstamp(row.ended_at) if row.ended_at else None,
        made_by=stranger(row.made_by),
        made_from=row.made_from,
    )


def _state(row: Row[Any], now: datetime) -> tuple[str, str]:
    if row.voided_reason is not None:
        how = row.ended or "voided"
        return how, "Voided: a pin has changed" if how == "voided" else "Revoked"
    if row.runs_left <= 0:
        return "used-up", "All its runs are used"
    if not lasts(row, now):
        return "expired", "Expired"
    return "lasting", "1 run left" if row.runs_left == 1 else f"{row.runs_left} runs left"


def _pins(row: Row[Any]) -> tuple[PinView, ...]:
    found = grant_of(row)
    if found.pins is None:
        return (PinView("fingerprint", "The whole request", row.fingerprint[:16], False, False),)
    broken = {each.pin: each.now for each in changes_in(row)}
    return tuple(
        PinView(name, words, shown(name, value), name in found.may_vary, name in MAY_VARY, broken.get(name, ""))
        for name, words in WORDS.items()
        if (value := found.pins.values.get(name)) is not None
    )


def _permit(connection: Connection, row: Row[Any], actor: str, now: datetime) -> Permit:
    if row.voided_reason is not None:
        return Permit(False, "It has ended and allows nothing any more.")
    try:
        grant_cover.check_may_decide(connection, actor, now)
    except PodadminError as error:
        return Permit(False, error.why)
    return Permit(True)


def details(connection: Connection, rows: Sequence[Row[Any]], actor: str, now: datetime) -> tuple[GrantDetail, ...]:
    return tuple(detail_of(connection, row, actor, now) for row in rows)
