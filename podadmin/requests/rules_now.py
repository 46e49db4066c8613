"""The rules as they stand when a person decides: one that was made while a request waited binds who decides on it.

At its arrival rules decide on a request by themselves. One that is made or changed later neither releases nor refuses
what waits already, for somebody may be reading it; but nobody approves past it. What rules need to know is what was
kept at the arrival; only what the project is for is asked anew, as the pins of a decision do.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from podadmin.core.clock import unstamp
from podadmin.core.errors import NotFound, Refused
from podadmin.requests.purposes import purposes_of
from podadmin.requests.reading import Found
from podadmin.requests.review_moves import standing
from podadmin.requests.rule_facts import Facts, unknown
from podadmin.requests.rule_history import POLICY, policy_mark, tried
from podadmin.requests.rule_service import rules_of


def check_rules(connection: Connection, found: Found) -> None:
    """May this request be approved as far as the rules go that are in force now?

    Raises Refused: `rule.refuses-now`, `review.rule-asks`.
    """
    if found.findings.get(POLICY) == policy_mark(connection):
        return  # they are those that spoke when it came
    known, at = _known(connection, found)
    facts = replace(known, purposes=purposes_of(connection, found.row.project))
    said = rules_of(connection).as_if_always().opinions(facts, at)
    refusing = next((each for each in said if each.outcome == "refuses"), None)
    if refusing is not None:
        raise Refused(
            "rule.refuses-now",
            "The request was not approved.",
            f"{refusing.name}, which was made or changed since the request came, refuses it. {refusing.why}",
            "Refuse the request. Where the rule should not speak of it, change the rule first.",
        )
    asking = max((each for each in said if each.outcome == "holds"), key=lambda each: each.reviewers, default=None)
    review = standing(connection, found.row.id)
    if asking is not None and asking.reviewers > (review.row.needed if review is not None else 1):
        raise Refused(
            "review.rule-asks",
            "The request was not approved.",
            f"{asking.name}, which was made or changed since the request came, asks for {asking.reviewers} reviewers.",
            f"Ask for a review with {asking.reviewers} votes.",
        )


def _known(connection: Connection, found: Found) -> tuple[Facts, datetime]:
    """What rules are held against: what was kept at the arrival, or the worst where nothing could be verified."""
    row = found.row
    try:
        kept = tried(connection, row.id)
    except NotFound:
        return unknown(row.network, row.requester, row.project, row.datasource), unstamp(row.received_at)
    return kept.facts, kept.at
