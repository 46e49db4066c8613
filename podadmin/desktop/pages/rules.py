"""Grants & rules: what decides in a person's place. Rules are made here in a form and tried before they count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QWidget

from podadmin.app.views.rules import ProjectRow, RuleDetail, RuleFieldRow, RuleRow, SuggestionRow, Trial, WhyNotView
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.grants import HELP as GRANT_HELP
from podadmin.desktop.pages.grants import KINDS as GRANT_KINDS
from podadmin.desktop.pages.grants import GrantsPanel, is_grants
from podadmin.desktop.pages.purposes import ProjectsView, ask_purpose
from podadmin.desktop.pages.rules_detail import RuleDetailView
from podadmin.desktop.pages.rules_editor import RuleEditor
from podadmin.desktop.pages.rules_list import RulesList
from podadmin.desktop.widgets.buttons import PrimaryButton, QuietButton, TabRow
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.layout import column, scrolling, wrap
from podadmin.desktop.widgets.prompt import ReasonPrompt

NEW: Final = "new"
EDIT: Final = "edit "
FROM: Final = "from "
PROJECTS: Final = "projects"
BACK: Final = "Back to all rules"


@dataclass(frozen=True)
class _Proposal:
    """What the next new rule starts from."""

    conditions: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


class RulesPage(Page):
    """The list, one rule, or the form. Which one: a rule's id, `new`, `edit ID` or `from REQUEST`."""

    name = "Grants & rules"
    title = "Grants & rules"
    icon = "scale"
    kinds = frozenset({"rule"}) | GRANT_KINDS
    scrolls = False
    help_text = (
        "What decides in your place. A rule allows, refuses or holds every request that it speaks about. Rules have "
        "no order: one that refuses wins over all others, one that holds wins over those that allow, and where none "
        "speaks, a person decides. What is not known about a request never helps it: no rule allows it, and a rule "
        "that refuses counts it as the worst.\n\n"
        "A rule can also hold the results of the tasks that it speaks about until you have seen them: by their number "
        "of rows, the names of their columns, the size of groups, or because they are not what was promised. What "
        "waits stands on the page of its request, under what left.\n\n"
        "While you write a rule, all past requests are decided again with it, and you see which ones would have "
        "come out otherwise. Nothing counts before you save it with a reason. Every version is kept.\n\n"
        "Projects are what requests name. What each one is for is what you state here; rules can ask for it, and "
        "grants are pinned to it.\n\n" + GRANT_HELP
    )

    def build(self) -> Iterator[None]:
        self._asked = 0
        self._subject = ""
        tabs = [("rules", "Rules"), ("grants", "Grants"), (PROJECTS, "Projects")]
        self.tabs = TabRow(tabs, "Rules, grants or projects", self._tab)
        self.grants: GrantsPanel | None = None
        self._grants_come = False
        self._stack = QStackedWidget()
        self.body.addWidget(self.tabs)
        self.body.addWidget(self._stack, 1)
        self._proposal = _Proposal()
        self._fields: tuple[RuleFieldRow, ...] = ()
        self._editor: RuleEditor | None = None
        self._drafted: tuple[str, _Proposal | None] | None = None
        """Which form the editor holds, and what it started from where the subject does not say that."""
        self._back = QuietButton(BACK, lambda: self.desk.go(self.name), "arrow-left")
        self._new = PrimaryButton("Make a rule", self._make, "plus")
        self.add_action(self._back)
        self.add_action(self._new)
        self.list = RulesList()
        self.list.opened.connect(lambda rule: self.desk.go(self.name, rule))
        self.list.wanted.connect(self._make)
        self.list.proposed.connect(self._propose)
        self._lists = scrolling(self.list)
        self._stack.addWidget(self._lists)
        yield
        self.view = RuleDetailView()
        self.view.edit.connect(self._edit)
        self.view.switch.connect(self._switch)
        self.view.remove.connect(self._remove)
        self._detail = StateView(scrolling(self.view))
        self._stack.addWidget(self._detail)
        yield
        self._form_place, self._grants_place = column(), column()
        self._form, self._grants = StateView(wrap(self._form_place)), scrolling(self._grants_place)
        self._stack.addWidget(self._form)
        self._stack.addWidget(self._grants)
        yield
        self.projects = ProjectsView()
        self.projects.wanted.connect(lambda project: ask_purpose(self, project, self._stated))
        self._projects = scrolling(self.projects)
        self._stack.addWidget(self._projects)
        self._fronts = {"rules": self._lists, "grants": self._grants, PROJECTS: self._projects}
        yield
        self._show(self._lists, self.title)

    def shown(self) -> None:
        """Without a subject the page means the list; `open_subject` follows where there is one."""
        self._show(self._fronts[self.tabs.current], self.title)
        super().shown()

    def refresh(self) -> None:
        if self._stack.currentWidget() is self._grants:
            if self.grants is not None:
                self.grants.refresh()
            return
        if self._stack.currentWidget() is self._projects:
            self.read("rules projects", {}, self.projects.show_projects)
            return
        self.read("rules list", {}, self._listed)
        self.session.read(self, "rules suggest", {}, self.list.show_suggestions)
        if self._subject.startswith("rul_"):
            self._read_rule(self._subject)

    def open_subject(self, subject: str) -> None:
        if is_grants(subject):
            self._open_grants(subject)
            return
        if subject == PROJECTS:
            self.tabs.pick(PROJECTS)
            self._tab(PROJECTS)
            return
        self._subject = subject
        editor = self._editor
        if editor is not None and editor.touched and self._drafted in ((subject, None), (subject, self._proposal)):
            self._resume(editor)
            return
        if subject.startswith(FROM):
            self._open_from(subject.removeprefix(FROM))
            return
        if subject == NEW or subject.startswith(EDIT):
            self._open_form(subject.removeprefix(EDIT) if subject != NEW else "")
            return
        self._detail.show_loading("Reading the rule")
        self._show(self._detail, "Rule", subject)
        self._back.setFocus(Qt.FocusReason.OtherFocusReason)
        self._read_rule(subject)

    def _show(self, part: QWidget, title: str, subject: str = "") -> None:
        self._subject = subject
        self.set_title(title)
        self._back.setVisible(part not in self._fronts.values())
        self._new.setVisible(part is self._lists)
        self.tabs.setVisible(part in self._fronts.values())
        if self._editor is not None and part is not self._form:
            self._editor.stop()
        self._stack.setCurrentWidget(part)

    def _tab(self, key: str) -> None:
        if key == "grants":
            self._open_grants("")
        else:
            self._show(self._fronts[key], self.title)
            self.refresh()

    def _stated(self, project: ProjectRow) -> None:
        self.desk.say(f"Stated for {project.project}: {project.words}.")
        self.refresh()

    def _open_grants(self, subject: str) -> None:
        self.tabs.pick("grants")
        self._show(self._grants, self.title, subject)
        if self.grants is not None:
            self.grants.open_subject(subject)
        elif not self._grants_come:
            self._grants_come = True
            self._make_grants()

    def _make_grants(self) -> None:
        panel = GrantsPanel(self)
        self._grants_place.addWidget(panel)

        def made() -> None:
            self.grants = panel
            if self._stack.currentWidget() is self._grants:
                panel.open_subject(self._subject)

        self.build_in_turns(panel, made, "the grants")

    def _listed(self, rules: tuple[RuleRow, ...]) -> None:
        self.list.show_rules(rules)

    def _read_rule(self, rule: str) -> None:
        def came(detail: RuleDetail) -> None:
            if self._subject == rule:
                self.view.show_detail(detail)
                self._detail.show_content()

        def failed(error: PodadminError) -> None:
            if self._subject == rule:
                self._detail.show_error(error, lambda: self._read_rule(rule))

        self.session.read(self, "rules show", {"rule": rule}, came, failed)

    def _make(self) -> None:
        self._proposal = _Proposal()
        self.desk.go(self.name, NEW)

    def _propose(self, found: SuggestionRow) -> None:
        self._proposal = _Proposal(found.conditions, found.name)
        self.desk.go(self.name, NEW)

    def _edit(self) -> None:
        if self.view.detail is not None:
            self.desk.go(self.name, EDIT + self.view.detail.row.id)

    def _resume(self, editor: RuleEditor) -> None:
        """Somebody looked at something else and came back: what they had written is still there."""
        self._show(self._form, "Change a rule" if editor.rule is not None else "A new rule", self._subject)
        self._form.show_content()
        editor.try_again()

    def _open_form(self, rule: str) -> None:
        self._form.show_loading("Preparing the form")
        self._show(self._form, "Change a rule" if rule else "A new rule", self._subject)

        def known(fields: tuple[RuleFieldRow, ...]) -> None:
            self._fields = fields
            if rule:
                self.session.read(self, "rules show", {"rule": rule}, self._begin, failed)
            else:
                self._begin(None)

        def failed(error: PodadminError) -> None:
            self._form.show_error(error, lambda: self._open_form(rule))

        self.session.read(self, "rules fields", {}, known, failed)

    def _open_from(self, request: str) -> None:
        self._form.show_loading("Preparing the form")
        self._show(self._form, "A new rule", self._subject)

        def came(found: WhyNotView) -> None:
            self._proposal = _Proposal(found.new_rule)
            self._open_form("")

        def failed(error: PodadminError) -> None:
            self._form.show_error(error, lambda: self._open_from(request))

        self.session.read(self, "requests why-not", {"request": request}, came, failed)

    def _begin(self, rule: RuleDetail | None) -> None:
        self._drafted = None
        if self._editor is not None:
            self._editor.stop()
            self._form_place.removeWidget(self._editor)
            self._editor.hide()
            self._editor.deleteLater()
        editor = RuleEditor(self._fields)
        editor.tried.connect(self._try)
        editor.saved.connect(self._save)
        editor.left.connect(self._leave)
        self._editor = editor
        self._form_place.addWidget(editor)

        def built() -> None:
            editor.trial.request_wanted.connect(lambda request: self.desk.go("Requests", request))
            editor.begin(rule, self._proposal.conditions, self._proposal.name)
            self._form.show_content()
            self._drafted = self._subject, self._proposal if self._subject == NEW else None
            editor.name.line.setFocus()

        self.build_in_turns(editor, built)

    def _try(self) -> None:
        editor = self._editor
        if editor is None:
            return
        self._asked += 1
        asked = self._asked
        arguments = editor.arguments()
        if editor.rule is not None:
            arguments |= {"rule": editor.rule.row.id, **editor.left_out()}

        def came(trial: Trial) -> None:
            if asked == self._asked and editor is self._editor:
                editor.show_trial(trial)

        def failed(error: PodadminError) -> None:
            if asked == self._asked and editor is self._editor:
                editor.show_problem(error)

        self.session.read(self, "rules try", arguments, came, failed)

    def _save(self) -> None:
        if self._editor is None:
            return
        changing = self._editor.rule is not None
        ReasonPrompt(
            self.desk.sheet_host,
            "Save the rule",
            "From now on it decides in your place. Whoever asks later reads why.",
            "Put the change into force" if changing else "Put the rule into force",
            self._put,
            danger=False,
        ).open()

    def _put(self, reason: str) -> None:
        editor = self._editor
        if editor is None:
            return
        arguments = {**editor.arguments(), "reason": reason}
        act = "rules add"
        if editor.rule is not None:
            act = "rules change"
            arguments |= {
                "rule": editor.rule.row.id,
                "version": editor.rule.row.version,
                **editor.left_out(),
            }
        self.write(act, arguments, self._saved)

    def _saved(self, detail: RuleDetail) -> None:
        self._drafted = None
        self.desk.say(
            "The rule is in force." if detail.row.state == "on" else "The rule was saved; it is switched off."
        )
        self.desk.go(self.name, detail.row.id)

    def _leave(self) -> None:
        self._drafted = None
        rule = self._editor.rule if self._editor is not None else None
        self.desk.go(self.name, rule.row.id if rule is not None else "")

    def _switch(self) -> None:
        detail = self.view.detail
        if detail is None:
            return
        on = detail.row.state == "off"
        rule = detail.row.id
        ReasonPrompt(
            self.desk.sheet_host,
            "Switch the rule on" if on else "Switch the rule off",
            "It decides from now on. What waits already cannot be approved past it."
            if on
            else "It decides nothing until it is switched on again.",
            "Switch it on" if on else "Switch it off",
            lambda reason: self.write(f"rules {'on' if on else 'off'}", {"rule": rule, "reason": reason}, self._saved),
            danger=not on,
        ).open()

    def _remove(self) -> None:
        detail = self.view.detail
        if detail is None:
            return
        rule = detail.row.id

        def removed(_done: object) -> None:
            self.desk.say("The rule was removed.")
            self.desk.go(self.name)

        ReasonPrompt(
            self.desk.sheet_host,
            f"Remove “{detail.row.name}”",
            "It decides nothing any more. What it was stays in the journal; it cannot be brought back, only made anew.",
            "Remove the rule",
            lambda reason: self.write("rules remove", {"rule": rule, "reason": reason}, removed),
        ).open()
