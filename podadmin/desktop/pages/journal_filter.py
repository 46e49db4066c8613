"""The filters of the journal: kind of act, who, from and to which day; and the ones that were saved under a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from podadmin.app.views.journal import JournalFilters, SavedFilter
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import GhostButton, PrimaryButton
from podadmin.desktop.widgets.form import Choice, TextField
from podadmin.desktop.widgets.layout import STRETCH, row
from podadmin.desktop.widgets.prompt import Question
from podadmin.desktop.widgets.text import set_tip

KINDS: Final = {
    "request": "Requests",
    "grant": "Grants",
    "rule": "Rules",
    "receipt": "Receipts",
    "review": "Reviews",
    "limit": "Limits",
    "key": "Keys",
    "keyring": "Keyring",
    "secret": "Secrets",
    "datasource": "Datasources",
    "schema": "Schemas",
    "network": "Networks",
    "pod": "Pod",
    "setting": "Settings",
    "journal": "Journal",
    "profile": "Profile",
    "backup": "Backups",
    "tour": "Tour",
}
_DAY: Final = "2026-03-01"


class JournalFilter(QWidget):
    """One line of filters. `changed` comes when another list is wanted; the search field stands elsewhere."""

    changed = Signal()
    picked_saved = Signal(object)
    save_wanted = Signal()
    remove_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._saved: dict[str, SavedFilter] = {}
        self._quiet = False
        self.kind = Choice("Kind of act", [("", "Everything")])
        self.actor = Choice("Who", [("", "Everybody")])
        self.since = self._day("From day")
        self.until = self._day("To day")
        self.saved = Choice("Saved filters", [("", "Saved filters")])
        self.clear_button = GhostButton("Clear the filters", self.clear, "x")
        self.save_button = GhostButton("Save this filter…", self.save_wanted.emit, "plus")
        self.remove_button = GhostButton("Remove this filter", self._remove, "trash-2")
        self.setLayout(
            row(
                self.kind,
                self.actor,
                self.since,
                self.until,
                self.clear_button,
                STRETCH,
                self.saved,
                self.save_button,
                self.remove_button,
                gap=SPACE.s,
            )
        )
        self.kind.currentIndexChanged.connect(lambda _: self._tell())
        self.actor.currentIndexChanged.connect(lambda _: self._tell())
        self.saved.currentIndexChanged.connect(lambda _: self._pick())
        self._show_buttons()

    def arguments(self) -> dict[str, str]:
        """As `journal list` takes them."""
        return {
            "kind": self.kind.value(),
            "actor": self.actor.value(),
            "since": self.since.text().strip(),
            "until": self.until.text().strip(),
        }

    @property
    def on(self) -> bool:
        """Is anything filtered?"""
        return any(self.arguments().values())

    def offer(self, filters: JournalFilters) -> None:
        """What there is to choose from; what is chosen stays chosen."""
        self._quiet = True
        kinds = [(kind, KINDS.get(kind, kind.capitalize())) for kind in filters.kinds]
        _refill(self.kind, [("", "Everything"), *kinds])
        _refill(self.actor, [("", "Everybody"), *((name, name) for name in filters.actors)])
        self._saved = {each.name: each for each in filters.saved}
        _refill(self.saved, [("", "Saved filters"), *((name, name) for name in self._saved)])
        self._quiet = False
        self._show_buttons()

    def clear(self) -> None:
        """Show everything."""
        self.use({})
        self.changed.emit()

    def use(self, values: Mapping[str, str]) -> None:
        """Set the filters without telling."""
        self._quiet = True
        self.kind.set_value(values.get("kind", ""))
        self.actor.set_value(values.get("actor", ""))
        self.since.setText(values.get("since", ""))
        self.until.setText(values.get("until", ""))
        if not values:
            self.saved.set_value("")
        self._quiet = False
        self._show_buttons()

    def _day(self, name: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setPlaceholderText(name)
        set_tip(field, f"A day such as {_DAY}, or a moment with its zone")
        field.setMaxLength(40)
        field.editingFinished.connect(self._tell_of_day)
        field.setProperty("asked", "")
        return field

    def _tell_of_day(self) -> None:
        field = self.sender()
        if isinstance(field, QLineEdit) and field.property("asked") != field.text():
            field.setProperty("asked", field.text())
            self._tell()

    def _tell(self) -> None:
        if not self._quiet:
            self._show_buttons()
            self.changed.emit()

    def _pick(self) -> None:
        chosen = self._saved.get(self.saved.value())
        self._show_buttons()
        if not self._quiet and chosen is not None:
            self.use({"kind": chosen.kind, "actor": chosen.actor, "since": chosen.since, "until": chosen.until})
            self.picked_saved.emit(chosen)

    def _remove(self) -> None:
        if self.saved.value():
            self.remove_wanted.emit(self.saved.value())

    def _show_buttons(self) -> None:
        self.clear_button.setVisible(self.on)
        self.save_button.setVisible(self.on and not self.saved.value())
        self.remove_button.setVisible(bool(self.saved.value()))
        self.saved.setVisible(bool(self._saved))


class FilterNameSheet(Question):
    """Asks for the name under which a filter is saved."""

    def __init__(self, host: QWidget, on_name: Callable[[str], object]) -> None:
        super().__init__(
            host, "Save this filter", "It can be chosen again on this page, by everybody who works with this profile."
        )
        self._on_name = on_name
        self.name = TextField("Name", placeholder="What requests did")
        self.ask(PrimaryButton("Save the filter", self._save), self.name)

    def missing(self) -> str:
        return "" if self.name.value().strip() else "Give it a name first."

    def _save(self) -> None:
        name = self.name.value().strip()
        self.dismiss()
        self._on_name(name)


def _refill(choice: Choice, entries: list[tuple[str, str]]) -> None:
    now = choice.value()
    choice.clear()
    for key, words in entries:
        choice.addItem(words, key)
    choice.set_value(now)
