"""What a message that brings no result may hold: how far a task is, words for a log, a last word; and no data.

A task's code runs in the worker and can say anything under any type. What a custodian sees, limits and holds is in the
bodies of results; so everything else is short, stands in the message itself, and is little in all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from podadmin.core.errors import Refused
from podadmin.gate.egress import PHASES
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount import references
from podadmin.networks.bitfount.types import MessageType

MOST_WORD: Final = 2 * 1024
"""Bytes of a whole word of progress: a real one has some hundred, most of them the names of mailboxes."""
MOST_TEXT: Final = 16 * 1024
"""Bytes of a whole message that holds words for a person: a log, a refusal, an error with its trace, a log-in."""
MOST_HEAD: Final = 8 * 1024
"""Bytes beside the body of a message that carries something: they are not sealed, and nobody is shown them."""
MOST_QUESTION: Final = 64 * 1024
"""Bytes of any call that is no message: a pod tells of its datasets, asks for what waits, acknowledges, wants room."""
MOST_LOGGED: Final = 64 * 1024
"""Bytes of all words for its requester's log that one task may say."""
MOST_SAID: Final = 4 * 1024 * 1024
"""Bytes of all its words of progress: a task that says the number of each of ten thousand batches stays below it."""
MOST_LAST: Final = 300
"""Characters of what a pod says of why it ended a task."""
_TASKS: Final = 64
_TEXTS: Final = frozenset(
    {MessageType.LOG_MESSAGE, MessageType.JOB_REJECT, MessageType.TASK_ABORT, MessageType.OIDC_CHALLENGE}
)
_WORDS: Final = PHASES | _TEXTS | {MessageType.JOB_ACCEPT, MessageType.BATCHES_COMPLETE, MessageType.ONLINE_RESPONSE}
_MOST: Final[Mapping[bool, int]] = {True: MOST_LOGGED, False: MOST_SAID}


def check(message: pb.BitfountMessage, size: int) -> None:
    """`size`: bytes of the whole message, with what this version does not know of it. Raises Refused
    (`gate.more-than-words`, `gate.beside-the-body`).
    """
    kind = int(message.messageType)
    if kind not in _WORDS:
        if size - len(message.body) > MOST_HEAD:
            raise Refused(
                "gate.beside-the-body",
                "A message of the pod was not let out.",
                f"Beside its body it holds more than {MOST_HEAD} bytes, which would leave unseen.",
                "Look at the software that the task runs: data may be hidden there.",
            )
        return
    if size > (MOST_TEXT if kind in _TEXTS else MOST_WORD) or references.reference_in(message.body) is not None:
        raise Refused(
            "gate.more-than-words",
            "A message of the pod was not let out.",
            "It tells how far a task is, and is larger than such words are or points to something larger.",
            "Look at the software that the task runs: data may be hidden there.",
        )


def check_question(size: int) -> None:
    """`size`: bytes of a call that is no message. Raises Refused (`gate.more-than-a-question`)."""
    if size > MOST_QUESTION:
        raise Refused(
            "gate.more-than-a-question",
            "A call of the pod was not passed on.",
            f"It holds more than {MOST_QUESTION} bytes, and such calls hold some names.",
            "Look at the software that the task runs: data may be hidden there.",
        )


class Said:
    """How much each of the latest tasks has said. Use it inside the gate's loop."""

    def __init__(self) -> None:
        self._sizes: OrderedDict[tuple[str, bool], int] = OrderedDict()

    def has_room(self, message: pb.BitfountMessage, size: int) -> bool:
        """May a task say this as well? Then it is counted."""
        if int(message.messageType) not in _WORDS:
            return True
        logs = int(message.messageType) == MessageType.LOG_MESSAGE
        known = self._sizes.pop((message.taskId, logs), 0)
        fits = known + size <= _MOST[logs]
        self._sizes[message.taskId, logs] = known + size if fits else known
        while len(self._sizes) > _TASKS:
            self._sizes.popitem(last=False)
        return fits
