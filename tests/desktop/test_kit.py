"""The kit as a person meets it: names for everything, tables that page, states, fields, sheets, charts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.views.facts import Fact
from podadmin.app.views.overview import DayCounts
from podadmin.core.errors import Unavailable
from podadmin.core.progress import Step
from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.seek import name_of
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets import words
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import QuietButton, TabRow
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.chart import BarChart, ChartCard, LineChart, nice_top
from podadmin.desktop.widgets.empty import EmptyState, StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import Choice, LongField, SearchEdit, TextField
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, column, reading_order, row, scrolling
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.prompt import NamePrompt, ReasonPrompt
from podadmin.desktop.widgets.search import Hit, SearchPalette
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.tree import JsonTree
from tests.desktop import gallery
from tests.desktop.hands import Show

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


@pytest.fixture
def host(qtbot: QtBot) -> Iterator[QWidget]:
    made = QWidget()
    made.resize(SIZE.window_width, SIZE.window_height)
    style.dress(made)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    yield made
    made.close()


class Windows(QObject):
    """Writes down every window that comes on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(repr(watched))
        return False


def test_nothing_flashes_as_a_window_of_its_own_while_it_is_made(qtbot: QtBot, qapp: QApplication) -> None:
    """A label that is shown before it stands in a layout is a window: it flickers and takes the keyboard away."""
    windows = Windows()
    host = QWidget()
    qtbot.addWidget(host)
    qapp.installEventFilter(windows)
    made = [
        Banner("warn", "Words", "Do it", lambda: None, title="Title", closable=True),
        EmptyState("inbox", "Title", "Words", QuietButton("Do it")),
        TextField("Name", hint="Hint"),
        LongField("Note", hint="Hint"),
        FactGrid([Fact("Label", "value", "good")]),
        FigureCard("Label", "1", "note"),
        Card("Title", action=QuietButton("Do it")),
        ExportSheet(host, "Export", "Words", lambda _path, _format: None, [("yaml", "YAML")]),
        ReasonPrompt(host, "Title", "Words", "Do it", lambda _: None, hint="Hint"),
    ]
    qapp.removeEventFilter(windows)
    for widget in made:
        qtbot.addWidget(widget)
    assert windows.shown == []


@pytest.mark.parametrize("make", gallery.SHEETS, ids=lambda make: make.__name__)
def test_everything_the_keyboard_can_reach_has_a_name(qtbot: QtBot, make: object) -> None:
    assert callable(make)
    sheet = make()
    qtbot.addWidget(sheet)
    sheet.show()
    nameless = [
        type(widget).__name__
        for widget in sheet.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isVisible()
        and not widget.objectName().startswith("qt_")
        and not (name_of(widget) or (isinstance(widget, PlainLabel) and widget.text()))
    ]
    assert nameless == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("make", gallery.SHEETS, ids=lambda make: make.__name__)
def test_the_gallery_draws_in_both_themes(qtbot: QtBot, make: object, theme: str, tmp_path: Path) -> None:
    assert callable(make)
    style.apply(theme)
    sheet = make()
    qtbot.addWidget(sheet)
    sheet.setProperty("ground", "window")
    style.dress(sheet)
    sheet.resize(SIZE.window_width, SIZE.window_height)
    sheet.show()
    qtbot.waitExposed(sheet)
    picture = sheet.grab().toImage()
    assert picture.pixelColor(SPACE.xs, SPACE.xs).name().upper() == style.colours().window
    colours = {picture.pixel(x, y) for x in range(0, picture.width(), 7) for y in range(0, picture.height(), 7)}
    assert len(colours) > 20
    style.apply("light")


def test_a_chart_is_a_chart_to_assistive_tools(qtbot: QtBot) -> None:
    chart = LineChart("Inferences used")
    qtbot.addWidget(chart)
    chart.set_series([("2026-11-01", 1.0), ("2026-11-02", 7.0)], limit=10.0, unit="inferences")
    interface = QAccessible.queryAccessibleInterface(chart)
    assert interface.role() == QAccessible.Role.Chart
    assert interface.text(QAccessible.Text.Name) == "Inferences used"
    assert interface.text(QAccessible.Text.Description) == (
        "2 values from 1 Nov to 2 Nov: first 1, last 7, highest 7 inferences. The limit is 10 inferences."
    )


