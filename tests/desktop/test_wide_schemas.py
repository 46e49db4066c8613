"""Ten thousand columns and a million files: the window's own work stays small, whatever is opened.

What is measured is the processor time of the Qt thread between two ticks of the watchdog. A quiet machine needs less
than 50 ms; a busy one is slower by a few times, and one widget a column would be slower by a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QWidget

from podadmin.app.views.datasources import (
    ColumnView,
    DriftRow,
    InventoryView,
    Preview,
    Revelation,
    SchemaView,
)
from podadmin.desktop.pages.datasource_columns import AT_ONCE, ColumnsStep
from podadmin.desktop.pages.datasource_draft import Choice, Draft, Given
from podadmin.desktop.pages.datasource_inventory import InventoryCard
from podadmin.desktop.pages.datasource_preview import PreviewStep
from podadmin.desktop.pages.datasource_save import SaveStep
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.slices import complete
from podadmin.desktop.theme import style
from podadmin.desktop.watchdog import Watchdog
from tests.desktop.hands import Show, named, press

MANY = 10_000
MOST_MS = 250.0
NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
NAMES = tuple(f"marker_{place:05d}" for place in range(MANY))
COLUMNS = tuple(
    ColumnView(name, "string", "categorical" if place % 3 else "text", False, False, "", labels=("A", "B"))
    for place, name in enumerate(NAMES)
)
SCHEMA = SchemaView(
    datasource="ds_1",
    datasource_name="wide",
    made_at=NOW,
    records=40,
    columns=COLUMNS,
    reveals=tuple(
        Revelation(name, "All 2 labels.", ("A", "B"), "bad" if place % 5 == 0 else "plain")
        for place, name in enumerate(NAMES)
    ),
    rejected_lines=0,
    seconds=1.0,
    saved=True,
    document={"version": "4", "columns": {name: {"dtype": "string", "labels": {"A": 0, "B": 1}} for name in NAMES}},
    unconfirmed=NAMES[::5],
    drift=tuple(DriftRow(name, "The column is new.", False) for name in NAMES),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def watched(qapp: object) -> Iterator[Callable[[str, Callable[[], object]], None]]:
    """Does something, lets the window settle, and says if that took the window too long at a time."""
    watchdog = Watchdog()

    def watch(what: str, act: Callable[[], object]) -> None:
        QTest.qWait(100)
        watchdog.reset()
        act()
        QTest.qWait(400)
        assert watchdog.worst_busy < MOST_MS, f"{what}: the window worked {watchdog.worst_busy:.0f} ms at a time"

    yield watch
    watchdog.stop()


def dressed(show: Show, widget: QWidget) -> None:
    """As it is in the window: with the style sheet, which costs more than anything else."""
    style.dress(widget)
    show(widget)
    QTest.qWait(200)


Watched = Callable[[str, Callable[[], object]], None]


def test_choosing_among_ten_thousand_columns(show: Show, watched: Watched) -> None:
    step = ColumnsStep()
    dressed(show, step)
    watched("columns come", lambda: step.show_columns(COLUMNS, {}))
    while len(step.findChildren(QCheckBox)) < AT_ONCE:
        QTest.qWait(20)
    watched("next page", lambda: press(step, "Next columns"))
    watched("a choice", lambda: named(step, "Ignore marker_00030").setChecked(True))
    watched("a search", lambda: step._search.setText("marker_0999"))
    assert named(step, "Ignore marker_09994").isVisible()
    assert step.choices == {"marker_00030": Choice(True)}


def test_first_rows_of_ten_thousand_columns(show: Show, watched: Watched) -> None:
    step = PreviewStep()
    dressed(show, step)
    rows = tuple(tuple("X-999" for _ in NAMES) for _ in range(20))
    watched("rows come", lambda: step.show_preview(Preview(NAMES, rows, True)))
    watched("next page", lambda: press(step, "Next columns of the rows"))
    watched("values", lambda: step.show_preview(Preview(NAMES, rows, False)))
    assert step.preview is not None
    assert len(step.preview.columns) == MANY


def test_what_ten_thousand_columns_reveal_before_it_is_saved(show: Show, watched: Watched) -> None:
    step = SaveStep()
    dressed(show, step)
    watched("the end of the wizard", lambda: step.show_schema(Draft(Given(), "wide"), None, SCHEMA))
    assert step.needs_look


def test_a_saved_schema_of_ten_thousand_columns(show: Show, watched: Watched) -> None:
    review = complete(SchemaReview())
    dressed(show, review)
    watched("a schema comes", lambda: review.show_schema(SCHEMA))
    for tab in ("Columns", "Changes", "Document", "What it reveals"):
        watched(tab, lambda tab=tab: press(review, tab))  # type: ignore[misc]
    press(review, "Columns")
    watched("a page more", lambda: review.columns.more_wanted.emit())
    watched("a search", lambda: review._search.setText("marker_09"))
    assert 0 < len(review.columns.rows()) <= 200


def test_an_inventory_of_a_million_files(show: Show, watched: Watched) -> None:
    card = InventoryCard()
    dressed(show, card)
    endings = tuple((f".{place}", 100) for place in range(MANY))
    bad = tuple(f"/data/folder {place}" for place in range(100))
    view = InventoryView(1_000_000, 10**12, 50_000, 0, 0, NOW, NOW, endings, bad, 4_000, 0, True)
    watched("an inventory comes", lambda: card.show_inventory(view))
    watched("a page more", lambda: card.endings.more_wanted.emit())
    assert len(card.endings.rows()) == 200
