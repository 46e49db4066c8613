"""A little program that behaves as a pod does towards whoever started it: reads its key, talks, answers its control
server (bitfount contract, section 5.6). What it shall do stands in its environment. Standard library only.
"""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

asked = os.environ
readiness = threading.Event()
heard: list[object] = []


class Control(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            told = {"healthy": False, "ready": readiness.is_set(), "pod_instance_id": "i-1", "pid": os.getpid()}
            self.answer(200, told | {"ehr_healthy": False, "ehr_error": "no token"} if "LITTLE_EHR" in asked else told)
        elif self.path == "/dataset-names":
            self.answer(200, ["patients", "scans"])
        elif self.path.startswith("/schemas"):
            known = json.loads(asked.get("LITTLE_SCHEMAS", "{}"))
            names = parse_qs(urlsplit(self.path).query).get("datasetName")
            if names and names[0] not in known:
                self.answer(404, {"error": f'dataset "{names[0]}" could not be found in the set of schemas'})
            else:
                self.answer(200, [known[names[0]]] if names else list(known.values()))
        elif self.path == "/environment":
            self.answer(200, dict(asked))
        else:
            self.answer(404, {"error": "unknown"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        heard.append(body)
        status = int(asked.get("LITTLE_RELOAD", "200"))
        told = {"restart_required": True, "reason": "name changed"} if status == 409 else {"success": status == 200}
        self.answer(status, told | {"datasources": [each["name"] for each in body]})

    def answer(self, status: int, told: object) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    print("2026-11-21 09:00:00 [INFO] little pod starts", flush=True)
    if asked.get("LITTLE_DIES") == "at once":
        print("Traceback (most recent call last):", flush=True)
        print('  File "x.py", line 1, in <module>', flush=True)
        print("ValueError: password=hunter2hunter2", flush=True)
        sys.exit(3)
    if "LITTLE_KEY" in asked:
        with open(asked["LITTLE_KEY"], "rb") as file:  # noqa: PTH123 - only builtins here
            print(f"[INFO] key of {len(file.read())} bytes read", flush=True)
    if "LITTLE_CHILD" in asked:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(f"child {child.pid}", flush=True)
    server = ThreadingHTTPServer(("127.0.0.1", int(asked["BITFOUNT_POD_CONTROL_SERVER_PORT"])), Control)
    print("[WARNING] " + " ".join(sys.argv[1:]), flush=True)
    if asked.get("LITTLE_READY") != "never":
        readiness.set()
    if "LITTLE_DIES" in asked:
        threading.Timer(float(asked["LITTLE_DIES"]), lambda: os._exit(9)).start()
    server.serve_forever()


main()
