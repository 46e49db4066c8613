"""Strangers' text is plain wherever it is shown: markup stays visible, hidden characters become escapes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import thread_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.views.facts import Fact, Section
from podadmin.app.views.requests import Comparison, EffectView, RequestPage, TraceLine
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput
from podadmin.core.text import visible
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.pages.request_compare import CompareSheet
from podadmin.desktop.pages.request_detail import RequestDetailView
from podadmin.desktop.session import Session
from podadmin.desktop.slices import complete
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.empty import EmptyState
from podadmin.desktop.widgets.facts import FactGrid, FactList
from podadmin.desktop.widgets.form import CheckField, Choice, ChoiceField, TextField
from podadmin.desktop.widgets.prompt import ErrorSheet, InfoSheet
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel, plain_tip
from podadmin.desktop.widgets.tree import JsonTree
from tests.desktop import request_views as v

NASTY = '<b>bold</b><img src="file:///etc/passwd">&lt;u&gt; a\u202egnp.exe\u200b\x1b[2J & more'
MEGABYTE = "<h1>" + "A\u202e" * 500_000


CORPUS = {
    "markup": NASTY,
    "right to left": "invoice\u202egpj.exe\u202c \u2066x\u2069 \u200f",
    "zero width": "ad\u200bmin\u200c\u200d\ufeff\u2060\u00ad",
    "controls": "a\x00b\x07c\x1b[31md\x7fe\x85f\x9b",
    "lines": "One line\r\nTo: nobody. Nothing leaves the pod.\u2028Approve\u2029\v\f",
    "combining": "Z" + "\u0310\u0334\u0489" * 400,
    "homoglyphs": "\u0440\u0430\u0443\u0440\u0430l \u2024\u2044 \u3000x\u00a0",
    "private": "\ue000\U000f0000\U000e0001\U000e0041 \ufff9x\ufffb",
    "an address": '<a href="https://example.org">click</a> https://example.org javascript:alert(1)',
    "entities": "&lt;b&gt; &#8238; &amp;&amp; %s {0} {table} $x",
    "megabyte": MEGABYTE,
}
HIDDEN = frozenset(
    "\u202e\u202c\u2066\u2069\u200f\u200b\u200c\u200d\ufeff\u2060\u00ad\x00\x07\x1b\x7f\x85\x9b\r\u2028\u2029\v\f\ue000"
)


def all_texts(widget: QWidget) -> list[str]:
    """Whatever of a widget can be read, pointed at or heard."""
    found: list[str] = []
    for each in [widget, *widget.findChildren(QWidget)]:
        found += [
            each.toolTip(),
            each.accessibleName(),
            each.accessibleDescription(),
            each.whatsThis(),
            each.statusTip(),
        ]
        # what stands in an editor is what would be saved, and has to stay as it is
        text = None if isinstance(each, QLineEdit) and not each.isReadOnly() else getattr(each, "text", None)
        found.append(str(text()) if callable(text) else "")
        if isinstance(each, QAbstractItemView):
            model = each.model()
            roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
            for row in range(min(model.rowCount(), 20)):
                for column in range(model.columnCount()):
                    found += [str(model.index(row, column).data(role) or "") for role in roles]
    return found


def labels(widget: QWidget) -> list[QLabel]:
    return [*widget.findChildren(QLabel), *([widget] if isinstance(widget, QLabel) else [])]


def makers() -> list[tuple[str, object]]:
    return [
        ("PlainLabel", PlainLabel),
        ("wrapped", lambda text: PlainLabel(text, wrap=True)),
        ("ElidedLabel", ElidedLabel),
        ("Card", Card),
        ("FigureCard", lambda text: FigureCard(text, text, text)),
        ("Banner", lambda text: Banner("warn", text, text, title=text)),
        ("EmptyState", lambda text: EmptyState("inbox", text, text)),
        ("FactGrid", lambda text: FactGrid([Fact(text, text, "bad"), Fact(text, text)])),
        ("FactList", lambda text: FactList([text], "warn")),
        ("TextField", lambda text: TextField(text, text, text)),
        ("CheckField", lambda text: CheckField(text, hint=text)),
        ("ChoiceField", lambda text: ChoiceField(text, [("a", text)])),
    ]


@pytest.mark.parametrize(("name", "make"), makers(), ids=[name for name, _ in makers()])
@pytest.mark.parametrize("text", [NASTY, MEGABYTE], ids=["nasty", "megabyte"])
def test_every_label_is_plain_and_shows_what_hides(qtbot: QtBot, name: str, make: object, text: str) -> None:
    assert callable(make)
    began = thread_time()
    widget = make(text)
    qtbot.addWidget(widget)
    widget.grab()
    assert thread_time() - began < 5
    for label in labels(widget):
        assert label.textFormat() == Qt.TextFormat.PlainText
        assert "\u202e" not in label.text()
        assert "\x1b" not in label.text()
        assert len(label.text()) <= 20_000


def test_a_label_cannot_be_made_rich(qtbot: QtBot) -> None:
    label = PlainLabel("<b>x</b>")
    qtbot.addWidget(label)
    label.setTextFormat(Qt.TextFormat.RichText)
    assert label.textFormat() == Qt.TextFormat.PlainText
    label.setToolTip("<b>x</b>")
    assert "&lt;b&gt;" in label.toolTip()


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200))
def test_a_tooltip_reads_as_the_text_does(qapp: object, text: str) -> None:
    document = QTextDocument()
    document.setHtml(plain_tip(text))
    read = document.toPlainText().replace("\u00a0", " ")
    assert " ".join(read.split()) == " ".join(visible(text, one_line=False).split())


@pytest.mark.parametrize("text", [NASTY, MEGABYTE], ids=["nasty", "megabyte"])
def test_tooltips_and_descriptions_are_short_and_plain(qtbot: QtBot, text: str) -> None:
    button = QuietButton("Go")
    qtbot.addWidget(button)
    button.set_permit(False, text)
    assert "<b>" not in button.toolTip()
    assert "<h1>" not in button.toolTip()
    assert "\u202e" not in button.accessibleDescription()
    assert len(button.accessibleDescription()) <= 600


def test_an_ampersand_is_no_mnemonic(qtbot: QtBot) -> None:
    button = QuietButton("Cut & paste")
    field = TextField("R&D budget")
    for widget in (button, field):
        qtbot.addWidget(widget)
    assert button.shortcut().isEmpty()
    assert field.editor.accessibleName() == "R&D budget"
    buddies = [label for label in labels(field) if label.buddy() is field.editor]
    assert [label.text() for label in buddies] == ["R&&D budget"]


def test_tables_and_trees_show_it_plainly(qtbot: QtBot) -> None:
    table = RowTable("Things", [Column("Name", lambda text: text)], row_key=str)
    tree = JsonTree("Tree")
    for widget in (table, tree):
        qtbot.addWidget(widget)
    table.set_rows([NASTY, MEGABYTE])
    model = table.model()
    for row in range(2):
        index = model.index(row, 0)
        shown = str(index.data())
        assert "\u202e" not in shown
        assert len(shown) <= 2000
        assert "<b>" not in str(index.data(Qt.ItemDataRole.ToolTipRole))
    tree.show_value({NASTY: {NASTY: [MEGABYTE]}})
    words = tree.model().index(0, 0)
    assert "<U+202E>" in str(words.data())
    assert "<b>" not in str(words.data(Qt.ItemDataRole.ToolTipRole))


def test_what_is_added_to_a_choice_later_is_plain_too(qtbot: QtBot) -> None:
    choice = Choice("Which", ())
    qtbot.addWidget(choice)
    choice.addItem(NASTY, NASTY)
    choice.addItems([NASTY])
    assert [visible(choice.itemText(place)) for place in range(2)] == [choice.itemText(place) for place in range(2)]
    assert choice.value() == NASTY


def test_a_badge_cuts_and_escapes(qtbot: QtBot) -> None:
    badge = Badge(BadgeSpec("bad", MEGABYTE))
    qtbot.addWidget(badge)
    assert len(badge.text()) <= 60
    assert "\u202e" not in badge.text()
    assert badge.grab().width() > 0


def test_sheets_show_it_plainly(qtbot: QtBot) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    sheets = (
        ErrorSheet(host, BadInput("x.y", NASTY, NASTY, NASTY)),
        InfoSheet(host, NASTY, NASTY * 20),
    )
    for sheet in sheets:
        for label in labels(sheet):
            assert label.textFormat() == Qt.TextFormat.PlainText
            assert "\u202e" not in label.text()
        sheet.dismiss()


def test_a_tree_of_a_million_things_is_counted_not_drawn(qtbot: QtBot) -> None:
    tree = JsonTree("Tree")
    qtbot.addWidget(tree)
    tree.show_value(list(range(100_000)))
    model = tree.model()
    assert model.rowCount() == 501
    assert "99500 more" in str(model.index(500, 1).data())
    deep: object = "end"
    for _ in range(2000):
        deep = [deep]
    tree.show_value([deep])
    assert model.rowCount() == 1


def test_a_fact_is_read_aloud_without_what_hides_in_its_label(qtbot: QtBot) -> None:
    grid = FactGrid([Fact(NASTY, NASTY)])
    qtbot.addWidget(grid)
    spoken = [label.accessibleName() for label in labels(grid) if label.accessibleName()]
    assert len(spoken) == 1
    assert visible(spoken[0], one_line=True) == spoken[0]
    assert "\u202e" not in spoken[0]


def assert_plain(widget: QWidget) -> None:
    QApplication.processEvents()
    for label in labels(widget):
        assert label.textFormat() == Qt.TextFormat.PlainText
        assert not label.openExternalLinks()
    for text in all_texts(widget):
        assert not HIDDEN & set(text), sorted(HIDDEN & set(text))
        assert len(text) <= 40_100  # a label and its value, each cut at 20 000
    for each in [widget, *widget.findChildren(QWidget)]:
        read = QTextDocument()
        read.setHtml(each.toolTip())
        assert read.allFormats() is not None
        assert "href" not in each.toolTip().replace("&quot;", '"').split("<qt>")[0]
        assert "<a " not in each.toolTip()
        assert "<img" not in each.toolTip()


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_a_request_shows_strangers_text_plainly_everywhere(host: QWidget, text: str) -> None:
    facts = (Fact(text, text), Fact(text, text, "warn"), Fact(text, text, mono=True))
    detail = replace(
        v.nasty_detail(),
        row=replace(v.ROW, requester=text, task=text, datasource=text, project=text, reference=text, state_words=text),
        effects=EffectView(False, text, (text,), (text,), (text,), (text,), text, "high", (text,), (text,), (text,)),
        sections=(Section("People", facts), Section("Outputs", facts), Section("Data", facts)),
        verification=facts,
        differences=facts,
        difference_words=text,
        trace=(TraceLine(text, text, "warn"),),
        protocol={text: {text: [text]}},
        outcome=facts,
    )
    began = thread_time()
    view = complete(RequestDetailView(ManualClock(datetime(2026, 11, 21, 10, 2, tzinfo=UTC)), host))
    view.setParent(host)
    view.resize(1000, 780)
    view.show()
    view.show_detail(detail)
    view.grab()
    assert thread_time() - began < 10
    assert_plain(view)


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_a_comparison_shows_strangers_text_plainly_everywhere(host: QWidget, text: str) -> None:
    row = replace(v.ROW, requester=text, task=text, datasource=text, project=text)
    facts = (Fact(text, text, "warn"), Fact(text, text))
    sheet = CompareSheet(host, Session(Dispatcher()), row)
    sheet.open()
    sheet.show_page(RequestPage((replace(row, id="req_2"),), 1, None, {}))
    assert_plain(sheet)
    sheet.show_comparison(Comparison(row, row, text, facts, facts))
    sheet.grab()
    assert_plain(sheet)
    sheet.dismiss()
