"""The card of a request's review: how many votes are in, what they say once all are, and the place to cast one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.facts import Fact
from podadmin.app.views.grants import ReviewView
from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.pages.grants_people import FieldsSheet
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import Badge, BadgeSpec
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.facts import FactGrid
from podadmin.desktop.widgets.form import ChoiceField, LongField, PathField, TextField
from podadmin.desktop.widgets.layout import STRETCH, row
from podadmin.desktop.widgets.prompt import Question
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import when

VOTE: Final = "Cast a vote…"
EXPORT: Final = "Export for a reviewer…"
IMPORT: Final = "Import a vote…"
ENROL: Final = "Enrol reviewers"
_BADGES: Final = {
    "open": BadgeSpec("warn", "Votes are missing", "hourglass"),
    "allow": BadgeSpec("good", "Every vote says yes"),
    "refuse": BadgeSpec("bad", "A vote says no"),
}


class ReviewCard(Card):
    """Signal `wanted` carries an act and its arguments; `people_wanted` asks for where people are enrolled."""

    wanted = Signal(str, dict)
    people_wanted = Signal()

    def __init__(self, host: QWidget, parent: QWidget | None = None) -> None:
        super().__init__("What colleagues say", parent=parent)
        self._host = host
        self._request = ""
        self._shown: ReviewView | None = None
        self._badge = Badge(_BADGES["open"])
        self._words = PlainLabel("", "body", wrap=True)
        self.facts = FactGrid()
        self.vote = PrimaryButton(VOTE, self._vote, "check")
        self.export = QuietButton(EXPORT, self._export, "download")
        self.bring = QuietButton(IMPORT, self._import, "folder-open")
        self.enrol = QuietButton(ENROL, self.people_wanted.emit, "user")
        self.body.addLayout(row((self._words, 1), self._badge, gap=SPACE.m))
        self.body.addWidget(self.facts)
        self.body.addLayout(row(self.vote, self.export, self.bring, self.enrol, STRETCH))

    def show_review(self, request: str, shown: ReviewView | None) -> None:
        """Show how far the review is; nothing where nobody was asked."""
        self._request, self._shown = request, shown
        self.setVisible(shown is not None)
        if shown is None:
            return
        self._words.setText(shown.words)
        self._badge.set(_BADGES.get(shown.state, _BADGES["open"]))
        facts = [Fact("Asked by", shown.asked_by), Fact("What to look at", shown.why or "–")]
        for each in shown.votes:
            said = {"allow": "says yes", "refuse": "says no"}.get(each.verdict, "has voted; hidden until all are in")
            tone = {"allow": "good", "refuse": "bad"}.get(each.verdict, "plain")
            reason = f": {each.reason}" if each.reason else ""
            facts.append(Fact(each.reviewer, f"{said}, {when(each.cast_at)}{reason}", tone))
        self.facts.set_facts(tuple(facts))
        waiting = shown.state == "open"
        here = [each for each in shown.may_vote if each.kind == "local"]
        self.vote.set_permit(bool(here), "Nobody who may still vote has a key at this computer.")
        for button in (self.vote, self.export, self.bring):
            button.setVisible(waiting)
        self.enrol.setVisible(waiting and len(shown.may_vote) < shown.needed - len(shown.votes))

    def _vote(self) -> None:
        shown = self._shown
        if shown is not None:
            people = [(each.id, each.name) for each in shown.may_vote if each.kind == "local"]
            sheet = VoteSheet(self._host, people)
            sheet.voted.connect(
                lambda who, verdict, reason: self.wanted.emit(
                    "reviews vote",
                    {"request": self._request, "reviewer": who, "verdict": verdict, "reason": reason},
                )
            )
            sheet.open()

    def _export(self) -> None:
        def write(path: str, _format: str) -> None:
            sheet.dismiss()
            self.wanted.emit("reviews export", {"request": self._request, "to": path})

        sheet = ExportSheet(
            self._host,
            "Export for a reviewer",
            "The file says what the request would do, signed by this pod. The reviewer's vote comes back sealed.",
            write,
            placeholder="review.json",
        )
        sheet.open()

    def _import(self) -> None:
        ImportSheet(
            self._host, lambda path: self.wanted.emit("reviews import", {"request": self._request, "file": path})
        ).open()


class VoteSheet(Question):
    """Casts a vote. What it says is sealed until all votes are in, and it stands."""

    voted = Signal(str, str, str)

    def __init__(self, host: QWidget, people: list[tuple[str, str]]) -> None:
        super().__init__(
            host,
            "Cast a vote",
            "Your vote is signed with your key and sealed: nobody reads it before all votes are in. It stands.",
        )
        self.who = ChoiceField("Who votes", people)
        choices = [("", "Choose"), ("allow", "Yes, let it run"), ("refuse", "No")]
        self.verdict = ChoiceField("Vote", choices)
        self.reason = LongField("Why", hint="Needed to say no.")
        self.ask(PrimaryButton("Seal the vote", self._confirm), self.who, self.verdict, self.reason)

    def missing(self) -> str:
        verdict = self.verdict.value()
        complete = self.who.value() and verdict and (verdict == "allow" or self.reason.value().strip())
        return "" if complete else "Choose who votes and how; saying no needs a reason."

    def _confirm(self) -> None:
        if not self.missing():
            given = (self.who.value(), self.verdict.value(), self.reason.value().strip())
            self.dismiss()
            self.voted.emit(*given)


class ImportSheet(Question):
    """Names the file with a sealed vote."""

    def __init__(self, host: QWidget, on_file: Callable[[str], object]) -> None:
        super().__init__(host, "Import a vote", "The vote is checked, counted, and stays sealed until all are in.")
        self._act = on_file
        self.path = PathField("File with the vote", "file")
        self.ask(PrimaryButton("Count the vote", self._confirm), self.path)

    def missing(self) -> str:
        return "" if self.path.value().strip() else "Name the file first."

    def _confirm(self) -> None:
        path, act = self.path.value().strip(), self._act
        if path:
            self.dismiss()
            act(path)


class AskSheet(FieldsSheet):
    """Asks colleagues about a request."""

    def __init__(self, host: QWidget, request: str, enrolled: int, act: Callable[[dict[str, object]], object]) -> None:
        def asked(given: list[str]) -> None:
            act({"request": request, "why": given[0], "needed": given[1]})

        fields = (TextField("What should they look at"), TextField("How many votes are needed", "1"))
        words = "Everybody who is enrolled as a reviewer can vote. Votes are sealed until all are in."
        if not enrolled:
            words = (
                "Nobody is enrolled as a reviewer yet. Once you ask, the request cannot be approved before somebody "
                "is, and has voted. Reviewers are enrolled under Grants & rules, Grants, People."
            )
        super().__init__(host, "Ask colleagues", words, "Ask them", fields, asked)
