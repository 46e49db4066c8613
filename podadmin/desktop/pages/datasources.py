"""Datasources: the cards, the wizard that connects another, and each one's schema."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Final

from PySide6.QtWidgets import QStackedWidget

from podadmin.app.views.datasources import DatasourceCard, GenerationRow
from podadmin.app.views.facts import Done
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.datasource_cards import CONNECT, DatasourceList
from podadmin.desktop.pages.datasource_change import ChangeView
from podadmin.desktop.pages.datasource_connect import Connecting
from podadmin.desktop.pages.datasource_detail import DatasourceDetail
from podadmin.desktop.pages.datasource_open import OpenDatasource
from podadmin.desktop.pages.datasource_wizard import Wizard
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.layout import scrolling
from podadmin.desktop.widgets.prompt import ReasonPrompt

NEW: Final = "new"
"""The subject under which the wizard is opened from elsewhere."""
BACK: Final = "Back to all datasources"
GO_ON: Final = "Generate it now"
_CHANGE: Final = "/change"
"""Behind a datasource's id: the form that changes it."""


class DatasourcesPage(Page):
    """Four views in one place. The window's history holds which datasource is open; the wizard keeps its entries.

    The wizard and the form are made when they are first needed: the cards have to be there before.
    """

    name = "Datasources"
    title = "Datasources"
    icon = "database"
    scrolls = False
    kinds = frozenset({"profile", "datasource", "schema", "tour"})
    help_text = (
        "What this pod can offer to those who ask. A card shows whether the source can be read, and if not, why and "
        "who can put it right; how big it is; and how its schema stands.\n\n"
        "Connecting goes in steps: choose a kind, say where the data is, test it, look at the first rows and at the "
        "columns, generate the schema, save. Only the last one saves anything. Of what only a pod can read podadmin "
        "tests what it can, and the schema comes from the pod. The labels of categorical columns are values from the "
        "data, so the last step shows everything that the schema would reveal before you save it."
    )

    def build(self) -> Iterator[None]:
        self._open = ""
        self._connect = PrimaryButton(CONNECT, lambda: self.desk.go(self.name, NEW), "plus")
        self._back = QuietButton(BACK, lambda: self.desk.go(self.name), "arrow-left")
        self.add_action(self._back)
        self.add_action(self._connect)
        self.list = DatasourceList(SystemClock())
        self.list.connect_wanted.connect(lambda: self.desk.go(self.name, NEW))
        self.list.check_wanted.connect(self._check)
        self.list.schema_wanted.connect(lambda source: self.desk.go(self.name, source.id))
        self.list.remove_wanted.connect(self._ask_remove)
        self._stack = QStackedWidget()
        self._list_area = scrolling(self.list)
        self._stack.addWidget(self._list_area)
        self.body.addWidget(self._stack, 1)
        yield
        self.detail = DatasourceDetail(SystemClock())
        self._detail_area = scrolling(self.detail)
        self._stack.addWidget(self._detail_area)
        yield
        yield from self.detail.build()
        self._show_list()

    @cached_property
    def wizard(self) -> Wizard:
        """The wizard, with what it asks for."""
        made = Wizard()
        made.left.connect(lambda: self.desk.go(self.name))
        self._connecting = Connecting(self, made, self._saved)
        self._stack.addWidget(made)
        return made

    def _make_form(self) -> ChangeView:
        made = ChangeView()
        self._stack.addWidget(made)
        return made

    @cached_property
    def opened(self) -> OpenDatasource:
        """What is done on the page of one datasource."""
        return OpenDatasource(
            self,
            self.detail,
            self._make_form,
            self._say_error,
            lambda source: self.desk.go(self.name, source + _CHANGE),
            self._close_form,
        )

    def _close_form(self, source: str) -> None:
        self.desk.go(self.name, source)
        self._back.setFocus()

    def shown(self) -> None:
        """Without a subject: the cards, or the wizard where something was entered in it."""
        if "wizard" in vars(self) and self.wizard.dirty:
            self._show_wizard()
        else:
            self._show_list()
        super().shown()

    def refresh(self) -> None:
        self.read("datasource list", {}, self._came)
        self.session.read(self, "schema jobs", {}, self._tell_interrupted)
        if self._open:
            self.opened.read()

    def open_subject(self, subject: str) -> None:
        if subject == NEW:
            self._show_wizard()
            return
        changing = subject.endswith(_CHANGE)
        source = subject.removesuffix(_CHANGE)
        opened = self.opened
        self._back.setVisible(True)
        self._connect.setVisible(False)
        if changing:
            self._open = ""
            self.set_title("Change a datasource")
            self._stack.setCurrentWidget(opened.form)
            opened.open_form(source)
        else:
            self._open = source
            self.set_title("Datasource")
            self._stack.setCurrentWidget(self._detail_area)
            opened.open(source)

    def _show_list(self) -> None:
        self._open = ""
        self.set_title(self.title)
        self._back.setVisible(False)
        self._connect.setVisible(bool(self.list.tiles))
        self._stack.setCurrentWidget(self._list_area)

    def _show_wizard(self) -> None:
        self._open = ""
        self.clear_notice()
        self.set_title(CONNECT)
        self._back.setVisible(False)
        self._connect.setVisible(False)
        self._stack.setCurrentWidget(self.wizard)
        self._connecting.read_kinds()
        self.wizard.focus_first()

    def _came(self, sources: tuple[DatasourceCard, ...]) -> None:
        self.in_turns(self.list.show_sources(sources), what="cards")
        if self._stack.currentWidget() is self._list_area:
            self._connect.setVisible(bool(sources))

    def _tell_interrupted(self, rows: tuple[GenerationRow, ...]) -> None:
        names = [each.datasource_name for each in rows if each.state == "interrupted"]
        if names:
            words = f"podadmin stopped while it generated the schema of {', '.join(names)}. Nothing of it was kept."
            self.notice("warn", words, GO_ON, self._go_on)

    def _go_on(self) -> None:
        def ended(done: Done) -> None:
            self.desk.say(done.words)

        self.clear_notice()
        self.session.read(self, "schema resume", {}, ended, self._say_error, title="Generating the schema")

    def _check(self, source: DatasourceCard) -> None:
        tile = self.list.tiles[source.id]
        tile.set_busy("It is being checked.")

        def checked(found: DatasourceCard) -> None:
            self.desk.say(
                f"{found.name}: {found.health_words.rstrip('.')}.", "good" if found.health == "good" else "bad"
            )
            self._settle(source.id)

        def failed(error: PodadminError) -> None:
            self._say_error(error)
            self._settle(source.id)

        job = self.write(
            "datasource check", {"datasource": source.id}, checked, title=f"Checking {source.name}", failure=failed
        )
        tile.job.follow(job)

    def _settle(self, source: str) -> None:
        if source in self.list.tiles:
            self.list.tiles[source].set_busy("")

    def _ask_remove(self, source: DatasourceCard) -> None:
        ReasonPrompt(
            self.desk.sheet_host,
            f"Remove {source.name}",
            "The pod stops offering this datasource, and requests for it are refused from then on. Its schema is no "
            "longer shown, and its password is forgotten. The data itself is not touched, and the journal keeps its "
            "history.",
            "Remove the datasource",
            partial(self._remove, source),
        ).open()

    def _remove(self, source: DatasourceCard, reason: str) -> None:
        def removed(done: Done) -> None:
            self.desk.say(done.words)

        self.write("datasource remove", {"datasource": source.id, "reason": reason}, removed)

    def _say_error(self, error: PodadminError) -> None:
        if error.code == "core.cancelled":
            self.desk.say(error.what, "plain")
        else:
            self.notice("bad", f"{error.what} {error.why} {error.next_step} ({error.code})")

    def _saved(self, source: DatasourceCard, error: PodadminError | None) -> None:
        schema = ", and its schema was saved" if self.wizard.makes_schema else ""
        self.wizard.reset()
        self.desk.go(self.name, source.id)
        self._back.setFocus()
        self.session.write(self, "datasource check", {"datasource": source.id}, title=f"Checking {source.name}")
        if error is None:
            self.desk.say(f"{source.name} was connected{schema}.")
        else:
            words = "The datasource was saved, its schema was not."
            self.notice("warn", f"{words} {error.what} {error.why} {error.next_step} ({error.code})")
