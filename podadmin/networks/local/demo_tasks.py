"""The tasks of the demo requester: protocols exactly as real requesters serialise them (bitfount contract, 5.3)."""

from __future__ import annotations

from typing import Any

from podadmin.networks.local.rules import MODEL

WHATS = ("sql", "rows", "inference", "report", "unknown")
_SOURCE = "CSVSource"


def _structure(table: str) -> dict[str, Any]:
    return {
        "table": table,
        "compatible_datasources": [_SOURCE],
        "schema_requirements": {"partial": [_SOURCE]},
    }


def _name(table: str) -> str:
    return "`" + table.replace("`", "``") + "`"


def _sql(table: str, query: str) -> dict[str, Any]:
    return {
        "class_name": "bitfount.SqlQuery",
        "query": query,
        "table": table,
        "datastructure": _structure(table),
    }


def _inference(table: str) -> dict[str, Any]:
    slug, _, version = MODEL.rpartition(":")
    owner, _, name = slug.partition("/")
    return {
        "class_name": "bitfount.ModelInference",
        "model": {
            "class_name": "BitfountModelReference",
            "username": owner,
            "model_ref": name,
            "model_version": int(version),
        },
        "datastructure": _structure(table),
        "class_outputs": ["risk"],
    }


def protocol(what: str, table: str, query: str | None = None) -> dict[str, Any]:
    """The protocol for one of `WHATS` on `table`; `query` replaces the SQL of `sql` and `rows`.

    Raises ValueError for another `what`.
    """
    match what:
        case "sql":
            return {
                "class_name": "bitfount.ResultsOnly",
                "algorithm": [_sql(table, query or f"SELECT COUNT(*) AS records FROM {_name(table)}")],  # noqa: S608
            }
        case "rows":
            return {
                "class_name": "bitfount.ResultsOnly",
                "algorithm": [_sql(table, query or f"SELECT * FROM {_name(table)}")],  # noqa: S608
            }
        case "inference":
            return {"class_name": "bitfount.ResultsOnly", "algorithm": [_inference(table)]}
        case "report":
            return {
                "class_name": "bitfount.InferenceAndReturnCSVReport",
                "algorithm": [_inference(table), {"class_name": "bitfount.CSVReportAlgorithm"}],
            }
        case "unknown":
            return {
                "class_name": "research_lab.RetinalAtlasExchange",
                "algorithm": [
                    {"class_name": "research_lab.AtlasContribution", "depth": 3, "datastructure": _structure(table)}
                ],
            }
        case _:
            raise ValueError(f"the demo requester has no task {what}")
