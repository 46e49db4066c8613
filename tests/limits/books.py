"""Writes down what acts answer, keep and tell the journal, page by page, so that a person can look at all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, select, text

from podadmin.core.errors import PodadminError
from podadmin.journal.records import all_entries
from podadmin.store.engine import Store
from podadmin.store.unit import Fact

ID = re.compile(r"\b(?:(?:[a-z]{3}|round)_[0-9A-Z]{12}|[HR]-[0-9A-Z]{4}-[0-9A-Z]{4})\b")
HASH = re.compile(r"\b[0-9a-f]{64}\b")
FIXED = re.compile(r"([0-9a-f]{2})\1{31}")


def plain(value: Any) -> Any:
    """As JSON has it, with what stands in a table or an answer by its names."""
    if isinstance(value, PodadminError):
        return {"kind": type(value).__name__, **value.as_dict()}
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Row):
        return plain(dict(value._mapping))
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return (
        sorted(value) if isinstance(value, frozenset) else value.isoformat() if isinstance(value, datetime) else value
    )


class Book:
    """What every act answers and changes. Names that chance gives, and digests of them, are numbered in their order.

    `kept`: the pages as they were looked at; the first that is another one fails. `hidden`: columns that are another
    text each time, and are left out.
    """

    def __init__(
        self,
        store: Store,
        tables: Sequence[Table],
        kept: Sequence[dict[str, Any]] | None = None,
        hidden: Sequence[str] = (),
    ) -> None:
        self.store = store
        self.tables = tables
        self.kept = kept
        self.hidden = hidden
        self.pages: list[dict[str, Any]] = []
        self._seen: dict[str, list[Any]] = {table.name: [] for table in self.tables}
        self._entries = 0
        self._names: dict[str, str] = {}

    def act(self, title: str, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """An act that opens its own unit of work."""
        try:
            answer = act(*given, **more)
        except PodadminError as error:
            answer = error
        self._write(title, answer)
        return answer

    def do(self, title: str, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """An act inside a unit of work."""
        try:
            with self.store.record(Fact("anna", "limit.test", "x")) as unit:
                answer = act(unit, *given, **more)
        except PodadminError as error:
            answer = error
        self._write(title, answer)
        return answer

    def look(self, title: str, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        with self.store.read() as connection:
            try:
                answer = act(connection, *given, **more)
            except PodadminError as error:
                answer = error
        self._write(title, answer)
        return answer

    def _write(self, title: str, answer: Any) -> None:
        page: dict[str, Any] = {"act": title, "answer": plain(answer)}
        with self.store.read() as connection:
            for table in self.tables:
                shown = select(*(each for each in table.c if each.name not in self.hidden)).order_by(text("rowid"))
                rows = [dict(row._mapping) for row in connection.execute(shown)]
                page[table.name] = [row for row in rows if row not in self._seen[table.name]]
                self._seen[table.name] = rows
            told = list(all_entries(connection, self._entries))
        self._entries += len(told)
        page["journal"] = [[each.actor, each.act, each.subject, json.loads(each.body)] for each in told]
        written = json.dumps({name: value for name, value in page.items() if value != []})
        self.pages.append(json.loads(HASH.sub(self._name, ID.sub(self._name, written))))
        if self.kept is not None:
            place = len(self.pages) - 1
            assert self.pages[place] == self.kept[place], title

    def _name(self, found: re.Match[str]) -> str:
        name = found.group(0)
        if FIXED.fullmatch(name):
            return name
        kind = "hash" if len(name) == 64 else name[:1] if name[1] == "-" else name[:3]
        known = sum(each.startswith(f"{kind}-") for each in self._names.values())
        return self._names.setdefault(name, f"{kind}-{known + 1}")
