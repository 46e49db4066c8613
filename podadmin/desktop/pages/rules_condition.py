"""Conditions in the form of a rule: how each is asked, and with what. What is typed becomes the condition's text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.rules import RuleFieldRow
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.buttons import IconButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.form import ChoiceField, TextField
from podadmin.desktop.widgets.layout import STRETCH, CardGrid, clear, column, row, wrap
from podadmin.desktop.widgets.text import PlainLabel

NONE: Final = "none"
_DAYS: Final = frozenset({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})
_BLANK: Final = "…"


class ConditionCard(Card):
    """A condition on one field. `changed` after every change; `dropped(field)` when a person takes it out."""

    changed = Signal()
    dropped = Signal(str)

    def __init__(self, field: RuleFieldRow, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(sunken=True, parent=parent)
        self.field = field
        mode, _, rest = text.partition(":")
        modes = [(key, words.replace("{}", _BLANK).rstrip(".")) for key, words in field.modes]
        self._mode = ChoiceField(f"{field.label}: how", modes, mode.strip())
        self._values = _editor(field, rest.strip())
        drop = IconButton("x", f"Take out the condition on {field.label.lower()}", self._drop)
        self.body.addLayout(row(PlainLabel(field.label, "medium"), STRETCH, drop))
        self.body.addWidget(self._mode)
        self.body.addWidget(self._values)
        if field.note:
            self.body.addWidget(PlainLabel(field.note, "small", wrap=True))
        self._mode.changed.connect(self._moved)
        self._values.changed.connect(self.changed.emit)
        self._values.setVisible(self._mode.value() != NONE)

    @property
    def text(self) -> str:
        """The condition as a rule takes it."""
        mode = self._mode.value()
        return f"{mode}:" if mode == NONE else f"{mode}: {self._values.value()}"

    def focus(self) -> None:
        """Put the keyboard where the condition is entered."""
        self._mode.choice.setFocus()

    def _moved(self) -> None:
        self._values.setVisible(self._mode.value() != NONE)
        self.changed.emit()

    def _drop(self) -> None:
        self.dropped.emit(self.field.name)


class ConditionsCard(Card):
    """Conditions on some fields, and the choice of what else can be asked. `add` is what the button is called."""

    changed = Signal()

    def __init__(
        self, title: str, fields: Iterable[RuleFieldRow], choice: str, add: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, parent=parent)
        self._fields = {each.name: each for each in fields}
        self._cards: dict[str, ConditionCard] = {}
        self._holder = column(gap=SPACE.s)
        self._add = ChoiceField(choice, ())
        line = row((self._add, 1))
        line.addWidget(QuietButton(add, self._add_picked, "plus"), 0, Qt.AlignmentFlag.AlignBottom)
        self._add_row = wrap(line)
        self.body.addLayout(self._holder)
        self.body.addWidget(self._add_row)

    def begin(self, conditions: Mapping[str, str]) -> None:
        """Start from these."""
        self._cards = {}
        clear(self._holder)
        for field, text in conditions.items():
            if field in self._fields:
                self._put(field, text)
        self._fill_add()

    def texts(self) -> dict[str, str]:
        """The conditions by field, as acts take them."""
        return {name: card.text for name, card in self._cards.items()}

    def left_out(self) -> list[str]:
        """The fields of which nothing is asked."""
        return [name for name in self._fields if name not in self._cards]

    def _add_picked(self) -> None:
        field = self._add.value()
        if not field:
            return
        card = self._put(field, "")
        self._fill_add()
        self.changed.emit()
        card.focus()

    def _put(self, field: str, text: str) -> ConditionCard:
        card = ConditionCard(self._fields[field], text)
        card.changed.connect(self.changed.emit)
        card.dropped.connect(self._drop)
        self._cards[field] = card
        order = [name for name in self._fields if name in self._cards]
        self._holder.insertWidget(order.index(field), card)
        return card

    def _drop(self, field: str) -> None:
        card = self._cards.pop(field)
        self._holder.removeWidget(card)
        card.hide()
        card.deleteLater()
        self._fill_add()
        self.changed.emit()
        self._add.choice.setFocus()

    def _fill_add(self) -> None:
        combo = self._add.choice
        combo.blockSignals(True)
        combo.clear()
        for name in self.left_out():
            combo.addItem(self._fields[name].label, name)
        combo.blockSignals(False)
        self._add_row.setVisible(combo.count() > 0)


class _Values(QWidget):
    """What a condition compares with. `value()` is its text."""

    changed = Signal()

    def value(self) -> str:
        raise NotImplementedError


class _OneOf(_Values):
    def __init__(self, field: RuleFieldRow, text: str) -> None:
        super().__init__()
        self._choice = ChoiceField(f"{field.label}: value", field.choices, text)
        self._choice.changed.connect(self.changed.emit)
        self.setLayout(column(self._choice))

    def value(self) -> str:
        return self._choice.value()


class _Listed(_Values):
    """Values with commas between them; those that were seen in requests can be picked."""

    def __init__(self, field: RuleFieldRow, text: str) -> None:
        super().__init__()
        known = field.choices or field.known
        shown = ", ".join(json.loads(text)) if text.startswith("[") and _has_no_comma(text) else text
        self._text = TextField(f"{field.label}: values", shown, "Several with commas between them." * (not text))
        self._text.changed.connect(self.changed.emit)
        self._known = ChoiceField(f"{field.label}: known values", known)
        add = QuietButton("Add", self._pick, "plus", f"Add the known value to {field.label.lower()}")
        line = row((self._known, 1))
        line.addWidget(add, 0, Qt.AlignmentFlag.AlignBottom)
        offer = wrap(line)
        offer.setVisible(bool(known))
        self.setLayout(column(self._text, offer, gap=SPACE.s))

    def value(self) -> str:
        return self._text.value()

    def _pick(self) -> None:
        picked = self._known.value()
        before = self._text.value().strip()
        if "," in picked or before.startswith("["):
            listed = json.loads(before) if before.startswith("[") else [each.strip() for each in before.split(",")]
            values = [*(each for each in listed if each), picked]
            self._text.set_value(json.dumps(values, ensure_ascii=False))
        else:
            have = [each.strip() for each in before.split(",") if each.strip()]
            self._text.set_value(", ".join(have if picked in have else [*have, picked]))


class _Number(_Values):
    def __init__(self, field: RuleFieldRow, text: str) -> None:
        super().__init__()
        hint = "A whole number, or “all” for every record." if field.name == "group" else "A whole number."
        self._text = TextField(f"{field.label}: number", text, hint)
        self._text.changed.connect(self.changed.emit)
        self.setLayout(column(self._text))

    def value(self) -> str:
        return self._text.value().strip()


class _Times(_Values):
    """Days, hours and dates in a stated time zone, each of the first three to be left empty."""

    def __init__(self, field: RuleFieldRow, text: str) -> None:
        super().__init__()
        found = _times(each.strip() for each in text.split(",") if each.strip())
        first, _, last = found["dates"].partition("..")
        self._parts = {
            "days": TextField("Days", found["days"], placeholder="Mon-Fri"),
            "hours": TextField("Hours", found["hours"], placeholder="08:00-18:00"),
            "first": TextField("First day", first, placeholder="2026-01-01"),
            "last": TextField("Last day", last, placeholder="2026-12-31"),
            "zone": TextField("Time zone", found["zone"] or "UTC", placeholder="Europe/London"),
        }
        grid = CardGrid(SIZE.label_column)
        grid.set_cards(list(self._parts.values()))
        for each in self._parts.values():
            each.changed.connect(self.changed.emit)
        self.setLayout(column(grid))

    def value(self) -> str:
        part = {name: field.value().strip() for name, field in self._parts.items()}
        dates = f"{part['first']}..{part['last']}" if part["first"] or part["last"] else ""
        return ", ".join(each for each in (part["days"], part["hours"], dates, part["zone"]) if each)


def _editor(field: RuleFieldRow, text: str) -> _Values:
    kinds: dict[str, Callable[[RuleFieldRow, str], _Values]] = {
        "level": _OneOf,
        "yes-no": _OneOf,
        "number": _Number,
        "time": _Times,
    }
    return kinds.get(field.kind, _Listed)(field, text)


def _has_no_comma(text: str) -> bool:
    return all("," not in each for each in json.loads(text))


def _times(pieces: Iterable[str]) -> dict[str, str]:
    found = {"days": "", "hours": "", "dates": "", "zone": ""}
    for piece in pieces:
        words = piece.lower().replace("-", " ").split()
        if ".." in piece:
            found["dates"] = piece
        elif ":" in piece:
            found["hours"] = piece
        elif words and _DAYS.issuperset(words):
            found["days"] = piece
        else:
            found["zone"] = piece
    return found
