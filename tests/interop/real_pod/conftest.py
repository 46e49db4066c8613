"""One hospital for every story: a real pod takes minutes to start where other work runs beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.real_pod.hospital import Hospital


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with Hospital(tmp_path_factory.mktemp("hospital") / "h") as made:
        yield made
