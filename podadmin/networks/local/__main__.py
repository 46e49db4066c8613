"""`python -m podadmin.networks.local --folder DIR [--parent-pipe]`: run a local network until it is told to end.

One JSON line on the standard output says where it listens (`{"ready": {...}}`) or why it does not
(`{"error": {...}}`). With `--parent-pipe` it ends when its standard input ends. Exit codes are those of `podadmin`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from podadmin.core.errors import PodadminError
from podadmin.networks.local.address import Address
from podadmin.networks.local.process import run


def _say(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _ready(address: Address) -> None:
    # The token stays in the file, which only the same user may read.
    _say({"ready": {name: value for name, value in address.as_dict().items() if name != "join_token"}})


def main() -> int:
    parser = argparse.ArgumentParser(prog="podadmin.networks.local")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--parent-pipe", action="store_true")
    options = parser.parse_args()
    os.umask(0o077)  # what it keeps is for the user who runs it
    try:
        asyncio.run(run(options.folder, parent_pipe=options.parent_pipe, ready=_ready))
    except PodadminError as error:
        _say({"error": error.as_dict()})
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
