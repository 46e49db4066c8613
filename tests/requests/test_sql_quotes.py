"""Backticks become double quotes, and nothing else changes."""

from __future__ import annotations

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests.sql_quotes import first_statement, standard_quotes

_inner = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="`'\"$/*-\0"), max_size=12)
_word = st.sampled_from(["SELECT ", " FROM ", " a", " , ", " 1 ", "(", ")", " = ", "\n"])
_literal = st.builds(lambda text: "'" + text.replace("'", "''") + "'", st.text(alphabet="ab`'\" ;-/*", max_size=10))
_quoted = st.builds(
    lambda text: '"' + text.replace('"', '""') + '"', st.text(alphabet="ab`' \";-", min_size=1, max_size=8)
)
_comment = st.one_of(
    st.builds(lambda text: f" --{text}\n", st.text(alphabet="ab`'\" ;", max_size=8)),
    st.builds(lambda text: f" /*{text}*/ ", st.text(alphabet="ab`'\" ;", max_size=8)),
)
_dollar = st.builds(lambda tag, text: f" ${tag}${text}${tag}$ ", st.sampled_from(["", "q"]), st.text(alphabet="ab`';"))
_backtick = _inner.filter(bool)


@given(st.lists(st.one_of(_word, _literal, _quoted, _comment, _dollar)))
def test_text_without_names_in_backticks_stays_as_it_is(parts: list[str]) -> None:
    # a space keeps two neighbouring literals from becoming one
    text = " ".join(parts)
    assert standard_quotes(text) == text


@given(st.lists(st.tuples(st.one_of(_word, _literal, _quoted, _comment, _dollar), _backtick), min_size=1))
def test_every_pair_outside_becomes_a_pair_of_double_quotes(parts: list[tuple[str, str]]) -> None:
    written = " ".join(f"{other} `{name}`" for other, name in parts)
    expected = " ".join(f'{other} "{name}"' for other, name in parts)
    assert standard_quotes(written) == expected


@given(_inner.filter(bool))
def test_duckdb_reads_the_name_that_was_meant(name: str) -> None:
    con = duckdb.connect(":memory:")
    try:
        described = con.execute(standard_quotes(f"SELECT 1 AS `{name}`")).description
    finally:
        con.close()
    assert described is not None
    assert described[0][0] == name


def test_quotes_inside_names_are_kept() -> None:
    assert standard_quotes('SELECT `a"b`, `c``d`') == 'SELECT "a""b", "c`d"'


def test_a_lonely_backtick_stays() -> None:
    assert standard_quotes("SELECT ` FROM x") == "SELECT ` FROM x"


def test_parameters_do_not_open_dollar_quotes() -> None:
    assert standard_quotes("SELECT $1, `a`, $2") == 'SELECT $1, "a", $2'


def test_a_statement_ends_at_its_own_semicolon() -> None:
    assert first_statement("SELECT ';' -- ;\n, 2 ; -- rest") == "SELECT ';' -- ;\n, 2"
    assert first_statement(" SELECT 1 ") == "SELECT 1"
    assert first_statement("; SELECT 1") == ""
    assert first_statement("SELECT ';' AS a; SELECT ';'") == "SELECT ';' AS a"
    assert first_statement("SELECT 'a';SELECT 2") == "SELECT 'a'"
    assert first_statement("SELECT 1;;SELECT `;`") == "SELECT 1"
    assert first_statement("SELECT 'a;") == "SELECT 'a;"
