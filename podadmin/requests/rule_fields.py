"""What a rule can ask about: every field with its kind, its modes and its words, in the order of the form.

One table serves the form, the command line, the reading in plain words, the history and the trace, so that a field is
called the same everywhere. There are no patterns: a value is compared as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from podadmin.requests.effect_facts import LEVELS

Kind = Literal["one", "some", "models", "level", "number", "yes-no", "time"]
NONE: Final = "none"
"""A way of asking that takes no values."""
ALL: Final = "all"
"""As the size of a group: every record of the datasource."""
IDENTITY_WORDS: Final[Mapping[str, str]] = {
    "key-based": "a signature with a registered key, which the gate verifies itself",
    "oidc-device-code": "a device code, which the gate cannot verify: such requests are refused before any rule",
    "oidc-auth-code": "an authorisation code, which the gate cannot verify: such requests are refused before any rule",
}
"""The identity methods of the field (bitfount contract, section 6.1) and who verifies them."""
LEVEL_WORDS: Final[Mapping[str, str]] = {
    "none": "nothing that was computed",
    "telemetry": "counts about the run, for the network's operator",
    "counts": "counts",
    "aggregate": "figures over many records",
    "parameters": "model parameters",
    "traceback": "error texts, which can quote data",
    "row": "something about single records",
}
EHR_WORDS: Final[Mapping[str, str]] = {"used": "used", "not-used": "not used"}
BESIDE_WORDS: Final[Mapping[str, str]] = {"none": "cannot be set against these", "some": "may be set against these"}
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class RuleField:
    """`modes` maps each way of asking to its sentence, `{}` being the values. `absent`: what it means to leave it out.

    `note` says what the field cannot promise. `choices` are all values that there are, with their words; empty where
    any text will do.
    """

    name: str
    label: str
    kind: Kind
    modes: Mapping[str, str]
    absent: str
    note: str = ""
    choices: Mapping[str, str] | None = None


_FIELDS: Final = (
    RuleField(
        "network",
        "Network",
        "one",
        {"only": "It comes over the network {}.", "other": "It comes over another network than {}."},
        "Any network.",
    ),
    RuleField(
        "requester_key",
        "Requester's key",
        "one",
        {"only": "It is signed with the key {}.", "other": "It is signed with another key than {}."},
        "Signed with any key that the network has registered.",
        "The fingerprint of the key that signed: the gate verifies it.",
    ),
    RuleField(
        "requester_name",
        "Requester's name",
        "one",
        {"only": "The requester is called {}.", "other": "The requester is called anything but {}."},
        "Any requester.",
        "The name is the network's word for the owner of the key; the key itself is what was verified.",
    ),
    RuleField(
        "project",
        "Project",
        "one",
        {
            "only": "The project is {}.",
            "other": "The project is another than {}, or none is named.",
            "none": "No project is named.",
        },
        "Any project, or none.",
        "The project is claimed by the requester and not signed; the network checks membership in it.",
    ),
    RuleField(
        "purpose",
        "Purpose",
        "some",
        {
            "only": "Every stated purpose is among {}.",
            "any": "One of the stated purposes is {}.",
            "other": "A stated purpose is another than {}.",
        },
        "Any purpose, also where none is stated.",
        "A request for which no purpose is stated never meets a condition on it. No network carries a purpose today: "
        "it is what you have stated for the project.",
    ),
    RuleField(
        "datasource",
        "Datasource",
        "one",
        {"only": "It reads the datasource {}.", "other": "It reads another datasource than {}."},
        "Any datasource.",
    ),
    RuleField(
        "column",
        "Columns",
        "some",
        {
            "only": "It reads no other columns than {}.",
            "any": "It reads at least one of the columns {}.",
            "other": "It reads a column other than {}.",
            "none": "It reads no columns, as a count of all records does.",
        },
        "Any columns.",
    ),
    RuleField(
        "protocol",
        "Protocol",
        "one",
        {"only": "The protocol is {}.", "other": "The protocol is another than {}."},
        "Any protocol.",
    ),
    RuleField(
        "algorithm",
        "Algorithms",
        "some",
        {
            "only": "It runs no other algorithms than {}.",
            "any": "It runs at least one of the algorithms {}.",
            "other": "It runs an algorithm other than {}.",
        },
        "Any algorithms.",
    ),
    RuleField(
        "model",
        "Models",
        "models",
        {
            "only": "It runs models, and no others than {}.",
            "any": "It runs at least one of the models {}.",
            "other": "It runs a model other than {}.",
            "none": "It runs no model.",
        },
        "Any model, or none.",
        "owner/name, owner/name:3, owner/name:3-5, owner/name:3- or owner/ for all of an owner; #… adds the hash.",
    ),
    RuleField(
        "leaves",
        "What leaves",
        "level",
        {"at-most": "What leaves is at most {}.", "more-than": "What leaves is more than {}."},
        "Whatever leaves, single records included.",
        choices={level: LEVEL_WORDS[level] for level in LEVELS if level in LEVEL_WORDS},
    ),
    RuleField(
        "inferences",
        "Inferences",
        "number",
        {"at-most": "It can use at most {} inferences.", "more-than": "It can use more than {} inferences."},
        "Any number of inferences.",
    ),
    RuleField(
        "group",
        "Smallest group",
        "number",
        {
            "at-least": "Every figure that leaves is about at least {} records.",
            "less-than": "A figure that leaves can be about fewer than {} records.",
        },
        "Groups of any size.",
    ),
    RuleField(
        "beside",
        "Other figures",
        "yes-no",
        {"is": "Other figures of the same data {}."},
        "Whatever other figures of the same data may have left before, or are asked for as well.",
        "Two harmless figures can tell of one person together. It is known of figures by SQL whose choice of records "
        "can be compared, and of requests that come while a rule asks for it.",
        choices=BESIDE_WORDS,
    ),
    RuleField(
        "ehr",
        "EHR system",
        "yes-no",
        {"is": "The EHR system is {}."},
        "With or without the EHR system.",
        choices=EHR_WORDS,
    ),
    RuleField(
        "identity",
        "Identity",
        "one",
        {"only": "Identity is proved by {}.", "other": "Identity is proved by something other than {}."},
        "However identity is proved, as far as the gate verifies it.",
        "The gate verifies signatures with registered keys. What only the network can check is refused by the gate.",
        choices=IDENTITY_WORDS,
    ),
    RuleField(
        "time",
        "Days and hours",
        "time",
        {"within": "It comes {}.", "outside": "It comes at another time than {}."},
        "At any time.",
        "Days and hours count in the stated time zone.",
    ),
)
FIELDS: Final[Mapping[str, RuleField]] = {each.name: each for each in _FIELDS}
