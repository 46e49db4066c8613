"""The style sheet of the application, written from the token table. Pages never write style sheets."""

from __future__ import annotations

from podadmin.desktop.theme.tokens import RADIUS, SIZE, SPACE, TONES, TYPE, Colours, tone_colours

_ROLES = {
    "body": (TYPE.body, 400, "text"),
    "muted": (TYPE.body, 400, "muted"),
    "small": (TYPE.note, 400, "muted"),
    "label": (TYPE.note, 500, "muted"),
    "medium": (TYPE.body, 500, "text"),
    "strong": (TYPE.strong, 600, "text"),
    "heading": (TYPE.heading, 600, "text"),
    "title": (TYPE.title, 600, "text"),
    "figure": (TYPE.figure, 700, "text"),
}


def stylesheet(c: Colours) -> str:
    """The whole style sheet for one theme."""
    return "\n".join((_frame(c), _text(c), _buttons(c), _fields(c), _views(c), _bars(c)))


def _frame(c: Colours) -> str:
    return f"""
QMainWindow, QWidget[ground="window"] {{ background: {c.window}; }}
QScrollArea, QScrollArea > QWidget > QWidget[ground="clear"], QStackedWidget {{ background: transparent; border: 0; }}
QFrame[card="true"] {{
  background: {c.surface}; border: {SIZE.line}px solid {c.border}; border-radius: {RADIUS.card}px; }}
QFrame[card="sunken"] {{ background: {c.sunken}; border: 0; border-radius: {RADIUS.control}px; }}
QFrame[card="sheet"] {{
  background: {c.raised}; border: {SIZE.line}px solid {c.border}; border-radius: {RADIUS.sheet}px; }}
QFrame[bar="side"] {{ background: {c.sidebar}; border: 0; border-right: {SIZE.line}px solid {c.border}; }}
QFrame[bar="top"] {{ background: {c.surface}; border: 0; border-bottom: {SIZE.line}px solid {c.border}; }}
QFrame[bar="status"] {{ background: {c.surface}; border: 0; border-top: {SIZE.line}px solid {c.border}; }}
QFrame[rule="true"] {{
  background: {c.border}; border: 0; min-height: {SIZE.line}px; max-height: {SIZE.line}px; }}
QToolTip {{ background: {c.raised}; color: {c.text}; border: {SIZE.line}px solid {c.strong_border};
  padding: {SPACE.xs}px {SPACE.s}px; }}
""" + "\n".join(
        f'QFrame[banner="{tone}"] {{ background: {fill}; border: 0; border-radius: {RADIUS.card}px; }}'
        f'\nQFrame[banner="{tone}"] QLabel {{ color: {text}; }}'
        for tone in TONES
        for text, fill in (tone_colours(c, tone),)
    )


def _text(c: Colours) -> str:
    roles = "\n".join(
        f'QLabel[role="{role}"] {{ color: {getattr(c, colour)}; font-size: {size}px; font-weight: {weight}; }}'
        for role, (size, weight, colour) in _ROLES.items()
    )
    tones = "\n".join(
        f'QLabel[tone="{tone}"] {{ color: {tone_colours(c, tone)[0]}; }}' for tone in TONES if tone != "plain"
    )
    return (
        "QLabel { background: transparent; }\n"
        + roles
        + "\n"
        + tones
        + f"""
QLabel[mono="true"] {{ font-family: "JetBrains Mono"; font-size: {TYPE.note}px; }}
QLabel:focus {{ border-radius: {RADIUS.small}px; background: {c.accent_fill}; }}
"""
    )


