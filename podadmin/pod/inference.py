"""Inference with the models that this pod has: small, readable, and no code of strangers.

A model is a JSON file of coefficients; running it is one sum and one logistic curve per row. The one model that is
installed is for demonstration (resources/demo/MODEL.md).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from podadmin.core.errors import BadInput, NotFound, Unavailable
from podadmin.core.progress import Progress
from podadmin.core.resources import resource
from podadmin.core.text import stranger
from podadmin.datasources.dtypes import NULL_WORDS
from podadmin.pod import sql
from podadmin.pod.usage import InferenceLimit, settle

INSTALLED: Mapping[str, tuple[str, ...]] = {"research-lab/hba1c-risk:1": ("demo", "hba1c-risk.json")}
"""Resource identifier of a model (`owner/Model:version`) -> its file below `resources/`."""

BATCH = 1000
"""Rows that are computed between two looks at the limit and at a wish to stop."""

PREDICTION = "prediction"
_MISSING = {word.casefold() for word in NULL_WORDS}
_WORDS = {"yes": 1.0, "y": 1.0, "true": 1.0, "t": 1.0, "no": 0.0, "n": 0.0, "false": 0.0, "f": 0.0}


@dataclass(frozen=True)
class Feature:
    """`mean` stands in where a value is missing."""

    column: str
    coefficient: float
    mean: float


@dataclass(frozen=True)
class Model:
    """A logistic model. `identifier`: `owner/Model:version`."""

    identifier: str
    intercept: float
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class Predictions:
    """What a run delivers. `asked`: the rows of the datasource. `ended_by_limit`: contract, section 6.3.

    `rows` holds the wanted columns as they stand in the file, one list per delivered prediction.
    """

    values: tuple[float, ...]
    rows: tuple[tuple[str | None, ...], ...]
    columns: tuple[str, ...]
    asked: int
    ended_by_limit: bool


def load(identifier: str) -> Model:
    """A model that is installed. Raises NotFound `inference.unknown-model`, Unavailable `inference.model-file`."""
    place = INSTALLED.get(identifier)
    if place is None:
        raise NotFound(
            "inference.unknown-model",
            f"The model {stranger(identifier, 120)} is not installed on this pod.",
            f"Installed here: {', '.join(sorted(INSTALLED))}.",
            "Name a model that is installed.",
        )
    try:
        model = read(resource(*place))
    except (OSError, ValueError, KeyError, TypeError):
        raise _broken() from None
    if model.identifier != identifier:
        raise _broken()
    return model


def digest(identifier: str) -> str:
    """The SHA-256 of the model file that would run under this name; empty where none is installed or readable."""
    place = INSTALLED.get(identifier)
    try:
        return hashlib.sha256(resource(*place).read_bytes()).hexdigest() if place is not None else ""
    except OSError:
        return ""


def _broken() -> Unavailable:
    return Unavailable(
        "inference.model-file",
        "The file of the model cannot be used.",
        "It is missing from the installation or was changed.",
        "Install the application again.",
    )


def read(path: Path) -> Model:
    """A model file. Raises OSError, ValueError, KeyError or TypeError for what is not one."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if document["kind"] != "logistic":
        raise ValueError("not a logistic model")
    features = tuple(
        Feature(str(entry["column"]), float(entry["coefficient"]), float(entry["mean"]))
        for entry in document["features"]
    )
    return Model(str(document["identifier"]), float(document["intercept"]), features)


def probability(model: Model, values: Sequence[float | None]) -> float:
    """The model's answer for one row, between 0 and 1; `values` in the order of its features, None where missing."""
    total = model.intercept
    for feature, value in zip(model.features, values, strict=True):
        total += feature.coefficient * (feature.mean if value is None else value)
    if total >= 0:
        return 1.0 / (1.0 + math.exp(-total))
    small = math.exp(total)  # the other form would overflow for very negative totals
    return small / (1.0 + small)


