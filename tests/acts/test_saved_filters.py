"""Filters of the journal and of requests are kept under names, in one way, for everybody who works with the profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from podadmin.app.profile import Profile
from podadmin.app.settings import keep
from podadmin.core.errors import BadInput, NotFound
from podadmin.store.unit import Fact

Act = Callable[..., Any]


def names(found: Any) -> list[str]:
    return [each.name for each in getattr(found, "saved", found)]


@pytest.mark.parametrize(
    ("of", "given"),
    [
        ("requests", {"state": "held,lapsed", "search": "retina"}),
        ("journal", {"search": "x", "kind": "key", "actor": "anna", "since": "2026-03-01", "until": "2026-03-07"}),
    ],
)
def test_a_filter_is_saved_replaced_and_forgotten(made: Act, of: str, given: dict[str, str]) -> None:
    assert names(made(f"{of} filter-save", name="  Daily ", **given)) == ["Daily"]
    made(f"{of} filter-save", name="Other" + "x" * 100, **given)
    found = made(f"{of} filter-save", name="Daily", **{**given, "search": " new "})
    saved = getattr(found, "saved", found)
    assert [(each.name[:5], each.values["search"]) for each in saved] == [("Other", given["search"]), ("Daily", "new")]
    assert {**saved[1].values, "search": given["search"]} == given
    assert len(saved[0].name) == 60
    assert names(made(f"{of} filter-remove", name="Daily")) == [saved[0].name]
    with pytest.raises(NotFound, match="no saved filter"):
        made(f"{of} filter-remove", name="Daily")
    with pytest.raises(BadInput, match="not saved"):
        made(f"{of} filter-save", name="  ")
    words = [row.words for row in made("journal list").rows]
    assert f"A filter of the list of {of} was saved: Daily" in words
    assert f"A saved filter of the list of {of} was removed: Daily" in words


def test_filters_of_one_list_are_not_those_of_another(made: Act) -> None:
    made("requests filter-save", name="Mine", search="a")
    assert names(made("journal filters")) == []


def test_filters_that_an_older_podadmin_saved_are_still_there(made: Act, profile: Profile) -> None:
    with profile.store.record(Fact("anna", "journal.filter-saved", "Old")) as unit:
        keep(
            unit, "journal.filters", [{"name": "Old", "search": "s", "kind": "", "actor": "", "since": "", "until": ""}]
        )
    (found,) = made("journal filters").saved
    assert (found.name, found.values["search"]) == ("Old", "s")
    assert "A filter of the journal was saved: Old" in [row.words for row in made("journal list").rows]
