"""Models & limits: what every model has used, what is promised, what is free, and what happens at the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.limits import AlarmRow, ForecastView, MeterDetail, MeterRow, OwnRow, OwnVersion
from podadmin.core.clock import Clock, SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.limit_words import free_cell, inferences, level, limit_cell, mode_badge, mode_words
from podadmin.desktop.pages.limits_alarms import AlarmsView, SeenSheet
from podadmin.desktop.pages.limits_detail import MeterDetailView
from podadmin.desktop.pages.limits_own import OwnLimitSheet, OwnLimitsView, VersionsSheet
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import PrimaryButton, TabRow
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.form import Choice, SearchEdit
from podadmin.desktop.widgets.layout import column, row, wrap
from podadmin.desktop.widgets.prompt import ReasonPrompt
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import ago, amount, precise

MOST_HIGH: Final = 10
"""Rows of the table that are seen at once; it scrolls by itself from there on."""
PAGE: Final = 200
"""Models that are fetched at once."""
STATES: Final = (
    ("any", "Every state"),
    ("odd", "With something odd"),
    ("used-up", "Used up"),
    ("soon", "Stops soon"),
    ("stops", "Stops"),
    ("unlimited", "Unlimited"),
    ("unknown", "Unknown"),
)


def runs_out_tip(meter: MeterRow) -> str:
    """The date on which it runs out, with its band."""
    if "(" not in meter.runs_out:
        return meter.runs_out
    likely, _, band = meter.runs_out.partition(" (")
    return f"About {likely}; in four cases out of five {band.rstrip(')')}"


class MeterTable(Card):
    """A row a model and project."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(flush=True, parent=parent)
        self.table = RowTable(
            "Models and limits",
            [
                Column("Model", lambda meter: meter.model, stretch=3),
                Column("Project", lambda meter: meter.project or "no project", stretch=2),
                Column("Used", lambda meter: amount(meter.used), "number", width=9),
                Column("Reserved", lambda meter: amount(meter.reserved), "number", width=9, spare=True),
                Column("Free", free_cell, "number", width=9),
                Column("Limit", limit_cell, "number", width=9),
                # of the spare ones the last goes first: without what is reserved, the other figures do not add up
                Column("Use", lambda meter: [used for _, used in meter.series], "spark", width=10, spare=True),
                Column("At the limit", mode_badge, "badge", width=16, tip=lambda meter: mode_words(meter)[2]),
                Column("Runs out", lambda meter: meter.runs_out.partition(" (")[0], width=17, tip=runs_out_tip),
                Column(
                    "Last used",
                    lambda meter: ago(meter.last_used, clock.now()),
                    width=12,
                    tip=lambda meter: precise(meter.last_used),
                    spare=True,
                ),
            ],
        )
        self.body.addWidget(self.table)

    def show_rows(self, rows: Sequence[MeterRow], more: bool = False) -> None:
        """Show these rows; the table is as high as they are, up to a few, and then scrolls. `more`: a page follows."""
        self.table.set_rows(rows, more)
        seen = min(max(len(rows), 1), MOST_HIGH)
        self.table.setFixedHeight(SIZE.header + seen * SIZE.row + SPACE.hair)


class LimitsView(Part):
    """The table, and below it the selected meter. `picked(id)` asks for the detail of a meter."""

    picked = Signal(str)
    filtered = Signal()

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clock = clock
        self._content = column()
        self.state = StateView(wrap(self._content))
        self.setLayout(column(self.state))

    def build(self) -> Iterator[None]:
        """Make what narrows the table, the table, and the part below it."""
        self.search = SearchEdit("Search models", "Model or project")
        self.states = Choice("State of models", STATES)
        self.search.settled.connect(lambda _: self.filtered.emit())
        self.states.currentIndexChanged.connect(lambda _: self.filtered.emit())
        self._content.addLayout(row((self.search, 1), self.states))
        yield
        self.meters = MeterTable(self._clock)
        self.meters.table.picked.connect(lambda meter: self.picked.emit(meter.id))
        self._content.addWidget(self.meters)
        yield
        self._none = PlainLabel("No model is like that.", "muted")
        self._none.setVisible(False)
        self._summary = PlainLabel("", "muted", wrap=True)
        self._content.addWidget(self._none)
        self._content.addWidget(self._summary)
        yield
        self.detail_view = MeterDetailView(self._clock)
        self.detail = StateView(self.detail_view)
        self.detail.setVisible(False)
        self._content.addWidget(self.detail)
        self._content.addStretch(1)
        yield
        yield from self.detail_view.build()

    @property
    def selected(self) -> str:
        """The id of the selected meter; empty where there is none."""
        row_now = self.meters.table.current_row()
        return row_now.id if isinstance(row_now, MeterRow) else ""

    @property
    def narrowed(self) -> bool:
        """Are some models left out of the table?"""
        return bool(self.search.text().strip()) or self.states.value() != "any"

    def show_meters(self, meters: Sequence[MeterRow], more: bool = False) -> None:
        """Show these meters, and the detail of the first where none is selected. `more`: a page of them follows."""
        self.meters.show_rows(meters, more)
        if not meters and not self.narrowed:
            self.detail.setVisible(False)
            self.state.show_empty(
                "gauge",
                "No model has been used yet",
                "A model appears here when a request first asks to run it: with its limit as the network states it, "
                "what was used, and what is free.",
            )
            return
        self.state.show_content()
        self._none.setVisible(not meters)
        self._summary.setText(summary(meters, more) if meters else "")
        self.detail.setVisible(bool(meters))
        if meters and not self.selected:
            self.meters.table.select(meters[0].id)


