"""Grants on screen: pins with was and now, terms that nobody agrees to by accident, notices that never decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from podadmin.app.views.facts import Permit
from podadmin.app.views.grants import (
    DeciderRow,
    Deciders,
    GrantDetail,
    GrantPage,
    GrantRow,
    PinView,
    ReceiptDetail,
    ReceiptPage,
    ReceiptRow,
    ReviewerRow,
    ReviewView,
    UseView,
    VoteView,
)
from podadmin.app.views.requests import Arrival, Arrivals
from podadmin.core.clock import ManualClock
from podadmin.desktop import slices
from podadmin.desktop.pages.grants import GrantsPanel, is_grants
from podadmin.desktop.pages.grants_cards import GrantCard, VarySheet
from podadmin.desktop.pages.grants_people import FieldsSheet
from podadmin.desktop.pages.grants_receipts import ReceiptSheet
from podadmin.desktop.pages.grants_sheet import GrantSheet
from podadmin.desktop.pages.request_notices import RequestNotices, Tray
from podadmin.desktop.pages.request_review import AskSheet, ReviewCard, VoteSheet
from podadmin.desktop.pages.rules import RulesPage
from podadmin.desktop.slices import complete
from podadmin.desktop.widgets.buttons import ArmedButton
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.prompt import ReasonPrompt, Sheet
from tests.desktop import request_views as v
from tests.desktop.hands import Show, named, press, texts
from tests.desktop.held import Desk

NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
NASTY = "<b>bold</b> a\u202egnp.exe"
SAFE = "<b>bold</b> a<U+202E>gnp.exe"
ROW = GrantRow(
    id="grt_1",
    state="lasting",
    state_words="2 runs left",
    requester="lab",
    project="study",
    task="Inference",
    datasource="patients",
    runs=3,
    runs_left=2,
    inferences=100.0,
    inferences_left=40.0,
    made_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=29),
    ended_at=None,
    made_by="anna",
    made_from="req_1",
)
PINS = (
    PinView("requester_key", "The requester's key", "abababab", False, False),
    PinView("model_version", "The version of the model", "3", False, True),
    PinView("columns", "The columns that are asked for", "age, sex", True, True),
    PinView("code", "The model's code", "not known", False, True),
    PinView("switches", "Switches outside the seal", "none", False, True),
)
GRANT = GrantDetail(ROW, PINS, (UseView("req_2", NOW, "Finished", 60.0),), ("R-1",), "for the board", "", Permit(True))
VOIDED = replace(
    GRANT,
    row=replace(ROW, id="grt_2", state="voided", ended_at=NOW),
    pins=(replace(PINS[1], now="4"), *PINS[:1]),
    ended_reason="A pin has changed. The version of the model: was 3, now 4",
    may_change=Permit(False, "It has ended and allows nothing any more."),
)
RECEIPT = ReceiptRow(7, "R-AAAA-BBBB", "approved", "Approved", "req_1", "anna", "lab", NOW, True, "Signed", 12)


class Room:
    """A page with a desk whose session answers from a table, and everything that was asked of both."""

    def __init__(self, qtbot: QtBot) -> None:
        self.window = QWidget()
        self.window.resize(1100, 800)
        self.layout = QVBoxLayout(self.window)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.went: list[tuple[str, str]] = []
        self.said: list[str] = []
        self.answers: dict[str, Any] = {
            "grants list": GrantPage((GRANT,), 1, 1, None),
            "grants show": VOIDED,
            "receipt list": ReceiptPage((RECEIPT,), 2, None),
            "receipt show": ReceiptDetail(RECEIPT, {"act": "approved", "by": NASTY}, "00", "ab" * 32),
            "grants deciders": Deciders((), True, "Nobody is named.", "You may decide.", Permit(True)),
            "reviews people": (),
        }
        self.desk = self
        self.session = self
        self.sheet_host = self.window
        self.window.show()
        qtbot.waitExposed(self.window)

    def read(self, *given: Any) -> None:
        act, arguments, success = given[-3:] if isinstance(given[0], str) else given[1:4]
        self.asked.append((act, dict(arguments)))
        success(self.answers[act])

    def write(self, *given: Any) -> None:
        act, arguments = (given if isinstance(given[0], str) else given[1:])[:2]
        self.asked.append((act, dict(arguments)))

    def on_change(self, _owner: object, _kinds: object, callback: Callable[[], object]) -> None:
        self.changed = callback

    def go(self, page: str, subject: str = "") -> None:
        self.went.append((page, subject))

    def say(self, words: str, tone: str = "good") -> None:
        self.said.append(words)

    def show_error(self, error: object) -> None:
        raise AssertionError(error)

    def add(self, widget: QWidget) -> None:
        self.layout.addWidget(widget)
        widget.show()
        QApplication.processEvents()

    def texts(self) -> str:
        return texts(self.window)

    def press(self, name: str) -> None:
        assert named(self.window, name).isEnabled(), name
        press(self.window, name)
        QApplication.processEvents()

    def sheet(self, kind: type[Any]) -> Any:
        return self.window.findChildren(kind)[-1]


@pytest.fixture
def room(qtbot: QtBot) -> Iterator[Room]:
    made = Room(qtbot)
    yield made
    made.window.close()
    delete(made.window)


def panel(room: Room) -> GrantsPanel:
    made = complete(GrantsPanel(room, ManualClock(NOW)))  # type: ignore[arg-type]
    room.add(made)
    made.open_subject("")
    return made


# --- cards -----------------------------------------------------------------------------------------------------------


def test_a_card_says_what_the_grant_is_pinned_to_and_what_is_left(room: Room) -> None:
    room.add(GrantCard(GRANT, ManualClock(NOW)))
    told = room.texts()
    for words in ("2 of 3 left", "40 of 100 left", "by anna", "abababab", "may vary; was age, sex", "Lasts"):
        assert words in told or words == "Lasts", words
    assert "the model's code: a request in which they are known is not covered" in told
    assert "Switches" not in told


def test_a_voided_grant_says_which_pin_was_what_and_is_what(room: Room) -> None:
    room.add(GrantCard(VOIDED, ManualClock(NOW)))
    assert "was 3, now 4" in room.texts()
    assert "What was decided on has changed" in room.texts()
    assert not any(
        b.text().startswith(("Revoke", "Let")) for b in room.window.findChildren(QPushButton) if b.isVisible()
    )


def test_strangers_names_are_plain_text(room: Room) -> None:
    named = replace(GRANT, row=replace(ROW, requester=NASTY, project=NASTY, made_by=NASTY), note=NASTY)
    room.add(GrantCard(named, ManualClock(NOW)))
    told = room.texts()
    assert told.count(SAFE) >= 3
    assert "\u202e" not in told
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in room.window.findChildren(QLabel))


def test_revoking_needs_a_reason_and_letting_vary_a_pin_and_a_reason(room: Room) -> None:
    panel(room)
    room.press("Revoke… Grant grt_1")
    prompt = room.sheet(ReasonPrompt)
    assert not prompt.confirm.isEnabled()
    prompt.field.set_value("The study is over.")
    QTest.mouseClick(prompt.confirm, Qt.MouseButton.LeftButton)
    assert room.asked[-1] == ("grants revoke", {"grant_id": "grt_1", "reason": "The study is over."})
    room.press("Let a pin vary… Grant grt_1")
    sheet = room.sheet(VarySheet)
    assert not sheet.confirm.isEnabled()
    sheet.reason.set_value("Reviewed elsewhere.")
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    given = {"grant_id": "grt_1", "which": "model_version", "reason": "Reviewed elsewhere."}
    assert room.asked[-1] == ("grants vary", given)


def test_the_panel_shows_lists_receipts_and_people(room: Room) -> None:
    made = panel(room)
    room.press("The request it was made from: grt_1")
    assert room.went == [("Requests", "req_1")]
    room.answers["grants list"] = GrantPage((), 0, 0, None)
    room.press("Ended 1")
    assert room.asked[-1] == ("grants list", {"state": "ended", "limit": 12})
    assert "No grant has ended" in room.texts()
    room.press("Receipts")
    assert "2 receipts are not signed yet" in room.texts()
    room.press("Sign them now")
    assert room.asked[-1] == ("receipt sign", {})
    made.receipts.table.opened.emit(RECEIPT)
    assert room.asked[-1] == ("receipt show", {"reference": "R-AAAA-BBBB"})
    assert "Receipt R-AAAA-BBBB" in room.texts()
    room.sheet(ReceiptSheet).dismiss()
    room.press("People")
    assert "Nobody is named." in room.texts()
    assert "cannot be met before somebody is" in room.texts()
    room.press("Name a custodian…")
    sheet = room.sheet(FieldsSheet)
    assert not sheet.confirm.isEnabled()
    for field, words in zip(sheet.findChildren(TextField), ("anna", "She answers."), strict=True):
        field.set_value(words)
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    assert room.asked[-1] == ("grants custodian", {"account": "anna", "reason": "She answers."})


def test_links_into_the_panel(room: Room) -> None:
    made = panel(room)
    assert [
        is_grants(each) for each in ("grt_1", "R-A", "receipts", "people", "ended", "grants", "rul_1", "new", "")
    ] == ([True] * 6 + [False] * 3)
    made.open_subject("grt_2")
    assert made.tabs.current == "ended"
    made.open_subject("R-AAAA-BBBB")
    assert made.tabs.current == "receipts"
    assert room.sheet(ReceiptSheet).isVisible()
    made.open_subject("people")
    assert made.tabs.current == "people"


def test_people_can_be_ended_and_removed_only_when_chosen(room: Room) -> None:
    anna = DeciderRow("dcd_1", "anna", "", NOW, None, True, "Decides", "Head", "anna")
    room.answers["grants deciders"] = Deciders(
        (anna,), False, "Only those.", "You may look.", Permit(False, "Not you.")
    )
    room.answers["reviews people"] = (ReviewerRow("rvr_1", "ben", "local", "", "ab" * 32, NOW),)
    made = panel(room)
    room.press("People")
    assert "You may look. Not you." in room.texts()
    assert not made.people.end.isEnabled()
    made.people.deciders.select("dcd_1")
    made.people.deciders.picked.emit(anna)
    room.press("End the right to decide…")
    room.sheet(ReasonPrompt).dismiss()
    made.people.reviewers.select("rvr_1")
    made.people.reviewers.picked.emit(made.people.reviewers.current_row())
    room.press("Remove the reviewer…")
    assert "ben is asked no more" in room.texts()


# --- approving with a grant: rule 4, clause by clause ----------------------------------------------------------------


def agreed(room: Room, late: bool = False) -> tuple[GrantSheet, list[tuple[str, dict[str, Any]]]]:
    sheet = GrantSheet(room.window, v.HELD, late)
    given: list[tuple[str, dict[str, Any]]] = []
    sheet.agreed.connect(lambda request, terms: given.append((request, terms)))
    sheet.open()
    QApplication.processEvents()
    return sheet, given


def arm(sheet: GrantSheet) -> None:
    QApplication.processEvents()
    for _ in range(24):
        sheet.confirm.tick()


def test_the_terms_are_taken_once_the_button_is_armed(room: Room) -> None:
    sheet, given = agreed(room)
    sheet.runs.set_value("3")
    sheet.days.set_value("7,5")
    sheet.inferences.set_value("100")
    sheet.note.set_value("board")
    sheet.vary["columns"].set_value(True)
    arm(sheet)
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    terms = {"runs": 3, "days": 7.5, "inferences": 100.0, "vary": ["columns"], "note": "board"}
    assert given == [(v.HELD.row.id, terms)]


def test_approving_is_never_the_default_and_never_has_the_focus_first(room: Room) -> None:
    sheet, _ = agreed(room)
    assert isinstance(sheet.confirm, ArmedButton)
    assert not sheet.confirm.isDefault()
    assert not sheet.confirm.autoDefault()
    assert QApplication.focusWidget() is sheet.runs.line


def test_approving_is_armed_only_after_its_time_on_screen(room: Room) -> None:
    sheet, given = agreed(room)
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    assert given == []
    for _ in range(10):
        sheet.confirm.tick()
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    assert given == []


@pytest.mark.parametrize("change", ["runs", "days", "inferences", "note", "vary"])
def test_a_term_that_changes_starts_the_time_again(room: Room, change: str) -> None:
    sheet, given = agreed(room)
    arm(sheet)
    assert sheet.confirm.armed
    if change == "vary":
        sheet.vary["model_version"].set_value(True)
    else:
        getattr(sheet, change).set_value("2")
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    assert given == []


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape])
def test_neither_enter_nor_escape_approves(room: Room, key: Qt.Key) -> None:
    sheet, given = agreed(room)
    arm(sheet)
    for where in (sheet.runs.line, sheet.confirm, sheet):
        QTest.keyClick(where, key)
    assert given == []


def test_closing_decides_nothing(room: Room) -> None:
    sheet, given = agreed(room)
    arm(sheet)
    sheet.dismiss()
    assert given == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("runs", "0"),
        ("runs", "1.5"),
        ("runs", ""),
        ("days", "0"),
        ("days", "nan"),
        ("days", "inf"),
        ("inferences", "-1"),
        ("inferences", "inf"),
        ("inferences", "x"),
    ],
)
def test_terms_that_cannot_be_meant_are_not_offered(room: Room, field: str, value: str) -> None:
    sheet, _ = agreed(room)
    getattr(sheet, field).set_value(value)
    assert sheet.terms() is None
    assert not sheet.confirm.isEnabled()


def test_the_sheet_says_whether_the_request_itself_goes_now(room: Room) -> None:
    agreed(room)
    assert "goes to the pod now" in room.texts()
    room.sheet(GrantSheet).dismiss()
    agreed(room, late=True)
    assert "goes to the pod now" not in room.texts()


# --- reviews ---------------------------------------------------------------------------------------------------------

BEN = ReviewerRow("rvr_1", "ben", "local", "", "ab" * 32, NOW)
OPEN = ReviewView(
    "req_1", "open", "1 of 2 reviews are in; they are hidden until all are.", 2, "Look", "rule 1", (), (BEN,), (BEN,)
)


def test_votes_are_hidden_until_all_are_in_and_are_cast_with_care(room: Room) -> None:
    card = ReviewCard(room.window)
    wanted: list[tuple[str, dict[str, Any]]] = []
    card.wanted.connect(lambda act, given: wanted.append((act, given)))
    room.add(card)
    card.show_review("req_1", replace(OPEN, votes=(VoteView("cleo", NOW, "", ""),)))
    assert "hidden until all are in" in room.texts()
    room.press("Cast a vote…")
    sheet = room.sheet(VoteSheet)
    assert not sheet.confirm.isEnabled()
    sheet.verdict.set_value("refuse")
    assert not sheet.confirm.isEnabled()
    sheet.reason.set_value("Too many columns.")
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    given = {"request": "req_1", "reviewer": "rvr_1", "verdict": "refuse", "reason": "Too many columns."}
    assert wanted == [("reviews vote", given)]
    done = replace(OPEN, state="refuse", votes=(VoteView("cleo", NOW, "refuse", NASTY),), may_vote=())
    card.show_review("req_1", done)
    assert f"says no, 21 Nov 2026, 10:02: {SAFE}" in room.texts()
    assert not card.vote.isVisible()
    card.show_review("req_1", None)
    assert not card.isVisible()


def test_colleagues_are_asked_from_the_bar(room: Room) -> None:
    given: list[dict[str, object]] = []
    sheet = AskSheet(room.window, "req_1", 2, given.append)
    sheet.open()
    why, needed = sheet.findChildren(TextField)
    assert not sheet.confirm.isEnabled()
    why.set_value("Is this the study?")
    needed.set_value("2")
    QTest.mouseClick(sheet.confirm, Qt.MouseButton.LeftButton)
    assert given == [{"request": "req_1", "why": "Is this the study?", "needed": "2"}]


def test_where_nobody_is_enrolled_it_is_said_before_asking_shuts_the_way_to_approve(room: Room) -> None:
    AskSheet(room.window, "req_1", 0, lambda _: None).open()
    assert "cannot be approved before somebody is" in room.texts()


def test_a_review_that_nobody_can_answer_leads_to_where_reviewers_are_enrolled(room: Room) -> None:
    card = ReviewCard(room.window)
    wanted: list[bool] = []
    card.people_wanted.connect(lambda: wanted.append(True))
    room.add(card)
    card.show_review("req_1", replace(OPEN, votes=(VoteView("cleo", NOW, "", ""),)))
    assert not card.enrol.isVisible(), "one vote is missing, and one can still vote"
    card.show_review("req_1", replace(OPEN, may_vote=(), enrolled=()))
    room.press("Enrol reviewers")
    assert wanted == [True]


def test_no_sheet_leaves_anything_behind(room: Room) -> None:
    agreed(room)
    for sheet in room.window.findChildren(Sheet):
        sheet.dismiss()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert room.window.findChildren(Sheet) == []


# --- notices ---------------------------------------------------------------------------------------------------------


def test_a_notice_says_who_what_and_until_when_and_only_opens(room: Room) -> None:
    told: list[tuple[str, str]] = []
    room.answers["requests arrived"] = Arrivals((), 0, 5, True)
    notices = RequestNotices(room, room.go, lambda title, words: told.append((title, words)), room.window)  # type: ignore[arg-type]
    assert told == []
    come = Arrival("req_9", "lab waits for your decision", "Counts leave the pod. Until 10:07.", NOW)
    room.answers["requests arrived"] = Arrivals((come,), 2, 9, True)
    room.changed()
    assert room.asked[-1] == ("requests arrived", {"after": 5})
    assert told == [
        ("lab waits for your decision", "Counts leave the pod. Until 10:07."),
        ("More requests wait for your decision", "2 more have come."),
    ]
    room.answers["requests arrived"] = Arrivals((come,), 0, 10, True)
    room.changed()
    notices.open_last()
    assert room.went == [("Requests", "req_9")]
    assert not any(act.startswith("requests approve") for act, _ in room.asked)


def test_notices_can_be_turned_off_and_need_a_place(room: Room) -> None:
    told: list[tuple[str, str]] = []
    come = Arrival("req_9", "lab", "x", NOW)
    room.answers["requests arrived"] = Arrivals((come,), 0, 9, False)
    RequestNotices(room, room.go, lambda title, words: told.append((title, words)), room.window)  # type: ignore[arg-type]
    assert told == []
    tray = Tray(lambda: None, room.window)
    tray.show_message("offscreen", "says nothing")
    assert tray.findChildren(QWidget) == []


def test_nothing_of_the_grants_can_be_pressed_while_they_come(
    qtbot: QtBot, show: Show, host: QWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "_BUDGET", 1e-5)  # a turn for each piece, however quick the machine is
    page = show(RulesPage(Desk(host), sliced=True))
    qtbot.waitUntil(lambda: page.ready)
    page.open_subject("grants")
    pressed: list[bool] = []

    def press() -> None:
        for button in page.findChildren(QPushButton):
            if button.text() == "People" and page.grants is None:
                pressed.append(button.isEnabled())
                QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        if page.grants is None:
            QTimer.singleShot(0, page, press)

    press()
    qtbot.waitUntil(lambda: page.grants is not None)
    assert pressed
    assert not any(pressed)
    assert page.grants is not None
    assert page.grants.tabs.isEnabled()
    assert page.grants.tabs.current == "lasting"
    page.hide()
