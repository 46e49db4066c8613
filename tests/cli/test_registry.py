"""The act table: what a signature becomes, and what arguments are taken or turned away."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from podadmin.app.acts import registry
from podadmin.app.acts.registry import act, call, find
from podadmin.core.errors import BadInput
from podadmin.core.progress import Progress


@pytest.fixture(autouse=True)
def own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Acts that a test registers are forgotten with the test."""
    monkeypatch.setattr(registry, "_acts", {})
    monkeypatch.setattr(registry, "ROOMS", {})


@pytest.fixture
def sample() -> registry.Act:
    @act("shelf put", writes=True, kinds=("shelf",))
    def put(
        profile: Nowhere,  # type: ignore[name-defined]  # noqa: F821  (a name that only a type checker would know)
        book: Annotated[str, "the book's title"],
        progress: Progress,
        *,
        copies: Annotated[int, "how many"] = 1,
        weight: Annotated[float, "kilograms"] = 0.5,
        lend: Annotated[bool, "may it be lent"] = True,
        size: Annotated[Literal["small", "large"], "its size"] = "small",
        words: Annotated[list[str], "words to find it by"] = [],  # noqa: B006
        notes: Annotated[dict[str, str], "notes by page"] = {},  # noqa: B006
    ) -> dict[str, Any]:
        """Put a book on the shelf.

        It stays there.
        """
        return dict(locals())

    return find("shelf put")


def test_a_signature_is_the_whole_description(sample: registry.Act) -> None:
    assert [(p.name, p.kind, p.required) for p in sample.params] == [
        ("book", "text", True),
        ("copies", "int", False),
        ("weight", "float", False),
        ("lend", "bool", False),
        ("size", "choice", False),
        ("words", "list", False),
        ("notes", "dict", False),
    ]
    assert sample.param("size").choices == ("small", "large")  # type: ignore[union-attr]
    assert sample.param("book").help == "the book's title"  # type: ignore[union-attr]
    assert sample.summary == "Put a book on the shelf."
    assert "It stays there." in sample.explanation
    assert (sample.writes, sample.long, sample.kinds) == (True, True, ("shelf",))


def test_texts_become_the_declared_types(sample: registry.Act) -> None:
    profile, progress = object(), Progress()
    done = call(
        sample,
        profile,
        {
            "book": "Emma",
            "copies": "3",
            "weight": "1.25",
            "lend": "no",
            "size": "large",
            "words": ["a", "b"],
            "notes": ["12=see = there", "13="],
        },
        progress,
    )
    assert done == {
        "profile": profile,
        "book": "Emma",
        "progress": progress,
        "copies": 3,
        "weight": 1.25,
        "lend": False,
        "size": "large",
        "words": ["a", "b"],
        "notes": {"12": "see = there", "13": ""},
    }


def test_what_is_left_out_keeps_the_default_and_a_progress_is_made(sample: registry.Act) -> None:
    done = call(sample, None, {"book": "Emma"})
    assert (done["copies"], done["weight"], done["lend"], done["words"]) == (1, 0.5, True, [])
    assert isinstance(done["progress"], Progress)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({}, "book"),
        ({"book": 3}, "book"),
        ({"book": "a\0b"}, "null character"),
        ({"book": "bad \udcff byte"}, "UTF-8"),
        ({"book": "x", "colour": "red"}, "colour"),
        ({"book": "x", "copies": "three"}, "whole number"),
        ({"book": "x", "copies": 1.0}, "whole number"),
        ({"book": "x", "copies": True}, "whole number"),
        ({"book": "x", "copies": "9" * 5000}, "whole number"),
        ({"book": "x", "weight": "nan"}, "a number"),
        ({"book": "x", "weight": "inf"}, "a number"),
        ({"book": "x", "lend": "perhaps"}, "yes or no"),
        ({"book": "x", "size": "huge"}, "small, large"),
        ({"book": "x", "words": "a"}, "list of texts"),
        ({"book": "x", "words": ["a", 3]}, "a text"),
        ({"book": "x", "notes": "a=b"}, "name=value"),
        ({"book": "x", "notes": ["a"]}, "name=value"),
        ({"book": "x", "notes": ["=b"]}, "name=value"),
        ({"book": "x", "notes": ["a=b", "a=c"]}, "twice"),
        ({"book": "x", "notes": {"a": 1}}, "a text"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(sample: registry.Act, arguments: dict[str, object], word: str) -> None:
    with pytest.raises(BadInput) as caught:
        call(sample, None, arguments)
    assert caught.value.code == "act.bad-argument"
    assert word in caught.value.what + caught.value.why


def test_two_acts_with_one_name_cannot_exist(sample: registry.Act) -> None:
    with pytest.raises(AssertionError, match="shelf put"):

        @act("shelf put")
        def other() -> None:
            """Another one."""


def test_a_parameter_without_help_or_with_a_foreign_type_cannot_exist() -> None:
    with pytest.raises(AssertionError, match="no help"):

        @act("shelf one")
        def one(book: str) -> None:
            """One."""

    with pytest.raises(AssertionError, match="cannot carry"):

        @act("shelf two")
        def two(book: Annotated[bytes, "bytes"]) -> None:
            """Two."""

    with pytest.raises(AssertionError, match="no description"):

        @act("shelf three")
        def three() -> None:
            pass


def test_an_unknown_command_names_the_nearest(monkeypatch: pytest.MonkeyPatch, sample: registry.Act) -> None:
    monkeypatch.setattr(registry, "ROOMS", {"shelf": "podadmin.app.acts"})
    with pytest.raises(BadInput) as caught:
        find("shelf putt")
    assert caught.value.code == "act.unknown"
    assert "`shelf put`" in caught.value.why
    with pytest.raises(BadInput):
        find("\u202eevil")


def test_acts_are_listed_in_the_order_of_their_rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ROOMS", {"b": "podadmin.app.acts", "a": "podadmin.app.acts"})
    for name in ("a two", "b one", "a one"):

        @act(name)
        def one() -> None:
            """One."""

    assert [known.name for known in registry.all_acts()] == ["b one", "a two", "a one"]
    assert [known.name for known in registry.named("a")] == ["a two", "a one"]
