"""Rules as frozen values: what a custodian says once about requests of a kind, checked before it can be kept.

A rule is a verdict and conditions that all have to hold. A condition is a field, a way of asking and values; it has a
text, the same in the form, on the command line and in the record, such as `only: age, sex`. A field that is left out
asks nothing. There are no patterns and no order: what rules say is weighed, and a refusal wins.

A rule can also say when the results of a task are held until a person has seen them; one of these is enough. A rule
that only looks says nothing else: it has no opinion on the request.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, cast

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput
from podadmin.core.text import quoted
from podadmin.requests.result_fields import ALL_FIELDS, RESULT_FIELDS
from podadmin.requests.rule_fields import ALL, FIELDS, NONE, RuleField
from podadmin.requests.rule_models import Models
from podadmin.requests.rule_time import Times

RuleVerdict = Literal["allow", "refuse", "hold", "look"]
VERDICTS: Final[tuple[RuleVerdict, ...]] = ("allow", "refuse", "hold", "look")
LOOK: Final = "look"
"""A rule that says nothing of a request, and when its results are held."""
MOST_VALUES: Final = 500
MOST_CHARACTERS: Final = 300
MOST_NAME: Final = 120
MOST_MESSAGE: Final = 1000
MOST_REVIEWERS: Final = 5
_KEY_DIGITS: Final = 64
_NOTHING: Final[Mapping[str, str]] = {}
_ORDER: Final[Mapping[str, int]] = {name: place for place, name in enumerate(ALL_FIELDS)}


@dataclass(frozen=True)
class Condition:
    """One thing that has to be so. Made by `condition`, which checks it."""

    field: str
    mode: str
    values: tuple[str, ...]

    @property
    def text(self) -> str:
        """`mode: values`, as `condition` reads it."""
        plain = all(each and each == each.strip() and "," not in each and each[0] != "[" for each in self.values)
        listed = ", ".join(self.values) if plain else json.dumps(self.values, ensure_ascii=False)
        return f"{self.mode}: {listed}".strip()


@dataclass(frozen=True)
class Rule:
    """A rule in one of its versions. Made by `draft` and `read_rule`, which check it.

    `message` is what a requester is told who is refused. `reviewers`: so many people have to agree, for a rule that
    holds. `since`: when this version came into force; None where a rule is only tried. `results`: each of them holds
    the results of a task that the rule speaks about.
    """

    id: str
    name: str
    verdict: RuleVerdict
    conditions: tuple[Condition, ...]
    enabled: bool = True
    message: str = ""
    reviewers: int = 1
    version: int = 1
    since: datetime | None = None
    results: tuple[Condition, ...] = ()

    @property
    def mark(self) -> str:
        """`ID@VERSION`: what the journal and a decision say of a rule."""
        return f"{self.id}@{self.version}"

    def condition(self, field: str) -> Condition | None:
        """The condition on a field, None where it asks nothing of it."""
        return next((each for each in self.conditions if each.field == field), None)

    def with_condition(self, field: str, wanted: Condition | None) -> Rule:
        """The rule with another condition on a field, or with none."""
        rest = (each for each in self.conditions if each.field != field)
        return replace(self, conditions=_ordered((*rest, wanted) if wanted is not None else rest))

    def texts(self) -> dict[str, str]:
        """The conditions by their field, as `draft` takes them."""
        return {each.field: each.text for each in self.conditions}

    def result_texts(self) -> dict[str, str]:
        """What holds its results, by field, as `draft` takes them."""
        return {each.field: each.text for each in self.results}

    def document(self) -> str:
        """The rule as it is kept, as canonical JSON: everything but version and time, which its record tells."""
        said: dict[str, Any] = {
            "name": self.name,
            "verdict": self.verdict,
            "conditions": _listed(self.conditions),
            "enabled": self.enabled,
            "message": self.message,
            "reviewers": self.reviewers,
        }
        if self.results:  # rules that hold no results are written as they were before any could
            said["results"] = _listed(self.results)
        return canonical(said)

    @property
    def digest(self) -> str:
        """The SHA-256 of `document` in hexadecimal digits: its entry holds it, so that the record can be proved."""
        return hashlib.sha256(self.document().encode()).hexdigest()


def draft(
    name: str,
    verdict: str,
    conditions: Mapping[str, str],
    *,
    message: str = "",
    reviewers: int = 1,
    enabled: bool = True,
    rule_id: str = "",
    version: int = 1,
    results: Mapping[str, str] = _NOTHING,
) -> Rule:
    """A rule from what was entered.

    Raises BadInput: `rule.bad-name`, `rule.bad-verdict`, `rule.bad-condition`, `rule.no-condition`,
    `rule.message-missing`, `rule.bad-reviewers`, `rule.no-results`, `rule.no-result-comes`.
    """
    found = tuple(condition(field, text, FIELDS) for field, text in conditions.items())
    held = tuple(condition(field, text, RESULT_FIELDS) for field, text in results.items())
    return _checked(
        Rule(
            rule_id,
            name.strip(),
            cast(RuleVerdict, verdict),
            _ordered(found),
            enabled,
            message.strip(),
            reviewers,
            version,
            results=_ordered(held),
        )
    )


def read_rule(rule_id: str, version: int, document: str, since: datetime | None) -> Rule:
    """A rule as it was kept. Raises BadInput as `draft` does and ValueError where it is no rule at all."""
    found: Any = json.loads(document)
    try:
        conditions = tuple(_condition(*each) for each in found["conditions"])
        held = found.get("results", ())
        results = tuple(_condition(field, mode, values, RESULT_FIELDS) for field, mode, values in held)
        rule = Rule(
            rule_id,
            found["name"],
            found["verdict"],
            _ordered(conditions),
            found["enabled"],
            found["message"],
            found["reviewers"],
            version,
            since,
            _ordered(results),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("not a rule") from error
    return _checked(rule)


def condition(field: str, text: str, fields: Mapping[str, RuleField] = FIELDS) -> Condition:
    """A condition from its text, such as `only: age, sex`. Raises BadInput (`rule.bad-condition`).

    `fields` are those that it can be about: what a request is, or RESULT_FIELDS for what holds its results.
    """
    asked = _field(field, fields)
    mode, colon, rest = text.partition(":")
    if not colon or mode.strip() not in asked.modes:
        raise _bad(asked, f"It starts with one of: {', '.join(f'{each}:' for each in asked.modes)}.")
    return _condition(field, mode.strip(), _values(asked, rest.strip()) if rest.strip() else (), fields)


def _condition(field: str, mode: str, values: Iterable[str], fields: Mapping[str, RuleField] = FIELDS) -> Condition:
    asked, given = _field(field, fields), tuple(values)
    if mode not in asked.modes:
        raise _bad(asked, f"Its mode is one of: {', '.join(asked.modes)}.")
    if mode == NONE and not given:
        return Condition(field, mode, ())
    if mode == NONE:
        raise _bad(asked, "This way of asking names nothing to compare with.")
    if not given or not all(given):
        raise _bad(asked, "It names nothing to compare with.")
    if len(given) > MOST_VALUES or any(len(each) > MOST_CHARACTERS for each in given):
        raise _bad(asked, f"It takes at most {MOST_VALUES} values of {MOST_CHARACTERS} characters.")
    return Condition(field, mode, _normal(asked, given))


def _field(name: str, fields: Mapping[str, RuleField]) -> RuleField:
    found = fields.get(name)
    if found is None:
        of = " of results" if fields is RESULT_FIELDS else ""
        raise BadInput(
            "rule.bad-condition",
            "The rule cannot be used as it is.",
            f"Rules cannot ask for {quoted(name, 40)}{of}. They can ask for: {', '.join(fields)}.",
            "Leave the condition out or name one of these.",
        )
    return found


def _values(asked: RuleField, text: str) -> tuple[str, ...]:
    if not text.startswith("["):
        return tuple(each.strip() for each in text.split(","))
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _bad(asked, "What begins with a bracket is a JSON list of texts.")
    return tuple(found)


def _normal(asked: RuleField, values: tuple[str, ...]) -> tuple[str, ...]:
    """Values as they are kept: each once, in a fixed order, checked by the kind of the field."""
    if asked.kind == "time":
        try:
            return Times.read(values).texts()
        except ValueError as error:
            raise _bad(asked, str(error)) from None
    if asked.kind == "number" and (asked.name, values) != ("group", (ALL,)):
        if len(values) != 1 or not (values[0].isascii() and values[0].isdecimal()) or len(values[0]) > 15:
            raise _bad(asked, "It takes one whole number, 0 or more.")
        return (str(int(values[0])),)
    if asked.kind in {"level", "yes-no"} and len(values) != 1:
        raise _bad(asked, "It takes one value.")
    if asked.choices is not None and not set(values) <= asked.choices.keys():
        raise _bad(asked, f"It can be: {', '.join(asked.choices)}.")
    if asked.kind == "models":
        try:
            values = tuple(Models.read(each).text for each in values)
        except ValueError as error:
            raise _bad(asked, str(error)) from None
    if asked.name == "requester_key":
        values = tuple(each.replace(" ", "").lower() for each in values)
        if not all(len(each) == _KEY_DIGITS and set(each) <= set("0123456789abcdef") for each in values):
            raise _bad(asked, f"A key is named by the {_KEY_DIGITS} hexadecimal digits of its fingerprint.")
    return tuple(sorted(set(values)))


def _ordered(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    return tuple(sorted(conditions, key=lambda each: _ORDER[each.field]))


def _listed(conditions: Iterable[Condition]) -> list[list[Any]]:
    return [[each.field, each.mode, list(each.values)] for each in conditions]


def _checked(rule: Rule) -> Rule:
    if not rule.name or len(rule.name) > MOST_NAME:
        raise _unfit("bad-name", f"It needs a name of at most {MOST_NAME} characters.", "Give it a name.")
    if rule.verdict not in VERDICTS:
        raise _unfit("bad-verdict", f"Its verdict is one of: {', '.join(VERDICTS)}.", "Choose one of them.")
    if any(len({each.field for each in said}) != len(said) for said in (rule.conditions, rule.results)):
        raise _unfit("bad-condition", "It asks for one field twice.", "Put both into one condition.")
    if rule.verdict == "allow" and not rule.conditions:
        raise _unfit(
            "no-condition",
            "Without any condition it would allow everything that anybody asks for.",
            "Say at least who may ask, or what may leave.",
        )
    if rule.verdict == "refuse" and not rule.message:
        raise _unfit(
            "message-missing",
            "A refusal needs a reason: its requester will read it, and so will whoever asks later.",
            "Write one sentence that says why.",
        )
    if rule.verdict == LOOK and not rule.results:
        raise _unfit(
            "no-results",
            "A rule that only looks at results has to say when it holds them.",
            "Say when results are held, or choose another verdict.",
        )
    if rule.verdict == "refuse" and rule.results:
        raise _unfit(
            "no-result-comes",
            "What it refuses never runs, so no result comes that could be held.",
            "Leave out when results are held, or choose another verdict.",
        )
    if len(rule.message) > MOST_MESSAGE:
        raise _unfit("bad-message", f"Its reason has more than {MOST_MESSAGE} characters.", "Write a shorter one.")
    highest = MOST_REVIEWERS if rule.verdict == "hold" else 1
    if type(rule.reviewers) is not int or not 1 <= rule.reviewers <= highest:
        raise _unfit(
            "bad-reviewers",
            f"A rule that holds can ask for 1 to {MOST_REVIEWERS} people; others ask for nobody.",
            "Choose another number or another verdict.",
        )
    return rule


def _bad(asked: RuleField, why: str) -> BadInput:
    return BadInput(
        "rule.bad-condition",
        "The rule cannot be used as it is.",
        f"{asked.label}: {why}",
        "Change this condition or leave it out.",
    )


def _unfit(cause: str, why: str, next_step: str) -> BadInput:
    return BadInput(f"rule.{cause}", "The rule cannot be used as it is.", why, next_step)
