"""From the command line: a rule that holds results, what left for a request, and the hospital's proxy."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from podadmin.app import outside
from podadmin.core.clock import stamp
from podadmin.core.errors import BadInput, NotFound
from podadmin.core.secret import Secret
from podadmin.gate.outages import Outages
from podadmin.gate.outgoing import HELD, Left, put
from podadmin.gate.records import result
from podadmin.networks import way_out
from podadmin.networks.bitfount.types import MessageType
from podadmin.requests.service import Captured, capture
from podadmin.store.unit import Fact


def test_a_rule_is_given_what_holds_results_and_loses_it_again(made: Any) -> None:
    rule = made("rules add", name="See rows", verdict="look", reason="The board.", results={"rows": "more-than: 10"})
    assert rule.results == {"rows": "more-than: 10"}
    assert rule.result_lines[0].words == "A task brings more than 10 rows."
    assert "Its results are held: A task brings more than 10 rows." in rule.row.says
    changed = made(
        "rules change", rule=rule.row.id, reason="More.", results={"groups": "less-than: 5"}, without_results=["rows"]
    )
    assert changed.results == {"groups": "less-than: 5"}
    assert any(each.startswith("Results are held:") for each in changed.versions[0].changes)
    trains = made("rules change", rule=rule.row.id, reason="Models too.", results={"parameters": "is: first"})
    said = [each.words for each in trains.result_lines]
    assert "It is the first update of a training task, with the parameters of a model." in said
    made("rules change", rule=rule.row.id, reason="Not them.", without_results=["parameters"])
    with pytest.raises(BadInput) as caught:
        made("rules change", rule=rule.row.id, reason="None.", without_results=["groups"])
    assert caught.value.code == "rule.no-results"
    tried = made("rules try", verdict="look", results={"every": "is: result"})
    assert tried.result_lines[0].label == "Every result"
    assert {each.of for each in made("rules fields")} == {"request", "result"}
    assert made("rules list")[0].verdict == "look"


def test_what_left_for_a_request_is_shown_and_what_waits_with_its_reasons(made: Any, profile: Any) -> None:
    now = profile.clock.now()
    captured = Captured("local", "task_1", 2, "lab", b"wire", b"body", "d" * 64, now, 300.0)
    request_id = capture(profile.store, profile.clock, captured)
    assert request_id is not None
    assert made("requests left", request=request_id).words == "Nothing has left for this request."
    kind = int(MessageType.EVALUATION_RESULTS)
    what = {"kind": "a table", "columns": ["sex", "n"], "consumed": [["lab/m:1", 40.0]]}
    with profile.store.record(Fact("gate", "gate.result-held", request_id)) as unit:
        put(
            unit, request_id, Left(kind, now, 640, "lab", HELD, what=what, rows=2, why="Seen first.", result_id="out_1")
        )
        put(unit, request_id, Left(int(MessageType.JOB_ACCEPT), now, 64, "lab", what={"kind": "that it begins"}))
        unit.execute(
            result.insert().values(
                id="out_1", request_id=request_id, number=1, type=kind, wire=b"", state="held", at=stamp(now),
                reasons='["Promised at most 1 row, found 2."]',
            )
        )  # fmt: skip
    shown = made("requests left", request=request_id)
    assert shown.words == "Of its messages 1 went out, 1 kept until seen. 64 bytes have left."
    assert shown.rows[0].words == "2 rows: “sex”, “n”; a table; used 40 inferences of lab/m:1."
    assert shown.waiting[0].reasons == ("Promised at most 1 row, found 2.",)
    assert made("gate results") == shown.waiting
    assert not shown.may_withhold.allowed
    with pytest.raises(NotFound):
        made("gate show-result", result_id="out_9")
    with profile.store.record(Fact("anna", "gate.result-released", request_id)) as unit:
        unit.execute(result.update().values(state="released"))
    shown = made("requests left", request=request_id)
    assert shown.words == "Of its messages 1 went out, 1 on the way. 64 bytes have left."
    assert (shown.rows[0].outcome, shown.waiting) == ("queued", ())


def test_the_hospitals_proxy_is_set_and_its_password_is_nowhere_to_be_read(made: Any, profile: Any) -> None:
    assert made("network proxy").address == ""
    for wrong in ("user:pw@proxy:1", "proxy"):
        with pytest.raises(BadInput):
            made("settings set", name="network.proxy", value=wrong)
    made("settings set", name="network.proxy", value="127.0.0.1:9")
    made("settings set", name="network.proxy-user", value="pod")
    try:
        before = outside.mark(profile)
        shown = made("network proxy-password", password=Secret("hunter-two-and-a-half"))
        assert (shown.address, shown.user, shown.password) == ("127.0.0.1:9", "pod", True)
        assert outside.mark(profile) != before, "the gate takes the new way"
        outside.take(profile)
        way = way_out.now()
        assert way is not None
        assert way.password is not None
        assert way.password.reveal() == "hunter-two-and-a-half"
        assert "hunter" not in repr(way) + repr(shown)
        assert b"hunter" not in profile.store.path.read_bytes()
        with pytest.raises(Exception, match="proxy does not answer"):
            made("network proxy-try")
        outages = Outages(profile.store, lambda: None)
        anyio.run(outages.failed, "ehr.hospital.example", way_out.silent())
        anyio.run(outages.failed, "ehr.hospital.example", NotFound("gate.elsewhere", "No.", "Not the proxy's.", "No."))
        (lost,) = made("network proxy").lost
        assert (lost.host, lost.why) == ("ehr.hospital.example", way_out.silent().why)
        assert made("network proxy").words == "It does not lead to ehr.hospital.example."
        anyio.run(outages.worked, "ehr.hospital.example")
        assert made("network proxy").lost == ()
        assert made("network proxy-password").password is False
        made("settings set", name="network.proxy", value="")
        outside.take(profile)
        assert way_out.now() is None
    finally:
        way_out.use(None)
