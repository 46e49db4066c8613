"""The token table as a palette and a style sheet, and the one place that knows which theme is on.

Widgets follow a change of theme through `QEvent.Type.StyleChange`, which Qt sends to every widget of a window when the
window's style sheet changes: there is nothing to subscribe to, so there is nothing to leak.

The sheet lies on windows, not on the application: with one on the application Qt matches it anew for a whole subtree
at every reparenting, and pages, which are built from the leaves up, take three times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from podadmin.core.resources import resource
from podadmin.desktop.theme.sheet import stylesheet
from podadmin.desktop.theme.tokens import DARK, LIGHT, TYPE, Colours

CHOICES: Final = ("system", "light", "dark")
TEXT_FAMILY: Final = "Inter"
MONO_FAMILY: Final = "JetBrains Mono"
FRAME_FONTS: Final = (
    ("inter", "Inter-Regular.ttf"),
    ("inter", "Inter-Medium.ttf"),
    ("inter", "Inter-SemiBold.ttf"),
)
"""What the frame is written in, without its pages."""
PAGE_FONTS: Final = (
    ("inter", "Inter-Bold.ttf"),
    ("jetbrains-mono", "JetBrainsMono-Regular.ttf"),
    ("jetbrains-mono", "JetBrainsMono-Medium.ttf"),
)
_loaded: set[str] = set()
_DRESSED: Final = "dressed"
_POLISHED: Final = Qt.WidgetAttribute.WA_WState_Polished
_AT_ONCE: Final = 2
_state: dict[str, Colours] = {"colours": LIGHT}


def colours() -> Colours:
    """The colours of the theme that is on now."""
    return _state["colours"]


def load_fonts(files: Sequence[tuple[str, str]] = FRAME_FONTS + PAGE_FONTS) -> None:
    """Make bundled fonts known. Raises FileNotFoundError where the installation is incomplete."""
    for folder, name in files:
        if name not in _loaded:
            _loaded.add(name)
            QFontDatabase.addApplicationFont(str(resource("fonts", folder, name)))


def font(size: int = TYPE.body, weight: QFont.Weight = QFont.Weight.Normal, *, mono: bool = False) -> QFont:
    """The bundled text or fixed-width font at a size of `TYPE`."""
    made = QFont(MONO_FAMILY if mono else TEXT_FAMILY)
    made.setPixelSize(size)
    made.setWeight(weight)
    return made


def resolve(choice: str) -> Colours:
    """The theme that `choice` (system, light or dark) means on this machine now."""
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if choice == "dark" else LIGHT


def apply(choice: str) -> None:
    """Put the theme on the whole application, open windows included."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("the theme needs a running QApplication")
    chosen = resolve(choice)
    _state["colours"] = chosen
    app.setFont(font())
    app.setPalette(palette(chosen))
    for window in app.topLevelWidgets():
        if window.property(_DRESSED):
            window.setStyleSheet(stylesheet(chosen))


def dress(window: QWidget) -> None:
    """Let a window have the style sheet of the present theme, and follow it."""
    window.setProperty(_DRESSED, True)
    window.setStyleSheet(stylesheet(colours()))


def dressed(root: QWidget) -> Iterator[None]:
    """Give everything below `root` its look before it is shown for the first time; stops after every few widgets."""
    waiting = (each for each in root.findChildren(QWidget) if not each.testAttribute(_POLISHED))
    for number, widget in enumerate(waiting, start=1):
        widget.ensurePolished()
        if number % _AT_ONCE == 0:
            yield


def is_change(event: QEvent) -> bool:
    """True for the events that tell a widget that the theme has changed, or the scale of its screen."""
    return event.type() in (QEvent.Type.StyleChange, QEvent.Type.DevicePixelRatioChange)


def palette(theme: Colours) -> QPalette:
    """What Fusion draws by itself, in the same colours as the style sheet."""
    made = QPalette()
    role = QPalette.ColorRole
    for target, colour in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.surface),
        (role.AlternateBase, theme.sunken),
        (role.Text, theme.text),
        (role.Button, theme.surface),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.on_accent),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.muted),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Link, theme.accent_text),
        (role.LinkVisited, theme.accent_text),
        (role.Accent, theme.accent),
        (role.Light, theme.raised),
        (role.Midlight, theme.border),
        (role.Mid, theme.strong_border),
        (role.Dark, theme.strong_border),
        (role.Shadow, theme.strong_border),
    ):
        made.setColor(target, QColor(colour))
    for target in (role.Text, role.WindowText, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, target, QColor(theme.faint))
    return made
