"""The wizard that connects a datasource: Kind, Set up, Test, Preview, Columns, Schema, Save, each step shown.

A kind that podadmin does not read has no preview, no columns and no schema of its own: its steps are fewer. The wizard
draws and remembers; the page does the acts it asks for by signal. Nothing is saved before the last step, and leaving
with something entered asks first, in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QWidget

from podadmin.app.views.datasources import ColumnView, KindView, Preview, ProbeView, SchemaView
from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.desktop.pages.datasource_bar import WizardBar
from podadmin.desktop.pages.datasource_columns import ColumnsStep
from podadmin.desktop.pages.datasource_draft import (
    ALL,
    COLUMNS,
    KIND,
    PREVIEW,
    SAVE,
    SCHEMA,
    SET_UP,
    TEST,
    Choice,
    Draft,
    Given,
    name_for,
    steps_for,
    thing,
)
from podadmin.desktop.pages.datasource_kinds import KindStep
from podadmin.desktop.pages.datasource_preview import PreviewStep
from podadmin.desktop.pages.datasource_save import GenerateStep, SaveStep
from podadmin.desktop.pages.datasource_steps import ProbeStep, SetUpStep, StepTrail
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import column, scrolling, wrap

_WORDS: Final = {COLUMNS: "Generate the schema", SAVE: "Save the datasource"}


class Wizard(QWidget):
    """Signals ask for acts, methods take what came of them; what came too late for what is entered is dropped."""

    kinds_wanted = Signal()
    test_wanted = Signal(object)
    preview_wanted = Signal(object, bool)
    columns_wanted = Signal(object)
    schema_wanted = Signal(object)
    save_wanted = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._step = KIND
        self._kind: KindView | None = None
        self._steps: tuple[str, ...] = ALL
        self._given = Given()
        self._tested: Given | None = None
        self.password: Secret[str] | None = None
        self._job: RunningJob | None = None
        self._saving = False
        self._choices: dict[str, Choice] = {}
        self._proposed = ""
        self._build_steps()
        self._trail = StepTrail(ALL)
        self._stack = QStackedWidget()
        parts = (self.kinds, self.set_up, self.probe, self.preview, self.columns_state, self.generate, self.save)
        self._areas = {
            step: scrolling(wrap(column(part, margin=SPACE.none))) for step, part in zip(ALL, parts, strict=True)
        }
        for area in self._areas.values():
            self._stack.addWidget(area)
        self._bar = WizardBar()
        self._bar.forward.connect(self.forward)
        self._bar.backward.connect(self.back)
        self._bar.leave.connect(self.ask_leave)
        self._bar.forget.connect(self._forget)
        self.setLayout(column(self._trail, (self._stack, 1), self._bar))
        self._settle()

    def _build_steps(self) -> None:
        self.kinds = KindStep()
        self.kinds.changed.connect(self._settle)
        self.kinds.complete.connect(self._offered)
        self.kinds.submitted.connect(self.forward)
        self.set_up = SetUpStep()
        self.form = self.set_up.form
        self.set_up.changed.connect(self._entered)
        self.set_up.submitted.connect(self.forward)
        self.probe = ProbeStep()
        self.probe.again_wanted.connect(self._test)
        self.probe.edit_wanted.connect(self.back)
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
    def step(self) -> str:
        """The step that is open, by its name."""
        return self._step

    @property
    def given(self) -> Given:
        """Where the data is, as it was entered."""
        return self._given

    @property
    def draft(self) -> Draft:
        """All that has been entered."""
        name = self.columns.name if COLUMNS in self._steps else self.save.name.field
        return Draft(self._given, name.value().strip(), self._choices)

    @property
    def makes_schema(self) -> bool:
        """Does a schema come out of it with the datasource?"""
        return SCHEMA in self._steps

    @property
    def dirty(self) -> bool:
        """Would something be lost by leaving?"""
        return bool(self._given.values) or self.password is not None or self.form.password_written

    def reset(self) -> None:
        """Forget everything and begin anew."""
        self._stop()
        self._tested, self._given, self._kind, self.password = None, Given(), None, None
        self._proposed = ""
        self._saving = False
        self._choices = {}
        if self.form.kind is not None:
            self.set_up.show_kind(self.form.kind, {})
        self.columns.show_columns((), {})
        for name in (self.columns.name, self.save.name.field):
            name.set_value("")
        self._bar.stay()
        self._open(KIND)

    def follow(self, job: RunningJob) -> None:
        """The act that was asked for runs as this job; Cancel beside its bar stops it."""
        self._job = job
        bars = {TEST: self.probe.job, SCHEMA: self.generate.job, SAVE: self.save.job}
        if self._step in bars:
            bars[self._step].follow(job)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and not self._saving:
            (self._bar.stay if self._bar.asking else self.ask_leave)()
            return
        super().keyPressEvent(event)

    def focus_first(self) -> None:
        """Put the keyboard where the next thing is to be entered."""
        if self._step == KIND:
            self.kinds.focus_first()
        elif self._step == SET_UP:
            self.form.focus_first()
        elif self._step == COLUMNS:
            self.columns.name.line.setFocus()
        elif self._step == SAVE and self.save.name.isVisible():
            self.save.name.field.line.setFocus()
        elif self._step == SAVE and self.save.needs_look:
            self.save.looked.editor.setFocus()
        else:
            self._bar.focus()

    def forward(self) -> None:
        """What the main button does now."""
        if self._hindrance():
            return
        if self._step == KIND:
            self._begin_kind()
        elif self._step == SET_UP:
            self._take_password()
            if TEST in self._steps:
                self._test()
            else:
                self._show_settings()
        elif self._step == TEST:
            if PREVIEW not in self._steps:
                self._show_settings()
                return
            if self.preview.failed:
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
        place = self._steps.index(self._step)
        before = self._steps[max(place - 1, 0)]
        self._open(COLUMNS if before == SCHEMA else before)

    def ask_leave(self) -> None:
        """Leave, after a question where something was entered."""
        if self.dirty:
            self._bar.ask()
        else:
            self._forget()

    def show_kinds(self, kinds: Sequence[KindView]) -> None:
        """The kinds that there are have been read."""
        self.kinds.show_kinds(kinds)

    def _offered(self) -> None:
        if self._step == KIND and self.isVisible():
            self.focus_first()

    def show_probe(self, given: Given, probe: ProbeView) -> None:
        """The test of a source has ended."""
        if given != self._given:
            return
        error = probe.error or {}
        if error.get("field"):
            self._show_entry_error(error)
            return
        self.probe.show_probe(probe)
        if probe.ok:
            self._tested = given
            if PREVIEW in self._steps:
                self._look(True)
                self.columns_state.show_loading("Reading the columns")
                self.columns_wanted.emit(given)
        else:
            self.set_up.mark(probe.field_code, error)
        self._settle()
        if self._step == TEST and probe.ok:
            self.focus_first()

    def probe_failed(self, given: Given, error: PodadminError) -> None:
        """The test of a source did not come to an end."""
        if given == self._given:
            self.probe.show_problem(error)
            self._settle()

    def show_preview(self, given: Given, preview: Preview) -> None:
        """The first rows have been read."""
        if given == self._given:
            self.preview.show_preview(preview)

    def preview_failed(self, given: Given, error: PodadminError) -> None:
        """The first rows cannot be read."""
        if given == self._given:
            self.preview.show_problem(error)

    def show_columns(self, given: Given, columns: Sequence[ColumnView]) -> None:
        """The columns have been read; what was chosen for columns of the same names stays."""
        if given != self._given:
            return
        self.columns.show_columns(columns, self._choices)
        self._choices = self.columns.choices
        self._propose(given)
        self.columns_state.show_content()
        self._settle()

    def columns_failed(self, given: Given, error: PodadminError) -> None:
        """The columns cannot be read."""
        if given == self._given:
            self.columns_state.show_error(error, lambda: self.columns_wanted.emit(self._given))
            self._settle()

    def show_schema(self, draft: Draft, schema: SchemaView) -> None:
        """The schema of a draft has been generated."""
        if draft == self.draft and self._step == SCHEMA:
            self.save.show_schema(draft, self._kind, schema)
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
        told = {name: str(value) for name, value in error.as_dict().items()}
        if not self._is_about_name(error) and not (error.field and self._show_entry_error(told)):
            self.save.show_problem(error)
        self._settle()

    def _is_about_name(self, error: PodadminError) -> bool:
        """An error about the name is shown at the name."""
        about = error.code.startswith("datasource.name")
        if about:
            self._open(COLUMNS if COLUMNS in self._steps else SAVE)
            name = self.columns.name if COLUMNS in self._steps else self.save.name.field
            name.set_error(f"{error.what} {error.why} {error.next_step} ({error.code})")
            name.line.setFocus()
        return about

    def _show_entry_error(self, error: Mapping[str, str]) -> bool:
        """What is entered cannot be used at all: back to it, and said where it is."""
        self._open(SET_UP)
        return self.set_up.show_problem(error)

    def _begin_kind(self) -> None:
        """The form of the kind that is chosen; that of the same kind keeps what was entered."""
        kind = self.kinds.kind
        if kind is None:
            return
        if self._kind is None or kind.kind != self._kind.kind:
            self._kind, self._steps = kind, steps_for(kind)
            self._given, self._tested, self.password = Given(kind.kind), None, None
            self._choices = {}
            self.set_up.show_kind(kind, {})
        self._open(SET_UP)

    def _entered(self) -> None:
        passwords = self._given.passwords
        self._given = Given(self._given.kind, self.form.values(), passwords)
        self._steps = steps_for(self._kind, self._given.values)
        self._settle()

    def _take_password(self) -> None:
        """The password leaves its field; another one makes another source."""
        taken = self.form.take_password()
        if taken is not None:
            self.password = taken
            self._given = Given(self._given.kind, self._given.values, self._given.passwords + 1)

    def _propose(self, given: Given) -> None:
        """Propose a name, unless another was written."""
        for name in (self.columns.name, self.save.name.field):
            if name.value() in ("", self._proposed):
                name.set_value(name_for(given))
        self._proposed = name_for(given)

    def _chosen(self) -> None:
        self._choices = self.columns.choices
        self._settle()

    def _test(self) -> None:
        self._tested = None
        self.form.clear_errors()
        self.probe.begin(self._kind)
        self._open(TEST)
        self.test_wanted.emit(self._given)

    def _look(self, masked: bool) -> None:
        self.preview.begin()
        self.preview_wanted.emit(self._given, masked)

    def _generate(self) -> None:
        self.generate.begin(self._kind)
        self._open(SCHEMA)
        self.schema_wanted.emit(self.draft)

    def _show_settings(self) -> None:
        if self._kind is not None:
            self._propose(self._given)
            self.save.show_settings(self.draft, self._kind)
            self._open(SAVE)

    def _forget(self) -> None:
        self.reset()
        self.left.emit()

    def _stop(self) -> None:
        if self._job is not None and not self._job.done:
            self._job.cancel()
        self._job = None

    def _open(self, step: str) -> None:
        self._step = step
        self._stack.setCurrentWidget(self._areas[step])
        self._areas[step].verticalScrollBar().setValue(0)
        self._settle()
        if self.isVisible():
            self.focus_first()

    def _settle(self) -> None:
        """The buttons as they may be pressed now, and why not."""
        if self._step == KIND:
            self._steps = steps_for(self.kinds.kind)
        self._trail.show_step(self._steps, self._step)
        self._bar.settle(
            self._main_words(),
            self._hindrance(),
            first=self._step == KIND,
            passing=self._step == SCHEMA,
            saving=self._saving,
        )

    def _main_words(self) -> str:
        if self._step == SET_UP and TEST in self._steps:
            return f"Test the {thing(self._kind)}"
        return _WORDS.get(self._step, "Continue")

    def _hindrance(self) -> str:
        """Why the main button cannot be pressed; "" where it can."""
        if self._step == KIND:
            return self.kinds.kind.needs if self.kinds.kind is not None else "Choose a kind first."
        if self._step == SET_UP:
            missing = self.form.missing()
            return f"Fill in “{missing}” first." if missing else ""
        if self._step == TEST:
            return "" if self._tested == self._given else f"The {thing(self._kind)} has to pass the test first."
        if self._step == COLUMNS:
            return self._hindrance_of_columns()
        if self._step != SAVE:
            return ""
        if self._saving:
            return "It is being saved."
        if COLUMNS not in self._steps and not self.save.name.field.value().strip():
            return "Give the datasource a name first."
        return "Look at what is marked, and say that you have." if self.save.needs_look else ""

    def _hindrance_of_columns(self) -> str:
        if self.columns_state.showing != "content":
            return "The columns have not been read."
        if not self.columns.name.value().strip():
            return "Give the datasource a name first."
        return "Every column is ignored: nothing would be left." if self.columns.all_ignored else ""
