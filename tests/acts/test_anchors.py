"""Heads of the journal outside the profile: files, a sheet, a real time-stamping authority, and what they find."""

from __future__ import annotations

import http.server
import json
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from podadmin.app import anchoring, proof
from podadmin.app.profile import Profile
from podadmin.app.proof import prove_start
from podadmin.core.errors import BadInput, NotFound, Refused, Tampered, Unavailable
from podadmin.core.progress import Progress
from podadmin.journal import service as journal
from podadmin.store.unit import Fact

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
signer_digest = sha256
"""


def openssl(*arguments: object, given: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *map(str, arguments)], input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Authority:
    """A time-stamping authority: `openssl ts` behind a web server of this machine."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root.pem"
        self.asked = 0
        self.answer: Callable[[bytes], tuple[int, bytes]] = self._stamp
        self._folder = folder
        openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=Test root",
            "-keyout", folder / "root.key", "-out", self.root,
        )  # fmt: skip
        openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Test authority",
            "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr",
        )  # fmt: skip
        (folder / "ext").write_text("extendedKeyUsage = critical,timeStamping\nbasicConstraints = CA:FALSE\n")
        openssl(
            "x509", "-req", "-in", folder / "tsa.csr", "-CA", self.root, "-CAkey", folder / "root.key",
            "-CAcreateserial", "-days", "3650", "-extfile", folder / "ext", "-out", folder / "tsa.pem",
        )  # fmt: skip
        (folder / "serial").write_text("01\n")
        (folder / "config").write_text(CONFIG.format(folder=folder))
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["content-type"] == "application/timestamp-query"
                query = self.rfile.read(int(self.headers["content-length"]))
                status, body = authority.answer(query)
                self.send_response(status)
                self.send_header("content-type", "application/timestamp-reply")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/tsr"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def _stamp(self, query: bytes) -> tuple[int, bytes]:
        self.asked += 1
        (self._folder / "query").write_bytes(query)
        config, asked = self._folder / "config", self._folder / "query"
        return 200, openssl("ts", "-reply", "-config", config, "-section", "one", "-queryfile", asked)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    folder = tmp_path / "authority"
    folder.mkdir()
    authority = Authority(folder)
    yield authority
    authority.close()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick" / "anchor.json"


def write(profile: Profile, count: int) -> None:
    for number in range(count):
        with profile.store.record(Fact("custodian", "pod.reload-failed", f"x{number}", {"code": "pod.silent"})):
            pass


def cut(profile: Profile, keep: int) -> None:
    """Cut the end of the journal off, with the rows that tell of anchors, as somebody with the file would."""
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute("DELETE FROM journal_entry WHERE seq > ?", (keep,))
        for table in ("anchor_place", "time_stamp"):
            connection.execute(f"DELETE FROM {table}")


def states(views: Any) -> dict[str, str]:
    return {view.kind: view.state for view in views}


def test_a_journal_that_was_cut_off_is_found_by_the_file_although_the_keyring_has_lost_its_anchor(
    made: Any, do: Any, profile: Profile, disk: Path
) -> None:
    start = profile.last_entry()
    write(profile, 20)
    do("journal anchor-file", file=str(disk))
    assert anchoring.anchor_files(profile) == ()
    whole = do("journal verify")
    assert whole.state == "whole"
    assert states(whole.anchors) == {"keyring": "waiting", "file": "good"}
    copy = disk.with_name("in a safe.json")
    shutil.copy(disk, copy)
    cut(profile, start + 5)
    # who cut the journal has removed every trace of the file too: the profile by itself looks whole
    assert do("journal verify").state == "whole"
    broken = do("journal verify", anchor=[str(copy)])
    assert broken.state == "broken"
    assert broken.entry == start + 6
    assert f"The entries from {start + 6} to {start + 21} are gone" in broken.words
    assert "the anchor in the file in a safe.json proves what was written" in broken.words
    assert [view.state for view in broken.anchors if view.kind == "given"] == ["wrong"]


