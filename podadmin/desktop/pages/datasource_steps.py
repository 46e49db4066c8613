"""The middle steps of the wizard: say where the data is, see what a test of it found, and look at its first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import KindView, ProbeView
from podadmin.app.views.facts import Fact
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.datasource_draft import thing
from podadmin.desktop.pages.datasource_form import SourceForm
from podadmin.desktop.pages.datasource_kinds import icon_of, reads_badge
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid, FactList
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import PlainLabel

_DOUBT: Final = "Look at this"
_PROMISES: Final = {
    "service": "The service is only asked: podadmin changes nothing there.",
    "engine": "Only questions are sent to the engine; a password or token is kept where secrets live, nowhere else.",
    "database": "Only reading is asked of the database, and the password is kept where secrets live, nowhere else.",
    "none": "There is nothing to read; what you set here goes into the pod's configuration.",
}
_FILES: Final = "Files are opened for reading only: podadmin never writes to them and makes no copy that stays."


_AT: Final = {
    "PATH_NOT_FOUND": ("path",),
    "NOT_A_DIRECTORY": ("path",),
    "PERMISSION_DENIED": ("path",),
    "EMPTY_DIRECTORY": ("path",),
    "EMPTY_FILE": ("path",),
    "AUTH_FAILED": ("password", "token"),
    "DATABASE_NOT_FOUND": ("url",),
    "CONNECTION_REFUSED": ("url", "service_url"),
    "CONNECTION_TIMEOUT": ("url", "service_url"),
    "TEMPLATE_NOT_FOUND": ("template_name",),
}
"""Code of the field -> the field of the form at which it is said, where the act has named none."""


class StepTrail(QWidget):
    """Where one is: every step by name, the ones that are done, the one that is open, and the ones to come."""

    def __init__(self, names: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._badges: list[Badge] = []
        self._arrows: list[IconMark] = []
        self._line = row(gap=SPACE.s)
        self.setLayout(self._line)
        self.show_step(names, names[0])

    def show_step(self, names: Sequence[str], current: str) -> None:
        """Show these steps, and which of them is open."""
        if tuple(names) != self._names:
            self._draw(tuple(names))
        place_now = self._names.index(current)
        for place, (badge, name) in enumerate(zip(self._badges, self._names, strict=True)):
            if place < place_now:
                badge.set(BadgeSpec("good", name, "check"))
            else:
                badge.set(BadgeSpec("info" if place == place_now else "plain", name, "circle-dot"))
        self.setAccessibleName(f"Step {place_now + 1} of {len(self._names)}: {current}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The arrows between the steps are left out where there is no room for them."""
        super().resizeEvent(event)
        words = sum(badge.sizeHint().width() + SPACE.s for badge in self._badges)
        room = event.size().width() >= words + len(self._arrows) * (SIZE.icon_small + SPACE.s)
        for arrow in self._arrows:
            arrow.setVisible(room)

    def _draw(self, names: tuple[str, ...]) -> None:
        clear(self._line)
        self._names = names
        self._badges = [Badge(BadgeSpec("plain", name)) for name in names]
        self._arrows = [IconMark("chevron-right", "faint", SIZE.icon_small) for _ in names[1:]]
        for place, badge in enumerate(self._badges):
            if place:
                self._line.addWidget(self._arrows[place - 1])
            self._line.addWidget(badge)
        self._line.addStretch(1)


