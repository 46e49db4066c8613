"""The kinds that lie in a database: OMOP, and any table or query. The password is no part of the address."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal, Self

from pydantic import field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from podadmin.datasources.kinds.fields import ADVANCED, declared
from podadmin.datasources.kinds.pod_settings import PodSettings
from podadmin.datasources.model import Kind, Source, SqlSource

_SECRET_NAMES = re.compile(r"pass(?:word|wd|phrase)?$|^pwd$|secret|token|odbc_connect", re.IGNORECASE)


class DatabaseFields(PodSettings):
    """What both kinds have."""

    OWN: ClassVar[frozenset[str]] = frozenset({"url", "table", "query", "version"})
    SECRET: ClassVar[str] = "password"  # noqa: S105 - the name of a field

    url: str = declared(
        "Address",
        "Where the database is, without a password: postgresql://name@server/database, mysql://, mssql://, oracle:// "
        "or sqlite:///file.",
        takes="url",
        min_length=1,
        max_length=4000,
    )
    read_sql_kwargs: dict[str, Any] = declared(
        "How a pod of the field reads it",
        "Arguments for `pandas.read_sql`, as one JSON object. They go into the pod's configuration.",
        default={},
        takes="lines",
        group=ADVANCED,
    )

    @field_validator("url")
    @classmethod
    def _without_password(cls, given: str) -> str:
        try:
            url = make_url(given)
        except ArgumentError:
            raise ValueError("It has the form dialect://name@server/database.") from None
        if url.password is not None or any(_SECRET_NAMES.search(name) for name in url.query):
            raise ValueError(
                "It carries a password, which would be kept and shown in clear; the password has a field of its own."
            )
        return url.render_as_string(hide_password=True)


class SqlFields(DatabaseFields):
    table: str = declared(
        "Table", "The table or view, as table or schema.table. Either this or a query.", default="", max_length=1000
    )
    query: str = declared(
        "Query",
        "One SELECT whose rows are the data. Either this or a table.",
        default="",
        takes="lines",
        max_length=100_000,
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.table.strip()) == bool(self.query.strip()):
            raise ValueError("Exactly one of a table and a query says what is read.")
        return self

    def source(self, secret: str = "") -> Source:
        return SqlSource(self.url, secret, self.table, self.query, Kind.SQL, "", self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, SqlSource)
        return {"url": source.url, "table": source.table, "query": source.query}


class OmopFields(DatabaseFields):
    version: Literal["v3.0", "v5.3", "v5.4"] = declared(
        "Version",
        "The version of the OMOP common data model that the database follows.",
        takes="choice",
        choices={"v5.4": "5.4", "v5.3": "5.3", "v3.0": "3.0"},
    )
    table: str = declared(
        "Table",
        "One table of the model, as table or schema.table; without it, the model as a whole.",
        default="",
        group=ADVANCED,
        max_length=1000,
    )

    def source(self, secret: str = "") -> Source:
        return SqlSource(self.url, secret, self.table, "", Kind.OMOP, self.version, self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, SqlSource)
        return {"url": source.url, "table": source.table, "version": source.version}
