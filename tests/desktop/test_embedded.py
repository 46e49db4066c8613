"""What PySide6 carries as text is compiled once; whatever lies in the cache, it always works."""

from __future__ import annotations

import builtins
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from podadmin.desktop.embedded import compiled_once

_NAME = "shibokensupport/signature/parser.py"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Python keeps what it compiles, for this test only."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was really compiled."""
    names: list[str] = []
    real = builtins.compile

    def counting(source: Any, filename: Any, *how: Any, **more: Any) -> Any:
        if str(filename).endswith("parser.py"):
            names.append(filename)
        return real(source, filename, *how, **more)

    monkeypatch.setattr(builtins, "compile", counting)
    return names


def _value(source: bytes, name: str = _NAME) -> object:
    found: dict[str, object] = {}
    exec(compile(source, name, "exec"), found)
    return found["value"]


def _kept(cache: Path) -> Path:
    (found,) = cache.rglob("*.embedded")
    return found


def test_the_second_start_compiles_nothing(cache: Path, compiled: list[str]) -> None:
    for _ in range(2):
        with compiled_once():
            assert _value(b"value = 1") == 1
    assert compiled == [_NAME]
    assert _kept(cache).is_file()


def test_another_text_of_the_same_name_is_another_module(cache: Path, compiled: list[str]) -> None:
    for number in (1, 2, 1):
        with compiled_once():
            assert _value(b"value = %d" % number) == number
    assert compiled == [_NAME, _NAME]


@pytest.mark.parametrize("damage", [b"", b"\0\0\0\0", b"not a marshal at all", b"N", b"\xee" * 300])
def test_a_damaged_cache_is_made_again(cache: Path, compiled: list[str], damage: bytes) -> None:
    with compiled_once():
        _value(b"value = 1")
    place = _kept(cache)
    whole = place.read_bytes()
    for broken in (damage, whole[:4] + damage, whole[:-7]):
        place.write_bytes(broken)
        with compiled_once():
            assert _value(b"value = 1") == 1
        assert place.read_bytes() == whole
    assert len(compiled) == 4


def test_what_others_compile_is_their_own(cache: Path, compiled: list[str]) -> None:
    for _ in range(2):
        with compiled_once():
            assert _value(b"value = 3", "elsewhere/parser.py") == 3
    assert compiled == ["elsewhere/parser.py"] * 2
    assert not list(cache.rglob("*.embedded"))


def test_where_nothing_may_be_kept_it_still_works(
    cache: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for _ in range(2):
        with compiled_once():
            assert _value(b"value = 1") == 1
    assert len(compiled) == 2
    assert not list(cache.rglob("*"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (cache / "a-file").write_text("in the way")
    monkeypatch.setattr(sys, "pycache_prefix", str(cache / "a-file"))
    with compiled_once():
        assert _value(b"value = 1") == 1


def test_compile_is_itself_again_also_after_an_error(cache: Path) -> None:
    before = builtins.compile
    with pytest.raises(SyntaxError), compiled_once():
        compile(b"value =", _NAME, "exec")
    assert builtins.compile is before


def test_the_real_modules_of_pyside6_are_kept(tmp_path: Path) -> None:
    program = "import podadmin.desktop, PySide6.QtCore as q; print(q.QObject.__doc__ is not None, q.qVersion()[:2])"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-X", f"pycache_prefix={tmp_path}", "-c", program],
            env={"PATH": "", "HOME": str(tmp_path)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split()[1] == "6."
        assert done.stderr == ""
    assert _kept(tmp_path).stat().st_size > 50_000


def test_its_regular_expressions_wait_for_their_first_use(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, compiled = re.compile, list[str]()

    def counting(pattern: str, *flags: Any) -> re.Pattern[str]:
        compiled.append(pattern)
        return real(pattern, *flags)

    monkeypatch.setattr(re, "compile", counting)
    with compiled_once():
        text = b"import re\nfound = re.compile('a b', re.VERBOSE)\nsplit = found.split"
        found: dict[str, Any] = {}
        exec(compile(text, _NAME, "exec"), found)
        assert re.compile("c").match("c")
        assert compiled == ["c"]
    assert re.compile is counting
    assert [found["split"]("xaby"), found["split"]("ab")] == [["x", "y"], ["", ""]]
    assert (found["found"].pattern, found["found"].flags & re.VERBOSE) == ("a b", re.VERBOSE)
    assert compiled == ["c", "a b"]
    with pytest.raises(AttributeError):
        found["found"].nothing  # noqa: B018
