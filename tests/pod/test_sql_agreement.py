"""What the built-in worker runs, and what the effect statement said of it before: never milder than what came out.

The statement is made by one parser and the query is run by another. So whatever the worker accepts and the statement
calls sums and counts is run here, on a table in which every value of some columns belongs to one record only, and its
result is looked at: nothing of a single record may stand in it, it may not depend on the order of records, and no line
may come of fewer records than the statement promises. SQLite, which bitfount's own pod has for files, runs it as well,
as written and as that pod writes it anew. For more statements, by hand:
`PODADMIN_STATEMENTS=20000 pytest tests/pod/test_sql_agreement.py`.
"""

from __future__ import annotations

import csv
import math
import os
import random
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from podadmin.core.errors import PodadminError
from podadmin.core.progress import Progress
from podadmin.pod import sql
from podadmin.requests.sql_quotes import bare
from podadmin.requests.sql_reading import SqlFacts, understand

HOW_MANY: Final = int(os.environ.get("PODADMIN_STATEMENTS", "250"))
RECORDS: Final = 12
TITLES: Final = ("nid", "note", "sex", "ward", "age", "score")
# numbers that no sum of others, no count and no constant of a query will be by accident
AGES: Final = [7_000_003 + 104_729 * place * place for place in range(RECORDS)]


@dataclass(frozen=True)
class Tables:
    """The same records in two orders, and fewer and fewer of them."""

    whole: sql.Source
    turned: sql.Source
    first: tuple[sql.Source, ...]
    """`first[n]` has n records."""
    lite: sqlite3.Connection


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("agreement")
    records = [
        [
            f"canary-{place:03}",
            f"a note canary-{place:03}",
            "FM"[place % 2],
            "xyz"[place % 3],
            AGES[place],
            f"{place}.37",
        ]
        for place in range(RECORDS)
    ]
    turned = records[:]
    random.Random(7).shuffle(turned)

    def write(name: str, lines: list[list[Any]]) -> sql.Source:
        path = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([TITLES, *lines])
        return sql.Source("patients", path)

    first = tuple(write(f"first{number}", records[:number]) for number in range(RECORDS))
    lite = sqlite3.connect(":memory:")
    lite.execute("CREATE TABLE patients (nid TEXT, note TEXT, sex TEXT, ward TEXT, age INTEGER, score REAL)")
    lite.executemany("INSERT INTO patients VALUES (?, ?, ?, ?, ?, ?)", records)
    return Tables(write("whole", records), write("turned", turned), first, lite)


def ran(source: sql.Source, query: str) -> list[tuple[object, ...]] | None:
    """The lines of the result; None where the worker does not run it."""
    try:
        found = sql.run(source, query, sql.Bounds(seconds=20.0), Progress())
    except PodadminError:
        return None
    return list(zip(*found.values(), strict=True))


def near(value: object) -> object:
    """Sums of the same numbers in another order differ in their last digits."""
    return float(f"{value:.9g}") if isinstance(value, float) and math.isfinite(value) else value


def about_one(value: object) -> bool:
    """Is it, or does it hold, what belongs to one record only?"""
    text = str(value)
    return "canary" in text or any(str(age) in text for age in AGES) or (isinstance(value, float) and value in AGES)


def told_in_sqlite(tables: Tables, query: str) -> list[object]:
    """What belongs to one record in what bitfount's own pod, or a database in a file, makes of a query."""
    found: list[object] = []
    for text in (query, *(text for text, _table in bare(query))):
        try:
            lines = tables.lite.execute(text).fetchmany(100)
        except sqlite3.Error:
            continue  # it does not run it
        found += [value for line in lines for value in line if about_one(value) and str(value) not in query]
    return found