def number(text: str | None) -> float | None:
    """A value of the file as the model reads it: None where missing, 1 and 0 for yes and no. Raises ValueError."""
    if text is None or text.strip().casefold() in _MISSING:
        return None
    word = _WORDS.get(text.strip().casefold())
    value = float(text) if word is None else word
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def predict(
    source: sql.Source,
    model: Model,
    limit: InferenceLimit,
    bounds: sql.Bounds,
    progress: Progress,
    wanted: Sequence[str] | None = (),
) -> Predictions:
    """Run `model` over every row, in the order of the file, as far as `limit` allows. `wanted` None: all columns.

    Raises BadInput `inference.no-column`, `inference.not-a-number`; Unavailable `sql.too-big` and what `sql.opened`
    raises; Cancelled.
    """
    with sql.opened(source, bounds, progress, as_text=True) as database:
        shown = database.columns if wanted is None else tuple(_column(database, column) for column in wanted)
        features = [_column(database, feature.column) for feature in model.features]
        table = sql.name(source.name)
        counted = database.con.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        asked = int(counted[0]) if counted else 0
        selected = ", ".join(sql.name(column) for column in (*features, *shown))
        database.con.execute(f"SELECT {selected} FROM {table}")  # noqa: S608
        values: list[float] = []
        rows: list[tuple[str | None, ...]] = []
        size, ended = 0, limit.limit is not None and limit.total_usage >= limit.limit
        while not ended and (batch := database.con.fetchmany(BATCH)):
            progress.report("Computing predictions", len(values) / asked if asked else None)
            computed = [_row(model, row[: len(features)], len(values) + place) for place, row in enumerate(batch, 1)]
            settled = settle(limit, len(computed))
            limit, ended = settled.after, settled.ended
            values += computed[: settled.allowed]
            for row in batch[: settled.allowed]:
                rows.append(row[len(features) :])
                size += 8 + sum(len(cell) for cell in rows[-1] if cell is not None)
            if len(values) > bounds.rows or len(values) * (1 + len(shown)) > bounds.cells or size > bounds.size:
                raise Unavailable(
                    "sql.too-big",
                    "The result is too large to be sent.",
                    f"A result has at most {bounds.rows} rows, {bounds.cells} values and {bounds.size} bytes.",
                    "Ask the custodian for a smaller datasource.",
                )
        return Predictions(tuple(values), tuple(rows), shown, asked, ended)


def _column(database: sql.Opened, wanted: str) -> str:
    for column in database.columns:
        if column.casefold() == wanted.casefold():
            return column
    raise BadInput(
        "inference.no-column",
        f"The datasource has no column {stranger(wanted, 60)}.",
        "The task needs it, and it is either not in the file or ignored by the custodian.",
        "Use a datasource that has this column.",
    )


def _row(model: Model, cells: Sequence[str | None], place: int) -> float:
    numbers: list[float | None] = []
    for feature, cell in zip(model.features, cells, strict=True):
        try:
            numbers.append(number(cell))
        except ValueError:
            raise BadInput(
                "inference.not-a-number",
                f"A value of the column {feature.column} is not a number.",
                f"It stands in row {place} of the data.",
                "Correct the file, or leave the value empty where it is not known.",
            ) from None
    return probability(model, numbers)


def as_csv(predictions: Predictions, output: str = PREDICTION) -> str:
    """The report: the shown columns as they stand in the file, then `output`. Lines end with a line feed.

    Raises BadInput `inference.name-taken`.
    """
    if any(column.casefold() == output.casefold() for column in predictions.columns):
        raise BadInput(
            "inference.name-taken",
            f"The datasource has a column that is called {stranger(output, 60)} already.",
            "The report needs this name for the predictions.",
            "Choose another name for the output of the model.",
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*predictions.columns, output])
    for row, value in zip(predictions.rows, predictions.values, strict=True):
        writer.writerow([*("" if cell is None else cell for cell in row), repr(value)])
    return text.getvalue()
