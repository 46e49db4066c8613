"""`kill -9` at each commit of grants, receipts, reviews and cover: all of it or nothing, and the records agree."""

from __future__ import annotations

import hashlib
import signal
import sys
from pathlib import Path

import pytest

from podadmin.app.acts.registry import call, find
from podadmin.app.evidence import check_evidence
from podadmin.app.options import Options
from podadmin.app.profile import Profile, open_profile
from podadmin.core.own_process import environment
from podadmin.journal.service import since, verify
from podadmin.requests import receipts, service
from podadmin.requests.grant_pins import WORDS, Pins
from podadmin.requests.service import Captured, Opening
from podadmin.vault.model import Purpose
from tests.nursery import run
from tests.sealed import lightly_sealed

NONE = {"columns": "[]", "model_version": "[]"}
PINS = Pins("fa" * 32, "f1" * 32, {name: f'"{name}"' for name in WORDS} | NONE)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")]


@pytest.fixture
def options(tmp_path: Path) -> Options:
    secret = tmp_path / "secret"
    secret.write_text("a long enough passphrase for tests\n", encoding="utf-8")
    secret.chmod(0o600)
    lightly_sealed(tmp_path / "profile", "a long enough passphrase for tests")
    return Options(profile=tmp_path / "profile", keyring="passphrase", passphrase_file=secret)


@pytest.fixture
def held(options: Options) -> str:
    """A profile with a journal key, one request with a grant and one that waits; the id of the second."""
    with open_profile(options) as profile:
        profile.open_vault().create(Purpose.JOURNAL, "test")
        profile.vault.lock()  # the first decision's receipts wait for their signature
        first = _send(profile, "t1")
        call(find("requests approve"), profile, {"request": first, "runs": 2})
        return _send(profile, "t2", Pins("fb" * 32, "f2" * 32, dict(PINS.values)))


def _send(profile: Profile, task: str, of: Pins = PINS) -> str:
    digest = hashlib.sha256(b"body").hexdigest()
    captured = Captured("local", task, 2, "lab", b"w", b"body", digest, profile.clock.now(), 300.0)
    made = service.capture(profile.store, profile.clock, captured)
    assert made is not None
    found = ("lab", "SQL", "patients", "study", "low", "verified", of.fingerprint, "hold", "request.x", "Waiting")
    service.record_opening(profile.store, profile.clock, made, Opening(*found, True, {}, task, pins=of))
    return made


COMMITS = {
    "grant.made": ("requests", "approve", "{held}", "--runs", "3"),
    "grant.wanted": ("grants", "make", "{first}"),
    "grant.revoked": ("grants", "revoke", "{grant}", "The study is over."),
    "grant.varied": ("grants", "vary", "{grant}", "columns", "Reviewed elsewhere."),
    "decider.named": ("grants", "cover", "ben", "2999-12-24", "Holiday"),
    "review.wanted": ("reviews", "ask", "{held}", "Is this the study?"),
    "receipt.signed": ("receipt", "sign"),
}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("act", list(COMMITS))
def test_a_crash_at_a_commit_leaves_all_of_it_or_nothing(options: Options, held: str, act: str, when: str) -> None:
    with open_profile(options) as profile:
        (grant,) = call(find("grants list"), profile, {}).grants
        before = [entry.act for entry in since(profile.store, 0)]
    names = {"held": held, "grant": grant.row.id, "first": grant.row.made_from}
    words = [each.format(**names) for each in COMMITS[act]]
    command = ["--profile", str(options.profile), "--passphrase-file", str(options.passphrase_file), *words]
    done = run(command, environment(PYTHONUNBUFFERED="1"), 110, crash=(act, when))
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    with open_profile(options) as profile:
        acts = [entry.act for entry in since(profile.store, 0)]
        assert acts.count(act) - before.count(act) == (when == "after")
        assert verify(profile.store).broken is None
        assert check_evidence(profile.store) is None
        profile.open_vault()
        signer = profile.vault.journal_signer()
        receipts.sign_due(profile.store, signer)
        rows, unsigned = receipts.listing(profile.store, about="", limit=100, before=0)
        assert unsigned == 0
        assert all(receipts.right(receipts.signed_of(row), signer.public_raw) for row, _ in rows)
        assert acts.count("receipt.made") == len(rows)
        assert check_evidence(profile.store) is None
