"""Filters of lists, kept under names by whoever works with the profile: one way for every list that has them.

They are no settings: nothing behaves otherwise because of them, and each is found on the page of its list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from podadmin.app.settings import keep
from podadmin.app.views.filters import SavedFilter
from podadmin.core.errors import BadInput, NotFound
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

LONGEST_NAME: Final = 60


def saved(profile: Profile, of: str) -> tuple[SavedFilter, ...]:
    """The filters that were kept of the list called `of`."""
    return tuple(
        SavedFilter(each["name"], {name: value for name, value in each.items() if name != "name"})
        for each in profile.settings.internal(_place(of)) or ()
    )


def save(profile: Profile, of: str, name: str, values: Mapping[str, str]) -> None:
    """Keep a filter; one of that name is replaced. Raises BadInput (`filter.no-name`)."""
    given = name.strip()[:LONGEST_NAME]
    if not given:
        raise BadInput(
            "filter.no-name", "The filter was not saved.", "It has no name.", "Give it a name to find it by."
        )
    others = [each for each in profile.settings.internal(_place(of)) or () if each["name"] != given]
    with profile.store.record(Fact(profile.actor, "filter.saved", given, {"of": of})) as unit:
        keep(unit, _place(of), [*others, {"name": given, **values}])


def remove(profile: Profile, of: str, name: str) -> None:
    """Forget a filter. Raises NotFound (`filter.unknown`)."""
    found = profile.settings.internal(_place(of)) or ()
    others = [each for each in found if each["name"] != name]
    if len(others) == len(found):
        raise NotFound(
            "filter.unknown",
            "Nothing was changed.",
            "There is no saved filter of this name.",
            f"See them with `podadmin {of} filters`.",
        )
    with profile.store.record(Fact(profile.actor, "filter.removed", name, {"of": of})) as unit:
        keep(unit, _place(of), others)


def _place(of: str) -> str:
    return f"{of}.filters"
