"""Settings: generated from the settings table, so a setting that exists is a setting that can be found and changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.settings import SettingRow
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.slices import at_once
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.buttons import GhostButton, PrimaryButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.form import CheckField, ChoiceField, SearchEdit, TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, rule, wrap
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import amount, size

GROUPS: Final = {
    "gate": "The gate and its requests",
    "network": "The way to networks",
    "worker": "The built-in worker",
    "datasource": "Datasources",
    "schema": "Schemas",
    "journal": "The journal",
    "lock": "The lock of the window",
    "appearance": "Appearance",
}
RESTART: Final = "Takes effect when podadmin starts the next time"
_CHOICE_WORDS: Final = {"system": "As the system", "light": "Light", "dark": "Dark"}


def group_of(setting: SettingRow) -> str:
    """The heading under which a setting stands: the first part of its name, in words."""
    first = setting.name.partition(".")[0]
    return GROUPS.get(first, first.replace("-", " ").capitalize())


def as_text(value: object) -> str:
    """A value as it is typed: no needless decimals."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def bounds(setting: SettingRow) -> str:
    """What a number may be, in words."""
    unit = f" {setting.unit}" if setting.unit else ""
    low, high = setting.minimum, setting.maximum
    if low is not None and high is not None:
        return f"{amount(low)} to {amount(high)}{unit}"
    if low is not None:
        return f"{amount(low)}{unit} or more"
    return f"at most {amount(high)}{unit}" if high is not None else unit.strip()


def hint(setting: SettingRow) -> str:
    """What stands below the field: what it may be, and what it is where the number alone is hard to read."""
    if setting.unit == "bytes":
        return f"{bounds(setting)}; now {size(int(setting.value))}"
    return bounds(setting)


def shown_value(setting: SettingRow, value: object) -> str:
    """A value as a person reads it, with its unit."""
    if setting.kind == "choice":
        return _CHOICE_WORDS.get(str(value), str(value))
    if setting.kind == "bool":
        return "on" if value else "off"
    words = amount(float(value)) if isinstance(value, (int, float)) else str(value)
    return f"{words} {setting.unit}".strip()


def matches(setting: SettingRow, search: str) -> bool:
    """Is every word of the search somewhere in the setting's words?"""
    text = f"{setting.name} {setting.title} {setting.help} {group_of(setting)} {' '.join(setting.choices)}".casefold()
    return all(word in text for word in search.casefold().split())


