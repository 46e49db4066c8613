"""A hub, an access manager, a place to log in and an object store in one: a real HTTP server on the loopback address.

It follows the bitfount contract, sections 3.4, 4, 6 and 7, and RFC 8628; everything that it was told it remembers.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def token(username: str) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"https://www.bitfount.com/username": username}).encode()).decode()
    return f"eyJhbGciOiJub25lIn0.{body.rstrip('=')}.signature"


@dataclass
class Hub:
    """What the server knows. `pending`: how often a login is told to wait. `chunk`: 0 for an upload in one piece."""

    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    fields: list[bytes] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=lambda: {"kid": "core"})
    tokens: set[str] = field(default_factory=set)
    projects: list[dict[str, Any]] = field(default_factory=list)
    pending: int = 0
    denied: bool = False
    lifetime: int = 3600
    chunk: int = 0
    place: str = ""
    url: str = ""

    def bodies(self, verb: str, path: str) -> list[Any]:
        return [body for method, where, _headers, body in self.asked if (method, where.split("?")[0]) == (verb, path)]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._take("GET")

    def do_POST(self) -> None:
        self._take("POST")

    def do_PUT(self) -> None:
        self._take("PUT")

    def do_PATCH(self) -> None:
        self._take("PATCH")

    def _take(self, verb: str) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = urlsplit(self.path).path
        headers = {name.lower(): value for name, value in self.headers.items()}
        kind = headers.get("content-type", "")
        body: Any = json.loads(raw) if kind.startswith("application/json") else raw
        if kind.startswith("application/x-www-form-urlencoded"):
            body = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
        self.hub.asked.append((verb, self.path, headers, body))
        status, told = self._answer(verb, path, headers, body)
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.send_header("etag", f'"tag-{len(self.hub.uploads)}"')
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, verb: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        hub = self.hub
        if path == "/api/access-manager-key":
            return 200, {"accessManagerPublicKey": "ssh-rsa ACCESS"}
        if path.startswith("/oauth/"):
            return self._login(path, body)
        if path.startswith("/store/"):
            if verb == "PUT":
                hub.uploads[path] = body
            else:
                hub.fields.append(body)
            return 200, {}
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        key = hub.keys.get(headers.get("x-api-key-id", ""))
        if bearer not in hub.tokens and (key is None or key != headers.get("x-api-key")):
            return 401, {"success": False, "errorMessage": "who are you"}
        match (verb, path.split("/")[2:]):
            case ("POST", ["pods"]):
                return 200, self._registered(body)
            case (
                ("POST", ["pods", _, _]) | ("PATCH", ["pods"]) | ("POST", ["upload"]) | ("PUT", ["projects", _, "pod"])
            ):
                return 200, {"success": True}
            case ("GET", ["projects"]):
                wanted = {name: int(values[0]) for name, values in parse_qs(urlsplit(self.path).query).items()}
                part = hub.projects[wanted["offset"] : wanted["offset"] + wanted["limit"]]
                return 200, {"totalProjects": len(hub.projects), "projects": part}
            case ("GET", ["projects", _, "limits"]):
                return 200, [
                    {"resourceType": "MODEL_INFERENCE", "resourceName": "bob/M:1", "totalUsage": 7, "limit": None}
                ]
            case ("GET", ["projects", _, "limits", "models", *_]):
                one = {"resourceType": "MODEL_INFERENCE", "resourceName": "bob/M:1", "totalUsage": 3, "limit": 40}
                return 200, {
                    "default": 40,
                    "totalGrantees": 1,
                    "usage": [one | {"granteeUsername": "bob", "role": "MODELLER"}],
                }
        return 404, {"success": False}

    def _registered(self, body: Any) -> Any:
        hub, told = self.hub, {"success": True, "alreadyExisted": True, "message": ""}
        if "schemaSize" not in body:
            return told
        if hub.chunk:
            count = -(-body["schemaSize"] // hub.chunk)
            urls = [f"{hub.place or hub.url}/store/part-{number}" for number in range(count)]
            return told | {"uploadUrls": urls, "chunkSize": hub.chunk, "uploadId": "u-1", "key": "k-1"}
        return told | {"uploadUrl": f"{hub.place or hub.url}/store/whole", "uploadFields": {"policy": "p", "key": "k"}}

    def _login(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        hub = self.hub
        if path == "/oauth/device/code":
            page = f"{hub.url}/activate"
            return 200, {"device_code": "d-1", "user_code": "ABCD-EFGH", "verification_uri_complete": page,
                         "expires_in": 60, "interval": 0.01}  # fmt: skip
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != "r-1":
                return 403, {"error": "invalid_grant"}
            hub.tokens.add("renewed")
            return 200, {"access_token": "renewed", "expires_in": 3600}
        if hub.denied:
            return 403, {"error": "access_denied"}
        if hub.pending:
            hub.pending -= 1
            return 403, {"error": "authorization_pending"}
        hub.tokens.add(token("alice"))
        return 200, {"access_token": token("alice"), "refresh_token": "r-1", "expires_in": hub.lifetime}

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Hub]:
    """The server, while the `with` lasts."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
