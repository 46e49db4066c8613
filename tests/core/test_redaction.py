"""Logs: what is a secret, or looks like one, is cut out; what a log is read for stays."""

from __future__ import annotations

import base64
import gc
import io
import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podadmin.core.redaction import CUT, Redacting, masked, names_secret, redact, redacted
from podadmin.core.secret import Secret, living

PEM = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
TOKEN = "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJwb2QifQ.c2lnbmF0dXJlLW9mLWl0"


@pytest.mark.parametrize(
    "text",
    [
        PEM,
        PEM[:90],
        PEM.replace("OPENSSH ", ""),
        f"Authorization: Bearer {TOKEN}",
        f"sent {TOKEN} to the hub",
        "Authorization: Bearer abcdef0123456789",
        "Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==",
        "password=hunter22",
        '{"password": "hunter22"}',
        "client_secret: s3cr3t-v4lue",
        "x-api-key: hunter22hunter22",
        "postgresql://reader:hunter22@db.clinic:5432/records",
        base64.b64encode(bytes(range(150, 250)) * 2).decode(),
    ],
)
def test_what_looks_like_a_secret_is_cut(text: str) -> None:
    found = redacted(f"before {text} after")
    assert CUT in found
    assert found.startswith("before ")
    for piece in ("b3BlbnNzaC1r", "eyJ", "hunter22", "s3cr3t", "Y2FuYXJ5", "abcdef0123456789", "lpeYmZ"):
        assert piece not in found


@pytest.mark.parametrize(
    "text",
    [
        "the gate is off: vault.locked",
        "entry 4f" + "0a1b2c3d" * 8 + " is not what was written",
        "opened request req_1F8Z3K9QW2M7 of research-lab at https://hub.example/api",
        "-----BEGIN PUBLIC KEY----- stays",
    ],
)
def test_what_a_log_is_read_for_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text(min_size=6, max_size=60).filter(lambda text: text.strip() and text not in CUT and CUT not in text))
def test_a_secret_that_is_held_is_cut_in_every_form(value: str) -> None:
    held = Secret(value)
    raw = value.encode()
    for form in (value, raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()):
        assert form not in redacted(f"<{form}>").replace(CUT, "")
    assert held in living()


def test_bytes_that_are_no_text_are_cut_as_python_would_show_them() -> None:
    held = Secret(b"\xff\xfe\x00binary-secret")
    assert "binary-secret" not in redacted(f"got {held.reveal()!r}")


def test_a_short_word_and_one_that_is_gone_cut_nothing() -> None:
    held = Secret("gate")
    assert redacted("the gate is on") == "the gate is on"
    gone = Secret("the-gone-secret")
    del gone
    gc.collect()
    assert redacted("the-gone-secret") == "the-gone-secret"
    assert held.reveal() == "gate"


def test_a_strangers_protocol_is_shown_without_its_secrets() -> None:
    token = {"a": ["hunter22"]}
    protocol = {
        "hub": {
            "access_token": "hunter22",
            "Api-Key": "hunter22",
            "awsSecretAccessKey": "hunter22",
            "signing_key": "k1",
        },
        "steps": [{"password": "hunter22", "token": token, "keys": ["hunter22"], "note": f"Bearer {TOKEN}"}],
    }
    shown = masked(protocol)
    assert "hunter22" not in str(shown)
    assert TOKEN not in str(shown)
    assert shown["hub"] == dict.fromkeys(protocol["hub"], CUT)
    assert [*shown["steps"][0]] == ["password", "token", "keys", "note"], "what is there stays to be seen"
    assert protocol["steps"][0]["token"] is token, "what was verified is left as it is"  # type: ignore[index]
    assert masked("hunter22", ["algorithm", "access_token"]) == CUT
    assert masked("hunter22", ["algorithm", "query"]) == "hunter22"


def test_what_a_protocol_does_stays_to_be_seen() -> None:
    protocol = {
        "query": "SELECT age FROM df",
        "max_new_tokens": 512,
        "pad_token_id": 3,
        "public_key": "ssh-rsa AAAA",
        "primary_key": "patient",
        "group_key": "ward",
        "api_key": "",
        "token": None,
        "private": False,
        "columns": ["key_figure", 1.5, None, True],
    }
    assert masked(protocol) == protocol
    assert not names_secret("max_new_tokens", 512)
    assert names_secret("max_new_tokens", "512 in words")


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    text = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(text))
    redact(logger)
    redact(logger)
    assert sum(isinstance(each, Redacting) for each in logger.handlers[0].filters) == 1
    yield logger, text
    assert logging.lastResort is not None
    for each in [each for each in logging.lastResort.filters if isinstance(each, Redacting)]:
        logging.lastResort.removeFilter(each)


def test_message_arguments_exception_and_stack_are_cut(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, text = written
    held = Secret("correct-horse-battery")
    logger.warning("opened with %s", held.reveal())
    try:
        raise ValueError(f"cannot open {held.reveal()}")
    except ValueError:
        logger.exception("it failed", stack_info=True)
    assert "correct-horse-battery" not in text.getvalue()
    assert text.getvalue().count(CUT) >= 2
    assert "ValueError" in text.getvalue()


def test_a_record_whose_arguments_do_not_fit_is_still_written(written: tuple[logging.Logger, io.StringIO]) -> None:
    logger, text = written
    logger.warning("two %s %s", "one")
    assert "could not be put together" in text.getvalue()


def test_a_text_that_was_formatted_before_is_cut_too() -> None:
    record = logging.makeLogRecord({"msg": "x", "exc_text": f"trace {PEM}", "stack_info": f"stack {PEM}"})
    assert Redacting().filter(record)
    assert record.exc_text == f"trace {CUT}"
    assert record.stack_info == f"stack {CUT}"


def test_a_thread_that_dies_says_where_and_not_with_what(caplog: pytest.LogCaptureFixture) -> None:
    import threading

    from podadmin.app.diagnostics import quiet_threads

    before = threading.excepthook

    def die() -> None:
        raise ValueError("correct-horse-battery")

    def leave() -> None:
        sys.exit(3)

    try:
        quiet_threads()
        logging.getLogger("podadmin").propagate = True
        for act in (die, leave):
            thread = threading.Thread(target=act, name="podadmin-test")
            thread.start()
            thread.join()
    finally:
        threading.excepthook = before
    assert "defect" in caplog.text
    assert "podadmin-test" in caplog.text
    assert "correct-horse-battery" not in caplog.text
