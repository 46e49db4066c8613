"""One task on the wire, from its JOB_REQUEST to its end (bitfount contract, section 5.4; gate contract, section 2).

Work starts only after the Send of JOB_ACCEPT has returned: the gate refuses a JOB_ACCEPT that must not be, and out of
that it makes the promise that nothing runs twice. No text of a library and no data goes into an abort.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from podadmin.core.clock import Clock
from podadmin.core.errors import Cancelled, NotFound, PodadminError, Refused
from podadmin.core.progress import Progress
from podadmin.networks.bitfount import messages, rpc
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.access_manager import AccessAnswer, AccessManagerClient, AccessRequest
from podadmin.networks.bitfount.client import MessageServiceClient
from podadmin.networks.bitfount.codec import open_session
from podadmin.networks.bitfount.job_request import OpenedJobRequest, open_job_request
from podadmin.networks.bitfount.types import IdentityVerificationMethod, MessageType, PodResponseType, Reason
from podadmin.pod import sql, tasks
from podadmin.pod.config import PodConfig, PodKey
from podadmin.pod.usage import InferenceLimit

log = logging.getLogger(__name__)

RESULT_SECONDS = 120.0
"""Sending results may take longer than other messages: they are large, and the gate may look into them."""

_ENVELOPE_ROOM = 64 * 1024


@dataclass(frozen=True)
class Ended:
    """How a task ended. `outcome`: done | limit | cancelled | rejected | dropped | failed | timed-out | unreadable.
    `code`: the code of the error or the name of the answer, or nothing."""

    outcome: str
    code: str = ""


class _Stop(Exception):
    """The task is over; everybody who has to know has been told."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended)
        self.ended = ended


@dataclass(frozen=True)
class Pod:
    """What every task of one process shares."""

    config: PodConfig
    key: PodKey
    client: MessageServiceClient
    access: AccessManagerClient
    clock: Clock


async def perform(pod: Pod, trigger: pb.BitfountMessage) -> Ended:
    """Everything that follows an acknowledged JOB_REQUEST. Raises nothing but cancellation."""
    try:
        route = messages.route_of(trigger)
        opened = await asyncio.to_thread(open_job_request, trigger.body, pod.key, None)
    except PodadminError as error:
        log.warning("a request cannot be opened: %s", error.code)
        return Ended("unreadable", error.code)
    task = _Task(pod, route, opened)
    try:
        return await task.run()
    except _Stop as stop:
        return stop.ended
    except PodadminError as error:
        log.warning("task %s ended: %s", route.task_id, error.code)
        return Ended("failed", error.code)


