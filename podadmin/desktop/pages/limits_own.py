"""The custodian's own limits: what each covers, how far it is taken, how it came to be, and a form to set one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.limits import OwnRow, OwnVersion
from podadmin.core.errors import PodadminError
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import EmptyState
from podadmin.desktop.widgets.form import CheckField, ChoiceField, LongField, TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row
from podadmin.desktop.widgets.prompt import Question, Sheet
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import amount, when

PERIODS: Final = (("total", "In all"), ("month", "Each month (UTC)"), ("day", "Each day (UTC)"))
EFFECTS: Final = (("stops", "Stops"), ("warns", "Warns only"))


def effect_badge(own: OwnRow) -> BadgeSpec:
    """What an own limit does, and how near it is."""
    if own.effect == "warns":
        return BadgeSpec("plain" if own.free else "warn", own.effect_words, "triangle-alert")
    return BadgeSpec("info" if own.free else "bad", own.effect_words, "octagon-x")


class OwnLimitsView(QWidget):
    """The table of own limits and what can be done with the selected one."""

    set_wanted = Signal(object)
    remove_wanted = Signal(object)
    history_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = RowTable(
            "Your own limits",
            [
                Column(
                    "Limit", lambda own: own.words[:1].upper() + own.words[1:], stretch=5, tip=lambda own: own.words
                ),
                Column("At the limit", effect_badge, "badge", width=13),
                Column("Used", lambda own: amount(own.used), "number", width=9),
                Column("Reserved", lambda own: amount(own.reserved), "number", width=9, spare=True),
                Column("Free", lambda own: amount(own.free), "number", width=9),
                Column("Why", lambda own: own.reason, stretch=2, tip=lambda own: own.reason, spare=True),
                Column("By", lambda own: own.by, width=12, spare=True),
            ],
            fits=True,
        )
        self.change = QuietButton("Change…", lambda: self.set_wanted.emit(self.table.current_row()))
        self.remove = QuietButton("Remove…", lambda: self.remove_wanted.emit(self.table.current_row()), "trash-2")
        self.history = QuietButton("How it came to be", lambda: self.history_wanted.emit(self.table.current_row()))
        self.table.opened.connect(self.history_wanted.emit)
        self.table.picked.connect(lambda _: self._permit())
        self._card = Card(flush=True)
        self._card.body.addWidget(self.table)
        self._empty = EmptyState(
            "gauge",
            "You have set no limits of your own",
            "The network's limits stop by themselves. A limit of your own stands beside them, for a model, a project, "
            "a requester or a datasource, and the stricter one stops.",
            PrimaryButton("Set a limit…", lambda: self.set_wanted.emit(None), name="Set a first limit"),
        )
        self._buttons = row(self.change, self.history, self.remove, STRETCH)
        self.setLayout(column(self._empty, self._card, self._buttons, STRETCH, gap=SPACE.m))
        self.show_limits(())

    def show_limits(self, limits: Sequence[OwnRow]) -> None:
        """Show these limits."""
        self.table.set_rows(limits)
        if limits and self.table.current_row() is None:
            self.table.select(limits[0].id)
        self._empty.setVisible(not limits)
        for widget in (self._card, self.change, self.remove, self.history):
            widget.setVisible(bool(limits))
        self._permit()

    def _permit(self) -> None:
        chosen = self.table.current_row() is not None
        for button in (self.change, self.remove, self.history):
            button.set_permit(chosen, "Select a limit first.")


class OwnLimitSheet(Question):
    """Sets an own limit. It stays open until the limit is recorded; what is wrong is said in it."""

    def __init__(
        self,
        host: QWidget,
        before: Mapping[str, object],
        on_set: Callable[[Mapping[str, object], Callable[[PodadminError], object]], object],
        changing: bool = False,
    ) -> None:
        title = "Change a limit of your own" if changing else "Set a limit of your own"
        words = "It stands beside the network's limits, and the stricter one stops. An empty field means any."
        super().__init__(host, title, words)
        self._act = on_set

        def of(name: str) -> str:
            return str(before.get(name, ""))

        self.fields = {
            "model": TextField("Model", of("model"), "owner/name:version, or without the version for every one"),
            "project": TextField("Project", of("project")),
            "requester": TextField("Requester", of("requester")),
            "datasource": TextField("Datasource", of("datasource")),
            "amount": TextField("Inferences", of("amount"), placeholder="0 stops every use"),
        }
        self.no_project = CheckField("Only what belongs to no project", bool(before.get("no_project", False)))
        self.period = ChoiceField("Counted", PERIODS, of("period"))
        self.effect = ChoiceField("At the limit", EFFECTS, of("effect"))
        self.reason = LongField("Reason", hint="It is recorded in the journal with the limit.")
        fields = self.fields
        for field in (fields["model"], fields["project"], fields["requester"], fields["datasource"]):
            # what a limit covers is its name: another cover is another limit
            field.line.setReadOnly(changing)
        self.no_project.setEnabled(not changing)
        self.period.setEnabled(not changing)
        self.body.addWidget(fields["model"])
        self.body.addLayout(row((fields["project"], 1), (fields["requester"], 1)))
        self.body.addWidget(self.no_project)
        self.body.addLayout(row((fields["datasource"], 1), (fields["amount"], 1)))
        self.body.addLayout(row((self.period, 1), (self.effect, 1)))
        self.ask(PrimaryButton("Record the limit", self._set), self.reason)
        self._wrong = column()
        self.body.addLayout(self._wrong)

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self.fields["amount" if self.fields["model"].line.isReadOnly() else "model"].editor)

    def arguments(self) -> Mapping[str, object]:
        """What is filled in, as the act takes it."""
        return {
            **{name: field.value().strip() for name, field in self.fields.items()},
            "no_project": self.no_project.value(),
            "period": self.period.value(),
            "effect": self.effect.value(),
            "reason": self.reason.value(),
        }

    def missing(self) -> str:
        return "" if self.reason.value().strip() else "Write a reason first: it is recorded in the journal."

    def _set(self) -> None:
        self._act(self.arguments(), self._failed)

    def _failed(self, error: PodadminError) -> None:
        clear(self._wrong)
        self._wrong.addWidget(Banner("bad", f"{error.why} {error.next_step}", title=error.what))


class VersionsSheet(Sheet):
    """How an own limit came to be: every version, the newest first."""

    def __init__(self, host: QWidget, versions: Sequence[OwnVersion]) -> None:
        super().__init__(host, "How it came to be", "Every version of this limit, the newest first.")
        for each in versions:
            card = Card(sunken=True)
            until = "in force" if each.ended_at is None else f"until {when(each.ended_at)}: {each.ended_reason}"
            card.body.addWidget(PlainLabel(f"{each.words}; {each.effect_words.lower()}", "medium", wrap=True))
            card.body.addWidget(PlainLabel(f"From {when(each.at)}, by {each.by}: {each.reason}", wrap=True))
            card.body.addWidget(PlainLabel(until[:1].upper() + until[1:], "small", wrap=True))
            self.body.addWidget(card)
        self._done = QuietButton("Close", self.dismiss)
        self.buttons_row.addWidget(self._done)

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self._done)
