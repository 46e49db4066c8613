"""One model in one project: figures, its state in words, the chart with its forecast, what if, and who used it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.limits import ForecastView, MeterDetail, MeterEvent, MeterRow
from podadmin.core.clock import Clock
from podadmin.core.errors import PodadminError
from podadmin.desktop.pages.limit_words import level, mode_badge, mode_words
from podadmin.desktop.pages.limits_alarms import AlarmList
from podadmin.desktop.pages.limits_chart import ForecastChart, dense
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import GhostButton, QuietButton, TabRow
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.chart import ChartCard
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.words import amount, precise, when

BY = (("requester", "Requester"), ("project", "Project"), ("datasource", "Datasource"), ("day", "Day"))
MOST_DAYS = 60


class WhatIf(QWidget):
    """Three numbers to try: another limit, one more grant, more use. `asked(arguments)`; empty arguments: as it is."""

    asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields = {
            "limit": TextField("If the limit were", placeholder="as it is"),
            "at_once": TextField("If one more grant had", placeholder="no other grant"),
            "weekly": TextField("If more were used each week", placeholder="as much as now"),
        }
        self._reckon = QuietButton("Reckon", self._ask, "refresh-cw")
        self._back = GhostButton("As it is", self.reset)
        for field in self.fields.values():
            field.line.returnPressed.connect(self._ask)
        fields = row(*((field, 1) for field in self.fields.values()))
        self.setLayout(column(fields, row(self._reckon, self._back, STRETCH), gap=SPACE.s))

    def reset(self) -> None:
        """Forget what was tried."""
        self.forget()
        self.asked.emit({})

    def forget(self) -> None:
        """Empty the fields and ask nothing."""
        for field in self.fields.values():
            field.set_value("")
            field.set_error("")

    def arguments(self) -> Mapping[str, str]:
        """What is filled in, as the act takes it."""
        given = {name: field.value().strip() for name, field in self.fields.items()}
        return {name: value for name, value in given.items() if value}

    def _ask(self) -> None:
        wrong = False
        for field in self.fields.values():
            value = field.value().strip()
            good = not value or value.isdecimal()
            field.set_error("" if good else "A whole number of inferences")
            wrong = wrong or not good
        if not wrong:
            self.asked.emit(self.arguments())


class MeterDetailView(Part):
    """One meter in full."""

    request_wanted = Signal(str)
    forecast_wanted = Signal(object)
    limit_wanted = Signal(object)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.detail: MeterDetail | None = None
        self._clock = clock
        self._place = column()
        self.setLayout(self._place)

    def build(self) -> Iterator[None]:
        """Make its cards, from the top to the bottom."""
        self._model = ElidedLabel("", "heading")
        self._project = PlainLabel("", "muted")
        self._badge_place = row()
        self._banner_place = column(gap=SPACE.s)
        self.alarms = AlarmList(self._clock)
        self._place.addLayout(column(row((self._model, 1), self._badge_place), self._project, gap=SPACE.xs))
        self._place.addWidget(self.alarms)
        self._place.addLayout(self._banner_place)
        yield
        self.figures = {name: FigureCard(name) for name in ("Used", "Reserved", "Free", "Limit")}
        figures = CardGrid(SIZE.figure_least)
        figures.set_cards(list(self.figures.values()))
        self._place.addWidget(figures)
        yield
        self._chart = ForecastChart("Inferences used by day")
        self.chart_card = ChartCard("Inferences used, added up by day", self._chart)
        self._place.addWidget(self.chart_card)
        yield
        self._forecast = PlainLabel("", wrap=True, selectable=True)
        runs_out = Card("When it runs out")
        runs_out.body.addWidget(self._forecast)
        self._place.addWidget(runs_out)
        self.what_if = WhatIf()
        self.what_if.asked.connect(self.forecast_wanted.emit)
        runs_out.body.addWidget(self.what_if)
        yield
        self._own = Card("Limits of your own that apply here", action=self._set_button())
        self._own_words = PlainLabel("", wrap=True)
        self._own.body.addWidget(self._own_words)
        self._place.addWidget(self._own)
        below = row(gap=SPACE.l)
        self._place.addLayout(below)
        yield
        below.addWidget(self._build_uses(), 2)
        yield
        below.addWidget(self._build_events(), 3)
        yield

    def _build_uses(self) -> Card:
        self._by = TabRow(BY, "Use by", lambda _: self._show_by())
        self.requesters = RowTable(
            "Use by requester",
            [
                Column("Name", lambda pair: pair[0] or "none"),
                Column("Inferences", lambda pair: amount(pair[1]), "number", width=12),
                Column("Share", self._share, "number", width=8),
            ],
            row_key=lambda pair: pair[0],
            fits=True,
        )
        by = Card("Use by", flush=True)
        by.body.addLayout(row(self._by, margin=SPACE.s))
        by.body.addWidget(self.requesters)
        by.body.addStretch(1)
        return by

    def _build_events(self) -> Card:
        self.events = RowTable(
            "Events of this model",
            [
                Column("When", lambda event: when(event.at), width=18, tip=lambda event: precise(event.at)),
                Column("Requester", lambda event: event.requester, stretch=2),
                Column("Datasource", lambda event: event.datasource or "none", stretch=1, spare=True),
                Column("Inferences", lambda event: amount(event.amount), "number", width=12),
                Column("Request", lambda event: event.request, "mono", stretch=2),
            ],
            row_key=lambda event: f"{event.request} {event.at.isoformat()}",
        )
        self.events.opened.connect(self._open)
        listed = Card("Events", flush=True)
        listed.body.addWidget(self.events)
        listed.body.addStretch(1)
        return listed

    def show_detail(self, detail: MeterDetail) -> None:
        """Show a meter."""
        if detail == self.detail:
            return
        another = self.detail is None or self.detail.row.id != detail.row.id
        self.detail = detail
        meter = detail.row
        self._model.setText(meter.model)
        self._project.setText(f"Project {meter.project}" if meter.project else "In no project")
        clear(self._badge_place)
        self._badge_place.addWidget(Badge(mode_badge(meter)))
        open_alarms = [alarm for alarm in detail.alarms if alarm.seen_at is None]
        self.alarms.show_alarms(open_alarms)
        self.alarms.setVisible(bool(open_alarms))
        clear(self._banner_place)
        tone, title, words = mode_words(meter)
        self._banner_place.addWidget(Banner(tone, words, title=title))
        self._show_figures(meter)
        if another or not self.what_if.arguments():
            self.what_if.forget()
            self.show_forecast(detail.forecast)
        self._own_words.setText(own_words(detail))
        self._show_by()
        self.events.set_rows(detail.events)
        rows = min(max(len(detail.events), 1), 12)
        self.events.setFixedHeight(SIZE.header + rows * SIZE.row + SPACE.hair)

    def show_forecast(self, forecast: ForecastView | None) -> None:
        """Show how use is expected to go on."""
        if self.detail is None:
            return
        meter = self.detail.row
        today = self._clock.now().date().isoformat()
        past = dense(meter.series, today)
        # the network may know of more use than this pod: the line ends where the meter stands
        more = meter.used - past[-1][1] if past else 0.0
        taken = meter.used + meter.reserved
        path = forecast.path if forecast is not None else ()
        ahead = [(day, taken + low, taken + middle, taken + high) for day, low, middle, high in path]
        tried = forecast is not None and forecast.free is not None
        limit = taken + forecast.free if tried and forecast is not None and forecast.free else meter.limit
        self._chart.set_use([(day, used + more) for day, used in past], ahead, limit)
        self.chart_card.refresh()
        self._forecast.setText(forecast.words if forecast is not None else "")

    def forecast_failed(self, error: PodadminError) -> None:
        """What was tried cannot be reckoned."""
        self._forecast.setText(f"{error.what} {error.why}")

    def _show_figures(self, meter: MeterRow) -> None:
        part = level(meter)
        of = f"{min(part, 9.99):.0%} of the limit is taken" if part is not None else "No limit to compare with"
        self.figures["Used"].set(amount(meter.used), of)
        promised = "Promised to runs that have not ended" if meter.reserved else "No run has a promise now"
        self.figures["Reserved"].set(amount(meter.reserved), promised)
        if meter.mode == "unlimited" and not meter.own_stops:
            self.figures["Free"].set("No end", "Nothing stops it", "warn")
            self.figures["Limit"].set("None", "The network sets none", "warn")
        elif meter.mode != "unlimited" and meter.limit is None:
            self.figures["Free"].set("Nothing", "Given out once the limit is known", "bad")
            self.figures["Limit"].set("Not known", "Unknown is not unlimited", "bad")
        else:
            self.figures["Free"].set(
                amount(meter.free or 0.0),
                "Can still be promised" if meter.free else "Nothing more can be promised",
                "plain" if meter.free else "bad",
            )
            if meter.limit is None:
                self.figures["Limit"].set("Your own", "The network sets none; yours stops")
            else:
                self.figures["Limit"].set(amount(meter.limit), "Stops what would go beyond")

    def _show_by(self) -> None:
        self.requesters.set_rows(self._pairs())

    def _pairs(self) -> Sequence[tuple[str, float]]:
        if self.detail is None:
            return ()
        return {
            "requester": self.detail.by_requester,
            "project": self.detail.by_project,
            "datasource": self.detail.by_datasource,
            "day": self.detail.by_day[:MOST_DAYS],
        }[self._by.current]

    def _share(self, pair: tuple[str, float]) -> str:
        total = sum(used for _, used in self._pairs())
        return f"{pair[1] / total:.0%}" if total else "–"

    def _open(self, event: MeterEvent) -> None:
        self.request_wanted.emit(event.request)

    def _set_button(self) -> QuietButton:
        return QuietButton("Set a limit…", self._want_limit, name="Set a limit of your own for this model")

    def _want_limit(self) -> None:
        if self.detail is not None:
            self.limit_wanted.emit({"model": self.detail.row.model, "project": self.detail.row.project})


def own_words(detail: MeterDetail) -> str:
    """The custodian's own limits on a meter, one a line."""
    if not detail.own:
        return "None. Only the network's limit counts."
    return "\n".join(
        f"{own.words[:1].upper()}{own.words[1:]}: {amount(own.used)} used, {amount(own.free)} free; "
        f"{own.effect_words.lower()}."
        for own in detail.own
    )
