"""The parts around the pages: sidebar, top bar and status line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from podadmin.core.errors import PodadminError
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme import style
from podadmin.desktop.theme.tokens import RADIUS, SIZE, SPACE, TONE_ICONS, TYPE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import IconMark
from podadmin.desktop.widgets.buttons import Button, IconButton, QuietButton
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel, set_tip

if TYPE_CHECKING:
    from podadmin.app.views.status import GateView, PodView, Status

_SAY_MS: Final = 6000
_GATE_TONES: Final = {
    "on": "good",
    "off": "bad",
    "blocked": "bad",
    "paused": "warn",
    "starting": "info",
    "elsewhere": "info",
    "unused": "info",
}
_POD_BADGES: Final = {
    "running": BadgeSpec("good", "Running"),
    "paused": BadgeSpec("warn", "Paused", "pause"),
    "none": BadgeSpec("plain", "No pod yet"),
}
_MADE: Final = BadgeSpec("plain", "Made")
"""A pod to which nothing can come yet: neither running nor paused would be true."""
_INKS: Final = {"info": "accent_text", "good": "good", "warn": "warn", "bad": "bad"}


class NavButton(Button):
    """A line of the sidebar, with a count at its right."""

    kind = "nav"
    icon_gap = SPACE.s

    def __init__(self, name: str, icon: str, keys: str) -> None:
        super().__init__(name, icon=icon)
        self.page = name
        self._count = 0
        self.setCheckable(True)
        self.setAccessibleName(name)
        self.set_help(f"{name} ({keys})")

    def set_count(self, count: int) -> None:
        """Show how many things wait there."""
        self._count = count
        self.setAccessibleDescription(f"{count} waiting" if count else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._count:
            return
        colours = style.colours()
        words = str(self._count) if self._count < 1000 else "999+"
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(style.font(TYPE.small, QFont.Weight.DemiBold))
        width = max(QFontMetricsF(painter.font()).horizontalAdvance(words) + 2 * SPACE.s, SIZE.badge)
        pill = QRectF(0, 0, width, SIZE.badge - SPACE.hair)
        pill.moveCenter(QPointF(self.width() - SPACE.s - width / 2, self.height() / 2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.accent))
        painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2)
        painter.setPen(QColor(colours.on_accent))
        painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, words)
        painter.end()


class Sidebar(QFrame):
    """The pages."""

    picked = Signal(str)

    def __init__(self, entries: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("bar", "side")
        self.setFixedWidth(SIZE.sidebar)
        self.setAccessibleName("Pages")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(SPACE.m, SPACE.m, SPACE.m, SPACE.m)
        outer.setSpacing(SIZE.nav_gap)
        head = QHBoxLayout()
        head.setContentsMargins(SPACE.s, SPACE.xs, 0, SPACE.m)
        head.setSpacing(SPACE.s)
        head.addWidget(IconMark("shield-check", "accent_text", SIZE.icon + SPACE.xs))
        head.addWidget(PlainLabel("podadmin", "heading"), 1)
        outer.addLayout(head)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, NavButton] = {}
        for number, (name, icon) in enumerate(entries, start=1):
            button = NavButton(name, icon, f"Ctrl+{number % 10}")
            button.clicked.connect(lambda *_, name=name: self.picked.emit(name))
            self._group.addButton(button)
            self._buttons[name] = button
            outer.addWidget(button)
        outer.addStretch(1)

    def show_current(self, name: str) -> None:
        """Mark the page in front. A keyboard that stands on another page of the sidebar goes along."""
        button = self._buttons[name]
        button.setChecked(True)
        if any(each.hasFocus() for each in self._buttons.values()):
            button.setFocus()

    def show_count(self, name: str, count: int) -> None:
        """Show how many things wait on a page."""
        if name in self._buttons:
            self._buttons[name].set_count(count)


class _SearchButton(Button):
    kind = "search"
    icon_gap = SPACE.xs

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        colours = style.colours()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(style.font(TYPE.small, QFont.Weight.Medium))
        words = "Ctrl K"
        width = QFontMetricsF(painter.font()).horizontalAdvance(words) + SPACE.m
        if self.width() < self.sizeHint().width() + width + SPACE.l:
            painter.end()
            return
        key = QRectF(self.width() - width - SPACE.s, 0, width, SIZE.badge - SPACE.hair)
        key.moveTop((self.height() - key.height()) / 2)
        painter.setPen(QColor(colours.strong_border))
        painter.setBrush(QColor(colours.surface))
        painter.drawRoundedRect(key, RADIUS.small, RADIUS.small)
        painter.setPen(QColor(colours.muted))
        painter.drawText(key, Qt.AlignmentFlag.AlignCenter, words)
        painter.end()


class TopBar(QFrame):
    """Pod, gate, search, and the pause that stops everything."""

    search_wanted = Signal()
    pause_wanted = Signal()
    resume_wanted = Signal()
    back_wanted = Signal()
    forward_wanted = Signal()
    help_wanted = Signal()
    lock_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("bar", "top")
        self.setFixedHeight(SIZE.topbar)
        self._back = IconButton("arrow-left", "Back (Alt+Left)", self.back_wanted.emit)
        self._forward = IconButton("arrow-right", "Forward (Alt+Right)", self.forward_wanted.emit)
        self._pod = ElidedLabel("", "strong")
        self._pod_state = Badge(_POD_BADGES["none"])
        self._gate_mark = IconMark("hourglass", "muted")
        self._gate = ElidedLabel("Starting", "muted", from_start=True)
        self._search = _SearchButton("Search", self.search_wanted.emit, "search", "Search everything (Ctrl+K)")
        self._pause = QuietButton("Pause pod", self.pause_wanted.emit, "pause")
        self._pause.set_help("Stop all deliveries at once; asks for a reason.")
        self._resume = QuietButton("Resume pod", self.resume_wanted.emit, "play")
        self._resume.set_help("Let the gate deliver again what was approved.")
        for button in (self._pause, self._resume, self._pod_state, self._pod):
            button.setVisible(False)
        line = QHBoxLayout(self)
        line.setContentsMargins(SPACE.l, 0, SPACE.xl, 0)
        line.setSpacing(SPACE.s)
        line.addWidget(self._back)
        line.addWidget(self._forward)
        line.addSpacing(SPACE.xs)
        line.addWidget(self._pod)
        line.addWidget(self._pod_state)
        line.addSpacing(SPACE.s)
        line.addWidget(self._gate_mark)
        line.addWidget(self._gate, 1)
        line.addWidget(self._search)
        line.addWidget(self._pause)
        line.addWidget(self._resume)
        line.addWidget(IconButton("lock", "Lock now (Ctrl+L)", self.lock_wanted.emit))
        line.addWidget(IconButton("circle-help", "Explain this page (F1)", self.help_wanted.emit))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the states of pod and gate keep theirs: search is a smaller button then."""
        super().resizeEvent(event)
        wide = self.width() >= SIZE.least_width
        self._search.setFixedWidth(SIZE.search * 3 // 4 if wide else SIZE.search * 3 // 8)

    def show_steps(self, can_back: bool, can_forward: bool) -> None:
        """May one go back and forward."""
        self._back.set_permit(can_back, "There is no page before this one.")
        self._forward.set_permit(can_forward, "There is no page after this one.")

    def show_status(self, status: Status) -> None:
        """Pod and gate as they are now."""
        self._show_pod(status.pod, waits=status.gate.state == "unused")
        self._show_gate(status.gate)

    def show_problem(self, error: PodadminError) -> None:
        """The state of pod and gate cannot be told: that is said, and nothing else is claimed."""
        for part in (self._pod, self._pod_state, self._pause, self._resume):
            part.setVisible(False)
        self._say_gate("bad", error.what, f"{error.why} {error.next_step} ({error.code})")

    def _show_pod(self, pod: PodView, waits: bool) -> None:
        exists = pod.state != "none"
        self._pod.setText(pod.name)
        self._pod.setVisible(exists)
        shown = _POD_BADGES.get(pod.state, BadgeSpec("plain", pod.state))
        self._pod_state.set(_MADE if waits and pod.state == "running" else shown)
        self._pod_state.setVisible(True)
        set_tip(self._pod_state, f"Paused: {pod.paused_reason}" if pod.paused_reason else "")
        self._pause.setVisible(pod.state == "running")
        self._resume.setVisible(pod.state == "paused")

    def _show_gate(self, gate: GateView) -> None:
        self._say_gate(_GATE_TONES.get(gate.state, "plain"), gate.words, gate.detail)

    def _say_gate(self, tone: str, words: str, detail: str) -> None:
        self._gate_mark.set(TONE_ICONS[tone], _INKS.get(tone, "muted"))
        self._gate.setText(words)
        self._gate.set_tone(tone if tone != "good" else "plain")
        self._gate.set_tip(f"{words} {detail}" if detail else "")


class StatusLine(QFrame):
    """What the application is doing, and notices that hold for the whole session."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("bar", "status")
        self.setMinimumHeight(SIZE.statusbar)
        self._mark = IconMark("circle-check", "good", SIZE.icon_small)
        self._said = ElidedLabel("", "small")
        self._keyring_mark = IconMark("triangle-alert", "warn", SIZE.icon_small)
        self._keyring = PlainLabel("", "small", "warn")
        self._viewer_mark = IconMark("eye", "accent_text", SIZE.icon_small)
        self._viewer = PlainLabel("", "small", "info")
        self._job = JobBar(compact=True)
        self._more = PlainLabel("", "small")
        self._fade = QTimer(self)
        self._fade.setSingleShot(True)
        self._fade.setInterval(_SAY_MS)
        self._fade.timeout.connect(lambda: self._show_said(""))
        line = QHBoxLayout(self)
        line.setContentsMargins(SPACE.xl, 0, SPACE.xl, 0)
        line.setSpacing(SPACE.s)
        line.addWidget(self._mark)
        line.addWidget(self._said, 1)
        line.addWidget(self._job)
        line.addWidget(self._more)
        for part in (self._viewer_mark, self._viewer, self._keyring_mark, self._keyring):
            line.addWidget(part)
            part.setVisible(False)
        self._more.setVisible(False)
        self._show_said("")

    def say(self, text: str, tone: str = "good") -> None:
        """Say something for a few seconds. It is never the only place where it can be read."""
        self._mark.set(TONE_ICONS.get(tone, "info"), _INKS.get(tone, "muted"))
        self._said.set_tone(tone)
        self._show_said(text)
        self._fade.start()

    def show_jobs(self, jobs: Sequence[RunningJob]) -> None:
        """The oldest running job, and how many more there are."""
        self._job.follow(jobs[0] if jobs else None)
        rest = len(jobs) - 1
        self._more.setText(f"and {rest} more" if rest > 0 else "")
        self._more.setVisible(rest > 0)

    def show_status(self, status: Status) -> None:
        """The notices that hold."""
        forgets = status.keyring.forgets
        self._keyring.setText(
            "This in-memory keyring forgets everything when podadmin closes" if forgets else status.keyring.words
        )
        loud = forgets or status.keyring.state not in ("ready", "undecided")
        self._keyring.set_tip(status.keyring.next_step)
        for part in (self._keyring_mark, self._keyring):
            part.setVisible(loud)
        elsewhere = status.gate.state == "elsewhere"
        self._viewer.setText(f"{status.gate.words}. {status.gate.detail}".rstrip(". "))
        for part in (self._viewer_mark, self._viewer):
            part.setVisible(elsewhere)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if style.is_change(event):
            self.update()

    def _show_said(self, text: str) -> None:
        self._said.setText(text)
        self._mark.setVisible(bool(text))
