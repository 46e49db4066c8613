"""Requests on screen: what is shown is what was derived, a decision is a person's, and strangers' text stays text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from podadmin.app.views.facts import Permit
from podadmin.core.clock import ManualClock
from podadmin.desktop.pages.request_detail import RequestDetailView
from podadmin.desktop.pages.request_list import RequestList
from podadmin.desktop.pages.request_words import clock_words, deadline_words, seconds_left, time_words
from podadmin.desktop.slices import complete
from podadmin.desktop.theme.tokens import SIZE
from podadmin.desktop.widgets.prompt import ReasonPrompt
from podadmin.desktop.widgets.text import PlainLabel
from tests.desktop import request_views as v
from tests.desktop.hands import press, texts


class Bench:
    """A detail in a window, with the decisions that came out of it."""

    def __init__(self, qtbot: QtBot) -> None:
        self.clock = ManualClock(v.NOW)
        self.window = QWidget()
        self.window.resize(1100, 800)
        self.view = complete(RequestDetailView(self.clock, self.window))
        self.decided: list[tuple[str, ...]] = []
        self.view.bar.approved.connect(lambda request, _terms: self.decided.append(("approve", request)))
        self.view.bar.refused.connect(lambda request, reason: self.decided.append(("refuse", request, reason)))
        layout = QVBoxLayout(self.window)
        layout.addWidget(self.view)
        self.window.show()
        qtbot.waitExposed(self.window)

    def arm(self) -> None:
        """Let the time on screen pass."""
        QApplication.processEvents()
        for button in (self.view.bar.approve, self.view.bar.grant):
            for _ in range(24):
                button.tick()

    def press(self, name: str) -> None:
        press(self.window, name)

    def texts(self) -> str:
        return texts(self.window)


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench(qtbot)
    yield made
    made.window.close()
    delete(made.window)
    vars(made).clear()


def test_the_statement_says_what_is_read_computed_kept_and_what_leaves_and_to_whom(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    said = bench.texts()
    effects = v.EFFECTS
    for words in (effects.headline, *effects.reads, *effects.computes, *effects.stays, *effects.leaves):
        assert words in said
    assert f"To: {effects.to}" in said
    assert effects.reasons[0] in said
    assert "Effects unknown" not in said


def test_unknown_effects_are_loud_and_never_read_as_nothing(bench: Bench) -> None:
    silent = replace(v.UNKNOWN, leaves=(), to="")
    bench.view.show_detail(replace(v.HELD, effects=silent))
    said = bench.texts()
    assert "Effects unknown" in said
    assert "count on every record leaving" in said
    assert "To: not known" in said
    assert "Nothing." not in said


def test_known_effects_after_unknown_ones_take_the_warning_away(bench: Bench) -> None:
    bench.view.show_detail(v.NOT_VERIFIED)
    assert "This request could not be verified" in bench.texts()
    bench.view.show_detail(v.HELD)
    assert "Effects unknown" not in bench.texts()
    assert "This request could not be verified" not in bench.texts()


def test_differences_name_the_request_that_was_approved_and_open_it(bench: Bench) -> None:
    wanted: list[str] = []
    bench.view.request_wanted.connect(wanted.append)
    bench.view.show_detail(v.HELD)
    assert "was COUNT(*), now COUNT(*) AS n" in bench.texts()
    bench.press("Open that request")
    assert wanted == ["req_0000000000AA"]
    bench.view.show_detail(replace(v.HELD, differences=(), compared_with=""))
    assert "there is nothing to compare it with" in bench.texts()


def test_sections_verification_trace_and_protocol_are_there(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    said = bench.texts()
    for title in ("People", "Project", "Setting", "Data", "Outputs"):
        assert title in said
    assert "is not signed: anyone on the way could have written it" in said
    assert "No grant has its fingerprint" in said
    model = bench.view.protocol.tree.model()
    assert model.index(0, 1).data() == "bitfount.ResultsOnly"


def test_the_history_opens_its_entry_in_the_journal(bench: Bench) -> None:
    wanted: list[str] = []
    bench.view.entry_wanted.connect(wanted.append)
    bench.view.show_detail(v.HELD)
    bench.view.history.select("42")
    QTest.keyClick(bench.view.history, Qt.Key.Key_Return)
    assert wanted == ["42"]


def test_approving_takes_time_on_screen_and_then_one_press(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.press("Approve once")
    assert bench.decided == []
    bench.arm()
    bench.press("Approve once")
    assert bench.decided == [("approve", v.ROW.id)]


def test_a_second_press_while_the_decision_is_recorded_decides_nothing(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.arm()
    bench.press("Approve once")
    bench.arm()
    bench.press("Approve once")
    assert bench.decided == [("approve", v.ROW.id)]
    assert "being recorded" in bench.view.bar.words


def test_a_decision_that_was_not_recorded_can_be_made_again_after_arming_again(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.arm()
    bench.press("Approve once")
    bench.view.bar.again()
    bench.press("Approve once")
    assert len(bench.decided) == 1
    bench.arm()
    bench.press("Approve once")
    assert len(bench.decided) == 2


def test_enter_and_escape_never_approve(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.arm()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
        QTest.keyClick(bench.view.bar.approve, key)
        QTest.keyClick(bench.window, key)
    assert bench.decided == []
    assert not bench.view.bar.approve.isDefault()


def test_approve_has_no_focus_when_a_request_is_shown(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    assert QApplication.focusWidget() is not bench.view.bar.approve
    assert bench.view.bar.approve.focusPolicy() == Qt.FocusPolicy.NoFocus


@pytest.mark.parametrize(
    "change",
    [
        {"row": replace(v.ROW, id="req_another")},
        {"row": replace(v.ROW, requester="somebody-else")},
        {"effects": v.UNKNOWN},
        {"protocol": {"class_name": "another"}},
        {"verification": ()},
        {"sections": ()},
        {"differences": ()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_is_decided_on_changes_the_time_starts_again(bench: Bench, change: dict[str, Any]) -> None:
    bench.view.show_detail(v.HELD)
    bench.arm()
    assert bench.view.bar.approve.armed
    bench.view.show_detail(replace(v.HELD, **change))
    assert not bench.view.bar.approve.armed
    bench.press("Approve once")
    assert bench.decided == []


def test_news_that_changes_nothing_that_is_decided_on_keeps_the_button_armed(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.arm()
    bench.view.show_detail(replace(v.HELD, history=v.HISTORY[:1]))
    assert bench.view.bar.approve.armed


def test_both_decisions_are_shut_with_the_reason_that_the_act_would_give(bench: Bench) -> None:
    detail = replace(v.HELD, may_approve=Permit(False, "The limit is used up."), may_refuse=Permit(False, "Too late."))
    bench.view.show_detail(detail)
    bar = bench.view.bar
    assert not bar.approve.isEnabled()
    assert bar.approve.accessibleDescription() == "The limit is used up."
    assert not bar.refuse.isEnabled()
    assert bar.refuse.accessibleDescription() == "Too late."


def test_what_hinders_approving_is_read_without_pointing_and_nothing_beside_it_promises_a_grant(bench: Bench) -> None:
    hindered = Permit(False, "Rule “No counts” refuses it.")
    for detail in (v.HELD, v.LAPSED):
        bench.view.show_detail(replace(detail, may_approve=hindered))
        assert "Cannot be approved now: Rule “No counts” refuses it." in texts(bench.view.bar)
        assert "Approving makes" not in bench.view.bar.words
        bench.view.show_detail(detail)
        assert not [said for said in texts(bench.view.bar) if said.startswith("Cannot be approved")]
    assert "Approving makes a grant" in bench.view.bar.words


def test_the_words_of_the_bar_have_room_to_be_read_at_every_width(bench: Bench) -> None:
    bench.view.show_detail(v.LAPSED)
    bar = bench.view.bar
    for width in (960, 720, 1600):
        bar.resize(width, bar.heightForWidth(width))
        layout = bar.layout()
        assert layout is not None
        layout.activate()
        assert bar._words.width() >= SIZE.search
        for button in (bar.colleagues, bar.refuse, bar.terms, bar.grant):
            assert button.geometry().right() <= bar.width()
            assert button.width() >= button.sizeHint().width()


def test_the_time_left_is_said_and_counts_down(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    assert bench.view.bar.words == "3 min 12 s left to decide; after that it is held with a reference."
    bench.clock.advance(150)
    bench.view.bar.tick()
    assert bench.view.bar.words.startswith("42 s left to decide")


def test_at_the_end_of_the_window_approving_means_a_grant_and_has_to_be_armed_anew(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.arm()
    bench.clock.advance(193)
    said: list[str] = []
    bench.view.bar.undecided.connect(said.append)
    bench.press("Approve once")
    assert bench.decided == [], "the window closed under the hand: the press meant something else"
    assert [each.partition(":")[0] for each in said] == ["Nothing was decided"]
    assert not bench.view.bar.approve.isVisible()
    bench.press("Approve and make a grant")
    assert bench.decided == []
    bench.arm()
    bench.press("Approve and make a grant")
    assert bench.decided == [("approve", v.ROW.id)]


def test_a_lapsed_request_offers_a_grant_and_says_what_its_requester_was_told(bench: Bench) -> None:
    bench.view.show_detail(v.LAPSED)
    bar = bench.view.bar
    assert bar.grant.isVisible()
    assert not bar.approve.isVisible()
    assert "H-7K2M-9QXD" in bar.words
    assert "grant" in bar.words


def test_the_countdown_stops_when_it_cannot_be_seen_or_nothing_waits(bench: Bench) -> None:
    timer = bench.view.bar._timer
    bench.view.show_detail(v.HELD)
    assert timer.isActive()
    bench.window.hide()
    assert not timer.isActive()
    bench.window.show()
    assert timer.isActive()
    bench.view.show_detail(v.FINISHED)
    assert not timer.isActive()
    bench.view.show_detail(v.HELD)
    bench.view.forget()
    assert not timer.isActive()
    assert not bench.view.bar.approve.isEnabled()


def test_refusing_needs_words_and_hands_them_over_as_they_are(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.press("Refuse…")
    prompt = bench.window.findChild(ReasonPrompt)
    assert prompt is not None
    assert not prompt.confirm.isEnabled()
    QTest.keyClicks(prompt.field.edit, "It reads too much.")
    QTest.mouseClick(prompt.confirm, Qt.MouseButton.LeftButton)
    assert bench.decided == [("refuse", v.ROW.id, "It reads too much.")]


def test_closing_the_prompt_refuses_nothing(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.press("Refuse…")
    prompt = bench.window.findChild(ReasonPrompt)
    assert prompt is not None
    QTest.keyClicks(prompt.field.edit, "half a thought")
    QTest.keyClick(prompt, Qt.Key.Key_Escape)
    assert bench.decided == []


def test_words_written_about_one_request_never_refuse_another(bench: Bench) -> None:
    bench.view.show_detail(v.HELD)
    bench.press("Refuse…")
    prompt = bench.window.findChild(ReasonPrompt)
    assert prompt is not None
    QTest.keyClicks(prompt.field.edit, "No.")
    bench.view.show_detail(replace(v.HELD, row=replace(v.ROW, id="req_another")))
    QTest.mouseClick(prompt.confirm, Qt.MouseButton.LeftButton)
    assert bench.decided == [("refuse", v.ROW.id, "No.")]


def test_strangers_text_in_every_field_stays_plain_and_visible(bench: Bench) -> None:
    bench.view.show_detail(v.nasty_detail())
    labels = [label for label in bench.window.findChildren(QLabel) if label.text()]
    assert labels
    for label in labels:
        assert label.textFormat() == Qt.TextFormat.PlainText
        assert isinstance(label, PlainLabel)
        for hidden in ("\u202e", "\u200b", "\x07"):
            assert hidden not in label.text()
            assert hidden not in label.accessibleName()
            assert hidden not in label.toolTip()
        assert "<img" not in label.toolTip()
    said = bench.texts()
    assert "<b>bold</b>" in said
    assert "<U+202E>" in said
    for button in bench.window.findChildren(QPushButton):
        assert "\u202e" not in button.text() + button.toolTip() + button.accessibleDescription()
    tree = bench.view.protocol.tree.model()
    assert "<U+202E>" in tree.index(0, 0).data()


def test_what_became_of_a_request_stands_on_top_once_nothing_is_to_decide(bench: Bench) -> None:
    bench.view.show_detail(v.FINISHED)
    assert "Approved by" in bench.texts()
    assert bench.view._outcome.y() < bench.view.effects.y()
    assert bench.view.bar.words == "Finished; its results were passed on"


@pytest.fixture
def listing(qtbot: QtBot) -> RequestList:
    made = complete(RequestList(ManualClock(v.NOW)))
    made.resize(1100, 600)
    qtbot.addWidget(made)
    made.show()
    return made


def test_filters_show_how_many_there_are(listing: RequestList) -> None:
    listing.show_page(v.page_of(*v.rows()), "", True)
    words = [button.text() for button in listing.tabs.findChildren(QPushButton)]
    assert words == ["Waiting 3", "Running 1", "Decided 5", "All 9"]
    assert listing.states == "captured,held,lapsed"
    listing.pick("all")
    assert listing.states == ""


def test_the_order_is_chosen_by_keyboard_or_by_a_press_on_a_column(listing: RequestList) -> None:
    asked: list[str] = []
    listing.filter_changed.connect(lambda: asked.append(listing.order.value()))
    QTest.keyClick(listing.order, Qt.Key.Key_Down)
    head = listing.table.horizontalHeader()
    time, task = head.count() - 1, 1
    head.sectionClicked.emit(time)
    head.sectionClicked.emit(time)
    head.sectionClicked.emit(task)
    head.sectionClicked.emit(task)
    assert asked == ["oldest", "newest", "oldest", "task"]
    assert head.sortIndicatorSection() == task


def test_every_state_has_a_word_of_its_own(listing: RequestList) -> None:
    listing.show_page(v.page_of(*v.rows()), "", True)
    model = listing.table.model()
    words = [model.index(place, 0).data() for place in range(model.rowCount())]
    assert len(set(words)) == len(words)
    assert words[:2] == ["Waiting for you", "Held"]


def test_a_double_click_and_enter_open_a_request(listing: RequestList) -> None:
    opened: list[Any] = []
    listing.opened.connect(opened.append)
    listing.show_page(v.page_of(*v.rows()), "", True)
    listing.table.select("req_000000000001")
    QTest.keyClick(listing.table, Qt.Key.Key_Return)
    assert [row.id for row in opened] == ["req_000000000001"]


def test_the_next_page_is_asked_for_at_the_end_and_joins_the_rows(listing: RequestList) -> None:
    asked: list[bool] = []
    listing.more_wanted.connect(lambda: asked.append(True))
    rows = v.rows()
    listing.show_page(v.page_of(*rows[:4], total=9, next_after="5"), "", True)
    assert asked == [True]
    listing.add_page(v.page_of(*rows[4:], total=9))
    assert len(listing.table.rows()) == 9


def test_emptiness_says_what_to_do(listing: RequestList) -> None:
    wanted: list[str] = []
    listing.demo_wanted.connect(lambda: wanted.append("demo"))
    listing.networks_wanted.connect(lambda: wanted.append("networks"))
    listing.search_cleared.connect(lambda: wanted.append("clear"))
    for search, joined, name in (
        ("", True, "Send a demo request"),
        ("", False, "Go to Networks"),
        ("xyz", True, "Clear the search"),
    ):
        listing.show_page(v.page_of(), search, joined)
        button = next(b for b in listing.findChildren(QPushButton) if b.text() == name)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert wanted == ["demo", "networks", "clear"]
    listing.show_page(v.page_of(*v.rows()), "", True)
    assert listing.state.showing == "content"


def test_learning_that_a_network_is_joined_changes_the_advice(listing: RequestList) -> None:
    listing.show_page(v.page_of(), "", None)
    assert not [b for b in listing.findChildren(QPushButton) if b.text() == "Send a demo request"]
    listing.tell_joined(True)
    assert [b for b in listing.findChildren(QPushButton) if b.text() == "Send a demo request"]


def test_the_clock_of_the_list_runs_only_while_something_counts_down(listing: RequestList) -> None:
    listing.show_page(v.page_of(*v.rows()), "", True)
    assert listing._timer.isActive()
    listing.show_page(v.page_of(*v.rows()[4:]), "", True)
    assert not listing._timer.isActive()


def test_strangers_text_in_a_list_is_made_visible(listing: RequestList) -> None:
    row = replace(v.ROW, requester=v.NASTY, task=v.NASTY, datasource=v.NASTY)
    listing.show_page(v.page_of(row), "", True)
    model = listing.table.model()
    for column in (1, 2, 3):
        assert "\u202e" not in model.index(0, column).data()
        assert "<U+202E>" in model.index(0, column).data()
        tip = model.index(0, column).data(Qt.ItemDataRole.ToolTipRole)
        assert "<img" not in tip


def test_time_is_said_as_a_person_counts_it() -> None:
    assert clock_words(192) == "3 min 12 s"
    assert clock_words(59.9) == "59 s"
    assert clock_words(3 * 3600) == "3 hours"
    assert time_words(v.ROW, v.NOW) == "3 min 12 s left"
    assert time_words(v.ROW, v.NOW + timedelta(hours=1)) == "window passed"
    assert seconds_left(v.LAPSED.row, v.NOW) is None
    assert deadline_words(replace(v.ROW, deadline=None), v.NOW)[1] == "There is no time limit on this decision."
    assert deadline_words(v.FINISHED.row, v.NOW)[1] == ""