def _buttons(c: Colours) -> str:
    edge = SIZE.focus - SIZE.line
    return f"""
QPushButton, QToolButton[kind="button"] {{
  background: {c.surface}; color: {c.text}; border: {SIZE.line}px solid {c.strong_border};
  border-radius: {RADIUS.control}px; padding: 0 {SPACE.m}px; min-height: {SIZE.control - 2 * SIZE.line}px;
  font-weight: 500; outline: 0; }}
QPushButton:hover, QToolButton[kind="button"]:hover {{ background: {c.hover}; }}
QPushButton:pressed {{ background: {c.sunken}; }}
QPushButton:focus, QToolButton[kind="button"]:focus {{ border: {SIZE.focus}px solid {c.focus};
  padding: 0 {SPACE.m - edge}px; min-height: {SIZE.control - 2 * SIZE.focus}px; }}
QPushButton:disabled {{ color: {c.faint}; background: {c.sunken}; border-color: {c.border}; }}
QPushButton[kind="primary"] {{ background: {c.accent}; color: {c.on_accent}; border-color: {c.accent}; }}
QPushButton[kind="primary"]:hover {{ background: {c.accent_hover}; }}
QPushButton[kind="primary"]:pressed {{ background: {c.accent_pressed}; }}
QPushButton[kind="danger"] {{ color: {c.bad}; }}
QPushButton[kind="danger"]:hover {{ background: {c.bad_fill}; border-color: {c.bad}; }}
QPushButton[kind="destroy"] {{ background: {c.danger}; color: {c.on_danger}; border-color: {c.danger}; }}
QPushButton[kind="destroy"]:hover {{ background: {c.danger_hover}; }}
QPushButton[kind="destroy"]:pressed {{ background: {c.danger_pressed}; }}
QPushButton[kind="primary"]:focus, QPushButton[kind="destroy"]:focus {{ border: {SIZE.focus}px solid {c.text}; }}
QPushButton[kind="primary"]:disabled, QPushButton[kind="danger"]:disabled, QPushButton[kind="destroy"]:disabled {{
  color: {c.faint}; background: {c.sunken}; border-color: {c.border}; }}
QPushButton[kind="ghost"] {{ background: transparent; color: {c.accent_text}; border-color: transparent; }}
QPushButton[kind="ghost"]:hover {{ background: {c.hover}; }}
QPushButton[kind="ghost"]:focus {{ border-color: {c.focus}; }}
QPushButton[kind="ghost"]:disabled {{ color: {c.faint}; background: transparent; }}
QPushButton[kind="icon"] {{ background: transparent; border-color: transparent; padding: 0;
  min-width: {SIZE.control - 2 * SIZE.line}px; max-width: {SIZE.control - 2 * SIZE.line}px; }}
QPushButton[kind="icon"]:hover {{ background: {c.hover}; }}
QPushButton[kind="icon"]:focus {{ border: {SIZE.focus}px solid {c.focus};
  min-width: {SIZE.control - 2 * SIZE.focus}px; max-width: {SIZE.control - 2 * SIZE.focus}px; }}
QPushButton[kind="icon"]:disabled {{ background: transparent; border-color: transparent; }}
QPushButton[kind="nav"] {{ background: transparent; border: {SIZE.focus}px solid transparent; color: {c.muted};
  text-align: left; padding: 0 {SPACE.s}px; min-height: {SIZE.nav - 2 * SIZE.focus}px; }}
QPushButton[kind="nav"]:hover {{ background: {c.hover}; color: {c.text}; }}
QPushButton[kind="nav"]:checked {{ background: {c.accent_fill}; color: {c.accent_text}; font-weight: 600; }}
QPushButton[kind="nav"]:focus {{ border-color: {c.focus}; }}
QPushButton[kind="search"] {{ background: {c.sunken}; color: {c.muted}; border-color: {c.border}; text-align: left;
  font-weight: 400; padding: 0 {SPACE.s}px; }}
QPushButton[kind="search"]:hover {{ border-color: {c.strong_border}; }}
QPushButton[kind="search"]:focus {{ border: {SIZE.focus}px solid {c.focus}; padding: 0 {SPACE.s - edge}px; }}
QPushButton[kind="tab"] {{ background: transparent; border: {SIZE.focus}px solid transparent; color: {c.muted};
  border-radius: {RADIUS.control}px; padding: 0 {SPACE.m - edge}px;
  min-height: {SIZE.control - 2 * SIZE.focus}px; }}
QPushButton[kind="tab"]:hover {{ background: {c.hover}; }}
QPushButton[kind="tab"]:checked {{ background: {c.accent_fill}; color: {c.accent_text}; }}
QPushButton[kind="tab"]:focus {{ border-color: {c.focus}; }}
QPushButton[kind="option"] {{ background: {c.surface}; border: {SIZE.focus}px solid {c.border};
  border-radius: {RADIUS.card}px; padding: 0; min-height: 0; }}
QPushButton[kind="option"]:hover {{ border-color: {c.strong_border}; }}
QPushButton[kind="option"]:checked {{ background: {c.accent_fill}; border-color: {c.accent}; }}
QPushButton[kind="option"]:focus {{ border: {SIZE.focus}px solid {c.text}; padding: 0; min-height: 0; }}
"""


