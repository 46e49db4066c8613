"""Results that wait at the real desktop: a rule holds them, one looks, lets one go and withholds another."""

from __future__ import annotations

import json

import pytest

from tests.journeys.custodian import Custodian

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

A_RULE_THAT_LOOKS = """
    wait "Take the tour" 180
    click "Take the tour"
    wait "This is the tour" 180
    page "Grants & rules"
    wait "There is no rule yet" 180
    click "Make a rule"
    type "Name of the rule" "Rows are seen first"
    choose "What it does" "Look: it says nothing of the request, and holds its results"
    wait "has to say when it holds them" 180
    expect-disabled "Save the rule…"
    choose "What else holds a result" "Number of rows"
    click "Add this reason"
    type "Number of rows: number" "10"
    choose "What else holds a result" "Promised and found"
    click "Add this reason"
    type "Promised and found: values" "columns, level"
    wait "A task brings more than 10 rows." 180
    wait-enabled "Save the rule…" 180
    picture rule-form.png
    click "Save the rule…"
    type Reason "The board wants to see rows before they leave."
    click "Put the rule into force"
    wait "The rule is in force." 180
    wait "Its results are held until you have seen them" 180
    picture rule.png
"""


def asks_for_records(listed: str) -> str:
    return f"""
        page Networks
        wait "Connected: requests are received." 180
        choose "What the demo requester asks for" "Single records by SQL"
        click "Send a demo request"
        wait "Sent by the demo requester." 180
        page Requests
        click "Waiting {listed}"
        wait "High" 180
        open-row "High"
        wait-enabled "Approve once" 180
        click "Approve once"
        wait "waits until you have seen it" 180
    """


ONE_IS_LET_GO = (
    asks_for_records("2")
    + """
    wait "It may have at most 10 rows, found" 180
    expect "Kept until seen"
    picture left-held.png
    click "Look at it…"
    wait "First rows, masked" 180
    picture result.png
    click "Show values"
    wait "First rows with their values" 180
    wait-enabled "Let it go to the requester" 180
    click "Let it go to the requester"
    wait "The results go to the requester." 180
    wait "Finished" 180
    wait-gone "waits until you have seen it" 180
    expect "Went out"
    picture left.png
    click "Back to all requests"
"""
)

ANOTHER_IS_WITHHELD = (
    asks_for_records("2")
    + """
    click "Withhold what waits…"
    type "What the requester is told" "These are single records."
    click "Withhold the result"
    wait "Nothing more of this task leaves" 180
    wait "Result withheld by" 180
    expect "Withheld"
    picture left-withheld.png
"""
)


def test_results_wait_are_looked_at_let_go_and_withheld(custodian: Custodian) -> None:
    custodian.sits_down(A_RULE_THAT_LOOKS + ONE_IS_LET_GO + ANOTHER_IS_WITHHELD, "--keyring", "memory")
    heard = custodian.heard()
    assert [each for each in heard if each.get("type") == "EVALUATION_RESULTS"]
    assert "These are single records." in json.dumps(heard)
