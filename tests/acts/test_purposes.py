"""What a project is for, as the pages and the commands state and show it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from podadmin.app.evidence import check_evidence
from podadmin.app.profile import Profile
from podadmin.core.errors import BadInput
from podadmin.requests import service
from podadmin.requests.grant_pins import WORDS, Pins
from podadmin.requests.service import Captured, Opening

BIO, METHODS = "DUO:0000037", "DUO:0000031"
BODY = hashlib.sha256(b"b").hexdigest()
SHOWN = {"columns": "[]", "model_version": "[]", "purpose": '""'}
Act = Callable[..., Any]


def send(profile: Profile, project: str, **findings: Any) -> str:
    captured = Captured("local", f"t{project}", 2, "lab", b"w", b"b", BODY, profile.clock.now(), 300.0)
    request = service.capture(profile.store, profile.clock, captured)
    assert request is not None
    pins = Pins("fa" * 32, f"{project:f>64}", {name: f'"{name}"' for name in WORDS} | SHOWN)
    found = ("lab", "SQL", "patients", project, "low", "verified", pins.fingerprint, "hold", "request.x", "Waiting")
    service.record_opening(
        profile.store, profile.clock, request, Opening(*found, True, {"effects": None, **findings}, project, pins=pins)
    )
    return request


def facts(detail: Any, section: str) -> dict[str, str]:
    return {fact.label: fact.value for each in detail.sections if each.title == section for fact in each.facts}


def test_a_purpose_is_stated_shown_with_the_request_and_changed_with_what_it_voids(made: Act, profile: Profile) -> None:
    request = send(profile, "study")
    send(profile, "")
    assert facts(made("requests show", request=request), "Project")["What it is for"] == "Not stated"
    (before,) = made("rules projects")
    assert (before.project, before.words, before.requests, before.at) == ("study", "Not stated", 1, None)
    stated = made("rules purpose", project="study", code=[BIO])
    assert (stated.words, stated.bound) == ("Biomedical research", 0)
    assert stated.purposes[0].words == "Asking about health, disease or the body."
    detail = made("requests show", request=request)
    assert facts(detail, "Project")["What it is for"] == "Biomedical research"
    assert detail.project == "study"
    made("requests approve", request=request, runs=3)
    (grant,) = made("grants list").grants
    assert next(pin.value for pin in grant.pins if pin.name == "purpose") == f"biomedical research ({BIO})"
    assert made("rules project", project="study").bound == 1
    made("rules purpose", project="study", code=[METHODS])
    (over,) = made("grants list", state="ended").grants
    (broken,) = [pin for pin in over.pins if pin.now]
    assert (over.row.state, broken.value, broken.now) == (
        "voided", f"biomedical research ({BIO})", f"method development ({METHODS})",
    )  # fmt: skip
    words = [entry.words for entry in made("journal list").rows]
    assert "It was stated what the project study is for: method development" in words
    assert "The grant was voided: another purpose was stated for the project study" in words
    assert "It was stated what the project study is for: nothing" not in words
    made("rules purpose", project="study")
    assert made("rules project", project="study").words == "Not stated"
    assert any(row.words.endswith("study is for: nothing") for row in made("journal list").rows)
    assert check_evidence(profile.store) is None


def test_what_stands_behind_a_models_name_is_said_also_where_nobody_can_tell(made: Act, profile: Profile) -> None:
    models = [{"resource": "acme/a:1", "hash": "ab" * 32}, {"resource": "acme/b\u202e:1", "hash": ""}]
    shown = facts(made("requests show", request=send(profile, "study", models=models)), "Setting")
    assert shown["Behind acme/a:1"] == f"the file with the SHA-256 {'ab' * 8}, which is on this pod"
    assert shown["Behind acme/b<U+202E>:1"].startswith("not known: the network tells no hash")


def test_every_code_has_plain_words_and_another_is_refused(made: Act) -> None:
    codes = made("rules purposes")
    assert len(codes) == 33
    assert all(each.words.endswith(".") and each.group for each in codes)
    with pytest.raises(BadInput):
        made("rules purpose", project="study", code=["DUO:1"])
