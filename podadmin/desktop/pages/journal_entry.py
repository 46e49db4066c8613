"""One journal entry in full: what happened, to what, by whom and when, the facts of its body, and its hashes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.journal import JournalRow
from podadmin.core.errors import PodadminError
from podadmin.core.text import grouped
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import GhostButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.layout import STRETCH, column, row, rule, scrolling, wrap
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import amount, precise

PAGES: Final = {
    "request": "Requests",
    "datasource": "Datasources",
    "schema": "Datasources",
    "setting": "Settings",
    "network": "Networks",
    "key": "Keys",
    "keyring": "Keys",
    "limit": "Models & limits",
}
"""The page on which the thing that an act is about can be seen, by the first part of the act."""
_GENESIS: Final = re.compile(r"0*")
_CODE: Final = re.compile(r"[0-9a-f]{32,}|[a-z]{2,4}_[0-9A-Za-z]+|[0-9a-f-]{36}")
_DIGEST: Final = re.compile(r"[0-9a-f]{32,}")
_FACTS_AT_MOST: Final = 60


def page_of(entry: JournalRow) -> tuple[str, str]:
    """Where the thing that the entry is about can be seen, as (page, subject); empty texts where nowhere."""
    page = PAGES.get(entry.act.partition(".")[0], "")
    return (page, entry.subject) if page and entry.subject else ("", "")


def body_facts(body: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The body of an entry as labelled facts, what is nested named by its path. At most 60; the rest is counted."""
    found = tuple(_flat("", body))
    if len(found) <= _FACTS_AT_MOST:
        return found
    rest = len(found) - _FACTS_AT_MOST
    return (*found[:_FACTS_AT_MOST], Fact("More", f"{amount(rest)} more facts are in the exported journal.", "warn"))


def _flat(path: str, value: Any) -> Iterator[Fact]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(f"{path} › {_words(str(key))}" if path else _capital(_words(str(key))), inner)
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and any(_nested(v) for v in value):
        for place, inner in enumerate(value, start=1):
            yield from _flat(f"{path} › {place}" if path else str(place), inner)
    else:
        text = _scalar(value)
        shown = grouped(text) if _DIGEST.fullmatch(text) else text
        yield Fact(path or "Value", shown, mono=bool(_CODE.fullmatch(text)))


def _nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, (str, bytes)))


def _words(key: str) -> str:
    return key.replace("_", " ").replace("-", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _scalar(value: Any) -> str:
    if value is None or value in ("", [], {}, ()):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return amount(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return ", ".join(_scalar(each) for each in value)
    return str(value)


class EntryCard(Card):
    """The entry that is selected. `page_wanted(page, subject)` goes to the thing that it is about."""

    page_wanted = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.setAccessibleName("Journal entry")
        self.entry: JournalRow | None = None
        self._number = PlainLabel("", "muted")
        self._words = PlainLabel("", "heading", wrap=True, selectable=True)
        self._open = GhostButton("Open what it is about", self._go, "arrow-right")
        self._facts = FactGrid()
        self._body_title = PlainLabel("Recorded facts", "label")
        self._body = FactGrid()
        self._chain = FactGrid()
        inside = column(
            self._number,
            self._words,
            row(self._open, STRETCH),
            self._facts,
            rule(),
            self._body_title,
            self._body,
            rule(),
            PlainLabel("Its place in the chain", "label"),
            self._chain,
            STRETCH,
            gap=SPACE.m,
        )
        inside.setContentsMargins(0, 0, SPACE.s, 0)
        self.state = StateView(scrolling(wrap(inside)))
        self.body.addWidget(self.state, 1)
        self.show_none()

    def show_none(self) -> None:
        """No entry is selected."""
        self.entry = None
        self.state.show_empty("scroll-text", "No entry selected", "Select one to read everything that it records.")

    def show_problem(self, error: PodadminError) -> None:
        """The entry that was asked for cannot be shown."""
        self.entry = None
        self.state.show_error(error)

    def show_entry(self, entry: JournalRow) -> None:
        """Show an entry."""
        self.entry = entry
        self._number.setText(f"Entry {amount(entry.seq)}")
        self._words.setText(entry.words)
        self._open.setVisible(bool(page_of(entry)[0]))
        self._facts.set_facts(
            (
                Fact("When", precise(entry.at)),
                Fact("Who", entry.actor),
                Fact("Act", entry.act, mono=True),
                Fact("About", entry.subject or "–", mono=bool(_CODE.fullmatch(entry.subject))),
            )
        )
        facts = body_facts(entry.body) if entry.body else (Fact("Nothing more", "The act itself says everything."),)
        self._body.set_facts(facts)
        first = bool(_GENESIS.fullmatch(entry.previous))
        self._chain.set_facts(
            (
                Fact("Hash", grouped(entry.hash), mono=True),
                Fact(
                    "Hash before it",
                    "none: this is the first entry" if first else grouped(entry.previous),
                    mono=not first,
                ),
            )
        )
        self.state.show_content()

    def _go(self) -> None:
        if self.entry is not None:
            self.page_wanted.emit(*page_of(self.entry))
