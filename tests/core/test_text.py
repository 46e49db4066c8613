"""Strangers' text: nothing hides, nothing reorders, nothing overflows; ordinary letters stay as they are."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.text import elide, grouped, quoted, stranger, visible
from tests.patience import quick

ANY = st.text(st.characters())


def hidden(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] == "C" or category in {"Zl", "Zp"} or (category == "Zs" and char != " ")


@pytest.mark.parametrize(
    ("char", "shown"),
    [
        ("\u202e", "<U+202E>"),  # right-to-left override
        ("\u2066", "<U+2066>"),  # isolate
        ("\u200b", "<U+200B>"),  # zero width space
        ("\u200d", "<U+200D>"),  # zero width joiner
        ("\ufeff", "<U+FEFF>"),  # byte order mark
        ("\u00ad", "<U+00AD>"),  # soft hyphen
        ("\u00a0", "<U+00A0>"),  # space that does not break
        ("\u2028", "<U+2028>"),  # line separator
        ("\x1b", "<U+001B>"),  # escape: terminals obey it
        ("\x07", "<U+0007>"),
        ("\x7f", "<U+007F>"),
        ("\x9b", "<U+009B>"),  # control sequence introducer in one byte
        ("\ud800", "<U+D800>"),  # half of a pair
        ("\U000e0041", "<U+E0041>"),  # tag letter
        ("\ue000", "<U+E000>"),  # private use
        ("\u034f", "<U+034F>"),  # grapheme joiner: a mark that is drawn as nothing
        ("\u115f", "<U+115F>"),  # Hangul fillers: letters that are drawn as nothing
        ("\u3164", "<U+3164>"),
        ("\uffa0", "<U+FFA0>"),
        ("\u17b4", "<U+17B4>"),  # Khmer vowels that are not drawn
        ("\u180b", "<U+180B>"),  # Mongolian selector of a variant
        ("\u2800", "<U+2800>"),  # Braille without a dot
        ("\ufe0f", "<U+FE0F>"),  # selector of a variant
        ("\U000e0100", "<U+E0100>"),
    ],
)
def test_what_could_hide_or_reorder_is_shown(char: str, shown: str) -> None:
    assert visible(f"a{char}b") == f"a{shown}b"
    assert stranger(f"a{char}b") == f"a{shown}b"


@given(ANY)
def test_nothing_invisible_is_left_in_one_line(text: str) -> None:
    shown = visible(text)
    assert not any(hidden(char) for char in shown)
    shown.encode("utf-8")


@given(ANY)
def test_several_lines_keep_their_breaks_and_nothing_else_that_hides(text: str) -> None:
    shown = visible(text, one_line=False)
    assert not any(hidden(char) and char not in "\n\t" for char in shown)
    assert shown.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["Müller & Söhne", "日本語", "Ελληνικά", "עברית", "حكيم", "é", "1 < 2 > 0", "🩺"])
def test_ordinary_letters_of_every_script_are_left_alone(text: str) -> None:
    assert visible(text) == text


@given(ANY, st.integers(3, 300))
def test_a_strangers_text_is_never_longer_than_its_limit_and_never_hides_anything(text: str, limit: int) -> None:
    shown = stranger(text, limit)
    assert len(shown) <= limit
    assert not any(hidden(char) for char in shown)


@given(st.text("abcdef", max_size=60), st.integers(3, 70))
def test_eliding_keeps_both_ends(text: str, limit: int) -> None:
    shown = elide(text, limit)
    if len(text) <= limit:
        assert shown == text
    else:
        head, tail = shown.split("…")
        assert len(shown) == limit
        assert text.startswith(head)
        assert text.endswith(tail)
        assert 0 <= len(head) - len(tail) <= 1


def test_a_megabyte_from_a_stranger_costs_no_time() -> None:
    text = "\u202eA" * 500_000

    def took() -> float:
        before = time.process_time()
        stranger(text)
        return time.process_time() - before

    quick(0.05, took)
    shown = stranger(text)
    assert len(shown) == 200
    assert shown.startswith("<U+202E>A")


def test_a_long_text_that_is_cut_says_so() -> None:
    assert "…" in stranger("x" * 5000)
    assert stranger("x" * 200) == "x" * 200


@given(ANY, st.integers(3, 60))
def test_a_text_that_was_cut_always_shows_that_it_was(text: str, limit: int) -> None:
    shown = stranger(text, limit)
    assert shown == visible(text) or "…" in shown


def test_a_stranger_cannot_end_the_quotation_marks_around_its_words() -> None:
    name = "lab” (key 0123456789abcdef), confirmed by you. “"
    assert quoted(name) == '“lab" (key 0123456789abcdef), confirmed by you. "”'
    assert quoted("a\nb" * 200, 9) == "“a<U+…0A>b”"
    assert quoted("„x‟ «y» 'z'") == "“„x‟ «y» 'z'”"


def test_fingerprints_are_shown_in_blocks_of_four() -> None:
    assert grouped("ee36a07c0fba92") == "ee36 a07c 0fba 92"
    assert grouped("") == ""


@pytest.mark.parametrize("length", [150, 790, 801, 1000, 5000])
@pytest.mark.parametrize("filling", ["x", "\u202e", "ä"])
def test_what_is_shown_as_the_end_of_a_long_text_is_its_end(length: int, filling: str) -> None:
    shown = stranger("begins " + filling * length + " ends", 100)
    assert (shown[:7], shown[-5:], len(shown)) == ("begins ", " ends", 100)
