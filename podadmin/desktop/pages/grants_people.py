"""Who may decide, and who reviews: named colleagues, cover during absence, and the keys that reviewers sign with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from podadmin.app.views.grants import DeciderRow, Deciders, ReviewerRow
from podadmin.desktop.slices import Part
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.badge import BadgeSpec
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.buttons import DangerButton, PrimaryButton, QuietButton
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.form import TextField
from podadmin.desktop.widgets.layout import STRETCH, column, row
from podadmin.desktop.widgets.prompt import Question
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import when

NAME: Final = "Name a custodian…"
COVER: Final = "Name cover for an absence…"
END: Final = "End the right to decide…"
ENROL: Final = "Enrol a reviewer…"
REMOVE: Final = "Remove the reviewer…"


class PeopleView(Part):
    """Two cards. Signals carry the act and its arguments; the panel does them."""

    wanted = Signal(str, dict)
    end_wanted = Signal(object)
    remove_wanted = Signal(object)

    def __init__(self, host: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._place = column(gap=SPACE.l)
        self.setLayout(self._place)

    def build(self) -> Iterator[None]:
        """Make both cards."""
        decide = Card("Who may decide")
        self._place.addWidget(decide)
        yield
        self._state = Banner("info", "")
        self._you = PlainLabel("", "muted", wrap=True)
        decide.body.addWidget(self._state)
        decide.body.addWidget(self._you)
        yield
        self.deciders = RowTable(
            "Who may decide",
            [
                Column("Account", lambda each: each.account, width=18),
                Column("In the place of", lambda each: each.stands_for or "themselves", width=18),
                Column("State", _in_force, "badge", width=14),
                Column("When", lambda each: each.state_words, stretch=2),
                Column("Why", lambda each: each.reason, stretch=2, spare=True),
            ],
            fits=True,
        )
        decide.body.addWidget(self.deciders)
        yield
        self.end = DangerButton(END, self._end)
        decide.body.addLayout(
            row(QuietButton(NAME, self._name, "user"), QuietButton(COVER, self._cover, "clock"), STRETCH, self.end)
        )
        yield
        review = Card("Who reviews")
        self._place.addWidget(review)
        self._nobody = PlainLabel(
            "Nobody is enrolled. A rule that asks for several people cannot be met before somebody is.",
            "muted",
            wrap=True,
        )
        review.body.addWidget(self._nobody)
        yield
        self.reviewers = RowTable(
            "Who reviews",
            [
                Column("Name", lambda each: each.name, width=22),
                Column("Where", lambda each: "at this computer" if each.kind == "local" else "by file", width=18),
                Column("Public key", lambda each: each.public_key, "mono"),
                Column("Enrolled", lambda each: when(each.added_at), width=20, spare=True),
            ],
            fits=True,
        )
        review.body.addWidget(self.reviewers)
        yield
        self.remove = DangerButton(REMOVE, self._remove)
        review.body.addLayout(row(QuietButton(ENROL, self._enrol, "user"), STRETCH, self.remove))
        self.deciders.picked.connect(lambda _: self._permit())
        self.reviewers.picked.connect(lambda _: self._permit())
        self._permit()

    def show_deciders(self, shown: Deciders) -> None:
        """Show who may decide."""
        self._state.set("warn" if shown.everybody else "info", shown.words)
        self._you.setText(shown.you if shown.may_decide.allowed else f"{shown.you} {shown.may_decide.reason}")
        self.deciders.set_rows(shown.rows)
        self.deciders.setVisible(bool(shown.rows))
        self._permit()

    def show_reviewers(self, rows: tuple[ReviewerRow, ...]) -> None:
        """Show who reviews."""
        self.reviewers.set_rows(rows)
        self.reviewers.setVisible(bool(rows))
        self._nobody.setVisible(not rows)
        self._permit()

    def _permit(self) -> None:
        self.end.set_permit(self.deciders.current_row() is not None, "Choose somebody in the list first.")
        self.remove.set_permit(self.reviewers.current_row() is not None, "Choose a reviewer in the list first.")

    def _end(self) -> None:
        if self.deciders.current_row() is not None:
            self.end_wanted.emit(self.deciders.current_row())

    def _remove(self) -> None:
        if self.reviewers.current_row() is not None:
            self.remove_wanted.emit(self.reviewers.current_row())

    def _name(self) -> None:
        words = "From then on only those who are named, and their cover, may decide. The first to be named is you."
        fields = (TextField("Account on this computer"), TextField("Reason"))
        FieldsSheet(
            self._host,
            "Name a custodian",
            words,
            "Name the custodian",
            fields,
            lambda given: self.wanted.emit("grants custodian", {"account": given[0], "reason": given[1]}),
        ).open()

    def _cover(self) -> None:
        words = "A colleague may decide in your place from one day until another. It is recorded and shown."
        fields = (
            TextField("Account of the colleague"),
            TextField("From", hint="A date such as 2026-12-24; empty: from now on.", placeholder="now"),
            TextField("Until", hint="A date such as 2027-01-07: the first day on which you decide again."),
            TextField("Reason"),
        )
        FieldsSheet(
            self._host,
            "Name cover for an absence",
            words,
            "Name the cover",
            fields,
            lambda given: self.wanted.emit(
                "grants cover", {"account": given[0], "starts": given[1], "until": given[2], "reason": given[3]}
            ),
            optional=(1,),
        ).open()

    def _enrol(self) -> None:
        words = (
            "A reviewer at this computer gets a signing key of their own in this profile. One who gets files has a "
            "podadmin of their own: compare their public key by telephone."
        )
        fields = (
            TextField("Name of the reviewer"),
            TextField("Public key", hint="64 hex digits; empty: a key is made here.", placeholder="made here"),
            TextField("Their account", hint="Where they decide here themselves: they cannot approve what they review."),
        )
        FieldsSheet(
            self._host,
            "Enrol a reviewer",
            words,
            "Enrol the reviewer",
            fields,
            lambda given: self.wanted.emit(
                "reviews enrol", {"name": given[0], "public_key": given[1], "account": given[2]}
            ),
            optional=(1, 2),
        ).open()


def _in_force(shown: DeciderRow) -> BadgeSpec:
    return BadgeSpec("good", "Decides") if shown.in_force else BadgeSpec("plain", "Not now", "clock")


class FieldsSheet(Question):
    """Some lines to fill in, and one act. `optional` are the places of those that may stay empty."""

    def __init__(
        self,
        host: QWidget,
        title: str,
        words: str,
        confirm: str,
        fields: tuple[TextField, ...],
        act: Callable[[list[str]], object],
        optional: tuple[int, ...] = (),
    ) -> None:
        super().__init__(host, title, words)
        self._fields, self._act, self._optional = fields, act, optional
        self.ask(PrimaryButton(confirm, self._confirm), *fields)

    def _given(self) -> list[str]:
        return [each.value().strip() for each in self._fields]

    def missing(self) -> str:
        complete = all(given or place in self._optional for place, given in enumerate(self._given()))
        return "" if complete else "Fill in the lines above first."

    def _confirm(self) -> None:
        given, act = self._given(), self._act
        if not self.missing():
            self.dismiss()
            act(given)
