"""How the house is built: sizes, names, words and calls that have one place or none."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = {".git", ".venv", "__pycache__", ".hypothesis", ".coverage", "build", "dist"}
TEXT = {".py", ".pyi", ".md", ".txt", ".toml", ".cfg", ".ini", ".json", ".yaml", ".yml", ".proto", ".mako", ".sh", ""}
GENERATED = "_pb2"

LONG_FILES: frozenset[str] = frozenset()
"""Files that may have more lines than the limit. Empty, and meant to stay so."""

# Written so that the patterns do not find themselves.
FOREIGN = re.compile(
    r"pypi[.]org|pythonhosted[.]org|npmjs[.]|deb[.]debian[.]org|artifact-registr[y]|extra-inde[x]-url"
    r"|(?<![\w.~-])/(?:work|root|tmp/plan|tmp/venv|tmp/w|opt/pypi|opt/wheels)(?:/|\b(?![\w-]))"
)
UNFINISHED = re.compile(r"\b(?:TOD[O]|FIXM[E])\b|(?i:coming soo[n]|not yet implemente[d])")


def files() -> Iterator[Path]:
    """Every file of the checkout that a person wrote or a generator wrote for good."""
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT).parts
        left_out = any(part in SKIPPED or part.endswith(("_cache", ".egg-info")) for part in inside)
        if path.is_file() and not left_out:
            yield path


def modules() -> list[Path]:
    return [path for path in sorted((ROOT / "podadmin").rglob("*.py")) if not path.stem.endswith(GENERATED)]


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in files():
        if path.suffix not in TEXT:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        name = path.relative_to(ROOT)
        found += [f"{name}:{n}: {line.strip()}" for n, line in enumerate(text.split("\n"), 1) if pattern.search(line)]
    return found


def test_nothing_names_a_registry_or_a_place_on_one_machine() -> None:
    assert lines_matching(FOREIGN) == []


def test_nothing_is_left_for_later() -> None:
    assert lines_matching(UNFINISHED) == []


def test_no_file_is_named_after_a_pattern() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
    assert [str(path.relative_to(ROOT)) for path in files() if path.stem.lower() in vague] == []


def test_no_file_has_outgrown_a_reader() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 450
    }
    assert {name: count for name, count in long.items() if name not in LONG_FILES} == {}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_why_it_exists_and_asks_only_the_clock_for_time(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no module docstring"
    if path == ROOT / "podadmin" / "core" / "clock.py":
        return
    asked = [
        f"line {node.lineno}: {ast.unparse(node.func)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and re.search(
            r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.(?:time|time_ns)|uuid\.uuid[14]|uuid4)$",
            ast.unparse(node.func),
        )
    ]
    assert asked == []


def test_the_python_form_of_the_wire_is_what_its_description_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "packaging" / "make_proto.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, "run packaging/make_proto.py and commit: " + done.stderr
