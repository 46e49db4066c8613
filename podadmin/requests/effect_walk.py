"""Walks through a protocol with the effect table and collects what each part reads, computes, keeps and lets out.

Every part, argument and switch is either in the table or makes the effects unknown. What the sentences say, the facts
say too: they are collected side by side, from the same rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from podadmin.core.text import folded, quoted, stranger
from podadmin.requests.effect_facts import Computing, ModelUse, Output, Reading, worst
from podadmin.requests.effect_table import ArgumentRule, EffectTable, Leaving, PartRow
from podadmin.requests.protocols import Algorithm, Part, Protocol
from podadmin.requests.sql_reading import SqlFacts, is_one_select, understand

_COLUMNS_SHOWN: Final = 40
_NAMES_SHOWN: Final = 80
_ONLY_HOW_MANY: Final = "only how many records it has, and no column"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_REPORT_LISTS: Final = ("original_cols", "columns_to_include", "aux_cols")
_FEW_AT_A_TIME: Final = ("batched_execution", "test_run")
"""Switches by which a task works on one file, or on as many as the pod takes at once: the last of them can be alone."""
_OF_RECORDS: Final = frozenset({"counts", "aggregate"})
_NARROWED: Final = (
    "It is made of only some of the records, or of a few at a time, as the requester wants it, and that can be a "
    "single one: count on single records."
)


@dataclass
class Draft:
    """What was collected: sentences by where they belong, facts, and what is not known."""

    datasource: str
    known: Collection[str] | None = None
    """The columns of the datasource, `folded`; None where they are not known."""
    sentences: dict[str, list[str]] = field(
        default_factory=lambda: {"reads": [], "computes": [], "stays": [], "filters": []}
    )
    unknown: list[str] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    models: list[ModelUse] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    all_columns: bool = False
    ehr: bool = False
    foreign_code: bool = False
    narrowed: bool = False
    """Only some of the records are worked on, or a few at a time, as the requester wants it."""

    def leaving(self) -> tuple[Output, ...]:
        """What leaves, each once. A figure over some of the records can be about one of them, where nothing in the SQL
        demands a smallest group each time that it is run.
        """
        found = tuple(dict.fromkeys(self.outputs))
        if not self.narrowed:
            return found
        guarded = all(map(is_one_select, self.queries))
        return tuple(
            replace(each, level="row", smallest_group=None, every_record=False, words=f"{each.words} {_NARROWED}")
            if each.level in _OF_RECORDS and not (guarded and each.smallest_group)
            else each
            for each in found
        )

    def say(self, to: str, sentences: Iterable[str]) -> None:
        place = self.sentences[to]
        place.extend(each for each in sentences if each not in place)

    def reading(self) -> Reading:
        """What is read, as facts."""
        return Reading(
            self.datasource,
            tuple(dict.fromkeys(self.tables)),
            tuple(dict.fromkeys(self.columns)),
            self.all_columns or bool(self.unknown),
            tuple(self.sentences["filters"]),
            self.ehr,
            tuple(dict.fromkeys(self.outside)),
        )

    def computing(self, protocol: Protocol) -> Computing:
        """What is computed, as facts."""
        return Computing(
            protocol.part.class_name,
            tuple(each.part.class_name for each in protocol.algorithms),
            protocol.aggregator.class_name if protocol.aggregator else "",
            tuple(self.models),
            tuple(self.queries),
            self.foreign_code,
        )


def walk(protocol: Protocol, table: EffectTable, draft: Draft) -> str:
    """Collect what a protocol does; returns its headline, empty where its combination is not known."""
    for path in protocol.malformed:
        draft.unknown.append(f"At “{path}” stands something that is not a step.")
    words = words_of(protocol)
    row = collect(protocol.part, table, draft, words)
    if protocol.aggregator is not None:
        collect(protocol.aggregator, table, draft, words)
    rows = [_algorithm(each, table, draft) for each in protocol.algorithms]
    known = [each for each in rows if each is not None]
    if row is None or len(known) < len(rows) or not table.fits(row, known):
        draft.unknown.append(f"{quoted(protocol.title)} is not a combination that podadmin knows.")
        return ""
    own = dict(protocol.part.arguments)
    _leave(row.leaves, own, own, words, draft)
    for algorithm, each in zip(protocol.algorithms, known, strict=True):
        _leave(each.leaves, dict(algorithm.part.arguments), own, words, draft)
        if row.sends:
            _leave(each.result, dict(algorithm.part.arguments), own, words, draft)
            if each.analyse:
                draft.outputs.append(_sql_output(understand(algorithm.part.text(each.analyse))))
    return fill(row.headline or known[0].headline, words)


def switches(flags: Mapping[str, str], table: EffectTable, draft: Draft) -> None:
    """Collect what the switches outside of the seal change."""
    _arguments("The request", flags, table.flags, draft)
    draft.narrowed = draft.narrowed or any(flags.get(name) == "true" for name in _FEW_AT_A_TIME)
    if flags.get("requires_ehr_connection") == "true":
        draft.ehr = True
    if flags.get("batched_execution") == "true":
        draft.outputs = [replace(each, often="each-batch") if each.often == "once" else each for each in draft.outputs]


def outputs_of(leavings: Iterable[Leaving], *, always: bool) -> tuple[Output, ...]:
    """Rows of the table as facts."""
    return tuple(
        Output(each.level, each.channel, each.destination, each.words, each.often, always=always) for each in leavings
    )


def _algorithm(algorithm: Algorithm, table: EffectTable, draft: Draft) -> PartRow | None:
    words = _algorithm_words(algorithm)
    row = collect(algorithm.part, table, draft, words)
    for each in algorithm.datastructures:
        collect(each, table, draft, words)
    draft.tables += [algorithm.table] if algorithm.table else []
    if algorithm.model is not None:
        collect(algorithm.model.part, table, draft, words)
        draft.models.append(ModelUse(algorithm.model.slug, trains=row is not None and row.trains))
        if not algorithm.model.slug:
            draft.unknown.append("The model is not named with owner, name and version.")
    if row is None:
        return None
    if (algorithm.model is None) == ("model" in row.needs):
        says = "does not say which model it runs" if algorithm.model is None else "carries a model that it should not"
        draft.unknown.append(f"{quoted(algorithm.part.name)} {says}.")
    if row.model_argument:
        draft.models.append(ModelUse(algorithm.part.text(row.model_argument), row.origin, trains=row.trains))
    draft.ehr = draft.ehr or row.ehr
    draft.foreign_code = draft.foreign_code or row.foreign_code
    _columns_read(algorithm, row, draft)
    return row


def _columns_read(algorithm: Algorithm, row: PartRow, draft: Draft) -> None:
    """Which columns a step reads: those that it names where it has to name them, all for every other step."""
    if row.analyse:
        _sql(algorithm, row, draft)
        return
    template = " ".join(row.reads)
    if "{report_columns}" in template:
        named = _report_columns(algorithm)
    elif "{columns}" in template:
        named = algorithm.columns
    else:
        named = ()
    draft.columns += named
    draft.all_columns = draft.all_columns or not named or any(each.endswith("…") for each in named)


def _sql(algorithm: Algorithm, row: PartRow, draft: Draft) -> None:
    query = algorithm.part.text(row.analyse)
    found = understand(query)
    draft.queries += [query] if query else []
    # the name of a table is no column of a datasource that has none of that name
    perhaps = tuple(each for each in found.perhaps if draft.known is None or folded(each) in draft.known)
    columns = tuple(each for each in found.columns if each in perhaps or each not in found.perhaps)
    draft.tables += found.tables
    draft.columns += columns
    draft.outside += found.outside
    draft.all_columns = draft.all_columns or found.all_columns
    table = _algorithm_words(algorithm)["table"]
    if not found.understood:
        draft.say(
            "reads",
            (f"Table {table}. Which columns the SQL reads could not be found out: count on all, of every row.",),
        )
    elif not found.tables:
        draft.say("reads", ("By the SQL: no table of the datasource.",))
    else:
        tables = ", ".join(map(quoted, found.tables))
        sure = tuple(each for each in columns if draft.known is not None or each not in perhaps)
        words = "every column" if found.all_columns else _listed(sure) if sure else _ONLY_HOW_MANY
        draft.say("reads", (f"By the SQL, of the table {tables}: {words}.",))
        if draft.known is None and perhaps and not found.all_columns:
            draft.say("reads", (f"And {_listed(perhaps)}, should a table in it have a column of that name.",))
    draft.say("reads", (f"Outside of the datasource: {each}." for each in found.outside))
    draft.say("filters", (f"Only records that meet the condition: {each}" for each in found.filters))


def _sql_output(found: SqlFacts) -> Output:
    """What the result of a query lets out."""
    why = " ".join(found.why)
    words = {
        "none": "The result of the SQL, which holds nothing of the data.",
        "counts": f"The result of the SQL: counts. {why}",
        "aggregate": f"The result table of the SQL: figures over records. {why}",
    }.get(found.level, f"The result table of the SQL, which can hold single records. {why}")
    return Output(
        found.level,
        "message",
        "requester",
        words,
        smallest_group=found.smallest_group,
        every_record=found.every_record,
    )


def _leave(
    leavings: Iterable[Leaving],
    own: Mapping[str, str],
    protocol: Mapping[str, str],
    words: Mapping[str, str],
    draft: Draft,
) -> None:
    for each in leavings:
        set_to = own.get(each.when or each.unless, protocol.get(each.when or each.unless, "null"))
        if (each.when and not json.loads(set_to)) or (each.unless and set_to == "true"):
            continue
        draft.outputs.append(Output(each.level, each.channel, each.destination, fill(each.words, words), each.often))


def collect(part: Part, table: EffectTable, draft: Draft, words: Mapping[str, str]) -> PartRow | None:
    """Collect what one part does by itself; None and an unknown effect where its class has no row."""
    row = table.part(part.role, part.class_name)
    if row is None:
        draft.unknown.append(f"The {part.role} {quoted(part.class_name or 'without a class')} is not known.")
        return None
    draft.say("reads", (fill(each, words) for each in row.reads))
    draft.say("computes", (fill(each, words) for each in row.computes))
    draft.say("stays", (fill(each, words) for each in row.stays))
    _arguments(quoted(part.name or part.role), dict(part.arguments), row.arguments, draft)
    return row


def _arguments(whose: str, found: Mapping[str, str], rules: Mapping[str, ArgumentRule], draft: Draft) -> None:
    for name in (each for each, rule in rules.items() if rule.text):
        if not _is_text(found.get(name)):
            draft.unknown.append(f"{whose} lacks its “{name}”.")
    for name, text in found.items():
        rule = rules.get(name)
        if rule is None:
            draft.unknown.append(f"{whose} has {quoted(name, 60)}, and what that changes is not known.")
        elif rule.only is not None and text not in rule.only:
            draft.unknown.append(f"{whose} sets “{name}” to {stranger(text, 60)}, and what that changes is not known.")
        else:
            for saying in rule.says:
                if _applies(saying.contains, json.loads(text)):
                    draft.say(saying.to, (saying.words,))
                    draft.narrowed = draft.narrowed or saying.to == "filters"


def _applies(contains: str, value: object) -> bool:
    return contains in value if contains and isinstance(value, list) else bool(value)


def _is_text(value: str | None) -> bool:
    return value is not None and value.startswith('"') and bool(json.loads(value).strip())


def words_of(protocol: Protocol) -> dict[str, str]:
    """The words for a headline: each from the first algorithm that has something to say."""
    words = _algorithm_words(_NO_ALGORITHM)
    for algorithm in reversed(protocol.algorithms):
        said = _algorithm_words(algorithm)
        words["table"] = said["table"] if algorithm.table else words["table"]
        words["model"] = said["model"] if said["model"] != _UNNAMED else words["model"]
    return words


_UNNAMED: Final = "(not named)"
_NO_ALGORITHM: Final = Algorithm(Part("algorithm", "", ()), None, ())


def _algorithm_words(algorithm: Algorithm) -> dict[str, str]:
    slug = algorithm.model.slug if algorithm.model else ""
    named = slug or algorithm.part.text("model_id") or algorithm.part.text("bundle_name")
    return {
        "table": quoted(algorithm.table) if algorithm.table else "(none is named)",
        "columns": _listed(algorithm.columns),
        "report_columns": _listed(_report_columns(algorithm)),
        "model": quoted(named) if named else _UNNAMED,
    }


def _report_columns(algorithm: Algorithm) -> tuple[str, ...]:
    listed = [each for name in _REPORT_LISTS for each in algorithm.part.texts(name)]
    return tuple(dict.fromkeys(listed))


def _listed(columns: tuple[str, ...]) -> str:
    if not columns:
        return "all columns, because the request does not name any"
    shown = ", ".join(quoted(each, _NAMES_SHOWN) for each in columns[:_COLUMNS_SHOWN])
    more = len(columns) - _COLUMNS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def fill(template: str, words: Mapping[str, str]) -> str:
    """Put words into a template in one pass, so that braces inside a stranger's words stay what they are."""
    return _PLACEHOLDER.sub(lambda found: words.get(found.group(1), found.group(0)), template)


def level_of(outputs: Iterable[Output]) -> str:
    """The worst level of what leaves because of this request."""
    return worst(each.level for each in outputs if not each.always)
