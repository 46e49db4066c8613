"""Rules at the real desktop: one is made in the form and tried before it counts, it allows and another refuses, what is
in the way of a third request is told, a proposal becomes a rule, and two colleagues vote without seeing each other.
"""

from __future__ import annotations

import json

import pytest

from tests.journeys.custodian import Custodian

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COUNT, RECORDS, PREDICTIONS = (
    "A count by SQL over the datasource",
    "Single records by SQL",
    "Predictions of the demo model",
)
REFUSAL = "Predictions wait for the ethics committee."


def send(what: str) -> str:
    return f"""
        page Networks
        wait "Connected: requests are received." 180
        choose "What the demo requester asks for" "{what}"
        click "Send a demo request"
        wait "Sent by the demo requester." 180
        page Requests
    """


def open_(state: str) -> str:
    return f"""
        wait "{state}" 180
        open-row "{state}"
        wait "Back to all requests"
        wait-gone "Opening the request" 180
    """


def list_of(filter_: str, requests: str) -> str:
    """Choose a filter of the list and wait until what is shown is what it lists, so that no row of before is opened."""
    return f"""
        click "{filter_}"
        wait "{requests}" 180
    """


APPROVE_THE_ONE_OF_LOW_RISK = (
    open_("Low")
    + """
    wait-enabled "Approve once" 180
    click "Approve once"
    wait "Approved once. It goes to the pod now." 180
    wait Finished 180
    click "Back to all requests"
    wait "1 request" 180
"""
)


def save(reason: str) -> str:
    return f"""
        wait-enabled "Save the rule…" 180
        click "Save the rule…"
        type Reason "{reason}"
        click "Put the rule into force"
        wait "The rule is in force." 180
    """


TAKE_THE_TOUR = """
    wait "Take the tour" 180
    click "Take the tour"
    wait "This is the tour" 180
    page Requests
    """ + open_("Waiting for you")

A_RULE_FOR_COUNTS = """
    page "Grants & rules"
    wait "There is no rule yet" 180
    click "Make a rule"
    type "Name of the rule" "Figures for the study"
    choose "What else it asks about" Project
    click "Add this condition"
    wait "It names nothing to compare with" 180
    expect-disabled "Save the rule…"
    click "Add the known value to project"
    choose "What else it asks about" "What leaves"
    click "Add this condition"
    choose "What leaves: value" "figures over many records"
    wait "Of the 1 request, 1 would flip to allow, 0 to refuse." 180
""" + save("The committee agreed to figures.")

IT_ALLOWS_A_COUNT = (
    send(COUNT)
    + list_of("Decided 1", "1 request")
    + open_("Finished")
    + """
        expect "Allowed by the rule"
    """
)

WHAT_IS_IN_THE_WAY_OF_RECORDS = (
    send(RECORDS)
    + list_of("Waiting 2", "2 requests")
    + open_("High")
    + """
        wait "Why it is not allowed by itself" 180
        expect "Each of these was applied and decided again"
        wait "If a rule were otherwise" 180
        click "Make a rule for this…"
        wait "Of the last 3 requests" 180
        click "Leave without saving"
    """
)

A_RULE_THAT_REFUSES = (
    """
    page "Grants & rules"
    click "Make a rule"
    type "Name of the rule" "No predictions yet"
    choose "What it does" "Refuse: it never runs, and its requester is told why"
    choose "What else it asks about" Models
    click "Add this condition"
"""
    f"""
    type "What the requester is told" "{REFUSAL}"
    type "Models: values" "research-lab/hba1c-risk"
    wait "Of the last 3 requests, 0 would flip to allow, 0 to refuse." 180
"""
    + save("Not before May.")
    + send(PREDICTIONS)
    + list_of("Decided 2", "2 requests")
    + open_("Refused")
    + f"""
        expect "{REFUSAL}"
        expect "No predictions yet"
    """
)

TWO_COLLEAGUES_VOTE_BLINDLY = (
    """
    page "Grants & rules"
    click Grants
    click People
    click "Enrol a reviewer…"
    type "Name of the reviewer" Bert
    click "Enrol the reviewer"
    wait Bert 180
    click "Enrol a reviewer…"
    type "Name of the reviewer" Carla
    click "Enrol the reviewer"
    wait Carla 180
    page Requests
    """
    + list_of("Waiting 1", "1 request")
    + open_("High")
    + """
    click "Ask colleagues…"
    type "What should they look at" "Are single records needed?"
    type "How many votes are needed" 2
    click "Ask them"
    wait "Votes are missing" 180
    expect "0 of 2 reviews are in"
    click "Cast a vote…"
    choose "Who votes" Bert
    choose Vote "Yes, let it run"
    type Why "It is for the audit."
    click "Seal the vote"
    wait "1 of 2 reviews are in; they are hidden until all are." 180
    expect "has voted; hidden until all are in"
    expect-not "It is for the audit."
    click "Cast a vote…"
    choose "Who votes" Carla
    choose Vote "No"
    expect-disabled "Seal the vote"
    type Why "A count would do."
    click "Seal the vote"
    wait "All reviews are in, and not every one says yes." 180
    expect "says yes"
    expect "It is for the audit."
    expect "A count would do."
    click Refuse…
    type Reason "A colleague said no."
    click "Refuse the request"
    wait "Refused. The requester will read your words." 180
    expect "A colleague said no."
    """
)

A_PROPOSAL_IS_ACCEPTED = (
    """
    page "Grants & rules"
    click Rules
    open-row "Figures for the study"
    wait "Back to all rules"
    click "Switch off…"
    type Reason "To see what is proposed."
    click "Switch it off"
    wait "it is switched off" 180
    page Requests
    """
    + list_of("Waiting 2", "2 requests")
    + APPROVE_THE_ONE_OF_LOW_RISK
    + (send(COUNT) + APPROVE_THE_ONE_OF_LOW_RISK) * 2
    + """
    page "Grants & rules"
    wait "You have approved the same" 180
    click "Look at the rule"
    wait "would flip to allow" 180
    """
    + save("The same was approved again and again.")
    + send(COUNT)
    + list_of("Decided 6", "6 requests")
    + open_("Finished")
    + """
    expect "Allowed by the rule"
    """
)


def test_rules_are_made_tried_and_decide(custodian: Custodian) -> None:
    custodian.sits_down(
        TAKE_THE_TOUR
        + A_RULE_FOR_COUNTS
        + IT_ALLOWS_A_COUNT
        + WHAT_IS_IN_THE_WAY_OF_RECORDS
        + A_RULE_THAT_REFUSES
        + A_PROPOSAL_IS_ACCEPTED
        + TWO_COLLEAGUES_VOTE_BLINDLY,
        "--keyring",
        "memory",
    )
    assert REFUSAL in json.dumps(custodian.heard())
