"""What has been recorded since a front end last looked, as notices: told once, wherever one is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from sqlalchemy import select

from podadmin.app.views.facts import Notice, Notices
from podadmin.journal import service as journal
from podadmin.journal.records import journal_entry

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

MOST_NOTICES = 20
After = Annotated[int, "only what came after this journal entry; below 0: nothing yet"]


def recorded_since(
    profile: Profile, after: int, acts: tuple[str, ...], words: Callable[[int, str, Mapping[str, Any]], Notice]
) -> Notices:
    """The entries of these acts after the entry `after`, each as a notice by `words(seq, act, body)`."""
    last = journal.head(profile.store)
    head = 0 if last is None else last.seq
    if after < 0 or after >= head:
        return Notices((), head)
    with profile.store.read() as connection:
        told = select(journal_entry).where(journal_entry.c.act.in_(acts), journal_entry.c.seq > after)
        rows = connection.execute(told.order_by(journal_entry.c.seq).limit(MOST_NOTICES)).all()
    return Notices(tuple(words(row.seq, row.act, json.loads(row.body)) for row in rows), head)
