"""The questions that keys ask: what to make, which file to take over, in which form to give out, how long to accept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.keys import KeyDone, KeyRow, LeftFile, PublicHalf
from podadmin.core.secret import Secret
from podadmin.desktop.pages.backup_sheets import Act, Arguments, FileSheet, WorkSheet
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.form import CheckField, ChoiceField, PathField, TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, scrolling
from podadmin.desktop.widgets.prompt import Sheet
from podadmin.desktop.widgets.text import ElidedLabel, PlainLabel

PURPOSES: Final = (
    ("ehr", "A health record system"),
    ("reviewer", "A reviewer"),
    ("pod", "The pod"),
    ("journal", "The journal and its receipts"),
)
NAMED: Final = frozenset({"ehr", "reviewer"})
OVERLAPS: Final = (
    ("0", "Not at all: it ends at once"),
    ("1", "For a day"),
    ("7", "For a week"),
    ("14", "For two weeks"),
    ("30", "For 30 days"),
    ("90", "For 90 days"),
)
FORMS: Final = (
    ("openssh", "OpenSSH line"),
    ("pem", "PEM"),
    ("jwk", "JSON Web Key"),
    ("jwks", "Key set of all health record systems"),
)


class MakeKey(WorkSheet):
    """What the new key is for."""

    def __init__(self, host: QWidget, do: Act, on_made: Callable[[KeyDone], object]) -> None:
        words = "The private half is sealed here and never shown. The public half may be given to anybody."
        super().__init__(host, "Make a key", words, "Make the key", "plus", do)
        self._made = on_made
        self.purpose = ChoiceField("What it is for", PURPOSES)
        self.name = TextField("Whose it is", placeholder="Epic production", hint="A system or a person, told apart.")
        self.kind = ChoiceField(
            "Which signature the system takes", (("es384", "ES384 (P-384)"), ("rs384", "RS384 (RSA-3072)"))
        )
        self.finish_building(self.purpose, self.name, self.kind)

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self.name.line)

    def check(self) -> None:
        self.name.setVisible(self.purpose.value() in NAMED)
        self.kind.setVisible(self.purpose.value() == "ehr")
        super().check()

    def missing(self) -> str:
        if self.purpose.value() in NAMED and not self.name.value().strip():
            return "Say whose it is first."
        return ""

    def start(self) -> tuple[str, Arguments]:
        purpose = self.purpose.value()
        name = self.name.value().strip() if purpose in NAMED else ""
        kind = self.kind.value() if purpose == "ehr" else "usual"
        return "keys create", {"purpose": purpose, "name": name, "kind": kind}

    def done(self, view: KeyDone) -> None:
        self._made(view)


class ImportKey(WorkSheet):
    """Which key file is taken over, and in whose place."""

    def __init__(self, host: QWidget, do: Act, on_imported: Callable[[KeyDone, str], object]) -> None:
        words = (
            "The file is read and sealed here; it is left where it is. What else lies in clear beside it is told "
            "afterwards, and can be sealed and removed file by file."
        )
        super().__init__(host, "Take over a key", words, "Take it over", "folder-open", do)
        self._imported = on_imported
        self.file = PathField(
            "Key file or folder of the pod",
            hint="pod_rsa.pem in OpenSSH form, PKCS #1 or PKCS #8; the folder that holds it will do.",
        )
        self.passphrase = TextField(
            "Passphrase of the key file", secret=True, hint="Leave it empty where the file has none."
        )
        self.purpose = ChoiceField("What it is for", (PURPOSES[2], PURPOSES[0], PURPOSES[1]))
        self.name = TextField("Whose it is", placeholder="Epic production")
        self.replace = CheckField("Put it in the place of the key that is in use")
        self.overlap = ChoiceField("The old key is still accepted", OVERLAPS, "14")
        self.finish_building(self.file, self.passphrase, self.purpose, self.name, self.replace, self.overlap)

    def check(self) -> None:
        self.name.setVisible(self.purpose.value() in NAMED)
        self.overlap.setVisible(self.replace.value())
        super().check()

    def missing(self) -> str:
        if not self.file.value().strip():
            return "Name the file first."
        if self.purpose.value() in NAMED and not self.name.value().strip():
            return "Say whose it is first."
        return ""

    def start(self) -> tuple[str, Arguments]:
        typed = self.passphrase.value()
        self.passphrase.set_value("")
        purpose = self.purpose.value()
        return "keys import", {
            "path": self.file.value().strip(),
            "passphrase": Secret(typed) if typed else None,
            "purpose": purpose,
            "name": self.name.value().strip() if purpose in NAMED else "",
            "replace": self.replace.value(),
            "overlap_days": int(self.overlap.value()),
        }

    def done(self, view: KeyDone) -> None:
        self._imported(view, self.file.value().strip())


class ReplaceKey(WorkSheet):
    """Until when the old key is still accepted."""

    def __init__(self, host: QWidget, do: Act, key: KeyRow, on_done: Callable[[KeyDone], object]) -> None:
        words = {
            "pod": "A new key is made and published to the network as soon as no task runs. Requests that were made "
            "for "
            "the old key still open while it is accepted. Requesters who have pinned it are asked about the new one.",
            "journal": "A new key is made, and the journal is anchored with it at once. What the old one has signed "
            "stays proved by it.",
            "ehr": "A new key is made. Register its public half at the health record system while the old one is "
            "still accepted: systems keep key sets for a day and longer.",
        }.get(key.group, "A new key is made. Give its public half to those who check what is signed with it.")
        super().__init__(host, "Replace the key", words, "Replace the key", "refresh-cw", do)
        self._key, self._on_done = key, on_done
        self.overlap = ChoiceField("The old key is still accepted", OVERLAPS, "14" if key.group == "pod" else "7")
        self.overlap.setVisible(key.group != "journal")
        self.finish_building(self.overlap)

    def missing(self) -> str:
        return ""

    def start(self) -> tuple[str, Arguments]:
        return "keys rotate", {"key": self._key.id, "overlap_days": int(self.overlap.value())}

    def done(self, view: KeyDone) -> None:
        self._on_done(view)


class ExportKey(FileSheet):
    """In which form, and into which file."""

    def __init__(self, host: QWidget, do: Act, key: KeyRow, on_done: Callable[[PublicHalf], object]) -> None:
        self.form = ChoiceField(
            "Form", FORMS if key.group == "ehr" else FORMS[:3], "jwks" if key.group == "ehr" else ""
        )
        super().__init__(host, "Export the public half", "It may be given to anybody.", "Write it", do, self.form)
        self._key, self._on_done = key, on_done

    def start(self) -> tuple[str, Arguments]:
        if self.form.value() == "jwks":
            return "keys jwks", {"to": self.to()}
        return "keys public", {"key": self._key.id, "form": self.form.value(), "to": self.to()}

    def done(self, view: PublicHalf) -> None:
        self._on_done(view)


class Confirm(Sheet):
    """One question whose answer is an act that needs no reason and no name."""

    def __init__(
        self, host: QWidget, title: str, words: str, confirm: str, icon: str, on_confirm: Callable[[], object]
    ) -> None:
        super().__init__(host, title, words)
        self._act = on_confirm
        self.buttons_row.addWidget(QuietButton("Cancel", self.dismiss))
        self.buttons_row.addWidget(QuietButton(confirm, self._confirm, icon))

    def _confirm(self) -> None:
        act = self._act
        self.dismiss()
        act()


class LeftFiles(Sheet):
    """What other software left in clear beside a key: each file can be sealed and removed."""

    def __init__(self, host: QWidget, files: tuple[LeftFile, ...], on_seal: Callable[[str], object]) -> None:
        super().__init__(
            host,
            "Left in clear beside the key",
            "Whoever reads these files has what is in them, here or in a backup of this disk. Sealing keeps the "
            "content "
            "in the vault, reads it back and then removes the file. A removed file can still be in backups and in the "
            "free space of the disk: replace a key that lay in clear.",
            "triangle-alert",
            "warn",
        )
        self._seal = on_seal
        self._rows = column(gap=SPACE.m)
        area = scrolling(self._rows)
        area.setMinimumHeight(SIZE.palette_list)
        self.body.addWidget(area)
        self.buttons_row.addWidget(QuietButton("Close", self.dismiss))
        self.show_files(files)

    def show_files(self, files: tuple[LeftFile, ...]) -> None:
        """Show these files instead."""
        clear(self._rows)
        for file in files:
            self._rows.addWidget(self._card(file))
        if not files:
            self._rows.addWidget(PlainLabel("Nothing lies there in clear any more.", "body", "good"))
        self._rows.addStretch(1)

    def _card(self, file: LeftFile) -> Card:
        card = Card(sunken=True)
        card.body.addWidget(ElidedLabel(file.path, "body", mono=True))
        card.body.addWidget(PlainLabel(file.what, "small", wrap=True))
        state = BadgeSpec("good", "Sealed here too") if file.sealed else BadgeSpec("warn", "Only there")
        badges = [Badge(state), *([Badge(BadgeSpec("info", "Has a passphrase"))] if file.protected else [])]
        name = f"Seal and remove: {file.path}"
        seal = QuietButton("Seal and remove", partial(self._seal, file.path), "lock", name)
        card.body.addLayout(row(*badges, STRETCH, seal))
        return card


def doing(page: Any, title: str) -> Act:
    """Does an act for a sheet, with its progress in the status line."""

    def do(act: str, arguments: Arguments, success: Callable[[Any], object], failure: Callable[..., object]) -> Any:
        return page.session.write(page, act, arguments, success, failure, title)

    return do


def reading(page: Any, title: str) -> Act:
    """As `doing`, for acts that change nothing in the profile."""

    def do(act: str, arguments: Arguments, success: Callable[[Any], object], failure: Callable[..., object]) -> Any:
        return page.session.read(page, act, arguments, success, failure, title)

    return do
