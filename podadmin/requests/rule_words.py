"""Rules in plain words: what one says, what changed between two versions, and why one did or did not speak.

Everything that a screen, the journal or the trace says about a rule is written here, from the values that decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from podadmin.core.text import grouped, quoted
from podadmin.requests.result_fields import ALL_FIELDS, RESULT_FIELDS
from podadmin.requests.rule_facts import Facts
from podadmin.requests.rule_fields import ALL, BESIDE_WORDS, FIELDS, LEVEL_WORDS, NONE, RuleField
from podadmin.requests.rule_match import Answer, Prepared
from podadmin.requests.rule_time import Times
from podadmin.requests.rules import LOOK, Condition, Rule
from podadmin.requests.terms import duo
from podadmin.requests.verdict import RULE, Considered

MOST_SHOWN: Final = 8
VERDICT_WORDS: Final = {
    "allow": "Allow a request where all of this is so, without asking anybody:",
    "refuse": "Refuse a request where all of this is so:",
    "hold": "Hold a request for a person where all of this is so, whatever else would allow it:",
    "look": "Say nothing of a request, and look at its results, where all of this is so:",
}
_SHORT: Final = {
    "allow": "allows",
    "refuse": "refuses",
    "hold": "holds for a person",
    "look": "looks at results",
}


_FLAGS: Final[Mapping[str, Mapping[bool | None, str]]] = {
    "ehr": {None: "whether it is used is not known", True: "used", False: "not used"},
    "beside": {
        None: "whether there are such is not known",
        True: BESIDE_WORDS["some"],
        False: BESIDE_WORDS["none"],
    },
}
_HELD: Final = "Results are held:"
_NOT_ALL: Final = "A figure that leaves can be about fewer than all records."


@dataclass(frozen=True)
class Line:
    """One line of a reading. `asked` false: the field is left out. `tone`: plain | warn."""

    label: str
    words: str
    asked: bool
    tone: str = "plain"
    note: str = ""


def reading(rule: Rule) -> tuple[Line, ...]:
    """The rule, field by field: what it asks, and in words what it does not ask."""
    return tuple(_line(rule, field) for field in FIELDS.values())


def _line(rule: Rule, field: RuleField) -> Line:
    found = rule.condition(field.name)
    if found is not None:
        return Line(field.label, sentence(found), True, note=field.note)
    wide = rule.verdict == "allow" and field.name in {"requester_key", "leaves"}
    return Line(field.label, field.absent, False, "warn" if wide else "plain")


def result_reading(rule: Rule) -> tuple[Line, ...]:
    """When the rule holds results, line by line; empty where it never does."""
    fields = (RESULT_FIELDS[each.field] for each in rule.results)
    return tuple(
        Line(field.label, sentence(each), True, note=field.note)
        for field, each in zip(fields, rule.results, strict=True)
    )


def sentence(condition: Condition) -> str:
    """A condition as a sentence."""
    field = ALL_FIELDS[condition.field]
    if condition.mode == NONE:
        return field.modes[NONE]
    if condition.values == (ALL,) and condition.field == "group":
        return "Every figure that leaves is about all records." if condition.mode == "at-least" else _NOT_ALL
    return field.modes[condition.mode].replace("{}", values_words(field, condition.values), 1)


def values_words(field: RuleField, values: tuple[str, ...]) -> str:
    """The values of a condition on `field`, as a person reads them."""
    if field.kind == "time":
        return Times.read(values).words
    if field.kind in {"number", "level", "yes-no"}:
        return (field.choices or {}).get(values[0], values[0])
    if field.name == "promise":
        return " or ".join((field.choices or {})[each] for each in values)
    if field.name == "identity":
        return " or ".join((field.choices or {})[each].split(",")[0] for each in values)
    if field.name == "purpose":
        return _listed([f"{each} ({duo().words(each)})" for each in values])
    if field.name == "requester_key":
        return _listed([grouped(each[:16]) for each in values])
    return _listed([quoted(each, 80) for each in values])


def _listed(words: list[str]) -> str:
    more = len(words) - MOST_SHOWN
    return ", ".join(words[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def cautions(rule: Rule) -> tuple[str, ...]:
    """What a careful person would want to know before keeping this rule."""
    return tuple(_cautions(rule))


def _cautions(rule: Rule) -> Iterator[str]:
    if rule.condition("purpose") is not None:
        yield "It speaks only where you have stated the purpose of the project: no network carries one today."
    identity = rule.condition("identity")
    if identity is not None and "key-based" not in identity.values and identity.mode == "only":
        yield "It can never speak: what is not signed with a key is refused by the gate, which cannot verify it."
    if rule.verdict != "allow":
        if not rule.conditions:
            every = "looks at the results of" if rule.verdict == LOOK else _SHORT[rule.verdict]
            yield f"It has no condition: it {every} every request."
        return
    if rule.condition("requester_key") is None:
        named = rule.condition("requester_name") is not None
        yield (
            "It goes by the name alone: another key that the network registers under that name is allowed as well."
            if named
            else "It does not say who may ask: everybody whom the network admits may."
        )
    leaves = rule.condition("leaves")
    if leaves is None:
        yield "It does not bound what leaves: single records may leave as well."
    elif leaves.mode == "at-most" and leaves.values[0] == "row":
        yield "It lets single records leave."
    elif leaves.mode == "at-most" and leaves.values[0] != "none" and rule.condition("beside") is None:
        yield (
            "It allows each figure by itself: two harmless ones can tell of one person together. Ask for “Other "
            "figures” that cannot be set against these, and a person looks at the second one."
        )
    time = rule.condition("time")
    if time is None or time.mode == "outside" or Times.read(time.values).last is None:
        yield "It has no last day: it lasts until somebody changes it."


def changes(was: Rule | None, now: Rule) -> tuple[str, ...]:
    """What is different between two versions, in sentences. Empty: nothing. `was` None: the rule is new."""
    if was is None:
        held = (f"{_HELD} {sentence(each)}" for each in now.results)
        return (f"New: it {_SHORT[now.verdict]}.", *(sentence(each) for each in now.conditions), *held)
    return tuple(_changes(was, now))


def _changes(was: Rule, now: Rule) -> Iterator[str]:
    if was.name != now.name:
        yield f"Name: was {quoted(was.name)}, now {quoted(now.name)}."
    if was.verdict != now.verdict:
        yield f"Verdict: it {_SHORT[was.verdict]} no longer, it {_SHORT[now.verdict]} now."
    if was.enabled != now.enabled:
        yield "It was switched on." if now.enabled else "It was switched off."
    if was.reviewers != now.reviewers:
        yield f"People who have to agree: was {was.reviewers}, now {now.reviewers}."
    if was.message != now.message:
        yield f"What the requester is told: was {quoted(was.message)}, now {quoted(now.message)}."
    for field in FIELDS.values():
        before, after = was.condition(field.name), now.condition(field.name)
        if before != after:
            yield from _changed(field, before, after)
    held = {each.field: each for each in was.results}, {each.field: each for each in now.results}
    for field in RESULT_FIELDS.values():
        before, after = held[0].get(field.name), held[1].get(field.name)
        if before != after:
            yield from (f"{_HELD} {each}" for each in _changed(field, before, after))


def _changed(field: RuleField, was: Condition | None, now: Condition | None) -> Iterator[str]:
    if was is None or now is None or was.mode != now.mode or field.kind not in {"one", "some", "models"}:
        before = field.absent if was is None else sentence(was)
        after = field.absent if now is None else sentence(now)
        yield f"{field.label}: was: {before} Now: {after}"
        return
    added = tuple(each for each in now.values if each not in was.values)
    gone = tuple(each for each in was.values if each not in now.values)
    if added:
        yield f"{field.label}: added {values_words(field, added)}."
    if gone:
        yield f"{field.label}: took out {values_words(field, gone)}."


def considered(prepared: Prepared, facts: Facts, at: datetime) -> Considered:
    """The line of the trace for one rule."""
    rule = prepared.rule
    stance = prepared.says(facts, at)
    name = f"Rule {quoted(rule.name, 120)}"
    if stance == "does-not-apply":
        return Considered(name, stance, _why_not(prepared, facts, at), about=RULE + rule.mark)
    if rule.verdict == LOOK:
        return Considered(
            name, stance, "It says nothing of the request; it looks at its results.", "", RULE + rule.mark
        )
    code = {"allow": "rule.allowed", "refuse": "rule.refused", "hold": "rule.held"}[rule.verdict]
    return Considered(name, stance, _why(prepared, facts, at), code, RULE + rule.mark, rule.reviewers, rule.message)


def _why(prepared: Prepared, facts: Facts, at: datetime) -> str:
    answers = tuple(prepared.answers(facts, at))
    if not answers:
        words = "It has no condition."
    elif len(answers) == 1:
        words = f"Its condition holds: {FIELDS[answers[0].condition.field].label.lower()}."
    else:
        named = ", ".join(FIELDS[each.condition.field].label.lower() for each in answers)
        words = f"All of its {len(answers)} conditions hold: {named}."
    doubts = [FIELDS[each.condition.field].label.lower() for each in answers if each.truth == "unknown"]
    if doubts:
        words += f" Not known, which counts as the worst: {', '.join(doubts)}."
    if prepared.rule.verdict == "hold" and prepared.rule.reviewers > 1:
        words += f" It asks for {prepared.rule.reviewers} people."
    return words


def _why_not(prepared: Prepared, facts: Facts, at: datetime) -> str:
    if not prepared.rule.enabled:
        return "It is switched off."
    found = next(prepared.against(facts, at), None)
    if found is not None:
        return mismatch(found, facts, at)
    if prepared.from_the_future(at):
        return "It was changed later than this computer's clock says it is now: check the clock."
    return "What the request would do is not known, and no rule allows what is not known."


def mismatch(answer: Answer, facts: Facts, at: datetime) -> str:
    """Why a condition stands against a rule's speaking: what the request has, and what the rule asks."""
    field = FIELDS[answer.condition.field]
    has = value_words(field, facts, at)
    if answer.truth == "unknown":
        return f"{field.label}: {has}; what is not known is not allowed by a rule. {sentence(answer.condition)}"
    return f"{field.label}: {has}. The rule asks: {sentence(answer.condition)}"


