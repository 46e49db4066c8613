"""The part of “Pod & gate” that is at the hub: who asks there, and publishing a schema after it was looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Done, Fact
from podadmin.app.views.hub import HubView, Publication
from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.desktop.page import Page
from podadmin.desktop.pages.backup_sheets import Act, Arguments, WorkSheet
from podadmin.desktop.pages.keys_sheets import doing
from podadmin.desktop.pages.pod_sheets import NETWORKS
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.armed import ArmedButton
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import ChoiceField, TextField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import precise, whole

Names = tuple[tuple[str, str], ...]
_NOBODY: Final[Names] = (("", "No datasource is connected"),)


class KeepKey(WorkSheet):
    """An API key of a network."""

    def __init__(self, host: QWidget, do: Act, network: str, on_kept: Any) -> None:
        words = "The key lies in the vault. The pod, the hub and the access manager are asked with it."
        super().__init__(host, "Keep an API key", words, "Keep it", "key-round", do)
        self._network, self._kept = network, on_kept
        self.key_id = TextField("Id of the key")
        self.key = TextField("API key", secret=True)
        self.owner = TextField("Account that it belongs to", hint="Leave it empty where it is the pod's own.")
        self.finish_building(self.key_id, self.key, self.owner)

    def missing(self) -> str:
        return "" if self.key_id.value().strip() and self.key.value() else "Enter the id and the key first."

    def start(self) -> tuple[str, Arguments]:
        typed = self.key.value()
        self.key.set_value("")
        told = {"key_id": self.key_id.value().strip(), "owner": self.owner.value().strip(), "network": self._network}
        return "hub key", {**told, "key": Secret(typed)}

    def done(self, view: HubView) -> None:
        self._kept(view)


class MakeKnown(WorkSheet):
    """The pod at the hub, by its name and key alone."""

    def __init__(self, host: QWidget, do: Act, network: str, hub: str, on_known: Callable[[Done], object]) -> None:
        words = (
            f"The name of this pod and the public half of its key are sent to {stranger(hub, 200)}, under the account "
            "that is known there. No datasource and no schema leaves with them. Where the pod is known already, its "
            "key is renewed."
        )
        super().__init__(host, "Make the pod known at the hub", words, "Send name and public key", "send", do)
        self._network, self._known = network, on_known
        self.finish_building()

    def missing(self) -> str:
        return ""

    def start(self) -> tuple[str, Arguments]:
        return "hub register", {"network": self._network}

    def done(self, said: Done) -> None:
        self._known(said)


class HubPart(Card):
    """Who asks at the hub, and what of a datasource would be published there. Nothing leaves before it was shown."""

    def __init__(self, page: Page, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self._page = page
        self._shown: Publication | None = None
        self._hub = ""
        self.network = ChoiceField("Network", NETWORKS)
        self.network.changed.connect(self.refresh)
        self._facts = FactGrid()
        self._problem = column()
        self.log_in = PrimaryButton("Log in", self._log_in, "user")
        self.keep_key = QuietButton("Keep an API key…", self._keep_key, "key-round")
        self.make_known = QuietButton("Make the pod known…", self._make_known, "send")
        self.log_out = QuietButton("Log out and leave", self._log_out, "unplug")
        self.bar = JobBar()
        self._names: Names = _NOBODY
        self.datasource = ChoiceField("Datasource", _NOBODY)
        self._chooser = column(self.datasource)
        self.look = QuietButton("Show what would be published", self._look, "eye")
        self._publication = FactGrid()
        self._columns = RowTable(
            "Columns that would be published",
            (
                Column("Column", lambda each: each.name, stretch=2),
                Column("Type", lambda each: each.type, width=14),
                Column("Labels", lambda each: whole(each.labels) if each.labels else "", "number", 8),
                Column("Labels that leave with it", lambda each: each.shown, stretch=3, spare=True),
            ),
            row_key=lambda each: each.name,
            fits=True,
        )
        self._said = PlainLabel("", "medium", wrap=True)
        self.publish = ArmedButton("Publish exactly this", self._publish, icon="send")
        self._proof = wrap(
            column(self._said, self._publication, self._columns, row(STRETCH, self.publish), gap=SPACE.m)
        )
        self._proof.setVisible(False)
        self.body.setSpacing(SPACE.m)
        words = column(
            PlainLabel("At the hub of a network", "strong"),
            Banner(
                "info",
                "This pod was made here. At a hub it can be made known and the schemas of its datasources published. "
                "Its built-in worker takes requests of the local network only: what a real network sends is run by "
                "that network's own software, which you bring above.",
            ),
            gap=SPACE.m,
        )
        self._made = wrap(words)
        self._made.setVisible(False)
        self.body.addWidget(self._made)
        self.body.addWidget(self.network)
        self.body.addWidget(self._facts)
        self.body.addLayout(self._problem)
        self.body.addWidget(self.bar)
        self.body.addLayout(row(self.log_in, self.keep_key, self.make_known, self.log_out, STRETCH))
        self.body.addWidget(PlainLabel("Publish the schema of a datasource", "medium"))
        self.body.addWidget(
            PlainLabel(
                "Names of columns, labels of categories and numbers leave with it. First you see exactly what; it is "
                "sent only as you saw it.",
                "muted",
                wrap=True,
            )
        )
        self.body.addLayout(self._chooser)
        self.body.addLayout(row(STRETCH, self.look))
        self.body.addWidget(self._proof)

    def show_made_here(self, made_here: bool) -> None:
        """Say plainly what a hub can do for a pod that was made here, and what it cannot."""
        self._made.setVisible(made_here)

    def refresh(self) -> None:
        """Read who asks, and which datasources there are."""
        self._page.session.read(self, "hub show", {"network": self.network.value()}, self._show_hub, self._failed)
        self._page.session.read(self, "datasource list", {}, self._show_datasources)

    def _show_hub(self, hub: HubView) -> None:
        clear(self._problem)
        known = hub.by != "nothing"
        facts = [Fact("Hub", hub.hub, mono=True), Fact("It knows this pod by", hub.by), Fact("Which means", hub.words)]
        if hub.ends is not None:
            facts.append(Fact("Good until", precise(hub.ends)))
        self._facts.set_facts(facts)
        self._hub = hub.hub
        self.log_out.set_permit(known, "Nobody is logged in there.")
        self.make_known.set_permit(known, "Log in or keep an API key first.")
        self.look.set_permit(bool(self.datasource.value()), "Connect a datasource first.")

    def _show_datasources(self, cards: Sequence[Any]) -> None:
        names: Names = tuple((card.name, card.name) for card in cards) or _NOBODY
        if names != self._names:
            self._names = names
            clear(self._chooser)
            self.datasource = ChoiceField("Datasource", names)
            self._chooser.addWidget(self.datasource)
        self.look.set_permit(names is not _NOBODY, "Connect a datasource first.")

    def _log_in(self) -> None:
        self._do("hub login", {}, self._show_hub, "Logging in at the hub")

    def _log_out(self) -> None:
        self._do("hub logout", {}, lambda done: self._told(done.words), "Leaving the network")

    def _keep_key(self) -> None:
        host = self._page.desk.sheet_host
        KeepKey(host, doing(self._page, "Keeping the key"), self.network.value(), self._show_hub).open()

    def _make_known(self) -> None:
        host, do = self._page.desk.sheet_host, doing(self._page, "Making the pod known")
        MakeKnown(host, do, self.network.value(), self._hub, lambda done: self._told(done.words)).open()

    def _look(self) -> None:
        self._proof.setVisible(False)
        self._do("hub publish", {"datasource": self.datasource.value()}, self._show_publication, "Putting it together")

    def _publish(self) -> None:
        shown = self._shown
        if shown is not None:
            arguments = {"datasource": shown.datasource, "seen": shown.seen, "network": shown.network}
            self._do("hub publish", arguments, self._show_publication, "Publishing the schema")

    def _show_publication(self, shown: Publication) -> None:
        self._shown = shown
        self._said.setText(shown.words)
        self._publication.set_facts(shown.facts)
        self._columns.set_rows(shown.columns)
        self._proof.setVisible(True)
        self.publish.setVisible(not shown.published)
        self.publish.rearm()

    def _told(self, words: str) -> None:
        self._page.desk.say(words)
        self.refresh()

    def _do(self, act: str, arguments: Arguments, success: Any, title: str) -> None:
        clear(self._problem)
        told = {"network": self.network.value(), **arguments}
        self.bar.follow(self._page.session.write(self, act, told, success, self._failed, title))

    def _failed(self, error: PodadminError) -> None:
        clear(self._problem)
        if error.code != "core.cancelled":
            words = f"{error.why} {error.next_step} ({error.code})"
            self._problem.addWidget(Banner("bad", words, title=error.what))