class SetUpStep(QWidget):
    """Where the data is, as its kind asks for it. `submitted` comes with Enter in a field."""

    submitted = Signal()
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = SourceForm()
        self.form.changed.connect(self._edited)
        self.form.submitted.connect(self.submitted.emit)
        self._problem = column(gap=SPACE.none)
        self._head = column()
        self._promise = column()
        card = Card()
        card.body.setSpacing(SPACE.l)
        for part in (self._head, self._promise):
            card.body.addLayout(part)
        card.body.insertWidget(1, self.form)
        self.setLayout(column(self._problem, card, STRETCH))

    def show_kind(self, kind: KindView, values: Mapping[str, str]) -> None:
        """Ask for what a kind needs; `values` are shown in it."""
        clear(self._problem)
        for place in (self._head, self._promise):
            clear(place)
        words = column(PlainLabel(kind.title, "heading"), PlainLabel(kind.words, "muted", wrap=True), gap=SPACE.none)
        mark = IconMark(icon_of(kind.group), "accent_text", SIZE.icon_large)
        self._head.addLayout(row(mark, (words, 1), Badge(reads_badge(kind)), gap=SPACE.m))
        promise = _PROMISES.get(kind.group, _FILES)
        lines = (promise, "Testing and looking save nothing. Only the last step connects it.")
        self._promise.addWidget(FactList(lines if kind.group != "none" else lines[:1], icon="shield-check"))
        if kind.reads != "profile":
            self._promise.insertWidget(0, Banner("info", kind.reads_words))
        self.form.show_kind(kind, values)

    def show_problem(self, error: Mapping[str, str]) -> bool:
        """Show an error of an act at the field that it names, else above the form; says whether there was a field."""
        clear(self._problem)
        words = f"{error.get('why', '')} {error.get('next_step', '')}".strip()
        if self.form.show_error(error.get("field", ""), f"{words} ({error.get('code', '')})"):
            return True
        self._problem.addWidget(Banner("bad", f"{words} ({error.get('code', '')})", title=error.get("what", "")))
        return False

    def mark(self, field_code: str, error: Mapping[str, str]) -> None:
        """Whoever comes back finds the field marked by which the test has failed."""
        words = f"{error.get('what', '')} {error.get('why', '')} ({error.get('code', '')})"
        for name in _AT.get(field_code, ()):
            if name in self.form.editors:
                self.form.editors[name].set_error(words)

    def _edited(self) -> None:
        clear(self._problem)
        self.changed.emit()


class ProbeStep(QWidget):
    """What the test found: facts, doubts, the lines that cannot be used, or what is wrong and who can put it right.

    `again_wanted` asks for another test, `edit_wanted` for the step before.
    """

    again_wanted = Signal()
    edit_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ok = False
        self.job = JobBar()
        self._kind: KindView | None = None
        self._holder = column()
        self.setLayout(column(self.job, self._holder, STRETCH))

    def begin(self, kind: KindView | None) -> None:
        """A test has begun."""
        self.ok = False
        self._kind = kind
        clear(self._holder)

    def show_probe(self, probe: ProbeView) -> None:
        """Show what was found."""
        clear(self._holder)
        self.ok = probe.ok
        if not probe.ok:
            self._problem(probe.error or {}, probe.facts)
            return
        what, rejected = thing(self._kind), len(probe.rejected_lines)
        title = "The service answers" if what == "service" else f"The {what} can be read"
        tone, words = "good", "Nothing of it was kept, and nothing was written to it."
        if rejected:
            tone, title = "warn", f"{title}, but not every line of it"
            words = "The lines below do not fit the header. They are left out of everything, and counted."
        self._holder.addWidget(Banner(tone, words, title=title))
        doubts = [fact.value for fact in probe.facts if fact.label == _DOUBT]
        if doubts:
            card = Card("Look at this before you go on")
            card.body.addWidget(FactList(doubts, "warn"))
            self._holder.addWidget(card)
        found = Card("What was found")
        found.body.addWidget(FactGrid([fact for fact in probe.facts if fact.label != _DOUBT]))
        self._holder.addWidget(found)
        if rejected:
            lines = Card("Lines that cannot be used", sunken=False)
            lines.body.addWidget(FactGrid(probe.rejected_lines))
            self._holder.addWidget(lines)

    def show_problem(self, error: PodadminError) -> None:
        """The test did not come to an end."""
        clear(self._holder)
        self.ok = False
        self._problem({key: str(value) for key, value in error.as_dict().items()}, ())

    def _problem(self, error: Mapping[str, str], facts: Sequence[Fact]) -> None:
        stopped = error.get("code") == "core.cancelled"
        words = f"{error.get('why', '')} {error.get('next_step', '')}".strip()
        self._holder.addWidget(Banner("info" if stopped else "bad", words, title=error.get("what", "")))
        if not stopped:
            card = Card(sunken=True)
            card.body.addWidget(FactGrid((*facts, Fact("Code", error.get("code", ""), mono=True))))
            self._holder.addWidget(card)
        again = QuietButton("Test again", self.again_wanted.emit, "refresh-cw")
        edit = QuietButton("Change what you entered", self.edit_wanted.emit, "arrow-left")
        self._holder.addLayout(row(again, edit, STRETCH))
        if self.isVisible():
            (again if stopped else edit).setFocus()
