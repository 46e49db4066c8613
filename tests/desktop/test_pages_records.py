"""Limits, keys, journal and settings: absent is never unlimited, broken is loud, and nothing changes unasked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton, QPlainTextEdit, QWidget

from podadmin.app.views.journal import JournalCheck, JournalRow
from podadmin.app.views.keys import KeyRow
from podadmin.app.views.limits import MeterDetail, MeterEvent, MeterRow
from podadmin.app.views.settings import SettingRow
from podadmin.app.views.status import KeyringView
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, Cancelled
from podadmin.core.text import grouped
from podadmin.desktop.pages.export_sheet import ExportSheet
from podadmin.desktop.pages.journal_check import CheckResult, check_words
from podadmin.desktop.pages.journal_entry import EntryCard, body_facts, page_of
from podadmin.desktop.pages.keys import KeyList, KeyringCard
from podadmin.desktop.pages.limit_words import free_cell, inferences, level, limit_cell, mode_badge, mode_words
from podadmin.desktop.pages.limits import LimitsView, MeterDetailView, summary
from podadmin.desktop.pages.settings import SettingsList, as_text, bounds, group_of, matches
from podadmin.desktop.slices import complete
from tests.desktop.hands import Show, named, press, texts

NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
NASTY = "<b>bold</b> a\u202egnp.exe & co"
SAFE = "<b>bold</b> a<U+202E>gnp.exe & co"
METER = MeterRow(
    id="mtr_1",
    model="research-lab/hba1c-risk:1",
    project="glaucoma-study",
    used=600.0,
    reserved=0.0,
    free=400.0,
    limit=1000.0,
    mode="stops",
    last_used=NOW - timedelta(minutes=5),
    series=(("2026-11-20", 200.0), ("2026-11-21", 600.0)),
)
UNLIMITED = replace(METER, id="mtr_2", free=None, limit=None, mode="unlimited")
UNKNOWN = replace(METER, id="mtr_3", free=None, limit=None, mode="unknown")
EVENT = MeterEvent(NOW, "req_1", NASTY, 600.0, "600 inferences")
KEY = KeyRow(
    id="key_1",
    purpose="Opens the requests that are sent to the pod",
    kind="RSA-4096",
    fingerprint=grouped("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    words="coffee-bench-marble-robot-blanket-oyster",
    where="Sealed in key_1.key",
    created_at=NOW - timedelta(days=2),
    last_used_at=None,
    public="ssh-rsa AAAAB3Nza",
    known_by="Nobody yet",
)
ENTRY = JournalRow(
    seq=12,
    at=NOW,
    actor="custodian",
    act="request.approved",
    subject="req_1F8Z3K9QW2M7",
    words=f"The request was approved: {NASTY}",
    body={"by": NASTY, "pins": {"digest": "ab" * 32, "open": True}, "tags": ["a", "b"], "steps": [{"n": 1}]},
    hash="cd" * 32,
    previous="ef" * 32,
)
CHECK = JournalCheck("whole", "Verified to entry 26.", 26, None, 24, NOW - timedelta(minutes=1), NOW)
WINDOW = SettingRow(
    "gate.window", "Time to decide", "How long.", "float", 300.0, 300.0, (), 1.0, 300.0, False, "seconds"
)
THEME = SettingRow("appearance.theme", "Light or dark", "Which.", "choice", "system", "system", ("system", "light"))
PORT = SettingRow("worker.port", "Port", "Where.", "int", 8080, 8080, (), 1.0, 65535.0, True, "")


@pytest.mark.parametrize(
    ("meter", "word", "tone"),
    [
        (METER, "Stops", "info"),
        (replace(METER, used=790.0, reserved=10.0, free=200.0), "Stops soon", "warn"),
        (replace(METER, used=900.0, reserved=100.0, free=0.0), "Used up", "bad"),
        (replace(METER, used=0.0, free=0.0, limit=0.0), "Used up", "bad"),
        (UNLIMITED, "Unlimited", "warn"),
        (UNKNOWN, "Unknown", "bad"),
        (replace(METER, mode="something new"), "Unknown", "bad"),
        (replace(METER, limit=None, free=None), "Unknown", "bad"),
    ],
)
def test_every_state_of_a_limit_has_a_word_and_only_a_known_one_is_calm(meter: MeterRow, word: str, tone: str) -> None:
    badge = mode_badge(meter)
    assert (badge.word, badge.tone) == (word, tone)
    assert mode_words(meter)[0] == tone


def test_unlimited_and_unknown_are_never_told_as_a_number() -> None:
    assert (limit_cell(UNLIMITED), free_cell(UNLIMITED)) == ("none", "no end")
    assert (limit_cell(UNKNOWN), free_cell(UNKNOWN)) == ("not known", "nothing")
    assert level(UNKNOWN) is None
    assert "Unknown is not unlimited" in mode_words(UNKNOWN)[2]
    assert "nothing stops it" in mode_words(UNLIMITED)[2]


def test_amounts_are_counted_in_inferences() -> None:
    assert inferences(1.0) == "1 inference"
    assert inferences(600.0) == "600 inferences"
    assert inferences(2.5) == "2.50 inferences"


def test_all_meters_in_one_line_name_what_needs_attention() -> None:
    full = replace(METER, free=0.0, used=1000.0)
    assert summary((METER,)) == "600 inferences used in all."
    assert "1 used up · 1 unlimited · 1 with an unknown limit." in summary((full, UNLIMITED, UNKNOWN))


def test_the_first_model_is_opened_and_picking_another_asks_for_it(show: Show) -> None:
    view = show(complete(LimitsView(ManualClock(NOW))))
    asked: list[str] = []
    view.picked.connect(asked.append)
    view.show_meters((METER, UNLIMITED))
    assert view.selected == "mtr_1"
    view.meters.table.select("mtr_2")
    assert asked == ["mtr_1", "mtr_2"]
    view.show_meters((METER, UNLIMITED))
    assert view.selected == "mtr_2", "what was selected stays"
    view.show_meters(())
    assert "No model has been used yet" in texts(view)


def test_the_detail_of_a_model_says_its_state_and_shows_events(show: Show) -> None:
    view = show(complete(MeterDetailView(ManualClock(NOW))))
    view.show_detail(MeterDetail(METER, (EVENT,), ((NASTY, 450.0), ("b", 150.0))))
    said = texts(view)
    assert "Stops at its limit" in said
    assert "60% of the limit is taken" in said
    cells = [str(view.requesters.model().index(0, column).data()) for column in range(3)]
    assert cells == [SAFE, "450", "75%"]
    wanted: list[str] = []
    view.request_wanted.connect(wanted.append)
    view.events.opened.emit(EVENT)
    assert wanted == ["req_1"]
    view.show_detail(MeterDetail(UNLIMITED, (), ()))
    assert "The network sets none" in texts(view)
    view.show_detail(MeterDetail(UNKNOWN, (), ()))
    assert "Unknown is not unlimited" in texts(view)


def test_a_keyring_that_forgets_is_never_just_ready(show: Show) -> None:
    card = show(KeyringCard())
    card.show_keyring(KeyringView("ready", "memory only", "Kept in memory.", "", True))
    said = texts(card)
    assert "Ready, but forgets" in said
    assert "This keyring forgets everything when podadmin closes" in said
    card.show_keyring(KeyringView("locked", "KWallet", "It is locked.", "Unlock it.", False))
    said = texts(card)
    assert "Locked" in said
    assert "What to do: Unlock it." in said
    assert "forgets" not in said


def test_a_key_shows_what_two_people_compare_and_only_its_public_half(show: Show) -> None:
    keys = show(KeyList(ManualClock(NOW)))
    copied: list[tuple[str, str]] = []
    keys.copied.connect(lambda purpose, public: copied.append((purpose, public)))
    keys.show_keys(
        (KEY, replace(KEY, id="r", purpose=f"Verifies requests of {NASTY}", words="", kind="RSA, public half"))
    )
    said = texts(keys)
    assert "9f86 d081 884c 7d65 9a2f eaa0 c55a d015\na3bf 4f1b 2b0b 822c d15d 6c15 b0f0 0a08" in said
    assert "coffee-bench-marble-robot-blanket-oyster" in said
    assert SAFE in said
    assert "Last used\nnever" in said
    fields = keys.findChildren(QPlainTextEdit)
    assert all(field.isReadOnly() for field in fields)
    press(keys, f"Copy the public half: {KEY.purpose}")
    assert copied == [(KEY.purpose, "ssh-rsa AAAAB3Nza")]


def test_without_keys_it_says_where_they_come_from(show: Show) -> None:
    keys = show(KeyList(ManualClock(NOW)))
    keys.show_keys(())
    assert "Making a pod makes two" in texts(keys)


def test_an_entry_shows_its_facts_its_hashes_and_the_way_to_its_thing(show: Show) -> None:
    card = show(EntryCard())
    assert "No entry selected" in texts(card)
    wanted: list[tuple[str, str]] = []
    card.page_wanted.connect(lambda page, subject: wanted.append((page, subject)))
    card.show_entry(ENTRY)
    said = texts(card)
    assert f"The request was approved: {SAFE}" in said
    assert grouped("cd" * 32) in said
    press(card, "Open what it is about")
    assert wanted == [("Requests", "req_1F8Z3K9QW2M7")]
    card.show_entry(replace(ENTRY, seq=1, previous="0" * 64, act="profile.made", body={}))
    said = texts(card)
    assert "none: this is the first entry" in said
    assert "The act itself says everything." in said
    assert page_of(replace(ENTRY, act="profile.made")) == ("", "")


def test_the_body_of_an_entry_becomes_labelled_facts() -> None:
    facts = {fact.label: fact.value for fact in body_facts(ENTRY.body)}
    assert facts == {
        "By": NASTY,
        "Pins › digest": " ".join(["abab"] * 16),
        "Pins › open": "yes",
        "Tags": "a, b",
        "Steps › 1 › n": "1",
    }
    assert len(body_facts({str(number): number for number in range(500)})) == 61


@pytest.mark.parametrize(
    ("check", "tone", "title"),
    [
        (CHECK, "good", "Verified to entry 26, anchored to entry 24 at "),
        (replace(CHECK, anchored_to=None, anchored_at=None), "warn", "Verified to entry 26, not anchored"),
        (
            replace(CHECK, state="broken", entry=7, problems=("It was changed.",)),
            "bad",
            "The journal is broken at entry 7",
        ),
        (replace(CHECK, state="broken", words="The anchor is gone."), "bad", "The journal is broken"),
    ],
)
def test_a_verification_is_told_as_it_ended(check: JournalCheck, tone: str, title: str) -> None:
    told = check_words(check)
    assert told[0] == tone
    assert told[1].startswith(title)


def test_a_broken_journal_is_loud_and_a_stopped_verification_claims_nothing(show: Show) -> None:
    result = show(CheckResult())
    result.begin()
    result.show_check(replace(CHECK, state="broken", entry=7, problems=("Its hash is not right.",)))
    said = texts(result)
    assert "The journal is broken at entry 7" in said
    assert "Its hash is not right." in said
    assert "Do not trust what comes after that entry." in said
    result.begin()
    assert "broken" not in texts(result), "what was found before is not shown while it runs anew"
    result.show_problem(Cancelled())
    assert "The verification was stopped" in texts(result)


def test_an_export_stays_open_until_the_file_is_written(show: Show) -> None:
    host = show(QWidget())
    asked: list[tuple[str, str]] = []
    sheet = ExportSheet(host, "Export", "All of it.", lambda path, how: asked.append((path, how)), [("yaml", "YAML")])
    sheet.open()
    assert not sheet.confirm.isEnabled()
    sheet.path.set_value(" /tmp/x.yaml ")
    press(sheet, "Write the file")
    assert asked == [("/tmp/x.yaml", "yaml")]
    assert not sheet.confirm.isEnabled(), "it is being written"
    sheet.show_problem(BadInput("schema.export-folder", "It was not written.", "No folder.", "Choose another."))
    assert "It was not written. No folder. Choose another. (schema.export-folder)" in texts(sheet)
    assert sheet.confirm.isEnabled()
    sheet.dismiss()
    vars(sheet).clear()


def settings(show: Show) -> tuple[SettingsList, list[tuple[str, str]]]:
    page = show(SettingsList())
    asked: list[tuple[str, str]] = []
    page.saved.connect(lambda name, value: asked.append((name, value)))
    page.show_settings((WINDOW, THEME, PORT))
    return page, asked


def editor(page: SettingsList, name: str) -> Any:
    return page.editors[name]


def test_nothing_is_changed_until_save_is_pressed_beside_it(show: Show) -> None:
    page, asked = settings(show)
    field = editor(page, "gate.window")._field
    assert not [
        button for button in page.findChildren(QAbstractButton) if button.text() == "Save" and button.isVisible()
    ]
    field.set_value("120")
    assert "Not saved yet" in texts(page)
    assert page.unsaved() == ("Time to decide",)
    press(page, "Save: Time to decide")
    assert asked == [("gate.window", "120")]
    editor(page, "gate.window").show_saved(replace(WINDOW, value=120.0))
    assert "Saved" in texts(page)
    assert page.unsaved() == ()
    press(page, "Use the default: Time to decide")
    assert field.value() == "300"
    press(page, "Undo: Time to decide")
    assert field.value() == "120"


def test_a_value_that_does_not_fit_is_said_at_its_field_and_kept(show: Show) -> None:
    page, _ = settings(show)
    editor(page, "gate.window")._field.set_value("999")
    press(page, "Save: Time to decide")
    editor(page, "gate.window").show_problem(BadInput("setting.bad-value", "Not changed.", "1 to 300.", "Fit it."))
    assert "Not changed. 1 to 300. Fit it. (setting.bad-value)" in texts(page)
    assert editor(page, "gate.window").value() == "999"
    assert named(page, "Save: Time to decide").isEnabled()


def test_news_from_elsewhere_does_not_take_away_what_was_entered(show: Show) -> None:
    page, _ = settings(show)
    editor(page, "gate.window")._field.set_value("120")
    page.show_settings((replace(WINDOW, value=200.0), replace(THEME, value="light"), PORT))
    assert editor(page, "gate.window").value() == "120"
    assert editor(page, "appearance.theme").value() == "light"


def test_what_needs_a_restart_says_so(show: Show) -> None:
    page, _ = settings(show)
    assert "Needs a restart" in texts(page)
    editor(page, "worker.port").show_saved(replace(PORT, value=9090))
    assert "Takes effect when podadmin starts the next time" in texts(page)


def test_settings_are_found_by_any_of_their_words(show: Show) -> None:
    page, _ = settings(show)
    page.search("decide")
    said = texts(page)
    assert "Time to decide" in said
    assert "Light or dark" not in said
    page.search("no such thing")
    assert "Nothing found" in texts(page)
    page.search("")
    assert "Light or dark" in texts(page)
    assert matches(THEME, "appearance LIGHT")


def test_settings_are_grouped_and_bounded_in_words() -> None:
    assert group_of(WINDOW) == "The gate and its requests"
    assert group_of(replace(WINDOW, name="new-room.x")) == "New room"
    assert bounds(WINDOW) == "1 to 300 seconds"
    assert bounds(replace(WINDOW, minimum=5.0, maximum=None)) == "5 seconds or more"
    assert as_text(300.0) == "300"
    assert as_text(0.25) == "0.25"
    assert as_text(True) == "true"
