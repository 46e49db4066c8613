"""Overview: what needs the custodian now, and the last seven days. Until the first steps are done, those steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Done
from podadmin.app.views.overview import DayCounts, Need, Overview
from podadmin.app.views.status import Status
from podadmin.core.text import stranger
from podadmin.desktop.page import Page
from podadmin.desktop.pages.first_start import FirstStartPage, open_words
from podadmin.desktop.slices import at_once
from podadmin.desktop.theme.tokens import SIZE, SPACE, TONE_ICONS
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.chart import BarChart, ChartCard
from podadmin.desktop.widgets.layout import CardGrid, clear, column, row, rule
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import amount, count, whole

_INKS: Final = {"info": "accent_text", "good": "good", "warn": "warn", "bad": "bad"}
_VERDICTS: Final = (
    ("approved", "Approved", "good"),
    ("granted", "Granted", "series_1"),
    ("held", "Held", "warn"),
    ("refused", "Refused", "bad"),
    ("invalid", "Not valid", "plain"),
)
"""The verdicts of the chart, from the bottom up, and their tones; others are shown by their own name."""
_MODELS_SHOWN: Final = 3
_MODEL_TONES: Final = ("series_1", "series_2", "series_3")
_OTHERS: Final = "other models"


class NeedLine(QWidget):
    """One thing that needs a person, with the one act that meets it."""

    def __init__(self, need: Need, on_go: Callable[[str, str], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        button = QuietButton(need.action, lambda: on_go(need.page, need.subject), name=f"{need.action}: {need.title}")
        words = column(
            PlainLabel(need.title, "medium", wrap=True),
            PlainLabel(need.detail, "muted", wrap=True),
            gap=SPACE.hair,
        )
        mark = IconMark(TONE_ICONS.get(need.tone, "info"), _INKS.get(need.tone, "muted"))
        self.setLayout(row(mark, (words, 1), button, gap=SPACE.m))


class NeedsCard(Card):
    """What needs a person now, most urgent first; calm where nothing does."""

    def __init__(self, on_go: Callable[[str, str], object], parent: QWidget | None = None) -> None:
        super().__init__("Needs you now", parent=parent)
        self._go = on_go
        self._lines = column(gap=SPACE.m)
        self.body.addLayout(self._lines)
        self._shown: tuple[Need, ...] | None = None

    def show_needs(self, needs: Sequence[Need]) -> None:
        """Show these needs."""
        if tuple(needs) == self._shown:
            return
        self._shown = tuple(needs)
        clear(self._lines)
        if not needs:
            words = column(
                PlainLabel("Nothing needs you", "medium"),
                PlainLabel("No request waits, no limit runs out, and every datasource can be read.", "muted"),
                gap=SPACE.hair,
            )
            self._lines.addLayout(row(IconMark("circle-check", "good"), (words, 1), gap=SPACE.m))
        for place, need in enumerate(needs):
            if place:
                self._lines.addWidget(rule())
            self._lines.addWidget(NeedLine(need, self._go))


class OverviewView(QWidget):
    """Needs, four figures, and two charts of the last seven days."""

    def __init__(self, on_go: Callable[[str, str], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.needs = NeedsCard(on_go)
        self.held = FigureCard("Waiting for you")
        self.decided = FigureCard("Decided in seven days")
        self.inferences = FigureCard("Inferences in seven days")
        self.datasources = FigureCard("Datasources")
        figures = CardGrid(SIZE.figure_least)
        figures.set_cards([self.held, self.decided, self.inferences, self.datasources])
        self.verdicts = BarChart("Requests by verdict")
        self.models = BarChart("Inferences by model")
        self._verdicts_card = ChartCard("Requests by verdict, last seven days", self.verdicts)
        self._models_card = ChartCard("Inferences by model, last seven days", self.models)
        charts = CardGrid(SIZE.field)
        charts.set_cards([self._verdicts_card, self._models_card])
        self.setLayout(column(self.needs, figures, charts, gap=SPACE.l))

    def show_overview(self, overview: Overview) -> None:
        """Show these facts."""
        at_once(self.show_in_turns(overview))

    def show_in_turns(self, overview: Overview) -> Iterator[None]:
        """Show these facts, card by card."""
        self.needs.show_needs(overview.needs)
        yield
        waits = "nothing waits" if not overview.held else "open Requests to decide"
        self.held.set(whole(overview.held), waits, "warn" if overview.held else "plain")
        self.decided.set(whole(overview.decided_week), "by you and by grants")
        self.inferences.set(amount(overview.inferences_week), "counted at the gate")
        connected = "connected and described" if overview.datasources else "none is connected yet"
        self.datasources.set(whole(overview.datasources), connected)
        yield
        self.verdicts.set_days(overview.requests_by_day, verdict_series(overview.requests_by_day))
        days, series = model_series(overview.inferences_by_day)
        self.models.set_days(days, series)
        yield
        asked = round(sum(sum(day.counts.values()) for day in overview.requests_by_day))
        words = f"{count(asked, 'request', 'requests')} in these seven days."
        _note(self._verdicts_card, words if asked else "Nothing was asked of this pod in these days.")
        used = sum(sum(day.counts.values()) for day in overview.inferences_by_day)
        _note(self._models_card, f"{amount(used)} inferences in all." if used else "No model was used in these days.")


def _note(card: ChartCard, words: str) -> None:
    """The line below a chart: what it adds up to, or that it is empty."""
    card.note.setText(words)
    card.note.setVisible(True)
    card.refresh()


def verdict_series(days: Sequence[DayCounts]) -> tuple[tuple[str, str, str], ...]:
    """The verdicts that occur, in their usual order; those that one always looks for where nothing occurred."""
    found = {name for day in days for name, number in day.counts.items() if number}
    known = [entry for entry in _VERDICTS if entry[0] in found]
    names = {name for name, _, _ in _VERDICTS}
    others = [(name, stranger(name, 24).capitalize(), "series_5") for name in sorted(found - names)]
    return (*known, *others) or (_VERDICTS[0], _VERDICTS[2], _VERDICTS[3])


def model_series(days: Sequence[DayCounts]) -> tuple[tuple[DayCounts, ...], tuple[tuple[str, str, str], ...]]:
    """The days with the most used models by name and the rest as one, and the series for the chart.

    Names of models are strangers' text: they are made visible and cut.
    """
    totals: dict[str, float] = {}
    for day in days:
        for name, number in day.counts.items():
            totals[name] = totals.get(name, 0.0) + number
    most = sorted((name for name in totals if totals[name]), key=lambda name: (-totals[name], name))
    named, rest = most[:_MODELS_SHOWN], frozenset(most[_MODELS_SHOWN:])
    made = tuple(
        DayCounts(
            day.day,
            {
                **{f"m:{name}": day.counts.get(name, 0.0) for name in named},
                _OTHERS: sum(number for name, number in day.counts.items() if name in rest),
            },
        )
        for day in days
    )
    series = [(f"m:{name}", stranger(name, 28), tone) for name, tone in zip(named, _MODEL_TONES, strict=False)]
    if rest:
        series.append((_OTHERS, count(len(rest), "other model", "other models"), "series_5"))
    return made, tuple(series)


class OverviewPage(Page):
    """The overview, or the first steps in its place while some of them are open."""

    name = "Overview"
    title = "Overview"
    icon = "layout-dashboard"
    kinds = frozenset(
        {"profile", "pod", "gate", "key", "keyring", "datasource", "schema", "network", "request", "limit", "tour"}
    )
    help_text = (
        "What needs you now stands on top, each with the one act that meets it. Below are the last seven days: what "
        "was asked of this pod and how it was decided, and how much the models have been used.\n\n"
        "On a fresh profile this page shows the first steps instead: choose where secrets live, make a pod, connect "
        "a datasource, and join a network. The tour does all of that with demo data on this machine."
    )

    def build(self) -> Iterator[None]:
        self._later = False
        self._status: Status | None = None
        self._has_overview = False
        self.first_start: FirstStartPage | None = None
        self._first_start_comes = False
        self.view = OverviewView(self.desk.go)
        yield
        self._tour = Banner(
            "info",
            "The pod, its data, the network and the requester are demo ones on this machine. Removing the tour empties "
            "this profile, its journal included, when podadmin starts the next time.",
            "Remove the tour",
            self._remove_tour,
            title="This is the tour",
        )
        self._open_steps = Banner(
            "info", "", "Show the first steps", self._show_steps, title="Some first steps are open"
        )
        for part in (self._tour, self._open_steps, self.view):
            part.setVisible(False)
            self.body.addWidget(part)
            yield

    def _make_first_start(self) -> None:
        """The first steps; most windows never show them."""
        made = FirstStartPage(self.desk)
        made.later.connect(self._set_up_later)
        made.setVisible(False)
        self.body.insertWidget(self.body.indexOf(self.view), made)

        def made_all() -> None:
            self.first_start = made
            self._arrange()

        self._first_start_comes = True
        self.build_in_turns(made, made_all, "the first steps")

    def refresh(self) -> None:
        self.read("status", {}, self._status_came)
        self.read("overview", {}, self._overview_came)

    def _status_came(self, status: Status) -> None:
        self._status = status
        self._arrange()

    def _overview_came(self, overview: Overview) -> None:
        def over() -> None:
            self._has_overview = True
            self._arrange()

        self.in_turns(self.view.show_in_turns(overview), over)

    def _arrange(self) -> None:
        """The first steps while some are open, else the overview; with a reminder where steps were put off."""
        status = self._status
        if status is None:
            return
        steps = bool(status.needs_setup) and not self._later
        put_off = bool(status.needs_setup) and self._later
        self.set_title("Welcome to podadmin" if steps else self.title)
        self._tour.setVisible(status.tour and not steps)
        if put_off:
            self._open_steps.set("info", open_words(status))
        self._open_steps.setVisible(put_off)
        if steps and not self._first_start_comes:
            self._make_first_start()
        elif self.first_start is not None:
            self.first_start.show_status(status)
            self.first_start.setVisible(steps)
        self.view.setVisible(self._has_overview and not steps)

    def _set_up_later(self) -> None:
        self._later = True
        self._arrange()

    def _show_steps(self) -> None:
        self._later = False
        self._arrange()

    def _remove_tour(self) -> None:
        def removed(done: Done) -> None:
            self.notice("info", done.words)
            self.refresh()

        self.write("tour remove", {}, removed, title="Removing the tour")
