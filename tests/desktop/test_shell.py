"""The window around the pages: reaching everything by keyboard, telling states honestly, forgetting nothing."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
from pytestqt.qtbot import QtBot

from podadmin.app.options import Options
from podadmin.app.views.status import GateView, KeyringView, PodView, Status
from podadmin.core.errors import Unavailable
from podadmin.core.progress import Step
from podadmin.desktop import application
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.history import History, Place
from podadmin.desktop.page import Page
from podadmin.desktop.pages import PAGES, PageEntry
from podadmin.desktop.place import WindowPlace
from podadmin.desktop.seek import name_of, texts
from podadmin.desktop.session import RunningJob, Session
from podadmin.desktop.shell import Shell
from podadmin.desktop.widgets.prompt import InfoSheet, ReasonPrompt
from podadmin.desktop.widgets.search import SearchPalette
from podadmin.desktop.widgets.text import PlainLabel


class Notes(Page):
    """A page that only writes down what happens to it."""

    title = "Notes"
    help_text = "A page for tests: it writes down what happens to it."
    kinds = frozenset({"request"})

    def build(self) -> None:
        self.log: list[str] = []
        self.body.addWidget(PlainLabel("The body of the page"))

    def refresh(self) -> None:
        self.log.append("refreshed")

    def open_subject(self, subject: str) -> None:
        self.log.append(f"opened {subject}")


@pytest.fixture(scope="module")
def entries() -> Iterator[list[PageEntry]]:
    module = types.ModuleType("desktop_test_pages")
    module.Notes = Notes  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    yield [entry._replace(where=f"{module.__name__}:Notes") for entry in PAGES]
    del sys.modules[module.__name__]


@pytest.fixture
def shell(qtbot: QtBot, entries: list[PageEntry]) -> Iterator[Shell]:
    dispatcher = Dispatcher()
    made = Shell(Session(dispatcher), entries)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    made.activateWindow()
    made.go("Overview")
    yield made
    dispatcher.close()
    made.close()


def status(
    pod: str = "running", gate: str = "on", keyring: str = "ready", forgets: bool = False, held: int = 0
) -> Status:
    return Status(
        PodView(pod, "" if pod == "none" else "St Mary", paused_reason="Audit" if pod == "paused" else ""),
        GateView(gate, f"Gate is {gate}", "A detail"),
        KeyringView(keyring, "memory" if forgets else "system", f"The keyring is {keyring}.", "Unlock it.", forgets),
        held,
        False,
    )


def front(shell: Shell) -> Notes:
    page = shell.current()
    assert isinstance(page, Notes)
    return page


def read(shell: Shell) -> str:
    return " | ".join(texts(shell))


def button(shell: Shell, name: str) -> QAbstractButton:
    return next(b for b in shell.findChildren(QAbstractButton) if name_of(b) == name)


def test_pages_are_made_when_they_are_first_shown(shell: Shell) -> None:
    assert len(shell.findChildren(Notes)) == 1
    shell.go("Keys")
    shell.go("Overview")
    shell.go("Keys")
    assert len(shell.findChildren(Notes)) == 2


def test_a_page_reads_once_until_something_changes(shell: Shell) -> None:
    overview = front(shell)
    assert overview.log == ["refreshed"]
    shell.go("Keys")
    shell.go("Overview")
    assert overview.log == ["refreshed"]


def test_news_refresh_the_page_in_front_and_mark_the_others(shell: Shell) -> None:
    overview = front(shell)
    shell.go("Keys")
    keys = front(shell)
    shell.session._news = {"request"}
    shell.session._tell()
    assert keys.log == ["refreshed", "refreshed"]
    assert overview.log == ["refreshed"]
    shell.session._news = {"journal"}
    shell.session._tell()
    assert keys.log == ["refreshed", "refreshed"]
    shell.go("Overview")
    assert overview.log == ["refreshed", "refreshed"]


@pytest.mark.parametrize("number", range(1, 9))
def test_every_page_has_a_key(shell: Shell, number: int) -> None:
    shell.go(PAGES[number % len(PAGES)].name)
    QTest.keySequence(shell, f"Ctrl+{number}")
    assert button(shell, PAGES[number - 1].name).isChecked()


def test_back_and_forward(shell: Shell) -> None:
    assert not button(shell, "Back (Alt+Left)").isEnabled()
    shell.go("Requests", "req_1")
    shell.go("Keys")
    QTest.keySequence(shell, "Alt+Left")
    assert front(shell).log == ["refreshed", "opened req_1", "opened req_1"]
    QTest.keySequence(shell, "Alt+Left")
    assert button(shell, "Overview").isChecked()
    QTest.mouseClick(button(shell, "Forward (Alt+Right)"), Qt.MouseButton.LeftButton)
    assert button(shell, "Requests").isChecked()


def test_history_forgets_what_lay_ahead() -> None:
    history = History()
    for name in ("a", "b", "b", "c"):
        history.visit(Place(name))
    assert history.back() == Place("b")
    assert history.back() == Place("a")
    assert history.back() is None
    history.visit(Place("d"))
    assert history.forward() is None
    assert history.back() == Place("a")


def test_a_page_that_does_not_exist_is_not_gone_to(shell: Shell) -> None:
    shell.go("Nowhere")
    assert button(shell, "Overview").isChecked()


def test_f1_explains_the_page_in_place(shell: Shell) -> None:
    QTest.keySequence(shell, "F1")
    sheet = shell.open_sheet()
    assert isinstance(sheet, InfoSheet)
    assert "it writes down what happens to it" in read(shell)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert shell.open_sheet() is None


def test_ctrl_k_searches_pages_and_commands(shell: Shell) -> None:
    QTest.keySequence(shell, "Ctrl+K")
    assert isinstance(shell.open_sheet(), SearchPalette)
    QTest.keyClicks(QApplication.focusWidget(), "journ")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert shell.open_sheet() is None
    assert button(shell, "Journal").isChecked()


def test_ctrl_k_finds_what_is_on_a_page_by_what_one_wants_to_do(qtbot: QtBot, shell: Shell) -> None:
    button(shell, "Overview").setFocus()
    QTest.keySequence(shell, "Ctrl+K")
    QTest.keyClicks(QApplication.focusWidget(), "backup")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert button(shell, "Keys").isChecked()
    assert not button(shell, "Overview").hasFocus()
    qtbot.waitUntil(lambda: "opened backup" in getattr(shell.current(), "log", ()))


def test_keys_do_not_change_the_page_behind_a_sheet(shell: Shell) -> None:
    shell._show_status(status())
    QTest.mouseClick(button(shell, "Pause pod"), Qt.MouseButton.LeftButton)
    assert isinstance(shell.open_sheet(), ReasonPrompt)
    QTest.keySequence(shell, "Ctrl+2")
    QTest.keySequence(shell, "F1")
    QTest.keySequence(shell, "Ctrl+K")
    assert isinstance(shell.open_sheet(), ReasonPrompt)
    assert button(shell, "Overview").isChecked()


def test_a_running_pod_can_be_paused_and_a_paused_one_resumed(shell: Shell) -> None:
    shell._show_status(status())
    assert button(shell, "Pause pod").isVisible()
    assert not button(shell, "Resume pod").isVisible()
    shell._show_status(status("paused"))
    assert not button(shell, "Pause pod").isVisible()
    assert button(shell, "Resume pod").isVisible()
    shell._show_status(status("none", "off"))
    assert not button(shell, "Pause pod").isVisible()
    assert not button(shell, "Resume pod").isVisible()
    assert "No pod yet" in read(shell)


@pytest.mark.parametrize("gate", ["off", "on", "paused", "blocked", "starting", "elsewhere", "something new"])
def test_the_state_of_the_gate_is_always_in_words(shell: Shell, gate: str) -> None:
    shell._show_status(status(gate=gate))
    assert f"Gate is {gate}" in read(shell)
    assert shell._line._viewer.isVisibleTo(shell) is (gate == "elsewhere")


def test_a_pod_to_which_nothing_can_come_yet_does_not_run_and_is_no_alarm(shell: Shell) -> None:
    shell._show_status(status(gate="unused"))
    shown = read(shell)
    assert "Made" in shown
    assert "Running" not in shown
    shell._show_status(status(gate="off"))
    assert "Running" in read(shell)


def test_when_the_state_cannot_be_told_nothing_is_claimed(shell: Shell) -> None:
    shell._show_status(status())
    shell._status_failed(Unavailable("store.locked", "The records cannot be read.", "Why.", "Next."))
    shown = read(shell)
    assert "The records cannot be read." in shown
    assert "Gate is on" not in shown
    assert not button(shell, "Pause pod").isVisible()


def test_a_forgetting_keyring_says_so_all_the_time(shell: Shell) -> None:
    shell._show_status(status(forgets=True))
    assert "forgets everything when podadmin closes" in read(shell)
    shell._show_status(status())
    assert "forgets" not in read(shell)
    shell._show_status(status(keyring="locked"))
    assert "The keyring is locked." in read(shell)


def test_held_requests_are_counted_in_the_sidebar(shell: Shell) -> None:
    shell._show_status(status(held=3))
    assert button(shell, "Requests").accessibleDescription() == "3 waiting"
    shell._show_status(status())
    assert button(shell, "Requests").accessibleDescription() == ""


def test_jobs_are_told_in_the_status_line_and_can_be_cancelled(shell: Shell) -> None:
    job = shell.session.write(shell, "schema generate", {}, title="Generating the schema")
    shell.session.write(shell, "network join", {}, title="Joining")
    shell.session.write(shell, "settings set", {})
    job.move(Step("Reading", 0.5))
    QApplication.processEvents()
    assert "Generating the schema" in read(shell)
    assert "and 1 more" in read(shell)
    QTest.mouseClick(button(shell, "Cancel: Generating the schema"), Qt.MouseButton.LeftButton)
    assert job.cancelled


def test_what_is_asked_before_the_start_waits(shell: Shell) -> None:
    job = shell.session.read(shell, "status", {}, lambda _: None)
    assert isinstance(job, RunningJob)
    assert not job.done


def test_an_error_nobody_caught_becomes_a_sheet_without_its_message(
    shell: Shell, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    dispatcher = Dispatcher()
    show = application._showing(shell, dispatcher, sys.__excepthook__)
    try:
        raise ValueError("the passphrase is hunter2")
    except ValueError as error:
        show(type(error), error, error.__traceback__)
    qtbot.waitUntil(lambda: shell.open_sheet() is not None)
    QApplication.processEvents()
    shown = read(shell)
    assert "desktop.unexpected.valueerror" in shown
    assert "hunter2" not in shown
    printed = capsys.readouterr().err
    assert "ValueError at test_shell.py" in printed
    assert "hunter2" not in printed
    dispatcher.close()


def test_an_unfit_qt_is_named_before_it_aborts() -> None:
    assert "PySide6 6.12" in application.unfit((6, 12), (3, 11))
    assert application.unfit((6, 12), (3, 12)) == ""
    assert application.unfit((6, 11), (3, 11)) == ""


def test_the_window_opens_where_it_was(shell: Shell, tmp_path: Path) -> None:
    place = WindowPlace(tmp_path)
    shell.setGeometry(QRect(10, 20, 1000, 700))
    place.keep(shell, "dark", "Requests")
    assert (place.theme(), place.page()) == ("dark", "Requests")
    shell.setGeometry(QRect(0, 0, 1200, 650))
    place.restore(shell)
    assert shell.geometry() == QRect(10, 20, 1000, 700)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["window.json"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"x": "a"}', '{"theme": 3, "page": 4}', json.dumps({"x": 10**6, "y": 0, "width": 9, "height": 9})],
)
def test_a_bad_window_file_is_not_worth_an_error(shell: Shell, tmp_path: Path, text: str) -> None:
    (tmp_path / "window.json").write_text(text, encoding="utf-8")
    place = WindowPlace(tmp_path)
    before = shell.geometry()
    place.restore(shell)
    assert shell.geometry() == before
    assert (place.theme(), place.page()) == ("system", "")


def test_the_window_opens_on_the_page_on_which_it_was_closed(
    qtbot: QtBot, entries: list[PageEntry], tmp_path: Path
) -> None:
    place = WindowPlace(tmp_path)
    first = Shell(Session(Dispatcher()), entries, place)
    qtbot.addWidget(first)
    assert first.first_page == "Overview"
    first.go("Journal", "entry 3")
    first.close()
    again = Shell(Session(Dispatcher()), entries, place)
    qtbot.addWidget(again)
    assert again.first_page == "Journal"
    place.keep(again, "light", "A page of an older version")
    assert again.first_page == "Overview"


def test_nothing_is_written_where_there_is_no_profile(shell: Shell, tmp_path: Path) -> None:
    WindowPlace(tmp_path / "none").keep(shell, "light", "")
    assert list(tmp_path.iterdir()) == []


def test_a_narrow_screen_still_shows_everything(shell: Shell) -> None:
    shell._show_status(status(forgets=True, held=12))
    shell.resize(1024, 640)
    QApplication.processEvents()
    for name in (*(entry.name for entry in PAGES), "Pause pod", "Search everything (Ctrl+K)"):
        there = button(shell, name)
        assert there.visibleRegion().boundingRect() == there.rect(), name


def test_a_page_that_nobody_has_imported_comes_module_by_module(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    place = "from podadmin.desktop.page import Page\n\n\nclass Late(Page):\n    name = title = 'Late'\n"
    (tmp_path / "came_late.py").write_text(place, encoding="utf-8")
    shell = Shell(Session(Dispatcher()), [PageEntry("Late", "inbox", "came_late:Late")])
    qtbot.addWidget(shell)
    shell.show()
    shell.go("Late")
    assert (shell.current(), shell.busy) == (None, True)
    qtbot.waitUntil(lambda: not shell.busy, timeout=30_000)
    page = shell.current()
    assert page is not None
    assert page.name == "Late"
    monkeypatch.delitem(sys.modules, "came_late")


class Coming(Page):
    """A page that is complete when the test says so."""

    name = title = "Coming"
    go_on = False

    def build(self) -> Iterator[None]:
        while not Coming.go_on:
            yield

    def refresh(self) -> None:
        self.read("requests list", {}, lambda _: None)


@pytest.mark.parametrize("comes", [True, False])
def test_the_profile_is_opened_when_the_first_page_has_asked_what_it_shows(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comes: bool
) -> None:
    """Both need the same processor. A page that does not come keeps the profile closed for a second at the most."""
    monkeypatch.setattr(Coming, "go_on", False)
    module = types.ModuleType("desktop_page_that_comes")
    module.Coming = Coming  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    session = Session(Dispatcher())
    shell = Shell(session, [PageEntry("Coming", "inbox", f"{module.__name__}:Coming")])
    qtbot.addWidget(shell)
    shell.show()
    shell.go("Coming")
    told: list[str] = []
    session.on_change(shell, {"profile"}, lambda: told.append("open"))
    session.start(Options(profile=tmp_path / "profile", keyring="memory"), page_comes=True)
    try:
        page = shell.current()
        assert page is not None
        with qtbot.waitSignal(page.completed, timeout=30_000) if comes else nullcontext():
            assert session._ops is not None
            assert session._ops._watcher is None
            monkeypatch.setattr(Coming, "go_on", comes)
        qtbot.waitUntil(lambda: told == ["open"], timeout=30_000)
        assert page.ready is comes
    finally:
        session.close()
