"""The requirement files: exact versions with hashes, one choice of versions, nothing about where they come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)(?: ; (.+))? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def pins(kind: str) -> dict[tuple[str, str], str]:
    """(name, marker) -> version; asserts that every line is a pin or a hash and that every pin has a hash."""
    found: dict[tuple[str, str], str] = {}
    before = "hash"
    for line in (ROOT / "packaging" / f"requirements-{kind}.txt").read_text(encoding="ascii").splitlines():
        pin = PINNED.match(line)
        if pin is not None:
            assert before == "hash", f"a pin without a hash stands before {line}"
            found[pin[1].lower(), pin[3] or ""] = pin[2]
            before = "pin"
        else:
            assert HASH.match(line), line
            before = "hash"
    return found


def wanted(extra: str | None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    return {re.split(r"[<>=!~\[; ]", line)[0].lower() for line in lines}


@pytest.mark.parametrize(("kind", "extra"), [("run", None), ("test", "test")])
def test_everything_that_the_project_asks_for_is_pinned(kind: str, extra: str | None) -> None:
    assert wanted(extra) - {name for name, _ in pins(kind)} == set()


def test_one_environment_serves_both() -> None:
    run, test = pins("run"), pins("test")
    assert {key: test.get(key) for key in run} == run
    assert ("setuptools", "") in test, "it builds the one test package that is published as source only"


def test_qt_is_the_one_that_works_with_python_3_11() -> None:
    version = tuple(int(part) for part in pins("run")["pyside6-essentials", ""].split("."))
    assert (6, 11, 3) <= version < (6, 12)
