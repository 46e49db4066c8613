"""Every error that a test or a look can end with has the field's code, a cause with a name, and somebody to ask."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from podadmin.datasources.accessibility import AccessibilityErrorCode, standing

ROOM = Path(__file__).resolve().parents[2] / "podadmin" / "datasources"
ASKING = {
    "datasource.name-taken",
    "datasource.unknown",
    "datasource.unknown-kind",
    "datasource.kind-fixed",
    "datasource.no-reason",
    "datasource.no-password-here",
    "datasource.not-shown",
}
"""What is wrong with the question and not with the data: no look can end with it."""
RAISED = sorted(
    {
        code
        for path in ROOM.rglob("*.py")
        if path.name != "accessibility.py"
        for code in re.findall(r'^\s*"(datasource\.[a-z0-9-]+)",$', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    - ASKING
)


def test_the_codes_are_those_of_the_field() -> None:
    """Bitfount contract, section 2.2."""
    told = """PATH_NOT_FOUND NOT_A_DIRECTORY PERMISSION_DENIED EMPTY_DIRECTORY EMPTY_FILE READ_TIMEOUT OS_ERROR
    CONNECTION_REFUSED AUTH_FAILED DATABASE_NOT_FOUND CONNECTION_TIMEOUT DB_ERROR SERVICE_UNAVAILABLE
    TEMPLATE_NOT_FOUND HTTP_ERROR CONNECTION_ERROR CHECK_ERROR CHECK_TIMEOUT CHECK_PENDING UNKNOWN"""
    assert [code.value for code in AccessibilityErrorCode] == told.split()


def test_many_errors_are_known() -> None:
    assert len(RAISED) > 40


@pytest.mark.parametrize("code", RAISED)
def test_an_error_of_the_data_says_what_broke_and_who_can_fix_it(code: str) -> None:
    found = standing(code)
    assert found.code is not AccessibilityErrorCode.UNKNOWN
    assert found.cause
    assert found.who.endswith(".")
