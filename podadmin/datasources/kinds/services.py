"""The kinds that are no files and no database: a template of an InterMine service, and no data at all."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import field_validator

from podadmin.datasources.kinds.fields import declared
from podadmin.datasources.kinds.pod_settings import PodSettings
from podadmin.datasources.model import NullSource, ServiceSource, Source

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class InterMineFields(PodSettings):
    OWN: ClassVar[frozenset[str]] = frozenset({"service_url", "template_name"})
    SECRET: ClassVar[str] = "token"  # noqa: S105 - the name of a field

    service_url: str = declared(
        "Address of the service",
        "Where the web service is, such as https://mine.example.org/mine/service.",
        takes="url",
        min_length=1,
        max_length=2000,
    )
    template_name: str = declared(
        "Template", "The template query whose rows are the data.", min_length=1, max_length=500
    )

    @field_validator("service_url")
    @classmethod
    def _address(cls, given: str) -> str:
        try:
            seen = urlsplit(given)
            plain, host = seen.scheme == "http", seen.hostname
            _port = seen.port
        except ValueError:
            raise ValueError("It is no address of a web service.") from None
        if seen.scheme not in {"http", "https"} or not host:
            raise ValueError("It begins with https:// and names a server.")
        if plain and host not in LOOPBACK:
            raise ValueError("It begins with https://: what is asked and answered would travel unencrypted otherwise.")
        if seen.username is not None or seen.password is not None or parse_qsl(seen.query) or seen.fragment:
            raise ValueError("It carries a name, a password or a query; a token has a field of its own.")
        return given.rstrip("/")

    def source(self, secret: str = "") -> Source:
        return ServiceSource(self.service_url, self.template_name, secret, self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, ServiceSource)
        return {"service_url": source.url, "template_name": source.template}


class NullFields(PodSettings):
    def source(self, secret: str = "") -> Source:
        return NullSource(self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, NullSource)
        return {}
