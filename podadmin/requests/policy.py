"""What is in force: rules and grants, prepared once so that a request can be held against thousands of them.

Rules have no order: they are kept by their ids, and each is weighed alike. Grants are found by what a request has in
common with them; those that cannot cover it are counted, not listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from podadmin.requests.grant_pins import Pins
from podadmin.requests.grants import Grant
from podadmin.requests.rule_facts import Facts
from podadmin.requests.rule_match import Prepared, keys_of
from podadmin.requests.rule_words import considered
from podadmin.requests.rules import Rule
from podadmin.requests.verdict import Considered, Stance


class Rules:
    """Rules, prepared. The order in which they are given makes no difference."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._all = tuple(Prepared(each) for each in sorted(rules, key=lambda each: each.id))
        self._general: list[Prepared] = []
        self._by_key: defaultdict[tuple[str, str], list[Prepared]] = defaultdict(list)
        for each in self._all:
            if not each.rule.enabled:
                continue
            keys = each.key()
            for key in keys:
                self._by_key[key].append(each)
            if not keys:
                self._general.append(each)
        self.asks = frozenset(one.field for each in self._all if each.rule.enabled for one in each.rule.conditions)
        """The fields of a request that any rule in force asks for."""

    def __iter__(self) -> Iterator[Prepared]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def values(self) -> tuple[Rule, ...]:
        """The rules themselves, by their ids."""
        return tuple(each.rule for each in self._all)

    def with_rule(self, rule: Rule) -> Rules:
        """These rules with `rule` in place of the one with its id, or besides."""
        return Rules((*(each for each in self.values if each.id != rule.id), rule))

    def without(self, rule_id: str) -> Rules:
        """These rules without one of them."""
        return Rules(each for each in self.values if each.id != rule_id)

    def as_if_always(self) -> Rules:
        """These rules as if they had been in force for ever: for deciding what is past again."""
        return Rules(replace(each, since=None) for each in self.values)

    def opinions(self, facts: Facts, at: datetime) -> tuple[Considered, ...]:
        """What every rule says about a request, and why."""
        return tuple(considered(each, facts, at) for each in self._all)

    def stance(self, facts: Facts, at: datetime) -> Stance:
        """The strongest thing that the rules say, `passes` where they say nothing: the same as `opinions`, in short."""
        found: Stance = "passes"
        for each in self._about(facts):
            if each.stance in ("passes", found) or (found == "holds" and each.stance == "allows"):
                continue  # it could not make a difference any more
            said = each.says(facts, at)
            if said == "refuses":
                return said
            if said != "does-not-apply":
                found = said
        return found

    def watching(self, facts: Facts, at: datetime) -> tuple[Rule, ...]:
        """The rules that say when the results of this request are held."""
        return tuple(each.rule for each in self._about(facts) if each.watches(facts, at))

    def _about(self, facts: Facts) -> Iterator[Prepared]:
        yield from self._general
        if self._by_key:
            for key in keys_of(facts):
                yield from self._by_key.get(key, ())


@dataclass(frozen=True)
class Grants:
    """Grants, found by their family or, where they are older than pins, by their fingerprint.

    `elsewhere` counts grants that were left behind where these come from, because they are for other requests.
    """

    by_family: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    by_fingerprint: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)
    count: int = 0

    @classmethod
    def of(cls, grants: Iterable[Grant] = (), elsewhere: int = 0) -> Grants:
        """These grants, prepared."""
        families: defaultdict[str, list[Grant]] = defaultdict(list)
        fingerprints: defaultdict[str, list[Grant]] = defaultdict(list)
        count = elsewhere
        for each in grants:
            count += 1
            if each.pins is not None:
                families[each.pins.family].append(each)
            else:
                fingerprints[each.fingerprint].append(each)
        return cls(
            {key: tuple(found) for key, found in families.items()},
            {key: tuple(found) for key, found in fingerprints.items()},
            count,
        )

    def near(self, pins: Pins) -> tuple[Grant, ...]:
        """The grants that may cover a request with these pins, those that end first before those that last longer."""
        found = (*self.by_family.get(pins.family, ()), *self.by_fingerprint.get(pins.fingerprint, ()))
        return tuple(sorted(found, key=lambda each: (each.expires_at, each.id)))
