"""The questions that backups ask: where a backup goes and what opens it, which one to open, and which pod gets the key.

A sheet stays open until its work is done, with progress and Cancel; what goes wrong is said in it. What is typed of a
passphrase or share leaves its field with the act and is not kept in the window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from PySide6.QtWidgets import QWidget

from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.desktop.session import RunningJob
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.buttons import GhostButton, PrimaryButton, TabRow
from podadmin.desktop.widgets.form import ChoiceField, Field, LongField, PathField, TextField
from podadmin.desktop.widgets.layout import STRETCH, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.prompt import Question
from podadmin.desktop.widgets.text import PlainLabel

SHORTEST: Final = 12
"""As long as the vault wants a passphrase; it has the last word."""
MOST_SHARES: Final = 16

Arguments = Mapping[str, object]
Act = Callable[[str, Arguments, Callable[[Any], object], Callable[[PodadminError], object]], RunningJob]
"""Does an act by name; calls the first with its view or the second with its error."""


class WorkSheet(Question):
    """A sheet with one act that takes a while."""

    def __init__(self, host: QWidget, title: str, words: str, confirm: str, icon: str, do: Act) -> None:
        super().__init__(host, title, words)
        self._do = do
        self._job: RunningJob | None = None
        self.problem = PlainLabel("", "body", "bad", wrap=True)
        self.problem.setVisible(False)
        self.bar = JobBar()
        self._words, self._icon = confirm, icon

    def finish_building(self, *fields: Field) -> None:
        """The fields that are not in the body yet, and where progress and problems are shown."""
        self.ask(PrimaryButton(self._words, self._confirm, self._icon), *fields, self.bar, self.problem)

    def check(self) -> None:
        super().check()
        if self._job is not None:
            self.confirm.set_permit(False, "It is being done.")

    def start(self) -> tuple[str, Arguments]:
        """The act and its arguments; fields with secrets forget them."""
        raise NotImplementedError

    def done(self, view: Any) -> None:
        """It was done; the sheet is closed already."""
        raise NotImplementedError

    def dismiss(self) -> None:
        if self._job is not None and not self._job.done:
            self._job.cancel()
        super().dismiss()

    def _confirm(self) -> None:
        self.problem.setVisible(False)
        act, arguments = self.start()
        self._job = self._do(act, arguments, self._came, self._failed)
        self.bar.follow(self._job)
        self.check()

    def _came(self, view: Any) -> None:
        self._job = None
        self.dismiss()
        self.done(view)

    def _failed(self, error: PodadminError) -> None:
        self._job = None
        self.problem.setText(f"{error.what} {error.why} {error.next_step} ({error.code})")
        self.problem.setVisible(True)
        self.check()


class FileSheet(WorkSheet):
    """One whose act writes a file, which is named in it after the other fields."""

    def __init__(
        self, host: QWidget, title: str, words: str, confirm: str, do: Act, *fields: Field, placeholder: str = ""
    ) -> None:
        super().__init__(host, title, words, confirm, "download", do)
        self.file = PathField("File to write", "save", placeholder=placeholder)
        self.finish_building(*fields, self.file)

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self.file.line)

    def missing(self) -> str:
        return "" if self.to() else "Name the file first."

    def to(self) -> str:
        """The file that was named."""
        return self.file.value().strip()


class MakeBackup(WorkSheet):
    """Where the backup goes, and what opens it."""

    def __init__(self, host: QWidget, do: Act, on_made: Callable[[Any], object]) -> None:
        words = (
            "In the backup are the keys and secrets of this profile with what opens them, trust, rules, grants, "
            "requests with the results that wait, settings and the journal. Not in it are the data of datasources, "
            "logs and exports."
        )
        super().__init__(host, "Make a backup", words, "Make the backup", "download", do)
        self._made = on_made
        self.file = PathField("File to write", "save", placeholder="On another disk, such as clinic.backup")
        self.kind = TabRow(
            [("passphrase", "A passphrase"), ("shares", "Shares of several custodians")],
            "What opens the backup",
            self._pick,
        )
        self.first = TextField("Passphrase of the backup", secret=True, hint=f"{SHORTEST} characters or more.")
        self.second = TextField("The same once more", secret=True)
        numbers = [(str(n), str(n)) for n in range(2, MOST_SHARES + 1)]
        self.of = ChoiceField("Shares in all", numbers, "3")
        self.quorum = ChoiceField("Shares that open it together", numbers, "2")
        self.folder = PathField(
            "Folder for the shares",
            "folder",
            hint="One file of words for each custodian. Give each away and keep none beside the backup.",
        )
        self._by_passphrase = wrap(column(self.first, self.second, gap=SPACE.m))
        self._by_shares = wrap(column(row((self.of, 1), (self.quorum, 1)), self.folder, gap=SPACE.m))
        for part in (self.file, PlainLabel("What opens the backup", "label"), self.kind):
            self.body.addWidget(part)
        self.body.addWidget(self._by_passphrase)
        self.body.addWidget(self._by_shares)
        for field in (self.file, self.first, self.second, self.of, self.quorum, self.folder):
            field.changed.connect(self.check)
        self.finish_building()
        self._pick("passphrase")

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self.file.line)

    def _pick(self, key: str) -> None:
        self._by_passphrase.setVisible(key == "passphrase")
        self._by_shares.setVisible(key == "shares")
        self.check()

    def missing(self) -> str:
        if not self.file.value().strip():
            return "Name the file first."
        if self.kind.current == "shares":
            if int(self.quorum.value()) > int(self.of.value()):
                return "More shares are needed to open it than there are."
            return "" if self.folder.value().strip() else "Name the folder for the shares first."
        if len(self.first.value()) < SHORTEST:
            return f"The passphrase needs {SHORTEST} characters."
        return "" if self.first.value() == self.second.value() else "Both passphrases have to be the same."

    def start(self) -> tuple[str, Arguments]:
        to = self.file.value().strip()
        if self.kind.current == "shares":
            numbers = {"quorum": int(self.quorum.value()), "of": int(self.of.value())}
            return "backup make-shared", {"to": to, "shares_to": self.folder.value().strip(), **numbers}
        typed = Secret(self.first.value())
        self.first.set_value("")
        self.second.set_value("")
        return "backup make", {"to": to, "new_passphrase": typed}

    def done(self, view: Any) -> None:
        self._made(view)


class OpenBackup(WorkSheet):
    """Which backup, and what opens it: for a test restore and for a restore."""

    def __init__(
        self,
        host: QWidget,
        title: str,
        words: str,
        confirm: str,
        act: str,
        do: Act,
        on_done: Callable[[Any], object],
        file: str = "",
    ) -> None:
        super().__init__(host, title, words, confirm, "shield-check", do)
        self._act, self._on_done = act, on_done
        self._added: list[str] = []
        self.file = PathField("File of the backup")
        self.file.set_value(file)
        self.kind = TabRow([("passphrase", "A passphrase"), ("shares", "Shares")], "What opens it", self._pick)
        self.passphrase = TextField("Passphrase of the backup", secret=True)
        self.share = PathField("File of a share")
        self.add = GhostButton("Add this share", self._add, "plus")
        self.added = PlainLabel("", "small", wrap=True)
        self.words = LongField("Or the words of shares", hint="The words of one share after those of the other.")
        self._by_shares = wrap(
            column(self.share, row(self.add, (self.added, 1), STRETCH), self.words, gap=SPACE.s),
        )
        for part in (self.file, PlainLabel("What opens it", "label"), self.kind, self.passphrase, self._by_shares):
            self.body.addWidget(part)
        for field in (self.file, self.passphrase, self.share, self.words):
            field.changed.connect(self.check)
        self.finish_building()
        self._pick("passphrase")

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or (self.passphrase.line if self.file.value() else self.file.line))

    def _pick(self, key: str) -> None:
        self.passphrase.setVisible(key == "passphrase")
        self._by_shares.setVisible(key == "shares")
        self.check()

    def _add(self) -> None:
        name = self.share.value().strip()
        if name and name not in self._added:
            self._added.append(name)
        self.share.set_value("")
        names = ", ".join(Path(each).name for each in self._added)
        self.added.setText(f"Added: {names}" if names else "")
        self.check()

    def missing(self) -> str:
        self.add.set_permit(bool(self.share.value().strip()), "Name the file of a share first.")
        if not self.file.value().strip():
            return "Name the backup first."
        if self.kind.current == "shares":
            return "" if self._added or self.words.value().strip() else "Add the shares first."
        return "" if self.passphrase.value() else "Type the passphrase first."

    def start(self) -> tuple[str, Arguments]:
        file = self.file.value().strip()
        if self.kind.current == "shares":
            typed = Secret(self.words.value())
            self.words.set_value("")
            arguments: dict[str, object] = {"file": file, "share": list(self._added)}
            return f"{self._act}-shared", arguments | ({"words": typed} if typed.reveal().strip() else {})
        passphrase = Secret(self.passphrase.value())
        self.passphrase.set_value("")
        return self._act, {"file": file, "passphrase": passphrase}

    def done(self, view: Any) -> None:
        self._on_done(view)


class HandOver(WorkSheet):
    """Hands the pod's key to a pod that is started outside podadmin, and takes it back."""

    def __init__(self, host: QWidget, do: Act, on_done: Callable[[Any], object], protection: str) -> None:
        words = (
            "The key is put there as files only until the pod has read them; then they are removed, and podadmin looks "
            f"that they are gone. {protection}"
        )
        super().__init__(host, "Hand the key to a pod", words, "Hand over and wait", "key-round", do)
        self._on_done = on_done
        self.storage = PathField(
            "Storage folder of the pod",
            "folder",
            hint="Where the pod keeps its files (BITFOUNT_STORAGE_PATH). It gets links, never the key itself.",
        )
        self.user = TextField("User of the storage", "_default", hint="As the pod's software names it.")
        self.seconds = TextField("Seconds to wait", "120", hint="Start the pod in this time.")
        self.finish_building(self.storage, self.user, self.seconds)

    def missing(self) -> str:
        if not self.storage.value().strip():
            return "Name the storage folder first."
        return "" if self.seconds.value().strip().isdigit() else "Say for how many seconds."

    def start(self) -> tuple[str, Arguments]:
        return "keys hand-over", {
            "storage": self.storage.value().strip(),
            "user": self.user.value().strip(),
            "seconds": float(self.seconds.value().strip()),
        }

    def done(self, view: Any) -> None:
        self._on_done(view)
