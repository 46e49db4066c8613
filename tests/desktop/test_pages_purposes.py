"""Stating what a project is for: what is marked is what is stated, and what it does to grants is said before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.views.rules import ProjectRow, PurposeRow
from podadmin.desktop.pages.purposes import ProjectsView, PurposeSheet

AT = datetime(2026, 11, 21, 3, tzinfo=UTC)
BIO = PurposeRow("DUO:0000037", "", "What a study is about", "biomedical research", "Asking about health.")
GENES = PurposeRow("DUO:0000038", "", "What a study is about", "genetic research", "Asking about genes.")
ETHICS = PurposeRow("DUO:0000021", "IRB", "What holds besides", "ethics approval required", "A committee agreed.")
ALL = (ETHICS, BIO, GENES)


def project(*purposes: PurposeRow, grants: int = 0, bound: int = 0, name: str = "study") -> ProjectRow:
    return ProjectRow(name, "Words", purposes, 3, grants, bound, AT if purposes else None, "anna")


def test_what_is_marked_is_what_is_stated(host: QWidget) -> None:
    stated: list[list[str]] = []
    sheet = PurposeSheet(host, project(BIO), ALL, stated.append)
    sheet.open()
    assert list(sheet.boxes) == ["DUO:0000037", "DUO:0000038", "DUO:0000021"], "what a study is about comes first"
    assert sheet.codes == ["DUO:0000037"]
    assert not sheet.confirm.isEnabled(), "it is stated already"
    sheet.boxes["DUO:0000021"].set_value(True)
    sheet.confirm.click()
    assert stated == [["DUO:0000037", "DUO:0000021"]]


def test_a_purpose_is_found_by_its_words_its_short_name_and_its_code_and_what_is_marked_stays(host: QWidget) -> None:
    sheet = PurposeSheet(host, project(BIO), ALL, lambda _: None)
    sheet.open()
    for text, found in (
        ("GENES", {"38"}),
        ("irb", {"21"}),
        ("0038", {"38"}),
        ("committee", {"21"}),
        ("", {"38", "21"}),
    ):
        sheet.search.set_value(text)
        assert {code[-2:] for code, box in sheet.boxes.items() if not box.isHidden()} == {"37"} | found
    sheet.dismiss()


@pytest.mark.parametrize(
    ("grants", "bound", "told"),
    [
        (0, 0, []),
        (3, 3, ["3 lasting grants were made under what is stated now. Another purpose voids them for good"]),
        (1, 0, ["1 lasting grant was made while nothing was stated"]),
        (3, 1, ["1 lasting grant was made under", "2 lasting grants were made while nothing was stated"]),
    ],
)
def test_what_it_does_to_grants_is_said_before(host: QWidget, grants: int, bound: int, told: list[str]) -> None:
    sheet = PurposeSheet(host, project(BIO, grants=grants, bound=bound), ALL, lambda _: None)
    sheet.open()
    assert sheet.warning.isHidden(), "nothing is changed yet"
    sheet.boxes["DUO:0000038"].set_value(True)
    assert sheet.warning.isVisible() is bool(told)
    said = " ".join(label.text() for label in sheet.warning.findChildren(QLabel))
    assert all(words in said for words in told)
    sheet.dismiss()


def test_leaving_the_sheet_states_nothing(host: QWidget) -> None:
    stated: list[list[str]] = []
    sheet = PurposeSheet(host, project(), ALL, stated.append)
    sheet.open()
    sheet.boxes["DUO:0000038"].set_value(True)
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert stated == []


def test_a_project_is_chosen_and_its_name_is_passed_on_as_it_came(host: QWidget, qtbot: QtBot) -> None:
    view = ProjectsView()
    QVBoxLayout(host).addWidget(view)
    view.show_projects(())
    assert view.state.showing == "empty"
    view.show_projects((project(BIO), project(name="x\u202ey")))
    assert not view.state_button.isEnabled()
    model = view.table.model()
    assert model.index(1, 0).data() == "x<U+202E>y"
    assert "biomedical research (DUO:0000037): Asking about health." in model.index(0, 1).data(
        Qt.ItemDataRole.ToolTipRole
    )
    view.table.select("x\u202ey")
    with qtbot.waitSignal(view.wanted) as asked:
        view.state_button.click()
    assert asked.args == ["x\u202ey"]
    with qtbot.waitSignal(view.wanted):
        QTest.keyClick(view.table, Qt.Key.Key_Return)