def test_a_chart_can_be_read_as_a_table(qtbot: QtBot) -> None:
    chart = BarChart("Requests by verdict")
    chart.set_days(
        [DayCounts("2026-11-01", {"approved": 3, "held": 1}), DayCounts("2026-11-02", {"approved": 2})],
        [("approved", "Approved", "good"), ("held", "Held", "warn")],
    )
    card = ChartCard("Requests by verdict", chart)
    qtbot.addWidget(card)
    card.show()
    switch = next(b for b in card.findChildren(QPushButton) if b.accessibleName().startswith("Show as table"))
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    table = card.findChildren(RowTable)[0]
    model = table.model()
    shown = [[model.index(row, column).data() for column in range(3)] for row in range(2)]
    assert shown == [["2026-11-01", "3", "1"], ["2026-11-02", "2", "0"]]
    assert switch.accessibleName() == "Show as chart: Requests by verdict"
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert chart.isVisible()
    assert chart.accessibleDescription() == "2 days from 1 Nov to 2 Nov: Approved 5, Held 1."


def test_charts_say_that_there_is_nothing(qtbot: QtBot) -> None:
    line, bars = LineChart("A"), BarChart("B")
    for chart in (line, bars):
        qtbot.addWidget(chart)
    line.set_series([])
    bars.set_days([], [("a", "A", "good")])
    assert line.accessibleDescription() == "No values yet."
    assert bars.accessibleDescription() == "Nothing in this time."
    assert line.words_at(QPointF(100, 100)) == ""
    assert line.grab().width() > 0
    assert bars.grab().width() > 0


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (4, 4), (5, 8), (12, 12), (1050, 1200), (99_999, 100_000), (1_000_001, 1_200_000)]
)
def test_axes_end_on_round_numbers(highest: float, top: float) -> None:
    assert nice_top(highest) == top


@pytest.mark.parametrize("highest", [n * 1.7**k for n in (1, 3) for k in range(30)])
def test_an_axis_holds_its_values(highest: float) -> None:
    assert highest <= nice_top(highest) <= max(4.0, highest * 2)


def test_a_table_asks_for_the_next_page_once(qtbot: QtBot) -> None:
    table = RowTable("Rows", [Column("Name", str)], row_key=str)
    qtbot.addWidget(table)
    table.resize(300, 300)
    table.show()
    asked: list[bool] = []
    table.more_wanted.connect(lambda: asked.append(True))
    table.set_rows([str(n) for n in range(100)], more=True)
    QApplication.processEvents()
    assert asked == []
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum())
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum() - 1)
    assert asked == [True]
    table.add_rows([str(n) for n in range(100, 200)], more=False)
    QApplication.processEvents()
    table.verticalScrollBar().setValue(table.verticalScrollBar().maximum())
    assert asked == [True]
    assert len(table.rows()) == 200


def test_a_refreshed_table_keeps_what_was_selected(qtbot: QtBot) -> None:
    table = RowTable("Rows", [Column("Name", str)], row_key=str)
    qtbot.addWidget(table)
    picked: list[object] = []
    table.picked.connect(picked.append)
    table.set_rows(["a", "b", "c"])
    assert table.select("b")
    table.set_rows(["x", "a", "b"])
    assert table.current_row() == "b"
    assert picked == ["b"]
    assert not table.select("gone")


def test_what_comes_above_does_not_push_away_what_is_read(qtbot: QtBot) -> None:
    table = RowTable("Lines", [Column("Line", lambda row: row)], row_key=str)
    qtbot.addWidget(table)
    table.resize(300, 200)
    table.show()
    table.set_rows([f"line {n}" for n in range(100)])
    table.verticalScrollBar().setValue(40 * SIZE.row + 3)
    top, offset = table.rows()[table.rowAt(0)], table.rowViewportPosition(table.rowAt(0))
    table.set_rows(["new 1", "new 2", *(f"line {n}" for n in range(100))])
    assert table.rows()[table.rowAt(0)] == top
    assert table.rowViewportPosition(table.rowAt(0)) == offset
    table.verticalScrollBar().setValue(0)
    table.set_rows(["new 3", *table.rows()])
    assert table.rows()[table.rowAt(0)] == "new 3"


