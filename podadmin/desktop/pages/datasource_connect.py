"""What the wizard asks for, done: every act it wants is read or written here, and its answer brought back to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from podadmin.app.views.datasources import DatasourceCard, ProbeView
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.datasource_draft import Draft, Given, thing
from podadmin.desktop.pages.datasource_wizard import Wizard


class Connecting:
    """Serves one wizard. `saved(card, error)` is called once a datasource stands; the error is that of its schema."""

    def __init__(
        self, page: Page, wizard: Wizard, saved: Callable[[DatasourceCard, PodadminError | None], None]
    ) -> None:
        self._page = page
        self._wizard = wizard
        self._saved = saved
        wizard.kinds_wanted.connect(self.read_kinds)
        wizard.test_wanted.connect(self._test)
        wizard.preview_wanted.connect(self._preview)
        wizard.columns_wanted.connect(self._columns)
        wizard.schema_wanted.connect(self._schema)
        wizard.save_wanted.connect(self._save)

    def read_kinds(self) -> None:
        """Ask which kinds there are."""
        wizard = self._wizard
        self._page.session.read(wizard, "datasource kinds", {}, wizard.show_kinds, wizard.kinds.show_problem)

    def _test(self, given: Given) -> None:
        wizard = self._wizard

        def tested(probe: ProbeView) -> None:
            wizard.show_probe(given, probe)

        job = self._page.session.read(
            wizard,
            "datasource probe",
            given.arguments(wizard.password),
            tested,
            partial(wizard.probe_failed, given),
            title=f"Testing the {thing(wizard.kinds.kind)}",
        )
        wizard.follow(job)

    def _preview(self, given: Given, masked: bool) -> None:
        wizard = self._wizard
        came, failed = partial(wizard.show_preview, given), partial(wizard.preview_failed, given)
        arguments = {**given.arguments(wizard.password), "masked": masked}
        self._page.session.read(wizard, "datasource preview", arguments, came, failed)

    def _columns(self, given: Given) -> None:
        wizard = self._wizard
        came, failed = partial(wizard.show_columns, given), partial(wizard.columns_failed, given)
        self._page.session.read(wizard, "datasource columns", given.arguments(wizard.password), came, failed)

    def _schema(self, draft: Draft) -> None:
        wizard = self._wizard
        came, failed = partial(wizard.show_schema, draft), partial(wizard.schema_failed, draft)
        arguments = draft.arguments(wizard.password)
        job = self._page.session.read(wizard, "schema preview", arguments, came, failed, title="Generating the schema")
        wizard.follow(job)

    def _save(self, draft: Draft) -> None:
        """First the datasource, then its schema: where the second fails the first stands, and that is said."""
        wizard = self._wizard

        def added(source: DatasourceCard) -> None:
            if not wizard.makes_schema:
                self._saved(source, None)
                return
            # data is read beside decisions, never in their queue; what is kept at the end is one write of the store
            job = self._page.session.read(
                self._page,
                "schema generate",
                {"datasource": source.id, "save": True},
                lambda _: self._saved(source, None),
                lambda error: self._saved(source, error),
                title="Saving the datasource",
            )
            wizard.follow(job)

        arguments = draft.arguments(wizard.password)
        self._page.session.write(self._page, "datasource add", arguments, added, wizard.save_failed)
