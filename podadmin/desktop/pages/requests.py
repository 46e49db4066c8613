"""Requests: what others want to run here, each shown as what it will do, and the place where a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget

from podadmin.app.views.facts import Done
from podadmin.app.views.filters import SavedFilter
from podadmin.app.views.networks import NetworkCard
from podadmin.app.views.requests import RequestDetail, RequestPage, RequestRow
from podadmin.app.views.rules import ProjectRow, WhyNotView
from podadmin.core.clock import SystemClock
from podadmin.core.errors import PodadminError
from podadmin.desktop.page import Page
from podadmin.desktop.pages.purposes import ask_purpose
from podadmin.desktop.pages.request_compare import CompareSheet
from podadmin.desktop.pages.request_detail import RequestDetailView
from podadmin.desktop.pages.request_left import LeftPart
from podadmin.desktop.pages.request_list import RequestList
from podadmin.desktop.pages.request_near import NearPart
from podadmin.desktop.pages.saved_filters import keep_with
from podadmin.desktop.widgets.buttons import QuietButton
from podadmin.desktop.widgets.empty import StateView
from podadmin.desktop.widgets.form import SearchEdit

BACK: Final = "Back to all requests"
_PAGE: Final = 50
_MOST: Final = 200
"""So many of the rows that are shown are read again after a change; those further down stay as they were read."""
_WHY: Final = "why not"
_WITH_A_GRANT: Final = "Approved. It goes to the pod now, and a grant covers the runs to come."
_SAID: Final = {
    "approved": "Approved once. It goes to the pod now.",
    "granted": "Approved. A grant waits for the same request to be sent again.",
    "refused": "Refused. The requester will read your words.",
}


def _began(detail: RequestDetail) -> bool:
    return detail.row.state in {"approved", "delivering", "running", "finished"}


class RequestsPage(Page):
    """A table, and in its place one request in full. The window's history holds which one is open."""

    name = "Requests"
    title = "Requests"
    icon = "inbox"
    kinds = frozenset(
        {"profile", "request", "limit", "network", "tour", "review", "receipt", "decider", "rule", "filter"}
    )
    scrolls = False
    help_text = (
        "Everything that somebody wants to run on your data arrives here before anything runs. The list shows what "
        "waits for you first. Open a request to see what it will do, derived from the bytes that would really run "
        "and not from what its sender says about them: what it reads, what it computes, what stays and what leaves, "
        "and to whom.\n\n"
        "Approve once lets this one request through. A requester waits for a few minutes only; after that the "
        "request is held under a reference, and approving it makes a grant, which lets the same request through "
        "when it is sent again. Refusing needs a reason, which the requester will read. Nothing is ever approved "
        "by waiting, by closing a window, or by the Enter key."
    )

    def build(self) -> Iterator[None]:
        clock = SystemClock()
        self._asked = 0
        self._shown_for: dict[str, object] = {}
        self._open = ""
        self._reads = self._newest = 0
        self._search_edit = SearchEdit("Search requests", "Search requests", lambda _: self._searched())
        self._back = QuietButton(BACK, lambda: self.desk.go(self.name), "arrow-left")
        self.add_action(self._search_edit)
        self.add_action(self._back)
        self.list = RequestList(clock)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self.body.addWidget(self._stack, 1)
        yield
        yield from self.list.build()
        self.list.opened.connect(lambda row: self.desk.go(self.name, row.id))
        self.list.filter_changed.connect(self._read_list)
        self.list.more_wanted.connect(self._read_more)
        self.list.demo_wanted.connect(self._send_demo)
        self.list.networks_wanted.connect(lambda: self.desk.go("Networks"))
        self.list.search_cleared.connect(self._search_edit.clear)
        self.list.saved.picked.connect(self._use)
        keep_with(self, self.list.saved, "requests", self._given, self.list.saved.offer)
        yield
        self.view = RequestDetailView(clock, self.desk.sheet_host)
        self._detail = StateView(self.view)
        self._stack.addWidget(self._detail)
        yield
        yield from self.view.build()
        self._left = LeftPart(self, self.view.left)
        self._near = NearPart(self, self.view.near)
        self.view.request_wanted.connect(lambda request: self.desk.go(self.name, request))
        self.view.entry_wanted.connect(lambda entry: self.desk.go("Journal", entry))
        self.view.why_not.rule_wanted.connect(lambda request: self.desk.go("Grants & rules", f"from {request}"))
        self.view.bar.approved.connect(self._approve)
        self.view.compare_wanted.connect(self._compare)
        self.view.purpose_wanted.connect(self._ask_purpose)
        self.view.bar.refused.connect(self._refuse)
        self.view.bar.undecided.connect(lambda why: self.notice("warn", why))
        self.view.bar.asked.connect(lambda given: self._review("reviews ask", given))
        self.view.review.wanted.connect(self._review)
        self.view.review.people_wanted.connect(lambda: self.desk.go("Grants & rules", "people"))
        self._next_after: str | None = None
        self._joined: bool | None = None
        self._show_list()

    def shown(self) -> None:
        """Without a subject the page means the list; `open_subject` follows where there is one."""
        self._show_list()
        super().shown()

    def refresh(self) -> None:
        self.session.read(self, "requests filters", {}, self.list.saved.offer)
        self._read_list()
        if self._open:
            self._read_detail()

    def open_subject(self, subject: str) -> None:
        if self.view.detail is not None and self.view.detail.row.id != subject:
            self._forget()
        self._open = subject
        self._search_edit.setVisible(False)
        self._back.setVisible(True)
        self.set_title("Request")
        if self.view.detail is None:
            self._detail.show_loading("Opening the request")
        self._stack.setCurrentWidget(self._detail)
        self._back.setFocus(Qt.FocusReason.OtherFocusReason)
        self._read_detail()

    def _show_list(self) -> None:
        self._open = ""
        self._forget()
        self.clear_notice()
        self.set_title(self.title)
        self._back.setVisible(False)
        self._search_edit.setVisible(True)
        self._stack.setCurrentWidget(self.list)

    def _forget(self) -> None:
        self.in_turns(())
        self.in_turns((), what=_WHY)
        self.view.forget()

    def _given(self) -> dict[str, object]:
        """The filter that is on, as `requests list` takes it and `requests filter-save` keeps it."""
        return {"state": self.list.states, "search": self._search_edit.text().strip()}

    def _question(self) -> dict[str, object]:
        return {**self._given(), "order": self.list.order.value()}

    def _searched(self) -> None:
        chosen = self.list.saved.chosen
        if chosen is not None and chosen.values.get("search", "") != self._search_edit.text().strip():
            self.list.saved.choose_none()
        self._read_list()

    def _use(self, saved: SavedFilter) -> None:
        self.list.use(saved.values.get("state", ""))
        self._search_edit.setText(saved.values.get("search", ""))
        self._read_list()

    def _read_list(self) -> None:
        self._asked += 1
        asked, given = self._asked, self._question()
        search = self._search_edit.text().strip()
        self.list.saved.tell(bool(search))
        again, self._shown_for = given == self._shown_for, given
        limit = min(max(len(self.list.table.rows()), _PAGE), _MOST) if again else _PAGE

        def came(page: RequestPage) -> None:
            if asked != self._asked:
                return
            if not self.list.show_page(page, search, self._joined, again):
                self._next_after = page.next_after
            if not page.rows:
                self.session.read(self, "network list", {}, self._networks_came)

        self.read("requests list", {**given, "limit": limit}, came)

    def _read_more(self) -> None:
        after, asked = self._next_after, self._asked
        if after is None:
            return
        arguments = {**self._question(), "limit": _PAGE, "after": after}

        def came(page: RequestPage) -> None:
            if asked == self._asked:
                self._next_after = page.next_after
                self.list.add_page(page)

        self.read("requests list", arguments, came)

    def _networks_came(self, cards: tuple[NetworkCard, ...]) -> None:
        self._joined = any(card.kind == "local" and card.state in ("joined", "connected") for card in cards)
        self.list.tell_joined(self._joined)

    def _read_detail(self) -> None:
        wanted = self._open
        self._reads += 1
        read = self._reads

        def came(detail: RequestDetail) -> None:
            # what was asked before a decision may come after its outcome, and is older
            if read > self._newest:
                self._newest = read
                self._came(wanted, detail)

        def failed(error: PodadminError) -> None:
            if wanted == self._open and read > self._newest:
                self._forget()
                self._detail.show_error(error, self._read_detail)

        self.session.read(self, "requests show", {"request": wanted}, came, failed)

    def _came(self, wanted: str, detail: RequestDetail) -> None:
        """The subject may have been a reference: what is shown is named by its id from now on."""
        if wanted == self._open:
            self._open = detail.row.id
            self.in_turns(self.view.show_in_turns(detail), lambda: self._read_more_about(detail.row.id))
            if self._detail.showing != "content":
                self._detail.show_content()

    def _read_more_about(self, request: str) -> None:
        if self._open == request:
            self._read_why(request)
            self._left.read(request)
            self._near.read(request)

    def _read_why(self, request: str) -> None:
        def came(found: WhyNotView | None) -> None:
            if self._open == request:
                # beside the request and not in place of it: it may have changed meanwhile, and be shown anew
                self.in_turns(self.view.why_not.show_in_turns(found), what=_WHY)

        # where nothing of it could be verified there is nothing to say either
        self.session.read(self, "requests why-not", {"request": request}, came, lambda _: came(None))

    def _approve(self, request: str, terms: dict[str, object]) -> None:
        def decided(detail: RequestDetail) -> None:
            self._decided(detail, _WITH_A_GRANT if terms and _began(detail) else "")

        self.write("requests approve", {"request": request, **terms}, decided, failure=self._undecided)

    def _review(self, act: str, arguments: dict[str, object]) -> None:
        self.write(act, arguments, lambda _: self._read_detail())

    def _refuse(self, request: str, reason: str) -> None:
        self.write("requests refuse", {"request": request, "reason": reason}, self._decided, failure=self._undecided)

    def _compare(self, shown: RequestRow) -> None:
        CompareSheet(self.desk.sheet_host, self.session, shown).open()

    def _ask_purpose(self, project: str) -> None:
        def stated(_: ProjectRow) -> None:
            self.desk.say("Stated. What is decided from now on is pinned to it.")
            self._read_detail()

        ask_purpose(self, project, stated)

    def _decided(self, detail: RequestDetail, words: str = "") -> None:
        # it may be on its way, or back, before its state is read
        said = words or _SAID.get("approved" if _began(detail) else detail.row.state, detail.row.state_words)
        self.desk.say(said)
        self._newest = self._reads
        if self._open == detail.row.id:
            # what became of it stands first now, and what was pressed for it can be pressed no more
            self.view.show_top()
            if self.view.bar.lost_keyboard:
                self._back.setFocus(Qt.FocusReason.OtherFocusReason)
        self._came(detail.row.id, detail)
        if self._open:
            self._read_detail()

    def _undecided(self, error: PodadminError) -> None:
        self.notice("bad", f"{error.what} {error.why} {error.next_step} ({error.code})")
        self.view.bar.again()
        if self._open:
            self._read_detail()

    def _send_demo(self) -> None:
        def sent(done: Done) -> None:
            self.desk.say(done.words)

        self.write("network send", {"what": "sql"}, sent, title="Sending a demo request")
