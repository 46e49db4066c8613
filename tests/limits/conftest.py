"""Stores that are opened quickly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.new_profiles import made_once


@pytest.fixture(scope="session", autouse=True)
def new_profiles_are_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with made_once(tmp_path_factory.mktemp("made-once")):
        yield
