"""Every error that a user can meet: a stable code, one kind for each code, and whole sentences."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"BadInput", "NotFound", "Refused", "Unavailable", "Tampered", "PodadminError"}
CODE = re.compile(r"[a-z]+(\.[a-z0-9-]+)+")
ENDS = (".", "?", ":", "!", ".”", ".)")
PARTS = ("code", "what", "why", "next_step")


@dataclass(frozen=True)
class Raised:
    """A place where an error is made, with the parts of it that are written there."""

    where: str
    kind: str
    parts: dict[str, ast.expr]


def constructions() -> Iterator[Raised]:
    for path in sorted((ROOT / "podadmin").rglob("*.py")):
        if path.name.endswith("_pb2.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in KINDS:
                continue
            parts = dict(zip(PARTS, node.args, strict=False))
            parts |= {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            yield Raised(f"{path.relative_to(ROOT)}:{node.lineno}", node.func.id, parts)


ALL = list(constructions())


def literal_end(node: ast.expr) -> str | None:
    """The last words of a text that is written out; None where they are not known before it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        return literal_end(node.values[-1])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return literal_end(node.right)
    return None


def code_of(node: ast.expr) -> str | None:
    """The code, with a stand-in for each part that is known only when it runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
    return None


def test_errors_are_made_in_many_places_and_all_of_them_are_seen() -> None:
    assert len(ALL) > 150


@pytest.mark.parametrize("raised", ALL, ids=lambda raised: raised.where)
def test_an_error_has_a_code_of_the_agreed_form_and_whole_sentences(raised: Raised) -> None:
    assert set(raised.parts) >= set(PARTS) or len(raised.parts) == 1, "each part is written where it is raised"
    code = code_of(raised.parts["code"]) if "code" in raised.parts else None
    assert code is None or CODE.fullmatch(code), code
    for name in ("what", "why", "next_step"):
        end = literal_end(raised.parts[name]) if name in raised.parts else None
        assert end is None or end.rstrip().endswith(ENDS), f"{name} of {code}: {end!r}"


def test_a_code_has_one_kind_wherever_it_is_raised() -> None:
    """The kind decides the exit code of a command, so a script can rely on both."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for raised in ALL:
        node = raised.parts.get("code")
        if isinstance(node, ast.Constant):
            kinds[node.value].add(raised.kind)
    assert {code: found for code, found in kinds.items() if len(found) > 1} == {}
