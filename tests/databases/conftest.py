"""Real servers, one of each for all tests of a run. Where the package of one is absent its tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from tests.databases.servers import NotInstalled, Server, mariadb_server, mysql_server, postgresql_server


def _running(made: AbstractContextManager[Server]) -> Iterator[Server]:
    try:
        with made as server:
            yield server
    except NotInstalled as absent:
        pytest.skip(f"{absent} is not installed")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    yield from _running(postgresql_server())


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    yield from _running(mariadb_server())


@pytest.fixture(scope="session")
def only_mysql() -> Iterator[Server]:
    yield from _running(mysql_server())


@pytest.fixture(scope="session", params=["mariadb", "only_mysql"], ids=["MariaDB", "MySQL"])
def mysql(request: pytest.FixtureRequest) -> Server:
    """Either of the two that speak MySQL's protocol."""
    found: Server = request.getfixturevalue(request.param)
    return found
