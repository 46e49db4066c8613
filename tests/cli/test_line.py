"""Command lines: words and options in any sensible order, and what is said about the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest

from podadmin.app.acts import registry
from podadmin.app.acts.registry import act
from podadmin.cli.line import parse, wants_json
from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_acts", {})
    monkeypatch.setattr(registry, "ROOMS", {"shelf": "podadmin.app.acts", "tour": "podadmin.app.acts"})

    @act("shelf put", writes=True)
    def put(
        profile: object,
        book: Annotated[str, "the book's title, 100 % exact"],
        place: Annotated[str, "where"],
        *,
        lend: Annotated[bool, "may it be lent"] = True,
        size: Annotated[Literal["small", "large"], "its size"] = "small",
        words: Annotated[list[str], "words to find it by"] = [],  # noqa: B006
        notes: Annotated[dict[str, str], "notes by page"] = {},  # noqa: B006
        passphrase_file: Annotated[str, "a file"] = "",
    ) -> None:
        """Put a book on the shelf."""

    @act("tour")
    def tour(profile: object, progress: Progress) -> None:
        """Be shown around."""

    @act("tour remove")
    def remove(profile: object) -> None:
        """Forget the tour."""


@pytest.mark.parametrize(
    "line",
    [
        "--profile P --json shelf put Emma top --no-lend",
        "shelf put Emma top --no-lend --json --profile P",
        "shelf put --profile=P Emma --no-lend top --json",
        "shelf --profile P put Emma --json top --no-lend",
    ],
)
def test_options_of_every_command_stand_before_between_and_after_the_words(line: str) -> None:
    understood = parse(line.split())
    assert understood.act is not None
    assert understood.act.name == "shelf put"
    assert understood.arguments == {"book": "Emma", "place": "top", "lend": False}
    assert understood.options.profile == Path("P")
    assert not understood.options.headless, "a command never takes the keyring that forgets unasked"
    assert understood.json


def test_lists_and_pairs_are_given_more_than_once() -> None:
    line = parse(
        [
            "shelf",
            "put",
            "Emma",
            "top",
            "--words",
            "a",
            "--words",
            "b",
            "--notes",
            "1=x",
            "--notes",
            "2=y=z",
            "--size",
            "large",
        ]
    )
    assert line.arguments == {
        "book": "Emma",
        "place": "top",
        "words": ["a", "b"],
        "notes": ["1=x", "2=y=z"],
        "size": "large",
    }


def test_after_two_dashes_everything_is_an_argument() -> None:
    line = parse(["shelf", "put", "--", "--json", "-x"])
    assert line.arguments == {"book": "--json", "place": "-x"}
    assert not line.json
    assert not wants_json(["shelf", "put", "--", "--json"])


def test_an_option_that_an_act_shares_with_every_command_reaches_both() -> None:
    line = parse(["shelf", "put", "Emma", "top", "--passphrase-file", "F", "--keyring", "memory"])
    assert line.options.passphrase_file == Path("F")
    assert line.options.keyring == "memory"
    assert line.arguments == {"book": "Emma", "place": "top", "passphrase_file": "F"}


def test_the_longest_command_is_meant() -> None:
    assert parse(["tour"]).act is registry.find("tour")
    assert parse(["tour", "remove"]).act is registry.find("tour remove")


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("", "cli.usage", "no command"),
        ("--json", "cli.usage", "no command"),
        ("shelf", "cli.usage", "one more word"),
        ("shelf put Emma", "cli.usage", "place"),
        ("shelf put Emma top more", "cli.usage", "more"),
        ("shelf put Emma top --colour red", "cli.usage", "--colour"),
        ("shelf put Emma top --siz large", "cli.usage", "--siz"),
        ("shelf put Emma top --keyring plain", "cli.usage", "plain"),
        ("shelf pit Emma top", "act.unknown", "`shelf put`"),
        ("shelves put", "act.unknown", "`shelf`"),
        ("shelf put Emma top --profile", "cli.usage", "--profile"),
        ("shelf put Emma top --profile=", "cli.empty-path", "empty"),
    ],
)
def test_a_line_that_cannot_be_understood_says_why(line: str, code: str, word: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(line.split())
    assert caught.value.code == code
    assert word in caught.value.why


def test_help_comes_from_the_table() -> None:
    overall = parse(["--help"]).help
    assert "shelf put    Put a book on the shelf." in overall
    assert "serve" in overall
    assert "130 stopped with Ctrl-C" in overall
    assert "--exit-after-paint" in overall
    assert parse(["help"]).help == overall
    assert parse(["help", "shelf", "put"]).help == parse(["shelf", "put", "--help"]).help
    assert "usage: podadmin tour " in parse(["tour", "--help"]).help
    assert "shelf put" in parse(["shelf", "--help"]).help
    of_act = parse(["shelf", "put", "--help"]).help
    assert "the book's title, 100 % exact" in of_act
    assert "{small,large}" in of_act
    assert "(without it: small)" in of_act
    assert "--no-lend" in of_act


def test_own_commands_need_no_table() -> None:
    assert parse(["serve", "--profile", "P"]).own == "serve"
    assert parse(["version"]).own == "version"
    assert parse(["--version"]).own == "version"
