"""The one table of colours, spaces, radii and sizes. Lengths are device-independent pixels on a 4-px grid.

Plain classes: made with `dataclass`, these tables alone would take a fortieth of the time to the first paint.
"""

from __future__ import annotations

from typing import Final


class Colours:
    """One theme. Names ending in `_fill` are backgrounds; what may stand on what is said by `TEXT_ON`."""

    name: str
    window: str
    sidebar: str
    surface: str
    sunken: str
    raised: str
    border: str
    strong_border: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_hover: str
    accent_pressed: str
    on_accent: str
    accent_text: str
    accent_fill: str
    hover: str
    good: str
    good_fill: str
    warn: str
    warn_fill: str
    bad: str
    bad_fill: str
    danger: str
    danger_hover: str
    danger_pressed: str
    on_danger: str
    focus: str
    series_1: str
    series_2: str
    series_3: str
    series_4: str
    series_5: str
    veil: str
    shadow: str

    def __init__(self, **colours: str) -> None:
        if colours.keys() != Colours.__annotations__.keys():
            raise TypeError("a theme has every colour, and no other")
        vars(self).update(colours)


LIGHT = Colours(
    name="light",
    window="#F6F7F9",
    sidebar="#FFFFFF",
    surface="#FFFFFF",
    sunken="#F1F3F6",
    raised="#FFFFFF",
    border="#E3E6EB",
    strong_border="#C6CCD6",
    text="#111827",
    muted="#566072",
    faint="#98A1B0",
    accent="#3B5BDB",
    accent_hover="#3250CC",
    accent_pressed="#2943B4",
    on_accent="#FFFFFF",
    accent_text="#3553CF",
    accent_fill="#EDF1FE",
    hover="#F2F4F7",
    good="#0A6E3A",
    good_fill="#E6F7EE",
    warn="#8A4B08",
    warn_fill="#FEF3DC",
    bad="#B3261E",
    bad_fill="#FDECEA",
    danger="#C2322A",
    danger_hover="#AD2922",
    danger_pressed="#94211B",
    on_danger="#FFFFFF",
    focus="#3B5BDB",
    series_1="#3B5BDB",
    series_2="#12925A",
    series_3="#D9822B",
    series_4="#C2322A",
    series_5="#8A94A6",
    veil="#66111827",
    shadow="#1A111827",
)

DARK = Colours(
    name="dark",
    window="#0D1015",
    sidebar="#11141B",
    surface="#161A21",
    sunken="#1B2029",
    raised="#1B2029",
    border="#272C35",
    strong_border="#3C4452",
    text="#E7EAF0",
    muted="#9FA8B7",
    faint="#69727F",
    accent="#4463EE",
    accent_hover="#3E5CE2",
    accent_pressed="#3A56D6",
    on_accent="#FFFFFF",
    accent_text="#93A8FF",
    accent_fill="#1C2848",
    hover="#1D222B",
    good="#5FDC9A",
    good_fill="#0F2A1D",
    warn="#F5BE62",
    warn_fill="#33240B",
    bad="#FF9A92",
    bad_fill="#3A1513",
    danger="#C93A31",
    danger_hover="#CD3C33",
    danger_pressed="#B02F27",
    on_danger="#FFFFFF",
    focus="#7C95FF",
    series_1="#5B7BFF",
    series_2="#3CC486",
    series_3="#F0A848",
    series_4="#F2695F",
    series_5="#7B8696",
    veil="#B3000000",
    shadow="#66000000",
)

TEXT_ON: tuple[tuple[str, str], ...] = tuple(
    (text, ground)
    for text, grounds in {
        "text": ("window", "sidebar", "surface", "sunken", "raised", "hover", "accent_fill"),
        "muted": ("window", "sidebar", "surface", "sunken", "raised", "hover", "accent_fill"),
        "accent_text": ("window", "sidebar", "surface", "raised", "hover", "accent_fill"),
        "on_accent": ("accent", "accent_hover", "accent_pressed"),
        "on_danger": ("danger", "danger_hover", "danger_pressed"),
        "good": ("good_fill", "surface", "window", "raised", "accent_fill"),
        "warn": ("warn_fill", "surface", "window", "raised", "accent_fill"),
        "bad": ("bad_fill", "surface", "window", "raised", "accent_fill"),
    }.items()
    for ground in grounds
)
"""Every pair of text and ground that the style sheet uses; each must keep a contrast of at least 4.5 to 1."""

TONES = ("plain", "info", "good", "warn", "bad")
TONE_ICONS = {
    "plain": "circle-dot",
    "info": "info",
    "good": "circle-check",
    "warn": "triangle-alert",
    "bad": "circle-x",
}


def tone_colours(colours: Colours, tone: str) -> tuple[str, str]:
    """(text, fill) for a tone of `TONES`; an unknown tone is plain."""
    table = {
        "info": (colours.accent_text, colours.accent_fill),
        "good": (colours.good, colours.good_fill),
        "warn": (colours.warn, colours.warn_fill),
        "bad": (colours.bad, colours.bad_fill),
    }
    return table.get(tone, (colours.muted, colours.sunken))


class Space:
    """Distances."""

    none: Final = 0
    hair: Final = 2
    xs: Final = 4
    s: Final = 8
    m: Final = 12
    l: Final = 16  # noqa: E741 - the size between m and xl
    xl: Final = 24
    xxl: Final = 32
    huge: Final = 48


class Radius:
    small: Final = 4
    control: Final = 6
    card: Final = 8
    sheet: Final = 12


class Type:
    """Type sizes."""

    small: Final = 11
    note: Final = 12
    body: Final = 13
    strong: Final = 14
    heading: Final = 16
    title: Final = 22
    figure: Final = 26


class Size:
    """Sizes of things."""

    control: Final = 34
    row: Final = 38
    tree_row: Final = 26
    header: Final = 36
    nav: Final = 38
    nav_gap: Final = 2
    sidebar: Final = 216
    topbar: Final = 56
    statusbar: Final = 32
    icon: Final = 18
    icon_small: Final = 14
    icon_large: Final = 36
    badge: Final = 22
    line: Final = 1
    focus: Final = 2
    arming: Final = 3
    bar: Final = 6
    scroll: Final = 10
    scroll_handle: Final = 32
    check: Final = 16
    chart: Final = 200
    chart_axis: Final = 40
    chart_bar: Final = 36
    spark_width: Final = 88
    figure_card: Final = 104
    figure_least: Final = 160
    label_column: Final = 168
    field: Final = 360
    search: Final = 280
    state_text: Final = 460
    toast: Final = 360
    sheet: Final = 520
    palette: Final = 620
    palette_list: Final = 360
    window_width: Final = 1280
    window_height: Final = 800
    least_width: Final = 960
    least_height: Final = 600
    tree: Final = 260
    reason: Final = 96


SPACE = Space()
RADIUS = Radius()
TYPE = Type()
SIZE = Size()


def rgb(colour: str) -> tuple[int, int, int]:
    """The red, green and blue (0..255) of `#RRGGBB` or `#AARRGGBB`."""
    digits = colour.lstrip("#")[-6:]
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def contrast(text: str, ground: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, success criterion 1.4.3)."""

    def luminance(colour: str) -> float:
        channels = [c / 255 for c in rgb(colour)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(text), luminance(ground)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def colour_names() -> tuple[str, ...]:
    """The names of all colours of a theme."""
    return tuple(name for name in Colours.__annotations__ if name != "name")
