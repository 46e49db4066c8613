"""The form of a datasource: made from what a kind declares, in both directions, with errors where they belong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QWidget
from shiboken6 import delete

from podadmin.app.datasource_rows import kind_view
from podadmin.app.views.datasources import (
    DatasourceCard,
    DatasourceFields,
    FieldView,
    HealthRow,
    HealthView,
    InventoryView,
    KindView,
    ProbeView,
)
from podadmin.app.views.facts import Fact
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, Cancelled
from podadmin.datasources.kinds.registry import KINDS, source_of, values_of
from podadmin.datasources.model import Kind
from podadmin.desktop import slices
from podadmin.desktop.pages.datasource_change import ChangeView, changes, form_of
from podadmin.desktop.pages.datasource_draft import KIND, SAVE, SET_UP, TEST, Given, name_for, steps_for
from podadmin.desktop.pages.datasource_fields import editor_for, put, text_in
from podadmin.desktop.pages.datasource_form import SourceForm
from podadmin.desktop.pages.datasource_health import EVERY, HealthCard
from podadmin.desktop.pages.datasource_inventory import COUNT, InventoryCard
from podadmin.desktop.pages.datasource_kinds import ICONS, group_of, reads_badge
from podadmin.desktop.pages.datasource_wizard import Wizard
from podadmin.desktop.widgets.words import whole
from tests.desktop.hands import Show, named, press, texts

NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
ALL = {each.kind: kind_view(each) for each in KINDS}
NASTY = 'a, "b" = c\u202e'


def settle(widget: QWidget) -> None:
    """Let everything be made that comes in later turns."""
    for _ in range(60):
        QApplication.processEvents()
    assert widget.isVisible()


def line(widget: QWidget, name: str) -> QLineEdit:
    settle(widget)
    return next(each for each in widget.findChildren(QLineEdit) if each.accessibleName() == name and each.isVisible())


def write(widget: QWidget, name: str, text: str) -> None:
    found = line(widget, name)
    found.selectAll()
    QTest.keyClicks(found, text)


def filled(show: Show, kind: Kind, values: dict[str, str] | None = None, has_password: bool = False) -> SourceForm:
    form = show(SourceForm())
    form.show_kind(ALL[kind], values or {}, has_password)
    return form


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_form_with_all_its_fields(show: Show, kind: Kind) -> None:
    form = filled(show, kind)
    for group in form.groups.values():
        group.unfold()
        settle(form)
    assert form.editors.keys() == {field.name for field in ALL[kind].fields}
    assert form.values() == {}, "an untouched form says nothing but defaults"
    needed = [field.label for field in ALL[kind].fields if field.required]
    assert form.missing() == (needed[0] if needed else "")
    assert group_of(str(kind)) == ALL[kind].group
    assert ALL[kind].group in ICONS


@pytest.mark.parametrize("kind", list(Kind))
def test_what_only_the_pod_reads_is_said_and_has_fewer_steps(kind: Kind) -> None:
    view = ALL[kind]
    words = reads_badge(view).word
    assert ("pod" in words or "nothing" in words) == (view.reads != "profile")
    assert ("Columns" in steps_for(view)) == (view.reads == "profile")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp", "Cf"]), min_size=1), max_size=4)
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_list_and_pairs_come_out_as_they_went_in(qapp: QApplication, held: list[str]) -> None:
    view = FieldView("x", "X", "", "list")
    several, pairs = editor_for(view), editor_for(replace(view, input="pairs"))
    put(several, json.dumps(held, ensure_ascii=False))
    assert json.loads(text_in(several) or "[]") == held
    named_values = dict(zip(held, reversed(held), strict=True))
    put(pairs, json.dumps(named_values, ensure_ascii=False))
    assert json.loads(text_in(pairs) or "{}") == named_values
    for each in (several, pairs):
        delete(each)
        vars(each).clear()


def test_what_a_form_says_is_what_the_declared_model_takes(show: Show) -> None:
    form = filled(show, Kind.HEIDELBERG_E2E)
    write(form, "Folder", "/data/eyes")
    write(form, "Protocol of the series", "OCT ART Volume")
    eye = next(each for each in form.findChildren(QComboBox) if each.accessibleName() == "Eye")
    assert form.missing() == "Eye", "what has no default is not chosen by itself"
    eye.setCurrentIndex(eye.findText("Both"))
    press(form, "Which of it counts")
    write(form, "Created from", "2024-01-31")
    named(form, "Add: Endings").click()
    write(form, "Endings 1", ".e2e")
    settle(form)
    box = next(each for each in form.findChildren(QCheckBox) if each.accessibleName() == "By the ending alone")
    QTest.keyClick(box, Qt.Key.Key_Space)
    values = form.values()
    source = source_of(Kind.HEIDELBERG_E2E, values)
    assert values_of(source) == values
    assert json.loads(values["file_extension"]) == [".e2e"]
    assert (values["laterality"], values["strict_file_extension"]) == ("B", "yes")
    assert "4 set" not in texts(form)
    assert "3 set" in texts(form)


def test_a_field_that_means_nothing_now_is_not_there_and_says_nothing(show: Show) -> None:
    form = filled(show, Kind.CSV, {"path": "/a.csv"})
    press(form, "Split of the records")
    settle(form)
    assert "Column of the split" not in texts(form)
    split = next(each for each in form.findChildren(QComboBox) if each.accessibleName() == "Split of the records")
    split.setCurrentIndex(split.findText("By a column of the data"))
    write(form, "Column of the split", "part")
    assert form.values()["column_name"] == "part"
    split.setCurrentIndex(0)
    assert form.values() == {"path": "/a.csv"}
    assert "Column of the split" not in texts(form)


def test_groups_in_which_something_is_set_are_unfolded(show: Show) -> None:
    form = filled(show, Kind.CSV, {"path": "/a.csv", "encoding": "latin-1"})
    settle(form)
    assert "How its text is encoded, where it is not found out." in texts(form)
    assert "Tidy up" not in form.editors, "folded groups cost nothing"


def test_an_error_is_said_at_its_field_even_where_that_is_folded(show: Show) -> None:
    form = filled(show, Kind.CSV)
    assert form.show_error("partition_size", "It is a whole number.")
    settle(form)
    assert "It is a whole number." in texts(form)
    write(form, "Records at a time", "20")
    assert "It is a whole number." not in texts(form)
    assert not form.show_error("no_such_field", "Nobody sees this.")


def test_a_password_leaves_its_field_with_the_act_and_cannot_be_undone_into_it(show: Show) -> None:
    form = filled(show, Kind.SQL)
    write(form, "Password", "swordfish")
    field = line(form, "Password")
    assert field.echoMode() is QLineEdit.EchoMode.Password
    assert form.password_written
    assert "password" not in form.values()
    taken = form.take_password()
    assert taken is not None
    assert taken.reveal() == "swordfish"
    assert (field.text(), form.password_written, form.take_password()) == ("", False, None)
    field.undo()
    assert field.text() == ""
    assert not field.isUndoAvailable()
    assert "swordfish" not in repr(form.values())


@pytest.fixture
def wizard(show: Show) -> Iterator[Wizard]:
    made = show(Wizard())
    made.show_kinds(tuple(ALL.values()))
    settle(made)
    yield made
    made.password = None


def choose(wizard: Wizard, kind: Kind) -> None:
    wizard.kinds.choose(str(kind))
    press(wizard, "Continue")


def test_a_kind_that_the_pod_reads_goes_from_the_test_to_the_end(wizard: Wizard) -> None:
    asked: list[Given] = []
    saved: list[object] = []
    wizard.test_wanted.connect(asked.append)
    wizard.save_wanted.connect(saved.append)
    choose(wizard, Kind.TOPCON)
    assert "podadmin counts and watches the files, and the schema comes from the pod" in texts(wizard)
    write(wizard, "Folder", "/data/Eye Scans")
    press(wizard, "Test the folder")
    wizard.show_probe(asked[0], ProbeView(True, (Fact("Files", "30"), Fact("Look at this", "Old files.", "warn"))))
    assert "The folder can be read" in texts(wizard)
    assert "Look at this before you go on" in texts(wizard)
    press(wizard, "Continue")
    assert wizard.step == SAVE
    assert wizard.draft.name == "eye-scans"
    press(wizard, "Save the datasource")
    assert saved == [wizard.draft]
    wizard.save_failed(BadInput("datasource.name-taken", "There is one.", "It exists.", "Choose another."))
    assert wizard.step == SAVE
    assert "There is one." in texts(wizard), "said at the name, which is here"


def test_a_model_of_tables_as_a_whole_has_its_schema_from_the_pod_and_one_of_its_tables_has_its_own(
    wizard: Wizard,
) -> None:
    choose(wizard, Kind.OMOP)
    write(wizard, "Address", "postgresql://me@db/cdm")
    assert not wizard.makes_schema
    press(wizard, "Advanced")
    write(wizard, "Table", "person")
    assert wizard.makes_schema


def test_no_data_is_not_tested(wizard: Wizard) -> None:
    choose(wizard, Kind.NULL)
    assert "There is nothing to read" in texts(wizard)
    press(wizard, "Continue")
    assert wizard.step == SAVE
    assert not named(wizard, "Save the datasource").isEnabled(), "it has no name yet"


def test_another_password_makes_another_source_and_stays_out_of_it(wizard: Wizard) -> None:
    asked: list[Given] = []
    wizard.test_wanted.connect(asked.append)
    choose(wizard, Kind.SQL)
    write(wizard, "Address", "postgresql://me@db/ward")
    write(wizard, "Table", "visits")
    write(wizard, "Password", "swordfish")
    press(wizard, "Test the database")
    assert wizard.password is not None
    assert wizard.password.reveal() == "swordfish"
    press(wizard, "Back")
    write(wizard, "Password", "herring")
    press(wizard, "Test the database")
    assert asked[0] != asked[1]
    assert "swordfish" not in repr(asked) + repr(wizard.draft)
    assert "herring" not in repr(asked) + repr(wizard.draft)
    wizard.show_probe(asked[0], ProbeView(True, ()))
    assert not named(wizard, "Continue").isEnabled(), "that was the test with the other password"
    wizard.reset()
    assert wizard.password is None
    assert not wizard.dirty


def test_settings_that_do_not_fit_lead_back_to_their_field(wizard: Wizard) -> None:
    choose(wizard, Kind.SQL)
    write(wizard, "Address", "postgresql://me:secret@db/ward")
    write(wizard, "Table", "visits")
    press(wizard, "Test the database")
    try:
        source_of(Kind.SQL, wizard.given.values)
    except BadInput as error:
        told = {name: str(value) for name, value in error.as_dict().items()}
    wizard.show_probe(wizard.given, ProbeView(False, (), error=told))
    assert wizard.step == SET_UP
    assert "It carries a password" in texts(wizard)
    assert wizard.form.editors["url"].editor.property("bad")


def test_a_wrong_password_is_marked_where_it_is_typed(wizard: Wizard) -> None:
    choose(wizard, Kind.SQL)
    write(wizard, "Address", "postgresql://me@db/ward")
    write(wizard, "Table", "visits")
    press(wizard, "Test the database")
    error = {"code": "datasource.password", "what": "The database refuses the password.", "why": "", "next_step": ""}
    facts = (Fact("What broke", "wrong password", "bad"), Fact("Code of the field", "AUTH_FAILED", mono=True))
    wizard.show_probe(wizard.given, ProbeView(False, facts, error=error, field_code="AUTH_FAILED"))
    assert wizard.step == TEST
    assert "AUTH_FAILED" in texts(wizard)
    press(wizard, "Change what you entered")
    assert wizard.form.editors["password"].editor.property("bad")


def test_another_kind_begins_anew_and_the_same_one_goes_on(wizard: Wizard) -> None:
    choose(wizard, Kind.CSV)
    write(wizard, "File", "/data/a.csv")
    press(wizard, "Back")
    choose(wizard, Kind.CSV)
    assert wizard.given.values == {"path": "/data/a.csv"}
    press(wizard, "Back")
    choose(wizard, Kind.PARQUET)
    assert wizard.given.values == {}


def test_escape_asks_before_anything_is_lost(wizard: Wizard) -> None:
    choose(wizard, Kind.CSV)
    write(wizard, "File", "/data/a.csv")
    QTest.keyClick(line(wizard, "File"), Qt.Key.Key_Escape)
    assert "would be lost" in texts(wizard)
    QTest.keyClick(QApplication.focusWidget() or wizard, Qt.Key.Key_Escape)
    assert "would be lost" not in texts(wizard)
    assert wizard.given.values == {"path": "/data/a.csv"}


def test_names_are_proposed_from_wherever_the_data_is() -> None:
    assert (
        name_for(Given("SQLSource", {"url": "postgresql://me@db/Ward_7", "table": "public.visits"})) == "public-visits"
    )
    assert name_for(Given("OMOPSource", {"url": "postgresql://me@db/Ward_7"})) == "ward-7"
    assert (
        name_for(Given("InterMineSource", {"service_url": "https://x/service", "template_name": "Gene > GO"}))
        == "gene-go"
    )
    assert name_for(Given("NullSource")) == ""


FIELDS = DatasourceFields(
    "ds_1",
    "ward",
    ALL[Kind.SQL],
    {"url": "postgresql://me@db/ward", "table": "visits", "partition_size": "20"},
    True,
    ("nhs_number",),
    {"sex": "categorical"},
    {},
)


def test_only_what_was_changed_is_sent_and_a_default_is_sent_empty(show: Show) -> None:
    view = show(ChangeView())
    sent: list[dict[str, object]] = []
    view.save_wanted.connect(sent.append)
    view.show_fields(FIELDS)
    settle(view)
    assert not named(view, "Save the change").isEnabled()
    write(view, "Table", "stays")
    write(view, "Records at a time", " ")
    named(view, "Remove: Never read 1").click()
    press(view, "Save the change")
    assert sent == [
        {
            "datasource": "ds_1",
            "set": {"partition_size": "", "table": "stays"},
            "every_column": True,
            "ignore": [],
            "force": {"sex": "categorical"},
        }
    ]


def test_a_password_that_was_typed_once_is_there_for_the_next_try(show: Show) -> None:
    view = show(ChangeView())
    sent: list[dict[str, object]] = []
    view.save_wanted.connect(sent.append)
    view.show_fields(FIELDS)
    write(view, "Password", "swordfish")
    press(view, "Save the change")
    view.show_problem(
        BadInput("datasource.field", "It cannot be used.", "It has no such form.", "Correct it.").at("url")
    )
    assert "It has no such form. Correct it. (datasource.field)" in texts(view)
    press(view, "Save the change")
    assert [str(each["password"]) for each in sent] == ["…", "…"]
    sent.clear()


@given(st.dictionaries(st.sampled_from(["url", "table", "query", "seed"]), st.text("ab", min_size=1, max_size=3)))
def test_a_form_that_was_not_touched_changes_nothing(values: dict[str, str]) -> None:
    fields = replace(FIELDS, values=values)
    _kind, entered = form_of(fields)
    assert changes(fields, entered) == {}


CARD = DatasourceCard(
    id="ds_1",
    name="ward",
    kind="DICOMSource",
    location="/data/dicom",
    health="broken",
    health_words="The folder was not found. The share is not mounted.",
    who_can_fix="Your IT service, or whoever owns the folder.",
    rows=None,
    columns=None,
    size=None,
    schema_state="none",
    schema_made_at=None,
    columns_ignored=(),
    added_at=NOW,
    cause="not mounted",
    field_code="PATH_NOT_FOUND",
    health_since=NOW - timedelta(hours=3),
)
ROW = HealthRow(
    "ds_1",
    "ward",
    "broken",
    "not mounted",
    "PATH_NOT_FOUND",
    "",
    "Connect the share.",
    "",
    None,
    NOW - timedelta(minutes=5),
)


def test_health_is_told_in_the_sentinels_words_and_looked_at_on_a_schedule(show: Show) -> None:
    card = show(HealthCard(ManualClock(NOW)))
    asked: list[object] = []
    card.look_wanted.connect(lambda: asked.append("look"))
    card.schedule_wanted.connect(asked.append)
    card.show_source(CARD, HealthView(45, "Every 45 minutes", (ROW,)))
    said = texts(card)
    for words in ("not mounted", "PATH_NOT_FOUND", "Your IT service", "Connect the share.", "5 minutes ago", "never"):
        assert words in said
    press(card, "Look now")
    every = next(each for each in card.findChildren(QComboBox) if each.accessibleName() == EVERY)
    assert every.currentText() == "Every 45 minutes", "a schedule of the command line is shown as it is"
    assert not named(card, "Set it").isEnabled()
    every.setCurrentIndex(every.findText("Never by themselves"))
    press(card, "Set it")
    assert asked == ["look", 0]
    card.set_busy("It is being looked at.")
    assert named(card, "Look now").accessibleDescription() == "It is being looked at."


def test_an_inventory_is_counts_however_many_files_there_are(show: Show) -> None:
    card = show(InventoryCard())
    asked: list[bool] = []
    card.look_wanted.connect(lambda: asked.append(True))
    endings = tuple((f".{place}", 1_000_000 - place) for place in range(5_000))
    view = InventoryView(1_000_000, 10**12, 4_000, 12, 3, NOW, NOW, endings, (NASTY,), 7, 2, True)
    card.show_inventory(view)
    said = texts(card)
    assert whole(1_000_000) in said
    assert "7 places in it could not be looked at." in said
    assert len(card.endings.rows()) == 100
    card.endings.more_wanted.emit()
    assert len(card.endings.rows()) == 200
    press(card, COUNT)
    assert asked == [True]
    card.show_problem(Cancelled())
    assert "You asked for it to stop." in texts(card)
    card.show_inventory(replace(view, files=0, whole=False, by_ending=(), unreadable=(), unreadable_count=0))
    assert "have not been counted yet" in texts(card)


def test_a_key_that_is_pressed_before_all_kinds_are_there_reaches_none_of_them(
    show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "_BUDGET", 1e-5)  # a turn for each piece, however quick the machine is
    made = show(Wizard())
    made.show_kinds(tuple(ALL.values()))
    pressed = 0
    while not made.kinds.offered:
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Return):
            QTest.keyClick(QApplication.focusWidget() or made, key)
        assert made.kinds.kind is None or made.kinds.offered
        pressed += 1
        QApplication.processEvents()
    assert pressed > 1
    assert (made.step, made.kinds.offered) == (KIND, tuple(ALL))
    assert made.kinds.kind is not None
    assert made.kinds.kind.kind == "CSVSource"
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused.accessibleName() == "CSV file"


def test_kinds_are_offered_with_what_is_read_of_each(wizard: Wizard) -> None:
    said = texts(wizard)
    assert said.count("Counted here, schema from the pod") == sum(each.reads == "inventory" for each in ALL.values())
    assert isinstance(wizard.kinds.kind, KindView)
    assert wizard.kinds.kind.kind == "CSVSource"
    QTest.keyClick(QApplication.focusWidget() or wizard, Qt.Key.Key_Right)
    assert wizard.kinds.kind.kind == "ParquetSource"
    QTest.keyClick(QApplication.focusWidget() or wizard, Qt.Key.Key_Return)
    assert wizard.step == SET_UP
