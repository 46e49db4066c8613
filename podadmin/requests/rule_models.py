"""Which models a rule means: an owner, a name, a range of versions and a hash, each compared as it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from podadmin.requests.rule_facts import ModelFact

Truth = Literal["yes", "no", "unknown"]
_SHORTEST_HASH = 16


@dataclass(frozen=True)
class Models:
    """`owner/name:3-5#hash`. An empty name means all of the owner; None at an end of the versions means no end."""

    owner: str
    name: str = ""
    first: int | None = None
    last: int | None = None
    digest: str = ""

    @classmethod
    def read(cls, text: str) -> Models:
        """From its text. Raises ValueError with a sentence that says what is wrong."""
        slug, hashed, digest = text.partition("#")
        owner, slash, rest = slug.partition("/")
        name, colon, versions = rest.partition(":")
        if not owner or not slash or "/" in rest or (not name and (colon or hashed)):
            raise ValueError("A model is written owner/name, with :version or :first-last after it.")
        first, last = _range(versions) if colon else (None, None)
        digest = digest.lower()
        if hashed and (len(digest) < _SHORTEST_HASH or not set(digest) <= set("0123456789abcdef")):
            raise ValueError("The hash of a model is written in hexadecimal digits, all of them.")
        return cls(owner, name, first, last, digest)

    @property
    def text(self) -> str:
        """As `read` takes it."""
        versions = ""
        if self.first is not None or self.last is not None:
            first = "" if self.first is None else str(self.first)
            last = "" if self.last is None else str(self.last)
            versions = f":{first}" if self.first == self.last else f":{first}-{last}"
        return f"{self.owner}/{self.name}{versions}" + (f"#{self.digest}" if self.digest else "")

    def covers(self, model: ModelFact, fold: Callable[[str], str]) -> Truth:
        """Is `model` among these? `unknown` where it is not pinned, or its hash is asked for and not known."""
        owner, _, rest = model.slug.partition("/")
        name, _, version = rest.rpartition(":")
        if not owner or not name or not version.isdecimal():
            return "unknown"
        if fold(owner) != fold(self.owner) or (self.name and fold(name) != fold(self.name)):
            return "no"
        number = int(version)
        if (self.first is not None and number < self.first) or (self.last is not None and number > self.last):
            return "no"
        if not self.digest or self.digest in (model.code, model.weights):
            return "yes"
        return "no" if model.code and model.weights else "unknown"


def _range(text: str) -> tuple[int | None, int | None]:
    first, dash, last = text.partition("-")
    ends = [first, last] if dash else [first, first]
    if not any(ends) or not all(each == "" or (each.isascii() and each.isdecimal()) for each in ends):
        raise ValueError("Versions are written as 3, 3-5, 3- or -5.")
    low, high = (int(each) if each else None for each in ends)
    if low is not None and high is not None and low > high:
        raise ValueError("The first version comes after the last.")
    return low, high
