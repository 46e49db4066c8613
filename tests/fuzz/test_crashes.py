"""What the fuzzer begins with, and what it once broke something with: each is read or refused, ever after."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, seeds

CRASHES = sorted(Path(__file__).with_name("crashes").glob("*"))


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_begins_with(name: str) -> None:
    begin = seeds(name)
    assert begin
    for seed in begin:
        TARGETS[name](seed)


@pytest.mark.parametrize("crash", CRASHES, ids=lambda each: each.name[:24])
def test_what_once_broke_something(crash: Path) -> None:
    TARGETS[crash.name.partition("-")[0]](crash.read_bytes())
