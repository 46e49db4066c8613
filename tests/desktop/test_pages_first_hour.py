"""Overview, first start and networks: what is so is shown, what can be done next is one press away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from podadmin.app.views.overview import DayCounts
from podadmin.app.views.status import KeyringView, PodView
from podadmin.core.errors import Unavailable
from podadmin.desktop.pages.first_start import FirstStartPage, open_words
from podadmin.desktop.pages.networks import NetworkCardView, NetworksPage
from podadmin.desktop.pages.overview import OverviewView, model_series, verdict_series
from podadmin.desktop.session import RunningJob
from podadmin.desktop.slices import at_once, complete
from tests.desktop import request_views as v
from tests.desktop.hands import Show, W, press, texts
from tests.desktop.held import Desk, Window


@pytest.fixture
def window(qapp: QApplication) -> Iterator[Window]:
    made = Window()
    yield made
    delete(made.sheet_host)
    vars(made).clear()


@pytest.fixture
def start(window: Window) -> Iterator[FirstStartPage]:
    yield from on_screen(complete(FirstStartPage(window)))


def on_screen(widget: W) -> Iterator[W]:
    """Show a widget for the length of a test, and let nothing of it outlive the test."""
    widget.resize(1000, 800)
    widget.show()
    yield widget
    delete(widget)
    vars(widget).clear()


def test_on_a_fresh_profile_every_step_says_how_it_stands_and_what_comes_first(start: FirstStartPage) -> None:
    start.show_status(v.status("keyring", "pod", "datasource", "network"))
    assert [step.state for step in (start.keyring, start.pod, start.datasource, start.network)] == [
        "Next",
        "Not yet",
        "Not yet",
        "Not yet",
    ]
    assert not start.pod.act.isEnabled()
    assert "First choose where secrets live" in start.pod.act.accessibleDescription()
    assert not start.network.act.isEnabled()
    assert start.tour.act.isEnabled()


def test_once_the_pod_is_made_its_key_is_shown_and_the_rest_can_be_done_in_any_order(start: FirstStartPage) -> None:
    start.show_status(v.status("datasource", "network"))
    said = texts(start)
    assert "custodian/eye-clinic" in said
    assert "9f86 d081 884c 7d65" in said
    assert start.datasource.state == "Next"
    assert start.datasource.act.isEnabled()
    assert start.network.act.isEnabled()
    assert not start.tour.isVisible(), "the tour would mix its data into a profile that is in use"


def test_a_keyring_that_forgets_is_never_just_done(start: FirstStartPage) -> None:
    keyring = KeyringView("ready", "memory only", "Secrets are kept in memory only.", "", forgets=True)
    start.show_status(v.status("pod", keyring=keyring))
    assert start.keyring.state == "Needs attention"
    assert "Secrets are kept in memory only." in texts(start)


def test_memory_is_offered_only_without_a_screen_and_says_that_it_forgets(start: FirstStartPage) -> None:
    start.show_status(v.status("keyring", "pod"))
    words = [start.backend.choice.itemText(place) for place in range(start.backend.choice.count())]
    assert words[0] == "The keyring of this account"
    assert any("forgets" in each for each in words)
    start.backend.set_value("memory")
    assert "can never be opened again" in texts(start)


def test_a_pod_without_a_name_is_not_asked_for(start: FirstStartPage, window: Window) -> None:
    start.show_status(v.status("pod", "datasource", "network"))
    press(start, "Make the pod")
    assert "Give the pod a name first." in texts(start)
    assert window.session.jobs == []


def test_making_the_pod_shows_its_progress_and_cannot_be_asked_for_twice(start: FirstStartPage, window: Window) -> None:
    start.show_status(v.status("pod", "datasource", "network"))
    start.pod_name.set_value("eye-clinic")
    press(start, "Make the pod")
    assert [job.title for job in window.session.jobs] == ["Making the pod"]
    assert not start.pod.act.isEnabled()
    assert start.pod.job.isVisible()
    start.show_status(v.status("pod", "datasource", "network"))
    assert not start.pod.act.isEnabled(), "news that comes meanwhile does not open the step again"


def test_a_pod_of_a_real_network_is_brought_instead_of_made(start: FirstStartPage, window: Window) -> None:
    start.show_status(v.status("pod", "datasource", "network"))
    press(start, "Bring a pod that exists")
    assert window.went == [("Pod & gate", "")]
    assert window.session.jobs == []


def test_once_a_step_is_done_the_keyboard_goes_on_to_the_next(
    qtbot: QtBot, start: FirstStartPage, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Callable[[PodView], object]] = []

    def write(_owner: object, _act: str, _arguments: object, success: Callable[[PodView], object], *_: object) -> Any:
        given.append(success)
        return RunningJob("Making the pod")

    monkeypatch.setattr(window.session, "write", write)
    with qtbot.waitActive(start):
        start.activateWindow()
    start.show_status(v.status("pod", "datasource", "network"))
    start.pod_name.set_value("eye-clinic")
    start.pod.act.setFocus()
    press(start, "Make the pod")
    given[0](PodView("running", "eye-clinic"))
    start.show_status(v.status("pod", "datasource", "network"))
    assert not start.datasource.act.hasFocus(), "what came is older than the step"
    start.show_status(v.status("datasource", "network"))
    assert start.datasource.act.hasFocus()


def test_an_error_is_said_at_its_step_with_code_and_next_step(start: FirstStartPage) -> None:
    start.show_status(v.status("pod"))
    start.pod.show_error(Unavailable("vault.keyring-locked", "The keyring is locked.", "No password.", "Unlock it."))
    said = texts(start.pod)
    assert "The keyring is locked." in said
    assert "No password. Unlock it. (vault.keyring-locked)" in said
    start.pod.show_error(None)
    assert "The keyring is locked." not in texts(start.pod)


def test_connecting_data_leads_to_its_page_and_the_tour_is_one_press(start: FirstStartPage, window: Window) -> None:
    start.show_status(v.status("datasource", "network"))
    press(start, "Connect a datasource")
    assert window.went == [("Datasources", "new")]
    start.show_status(v.status("pod", "datasource", "network"))
    press(start, "Take the tour")
    assert window.session.jobs[-1].title == "Setting up the tour"


def test_the_open_steps_are_named_in_a_sentence() -> None:
    assert open_words(v.status("datasource", "network")) == "Connect a first datasource; join the local network."
    assert open_words(v.status()) == ""


@pytest.fixture
def overview(window: Window) -> Iterator[OverviewView]:
    yield from on_screen(OverviewView(window.go))


def test_every_need_has_one_act_that_leads_to_its_thing(overview: OverviewView, window: Window) -> None:
    overview.show_overview(v.OVERVIEW)
    press(overview, "Decide")
    press(overview, "See the datasource")
    assert window.went == [("Requests", v.ROW.id), ("Datasources", "ds_1")]


def test_calm_is_said_when_nothing_needs_anybody(overview: OverviewView) -> None:
    overview.show_overview(replace(v.OVERVIEW, needs=(), held=0))
    assert "Nothing needs you" in texts(overview)
    assert "nothing waits" in texts(overview)
    overview.show_overview(v.OVERVIEW)
    assert "Nothing needs you" not in texts(overview)


def test_figures_and_charts_say_what_they_add_up_to(overview: OverviewView) -> None:
    overview.show_overview(v.OVERVIEW)
    assert "41" in texts(overview)
    assert "requests in these seven days." in texts(overview)
    assert "Approved" in overview.verdicts.accessibleDescription()
    assert "acme/hba1c-risk:1 2" in overview.models.accessibleDescription()
    nothing = tuple(DayCounts(day, {}) for day in v.DAYS)
    overview.show_overview(replace(v.OVERVIEW, requests_by_day=nothing, inferences_by_day=nothing))
    assert "Nothing was asked of this pod in these days." in texts(overview)
    assert "No model was used in these days." in texts(overview)


def test_strangers_text_in_needs_and_models_is_made_visible(overview: OverviewView) -> None:
    need = replace(v.OVERVIEW.needs[0], title=v.NASTY, detail=v.NASTY)
    days = (DayCounts("2026-11-21", {v.NASTY: 3.0}),)
    overview.show_overview(replace(v.OVERVIEW, needs=(need,), inferences_by_day=days))
    for label in overview.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText
        assert "\u202e" not in label.text()
    assert "\u202e" not in overview.models.accessibleDescription()


def test_only_the_most_used_models_have_a_colour_and_nothing_is_lost() -> None:
    days = (DayCounts("2026-11-20", {f"m{n}": float(n) for n in range(6)}), DayCounts("2026-11-21", {"m5": 1.0}))
    made, series = model_series(days)
    assert [words for _, words, _ in series] == ["m5", "m4", "m3", "2 other models"]
    assert [sum(day.counts.values()) for day in made] == [15.0, 1.0]


def test_verdicts_keep_their_order_and_an_unknown_one_is_shown_by_name() -> None:
    days = (DayCounts("2026-11-21", {"refused": 1.0, "approved": 2.0, "surprise": 1.0}),)
    assert [words for _, words, _ in verdict_series(days)] == ["Approved", "Refused", "Surprise"]
    assert [words for _, words, _ in verdict_series(())] == ["Approved", "Held", "Refused"]


@pytest.fixture
def card(qapp: QApplication) -> Iterator[NetworkCardView]:
    yield from on_screen(NetworkCardView(v.NOT_JOINED))


def test_a_network_that_is_not_joined_can_be_joined_and_nothing_else(card: NetworkCardView) -> None:
    wanted: list[str] = []
    card.join_wanted.connect(wanted.append)
    names = [b.text() for b in card.findChildren(QPushButton) if b.isVisible()]
    assert names == ["Join the local network"]
    press(card, "Join the local network")
    assert wanted == ["local"]


def test_a_joined_network_says_what_it_can_see_and_lets_the_demo_requester_send(card: NetworkCardView) -> None:
    sent: list[str] = []
    card.send_wanted.connect(sent.append)
    card.show_card(v.LOCAL)
    assert "its name, its public key and the names of its datasources" in texts(card)
    card.what.set_value("unknown")
    press(card, "Send a demo request")
    assert sent == ["unknown"]
    card.show_card(replace(v.LOCAL, state="unreachable", words="It does not answer."))
    assert not card.send.isEnabled()
    assert "cannot be reached" in card.send.accessibleDescription()


def test_the_way_to_a_real_network_is_shown_until_one_is_joined(qtbot: QtBot, show: Show, host: QWidget) -> None:
    page = show(NetworksPage(Desk(host), sliced=True))
    qtbot.waitUntil(lambda: page.ready)
    page.state.show_content()
    at_once(page.show_cards((v.LOCAL,)))
    assert "Bring that pod" in texts(page.real)
    assert page.real.isVisibleTo(page)
    at_once(page.show_cards((v.LOCAL, replace(v.LOCAL, kind="bitfount", title="Bitfount"))))
    assert not page.real.isVisibleTo(page)
    page.hide()


def test_an_error_of_a_network_stands_on_its_card(card: NetworkCardView) -> None:
    card.show_error(Unavailable("local.folder", "The network was not started.", "Its folder is full.", "Make room."))
    assert "Its folder is full. Make room. (local.folder)" in texts(card)
    card.show_error(None)
    assert "Its folder is full." not in texts(card)
