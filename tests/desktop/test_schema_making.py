"""How a datasource's page offers a schema: generated here, of every file, or told by the pod; never what cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QWidget

from podadmin.app.datasource_rows import kind_view
from podadmin.app.views.datasources import DatasourceFields
from podadmin.core.clock import ManualClock
from podadmin.core.errors import Refused
from podadmin.datasources.kinds.registry import declaration
from podadmin.datasources.model import Kind
from podadmin.desktop.pages.datasource_change import changes, form_of
from podadmin.desktop.pages.datasource_detail import AGAIN, EVERY_FILE, GENERATE, TAKE, DatasourceDetail
from podadmin.desktop.pages.schema_making import ASK, PORT, PortSheet
from podadmin.desktop.pages.schema_review import SchemaReview
from podadmin.desktop.slices import complete
from podadmin.desktop.widgets.words import whole
from tests.desktop.hands import Show, buttons, named, press, texts
from tests.desktop.test_pages_datasources import NOW, SCHEMA_VIEW, SOURCE

CAMERA = replace(SOURCE, kind="HeidelbergSource", reads="inventory", schema_state="pod", schema_by="pod")
SAVED = replace(SCHEMA_VIEW, saved=True)


@pytest.fixture
def detail(show: Show) -> DatasourceDetail:
    return show(complete(DatasourceDetail(ManualClock(NOW))))


def test_what_only_a_pod_reads_is_taken_from_it_and_nothing_offers_to_generate_it(detail: DatasourceDetail) -> None:
    asked: list[str] = []
    detail.take_wanted.connect(asked.append)
    detail.show_source(CAMERA)
    assert "Only the pod's own software can read this kind of data." in texts(detail)
    assert GENERATE not in buttons(detail)
    press(detail, TAKE)
    detail.show_source(replace(CAMERA, schema_state="saved", schema_from="trust/eyes"))
    detail.show_schema(
        replace(SAVED, origin="the pod trust/eyes", counted_in="", notes=("Nothing of it was counted here.",))
    )
    said = texts(detail)
    assert "Taken from the pod trust/eyes on " in said
    assert "Nothing of it was counted here." in said
    assert "as the pod says" in said
    assert "Schema taken from the pod" in said
    assert "not used" not in said
    assert AGAIN not in buttons(detail)
    press(detail, TAKE)
    assert asked == ["ds_1", "ds_1"]


def test_where_both_can_make_it_both_are_offered_and_without_data_neither(detail: DatasourceDetail) -> None:
    detail.show_source(replace(CAMERA, schema_by="either", schema_state="none", reads="profile"))
    assert {GENERATE, TAKE} <= set(buttons(detail))
    detail.show_source(replace(CAMERA, kind="NullSource", schema_by="nobody"))
    assert "There is no data, and so there is no schema." in texts(detail)
    assert not {GENERATE, TAKE} & set(buttons(detail))


def test_a_sample_says_how_long_the_rest_takes_and_offers_to_read_it(detail: DatasourceDetail) -> None:
    asked: list[str] = []
    detail.every_file_wanted.connect(asked.append)
    detail.show_source(replace(SOURCE, kind="DICOMSource", schema_state="saved"))
    schema = replace(SAVED, counted_in="files", files_unread=9_000, unread_seconds=250.0)
    detail.show_schema(schema)
    said = texts(detail)
    assert f"{whole(9_000)} files have not been read." in said
    assert "takes about 4 minutes at the speed of the last reading" in said
    press(detail, EVERY_FILE)
    assert asked == ["ds_1"]
    detail.show_schema(replace(schema, unread_seconds=None))
    assert "cannot be told" in texts(detail)
    detail.show_schema(replace(schema, files_unread=0))
    assert "have not been read" not in texts(detail)


@pytest.mark.parametrize(
    ("unit", "words"), [("lines", "Lines not used"), ("files", "Files not used"), ("rows", "Rows not used")]
)
def test_what_is_not_used_is_counted_in_what_the_data_is_made_of(show: Show, unit: str, words: str) -> None:
    review = show(complete(SchemaReview()))
    review.show_schema(replace(SAVED, counted_in=unit, rejected_lines=3))
    assert words in texts(review)


def test_whoever_has_a_pod_of_their_own_says_where_it_listens(show: Show) -> None:
    host = show(QWidget())
    ports: list[int] = []
    sheet = PortSheet(
        host, Refused("pod.not-running", "It was not asked.", "No pod runs here.", "Start it."), ports.append
    )
    sheet.open()
    assert "No pod runs here." in texts(sheet)
    assert sheet.port.editor.accessibleName() == PORT
    sheet.port.set_value("0")
    assert not named(sheet, ASK).isEnabled()
    sheet.port.set_value("29210")
    press(sheet, ASK)
    assert ports == [29210]


def test_the_form_changes_descriptions_one_by_one_and_can_forget_a_password() -> None:
    fields = DatasourceFields(
        "ds_1", "clinic", kind_view(declaration(Kind.SQL)), {"url": "sqlite:///x.db", "table": "t"}, True, (), {},
        {"sex": "as registered", "age": "in years"},
    )  # fmt: skip
    kind, values = form_of(fields)
    assert {"describe", "forget"} <= {each.name for each in kind.fields}
    assert changes(fields, values) == {}
    entered = {**values, "describe": '{"age": "completed years", "bmi": "kg/m2"}', "forget": "yes"}
    assert changes(fields, entered) == {
        "describe": {"sex": "", "age": "completed years", "bmi": "kg/m2"},
        "forget": True,
    }