class SettingEditor(QWidget):
    """One setting: what it is for, its editor, and Save, which is there only while something is to be saved."""

    saved = Signal(str, str)

    def __init__(self, setting: SettingRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setting = setting
        self._field = _field(setting)
        self._field.changed.connect(self._typed)
        self._save = PrimaryButton("Save", self._wanted, name=f"Save: {setting.title}")
        self._undo = GhostButton("Undo", self._back, name=f"Undo: {setting.title}")
        self._default = GhostButton("Use the default", self._use_default, name=f"Use the default: {setting.title}")
        self._state = PlainLabel("", "small")
        self._field.setFixedWidth(SIZE.search)
        help_line = row((PlainLabel(setting.help, "muted", wrap=True), 1), gap=SPACE.m)
        if setting.restart:
            help_line.addWidget(Badge(BadgeSpec("info", "Needs a restart", "refresh-cw")), 0, Qt.AlignmentFlag.AlignTop)
        buttons = row(self._save, self._undo, self._default, self._state, STRETCH, gap=SPACE.s)
        right = column(help_line, buttons, STRETCH, gap=SPACE.s)
        line = row(gap=SPACE.xl)
        line.addWidget(self._field, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(right, 1)
        self.setLayout(line)
        self.show_setting(setting)

    @property
    def dirty(self) -> bool:
        """Has something been entered that is not saved?"""
        return self.value() != as_text(self.setting.value)

    def value(self) -> str:
        """What is entered, as the act takes it."""
        given = self._field.value()
        return as_text(given) if isinstance(given, bool) else given.strip()

    def show_setting(self, setting: SettingRow) -> None:
        """Show what is in force; something entered and not saved stays."""
        keep = self.dirty
        self.setting = setting
        if not keep:
            self._put(setting.value)
        self._typed()

    def show_saved(self, setting: SettingRow) -> None:
        """It has been saved."""
        self.setting = setting
        self._put(setting.value)
        self._typed()
        words = RESTART if setting.restart else "Saved"
        self._state.setText(words)
        self._state.set_tone("good")

    def show_problem(self, error: PodadminError) -> None:
        """It could not be saved; what was entered stays."""
        self._field.set_error(f"{error.what} {error.why} {error.next_step} ({error.code})")
        self._save.set_permit(True)

    def _typed(self) -> None:
        self._field.set_error("")
        if isinstance(self._field, TextField):
            self._field.set_help(hint(self.setting))
        dirty = self.dirty
        self._state.set_tone("plain")
        self._state.setText("Not saved yet" if dirty else "")
        self._save.setVisible(dirty)
        self._undo.setVisible(dirty)
        self._save.set_permit(True)
        self._default.setVisible(not dirty and self.setting.value != self.setting.default)
        self._default.set_help(f"The default is {shown_value(self.setting, self.setting.default)}.")

    def _put(self, value: object) -> None:
        if isinstance(self._field, CheckField):
            self._field.set_value(bool(value))
        else:
            self._field.set_value(as_text(value))

    def _wanted(self) -> None:
        self._save.set_permit(False, "It is being saved.")
        self.saved.emit(self.setting.name, self.value())

    def _back(self) -> None:
        self._put(self.setting.value)

    def _use_default(self) -> None:
        self._put(self.setting.default)


def _field(setting: SettingRow) -> TextField | ChoiceField | CheckField:
    if setting.kind == "choice":
        choices = [(each, _CHOICE_WORDS.get(each, each)) for each in setting.choices]
        field: TextField | ChoiceField | CheckField = ChoiceField(setting.title, choices, as_text(setting.value))
    elif setting.kind == "bool":
        return CheckField(setting.title, bool(setting.value))
    else:
        field = TextField(setting.title, as_text(setting.value), hint=hint(setting))
    return field


class SettingsList(QWidget):
    """All settings, grouped, filtered by a search. `saved(name, text)` asks for one to be changed."""

    saved = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[SettingRow, ...] = ()
        self._search = ""
        self._clear: Callable[[], object] = lambda: None
        self.editors: dict[str, SettingEditor] = {}
        self._groups: dict[str, tuple[Card, list[tuple[QWidget, SettingEditor]]]] = {}
        self._column = column(gap=SPACE.l)
        self.state = StateView(wrap(self._column))
        self.setLayout(column(self.state))

    def on_clear(self, act: Callable[[], object]) -> None:
        """What the empty state's button does."""
        self._clear = act

    def show_settings(self, rows: Sequence[SettingRow]) -> None:
        """Show these settings; editors that are there already keep what was entered."""
        at_once(self.show_in_turns(rows))

    def show_in_turns(self, rows: Sequence[SettingRow]) -> Iterator[None]:
        """The same editor by editor."""
        if [row.name for row in rows] != [row.name for row in self._rows]:
            self._rows = ()
            yield from self._build(rows)
            self._rows = tuple(rows)
            return
        self._rows = tuple(rows)
        for setting in rows:
            self.editors[setting.name].show_setting(setting)
        self._filter()

    def search(self, text: str) -> None:
        """Show only settings that have these words."""
        self._search = text
        self._filter()

    def unsaved(self) -> tuple[str, ...]:
        """The titles of settings with something entered and not saved."""
        return tuple(editor.setting.title for editor in self.editors.values() if editor.dirty)

    def _build(self, rows: Sequence[SettingRow]) -> Iterator[None]:
        names = [row.name for row in rows]
        if names[: len(self.editors)] != list(self.editors):
            clear(self._column)
            self.editors = {}
            self._groups = {}
        for setting in rows:
            if setting.name in self.editors:
                # it was built before news came: what was entered in it stays
                self.editors[setting.name].show_setting(setting)
                continue
            name = group_of(setting)
            if name not in self._groups:
                card = Card(name)
                card.body.setSpacing(SPACE.m)
                card.setVisible(False)
                self._groups[name] = (card, [])
                self._column.addWidget(card)
            card, members = self._groups[name]
            editor = SettingEditor(setting)
            editor.saved.connect(self.saved.emit)
            fits = matches(setting, self._search)
            line = rule()
            line.setVisible(fits and any(not each.isHidden() for _, each in members))
            editor.setVisible(fits)
            card.setVisible(fits or not card.isHidden())
            card.body.addWidget(line)
            card.body.addWidget(editor)
            members.append((line, editor))
            self.editors[setting.name] = editor
            yield
        self._filter()

    def _filter(self) -> None:
        found = False
        for card, members in self._groups.values():
            first = True
            for line, editor in members:
                fits = matches(editor.setting, self._search)
                editor.setVisible(fits)
                line.setVisible(fits and not first)
                first = first and not fits
            card.setVisible(not first)
            found = found or not first
        if found:
            self.state.show_content()
        elif self._rows:
            words = f"No setting has “{self._search}” in its name or its words."
            self.state.show_empty("search", "Nothing found", words, "Clear the search", self._clear)


class SettingsPage(Page):
    """Reads the settings, saves one at a time."""

    name = "Settings"
    title = "Settings"
    icon = "settings"
    kinds = frozenset({"profile", "setting"})
    help_text = (
        "Every setting of this profile, with what it may be. A change takes effect at once unless it says that it "
        "needs a restart, and each one is recorded in the journal with its value before and after.\n\n"
        "Nothing is changed until you press Save beside it. The same settings can be listed and changed with "
        "podadmin settings list and podadmin settings set."
    )

    def build(self) -> None:
        self.list = SettingsList()
        self.list.saved.connect(self._save)
        self._search = SearchEdit("Search settings", "Search settings", self.list.search)
        self.list.on_clear(self._search.clear)
        self.add_action(self._search)
        self.body.addWidget(self.list)

    def refresh(self) -> None:
        self.read("settings list", {}, lambda rows: self.in_turns(self.list.show_in_turns(rows)))

    def open_subject(self, subject: str) -> None:
        self._search.setText(subject)
        self.list.search(subject)

    def _save(self, name: str, value: str) -> None:
        def saved(setting: SettingRow) -> None:
            self.list.editors[name].show_saved(setting)
            self.desk.say(f"{setting.title} was changed to {shown_value(setting, setting.value)}.")

        arguments = {"name": name, "value": value}
        self.write("settings set", arguments, saved, failure=self.list.editors[name].show_problem)
