"""The pages that there are, in the order of the sidebar. Each is imported when it is first shown."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from podadmin.desktop.page import Desk, Page


class PageEntry(NamedTuple):
    """A page before it exists. `where` is `module:Class`."""

    name: str
    icon: str
    where: str

    @property
    def module(self) -> str:
        """The module that the page is in."""
        return self.where.partition(":")[0]

    def make(self, desk: Desk, sliced: bool = False) -> Page:
        """Import the page and build it; `sliced`: in turns, see there."""
        from podadmin.desktop.page import Page

        page = getattr(import_module(self.module), self.where.partition(":")[2])(desk, sliced=sliced)
        if not isinstance(page, Page):
            raise TypeError(f"{self.where} is not a page")
        return page


_HERE = "podadmin.desktop.pages"
PAGES: Sequence[PageEntry] = (
    PageEntry("Overview", "layout-dashboard", f"{_HERE}.overview:OverviewPage"),
    PageEntry("Requests", "inbox", f"{_HERE}.requests:RequestsPage"),
    PageEntry("Grants & rules", "scale", f"{_HERE}.rules:RulesPage"),
    PageEntry("Datasources", "database", f"{_HERE}.datasources:DatasourcesPage"),
    PageEntry("Models & limits", "gauge", f"{_HERE}.limits:LimitsPage"),
    PageEntry("Keys", "key-round", f"{_HERE}.keys:KeysPage"),
    PageEntry("Networks", "network", f"{_HERE}.networks:NetworksPage"),
    PageEntry("Pod & gate", "shield-check", f"{_HERE}.pod:PodPage"),
    PageEntry("Journal", "scroll-text", f"{_HERE}.journal:JournalPage"),
    PageEntry("Settings", "settings", f"{_HERE}.settings:SettingsPage"),
)
