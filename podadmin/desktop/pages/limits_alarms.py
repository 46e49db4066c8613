"""What must not be with a limit, loudly: what has happened, what it means, what to do, and who has seen to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.limits import AlarmRow
from podadmin.core.clock import Clock
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import PrimaryButton
from podadmin.desktop.widgets.empty import EmptyState
from podadmin.desktop.widgets.form import CheckField, LongField
from podadmin.desktop.widgets.layout import STRETCH, clear, column
from podadmin.desktop.widgets.prompt import Question
from podadmin.desktop.widgets.words import ago

SHOWN = 30


def alarm_title(alarm: AlarmRow) -> str:
    """`Use without a task: acme/retina:3 in glaucoma-study`."""
    where = f" in {alarm.project}" if alarm.project else ""
    return f"{alarm.title}: {alarm.model}{where}"


def alarm_words(alarm: AlarmRow, clock: Clock) -> str:
    """The whole of an alarm: its numbers, what it means, what to do, and what was done."""
    words = f"{alarm.words} {alarm.meaning}\n{alarm.todo}"
    words += f"\n{ago(alarm.at, clock.now())[:1].upper()}{ago(alarm.at, clock.now())[1:]}"
    if alarm.task:
        words += f", task {alarm.task}"
    if alarm.seen_at is not None:
        words += f". Seen to by {alarm.seen_by}: {alarm.seen_reason}"
    return words


class AlarmList(QWidget):
    """Alarms as banners, each with its way to say what was done. `seen_wanted(alarm)`: somebody wants to say it."""

    seen_wanted = Signal(object)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._shown: tuple[AlarmRow, ...] | None = None
        self._list = column(gap=SPACE.s)
        self.setLayout(self._list)

    def show_alarms(self, alarms: Sequence[AlarmRow]) -> None:
        """Show these alarms; those that were seen to are quiet."""
        if tuple(alarms) == self._shown:
            return
        self._shown = tuple(alarms)
        clear(self._list)
        for alarm in alarms[:SHOWN]:
            is_open = alarm.seen_at is None
            self._list.addWidget(
                Banner(
                    "bad" if is_open else "plain",
                    alarm_words(alarm, self._clock),
                    "Say what you did…" if is_open else "",
                    (lambda alarm=alarm: self.seen_wanted.emit(alarm)) if is_open else None,  # type: ignore[misc]
                    title=alarm_title(alarm),
                )
            )


class AlarmsView(QWidget):
    """All alarms that nobody has seen to."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.alarms = AlarmList(clock)
        self._empty = EmptyState(
            "shield-check",
            "Nothing is odd",
            "No overrun, no unknown model, no use without a task, and no use that went backwards waits for you.",
        )
        self.setLayout(column(self._empty, self.alarms, STRETCH))

    def show_alarms(self, alarms: Sequence[AlarmRow]) -> None:
        """Show these alarms, or that there are none."""
        self._empty.setVisible(not alarms)
        self.alarms.setVisible(bool(alarms))
        self.alarms.show_alarms(alarms)


class SeenSheet(Question):
    """Asks what was found and done. A total that fell can be accepted here; closing says nothing."""

    def __init__(self, host: QWidget, alarm: AlarmRow, on_seen: Callable[[str, bool], object]) -> None:
        super().__init__(host, alarm_title(alarm), f"{alarm.words} {alarm.todo}")
        self._act = on_seen
        self.reason = LongField("What you found, and what you did")
        self.accept = CheckField("Count from the network's number from now on")
        self.accept.setVisible(alarm.acceptable)
        self.ask(PrimaryButton("I have seen to it", self._seen), self.reason, self.accept)

    def missing(self) -> str:
        return "" if self.reason.value().strip() else "Write what you found and did first."

    def _seen(self) -> None:
        reason, accept, act = self.reason.value(), self.accept.value(), self._act
        self.dismiss()
        act(reason, accept)
