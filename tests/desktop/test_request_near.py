"""Beside a request: earlier figures that tell of few people together with its own, counted where that is wanted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Permit
from podadmin.app.views.near import NearRow, NearView
from podadmin.core.errors import Cancelled, Unavailable
from podadmin.desktop.pages.request_near import COUNT, NearCard, NearPart
from tests.desktop.hands import Show, named, press, texts
from tests.desktop.held import Ready

AT = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
ROW = NearRow("req_0", "lab\u202e", AT, 2, '"age" < 59', None, "By how many records they differ was not counted.")
NEAR = NearView("req_1", "Figures about 1 other choice of this data may have left before.", (ROW,), Permit(True))
WORDS = "They differ by 1 record: the difference of both figures is about them alone."
COUNTED = replace(NEAR, rows=(replace(ROW, fewest=1, words=WORDS, tone="bad"),), counted=True, tone="bad")


class Session(Ready):
    """What takes long is seen in the status line: that is what counting is asked for with."""

    def answer_to(self, act: str, title: str) -> Any:
        assert bool(title) == bool(self.asked[-1][1].get("count"))
        return self.answers["counted" if title else act]


@pytest.fixture
def page(host: QWidget) -> Any:
    told: list[str] = []
    went: list[tuple[str, str]] = []
    desk = SimpleNamespace(sheet_host=host, go=lambda *where: went.append(where))
    return SimpleNamespace(
        session=Session({"requests near": NEAR, "counted": COUNTED}),
        desk=desk,
        notice=lambda _tone, words: told.append(words),
        told=told,
        went=went,
    )


def test_they_are_listed_and_counted_on_demand_and_what_was_counted_stays(show: Show, page: Any) -> None:
    card = show(NearCard())
    part = NearPart(page, card)
    part.read("req_1")
    assert "may have left before" in texts(card)
    assert [each.id for each in card.table.rows()] == ["req_0"]
    press(card, COUNT)
    assert page.session.asked[-1] == ("requests near", {"request": "req_1", "count": True})
    assert [each.fewest for each in card.table.rows()] == [1]
    assert not card.count.isVisible()
    part.read("req_1")
    assert [each.fewest for each in card.table.rows()] == [1]
    page.session.answers["requests near"] = replace(NEAR, rows=(ROW, replace(ROW, id="req_2")))
    part.read("req_1")
    assert [each.fewest for each in card.table.rows()] == [None, None]
    assert card.count.isVisible()
    card.table.opened.emit(ROW)
    assert page.went == [("Requests", "req_0")]


def test_another_request_shows_nothing_of_the_one_before(show: Show, page: Any) -> None:
    card = show(NearCard())
    part = NearPart(page, card)
    part.read("req_1")
    page.session.answers["requests near"] = NearView("req_9", "", (), Permit(True))
    part.read("req_9")
    assert not card.isVisible()
    page.session.answers["requests near"] = NEAR  # an answer that comes late
    part.read("req_9")
    assert not card.isVisible()


def test_where_the_data_is_elsewhere_the_button_says_why(show: Show, page: Any) -> None:
    card = show(NearCard())
    page.session.answers["requests near"] = replace(NEAR, may_count=Permit(False, "The data is elsewhere."))
    NearPart(page, card).read("req_1")
    assert not named(card, COUNT).isEnabled()
    assert "The data is elsewhere." in named(card, COUNT).toolTip()


@pytest.mark.parametrize(
    ("error", "told"), [(Cancelled(), 0), (Unavailable("sql.memory", "It was not counted.", "Why.", "Next."), 1)]
)
def test_what_was_not_counted_can_be_tried_again(show: Show, page: Any, error: Exception, told: int) -> None:
    card = show(NearCard())
    part = NearPart(page, card)
    part.read("req_1")
    page.session.answers["counted"] = error
    press(card, COUNT)
    assert len(page.told) == told
    assert named(card, COUNT).isEnabled()
