"""The control server of a pod that tells schemas, as a thread beside the test (bitfount contract, section 5.6)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from podadmin.schema.model import EMPTY_HASH


def told(**changed: Any) -> dict[str, Any]:
    """A schema as a pod tells it (bitfount contract, section 3.1)."""
    features = [
        {"featureName": "Filename", "description": None, "dtype": "string", "semanticType": "text"},
        {"featureName": "Laterality", "description": None, "dtype": "string", "semanticType": "categorical",
         "encoder": {"classes": {"L": 0, "R": 1, "nan": 2}}},
        {"featureName": "Pixel Data 0", "description": None, "dtype": "string", "semanticType": "image",
         "dimensions": {"(496, 512)": 40}, "formats": {"TIFF": 40}, "modes": {"L": 40}},
        {"featureName": "sharpness", "description": None, "dtype": "Float64", "semanticType": "continuous"},
    ]  # fmt: skip
    metadata = {
        "bitfount_version": "13.0.0", "hash": EMPTY_HASH, "force_stypes": {"categorical": ["Laterality"]},
        "schema_version": "4", "schema_type": "full", "schema_generation_enabled": True,
    }  # fmt: skip
    document = {"name": "scans", "description": "", "number_of_records": 40, "features": features, "metadata": metadata}
    return {**document, **changed}


class Pod:
    """The control server of a pod: what it answers can be changed."""

    def __init__(self) -> None:
        self.ready = True
        self.ready_after = 0
        self.schemas: dict[str, Any] = {"scans": told()}
        self.raw: bytes | None = None
        self.packed_as = ""
        self.wait = threading.Event()
        self.wait.set()
        self.asked: list[str] = []
        pod = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pod.asked.append(self.path)
                if self.path == "/health":
                    self.say(
                        200,
                        {
                            "healthy": False,
                            "ready": pod.ready and len(pod.asked) > pod.ready_after,
                            "pod_instance_id": "i-7",
                            "pid": 1,
                        },
                    )
                    return
                pod.wait.wait(60)
                name = parse_qs(urlsplit(self.path).query)["datasetName"][0]
                if pod.raw is not None:
                    self.say(200, pod.raw)
                elif name in pod.schemas:
                    self.say(200, [pod.schemas[name]])
                else:
                    self.say(404, {"error": f'dataset "{name}" could not be found in the set of schemas'})

            def say(self, status: int, told: Any) -> None:
                content = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                if pod.packed_as and pod.raw is told:
                    self.send_header("content-encoding", pod.packed_as)
                self.end_headers()
                try:
                    self.wfile.write(content)
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.port = self.server.server_port


@contextmanager
def telling() -> Iterator[Pod]:
    """A pod that answers for as long as the context lasts."""
    made = Pod()
    serving = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    serving.start()
    try:
        yield made
    finally:
        made.wait.set()
        made.server.shutdown()
        serving.join()
        made.server.server_close()
