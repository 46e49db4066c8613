"""Asks what of the journal is to be exported, in which form, and where to. Shows how far it is, and can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.layout import row
from podadmin.desktop.widgets.progress import JobBar

FORMATS: Final = (
    ("lines", "JSON Lines: every entry with its hash"),
    ("pack", "Evidence pack (PDF): Article 30, DPIA annex, Five Safes"),
    ("crate", "Five Safes RO-Crate (ZIP): each request as a run, with its receipts"),
    ("fhir", "FHIR R4 AuditEvents (NDJSON)"),
    ("bundle", "FHIR R4 AuditEvents as one Bundle (JSON)"),
)


class JournalExportSheet(ExportSheet):
    """`on_write(path, format, selection)` is asked to write; the selection is as `journal export` takes it."""

    def __init__(
        self,
        host: QWidget,
        on_write: Callable[[str, str, dict[str, str]], object],
        chosen: Mapping[str, str],
        auditor: bool = False,
    ) -> None:
        recorded = "An auditor's export is not recorded, and says so." if auditor else "The export becomes an entry."
        super().__init__(
            host,
            "Export the journal",
            "An export says to which entry and hash of the journal it belongs. It holds the names and reasons that the "
            f"journal holds; it holds no keys and no secrets. {recorded}",
            lambda path, form: on_write(path, form, self.selection()),
            FORMATS,
            filters="JSON Lines (*.jsonl);;PDF (*.pdf);;ZIP (*.zip);;NDJSON (*.ndjson);;All files (*)",
            placeholder="journal.jsonl",
        )
        self.since = TextField("From day", chosen.get("since", ""), placeholder="everything")
        self.until = TextField("To day", chosen.get("until", ""), placeholder="everything")
        self.request = TextField("Only the request", placeholder="its id or reference; else all")
        self.job = JobBar()
        self.body.addLayout(row((self.since, 1), (self.until, 1), (self.request, 2), gap=SPACE.s))
        self.body.addWidget(self.job)

    def selection(self) -> dict[str, str]:
        """What is to be exported."""
        return {
            "since": self.since.value().strip(),
            "until": self.until.value().strip(),
            "request": self.request.value().strip(),
        }

    def follow(self, job: RunningJob) -> None:
        """Show how far it is."""
        self.job.follow(job)