class _Task:
    def __init__(self, pod: Pod, route: messages.Route, opened: OpenedJobRequest) -> None:
        self._pod = pod
        self._route = route
        self._opened = opened
        self._key = opened.session_key
        self._numbers = count(1)
        self._progress = Progress()
        self._started = asyncio.Event()
        self._completed = asyncio.Event()
        self._over = asyncio.Event()  # cancelled, or the mailbox is gone

    async def run(self) -> Ended:
        plan = await self._planned()
        answer = await self._asked()
        await self._accept()
        reader = asyncio.create_task(self._read_mailbox())
        try:
            return await self._accepted(plan, answer)
        finally:
            self._progress.cancel()
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader

    # --- before acceptance -------------------------------------------------------------------------------------------

    async def _planned(self) -> tasks.Plan:
        claims = self._opened.outer
        config = self._pod.config
        try:
            if self._opened.differs_from_envelope:
                raise tasks.setup_refused("Its clear part says something else than its encrypted part.")
            if claims.flow_spec_raw is not None:
                raise tasks.setup_refused("It asks for a flow. This pod runs tasks only.")
            if claims.run_on_new_data_only or claims.test_run:
                raise tasks.setup_refused("It asks for a part of the data only, which this pod cannot choose.")
            if claims.requires_ehr_connection:
                raise tasks.TaskRefused(
                    "no-ehr",
                    PodResponseType.MISSING_EHR_CONNECTION,
                    "It needs an EHR connection, which this pod lacks.",
                )
            names = [source.name for source in config.datasources]
            return tasks.plan(self._opened.protocol, names, self._route.pod_identifier, config.pod_name)
        except tasks.TaskRefused as refusal:
            raise await self._reject(refusal.answer, refusal) from None

    async def _asked(self) -> AccessAnswer:
        opened, claims = self._opened, self._opened.outer
        if claims.auth_type != IdentityVerificationMethod.KEYS or opened.signature is None:
            raise await self._reject(PodResponseType.NO_PROOF_OF_IDENTITY)
        question = AccessRequest(
            pod_identifier=self._route.pod_identifier,
            protocol=opened.protocol,
            requester=self._route.requester,
            project_id=claims.project_id,
            unsigned_task=opened.encrypted_request,
            signature=opened.signature,
            key_id=claims.key_id,
        )
        try:
            answer = await self._pod.access.check(question)
        except PodadminError as error:
            raise await self._reject(PodResponseType.TASK_SETUP_ERROR, error) from None
        if not answer.accepted:
            raise await self._reject(answer.code)
        return answer

    async def _reject(self, answer: PodResponseType, error: PodadminError | None = None) -> _Stop:
        """Tell the requester; where the pod has words of its own, in the requester's log too (gate contract, 3.4)."""
        texts = () if error is None else (_words(error),)
        for text in texts:
            await self._send(messages.log_message(self._route, self._key, self._now(), text, sequence=self._number()))
        await self._send(
            messages.job_reject(self._route, self._key, self._now(), answer, texts, sequence=self._number())
        )
        return _Stop(Ended("rejected", answer.name if error is None else error.code))

    async def _accept(self) -> None:
        try:
            await self._send(messages.job_accept(self._route, self._key, self._now(), self._number()))
        except PodadminError as error:
            log.info("task %s is not to be started: %s", self._route.task_id, error.code)
            raise _Stop(Ended("dropped", error.code)) from None

    # --- after acceptance --------------------------------------------------------------------------------------------

    async def _accepted(self, plan: tasks.Plan, answer: AccessAnswer) -> Ended:
        try:
            await self._announce()
            if not await self._wait(self._started, self._pod.config.start_wait):
                return await self._abort("The requester did not start the task in time.", Reason.MODELLER_TIMEOUT)
            outcome = await self._computed(plan, answer)
            await self._deliver(plan, outcome)
        except Cancelled:
            return await self._abort("The task was stopped.", Reason.CANCELLED_BY_MODELLER)
        except PodadminError as error:
            log.warning("task %s failed: %s", self._route.task_id, error.code)
            return await self._abort(_words(error), Reason.WORKER_ERROR, error.code)
        if outcome.limit_words:
            return await self._abort(outcome.limit_words, Reason.LIMITS_EXCEEDED)
        await self._send(messages.batches_complete(self._route, self._key, self._now(), self._number()))
        with contextlib.suppress(Cancelled):  # the results are out: a stop changes nothing any more
            await self._wait(self._completed, self._pod.config.complete_wait)
        return Ended("done")

    async def _announce(self) -> None:
        for build in (messages.preparing_data, messages.configuring_task):
            await self._send(build(self._route, self._key, self._now(), self._number()))
        await self._send(messages.number_of_batches(self._route, self._key, self._now(), 1, self._number()))
        await self._send(messages.task_start(self._route, self._key, self._now(), self._number()))

    async def _computed(self, plan: tasks.Plan, answer: AccessAnswer) -> tasks.Outcome:
        config = self._pod.config
        source = next(source for source in config.datasources if source.name == plan.datasource)
        bounds = sql.Bounds(seconds=config.time_limit, memory_mb=config.memory_mb)
        limit = limit_of(plan.model, answer)

        def work() -> tasks.Outcome:
            try:
                return tasks.run(plan, source, limit, bounds, self._progress)
            except PodadminError:
                raise
            except Exception as error:  # noqa: BLE001  # a library's message may hold data: only its kind is logged
                log.error("unexpected: %s", type(error).__name__)  # noqa: TRY400  # a traceback may hold data
                raise _unexpected() from None

        return await asyncio.to_thread(work)

    async def _deliver(self, plan: tasks.Plan, outcome: tasks.Outcome) -> None:
        self._progress.check()
        place = messages.AlgorithmPlace(plan.algorithm, plan.index, plan.total)
        message = await asyncio.to_thread(
            messages.evaluation_results,
            self._route,
            self._key,
            self._now(),
            outcome.value,
            outcome.used,
            place,
        )
        if len(message.body) > rpc.MAX_MESSAGE - _ENVELOPE_ROOM:
            raise _too_big()
        await self._pod.client.call(rpc.SEND, message, seconds=RESULT_SECONDS)
        self._progress.check()

    async def _abort(self, text: str, reason: Reason, code: str = "") -> Ended:
        try:
            await self._send(messages.task_abort(self._route, self._key, self._now(), text, reason))
        except PodadminError as error:
            # The gate has told the requester itself, or the requester is gone.
            log.info("task %s: the abort was not taken: %s", self._route.task_id, error.code)
        outcome = _OUTCOMES.get(reason, "failed")
        return Ended(outcome, code or reason.name)

    # --- the mailbox -------------------------------------------------------------------------------------------------

    async def _wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Did `event` come in time? Raises Cancelled where the task was stopped or its mailbox is gone."""
        waiting = [asyncio.create_task(event.wait()), asyncio.create_task(self._over.wait())]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        if self._over.is_set() and not event.is_set():
            raise Cancelled()
        return event.is_set()

    async def _read_mailbox(self) -> None:
        mailbox = self._route.pod_mailbox
        where = pb.CommunicationDetails(mailboxId=mailbox)
        pause = min(0.3, self._pod.config.poll_seconds)
        while True:
            try:
                message = await self._pod.client.get(where)
                if message is None or int(message.messageType) == MessageType.UNDEFINED:
                    await asyncio.sleep(pause)
                    continue
                if int(message.messageType) == MessageType.TASK_COMPLETE:
                    try:
                        await self._pod.client.acknowledge(mailbox, message.receiptHandle, delete_mailbox=True)
                    finally:
                        self._completed.set()
                    return
                self._noticed(message)
                await self._pod.client.acknowledge(mailbox, message.receiptHandle)
            except NotFound:
                self._over.set()
                self._progress.cancel()
                return
            except PodadminError as error:
                log.info("mailbox of task %s: %s", self._route.task_id, error.code)
                await asyncio.sleep(max(pause, 1.0))

    def _noticed(self, message: pb.BitfountMessage) -> None:
        match int(message.messageType):
            case MessageType.TASK_CANCEL:  # from the requester or the gate; a stop needs no proof
                self._over.set()
                self._progress.cancel()
            case MessageType.TASK_START:
                try:
                    open_session(self._key, message.body)
                except PodadminError as error:
                    log.warning("a TASK_START that is not of this task: %s", error.code)
                    return
                self._started.set()
            case _:
                log.info("task %s: message type %d is not used", self._route.task_id, message.messageType)

    async def _send(self, message: pb.BitfountMessage) -> None:
        await self._pod.client.send(message)

    def _now(self) -> datetime:
        return self._pod.clock.now()

    def _number(self) -> int:
        return next(self._numbers)


_OUTCOMES: Mapping[Reason, str] = {
    Reason.LIMITS_EXCEEDED: "limit",
    Reason.CANCELLED_BY_MODELLER: "cancelled",
    Reason.MODELLER_TIMEOUT: "timed-out",
}


def limit_of(model: str, answer: AccessAnswer) -> InferenceLimit:
    """The limit of `model` in an answer; where several are stated, the one that leaves least."""
    stated = [
        InferenceLimit(entry.limit, entry.total_usage)
        for entry in answer.limits
        if entry.resource_type == "MODEL_INFERENCE" and entry.resource_name == model and entry.limit is not None
    ]
    return min(stated, key=lambda limit: limit.left or 0, default=InferenceLimit())


def _words(error: PodadminError) -> str:
    return f"{error.what} {error.why} [{error.code}]"


def _unexpected() -> PodadminError:
    return PodadminError(
        "pod.unexpected",
        "The pod could not finish the task.",
        "Something happened that it was not made for.",
        "Ask the custodian of the pod to look at its log.",
    )


def _too_big() -> Refused:
    return Refused(
        "pod.result-too-big",
        "The result is too large to be sent.",
        f"A message holds at most {rpc.MAX_MESSAGE} bytes.",
        "Ask for fewer rows or columns.",
    )