def value_words(field: RuleField, facts: Facts, at: datetime) -> str:
    """What a request has for a field, as a person reads it."""
    name = field.name
    if name == "time":
        return f"it came at {at:%Y-%m-%d %H:%M} UTC"
    if name in {"column", "algorithm", "purpose"}:
        found = {"column": facts.columns, "algorithm": facts.algorithms, "purpose": facts.purposes}[name]
        said = _listed([quoted(each, 80) for each in found])
        if name == "column" and facts.all_columns:
            return f"{said} and perhaps every other column" if said else "which columns is not known"
        return said or {"purpose": "no purpose is stated for it"}.get(name, "none")
    if name == "model":
        return _listed([quoted(each.slug or "not pinned") for each in facts.models]) or "it runs no model"
    if name == "leaves":
        return LEVEL_WORDS.get(facts.level, "what leaves is not known")
    if name == "inferences":
        return "how many is not known" if facts.inferences is None else f"up to {facts.inferences:.15g}"
    if name == "group" and facts.whole:
        return "no figure is about fewer than all records"
    if name == "group":
        group = facts.smallest_group
        return "nothing guarantees a size of groups" if group is None else f"groups of {group} or more"
    if name in _FLAGS:
        return _FLAGS[name][getattr(facts, name)]
    found_one: str = getattr(facts, name)
    if name == "requester_key":
        return grouped(found_one[:16]) if found_one else "no key"
    return quoted(found_one, 80) if found_one else "none is named"