def check(tables: Tables, query: str) -> SqlFacts | None:
    """What the statement said, where it said less than single records and the worker runs it; None for all else."""
    said = understand(query)
    if not said.understood or said.level == "row":
        return None
    assert not told_in_sqlite(tables, query), (query, said)
    lines = ran(tables.whole, query)
    if lines is None:
        return None
    told = [value for line in lines for value in line if about_one(value) and str(value) not in query]
    assert not told, (query, said, lines)
    others = ran(tables.turned, query)
    assert others is not None
    assert sorted(map(repr, (tuple(map(near, line)) for line in lines))) == sorted(
        map(repr, (tuple(map(near, line)) for line in others))
    ), (query, said)
    if said.every_record:
        assert len(lines) <= query.casefold().count("select"), (query, said, lines)
    elif said.level != "none":
        assert said.smallest_group is not None, (query, said)
        # where figures of all records are put beside those of groups, the first are there for any number of records
        beside = query.casefold().count("union")
        few = ran(tables.first[min(said.smallest_group, RECORDS) - 1], query) or []
        assert said.smallest_group > RECORDS or len(few) <= beside, (query, said, few)
        assert said.smallest_group <= RECORDS or len(lines) <= beside, (query, said, lines)
    if said.level == "none":
        assert not said.tables, (query, said)
    return said


FIGURES: Final = (
    "SELECT COUNT(*) FROM patients",
    "SELECT COUNT(*) AS n, AVG(age) AS mean, SUM(score) AS total FROM `patients`",
    "SELECT STDDEV(age) + 1 AS s FROM patients AS p",
    "SELECT COUNT(DISTINCT ward) AS n FROM patients",
    "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex HAVING COUNT(*) >= 5",
    "SELECT ward AS w, AVG(age) AS mean FROM patients GROUP BY ward HAVING COUNT(*) >= 4 ORDER BY w",
    "SELECT sex, ward, COUNT(*) AS n FROM patients GROUP BY 1, 2 HAVING COUNT(*) > 1",
    "SELECT COUNT(*) AS n FROM patients WHERE sex = 'F' HAVING COUNT(*) >= 6",
    "SELECT COUNT(*) FROM (SELECT * FROM patients) AS t",
    "SELECT 1 AS one",
    "SELECT COUNT(*) FROM patients LIMIT 1",
    "SELECT nid, COUNT(*) AS n FROM patients GROUP BY nid HAVING COUNT(*) >= 2",
)
RECORDS_OUT: Final = (
    "SELECT * FROM patients",
    "SELECT nid FROM patients LIMIT 1",
    "SELECT MAX(age) FROM patients",
    "SELECT ANY_VALUE(nid) FROM patients",
    "SELECT FIRST(nid) AS f FROM patients",
    "SELECT LIST(age) FROM patients",
    "SELECT STRING_AGG(nid, ',') FROM patients",
    "SELECT MODE(nid) AS m FROM patients",
    "SELECT QUANTILE_DISC(age, 0.5) AS q FROM patients",
    "SELECT ARG_MAX(nid, age) AS a FROM patients",
    "SELECT MAX(nid) FILTER (WHERE sex = 'F') AS a FROM patients",
    "SELECT SUM(age) FROM patients WHERE nid = 'canary-003'",
    "SELECT SUM(CASE WHEN nid = 'canary-003' THEN age ELSE 0 END) AS s FROM patients",
    "SELECT SUM(age) FILTER (WHERE nid = 'canary-003') AS s FROM patients",
    "SELECT nid, COUNT(*) AS n FROM patients GROUP BY nid",
    "SELECT nid, COUNT(*) AS n FROM patients GROUP BY nid HAVING COUNT(*) >= 1",
    "SELECT nid, COUNT(*) AS n FROM patients GROUP BY nid HAVING COUNT(*) >= 2 OR 1 = 1",
    "SELECT nid, COUNT(*) AS n FROM patients GROUP BY nid HAVING NOT COUNT(*) >= 2",
    "SELECT SUM(age) AS s FROM patients GROUP BY nid HAVING COUNT(*) >= 0 + 1",
    "SELECT SUM(p.age) AS s FROM patients p JOIN patients q ON p.nid = q.nid GROUP BY p.nid HAVING COUNT(*) >= 1",
    "SELECT p.nid, COUNT(*) AS n FROM patients p, patients q GROUP BY p.nid HAVING COUNT(*) >= 10",
    "SELECT nid, COUNT(*) AS n FROM patients, UNNEST(RANGE(20)) GROUP BY nid HAVING COUNT(*) >= 10",
    "SELECT nid, COUNT(*) AS n FROM patients CROSS JOIN generate_series(1, 20) GROUP BY nid HAVING COUNT(*) >= 10",
    ("SELECT nid, COUNT(*) AS n FROM (SELECT * FROM patients UNION ALL SELECT * FROM patients) t GROUP BY nid "
    "HAVING COUNT(*) >= 2"),
    "WITH t AS (SELECT nid FROM patients) SELECT nid FROM t",
    "WITH patients AS (SELECT nid, age FROM patients WHERE nid = 'canary-001') SELECT SUM(age) AS s FROM patients",
    "SELECT AVG(age) OVER (PARTITION BY nid) AS a FROM patients",
    "SELECT (SELECT MAX(age) FROM patients) AS a",
    "SELECT COUNT(*), (SELECT nid FROM patients LIMIT 1) AS nid FROM patients",
    "SELECT DISTINCT ON (sex) nid FROM patients",
    "SELECT SUM(age) AS s FROM patients LIMIT 1 OFFSET 0",
    "SELECT SUM(age) AS s FROM (SELECT age FROM patients LIMIT 1) AS t",
    "SELECT SUM(age) AS s FROM (SELECT age FROM patients WHERE nid = 'canary-001') AS t",
    "SELECT SUM(age) AS s FROM patients TABLESAMPLE reservoir(1)",
    "SELECT COUNT(*) AS n, nid FROM patients GROUP BY ALL HAVING COUNT(*) >= 1",
    "SELECT SUM(age) AS s FROM patients GROUP BY GROUPING SETS ((nid), ()) HAVING COUNT(*) >= 1",
    "SELECT nid, SUM(age) AS s FROM patients GROUP BY ROLLUP (nid) HAVING COUNT(*) >= 1",
    "SELECT SUM(age) AS s FROM patients WHERE age < 7000004",
    "SELECT SUM(age) AS s FROM patients WHERE rowid = 3",
    "SELECT patients FROM patients",
    "SELECT COLUMNS(*) FROM patients",
    "FROM patients SELECT nid",
    "FROM patients",
    "SELECT SUM(age) AS s FROM patients UNION ALL SELECT age FROM patients",
    "SELECT age AS \"SUM(age)\" FROM patients",
    "SELECT 'x' || nid AS s FROM patients",
    "SELECT SUM(age) /* x */ AS s FROM patients -- GROUP BY sex\nWHERE nid = 'canary-001'",
    "SELECT HISTOGRAM(age) AS h FROM patients",
    "SELECT APPROX_TOP_K(nid, 3) AS h FROM patients",
    "SELECT SUM(DISTINCT age) AS s FROM patients WHERE nid = 'canary-001'",
    "VALUES (1), (2)",
    "SELECT nid FROM patients QUALIFY ROW_NUMBER() OVER () = 1",
    "SELECT SUM(age) AS s FROM patients HAVING COUNT(*) >= 1",
    "SELECT SUM(age) AS s FROM patients WHERE nid = 'canary-001' HAVING COUNT(*) >= -5",
    "SELECT SUM(age) AS s FROM patients WHERE nid = 'canary-001' HAVING COUNT(*) >= '0'",
    "SELECT SUM(age) AS s FROM patients WHERE nid = 'canary-001' HAVING COUNT(age) >= 0.5",
    "SELECT sex, SUM(age) AS s FROM patients GROUP BY sex, nid HAVING COUNT(*) >= 1",
)  # fmt: skip


