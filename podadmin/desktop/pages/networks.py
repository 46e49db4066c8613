"""Networks: how the pod is reached, what each network can see of it, and the demo requester of the local one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Done
from podadmin.app.views.networks import NetworkCard
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.network_proxy import ProxyCard
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import ChoiceField
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import PlainLabel

JOIN: Final = "Join the local network"
LEAVE: Final = "Leave the network"
SEND: Final = "Send a demo request"
POD: Final = "Go to Pod & gate"
_STATES: Final = {
    "none": BadgeSpec("plain", "Not joined", "unplug"),
    "joined": BadgeSpec("info", "Joined", "link"),
    "connected": BadgeSpec("good", "Connected", "plug"),
    "unreachable": BadgeSpec("bad", "Unreachable", "unplug"),
}
_WHAT: Final = (
    ("sql", "A count by SQL over the datasource"),
    ("rows", "Single records by SQL"),
    ("inference", "Predictions of the demo model"),
    ("report", "A report file with predictions"),
    ("unknown", "Something that podadmin does not know"),
)


class NetworkCardView(Card):
    """One network. `join_wanted(kind)`, `leave_wanted(kind)` and `send_wanted(what)` say what a person wants."""

    join_wanted = Signal(str)
    leave_wanted = Signal(str)
    send_wanted = Signal(str)

    def __init__(self, card: NetworkCard, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.kind = card.kind
        self._badge = Badge(_STATES["none"])
        self._title = PlainLabel(card.title, "strong")
        self._words = PlainLabel("", "muted", wrap=True)
        self._facts = FactGrid()
        self.join = PrimaryButton(JOIN, lambda: self.join_wanted.emit(self.kind), "plug")
        self.leave = QuietButton(LEAVE, lambda: self.leave_wanted.emit(self.kind), "unplug")
        self.leave.set_help("No request can arrive any more; nothing that was recorded is lost.")
        self.job = JobBar()
        self._errors = column(gap=SPACE.s)
        self._demo = self._demo_part()
        self.body.setSpacing(SPACE.m)
        mark = IconMark("network", "muted")
        self.body.addLayout(row(mark, self._title, self._badge, STRETCH, self.leave, self.join))
        self.body.addWidget(self._words)
        self.body.addLayout(self._errors)
        self.body.addWidget(self.job)
        self.body.addWidget(self._facts)
        self.body.addWidget(self._demo)
        self.show_card(card)

    def show_card(self, card: NetworkCard) -> None:
        """Another state of the same network."""
        joined = card.state != "none"
        self._title.setText(card.title)
        self._badge.set(_STATES.get(card.state, BadgeSpec("plain", card.state)))
        self._words.setText(card.words)
        self._facts.set_facts(card.facts)
        self._facts.setVisible(bool(card.facts))
        self.join.setVisible(not joined)
        self.leave.setVisible(joined)
        self._demo.setVisible(joined and self.kind == "local")
        self._demo_words.setText(card.demo_words)
        self._demo_words.setVisible(bool(card.demo_words))
        reachable = card.state != "unreachable"
        self.send.set_permit(reachable, "The network cannot be reached: nothing sent now would arrive.")

    def show_error(self, error: PodadminError | None) -> None:
        """What went wrong here; nothing where None."""
        clear(self._errors)
        if error is not None:
            self._errors.addWidget(Banner("bad", f"{error.why} {error.next_step} ({error.code})", title=error.what))

    def _demo_part(self) -> QWidget:
        self.what = ChoiceField("What the demo requester asks for", _WHAT)
        self.send = QuietButton(SEND, lambda: self.send_wanted.emit(self.what.value()), "send")
        self._demo_words = PlainLabel("", "muted", wrap=True)
        card = Card(sunken=True)
        card.body.addWidget(PlainLabel("Demo requester", "medium"))
        card.body.addWidget(
            PlainLabel(
                "It runs on this machine and sends requests that are encrypted and signed as real ones are. "
                "They arrive in Requests like any other.",
                "muted",
                wrap=True,
            )
        )
        line = row((self.what, 1), self.send, gap=SPACE.m)
        line.setAlignment(self.send, Qt.AlignmentFlag.AlignBottom)
        card.body.addLayout(line)
        card.body.addWidget(self._demo_words)
        return wrap(column(card))


def _real_card(on_click: Callable[[], object]) -> Card:
    """The way to the one real network, where it is not joined."""
    card = Card()
    words = (
        "A real network is reached by a pod of its own software, which podadmin starts behind the gate. Bring that "
        "pod, or make this one known at a hub, under Pod & gate."
    )
    go = QuietButton(POD, on_click, "arrow-right")
    title = PlainLabel("Bitfount", "strong")
    card.body.setSpacing(SPACE.m)
    card.body.addLayout(row(IconMark("globe", "muted"), title, STRETCH, go))
    card.body.addWidget(PlainLabel(words, "muted", wrap=True))
    return card


class NetworksPage(Page):
    """A card for each network."""

    name = "Networks"
    title = "Networks"
    icon = "network"
    kinds = frozenset({"profile", "network", "gate", "pod", "tour", "setting"})
    help_text = (
        "A network is where requests come from and results go to. Each card says whether the pod has joined it, under "
        "which addresses it is reached, and what the network can see of the pod.\n\n"
        "The local network runs on this machine: a real message service, a real access manager, and a demo requester "
        "that sends really encrypted and signed requests. Leaving a network stops requests from arriving; nothing "
        "that was recorded is lost."
    )

    def build(self) -> Iterator[None]:
        self._cards: dict[str, NetworkCardView] = {}
        self._holder = column(gap=SPACE.l)
        yield
        self.real = _real_card(lambda: self.desk.go("Pod & gate"))
        self.real.setVisible(False)
        self.proxy = ProxyCard(self)
        self.body.addLayout(self._holder)
        self.body.addWidget(self.real)
        self.body.addWidget(self.proxy)

    def refresh(self) -> None:
        self.read("network list", {}, lambda cards: self.in_turns(self.show_cards(cards)))
        self.proxy.refresh()

    def show_cards(self, cards: Sequence[NetworkCard]) -> Iterator[None]:
        """Show these networks; what a person has chosen in a card that stays is kept."""
        if not cards:
            self.state.show_empty("network", "No network is known", "This installation has no networks to join.")
            return
        self.real.setVisible(all(card.kind == "local" for card in cards))
        if {card.kind for card in cards} != set(self._cards):
            clear(self._holder)
            self._cards = {}
            for card in cards:
                view = self._make(card)
                view.show_card(card)
                self._holder.addWidget(view)
                self._cards[card.kind] = view
                yield
            return
        for card in cards:
            self._cards[card.kind].show_card(card)
            yield

    def _make(self, card: NetworkCard) -> NetworkCardView:
        view = NetworkCardView(card)
        view.join_wanted.connect(self._join)
        view.leave_wanted.connect(self._leave)
        view.send_wanted.connect(self._send)
        return view

    def _join(self, kind: str) -> None:
        self._do(kind, "network join", {"kind": kind}, "The network is joined.", "Joining the network")

    def _leave(self, kind: str) -> None:
        self._do(kind, "network leave", {"kind": kind}, "The network is left.", "Leaving the network")

    def _send(self, what: str) -> None:
        self._do("local", "network send", {"what": what}, "The demo request was sent.", "Sending a demo request")

    def _do(self, kind: str, act: str, arguments: dict[str, object], words: str, title: str) -> None:
        view = self._cards[kind]
        view.show_error(None)
        buttons = (view.join, view.leave, view.send)
        for button in buttons:
            button.set_permit(False, "It is being done.")

        def free() -> None:
            for button in buttons:
                button.set_permit(True)

        def done(value: object) -> None:
            free()
            self.desk.say(value.words if isinstance(value, Done) else words)
            self.refresh()

        def failed(error: PodadminError) -> None:
            free()
            if error.code != "core.cancelled":
                view.show_error(error)

        view.job.follow(self.session.write(view, act, arguments, done, failed, title))
