"""A running job: what it does, how far it is, how long it will honestly still take, and Cancel."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget
from shiboken6 import isValid

from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel, set_name, set_tip
from podadmin.desktop.widgets.words import span


class JobBar(QWidget):
    """Follows one job; hidden while there is none. `compact` is the form of the status line."""

    def __init__(self, title: str = "", compact: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: RunningJob | None = None
        self._title = ElidedLabel(title, "small" if compact else "medium")
        self._step = ElidedLabel("", "small")
        self._left = PlainLabel("", "small")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self._cancel = GhostButton("Cancel", self._stop)
        line = QHBoxLayout()
        line.setSpacing(SPACE.m)
        if compact:
            self._bar.setFixedWidth(SIZE.search // 2)
            self._step.setParent(self)
            self._step.hide()
            for part in (self._title, self._bar, self._left, self._cancel):
                line.addWidget(part)
            line.setContentsMargins(0, 0, 0, 0)
            self.setLayout(line)
        else:
            outer = QVBoxLayout(self)
            outer.setContentsMargins(0, 0, 0, 0)
            outer.setSpacing(SPACE.s)
            outer.addWidget(self._title)
            outer.addWidget(self._bar)
            line.addWidget(self._step, 1)
            line.addWidget(self._left)
            line.addWidget(self._cancel)
            outer.addLayout(line)
        self.setVisible(False)

    def follow(self, job: RunningJob | None) -> None:
        """Show this job until it ends; None shows nothing."""
        self._job = job
        if job is not None:
            self._title.setText(job.title)
            set_name(self._cancel, f"Cancel: {job.title}" if job.title else "Cancel")
            job.watch(self, self._changed)
        self._changed()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _changed(self) -> None:
        job = self._job
        if not isValid(self):
            return
        running = job is not None and not job.done
        self.setVisible(running)
        if job is None or not running:
            return
        fraction = job.fraction
        self._bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self._bar.setValue(round(fraction * 1000))
        now = "Stopping" if job.cancelled else (job.step.what if job.step is not None else "Starting")
        self._step.setText(now)
        set_tip(self._bar, now)
        left = job.seconds_left
        self._left.setText("" if left is None or job.cancelled else f"{span(left)} left")
        self._cancel.set_permit(not job.cancelled, "It has been asked to stop.")
