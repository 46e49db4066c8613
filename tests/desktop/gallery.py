"""Every widget of the kit on a few sheets of paper: for looking at, and for the tests that walk over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact, Section
from podadmin.app.views.overview import DayCounts
from podadmin.core.errors import Unavailable
from podadmin.core.progress import Step
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import (
    ArmedButton,
    DangerButton,
    DestroyButton,
    GhostButton,
    IconButton,
    PrimaryButton,
    QuietButton,
    TabRow,
)
from podadmin.desktop.widgets.card import Card, FigureCard
from podadmin.desktop.widgets.chart import BarChart, ChartCard, LineChart
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid, FactList, SectionCard
from podadmin.desktop.widgets.form import CheckField, ChoiceField, LongField, PathField, SearchEdit, TextField
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel
from podadmin.desktop.widgets.tree import JsonTree

NASTY = '<b>bold</b> <img src="x"> &lt;i&gt; a\u202egnp.exe \u200b\x07 & "quoted" ' + "x" * 40
START = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    id: str
    who: str
    task: str
    state: BadgeSpec
    used: str
    series: tuple[float, ...]


STATES = (
    BadgeSpec("warn", "Held", "hourglass"),
    BadgeSpec("good", "Approved"),
    BadgeSpec("bad", "Refused"),
    BadgeSpec("info", "Running", "play"),
    BadgeSpec("plain", "Lapsed"),
)


def lines(count: int, start: int = 0) -> list[Line]:
    return [
        Line(
            f"req_{place:012d}",
            f"Researcher {place} <b>Lab</b>",
            "Compute the mean of arr_delay by carrier over flights",
            STATES[place % len(STATES)],
            f"{place * 37 % 1000}",
            tuple(float((place + i) * 7 % 11) for i in range(12)),
        )
        for place in range(start, start + count)
    ]


def table(name: str = "Requests", fits: bool = False) -> RowTable:
    made = RowTable(
        name,
        [
            Column("State", lambda line: line.state, "badge", width=15),
            Column("Requester", lambda line: line.who, key="who"),
            Column("Task", lambda line: line.task, stretch=2),
            Column("Reference", lambda line: line.id, "mono", width=20),
            Column("Use", lambda line: line.series, "spark", width=14),
            Column("Inferences", lambda line: line.used, "number", width=12),
        ],
        fits=fits,
    )
    made.set_rows(lines(8))
    return made


def days() -> list[DayCounts]:
    return [
        DayCounts(
            (START + timedelta(days=d)).date().isoformat(),
            {"approved": d * 3 % 7 + 2, "refused": d % 3, "held": d * 5 % 4},
        )
        for d in range(7)
    ]


def sheet_one() -> QWidget:
    cards = CardGrid(SIZE.search - SPACE.huge)
    cards.set_cards(
        [
            FigureCard("Requests held", "3", "oldest since 2 hours"),
            FigureCard("Decided this week", "41", "2 refused"),
            FigureCard("Inferences this week", "12,480", "61 % of all limits"),
        ]
    )
    line = LineChart("Inferences used")
    points = [((START + timedelta(days=d)).date().isoformat(), float(d * d * 11 % 97 + d * 30)) for d in range(30)]
    line.set_series(points, limit=1000.0, unit="inferences")
    bars = BarChart("Requests by verdict")
    bars.set_days(days(), [("approved", "Approved", "good"), ("held", "Held", "warn"), ("refused", "Refused", "bad")])
    bars_card = ChartCard("Requests by verdict", bars)
    holder = Card(flush=True)
    holder.body.addWidget(table(fits=True))
    charts = row((ChartCard("Inferences used", line), 3), (bars_card, 2), gap=SPACE.l)
    head = row(
        PlainLabel("Overview", "title"),
        STRETCH,
        SearchEdit("Search requests", "Search requests"),
        QuietButton("Export…", icon="download"),
        PrimaryButton("Add a datasource", icon="plus"),
    )
    return wrap(column(head, cards, charts, holder, STRETCH, margin=SPACE.xl))


def sheet_two() -> QWidget:
    armed = ArmedButton("Approve once")
    ready = ArmedButton("Approve twice", arm_ms=24)
    refused = PrimaryButton("Start the pod")
    refused.set_permit(False, "No key can be opened: the keyring is locked.")
    buttons = row(
        PrimaryButton("Save", icon="check"),
        QuietButton("Check again", icon="refresh-cw"),
        DangerButton("Refuse…", icon="ban"),
        DestroyButton("Remove it"),
        GhostButton("Show as table", icon="table-2"),
        IconButton("trash-2", "Remove"),
        refused,
        armed,
        ready,
        STRETCH,
    )
    badges = row(*(Badge(state) for state in STATES), STRETCH)
    banners = column(
        Banner("info", "This machine keeps everything; nothing leaves without a decision.", title="A tour"),
        Banner("warn", "The in-memory keyring forgets everything when podadmin closes.", "Choose another"),
        Banner("bad", "Gate is OFF: nothing can run, nothing is checked.", "Start the gate", closable=True),
        Banner("good", "The journal is whole: 8,412 entries."),
        gap=SPACE.s,
    )
    bad = TextField("Name of the datasource", "flights 2013", "Requesters see this name.")
    bad.set_error("Another datasource has this name already.")
    fields = column(
        bad,
        PathField("Location", hint="A CSV file or a folder of them."),
        ChoiceField("Kind", [("csv", "CSV file"), ("parquet", "Parquet file")], hint="Found by looking at the file."),
        CheckField("Ignore column “tailnum” & others", True, "It looks like an identifier."),
        CheckField("Show real values"),
        gap=SPACE.m,
    )
    texts = column(
        LongField("Reason", "It reads more than the project needs.", "Recorded in the journal."),
        TabRow([("all", "All 41"), ("held", "Held 3"), ("refused", "Refused 2")], "Filter"),
        ElidedLabel(NASTY, mono=True),
        PlainLabel(NASTY, wrap=True),
        PlainLabel("9f86 d081 884c 7d65 9a2f eaa0 c55a d015", mono=True, selectable=True),
        gap=SPACE.m,
    )
    left, right = Card("Connect a datasource"), Card("Decide", action=GhostButton("Why not?"))
    left.body.addLayout(fields)
    left.body.addStretch(1)
    right.body.addLayout(texts)
    right.body.addStretch(1)
    job = RunningJob("Generating the schema of flights")
    job.move(Step("Reading 210,000 of 336,776 rows", 0.62))
    bar = JobBar()
    bar.follow(job)
    return wrap(column(buttons, badges, banners, row((left, 1), (right, 1), gap=SPACE.l), bar, margin=SPACE.xl))


def sheet_three() -> QWidget:
    section = Section(
        "People",
        (
            Fact("Requester", NASTY),
            Fact("Key", "9f86 d081 884c 7d65 9a2f eaa0", mono=True),
            Fact("Signature", "Verified with the key above", "good"),
            Fact("Project", "Not signed: the requester may have written anything here", "warn"),
            Fact("Protocol", "Outer and inner protocol differ", "bad"),
        ),
    )
    tree = JsonTree("Verified protocol")
    tree.show_value({"class_name": "bitfount.ResultsOnly", "algorithm": [{"query": "select 1", "n": 3}], NASTY: NASTY})
    effects = Card("What it will do")
    effects.body.addWidget(FactList(["Reads 3 of 19 columns of flights", "Counts rows by carrier"], "info"))
    effects.body.addWidget(FactList(["16 numbers leave to the requester"], "warn"))
    effects.body.addWidget(FactGrid([Fact("Risk", "Low", "good")]))
    empty = StateView(QWidget())
    empty.show_empty("inbox", "No requests yet", "Join a network, and requests appear here.", "Join a network")
    error = StateView(QWidget())
    error.show_error(
        Unavailable("store.locked", "The records cannot be read.", "Another program holds them.", "Close it."),
        lambda: None,
    )
    loading = StateView(QWidget())
    loading.show_loading("Loading requests")
    cards = []
    for view in (empty, error, loading):
        card = Card()
        card.body.addWidget(view)
        cards.append(card)
    tree_card = Card("Verified protocol")
    tree_card.body.addWidget(tree)
    return wrap(
        column(
            row((SectionCard(section), 3), (effects, 2), gap=SPACE.l),
            tree_card,
            row(*((card, 1) for card in cards), gap=SPACE.l),
            margin=SPACE.xl,
        )
    )


SHEETS = (sheet_one, sheet_two, sheet_three)


if __name__ == "__main__":
    import os
    import sys
    from pathlib import Path

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QCursor
    from PySide6.QtWidgets import QApplication

    from podadmin.desktop.theme import style

    app = QApplication([])
    app.setStyle("Fusion")
    style.load_fonts()
    QCursor.setPos(5000, 5000)
    for theme in ("light", "dark"):
        style.apply(theme)
        for number, make in enumerate(SHEETS):
            shown = make()
            shown.setProperty("ground", "window")
            style.dress(shown)
            shown.resize(SIZE.window_width, SIZE.window_height)
            shown.show()
            QTimer.singleShot(400, app.exit)
            app.exec()
            shown.grab().save(str(Path(sys.argv[1]) / f"sheet{number + 1}-{theme}.png"))
            shown.deleteLater()
