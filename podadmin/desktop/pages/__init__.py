"""The pages that there are, in the order of the sidebar. Each is imported when it is first shown."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from podadmin.desktop.page import Desk, Page


class PageEntry(NamedTuple):
    """A page before it exists. `where` is `module:Class`; `finds`: what one finds there by other words than its name,
    each with the subject with which the page opens on it.
    """

    name: str
    icon: str
    where: str
    finds: tuple[tuple[str, str], ...] = ()

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
    PageEntry(
        "Grants & rules",
        "scale",
        f"{_HERE}.rules:RulesPage",
        (
            ("Make a rule", "new"),
            ("Grants that last", "grants"),
            ("Receipts for decisions", "receipts"),
            ("Who may decide and who reviews", "people"),
            ("Purposes of projects", "projects"),
        ),
    ),
    PageEntry("Datasources", "database", f"{_HERE}.datasources:DatasourcesPage", (("Connect a datasource", "new"),)),
    PageEntry("Models & limits", "gauge", f"{_HERE}.limits:LimitsPage", (("Limits of your own", "own:"),)),
    PageEntry(
        "Keys",
        "key-round",
        f"{_HERE}.keys:KeysPage",
        (
            ("Replace or revoke a key", "keys"),
            ("Confirm the key of a requester", "trust"),
            ("Make a backup, test the restore", "backup"),
        ),
    ),
    PageEntry(
        "Networks",
        "network",
        f"{_HERE}.networks:NetworksPage",
        (("Join or leave a network", ""), ("Send a demo request", ""), ("The hospital's proxy", "")),
    ),
    PageEntry(
        "Pod & gate",
        "shield-check",
        f"{_HERE}.pod:PodPage",
        (("Bring a pod that exists", ""), ("Start or stop the pod", ""), ("Log in at the hub of a network", "hub")),
    ),
    PageEntry(
        "Journal",
        "scroll-text",
        f"{_HERE}.journal:JournalPage",
        (("Verify the journal", ""), ("Export the journal", ""), ("Anchors of the journal", "")),
    ),
    PageEntry("Settings", "settings", f"{_HERE}.settings:SettingsPage"),
)