def test_a_file_that_is_not_there_proves_nothing_and_breaks_nothing(
    made: Any, do: Any, profile: Profile, disk: Path
) -> None:
    do("journal anchor-file", file=str(disk))
    disk.unlink()
    check = do("journal verify")
    assert check.state == "whole"
    assert states(check.anchors)["file"] == "unreadable"
    assert any("not connected" in note for note in check.notes)
    assert check.anchored_to is None


@pytest.mark.parametrize("content", ["", "{}", "other text", '{"head": "x", "signature": "00"}', "x" * 20_000])
def test_a_file_with_something_else_is_a_finding_and_is_never_written_over(
    made: Any, do: Any, profile: Profile, disk: Path, content: str
) -> None:
    do("journal anchor-file", file=str(disk))
    disk.write_text(content, encoding="utf-8")
    check = do("journal verify")
    assert (check.state, states(check.anchors)["file"]) == ("broken", "wrong")
    (problem,) = anchoring.anchor_files(profile)
    assert problem.code == "journal.anchor-foreign"
    assert disk.read_text(encoding="utf-8") == content


def test_a_file_never_goes_backwards(made: Any, do: Any, profile: Profile, disk: Path) -> None:
    write(profile, 5)
    do("journal anchor-file", file=str(disk))
    assert anchoring.anchor_files(profile) == ()
    kept = disk.read_bytes()
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute("DELETE FROM journal_entry WHERE seq > 6")
    (problem,) = anchoring.anchor_files(profile)
    assert problem.code == "journal.anchor-ahead"
    assert disk.read_bytes() == kept


def test_a_place_for_a_file_is_checked_before_anything_is_recorded(
    made: Any, do: Any, profile: Profile, disk: Path, tmp_path: Path
) -> None:
    last = profile.last_entry()
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    for place, error, code in (
        ("relative.json", BadInput, "journal.anchor-place"),
        (str(tmp_path), Unavailable, "journal.anchor-unreadable"),
        (str(tmp_path / "nowhere" / "x.json"), BadInput, "journal.anchor-place"),
        (str(tmp_path / "notes.txt"), Refused, "journal.anchor-foreign"),
    ):
        with pytest.raises(error) as caught:
            do("journal anchor-file", file=place)
        assert caught.value.code == code
    assert profile.last_entry() == last
    do("journal anchor-file", file=str(disk))
    with pytest.raises(Refused) as twice:
        do("journal anchor-file", file=str(disk))
    assert twice.value.code == "journal.place-twice"


def test_a_place_can_be_given_up_and_one_that_was_made_up_or_taken_away_by_hand_is_found(
    made: Any, do: Any, profile: Profile, disk: Path
) -> None:
    (_, view) = do("journal anchor-file", file=str(disk))
    assert [each.kind for each in do("journal anchor-remove", anchor=view.id)] == ["keyring"]
    assert disk.exists()
    assert do("journal verify").state == "whole"
    with pytest.raises(NotFound):
        do("journal anchor-remove", anchor=view.id)
    do("journal anchor-file", file=str(disk))
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute("UPDATE anchor_place SET place = '/elsewhere/anchor.json'")
    assert "is not the one" in do("journal verify").words
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute("DELETE FROM anchor_place")
    assert "is gone" in do("journal verify").words


def test_the_sheet_holds_an_anchor_that_a_scanner_can_read_back(
    made: Any, do: Any, profile: Profile, tmp_path: Path
) -> None:
    import pypdf

    write(profile, 3)
    seq = profile.last_entry()
    done = do("journal anchor-sheet", to=str(tmp_path / "sheet.pdf"))
    assert f"entry {seq}" in done.words
    reader = pypdf.PdfReader(tmp_path / "sheet.pdf")
    text = "".join(page.extract_text() for page in reader.pages).replace("\n", "")
    scanned = text[text.index('{"head"') : text.rindex("}") + 1]
    (tmp_path / "scanned.txt").write_text(scanned, encoding="utf-8")
    check = do("journal verify", anchor=[str(tmp_path / "scanned.txt")])
    assert check.state == "whole"
    assert (check.anchors[-1].kind, check.anchors[-1].seq) == ("given", seq)


