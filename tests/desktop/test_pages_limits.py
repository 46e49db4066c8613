"""Models & limits: own limits are set and explained, what is odd is loud, and a forecast is a band and a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from podadmin.app.views.limits import AlarmRow, ForecastView, MeterDetail, MeterRow, OwnRow
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, PodadminError
from podadmin.desktop.pages.limit_words import free_cell, limit_cell, mode_badge, mode_words
from podadmin.desktop.pages.limits import LimitsView, MeterTable, runs_out_tip, summary
from podadmin.desktop.pages.limits_alarms import AlarmsView, SeenSheet, alarm_title
from podadmin.desktop.pages.limits_chart import ForecastChart, dense
from podadmin.desktop.pages.limits_detail import MeterDetailView, WhatIf
from podadmin.desktop.pages.limits_own import OwnLimitSheet, OwnLimitsView, effect_badge
from podadmin.desktop.slices import complete
from podadmin.desktop.theme import style
from tests.desktop.hands import Show

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROW = MeterRow(
    id="mtr_1",
    model="acme/retina:3",
    project="amd",
    used=600.0,
    reserved=100.0,
    free=300.0,
    limit=1000.0,
    mode="stops",
    last_used=NOW,
    series=(("2026-11-18", 200.0), ("2026-11-20", 500.0)),
    taken=0.7,
    runs_out="9 Dec 2026 (2 Dec – 20 Dec)",
)
PATH = tuple((f"2026-11-{day}", 10.0 * n, 12.0 * n, 15.0 * n) for n, day in enumerate(range(22, 31), 1))
FORECAST = ForecastView("dated", "About 9 Dec.", "2026-12-09", "2026-12-02", "2026-12-20", 300.0, 84.0, 12, PATH)
OWN = OwnRow(
    "lim_1", 2, "at most 500 inferences a month for research-lab", "", "", "research-lab", "", False, "month", 500.0,
    "stops", "Stops", 100.0, 0.0, 400.0, "Agreed", "anna", NOW,
)  # fmt: skip
ALARM = AlarmRow(
    "alm_1", "backwards", "Use went backwards", "The total was 60 and is now said to be 20.", "Use cannot shrink.",
    "Ask the network's operator.", "acme/retina:3", "amd", "mtr_1", "", "task-7", NOW, None, "", "", True,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale("en_GB"))
    yield
    QLocale.setDefault(before)


def test_what_must_not_be_is_said_before_everything_else() -> None:
    odd = replace(ROW, states=("Use went backwards", "Unknown model"))
    assert (mode_badge(odd).word, mode_badge(odd).tone) == ("Use went backwards +1", "bad")
    assert mode_badge(replace(ROW, mode="unlimited", limit=None, free=None, taken=None)).word == "Unlimited"


def test_an_own_limit_that_stops_is_a_limit_where_the_network_sets_none() -> None:
    own = replace(ROW, mode="unlimited", limit=None, own_stops=True, taken=0.9)
    assert mode_badge(own).word == "Stops soon"
    assert limit_cell(own) == "your own"
    assert free_cell(own) == "300"
    assert "One of your own limits counts here too" in mode_words(own)[2]
    assert mode_badge(replace(own, warn_at=0.95)).word == "Stops"
    assert mode_badge(replace(own, taken=1.0)).word == "Used up"


def test_the_date_has_its_band_in_its_tip() -> None:
    assert runs_out_tip(ROW) == "About 9 Dec 2026; in four cases out of five 2 Dec – 20 Dec"
    assert runs_out_tip(replace(ROW, runs_out="too short a history")) == "too short a history"


def test_days_without_use_keep_the_value_before_them() -> None:
    assert dense(ROW.series, "2026-11-21") == (
        ("2026-11-18", 200.0), ("2026-11-19", 200.0), ("2026-11-20", 500.0), ("2026-11-21", 500.0),
    )  # fmt: skip
    assert dense((), "2026-11-21") == ()
    assert dense((("2026-01-01", 7.0), ("2026-11-21", 9.0)), "2026-11-21", 3) == (
        ("2026-11-19", 7.0), ("2026-11-20", 7.0), ("2026-11-21", 9.0),
    )  # fmt: skip
    # a clock that ran ahead has stamped a day that is still to come
    assert dense((("2026-11-20", 7.0), ("2026-11-23", 9.0)), "2026-11-21")[-1] == ("2026-11-23", 9.0)


def test_the_chart_says_in_words_and_as_a_table_what_it_draws(show: Show) -> None:
    chart: ForecastChart = show(ForecastChart("Inferences used by day"))
    assert chart.accessibleDescription() == ""
    chart.set_use((), ())
    assert chart.accessibleDescription() == "Nothing was used yet."
    chart.set_use(dense(ROW.series, "2026-11-21"), [(day, 700 + a, 700 + b, 700 + c) for day, a, b, c in PATH], 1000)
    chart.grab()
    said = chart.accessibleDescription()
    assert "The limit is 1,000." in said
    assert "in four cases out of five to between 790 and 835" in said
    lines = show(chart.as_table()).rows()
    assert lines[0][0] == "2026-11-21"
    assert lines[-1] == ("2026-11-30", "808", "790 to 835")
    plot = chart.plot()
    assert "used" in chart.words_at(plot.topLeft() + (plot.bottomLeft() - plot.topLeft()) / 2)
    assert "expected" in chart.words_at(plot.topRight() + (plot.bottomRight() - plot.topRight()) / 2)


def test_what_if_takes_whole_numbers_and_goes_back_to_what_is(show: Show) -> None:
    what_if: WhatIf = show(WhatIf())
    asked: list[Mapping[str, str]] = []
    what_if.asked.connect(asked.append)
    what_if.fields["limit"].set_value("2000")
    what_if.fields["weekly"].set_value("some")
    what_if.fields["limit"].line.returnPressed.emit()
    assert asked == []
    what_if.fields["weekly"].set_value("")
    what_if.fields["limit"].line.returnPressed.emit()
    assert asked == [{"limit": "2000"}]
    what_if.reset()
    assert asked[-1] == {}
    assert what_if.arguments() == {}


def test_the_detail_shows_alarms_the_forecast_and_use_from_four_sides(show: Show) -> None:
    view: MeterDetailView = show(complete(MeterDetailView(ManualClock(NOW))))
    detail = MeterDetail(
        ROW, (), (("research-lab", 400.0), ("other", 100.0)), (("amd", 500.0),), (("patients", 500.0),),
        (("2026-11-20", 300.0),), (OWN,), (ALARM, replace(ALARM, id="alm_2", seen_at=NOW)), FORECAST,
    )  # fmt: skip
    view.show_detail(detail)
    assert view.requesters.rows() == detail.by_requester
    view._by.pick("day")
    view._by.picked.emit("day")
    assert view.requesters.rows() == detail.by_day
    seen: list[AlarmRow] = []
    view.alarms.seen_wanted.connect(seen.append)
    assert view.alarms.isVisible()
    wanted: list[Mapping[str, str]] = []
    view.limit_wanted.connect(wanted.append)
    view._want_limit()
    assert wanted == [{"model": "acme/retina:3", "project": "amd"}]
    view.show_forecast(replace(FORECAST, free=1300.0))
    assert "The limit is 2,000." in view._chart.accessibleDescription()
    view.forecast_failed(BadInput("limit.bad-what-if", "Nothing was reckoned.", "It is no number.", "Give another."))
    view.show_detail(replace(detail, alarms=()))
    assert not view.alarms.isVisible()


def test_ten_thousand_models_scroll_in_a_table_of_ten_rows(show: Show) -> None:
    view: LimitsView = show(complete(LimitsView(ManualClock(NOW))))
    view.show_meters([replace(ROW, id=f"mtr_{place}") for place in range(10_000)], more=True)
    assert view.meters.table.height() < 600
    assert view.selected == "mtr_0"
    assert summary(view.meters.table.rows(), more=True).startswith("The first 10,000: ")
    view.search.setText("nothing like it")
    view.show_meters([])
    assert not view.detail.isVisible()
    assert view._none.isVisible()


def test_a_limit_is_set_with_a_reason_and_an_error_stays_in_the_sheet(host: QWidget) -> None:
    came: list[Mapping[str, object]] = []

    def record(arguments: Mapping[str, object], failed: Callable[[PodadminError], object]) -> None:
        came.append(arguments)
        failed(BadInput("limit.no-scope", "The limit was not set.", "It names nothing.", "Name a model."))

    sheet = OwnLimitSheet(host, {"model": "acme/retina:3"}, record)
    sheet.open()
    assert not sheet.confirm.isEnabled()
    sheet.fields["amount"].set_value("500")
    sheet.reason.set_value("Agreed with the board")
    sheet.confirm.click()
    sheet.confirm.click()
    assert came[0] == {
        "model": "acme/retina:3", "project": "", "requester": "", "datasource": "", "amount": "500",
        "no_project": False, "period": "total", "effect": "stops", "reason": "Agreed with the board",
    }  # fmt: skip
    assert sheet.isVisible()
    assert sheet._wrong.count() == 1
    sheet.dismiss()


def test_changing_a_limit_leaves_what_it_covers(host: QWidget) -> None:
    sheet = OwnLimitSheet(host, {"requester": "research-lab", "amount": "500", "period": "month"}, print, changing=True)
    sheet.open()
    assert sheet.fields["requester"].line.isReadOnly()
    assert not sheet.period.isEnabled()
    assert sheet.arguments()["period"] == "month"
    sheet.dismiss()


def test_own_limits_are_listed_with_what_can_be_done(show: Show) -> None:
    view: OwnLimitsView = show(OwnLimitsView())
    assert view._empty.isVisible()
    view.show_limits((OWN,))
    assert not view._empty.isVisible()
    asked: list[OwnRow] = []
    view.remove_wanted.connect(asked.append)
    view.remove.click()
    assert asked == [OWN]
    assert effect_badge(replace(OWN, free=0.0)).tone == "bad"
    assert effect_badge(replace(OWN, effect="warns", free=0.0)).tone == "warn"


def test_what_is_odd_is_loud_until_somebody_says_what_they_did(show: Show, host: QWidget) -> None:
    view: AlarmsView = show(AlarmsView(ManualClock(NOW)))
    view.show_alarms(())
    assert view._empty.isVisible()
    view.show_alarms((ALARM,))
    assert not view._empty.isVisible()
    assert alarm_title(ALARM) == "Use went backwards: acme/retina:3 in amd"
    said: list[tuple[str, bool]] = []
    sheet = SeenSheet(host, ALARM, lambda reason, accept: said.append((reason, accept)))
    sheet.open()
    assert not sheet.confirm.isEnabled()
    assert sheet.accept.isVisible()
    sheet.reason.set_value("The owner reset it")
    sheet.accept.set_value(True)
    sheet.confirm.click()
    assert said == [("The owner reset it", True)]


def test_the_figures_of_a_model_add_up_and_no_bar_lies_over_the_last_row(qtbot: QtBot) -> None:
    table = MeterTable(ManualClock(NOW))
    qtbot.addWidget(table)
    style.dress(table)
    for width in (700, 760, 1092, 1400):
        table.resize(width, 300)
        table.show()
        table.show_rows((ROW,))
        QApplication.processEvents()
        rows = table.table
        assert rows.horizontalScrollBar().maximum() == 0
        shown = [each.title for place, each in enumerate(rows._model.columns) if not rows.isColumnHidden(place)]
        assert {"Used", "Free", "Limit"} <= set(shown)
        assert ("Reserved" in shown) is (width >= 1092), "the drawing goes before the figure"
        assert ("Use" in shown) is (width >= 1400)
