"""The local network over HTTP: hub and access manager on one port, the object store on another.

The object store knows nothing of who asks: its addresses cannot be guessed and are the permission, as in the public
network. Paths of this application carry such addresses, so nothing here writes an access log.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import web

from podadmin.core.errors import BadInput
from podadmin.networks.bitfount import crypto
from podadmin.networks.bitfount.types import PodResponseType
from podadmin.networks.local.ledger import Ledger, Pod
from podadmin.networks.local.rules import Rules

_MAX_JSON = 48 * 1024 * 1024
_FORM = 64 * 1024
_USER = re.compile(r"[a-z\d](?:[a-z\d]|[-_](?=[a-z\d])){0,38}")
_POD = re.compile(r"[a-z\d]+(?:[-_][a-z\d]+)*")
AM_KEY = "access-manager-public-key"


class Web:
    """`rules` gives the present rules; `join_token` is what a new member must know."""

    def __init__(self, ledger: Ledger, rules: Callable[[], Rules], join_token: str) -> None:
        self._ledger = ledger
        self._rules = rules
        self._join_token = join_token

    def hub(self) -> web.Application:
        """Hub and access manager."""
        app = web.Application(client_max_size=_MAX_JSON)
        app.add_routes(
            [
                web.get("/api/access-manager-key", self.access_manager_key),
                web.post("/api/access", self.access),
                web.post("/api/join", self.join),
                web.get("/api/pods", self.pods),
                web.post("/api/pods", self.register_pod),
                web.get("/api/pods/{owner}/{pod}", self.pod),
                web.post("/api/{user}/keys", self.register_key),
                web.get("/api/{user}/keys/{id}", self.key),
            ]
        )
        return app

    def object_store(self) -> web.Application:
        """Bodies that are too large for messages, and every task."""
        app = web.Application(client_max_size=_MAX_JSON)
        app.add_routes(
            [web.post("/upload/{upload}", self.upload), web.get("/object/{download}", self.download)],
        )
        return app

    # --- who asks ----------------------------------------------------------------------------------------------------

    def _caller(self, request: web.Request) -> str:
        user = self._ledger.user_of(request.headers.get("x-api-key-id", ""), request.headers.get("x-api-key", ""))
        if user is None:
            raise _no(web.HTTPUnauthorized, "unknown key")
        return user

    async def join(self, request: web.Request) -> web.Response:
        """A new API key for a user name, for whoever may read the address of this network."""
        if not secrets.compare_digest(request.headers.get("x-join-token", "").encode(), self._join_token.encode()):
            raise _no(web.HTTPForbidden, "not invited")
        user = _text(await _json(request), "username")
        if not _USER.fullmatch(user):
            raise _no(web.HTTPBadRequest, "not a user name")
        key_id, key = self._ledger.issue_api_key(user)
        return web.json_response({"apiKeyId": key_id, "apiKey": key})

    # --- hub ---------------------------------------------------------------------------------------------------------

    async def pods(self, request: web.Request) -> web.Response:
        self._caller(request)
        return web.json_response({"pods": [_shown(pod) for pod in self._ledger.pods()]})

    async def pod(self, request: web.Request) -> web.Response:
        self._caller(request)
        found = self._ledger.pod(f"{request.match_info['owner']}/{request.match_info['pod']}")
        if found is None:
            raise _no(web.HTTPNotFound, "no such pod")
        return web.json_response(_shown(found))

    async def register_pod(self, request: web.Request) -> web.Response:
        caller, body = self._caller(request), await _json(request)
        name, public = _text(body, "name"), _text(body, "podPublicKey")
        if not _POD.fullmatch(name) or len(f"{caller}/{name}") > 70:
            raise _no(web.HTTPBadRequest, "not the name of a pod")
        existed = self._ledger.register_pod(
            Pod(
                identifier=f"{caller}/{name}",
                owner=caller,
                public_key=_public(public),
                display_name=_text(body, "podDisplayName", name),
                description=_text(body, "description", ""),
            )
        )
        return web.json_response({"success": True, "alreadyExisted": existed, "message": "registered"})

    async def register_key(self, request: web.Request) -> web.Response:
        caller = self._caller(request)
        if request.match_info["user"] != caller:
            raise _no(web.HTTPForbidden, "not your keys")
        return web.json_response(
            {"id": self._ledger.add_requester_key(caller, _public(_text(await _json(request), "key")))}
        )

    async def key(self, request: web.Request) -> web.Response:
        self._caller(request)
        found = self._ledger.requester_key(request.match_info["user"], request.match_info["id"])
        if found is None:
            raise _no(web.HTTPNotFound, "no such key")
        return web.json_response(
            {"public_key": crypto.public_pem(found.public_key), "id": found.id, "active": found.active}
        )

    # --- access manager ----------------------------------------------------------------------------------------------

    async def access_manager_key(self, request: web.Request) -> web.Response:
        return web.json_response({"accessManagerPublicKey": self._ledger.own(AM_KEY)})

    async def access(self, request: web.Request) -> web.Response:
        """Whether a requester may run a task, and how much its project may still use."""
        caller, body = self._caller(request), await _json(request)
        pod = self._ledger.pod(_text(body, "podIdentifier"))
        if pod is None or pod.owner != caller:
            raise _no(web.HTTPForbidden, "not your pod")
        if not isinstance(body.get("modellerProtocolRequest"), dict):
            raise _no(web.HTTPBadRequest, "no protocol")
        project_id = _text(body, "projectId", "")
        code = self._code(body, pod, project_id)
        limits = self._limits(project_id) if code is PodResponseType.ACCEPT else None
        return web.json_response({"code": code.name, "limits": limits})

    def _code(self, body: dict[str, Any], pod: Pod, project_id: str) -> PodResponseType:
        requester = _text(body, "modellerName")
        if body.get("identityProvider") != "SIGNATURE":
            return PodResponseType.NO_PROOF_OF_IDENTITY
        key = self._ledger.requester_key(requester, _text(body, "publicKeyId", ""))
        if key is None or not key.active:
            return PodResponseType.INVALID_PROOF_OF_IDENTITY
        signed, signature = _bytes(body, "unsignedTask"), _bytes(body, "taskSignature")
        if not crypto.verify(key.public_key, signature, signed):
            return PodResponseType.INVALID_PROOF_OF_IDENTITY
        project = self._rules().projects.get(project_id)
        if project is None or requester not in project.members:
            return PodResponseType.NO_ACCESS
        if "*" not in project.pods and pod.identifier not in project.pods:
            return PodResponseType.NO_ACCESS
        return PodResponseType.ACCEPT

    def _limits(self, project_id: str) -> list[dict[str, Any]]:
        limits = self._rules().projects[project_id].limits
        used = self._ledger.used(project_id)
        return [
            {
                "resourceType": "MODEL_INFERENCE",
                "resourceName": name,
                "limit": limits.get(name),
                "totalUsage": math.ceil(used.get(name, 0.0)),
            }
            for name in sorted({*limits, *used})
        ]

    # --- object store ------------------------------------------------------------------------------------------------

    async def upload(self, request: web.Request) -> web.Response:
        upload = request.match_info["upload"]
        cap = self._ledger.room_cap(upload)
        if cap is None:
            raise _no(web.HTTPForbidden, "no room")
        if request.content_length is not None and request.content_length > cap + _FORM:
            raise _too_big()
        if not request.content_type.startswith("multipart/"):
            raise _no(web.HTTPBadRequest, "not a form")
        body: bytes | None = None
        fields: dict[str, bytes] = {}
        async for part in await request.multipart():
            name = getattr(part, "name", None)
            read = bytearray()
            most = cap if name == "file" else _FORM
            while chunk := await part.read_chunk(_FORM):  # type: ignore[union-attr]  # nested forms have no name
                read += chunk
                if len(read) > most:
                    raise _too_big()
            if name == "file":
                body = bytes(read)
            elif name is not None and len(fields) < 20:
                fields[name] = bytes(read)
        if body is None or fields.get("key") != upload.encode() or not self._ledger.fill(upload, body):
            raise _no(web.HTTPBadRequest, "not what was announced")
        return web.Response(status=204)

    async def download(self, request: web.Request) -> web.Response:
        body = self._ledger.body(request.match_info["download"])
        if body is None:
            raise _no(web.HTTPNotFound, "nothing there")
        return web.Response(body=body, content_type="application/octet-stream")


def _no(kind: type[web.HTTPException], message: str) -> web.HTTPException:
    return kind(text=json.dumps({"success": False, "errorMessage": message}), content_type="application/json")


def _too_big() -> web.HTTPException:
    return web.HTTPRequestEntityTooLarge(max_size=0, actual_size=0, text="too large")


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise _no(web.HTTPBadRequest, "not JSON") from None
    if not isinstance(body, dict):
        raise _no(web.HTTPBadRequest, "not a map")
    return body


def _text(body: dict[str, Any], name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or len(value) > _FORM:
        raise _no(web.HTTPBadRequest, f"{name} is not text")
    return value


def _bytes(body: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(str(body.get(name) or ""), validate=True)
    except (binascii.Error, ValueError):
        raise _no(web.HTTPBadRequest, f"{name} is not base 64") from None


def _public(text: str) -> str:
    try:
        return crypto.public_line(crypto.read_public_key(text))
    except BadInput:
        raise _no(web.HTTPBadRequest, "not a public key") from None


def _shown(pod: Pod) -> dict[str, Any]:
    return {
        "podIdentifier": pod.identifier,
        "podName": pod.identifier.partition("/")[2],
        "podDisplayName": pod.display_name,
        "podPublicKey": pod.public_key,
        "description": pod.description,
        "providerUserName": pod.owner,
        "isOnline": True,
    }
