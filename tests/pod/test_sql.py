"""A requester's SQL: what it gets, and what it never gets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import duckdb
import pytest

from podadmin.core.errors import BadInput, Cancelled, PodadminError, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.pod import sql, statement

CANARY = "canary-7f3a"


@pytest.fixture
def source(tmp_path: Path) -> sql.Source:
    path = tmp_path / "people.csv"
    path.write_text(
        "id,sex,age,bmi,seen,nhs_number\n"
        f"1,F,61,24.5,2020-01-31,{CANARY}\n"
        f"2,M,,31.25,2021-02-28,{CANARY}\n"
        f"3,F,45,,2022-03-01,{CANARY}\n",
        encoding="utf-8",
    )
    (tmp_path / "other.csv").write_text(f"secret\n{CANARY}\n", encoding="utf-8")
    return sql.Source("patients", path, ("nhs_number",))


def ask(source: sql.Source, query: str, **bounds: float) -> sql.Table:
    return sql.run(source, query, sql.Bounds(**bounds), Progress())  # type: ignore[arg-type]


def test_the_field_s_way_of_writing_works(source: sql.Source) -> None:
    found = ask(source, "SELECT sex, COUNT(*) AS n, AVG(age) AS age FROM `patients` GROUP BY sex ORDER BY sex -- `x`")
    assert found == {"sex": ["F", "M"], "n": [2, 1], "age": [53.0, None]}


def test_values_are_plain(source: sql.Source) -> None:
    found = ask(
        source,
        "SELECT max(seen) d, max(seen)::TIMESTAMP t, 1.5 dec, 'nan'::DOUBLE nan, sum(id) s, 2::HUGEINT ** 70 big, "
        "true b, [1, 2] l, 'x'::BLOB raw FROM patients",
    )
    assert found == {
        "d": ["2022-03-01"],
        "t": ["2022-03-01T00:00:00"],
        "dec": [1.5],
        "nan": [None],
        "s": [6],
        "big": [2.0**70],
        "b": [True],
        "l": ["[1, 2]"],
        "raw": ["x"],
    }


def test_ignored_columns_do_not_exist(source: sql.Source) -> None:
    assert list(ask(source, "SELECT * FROM patients")) == ["id", "sex", "age", "bmi", "seen"]
    with pytest.raises(Refused) as refused:
        ask(source, "SELECT nhs_number FROM patients")
    assert refused.value.code == "sql.unknown-name"
    assert CANARY not in str(refused.value)


HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_csv('{people}')",
    "SELECT * FROM '{people}'",
    'SELECT * FROM "{people}"',
    "SELECT * FROM `{people}`",
    "SELECT * FROM '{other}'",
    'SELECT * FROM (WITH "{people}" AS (SELECT 1) SELECT * FROM "{people}") a, "{people}" b',
    "WITH duckdb_views AS (SELECT 1 x) SELECT * FROM duckdb_views",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{other}')",
    "SELECT * FROM read_json('{other}')",
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('{people}')",
    "SELECT getenv('HOME')",
    "SELECT current_setting('allowed_paths')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT sql FROM duckdb_views()",
    "SELECT sql FROM duckdb_views",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_views",
    "SELECT pg_get_viewdef(1)",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('patients')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM pragma_table_info('patients')",
    "PRAGMA version",
    "PRAGMA enable_profiling",
    "CALL pragma_version()",
    "SET threads = 8",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "ATTACH '{out}' AS x",
    "INSTALL httpfs",
    "LOAD httpfs",
    "COPY patients TO '{out}'",
    "COPY patients TO '{people}' (USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{out}'",
    "EXPORT DATABASE '{out}'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW patients AS SELECT 1",
    "DROP VIEW patients",
    "INSERT INTO patients VALUES (1)",
    "WITH gone AS (DELETE FROM patients RETURNING *) SELECT * FROM gone",
    "WITH more AS (INSERT INTO patients VALUES (1) RETURNING *) SELECT * FROM more",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY patients TO '{out}'",
    "SELECT 1) AS a; COPY patients TO '{out}'; SELECT * FROM (SELECT 1",
    "SELECT 1) AS answer(c0) UNION SELECT * FROM read_text('/etc/passwd') --",
    "EXPLAIN ANALYZE SELECT 1",
    "EXECUTE x",
    "SELECT $1",
    "SELECT ?",
    "SHOW TABLES",
    "SELECT * FROM (SHOW ALL TABLES)",
    "SELECT * FROM read_csv('http://127.0.0.1:{port}/x.csv')",
    "SELECT * FROM 'http://127.0.0.1:{port}/x.csv'",
    "SELECT * FROM patients AT (VERSION => 1)",
    "SELECT nextval('x')",
    "SELECT write_log('x')",
    "SELECT sleep_ms(10)",
    "SELECT E'\\' ` FROM patients --' , `id` FROM patients",
    "VACUUM",
    "CHECKPOINT",
    "",
    "   ",
    "not sql at all",
    "SELECT '\0'",
]


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []

    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

    server = HTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_hostile_queries_are_refused_and_change_nothing(
    source: sql.Source, tmp_path: Path, listener: tuple[int, list[str]]
) -> None:
    port, asked = listener
    before = source.path.read_bytes()
    out = tmp_path / "out"
    for hostile in HOSTILE:
        query = hostile.format(people=source.path, other=tmp_path / "other.csv", out=out, port=port)
        with pytest.raises(Refused) as refused:
            ask(source, query)
        assert refused.value.code.startswith("sql."), query
        shown = str(refused.value)
        assert CANARY not in shown, query
        assert str(tmp_path) not in shown, query
    assert source.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.csv", "people.csv"]
    assert asked == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "COPY patients TO '{out}'",
        "ATTACH '{out}'",
        "SET enable_external_access=true",
        "SET allowed_paths=['/etc/passwd']",
        "INSTALL httpfs",
        "SELECT * FROM glob('/etc/*')",
    ],
)
def test_the_second_wall_stands_alone(source: sql.Source, tmp_path: Path, statement: str) -> None:
    with (
        pytest.raises(PodadminError) as refused,
        sql.opened(source, sql.Bounds(), Progress()) as database,
    ):
        database.con.execute(statement.format(out=tmp_path / "out"))
    assert refused.value.code in {"sql.outside", "sql.odd-data", "datasource.not-readable"}
    assert not (tmp_path / "out").exists()


def test_what_people_write_is_not_refused(source: sql.Source) -> None:
    for query in (
        "WITH old AS (SELECT * FROM patients WHERE age > 50) SELECT count(*) AS n FROM old",
        "WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT * FROM r",
        "SELECT CAST(bmi AS DECIMAL(10, 2)) AS x FROM patients",
        "SELECT sex, row_number() OVER (PARTITION BY sex ORDER BY age DESC NULLS LAST) AS r FROM patients",
        "SELECT extract(year FROM seen) AS y FROM patients WHERE seen BETWEEN DATE '2020-01-01' AND DATE '2021-12-31'",
        "SELECT a.id FROM patients a JOIN patients b USING (id) LIMIT 1 OFFSET 1",
        "SELECT id FROM patients p WHERE EXISTS (SELECT 1 FROM patients q WHERE q.id = p.id)",
        "SELECT quantile_cont(age, 0.5) AS q, stddev(bmi) AS s, string_agg(sex, ',' ORDER BY sex) AS t FROM patients",
        "SELECT sex, count(*) AS n FROM patients GROUP BY ROLLUP (sex) HAVING count(*) > 0",
        "SELECT 1 AS one; -- and `done`",
        "SELECT DISTINCT sex FROM main.patients; ",
    ):
        assert ask(source, query), query


def test_two_columns_of_one_name_are_an_error(source: sql.Source) -> None:
    with pytest.raises(BadInput) as wrong:
        ask(source, "SELECT id, age AS ID FROM patients")
    assert wrong.value.code == "sql.same-name"


def test_an_endless_query_stops_at_the_time_limit(source: sql.Source) -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable) as stopped:
        ask(source, "SELECT count(*) FROM range(10000000000000) r WHERE hash(range) % 7 = 3", seconds=0.3)
    assert stopped.value.code == "sql.time-limit"
    assert time.monotonic() - started < 30


def test_cancelling_stops_a_running_query(source: sql.Source) -> None:
    progress = Progress()
    timer = threading.Timer(0.3, progress.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        sql.run(
            source, "SELECT count(*) FROM range(10000000000000) r WHERE hash(range) % 7 = 3", sql.Bounds(), progress
        )
    timer.join()


@pytest.mark.parametrize("step", ["extract_statements", "execute"])
def test_a_task_that_is_stopped_while_its_query_is_read_was_stopped_and_not_refused(step: str) -> None:
    class Stopped:
        """A connection that is interrupted at one step; where an interrupt falls is nothing that a test can choose."""

        def __getattr__(self, asked: str) -> Any:
            def act(*given: Any) -> Any:
                if asked == step:
                    raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")
                return getattr(real, asked)(*given)

            return act

    with duckdb.connect(":memory:") as real, pytest.raises(duckdb.InterruptException):
        statement.read(cast("duckdb.DuckDBPyConnection", Stopped()), "SELECT 1", ["patients"])


def test_large_results_are_refused_not_cut(source: sql.Source) -> None:
    for bounds in ({"rows": 999}, {"cells": 999}, {"size": 7999}):
        with pytest.raises(Unavailable) as big:
            ask(source, "SELECT * FROM range(1000)", **bounds)
        assert big.value.code == "sql.too-big"
    assert len(ask(source, "SELECT * FROM range(1000)", rows=1000, cells=1000, size=8000)["range"]) == 1000


def test_memory_is_bounded(source: sql.Source) -> None:
    with pytest.raises(Unavailable) as full:
        ask(source, "SELECT count(*) FROM (SELECT DISTINCT range FROM range(50000000))", memory_mb=64)
    assert full.value.code == "sql.memory"


def test_an_ignored_column_that_is_gone_closes_the_datasource(source: sql.Source) -> None:
    with pytest.raises(Refused) as refused:
        ask(sql.Source("patients", source.path, ("ssn",)), "SELECT 1")
    assert refused.value.code == "datasource.ignore-unknown"


def test_repeated_names_cannot_uncover_an_ignored_column(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text(f"id,name,name\n1,{CANARY},{CANARY}\n", encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        ask(sql.Source("patients", path, ("name",)), "SELECT * FROM patients")
    assert refused.value.code == "datasource.duplicate-columns"


def test_a_file_is_read_as_its_schema_was_made(tmp_path: Path) -> None:
    path = tmp_path / "semi[1]*colon.csv"
    rows = "".join(f"{number};text\n" for number in range(30000))
    path.write_bytes(("Größe;b\n" + rows + "no number;NA\n1;2;3\n").encode("cp1252"))
    found = ask(sql.Source("p", path), "SELECT count(*) AS n, count(b) AS b, max(`Größe`) AS m FROM p")
    assert found == {"n": [30001], "b": [30000], "m": ["no number"]}
    only_text = tmp_path / "text.csv"
    only_text.write_text("a,b\nx,y\n", encoding="utf-8")
    assert ask(sql.Source("p", only_text), "SELECT * FROM p") == {"a": ["x"], "b": ["y"]}


def test_a_pattern_in_a_path_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "ab.csv").write_text(f"a\n{CANARY}\n", encoding="utf-8")
    path = tmp_path / "a*.csv"
    path.write_text("a\nfine\n", encoding="utf-8")
    assert ask(sql.Source("p", path), "SELECT * FROM p") == {"a": ["fine"]}


def test_a_missing_file_is_said_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as missing:
        ask(sql.Source("patients", tmp_path / "gone.csv"), "SELECT 1")
    assert missing.value.code == "datasource.not-readable"
    assert str(tmp_path) not in str(missing.value)


def test_bad_data_is_said_without_the_data(source: sql.Source) -> None:
    with pytest.raises(BadInput) as odd:
        ask(source, "SELECT sex::INTEGER FROM patients")
    assert odd.value.code == "sql.odd-data"
    assert "'F'" not in str(odd.value)


def test_error_of_the_requester_s_own_making_carries_no_data(source: sql.Source) -> None:
    with pytest.raises(PodadminError) as raised:
        ask(source, "SELECT error(sex || id::VARCHAR || 'leak') FROM patients")
    assert "leak" not in str(raised.value)


def test_other_kinds_of_datasource_are_refused(source: sql.Source) -> None:
    with pytest.raises(Refused) as refused:
        ask(sql.Source("patients", source.path, kind="DICOMSource"), "SELECT 1")
    assert refused.value.code == "datasource.kind"


def test_no_row_is_lost_where_a_cast_fails(source: sql.Source) -> None:
    found = ask(source, "SELECT count(*) AS n, count(TRY_CAST(sex AS INTEGER)) AS k FROM patients")
    assert found == {"n": [3], "k": [0]}
    with pytest.raises(BadInput):
        ask(source, "SELECT count(sex::INTEGER) AS n FROM patients")
    with pytest.raises(BadInput):
        ask(source, "SELECT id FROM patients WHERE sex::INTEGER > 0 OR id > 0")
