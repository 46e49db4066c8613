"""A web service in this process that answers as an InterMine service does, or not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TEMPLATES = {
    "patients_by_age": {
        "name": "patients_by_age",
        "title": "Patients by <b>age</b>",
        "select": ["Patient.sex", "Patient.age"],
        "where": [
            {"path": "Patient.age", "op": ">", "value": "40", "editable": True, "code": "A"},
            {"path": "Patient.real", "op": "=", "value": "true", "editable": False},
        ],
    }
}


@dataclass
class Mine:
    """How it answers, and what it was asked: (path, query, the header that proves who asks)."""

    address: str = ""
    token: str = ""
    status: int = 200
    elsewhere: str = ""
    hangs: threading.Event = field(default_factory=threading.Event)
    raw: bytes | None = None
    packed_as: str = ""
    asked: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)


@contextmanager
def mine() -> Iterator[Mine]:
    """A service on a free port of this computer, until the end of the block."""
    it = Mine()
    it.hangs.set()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query, who = parse_qs(parts.query), self.headers.get("Authorization", "")
            it.asked.append((parts.path, query, who))
            it.hangs.wait(60)
            if it.elsewhere:
                self.send_response(302)
                self.send_header("Location", it.elsewhere)
                self.end_headers()
                return
            status = it.status
            if it.token and who != f"Token {it.token}":
                status = 401
            body = b"" if status != 200 else it.raw if it.raw is not None else self.body(parts.path, query)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if it.packed_as:
                self.send_header("Content-Encoding", it.packed_as)
            self.end_headers()
            self.wfile.write(body)

        @staticmethod
        def body(path: str, query: dict[str, list[str]]) -> bytes:
            if path.endswith("/version/ws"):
                return b"31\n"
            if path.endswith("/templates"):
                return json.dumps({"templates": TEMPLATES, "wasSuccessful": True}).encode()
            return b"1234\n" if query.get("value1") == ["40"] else b"0\n"

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    it.address = f"http://127.0.0.1:{server.server_port}/mine"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield it
    finally:
        it.hangs.set()
        server.shutdown()
        server.server_close()
        thread.join()
