"""Filters under names, beside the filter of any list: choose one, save what is on, forget one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.filters import SavedFilter
from podadmin.desktop.page import Page
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import GhostButton, PrimaryButton
from podadmin.desktop.widgets.form import Choice, TextField
from podadmin.desktop.widgets.layout import row
from podadmin.desktop.widgets.prompt import Question

NONE = "Saved filters"


class SavedFilters(QWidget):
    """`picked` carries the filter to use; `save_wanted` and `remove_wanted(name)` say what a person wants."""

    picked = Signal(object)
    save_wanted = Signal()
    remove_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._saved: dict[str, SavedFilter] = {}
        self._quiet = self._on = False
        self.choice = Choice("Saved filters", [("", NONE)])
        self.save_button = GhostButton("Save this filter…", self.save_wanted.emit, "plus")
        self.remove_button = GhostButton("Remove this filter", self._remove, "trash-2")
        self.setLayout(row(self.choice, self.save_button, self.remove_button, gap=SPACE.s))
        self.choice.currentIndexChanged.connect(lambda _: self._pick())
        self._show()

    def offer(self, saved: Sequence[SavedFilter]) -> None:
        """What there is to choose from; what is chosen stays chosen."""
        self._quiet = True
        self._saved = {each.name: each for each in saved}
        refill(self.choice, [("", NONE), *((name, name) for name in self._saved)])
        self._quiet = False
        self._show()

    @property
    def chosen(self) -> SavedFilter | None:
        """The one that is on; None where none is."""
        return self._saved.get(self.choice.value())

    def tell(self, on: bool) -> None:
        """Is anything filtered, so that it can be saved?"""
        self._on = on
        self._show()

    def choose_none(self) -> None:
        """What is filtered now is none of them."""
        self._quiet = True
        self.choice.set_value("")
        self._quiet = False
        self._show()

    def _pick(self) -> None:
        chosen = self.chosen
        self._show()
        if chosen is not None and not self._quiet:
            self.picked.emit(chosen)

    def _remove(self) -> None:
        if self.choice.value():
            self.remove_wanted.emit(self.choice.value())

    def _show(self) -> None:
        chosen = bool(self.choice.value())
        self.save_button.setVisible(self._on and not chosen)
        self.remove_button.setVisible(chosen)
        self.choice.setVisible(bool(self._saved))


class FilterNameSheet(Question):
    """Asks for the name under which a filter is saved."""

    def __init__(self, host: QWidget, on_name: Callable[[str], object]) -> None:
        super().__init__(
            host, "Save this filter", "It can be chosen again on this page, by everybody who works with this profile."
        )
        self._on_name = on_name
        self.name = TextField("Name", placeholder="What I look for every day")
        self.ask(PrimaryButton("Save the filter", self._save), self.name)

    def missing(self) -> str:
        return "" if self.name.value().strip() else "Give it a name first."

    def _save(self) -> None:
        name = self.name.value().strip()
        self.dismiss()
        self._on_name(name)


def keep_with(
    page: Page, filters: SavedFilters, of: str, given: Callable[[], dict[str, object]], offer: Callable[..., object]
) -> None:
    """Let saving and removing filters of the list `of` act.

    `given` is what is on now, `offer` takes what the acts answer.
    """

    def ask() -> None:
        def save(name: str) -> None:
            page.write(f"{of} filter-save", {**given(), "name": name}, offer)

        FilterNameSheet(page.desk.sheet_host, save).open()

    filters.save_wanted.connect(ask)
    filters.remove_wanted.connect(lambda name: page.write(f"{of} filter-remove", {"name": name}, offer))


def refill(choice: Choice, entries: Sequence[tuple[str, str]]) -> None:
    """Other entries in a choice; what is chosen stays chosen where it still can be."""
    now = choice.value()
    choice.clear()
    for key, words in entries:
        choice.addItem(words, key)
    choice.set_value(now)
