"""Somebody at the desktop: each session is a process of its own with the headless driver, in one folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Custodian:
    """Somebody at the desktop, with a folder of their own."""

    folder: Path

    @property
    def profile(self) -> Path:
        return self.folder / "profile"

    @property
    def csv(self) -> Path:
        return self.folder / "clinic.csv"

    def sits_down(self, script: str, *more: str) -> str:
        """One session, from the start of the process to its end. Returns what it wrote to stderr."""
        steps = self.folder / "script.txt"
        steps.write_text(script, encoding="utf-8")
        command = [sys.executable, "-m", "podadmin", "--headless", "--profile", str(self.profile), *more]
        ended = subprocess.run(
            [*command, "--script", str(steps)],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=880,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stderr

    def with_passphrase(self, script: str) -> str:
        """A session with the keyring that is sealed under a passphrase."""
        secret = self.folder / "passphrase"
        secret.write_text("nine quiet herons at dusk\n", encoding="utf-8")
        secret.chmod(0o600)
        return self.sits_down(script, "--keyring", "passphrase", "--passphrase-file", str(secret))

    def heard(self) -> list[dict[str, Any]]:
        """What the demo requester has heard, line by line."""
        lines = next(self.profile.rglob("heard.jsonl")).read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