def test_an_authority_stamps_the_head_and_anybody_can_check_it_with_openssl(
    made: Any, do: Any, profile: Profile, authority: Authority, tmp_path: Path
) -> None:
    write(profile, 3)
    head = journal.head(profile.store)
    assert head is not None
    views = do("journal anchor-stamp", address=authority.address, certificate=str(authority.root))
    assert states(views)["time-stamp"] == "behind"
    with profile.store.read() as connection:
        (row,) = connection.exec_driver_sql("SELECT seq, hash, token FROM time_stamp").all()
    assert (row.seq, row.hash) == (head.seq, head.hash)
    (tmp_path / "token.tsr").write_bytes(row.token)
    said = openssl("ts", "-verify", "-digest", head.hash, "-in", tmp_path / "token.tsr", "-CAfile", authority.root)
    assert b"Verification: OK" in said
    assert do("journal verify").state == "whole"
    # that the authority was added happened after the first stamp
    assert anchoring.have_stamped(profile, "podadmin") == ()
    assert authority.asked == 2
    # nothing happened since but the stamp itself: the authority is not asked again
    assert anchoring.have_stamped(profile, "podadmin") == ()
    assert authority.asked == 2
    write(profile, 1)
    assert anchoring.have_stamped(profile, "podadmin") == ()
    assert authority.asked == 3
    assert do("journal verify").state == "whole"


def test_a_stamp_finds_a_journal_that_was_written_anew(
    made: Any, do: Any, profile: Profile, authority: Authority
) -> None:
    write(profile, 3)
    do("journal anchor-stamp", address=authority.address, certificate=str(authority.root))
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute("UPDATE time_stamp SET hash = ?", ("ab" * 32,))
    check = do("journal verify")
    assert check.state == "broken"
    assert states(check.anchors)["time-stamp"] == "wrong"
    with closing(sqlite3.connect(profile.store.path)) as connection, connection:
        connection.execute("UPDATE anchor_place SET certificate = 'x'")
    assert states(do("journal anchors"))["time-stamp"] == "wrong"


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (lambda _: (500, b"no"), Unavailable, "journal.time-stamp"),
        (lambda _: (302, b""), Unavailable, "journal.time-stamp"),
        (lambda _: (200, b"garbage"), Unavailable, "journal.time-stamp"),
        (lambda _: (200, b""), Unavailable, "journal.time-stamp"),
        (lambda _: (200, b"x" * 200_000), Unavailable, "journal.time-stamp"),
        (lambda _: (200, bytes.fromhex("30053003020102")), Unavailable, "journal.time-stamp"),
    ],
)
def test_an_answer_that_is_no_stamp_is_refused_and_nothing_is_kept(
    made: Any, do: Any, profile: Profile, authority: Authority, answer: Any, error: type[Exception], code: str
) -> None:
    last = profile.last_entry()
    authority.answer = answer
    with pytest.raises(error) as caught:
        do("journal anchor-stamp", address=authority.address, certificate=str(authority.root))
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert profile.last_entry() == last


def test_a_stamp_for_something_else_or_by_somebody_else_is_refused(
    made: Any, do: Any, profile: Profile, authority: Authority, tmp_path: Path
) -> None:
    real = authority.answer
    replay = real(openssl("ts", "-query", "-digest", "ab" * 32, "-sha256", "-cert"))
    authority.answer = lambda _: replay
    with pytest.raises(Tampered):
        do("journal anchor-stamp", address=authority.address, certificate=str(authority.root))
    authority.answer = real
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    try:
        with pytest.raises(Tampered):
            do("journal anchor-stamp", address=authority.address, certificate=str(other.root))
    finally:
        other.close()


