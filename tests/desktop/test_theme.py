"""Both themes can be read by everyone, and changing them leaves nothing behind."""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QColor, QIcon
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

import podadmin.desktop
from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.sheet import stylesheet
from podadmin.desktop.theme.tokens import (
    DARK,
    LIGHT,
    SIZE,
    SPACE,
    TEXT_ON,
    TONES,
    Colours,
    colour_names,
    contrast,
    tone_colours,
)
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton

ROOM = Path(podadmin.desktop.__file__).parent
BOTH = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])


@BOTH
@pytest.mark.parametrize(("text", "ground"), TEXT_ON, ids=[f"{text}-on-{ground}" for text, ground in TEXT_ON])
def test_text_has_enough_contrast(theme: Colours, text: str, ground: str) -> None:
    assert contrast(getattr(theme, text), getattr(theme, ground)) >= 4.5


@BOTH
@pytest.mark.parametrize("tone", TONES)
def test_every_tone_has_enough_contrast_on_its_own_fill(theme: Colours, tone: str) -> None:
    assert contrast(*tone_colours(theme, tone)) >= 4.5


@BOTH
def test_focus_and_field_edges_can_be_told_from_their_ground(theme: Colours) -> None:
    assert contrast(theme.focus, theme.surface) >= 3
    assert contrast(theme.focus, theme.window) >= 3


def test_the_measure_of_contrast_is_the_one_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@BOTH
def test_the_style_sheet_knows_only_colours_of_the_table(theme: Colours) -> None:
    known = {getattr(theme, name) for name in colour_names()}
    used = set(re.findall(r"#[0-9A-Fa-f]{6,8}", stylesheet(theme)))
    assert used <= known


def test_no_colour_and_no_style_sheet_stands_outside_the_theme() -> None:
    wrong: list[str] = []
    for file in ROOM.rglob("*.py"):
        if file.parent.name == "theme":
            continue
        text = file.read_text(encoding="utf-8")
        if re.search(r"#[0-9A-Fa-f]{6}\b", text) or "setStyleSheet" in text or "Qt.GlobalColor." in text:
            wrong.append(file.name)
    assert wrong == []


def test_bare_labels_and_message_boxes_are_not_used_in_pages() -> None:
    wrong = [
        file.name
        for file in (ROOM / "pages").rglob("*.py")
        if re.search(r"\b(QLabel|QMessageBox|QDialog|QInputDialog)\b", file.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_spaces_lie_on_the_grid() -> None:
    assert all(value % 4 == 0 for name, value in vars(SPACE).items() if name not in ("none", "hair"))


def test_every_icon_is_there_and_used() -> None:
    from podadmin.core.resources import resource

    text = "\n".join(file.read_text(encoding="utf-8") for file in ROOM.rglob("*.py"))
    there = {file.stem for file in resource("icons").glob("*.svg")}
    asked = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)*)"', text))
    assert not {name for name in there if name not in asked}, "icons nobody uses"
    assert resource("icons", "LICENSE").read_text(encoding="utf-8").startswith("ISC")


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_icons_are_as_sharp_as_the_screen(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    monkeypatch.setattr(icons, "sharpest", lambda: scale)
    icon = icons.icon("inbox", "accent")
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled):
        assert icon.pixmap(QSize(SIZE.icon, SIZE.icon), scale, mode).width() == round(SIZE.icon * scale)
    assert icons.pixmap("inbox", scale=2.0) is icons.pixmap("inbox", scale=2.0)


def test_the_bundled_fonts_are_the_ones_in_use(qapp: QApplication) -> None:
    from PySide6.QtGui import QFontInfo

    assert QFontInfo(style.font()).family() == style.TEXT_FAMILY
    assert QFontInfo(style.font(mono=True)).family() == style.MONO_FAMILY


def test_changing_the_theme_recolours_what_is_open_and_leaks_nothing(qtbot: QtBot) -> None:
    holder = QWidget()
    button = PrimaryButton("Save", icon="check", parent=holder)
    banner = Banner("warn", "Careful", parent=holder)
    qtbot.addWidget(holder)
    style.dress(holder)
    holder.show()
    before = banner.grab().toImage()
    style.apply("dark")
    assert style.colours() is DARK
    assert banner.grab().toImage() != before
    gc.collect()
    start = len([thing for thing in gc.get_objects() if isinstance(thing, QObject)])
    for _ in range(10):
        style.apply("light")
        style.apply("dark")
    gc.collect()
    end = len([thing for thing in gc.get_objects() if isinstance(thing, QObject)])
    style.apply("light")
    assert end <= start + 2
    assert button.text() == "Save"
    assert banner.grab().toImage() == before


@pytest.mark.parametrize("reason", [Qt.FocusReason.TabFocusReason, Qt.FocusReason.MouseFocusReason])
def test_a_button_with_the_keyboard_has_one_edge_and_no_second_one_inside(qtbot: QtBot, reason: Qt.FocusReason) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    button = QuietButton("Refuse")
    window.setCentralWidget(button)
    style.dress(window)
    window.show()
    with qtbot.waitActive(window):
        window.activateWindow()
    QTest.keyClick(button, Qt.Key.Key_Tab)
    button.setFocus(reason)
    assert button.hasFocus()
    seen = button.grab().toImage()
    inside = range(SIZE.focus + 2, seen.width() // 4)
    ground = QColor(style.colours().surface).rgb()
    assert {seen.pixel(x, seen.height() // 2) for x in inside} == {ground}


def test_this_qt_does_not_lose_references_to_none() -> None:
    """PySide6 6.12 does on Python 3.11 and aborts; the pin in pyproject.toml and this canary keep it out."""
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(1000):
        thing.setObjectName("x")
    assert abs(sys.getrefcount(None) - before) < 50
