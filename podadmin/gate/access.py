"""The access manager as the built-in worker sees it: the network's answer, never wider than what was decided here.

A pod asks again before it starts. The gate asks the network, compares what the pod is about to run with what was
decided, and answers within seconds and the same way every time (gate contract, section 4).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from aiohttp import web
from anyio import to_thread

from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.gate.access_policy import NOTHING_DECIDED, AccessPolicy
from podadmin.gate.listening import no_port
from podadmin.gate.ports import Ports
from podadmin.networks.bitfount.access_manager import AccessManagerClient, AccessRequest
from podadmin.networks.bitfount.places import Role

MOST_BYTES = 64 * 1024 * 1024
ASK_SECONDS = 2.0


class AccessRelay:
    """Serves `/api/access` and `/api/access-manager-key` to one pod on a loopback port."""

    def __init__(self, ports: Ports, pod_key_id: str, pod_key: Secret[str]) -> None:
        self._ports = ports
        self._pod_key_id = pod_key_id
        self._pod_key = pod_key
        upstream = ports.upstream
        self._policy = AccessPolicy(ports)
        self._client = AccessManagerClient(
            upstream.access_manager,
            timeout=ASK_SECONDS,
            headers=lambda: upstream.credentials.headers(Role.ACCESS),
        )
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free loopback port. Raises Unavailable (`gate.no-port`)."""
        application = web.Application(client_max_size=MOST_BYTES)
        application.router.add_post("/api/access", self._access)
        application.router.add_get("/api/access-manager-key", self._public_key)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        try:
            await site.start()
        except OSError as error:
            raise no_port() from error
        self._runner = runner
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _public_key(self, _request: web.Request) -> web.Response:
        try:
            return web.json_response({"accessManagerPublicKey": await self._client.public_key()})
        except PodadminError as error:
            return web.json_response({"success": False, "errorMessage": error.code}, status=503)

    async def _access(self, asked: web.Request) -> web.Response:
        right = hmac.compare_digest(asked.headers.get("x-api-key", "").encode(), self._pod_key.reveal().encode())
        if not right or asked.headers.get("x-api-key-id") != self._pod_key_id:
            return web.json_response({"success": False, "errorMessage": "gate.not-this-pod"}, status=401)
        try:
            body = json.loads(await asked.read())
            ciphertext = base64.b64decode(body["unsignedTask"], validate=True)
            signature = base64.b64decode(body["taskSignature"], validate=True)
            protocol = body["modellerProtocolRequest"]
        except (ValueError, KeyError, TypeError, binascii.Error):
            return web.json_response({"success": False, "errorMessage": "gate.garbage"}, status=400)
        digest = hashlib.sha256(ciphertext).hexdigest()
        found = await to_thread.run_sync(self._policy.decided, digest, protocol)
        if found is None:
            return web.json_response(dict(NOTHING_DECIDED))
        request = AccessRequest(
            pod_identifier=found.findings["pod_identifier"],
            protocol=protocol,
            requester=found.row.requester,
            project_id=found.row.project or None,
            unsigned_task=ciphertext,
            signature=signature,
            key_id=found.findings.get("key_id"),
        )
        try:
            answer = await self._client.check(request)
            narrowed = await to_thread.run_sync(self._policy.narrowed, found, answer)
        except PodadminError as error:
            return web.json_response({"success": False, "errorMessage": error.code}, status=503)
        return web.json_response(narrowed)
