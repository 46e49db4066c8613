"""Datasources: cards say who can mend what, the wizard saves nothing before its end, a schema shows what it reveals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QObject
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QWidget
from shiboken6 import delete, isValid

from podadmin.app.datasource_rows import kind_view
from podadmin.app.views.datasources import ColumnView, DatasourceCard, Preview, ProbeView, Revelation, SchemaView
from podadmin.app.views.facts import Fact
from podadmin.core.clock import ManualClock
from podadmin.core.errors import BadInput, Cancelled
from podadmin.datasources.kinds.registry import KINDS
from podadmin.datasources.model import DatasourceName
from podadmin.desktop import seek
from podadmin.desktop.pages.datasource_cards import DatasourceList, DatasourceTile, summary
from podadmin.desktop.pages.datasource_columns import AT_ONCE, ColumnsStep, warning_of
from podadmin.desktop.pages.datasource_detail import DatasourceDetail
from podadmin.desktop.pages.datasource_draft import COLUMNS, SAVE, SCHEMA, SET_UP, TEST, Choice, Draft, Given, name_from
from podadmin.desktop.pages.datasource_preview import PreviewStep
from podadmin.desktop.pages.datasource_save import LOOKED
from podadmin.desktop.pages.datasource_steps import ProbeStep
from podadmin.desktop.pages.datasource_wizard import Wizard
from podadmin.desktop.pages.datasources import DatasourcesPage
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.slices import at_once, complete
from podadmin.desktop.widgets.prompt import ReasonPrompt
from podadmin.desktop.widgets.table import RowTable
from tests.desktop.hands import Show, named, press, texts
from tests.desktop.held import Window

NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
NASTY = "<b>bold</b> a\u202egnp.exe & co"
PATH = "/data/Eye Clinic 2024.csv"
ALL_KINDS = tuple(map(kind_view, KINDS))
CSV = "CSVSource"
GIVEN = Given(CSV, {"path": PATH})
SOURCE = DatasourceCard(
    id="ds_1",
    name="eye-clinic",
    kind="CSVSource",
    location=PATH,
    health="good",
    health_words="Readable",
    who_can_fix="",
    rows=600,
    columns=11,
    size=33037,
    schema_state="saved",
    schema_made_at=NOW - timedelta(hours=2),
    columns_ignored=("patient_id",),
    added_at=NOW - timedelta(days=3),
)
BROKEN = replace(
    SOURCE,
    id="ds_2",
    name="theatre",
    health="broken",
    health_words="The file was not found. It was moved.",
    who_can_fix="You, by choosing another file.",
    schema_state="none",
)
PROBE = ProbeView(True, (Fact("Rows", "1,204"), Fact("Columns", "3")))
FOUND = (
    ColumnView("patient_id", "string", "text", False, False, "", warning="Its name suggests identifiers of patients."),
    ColumnView("sex", "string", "text", False, False, ""),
    ColumnView("age", "Int64", "continuous", False, False, ""),
)
PLAIN = Revelation("sex", "All 2 labels: they are values from the data.", ("F", "M"), "plain")
BAD = Revelation(
    "patient_id", "Every value of a column that looks like identifiers of patients.", ("D-1", "D-2"), "bad"
)
SCHEMA_VIEW = SchemaView(
    datasource="ds_1",
    datasource_name="eye-clinic",
    made_at=NOW,
    records=1204,
    columns=FOUND,
    reveals=(PLAIN,),
    rejected_lines=0,
    seconds=0.4,
    saved=False,
    document={"name": "eye-clinic"},
)


def editor(widget: QWidget, name: str) -> QWidget:
    QApplication.processEvents()
    kinds = (QCheckBox, QComboBox, QLineEdit)
    return next(e for kind in kinds for e in widget.findChildren(kind) if e.accessibleName() == name and e.isVisible())


class Asked:
    """What the wizard has asked for, in order."""

    def __init__(self, wizard: Wizard) -> None:
        self.acts: list[tuple[object, ...]] = []
        wizard.test_wanted.connect(lambda given: self.acts.append(("test", given)))
        wizard.preview_wanted.connect(lambda given, masked: self.acts.append(("preview", given, masked)))
        wizard.columns_wanted.connect(lambda given: self.acts.append(("columns", given)))
        wizard.schema_wanted.connect(lambda draft: self.acts.append(("schema", draft)))
        wizard.save_wanted.connect(lambda draft: self.acts.append(("save", draft)))
        wizard.left.connect(lambda: self.acts.append(("left",)))


def at_form(wizard: Wizard, kind: str = CSV) -> None:
    """A wizard in which a kind was chosen."""
    wizard.show_kinds(ALL_KINDS)
    while kind not in wizard.kinds.offered:
        QApplication.processEvents()
    wizard.kinds.choose(kind)
    press(wizard, "Continue")


def enter(wizard: Wizard, label: str, text: str) -> None:
    """Type into a field of the form, in place of what stands there."""
    line = editor(wizard, label)
    assert isinstance(line, QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, text)


def at_columns(wizard: Wizard, columns: Sequence[ColumnView] = FOUND) -> None:
    """A wizard whose file has been tested and whose columns are open."""
    at_form(wizard)
    enter(wizard, "File", PATH)
    press(wizard, "Test the file")
    wizard.show_probe(GIVEN, PROBE)
    wizard.show_preview(GIVEN, Preview(("patient_id",), (("X-9",),), True))
    wizard.show_columns(GIVEN, columns)
    press(wizard, "Continue")
    press(wizard, "Continue")


def test_a_broken_source_says_what_is_wrong_and_who_can_fix_it(show: Show) -> None:
    view = show(DatasourceList(ManualClock(NOW)))
    at_once(view.show_sources((SOURCE, BROKEN)))
    said = texts(view)
    assert "Cannot be read" in said
    assert "The file was not found. It was moved. Who can fix it: You, by choosing another file." in said
    assert "600" in said
    assert "11, 1 ignored" in said
    assert "made 2 hours ago" in said
    assert summary((SOURCE, BROKEN)) == "2 datasources · 1 cannot be read · 1 without a schema"


def test_each_card_has_its_own_acts_by_name(show: Show) -> None:
    view = show(DatasourceList(ManualClock(NOW)))
    asked: list[tuple[str, str]] = []
    view.check_wanted.connect(lambda source: asked.append(("check", source.id)))
    view.schema_wanted.connect(lambda source: asked.append(("schema", source.id)))
    view.remove_wanted.connect(lambda source: asked.append(("remove", source.id)))
    at_once(view.show_sources((SOURCE, BROKEN)))
    press(view, "Check theatre")
    press(view, "Schema of eye-clinic")
    press(view, "Remove theatre…")
    assert asked == [("check", "ds_2"), ("schema", "ds_1"), ("remove", "ds_2")]


def test_without_a_datasource_the_next_step_is_offered(show: Show) -> None:
    view = show(DatasourceList(ManualClock(NOW)))
    asked: list[bool] = []
    view.connect_wanted.connect(lambda: asked.append(True))
    at_once(view.show_sources(()))
    assert "nothing is saved until you say so" in texts(view)
    press(view, "Connect a datasource")
    assert asked == [True]


class Watch(QObject):
    """Writes down what events a widget gets."""

    def __init__(self, seen: list[QEvent.Type], parent: QObject) -> None:
        super().__init__(parent)
        self.seen = seen

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.seen.append(event.type())
        return False


def test_cards_that_have_not_changed_are_left_alone(show: Show) -> None:
    clock = ManualClock(NOW)
    view = show(DatasourceList(clock))
    at_once(view.show_sources((SOURCE, BROKEN)))
    alone, broken = view.tiles["ds_1"], view.tiles["ds_2"]
    named(alone, "Check eye-clinic").setFocus()
    clock.advance(3 * 3600)
    mended = replace(BROKEN, health="good", health_words="Readable", cause="")
    at_once(view.show_sources((mended, SOURCE)))
    assert view.tiles["ds_1"] is alone
    assert named(alone, "Check eye-clinic").hasFocus()
    assert "made 5 hours ago" in texts(alone)
    assert view.tiles["ds_2"] is not broken
    assert not isValid(broken) or broken.parent() is None
    assert "Cannot be read" not in texts(view)
    assert alone.geometry() != view.tiles["ds_2"].geometry()
    laid_out: list[QEvent.Type] = []
    grid = alone.parentWidget()
    grid.installEventFilter(watch := Watch(laid_out, view))
    QApplication.processEvents()
    laid_out.clear()
    at_once(view.show_sources((mended, SOURCE)))
    QApplication.processEvents()
    assert QEvent.Type.LayoutRequest not in laid_out
    at_once(view.show_sources((SOURCE, mended)))
    QApplication.processEvents()
    assert QEvent.Type.LayoutRequest in laid_out
    grid.removeEventFilter(watch)


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("moved", [False, True])
def test_the_keyboard_stays_on_the_act_of_a_card_that_is_made_anew(show: Show, busy: bool, moved: bool) -> None:
    view = show(DatasourceList(ManualClock(NOW)))
    at_once(view.show_sources((SOURCE, BROKEN)))
    named(view, "Check theatre").setFocus()
    if busy:
        view.tiles["ds_2"].set_busy("It is being checked.")
        assert not named(view, "Check theatre").hasFocus()
    steps = view.show_sources((SOURCE, replace(BROKEN, checked_at=NOW)))
    next(steps)
    if moved:
        named(view, "Schema of eye-clinic").setFocus()
    at_once(steps)
    assert named(view, "Schema of eye-clinic" if moved else "Check theatre").hasFocus()
    at_once(view.show_sources((SOURCE,)))
    assert set(view.tiles) == {"ds_1"}, "and where its card goes, nothing is looked for"


def test_a_list_that_comes_while_another_is_being_shown_takes_its_place_whole(show: Show) -> None:
    view = show(DatasourceList(ManualClock(NOW)))
    many = [replace(SOURCE, id=f"ds_{number}", name=f"clinic-{number}") for number in range(9)]
    first = view.show_sources(many)
    for _ in range(7):
        next(first)
    seen = dict(view.tiles)  # the last of them is made, and has no place yet
    assert set(seen) == {"ds_0", "ds_1", "ds_2", "ds_3"}
    at_once(view.show_sources(many[2:]))
    assert list(view.tiles) == [each.id for each in many[2:]]
    assert all(view.tiles[each] is seen[each] for each in ("ds_2", "ds_3"))
    assert texts(view).count("Every column is read") + texts(view).count("Never read") == len(many[2:])
    shown = [each for each in view.findChildren(DatasourceTile) if each.isVisible()]
    assert {each.source.id for each in shown} == set(view.tiles)


def test_the_first_rows_are_asked_for_once_and_again_only_where_they_could_not_be_read(show: Show) -> None:
    wizard = show(Wizard())
    asked = Asked(wizard)
    at_form(wizard)
    enter(wizard, "File", PATH)
    press(wizard, "Test the file")
    wizard.show_probe(GIVEN, PROBE)
    press(wizard, "Continue")
    press(wizard, "Back")
    press(wizard, "Continue")
    assert asked.acts.count(("preview", GIVEN, True)) == 1, "they are on their way"
    wizard.preview_failed(GIVEN, BadInput("datasource.path", "The file is gone.", "It was moved.", "Look for it."))
    press(wizard, "Back")
    press(wizard, "Continue")
    assert asked.acts.count(("preview", GIVEN, True)) == 2
    wizard.show_preview(GIVEN, Preview(("patient_id",), (("X-9",),), True))
    press(wizard, "Back")
    press(wizard, "Continue")
    assert asked.acts.count(("preview", GIVEN, True)) == 2
    assert "X-9" in list(seek.cells(wizard.preview.findChildren(RowTable)[-1]))


def test_the_wizard_asks_for_one_thing_after_the_other_and_saves_at_the_end_only(show: Show) -> None:
    wizard = show(Wizard())
    asked = Asked(wizard)
    at_columns(wizard)
    assert asked.acts == [("test", GIVEN), ("preview", GIVEN, True), ("columns", GIVEN)]
    assert wizard.columns.name.value() == "eye-clinic-2024"
    named(wizard, "Ignore patient_id").setChecked(True)
    kind = editor(wizard, "Type of sex")
    assert isinstance(kind, QComboBox)
    kind.setCurrentIndex(kind.findText("Categorical"))
    QTest.keyClicks(editor(wizard, "Describe age"), "Years at visit")
    press(wizard, "Generate the schema")
    draft = Draft(
        GIVEN,
        "eye-clinic-2024",
        {
            "patient_id": Choice(True),
            "sex": Choice(force="categorical"),
            "age": Choice(description="Years at visit"),
        },
    )
    assert asked.acts[-1] == ("schema", draft)
    assert draft.arguments(None) == {
        "name": "eye-clinic-2024",
        "kind": CSV,
        "set": {"path": PATH},
        "password": None,
        "ignore": ["patient_id"],
        "force": {"sex": "categorical"},
        "describe": {"age": "Years at visit"},
    }
    wizard.show_schema(draft, SCHEMA_VIEW)
    assert wizard.step == SAVE
    press(wizard, "Save the datasource")
    assert asked.acts[-1] == ("save", draft)
    assert sum(act[0] == "save" for act in asked.acts) == 1
    assert not named(wizard, "Save the datasource").isEnabled(), "a second press must not save twice"


def test_what_points_at_people_must_be_confirmed_before_saving(show: Show) -> None:
    wizard = show(Wizard())
    at_columns(wizard)
    press(wizard, "Generate the schema")
    wizard.show_schema(wizard.draft, replace(SCHEMA_VIEW, reveals=(PLAIN, BAD)))
    save = named(wizard, "Save the datasource")
    assert not save.isEnabled()
    assert save.accessibleDescription() == "Look at what is marked, and say that you have."
    _drawn(wizard.save.review, 1)
    said = texts(wizard)
    assert "1 column would publish values that point at people" in said
    assert "D-1  ·  D-2" in said
    named(wizard, LOOKED).setChecked(True)
    assert save.isEnabled()
    press(wizard, "Back")
    press(wizard, "Generate the schema")
    wizard.show_schema(wizard.draft, replace(SCHEMA_VIEW, reveals=(PLAIN, BAD), records=9))
    assert not save.isEnabled(), "what was confirmed counts for that schema only"


def test_a_schema_that_comes_for_other_choices_is_dropped(show: Show) -> None:
    wizard = show(Wizard())
    at_columns(wizard)
    press(wizard, "Generate the schema")
    asked_for = wizard.draft
    press(wizard, "Back")
    named(wizard, "Ignore sex").setChecked(True)
    wizard.show_schema(asked_for, SCHEMA_VIEW)
    assert wizard.step == COLUMNS


def test_a_file_that_fails_the_test_says_why_who_and_under_which_code(show: Show) -> None:
    wizard = show(Wizard())
    asked = Asked(wizard)
    at_form(wizard)
    enter(wizard, "File", "/data/none.csv")
    press(wizard, "Test the file")
    none = Given(CSV, {"path": "/data/none.csv"})
    error = {"code": "datasource.not-found", "what": "The file was not found.", "why": "Moved.", "next_step": "Choose."}
    facts = (Fact("Who can fix it", "Your IT service"),)
    wizard.show_probe(none, ProbeView(False, facts, error=error, cause="not found", field_code="PATH_NOT_FOUND"))
    said = texts(wizard)
    assert "The file was not found." in said
    assert "Your IT service" in said
    assert "datasource.not-found" in said
    assert wizard.step == TEST
    assert not named(wizard, "Continue").isEnabled()
    press(wizard, "Test again")
    assert asked.acts == [("test", none), ("test", none)]
    wizard.show_probe(none, ProbeView(False, facts, error=error, cause="not found", field_code="PATH_NOT_FOUND"))
    press(wizard, "Change what you entered")
    assert wizard.step == SET_UP
    assert "The file was not found. Moved. (datasource.not-found)" in texts(wizard), "said at the field"


def test_another_file_has_to_pass_its_own_test(show: Show) -> None:
    wizard = show(Wizard())
    at_form(wizard)
    enter(wizard, "File", PATH)
    press(wizard, "Test the file")
    press(wizard, "Back")
    enter(wizard, "File", "/data/other.csv")
    press(wizard, "Test the file")
    wizard.show_probe(GIVEN, PROBE)
    assert not named(wizard, "Continue").isEnabled(), "that was the test of the file before"
    assert "The file can be read" not in texts(wizard)


def test_a_name_that_is_taken_is_said_at_the_name(show: Show) -> None:
    wizard = show(Wizard())
    at_columns(wizard)
    press(wizard, "Generate the schema")
    wizard.show_schema(wizard.draft, SCHEMA_VIEW)
    press(wizard, "Save the datasource")
    wizard.save_failed(BadInput("datasource.name-taken", "There is one of this name.", "It exists.", "Choose another."))
    assert wizard.step == COLUMNS
    assert "There is one of this name." in texts(wizard)
    assert wizard.columns.name.value() == "eye-clinic-2024", "nothing that was entered is lost"
    assert named(wizard, "Generate the schema").isEnabled()


def test_stopping_the_schema_leads_back_to_the_columns(show: Show) -> None:
    wizard = show(Wizard())
    at_columns(wizard)
    press(wizard, "Generate the schema")
    assert wizard.step == SCHEMA
    wizard.schema_failed(wizard.draft, Cancelled())
    assert wizard.step == COLUMNS


def test_leaving_asks_in_place_where_something_was_entered(show: Show) -> None:
    wizard = show(Wizard())
    asked = Asked(wizard)
    at_columns(wizard)
    press(wizard, "Leave the wizard")
    assert "saved nowhere and would be lost" in texts(wizard)
    press(wizard, "Stay here")
    assert wizard.columns.name.value() == "eye-clinic-2024"
    assert ("left",) not in asked.acts
    press(wizard, "Leave the wizard")
    press(wizard, "Leave and forget it")
    assert asked.acts[-1] == ("left",)
    assert wizard.draft == Draft()


def test_an_empty_wizard_is_left_without_a_question(show: Show) -> None:
    wizard = show(Wizard())
    asked = Asked(wizard)
    press(wizard, "Leave the wizard")
    assert asked.acts == [("left",)]


def test_a_file_of_which_nothing_would_be_read_is_not_generated(show: Show) -> None:
    wizard = show(Wizard())
    at_columns(wizard, FOUND[1:2])
    named(wizard, "Ignore sex").setChecked(True)
    button = named(wizard, "Generate the schema")
    assert not button.isEnabled()
    assert "nothing would be left" in button.accessibleDescription()


def test_the_preview_is_masked_until_it_is_asked_for(show: Show) -> None:
    step = show(PreviewStep())
    wanted: list[bool] = []
    step.masked_wanted.connect(wanted.append)
    step.show_preview(Preview(("id",), (("XX-99",),), True))
    assert "masked" in texts(step)
    press(step, "Show values")
    step.show_preview(Preview(("id",), (("AB-12",),), False))
    assert "with their values" in texts(step)
    press(step, "Mask values")
    assert wanted == [False, True]


def test_lines_that_cannot_be_used_are_listed(show: Show) -> None:
    step = show(ProbeStep())
    step.show_probe(replace(PROBE, rejected_lines=(Fact("Line 7", NASTY, "warn"),)))
    said = texts(step)
    assert "not every line of it" in said
    assert "Line 7" in said
    assert "<b>bold</b> a<U+202E>gnp.exe & co" in said


def test_a_likely_identifier_is_warned_about_where_its_values_would_be_published() -> None:
    column = FOUND[0]
    assert "every value in it becomes part of the schema" in warning_of(column, Choice(force="categorical"))
    assert "Its values stay here" in warning_of(column, Choice())
    assert warning_of(column, Choice(ignored=True, force="categorical")) == ""
    assert warning_of(FOUND[1], Choice(force="categorical")) == ""


def test_a_thousand_columns_are_drawn_a_page_at_a_time_and_every_choice_is_kept(show: Show, qapp: QApplication) -> None:
    step = show(ColumnsStep())
    many = [ColumnView(f"m_{place:04d}", "Int64", "continuous", False, False, "") for place in range(1000)]
    step.show_columns(many, {})
    for _ in range(AT_ONCE):
        qapp.processEvents()
    assert len(step.findChildren(QCheckBox)) == AT_ONCE
    named(step, "Ignore m_0003").setChecked(True)
    press(step, "Next columns")
    named(step, "Ignore m_0030").setChecked(True)
    press(step, "Previous columns")
    assert named(step, "Ignore m_0003").isChecked()
    assert not named(step, "Ignore m_0004").isChecked()
    assert len(step.findChildren(QCheckBox)) == AT_ONCE
    assert set(step.choices) == {"m_0003", "m_0030"}


def test_a_type_survives_being_ignored_for_a_moment(show: Show) -> None:
    step = show(ColumnsStep())
    step.show_columns(FOUND, {"sex": Choice(force="categorical")})
    box = named(step, "Ignore sex")
    box.setChecked(True)
    assert not editor(step, "Type of sex").isEnabled()
    assert step.choices["sex"].ignored
    box.setChecked(False)
    assert step.choices["sex"] == Choice(force="categorical")


@given(st.text(max_size=40))
def test_a_proposed_name_is_one_that_a_pod_accepts(stem: str) -> None:
    name = name_from(f"/data/{stem}.csv")
    assert not name or str(DatasourceName(name)) == name


def test_names_are_proposed_from_files_of_every_system() -> None:
    assert name_from("/data/Eye Clinic (2024).csv") == "eye-clinic-2024"
    assert name_from("C:\\Data\\Eye_Clinic.csv") == "eye-clinic"
    assert name_from("/data/日本.csv") == ""


def test_a_review_opens_on_what_is_revealed_and_has_columns_and_document(show: Show) -> None:
    review = show(complete(SchemaReview()))
    review.show_schema(replace(SCHEMA_VIEW, reveals=(PLAIN, BAD), rejected_lines=3))
    _drawn(review, 1)
    said = texts(review)
    assert "Points at people" in said
    assert "They do not fit the header" in said
    assert "not saved yet" in said
    press(review, "Columns")
    assert review.columns.isVisible()
    assert not review.reveals.isVisible()
    assert [row.name for row in review.columns.rows()] == ["patient_id", "sex", "age"]
    press(review, "Document")
    assert review.document.isVisible()
    review.show_schema(replace(SCHEMA_VIEW, records=7))
    assert review.reveals.isVisible(), "another schema is looked at from its front"


def _drawn(review: SchemaReview, blocks: int) -> None:
    """Blocks come a few in each turn of the event loop."""
    for _ in range(blocks):
        if texts(review).count("Points at people") < blocks:
            QTest.qWait(20)
    assert texts(review).count("Points at people") == blocks


def test_many_marked_columns_are_shown_some_at_a_time(show: Show) -> None:
    review = show(complete(SchemaReview()))
    review.show_schema(replace(SCHEMA_VIEW, reveals=tuple(replace(BAD, column=f"c{place}") for place in range(40))))
    _drawn(review, 12)
    press(review, "Show all 40")
    _drawn(review, 40)


def test_a_datasource_without_a_schema_offers_to_generate_it(show: Show) -> None:
    detail = show(complete(DatasourceDetail(ManualClock(NOW))))
    asked: list[str] = []
    detail.generate_wanted.connect(asked.append)
    detail.show_source(replace(SOURCE, schema_state="none"))
    press(detail, "Generate the schema")
    assert asked == ["ds_1"]


def test_an_old_schema_says_so_and_can_be_generated_again(show: Show) -> None:
    detail = show(complete(DatasourceDetail(ManualClock(NOW))))
    asked: list[str] = []
    detail.generate_wanted.connect(asked.append)
    detail.show_source(replace(SOURCE, schema_state="outdated"))
    detail.show_schema(SCHEMA_VIEW)
    assert "This schema is older than its data" in texts(detail)
    press(detail, "Generate again")
    detail.set_busy(True)
    assert not named(detail, "Generate again").isEnabled()
    assert named(detail, "Generate again").accessibleDescription() == "The schema is being made."
    assert asked == ["ds_1"]


@pytest.fixture
def page(show: Show) -> Iterator[DatasourcesPage]:
    window = Window()
    yield show(DatasourcesPage(window))
    delete(window.sheet_host)
    vars(window).clear()


def test_going_away_and_coming_back_loses_nothing_that_was_entered(page: DatasourcesPage) -> None:
    page.shown()
    page.state.show_content()
    page.open_subject("new")
    at_form(page.wizard)
    enter(page.wizard, "File", PATH)
    page.shown()
    assert page.wizard.isVisible()
    assert page.wizard.given == GIVEN
    page.wizard.reset()
    page.shown()
    assert not page.wizard.isVisible()


def test_a_link_opens_one_datasource_and_says_that_it_reads(page: DatasourcesPage) -> None:
    page.shown()
    page.state.show_content()
    page.open_subject("ds_1")
    assert page.detail.state.showing == "loading"
    press(page, "Back to all datasources")
    assert isinstance(page.desk, Window)
    assert page.desk.went == [("Datasources", "")]


def test_removing_asks_for_a_reason_and_names_what_is_lost(page: DatasourcesPage) -> None:
    assert isinstance(page.desk, Window)
    page.list.remove_wanted.emit(SOURCE)
    sheet = page.desk.sheet_host.findChild(ReasonPrompt)
    assert isinstance(sheet, ReasonPrompt)
    assert not sheet.confirm.isEnabled()
    words = "\n".join(label.text() for label in sheet.findChildren(QLabel))
    assert "Remove eye-clinic" in words
    assert "The data itself is not touched, and the journal keeps its history." in words
    sheet.dismiss()
    vars(sheet).clear()
