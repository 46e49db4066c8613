"""The parts below the cards of “Pod & gate”: hosts, what is odd, the pod's output, and the environment for a pod."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from podadmin.app.views.gate import HostRow, NameValue
from podadmin.app.views.pod import OddityRow, OutputLine
from podadmin.desktop.theme.tokens import SPACE, TONE_ICONS
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import IconMark
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.form import ChoiceField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, rule
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import precise, when, whole

_VERDICTS: Final = {
    "inspected": BadgeSpec("good", "Looked into", "scan-eye"),
    "allowed": BadgeSpec("info", "Let through", "check"),
    "refused": BadgeSpec("bad", "Refused", "ban"),
}
_LEVELS: Final = {
    "debug": BadgeSpec("plain", "Debug", "circle-dot"),
    "info": BadgeSpec("info", "Info", "info"),
    "warning": BadgeSpec("warn", "Warning", "triangle-alert"),
    "error": BadgeSpec("bad", "Error", "circle-x"),
    "critical": BadgeSpec("bad", "Critical", "octagon-x"),
}
_INKS: Final = {"info": "accent_text", "warn": "warn", "bad": "bad"}
LEAST: Final = (
    ("debug", "Everything"),
    ("info", "Info and worse"),
    ("warning", "Warnings and worse"),
    ("error", "Errors and worse"),
)


class HostsPart(Card):
    """The hosts of the network and those that the pod tried to reach. One that was refused can be allowed."""

    allow_wanted = Signal(str)
    refuse_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, flush=True)
        self.table = RowTable(
            "Hosts that the pod reaches",
            (
                Column("Host", lambda host: host.host, "mono", stretch=2),
                Column("What happens", lambda host: _VERDICTS.get(host.verdict, _VERDICTS["refused"]), "badge", 16),
                Column("Tries", lambda host: whole(host.count), "number", 8),
                Column("Last try", lambda host: when(host.last) if host.last else "never", width=20, spare=True),
                Column("Why", lambda host: host.words, stretch=3, spare=True),
            ),
            row_key=lambda host: host.host,
            fits=True,
        )
        self.table.picked.connect(self._picked)
        self.allow = QuietButton("Let the pod reach it…", lambda: self._ask(self.allow_wanted), "check")
        self.refuse = QuietButton("Refuse it…", lambda: self._ask(self.refuse_wanted), "ban")
        self.none = PlainLabel("The pod has not tried to reach anything yet.", "muted", wrap=True)
        line = row(STRETCH, self.refuse, self.allow)
        line.setContentsMargins(SPACE.l, 0, SPACE.l, SPACE.l)
        calm = row(self.none)
        calm.setContentsMargins(SPACE.l, SPACE.l, SPACE.l, 0)
        self.body.addWidget(self.table)
        self.body.addLayout(calm)
        self.body.addLayout(line)
        self._picked(None)

    def show_hosts(self, hosts: Sequence[HostRow]) -> None:
        """Show these hosts."""
        self.table.set_rows(hosts)
        self.table.setVisible(bool(hosts))
        self.none.setVisible(not hosts)
        self._picked(self.table.current_row())

    def _ask(self, signal: Any) -> None:
        host = self.table.current_row()
        if host is not None:
            signal.emit(host.host)

    def _picked(self, host: HostRow | None) -> None:
        chosen = host is not None and host.may_allow
        why = (
            "Choose a host first."
            if host is None
            else "It belongs to the network: the gate looks into what goes there."
        )
        self.allow.set_permit(
            chosen and host is not None and host.verdict != "allowed",
            why if not chosen else "The pod may reach it already.",
        )
        self.refuse.set_permit(
            chosen and host is not None and host.verdict == "allowed", why if not chosen else "It is refused already."
        )


class OddPart(Card):
    """What is odd about the pod, each with a fix or the reason why there is none here."""

    seal_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._lines = column(gap=SPACE.m)
        self.body.addLayout(self._lines)
        self._shown: tuple[OddityRow, ...] | None = None
        self.show_odd(())

    def show_odd(self, odd: Sequence[OddityRow]) -> None:
        """Show these."""
        if tuple(odd) == self._shown:
            return
        self._shown = tuple(odd)
        clear(self._lines)
        if not odd:
            calm = PlainLabel("Nothing is odd about this pod.", "medium")
            self._lines.addLayout(row(IconMark("circle-check", "good"), (calm, 1), gap=SPACE.m))
        for place, each in enumerate(odd):
            if place:
                self._lines.addWidget(rule())
            self._lines.addLayout(self._line(each))

    def _line(self, each: OddityRow) -> Any:
        answer = each.fix or f"No fix here: {each.why_not}"
        words = column(
            PlainLabel(each.what, "medium", wrap=True),
            PlainLabel(each.why, "muted", wrap=True),
            PlainLabel(answer, "body", "good" if each.fix else "plain", wrap=True),
            gap=SPACE.hair,
        )
        parts: list[Any] = [IconMark(TONE_ICONS.get(each.tone, "info"), _INKS.get(each.tone, "muted")), (words, 1)]
        if each.act.startswith("keys seal "):
            path = each.act.removeprefix("keys seal ").removesuffix(" --remove")
            parts.append(
                QuietButton("Seal and remove…", lambda: self.seal_wanted.emit(path), "lock", f"Seal and remove: {path}")
            )
        return row(*parts, gap=SPACE.m)


class OutputPart(Card):
    """The last lines that the pod said, with their levels."""

    level_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.level = ChoiceField("Which lines", LEAST, "info")
        self.level.changed.connect(lambda: self.level_wanted.emit(self.level.value()))
        self.table = RowTable(
            "Output of the pod",
            (
                Column("When", lambda line: precise(line.at), width=22, spare=True),
                Column("Level", lambda line: _LEVELS.get(line.level, _LEVELS["info"]), "badge", 12),
                Column("What it said", lambda line: line.text, "mono", stretch=3),
            ),
            row_key=lambda line: f"{line.at}{line.text}",
        )
        self.none = PlainLabel("The pod has said nothing of this level.", "muted", wrap=True)
        self.body.addWidget(self.level)
        self.body.addWidget(self.table)
        self.body.addWidget(self.none)

    def show_lines(self, lines: Sequence[OutputLine]) -> None:
        """Show these lines, the newest first."""
        self.table.set_rows(tuple(reversed(lines)))
        self.table.setVisible(bool(lines))
        self.none.setVisible(not lines)


class EnvironmentPart(Card):
    """What a pod has to find in its environment that somebody else starts."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._names: tuple[NameValue, ...] = ()
        self.words = PlainLabel(
            "A pod that is started outside podadmin stands behind the gate when it is started with exactly these "
            "variables. None of them is a secret. An address that the machine has for another proxy is replaced.",
            "muted",
            wrap=True,
        )
        self.table = RowTable(
            "Environment of a pod",
            (
                Column("Variable", lambda each: each.name, "mono", width=36),
                Column("Value", lambda each: each.value, "mono", stretch=2),
            ),
            row_key=lambda each: each.name,
            fits=True,
        )
        self.copy = QuietButton("Copy as export lines", self._copy, "copy")
        self.none = PlainLabel("There is none until the gate stands before a pod of this network.", "muted", wrap=True)
        self.body.addWidget(self.words)
        self.body.addWidget(self.table)
        self.body.addWidget(self.none)
        self.body.addLayout(row(STRETCH, self.copy))

    def show_environment(self, names: Sequence[NameValue]) -> None:
        """Show these variables."""
        self._names = tuple(names)
        self.table.set_rows(self._names)
        self.table.setVisible(bool(names))
        self.none.setVisible(not names)
        self.copy.set_permit(bool(names), "There is nothing to copy.")

    def _copy(self) -> None:
        quoted = (f"export {each.name}='{each.value}'" for each in self._names)
        QGuiApplication.clipboard().setText("\n".join(quoted) + "\n")
