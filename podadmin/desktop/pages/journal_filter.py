"""The filters of the journal: kind of act, who, from and to which day; and the ones that were saved under a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from podadmin.app.views.filters import SavedFilter
from podadmin.app.views.journal import JournalFilters
from podadmin.desktop.pages.saved_filters import SavedFilters, refill
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.form import Choice
from podadmin.desktop.widgets.layout import STRETCH, row
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
    "filter": "Saved filters",
    "profile": "Profile",
    "backup": "Backups",
    "tour": "Tour",
}
_DAY: Final = "2026-03-01"


class JournalFilter(QWidget):
    """One line of filters. `changed` comes when another list is wanted; the search field stands elsewhere."""

    changed = Signal()
    picked_saved = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._quiet = False
        self.kind = Choice("Kind of act", [("", "Everything")])
        self.actor = Choice("Who", [("", "Everybody")])
        self.since = self._day("From day", f"From {_DAY}")
        self.until = self._day("To day", f"To {_DAY}")
        self.clear_button = GhostButton("Clear the filters", self.clear, "x")
        self.saved = SavedFilters()
        self.saved.picked.connect(self._pick)
        self.setLayout(
            row(
                self.kind,
                self.actor,
                self.since,
                self.until,
                self.clear_button,
                STRETCH,
                self.saved,
                gap=SPACE.s,
            )
        )
        self.kind.currentIndexChanged.connect(lambda _: self._tell())
        self.actor.currentIndexChanged.connect(lambda _: self._tell())
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
        refill(self.kind, [("", "Everything"), *kinds])
        refill(self.actor, [("", "Everybody"), *((name, name) for name in filters.actors)])
        self.saved.offer(filters.saved)
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
            self.saved.choose_none()
        self._quiet = False
        self._show_buttons()

    def _day(self, name: str, such_as: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setPlaceholderText(such_as)
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

    def _pick(self, chosen: SavedFilter) -> None:
        self.use(chosen.values)
        self.picked_saved.emit(chosen)

    def _show_buttons(self) -> None:
        self.clear_button.setVisible(self.on)
        self.saved.tell(self.on)
