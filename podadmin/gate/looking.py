"""The gate looks into what leaves: each message opened with the key of its task, where there is one, and each result
held against the rules that watch its request.

What it finds are facts for a list and reasons to hold; the content itself is not kept here. A result that cannot be
opened or read is held as soon as any rule asks for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from anyio import to_thread

from podadmin.core.clock import new_id
from podadmin.core.errors import NotFound, PodadminError
from podadmin.core.text import stranger
from podadmin.gate import results
from podadmin.gate.egress import CARRYING, consumed
from podadmin.gate.outgoing import HELD, Left, left_of, let_go, rows_before
from podadmin.gate.ports import Ports
from podadmin.gate.result_content import SHOWN_COLUMNS, Content, content_of
from podadmin.gate.sessions import Sessions
from podadmin.gate.uploads import Upload, nothing_uploaded
from podadmin.networks.bitfount import codec, references
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.messages import SMALL_BODY
from podadmin.networks.bitfount.types import MessageType
from podadmin.requests import service
from podadmin.requests.promise import Promise, promise_of
from podadmin.requests.result_rules import Found, Reason, held
from podadmin.requests.rule_history import tried
from podadmin.requests.rule_service import Shelf
from podadmin.requests.rules import Rule
from podadmin.requests.state import State

MOST_OPENED: Final = 64 * 1024 * 1024
"""Bytes of a body that is opened; nothing is said of what is in a larger one."""
SETTING: Final = Reason("Every result is held until it was seen: a setting.")
AFTER: Final = Reason("An earlier result of this task has not gone.")
UPDATE: Final = (
    "It carries the parameters of a model, which can remember single records. Its requester waits for it before the "
    "next round; later ones of this task follow by themselves once it was let go."
)
PARAMETERS: Final = frozenset({MessageType.TRAINING_UPDATE, MessageType.MODEL_PARAMETERS})
SEALED_FOR_OTHERS: Final = frozenset({MessageType.SECURE_SHARE, MessageType.KEY_EXCHANGE})
"""What only the other pods of a task can open: nothing can be said of it but its size."""
MOST_GROWN: Final = 2
"""An update holds the same parameters as the one before; how well they can be packed changes from round to round."""
_UNOPENED: Final = "It could not be opened with the key of its task, so nothing can be said of it."
_TOO_LARGE: Final = f"It has more than {MOST_OPENED} bytes and was not opened, so nothing can be said of it."
_PROGRESS: Final[Mapping[int, str]] = {
    MessageType.JOB_ACCEPT: "that the pod takes the task",
    MessageType.PREPARING_DATA: "how far it is: it prepares data",
    MessageType.CONFIGURING_TASK: "how far it is: it sets up the task",
    MessageType.PREPARING_DATA_BATCHES: "how far it is: it parts the data",
    MessageType.TASK_START: "that it can begin",
    MessageType.BATCHES_COMPLETE: "that all results were sent",
    MessageType.ONLINE_CHECK: "whether the requester is there",
    MessageType.ONLINE_RESPONSE: "that the pod is there",
    MessageType.OIDC_CHALLENGE: "a question for a log-in",
}
_NUMBERS: Final[Mapping[int, str]] = {
    MessageType.NUMBER_OF_BATCHES: "the number of batches",
    MessageType.CURRENT_BATCH_ID: "the number of the batch that it is at",
}


@dataclass(frozen=True)
class Looked:
    """A result as it was found. `reasons` why it has to be seen first. `follows`: one before it has not gone yet.

    `large`: it does not travel in a message, and goes from here, now or once a person has seen it.
    """

    left: Left
    reasons: tuple[Reason, ...] = ()
    follows: bool = False
    large: bool = False

    @property
    def stays(self) -> bool:
        """It does not leave now."""
        return bool(self.reasons) or self.follows


class Looking:
    """`look` in the gate's loop; everything else in a thread."""

    def __init__(self, ports: Ports, sessions: Sessions) -> None:
        self._ports = ports
        self._sessions = sessions
        self._shelf = Shelf()

    async def look(self, message: pb.BitfountMessage) -> Looked | None:
        """What a result is and why it is held; None for a message that is none, or is of no known task.

        Raises Refused (`gate.nothing-uploaded`) for an address of a body that its task has not uploaded here.
        """
        url = references.reference_in(message.body)
        if not results.is_result(message.messageType):
            if url is not None:
                raise nothing_uploaded()
            return None
        row = await to_thread.run_sync(service.by_task, self._ports.store, message.taskId)
        if row is None:
            return None
        rules, promise = await to_thread.run_sync(self._watching, row.id)
        asked = bool(rules) or self._ports.numbers.see_results()
        body: bytes | None = message.body
        upload: Upload | None = None
        large = url is not None or len(message.body) > SMALL_BODY
        if url is not None:
            body, upload = await to_thread.run_sync(self._uploaded, url, row.id, asked)
        elif large and not asked:
            body = None
        looked = await to_thread.run_sync(self._looked, row.id, message, body, upload, rules, promise)
        if not large:
            return looked
        kept = looked.left.result_id or new_id("out")
        return replace(looked, large=True, left=replace(looked.left, sealed="reference", result_id=kept))

    def _uploaded(self, url: str, request_id: str, asked: bool) -> tuple[bytes | None, Upload]:
        """What a task has uploaded, None where nobody asks for it or it is too large to open, and where it lies."""
        uploads = self._ports.upstream.rooms.uploads
        if uploads is None:
            raise nothing_uploaded()
        found = uploads.take(url, request_id)
        if (found.size or 0) > MOST_OPENED or not asked:
            return None, found
        with uploads.opened(found) as file:
            return file.read(), found

    def are_seen_first(self, message: pb.BitfountMessage) -> bool:
        """Is there anything for which a result of this running task could be held?"""
        row = service.by_task(self._ports.store, message.taskId)
        if row is None or row.state != State.RUNNING:
            return False
        return self._ports.numbers.see_results() or bool(self._watching(row.id)[0])

    def opened(self, request_id: str, message: pb.BitfountMessage, left: Left) -> Left:
        """The same with what it was found to hold, for a message that carries nothing of the data."""
        if references.reference_in(message.body) is not None:
            return replace(left, sealed="reference")
        if left.what or not message.body:
            return left
        try:
            value = codec.open_session(self._sessions.of(request_id), message.body)
        except PodadminError:
            return left
        return replace(left, sealed="session", what={"kind": _plain(message, value)})

    def _watching(self, request_id: str) -> tuple[tuple[Rule, ...], Promise]:
        """The rules that watch a request, and what it promised. Of what is not known, every rule could be about it."""
        found = service.find(self._ports.store, request_id)
        records = self._ports.records(found.row.datasource)
        effects = found.findings.get("effects")
        with self._ports.store.read() as connection:
            prepared = self._shelf.rules(connection)
            try:
                known = tried(connection, request_id)
            except NotFound:
                every = tuple(each.rule for each in prepared if each.rule.enabled and each.rule.results)
                return every, promise_of(None, None, records)
        return prepared.watching(known.facts, known.at), promise_of(known.facts, effects, records)

    def _goes_on(self, request_id: str, kind: MessageType, size: int) -> bool:
        """Is it one of a training whose first of this kind a person has let go? Its requester waits for each."""
        first = let_go(self._ports.store, request_id, kind)
        return first is not None and size <= MOST_GROWN * first

    def _looked(
        self,
        request_id: str,
        message: pb.BitfountMessage,
        body: bytes | None,
        upload: Upload | None,
        rules: tuple[Rule, ...],
        promise: Promise,
    ) -> Looked:
        store = self._ports.store
        left = left_of(message, self._ports.clock.now())
        if upload is not None:
            left = replace(left, size=upload.size or 0, digest=upload.digest)
        content: Content | None = None
        problem = _TOO_LARGE
        if body is not None:
            try:
                content = content_of(codec.open_session(self._sessions.of(request_id), body))
                left = replace(left, sealed="session")
            except PodadminError:
                problem = _UNOPENED
        what: dict[str, Any] = {"kind": content.what if content is not None else "a result"}
        if content is not None and content.columns is not None:
            what["columns"] = [stranger(name, 120) for name in content.columns[:SHOWN_COLUMNS]]
            what["more_columns"] = max(len(content.columns) - SHOWN_COLUMNS, 0)
        used = consumed(message)
        if used:
            what["consumed"] = [[stranger(name, 200), amount] for name, amount in used.items()]
        before = rows_before(store, request_id, left.digest)
        found = (
            Found(content.rows, content.columns, content.least, before)
            if content is not None
            else Found(before=before, problem=problem)
        )
        kind = MessageType(int(message.messageType))
        update = kind in PARAMETERS
        if update:
            what["kind"] = "the parameters of a model in training"
            found = Found(before=before, problem=f"{UPDATE} {problem}".strip())
        reasons = held(rules, promise, found)
        if self._ports.numbers.see_results():
            told = (Reason(UPDATE),) if update and not reasons else ()
            reasons = (SETTING, *told, *reasons)
        opened = content is not None or kind in SEALED_FOR_OTHERS
        if kind in CARRYING and reasons and opened and self._goes_on(request_id, kind, left.size):
            reasons = ()
        follows = results.waits(store, message.taskId)
        stays = bool(reasons) or follows
        left = replace(
            left,
            what=what,
            rows=content.rows if content is not None and not update else None,
            outcome=HELD if stays else left.outcome,
            why=" ".join(each.words for each in reasons) or (AFTER.words if follows else ""),
            result_id=new_id("out") if stays else "",
        )
        return Looked(left, reasons, follows)


def _plain(message: pb.BitfountMessage, value: codec.Value) -> str:
    """What an opened message says, in plain words and without its content."""
    kind = int(message.messageType)
    if kind in _PROGRESS:
        return _PROGRESS[kind]
    if kind in _NUMBERS and isinstance(value, int):
        return f"{_NUMBERS[kind]}: {value:,}"
    if kind == MessageType.LOG_MESSAGE and isinstance(value, Mapping):
        return f"words for the requester's log: {_characters(value.get('msg'))}"
    if kind == MessageType.JOB_REJECT:
        return f"that the pod does not take the task: {_characters(value)}"
    if kind == MessageType.TASK_ABORT and isinstance(value, Mapping):
        more = "with the text of an error" if set(value) - {"message", "reason"} else "without the text of an error"
        return f"that the task was ended, {more}: {_characters(value.get('message'))}"
    return content_of(value).what


def _characters(value: object) -> str:
    return f"{len(str(value)):,} characters"
