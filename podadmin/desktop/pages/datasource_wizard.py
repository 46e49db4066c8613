"""The wizard that connects a file: Choose, Test, Preview, Columns, Schema, Save, each step shown and none skipped.

It draws and remembers; the page does the acts it asks for by signal. Nothing is saved before the last step, and
leaving with something entered asks first, in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from podadmin.app.views.datasources import ColumnView, Preview, ProbeView, SchemaView
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.datasource_columns import ColumnsStep
from podadmin.desktop.pages.datasource_draft import Choice, Draft, name_from
from podadmin.desktop.pages.datasource_save import GenerateStep, SaveStep
from podadmin.desktop.pages.datasource_steps import ChooseStep, PreviewStep, ProbeStep, StepTrail
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import DangerButton, GhostButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import STRETCH, column, row, scrolling, wrap
from podadmin.desktop.widgets.text import PlainLabel

STEPS: Final = ("Choose", "Test", "Preview", "Columns", "Schema", "Save")
CHOOSE, TEST, PREVIEW, COLUMNS, SCHEMA, SAVE = range(len(STEPS))
_WORDS: Final = ("Test the file", "Continue", "Continue", "Generate the schema", "Continue", "Save the datasource")
LEAVE: Final = "Leave the wizard"
STAY: Final = "Stay here"
FORGET: Final = "Leave and forget it"


class Wizard(QWidget):
    """Six steps. Signals ask for acts, methods take what came of them; what came too late for its file is dropped."""

    test_wanted = Signal(str)
    preview_wanted = Signal(str, bool)
    columns_wanted = Signal(str)
    schema_wanted = Signal(object)
    save_wanted = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._step = CHOOSE
        self._tested = ""
        self._job: RunningJob | None = None
        self._saving = False
        self._choices: dict[str, Choice] = {}
        self._named_for = ""
        self._build_steps()
        self._trail = StepTrail(STEPS)
        self._stack = QStackedWidget()
        self._areas = [
            scrolling(wrap(column(each, margin=SPACE.none)))
            for each in (self.choose, self.probe, self.preview, self.columns_state, self.generate, self.save)
        ]
        for area in self._areas:
            self._stack.addWidget(area)
        self._leave = GhostButton(LEAVE, self.ask_leave, "x")
        self._back = QuietButton("Back", self.back, "arrow-left")
        self._next = PrimaryButton(_WORDS[CHOOSE], self.forward)
        self._bar = wrap(row(self._leave, STRETCH, self._back, self._next))
        question = PlainLabel("What you have entered here is saved nowhere and would be lost.", "medium", "warn")
        self._stay = QuietButton(STAY, self._unask)
        self._question = wrap(row(question, STRETCH, self._stay, DangerButton(FORGET, self._forget)))
        self._question.setVisible(False)
        self.setLayout(column(self._trail, (self._stack, 1), self._bar, self._question))
        self._settle()

    def _build_steps(self) -> None:
        self.choose = ChooseStep()
        self.choose.changed.connect(self._path_changed)
        self.choose.submitted.connect(self.forward)
        self.probe = ProbeStep()
        self.probe.again_wanted.connect(self._test)
        self.preview = PreviewStep()
        self.preview.masked_wanted.connect(self._look)
        self.columns = ColumnsStep()
        self.columns.changed.connect(self._chosen)
        self.columns_state = StateView(self.columns)
        self.generate = GenerateStep()
        self.generate.again_wanted.connect(self._generate)
        self.save = SaveStep()
        self.save.changed.connect(self._settle)

    @property
    def step(self) -> int:
        """The step that is open, from 0."""
        return self._step

    @property
    def path(self) -> str:
        """The file that was entered."""
        return self.choose.path.value().strip()

    @property
    def draft(self) -> Draft:
        """All that has been entered."""
        return Draft(self.path, self.columns.name.value().strip(), self._choices)

    @property
    def dirty(self) -> bool:
        """Would something be lost by leaving?"""
        return bool(self.path)

    def reset(self) -> None:
        """Forget everything and begin anew."""
        self._stop()
        self._tested = self._named_for = ""
        self._saving = False
        self._choices = {}
        self.choose.path.set_value("")
        self.choose.path.set_error("")
        self.columns.show_columns((), {})
        self.columns.name.set_value("")
        self._unask()
        self._open(CHOOSE)

    def follow(self, job: RunningJob) -> None:
        """The act that was asked for runs as this job; Cancel beside its bar stops it."""
        self._job = job
        bars = {TEST: self.probe.job, SCHEMA: self.generate.job, SAVE: self.save.job}
        if self._step in bars:
            bars[self._step].follow(job)

    def focus_first(self) -> None:
        """Put the keyboard where the next thing is to be entered."""
        if self._step == CHOOSE:
            self.choose.path.line.setFocus()

    def forward(self) -> None:
        """What the main button does now."""
        if not self._next.isEnabled():
            return
        if self._step == CHOOSE:
            self._test()
        elif self._step == TEST:
            if self.preview.preview is None:
                self._look(True)
            self._open(PREVIEW)
        elif self._step == PREVIEW:
            self._open(COLUMNS)
        elif self._step == COLUMNS:
            self._generate()
        elif self._step == SAVE:
            self._saving = True
            self._settle()
            self.save_wanted.emit(self.draft)

    def back(self) -> None:
        """To the step before; what runs in this one is stopped. The schema step is only passed through."""
        self._stop()
        self._open(COLUMNS if self._step in (SCHEMA, SAVE) else max(self._step - 1, CHOOSE))

    def ask_leave(self) -> None:
        """Leave, after a question where something was entered."""
        if not self.dirty:
            self._forget()
            return
        self._bar.setVisible(False)
        self._question.setVisible(True)
        self._stay.setFocus()

    def show_probe(self, path: str, probe: ProbeView) -> None:
        """The test of a file has ended."""
        if path != self.path:
            return
        self.probe.show_probe(probe)
        if probe.ok:
            self._tested = path
            self.preview.begin()
            self.preview_wanted.emit(path, True)
            self.columns_state.show_loading("Reading the columns")
            self.columns_wanted.emit(path)
        self._settle()

    def probe_failed(self, path: str, error: PodadminError) -> None:
        """The test of a file did not come to an end."""
        if path == self.path:
            self.probe.show_problem(error)
            self._settle()

    def show_preview(self, path: str, preview: Preview) -> None:
        """The first rows have been read."""
        if path == self.path:
            self.preview.show_preview(preview)

    def preview_failed(self, path: str, error: PodadminError) -> None:
        """The first rows cannot be read."""
        if path == self.path:
            self.preview.show_problem(error)

    def show_columns(self, path: str, columns: Sequence[ColumnView]) -> None:
        """The columns have been read; what was chosen for columns of the same names stays."""
        if path != self.path:
            return
        self.columns.show_columns(columns, self._choices)
        self._choices = self.columns.choices
        if not self.columns.name.value() or self.columns.name.value() == name_from(self._named_for):
            self.columns.name.set_value(name_from(path))
        self._named_for = path
        self.columns_state.show_content()
        self._settle()

    def columns_failed(self, path: str, error: PodadminError) -> None:
        """The columns cannot be read."""
        if path == self.path:
            self.columns_state.show_error(error, lambda: self.columns_wanted.emit(self.path))
            self._settle()

    def show_schema(self, draft: Draft, schema: SchemaView) -> None:
        """The schema of a draft has been generated."""
        if draft == self.draft and self._step == SCHEMA:
            self.save.show_schema(draft, schema)
            self._open(SAVE)

    def schema_failed(self, draft: Draft, error: PodadminError) -> None:
        """The schema of a draft could not be generated."""
        if draft != self.draft or self._step != SCHEMA:
            return
        if self._is_about_name(error):
            return
        if error.code == "core.cancelled":
            self._open(COLUMNS)
            return
        self.generate.show_problem(error)

    def save_failed(self, error: PodadminError) -> None:
        """The datasource was not saved."""
        self._saving = False
        if not self._is_about_name(error):
            self.save.show_problem(error)
        self._settle()

    def _is_about_name(self, error: PodadminError) -> bool:
        """An error about the name is shown at the name."""
        about = error.code.startswith("datasource.name")
        if about:
            self._open(COLUMNS)
            self.columns.name.set_error(f"{error.what} {error.why} {error.next_step} ({error.code})")
            self.columns.name.line.setFocus()
        return about

    def _path_changed(self) -> None:
        self.choose.path.set_error("")
        self._settle()

    def _chosen(self) -> None:
        self._choices = self.columns.choices
        self._settle()

    def _test(self) -> None:
        self._tested = ""
        self.probe.begin()
        self._open(TEST)
        self.test_wanted.emit(self.path)

    def _look(self, masked: bool) -> None:
        self.preview.begin()
        self.preview_wanted.emit(self.path, masked)

    def _generate(self) -> None:
        self.generate.begin()
        self._open(SCHEMA)
        self.schema_wanted.emit(self.draft)

    def _forget(self) -> None:
        self.reset()
        self.left.emit()

    def _unask(self) -> None:
        self._question.setVisible(False)
        self._bar.setVisible(True)

    def _stop(self) -> None:
        if self._job is not None and not self._job.done:
            self._job.cancel()
        self._job = None

    def _open(self, step: int) -> None:
        self._step = step
        self._trail.show_step(step)
        self._stack.setCurrentIndex(step)
        self._areas[step].verticalScrollBar().setValue(0)
        self._settle()

    def _settle(self) -> None:
        """The buttons as they may be pressed now, and why not."""
        self._back.setVisible(self._step != CHOOSE)
        self._back.set_permit(not self._saving, "It is being saved.")
        self._leave.set_permit(not self._saving, "It is being saved.")
        self._next.set_words(_WORDS[self._step])
        self._next.setVisible(self._step != SCHEMA)
        reason = self._hindrance()
        self._next.set_permit(not reason, reason)

    def _hindrance(self) -> str:
        if self._step == CHOOSE:
            return "" if self.path else "Point at a file first."
        if self._step == TEST:
            return "" if self._tested == self.path else "The file has to pass the test first."
        if self._step == PREVIEW:
            return ""
        if self._step == COLUMNS:
            if self.columns_state.showing != "content":
                return "The columns have not been read."
            if not self.columns.name.value().strip():
                return "Give the datasource a name first."
            return "Every column is ignored: nothing would be left." if self.columns.all_ignored else ""
        if self._saving:
            return "It is being saved."
        return "Look at what is marked, and say that you have." if self.save.needs_look else ""
