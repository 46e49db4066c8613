"""One question at a time: what news of a change asks again and again, and never twice at once.

News comes in floods. Each would ask the same, and answers could come in another order than the questions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject

from podadmin.core.errors import PodadminError
from podadmin.desktop.session import Failure, Session, Success


class Inquiry:
    """A read that is asked again once, after its answer, however often it was wanted meanwhile.

    `arguments` gives what is asked with, each time anew. `success` gets the answer; `failure` the error, where given.
    Lives on the Qt thread, as long as `owner` does.
    """

    def __init__(
        self,
        session: Session,
        owner: QObject,
        act: str,
        success: Success,
        failure: Failure | None = None,
        arguments: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self._session, self._owner, self._act = session, owner, act
        self._success, self._failure, self._arguments = success, failure, arguments
        self._asking = self._again = False

    def ask(self) -> None:
        """Ask now, or once more after the answer that is awaited."""
        self._again = self._asking
        if not self._asking:
            self._asking = True
            self._session.read(self._owner, self._act, self._arguments(), self._came, self._failed)

    def _came(self, answer: Any) -> None:
        self._over(lambda: self._success(answer))

    def _failed(self, error: PodadminError) -> None:
        self._over(lambda: self._failure(error) if self._failure is not None else None)

    def _over(self, tell: Callable[[], object]) -> None:
        self._asking = False
        tell()
        if self._again:
            self.ask()
