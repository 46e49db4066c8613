"""The hub, the access manager and the object store of a network as a pod behind the proxy sees them.

The access check is answered within two seconds and the same way every time: the network is asked once, however often
the pod asks, and what the pod gets is never wider than what was decided (gate contract, section 4). The object store
gets nothing of a task from the pod itself (`uploads`), and otherwise only what the network gave room for.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web
from anyio import to_thread

from podadmin.core.errors import PodadminError, Refused, Tampered
from podadmin.core.text import stranger
from podadmin.gate import egress, web_calls
from podadmin.gate.access_policy import NOTHING_DECIDED, AccessPolicy
from podadmin.gate.credentials import OfThePod
from podadmin.gate.hub_keys import ACCESS_KEY_PATH, JWKS_PATH, as_read, pin_access_key, pin_hub_keys
from podadmin.gate.outages import Outages
from podadmin.gate.outgoing import REFUSED, UPLOAD, WEB_CALL, Left, Outgoing
from podadmin.gate.ports import Ports, Seen
from podadmin.gate.rooms import not_given, offered
from podadmin.gate.upload_form import take_upload
from podadmin.gate.web_forward import Answer, Forwarder, passed_on, read_whole
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.access_manager import read_answer
from podadmin.networks.bitfount.places import Places, Role
from podadmin.requests import service
from podadmin.requests.service import Found

ANSWER_SECONDS: Final = 1.7
"""A pod asks four times, each with ten seconds; a person is never waited for (gate contract, sections 4 and 7.8)."""
_KEPT: Final = 64
_MOST_URLS: Final = 1000
log = logging.getLogger("podadmin.gate")


class WebRelay:
    """Use it inside the gate's loop."""

    def __init__(
        self, ports: Ports, places: Places, credentials: OfThePod, seen: Seen, outgoing: Outgoing, outages: Outages
    ) -> None:
        self._ports = ports
        self._outgoing = outgoing
        self._places = places
        self._credentials = credentials
        self._seen = seen
        self._policy = AccessPolicy(ports)
        self._forwarder = Forwarder(places, outages)
        self._asked: OrderedDict[str, asyncio.Task[Answer]] = OrderedDict()

    async def close(self) -> None:
        for task in self._asked.values():
            task.cancel()
        await self._forwarder.close()

    async def serve(self, host: str, role: Role, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request that the pod made to a host of the network."""
        self._seen.down_contact = self._ports.clock.now()
        try:
            if role is Role.STORE:
                return await self._store(host, request)
            body = await read_whole(request)
            if not self._ports.numbers.let_unknown_out():
                await self._check_call(host, request, len(body))
            if request.path == web_calls.ACCESS_PATH and request.method == "POST" and self._is_access(role):
                return await self._access(host, request, body)
            answer = await self._forwarder.ask(host, request, body)
            return _back(await to_thread.run_sync(self._checked, host, role, request, answer))
        except PodadminError as error:
            log.warning("a question of the pod was not answered: %s", error.code)
            self._seen.count("web-refused")
            if isinstance(error, Tampered):
                self._seen.alarm = f"{error.what} {error.why}"
            return _failure(error.code, 403 if isinstance(error, Refused) else 503)

    def _is_access(self, role: Role) -> bool:
        return role is Role.ACCESS or self._places.hub == self._places.access_manager

    def _checked(self, host: str, role: Role, request: web.BaseRequest, answer: Answer) -> Answer:
        """What the network answers, once its keys are the ones that were seen first."""
        store, clock, network = self._ports.store, self._ports.clock, self._ports.upstream.kind
        if not answer.good:
            return answer
        self._credentials.asked(role, dict(request.headers))
        if request.path == JWKS_PATH:
            pin_hub_keys(store, clock, network, answer.plain)
            told = as_read(answer.plain)
        elif request.path == ACCESS_KEY_PATH:
            told = pin_access_key(store, clock, network, answer.plain)
        else:
            told = self._told(request, answer.plain)
        return answer if told is answer.plain else answer.with_json(told)

    def _told(self, request: web.BaseRequest, document: bytes) -> bytes:
        """Note addresses in the object store that the network gives: a schema's room, a model's code and weights.

        What comes back is the document as the pod gets it: with the names by which it may use these addresses.
        """
        try:
            value = json.loads(document)
        except (ValueError, RecursionError):
            return document
        renamed = _renamed(value, self._places.outward)
        rooms = self._ports.upstream.rooms
        for url, leaves in islice(offered(request.method, request.path, renamed), _MOST_URLS):
            host = _host_of(url)
            if host != self._places.store_domain and not self._is_store(host):
                continue
            if leaves:
                rooms.tell(url)
            else:
                rooms.reach(url)
        return document if renamed == value else json.dumps(renamed).encode()

    def _is_store(self, host: str) -> bool:
        return host.endswith(f".{self._places.store_domain}") or self._places.role_of(host) is Role.STORE

    async def _store(self, host: str, request: web.BaseRequest) -> web.StreamResponse:
        rooms = self._ports.upstream.rooms
        if request.method not in web_calls.READS or request.body_exists:
            try:
                room = await to_thread.run_sync(rooms.uploads.room, request.path) if rooms.uploads is not None else None
                if rooms.uploads is not None and room is not None:
                    await to_thread.run_sync(egress.must_still_run, self._ports.store, room.request_id)
                    return await take_upload(rooms.uploads, room, request)
                if not rooms.is_given(host, request.path):
                    raise not_given()
            except Refused as error:
                self._seen.count("uploads-refused")
                await to_thread.run_sync(self._list_refused, UPLOAD, host, request.content_length or 0, error.why)
                raise
        return await self._forwarder.stream(host, request)

    async def _check_call(self, host: str, request: web.BaseRequest, size: int) -> None:
        try:
            web_calls.check(request.method, request.raw_path.partition("?")[0], size)
            if request.method not in web_calls.READS:
                self._credentials.must_be_own(tuple(passed_on(request.headers).items()))
        except Refused as error:
            await to_thread.run_sync(self._list_refused, WEB_CALL, host, size, error.why)
            raise

    def _list_refused(self, kind: int, host: str, size: int, why: str) -> None:
        """An upload or a call that was stopped is listed with what leaves for the task that runs."""
        active = service.active(self._ports.store)
        if active is not None:
            message = pb.BitfountMessage(taskId=active.row.task_id)
            now = self._ports.clock.now()
            self._outgoing.note_left(message, Left(kind, now, size, stranger(host, 200), REFUSED, "other", why=why))

    # --- the access check ---------------------------------------------------------------------------------------------

    async def _access(self, host: str, request: web.BaseRequest, body: bytes) -> web.Response:
        key = hashlib.sha256(body).hexdigest()
        asked = self._asked.get(key)
        if asked is not None and asked.done() and (asked.cancelled() or asked.exception() is not None):
            asked = None
        if asked is None:
            found = await to_thread.run_sync(self._decided, body)
            if found is None:
                self._seen.count("access-refused")
                return web.json_response(dict(NOTHING_DECIDED))
            asked = self._asked[key] = asyncio.create_task(self._ask(host, request, body, found))
            while len(self._asked) > _KEPT:
                self._asked.popitem(last=False)
        done, _ = await asyncio.wait({asked}, timeout=ANSWER_SECONDS)
        if not done:
            return _failure("gate.network-slow", 503)  # the pod asks again, and the question goes on meanwhile
        try:
            return _back(asked.result())
        except _Passed as passed:
            return _back(passed.answer)

    def _decided(self, body: bytes) -> Found | None:
        """The decided request that this question is about; None where it is about another one, or about none."""
        try:
            asked = json.loads(body)
            sealed = asked.get("unsignedTask")
            digest = hashlib.sha256(base64.b64decode(sealed, validate=True)).hexdigest() if sealed else None
            return self._policy.decided(digest, asked["modellerProtocolRequest"], asked.get("modellerName"))
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError):
            return None

    async def _ask(self, host: str, request: web.BaseRequest, body: bytes, found: Found) -> Answer:
        answer = await self._forwarder.ask(host, request, body)
        if not answer.good:
            raise _Passed(answer)
        return await to_thread.run_sync(self._narrowed, request, answer, found)

    def _narrowed(self, request: web.BaseRequest, answer: Answer, found: Found) -> Answer:
        self._credentials.asked(Role.ACCESS, dict(request.headers))
        read = read_answer(answer.plain)
        narrowed = {**json.loads(answer.plain), **self._policy.narrowed(found, read)}
        return answer.with_json(self._told(request, json.dumps(narrowed).encode()))


class _Passed(Exception):
    """The network answered that it cannot answer; the pod gets that as it came, and may ask again."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def _host_of(url: str) -> str:
    """The host of an address that is encrypted; empty for every other one."""
    try:
        return (urlsplit(url).hostname or "") if url.startswith("https://") else ""
    except ValueError:
        return ""


def _renamed(value: object, name: Callable[[str], str], depth: int = 0) -> object:
    """A document with every text renamed; what lies deeper than any answer of a hub stays as it is."""
    if isinstance(value, str):
        return name(value)
    if isinstance(value, dict) and depth < 8:
        return {key: _renamed(each, name, depth + 1) for key, each in value.items()}
    if isinstance(value, list) and depth < 8:
        return [_renamed(each, name, depth + 1) for each in value]
    return value


def _back(answer: Answer) -> web.Response:
    headers: Mapping[str, Any] = {name: each for name, each in answer.headers.items() if name != "content-length"}
    return web.Response(status=answer.status, headers=headers, body=answer.body)


def _failure(code: str, status: int) -> web.Response:
    return web.json_response({"success": False, "errorMessage": code}, status=status)
