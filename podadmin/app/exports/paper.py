"""Pages of A4 in the application's own typeface. Every text is plain text: no markup is read, nothing is fetched.

What the typeface has no sign for is shown as its code point, as invisible characters are: a name can look odd on
paper, and can never look like another one. fpdf2 writes the file; nothing else here knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, TableBordersLayout, TextEmphasis, WrapMode, XPos, YPos
from fpdf.fonts import FontFace, TTFFont

from podadmin.core.resources import resource
from podadmin.core.text import visible

_INK, _MUTED, _RULE, _SHADE = (24, 28, 36), (92, 99, 112), 208, (242, 244, 247)
_MARGIN, _LINE, _CELL_SIDE = 18.0, 5.0, 1.5
_PAGES = "\x00pages\x00"
"""Where the number of pages will stand: no text is shown with such signs in it, so none is taken for it."""
_ROW_LINES, _SURELY_FITS = 40, 300
"""Lines of a row that fit on a page, and characters that fit into so many lines of any column."""
_TONES = {"plain": _INK, "muted": _MUTED, "good": (22, 110, 62), "warn": (138, 84, 0), "bad": (176, 32, 32)}


class Paper(FPDF):
    """A document. `foot` stands on every page beside its number."""

    def __init__(self, title: str, foot: str, made_at: datetime) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._foot = foot
        for family, style, name in (
            ("Inter", "", "inter/Inter-Regular.ttf"),
            ("Inter", "B", "inter/Inter-SemiBold.ttf"),
            ("Mono", "", "jetbrains-mono/JetBrainsMono-Regular.ttf"),
        ):
            self.add_font(family, style, resource("fonts", *name.split("/")))
        self._signs = {family: frozenset(font.cmap) for family, font in self.fonts.items() if isinstance(font, TTFFont)}
        self.set_title(title)
        self.set_creator("podadmin")
        self.set_producer("podadmin")
        self.set_lang("en-GB")
        self.set_creation_date(made_at)
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, 22)
        self.alias_nb_pages(_PAGES)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-14)
        self._use("Inter", 7.5, _MUTED)
        half = self.epw / 2
        self.cell(half * 1.6, 4, self._shown(self._foot))
        self.cell(half * 0.4, 4, f"{self.page_no()} of {_PAGES}", align="R")

    def heading(self, text: str, level: int = 1) -> None:
        """A heading; its section is in the outline of the file too."""
        size = {0: 21.0, 1: 14.0, 2: 10.5}[level]
        if self.get_y() > self.h - (75 if level == 1 else 55):
            self.add_page()
        self.ln(2 if level == 0 else 5 if level == 1 else 2)
        self._use("Inter", size, _INK, bold=True)
        if level:
            self.start_section(self._shown(text), level - 1)
        self._block(text, size * 0.48)
        self.ln(1.5)

    def words(self, text: str, tone: str = "plain", size: float = 9.5) -> None:
        """A paragraph."""
        self._use("Inter", size, _TONES[tone])
        self._block(text, _LINE * size / 9.5)
        self.ln(1.5)

    def code(self, text: str, size: float = 8.0) -> None:
        """A hash or an id, in the fixed-width face."""
        self._use("Mono", size, _INK)
        self._block(text, 4.2)
        self.ln(1.5)

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Labels on the left, values on the right."""
        self.rows((), rows, (3, 7), first_bold=True)

    def rows(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int], first_bold: bool = False
    ) -> None:
        """A table; its head is repeated on every page. Line breaks in a cell are our own.

        A row that is higher than a page goes on in the next one, with nothing left out.
        """
        self._use("Inter", 8, _INK)
        self.set_draw_color(_RULE)
        self.set_line_width(0.15)
        shade = FontFace(emphasis=TextEmphasis.B, color=_INK, fill_color=_SHADE)
        bold = FontFace(emphasis=TextEmphasis.B)
        with self.table(
            col_widths=tuple(widths),
            first_row_as_headings=bool(head),
            headings_style=shade,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            line_height=4.3,
            padding=(1.2, _CELL_SIDE),
            text_align="L",
            v_align="T",
            wrapmode=WrapMode.WORD,
        ) as table:
            for place, row in enumerate(([head] if head else []) + list(rows)):
                shown = [self._shown(text, one_line=False) or "–" for text in row]
                for part in self._parts(shown, widths):
                    line = table.row()
                    for column, text in enumerate(part):
                        style = bold if first_bold and column == 0 and (place or not head) else None
                        line.cell(text, style=style)
        self.ln(3)

    def _parts(self, row: Sequence[str], widths: Sequence[int]) -> list[Sequence[str]]:
        """A row as it fits on pages: itself, or several of which each has the next lines of every cell."""
        if all(len(text) <= _SURELY_FITS and text.count("\n") < _ROW_LINES // 2 for text in row):
            return [row]
        lines = [self._lines(text, self.epw * width / sum(widths)) for text, width in zip(row, widths, strict=True)]
        return [
            ["\n".join(cell[first : first + _ROW_LINES]) for cell in lines]
            for first in range(0, max(map(len, lines)), _ROW_LINES)
        ]

    def _lines(self, text: str, width: float) -> list[str]:
        room = width - 2 * _CELL_SIDE - 2 * self.c_margin
        found = self.multi_cell(room, 4.3, text, dry_run=True, output=MethodReturnValue.LINES, wrapmode=WrapMode.WORD)
        assert isinstance(found, list)
        return found

    def square(self, dots: Sequence[Sequence[bool]], size: float) -> None:
        """A QR code of `size` mm with its quiet zone, drawn as filled squares."""
        if self.get_y() + size > self.h - 24:
            self.add_page()
        left, top, step = self.l_margin, self.get_y(), size / len(dots)
        self.set_fill_color(0)
        for down, line in enumerate(dots):
            for across, dark in enumerate(line):
                if dark:
                    # a hair more than the step: viewers would show seams between the squares
                    self.rect(left + across * step, top + down * step, step + 0.02, step + 0.02, style="F")
        self.set_y(top + size + 2)

    def save(self, file: BinaryIO) -> None:
        """Write the document."""
        file.write(bytes(self.output()))

    def _block(self, text: str, height: float) -> None:
        shown = self._shown(text, one_line=False) or "–"
        self.multi_cell(self.epw, height, shown, new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=WrapMode.WORD, align="L")

    def _use(self, family: str, size: float, colour: tuple[int, int, int], *, bold: bool = False) -> None:
        self.set_font(family, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _shown(self, text: str, one_line: bool = True) -> str:
        """What can be read of a text in the face that is in use."""
        signs = self._signs.get(self.font_family + self.font_style.replace("U", ""), self._signs["inter"])
        seen = visible(text, one_line=one_line)
        return "".join(char if ord(char) in signs or char == "\n" else f"<U+{ord(char):04X}>" for char in seen)
