"""The parts of the journal page: filters that tell once, saved ones, anchors with their states, what an export asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from PySide6.QtWidgets import QAbstractButton, QWidget

from podadmin.app.views.filters import SavedFilter
from podadmin.app.views.journal import AnchorView, JournalFilters
from podadmin.core.errors import Refused
from podadmin.desktop.pages.journal_anchors import AnchorsSheet
from podadmin.desktop.pages.journal_export import FORMATS, JournalExportSheet
from podadmin.desktop.pages.journal_filter import JournalFilter
from podadmin.desktop.pages.saved_filters import FilterNameSheet

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
VALUES = {"search": "words", "kind": "request", "actor": "anna", "since": "2026-03-01", "until": "2026-03-07"}
SAVED = SavedFilter("Last week", VALUES)
OFFER = JournalFilters(("request", "key", "novel"), ("anna", "gate"), (SAVED,))


def button(within: QWidget, words: str) -> QAbstractButton:
    return next(each for each in within.findChildren(QAbstractButton) if each.text() == words)


def test_a_choice_tells_once_and_what_is_chosen_stays_when_the_offer_is_renewed(qtbot: Any) -> None:
    filters = JournalFilter()
    qtbot.addWidget(filters)
    told: list[dict[str, str]] = []
    filters.changed.connect(lambda: told.append(filters.arguments()))
    filters.offer(OFFER)
    assert told == []
    assert not filters.on
    filters.kind.set_value("request")
    assert told == [{"kind": "request", "actor": "", "since": "", "until": ""}]
    filters.offer(OFFER)
    assert filters.kind.value() == "request"
    assert len(told) == 1
    assert [filters.kind.itemText(place) for place in range(4)] == ["Everything", "Requests", "Keys", "Novel"]
    button(filters, "Clear the filters").click()
    assert not filters.on
    assert len(told) == 2


def test_a_day_is_asked_for_when_it_was_entered_and_not_before(qtbot: Any) -> None:
    filters = JournalFilter()
    qtbot.addWidget(filters)
    told: list[str] = []
    filters.changed.connect(lambda: told.append(filters.arguments()["since"]))
    filters.since.setText("2026-03")
    assert told == []
    filters.since.editingFinished.emit()
    filters.since.editingFinished.emit()
    assert told == ["2026-03"]


def test_a_saved_filter_sets_all_of_them_at_once(qtbot: Any) -> None:
    filters = JournalFilter()
    qtbot.addWidget(filters)
    filters.offer(OFFER)
    picked: list[SavedFilter] = []
    removed: list[str] = []
    filters.picked_saved.connect(picked.append)
    filters.saved.remove_wanted.connect(removed.append)
    filters.saved.choice.set_value("Last week")
    assert picked == [SAVED]
    assert filters.arguments() == {"kind": "request", "actor": "anna", "since": "2026-03-01", "until": "2026-03-07"}
    button(filters, "Remove this filter").click()
    assert removed == ["Last week"]


def test_a_filter_needs_a_name(host: QWidget) -> None:
    named: list[str] = []
    sheet = FilterNameSheet(host, named.append)
    sheet.open()
    assert not sheet.confirm.isEnabled()
    sheet.name.set_value("  mine ")
    sheet.confirm.click()
    assert named == ["mine"]


VIEWS = (
    AnchorView("keyring", "keyring", "the keyring", "behind", "It proves 3.", 3, AT),
    AnchorView("anchor_1", "file", "/media/stick/\u202eanchor.json", "wrong", "It does not fit.", 9, AT),
    AnchorView("anchor_2", "time-stamp", "https://tsa.example", "waiting", "Nothing yet."),
)


def test_anchors_are_listed_with_their_states_and_only_some_can_be_given_up(host: QWidget) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    sheet = AnchorsSheet(host, lambda act, given: asked.append((act, given)))
    sheet.open()
    sheet.show_anchors(VIEWS)
    model = sheet.table.model()
    shown = [[model.index(row, column).data() for column in range(3)] for row in range(3)]
    assert shown[0][:3] == ["The keyring", "Fits", "3"]
    assert shown[1][:2] == ["/media/stick/<U+202E>anchor.json", "Does not fit"]
    assert shown[2][1:] == ["Nothing yet", "–"]
    sheet.table.select("keyring")
    assert not sheet.remove.isEnabled()
    sheet.table.select("anchor_1")
    assert sheet.remove.isEnabled()
    sheet.remove.click()
    assert asked == [("journal anchor-remove", {"anchor": "anchor_1"})]
    assert not sheet.now.isEnabled(), "one thing after the other"
    sheet.show_anchors(VIEWS[:1])
    assert sheet.now.isEnabled()


def test_what_was_entered_stays_where_it_was_refused(host: QWidget) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    sheet = AnchorsSheet(host, lambda act, given: asked.append((act, given)))
    sheet.open()
    assert not sheet.add_file.isEnabled()
    sheet.file.set_value(" /media/stick/anchor.json ")
    sheet.add_file.click()
    assert asked == [("journal anchor-file", {"file": "/media/stick/anchor.json"})]
    sheet.show_problem(Refused("journal.anchor-foreign", "It was not written.", "It is another.", "Name another."))
    assert sheet.file.value().strip() == "/media/stick/anchor.json"
    sheet.address.set_value("https://tsa.example")
    assert not sheet.add_stamp.isEnabled()
    sheet.certificate.set_value("/ca.pem")
    assert sheet.add_stamp.isEnabled()


def test_an_export_is_asked_for_with_what_the_filters_say(host: QWidget) -> None:
    asked: list[tuple[str, str, dict[str, str]]] = []
    sheet = JournalExportSheet(host, lambda *given: asked.append(given), {"since": "2026-03-01", "kind": "key"})
    sheet.open()
    sheet.path.set_value("/tmp/pack.pdf")
    sheet.format.set_value("pack")
    sheet.request.set_value(" H-7K2M-9QXD ")
    sheet.confirm.click()
    assert asked == [("/tmp/pack.pdf", "pack", {"since": "2026-03-01", "until": "", "request": "H-7K2M-9QXD"})]
    assert [key for key, _ in FORMATS] == ["lines", "pack", "crate", "fhir", "bundle"]
