"""Tables in data engines: set up as every other kind, with what is missing here said before anybody tries."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from podadmin.app.datasource_rows import kind_view
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.datasources import engine_tables
from podadmin.datasources.kinds.registry import OURS, declaration, kind_named, source_of, values_of
from podadmin.datasources.model import ENGINES, ColumnChoices, EngineSource, Kind
from podadmin.datasources.stored import made_from, restored, stored

GIVEN: dict[Kind, dict[str, str]] = {
    Kind.SPARK: {"address": "sc://spark.example.org:15002", "table": "visits"},
    Kind.TRINO: {
        "server": "trino.example.org", "port": "8443", "user": "reader", "catalog": "hive", "namespace": "clinic",
        "table": "visits",
    },
    Kind.SNOWFLAKE: {
        "account": "trust-eyes", "user": "reader", "database": "EPR", "namespace": "CLINIC", "table": "VISITS",
        "warehouse": "SMALL",
    },
    Kind.BIGQUERY: {"project": "trust-eyes", "dataset": "clinic", "table": "visits", "location": "EU"},
}  # fmt: skip
WRONG: list[tuple[Kind, dict[str, str], str]] = [
    (Kind.SPARK, {"address": "http://spark"}, "address"),
    (Kind.SPARK, {"files": "/data"}, ""),
    (Kind.SPARK, {"table": ""}, ""),
    (Kind.TRINO, {"server": "https://trino.example.org"}, "server"),
    (Kind.TRINO, {"port": "0"}, "port"),
    (Kind.SNOWFLAKE, {"account": "https://x"}, "account"),
]


@pytest.mark.parametrize("kind", sorted(ENGINES))
def test_a_source_is_kept_as_it_was_given_and_never_with_a_secret(kind: Kind) -> None:
    source = source_of(kind, GIVEN[kind], "ds_1")
    assert isinstance(source, EngineSource)
    assert values_of(source) == GIVEN[kind]
    assert restored(kind, stored(source)) == source
    assert GIVEN[kind]["table"] in source.location
    assert kind in OURS
    assert kind_named(kind.value.removesuffix("Source")) is kind
    assert "secret" not in {form.input for form in declaration(kind).forms()} or declaration(kind).model.SECRET
    assert made_from(source, ColumnChoices()) == made_from(source_of(kind, GIVEN[kind]), ColumnChoices())


@pytest.mark.parametrize(("kind", "wrong", "field"), WRONG)
def test_what_cannot_be_a_connection_is_refused_at_its_field(kind: Kind, wrong: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        source_of(kind, {**GIVEN[kind], **wrong})
    assert (caught.value.code, caught.value.field) == ("datasource.field", field)


def _takes(backend: str) -> tuple[set[str], bool]:
    """The arguments with which ibis connects to an engine, read from its source: its driver may not be installed."""
    spec = find_spec(f"ibis.backends.{backend}")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    found = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "do_connect")
    return {each.arg for each in (*found.args.args, *found.args.kwonlyargs)}, found.args.kwarg is not None


@pytest.mark.parametrize("kind", [Kind.TRINO, Kind.SNOWFLAKE, Kind.BIGQUERY])
def test_a_connection_is_what_ibis_takes(kind: Kind) -> None:
    pytest.importorskip("ibis")
    source = source_of(kind, GIVEN[kind])
    assert isinstance(source, EngineSource)
    given: dict[str, Any] = engine_tables.connection_of(source, Secret("hunter2"))
    named, anything = _takes(engine_tables.DRIVERS[kind].extra)
    assert anything or set(given) <= named
    assert str(GIVEN[kind]["table"]) not in str(given)
    if kind is Kind.TRINO:
        assert (given["host"], given["port"], given["auth"]) == ("https://trino.example.org", 8443, "hunter2")
    if kind is Kind.SNOWFLAKE:
        # left to itself, ibis makes a database of its own there
        assert "create_object_udfs" in named
        assert given["create_object_udfs"] is False
        # ibis hands both to Snowflake's own software as they come; only an address is taken apart
        assert (given["database"], given["schema"]) == ("EPR", "CLINIC")


def test_a_password_is_never_sent_in_clear() -> None:
    source = source_of(Kind.TRINO, {**GIVEN[Kind.TRINO], "unencrypted": "yes"})
    assert isinstance(source, EngineSource)
    assert engine_tables.connection_of(source, None)["host"] == "http://trino.example.org"
    with pytest.raises(BadInput) as caught:
        engine_tables.connection_of(source, Secret("hunter2"))
    assert caught.value.code == "datasource.engine-unencrypted"


def test_packages_that_are_missing_are_named_before_and_when_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_tables, "find_spec", lambda name: None)
    source = source_of(Kind.TRINO, GIVEN[Kind.TRINO])
    assert isinstance(source, EngineSource)
    with pytest.raises(Unavailable) as caught:
        engine_tables.probe(source, None, Progress())
    assert caught.value.code == "datasource.database-driver"
    assert 'pip install "ibis-framework[trino]"' in caught.value.next_step
    assert 'pip install "ibis-framework[trino]"' in kind_view(declaration(Kind.TRINO)).needs
    assert kind_view(declaration(Kind.CSV)).needs == ""


def test_nothing_is_missing_where_everything_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_tables, "find_spec", lambda name: object())
    assert kind_view(declaration(Kind.SNOWFLAKE)).needs == ""
