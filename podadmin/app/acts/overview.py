"""What needs the custodian now, and the last seven days."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from podadmin.app.acts import datasource
from podadmin.app.acts.key_needs import key_needs
from podadmin.app.acts.limit_needs import limit_needs
from podadmin.app.acts.pod_needs import pod_needs
from podadmin.app.acts.registry import act
from podadmin.app.acts.status import status
from podadmin.app.backup_standing import due
from podadmin.app.views.overview import DayCounts, Need, Overview
from podadmin.app.views.status import Status
from podadmin.core.clock import stamp
from podadmin.core.text import stranger
from podadmin.limits.records import usage
from podadmin.networks import service as networks
from podadmin.requests import service as requests
from podadmin.requests.records import decision, request

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

DAYS = 7
SHOWN = 5


@act("overview")
def overview(profile: Profile) -> Overview:
    """Show what needs you now, and the last seven days."""
    now = profile.clock.now()
    days = [(now - timedelta(days=back)).date().isoformat() for back in reversed(range(DAYS))]
    since = stamp(now - timedelta(days=DAYS))
    day = func.substr(decision.c.at, 1, 10)
    with profile.store.read() as connection:
        decided = connection.execute(
            select(day, decision.c.verdict, func.count())
            .where(decision.c.at >= since)
            .group_by(day, decision.c.verdict)
        ).all()
        arrived_day = func.substr(request.c.received_at, 1, 10)
        undecided = connection.execute(
            select(arrived_day, request.c.state, func.count())
            .where(request.c.received_at >= since, request.c.state.in_(["invalid", "held", "lapsed"]))
            .group_by(arrived_day, request.c.state)
        ).all()
        used_day = func.substr(usage.c.at, 1, 10)
        used = connection.execute(
            select(used_day, usage.c.resource, func.sum(usage.c.amount))
            .where(usage.c.at >= since)
            .group_by(used_day, usage.c.resource)
        ).all()
    verdicts: dict[str, Counter[str]] = {each: Counter() for each in days}
    for date, verdict, count in decided:
        verdicts.setdefault(date, Counter())["approved" if verdict == "allow" else "refused"] += count
    for date, state, count in undecided:
        # what the gate refused by itself is refused; what waits is held, inside its window or after it
        verdicts.setdefault(date, Counter())["refused" if state == "invalid" else "held"] += count
    inferences: dict[str, Counter[str]] = {each: Counter() for each in days}
    for date, resource, amount in used:
        inferences.setdefault(date, Counter())[stranger(resource)] += amount
    held = requests.count_held(profile.store)
    cards = datasource.list_datasources(profile)
    return Overview(
        needs=_needs(profile, status(profile)),
        held=held,
        decided_week=sum(count for _date, _verdict, count in decided),
        inferences_week=float(sum(amount for _date, _resource, amount in used)),
        datasources=len(cards),
        requests_by_day=tuple(DayCounts(each, dict(verdicts[each])) for each in days),
        inferences_by_day=tuple(DayCounts(each, dict(inferences[each])) for each in days),
    )


def _needs(profile: Profile, now: Status) -> tuple[Need, ...]:
    needs: list[Need] = []
    if now.gate.state == "blocked":
        needs.append(Need("bad", "The gate is off", now.gate.detail, "Look at the keys", "Keys"))
    if now.gate.state == "off" and now.pod.state != "none" and networks.joined(profile.store):
        detail = f"{now.gate.detail} Requests wait at the network until it is on.".lstrip()
        needs.append(Need("bad", "The gate is off", detail, "Look at the networks", "Networks"))
    if now.keyring.state not in {"ready", "undecided"}:
        needs.append(
            Need(
                "bad",
                "The keyring cannot be used",
                f"{now.keyring.words} {now.keyring.next_step}",
                "Look at the keys",
                "Keys",
            )
        )
    if (called_for := due(profile)) is not None:
        needs.append(Need(*called_for, "See the backups", "Keys", "backup"))
    if now.pod.state == "paused":
        needs.append(Need("warn", "The pod is paused", now.pod.paused_reason, "See the requests", "Requests"))
    waiting = requests.listing(profile.store, state="held,lapsed", search="", limit=SHOWN, after="")
    for row in waiting.rows:
        held = "" if row.state == "held" else f", held under {row.reference}"
        title = f"{stranger(row.requester, 60)} waits for your decision{held}"
        detail = f"{stranger(row.task, 80)} on {stranger(row.datasource, 60)}"
        needs.append(Need("warn", title, detail, "Decide", "Requests", row.id))
    if waiting.total > SHOWN:
        more = waiting.total - SHOWN
        needs.append(
            Need("info", f"{more} more requests wait", "Only the newest are shown here.", "See them all", "Requests")
        )
    needs += pod_needs(profile)
    needs += key_needs(profile)
    needs += limit_needs(profile)
    for card in datasource.list_datasources(profile):
        if card.health == "broken":
            needs.append(
                Need(
                    "bad",
                    f"{card.name} cannot be read",
                    card.health_words,
                    "See the datasource",
                    "Datasources",
                    card.id,
                )
            )
        elif card.health == "slow":
            needs.append(
                Need(
                    "warn",
                    f"{card.name} answers slowly",
                    f"{card.health_words}.",
                    "See the datasource",
                    "Datasources",
                    card.id,
                )
            )
        elif card.schema_state == "outdated":
            needs.append(
                Need(
                    "info",
                    f"{card.name} has changed",
                    "Its schema is older than its data.",
                    "See the datasource",
                    "Datasources",
                    card.id,
                )
            )
    return tuple(needs)
