"""The card of the hospital's own proxy: what is set of it, its password, and whether it lets this computer through."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from podadmin.app.moments import moment_words
from podadmin.app.views.facts import Done, Fact
from podadmin.app.views.networks import ProxyView
from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.desktop.page import Page
from podadmin.desktop.pages.backup_sheets import Act, Arguments, WorkSheet
from podadmin.desktop.pages.keys_sheets import doing
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import PlainLabel


class KeepPassword(WorkSheet):
    """The password of the proxy, into the vault."""

    def __init__(self, host: QWidget, do: Act, on_kept: Any) -> None:
        words = "It lies in the vault and goes to the proxy alone. Left empty, the one that is kept is forgotten."
        super().__init__(host, "Password of the hospital's proxy", words, "Keep it", "key-round", do)
        self._kept = on_kept
        self.password = TextField("Password at the proxy", secret=True)
        self.finish_building(self.password)

    def missing(self) -> str:
        return ""

    def start(self) -> tuple[str, Arguments]:
        typed = self.password.value()
        self.password.set_value("")
        return "network proxy-password", {"password": Secret(typed) if typed else None}

    def done(self, view: ProxyView) -> None:
        self._kept(view)


class ProxyCard(Card):
    """What is set of the hospital's proxy. Host, port and name are settings; the password lies in the vault."""

    def __init__(self, page: Page, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._page = page
        self._words = PlainLabel("", "muted", wrap=True)
        self._lost = column(gap=SPACE.s)
        self._facts = FactGrid()
        self._problem = column(gap=SPACE.s)
        self._bar = JobBar()
        self.settings = QuietButton("Set it…", lambda: page.desk.go("Settings"), "settings", "Set the hospital's proxy")
        self.password = QuietButton("Its password…", self._keep, "key-round", "Password of the hospital's proxy")
        self.attempt = QuietButton("Try it", self._try, "plug", "Try the hospital's proxy")
        self.body.setSpacing(SPACE.m)
        title = PlainLabel("The hospital's proxy", "strong")
        self.body.addLayout(row(IconMark("globe", "muted"), title, STRETCH, self.attempt, self.password, self.settings))
        self.body.addWidget(self._words)
        self.body.addLayout(self._lost)
        for each in (self._facts, self._bar):
            self.body.addWidget(each)
        self.body.addLayout(self._problem)

    def refresh(self) -> None:
        """Read what is set."""
        self._page.session.read(self, "network proxy", {}, self.show_proxy)

    def show_proxy(self, proxy: ProxyView) -> None:
        """Show what is set."""
        self._words.setText(proxy.words)
        clear(self._lost)
        for each in proxy.lost:
            title = f"{each.host} is not reached since {moment_words(each.since)}"
            self._lost.addWidget(Banner("bad", f"{each.why} {each.next_step}", title=title))
        kept = "lies in the vault" if proxy.password else "none is kept"
        facts = [Fact("Host and port", proxy.address, mono=True), Fact("Name", proxy.user or "none")]
        self._facts.set_facts([*facts, Fact("Password", kept)] if proxy.address else [])
        self._facts.setVisible(bool(proxy.address))
        self.password.set_permit(bool(proxy.user), "Set the name at the proxy first.")

    def _keep(self) -> None:
        KeepPassword(self._page.desk.sheet_host, doing(self._page, "Keeping the password"), self.show_proxy).open()

    def _try(self) -> None:
        clear(self._problem)

        def came(done: Done) -> None:
            self._problem.addWidget(Banner("good", done.words))

        def failed(error: PodadminError) -> None:
            if error.code != "core.cancelled":
                words = f"{error.why} {error.next_step} ({error.code})"
                self._problem.addWidget(Banner("bad", words, title=error.what))

        self._bar.follow(self._page.session.write(self, "network proxy-try", {}, came, failed, "Trying the proxy"))
