"""The part of Keys about secrets that are no keys: what they are for, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from podadmin.app.views.keys import KeyRow
from podadmin.core.clock import Clock
from podadmin.desktop.page import Page
from podadmin.desktop.pages.backup_sheets import Act, Arguments, FileSheet
from podadmin.desktop.pages.keys_sheets import doing
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.buttons import DangerButton, GhostButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.prompt import NamePrompt
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import ago

FILE = "A file that another program had left in clear"


def _runway(key: KeyRow) -> BadgeSpec:
    return BadgeSpec(key.tone, key.runway or "No end")


class GiveBack(FileSheet):
    """Where a sealed file is written in clear."""

    def __init__(self, host: QWidget, do: Act, key: KeyRow) -> None:
        words = "The file is written in clear, for your account only. Whoever reads it has what is in it."
        super().__init__(host, "Write the file back", words, "Write it in clear", do, placeholder=str(Path(key.name)))
        self._key = key

    def start(self) -> tuple[str, Arguments]:
        return "keys give-back", {"key": self._key.id, "to": self.to()}

    def done(self, view: Any) -> None:
        """The file is there: nothing more to show."""


class SecretsPart(QWidget):
    """A table with what can be done to the row that is picked; not there where no secret is kept."""

    def __init__(self, page: Page, clock: Clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page = page
        self._table = RowTable(
            "Secrets",
            (
                Column("What for", lambda key: key.purpose, stretch=2),
                Column("Whose", lambda key: key.name, stretch=2),
                Column("Kept", lambda key: ago(key.created_at, clock.now()), width=16),
                Column(
                    "Last used",
                    lambda key: ago(key.last_used_at, clock.now()) if key.last_used_at else "never",
                    width=16,
                    spare=True,
                ),
                Column(
                    "Validity", lambda key: BadgeSpec(key.tone, key.runway or "No end"), "badge", width=18, spare=True
                ),
            ),
            fits=True,
        )
        self._table.picked.connect(lambda _: self._permit())
        self.give_back = GhostButton("Write it back…", self._give_back, "download")
        self.forget = DangerButton("Forget…", self._forget, "trash-2")
        card = Card("Secrets", flush=True)
        card.body.addWidget(self._table)
        self.setLayout(
            column(
                PlainLabel("Secrets that are no keys of this pod", "heading"),
                PlainLabel("They are sealed like keys. Their values are never shown.", "muted", wrap=True),
                card,
                row(STRETCH, self.give_back, self.forget),
            )
        )
        self.setVisible(False)

    def show_secrets(self, secrets: Sequence[KeyRow]) -> None:
        """Show these."""
        self._table.set_rows(list(secrets))
        self.setVisible(bool(secrets))
        self._permit()

    def _picked(self) -> KeyRow | None:
        found = self._table.current_row()
        return found if isinstance(found, KeyRow) else None

    def _permit(self) -> None:
        key = self._picked()
        self.forget.set_permit(key is not None, "Pick a secret in the table first.")
        self.give_back.set_permit(
            key is not None and key.purpose == FILE, "Pick a file in the table first; other secrets stay here."
        )

    def _give_back(self) -> None:
        key = self._picked()
        if key is not None:
            GiveBack(self._page.desk.sheet_host, doing(self._page, "Writing a file back"), key).open()

    def _forget(self) -> None:
        key = self._picked()
        if key is None:
            return
        NamePrompt(
            self._page.desk.sheet_host,
            "Forget the secret",
            "It is removed from the vault. Backups that were made before still hold it.",
            (f"{key.purpose}: {key.name}", "Whatever needs it stops working until it is given anew."),
            "forget",
            "Forget it",
            lambda: self._page.write("keys forget", {"key": key.id}, lambda done: self._page.desk.say(done.words)),
        ).open()
