"""What projects are for: the list of them, and the sheet in which a person states it with the codes of an ontology."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.rules import ProjectRow, PurposeRow
from podadmin.desktop.page import Page
from podadmin.desktop.theme.tokens import SIZE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.form import CheckField, TextField
from podadmin.desktop.widgets.layout import STRETCH, column, row, scrolling, wrap
from podadmin.desktop.widgets.prompt import Question
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import amount, count, when

STATE: Final = "State what it is for…"
CONFIRM: Final = "State this purpose"
_FIRST: Final = "What a study is about"
_WORDS: Final = (
    "No network carries the purpose of a project, so it counts only where you have stated it here. Rules can ask for "
    "it, and every grant is pinned to what was stated when you decided. The codes are those of the Data Use Ontology "
    "of the Global Alliance for Genomics and Health."
)


class ProjectsView(QWidget):
    """The projects that requests have named. `wanted(project)`: a person wants to state what one is for."""

    wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = RowTable(
            "Projects",
            [
                Column("Project", lambda each: each.project, stretch=2),
                Column("What it is for", lambda each: each.words, stretch=3, tip=_tip),
                Column("Requests", lambda each: amount(each.requests), "number", width=9),
                Column("Lasting grants", lambda each: amount(each.grants), "number", width=14),
                Column("Stated", lambda each: when(each.at) if each.at else "never", width=18, spare=True),
                Column("By", lambda each: each.by, width=12, spare=True),
            ],
            row_key=lambda each: str(each.project),
            fits=True,
        )
        self.table.opened.connect(lambda each: self.wanted.emit(each.project))
        self.table.picked.connect(lambda _: self._permit())
        self.state_button = QuietButton(STATE, self._want, "file-text")
        card = Card(flush=True)
        card.body.addWidget(self.table)
        self.state = StateView(
            wrap(column(card, row(self.state_button, STRETCH), PlainLabel(_WORDS, "muted", wrap=True), STRETCH))
        )
        self.setLayout(column(self.state))
        self._permit()

    def show_projects(self, found: Sequence[ProjectRow]) -> None:
        """Show these projects."""
        self.table.set_rows(found)
        if found:
            self.state.show_content()
        else:
            self.state.show_empty(
                "file-text",
                "No request has named a project yet",
                "Once one does, the project is listed here, and you can state what it is for.",
            )
        self._permit()

    def _permit(self) -> None:
        self.state_button.set_permit(self.table.current_row() is not None, "Pick a project in the table first.")

    def _want(self) -> None:
        chosen = self.table.current_row()
        if chosen is not None:
            self.wanted.emit(chosen.project)


class PurposeSheet(Question):
    """States what a project is for; says before what that does to grants that last."""

    def __init__(
        self,
        host: QWidget,
        project: ProjectRow,
        purposes: Sequence[PurposeRow],
        on_state: Callable[[list[str]], object],
    ) -> None:
        super().__init__(
            host,
            f"What is “{project.project}” for?",
            "Mark everything that holds. The requester named the project; what it is for is your word.",
        )
        self._stated = frozenset(each.code for each in project.purposes)
        self._on_state = on_state
        self.boxes: dict[str, CheckField] = {}
        self._labels = {each.code: each.label for each in purposes}
        self._texts = {each.code: f"{each.code} {each.short} {each.label} {each.words}".casefold() for each in purposes}
        self._groups: dict[str, PlainLabel] = {}
        groups = sorted({each.group for each in purposes}, key=lambda group: (group != _FIRST, group))
        self._in_group = {group: [each.code for each in purposes if each.group == group] for group in groups}
        lines = column()
        for group in groups:
            self._groups[group] = PlainLabel(group, "medium")
            lines.addWidget(self._groups[group])
            for each in purposes:
                if each.group == group:
                    lines.addWidget(self._box(each))
        lines.addStretch(1)
        self.search = TextField("Find a purpose", placeholder="drug, ethics, GRU …")
        self.search.changed.connect(self._filter)
        area = scrolling(lines)
        area.setAccessibleName("Purposes")
        area.setFixedHeight(SIZE.tree)
        self._loses = _loses(project)
        self.warning = Banner("warn", self._loses)
        self.warning.setVisible(False)
        self._chosen = PlainLabel("", "body", wrap=True)
        self.ask(PrimaryButton(CONFIRM, self._confirm), self.search, area, self._chosen, self.warning)

    @property
    def codes(self) -> list[str]:
        """What is marked."""
        return [code for code, box in self.boxes.items() if box.value()]

    def missing(self) -> str:
        """Also keeps what is said of the choice up to date."""
        chosen = self.codes
        same = set(chosen) == self._stated
        marked = ", ".join(self._labels[code] for code in chosen)
        self._chosen.setText(f"Marked: {marked}." if marked else "Nothing is marked, so that nothing is stated.")
        self.warning.setVisible(bool(self._loses) and not same)
        return "This is what is stated already." if same else ""

    def _box(self, each: PurposeRow) -> CheckField:
        short = f"{each.short}, " if each.short else ""
        field = CheckField(f"{each.label} ({short}{each.code})", each.code in self._stated, each.words)
        field.changed.connect(self.check)
        self.boxes[each.code] = field
        return field

    def _filter(self) -> None:
        wanted = self.search.value().strip().casefold()
        for code, box in self.boxes.items():
            box.setVisible(wanted in self._texts[code] or box.value())
        for group, label in self._groups.items():
            label.setVisible(any(not self.boxes[code].isHidden() for code in self._in_group[group]))

    def _confirm(self) -> None:
        chosen = self.codes
        self.dismiss()
        self._on_state(chosen)


def ask_purpose(page: Page, project: str, done: Callable[[ProjectRow], object]) -> None:
    """Let a person state over `page` what a project is for."""

    def state(codes: list[str]) -> None:
        page.write("rules purpose", {"project": project, "code": codes}, done)

    def ask(purposes: tuple[PurposeRow, ...]) -> None:
        def come(found: ProjectRow) -> None:
            PurposeSheet(page.desk.sheet_host, found, purposes, state).open()

        page.session.read(page, "rules project", {"project": project}, come, page.desk.show_error)

    page.session.read(page, "rules purposes", {}, ask, page.desk.show_error)


def _loses(project: ProjectRow) -> str:
    """What another purpose does to grants; empty where there is none."""
    told = []
    if project.bound:
        told.append(
            f"{count(project.bound, 'lasting grant was', 'lasting grants were')} made under what is stated now. "
            "Another purpose voids them for good; stating none lets nothing through until the same is stated again."
        )
    if project.grants > project.bound:
        rest = count(project.grants - project.bound, "lasting grant was", "lasting grants were")
        told.append(f"{rest} made while nothing was stated, and let nothing through once something is.")
    return " ".join(told)


def _tip(project: ProjectRow) -> str:
    return "\n".join(f"{each.label} ({each.code}): {each.words}" for each in project.purposes) or project.words
