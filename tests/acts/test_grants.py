"""Grants, receipts and reviews as desktop and commands do them, with real keys: the same acts, the same answers."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from podadmin.app.evidence import check_evidence
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.app.signing import sign_receipts
from podadmin.core.errors import PodadminError
from podadmin.requests import receipts, service
from podadmin.requests.grant_pins import WORDS, Pins
from podadmin.requests.service import Captured, Opening

PINS = Pins("fa" * 32, "f1" * 32, {name: f'"{name}"' for name in WORDS} | {"columns": "[]", "model_version": "[]"})
Act = Callable[..., Any]


def send(profile: Profile, task: str = "t1", votes: int = 0, **changes: Any) -> str:
    request_id = service.capture(
        profile.store,
        profile.clock,
        Captured(
            "local", task, 2, "lab", b"w", b"body", hashlib.sha256(b"body").hexdigest(), profile.clock.now(), 300.0
        ),
    )
    assert request_id is not None
    found = ("lab", "SQL", "patients", "study", "low", "verified", PINS.fingerprint, "hold", "request.x", "Waiting")
    opening = Opening(*found, True, {"effects": None}, task, pins=PINS, votes_needed=votes, **changes)
    service.record_opening(profile.store, profile.clock, request_id, opening)
    return request_id


@pytest.fixture
def desk(made: Act, profile: Profile) -> Act:
    return made


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(PodadminError) as caught:
        act()
    return caught.value.code


def test_a_grant_is_made_with_an_approval_shown_varied_and_revoked(desk: Act, profile: Profile) -> None:
    request_id = send(profile)
    shown = desk("requests approve", request=request_id, runs=3, days=7, inferences=50, vary=["columns"], note="board")
    assert (shown.row.state, len(shown.receipts)) == ("approved", 2)
    page = desk("grants list")
    (grant,) = page.grants
    assert (page.lasting, page.ended, page.next_after) == (1, 0, None)
    assert (grant.row.runs_left, grant.row.inferences_left, grant.note) == (3, 50, "board")
    assert {pin.name for pin in grant.pins if pin.varies} == {"columns", "columns_read"}
    assert desk("grants show", grant_id=grant.row.id) == grant
    assert code_of(lambda: desk("grants vary", grant_id=grant.row.id, which="protocol", reason="x")) == "grant.bad-pin"
    desk("grants vary", grant_id=grant.row.id, which="switches", reason="They only tell of the requester's computer.")
    desk("grants make", request=request_id, runs=2)
    assert [each.row.runs_left for each in desk("grants list", limit=1).grants] == [2]
    more = desk("grants list", limit=1)
    assert desk("grants list", limit=1, after=more.next_after).grants[0].row.id == grant.row.id
    over = desk("grants revoke", grant_id=grant.row.id, reason="The study is over.")
    assert (over.row.state, over.ended_reason, over.may_change.allowed) == ("revoked", "The study is over.", False)
    assert [each.row.state for each in desk("grants list", state="ended").grants] == ["revoked"]
    assert len(desk("grants list", state="all").grants) == 2
    assert code_of(lambda: desk("grants list", limit=0)) == "grant.bad-limit"
    assert check_evidence(profile.store) is None


def test_who_may_decide(desk: Act, profile: Profile) -> None:
    assert desk("grants deciders").everybody
    shown = desk("grants custodian", account=profile.actor, reason="I answer for it.")
    assert (shown.everybody, shown.may_decide.allowed) == (False, True)
    shown = desk("grants cover", account="ben", until="2999-12-24", reason="Holiday")
    assert [(row.account, row.stands_for, row.in_force) for row in shown.rows][1] == ("ben", profile.actor, True)
    assert code_of(lambda: desk("grants cover", account="b", until="soon", reason="x")) == "grant.bad-moment"
    later = desk("grants cover", account="cleo", starts="2998-01-01T00:00:00Z", until="2999-01-01", reason="x")
    assert [row.in_force for row in later.rows if row.account == "cleo"] == [False]
    desk("grants uncover", decider=later.rows[0].id, reason="Enough")
    profile.actor = "somebody"
    desk("grants deciders")
    request_id = send(profile)
    assert not desk("requests show", request=request_id).may_approve.allowed or desk("grants deciders").everybody


def test_receipts_are_signed_exported_and_verified(desk: Act, profile: Profile, tmp_path: Path) -> None:
    request_id = send(profile)
    desk("requests refuse", request=request_id, reason="Not before the board has met.")
    page = desk("receipt list", about=request_id)
    assert (len(page.rows), page.unsigned, page.rows[0].signed) == (1, 0, True)
    reference = page.rows[0].reference
    shown = desk("receipt show", reference=reference.lower())
    assert shown.document["reason"] == "Not before the board has met."
    file, key = tmp_path / "receipt.json", tmp_path / "key.pem"
    desk("receipt export", reference=reference, to=str(file))
    assert code_of(lambda: desk("receipt export", reference=reference, to=str(file))) == "receipt.file-there"
    assert (
        code_of(lambda: desk("receipt export", reference=reference, to=str(tmp_path / "no" / "x"))) == "receipt.export"
    )
    assert desk("receipt verify", file=str(file)).state == "right"
    key.write_text(desk("receipt key").public_pem, encoding="ascii")
    assert desk("receipt verify", file=str(file), public_key=str(key)).state == "right"
    told = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**told, "receipt": {**told["receipt"], "by": "somebody"}}), encoding="utf-8")
    assert desk("receipt verify", file=str(file)).state == "wrong"
    file.write_text(json.dumps({**told, "key": "00" * 32}), encoding="utf-8")
    assert desk("receipt verify", file=str(file)).state == "unknown-key"
    assert code_of(lambda: desk("receipt verify", file=str(key))) == "receipt.unreadable"
    assert code_of(lambda: desk("receipt verify", file=str(tmp_path / "none"))) == "receipt.cannot-read"
    file.write_text(json.dumps(told), encoding="utf-8")
    assert code_of(lambda: desk("receipt verify", file=str(file), public_key=str(file))) == "receipt.bad-key"
    (tmp_path / "big").write_bytes(b"x" * 1_100_000)
    assert code_of(lambda: desk("receipt verify", file=str(tmp_path / "big"))) == "receipt.unreadable"
    assert code_of(lambda: desk("receipt list", limit=0)) == "receipt.bad-limit"


def test_a_crate_holds_the_receipts_of_its_request_and_what_verifies_them(
    desk: Act, profile: Profile, tmp_path: Path
) -> None:
    request_id, other = send(profile), send(profile, "t2")
    desk("requests approve", request=request_id)
    desk("requests refuse", request=other, reason="No.")
    references = desk("requests show", request=request_id).receipts
    to = tmp_path / "crate.zip"
    desk("journal export", to=str(to), format="crate", request=request_id)
    with zipfile.ZipFile(to) as archive:
        files = {name.partition("/data/")[2]: archive.read(name) for name in archive.namelist()}
    held = sorted(name for name in files if name.startswith("receipts/"))
    assert [name for name in held if name.endswith(".json")] == sorted(f"receipts/{each}.json" for each in references)
    (pem,) = (files[name] for name in held if name.endswith(".pem"))
    public = load_pem_public_key(pem)
    assert isinstance(public, Ed25519PublicKey)
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    for reference in references:
        signed = receipts.read_file(files[f"receipts/{reference}.json"].decode())
        assert receipts.right(signed, raw)
        assert signed.facts["request"]["id"] == request_id
    graph = {each["@id"]: each for each in json.loads(files["ro-crate-metadata.json"])["@graph"]}
    assert {"@id": held[-1]} in graph["./"]["hasPart"]
    assert graph[f"receipts/{references[0]}.json"]["@type"] == "File"
    whole = tmp_path / "whole.zip"
    desk("journal export", to=str(whole), format="crate")
    with zipfile.ZipFile(whole) as archive:
        assert sum("/receipts/R-" in name for name in archive.namelist()) == len(references) + 1


def test_a_locked_vault_hinders_no_decision_and_what_waits_is_signed_later(desk: Act, profile: Profile) -> None:
    profile.vault.lock()
    request_id = send(profile)
    shown = desk("requests refuse", request=request_id, reason="No.")
    assert shown.row.state == "refused"
    page = desk("receipt list")
    assert (page.unsigned, page.rows[0].signed_words) == (1, "Not yet signed: the key was locked")
    reference = page.rows[0].reference
    assert code_of(lambda: desk("receipt export", reference=reference, to="/nowhere")) == "receipt.not-signed"
    assert sign_receipts(profile) == 0
    assert desk("receipt sign").words == "1 receipt was signed."
    assert "No receipt waits" in desk("receipt sign").words
    assert desk("receipt list").unsigned == 0
    assert check_evidence(profile.store) is None


def test_without_a_pod_there_is_no_key_for_receipts(do: Act) -> None:
    do("keyring choose", backend="passphrase")
    assert code_of(lambda: do("receipt key")) == "receipt.no-key"


def test_two_people_at_one_computer(desk: Act, profile: Profile) -> None:
    desk("reviews enrol", name="ben")
    desk("reviews enrol", name="cleo")
    assert [(row.name, row.kind) for row in desk("reviews people")] == [("ben", "local"), ("cleo", "local")]
    request_id = send(profile, votes=2)
    assert code_of(lambda: desk("requests approve", request=request_id)) == "review.votes-missing"
    shown = desk("requests show", request=request_id)
    assert (shown.review.state, shown.may_approve.allowed) == ("open", False)
    assert "0 of 2" in shown.may_approve.reason
    view = desk("reviews vote", request=request_id, reviewer="ben", verdict="allow")
    assert [vote.verdict for vote in view.votes] == [""]
    view = desk("reviews vote", request=request_id, reviewer="cleo", verdict="allow")
    assert (view.state, [vote.verdict for vote in view.votes]) == ("allow", ["allow", "allow"])
    assert desk("requests approve", request=request_id).row.state == "approved"
    rows = desk("reviews people")
    assert len(desk("reviews remove", reviewer=rows[0].id, reason="Left")) == 1
    assert check_evidence(profile.store) is None


def test_a_review_by_file_between_two_profiles(desk: Act, profile: Profile, options: Options, tmp_path: Path) -> None:
    from podadmin.app.acts.registry import call, find

    ask, vote = tmp_path / "ask.json", tmp_path / "vote.json"
    secret = tmp_path / "passphrase"
    with open_profile(Options(profile=tmp_path / "theirs", passphrase_file=secret)) as theirs:

        def there(name: str, **arguments: object) -> Any:
            return call(find(name), theirs, arguments)

        there("keyring choose", backend="passphrase")
        request_id = send(profile)
        asked = desk("reviews ask", request=request_id, why="Is this the study?")
        assert "Nobody is enrolled" in asked.words
        assert "reviews enrol" in asked.words
        assert desk("requests show", request=request_id).reviewers == 0
        desk("reviews export", request=request_id, to=str(ask))
        read = there("reviews read", file=str(ask))
        assert (read["why"], read["request"]["id"]) == ("Is this the study?", request_id)
        said = there(
            "reviews answer", file=str(ask), reviewer="dora", verdict="refuse", to=str(vote), reason="Secret why"
        )
        assert "Secret why" not in vote.read_text(encoding="utf-8")
        public = said.words.rpartition(" ")[2].rstrip(".")
    assert code_of(lambda: desk("reviews import", request=request_id, file=str(vote))) == "review.foreign"
    (row,) = desk("reviews enrol", name="dora", public_key=public)
    assert row.kind == "remote"
    assert desk("reviews show", request=request_id).words == "0 of 1 reviews are in; they are hidden until all are."
    assert (
        code_of(lambda: desk("reviews vote", request=request_id, reviewer="dora", verdict="allow")) == "review.not-here"
    )
    view = desk("reviews import", request=request_id, file=str(vote))
    assert (view.state, view.votes[0].reason) == ("refuse", "Secret why")
    assert code_of(lambda: desk("requests approve", request=request_id)) == "review.said-no"
    assert desk("reviews show", request=request_id) == view
    assert check_evidence(profile.store) is None


def test_what_has_come_to_wait_is_told_once_and_can_be_turned_off(desk: Act, profile: Profile) -> None:
    send(profile, "t1")
    place = desk("requests arrived")
    assert place.arrivals == ()
    for n in range(2, 7):
        send(profile, f"t{n}")
    come = desk("requests arrived", after=place.after)
    assert (len(come.arrivals), come.more, come.told) == (3, 2, True)
    assert come.arrivals[0].title == "lab waits for your decision"
    assert "Until" in come.arrivals[0].words
    assert desk("requests arrived", after=come.after).arrivals == ()
    desk("settings set", name="desktop.notify", value="off")
    assert not desk("requests arrived").told