@pytest.mark.parametrize("query", FIGURES)
def test_what_is_called_a_figure_runs_and_holds_nothing_of_one_record(tables: Tables, query: str) -> None:
    assert check(tables, query) is not None, "the corpus is about what the worker runs and the statement trusts"


@pytest.mark.parametrize("query", RECORDS_OUT)
def test_what_gives_single_records_is_never_called_a_figure(tables: Tables, query: str) -> None:
    check(tables, query)
    said, lines = understand(query), ran(tables.whole, query)
    if lines is not None and any(about_one(value) for line in lines for value in line):
        assert said.level == "row", (query, said)


NAMES: Final = st.sampled_from(TITLES)
COLUMN: Final = st.one_of(NAMES, NAMES.map(lambda name: f"patients.{name}"), NAMES.map(lambda name: f'"{name}"'))
CONSTANT: Final = st.sampled_from(["1", "0", "'F'", "'canary-001'", "NULL", "TRUE", "7000003", "-1", "2.5", "''"])
CALLS: Final = st.sampled_from(
    [
        "COUNT",
        "SUM",
        "AVG",
        "STDDEV",
        "VARIANCE",
        "MIN",
        "MAX",
        "ANY_VALUE",
        "FIRST",
        "LAST",
        "MEDIAN",
        "MODE",
        "LIST",
        "STRING_AGG",
        "BIT_XOR",
        "PRODUCT",
        "FSUM",
        "ENTROPY",
        "KURTOSIS",
        "SKEWNESS",
        "STDDEV_POP",
        "VAR_SAMP",
        "BOOL_OR",
        "COUNT_IF",
        "ARRAY_AGG",
        "HISTOGRAM",
        "SUM_NO_OVERFLOW",
        "MAD",
    ]
)


