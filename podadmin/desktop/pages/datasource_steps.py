"""The first steps of the wizard: point at a file, see what a test of it found, and look at its first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import Preview, ProbeView
from podadmin.core.errors import PodadminError
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid, FactList
from podadmin.desktop.widgets.form import PathField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel

FILE: Final = "CSV file"
_LEAST: Final = 6
_MOST: Final = 32
_ROOM: Final = 2
_LINE: Final = 110
"""Lengths in characters: of a narrow and a wide column, of the room around one, and of a line that always fits."""


class StepTrail(QWidget):
    """Where one is: every step by name, the ones that are done, the one that is open, and the ones to come."""

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = tuple(names)
        self._badges = [Badge(BadgeSpec("plain", name)) for name in names]
        line = row(gap=SPACE.s)
        for place, badge in enumerate(self._badges):
            if place:
                line.addWidget(IconMark("chevron-right", "faint", SIZE.icon_small))
            line.addWidget(badge)
        line.addStretch(1)
        self.setLayout(line)
        self.show_step(0)

    def show_step(self, current: int) -> None:
        """The step that is open, from 0."""
        for place, (badge, name) in enumerate(zip(self._badges, self._names, strict=True)):
            if place < current:
                badge.set(BadgeSpec("good", name, "check"))
            else:
                badge.set(BadgeSpec("info" if place == current else "plain", name, "circle-dot"))
        at, of = self._names[current], len(self._names)
        self.setAccessibleName(f"Step {current + 1} of {of}: {at}")


class ChooseStep(QWidget):
    """Where the file is. `submitted` comes with Enter in the field."""

    submitted = Signal()
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = PathField(
            FILE,
            "file",
            hint="The whole path of a file that ends in .csv, on a disk or share that this computer can reach.",
            filters="CSV files (*.csv);;All files (*)",
        )
        self.path.changed.connect(self.changed.emit)
        self.path.line.returnPressed.connect(self.submitted.emit)
        card = Card("Which file?")
        card.body.setSpacing(SPACE.l)
        card.body.addWidget(self.path)
        card.body.addWidget(
            FactList(
                (
                    "The file is opened for reading only: podadmin never writes to it and makes no copy that stays.",
                    "Testing and looking save nothing. Only the last step connects the file.",
                ),
                icon="shield-check",
            )
        )
        self.setLayout(column(card, STRETCH))


class ProbeStep(QWidget):
    """What the test found: facts, the lines that cannot be used, or what is wrong and who can put it right."""

    again_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ok = False
        self.job = JobBar()
        self._holder = column()
        self.setLayout(column(self.job, self._holder, STRETCH))

    def begin(self) -> None:
        """A test has begun."""
        self.ok = False
        clear(self._holder)

    def show_probe(self, probe: ProbeView) -> None:
        """Show what was found."""
        clear(self._holder)
        self.ok = probe.ok
        if not probe.ok:
            who = next((fact.value for fact in probe.facts if fact.label == "Who can fix it"), "")
            self._problem(probe.error or {}, who)
            return
        rejected = len(probe.rejected_lines)
        tone, title, words = "good", "The file can be read", "Nothing of it was kept, and nothing was written to it."
        if rejected:
            tone, title = "warn", "The file can be read, but not every line of it"
            words = "The lines below do not fit the header. They are left out of everything, and counted."
        self._holder.addWidget(Banner(tone, words, title=title))
        found = Card("What was found")
        found.body.addWidget(FactGrid(probe.facts))
        self._holder.addWidget(found)
        if rejected:
            lines = Card("Lines that cannot be used", sunken=False)
            lines.body.addWidget(FactGrid(probe.rejected_lines))
            self._holder.addWidget(lines)

    def show_problem(self, error: PodadminError) -> None:
        """The test did not come to an end."""
        clear(self._holder)
        self.ok = False
        self._problem({key: str(value) for key, value in error.as_dict().items()}, "")

    def _problem(self, error: Mapping[str, str], who: str) -> None:
        stopped = error.get("code") == "core.cancelled"
        words = f"{error.get('why', '')} {error.get('next_step', '')}".strip()
        self._holder.addWidget(Banner("info" if stopped else "bad", words, title=error.get("what", "")))
        if not stopped:
            card = Card(sunken=True)
            if who:
                card.body.addLayout(row(PlainLabel("Who can fix it", "muted"), PlainLabel(who, "medium"), STRETCH))
            code = PlainLabel(error.get("code", ""), "body", selectable=True, mono=True)
            card.body.addLayout(row(PlainLabel("Code", "muted"), code, STRETCH))
            self._holder.addWidget(card)
        self._holder.addLayout(row(QuietButton("Test again", self.again_wanted.emit, "refresh-cw"), STRETCH))


class PreviewStep(QWidget):
    """The first rows. Values are masked until they are asked for; `masked_wanted(bool)` asks for the other form."""

    masked_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preview: Preview | None = None
        self._words = PlainLabel("", "muted", wrap=True)
        self._switch = QuietButton("Show values", self._turn, "eye")
        self._place = column()
        card = Card(flush=True)
        card.body.addLayout(self._place)
        self._holder = StateView(card)
        self.setLayout(column(row((self._words, 1), self._switch, gap=SPACE.l), (self._holder, 1), gap=SPACE.m))

    def begin(self) -> None:
        """The rows are being read."""
        self.preview = None
        self._switch.set_permit(False, "The rows are being read.")
        self._holder.show_loading("Reading the first rows")

    def show_preview(self, preview: Preview) -> None:
        """Show rows."""
        self.preview = preview
        if preview.masked:
            self._words.setText("First rows, masked: letters are x, digits are 9, so that only the shape can be seen.")
        else:
            self._words.setText("First rows with their values. Somebody beside you can read them too.")
        self._words.set_tone("plain" if preview.masked else "warn")
        self._switch.set_words("Show values" if preview.masked else "Mask values")
        self._switch.set_icon("eye" if preview.masked else "eye-off")
        self._switch.set_permit(True)
        clear(self._place)
        table = RowTable("First rows", preview_columns(preview), _key)
        table.setMinimumHeight(SIZE.palette_list)
        table.setCornerWidget(wrap(row()))
        table.set_rows([(number, *line) for number, line in enumerate(preview.rows)])
        self._place.addWidget(table)
        self._holder.show_content()

    def show_problem(self, error: PodadminError) -> None:
        """The rows cannot be read."""
        self.preview = None
        self._holder.show_error(error, lambda: self.masked_wanted.emit(True))

    def _turn(self) -> None:
        if self.preview is not None:
            self.masked_wanted.emit(not self.preview.masked)


def _key(line: tuple[object, ...]) -> str:
    return str(line[0])


def preview_columns(preview: Preview) -> list[Column]:
    """A column for each of the preview's, as wide as what stands in it; they share the width where all of them fit."""
    widths = [
        min(max(len(title), *(len(line[place]) for line in preview.rows), _LEAST) + _ROOM, _MOST)
        for place, title in enumerate(preview.columns)
    ]
    fits = sum(widths) + len(widths) * _ROOM <= _LINE
    return [_cell(title, place, 0 if fits else widths[place]) for place, title in enumerate(preview.columns)]


def _cell(title: str, place: int, width: int) -> Column:
    return Column(title, lambda line: line[place + 1], "mono", width)
