"""The object store of the local network: bodies that are too large for messages, every task, schemas and models.

It knows nothing of who asks: its addresses cannot be guessed and are the permission, as in the public network. Paths
carry such addresses, so nothing here writes an access log.
"""

from __future__ import annotations

from aiohttp import web

from podadmin.networks.local.asking import LONGEST_TEXT, MOST_BYTES, no, too_big
from podadmin.networks.local.ledger import Ledger


class ObjectStore:
    """Takes the body that room was made for, once, and gives it back as often as it is asked for."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BYTES)
        app.add_routes([web.post("/upload/{upload}", self.upload), web.get("/object/{download}", self.download)])
        return app

    async def upload(self, request: web.Request) -> web.Response:
        upload = request.match_info["upload"]
        cap = self._ledger.room_cap(upload)
        if cap is None:
            raise no(web.HTTPForbidden, "no room")
        if request.content_length is not None and request.content_length > cap + LONGEST_TEXT:
            raise too_big()
        if not request.content_type.startswith("multipart/"):
            raise no(web.HTTPBadRequest, "not a form")
        body: bytes | None = None
        fields: dict[str, bytes] = {}
        async for part in await request.multipart():
            name = getattr(part, "name", None)
            read = bytearray()
            most = cap if name == "file" else LONGEST_TEXT
            while chunk := await part.read_chunk(LONGEST_TEXT):  # type: ignore[union-attr]  # nested forms have no name
                read += chunk
                if len(read) > most:
                    raise too_big()
            if name == "file":
                body = bytes(read)
            elif name is not None and len(fields) < 20:
                fields[name] = bytes(read)
        if body is None or fields.get("key") != upload.encode() or not self._ledger.fill(upload, body):
            raise no(web.HTTPBadRequest, "not what was announced")
        return web.Response(status=204)

    async def download(self, request: web.Request) -> web.Response:
        body = self._ledger.body(request.match_info["download"])
        if body is None:
            raise no(web.HTTPNotFound, "nothing there")
        return web.Response(body=body, content_type="application/octet-stream")
