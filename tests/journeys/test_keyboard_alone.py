"""Requests, grants and rules, models and limits, and the journal, from end to end with the keyboard alone.

Nothing in here presses a mouse: every step is a shortcut, Tab until a thing has the keyboard, a key, or typed text.
"""

from __future__ import annotations

import pytest

from tests.journeys.custodian import Custodian

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TOUR = """
    wait "Take the tour" 180
    tab-to "Take the tour"
    key Space
    wait "This is the tour" 180
"""

FILTER_AND_SAVE = """
    key Ctrl+2
    wait "Waiting for you" 180
    tab-to "Search requests"
    keys glaucoma
    wait "Save this filter" 180
    tab-to "Save this filter…"
    key Space
    wait "It can be chosen again"
    keys Eyes
    tab-to "Save the filter"
    key Space
    wait-gone "It can be chosen again"
    tab-to "Search requests"
    key Ctrl+A
    key Delete
    wait-gone "Save this filter" 180
    tab-to "Saved filters"
    key Down
    wait "Remove this filter" 180
    expect Eyes
    tab-to "Waiting 1"
    key Right
    wait "Nothing found" 180
    key Left
    wait "Waiting for you" 180
    tab-to "Search requests"
    key Ctrl+A
    key Delete
"""

NEITHER_ENTER_NOR_ESCAPE_APPROVES = """
    tab-to "Order of the requests"
    key Tab
    key Down
    key Return
    wait "left to decide" 180
    wait-enabled "Approve once" 180
    tab-to "Approve once"
    key Return
    key Enter
    key Escape
    expect "left to decide"
    expect-not "Approved once."
"""

STATE_A_PURPOSE = """
    tab-to "State what it is for…"
    key Space
    wait "Mark everything that holds" 180
    keys biomedical
    tab-to "biomedical research (DUO:0000037)"
    key Space
    wait "Marked: biomedical research"
    tab-to "State this purpose"
    key Space
    wait "Stated." 180
    wait "Biomedical research" 180
"""

APPROVE = """
    wait-enabled "Approve once" 180
    tab-to "Approve once"
    key Space
    wait "Approved once. It goes to the pod now." 180
    wait Finished 180
"""

REFUSE_ANOTHER = """
    key Ctrl+7
    wait "Connected: requests are received." 180
    tab-to "What the demo requester asks for"
    key Down
    tab-to "Send a demo request"
    key Space
    wait "Sent by the demo requester." 180
    key Ctrl+2
    wait "Waiting for you" 180
    tab-to "Order of the requests"
    key Tab
    key Down
    key Return
    wait "left to decide" 180
    tab-to Refuse…
    key Space
    expect-disabled "Refuse the request"
    keys "Single records never leave."
    tab-to "Refuse the request"
    key Space
    wait "Refused. The requester will read your words." 180
"""

MAKE_A_RULE = """
    key Ctrl+3
    wait "There is no rule yet" 180
    tab-to "Make a rule"
    key Space
    wait "Name of the rule" 180
    tab-to "Name of the rule"
    keys "Nothing single"
    tab-to "What it does"
    key Down
    tab-to "What the requester is told"
    keys "Single records never leave."
    tab-to "What else it asks about"
    keys Project
    tab-to "Add this condition"
    key Space
    tab-to "Add the known value to project"
    key Space
    wait "Of the last 2 requests" 180
    tab-to "Save the rule…"
    key Space
    wait "Whoever asks later reads why" 180
    keys "The board said so."
    tab-to "Put the rule into force"
    key Space
    wait "The rule is in force." 180
    key Ctrl+3
    tab-to Rules
    key Right
    wait "No grant lasts" 180
    key Right
    wait glaucoma-study 180
    expect "Biomedical research"
"""

LIMIT_A_MODEL = """
    key Ctrl+5
    wait "research-lab/hba1c-risk:1" 180
    tab-to "Models and limits"
    key Down
    tab-to "Set a limit of your own for this model"
    key Space
    wait "Record the limit" 180
    tab-to Model
    key Ctrl+A
    key Delete
    tab-to Project
    key Ctrl+A
    keys glaucoma-study
    tab-to Inferences
    keys 500
    tab-to Reason
    keys "The committee agreed to so many."
    tab-to "Record the limit"
    key Space
    wait "at most 500 inferences" 180
"""

READ_THE_JOURNAL = """
    key Ctrl+9
    wait "What happened" 180
    tab-to "Search the journal"
    keys "The board said so"
    wait "1 entry" 180
    tab-to "Journal entries"
    key Down
    wait "was put into force: The board said so." 180
    tab-to "Verify the journal"
    key Space
    wait "Verified to entry" 180
"""


def test_a_custodian_needs_no_mouse(custodian: Custodian) -> None:
    custodian.sits_down(
        TOUR
        + FILTER_AND_SAVE
        + NEITHER_ENTER_NOR_ESCAPE_APPROVES
        + STATE_A_PURPOSE
        + APPROVE
        + REFUSE_ANOTHER
        + MAKE_A_RULE
        + LIMIT_A_MODEL
        + READ_THE_JOURNAL,
        "--keyring",
        "memory",
    )
