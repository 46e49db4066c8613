"""At the hub: nothing leaves before it was shown, and what is sent is what was shown."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from podadmin.app.views.facts import Done, Fact
from podadmin.app.views.hub import HubView, Publication, PublishedColumn
from podadmin.core.errors import NotFound
from podadmin.core.secret import Secret
from podadmin.desktop.pages.pod_hub import HubPart, KeepKey, MakeKnown
from tests.desktop.hands import Show, named, press, texts

SESSION = HubView("bitfount", "hub.example", "a session of a person", "alice is logged in.", "alice",
                  datetime(2026, 11, 21, tzinfo=UTC))  # fmt: skip
SHOWN = Publication(
    "This and nothing else would be published. Nothing has left yet.",
    "patients",
    "bitfount",
    "9f86d0",
    False,
    (Fact("Name at the hub", "patients"),),
    (PublishedColumn("sex", "categorical", 2, "F, M"), PublishedColumn("age", "continuous", 0)),
)


class Session:
    """What the part reads and writes, and what it is answered."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {"hub show": SESSION, "datasource list": (SimpleNamespace(name="patients"),)}

    def read(self, _owner: object, act: str, arguments: Any, success: Any, failure: Any = None) -> Any:
        return self.write(_owner, act, arguments, success, failure)

    def write(
        self, _owner: object, act: str, arguments: Any, success: Any, failure: Any = None, title: str = ""
    ) -> Any:
        self.asked.append((act, dict(arguments)))
        answer = self.answers.get(act)
        if isinstance(answer, Exception):
            failure(answer)
        elif answer is not None:
            success(answer)
        return SimpleNamespace(done=True, cancel=lambda: None)


@pytest.fixture
def part(show: Show, host: QWidget, monkeypatch: pytest.MonkeyPatch) -> HubPart:
    page: Any = SimpleNamespace(session=Session(), desk=SimpleNamespace(sheet_host=host, say=lambda _words: None))
    made = show(HubPart(page))
    monkeypatch.setattr(made.bar, "follow", lambda _job: None)
    made.refresh()
    return made


def session_of(part: HubPart) -> Session:
    found = part._page.session
    assert isinstance(found, Session)
    return found


def test_it_says_who_asks_and_lets_one_log_in_and_out(part: HubPart) -> None:
    assert "alice is logged in." in texts(part)
    press(part, "Log in")
    assert session_of(part).asked[-1] == ("hub login", {"network": "bitfount"})
    session_of(part).answers["hub show"] = HubView("bitfount", "hub.example", "nothing", "Nobody logged in.")
    part.refresh()
    assert not named(part, "Log out and leave").isEnabled()


def test_what_is_sent_is_what_was_shown(part: HubPart, qapp: QApplication) -> None:
    session_of(part).answers["hub publish"] = SHOWN
    assert not part.publish.isVisible()
    press(part, "Show what would be published")
    said = texts(part)
    assert "Nothing has left yet." in said
    assert part.publish.isVisible()
    # it is not armed yet: a click that came too soon decides nothing
    press(part, "Publish exactly this")
    assert [act for act, _ in session_of(part).asked].count("hub publish") == 1
    part.publish.decided.emit()
    sent = session_of(part).asked[-1]
    assert sent == ("hub publish", {"network": "bitfount", "datasource": "patients", "seen": "9f86d0"})


def test_what_goes_wrong_is_said_in_place(part: HubPart) -> None:
    session_of(part).answers["hub publish"] = NotFound("schema.not-released", "Not yet.", "Nobody looked.", "Look.")
    press(part, "Show what would be published")
    assert "Not yet.\n" in texts(part) + "\n"
    assert "Nobody looked. Look. (schema.not-released)" in texts(part)
    assert not part.publish.isVisible()


def test_without_a_datasource_there_is_nothing_to_publish(part: HubPart) -> None:
    session_of(part).answers["datasource list"] = ()
    part.refresh()
    assert not named(part, "Show what would be published").isEnabled()


def test_an_api_key_leaves_its_field_with_the_act(host: QWidget) -> None:
    asked: list[Any] = []

    def do(act: str, arguments: Any, success: Any, failure: Any) -> Any:
        asked.append((act, arguments))
        return SimpleNamespace(done=True, cancel=lambda: None, watch=lambda *_: None)

    sheet = KeepKey(host, do, "bitfount", lambda _view: None)
    sheet.open()
    assert sheet.missing()
    sheet.key_id.set_value("kid")
    sheet.key.set_value("top")
    act, arguments = sheet.start()
    assert (act, arguments["key_id"], arguments["network"]) == ("hub key", "kid", "bitfount")
    assert isinstance(arguments["key"], Secret)
    assert sheet.key.value() == ""
    sheet.dismiss()


def test_a_pod_is_made_known_after_it_was_said_what_leaves(part: HubPart, host: QWidget) -> None:
    told: list[str] = []
    do: Any = SimpleNamespace
    sheet = MakeKnown(host, do, "bitfount", "hub.example", lambda done: told.append(done.words))
    sheet.open()
    said = texts(sheet)
    assert "the public half of its key are sent to hub.example" in said
    assert "No datasource and no schema leaves with them." in said
    assert named(sheet, "Send name and public key").isEnabled()
    assert sheet.start() == ("hub register", {"network": "bitfount"})
    sheet.done(Done("The pod is known at the hub, with its public key.", "clinic/pod"))
    assert told == ["The pod is known at the hub, with its public key."]
    sheet.dismiss()


def test_who_is_not_known_at_the_hub_cannot_make_a_pod_known(part: HubPart, host: QWidget) -> None:
    press(part, "Make the pod known…")
    assert [each for each in host.findChildren(MakeKnown) if each.isVisible()]
    session_of(part).answers["hub show"] = HubView("bitfount", "hub.example", "nothing", "Nobody logged in.")
    part.refresh()
    assert not named(part, "Make the pod known…").isEnabled()
    assert named(part, "Make the pod known…").accessibleDescription() == "Log in or keep an API key first."
