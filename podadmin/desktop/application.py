"""From the start of the process to the first paint, and from there to the end.

Before the first paint nothing is imported but Qt, the shell and standard-library values; the profile, the engine and
all that they need come afterwards, off this thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Final

import PySide6
from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from podadmin.app.options import folder_of
from podadmin.core.errors import PodadminError
from podadmin.desktop.dispatch import Dispatcher
from podadmin.desktop.place import WindowPlace
from podadmin.desktop.session import Session
from podadmin.desktop.shell import Shell
from podadmin.desktop.theme import icons, style
from podadmin.desktop.theme.tokens import SIZE

if TYPE_CHECKING:
    from podadmin.app.options import Options

_HARMLESS: Final = "propagateSizeHints"
_SWITCH_SECONDS: Final = 0.0001
_began = perf_counter()


class UnexpectedError(PodadminError):
    """A defect of the desktop. Its message and values are not shown: they may carry data."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"desktop.unexpected.{kind}",
            "Something in this window did not work.",
            "This is a defect of podadmin, not of your data; nothing that was recorded is touched by it.",
            "Repeat what you did; if it happens again, report it with the code below.",
        )


def run(options: Options) -> int:
    """Show the desktop until it is closed (or the script has ended). Returns the exit code of the process."""
    problem = unfit(PySide6.__version_info__[:2], sys.version_info[:2])
    if problem:
        sys.stderr.write(problem + "\n")
        return 1
    if options.headless:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    qInstallMessageHandler(_qt_says)
    # this thread has to get the interpreter back from work in the background within a frame, not within several
    sys.setswitchinterval(_SWITCH_SECONDS)
    app = _application()
    own = not options.auditor and (not options.headless or options.profile is not None)
    place = WindowPlace(folder_of(options)) if own else None
    choice = options.theme or (place.theme() if place is not None else "system")
    style.apply(choice)
    app.setWindowIcon(icons.icon("shield-check", "accent", size=SIZE.icon_large))
    dispatcher = Dispatcher()
    session = Session(dispatcher)
    shell = Shell(session, place=place, theme=choice, theme_fixed=bool(options.theme), auditor=options.auditor)
    shell.theme_wanted.connect(style.apply)
    _follow_system(shell)
    sys.excepthook = _showing(shell, dispatcher, sys.excepthook)
    end = _Ending(app)
    shell.painted.connect(lambda: _painted(shell, session, options, end))
    shell.show()
    app.exec()
    if shell.isVisible():
        # left by a script or by the system: the window keeps where it was all the same
        shell.close()
    session.close()
    shell.deleteLater()
    app.processEvents()
    return end.code


class _Ending:
    """How the process will end."""

    def __init__(self, app: QApplication) -> None:
        self._app = app
        self.code = 0
        self.keep: QObject | None = None

    def now(self, code: int) -> None:
        """Leave the event loop with this exit code."""
        self.code = code
        self._app.exit(code)


def unfit(qt: tuple[int, ...], python: tuple[int, ...]) -> str:
    """Why this Qt must not run on this Python; empty where it may.

    PySide6 6.12 loses a reference to None with every call of a void method, and None is mortal before Python 3.12:
    the process would abort within seconds.
    """
    if qt >= (6, 12) and python < (3, 12):
        return (
            f"podadmin cannot start: PySide6 {qt[0]}.{qt[1]} aborts on Python {python[0]}.{python[1]}. "
            "Install PySide6-Essentials 6.11, or use Python 3.12 or newer. [desktop.qt-unfit]"
        )
    return ""


def _application() -> QApplication:
    QGuiApplication.setDesktopFileName("podadmin")
    # said as an option: the call would first make Python's side of QStyle, which no paint of the frame needs
    app = QApplication([*sys.argv[:1], "-style", "fusion"])
    app.setApplicationName("podadmin")
    app.setApplicationDisplayName("podadmin")
    style.load_fonts(style.FRAME_FONTS)
    return app


def _ready_for_pages() -> None:
    """What pages need and the frame does not: it comes after the first paint."""
    from PySide6.QtCore import QLocale

    from podadmin.desktop.widgets import accessible

    if QLocale.system().language() == QLocale.Language.C:
        QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    style.load_fonts(style.PAGE_FONTS)
    accessible.install()


def _follow_system(shell: Shell) -> None:
    def changed() -> None:
        if shell.theme == "system":
            style.apply("system")

    QGuiApplication.styleHints().colorSchemeChanged.connect(changed)


def _painted(shell: Shell, session: Session, options: Options, end: _Ending) -> None:
    if options.exit_after_paint:
        sys.stdout.write(f"{since_start():.0f}\n")
        sys.stdout.flush()
        end.now(0)
        return
    # the frame is on the screen; its first page comes now, and then the profile behind it
    _ready_for_pages()
    shell.go(shell.first_page)
    if options.script is not None:
        from podadmin.desktop.driver import Driver

        end.keep = driver = Driver(shell)
        driver.finished.connect(lambda result: _played(result, options.script, end))
    session.start(options, page_comes=True)
    from podadmin.core.clock import SystemClock
    from podadmin.desktop.ahead import Ahead
    from podadmin.desktop.garbage import Garbage
    from podadmin.desktop.pages.journal_notices import ABOUT, JournalNotices
    from podadmin.desktop.pages.request_notices import RequestNotices

    shell.read_on()
    for act in ABOUT:
        JournalNotices(session, shell.say, act, shell)
    RequestNotices(session, shell.go, parent=shell)
    Ahead(session, shell, Garbage(shell, SystemClock()).settle)
    if options.script is not None:
        try:
            text = options.script.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            sys.stderr.write(f"{options.script}: the script cannot be read [driver.unreadable]\n")
            end.now(2)
            return
        driver.start(text)


def _played(problem: str, script: Path | None, end: _Ending) -> None:
    if problem:
        sys.stderr.write(f"{script}: {problem}\n")
    end.now(1 if problem else 0)


def since_start() -> float:
    """Milliseconds since this process began; since this module was imported where the system does not say."""
    stat = Path("/proc/self/stat")
    if stat.exists():
        import time

        started = int(stat.read_text(encoding="ascii").rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return (time.clock_gettime(time.CLOCK_BOOTTIME) - started) * 1000
    return (perf_counter() - _began) * 1000


def _showing(
    shell: Shell,
    dispatcher: Dispatcher,
    before: Callable[[type[BaseException], BaseException, TracebackType | None], object],
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """An error nobody caught: a person sees its sentences and code; the place in the code goes to stderr."""
        if not issubclass(kind, Exception):
            before(kind, error, trace)
            return
        sys.stderr.write(f"podadmin: {kind.__name__} at {where(trace)}\n")
        known = error if isinstance(error, PodadminError) else UnexpectedError(kind.__name__.lower())
        dispatcher.post(shell, lambda: shell.show_error(known))

    return show


def where(trace: TracebackType | None) -> str:
    """The places in our code that a traceback passes, without any value."""
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " > ".join(places[-6:])


def _qt_says(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    if _HARMLESS not in message and kind != QtMsgType.QtDebugMsg:
        sys.stderr.write(f"Qt: {message}\n")
