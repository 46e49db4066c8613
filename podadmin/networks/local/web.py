"""The local network over HTTP: hub and access manager on one port. The object store (`objects`) is on another."""

from __future__ import annotations

import base64
import binascii
import math
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from podadmin.core.errors import BadInput
from podadmin.networks.bitfount import crypto
from podadmin.networks.bitfount.types import PodResponseType
from podadmin.networks.local.asking import MOST_BYTES, json_of, no, text_of
from podadmin.networks.local.ledger import Ledger, Pod
from podadmin.networks.local.publications import Publications
from podadmin.networks.local.rules import Rules

_USER = re.compile(r"[a-z\d](?:[a-z\d]|[-_](?=[a-z\d])){0,38}")
_POD = re.compile(r"[a-z\d]+(?:[-_][a-z\d]+)*")
AM_KEY = "access-manager-public-key"
HUB_KEYS = "hub-signing-keys"


class Web:
    """`rules` gives the present rules; `join_token` is what a new member must know; `object_store` is where the
    object store listens."""

    def __init__(self, ledger: Ledger, rules: Callable[[], Rules], join_token: str, object_store: str) -> None:
        self._ledger = ledger
        self._rules = rules
        self._join_token = join_token
        self._publications = Publications(ledger, rules, object_store, self._caller)

    def hub(self) -> web.Application:
        """Hub and access manager."""
        app = web.Application(client_max_size=MOST_BYTES)
        app.add_routes(
            [
                web.get("/api/access-manager-key", self.access_manager_key),
                web.get("/api/hub-public-keys/jwks", self.signing_keys),
                web.post("/api/access", self.access),
                web.post("/api/join", self.join),
                web.get("/api/pods", self.pods),
                web.post("/api/pods", self.register_pod),
                web.get("/api/pods/{owner}/{pod}", self.pod),
                web.post("/api/{user}/keys", self.register_key),
                web.get("/api/{user}/keys/{id}", self.key),
                *self._publications.routes(),
            ]
        )
        return app

    # --- who asks ----------------------------------------------------------------------------------------------------

    def _caller(self, request: web.Request) -> str:
        user = self._ledger.user_of(request.headers.get("x-api-key-id", ""), request.headers.get("x-api-key", ""))
        if user is None:
            raise no(web.HTTPUnauthorized, "unknown key")
        return user

    async def join(self, request: web.Request) -> web.Response:
        """A new API key for a user name, for whoever may read the address of this network."""
        if not secrets.compare_digest(request.headers.get("x-join-token", "").encode(), self._join_token.encode()):
            raise no(web.HTTPForbidden, "not invited")
        user = text_of(await json_of(request), "username")
        if not _USER.fullmatch(user):
            raise no(web.HTTPBadRequest, "not a user name")
        key_id, key = self._ledger.issue_api_key(user)
        return web.json_response({"apiKeyId": key_id, "apiKey": key})

    # --- hub ---------------------------------------------------------------------------------------------------------

    async def pods(self, request: web.Request) -> web.Response:
        self._caller(request)
        return web.json_response({"pods": [self._publications.shown(pod) for pod in self._ledger.pods()]})

    async def pod(self, request: web.Request) -> web.Response:
        self._caller(request)
        found = self._ledger.pod(f"{request.match_info['owner']}/{request.match_info['pod']}")
        if found is None:
            raise no(web.HTTPNotFound, "no such pod")
        return web.json_response(self._publications.shown(found))

    async def register_pod(self, request: web.Request) -> web.Response:
        caller, body = self._caller(request), await json_of(request)
        name, public = text_of(body, "name"), text_of(body, "podPublicKey")
        if not _POD.fullmatch(name) or len(f"{caller}/{name}") > 70:
            raise no(web.HTTPBadRequest, "not the name of a pod")
        existed = self._ledger.register_pod(
            Pod(
                identifier=f"{caller}/{name}",
                owner=caller,
                public_key=_public(public),
                display_name=text_of(body, "podDisplayName", name),
                description=text_of(body, "description", ""),
            )
        )
        room = self._publications.schema_room(f"{caller}/{name}", body.get("schemaSize"))
        return web.json_response({"success": True, "alreadyExisted": existed, "message": "registered", **room})

    async def register_key(self, request: web.Request) -> web.Response:
        caller = self._caller(request)
        if request.match_info["user"] != caller:
            raise no(web.HTTPForbidden, "not your keys")
        return web.json_response(
            {"id": self._ledger.add_requester_key(caller, _public(text_of(await json_of(request), "key")))}
        )

    async def key(self, request: web.Request) -> web.Response:
        self._caller(request)
        found = self._ledger.requester_key(request.match_info["user"], request.match_info["id"])
        if found is None:
            raise no(web.HTTPNotFound, "no such key")
        return web.json_response(
            {"public_key": crypto.public_pem(found.public_key), "id": found.id, "active": found.active}
        )

    # --- access manager ----------------------------------------------------------------------------------------------

    async def access_manager_key(self, request: web.Request) -> web.Response:
        return web.json_response({"accessManagerPublicKey": self._ledger.own(AM_KEY)})

    async def signing_keys(self, request: web.Request) -> web.Response:
        """The keys by which this hub signs what it starts itself: none, it starts nothing."""
        return web.json_response(text=self._ledger.own(HUB_KEYS) or '{"keys": []}')

    async def access(self, request: web.Request) -> web.Response:
        """Whether a requester may run a task, and how much its project may still use."""
        caller, body = self._caller(request), await json_of(request)
        pod = self._ledger.pod(text_of(body, "podIdentifier"))
        if pod is None or pod.owner != caller:
            raise no(web.HTTPForbidden, "not your pod")
        if not isinstance(body.get("modellerProtocolRequest"), dict):
            raise no(web.HTTPBadRequest, "no protocol")
        project_id = text_of(body, "projectId", "")
        code = self._code(body, pod, project_id)
        limits = None
        if code is PodResponseType.ACCEPT:
            limits = self._limits(project_id, self._publications.models_in(body["modellerProtocolRequest"]))
        return web.json_response({"code": code.name, "limits": limits})

    def _code(self, body: dict[str, Any], pod: Pod, project_id: str) -> PodResponseType:
        requester = text_of(body, "modellerName")
        if body.get("identityProvider") != "SIGNATURE":
            return PodResponseType.NO_PROOF_OF_IDENTITY
        key = self._ledger.requester_key(requester, text_of(body, "publicKeyId", ""))
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

    def _limits(self, project_id: str, models: Mapping[str, str]) -> list[dict[str, Any]]:
        """`models`: what the task runs that was published here, and where its code is."""
        limits = self._rules().projects[project_id].limits
        used = self._ledger.used(project_id)
        return [
            {
                "resourceType": "MODEL_INFERENCE",
                "resourceName": name,
                "limit": limits.get(name),
                "totalUsage": math.ceil(used.get(name, 0.0)),
                **({"modelDownloadUrl": models[name]} if name in models else {}),
            }
            for name in sorted({*limits, *used, *models})
        ]


def _bytes(body: dict[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(str(body.get(name) or ""), validate=True)
    except (binascii.Error, ValueError):
        raise no(web.HTTPBadRequest, f"{name} is not base 64") from None


def _public(text: str) -> str:
    try:
        return crypto.public_line(crypto.read_public_key(text))
    except BadInput:
        raise no(web.HTTPBadRequest, "not a public key") from None