def summary(meters: Sequence[MeterRow], more: bool = False) -> str:
    """All meters in one sentence, the states that need attention named first. `more`: these are not all of them."""
    used = sum(meter.used for meter in meters)
    parts = [f"The first {amount(len(meters))}: {inferences(used)} used" if more else f"{inferences(used)} used in all"]
    odd = sum(bool(meter.states) for meter in meters)
    unknown = sum(meter.mode not in ("stops", "unlimited") for meter in meters)
    unlimited = sum(meter.mode == "unlimited" and not meter.own_stops for meter in meters)
    up = sum((level(meter) or 0.0) >= 1 for meter in meters)
    for number, words in (
        (odd, "with something odd"),
        (up, "used up"),
        (unlimited, "unlimited"),
        (unknown, "with an unknown limit"),
    ):
        if number:
            parts.append(f"{amount(number)} {words}")
    return " · ".join(parts) + "."


class LimitsPage(Page):
    """Reads the meters, and the selected one in full; sets limits of one's own; hears what was done about alarms."""

    name = "Models & limits"
    title = "Models & limits"
    icon = "gauge"
    kinds = frozenset({"profile", "limit", "request", "network", "tour"})
    help_text = (
        "A row for every model in every project: how many inferences have passed, how many are promised to runs that "
        "have not ended, how many are free, and the limit that the network sets. The limit stops: a run that would go "
        "beyond it is not started, and one that reaches it is stopped.\n\n"
        "Unlimited means that the network was asked and sets no limit. Unknown means that nobody has said: then "
        "nothing is given out. Absent is never read as unlimited.\n\n"
        "Limits of your own stand beside the network's: for a model, a project, a requester or a datasource, in all or "
        "each month or day. The stricter one stops; one that warns only is told and stops nothing.\n\n"
        "The date on which a limit runs out comes from the whole weeks of use so far. In four cases out of five it "
        "lies in the band; with fewer than five weeks, no date is given."
    )

    def build(self) -> Iterator[None]:
        self._wanted, self._limit = "", PAGE
        clock = SystemClock()
        self.tabs = TabRow(
            [("models", "Models"), ("own", "Limits of your own"), ("alarms", "What is odd")], "Parts", self._turn
        )
        self.body.addWidget(self.tabs)
        self.add_action(PrimaryButton("Set a limit…", lambda: self._edit({}), "plus"))
        yield
        self.view = LimitsView(clock)
        self.body.addWidget(self.view)
        yield
        yield from self.view.build()
        # what else is read can come first, and a table without rows would say that there are none
        self.view.state.show_loading("Reading the models")
        yield
        self.own = OwnLimitsView()
        self.own.setVisible(False)
        self.body.addWidget(self.own)
        yield
        self.alarms = AlarmsView(clock)
        self.alarms.setVisible(False)
        self.body.addWidget(self.alarms)
        self._parts: Mapping[str, QWidget] = {"models": self.view, "own": self.own, "alarms": self.alarms}
        yield
        self.view.picked.connect(self._read_detail)
        self.view.filtered.connect(self._read_meters)
        self.view.meters.table.more_wanted.connect(self._read_more)
        detail = self.view.detail_view
        detail.request_wanted.connect(lambda request: self.desk.go("Requests", request))
        detail.forecast_wanted.connect(self._try)
        detail.limit_wanted.connect(self._edit)
        detail.alarms.seen_wanted.connect(self._seen)
        self.alarms.alarms.seen_wanted.connect(self._seen)
        self.own.set_wanted.connect(self._change)
        self.own.remove_wanted.connect(self._remove)
        self.own.history_wanted.connect(self._history)

    def refresh(self) -> None:
        self._read_meters()
        self.read("limits own", {}, self._own_came)
        self.read("limits alarms", {}, self._alarms_came)

    def open_subject(self, subject: str) -> None:
        if subject.startswith("own:"):
            self._show_part("own")
            self.own.table.select(subject.removeprefix("own:"))
            return
        self._show_part("models")
        self._wanted = subject
        self._select_wanted()

    def _turn(self, part: str) -> None:
        for key, widget in self._parts.items():
            widget.setVisible(key == part)

    def _show_part(self, part: str) -> None:
        self.tabs.pick(part)
        self._turn(part)

    def _asked(self, limit: int, after: str = "") -> Mapping[str, object]:
        narrowed = {"search": self.view.search.text(), "state": self.view.states.value()}
        return {**narrowed, "limit": limit, "after": after}

    def _read_meters(self) -> None:
        # as many as are there already: a page that was fetched does not go away with news
        self._limit = max(PAGE, len(self.view.meters.table.rows()))
        self.read("limits list", self._asked(self._limit), self._came)

    def _read_more(self) -> None:
        rows = self.view.meters.table.rows()

        def came(meters: tuple[MeterRow, ...]) -> None:
            if self.view.meters.table.rows() == rows:
                self.view.meters.table.add_rows(meters, more=len(meters) == PAGE)
                self._select_wanted()

        if rows:
            self.session.read(self, "limits list", self._asked(PAGE, rows[-1].id), came, self.desk.show_error)

    def _came(self, meters: tuple[MeterRow, ...]) -> None:
        before, more = self.view.selected, 0 < self._limit <= len(meters)
        self.view.show_meters(meters, more)
        self._select_wanted()
        if self._wanted and more:
            # what was asked for by name lies further down than has been fetched
            self._limit = 0
            self.read("limits list", self._asked(0), self._came)
        if before and before == self.view.selected:
            self._read_detail(before)

    def _own_came(self, limits: tuple[OwnRow, ...]) -> None:
        self.own.show_limits(limits)
        self.tabs.set_words("own", f"Limits of your own {len(limits)}" if limits else "Limits of your own")

    def _alarms_came(self, alarms: tuple[AlarmRow, ...]) -> None:
        self.alarms.show_alarms(alarms)
        self.tabs.set_words("alarms", f"What is odd {len(alarms)}" if alarms else "What is odd")

    def _select_wanted(self) -> None:
        if self._wanted and self.view.meters.table.select(self._wanted):
            self._wanted = ""

    def _read_detail(self, meter: str) -> None:
        if self.view.detail_view.detail is None:
            self.view.detail.show_loading("Reading its use")

        def came(detail: MeterDetail) -> None:
            if detail.row.id == self.view.selected:
                self.view.detail_view.show_detail(detail)
                self.view.detail.show_content()

        def failed(error: PodadminError) -> None:
            if meter == self.view.selected:
                self.view.detail.show_error(error, lambda: self._read_detail(meter))

        self.session.read(self, "limits show", {"meter": meter}, came, failed)

    def _try(self, arguments: Mapping[str, str]) -> None:
        meter, shown = self.view.selected, self.view.detail_view

        def came(forecast: ForecastView) -> None:
            if meter == self.view.selected:
                shown.show_forecast(forecast)

        self.session.read(self, "limits forecast", {"meter": meter, **arguments}, came, shown.forecast_failed)

    def _change(self, own: OwnRow | None) -> None:
        if own is None:
            self._edit({})
            return
        names = ("model", "project", "requester", "datasource", "no_project", "period", "effect")
        before = {name: getattr(own, name) for name in names}
        self._edit({**before, "amount": f"{own.amount:.0f}"}, changing=True)

    def _edit(self, before: Mapping[str, object], changing: bool = False) -> None:
        def record(arguments: Mapping[str, object], failed: Callable[[PodadminError], object]) -> None:
            def came(own: OwnRow) -> None:
                sheet.dismiss()
                self.desk.say(f"Recorded: {own.words}.")

            self.write("limits set", arguments, came, title="Recording the limit", failure=failed)

        sheet = OwnLimitSheet(self.desk.sheet_host, before, record, changing)
        sheet.open()

    def _remove(self, own: OwnRow) -> None:
        def remove(reason: str) -> None:
            self.write("limits remove", {"limit": own.id, "reason": reason}, lambda _: self.desk.say("Removed."))

        words = f"{own.words[:1].upper()}{own.words[1:]}. Its versions stay in the record."
        ReasonPrompt(self.desk.sheet_host, "Remove this limit", words, "Remove the limit", remove).open()

    def _history(self, own: OwnRow) -> None:
        def came(versions: tuple[OwnVersion, ...]) -> None:
            VersionsSheet(self.desk.sheet_host, versions).open()

        self.session.read(self, "limits history", {"limit": own.id}, came, self.desk.show_error)

    def _seen(self, alarm: AlarmRow) -> None:
        def seen(reason: str, accept: bool) -> None:
            arguments = {"alarm": alarm.id, "reason": reason, "accept": accept}
            self.write("limits acknowledge", arguments, lambda _: self.desk.say("Recorded what you did."))

        SeenSheet(self.desk.sheet_host, alarm, seen).open()
