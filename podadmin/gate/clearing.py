"""What tasks have uploaded and nobody needs any more: removed, and listed where no message ever brought it.

It follows from what is stored: an upload is kept while its task runs and while a message that waits refers to it.
"""

from __future__ import annotations

from sqlalchemy import select

from podadmin.core.clock import Clock
from podadmin.gate import results
from podadmin.gate.outgoing import UPLOAD, WITHHELD, Left, Outgoing
from podadmin.gate.uploads import Uploads
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.requests.records import request
from podadmin.requests.state import State
from podadmin.store.engine import Store

NEVER_SAID = "It was uploaded, and no message said that it is there. It has not left."


def clear(store: Store, clock: Clock, uploads: Uploads, outgoing: Outgoing) -> None:
    """Remove what is needed no more. `outgoing` hears of what no message has brought."""
    known = uploads.listing()
    if not known:
        return
    wanted = select(request.c.id, request.c.task_id, request.c.state)
    with store.read() as connection:
        rows = connection.execute(wanted.where(request.c.id.in_({each.request_id for each in known})))
        tasks = {row.id: row for row in rows}
        needed = set(map(uploads.named, results.referring(connection)))
    for each in known:
        task = tasks.get(each.request_id)
        if each.id in needed or (task is not None and task.state == State.RUNNING):
            continue
        if each.open and each.size is not None and task is not None:
            left = Left(UPLOAD, clock.now(), each.size, "", WITHHELD, "other", why=NEVER_SAID)
            outgoing.note_left(pb.BitfountMessage(taskId=task.task_id), left)
        uploads.forget(each)
