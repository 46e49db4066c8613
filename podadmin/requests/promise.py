"""What a request promised of its results: what a custodian was shown when it was decided, as values to hold against.

Made from the facts and the effect statement that were kept when the request was opened, never from what came out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podadmin.requests.rule_facts import Facts
from podadmin.requests.sql_lines import Lines, lines_of


@dataclass(frozen=True)
class Promise:
    """`level` as in `effect_facts.LEVELS`. `rows` None: no most number was promised. `columns` None: names were not.

    `counts` are the columns that count records. `smallest_group` and `whole` as in `rule_facts.Facts`. `records`: how
    many records the datasource has, None where that is not known.
    """

    level: str = "unknown"
    rows: int | None = None
    columns: tuple[str, ...] | None = None
    counts: tuple[str, ...] = ()
    smallest_group: int | None = None
    whole: bool = False
    records: int | None = None


def promise_of(facts: Facts | None, effects: Mapping[str, Any] | None, records: int | None) -> Promise:
    """The promise of a request. `facts` or `effects` None: nothing is known of it, so nothing was promised.

    `effects` is an effect statement as it is kept with a request. Numbers and names are promised by a single query
    that is run once; what runs in batches, or brings more than one thing, promises none.
    """
    if facts is None or not effects or not effects.get("known"):
        return Promise(records=records)
    lines = _single(effects)
    rows, group = lines.most, facts.smallest_group
    if lines.grouped and group and records is not None:
        groups = records // group
        rows = groups if rows is None else min(rows, groups)
    return Promise(facts.level, rows, lines.columns, lines.counts, group, facts.whole, records)


def _single(effects: Mapping[str, Any]) -> Lines:
    queries: Sequence[str] = (effects.get("computed") or {}).get("sql") or ()
    leaving = [each for each in effects.get("outputs") or () if not each.get("always")]
    if len(queries) != 1 or len(leaving) != 1:
        return Lines()
    one = leaving[0]
    if one.get("often") != "once" or one.get("channel") != "message":
        return Lines()
    return lines_of(queries[0])
