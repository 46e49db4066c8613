"""The first steps on a fresh profile, each honest about how it stands: secrets, pod, datasource, network; or the tour.

A step is done by the same act as anywhere else. What goes wrong is said at the step at which it went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLayout, QWidget

from podadmin.app.views.facts import Done, Fact
from podadmin.app.views.networks import NetworkCard
from podadmin.app.views.status import KeyringView, PodView, Status
from podadmin.core.errors import PodadminError
from podadmin.core.text import grouped
from podadmin.desktop.page import Desk
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SIZE, SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.banner import Banner, IconMark
from podadmin.desktop.widgets.buttons import Button, GhostButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid, FactList
from podadmin.desktop.widgets.form import ChoiceField, Field, TextField
from podadmin.desktop.widgets.keyboard import Fallen, has_keyboard
from podadmin.desktop.widgets.layout import STRETCH, clear, column, row, wrap
from podadmin.desktop.widgets.progress import JobBar
from podadmin.desktop.widgets.text import PlainLabel

STEPS: Final = ("keyring", "pod", "datasource", "network")
BRING: Final = "Bring a pod that exists"
_TITLES: Final = {
    "keyring": "Choose where secrets live",
    "pod": "Make a pod",
    "datasource": "Connect a first datasource",
    "network": "Join the local network",
}
_DONE: Final = BadgeSpec("good", "Done")
_NEXT: Final = BadgeSpec("info", "Next", "circle-dot")
_OPEN: Final = BadgeSpec("plain", "Not yet", "circle-dot")
_TROUBLE: Final = BadgeSpec("warn", "Needs attention")
_SYSTEM: Final = ("system", "The keyring of this account")
_PASSPHRASE: Final = ("passphrase", "A file sealed under a passphrase")
_MEMORY: Final = ("memory", "Memory only: forgets when podadmin closes")
_FILE_HINT: Final = (
    "For machines without a keyring. podadmin is then started with --passphrase-file and the file's name."
)
_HINTS: Final = {
    "system": "Recommended. The system's own keyring holds one key; it opens the pod's keys, which lie sealed on disk.",
    "passphrase": _FILE_HINT,
    "memory": "For test mode only: everything that is sealed now can never be opened again after podadmin closes.",
}
_POD_WORDS: Final = (
    "The pod gets an RSA-4096 key, with which requests to it are sealed, and the journal gets an Ed25519 key, with "
    "which its entries are anchored. Both are made here and never leave this machine unsealed."
)
_TOUR_LINES: Final = (
    "A demo pod, demo data and a demo model, marked as such everywhere",
    "A network and a demo requester that run on this machine only",
    "Really encrypted and signed requests, for you to approve or refuse",
)


class StepCard(Card):
    """One step: how it stands, what it is for, its fields, its act, its progress, and its error in place."""

    def __init__(
        self,
        number: int,
        key: str,
        words: str,
        act: Button,
        *fields: Field | QLayout,
        instead: tuple[Button, ...] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent=parent)
        self.key = key
        self.act = act
        self._badge = Badge(_OPEN)
        title = PlainLabel(f"{number}   {_TITLES[key]}", "strong")
        self._words = PlainLabel(words, "muted", wrap=True)
        self.facts = FactGrid()
        self.facts.setVisible(False)
        self.job = JobBar()
        self._errors = column(gap=SPACE.s)
        if fields:
            self._editor = wrap(column(self._words, *fields, row(act, *instead, STRETCH), gap=SPACE.m))
        else:
            self._editor = wrap(row((self._words, 1), act, gap=SPACE.l))
        for part in (row(title, STRETCH, self._badge), self._errors):
            self.body.addLayout(part)
        for widget in (self._editor, self.job, self.facts):
            self.body.addWidget(widget)

    def show_open(self, is_next: bool, first: str = "") -> None:
        """The step is open. `first` says which other step has to be done before."""
        self._badge.set(_NEXT if is_next else _OPEN)
        self._editor.setVisible(True)
        self.facts.setVisible(False)
        self.act.set_permit(not first, first)

    def show_done(self, facts: tuple[Fact, ...] = (), trouble: bool = False, keep_editor: bool = False) -> None:
        """The step is done, with what came of it; `trouble` where it does not work as it should."""
        self._badge.set(_TROUBLE if trouble else _DONE)
        self._editor.setVisible(keep_editor)
        self.act.set_permit(True)
        self.facts.set_facts(facts)
        self.facts.setVisible(bool(facts))

    def show_error(self, error: PodadminError | None) -> None:
        """What went wrong at this step; nothing where None."""
        clear(self._errors)
        if error is not None:
            words = f"{error.why} {error.next_step} ({error.code})"
            self._errors.addWidget(Banner("bad", words, title=error.what))

    @property
    def state(self) -> str:
        """The word that says how the step stands."""
        return self._badge.text()


class TourCard(Card):
    """The offer to have everything set up with demo data."""

    def __init__(self, act: Button, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.act = act
        self.job = JobBar()
        self._errors = column(gap=SPACE.s)
        self.body.setSpacing(SPACE.m)
        self.body.addLayout(
            row(IconMark("flask-conical", "accent_text"), PlainLabel("Take the tour", "strong"), STRETCH)
        )
        self.body.addWidget(
            PlainLabel("See the whole story in a few minutes, without any data of your own.", "muted", wrap=True)
        )
        self.body.addWidget(FactList(_TOUR_LINES, icon="check"))
        self.body.addLayout(self._errors)
        self.body.addLayout(row(act, STRETCH))
        self.body.addWidget(self.job)
        self.body.addWidget(
            PlainLabel(
                "It can be removed again with one click, and is then gone at the next start.", "small", wrap=True
            )
        )

    def show_error(self, error: PodadminError | None) -> None:
        """What went wrong; nothing where None."""
        clear(self._errors)
        if error is not None:
            self._errors.addWidget(Banner("bad", f"{error.why} {error.next_step} ({error.code})", title=error.what))


class FirstStartPage(Part):
    """The steps and the tour. It is shown inside Overview. `later`: the rest of the steps is left for another day."""

    later = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._busy: set[str] = set()
        self._done_by_hand = ""
        """The step from which the keyboard goes on to the next one."""
        self._list, self._beside = column(gap=SPACE.m), column()
        self._side = wrap(self._beside)
        self.setLayout(
            column(
                PlainLabel(
                    "podadmin stands between your data and everyone who wants to run something on it: see exactly, "
                    "decide once, prove later. A few steps, and it is ready.",
                    "muted",
                    wrap=True,
                ),
                row((self._list, 3), (self._side, 2), gap=SPACE.l),
                gap=SPACE.l,
            )
        )

    def build(self) -> Iterator[None]:
        """Make the steps and the tour."""
        self.backend = ChoiceField("Where secrets live", _backends(), hint=_HINTS["system"])
        self.backend.changed.connect(lambda: self.backend.set_help(_HINTS[self.backend.value()]))
        self.keyring = StepCard(
            1,
            "keyring",
            "Private keys lie on disk sealed under one key. Where that one key lives is your choice, and podadmin "
            "never changes it silently.",
            PrimaryButton("Use this", self._choose_keyring),
            self.backend,
        )
        self._list.addWidget(self.keyring)
        yield
        self.pod_name = TextField("Pod name", hint="Such as eye-clinic-2.")
        self.pod_name.line.returnPressed.connect(self._make_pod)
        self.owner = TextField("Owner", "custodian", "Its account on the network.")
        names = row((self.pod_name, 1), (self.owner, 1), gap=SPACE.l)
        for field in (self.pod_name, self.owner):
            names.setAlignment(field, Qt.AlignmentFlag.AlignTop)
        bring = GhostButton(BRING, lambda: self._desk.go("Pod & gate"), "folder-open")
        bring.set_help("Takes over a pod of a real network that this hospital has: its configuration, key and secrets.")
        make = PrimaryButton("Make the pod", self._make_pod)
        self.pod = StepCard(2, "pod", _POD_WORDS, make, names, instead=(bring,))
        self._list.addWidget(self.pod)
        yield
        self.datasource = StepCard(
            3,
            "datasource",
            "Point podadmin at a file, folder or database. It is read, never written, and you see what its schema "
            "would reveal before anything is published.",
            PrimaryButton("Connect a datasource", self._connect),
        )
        self._list.addWidget(self.datasource)
        yield
        self.network = StepCard(
            4,
            "network",
            "A real message service and access manager on this machine, with a demo requester. Nothing goes "
            "over the internet. A pod of a real network joins that network under Pod & gate.",
            PrimaryButton("Join the local network", self._join),
        )
        self._list.addWidget(self.network)
        yield
        self._leave = GhostButton("Continue with the overview", self.later.emit, "arrow-right")
        self._leave.set_help("The open steps stay reachable from there.")
        self._restore = GhostButton("Restore a backup", lambda: self._desk.go("Keys", "backup"), "folder-open")
        self._restore.set_help("Puts a profile that was backed up in the place of this empty one.")
        self._list.addLayout(row(self._leave, self._restore, STRETCH))
        self.tour = TourCard(QuietButton("Take the tour", self._take_tour, "play"))
        self.tour.setMaximumWidth(SIZE.field)
        self._beside.addWidget(self.tour)
        self._beside.addStretch(1)
        self._steps = {step.key: step for step in (self.keyring, self.pod, self.datasource, self.network)}
        yield

    def show_status(self, status: Status) -> None:
        """Show how every step stands."""
        needed = status.needs_setup
        following = next((key for key in STEPS if key in needed), "")
        self._show_keyring(status, "keyring" in needed)
        for key in STEPS[1:]:
            step = self._steps[key]
            if key in self._busy:
                continue
            if key in needed:
                step.show_open(key == following, _first(key, needed))
            else:
                step.show_done()
        if "pod" not in needed:
            self._show_pod(status.pod)
        fresh = "pod" in needed
        self._leave.setVisible(not fresh)
        self._restore.setVisible(fresh)
        self._side.setVisible(fresh or "tour" in self._busy)
        if "tour" not in self._busy:
            self.tour.act.set_permit(True)
        if self._done_by_hand and self._done_by_hand not in needed and following and following not in self._busy:
            self._done_by_hand = ""
            self._steps[following].act.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_keyring(self, status: Status, is_open: bool) -> None:
        view: KeyringView = status.keyring
        if is_open:
            self.keyring.show_open(True)
            return
        trouble = view.forgets or view.state != "ready"
        facts = [Fact("Secrets live in", view.backend), Fact("State", view.words, "warn" if trouble else "good")]
        if view.next_step:
            facts.append(Fact("What to do", view.next_step))
        broken = view.state != "ready" and status.pod.state == "none"
        self.keyring.show_done(tuple(facts), trouble, keep_editor=broken)

    def _show_pod(self, pod: PodView) -> None:
        facts = [Fact("Pod", pod.identifier or pod.name)]
        if pod.fingerprint:
            facts.append(Fact("Key fingerprint", grouped(pod.fingerprint[:32]), mono=True))
        self.pod.show_done(tuple(facts))

    def _choose_keyring(self) -> None:
        def chosen(_: KeyringView) -> None:
            self._desk.say("It is recorded where secrets live.")

        self._do(self.keyring, "keyring choose", {"backend": self.backend.value()}, chosen)

    def _make_pod(self) -> None:
        name, owner = self.pod_name.value().strip(), self.owner.value().strip()
        self.pod_name.set_error("" if name else "Give the pod a name first.")
        self.owner.set_error("" if owner else "Say who answers for the pod.")
        if name and owner and self.pod.act.isEnabled():
            self._do(self.pod, "pod create", {"name": name, "owner": owner}, self._pod_made, "Making the pod")

    def _pod_made(self, pod: PodView) -> None:
        self._desk.say(f"The pod {pod.name} is made.")

    def _connect(self) -> None:
        self._desk.go("Datasources", "new")

    def _join(self) -> None:
        def joined(_: NetworkCard) -> None:
            self._desk.say("The local network is joined.")

        self._do(self.network, "network join", {"kind": "local"}, joined, "Joining the local network")

    def _take_tour(self) -> None:
        def ready(done: Done) -> None:
            self._desk.say(done.words)

        self._do(self.tour, "tour", {}, ready, "Setting up the tour")

    def _do(
        self,
        step: StepCard | TourCard,
        act: str,
        arguments: Mapping[str, object],
        success: Callable[[Any], object],
        title: str = "",
    ) -> None:
        """Run an act for a step: its button waits, its progress and its error show where it was asked for."""
        key = step.key if isinstance(step, StepCard) else "tour"
        self._busy.add(key)
        step.show_error(None)
        held, fallen = has_keyboard(step), Fallen()
        step.act.set_permit(False, "It is being done.")
        fallen.note(held)

        def done(value: Any) -> None:
            self._busy.discard(key)
            self._done_by_hand = key if fallen.lies_there else ""
            success(value)

        def failed(error: PodadminError) -> None:
            self._busy.discard(key)
            step.act.set_permit(True)
            if error.code != "core.cancelled":
                step.show_error(error)

        step.job.follow(self._desk.session.write(self, act, arguments, done, failed, title))


def open_words(status: Status) -> str:
    """The open steps in a sentence; empty where none is open."""
    names = [_TITLES[key] for key in STEPS if key in status.needs_setup]
    words = "; ".join([*names[:1], *(name[:1].lower() + name[1:] for name in names[1:])])
    return f"{words}." if words else ""


def _backends() -> list[tuple[str, str]]:
    """Memory is offered only where nothing can be kept anyway: in headless test mode."""
    headless = QGuiApplication.platformName() in ("offscreen", "minimal")
    return [_SYSTEM, _PASSPHRASE, *([_MEMORY] if headless else [])]


def _first(key: str, needed: tuple[str, ...]) -> str:
    """Which step has to be done before this one; empty where it can be done now."""
    if key == "pod" and "keyring" in needed:
        return "First choose where secrets live: the pod's keys are sealed there."
    if key in ("datasource", "network") and "pod" in needed:
        return "First make the pod."
    return ""