def _fields(c: Colours) -> str:
    inner = SIZE.control - 2 * SIZE.line
    focused = SIZE.control - 2 * SIZE.focus
    return f"""
QLineEdit, QComboBox, QPlainTextEdit {{
  background: {c.surface}; color: {c.text}; border: {SIZE.line}px solid {c.strong_border};
  border-radius: {RADIUS.control}px; padding: 0 {SPACE.s}px; min-height: {inner}px;
  selection-background-color: {c.accent}; selection-color: {c.on_accent}; }}
QPlainTextEdit {{ padding: {SPACE.xs}px; }}
QLineEdit:focus, QComboBox:focus {{ border: {SIZE.focus}px solid {c.focus}; min-height: {focused}px;
  padding: 0 {SPACE.s - SIZE.focus + SIZE.line}px; }}
QPlainTextEdit:focus {{ border: {SIZE.focus}px solid {c.focus}; padding: {SPACE.xs - SIZE.focus + SIZE.line}px; }}
QLineEdit:disabled, QComboBox:disabled, QPlainTextEdit:disabled {{
  background: {c.sunken}; color: {c.faint}; border-color: {c.border}; }}
QLineEdit[bad="true"], QPlainTextEdit[bad="true"], QComboBox[bad="true"] {{ border-color: {c.bad}; }}
QLineEdit[kind="bare"] {{ border: 0; background: transparent; font-size: {TYPE.heading}px; }}
QPlainTextEdit[mono="true"] {{ font-family: "JetBrains Mono"; font-size: {TYPE.note}px; }}
QComboBox::drop-down {{ border: 0; width: {SPACE.xl}px; }}
QComboBox::down-arrow {{ image: none; width: 0; height: 0; }}
QComboBox QAbstractItemView {{ background: {c.raised}; color: {c.text}; border: {SIZE.line}px solid {c.strong_border};
  padding: {SPACE.xs}px; outline: 0; selection-background-color: {c.accent_fill};
  selection-color: {c.text}; }}
QComboBox QAbstractItemView::item {{ min-height: {SPACE.xl + SPACE.xs}px; padding: 0 {SPACE.s}px;
  border-radius: {RADIUS.small}px; }}
QComboBox QAbstractItemView::item:selected {{ background: {c.accent_fill}; color: {c.text}; }}
QCheckBox {{ background: transparent; spacing: {SPACE.s}px; }}
"""


def _views(c: Colours) -> str:
    return f"""
QTableView, QTreeView, QListView {{ background: transparent; border: 0; gridline-color: transparent;
  selection-background-color: {c.accent_fill}; selection-color: {c.text}; }}
QTreeView[mono="true"] {{ font-family: "JetBrains Mono"; font-size: {TYPE.note}px; }}
QTreeView::item {{ min-height: {SIZE.tree_row}px; border: 0; }}
QTreeView::item:selected, QListView::item:selected {{ background: {c.accent_fill}; color: {c.text}; }}
QTreeView::item:hover, QListView::item:hover {{ background: {c.hover}; }}
QListView::item {{ min-height: {SIZE.row}px; padding: 0 {SPACE.s}px; border-radius: {RADIUS.control}px; }}
QHeaderView {{ background: transparent; border: 0; }}
QHeaderView::section {{ background: transparent; color: {c.muted}; border: 0;
  border-bottom: {SIZE.line}px solid {c.border}; padding: 0 {SPACE.m}px;
  font-size: {TYPE.note}px; font-weight: 500; min-height: {SIZE.header}px; }}
QTreeView QHeaderView::section {{ padding: 0 {SPACE.xs}px; }}
QTableCornerButton::section {{ background: transparent; border: 0; }}
"""


def _bars(c: Colours) -> str:
    return f"""
QScrollBar:vertical {{ background: transparent; width: {SIZE.scroll}px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {SIZE.scroll}px; margin: 0; }}
QScrollBar::handle {{ background: {c.strong_border}; border-radius: {RADIUS.small - SIZE.line}px;
  margin: {SPACE.hair}px; }}
QScrollBar::handle:vertical {{ min-height: {SIZE.scroll_handle}px; }}
QScrollBar::handle:horizontal {{ min-width: {SIZE.scroll_handle}px; }}
QScrollBar::handle:hover {{ background: {c.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QProgressBar {{ background: {c.sunken}; border: 0; border-radius: {SIZE.bar // 2}px;
  min-height: {SIZE.bar}px; max-height: {SIZE.bar}px; }}
QProgressBar::chunk {{ background: {c.accent}; border-radius: {SIZE.bar // 2}px; }}
QSplitter::handle {{ background: transparent; width: {SPACE.l}px; height: {SPACE.l}px; }}
QMenu {{ background: {c.raised}; border: {SIZE.line}px solid {c.strong_border}; padding: {SPACE.xs}px; }}
QMenu::item {{ padding: {SPACE.s}px {SPACE.l}px; border-radius: {RADIUS.small}px; }}
QMenu::item:selected {{ background: {c.accent_fill}; color: {c.text}; }}
"""
