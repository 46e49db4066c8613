"""The kinds that lie in a data engine over many machines: how each is reached, never what proves who asks."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Self

from pydantic import field_validator, model_validator

from podadmin.datasources.kinds.fields import ADVANCED, Declared, declared
from podadmin.datasources.model import EngineSource, Kind, Source

_ADDRESS = re.compile(r"(sc://|spark://)[^\s/;?#@]+/?|local(\[(\d+|\*)\])?|yarn|k8s://\S+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


class EngineFields(Declared):
    """What all of them have. Every field is one of the source itself: there are no settings beside the data."""

    KIND: ClassVar[Kind]

    def source(self, secret: str = "") -> Source:
        where = {name: str(value) for name, value in self.model_dump(exclude_defaults=True, exclude={"table"}).items()}
        return EngineSource(self.KIND, str(getattr(self, "table", "")), where, secret)

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, EngineSource)
        return {**source.where, **({"table": source.table} if source.table else {})}


def _table(help: str, **more: Any) -> Any:  # noqa: A002 - what the form calls it
    return declared("Table", help, max_length=1000, **more)


class SparkFields(EngineFields):
    KIND = Kind.SPARK
    SECRET: ClassVar[str] = "token"  # noqa: S105 - the name of a field

    address: str = declared(
        "Address",
        "Where Spark is: sc://server:15002 (Spark Connect), spark://server:7077, yarn, or local[2] for this computer.",
        min_length=1,
        max_length=1000,
    )
    table: str = _table("A table or view that Spark knows. Either this or files.", default="")
    files: str = declared(
        "Files",
        "Parquet files, or a folder of them, where Spark finds it. Either this or a table.",
        default="",
        max_length=4000,
    )

    @field_validator("address")
    @classmethod
    def _known(cls, given: str) -> str:
        if not _ADDRESS.fullmatch(given):
            raise ValueError("It is sc://server:port, spark://server:port, yarn, k8s://… or local[number].")
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.table.strip()) == bool(self.files.strip()):
            raise ValueError("Exactly one of a table and files says what is read.")
        return self


class TrinoFields(EngineFields):
    KIND = Kind.TRINO
    SECRET: ClassVar[str] = "password"  # noqa: S105 - the name of a field

    server: str = declared("Server", "The name of its coordinator, such as trino.example.org.", max_length=255)
    port: int = declared("Port", "At which it listens.", takes="number", default=443, ge=1, le=65535)
    user: str = declared("Account", "The name of the account that reads.", min_length=1, max_length=255)
    catalog: str = declared("Catalogue", "The catalogue in which the table is.", min_length=1, max_length=255)
    namespace: str = declared("Schema", "The schema of the catalogue.", min_length=1, max_length=255)
    table: str = _table("The table or view.", min_length=1)
    unencrypted: bool = declared(
        "Without encryption",
        "For a coordinator on this computer only: everything travels in clear, and no password is sent.",
        takes="switch",
        default=False,
        group=ADVANCED,
    )

    @field_validator("server")
    @classmethod
    def _host(cls, given: str) -> str:
        if not _HOST.fullmatch(given):
            raise ValueError("It is the name of a server, without https:// and without a port.")
        return given


class SnowflakeFields(EngineFields):
    KIND = Kind.SNOWFLAKE
    SECRET: ClassVar[str] = "password"  # noqa: S105 - the name of a field

    account: str = declared("Account of the hospital", "Its identifier, such as organisation-account.", max_length=255)
    user: str = declared("User", "The name of the user that reads.", min_length=1, max_length=255)
    database: str = declared("Database", "The database in which the table is.", min_length=1, max_length=255)
    namespace: str = declared("Schema", "The schema of the database.", min_length=1, max_length=255)
    table: str = _table("The table or view.", min_length=1)
    warehouse: str = declared(
        "Warehouse", "The warehouse that counts; its use costs money.", default="", max_length=255
    )
    role: str = declared("Role", "The role with which the user reads.", default="", group=ADVANCED, max_length=255)

    @field_validator("account")
    @classmethod
    def _host(cls, given: str) -> str:
        if not _HOST.fullmatch(given):
            raise ValueError("It is an identifier such as organisation-account, and no address.")
        return given


class BigQueryFields(EngineFields):
    KIND = Kind.BIGQUERY

    project: str = declared("Project", "The project that is billed for the counting.", min_length=1, max_length=255)
    dataset: str = declared("Dataset", "The dataset, or project.dataset of another one.", min_length=1, max_length=511)
    table: str = _table("The table or view.", min_length=1)
    location: str = declared("Region", "Where the dataset is, such as EU.", default="", group=ADVANCED, max_length=100)
