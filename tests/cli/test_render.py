"""Views as text and as JSON, by their shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from podadmin.app.views.datasources import Preview, ProbeView
from podadmin.app.views.facts import Done, Fact, Permit, Section
from podadmin.app.views.journal import JournalPage, JournalRow
from podadmin.app.views.overview import DayCounts, Need, Overview
from podadmin.app.views.requests import EffectView, RequestDetail, RequestRow, TraceLine
from podadmin.app.views.settings import SettingRow
from podadmin.app.views.status import PodView
from podadmin.cli.render import as_json, as_text, plain
from podadmin.core.errors import BadInput
from podadmin.core.secret import Secret

MOMENT = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)


def test_times_are_rfc_3339_in_json_and_readable_in_text() -> None:
    pod = PodView("running", name="north", created_at=MOMENT.astimezone(timezone(timedelta(hours=2))))
    assert json.loads(as_json(pod))["created_at"] == "2026-03-04T05:06:07.000890Z"
    assert as_text(pod) == "State:      running\nName:       north\nCreated at: 2026-03-04 05:06:07 UTC"


def test_json_keeps_every_field_and_is_one_document() -> None:
    page = JournalPage(
        (JournalRow(1, MOMENT, "custodian", "pod.made", "p", "Pod made", {"n": (1, 2)}, "ab", "00"),), 1, None
    )
    assert json.loads(as_json(page)) == {
        "rows": [
            {
                "seq": 1,
                "at": "2026-03-04T05:06:07.000890Z",
                "actor": "custodian",
                "act": "pod.made",
                "subject": "p",
                "words": "Pod made",
                "body": {"n": [1, 2]},
                "hash": "ab",
                "previous": "00",
            }
        ],
        "total": 1,
        "next_before": None,
    }


def test_json_has_no_numbers_that_are_none_and_no_characters_that_a_terminal_obeys() -> None:
    assert plain({"a": float("nan"), "b": float("inf")}) == {"a": None, "b": None}
    assert as_json("\u202e\x1b[31m").isascii()
    assert "\x1b" not in as_json("\x1b[31m")


def test_a_secret_is_never_printed() -> None:
    @dataclass(frozen=True)
    class Leak:
        held: Secret[str]

    with pytest.raises(TypeError):
        as_json(Leak(Secret("hunter2")))
    assert "hunter2" not in as_text(Leak(Secret("hunter2")))


def test_rows_are_a_table_with_the_columns_that_say_something() -> None:
    settings = (
        SettingRow("gate.window", "Decision window", "How long", "int", 300, 300, unit="s"),
        SettingRow("requests.cap", "Largest request", "How large", "int", 1, 2),
    )
    assert as_text(settings).split("\n") == [
        "Name          Value  Unit  Default  Title",
        "------------  -----  ----  -------  ---------------",
        "gate.window   300    s     300      Decision window",
        "requests.cap  1      –     2        Largest request",
    ]


def test_a_week_in_which_nothing_came_says_so() -> None:
    week = tuple(DayCounts(f"2026-03-0{day}", {}) for day in (1, 2))
    assert as_text(week).split("\n") == [
        "Day         Counts",
        "----------  ------",
        "2026-03-01  –",
        "2026-03-02  –",
    ]


def test_a_piece_of_somebodys_table_is_a_table() -> None:
    assert as_text(Preview(("nid", "a\x1b"), (("9", "X"), ("99", "")), masked=True)).split("\n") == [
        "Masked: yes",
        "",
        "nid  a<U+001B>",
        "---  ---------",
        "9    X",
        "99   –",
    ]
    assert as_text(Preview(("nid",), (), masked=False)) == "Masked: no\n\nnid\n---"


def test_an_error_inside_of_a_view_is_said_as_any_other() -> None:
    error = BadInput("datasource.empty-file", "The file is empty.", "Nothing was written.", "Write it\x1b again.")
    said = as_text(ProbeView(False, (), error=error.as_dict()))
    assert said.split("\n")[1:] == [
        "",
        "Error:",
        "  The file is empty.",
        "  Nothing was written.",
        "  Write it<U+001B> again.",
        "  [datasource.empty-file]",
    ]


def test_rows_of_named_cells_are_a_table_where_all_have_the_same_names() -> None:
    same = ((("a", "1"), ("b", "x")), (("a", "22"), ("b", "")))
    assert as_text(same).split("\n") == ["a   b", "--  -", "1   x", "22  –"]
    assert as_text((*same, (("c", "1"),))).split("\n")[2] == '- ["c", "1"]'


def test_what_strangers_write_cannot_move_the_cursor() -> None:
    text = as_text(Done("hello \x1b[2J\u202ethere", subject="a\nb"))
    assert text == "hello <U+001B>[2J<U+202E>there (a<U+000A>b)"


def test_nothing_to_list_is_said() -> None:
    assert as_text(()) == "Nothing to list."


def test_facts_sections_and_permits_are_shown_under_their_names() -> None:
    row = RequestRow(
        "req_1", "held", "Held", "Ana", "SqlQuery", "flights", "low", "verified", MOMENT, None, reference="H-1"
    )
    detail = RequestDetail(
        row=row,
        effects=EffectView(True, "Reads one table", ("flights",), (), (), ("3 numbers",), "Ana", "low", ()),
        sections=(Section("People", (Fact("Requester", "Ana"), Fact("Key", "new", tone="bad"))),),
        verification=(Fact("Signature", "good", tone="good"),),
        differences=(),
        compared_with="",
        trace=(TraceLine("No rule matches.", "Held.", "warn"),),
        protocol={"name": "ResultsOnly", "steps": [{"a": 1, "b": 2}], "empty": {}},
        outcome=(),
        history=(),
        may_approve=Permit(True),
        may_refuse=Permit(False, "It is decided."),
    )
    text = as_text(detail)
    assert "May approve:          yes" in text
    assert "May refuse:           no: It is decided." in text
    assert "\nPeople:\n  Requester: Ana\n  Key:       new  [!!]" in text
    assert "- No rule matches. Held.  [!]" in text
    assert "Protocol:\n  name: ResultsOnly\n  steps:\n    - a: 1\n      b: 2\n  empty: –" in text
    assert "Differences" not in text
    assert "Outcome" not in text


def test_every_kind_of_value_that_views_hold_has_words() -> None:
    overview = Overview(
        needs=(Need("warn", "Held", "One request waits", "Open", "requests"),),
        held=1,
        decided_week=0,
        inferences_week=12.5,
        datasources=2,
        requests_by_day=(DayCounts("2026-03-04", {"held": 1, "refused": 2.0}),),
        inferences_by_day=(),
    )
    text = as_text(overview)
    assert "Inferences week: 12.5" in text
    assert "One request waits" in text
    assert "  Day         Counts\n" in text
    assert "  2026-03-04  held 1, refused 2" in text