def calls(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.just("COUNT(*)"),
        st.builds("{}({})".format, CALLS, inside),
        st.builds("{}(DISTINCT {})".format, CALLS, inside),
        st.builds("{}({}) FILTER (WHERE {} = {})".format, CALLS, inside, COLUMN, CONSTANT),
        st.builds("{}({}) OVER (PARTITION BY {})".format, CALLS, inside, COLUMN),
        st.builds("{}({} ORDER BY {})".format, CALLS, inside, COLUMN),
    )


def terms(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        calls(inside),
        st.builds(
            "{} {} {}".format, inside, st.sampled_from(["+", "-", "*", "/", "||", "%", "//", "**", "&", "^"]), inside
        ),
        st.builds("({})".format, inside),
        st.builds("CAST({} AS {})".format, inside, st.sampled_from(["INTEGER", "VARCHAR", "DOUBLE", "BIGINT"])),
        st.builds("CASE WHEN {} = {} THEN {} ELSE {} END".format, COLUMN, CONSTANT, inside, inside),
        st.builds("{}({}, {})".format, st.sampled_from(["COALESCE", "NULLIF", "GREATEST", "IF"]), inside, inside),
        st.builds("{}({})".format, st.sampled_from(["ROUND", "ABS", "UPPER", "LENGTH", "HASH", "MD5", "SQRT"]), inside),
        st.builds("(SELECT {} FROM patients)".format, inside),
        st.builds("{} IN (SELECT {} FROM patients)".format, inside, COLUMN),
    )


TERM: Final = st.recursive(COLUMN | CONSTANT | calls(COLUMN), terms, max_leaves=4)
COMPARED: Final = st.builds(
    "{} {} {}".format, TERM, st.sampled_from(["=", "<", ">=", "<>", "LIKE", "IS NOT DISTINCT FROM"]), CONSTANT
)
SIZE: Final = st.builds(
    "{} {} {}".format,
    st.sampled_from(["COUNT(*)", "COUNT(nid)", "COUNT(DISTINCT nid)", "COUNT(age)", "SUM(1)", "COUNT(*) + 3"]),
    st.sampled_from([">=", ">", "=", "<", "<>", "<="]),
    st.sampled_from(["0", "1", "2", "3", "4", "6", "12", "13", "'4'", "2.5", "-3", "1 + 1", "NULL", "1e0", "(4)"]),
)
CONDITION: Final = st.recursive(
    COMPARED | SIZE,
    lambda inside: st.one_of(
        st.builds("{} AND {}".format, inside, inside),
        st.builds("{} OR {}".format, inside, inside),
        st.builds("NOT ({})".format, inside),
        st.builds("({})".format, inside),
    ),
    max_leaves=3,
)
SOURCE: Final = st.sampled_from(
    [
        *["patients"] * 6, "patients AS p", "`patients`", '"patients"', "PATIENTS",
        "(SELECT * FROM patients) AS patients",
        "(SELECT * FROM patients LIMIT 2) AS patients", "(SELECT DISTINCT * FROM patients) AS patients",
        "patients, patients AS q", "patients JOIN patients AS q USING (nid)", "patients CROSS JOIN RANGE(20)",
        "(SELECT nid, age, sex FROM patients WHERE sex = 'F') AS patients", "patients TABLESAMPLE 3 ROWS",
        "(SELECT ward, age AS nid, nid AS age FROM patients) AS patients", "(VALUES (1), (2)) AS patients(age)",
        "(SELECT * FROM patients ORDER BY age LIMIT 1) AS patients", "(patients)",
    ]
)  # fmt: skip


