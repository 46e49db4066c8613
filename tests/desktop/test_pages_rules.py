"""The form of a rule: what is entered is what the acts are given, arrows choose without doing, problems are said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.views.rules import FlipRow, RuleFieldRow, RuleRow, SuggestionRow, Trial, WayOutView, WhyNotView
from podadmin.core.errors import BadInput
from podadmin.desktop.pages.rules import NEW, RulesPage
from podadmin.desktop.pages.rules_condition import ConditionCard
from podadmin.desktop.pages.rules_editor import RuleEditor
from podadmin.desktop.pages.rules_list import RulesList, summary
from podadmin.desktop.pages.rules_trial import UNREAD, UNTRIED, TrialCard
from podadmin.desktop.pages.rules_why_not import WhyNotCard
from podadmin.desktop.slices import complete
from tests.desktop.hands import Show, texts
from tests.desktop.held import Desk

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def field(name: str, kind: str, modes: tuple[str, ...], **more: tuple[tuple[str, str], ...]) -> RuleFieldRow:
    said = tuple((mode, f"It is {mode} {{}}.") for mode in modes)
    return RuleFieldRow(name, name.title(), kind, said, "Anything.", "", more.get("choices", ()), more.get("known", ()))


FIELDS = (
    field("project", "one", ("only", "other", "none"), known=(("study", "study"), ("a, b", "a, b"))),
    field("leaves", "level", ("at-most",), choices=(("counts", "counts"), ("row", "single records"))),
    field("group", "number", ("at-least",)),
    field("time", "time", ("within",)),
)


@pytest.fixture
def host(qtbot: QtBot) -> Iterator[QWidget]:
    window = QWidget()
    window.resize(1200, 900)
    QVBoxLayout(window)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window.close()
    window.deleteLater()


def put(host: QWidget, widget: QWidget) -> None:
    layout = host.layout()
    assert layout is not None
    layout.addWidget(widget)


def named(host: QWidget, kind: type[QWidget], name: str) -> QWidget:
    return next(each for each in host.findChildren(kind) if each.accessibleName() == name)


def press(host: QWidget, name: str) -> None:
    button = next(
        each
        for each in host.findChildren(QPushButton)
        if name in (each.accessibleName(), each.text().replace("&&", "&"))
    )
    QTest.keyClick(button, Qt.Key.Key_Return)


def test_a_rule_is_written_with_the_keyboard_alone(host: QWidget, qtbot: QtBot) -> None:
    editor = complete(RuleEditor(FIELDS))
    put(host, editor)
    editor.begin(None, {})
    QTest.keyClicks(editor.name.line, "Counts")
    choice = named(host, QComboBox, "What else it asks about")
    assert isinstance(choice, QComboBox)
    QTest.keyClick(choice, Qt.Key.Key_Down)
    assert editor.arguments()["condition"] == {}, "arrows choose and do nothing yet"
    press(host, "Add this condition")
    value = named(host, QComboBox, "Leaves: value")
    QTest.keyClick(value, Qt.Key.Key_Down)
    assert editor.arguments() == {
        "name": "Counts", "verdict": "allow", "condition": {"leaves": "at-most: row"}, "message": "",
    }  # fmt: skip
    assert editor.left_out() == {"without": ["project", "group", "time"], "without_results": []}
    with qtbot.waitSignal(editor.tried):
        QTest.keyClick(value, Qt.Key.Key_Up)
    press(host, "Take out the condition on leaves")
    assert editor.arguments()["condition"] == {}
    editor.stop()


def test_what_a_condition_says_is_what_was_entered(host: QWidget) -> None:
    for name, text in (("project", "other: study, b"), ("leaves", "at-most: row"), ("group", "at-least: all"),
                       ("time", "within: Mon-Fri, 08:00-18:00, 2026-01-01..2026-12-31, Europe/London"),
                       ("time", "within: ..2026-12-31, UTC"), ("project", "none:"),
                       ("project", 'only: ["a, b"]')):  # fmt: skip
        card = ConditionCard(next(each for each in FIELDS if each.name == name), text)
        put(host, card)
        assert card.text == text
        card.setParent(None)
        card.deleteLater()


def test_known_values_are_added_once_and_whole(host: QWidget) -> None:
    card = ConditionCard(FIELDS[0], "only: x")
    put(host, card)
    known = named(host, QComboBox, "Project: known values")
    assert isinstance(known, QComboBox)
    press(host, "Add the known value to project")
    press(host, "Add the known value to project")
    assert card.text == "only: x, study"
    known.setCurrentIndex(1)
    press(host, "Add the known value to project")
    assert card.text == 'only: ["x", "study", "a, b"]'
    line = named(host, QLineEdit, "Project: values")
    assert isinstance(line, QLineEdit)
    assert line.text() == '["x", "study", "a, b"]'


def test_saving_waits_for_a_whole_rule_and_says_what_is_missing(host: QWidget) -> None:
    editor = complete(RuleEditor(FIELDS))
    put(host, editor)
    editor.begin(None, {"project": "only: study"}, "Proposed")
    trial = Trial(
        "Allow …",
        (),
        ("Careful.",),
        "Of the last 3 requests, 1 would flip to allow, 0 to refuse.",
        3,
        1,
        1,
        0,
        0,
        0,
        (),
    )
    assert not editor.save.isEnabled()
    editor.show_trial(trial)
    assert editor.save.isEnabled()
    editor.show_problem(BadInput("rule.bad-condition", "No.", "It names nothing to compare with.", "Change it."))
    assert not editor.save.isEnabled()
    assert "names nothing" in editor.save.toolTip()
    editor.show_trial(trial)
    editor.name.set_value(" ")
    editor.show_trial(trial)
    assert not editor.save.isEnabled()
    editor.stop()


def test_a_draft_that_is_no_rule_says_once_what_it_waits_for(host: QWidget) -> None:
    editor = complete(RuleEditor(FIELDS))
    put(host, editor)
    editor.begin(None, {})
    assert (texts(host).count(UNREAD), texts(host).count(UNTRIED)) == (1, 1)
    lead = "Allow where the project is “study”."
    editor.show_trial(Trial(lead, (), ("Careful.",), "Of the last 3 requests, none would flip.", 3, 0, 0, 0, 0, 0, ()))
    said = texts(host)
    assert lead in said
    assert UNREAD not in said
    assert UNTRIED not in said
    editor.show_problem(BadInput("rule.bad-condition", "No.", "It names nothing to compare with.", "Change it."))
    said = texts(host)
    assert (said.count(UNREAD), said.count(UNTRIED), said.count("It names nothing to compare with.")) == (1, 1, 1)
    assert lead not in said, "what another draft said is not what this one says"
    assert "Careful." not in said
    editor.stop()


def test_each_request_that_would_flip_can_be_opened(host: QWidget, qtbot: QtBot) -> None:
    card = TrialCard()
    put(host, card)
    flip = FlipRow("req_1", "lab‮", "SQL query", "hold", "allow", "refuse", NOW)
    card.show_trial(
        Trial("", (), (), "Of the 1 request, 1 would flip to allow, 0 to refuse.", 1, 1, 1, 0, 0, 1, (flip,))
    )
    assert card.flips.rows() == (flip,)
    with qtbot.waitSignal(card.request_wanted) as asked:
        card.flips.select("req_1")
        QTest.keyClick(card.flips, Qt.Key.Key_Return)
    assert asked.args == ["req_1"]


def test_the_list_and_what_could_become_a_rule(host: QWidget, qtbot: QtBot) -> None:
    view = RulesList()
    put(host, view)
    view.show_rules(())
    with qtbot.waitSignal(view.wanted):
        press(host, "Make a rule")
    rule = RuleRow("rul_1", "Counts", "allow", "on", ("The project is “study”.",), 1, NOW, "anna", "Because.")
    off = RuleRow("rul_2", "No names", "refuse", "off", ("It reads …",), 2, NOW, "anna", "Law.")
    view.show_rules((rule, off))
    assert summary((rule, off)).startswith("1 allows · 1 switched off. Rules have no order")
    assert summary((off,)).startswith("None is switched on")
    found = SuggestionRow("lab: counts", 3, ("It …",), {"project": "only: study"}, ("req_1",))
    view.show_suggestions((found,))
    with qtbot.waitSignal(view.proposed) as proposed:
        press(host, "Look at the rule")
    assert proposed.args == [found]


def test_why_not_is_shown_only_where_there_is_something_to_say(host: QWidget, qtbot: QtBot) -> None:
    card = WhyNotCard()
    put(host, card)
    card.show_why(None)
    assert not card.isVisible()
    ways = (WayOutView("request", ("Columns: “age”, and not: “sex”.",)),)
    card.show_why(
        WhyNotView("req_1", False, ("Limit: used up.",), ways, {"project": "only: study"}, ("The project …",))
    )
    assert card.isVisible()
    with qtbot.waitSignal(card.rule_wanted) as wanted:
        press(host, "Make a rule for this…")
    assert wanted.args == ["req_1"]
    card.show_why(WhyNotView("req_1", True, (), (), {}, ()))
    assert not card.isVisible()


def test_a_draft_is_still_there_for_who_looks_at_something_else_and_comes_back(
    host: QWidget, show: Show, qtbot: QtBot
) -> None:
    desk = Desk(host)
    page = show(RulesPage(desk, sliced=True))
    qtbot.waitUntil(lambda: page.ready)

    def opened(subject: str) -> RuleEditor:
        page.open_subject(subject)
        if desk.session.waits("rules fields"):
            desk.session.answer("rules fields", FIELDS)
        qtbot.waitUntil(lambda: page._form.showing == "content")
        assert page._editor is not None
        return page._editor

    untouched = opened(NEW)
    page.shown()
    editor = opened(NEW)
    assert editor is not untouched, "what nobody wrote into is made anew, with what is known by now"
    editor.name.set_value("Counts")
    page.shown()
    assert opened(NEW) is editor
    assert editor.name.value() == "Counts"
    press(page, "Leave without saving")
    assert opened(NEW).name.value() == ""
    page.hide()
