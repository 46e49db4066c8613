"""Acts on grants and on who may decide: look, make one from an earlier approval, let a pin vary, revoke, cover."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from sqlalchemy import func, select

from podadmin.app import grant_rows
from podadmin.app.acts.asked import HowMany, Why
from podadmin.app.acts.registry import act
from podadmin.app.moments import moment_words
from podadmin.app.signing import sign_receipts
from podadmin.app.views.facts import Done, Permit
from podadmin.app.views.grants import DeciderRow, Deciders, GrantDetail, GrantPage
from podadmin.core.clock import unstamp
from podadmin.core.errors import BadInput, PodadminError
from podadmin.core.text import stranger
from podadmin.requests import grant_acts, grant_cover, grant_moves
from podadmin.requests.grant_pins import MAY_VARY
from podadmin.requests.records import grant
from podadmin.requests.service import Terms

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

MOST_ROWS = 200
NONE: list[str] = []
PINS = ", ".join(sorted(MAY_VARY))


@act("grants list")
def list_grants(
    profile: Profile,
    *,
    state: Annotated[Literal["lasting", "ended", "all"], "which grants"] = "lasting",
    limit: HowMany = 50,
    after: Annotated[str, "continue after this place, as the page before it said"] = "",
) -> GrantPage:
    """List grants, the newest first, each with its pins."""
    if not 1 <= limit <= MOST_ROWS:
        raise BadInput(
            "grant.bad-limit",
            "The list was not made.",
            f"It can show 1 to {MOST_ROWS} grants at a time.",
            "Ask for fewer and continue with `after`.",
        )
    now = profile.clock.now()
    place: Any = grant_rows.ROWID
    wanted = select(grant, place.label("place")).order_by(place.desc()).limit(limit + 1)
    if state != "all":
        wanted = wanted.where(grant_rows.lasting(now) if state == "lasting" else grant_rows.over(now))
    if after.isdecimal():
        wanted = wanted.where(place < int(after))
    with profile.store.read() as connection:
        rows = connection.execute(wanted).all()
        counts = [
            connection.execute(select(func.count()).select_from(grant).where(condition)).scalar_one()
            for condition in (grant_rows.lasting(now), grant_rows.over(now))
        ]
        shown = grant_rows.details(connection, rows[:limit], profile.actor, now)
    more = str(rows[limit - 1].place) if len(rows) > limit else None
    return GrantPage(shown, int(counts[0]), int(counts[1]), more)


@act("grants show")
def show(profile: Profile, grant_id: Annotated[str, "the grant's id"]) -> GrantDetail:
    """Show a grant: what it is pinned to, what is left of it, what it let through."""
    with profile.store.read() as connection:
        row = grant_moves.row_of(connection, grant_id)
        return grant_rows.detail_of(connection, row, profile.actor, profile.clock.now())


@act("grants make", writes=True, kinds=("grant", "receipt"))
def make(
    profile: Profile,
    request: Annotated[str, "a request that a person has approved, by its id or its reference"],
    *,
    runs: Annotated[int, "how many runs"] = 1,
    days: Annotated[float, "how long it lasts, from now; 0: as the settings say"] = 0.0,
    inferences: Annotated[float, "the most inferences of all its runs; 0: the network's limits only"] = 0.0,
    vary: Annotated[list[str], f"pins that may vary: {PINS}"] = NONE,
    note: Annotated[str, "a note for the journal"] = "",
) -> GrantDetail:
    """Make a grant for more runs of a request that was approved before."""
    life = days or profile.settings.number("gate.grant-days")
    terms = Terms(runs, life, inferences or None, frozenset(vary), note)
    made = grant_acts.make_from(profile.store, profile.clock, request, profile.actor, terms)
    sign_receipts(profile)
    return show(profile, made)


@act("grants revoke", writes=True, kinds=("grant", "receipt", "request"))
def revoke(
    profile: Profile,
    grant_id: Annotated[str, "the grant's id"],
    reason: Annotated[str, "why; it is recorded and stands in the receipt"],
) -> GrantDetail:
    """Revoke a grant. What it let through and what is not delivered yet is held again; what runs goes on."""
    grant_acts.revoke(profile.store, profile.clock, grant_id, profile.actor, reason)
    sign_receipts(profile)
    return show(profile, grant_id)


@act("grants vary", writes=True, kinds=("grant", "receipt"))
def vary_pin(
    profile: Profile,
    grant_id: Annotated[str, "the grant's id"],
    which: Annotated[str, f"which pin: {PINS}"],
    reason: Annotated[str, "why; it is recorded and stands in the receipt"],
) -> GrantDetail:
    """Let one pin of a grant be anything from now on."""
    grant_acts.let_vary(profile.store, profile.clock, grant_id, profile.actor, which, reason)
    sign_receipts(profile)
    return show(profile, grant_id)


@act("grants deciders")
def deciders(profile: Profile) -> Deciders:
    """Show who may decide, and who stands in for whom."""
    now = profile.clock.now()
    rows = tuple(_decider(row, now) for row in grant_cover.listing(profile.store))
    everybody = not any(row.in_force and not row.stands_for for row in rows)
    with profile.store.read() as connection:
        try:
            covering = grant_cover.check_may_decide(connection, profile.actor, now)
            permit, you = Permit(True), f"You stand in for {stranger(covering)}." if covering else "You may decide."
        except PodadminError as error:
            permit, you = Permit(False, error.why), "You may look, and decide nothing."
    words = (
        "Nobody is named: everybody who can open this profile may decide."
        if everybody
        else "Only those who are named here may decide."
    )
    return Deciders(rows, everybody, words, you, permit)


@act("grants custodian", writes=True, kinds=("decider",))
def custodian(
    profile: Profile,
    account: Annotated[str, "the account on this computer"],
    reason: Why,
) -> Deciders:
    """Name one of those who decide here. The first to be named is you."""
    grant_cover.name_custodian(profile.store, profile.clock, profile.actor, account, reason)
    return deciders(profile)


@act("grants cover", writes=True, kinds=("decider",))
def cover(
    profile: Profile,
    account: Annotated[str, "the colleague's account on this computer"],
    until: Annotated[str, "until when: a date, or a moment with its zone"],
    reason: Why,
    *,
    starts: Annotated[str, "from when: a date, or a moment with its zone; empty: now"] = "",
) -> Deciders:
    """Have a colleague decide in your place for a time."""
    begins = _moment(starts) if starts else profile.clock.now()
    grant_cover.name_cover(profile.store, profile.clock, profile.actor, account, begins, _moment(until), reason)
    return deciders(profile)


@act("grants uncover", writes=True, kinds=("decider",))
def uncover(
    profile: Profile,
    decider: Annotated[str, "the id from `grants deciders`"],
    reason: Why,
) -> Done:
    """End somebody's right to decide."""
    grant_cover.take_back(profile.store, profile.clock, profile.actor, decider, reason)
    return Done("The right to decide was ended.", decider)


def _decider(row: Any, now: datetime) -> DeciderRow:
    begins, ends = unstamp(row.from_at), unstamp(row.until_at) if row.until_at else None
    in_force = begins <= now and (ends is None or now < ends)
    if in_force:
        words = "Decides" if ends is None else f"Decides until {moment_words(ends)}"
    else:
        words = f"From {moment_words(begins)}" if now < begins else "Its time is over"
    return DeciderRow(
        id=row.id,
        account=stranger(row.account),
        stands_for=stranger(row.stands_for),
        from_at=begins,
        until_at=ends,
        in_force=in_force,
        state_words=words,
        reason=stranger(row.reason, 500),
        named_by=stranger(row.named_by),
    )


def _moment(text: str) -> datetime:
    """A date means its beginning in UTC."""
    try:
        return unstamp(f"{text.strip()}T00:00:00Z" if len(text.strip()) == 10 else text.strip())
    except ValueError:
        raise BadInput(
            "grant.bad-moment",
            "Nothing was changed.",
            f"“{stranger(text, 40)}” is no date and no moment with its zone.",
            "Write a date such as 2026-12-24, or a moment such as 2026-12-24T12:00:00Z.",
        ) from None
