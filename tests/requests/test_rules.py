"""Rules as values: what can be entered, what cannot, and that what is kept is what was said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.errors import BadInput
from podadmin.networks.bitfount.authorisation import IDENTITY_VERIFICATION_METHODS
from podadmin.requests.rule_facts import ModelFact
from podadmin.requests.rule_fields import FIELDS, IDENTITY_WORDS
from podadmin.requests.rule_models import Models
from podadmin.requests.rule_time import Times
from podadmin.requests.rules import Condition, Rule, condition, draft, read_rule
from tests.requests import rule_worlds as w

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@given(w.rules(most=16))
def test_a_rule_is_read_as_it_was_kept(rule: Rule) -> None:
    read = read_rule(rule.id, rule.version, rule.document(), None)
    assert read == rule
    assert draft(
        rule.name, rule.verdict, rule.texts(), message=rule.message, reviewers=rule.reviewers,
        enabled=rule.enabled, rule_id=rule.id, version=rule.version,
    ) == rule  # fmt: skip
    assert [each.field for each in rule.conditions] == sorted(
        (each.field for each in rule.conditions), key=list(FIELDS).index
    )


@given(st.permutations(["column", "leaves", "project"]))
def test_the_order_of_conditions_and_values_makes_no_difference(fields: list[str]) -> None:
    texts = {"column": "only: sex, age, sex", "leaves": "at-most: counts", "project": "other: b, a"}
    rule = draft("r", "allow", {field: texts[field] for field in fields})
    assert rule == draft("r", "allow", dict(sorted(texts.items())))
    assert rule.condition("column") == Condition("column", "only", ("age", "sex"))
    assert rule.condition("time") is None


def test_names_with_commas_brackets_and_spaces_are_carried_whole() -> None:
    for values in (("a, b",), ("[x]",), (" padded",), ("a,b", "plain")):
        made = Condition("column", "only", values)
        assert condition("column", made.text) == made
    assert Condition("column", "any", ("a", "b")).text == "any: a, b"
    assert Condition("column", "none", ()).text == "none:"
    assert condition("project", "none:") == Condition("project", "none", ())


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("colour", "only: red"),
        ("column", "age"),
        ("column", "every: age"),
        ("column", "only:"),
        ("column", "only: age,,sex"),
        ("column", "none: age"),
        ("column", "only: [1]"),
        ("column", "only: [broken"),
        ("column", 'only: ["a", 1]'),
        ("column", "only: " + "x" * 301),
        ("column", "only: " + ",".join(str(n) for n in range(501))),
        ("leaves", "at-most: anything"),
        ("leaves", "at-most: unknown"),
        ("leaves", "at-most: none, row"),
        ("inferences", "at-most: -1"),
        ("inferences", "at-most: 1.5"),
        ("inferences", "at-most: 1, 2"),
        ("inferences", "at-most: all"),
        ("inferences", "at-most: ٣"),
        ("inferences", "at-most: " + "9" * 16),
        ("group", "at-most: 5"),
        ("ehr", "is: perhaps"),
        ("ehr", "is: used, not-used"),
        ("identity", "only: saml"),
        ("requester_key", "only: abcd"),
        ("requester_key", "only: " + "g" * 64),
        ("model", "only: Retina"),
        ("model", "only: acme/Retina:5-3"),
        ("model", "only: acme/Retina:"),
        ("model", "only: acme/Retina:-"),
        ("model", "only: acme/Retina:x"),
        ("model", "only: acme/Retina#12"),
        ("model", "only: acme/Retina#" + "z" * 16),
        ("model", "only: acme/:3"),
        ("model", "only: acme/#" + "a" * 16),
        ("model", "only: /Retina"),
        ("model", "only: acme/Retina/x:3"),
        ("time", "within: Mon"),
        ("time", "within: UTC"),
        ("time", "within: Mon-Sun, UTC"),
        ("time", "within: Mon, Nowhere/City"),
        ("time", "within: Mon-Xyz, UTC"),
        ("time", "within: 08:00-08:00, UTC"),
        ("time", "within: 8:xx-18:00, UTC"),
        ("time", "within: 25:00-26:00, UTC"),
        ("time", "within: 2026-02-29..2026-03-01, UTC"),
        ("time", "within: 2026-03-02..2026-03-01, UTC"),
        ("time", "within: .., UTC"),
        ("time", "within: Mon, Tue, UTC"),
        ("time", "within: Mon, UTC, Europe/London"),
    ],
)
def test_what_is_no_condition_is_said_to_be_none(field: str, text: str) -> None:
    with pytest.raises(BadInput) as caught:
        condition(field, text)
    assert caught.value.code == "rule.bad-condition"
    assert caught.value.why.endswith((".", "?"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "rule.bad-name"),
        ({"name": "x" * 121}, "rule.bad-name"),
        ({"verdict": "perhaps"}, "rule.bad-verdict"),
        ({"conditions": {}}, "rule.no-condition"),
        ({"verdict": "refuse"}, "rule.message-missing"),
        ({"verdict": "refuse", "message": "  "}, "rule.message-missing"),
        ({"message": "x" * 1001}, "rule.bad-message"),
        ({"reviewers": 2}, "rule.bad-reviewers"),
        ({"verdict": "hold", "reviewers": 0}, "rule.bad-reviewers"),
        ({"verdict": "hold", "reviewers": 6}, "rule.bad-reviewers"),
        ({"verdict": "hold", "reviewers": True}, "rule.bad-reviewers"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_not_made(changes: dict[str, Any], code: str) -> None:
    given: dict[str, Any] = {"name": "r", "verdict": "allow", "conditions": {"project": "only: p"}}
    with pytest.raises(BadInput) as caught:
        draft(**{**given, **changes})
    assert caught.value.code == code


def test_the_widest_rules_that_can_be_meant() -> None:
    assert draft("x" * 120, "hold", {}, reviewers=5).conditions == ()
    assert draft("x", "refuse", {}, message="x" * 1000).message == "x" * 1000
    assert draft(" x ", "allow", {"project": "none:"}).name == "x"
    widest = ",".join(f"{n:0300}" for n in range(500))
    assert len(condition("column", "only: " + widest).values) == 500


def test_a_record_that_is_no_rule_is_told_apart_from_a_rule() -> None:
    good = json.loads(draft("r", "allow", {"project": "only: p"}).document())
    for broken in ({**good, "conditions": 5}, {**good, "conditions": [["project"]]}, {"name": "r"}):
        with pytest.raises(ValueError, match="not a rule"):
            read_rule("rul_1", 1, json.dumps(broken), None)
    with pytest.raises(BadInput):
        read_rule("rul_1", 1, json.dumps({**good, "verdict": "perhaps"}), None)
    twice = {**good, "conditions": [["project", "only", ["p"]], ["project", "other", ["q"]]]}
    with pytest.raises(BadInput):
        read_rule("rul_1", 1, json.dumps(twice), None)
    with pytest.raises(BadInput):
        read_rule("rul_1", 1, json.dumps({**good, "conditions": [["project", "any", ["p"]]]}), None)
    read = read_rule("rul_1", 7, json.dumps(good), SINCE)
    assert (read.mark, read.since) == ("rul_1@7", SINCE)


def test_nobody_can_change_a_rule_after_it_was_checked() -> None:
    rule = draft("r", "allow", {"project": "only: p"})
    for thing, name in ((rule, "verdict"), (rule.conditions[0], "mode")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, "refuse")


def test_another_condition_takes_the_place_of_the_one_before() -> None:
    rule = draft("r", "allow", {"project": "only: p", "leaves": "at-most: row"})
    wider = rule.with_condition("project", None)
    assert [each.field for each in wider.conditions] == ["leaves"]
    assert wider.with_condition("network", condition("network", "only: local")).conditions[0].field == "network"
    assert replace(rule) == rule


def test_the_names_of_identity_methods_are_those_of_the_field() -> None:
    assert tuple(sorted(IDENTITY_WORDS)) == tuple(sorted(IDENTITY_VERIFICATION_METHODS))


@pytest.mark.parametrize(
    ("text", "slug", "covered"),
    [
        ("acme/Retina", "acme/Retina:3", "yes"),
        ("acme/", "acme/Other:1", "yes"),
        ("acme/", "evil/Other:1", "no"),
        ("acme/Retina", "acme/Retin:3", "no"),
        ("acme/Retina:3", "acme/Retina:3", "yes"),
        ("acme/Retina:3", "acme/Retina:4", "no"),
        ("acme/Retina:3", "acme/Retina:2", "no"),
        ("acme/Retina:3-5", "acme/Retina:5", "yes"),
        ("acme/Retina:3-5", "acme/Retina:6", "no"),
        ("acme/Retina:3-", "acme/Retina:99", "yes"),
        ("acme/Retina:-5", "acme/Retina:6", "no"),
        ("acme/Retina:0", "acme/Retina:0", "yes"),
        ("acme/Retina", "", "unknown"),
        ("acme/Retina", "acme/Retina", "unknown"),
        ("acme/Retina", "acme/:1", "unknown"),
    ],
)
def test_which_models_a_rule_means(text: str, slug: str, covered: str) -> None:
    models = Models.read(text)
    assert models.text == text
    assert models.covers(ModelFact(slug), str) == covered


def test_a_hash_has_to_be_known_and_right() -> None:
    wanted = Models.read("acme/Retina:3#" + "AB" * 8)
    assert wanted.text == "acme/Retina:3#" + "ab" * 8
    covers: Callable[..., str] = lambda code, weights: wanted.covers(ModelFact("acme/Retina:3", code, weights), str)  # noqa: E731
    assert covers("ab" * 8, "") == "yes"
    assert covers("", "ab" * 8) == "yes"
    assert covers("", "") == "unknown"
    assert covers("cd" * 8, "") == "unknown"
    assert covers("cd" * 8, "ef" * 8) == "no"


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("times", "moment", "holds"),
    [
        (("Mon-Fri", "UTC"), at("2026-11-20T12:00"), True),
        (("Mon-Fri", "UTC"), at("2026-11-21T12:00"), False),
        (("Sat-Mon", "UTC"), at("2026-11-23T00:00"), True),
        (("Sat-Mon", "UTC"), at("2026-11-24T00:00"), False),
        (("08:00-18:00", "UTC"), at("2026-11-21T08:00"), True),
        (("08:00-18:00", "UTC"), at("2026-11-21T07:59:59"), False),
        (("08:00-18:00", "UTC"), at("2026-11-21T18:00"), False),
        (("22:00-06:00", "UTC"), at("2026-11-21T22:00"), True),
        (("22:00-06:00", "UTC"), at("2026-11-21T05:59"), True),
        (("22:00-06:00", "UTC"), at("2026-11-21T06:00"), False),
        (("Fri", "22:00-06:00", "UTC"), at("2026-11-21T05:00"), True),
        (("Fri", "22:00-06:00", "UTC"), at("2026-11-20T05:00"), False),
        (("Fri", "22:00-06:00", "UTC"), at("2026-11-20T23:00"), True),
        (("Fri", "08:00-18:00", "UTC"), at("2026-11-20T09:00"), True),
        (("2026-11-21..2026-11-22", "UTC"), at("2026-11-21T00:00"), True),
        (("2026-11-21..2026-11-22", "UTC"), at("2026-11-22T23:59"), True),
        (("2026-11-21..2026-11-22", "UTC"), at("2026-11-23T00:00"), False),
        (("2026-11-21..2026-11-22", "UTC"), at("2026-11-20T23:59"), False),
        (("2026-11-21..", "UTC"), at("2099-01-01T00:00"), True),
        (("..2026-11-21", "UTC"), at("1999-01-01T00:00"), True),
        (("..2026-11-21", "22:00-06:00", "UTC"), at("2026-11-22T05:00"), True),
        # the zone counts: 07:30 UTC is 08:30 in summer and 07:30 in winter in London
        (("08:00-18:00", "Europe/London"), datetime(2026, 7, 1, 7, 30, tzinfo=UTC), True),
        (("08:00-18:00", "Europe/London"), datetime(2026, 12, 1, 7, 30, tzinfo=UTC), False),
        # the night on which clocks go back has 01:30 twice, and both count
        (("01:00-02:00", "Europe/London"), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),
        (("01:00-02:00", "Europe/London"), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), True),
        # leap day, and after 2038
        (("2028-02-29..2028-02-29", "UTC"), at("2028-02-29T23:00"), True),
        (("2028-02-29..2028-02-29", "UTC"), at("2028-03-01T00:00"), False),
        (("..2038-01-19", "UTC"), at("2038-01-19T03:14:08"), True),
        (("..2038-01-19", "UTC"), at("2038-01-20T00:00"), False),
        (("..2050-12-31", "UTC"), at("2040-02-29T12:00"), True),
    ],
)
def test_days_hours_and_dates(times: tuple[str, ...], moment: datetime, holds: bool) -> None:
    assert Times.read(times).holds(moment) is holds
    assert Times.read(Times.read(times).texts()).holds(moment) is holds


@given(
    st.frozensets(st.integers(0, 6), max_size=6),
    st.none() | st.tuples(st.times(), st.times()).filter(lambda t: t[0].strftime("%H%M") != t[1].strftime("%H%M")),
    st.none() | st.dates(date(2000, 1, 1), date(2060, 1, 1)),
    st.none() | st.integers(0, 500),
)
def test_times_are_read_as_they_are_written(
    days: frozenset[int], hours: tuple[time, time] | None, first: date | None, more: int | None
) -> None:
    last = first + timedelta(days=more) if first is not None and more is not None else None
    begins, until = (each.replace(second=0, microsecond=0) for each in hours) if hours else (None, None)
    times = Times("Europe/London", days, begins, until, first, last)
    if not days and not hours and first is None:
        with pytest.raises(ValueError, match="neither"):
            Times.read(times.texts())
        return
    assert Times.read(reversed(times.texts())) == times
    assert "Europe/London time" in times.words


def test_times_in_words() -> None:
    assert (
        Times.read(("Mon-Wed", "22:00-06:00", "UTC")).words
        == "on Mon, Tue, Wed, from 22:00 until 06:00 the next day (UTC time)"
    )
    dates = Times.read(("2026-01-01..2026-12-31", "08:00-18:00", "Europe/London"))
    assert dates.words == "from 08:00 until 18:00, from 2026-01-01 on, until the end of 2026-12-31 (Europe/London time)"


@pytest.mark.parametrize(
    ("times", "why"),
    [
        (("Mon-Tue-Wed", "UTC"), "Days are written as Mon Tue Wed or Mon-Fri."),
        (("Mon-", "UTC"), "Days are written as Mon Tue Wed or Mon-Fri."),
        (("Mon--Fri", "UTC"), "Days are written as Mon Tue Wed or Mon-Fri."),
        (("Mon", "Tue", "UTC"), "It names days twice."),
        (("08:00-09:00", "10:00-11:00", "UTC"), "It names hours twice."),
        (("2026-01-01..", "..2026-01-01", "UTC"), "It names dates twice."),
        (("UTC", "Mon", "Europe/London"), "It names a time zone twice."),
        (("Mon",), "It names no time zone, such as Europe/London or UTC."),
        (("UTC",), "It names neither some of the days nor hours nor dates."),
        (("Mon-Sun", "UTC"), "It names neither some of the days nor hours nor dates."),
        (("Mon", "Mars/Olympus"), "Its time zone is not known; zones are written as Europe/London or UTC."),
        (("Mon", "../etc", "UTC"), "Dates are written as 2026-01-01..2026-12-31."),
        (("25:00-26:00", "UTC"), "Hours are written as 08:00-18:00."),
        (("08:00", "UTC"), "Hours are written as 08:00-18:00."),
        (("08:00-08:00", "UTC"), "Hours end at another time than they begin."),
        (("2026-13-01..", "UTC"), "Dates are written as 2026-01-01..2026-12-31."),
        (("2026-02-01..2026-01-31", "UTC"), "The last date comes before the first, or neither is named."),
        (("..", "UTC"), "The last date comes before the first, or neither is named."),
    ],
)
def test_times_that_cannot_be_meant_say_what_is_wrong(times: tuple[str, ...], why: str) -> None:
    with pytest.raises(ValueError) as caught:
        Times.read(times)
    assert str(caught.value) == why


def test_times_as_they_are_written_and_said() -> None:
    whole = Times.read((" fri-mon ", "2026-01-01..2026-12-31", "08:30-17:05", "UTC"))
    assert whole.days == {0, 4, 5, 6}
    assert whole.texts() == ("Mon Fri Sat Sun", "08:30-17:05", "2026-01-01..2026-12-31", "UTC")
    assert whole.words == (
        "on Mon, Fri, Sat, Sun, from 08:30 until 17:05, from 2026-01-01 on, until the end of 2026-12-31 (UTC time)"
    )
    assert Times.read(("wed", "UTC")).texts() == ("Wed", "UTC")
    assert Times.read(("..2026-12-31", "UTC")).texts() == ("..2026-12-31", "UTC")
    assert Times.read(("2026-01-01..", "UTC")).texts() == ("2026-01-01..", "UTC")
    assert Times.read(("2026-01-01..2026-01-01", "UTC")).words == (
        "from 2026-01-01 on, until the end of 2026-01-01 (UTC time)"
    )
    assert Times.read(("tue", "22:00-06:00", "UTC")).words == "on Tue, from 22:00 until 06:00 the next day (UTC time)"


MODELS = [
    ("acme/Retina", "acme/Retina:3", "yes"),
    ("acme/", "acme/Anything:1", "yes"),
    ("acme/", "acme/sub/Retina:1", "yes"),
    ("acme/Retina#0123456789abcdef", "acme/Retina:1", "unknown"),
    ("acme/Retina", "acme/Retina2:3", "no"),
    ("acme/Retina", "other/Retina:3", "no"),
    ("acme/Retina:3", "acme/Retina:3", "yes"),
    ("acme/Retina:3", "acme/Retina:4", "no"),
    ("acme/Retina:3", "acme/Retina:2", "no"),
    ("acme/Retina:3-5", "acme/Retina:3", "yes"),
    ("acme/Retina:3-5", "acme/Retina:5", "yes"),
    ("acme/Retina:3-5", "acme/Retina:2", "no"),
    ("acme/Retina:3-5", "acme/Retina:6", "no"),
    ("acme/Retina:3-", "acme/Retina:99", "yes"),
    ("acme/Retina:3-", "acme/Retina:2", "no"),
    ("acme/Retina:-5", "acme/Retina:0", "yes"),
    ("acme/Retina:-5", "acme/Retina:6", "no"),
    ("acme/Retina", "", "unknown"),
    ("acme/Retina", "acme/Retina", "unknown"),
    ("acme/Retina", "/Retina:3", "unknown"),
    ("acme/Retina", "acme/:3", "unknown"),
    ("acme/Retina", "acme/Retina:latest", "unknown"),
]


@pytest.mark.parametrize(("meant", "slug", "truth"), MODELS)
def test_models_are_covered_by_owner_name_and_versions(meant: str, slug: str, truth: str) -> None:
    assert Models.read(meant).covers(ModelFact(slug), str) == truth
    assert Models.read(Models.read(meant).text) == Models.read(meant)
    assert Models.read(meant).text == meant


@pytest.mark.parametrize(
    ("code", "weights", "truth"),
    [
        ("c" * 16, "", "yes"),
        ("", "c" * 16, "yes"),
        ("d" * 16, "c" * 16, "yes"),
        ("d" * 16, "e" * 16, "no"),
        ("d" * 16, "", "unknown"),
        ("", "d" * 16, "unknown"),
        ("", "", "unknown"),
    ],
)
def test_a_hash_that_is_asked_for_is_that_of_the_code_or_the_weights(code: str, weights: str, truth: str) -> None:
    asked = Models.read("acme/Retina#" + "C" * 16)
    assert asked.covers(ModelFact("acme/Retina:3", code, weights), str) == truth
    assert asked.covers(ModelFact("acme/Other:3", code, weights), str) == "no"
    assert asked.text == "acme/Retina#" + "c" * 16


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "A model is written owner/name, with :version or :first-last after it."),
        ("acme", "A model is written owner/name, with :version or :first-last after it."),
        ("/Retina", "A model is written owner/name, with :version or :first-last after it."),
        ("acme/Retina/3", "A model is written owner/name, with :version or :first-last after it."),
        ("acme/:3", "A model is written owner/name, with :version or :first-last after it."),
        ("acme/#" + "c" * 16, "A model is written owner/name, with :version or :first-last after it."),
        ("acme/Retina#" + "c" * 15, "The hash of a model is written in hexadecimal digits, all of them."),
        ("acme/Retina#" + "g" * 16, "The hash of a model is written in hexadecimal digits, all of them."),
        ("acme/Retina#", "The hash of a model is written in hexadecimal digits, all of them."),
        ("acme/Retina:", "Versions are written as 3, 3-5, 3- or -5."),
        ("acme/Retina:-", "Versions are written as 3, 3-5, 3- or -5."),
        ("acme/Retina:x", "Versions are written as 3, 3-5, 3- or -5."),
        ("acme/Retina:3-x", "Versions are written as 3, 3-5, 3- or -5."),
        ("acme/Retina:٣", "Versions are written as 3, 3-5, 3- or -5."),
        ("acme/Retina:5-3", "The first version comes after the last."),
    ],
)
def test_models_that_cannot_be_meant_say_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        Models.read(text)
    assert str(caught.value) == why


def test_spelling_counts_as_it_is_asked() -> None:
    asked = Models.read("ACME/retina")
    assert asked.covers(ModelFact("acme/Retina:3"), str) == "no"
    assert asked.covers(ModelFact("acme/Retina:3"), str.casefold) == "yes"
    assert Models.read("acme/Retina:3-3").text == "acme/Retina:3"