def test_the_first_rows_are_renewed_and_those_behind_them_stay(qtbot: QtBot) -> None:
    table = RowTable("Lines", [Column("Line", lambda row: row)], row_key=str)
    qtbot.addWidget(table)
    table.set_rows([f"line {n}" for n in range(9)], more=True)
    assert table.renew_rows(["new", *(f"line {n}" for n in range(4))], more=True)
    assert table.rows() == ("new", *(f"line {n}" for n in range(9)))
    assert not table.renew_rows(["line 0", "line 1"])
    assert table.rows() == ("line 0", "line 1")
    assert not table.renew_rows(["other 1", "other 2"], more=True)
    assert table.rows() == ("other 1", "other 2")
    assert not table.renew_rows([])
    assert table.rows() == ()


def test_a_row_opens_although_its_table_is_refreshed_between_the_two_presses(qtbot: QtBot) -> None:
    table = RowTable("Rows", [Column("Name", lambda row: row[1])], row_key=lambda row: row[0])
    qtbot.addWidget(table)
    table.resize(300, 300)
    table.show()
    table.set_rows([("1", "arrived"), ("2", "arrived")])
    opened: list[object] = []
    table.opened.connect(opened.append)
    middle = table.visualRect(table.model().index(1, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    table.set_rows([("1", "arrived"), ("2", "waits")])
    assert table.model().index(1, 0).data() == "waits"
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert opened == [("2", "waits")]


def test_enter_and_double_click_open_a_row(qtbot: QtBot) -> None:
    table = RowTable("Rows", [Column("Name", str)], row_key=str)
    qtbot.addWidget(table)
    table.resize(300, 300)
    table.show()
    table.set_rows(["a", "b"])
    opened: list[object] = []
    table.opened.connect(opened.append)
    table.setFocus()
    table.select("a")
    QTest.keyClick(table, Qt.Key.Key_Down)
    QTest.keyClick(table, Qt.Key.Key_Return)
    middle = table.visualRect(table.model().index(0, 0)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert opened == ["b", "a"]


def test_a_header_sorts_only_where_there_is_a_key(qtbot: QtBot) -> None:
    table = RowTable("Rows", [Column("Name", str, key="name"), Column("Other", str)], row_key=str)
    qtbot.addWidget(table)
    wanted: list[tuple[str, bool]] = []
    table.sort_wanted.connect(lambda key, down: wanted.append((key, down)))
    for section in (0, 0, 1):
        table.horizontalHeader().sectionClicked.emit(section)
    assert wanted == [("name", False), ("name", True)]


def test_cells_stand_on_the_left_edge_of_their_header(qtbot: QtBot) -> None:
    table = RowTable("Rows", [Column("MMMM", lambda _: "MMMM")], row_key=str)
    qtbot.addWidget(table)
    style.dress(table)
    table.resize(300, 200)
    table.set_rows(["a"])
    table.show()
    qtbot.waitExposed(table)
    QApplication.processEvents()
    paper = QPixmap(table.size())
    paper.fill(style.colours().surface)
    table.render(paper)
    picture = paper.toImage()

    def left_edge(top: int, bottom: int) -> int:
        ground = picture.pixelColor(SPACE.xs, (top + bottom) // 2).lightness()
        return min(
            x
            for x in range(SPACE.xs, 200)
            for y in range(top, bottom)
            if abs(picture.pixelColor(x, y).lightness() - ground) > 60
        )

    header = left_edge(SPACE.s, SIZE.header - SPACE.s)
    cell = left_edge(SIZE.header + SPACE.s, SIZE.header + SIZE.row - SPACE.s)
    assert abs(header - cell) <= 1


@pytest.mark.parametrize("width", [520, 640, 770, 1014])
def test_columns_that_need_more_than_their_share_take_it_from_the_others(qtbot: QtBot, width: int) -> None:
    columns = [Column("State", str, width=12), Column("Task", str, stretch=6), Column("Datasource", str)]
    table = RowTable("Rows", [*columns, Column("Requester", str), Column("Time", str, width=14)], row_key=str)
    qtbot.addWidget(table)
    style.dress(table)
    table.resize(width, 200)
    table.show()
    qtbot.waitExposed(table)
    head = table.horizontalHeader()
    assert head.length() == table.viewport().width()
    assert all(head.sectionSize(place) >= head.sectionSizeHint(place) for place in range(5))


def test_big_tables_stay_quick(qtbot: QtBot) -> None:
    from time import process_time

    table = gallery.table()
    qtbot.addWidget(table)
    table.resize(1000, 600)
    table.show()
    began = process_time()
    table.set_rows(gallery.lines(20_000))
    filled = process_time()
    table.set_rows(table.rows())
    table.grab()
    assert filled - began < 2
    assert process_time() - filled < 0.5


def test_badges_in_a_table_have_words_for_a_screen_reader(qtbot: QtBot) -> None:
    table = RowTable("Rows", [Column("State", lambda _: BadgeSpec("bad", "Refused"), "badge")], row_key=str)
    qtbot.addWidget(table)
    table.set_rows(["a"])
    assert table.model().index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole) == "Refused"


def test_states_take_turns(qtbot: QtBot) -> None:
    view = StateView(PlainLabel("The content"))
    qtbot.addWidget(view)
    view.show()
    retried: list[bool] = []
    view.show_loading("Loading requests")
    assert not view.content.isVisible()
    error = Unavailable("store.locked", "It cannot be read.", "Another program holds it.", "Close that.")
    view.show_error(error, lambda: retried.append(True))
    QApplication.processEvents()
    shown = " ".join(label.text() for label in view.findChildren(PlainLabel) if label.isVisible())
    assert "It cannot be read. Another program holds it. Close that." in " ".join(shown.split())
    assert "store.locked" in shown
    next(b for b in view.findChildren(QAbstractButton) if b.text() == "Try again").click()
    assert retried == [True]
    view.show_partial("Only the first 50.", "Show all", lambda: retried.append(False))
    assert view.content.isVisible()
    assert view.showing == "partial"
    view.show_content()
    assert view.showing == "content"
    assert view.content.isVisible()


def test_a_field_says_what_is_wrong_where_it_is_wrong(qtbot: QtBot) -> None:
    field = TextField("Name", hint="Requesters see it.")
    qtbot.addWidget(field)
    field.show()
    changed: list[str] = []
    field.changed.connect(lambda: changed.append(field.value()))
    QTest.keyClicks(field.line, "abc")
    assert changed == ["a", "ab", "abc"]
    field.set_error("That name is taken.")
    assert field.line.property("bad") is True
    assert field.line.accessibleDescription() == "That name is taken."
    field.set_error("")
    assert field.line.accessibleDescription() == "Requesters see it."


def test_a_secret_field_shows_nothing_of_what_is_typed(qtbot: QtBot) -> None:
    field = TextField("Passphrase", secret=True)
    qtbot.addWidget(field)
    QTest.keyClicks(field.line, "hunter2")
    assert field.line.displayText() == "\u25cf" * 7
    assert field.value() == "hunter2"


def test_tab_leaves_a_long_field(host: QWidget) -> None:
    first, second = LongField("Reason"), TextField("Name")
    host.setLayout(column(first, second))
    first.show()
    second.show()
    first.edit.setFocus()
    QTest.keyClick(first.edit, Qt.Key.Key_Tab)
    assert second.line.hasFocus()
    assert first.value() == ""


def test_search_waits_until_typing_stops(qtbot: QtBot) -> None:
    settled: list[str] = []
    search = SearchEdit("Search", on_settled=settled.append)
    qtbot.addWidget(search)
    QTest.keyClicks(search, "mean ")
    assert settled == []
    qtbot.waitUntil(lambda: settled == ["mean"])
    QTest.keyClicks(search, "x")
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert settled == ["mean", "mean x"]


def test_a_choice_speaks_keys_and_shows_words(qtbot: QtBot) -> None:
    choice = Choice("Kind", [("csv", "CSV file"), ("parquet", "Parquet file")])
    qtbot.addWidget(choice)
    choice.set_value("parquet")
    assert (choice.value(), choice.currentText()) == ("parquet", "Parquet file")


class Decision:
    """A reason prompt and what came of it."""

    def __init__(self, host: QWidget, required: bool = True) -> None:
        self.reasons: list[str] = []
        self.prompt = ReasonPrompt(host, "Refuse", "Say why.", "Refuse", self.reasons.append, required)
        self.prompt.open()
        QApplication.processEvents()


def test_a_prompt_puts_the_keyboard_into_the_reason(host: QWidget) -> None:
    decision = Decision(host)
    assert decision.prompt.field.edit.hasFocus()
    assert not decision.prompt.confirm.isDefault()
    decision.prompt.dismiss()


def test_a_reason_is_needed(host: QWidget) -> None:
    decision = Decision(host)
    QTest.mouseClick(decision.prompt.confirm, Qt.MouseButton.LeftButton)
    assert not decision.prompt.confirm.isEnabled()
    QTest.keyClicks(decision.prompt.field.edit, "   ")
    assert not decision.prompt.confirm.isEnabled()
    QTest.keyClicks(decision.prompt.field.edit, "It reads too much")
    QTest.mouseClick(decision.prompt.confirm, Qt.MouseButton.LeftButton)
    assert decision.reasons == ["It reads too much"]


@pytest.mark.parametrize("way", ["escape", "cross", "cancel"])
def test_closing_a_prompt_decides_nothing(host: QWidget, way: str) -> None:
    decision = Decision(host)
    QTest.keyClicks(decision.prompt.field.edit, "A reason")
    if way == "escape":
        QTest.keyClick(decision.prompt.field.edit, Qt.Key.Key_Escape)
    else:
        name = "Close and decide nothing" if way == "cross" else "Cancel"
        button = next(b for b in decision.prompt.findChildren(QAbstractButton) if name_of(b) == name)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert decision.reasons == []
    assert not decision.prompt.isVisible()


def test_enter_in_a_prompt_decides_nothing(host: QWidget) -> None:
    decision = Decision(host)
    QTest.keyClicks(decision.prompt.field.edit, "A reason")
    QTest.keyClick(decision.prompt.field.edit, Qt.Key.Key_Return)
    QTest.keyClick(decision.prompt.field.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert decision.reasons == []
    assert decision.prompt.isVisible()
    decision.prompt.dismiss()


def test_the_keyboard_stays_inside_a_sheet(host: QWidget) -> None:
    outside = TextField("Outside")
    host.setLayout(column(outside))
    outside.show()
    decision = Decision(host)
    for _ in range(9):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        assert decision.prompt.isAncestorOf(focus)
    decision.prompt.dismiss()


def test_the_keyboard_returns_to_where_it_was(host: QWidget) -> None:
    outside = TextField("Outside")
    host.setLayout(column(outside))
    outside.show()
    outside.line.setFocus()
    decision = Decision(host)
    assert not outside.line.hasFocus()
    decision.prompt.dismiss()
    assert outside.line.hasFocus()


def test_a_page_that_comes_late_takes_no_keyboard_from_what_lies_over_it(host: QWidget) -> None:
    late = TextField("Name of the rule")
    host.setLayout(column(late))
    late.show()
    lower, upper = Decision(host), Decision(host)
    field = upper.prompt.field.editor
    field.setFocus()
    late.line.setFocus()
    assert field.hasFocus()
    upper.prompt.dismiss()
    late.line.setFocus()
    assert lower.prompt.isAncestorOf(QApplication.focusWidget())
    lower.prompt.dismiss()
    late.line.setFocus()
    assert late.line.hasFocus()


def test_what_cannot_be_undone_needs_the_name(host: QWidget) -> None:
    done: list[bool] = []
    prompt = NamePrompt(
        host, "Remove it", "It cannot be undone.", ["Its schema"], "flights", "Remove", lambda: done.append(True)
    )
    prompt.open()
    QTest.keyClicks(prompt.field.line, "Flights")
    QTest.mouseClick(prompt.confirm, Qt.MouseButton.LeftButton)
    assert done == []
    prompt.field.set_value("flights")
    QTest.keyClick(prompt.field.line, Qt.Key.Key_Return)
    assert done == []
    QTest.mouseClick(prompt.confirm, Qt.MouseButton.LeftButton)
    assert done == [True]


def test_the_search_goes_where_it_is_told(host: QWidget, qtbot: QtBot) -> None:
    went: list[str] = []
    later: list[object] = []
    palette = SearchPalette(
        host,
        [
            Hit("Overview", "page", "inbox", lambda: went.append("o")),
            Hit("Keys", "page", "inbox", lambda: went.append("k")),
        ],
        lambda text, take: later.append((text, take)),
    )
    palette.open()
    assert palette.line.hasFocus()
    QTest.keyClicks(palette.line, "ke")
    assert palette.list.count() == 1
    qtbot.waitUntil(lambda: bool(later))
    text, take = later[0]  # type: ignore[misc]
    assert text == "ke"
    take([Hit("Key request", "request", "inbox", lambda: went.append("r"))])
    assert palette.list.count() == 2
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    take([Hit("Key model", "model", "inbox", lambda: went.append("m"))])
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert went == ["r"], "what is found later does not move the choice"
    take([Hit("Too late", "request", "inbox", lambda: went.append("late"))])
    assert went == ["r"]


def test_a_job_shows_honest_progress_and_can_be_stopped(qtbot: QtBot) -> None:
    job = RunningJob("Generating")
    bar = JobBar()
    qtbot.addWidget(bar)
    bar.follow(job)
    assert bar.isVisibleTo(None)
    assert job.seconds_left is None
    job.move(Step("Reading 5 of 10 rows", 0.5))
    shown = [label.text() for label in bar.findChildren(PlainLabel)]
    assert "Reading 5 of 10 rows" in [label.raw() for label in bar.findChildren(ElidedLabel)]
    assert not any("left" in text for text in shown)
    cancel = next(b for b in bar.findChildren(QAbstractButton) if name_of(b) == "Cancel: Generating")
    cancel.click()
    assert job.cancelled
    assert not cancel.isEnabled()
    job.end()
    assert bar.isHidden()


def test_facts_that_stay_the_same_are_not_drawn_anew(qtbot: QtBot) -> None:
    grid = FactGrid([Fact("A", "1"), Fact("B", "2", "bad")])
    qtbot.addWidget(grid)
    before = grid.findChildren(PlainLabel)
    grid.set_facts([Fact("A", "1"), Fact("B", "2", "bad")])
    assert grid.findChildren(PlainLabel) == before
    grid.set_facts([Fact("A", "3")])
    assert [label.text() for label in grid.findChildren(PlainLabel)] == ["A", "3"]


def test_cards_flow_into_as_many_columns_as_fit(qtbot: QtBot) -> None:
    grid = CardGrid(300)
    qtbot.addWidget(grid)
    cards = [PlainLabel(str(n)) for n in range(3)]
    grid.resize(1000, 200)
    grid.set_cards(cards)
    grid.show()
    qtbot.waitExposed(grid)
    assert len({card.y() for card in cards}) == 1
    grid.resize(400, 400)
    QApplication.processEvents()
    assert len({card.y() for card in cards}) == 3


def test_a_selected_value_of_a_tree_can_be_copied(qtbot: QtBot) -> None:
    tree = JsonTree("Protocol")
    qtbot.addWidget(tree)
    tree.show()
    tree.show_value({"class": "Mean", "n": None, "flag": True, "list": []})
    tree.setCurrentIndex(tree.model().index(0, 0))
    QTest.keySequence(tree, "Ctrl+C")
    assert QApplication.clipboard().text() == "Mean"
    assert [tree.model().index(row, 1).data() for row in range(4)] == ["Mean", "null", "true", "0 items"]


def test_times_and_amounts_read_as_words() -> None:
    assert words.ago(None, NOW) == "never"
    assert words.ago(NOW - timedelta(seconds=20), NOW) == "just now"
    assert words.ago(NOW - timedelta(hours=3, minutes=59), NOW) == "3 hours ago"
    assert words.until(NOW + timedelta(minutes=4), NOW) == "in 4 minutes"
    assert words.until(NOW, NOW) == "now"
    assert words.until(None, NOW) == "no time limit"
    assert words.span(86_400) == "1 day"
    assert words.count(1, "row", "rows") == "1 row"
    assert words.count(2, "row", "rows") == "2 rows"
    assert words.amount(2.0) == "2"
    assert words.amount(2.5) == "2.50"
    assert words.size(None) == "–"
    assert words.when(None) == "–"
    assert words.when(NOW).endswith(f"{NOW.astimezone():%Y, %H:%M}")


def test_a_card_without_a_title_leaves_nothing_beside_it(qtbot: QtBot) -> None:
    before = set(QApplication.topLevelWidgets())
    cards = [Card(), Card(action=QuietButton("Do it")), Card("Title")]
    for card in cards:
        qtbot.addWidget(card)
    assert set(QApplication.topLevelWidgets()) - before == set(cards)


def test_a_page_whose_words_fit_does_not_scroll(qtbot: QtBot) -> None:
    words = "Some words that take several lines where there is little room for them. " * 4
    area = scrolling(column(*(row(PlainLabel(words, wrap=True), (PlainLabel(words, wrap=True), 9)) for _ in range(4))))
    qtbot.addWidget(area)
    area.resize(1200, 500)
    area.show()
    qtbot.waitExposed(area)
    assert area.verticalScrollBar().maximum() == 0
    area.resize(260, 300)
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0)


@pytest.mark.parametrize("width", [900, 300, 160])
def test_the_hint_of_a_field_has_its_room_at_every_width(qtbot: QtBot, width: int) -> None:
    host = QWidget()
    fields = [TextField("Name", hint="Lower-case letters and digits, joined by hyphens. " * 3) for _ in range(2)]
    host.setLayout(column(*fields, STRETCH))
    qtbot.addWidget(host)
    host.resize(width, 900)
    host.show()
    qtbot.waitExposed(host)
    QApplication.processEvents()
    for field in fields:
        hint = field._help
        assert hint.geometry().top() >= field.line.geometry().bottom()
        assert hint.height() >= hint.heightForWidth(hint.width())
        assert field.rect().contains(hint.geometry())


def test_figures_stand_two_and_two_where_three_would_fit_and_fit_again_when_it_gets_narrow(qtbot: QtBot) -> None:
    grid = CardGrid(160)
    grid.set_cards([Card(f"Card {n}") for n in range(4)])
    area = scrolling(column(grid, STRETCH))
    qtbot.addWidget(area)
    area.resize(900, 600)
    area.show()
    qtbot.waitExposed(area)
    for width, lines in ((900, 1), (560, 2), (200, 4), (900, 1)):
        area.resize(width, 600)
        QApplication.processEvents()
        assert len({card.y() for card in grid.cards()}) == lines
        assert grid.width() <= width


def test_facts_stand_below_their_labels_where_there_is_little_room(qtbot: QtBot) -> None:
    grid = FactGrid([Fact("Where it lives", "in a file"), Fact("State", "ready", "good")])
    qtbot.addWidget(grid)
    for width, below in ((800, False), (240, True), (800, False)):
        grid.resize(width, 300)
        grid.show()
        QApplication.processEvents()
        label, value = (label for label in grid.findChildren(PlainLabel) if label.text() in ("State", "ready"))
        assert (value.mapTo(grid, QPoint()).y() > label.y()) is below


def test_a_table_leaves_out_what_is_spare_where_it_would_not_fit(qtbot: QtBot) -> None:
    columns = [Column("State", str, width=16), Column("Task", str), Column("Envelope", str, width=14, spare=True)]
    table = RowTable("Rows", columns, row_key=str)
    qtbot.addWidget(table)
    table.set_rows(["a"])
    table.show()
    for width, hidden in ((900, False), (330, True), (900, False)):
        table.resize(width, 200)
        QApplication.processEvents()
        assert table.isColumnHidden(2) is hidden
        assert not table.isColumnHidden(1)
        assert table.horizontalScrollBar().maximum() == 0


def test_the_keyboard_goes_in_reading_order_whatever_was_made_first(qtbot: QtBot) -> None:
    late, early, first = QuietButton("Second"), QuietButton("Third"), QuietButton("First")
    off = QuietButton("Off")
    off.set_permit(False, "Not now.")
    tabs = TabRow([("a", "A"), ("b", "B")], "Which", lambda _: None)
    inner = scrolling(column(row(late, off), early))
    host = QWidget()
    host.setLayout(column(first, inner, tabs))
    qtbot.addWidget(host)
    host.show()
    qtbot.waitExposed(host)
    assert [name_of(stop) for stop in reading_order(host)] == ["First", "Second", "Third", "A"]


def test_a_sentence_of_ours_loses_its_end_and_a_name_its_middle(show: Show) -> None:
    sentence = show(ElidedLabel("Gate is OFF: nothing can run, nothing is checked", from_start=True))
    name = show(ElidedLabel("Gate is OFF: nothing can run, nothing is checked"))
    for label in (sentence, name):
        label.resize(label.sizeHint().width() // 3, label.height())
    assert sentence.text().startswith("Gate is OFF")
    assert sentence.text().endswith("…")
    assert name.text().endswith("ecked")


def test_a_search_line_gives_half_of_its_room_to_its_neighbours_before_they_overlap(show: Show) -> None:
    search, beside = SearchEdit("Search", "Search"), QuietButton("Verify the journal", lambda: None)
    line = QWidget()
    line.setLayout(row(search, beside))
    show(line).resize(search.sizeHint().width() + beside.sizeHint().width(), line.sizeHint().height())
    line.resize(line.minimumSizeHint())
    layout = line.layout()
    assert layout is not None
    layout.activate()
    assert SIZE.search // 2 <= search.width() < SIZE.search
    assert search.geometry().right() < beside.geometry().left()
