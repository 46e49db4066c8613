"""The questions of “Pod & gate”: which pod is brought, and how it is started."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Done
from podadmin.app.views.pod import Brought
from podadmin.core.secret import Secret
from podadmin.desktop.pages.backup_sheets import Act, Arguments, WorkSheet
from podadmin.desktop.widgets.form import ChoiceField, PathField, TextField

NETWORKS: Final = (
    ("bitfount", "Bitfount"),
    ("bitfount-staging", "Bitfount (staging)"),
    ("bitfount-sandbox", "Bitfount (sandbox)"),
)
KINDS: Final = (
    ("command", "A command on this computer"),
    ("docker", "A container, run by Docker"),
    ("podman", "A container, run by Podman"),
)


class BringPod(WorkSheet):
    """The files of a pod that exists."""

    def __init__(self, host: QWidget, do: Act, on_brought: Callable[[Brought], object]) -> None:
        words = (
            "Its files are read and stay as they are. Its key and its secrets are sealed here; what is odd about it is "
            "listed afterwards. It is not started by this."
        )
        super().__init__(host, "Bring a pod that exists", words, "Bring it", "folder-open", do)
        self._brought = on_brought
        self.file = PathField("Configuration file", filters="YAML (*.yaml *.yml)", hint="What the pod is started with.")
        self.storage = PathField(
            "Storage folder", "folder", hint="Its keys and caches; ~/.bitfount where none was chosen."
        )
        self.variables = PathField(
            "File with its variables", hint="NAME=value on each line, such as .env.local. Optional."
        )
        self.started_in = PathField(
            "Folder in which it is started", "folder", hint="Where relative paths begin. Optional."
        )
        self.passphrase = TextField("Passphrase of its key", secret=True, hint="Leave it empty where the key has none.")
        self.network = ChoiceField("The network that its API key is for", NETWORKS)
        self.finish_building(self.file, self.storage, self.variables, self.started_in, self.passphrase, self.network)

    def open(self, first: QWidget | None = None) -> None:
        super().open(first or self.file.line)

    def missing(self) -> str:
        return "" if self.file.value().strip() else "Name the configuration file first."

    def start(self) -> tuple[str, Arguments]:
        typed = self.passphrase.value()
        self.passphrase.set_value("")
        named = {
            "storage": self.storage.value().strip(),
            "variables": self.variables.value().strip(),
            "started_in": self.started_in.value().strip(),
        }
        arguments: dict[str, object] = {name: value for name, value in named.items() if value}
        return "pod import", {
            **arguments,
            "file": self.file.value().strip(),
            "passphrase": Secret(typed) if typed else None,
            "network": self.network.value(),
        }

    def done(self, view: Brought) -> None:
        self._brought(view)


class LaunchPod(WorkSheet):
    """A command or a container, and where."""

    def __init__(self, host: QWidget, do: Act, on_done: Callable[[Done], object]) -> None:
        words = (
            "{config} stands for the configuration file, which podadmin writes before each start. What leads the pod "
            "through the gate, and its secrets, are put into its environment."
        )
        super().__init__(host, "How the pod is started", words, "Keep it", "check", do)
        self._done = on_done
        self.kind = ChoiceField("What is started", KINDS)
        self.command = TextField("Command", "bitfount run_pod {config}")
        self.image = TextField("Image", placeholder="registry.example/pod:13", hint="The command is run inside it.")
        self.options = TextField("More options for the container", placeholder="--gpus all --memory 8g")
        self.folder = PathField("Folder in which it is started", "folder", hint="Optional.")
        self.finish_building(self.kind, self.command, self.image, self.options, self.folder)

    def check(self) -> None:
        for field in (self.image, self.options):
            field.setVisible(self.kind.value() != "command")
        super().check()

    def missing(self) -> str:
        if "{config}" not in self.command.value():
            return "The command needs {config} in it."
        if self.kind.value() != "command" and not self.image.value().strip():
            return "Name the image first."
        try:
            shlex.split(self.command.value())
        except ValueError:
            return "The quotation marks of the command do not match."
        return ""

    def start(self) -> tuple[str, Arguments]:
        contained = self.kind.value() != "command"
        return "pod launch", {
            "command": self.command.value().strip(),
            "image": self.image.value().strip() if contained else "",
            "runtime": self.kind.value() if contained else "docker",
            "options": self.options.value().strip() if contained else "",
            "folder": self.folder.value().strip(),
        }

    def done(self, view: Done) -> None:
        self._done(view)
