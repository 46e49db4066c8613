"""The whole table of acts: every front end can offer each, and none takes a secret in its arguments."""

from __future__ import annotations

import re

from podadmin.app.acts.registry import ROOMS, all_acts
from podadmin.cli.line import parse

SECRET = re.compile(r"secret|password|passphrase|token|private|pin$", re.IGNORECASE)
OF_EVERY_COMMAND = {"profile", "keyring", "json", "help"}


def test_every_room_has_acts_and_every_act_a_room() -> None:
    assert {act.name.partition(" ")[0] for act in all_acts()} == set(ROOMS)


def test_every_act_can_be_asked_for_help_on_the_command_line() -> None:
    for act in all_acts():
        text = parse([*act.name.split(), "--help"]).help
        assert text.startswith(f"usage: podadmin {act.name}"), act.name
        assert act.summary.split()[0] in text, act.name


def test_no_act_takes_a_secret_as_an_argument() -> None:
    taken = [
        (act.name, param.name)
        for act in all_acts()
        for param in act.params
        if SECRET.search(param.name) and param.name != "passphrase_file" and param.kind != "secret"
    ]
    assert taken == []


def test_no_argument_hides_an_option_of_every_command() -> None:
    hidden = [(act.name, p.name) for act in all_acts() for p in act.params if p.name in OF_EVERY_COMMAND]
    assert hidden == []


def test_an_act_that_writes_says_what_it_may_change() -> None:
    assert [act.name for act in all_acts() if act.writes and not act.kinds] == []
    assert [act.name for act in all_acts() if act.kinds and not act.writes] == []
