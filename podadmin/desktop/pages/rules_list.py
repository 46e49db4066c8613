"""The list of rules, and what could become one: the same decision made again and again."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from podadmin.app.views.rules import RuleRow, SuggestionRow
from podadmin.desktop.pages.rules_detail import STATES
from podadmin.desktop.pages.rules_trial import VERDICTS
from podadmin.desktop.theme.tokens import SPACE
from podadmin.desktop.widgets.banner import Banner
from podadmin.desktop.widgets.card import Card
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import STRETCH, clear, column, wrap
from podadmin.desktop.widgets.table import Column, RowTable
from podadmin.desktop.widgets.text import PlainLabel
from podadmin.desktop.widgets.words import precise, when


class RulesList(QWidget):
    """`opened(id)`, `wanted` (a new rule) and `proposed(suggestion)` say what a person wants."""

    opened = Signal(str)
    wanted = Signal()
    proposed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = RowTable(
            "Rules",
            [
                Column("Rule", lambda rule: rule.name, stretch=4),
                Column("Does", lambda rule: VERDICTS[rule.verdict], "badge", width=11),
                Column("State", lambda rule: STATES[rule.state], "badge", width=8),
                Column("Where", lambda rule: " ".join(rule.says), stretch=4, tip=lambda rule: "\n".join(rule.says)),
                Column(
                    "Changed", lambda r: when(r.changed_at), width=18, tip=lambda r: precise(r.changed_at), spare=True
                ),
                Column("By", lambda rule: rule.changed_by, width=12, spare=True),
            ],
            fits=True,
        )
        self.table.opened.connect(lambda rule: self.opened.emit(rule.id))
        self._proposals = column(gap=SPACE.s)
        card = Card(flush=True)
        card.body.addWidget(self.table)
        card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self._summary = PlainLabel("", "muted", wrap=True)
        self.state = StateView(wrap(column(card, self._summary, STRETCH)))
        self.setLayout(column(self._proposals, self.state))

    def show_rules(self, rules: Sequence[RuleRow]) -> None:
        """Show these rules."""
        self.table.set_rows(rules)
        if not rules:
            self.state.show_empty(
                "scale",
                "There is no rule yet",
                "Without rules and grants, a person decides every request. A rule decides in your place: it allows, "
                "refuses or holds what it speaks about, and you see beforehand what it would have done so far.",
                "Make a rule",
                self.wanted.emit,
            )
            return
        self.state.show_content()
        self._summary.setText(summary(rules))

    def show_suggestions(self, found: Sequence[SuggestionRow]) -> None:
        """Offer what was approved again and again as a rule."""
        clear(self._proposals)
        for each in found[:3]:
            words = f"You have approved the same {each.times} times: {each.name}. A rule could do that for you."
            self._proposals.addWidget(
                Banner("info", words, "Look at the rule", lambda each=each: self.proposed.emit(each))  # type: ignore[misc]
            )


def summary(rules: Sequence[RuleRow]) -> str:
    """All rules in one sentence."""
    on = [rule for rule in rules if rule.state == "on"]
    counts = {verdict: sum(rule.verdict == verdict for rule in on) for verdict in VERDICTS}
    words = ", ".join(f"{n} {what if n > 1 else f'{what}s'}" for what, n in counts.items() if n)
    off = len(rules) - len(on)
    parts = [words or "None is switched on", f"{off} switched off" if off else ""]
    order = "Rules have no order: a refusal wins, then a hold, and only then what allows."
    return f"{' · '.join(each for each in parts if each)}. {order}"
