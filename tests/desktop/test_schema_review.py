"""The review of a schema: what has to be decided is asked by name, many columns come in pages, charts have words."""

from datetime import UTC, datetime

from pytestqt.qtbot import QtBot

from podadmin.app.views.datasources import ColumnFacts, ColumnView, DriftRow, Revelation, SchemaView
from podadmin.app.views.facts import Fact
from podadmin.desktop.pages.schema_decide import why
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.slices import complete

MANY = 3_000


def _column(number: int) -> ColumnView:
    suspicious = "names of people" if number == 7 else ""
    return ColumnView(
        f"c{number}", "string", "text", False, False, "", looks_like=suspicious, unconfirmed=bool(suspicious)
    )


COLUMNS = tuple(map(_column, range(MANY)))
VIEW = SchemaView(
    "ds_1",
    "wide",
    datetime(2026, 5, 1, tzinfo=UTC),
    5,
    COLUMNS,
    tuple(Revelation(each.name, "Its name.", (), "plain") for each in COLUMNS),
    0,
    1.0,
    True,
    unconfirmed=("c7",),
    drift=(DriftRow("c1", "The column is gone.", True, ("grt_1",)), DriftRow("", "There are 5 records.", False)),
)


def test_many_columns_come_a_page_at_a_time(qtbot: QtBot) -> None:
    review = complete(SchemaReview())
    qtbot.addWidget(review)
    review.show_schema(VIEW)
    assert len(review.columns.rows()) <= 200
    assert len(review.reveals.table.rows()) <= 200
    have = len(review.columns.rows())
    review.columns.more_wanted.emit()
    assert len(review.columns.rows()) > have


def test_what_waits_is_asked_about_by_the_columns_own_name(qtbot: QtBot) -> None:
    review = complete(SchemaReview())
    qtbot.addWidget(review)
    review.show_schema(VIEW)
    assert not review.decide.release.isEnabled()
    assert why(COLUMNS[7]) == "It looks like names of people: its values stay here, its name is told."
    with qtbot.waitSignal(review.column_wanted) as asked:
        review.columns.select("c3")
    assert asked.args == ["c3"]
    assert [row.breaking for row in review.drift.table.rows()] == [True, False]


def test_a_histogram_says_what_it_shows(qtbot: QtBot) -> None:
    review = complete(SchemaReview())
    qtbot.addWidget(review)
    facts = ColumnFacts(
        "age",
        (Fact("Values", "30"),),
        (("0", "10", 5), ("10", "20", 25)),
        "counted; it stays on this computer",
        (),
        (),
        ("It is odd.",),
        (("H99", 3, "few have it"), ("H35", 27, "")),
    )
    review.panel.show_column(facts)
    assert review.panel.chart.accessibleDescription() == "2 bars from 0 to 20; most rows (25) at 10 to 20."
    numbers = review.panel.chart.as_table()
    qtbot.addWidget(numbers)
    assert [bar[2] for bar in numbers.rows()] == [5, 25]
    with qtbot.waitSignal(review.panel.withhold_wanted) as asked:
        review.panel.labels.select("H99")
        review.panel._withhold.click()
    assert asked.args == ["age", "H99"]
