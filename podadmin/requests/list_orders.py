"""The orders in which requests can be listed, and the place in one from which the next page goes on.

By time, which is by number, or by a column and then by time. Every order is read along an index, so that a page of a
million requests takes no longer than a page of a hundred; only what is few is sorted.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, tuple_

from podadmin.requests.records import request

NEWEST, OLDEST = "newest", "oldest"
COLUMNS: Final = {"requester": ("requester", "task"), "task": ("task",), "datasource": ("datasource",)}
ORDERS: Final = (NEWEST, OLDEST, *COLUMNS)


def in_order(wanted: Select[Any], order: str, number: ColumnElement[int], after: str, few: bool) -> Select[Any]:
    """What is wanted in this order, from behind this place on.

    `number` is what counts requests in `wanted`. `few`: what is wanted is found first and sorted then.
    """
    if order not in COLUMNS:
        newest = order != OLDEST
        if after.isdecimal():
            wanted = wanted.where(number < int(after) if newest else number > int(after))
        return wanted.order_by(number.desc() if newest else number)
    columns: list[ColumnElement[Any]] = [request.c[name] for name in COLUMNS[order]]
    if few:
        # as an expression, along which no index can be read: the planner would prefer a walk through all requests
        columns = [each.op("||")("") for each in columns]
    columns.append(number)
    place = _read(after, len(columns))
    if place:
        wanted = wanted.where(tuple_(*columns) > tuple_(*place))
    return wanted.order_by(*columns)


def place_of(row: Row[Any], order: str) -> str:
    """The place of a row in this order."""
    if order not in COLUMNS:
        return str(row.number)
    return json.dumps([*(getattr(row, name) for name in COLUMNS[order]), row.number])


def _read(after: str, parts: int) -> tuple[Any, ...]:
    """The place that `place_of` wrote; empty for what is none."""
    try:
        place = json.loads(after)
        sound = len(place) == parts and all(isinstance(each, str) for each in place[:-1]) and type(place[-1]) is int
    except (ValueError, TypeError):
        return ()
    return tuple(place) if sound else ()
