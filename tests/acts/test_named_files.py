"""Files that a custodian names, as a stranger could have made them: pipes, devices, folders, far too large, too deep.

Each ends at once with an error of ours: nothing is waited for, and nothing is read to an end that it does not have.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from podadmin.core.errors import PodadminError
from podadmin.core.secret import Secret
from podadmin.vault.backup_file import MAGIC
from tests.acts.conftest import Do
from tests.patience import PATIENCE

DEEP = "[" * 16_000
NAMED: list[tuple[str, str, dict[str, Any]]] = [
    ("receipt verify", "file", {}),
    ("reviews read", "file", {}),
    ("reviews answer", "file", {"reviewer": "ben", "verdict": "allow", "to": "answer"}),
    ("journal anchor-file", "file", {}),
    ("journal anchor-stamp", "certificate", {"address": "http://127.0.0.1:1/"}),
    ("keys trust", "path", {"role": "requester", "holder": "lab"}),
    ("keys import", "path", {}),
    ("pod import", "file", {}),
    ("schema preview", "config", {"name": "eyes", "path": "patients.csv"}),
    ("backup test", "file", {"passphrase": Secret("seven quiet herons by the river")}),
]


@pytest.fixture
def strange(tmp_path: Path) -> list[Path]:
    """One of each kind, of which none is a file that anybody wants to name."""
    folder = tmp_path / "strange"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "zero").symlink_to("/dev/zero")
    header = DEEP.encode()
    start = MAGIC + b"\x01" + len(header).to_bytes(4, "big") + header
    (folder / "deep-backup").write_bytes(start + hashlib.sha256(start).digest())
    (folder / "deep").write_text(DEEP, encoding="utf-8")
    (folder / "latin").write_bytes(b'{"receipt": "\xff"}')
    with (folder / "huge").open("wb") as file:
        file.truncate(50 * 2**30)
    return [*sorted(folder.iterdir()), folder, Path("a\0b")]


@pytest.mark.parametrize(("name", "argument", "more"), NAMED)
def test_what_is_no_file_of_its_kind_is_told_at_once(
    made: Do, strange: list[Path], name: str, argument: str, more: dict[str, Any]
) -> None:
    for path in strange:
        ended: list[BaseException | None] = []

        def act(path: Path = path, ended: list[BaseException | None] = ended) -> None:
            try:
                made(name, **{argument: str(path)}, **more)
            except BaseException as error:  # noqa: BLE001 - it is looked at below
                ended.append(error)
            else:
                ended.append(None)

        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        thread.join(PATIENCE / 8)
        assert ended, f"{name} waits for {path}"
        assert isinstance(ended[0], PodadminError), (path, repr(ended[0]))


@pytest.mark.parametrize(
    ("name", "argument", "given"),
    [
        *NAMED,
        ("journal export", "to", {}),
        ("journal anchor-sheet", "to", {}),
        ("backup create", "to", {}),
        ("pod import", "storage", {"file": "pod.yaml"}),
        ("schema preview", "path", {"name": "eyes"}),
    ],
)
def test_the_home_of_somebody_who_is_not_there_is_told(
    made: Do, name: str, argument: str, given: dict[str, Any]
) -> None:
    with pytest.raises(PodadminError) as caught:
        made(name, **{argument: "~nobody-of-this-name/x"}, **given)
    assert caught.value.code