@pytest.mark.parametrize(
    "address",
    ["", "ftp://host/", "http://", "https://user:word@host/", "file:///etc/passwd", "http://host:99999/", "http://["],
)
def test_an_address_that_is_none_is_refused(made: Any, do: Any, tmp_path: Path, address: str) -> None:
    with pytest.raises(BadInput) as caught:
        do("journal anchor-stamp", address=address, certificate=str(tmp_path / "none"))
    assert caught.value.code == "journal.bad-address"


def test_a_certificate_that_is_none_is_refused_before_anybody_is_asked(
    made: Any, do: Any, authority: Authority, tmp_path: Path
) -> None:
    for name in ("missing.pem", "passphrase"):
        with pytest.raises(BadInput) as caught:
            do("journal anchor-stamp", address=authority.address, certificate=str(tmp_path / name))
        assert caught.value.code == "journal.bad-certificate"
    assert authority.asked == 0


def test_one_act_anchors_everywhere(made: Any, do: Any, profile: Profile, disk: Path, authority: Authority) -> None:
    do("journal anchor-file", file=str(disk))
    do("journal anchor-stamp", address=authority.address, certificate=str(authority.root))
    write(profile, 2)
    views = do("journal anchor")
    assert states(views) == {"keyring": "good", "file": "good", "time-stamp": "behind"}
    disk.write_text("something else", encoding="utf-8")
    assert states(do("journal anchor"))["file"] == "wrong"


@pytest.mark.parametrize("apart", [False, True])
def test_a_quick_proof_begins_at_the_newest_anchor_and_finds_what_can_lead_to_a_delivery(
    made: Any, do: Any, profile: Profile, disk: Path, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether many wait, so that a process of its own looks, or few."""
    monkeypatch.setattr(proof, "HELD_HERE_UP_TO", -1 if apart else 2_000)
    if apart:
        monkeypatch.setattr(proof, "walk", None)
    write(profile, 10)
    do("journal anchor-file", file=str(disk))
    anchoring.anchor_files(profile)
    head = profile.last_entry()
    write(profile, 3)
    assert prove_start(profile, Progress()).state == "whole"

    def edited(statement: str) -> Any:
        with closing(sqlite3.connect(profile.store.path)) as connection:
            connection.execute(statement)
            connection.commit()
        return prove_start(profile, Progress())

    # before the anchor, and nothing that could lead to a delivery: left to the proof that follows
    early = next(each.seq for each in journal.since(profile.store, 0) if each.act == "pod.reload-failed")
    assert edited(f"UPDATE journal_entry SET body = '{{ }}' WHERE seq = {early}").state == "whole"
    monkeypatch.setattr(proof, "WALKED_HERE_UP_TO", 3 if apart else 10_000)
    assert do("journal verify").entry == early
    key = next(each.seq for each in journal.since(profile.store, 0) if each.act == "key.created")
    assert edited(f"UPDATE journal_entry SET body = '{{ }}' WHERE seq = {key}").entry == key
    behind = edited(f"UPDATE journal_entry SET body = '{{ }}' WHERE seq = {head + 2}")
    assert (behind.state, behind.entry) == ("broken", head + 2)
    at = edited(f"UPDATE journal_entry SET hash = '{'0' * 64}' WHERE seq = {head}")
    assert (at.state, at.entry) == ("broken", head)


def test_the_anchor_in_a_file_is_one_line_that_names_no_secret(made: Any, do: Any, disk: Path) -> None:
    do("journal anchor-file", file=str(disk))
    text = disk.read_text(encoding="utf-8")
    assert text.count("\n") == 1
    assert set(json.loads(text)) == {"head", "signature"}
    assert set(json.loads(json.loads(text)["head"])) == {"seq", "hash", "at"}
