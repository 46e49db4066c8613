"""Rules as the pages and commands show them: rows, readings, trials and proposals, made from the values that decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from podadmin.app.views.rules import (
    FlipRow,
    RuleDetail,
    RuleFieldRow,
    RuleLine,
    RuleRow,
    RuleVersion,
    SuggestionRow,
    Trial,
    WayOutView,
    WhyNotView,
)
from podadmin.core.clock import unstamp
from podadmin.core.text import grouped, stranger
from podadmin.requests.policy import Rules
from podadmin.requests.records import request
from podadmin.requests.result_fields import ALL_FIELDS, RESULT_FIELDS
from podadmin.requests.rule_facts import Facts
from podadmin.requests.rule_fields import RuleField
from podadmin.requests.rule_history import past, tried
from podadmin.requests.rule_service import Version
from podadmin.requests.rule_words import VERDICT_WORDS, Line, cautions, changes, reading, result_reading, sentence
from podadmin.requests.rules import Rule
from podadmin.requests.simulation import Flip, Simulated, replay, simulate
from podadmin.requests.suggestion import suggestions
from podadmin.requests.terms import duo
from podadmin.requests.why_not import why_not

MOST_FLIPS: Final = 200
MOST_KNOWN: Final = 60
LOOKED_AT: Final = 1_000


def row_of(version: Version) -> RuleRow:
    """A rule in its newest version."""
    rule = version.rule
    return RuleRow(
        rule.id,
        stranger(rule.name),
        rule.verdict,
        "on" if rule.enabled else "off",
        says(rule),
        rule.version,
        version.at,
        stranger(version.by),
        stranger(version.reason, 2000),
    )


def says(rule: Rule) -> tuple[str, ...]:
    """The conditions of a rule as sentences, and then what holds the results."""
    asked = tuple(sentence(each) for each in rule.conditions) or ("Every request.",)
    return (*asked, *(f"Its results are held: {sentence(each)}" for each in rule.results))


def lines_of(rule: Rule) -> tuple[RuleLine, ...]:
    """The reading of a rule."""
    return tuple(map(_line, reading(rule)))


def _line(line: Line) -> RuleLine:
    return RuleLine(line.label, line.words, line.asked, line.tone, line.note)


def detail_of(versions: Sequence[Version]) -> RuleDetail:
    """A rule from all its versions, newest first."""
    rule = versions[0].rule
    before = [each.rule for each in versions[1:]]
    return RuleDetail(
        row_of(versions[0]),
        VERDICT_WORDS[rule.verdict],
        lines_of(rule),
        cautions(rule),
        rule.texts(),
        rule.message,
        rule.reviewers,
        tuple(
            RuleVersion(
                each.rule.version,
                each.at,
                stranger(each.by),
                stranger(each.reason, 2000),
                ("It was removed.",) if each.removed else changes(was, each.rule),
                each.removed,
            )
            for each, was in zip(versions, [*before, None], strict=True)
        ),
        rule.result_texts(),
        tuple(map(_line, result_reading(rule))),
    )


def trial_of(connection: Connection, rules: Rules, wanted: Rule) -> Trial:
    """A draft, read and tried on the past requests."""
    found = simulate(past(connection), rules, wanted)
    shown = found.flips[:MOST_FLIPS]
    return Trial(
        lead=VERDICT_WORDS[wanted.verdict],
        lines=lines_of(wanted),
        cautions=cautions(wanted),
        words=trial_words(found),
        total=found.total,
        spoken=found.spoken,
        to_allow=len(found.to("allow")),
        to_refuse=len(found.to("refuse")),
        to_hold=len(found.to("hold")),
        against=len(found.against),
        flips=flip_rows(connection, shown),
        result_lines=tuple(map(_line, result_reading(wanted))),
    )


def trial_words(found: Simulated) -> str:
    """A simulation in one sentence."""
    if not found.total:
        return "No verified request has come so far, so there is nothing to try this on."
    of = "Of the 1 request" if found.total == 1 else f"Of the last {found.total:,} requests"
    flips = f"{len(found.to('allow')):,} would flip to allow, {len(found.to('refuse')):,} to refuse"
    if found.to("hold"):
        flips += f", {len(found.to('hold')):,} to hold"
    against = len(found.against)
    told = "" if not against else f" {against:,} of them against what a person decided."
    return f"{of}, {flips}. The rule speaks of {found.spoken:,}.{told}"


def flip_rows(connection: Connection, flips: Iterable[Flip]) -> tuple[FlipRow, ...]:
    """The requests of these flips, in their order."""
    wanted = list(flips)
    rows: dict[str, Row[Any]] = {
        row.id: row
        for row in connection.execute(select(request).where(request.c.id.in_([each.request_id for each in wanted])))
    }
    return tuple(
        FlipRow(
            each.request_id,
            stranger(rows[each.request_id].requester),
            stranger(rows[each.request_id].task),
            each.was,
            each.now,
            each.decided,
            unstamp(rows[each.request_id].received_at),
        )
        for each in wanted
    )


def field_rows(connection: Connection) -> tuple[RuleFieldRow, ...]:
    """What rules can ask about, with what has come so far."""
    seen = [each.facts for each in past(connection, LOOKED_AT)]
    keys = {each.requester_key: f"{each.requester_name}, {grouped(each.requester_key[:16])}" for each in seen}
    return tuple(
        RuleFieldRow(
            field.name,
            field.label,
            field.kind,
            tuple(field.modes.items()),
            field.absent,
            field.note,
            _choices(field),
            tuple(list(keys.items())[:MOST_KNOWN]) if field.name == "requester_key" else _known(field, seen),
            "result" if field.name in RESULT_FIELDS else "request",
        )
        for field in ALL_FIELDS.values()
    )


def _choices(field: RuleField) -> tuple[tuple[str, str], ...]:
    if field.name == "purpose":
        return tuple((term.code, f"{term.label} ({term.code})") for term in duo().terms.values())
    return tuple((field.choices or {}).items())


def _known(field: RuleField, seen: Sequence[Facts]) -> tuple[tuple[str, str], ...]:
    if field.kind == "models":
        values = [each.slug for facts in seen for each in facts.models]
    elif field.name == "names":
        values = [value for facts in seen for value in facts.columns]
    elif field.name in {"column", "algorithm"}:
        values = [value for facts in seen for value in getattr(facts, f"{field.name}s")]
    elif field.kind == "one" and field.choices is None:
        values = [getattr(facts, field.name) for facts in seen]
    else:
        return ()
    return tuple((value, value) for value in sorted({each for each in values if each})[:MOST_KNOWN])


def suggestion_rows(connection: Connection, rules: Rules, now: datetime) -> tuple[SuggestionRow, ...]:
    """What could be proposed, without what the rules allow already."""
    history = past(connection, by_people=True)
    facts = {each.request_id: each for each in history}
    found = suggestions(history, now.date())
    return tuple(
        SuggestionRow(
            stranger(each.rule.name), len(each.requests), says(each.rule), each.rule.texts(), each.requests[-10:]
        )
        for each in found
        if any(rules.stance(facts[one].facts, now) != "allows" for one in each.requests)
    )


def why_not_of(connection: Connection, request_id: str, rules: Rules) -> WhyNotView:
    """Why a request is not allowed, as things are now. Raises NotFound (`rule.no-facts`)."""
    known, always = tried(connection, request_id), rules.as_if_always()
    found = why_not(known.facts, known.at, known.circumstances, always)
    new_rule = found.new_rule
    return WhyNotView(
        request_id,
        replay(known.facts, known.at, known.circumstances, always).outcome == "allow",
        found.blockers,
        tuple(WayOutView(each.side, each.words) for each in found.ways),
        new_rule.texts() if new_rule is not None else {},
        says(new_rule) if new_rule is not None else (),
    )
