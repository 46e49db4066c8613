"""A grant covers what it was made for so long as it lasts, and is voided by nothing but what it was made for, changed.

The stories are about one requester with a grant for inference with version 3 of a model on two columns.
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.requests.effect_facts import Computing, ModelUse, Output, Reading
from podadmin.requests.effect_table import shipped
from podadmin.requests.effects import statement
from podadmin.requests.envelope import Verified, VerifiedRequest
from podadmin.requests.fingerprint import fingerprint
from podadmin.requests.grant_pins import (
    FOUND_HERE,
    KEY,
    MAY_VARY,
    UNSIGNED,
    WORDS,
    Pins,
    Surroundings,
    pins_of,
    shown,
    surroundings,
    varying,
)
from podadmin.requests.grants import Change, Grant, GrantOutcome, changes_of, enough, matches, voided_by

Make = Callable[..., Verified[VerifiedRequest]]
MADE = datetime(2028, 2, 28, 23, 30, tzinfo=UTC)
OLD = Grant("grt_1", "f" * 64, 2, MADE + timedelta(days=1), MADE, "req_1")
FAMILY = "449ccc9b408c524e378e00ba9579c5e0f82b981b912f7373b278110495f0efef"
AGGREGATED = "96525eb17caada0dcf7e51cef09ed5d74ebb7ae51e76fe5166b2782c4938a684"
ANOTHER = "It was made for a different request."
KNOWN = Surroundings(
    model_hash={"acme/Retina:3": "aa" * 32},
    code={"acme/Retina:3": "bb" * 32},
    weights={"acme/Retina:3": "cc" * 32},
    columns_read=("age", "sex"),
    destinations=("requester by message",),
    purpose="DUO:0000042",
)
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def asked(mark: str) -> Pins:
    return Pins("", mark, {})


@pytest.fixture(scope="session")
def inference(protocols: dict[str, Any]) -> dict[str, Any]:
    protocol: dict[str, Any] = protocols["inference"]
    return protocol


@pytest.fixture(scope="session")
def pins(verified: Make, inference: dict[str, Any]) -> Callable[..., Pins]:
    """The pins of the granted request with changes: to the protocol by a path, to its outside, to what was found."""

    def make(at: tuple[str, ...] = (), value: Any = None, around: Surroundings = KNOWN, **changes: Any) -> Pins:
        protocol = copy.deepcopy(inference)
        place: Any = protocol
        for step in at[:-1]:
            place = place[step]
        if at:
            place[at[-1]] = value
        return pins_of(verified(protocol, **changes), around)

    return make


@pytest.fixture(scope="session")
def grant(pins: Callable[..., Pins]) -> Grant:
    return granted(pins())


def granted(made_for: Pins, **changes: Any) -> Grant:
    given = {
        "id": "grt_1",
        "fingerprint": made_for.fingerprint,
        "runs_left": 2,
        "expires_at": MADE + timedelta(days=1),
        "made_at": MADE,
        "made_from": "req_1",
        "pins": made_for,
    }
    return Grant(**{**given, **changes})


# --- how long a grant lasts ------------------------------------------------------------------------------------------


def test_a_grant_matches_what_it_was_made_for() -> None:
    two = GrantOutcome(True, "It was made for exactly this request and has 2 runs left.")
    assert matches(OLD, asked("f" * 64), MADE) == two
    one = GrantOutcome(True, "It was made for exactly this request and has 1 run left.")
    assert matches(dataclasses.replace(OLD, runs_left=1), asked("f" * 64), MADE) == one


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fingerprint": "e" * 64}, ANOTHER),
        ({"voided_reason": "the model changed\u202e"}, "It was voided: the model changed<U+202E>."),
        ({"voided_reason": "x" * 1001}, f"It was voided: {'x' * 500}…{'x' * 499}."),
        ({"voided_reason": ""}, "It was voided: no reason is recorded."),
        ({"runs_left": 0}, "All its runs are used."),
        ({"runs_left": -1}, "All its runs are used."),
        ({"expires_at": MADE}, "It has expired."),
        (
            {"made_at": MADE + timedelta(seconds=1)},
            "It was made later than this computer's clock says it is now: check the clock.",
        ),
    ],
)
def test_a_grant_that_does_not_match_says_why(change: dict[str, object], why: str) -> None:
    outcome = matches(dataclasses.replace(OLD, **change), asked("f" * 64), MADE)  # type: ignore[arg-type]
    assert outcome == GrantOutcome(False, why, ())


def test_nothing_matches_a_request_without_a_fingerprint() -> None:
    nothing = matches(dataclasses.replace(OLD, fingerprint=""), asked(""), MADE)
    assert nothing == GrantOutcome(False, ANOTHER)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MADE + timedelta(hours=23, minutes=59), True),
        (MADE + timedelta(hours=24), False),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), True),
        (MADE + timedelta(hours=48), False),
        (MADE - timedelta(hours=48), False),
        (datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), False),
    ],
)
def test_clocks_that_jump_never_widen_a_grant(now: datetime, expected: bool) -> None:
    assert matches(OLD, asked("f" * 64), now).matches is expected


@given(
    same=st.booleans(),
    runs=st.integers(-2, 3),
    expires=times,
    made=times,
    now=times,
    voided=st.none() | st.text(),
    pinned=st.booleans(),
)
def test_a_grant_matches_exactly_when_every_condition_holds(
    same: bool, runs: int, expires: datetime, made: datetime, now: datetime, voided: str | None, pinned: bool
) -> None:
    what = Pins("family", "a", dict.fromkeys(WORDS, '"x"'))
    other = Pins("family", "b", {**what.values, "protocol": '"y"'})
    mark = what if same else other
    grant = Grant("g", "a", runs, expires, made, "r", voided, what if pinned else None)
    assert matches(grant, mark, now).matches == (same and runs > 0 and made <= now < expires and voided is None)


def test_a_grant_may_be_bounded_in_inferences() -> None:
    assert enough(OLD, (1e9,))
    bounded = dataclasses.replace(OLD, inferences_left=10.0)
    assert enough(bounded, (4.0, 6.0))
    assert not enough(bounded, (4.0, 6.5))
    assert enough(dataclasses.replace(OLD, inferences_left=0.0), ())


# --- pins ------------------------------------------------------------------------------------------------------------

protocol_changes = st.sampled_from(
    [
        (),
        (("algorithm", "model", "model_version"), 4),
        (("algorithm", "model", "model_version"), "3"),
        (("algorithm", "model", "model_ref"), "Retina2"),
        (("algorithm", "model", "hyperparameters"), {"model_version": 4}),
        (("algorithm", "model", "hyperparameters"), {"target": "age"}),
        (("algorithm", "class_outputs"), ["a"]),
        (("algorithm", "datastructure", "selected_cols"), ["age"]),
        (("algorithm", "datastructure", "selected_cols"), ["sex", "age"]),
        (("algorithm", "datastructure", "target"), "sex"),
        (("algorithm", "datastructure", "image_prefix"), "imgs_"),
        (("save_location",), ["Worker"]),
        (("selected_cols",), ["age"]),
        (("extra",), None),
    ]
)
outsides = st.fixed_dictionaries(
    {},
    optional={
        "project_id": st.sampled_from(["proj-1", "proj-2", None]),
        "requester_key_fingerprint": st.sampled_from(["ab" * 32, "cd" * 32]),
        "flags": st.sampled_from([{"batched_execution": False}, {"test_run": True}, {"supports_mps": True}, {}]),
        "pod_identifiers": st.sampled_from([("alice/patients",), ("alice/patients", "b/b")]),
    },
)


@given(one=st.tuples(protocol_changes, outsides), other=st.tuples(protocol_changes, outsides))
def test_pins_and_family_say_together_exactly_what_the_fingerprint_says(
    verified: Make, inference: dict[str, Any], one: Any, other: Any
) -> None:
    def made(change: Any) -> Verified[VerifiedRequest]:
        (at, outside), protocol = change, copy.deepcopy(inference)
        if at:
            place: Any = protocol
            for step in at[0][:-1]:
                place = place[step]
            place[at[0][-1]] = at[1]
        return verified(protocol, **outside)

    first, second = made(one), made(other)
    a, b = pins_of(first), pins_of(second)
    assert ((a.family, a.values) == (b.family, b.values)) == (fingerprint(first) == fingerprint(second))
    assert a.fingerprint == fingerprint(first)
    assert matches(granted(a), b, MADE).matches == (fingerprint(first) == fingerprint(second))


def test_every_pin_has_a_value_in_json_and_words(pins: Callable[..., Pins]) -> None:
    found = pins()
    assert set(found.values) == set(WORDS)
    assert json.loads(found.values["columns"]) == [
        [["algorithm", "datastructure", "image_prefix"], "img_"],
        [["algorithm", "datastructure", "selected_cols"], ["age", "sex"]],
    ]
    assert {name: shown(name, value) for name, value in found.values.items()} == {
        KEY: "abababababababab",
        "identity": "key-based",
        "switches": "batched_execution off, requires_ehr_connection off",
        "protocol": json.loads(found.values["protocol"])[:16],
        "model_version": "3",
        "columns": 'img_, ["age","sex"]',
        "destination": "requester by message",
        "model_hash": "acme/Retina:3: " + "aa" * 32,
        "code": "acme/Retina:3: " + "bb" * 32,
        "weights": "acme/Retina:3: " + "cc" * 32,
        "columns_read": "age, sex",
        "purpose": "general research use (DUO:0000042)",
    }


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("model_hash", "{}", "not known"),
        ("purpose", '""', "not known"),
        ("columns_read", "[]", "not known"),
        ("switches", "[]", "none"),
        ("columns", "[]", "none"),
        ("destination", "[]", "none"),
        ("model_version", "[]", "none"),
        ("model_version", '[[["algorithm"],0]]', "0"),
        ("model_version", '[[["algorithm"],null]]', "none"),
        ("model_version", "[[[],1],[[],2]]", "1, 2"),
        ("columns", '[[[],"a\u202eb"]]', "a<U+202E>b"),
        ("columns_read", '["x\u200by"]', "x<U+200B>y"),
        ("code", '{"a":"1","b":"2"}', "a: 1, b: 2"),
        ("code", json.dumps({"a": "x" * 400}), f"a: {'x' * 147}…{'x' * 149}"),
        ("purpose", json.dumps("x" * 400), f"{'x' * 150}…{'x' * 149}"),
        ("code", '{"a\u202e":"b"}', "a<U+202E>: b"),
        ("switches", '[["x",true],["y",1]]', 'x on, ["y",1]'),
        ("switches", "[[1,true]]", "[1,true]"),
        ("switches", '[["a","b"],["c",true,2]]', '["a","b"], ["c",true,2]'),
    ],
)
def test_a_pin_is_shown_in_plain_words_with_nothing_hidden(name: str, value: str, words: str) -> None:
    assert shown(name, value) == words


def test_what_is_long_is_shortened_in_the_middle() -> None:
    assert len(shown("columns_read", json.dumps(["c" * 40] * 40))) == 300


def test_what_varies_takes_along_what_follows_from_it() -> None:
    assert varying(()) == frozenset()
    assert varying({"switches"}) == {"switches"}
    assert varying({"columns"}) == {"columns", "columns_read"}
    assert varying({"model_version"}) == {"model_version", "model_hash", "code", "weights"}
    assert MAY_VARY.isdisjoint({KEY, "identity", "protocol", "destination", "purpose"})
    assert set(WORDS) >= MAY_VARY | UNSIGNED | FOUND_HERE


def test_the_parts_of_every_step_are_pinned(verified: Make, protocols: dict[str, Any]) -> None:
    """Steps stand in a list: what is in the second one counts as much as what is in the first."""
    report = protocols["report"]
    found = pins_of(verified(report))
    assert json.loads(found.values["model_version"]) == [[["algorithm", 0, "model", "model_version"], 3]]
    assert json.loads(found.values["columns"]) == [[["algorithm", 1, "original_cols"], ["name", "born"]]]
    for place, name, value in ((1, "original_cols", ["name"]), (1, "extra", 1), (0, "extra", 1)):
        changed = copy.deepcopy(report)
        changed["algorithm"][place][name] = value
        assert matches(granted(found), pins_of(verified(changed)), MADE).changes
    longer = copy.deepcopy(report)
    longer["algorithm"].append(longer["algorithm"][1])
    assert matches(granted(found), pins_of(verified(longer)), MADE) == GrantOutcome(False, ANOTHER)


def test_what_this_pod_found_out_comes_from_the_effect_statement(verified: Make, inference: dict[str, Any]) -> None:
    models = (
        ModelUse("a/b:1", code_digest="c1", weights_digest="w1"),
        ModelUse("a/c:1"),
        ModelUse("", code_digest="x"),
    )
    outputs = (
        Output("row", "message", "requester", "words"),
        Output("row", "upload", "store", "words", address="s3://there"),
        Output("counts", "telemetry", "operator", "words", always=True),
    )
    effects = dataclasses.replace(
        statement(verified(inference), shipped("bitfount")),
        read=Reading("patients", columns=("age",), all_columns=False),
        computed=Computing(models=models),
        outputs=outputs,
    )
    found = surroundings(effects)
    assert found == Surroundings(
        code={"a/b:1": "c1"},
        weights={"a/b:1": "w1"},
        columns_read=("age",),
        destinations=("requester by message", "store by upload to s3://there"),
    )
    everything = dataclasses.replace(effects, read=Reading("patients", columns=("age",)))
    told = surroundings(everything, "DUO:0000042", {"a/b:1": "h"})
    assert told.columns_read == ("age", "*")
    assert (told.purpose, told.model_hash) == ("DUO:0000042", {"a/b:1": "h"})


def test_a_family_has_the_same_name_in_every_version_of_podadmin(verified: Make, inference: dict[str, Any]) -> None:
    """It is stored with the grant: another one would turn every grant into one for something else."""
    aggregated = {**inference, "aggregator": {"class_name": "bitfount.Aggregator"}}
    assert pins_of(verified(inference)).family == FAMILY
    assert pins_of(verified(aggregated)).family == AGGREGATED


# --- what voids ------------------------------------------------------------------------------------------------------

VOIDING: dict[str, tuple[dict[str, Any], str, str]] = {
    "model_version": ({"at": ("algorithm", "model", "model_version"), "value": 4}, "3", "4"),
    "columns": (
        {"at": ("algorithm", "datastructure", "selected_cols"), "value": ["age", "nhs"]},
        'img_, ["age","sex"]',
        'img_, ["age","nhs"]',
    ),
    "protocol": ({"at": ("save_location",), "value": ["Modeller"]}, "", ""),
    "model_hash": (
        {"around": dataclasses.replace(KNOWN, model_hash={"acme/Retina:3": "dd" * 32})},
        "acme/Retina:3: " + "aa" * 32,
        "acme/Retina:3: " + "dd" * 32,
    ),
    "code": ({"around": dataclasses.replace(KNOWN, code={"acme/Retina:3": "d"})}, "", "acme/Retina:3: d"),
    "weights": ({"around": dataclasses.replace(KNOWN, weights={"acme/Retina:3": "d"})}, "", "acme/Retina:3: d"),
    "columns_read": ({"around": dataclasses.replace(KNOWN, columns_read=("age",))}, "age, sex", "age"),
    "purpose": (
        {"around": dataclasses.replace(KNOWN, purpose="DUO:0000006")},
        "general research use (DUO:0000042)",
        "health or medical or biomedical research (DUO:0000006)",
    ),
    "destination": (
        {"around": dataclasses.replace(KNOWN, destinations=("store by upload to s3",))},
        "requester by message",
        "store by upload to s3",
    ),
    KEY: ({"requester_key_fingerprint": "cd" * 32}, "abababababababab", "cdcdcdcdcdcdcdcd"),
}


@pytest.mark.parametrize("pin", list(VOIDING))
def test_a_changed_pin_voids_the_grant_which_says_what_was_and_what_is(
    grant: Grant, pins: Callable[..., Pins], pin: str
) -> None:
    change, was, now = VOIDING[pin]
    outcome = matches(grant, pins(**change), MADE)
    assert not outcome.matches
    assert outcome.matches is False
    (broken,) = outcome.changes
    assert broken.pin == pin
    assert broken.was != broken.now
    assert broken.was == was or not was
    assert broken.now == now or not now
    assert broken.words in outcome.why
    assert broken.words == f"{WORDS[pin]}: was {broken.was}, now {broken.now}"
    assert voided_by((grant,), pins(**change), MADE) == ((grant, (broken,)),)


@pytest.mark.parametrize("pin", [name for name in VOIDING if name in MAY_VARY])
def test_a_pin_that_may_vary_does_not_void_and_the_request_is_covered(
    grant: Grant, pins: Callable[..., Pins], pin: str
) -> None:
    change = VOIDING[pin][0]
    loose = dataclasses.replace(grant, may_vary=varying({pin}))
    outcome = matches(loose, pins(**change), MADE)
    same = pins(**change).fingerprint == grant.fingerprint
    which = "exactly this request" if same else "this request, which may vary so,"
    assert outcome == GrantOutcome(True, f"It was made for {which} and has 2 runs left.")
    assert same == (pin in FOUND_HERE)
    assert voided_by((loose,), pins(**change), MADE) == ()
    others = [name for name in VOIDING if name not in loose.may_vary]
    assert all(not matches(loose, pins(**VOIDING[name][0]), MADE).matches for name in others)


@pytest.mark.parametrize(
    "change",
    [
        {"network": "bitfount"},
        {"requester_name": "Somebody Else"},
        {"project_id": "proj-2"},
        {"pod_identifier": "b/b", "pod_identifiers": ("b/b",)},
        {"pod_identifiers": ("alice/patients", "b/b")},
        {"at": ("class_name",), "value": "bitfount.FederatedAveraging"},
        {"at": ("algorithm", "class_name"), "value": "bitfount.ModelEvaluation"},
        {"at": ("algorithm", "model", "username"), "value": "evil"},
        {"at": ("algorithm", "model", "model_ref"), "value": "Other"},
        {"at": ("algorithm", "query"), "value": "SELECT 1"},
        {"at": ("algorithm", "datastructure", "table"), "value": "other"},
        {"at": ("aggregator",), "value": {"class_name": "bitfount.SecureAggregator"}},
        {"at": ("algorithm", "model"), "value": None},
    ],
)
def test_another_undertaking_leaves_the_grant_as_it_is(
    grant: Grant, pins: Callable[..., Pins], change: dict[str, Any]
) -> None:
    outcome = matches(grant, pins(**change), MADE)
    assert outcome == GrantOutcome(False, ANOTHER)
    assert voided_by((grant,), pins(**change), MADE) == ()


@pytest.mark.parametrize("flags", [{"batched_execution": True}, {"test_run": True}, {}])
def test_what_stands_outside_the_signature_neither_matches_nor_voids(
    grant: Grant, pins: Callable[..., Pins], flags: dict[str, Any]
) -> None:
    outcome = matches(grant, pins(flags=flags), MADE)
    assert (outcome.matches, outcome.changes) == (False, ())
    assert WORDS["switches"] in outcome.why
    # a carrier cannot hide what the signer changed by changing a switch as well
    both = matches(grant, pins(("algorithm", "model", "model_version"), 4, flags=flags), MADE)
    assert [change.pin for change in both.changes] == ["switches", "model_version"]
    told = "; ".join(change.words for change in both.changes)
    assert both == GrantOutcome(False, f"What was granted is not what is asked for any more. {told}.", both.changes)
    words = changes_of(grant, pins(flags=flags), {"switches"})[0].words
    assert outcome == GrantOutcome(False, f"It was made for a request like this, but not for this one. {words}.")


@pytest.mark.parametrize("name", sorted(FOUND_HERE))
@pytest.mark.parametrize("unknown_first", [True, False])
def test_what_could_not_be_found_out_neither_matches_nor_voids(
    pins: Callable[..., Pins], name: str, unknown_first: bool
) -> None:
    gone = dataclasses.replace(KNOWN, **{name: type(getattr(KNOWN, name))()})
    before, after = (gone, KNOWN) if unknown_first else (KNOWN, gone)
    outcome = matches(granted(pins(around=before)), pins(around=after), MADE)
    assert (outcome.matches, outcome.changes) == (False, ())


def test_where_no_key_proved_who_asks_nothing_voids(pins: Callable[..., Pins]) -> None:
    def unproved(found: Pins) -> Pins:
        return dataclasses.replace(found, values={**found.values, KEY: '""'})

    nameless = granted(unproved(pins()))
    changed = pins(("algorithm", "model", "model_version"), 4)
    assert matches(nameless, unproved(changed), MADE).changes == ()
    assert matches(nameless, changed, MADE).changes == ()
    assert matches(granted(pins()), unproved(pins()), MADE).changes == ()
    assert matches(nameless, pins(), MADE).changes == ()
    assert matches(nameless, unproved(pins()), MADE).matches


@pytest.mark.parametrize(
    "over",
    [{"voided_reason": "x"}, {"runs_left": 0}, {"expires_at": MADE}, {"made_at": MADE + timedelta(seconds=1)}],
)
def test_a_grant_that_is_over_is_not_voided_again(
    grant: Grant, pins: Callable[..., Pins], over: dict[str, Any]
) -> None:
    changed = pins(("algorithm", "model", "model_version"), 4)
    assert voided_by((dataclasses.replace(grant, **over),), changed, MADE) == ()


def test_another_key_and_another_wish_is_somebody_elses_request(grant: Grant, pins: Callable[..., Pins]) -> None:
    theirs = pins(("algorithm", "model", "model_version"), 4, requester_key_fingerprint="cd" * 32)
    assert matches(grant, theirs, MADE) == GrantOutcome(False, "It was made for another key.")
    only = pins(requester_key_fingerprint="cd" * 32)
    words = "The requester's key: was abababababababab, now cdcdcdcdcdcdcdcd"
    (change,) = matches(grant, only, MADE).changes
    assert matches(grant, only, MADE) == GrantOutcome(
        False, f"The same request came under another key. {words}.", (change,)
    )


def test_two_grants_of_one_requester_stand_beside_each_other(grant: Grant, pins: Callable[..., Pins]) -> None:
    newer = pins(("algorithm", "model", "model_version"), 4)
    second = granted(newer, id="grt_2")
    assert voided_by((grant, second), newer, MADE) == ()
    assert voided_by((grant, second), pins(), MADE) == ()
    used_up = dataclasses.replace(second, runs_left=0)
    assert voided_by((grant, used_up), newer, MADE) == ()
    voided = dataclasses.replace(second, voided_reason="before")
    assert [each.id for each, _ in voided_by((grant, voided), newer, MADE)] == ["grt_1"]
    third = pins(("algorithm", "model", "model_version"), 5)
    assert [each.id for each, _ in voided_by((grant, second), third, MADE)] == ["grt_1", "grt_2"]


def test_a_grant_of_an_older_podadmin_covers_its_fingerprint_and_is_voided_by_nothing(
    pins: Callable[..., Pins],
) -> None:
    old = granted(pins(), pins=None)
    assert matches(old, pins(), MADE).matches
    changed = pins(("algorithm", "model", "model_version"), 4)
    assert not matches(old, changed, MADE).matches
    assert voided_by((old,), changed, MADE) == ()
    assert changes_of(old, changed, {"columns"}) == (Change("columns", "not pinned", 'img_, ["age","sex"]'),)


def test_a_pin_that_the_grant_does_not_know_was_not_agreed_to(grant: Grant, pins: Callable[..., Pins]) -> None:
    assert grant.pins is not None
    without = {name: value for name, value in grant.pins.values.items() if name != "destination"}
    earlier = dataclasses.replace(grant, pins=dataclasses.replace(grant.pins, values=without))
    outcome = matches(earlier, pins(), MADE)
    assert not outcome.matches
    assert outcome.changes[0].was == "not pinned"
    unknown = {name: value for name, value in grant.pins.values.items() if name != "model_hash"}
    quiet = dataclasses.replace(grant, pins=dataclasses.replace(grant.pins, values=unknown))
    assert matches(quiet, pins(), MADE).changes == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    name=st.sampled_from(["Dr. Mole", "Mallory"]),
    changes=protocol_changes,
    outside=outsides,
    crap=st.dictionaries(st.text(max_size=6), anything, max_size=3),
)
def test_a_hostile_requester_voids_no_grant_of_another(
    verified: Make, inference: dict[str, Any], grant: Grant, name: str, changes: Any, outside: Any, crap: Any
) -> None:
    """Whatever is sent under another key, also under the other's name: only the very same request would tell."""
    protocol = copy.deepcopy(inference) | {key: value for key, value in crap.items() if key not in inference}
    if changes:
        place: Any = protocol
        for step in changes[0][:-1]:
            place = place[step]
        place[changes[0][-1]] = changes[1]
    sent = verified(protocol, requester_name=name, **{**outside, "requester_key_fingerprint": "ee" * 32})
    assert grant.pins is not None
    found = pins_of(sent, KNOWN)
    same = found.family == grant.pins.family and all(
        found.values[pin] == value for pin, value in grant.pins.values.items() if pin != KEY
    )
    voided = voided_by((grant,), found, MADE)
    assert not matches(grant, found, MADE).matches
    assert bool(voided) == (same and name == "Dr. Mole")


def test_several_purposes_and_long_values_are_shown_within_bounds() -> None:
    assert shown("purpose", '"DUO:0000042 DUO:0000006 nothing known"') == (
        "general research use (DUO:0000042), health or medical or biomedical research (DUO:0000006), nothing, known"
    )
    for value in ("x" * 400, ["x" * 400], {"x" * 200: "y" * 200}):
        text = shown("identity", json.dumps(value))
        assert len(text) == 300
        assert "…" in text
