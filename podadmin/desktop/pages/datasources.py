"""Datasources: the cards, the wizard that connects another, and each one's schema."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtWidgets import QStackedWidget

from podadmin.app.views.datasources import DatasourceCard, GenerationRow, ProbeView, SchemaView
from podadmin.app.views.facts import Done
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.datasource_cards import CONNECT, DatasourceList
from podadmin.desktop.pages.datasource_detail import DatasourceDetail
from podadmin.desktop.pages.datasource_draft import Draft
from podadmin.desktop.pages.datasource_wizard import Wizard
from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.layout import scrolling
from podadmin.desktop.widgets.prompt import ReasonPrompt

NEW: Final = "new"
"""The subject under which the wizard is opened from elsewhere."""
BACK: Final = "Back to all datasources"
GO_ON: Final = "Generate it now"
_FORMATS: Final = (
    ("yaml", "YAML"),
    ("json", "JSON"),
    ("frictionless", "Frictionless Table Schema"),
    ("arrow", "Arrow schema (base64)"),
)


class DatasourcesPage(Page):
    """Three views in one place. The window's history holds which datasource is open; the wizard keeps its entries."""

    name = "Datasources"
    title = "Datasources"
    icon = "database"
    scrolls = False
    kinds = frozenset({"profile", "datasource", "schema", "tour"})
    help_text = (
        "What this pod can offer to those who ask. A card shows whether the source can be read, and if not, why and "
        "who can put it right; how big it is; and how its schema stands.\n\n"
        "Connecting a file goes in steps: choose, test, preview, columns, schema, save. Only the last one saves "
        "anything. A schema tells the network what the columns are. The labels of categorical columns are values from "
        "the data, so the last step shows everything that the schema would reveal before you save it."
    )

    def build(self) -> None:
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
        self.detail = DatasourceDetail()
        self.detail.generate_wanted.connect(self._generate)
        self.detail.export_wanted.connect(self._ask_export)
        self._wire(self.detail.review)
        self.wizard = Wizard()
        self.wizard.left.connect(self._left)
        self.wizard.test_wanted.connect(self._test)
        self.wizard.preview_wanted.connect(self._preview)
        self.wizard.columns_wanted.connect(self._columns)
        self.wizard.schema_wanted.connect(self._preview_schema)
        self.wizard.save_wanted.connect(self._save)
        self._stack = QStackedWidget()
        self._list_area = scrolling(self.list)
        self._detail_area = scrolling(self.detail)
        for view in (self._list_area, self._detail_area, self.wizard):
            self._stack.addWidget(view)
        self.body.addWidget(self._stack, 1)
        self._show_list()

    def _wire(self, review: SchemaReview) -> None:
        """What is decided about the schema that is open."""
        review.column_wanted.connect(self._read_column)
        decide, panel = review.decide, review.panel
        decide.confirm_wanted.connect(lambda name: self._decide("schema confirm", column=[name]))
        decide.withhold_wanted.connect(lambda name: self._decide("schema withhold", column=name, small=True))
        decide.merge_wanted.connect(lambda name: self._decide("schema merge", column=name, small=True))
        decide.release_wanted.connect(self._release)
        panel.withhold_wanted.connect(
            lambda name, label: self._decide("schema withhold", name, column=name, label=[label])
        )
        panel.merge_wanted.connect(
            lambda name, label, into: self._decide("schema merge", name, column=name, label=[label], into=into)
        )
        panel.tell_wanted.connect(lambda name: self._decide("schema tell", name, column=name))

    def _read_column(self, name: str) -> None:
        review = self.detail.review
        arguments = {"datasource": self._open, "column": name}
        self.session.read(review, "schema column", arguments, review.panel.show_column, review.panel.show_problem)

    def _decide(self, act: str, again: str = "", **arguments: object) -> None:
        """Do an act on the open schema and show what it is then; `again` is a column to be shown anew."""

        def decided(view: SchemaView) -> None:
            self.clear_notice()
            if view.datasource == self._open:
                self.detail.show_schema(view)
                if again:
                    self._read_column(again)

        self.session.write(self, act, {"datasource": self._open, **arguments}, decided, self._say_error)

    def _release(self) -> None:
        def released(view: SchemaView) -> None:
            self.desk.say(f"The schema of {view.datasource_name} was released.")
            if view.datasource == self._open:
                self.detail.show_schema(view)

        self.session.write(self, "schema release", {"datasource": self._open}, released, self._say_error)

    def shown(self) -> None:
        """Without a subject: the cards, or the wizard where something was entered in it."""
        if self.wizard.dirty:
            self._show_wizard()
        else:
            self._show_list()
        super().shown()

    def refresh(self) -> None:
        self.read("datasource list", {}, self._came)
        self.session.read(self, "schema jobs", {}, self._tell_interrupted)
        if self._open:
            self._read_detail()

    def open_subject(self, subject: str) -> None:
        if subject == NEW:
            self._show_wizard()
            return
        if self.detail.source is None or self.detail.source.id != subject:
            self.detail.show_loading()
        self._open = subject
        self.set_title("Datasource")
        self._back.setVisible(True)
        self._connect.setVisible(False)
        self._stack.setCurrentWidget(self._detail_area)
        self._read_detail()

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
        self.wizard.focus_first()

    def _came(self, sources: tuple[DatasourceCard, ...]) -> None:
        self.list.show_sources(sources)
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

    def _read_detail(self) -> None:
        wanted = self._open

        def came(source: DatasourceCard) -> None:
            if wanted != self._open:
                return
            self.detail.show_source(source)
            if source.schema_state != "none":
                self.session.read(self, "schema show", {"datasource": source.id}, schema, failed)

        def schema(view: SchemaView) -> None:
            if wanted == self._open:
                self.detail.show_schema(view)

        def failed(error: PodadminError) -> None:
            if wanted == self._open:
                self.detail.show_problem(error)

        self.session.read(self, "datasource show", {"datasource": wanted}, came, failed)

    def _check(self, source: DatasourceCard) -> None:
        tile = self.list.tiles[source.id]
        tile.set_busy("It is being checked.")

        def checked(found: DatasourceCard) -> None:
            self.desk.say(f"{found.name}: {found.health_words}.", "good" if found.health == "good" else "bad")
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
            "longer shown. The file itself is not touched, and the journal keeps its history.",
            "Remove the datasource",
            partial(self._remove, source),
        ).open()

    def _remove(self, source: DatasourceCard, reason: str) -> None:
        def removed(done: Done) -> None:
            self.desk.say(done.words)

        self.write("datasource remove", {"datasource": source.id, "reason": reason}, removed)

    def _generate(self, source: str) -> None:
        self.detail.set_busy(True)
        self.detail.show_generating()

        def made(schema: SchemaView) -> None:
            self.detail.set_busy(False)
            self.desk.say(f"The schema of {schema.datasource_name} was generated and saved.")

        def failed(error: PodadminError) -> None:
            self.detail.set_busy(False)
            self._say_error(error)
            if self._open:
                self._read_detail()

        arguments = {"datasource": source, "save": True}
        # a table is read beside decisions, never in their queue; what it keeps at the end is one write of the store
        job = self.session.read(self, "schema generate", arguments, made, failed, title="Generating the schema")
        self.detail.job.follow(job)

    def _ask_export(self, source: DatasourceCard) -> None:
        sheet = ExportSheet(
            self.desk.sheet_host,
            f"Export the schema of {source.name}",
            "It is written in the pod's format, version 4. The labels of categorical columns in it are values from the "
            "data: whoever gets the file learns them.",
            lambda path, how: self._export(sheet, source, path, how),
            _FORMATS,
            "Schemas (*.yaml *.yml *.json)",
            f"{source.name}.yaml",
        )
        sheet.open()

    def _export(self, sheet: ExportSheet, source: DatasourceCard, path: str, how: str) -> None:
        def written(done: Done) -> None:
            sheet.dismiss()
            self.notice("good", f"{done.words} The file is {done.subject}.")

        arguments = {"datasource": source.id, "to": path, "format": how}
        self.session.write(sheet, "schema export", arguments, written, sheet.show_problem)

    def _say_error(self, error: PodadminError) -> None:
        if error.code == "core.cancelled":
            self.desk.say(error.what, "plain")
        else:
            self.notice("bad", f"{error.what} {error.why} {error.next_step} ({error.code})")

    def _left(self) -> None:
        self.desk.go(self.name)

    def _test(self, path: str) -> None:
        def tested(probe: ProbeView) -> None:
            self.wizard.show_probe(path, probe)

        failed = partial(self.wizard.probe_failed, path)
        job = self.session.read(
            self.wizard, "datasource probe", {"path": path}, tested, failed, title="Testing the file"
        )
        self.wizard.follow(job)

    def _preview(self, path: str, masked: bool) -> None:
        came, failed = partial(self.wizard.show_preview, path), partial(self.wizard.preview_failed, path)
        self.session.read(self.wizard, "datasource preview", {"path": path, "masked": masked}, came, failed)

    def _columns(self, path: str) -> None:
        came, failed = partial(self.wizard.show_columns, path), partial(self.wizard.columns_failed, path)
        self.session.read(self.wizard, "datasource columns", {"path": path}, came, failed)

    def _preview_schema(self, draft: Draft) -> None:
        came, failed = partial(self.wizard.show_schema, draft), partial(self.wizard.schema_failed, draft)
        job = self.session.read(
            self.wizard, "schema preview", draft.arguments(), came, failed, title="Generating the schema"
        )
        self.wizard.follow(job)

    def _save(self, draft: Draft) -> None:
        """First the datasource, then its schema: where the second fails the first stands, and that is said."""

        def added(source: DatasourceCard) -> None:
            arguments = {"datasource": source.id, "save": True}
            job = self.session.write(
                self,
                "schema generate",
                arguments,
                lambda _: self._saved(source, None),
                lambda error: self._saved(source, error),
                title="Saving the datasource",
            )
            self.wizard.follow(job)

        self.session.write(self, "datasource add", draft.arguments(), added, self.wizard.save_failed)

    def _saved(self, source: DatasourceCard, error: PodadminError | None) -> None:
        self.wizard.reset()
        self.desk.go(self.name, source.id)
        self.session.write(self, "datasource check", {"datasource": source.id}, title=f"Checking {source.name}")
        if error is None:
            self.desk.say(f"{source.name} was connected, and its schema was saved.")
        else:
            words = "The datasource was saved, its schema was not."
            self.notice("warn", f"{words} {error.what} {error.why} {error.next_step} ({error.code})")
