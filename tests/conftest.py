"""What holds for all tests, and has to be in force before a module of tests is read.

Properties are judged by what they find, not by how busy the machine is: no deadline. Every run draws the same
examples, so that a run can be repeated; `HYPOTHESIS_PROFILE=search` draws new ones, to look for what nobody has met.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.new_profiles import made_once

settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("search", deadline=None, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


@pytest.fixture(scope="session", autouse=True)
def new_profiles_are_copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with made_once(tmp_path_factory.mktemp("made-once")):
        yield


@pytest.fixture(autouse=True)
def nothing_is_written_into_a_profile_of_an_earlier_test() -> Iterator[None]:
    yield
    log = logging.getLogger("podadmin")
    for handler in [each for each in log.handlers if isinstance(each, logging.FileHandler)]:
        log.removeHandler(handler)
        handler.close()
