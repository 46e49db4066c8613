"""What left for a request on its page, and a result that waits: looked at before it can go."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from podadmin.app import left_rows
from podadmin.app.views.facts import Done, Permit
from podadmin.app.views.gate import ResultRow, ResultView
from podadmin.app.views.left import LeftRow, LeftView
from podadmin.core.errors import Unavailable
from podadmin.desktop.pages import request_left
from podadmin.desktop.pages.request_left import LOOK, LeftCard, LeftPart, ResultSheet
from podadmin.gate import outgoing
from tests.desktop.hands import Show, named, press, texts
from tests.desktop.held import Ready

AT = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
WAITS = ResultRow("out_1", "req_1", "EVALUATION_RESULTS", 7100, AT, ("Promised at most 10 rows, found 200.",))
LEFT = LeftView(
    "req_1",
    "Of its messages 2 went out, 1 kept until seen. 102 bytes have left.",
    (
        LeftRow(AT, "JOB_ACCEPT", 64, "lab\u202e", "passed", "That the pod takes the task.", "Sealed."),
        LeftRow(AT, "LOG_MESSAGE", 38, "lab", "passed", "Words.", "Sealed.", count=12, last_at=AT),
        LeftRow(
            AT, "EVALUATION_RESULTS", 7100, "lab", "held", "200 rows: “n”.", "Sealed.", "Promised at most 10 rows."
        ),
    ),
    (WAITS,),
    Permit(True),
)
RESULT = ResultView(WAITS, "a table", 200, ("n", "name"), ((("n", "9"), ("name", "Xxxx")),), "Counts.")


@pytest.fixture
def page(host: QWidget) -> Any:
    session = Ready({"requests left": LEFT, "gate show-result": RESULT})

    def write(act: str, arguments: Any, success: Any) -> None:
        session.asked.append((act, dict(arguments)))
        success(Done("It was done.", "req_1"))

    desk = SimpleNamespace(sheet_host=host, say=lambda _words: None)
    return SimpleNamespace(session=session, desk=desk, write=write, refresh=lambda: None)


def test_what_left_is_listed_and_what_waits_comes_first(show: Show, page: Any) -> None:
    card = show(LeftCard())
    LeftPart(page, card).read("req_1")
    said = texts(card)
    assert "Promised at most 10 rows, found 200." in said
    assert "1 kept until seen" in said
    assert [each.type for each in card.table.rows()] == ["JOB_ACCEPT", "LOG_MESSAGE", "EVALUATION_RESULTS"]
    assert named(card, "Withhold what waits…").isEnabled()
    card.show_left(replace(LEFT, waiting=(replace(WAITS, kind="TRAINING_UPDATE"),)))
    assert "An update of a model" in texts(card)
    card.show_left(replace(LEFT, waiting=(), may_withhold=Permit(False, "It has ended.")))
    assert "found 200" not in texts(card)
    page.session.answers["requests left"] = Unavailable("store.busy", "a", "b", "c")
    LeftPart(page, card).read("req_1")
    assert not card.isVisible()


def test_a_result_is_masked_until_its_values_are_wanted_and_goes_only_once_it_is_armed(
    show: Show, host: QWidget, page: Any
) -> None:
    card = show(LeftCard())
    part = LeftPart(page, card)
    part.read("req_1")
    press(card, "Look at it…")
    sheet = next(each for each in host.findChildren(ResultSheet))
    said = texts(sheet)
    assert "200 rows" in said
    assert "First rows, masked" in said
    assert page.session.asked[-1] == ("gate show-result", {"result_id": "out_1", "values": False})
    page.session.answers["gate show-result"] = replace(RESULT, masked=False)
    press(sheet, "Show values")
    assert page.session.asked[-1] == ("gate show-result", {"result_id": "out_1", "values": True})
    assert "Somebody beside you can read them too." in texts(sheet)
    assert not sheet.release.armed
    sheet.release.click()
    assert page.session.asked[-1][0] == "gate show-result", "nothing goes before it was long enough on the screen"
    while not sheet.release.armed:
        sheet.release.tick()
    sheet.release.decided.emit()
    assert page.session.asked[-1] == ("gate release-result", {"request_id": "req_1", "through": "out_1"})


def test_what_goes_with_a_result_is_what_came_before_it(show: Show, host: QWidget, page: Any) -> None:
    """Those that only follow are counted; of very many that wait, the first and the last can be looked at."""
    follows = replace(WAITS, id="out_9", kind="BATCHES_COMPLETE", reasons=())
    several = tuple(replace(WAITS, id=f"out_{number}", kind="MODEL_PARAMETERS") for number in range(1, 9))
    page.session.answers["requests left"] = replace(LEFT, waiting=(*several[:1], follows))
    card = show(LeftCard())
    part = LeftPart(page, card)
    part.read("req_1")
    said = texts(card)
    assert said.count("The parameters of a model of") == 1
    assert "1 message follows once these have gone." in said
    page.session.answers["requests left"] = replace(LEFT, waiting=(*several, follows))
    part.read("req_1")
    said = texts(card)
    assert said.count("The parameters of a model of") == 5
    assert "3 more wait between these. 1 message follows once these have gone." in said
    first, *_, last = [each for each in card.findChildren(QPushButton) if each.text() == LOOK]
    pairs = ((several[0], first, "Let it go to the requester"), (several[7], last, "Let it and the 7 before it go"))
    for waits, button, words in pairs:
        button.click()
        sheet = host.findChildren(ResultSheet)[-1]
        assert sheet.release.text() == words
        sheet.release.decided.emit()
        assert page.session.asked[-1] == ("gate release-result", {"request_id": "req_1", "through": waits.id})


def test_what_cannot_be_opened_cannot_be_let_go_from_here(show: Show, host: QWidget, page: Any) -> None:
    page.session.answers["gate show-result"] = Unavailable("vault.locked", "It was not opened.", "Locked.", "Unlock.")
    sheet = ResultSheet(page, WAITS, 0)
    sheet.open()
    assert "It was not opened." in texts(sheet)
    assert not sheet.release.isEnabled()


def test_whatever_becomes_of_a_message_has_a_badge_and_words() -> None:
    every = {outgoing.PASSED, outgoing.HELD, outgoing.QUEUED, outgoing.WITHHELD, outgoing.REFUSED, outgoing.STRIPPED}
    assert set(request_left._OUTCOMES) == set(left_rows._WORDS) == {*every, *outgoing._AS_OUTCOME.values()}
