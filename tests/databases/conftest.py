"""Real servers, one of each for all tests of a run. Where the package of one is absent its tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases.servers import NotInstalled, Server, mariadb_server, mysql_server, postgresql_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    try:
        with postgresql_server() as server:
            yield server
    except NotInstalled:
        pytest.skip("PostgreSQL is not installed")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    try:
        with mariadb_server() as server:
            yield server
    except NotInstalled:
        pytest.skip("MariaDB is not installed")


@pytest.fixture(scope="session")
def only_mysql() -> Iterator[Server]:
    try:
        with mysql_server() as server:
            yield server
    except NotInstalled:
        pytest.skip("MySQL is not installed")


@pytest.fixture(scope="session", params=["mariadb", "only_mysql"], ids=["MariaDB", "MySQL"])
def mysql(request: pytest.FixtureRequest) -> Server:
    """Either of the two that speak MySQL's protocol."""
    found: Server = request.getfixturevalue(request.param)
    return found
