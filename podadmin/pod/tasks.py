"""From an opened protocol to what this pod would run. Whatever it does not understand in full, it does not run.

An argument that is passed over could mean that more is computed or sent than was asked for (a filter, for example),
so every argument is either understood or has to be empty. Planning is pure; running is `run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from podadmin.core.errors import Refused
from podadmin.core.progress import Progress
from podadmin.core.text import stranger
from podadmin.networks.bitfount.types import PodResponseType
from podadmin.pod import inference, sql
from podadmin.pod.usage import InferenceLimit

Kind = Literal["sql", "inference", "csv-report"]


class TaskRefused(Refused):
    """The task is answered with JOB_REJECT and `answer`."""

    def __init__(self, code: str, answer: PodResponseType, why: str) -> None:
        super().__init__(
            f"pod.{code}", "The task is not run on this pod.", why, "Change the task, or ask the custodian of the pod."
        )
        self.answer = answer


@dataclass(frozen=True)
class Plan:
    """What would run. `algorithm`, `index` and `total` name the place of the results in the protocol.

    `output`: how the requester calls the prediction, or empty. `columns`: the columns of a report; None means all
    that are not ignored.
    """

    kind: Kind
    datasource: str
    algorithm: str
    query: str = ""
    also_named: tuple[str, ...] = ()
    model: str = ""
    output: str = ""
    columns: tuple[str, ...] | None = None
    index: int = 0
    total: int = 1


@dataclass(frozen=True)
class Outcome:
    """What goes back. `used`: (model, delivered predictions). `limit_words`: why the run ended at its limit, or
    nothing where it did not."""

    value: dict[str, object]
    used: tuple[tuple[str, float], ...] = ()
    limit_words: str = ""


_REPORTS = {
    "CSVReportAlgorithm",
    "CSVReportGeneratorAlgorithm",
    "CSVReportGeneratorOphthalmologyAlgorithm",
    "_SimpleCSVAlgorithm",
}
_PROTOCOL = {"class_name", "algorithm", "aggregator", "save_location", "save_path", "primary_results_path"}
_ALGORITHM = {"class_name", "datastructure"}
_DATASTRUCTURE = {"class_name", "table", "schema_requirements", "compatible_datasources"}
_MODEL = {
    "class_name",
    "username",
    "model_ref",
    "model_version",
    "hub",
    "schema",
    "datastructure",
    "private",
    "new_version",
}


def plan(protocol: Mapping[str, Any], datasources: Sequence[str], addressed_to: str, pod_name: str) -> Plan:
    """What the pod would run for `protocol` (bitfount contract, section 5.3).

    `addressed_to`: `owner/name` that the task was sent to; `name` is a datasource or the pod itself.
    Raises TaskRefused `pod.incompatible` (INCOMPATIBLE_DATASOURCE) and `pod.unknown-task` (TASK_SETUP_ERROR).
    """
    kind = _class(protocol)
    _understood(protocol, _PROTOCOL, "The protocol")
    aggregator = protocol.get("aggregator")
    if aggregator and _class(aggregator) != "Aggregator":
        raise setup_refused("It asks for an aggregator that this pod does not offer.")
    locations = protocol.get("save_location") or []
    if not isinstance(locations, list) or any(str(place).casefold() != "modeller" for place in locations):
        raise setup_refused("It asks to keep results on the pod, which this pod does not do.")
    algorithms = protocol.get("algorithm")
    listed: list[Any] = algorithms if isinstance(algorithms, list) else [algorithms]
    names = [_class(entry) for entry in listed]
    if kind == "ResultsOnly" and names == ["SqlQuery"]:
        return _sql(listed[0], datasources, addressed_to, pod_name)
    if kind == "ResultsOnly" and names == ["ModelInference"]:
        return _inference(listed, datasources, addressed_to, pod_name)
    if kind == "InferenceAndReturnCSVReport" and names[:1] == ["ModelInference"] and _is_report(names[1:]):
        return replace(_inference(listed, datasources, addressed_to, pod_name), kind="csv-report")
    shown = stranger(" + ".join([kind, *names]), 160)
    raise setup_refused(f"The built-in pod does not know how to run {shown}.")


def _is_report(names: Sequence[str]) -> bool:
    """What may follow the inference: a report algorithm, or nothing, where the report holds all columns."""
    return not names or (len(names) == 1 and names[0] in _REPORTS)


def _sql(algorithm: Mapping[str, Any], datasources: Sequence[str], addressed_to: str, pod_name: str) -> Plan:
    _understood(algorithm, _ALGORITHM | {"query", "table"}, "The algorithm")
    query = algorithm.get("query")
    if not isinstance(query, str) or not query.strip():
        raise setup_refused("It has no query.")
    tables = [*_tables(algorithm.get("datastructure"), addressed_to), *_text(algorithm, "table")]
    chosen = _datasource(tables, datasources, addressed_to, pod_name)
    names = (pod_name,) if pod_name not in datasources else ()
    return Plan("sql", chosen, "SqlQuery", query=query, also_named=names)


def _inference(
    algorithms: Sequence[Mapping[str, Any]], datasources: Sequence[str], addressed_to: str, pod_name: str
) -> Plan:
    first = algorithms[0]
    _understood(first, _ALGORITHM | {"model", "class_outputs", "batch_size", "project_id"}, "The algorithm")
    model = first.get("model")
    if not isinstance(model, Mapping) or _class(model) != "BitfountModelReference":
        raise setup_refused("It brings a model of its own. This pod runs only models that are installed on it.")
    _understood(model, _MODEL, "The model")
    version = model.get("model_version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise setup_refused("It names no version of its model.")
    outputs = first.get("class_outputs") or []
    if not isinstance(outputs, list) or len(outputs) > 1 or not all(isinstance(name, str) for name in outputs):
        raise setup_refused("It expects several outputs of its model, and this model has one.")
    identifier = f"{model.get('username')}/{model.get('model_ref')}:{version}"
    tables = [table for part in (first, model) for table in _tables(part.get("datastructure"), addressed_to)]
    columns: tuple[str, ...] | None = None
    for report in algorithms[1:]:
        _understood(report, _ALGORITHM | {"original_cols", "save_path"}, "The report")
        tables += _tables(report.get("datastructure"), addressed_to)
        wanted = report.get("original_cols")
        if wanted is not None and not (isinstance(wanted, list) and all(isinstance(name, str) for name in wanted)):
            raise setup_refused("The columns of its report are not a list of names.")
        columns = None if wanted is None else tuple(dict.fromkeys(wanted))
    return Plan(
        "inference",
        _datasource(tables, datasources, addressed_to, pod_name),
        "ModelInference",
        model=identifier,
        output=outputs[0] if outputs else "",
        columns=columns,
        total=len(algorithms),
    )


def _class(value: Any) -> str:
    name = value.get("class_name") if isinstance(value, Mapping) else None
    if not isinstance(name, str) or not name:
        raise setup_refused("A part of it does not say what it is.")
    return name.removeprefix("bitfount.")


def _understood(part: Mapping[str, Any], known: set[str], what: str) -> None:
    for name, value in part.items():
        if name not in known and value is not None and value is not False and value not in ("", [], {}):
            raise setup_refused(f"{what} has an argument that this pod does not know: {stranger(str(name), 60)}.")


def _text(part: Mapping[str, Any], name: str) -> list[str]:
    value = part.get(name)
    if value is None:
        return []
    if not isinstance(value, str):
        raise setup_refused("A name in it is not text.")
    return [value]


def _tables(datastructure: Any, addressed_to: str) -> list[str]:
    if not datastructure:
        return []
    if not isinstance(datastructure, Mapping):
        raise setup_refused("Its description of the data does not have the form of one.")
    _understood(datastructure, _DATASTRUCTURE, "The description of the data")
    compatible = datastructure.get("compatible_datasources")
    if compatible and "CSVSource" not in {str(kind).removeprefix("bitfount.") for kind in compatible}:
        raise _incompatible("It is made for another kind of datasource than CSV files.")
    table = datastructure.get("table")
    if isinstance(table, Mapping):
        table = table.get(addressed_to)
    return _text({"table": table}, "table") if table else []


def _datasource(tables: Sequence[str], datasources: Sequence[str], addressed_to: str, pod_name: str) -> str:
    name = addressed_to.rpartition("/")[2]
    named = {table for table in tables if table != pod_name}
    if name in datasources:
        candidates = {name}
    elif name == pod_name:
        candidates = named or set(datasources)
    else:
        raise _incompatible("It is addressed to a datasource that this pod does not have.")
    if len(candidates) != 1 or not candidates <= set(datasources) or not named <= candidates:
        raise _incompatible("The table that it names is not a datasource of this pod.")
    return next(iter(candidates))


def setup_refused(why: str) -> TaskRefused:
    """The refusal of a task that this pod does not understand in full."""
    return TaskRefused("unknown-task", PodResponseType.TASK_SETUP_ERROR, why)


def _incompatible(why: str) -> TaskRefused:
    return TaskRefused("incompatible", PodResponseType.INCOMPATIBLE_DATASOURCE, why)


def run(plan: Plan, source: sql.Source, limit: InferenceLimit, bounds: sql.Bounds, progress: Progress) -> Outcome:
    """Do what was planned. Blocks; call it in a thread of its own. Raises PodadminError, Cancelled among them."""
    if plan.kind == "sql":
        return Outcome(dict(sql.run(source, plan.query, bounds, progress, plan.also_named)))
    columns = plan.columns if plan.kind == "csv-report" else ()
    found = inference.predict(source, inference.load(plan.model), limit, bounds, progress, columns)
    value: dict[str, object] = (
        {plan.output or "predictions": list(found.values)}
        if plan.kind == "inference"
        else {"csv": inference.as_csv(found, plan.output or inference.PREDICTION)}
    )
    words = ""
    if found.ended_by_limit:
        words = (
            f"The inference limit of {plan.model} is reached: {len(found.values)} of {found.asked} inferences "
            f"were allowed and are delivered."
        )
    return Outcome(value, ((plan.model, float(len(found.values))),), words)
