"""What is done on the page of one datasource: it is read, looked at, counted, changed; its schema is decided about."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

from podadmin.app.views.datasources import (
    DatasourceCard,
    DatasourceFields,
    HealthView,
    InventoryView,
    SchemaView,
)
from podadmin.app.views.facts import Done
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.datasource_change import ChangeView
from podadmin.desktop.pages.datasource_detail import DatasourceDetail
from podadmin.desktop.pages.datasource_kinds import group_of
from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.pages.schema_making import SchemaMaking
from podadmin.desktop.pages.schema_review import SchemaReview

_FORMATS: Final = (
    ("yaml", "YAML"),
    ("json", "JSON"),
    ("frictionless", "Frictionless Table Schema"),
    ("arrow", "Arrow schema (base64)"),
)


class OpenDatasource:
    """Serves the view of the datasource that is open, and the form that changes it.

    `form` makes the form when it is first needed. `say_error` tells what went wrong, `change` opens the form for a
    datasource by its id, `close` shows it again.
    """

    def __init__(
        self,
        page: Page,
        detail: DatasourceDetail,
        form: Callable[[], ChangeView],
        say_error: Callable[[PodadminError], None],
        change: Callable[[str], None],
        close: Callable[[str], None],
    ) -> None:
        self._page = page
        self._detail = detail
        self._make_form = form
        self._say_error = say_error
        self._close = close
        self.id = ""
        self._health: HealthView | None = None
        self._making = SchemaMaking(page, detail, say_error, self.read)
        detail.export_wanted.connect(self._ask_export)
        detail.health.look_wanted.connect(self._look)
        detail.health.check_wanted.connect(self._check)
        detail.health.schedule_wanted.connect(self._watch)
        detail.set_up.change_wanted.connect(lambda: change(self.id))
        detail.inventory.look_wanted.connect(lambda: self._count(True))
        self._wire(detail.review)

    @cached_property
    def form(self) -> ChangeView:
        """The form that changes a datasource."""
        made = self._make_form()
        made.left.connect(lambda: self._close(self.id))
        made.save_wanted.connect(self._change)
        return made

    def open(self, source: str) -> None:
        """Show this datasource, by its id."""
        if self._detail.source is None or self._detail.source.id != source:
            self._detail.show_loading()
            self._health = None
        self.id = source
        self.read()

    def open_form(self, source: str) -> None:
        """Show the form that changes this datasource."""
        self.id = source
        self.form.show_loading()

        def came(fields: DatasourceFields) -> None:
            if fields.id == self.id:
                self.form.show_fields(fields)

        self._page.session.read(self.form, "datasource fields", {"datasource": source}, came, self.form.show_problem)

    def read(self) -> None:
        """Read what is shown of it."""
        wanted, session, detail = self.id, self._page.session, self._detail

        def came(source: DatasourceCard) -> None:
            if wanted != self.id:
                return
            detail.show_source(source)
            detail.health.show_source(source, self._health)
            session.read(detail, "datasource health", {}, health)
            session.read(detail, "datasource fields", {"datasource": source.id}, fields)
            if group_of(source.kind) in ("images", "eye"):
                self._count(False)
            if source.schema_state in ("saved", "outdated"):
                session.read(detail, "schema show", {"datasource": source.id}, schema, failed)

        def health(view: HealthView) -> None:
            self._health = view
            if wanted == self.id and detail.source is not None:
                detail.health.show_source(detail.source, view)

        def fields(view: DatasourceFields) -> None:
            if wanted == self.id:
                detail.set_up.show_fields(view)

        def schema(view: SchemaView) -> None:
            if wanted == self.id:
                detail.show_schema(view)

        def failed(error: PodadminError) -> None:
            if wanted == self.id:
                detail.show_problem(error)

        session.read(detail, "datasource show", {"datasource": wanted}, came, failed)

    def _look(self) -> None:
        card = self._detail.health

        def looked(view: HealthView) -> None:
            card.set_busy("")
            self._health = view
            found = next((each for each in view.rows if each.id == self.id), None)
            if found is not None:
                tone = "bad" if found.state == "broken" else "good"
                self._page.desk.say(f"{found.name} was looked at: {found.words.rstrip('.')}.", tone)
            self.read()

        def failed(error: PodadminError) -> None:
            card.set_busy("")
            self._say_error(error)

        card.set_busy("It is being looked at.")
        arguments = {"datasource": self.id}
        job = self._page.session.write(card, "datasource look", arguments, looked, failed, title="Looking at it")
        card.job.follow(job)

    def _check(self) -> None:
        card, name = self._detail.health, self._detail.source.name if self._detail.source is not None else ""

        def checked(found: DatasourceCard) -> None:
            card.set_busy("")
            tone = "bad" if found.health == "broken" else "good"
            self._page.desk.say(f"{found.name}: {found.health_words.rstrip('.')}.", tone)

        def failed(error: PodadminError) -> None:
            card.set_busy("")
            self._say_error(error)

        card.set_busy("It is being checked.")
        arguments = {"datasource": self.id}
        job = self._page.session.write(card, "datasource check", arguments, checked, failed, title=f"Checking {name}")
        card.job.follow(job)

    def _watch(self, minutes: int) -> None:
        card = self._detail.health

        def watched(view: HealthView) -> None:
            self._health = view
            self._page.desk.say(f"All datasources are looked at: {view.schedule_words.lower()}.")
            if self._detail.source is not None:
                card.show_source(self._detail.source, view)

        self._page.session.write(card, "datasource watch", {"every": minutes}, watched, self._say_error)

    def _count(self, look: bool) -> None:
        """Show what the last look through the folder has found, or look through it now."""
        wanted, card = self.id, self._detail.inventory

        def came(view: InventoryView) -> None:
            card.set_busy(False)
            if wanted == self.id:
                card.show_inventory(view)

        def failed(error: PodadminError) -> None:
            card.set_busy(False)
            if wanted == self.id:
                card.show_problem(error)

        arguments = {"datasource": wanted, "look": look}
        title = "Counting the files" if look else ""
        job = self._page.session.read(card, "datasource inventory", arguments, came, failed, title=title)
        if look:
            card.set_busy(True)
            card.follow(job)

    def _change(self, arguments: dict[str, object]) -> None:
        wanted = self.id

        def changed(source: DatasourceCard) -> None:
            self.form.set_busy(False)
            self._page.desk.say(f"{source.name} was changed.")
            self._close(wanted)
            check = {"datasource": wanted}
            self._page.session.write(self._page, "datasource check", check, title=f"Checking {source.name}")

        job = self._page.session.write(
            self.form, "datasource change", arguments, changed, self.form.show_problem, title="Changing a datasource"
        )
        self.form.follow(job)

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
        review = self._detail.review
        arguments = {"datasource": self.id, "column": name}
        self._page.session.read(review, "schema column", arguments, review.panel.show_column, review.panel.show_problem)

    def _decide(self, act: str, again: str = "", **arguments: object) -> None:
        """Do an act on the open schema and show what it is then; `again` is a column to be shown anew."""

        def decided(view: SchemaView) -> None:
            self._page.clear_notice()
            if view.datasource == self.id:
                self._detail.show_schema(view)
                if again:
                    self._read_column(again)

        self._page.session.write(self._page, act, {"datasource": self.id, **arguments}, decided, self._say_error)

    def _release(self) -> None:
        def released(view: SchemaView) -> None:
            self._page.desk.say(f"The schema of {view.datasource_name} was released.")
            if view.datasource == self.id:
                self._detail.show_schema(view)

        self._page.session.write(self._page, "schema release", {"datasource": self.id}, released, self._say_error)

    def _ask_export(self, source: DatasourceCard) -> None:
        sheet = ExportSheet(
            self._page.desk.sheet_host,
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
            self._page.notice("good", f"{done.words} The file is {done.subject}.")

        arguments = {"datasource": source.id, "to": path, "format": how}
        self._page.session.write(sheet, "schema export", arguments, written, sheet.show_problem)
