"""How the page of a datasource gets its schema: generated here, of a sample or of every file, or taken from the pod."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.datasources import SchemaView
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.datasource_detail import DatasourceDetail
from podadmin.desktop.widgets.buttons import PrimaryButton
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.prompt import Question

PORT: Final = "Port of its control server"
ASK: Final = "Ask this pod"
_FIELDS_OWN_PORT: Final = "29209"
"""Which the pod's software takes where nobody chose one (bitfount contract, section 5.6)."""


class PortSheet(Question):
    """No pod runs here that podadmin started: whoever has another one on this computer says where it listens."""

    def __init__(self, host: QWidget, error: PodadminError, on_port: Callable[[int], object]) -> None:
        super().__init__(
            host,
            "Take the schema from the pod",
            f"{error.why} Start it on the page Pod & gate, and come back here. If somebody else starts it on this "
            "computer, say at which port its control server listens.",
        )
        self._act = on_port
        self.port = TextField(PORT, _FIELDS_OWN_PORT)
        self.ask(PrimaryButton(ASK, self._go), self.port)

    def missing(self) -> str:
        text = self.port.value().strip()
        return "" if text.isascii() and text.isdigit() and 0 < int(text) < 65_536 else "A port is 1 to 65535."

    def _go(self) -> None:
        port = int(self.port.value().strip())
        self.dismiss()
        self._act(port)


class SchemaMaking:
    """Serves the buttons of a datasource's page that make a schema. `read` shows the datasource anew."""

    def __init__(
        self,
        page: Page,
        detail: DatasourceDetail,
        say_error: Callable[[PodadminError], None],
        read: Callable[[], None],
    ) -> None:
        self._page = page
        self._detail = detail
        self._say_error = say_error
        self._read = read
        detail.generate_wanted.connect(lambda source: self._generate(source, False))
        detail.every_file_wanted.connect(lambda source: self._generate(source, True))
        detail.take_wanted.connect(self._take)

    def _generate(self, source: str, every_file: bool) -> None:
        def made(schema: SchemaView) -> None:
            self._page.desk.say(f"The schema of {schema.datasource_name} was generated and saved.")

        arguments: dict[str, object] = {"datasource": source, "save": True, "every_file": every_file}
        self._begin("schema generate", arguments, "Generating the schema", made, self._say_error)

    def _take(self, source: str, port: int = 0) -> None:
        def taken(schema: SchemaView) -> None:
            self._page.desk.say(f"The schema of {schema.datasource_name} was taken from the pod and saved.")

        def failed(error: PodadminError) -> None:
            if error.code == "pod.not-running":
                PortSheet(self._page.desk.sheet_host, error, lambda at: self._take(source, at)).open()
            else:
                self._say_error(error)

        arguments: dict[str, object] = {"datasource": source, "port": port}
        self._begin("schema take", arguments, "Asking the pod for the schema", taken, failed)

    def _begin(
        self,
        act: str,
        arguments: dict[str, object],
        title: str,
        made: Callable[[SchemaView], None],
        failed: Callable[[PodadminError], None],
    ) -> None:
        detail = self._detail
        detail.set_busy(True)
        detail.show_generating(title)

        def came(schema: SchemaView) -> None:
            detail.set_busy(False)
            made(schema)

        def broke(error: PodadminError) -> None:
            detail.set_busy(False)
            failed(error)
            if detail.source is not None:
                self._read()

        # data is read beside decisions, never in their queue; what is kept at the end is one write of the store
        detail.job.follow(self._page.session.read(self._page, act, arguments, came, broke, title=title))
