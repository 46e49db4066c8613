"""The kinds that are one table file: CSV, Parquet and JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from podadmin.datasources.kinds.fields import ADVANCED, READING, declared
from podadmin.datasources.kinds.pod_settings import PodSettings
from podadmin.datasources.model import CsvSource, JsonLinesSource, ParquetSource, Reading, Source

_NAMED = {"tab": "\t", "\\t": "\t", "space": " "}
_NAMES = {"\t": "tab", " ": "space"}


class CsvFields(PodSettings):
    OWN: ClassVar[frozenset[str]] = frozenset({"path", "encoding", "separator", "quote", "header"})

    path: str = declared("File", "The file: CSV, also packed (.gz, .zst).", takes="path", min_length=1)
    encoding: Literal["", "utf-8", "utf-16", "cp1252", "latin-1"] = declared(
        "Encoding",
        "How its text is encoded, where it is not found out.",
        default="",
        takes="choice",
        group=READING,
        choices={
            "": "Found out",
            "utf-8": "UTF-8",
            "utf-16": "UTF-16",
            "cp1252": "Windows-1252",
            "latin-1": "ISO 8859-1 (Latin-1)",
        },
    )
    separator: str = declared(
        "Separator",
        "The character between cells (`tab` or `space` for those), where it is not found out.",
        default="",
        group=READING,
    )
    quote: str = declared(
        "Quotation mark",
        "The quotation mark round cells, or `none`, where it is not found out.",
        default="",
        group=READING,
    )
    header: Literal["", "yes", "no"] = declared(
        "First line",
        "Does its first line hold the names of the columns?",
        default="",
        takes="choice",
        group=READING,
        choices={"": "Found out", "yes": "Names of the columns", "no": "Data"},
    )
    read_csv_kwargs: dict[str, Any] = declared(
        "How a pod of the field reads it",
        "Arguments for `pandas.read_csv`, as one JSON object. They go into the pod's configuration; podadmin reads the "
        "file by the fields above.",
        default={},
        takes="lines",
        group=ADVANCED,
    )

    def source(self, secret: str = "") -> Source:
        separator = _NAMED.get(self.separator, self.separator)
        reading = Reading(self.encoding, separator, self.quote, {"yes": True, "no": False}.get(self.header))
        return CsvSource(Path(self.path), reading, self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, CsvSource)
        reading = source.reading
        return {
            "path": str(source.path),
            "encoding": reading.encoding,
            "separator": _NAMES.get(reading.separator, reading.separator),
            "quote": reading.quote,
            "header": {True: "yes", False: "no", None: ""}[reading.header],
        }


class ParquetFields(PodSettings):
    OWN: ClassVar[frozenset[str]] = frozenset({"path"})

    path: str = declared("File", "The Parquet file.", takes="path", min_length=1)

    def source(self, secret: str = "") -> Source:
        return ParquetSource(Path(self.path), self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, ParquetSource)
        return {"path": str(source.path)}


class JsonLinesFields(PodSettings):
    OWN: ClassVar[frozenset[str]] = frozenset({"path"})

    path: str = declared(
        "File",
        "The file: one JSON object a line (.ndjson or .jsonl), also packed (.gz, .zst).",
        takes="path",
        min_length=1,
    )

    def source(self, secret: str = "") -> Source:
        return JsonLinesSource(Path(self.path), self.settings())

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        assert isinstance(source, JsonLinesSource)
        return {"path": str(source.path)}
