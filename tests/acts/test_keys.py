"""The acts on keys, as commands and pages call them: a custodian's days with keys, from taking over to revoking."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from podadmin.app.acts.key_needs import key_needs
from podadmin.app.acts.requests import key_trust
from podadmin.app.evidence import check_evidence
from podadmin.app.profile import Profile
from podadmin.app.proof import prove
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.journal.service import anchor_head, read_anchor
from podadmin.vault import trust
from podadmin.vault.forms import public_forms
from podadmin.vault.model import Purpose, SecretPurpose

STORAGE = Path(__file__).resolve().parents[1] / "interop" / "vectors" / "key-files"
Do = Callable[..., Any]
HERS, OTHERS = (public_forms(Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)).public_key()) for n in (1, 2))


def rows(do: Do, group: str) -> list[Any]:
    return [row for row in do("keys list") if row.group == group]


def code(act: Any, kind: type[PodadminError]) -> str:
    with pytest.raises(kind) as caught:
        act()
    return caught.value.code


def test_without_a_place_for_secrets_there_are_no_keys(do: Do) -> None:
    assert do("keys list") == ()


def test_every_key_says_what_it_is_for_where_it_lives_and_how_long_it_lasts(made: Do, profile: Profile) -> None:
    made("keys create", purpose="ehr", name="Epic production")
    made("keys create", purpose="ehr", name="Cerner", kind="es384")
    made("keys create", purpose="reviewer", name="anna")
    profile.vault.put_secret(SecretPurpose.API_KEY, "The network local", Secret(b"key"), "custodian")
    listed = made("keys list")
    assert {(row.group, row.name) for row in listed} == {
        ("pod", ""),
        ("journal", ""),
        ("ehr", "Epic production"),
        ("ehr", "Cerner"),
        ("reviewer", "anna"),
        ("secret", "The network local"),
    }
    for row in listed:
        assert row.purpose
        assert row.where.startswith("Sealed in ")
        assert row.known_by
        if row.group != "secret":
            assert (row.runway_days, row.tone, row.runway) == (730, "good", "To be renewed in 730 days")
            assert len(row.words.split("-")) == 6
            assert len(row.fingerprint.replace(" ", "")) == 64
    made("settings set", name="keys.renew-after", value="0")
    assert rows(made, "pod")[0].runway == "No time to renew it is set"
    made("settings set", name="keys.renew-after", value="10")
    assert (rows(made, "pod")[0].tone, rows(made, "pod")[0].runway) == ("warn", "To be renewed in 10 days")


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """The storage of the real software, with what it leaves in clear."""
    for name in ("alice", "_default"):
        shutil.copytree(STORAGE / name, tmp_path / "storage" / name)
    return tmp_path / "storage"


def test_a_real_pods_key_is_taken_over_before_the_pod_is_made(do: Do, storage: Path) -> None:
    do("keyring choose", backend="passphrase")
    folder = storage / "alice" / "pods" / "clinic"
    done = do("keys import", path=str(folder))
    assert done.key.public == (folder / "pod_rsa.pub.pem").read_text().strip()
    assert "OpenSSH" in done.words
    assert [Path(each.path).name for each in done.left][:3] == ["pod_rsa.pem", "compute_tls_key.pem", ".token"]
    assert [each.sealed for each in done.left] == [True, True, False, False, False]
    pod = do("pod create", name="clinic", owner="alice")
    assert pod.fingerprint == done.key.fingerprint.replace(" ", "")
    for each in done.left:
        do("keys seal", path=each.path, remove=True)
    assert not any(Path(each.path).exists() for each in done.left)
    assert do("keys left", path=str(folder)) == ()
    token = next(row for row in rows(do, "secret") if row.name.endswith(".token"))
    do("keys give-back", key=token.id, to=str(folder / "token"))
    assert json.loads((folder / "token").read_text())["access_token"] == "a-made-up-token"
    do("keys forget", key=token.id)
    assert code(lambda: do("keys give-back", key=token.id, to=str(folder / "again")), NotFound) == "vault.no-secret"
    kept = do("keys seal", path=str(folder / "token"))
    assert "still there" in kept.words


def test_a_key_is_taken_over_in_the_place_of_the_one_in_use(made: Do, storage: Path) -> None:
    folder = str(storage / "alice" / "pods" / "clinic")
    assert code(lambda: made("keys import", path=folder), Refused) == "vault.key-exists"
    done = made("keys import", path=folder, replace=True, overlap_days=7)
    assert "by telephone" in done.next_steps[0]
    assert [row.state for row in rows(made, "pod")] == ["in use", "ending"]
    assert rows(made, "pod")[1].runway in {"Accepted for 6 days yet", "Accepted for 7 days yet"}
    assert code(lambda: made("keys import", path=folder, replace=True), Refused) == "vault.key-known"
    small = code(lambda: made("keys import", path=str(STORAGE / "ours" / "rs384_private.pem"), replace=True), BadInput)
    assert small == "vault.import-size"


def test_client_keys_of_health_record_systems_are_given_out_as_a_set(made: Do, tmp_path: Path) -> None:
    assert code(lambda: made("keys jwks"), NotFound) == "vault.no-key"
    done = made("keys create", purpose="ehr", name="Epic production")
    assert "Register" in done.next_steps[0]
    made("keys import", path=str(STORAGE / "ours" / "rs384_private.pem"), purpose="ehr", name="Cerner")
    old = done.key
    made("keys rotate", key=old.id, overlap_days=7)
    written = made("keys jwks", to=str(tmp_path / "jwks.json"))
    published = json.loads((tmp_path / "jwks.json").read_text())["keys"]
    assert [each["alg"] for each in published] == ["ES384", "RS384", "ES384"]
    assert {each["kid"] for each in published} == {row.thumbprint for row in rows(made, "ehr")}
    assert written.file == str(tmp_path / "jwks.json")
    assert len(json.loads(made("keys jwks", name="Cerner").text)["keys"]) == 1
    made("keys end", key=old.id)
    assert len(json.loads(made("keys jwks").text)["keys"]) == 2
    assert code(lambda: made("keys jwks", to=str(tmp_path / "no" / "x")), Unavailable) == "vault.export"


def test_a_public_half_is_given_out_in_the_form_that_is_asked_for(made: Do, tmp_path: Path) -> None:
    row = rows(made, "pod")[0]
    assert made("keys public", key=row.id).text == f"{row.public} {row.id}\n"
    assert made("keys public", key=row.id, form="pem").text.startswith("-----BEGIN PUBLIC KEY-----")
    described = json.loads(made("keys public", key=row.id, form="jwk", to=str(tmp_path / "k.json")).text)
    assert described["kid"] == row.thumbprint
    assert json.loads((tmp_path / "k.json").read_text()) == described
    assert (described["alg"], described["use"]) == ("RSA-OAEP-256", "enc")


def test_a_replaced_journal_key_leaves_the_journal_anchored_and_proved(made: Do, profile: Profile) -> None:
    vault = profile.open_vault()
    anchor_head(profile.store, vault, vault.journal_signer(), profile.clock)
    old = rows(made, "journal")[0]
    made("keys rotate", key=old.id, overlap_days=30)
    assert [row.state for row in rows(made, "journal")] == ["in use", "ended"]
    assert read_anchor(vault, vault.journal_signer()) is not None
    assert prove(profile, Progress()).state == "whole"
    new = rows(made, "journal")[0]
    made("keys revoke", key=new.id, reason="It was copied")
    assert [row.state for row in rows(made, "journal")] == ["in use", "ended", "revoked"]
    assert prove(profile, Progress()).state == "whole"
    assert code(lambda: made("keys rotate", key=new.id), Refused) == "vault.key-not-in-use"


def test_without_the_pods_key_everything_stops_until_there_is_another(made: Do, profile: Profile) -> None:
    row = rows(made, "pod")[0]
    done = made("keys revoke", key=row.id, reason="The disk was stolen")
    assert (done.key.state, done.key.reason) == ("revoked", "The disk was stolen")
    assert "Make a new pod key" in done.next_steps[0]
    assert code(profile.open_vault().pod_key, Refused) == "vault.key-revoked"
    assert made("keys create", purpose="pod").key.state == "in use"
    assert profile.open_vault().pod_key().key_id != row.id
    assert prove(profile, Progress()).state == "whole"


def test_a_revoked_key_that_is_brought_back_by_hand_is_found_out(made: Do, profile: Profile) -> None:
    row = rows(made, "pod")[0]
    made("keys revoke", key=row.id, reason="The disk was stolen")
    assert check_evidence(profile.store) is None
    import sqlite3

    with sqlite3.connect(profile.folder / "podadmin.db") as connection:
        connection.execute("UPDATE key SET revoked_at = NULL")
    found = check_evidence(profile.store)
    assert found is not None
    assert row.id in found.words


def test_an_overlap_has_its_bounds(made: Do) -> None:
    row = rows(made, "pod")[0]
    for days in (-1, 366):
        assert code(lambda days=days: made("keys rotate", key=row.id, overlap_days=days), BadInput) == "vault.overlap"


def test_a_requesters_key_is_confirmed_changed_settled_and_distrusted(made: Do, profile: Profile) -> None:
    def see(forms: Any) -> bool:
        seen = trust.Seen("requester", "local", "research-lab", "key_1", forms.fingerprint, forms.pem)
        return trust.see(profile.store, profile.clock, seen)

    def on_the_request(signed_by: Any = HERS) -> tuple[str, str]:
        fact = key_trust(profile, signed_by.fingerprint)
        return ("", "") if fact is None else (fact.value.partition(" ")[0], fact.tone)

    assert on_the_request() == ("", "")
    assert see(HERS)
    (row,) = made("keys trusted")
    assert (row.state, row.tone, row.group) == ("not confirmed", "warn", "trusted")
    assert on_the_request() == ("Not", "warn")
    assert code(lambda: made("keys confirm", key=row.id, words="oak river"), BadInput) == "vault.words-differ"
    assert made("keys confirm", key=row.id, words=row.words).key.state == "confirmed"
    assert on_the_request() == ("Confirmed", "good")
    assert not see(OTHERS)
    assert on_the_request() == ("The", "bad")
    assert on_the_request(OTHERS) == ("", "")
    (row,) = made("keys trusted")
    assert (row.state, row.offered_words) == ("changed", OTHERS.words)
    assert [need.title for need in key_needs(profile)] == ["Another key came under the name of research-lab"]
    assert made("keys keep", key=row.id, reason="Nobody knows of it").key.state == "confirmed"
    assert not see(OTHERS)
    done = made("keys accept", key=row.id, reason="A new laptop, they say")
    assert (done.key.state, done.key.words) == ("not confirmed", OTHERS.words)
    assert made("keys distrust", key=row.id, reason="They left").key.state == "distrusted"
    assert on_the_request(OTHERS) == ("Trusted", "bad")
    assert code(lambda: see(OTHERS), Refused) == "vault.distrusted"
    assert check_evidence(profile.store) is None
    assert prove(profile, Progress()).state == "whole"


def test_a_key_that_was_handed_over_in_person_is_pinned_before_it_is_seen(made: Do, tmp_path: Path) -> None:
    (tmp_path / "hub.pem").write_text(HERS.pem)
    done = made("keys trust", role="hub", holder="hub.example", path=str(tmp_path / "hub.pem"))
    assert (done.key.state, done.key.words) == ("not confirmed", HERS.words)
    (tmp_path / "hub.pem").write_text(OTHERS.ssh)
    done = made("keys trust", role="hub", holder="hub.example", path=str(tmp_path / "hub.pem"))
    assert done.key.state == "changed"
    missing = code(lambda: made("keys trust", role="hub", holder="x", path=str(tmp_path / "no")), Unavailable)
    assert missing == "vault.trust-file"
    unnamed = code(lambda: made("keys trust", role="hub", holder=" ", path=str(tmp_path / "hub.pem")), BadInput)
    assert unnamed == "vault.trust-holder"


def test_everything_is_sealed_anew_and_opens(made: Do, profile: Profile) -> None:
    assert "new key-encryption key" in made("keyring exchange").words
    assert profile.open_vault().private(profile.vault.keys()[0]).reveal()
    assert made("keyring unlock").state == "ready"
    assert made("keyring show").words == "The file opens with its passphrase."


def test_a_key_that_is_past_its_time_says_since_when(made: Do, profile: Profile) -> None:
    profile.clock = ManualClock(profile.clock.now())
    profile.clock.advance(731 * 24 * 3600)
    row = rows(made, "pod")[0]
    assert (row.tone, row.runway) == ("bad", "To be renewed: overdue by 1 day")
    assert [(need.tone, need.page) for need in key_needs(profile)] == [("bad", "Keys")] * 2
    info = profile.vault.find(Purpose.POD)
    assert info is not None
