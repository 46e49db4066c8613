"""What the engine makes of failures: its own errors out of groups of them, and the store's words for its watcher."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from podadmin.core.errors import PodadminError
from podadmin.store.engine import Watcher, explain


def foreseen(raised: BaseException) -> PodadminError:
    """The first of our own errors in what a task group raised; anything else in it is raised again."""
    if isinstance(raised, PodadminError):
        return raised
    if isinstance(raised, ExceptionGroup):
        foreign = raised.split(PodadminError)[1]
        if foreign is not None:
            raise foreign
        return foreseen(raised.exceptions[0])
    raise raised


def changed(watcher: Watcher) -> bool:
    """Has anything been committed? Raises Unavailable (`store.*`) where that cannot be known."""
    try:
        return watcher.changed()
    except SQLAlchemyError as error:
        raise explain(error, "watching the profile") from error
