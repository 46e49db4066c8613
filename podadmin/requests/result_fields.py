"""When a rule holds the results of a task until a person has seen them: every field with its kind, modes and words.

The same form as what a rule asks of a request (`rule_fields`), so that both are entered, kept and read back alike. One
of these is enough to hold a result; what a result does not tell counts as the worst (`result_rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from podadmin.requests.rule_fields import FIELDS, RuleField

PROMISES: Final[Mapping[str, str]] = {
    "rows": "more rows than were promised",
    "columns": "other columns than were promised",
    "level": "single records where figures were promised",
}
_FIELDS: Final = (
    RuleField(
        "every",
        "Every result",
        "yes-no",
        {"is": "It is a {}."},
        "Results are held for no other reason.",
        "Model parameters of a training count: the first update of a task is held. Once it was let go, the later ones "
        "of the task pass, as long as none is more than twice as large. Looked at are the messages EVALUATION_RESULTS "
        "and TRAINING_UPDATE; what else a task sends, such as a receipt for uploaded files, is listed and not held.",
        choices={"result": "result, whatever is in it"},
    ),
    RuleField(
        "parameters",
        "Model parameters",
        "yes-no",
        {"is": "It is {}."},
        "Model parameters are held by each of the other reasons, too: what those ask cannot be told of them.",
        "A requester waits for each update before the next round. A person looks at the first of a task; the later "
        "ones pass once it was let go, as long as none is more than twice as large. Looked at is the message "
        "TRAINING_UPDATE; figures about the training pass and are listed.",
        choices={"first": "the first update of a training task, with the parameters of a model"},
    ),
    RuleField(
        "rows",
        "Number of rows",
        "number",
        {"more-than": "A task brings more than {} rows."},
        "Results of any number of rows.",
        "The rows of all results of one task are added up.",
    ),
    RuleField(
        "names",
        "Names of columns",
        "some",
        {"any": "One of its columns is called {}.", "other": "One of its columns is called something else than {}."},
        "Columns of any name.",
        "Upper and lower case make no difference.",
    ),
    RuleField(
        "identifiers",
        "Identifiers",
        "yes-no",
        {"is": "The name of a column {}."},
        "Columns whose names look like those of identifiers, too.",
        "By the rules with which schemas are looked through.",
        choices={"suspected": "looks like the name of an identifier"},
    ),
    RuleField(
        "groups",
        "Size of groups",
        "number",
        {"less-than": "A group in it has fewer than {} records."},
        "Groups of any size.",
        "The sizes are read from the columns that count. Where there is none, it counts what the SQL itself demands.",
    ),
    RuleField(
        "promise",
        "Promised and found",
        "some",
        {"any": "It has {}."},
        "Results that are not what was promised, too.",
        "What was promised is what the effect statement of the request and its SQL say.",
        choices=PROMISES,
    ),
)
RESULT_FIELDS: Final[Mapping[str, RuleField]] = {each.name: each for each in _FIELDS}
ALL_FIELDS: Final[Mapping[str, RuleField]] = {**FIELDS, **RESULT_FIELDS}
"""Both together: no name is in both."""