RESULT: Final = st.one_of(
    st.just("COUNT(*)"),
    st.builds("{}({})".format, st.sampled_from(["COUNT", "SUM", "AVG", "COUNT"]), st.sampled_from(["age", "score"])),
    st.builds("COUNT(DISTINCT {})".format, COLUMN),
    TERM,
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    results = ", ".join(
        f"{each} AS r{place}" if draw(st.booleans()) else each
        for place, each in enumerate(draw(st.lists(RESULT, min_size=1, max_size=2)))
    )
    lead = draw(st.sampled_from(["SELECT"] * 8 + ["SELECT DISTINCT", "SELECT ALL", "select"]))
    text = f"{lead} {results} FROM {draw(SOURCE)}"
    if not draw(st.integers(0, 3)):
        text += f" WHERE {draw(CONDITION)}"
    if not draw(st.integers(0, 2)):
        keys = draw(
            st.lists(st.one_of(COLUMN, st.sampled_from(["1", "2", "ALL", "r0", "ROLLUP (sex)", "()"])), max_size=2)
        )
        text += f" GROUP BY {', '.join(keys)}" if keys else ""
    if not draw(st.integers(0, 2)):
        text += f" HAVING {draw(SIZE if draw(st.booleans()) else CONDITION)}"
    if not draw(st.integers(0, 4)):
        text += f" ORDER BY {draw(st.one_of(COLUMN, TERM, st.just('ALL')))}"
    if not draw(st.integers(0, 4)):
        text += draw(st.sampled_from([" LIMIT 1", " LIMIT 3 OFFSET 1", " LIMIT 50%", ";", " -- end"]))
    if not draw(st.integers(0, 12)):
        text += f" UNION ALL SELECT {draw(TERM)} FROM patients"
    if not draw(st.integers(0, 12)):
        text = f"WITH c AS (SELECT * FROM patients) {text}"
    return text


def test_whatever_is_written_nothing_of_one_record_comes_out_of_what_is_called_a_figure(tables: Tables) -> None:
    trusted: list[SqlFacts] = []

    @settings(max_examples=HOW_MANY, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(statements())
    def one(query: str) -> None:
        said = check(tables, query)
        if said is not None:
            trusted.append(said)

    one()
    assert len(trusted) > HOW_MANY / 100, "so few are trusted that nothing was tested"


@st.composite
def near_figures(draw: st.DrawFn) -> str:
    """A figure in which one thing was made a little different."""
    text = draw(st.sampled_from(FIGURES))
    words = text.split(" ")
    place = draw(st.integers(0, len(words) - 1))
    other = draw(
        st.one_of(
            TERM,
            CONSTANT,
            st.sampled_from(
                [
                    "*",
                    "DISTINCT",
                    "OR",
                    "NOT",
                    "AND",
                    "FROM",
                    ",",
                    "(",
                    ")",
                    ">=",
                    "<",
                    "1",
                    "0",
                    "ALL",
                    "AS",
                    "nid",
                    "`patients`",
                    "`n, nid`",
                    "`nid`",
                    '"nid"',
                    '"\u017fex"',
                    "AVG(TRY_CAST(age AS TINYINT))",
                ]
            ),
        )
    )
    act = draw(st.sampled_from(["put", "insert", "drop"]))
    if act == "drop":
        del words[place]
    elif act == "insert":
        words.insert(place, other)
    else:
        words[place] = other
    return " ".join(words)


def test_a_figure_in_which_something_was_changed_holds_nothing_of_one_record_either(tables: Tables) -> None:
    trusted: list[str] = []

    @settings(max_examples=HOW_MANY, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
    @given(near_figures())
    @example("SELECT STDDEV(age) - 1 + 1 AS s FROM patients")
    def one(query: str) -> None:
        if check(tables, query) is not None:
            trusted.append(query)

    one()
    assert trusted, "none is trusted: nothing was tested"
