"""Models & limits: what every model has used, what is promised, what is free, and what happens at the limit."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.limits import MeterDetail, MeterEvent, MeterRow
from podadmin.core.clock import Clock, SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.limit_words import (
    free_cell,
    inferences,
    level,
    limit_cell,
    mode_badge,
    mode_words,
)
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.chart import ChartCard, LineChart
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row, wrap
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.words import ago, amount, precise, when


class MeterTable(Card):
    """A row a model and project."""

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(flush=True, parent=parent)
        self.table = RowTable(
            "Models and limits",
            [
                Column("Model", lambda meter: meter.model, stretch=3),
                Column("Project", lambda meter: meter.project or "no project", stretch=2),
                Column("Use", lambda meter: [used for _, used in meter.series], "spark", width=10, spare=True),
                Column("Used", lambda meter: amount(meter.used), "number", width=8),
                Column("Reserved", lambda meter: amount(meter.reserved), "number", width=8, spare=True),
                Column("Free", free_cell, "number", width=8),
                Column("Limit", limit_cell, "number", width=8),
                Column("At the limit", mode_badge, "badge", width=13, tip=lambda meter: mode_words(meter)[2]),
                Column(
                    "Last used",
                    lambda meter: ago(meter.last_used, clock.now()),
                    width=12,
                    tip=lambda meter: precise(meter.last_used),
                    spare=True,
                ),
            ],
            fits=True,
        )
        self.body.addWidget(self.table)


class MeterDetailView(QWidget):
    """One meter: figures, its state in words, use by day with the limit, by requester, and every event."""

    request_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.detail: MeterDetail | None = None
        self._model = ElidedLabel("", "heading")
        self._project = PlainLabel("", "muted")
        self._badge_place = row()
        self._banner_place = column(gap=SPACE.s)
        self.figures = {name: FigureCard(name) for name in ("Used", "Reserved", "Free", "Limit")}
        self._chart = LineChart("Inferences used by day")
        self.chart_card = ChartCard("Inferences used, added up by day", self._chart)
        self.requesters = RowTable(
            "Use by requester",
            [
                Column("Requester", lambda pair: pair[0]),
                Column("Inferences", lambda pair: amount(pair[1]), "number", width=12),
                Column("Share", self._share, "number", width=8),
            ],
            row_key=lambda pair: pair[0],
            fits=True,
        )
        self.events = RowTable(
            "Events of this model",
            [
                Column("When", lambda event: when(event.at), width=18, tip=lambda event: precise(event.at)),
                Column("Requester", lambda event: event.requester, stretch=2),
                Column("Inferences", lambda event: amount(event.amount), "number", width=12),
                Column("Request", lambda event: event.request, "mono", stretch=2),
            ],
            row_key=lambda event: f"{event.request} {event.at.isoformat()}",
            fits=True,
        )
        self.events.opened.connect(self._open)
        by = Card("By requester", flush=True)
        by.body.addWidget(self.requesters)
        by.body.addStretch(1)
        listed = Card("Events", flush=True)
        listed.body.addWidget(self.events)
        listed.body.addStretch(1)
        figures = CardGrid(SIZE.figure_least)
        figures.set_cards(list(self.figures.values()))
        self.setLayout(
            column(
                column(row((self._model, 1), self._badge_place), self._project, gap=SPACE.xs),
                self._banner_place,
                figures,
                self.chart_card,
                row((by, 2), (listed, 3), gap=SPACE.l),
            )
        )

    def show_detail(self, detail: MeterDetail) -> None:
        """Show a meter."""
        if detail == self.detail:
            return
        self.detail = detail
        meter = detail.row
        self._model.setText(meter.model)
        self._project.setText(f"Project {meter.project}" if meter.project else "In no project")
        clear(self._badge_place)
        self._badge_place.addWidget(Badge(mode_badge(meter)))
        clear(self._banner_place)
        tone, title, words = mode_words(meter)
        self._banner_place.addWidget(Banner(tone, words, title=title))
        self._show_figures(meter)
        self._chart.set_series(meter.series, meter.limit, "inferences")
        self.chart_card.refresh()
        self.requesters.set_rows(detail.by_requester)
        self.events.set_rows(detail.events)

    def _show_figures(self, meter: MeterRow) -> None:
        part = level(meter)
        of = f"{min(part, 9.99):.0%} of the limit is taken" if part is not None else "No limit to compare with"
        self.figures["Used"].set(amount(meter.used), of)
        promised = "Promised to runs that have not ended" if meter.reserved else "No run has a promise now"
        self.figures["Reserved"].set(amount(meter.reserved), promised)
        if meter.mode == "unlimited":
            self.figures["Free"].set("No end", "Nothing stops it", "warn")
            self.figures["Limit"].set("None", "The network sets none", "warn")
        elif meter.limit is None:
            self.figures["Free"].set("Nothing", "Given out once the limit is known", "bad")
            self.figures["Limit"].set("Not known", "Unknown is not unlimited", "bad")
        else:
            self.figures["Free"].set(
                amount(meter.free or 0.0),
                "Can still be promised" if meter.free else "Nothing more can be promised",
                "plain" if meter.free else "bad",
            )
            self.figures["Limit"].set(amount(meter.limit), "Stops what would go beyond")

    def _share(self, pair: tuple[str, float]) -> str:
        total = sum(used for _, used in self.detail.by_requester) if self.detail is not None else 0.0
        return f"{pair[1] / total:.0%}" if total else "–"

    def _open(self, event: MeterEvent) -> None:
        self.request_wanted.emit(event.request)


class LimitsView(QWidget):
    """The table, and below it the selected meter. `picked(id)` asks for the detail of a meter."""

    picked = Signal(str)

    def __init__(self, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.meters = MeterTable(clock)
        self.meters.table.picked.connect(lambda meter: self.picked.emit(meter.id))
        self._summary = PlainLabel("", "muted", wrap=True)
        self.detail_view = MeterDetailView()
        self.detail = StateView(self.detail_view)
        self.detail.setVisible(False)
        content = wrap(column(self.meters, self._summary, self.detail, STRETCH))
        self.state = StateView(content)
        self.setLayout(column(self.state))

    @property
    def selected(self) -> str:
        """The id of the selected meter; empty where there is none."""
        row_now = self.meters.table.current_row()
        return row_now.id if isinstance(row_now, MeterRow) else ""

    def show_meters(self, meters: Sequence[MeterRow]) -> None:
        """Show these meters, and the detail of the first where none is selected."""
        self.meters.table.set_rows(meters)
        if not meters:
            self.detail.setVisible(False)
            self.state.show_empty(
                "gauge",
                "No model has been used yet",
                "A model appears here when a request first asks to run it: with its limit as the network states it, "
                "what was used, and what is free.",
            )
            return
        self.state.show_content()
        self._summary.setText(summary(meters))
        self.detail.setVisible(True)
        if not self.selected:
            self.meters.table.select(meters[0].id)


def summary(meters: Sequence[MeterRow]) -> str:
    """All meters in one sentence, the states that need attention named first."""
    used = sum(meter.used for meter in meters)
    parts = [f"{inferences(used)} used in all"]
    unknown = sum(meter.mode not in ("stops", "unlimited") for meter in meters)
    unlimited = sum(meter.mode == "unlimited" for meter in meters)
    up = sum((level(meter) or 0.0) >= 1 for meter in meters)
    for number, words in ((up, "used up"), (unlimited, "unlimited"), (unknown, "with an unknown limit")):
        if number:
            parts.append(f"{amount(number)} {words}")
    return " · ".join(parts) + "."


class LimitsPage(Page):
    """Reads the meters, and the selected one in full."""

    name = "Models & limits"
    title = "Models & limits"
    icon = "gauge"
    kinds = frozenset({"profile", "limit", "request", "network", "tour"})
    help_text = (
        "A row for every model in every project: how many inferences have passed, how many are promised to runs that "
        "have not ended, how many are free, and the limit that the network sets. The limit stops: a run that would go "
        "beyond it is not started, and one that reaches it is stopped.\n\n"
        "Unlimited means that the network was asked and sets no limit. Unknown means that nobody has said: then "
        "nothing is given out. Absent is never read as unlimited."
    )

    def build(self) -> None:
        self._wanted = ""
        self.view = LimitsView(SystemClock())
        self.view.picked.connect(self._read_detail)
        self.view.detail_view.request_wanted.connect(lambda request: self.desk.go("Requests", request))
        self.body.addWidget(self.view)

    def refresh(self) -> None:
        self.read("limits list", {}, self._came)

    def open_subject(self, subject: str) -> None:
        self._wanted = subject
        self._select_wanted()

    def _came(self, meters: tuple[MeterRow, ...]) -> None:
        before = self.view.selected
        self.view.show_meters(meters)
        self._select_wanted()
        if before and before == self.view.selected:
            self._read_detail(before)

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
