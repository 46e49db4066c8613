"""The schema that a pod tells of a datasource, for kinds that only the pod's own software can read. Pure.

What a pod says is a stranger's: it is read as strictly as a document of any other origin. A pod tells which labels a
column has and not how many records have each, so nothing here is counted, and every categorical column waits to be
looked at before the schema is released (bitfount contract, sections 3.1, 3.4 and 5.6).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from podadmin.core.errors import BadInput, PodadminError, Refused, Unavailable
from podadmin.core.text import stranger
from podadmin.datasources.dicom_identifiers import pointing_at
from podadmin.datasources.kinds.registry import OURS, declaration
from podadmin.datasources.model import Datasource, Kind, NullSource, Rejected, Source, SqlSource
from podadmin.datasources.sample import judged
from podadmin.schema.generate import Generated
from podadmin.schema.model import Document, Feature, read
from podadmin.schema.profile import MAX_LABELS
from podadmin.schema.statistics import NULL_LABEL, ColumnStatistics

Makes = Literal["here", "pod", "either", "nobody"]
MOST_FEATURES: Final = 100_000
_SHOWN: Final = 6


def made_by(source: Source) -> Makes:
    """Who can make the schema of this source: podadmin (`here`), the pod, `either`, or nobody.

    A pod knows every kind but those that are ours alone. Of a kind that both read the pod's schema is worth having
    where the pod's software adds columns of its own to what the files say.
    """
    if isinstance(source, NullSource):
        return "nobody"
    if isinstance(source, SqlSource) and source.whole_model:
        return "pod"
    if declaration(source.kind).reads != "profile":
        return "pod"
    return "either" if source.kind is Kind.DICOM_OPHTHALMOLOGY else "here"


def check_pod_knows(source: Source) -> None:
    """Raises Refused (`schema.not-of-a-pod`) where no pod can tell the schema of this source."""
    if made_by(source) == "nobody" or source.kind in OURS:
        raise Refused(
            "schema.not-of-a-pod",
            "No pod tells the schema of this datasource.",
            f"Bitfount's own pods do not know this kind ({declaration(source.kind).title})."
            if source.kind in OURS
            else "There is no data, and so there is no schema.",
            "Generate the schema here." if source.kind in OURS else "Nothing has to be done.",
        )


def taken(answer: Any, source: Datasource, pod: str, instance: str, seconds: float) -> Generated:
    """What a pod answered as a schema that can be kept. `pod`: its identifier; `instance`: which of its runs.

    Raises Unavailable (`schema.pod-unusable`) for what is no schema, (`schema.pod-has-none`) where the pod has not
    made it yet.
    """
    document = _document(answer)
    if document.level == "empty" or not document.features:
        raise Unavailable(
            "schema.pod-has-none",
            f"The pod has no schema of {source.name} yet.",
            "It makes it while it reads the data, which takes a while after its start, and for the full one it needs "
            "its background service.",
            "Wait until it has read its first files, and take the schema then. Its output says how far it is.",
        )
    if len(document.features) > MOST_FEATURES or any(len(each.labels) > MAX_LABELS for each in document.features):
        raise _unusable(
            f"It has more than {MOST_FEATURES:,} columns, or a column with more than {MAX_LABELS:,} labels."
        )
    # the pod's software passes descriptions over (section 3.3); ours reach the features
    wanted = source.choices.describe
    features = tuple(replace(each, description=each.description or wanted.get(each.name)) for each in document.features)
    document = replace(document, features=features)
    columns = tuple(_column(each, document) for each in features)
    notes = tuple(_notes(document, source))
    origin = {"pod": stranger(pod, 200), "instance": stranger(instance, 80)}
    return Generated(document, columns, Rejected(), document.records, seconds, None, notes, origin)


def _document(answer: Any) -> Document:
    """The one document in a pod's list of documents."""
    told = answer[0] if isinstance(answer, list) and len(answer) == 1 else None
    if not isinstance(told, dict):
        raise _unusable("It is not a list of one schema.")
    if told.get("number_of_records", 0) is None:
        # where the pod keeps the number to itself
        told = {**told, "number_of_records": 0}
    try:
        return read(json.dumps(told, allow_nan=False))
    except BadInput as error:
        raise _unusable(error.why) from error
    except (ValueError, RecursionError) as error:
        raise _unusable("It holds a number that is none, or is nested too deeply.") from error


def _column(feature: Feature, document: Document) -> ColumnStatistics:
    labels = [label for label in feature.labels if label != NULL_LABEL]
    seen = judged(feature.name, labels)
    named = pointing_at(feature.name)
    kind = named or seen.looks_like
    by = "its name says so" if named else seen.by
    forced = any(feature.name in names for names in document.force_stypes.values())
    return ColumnStatistics(
        feature.name,
        feature.dtype,
        feature.stype,
        forced,
        feature.description,
        0,
        0,
        len(labels),
        False,
        labels=tuple((label, 0) for label in feature.labels),
        looks_like=kind,
        by=by if kind else "",
        dimensions=_ranked(feature.dimensions),
        formats=_ranked(feature.formats),
        modes=_ranked(feature.modes),
        counted=False,
    )


def _ranked(counts: Any) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _notes(document: Document, source: Datasource) -> list[str]:
    """Sentences on what the custodian should know of it before it is released."""
    notes = ["A pod tells which labels there are, and not how many records have each: nothing of it was counted here."]
    if document.level == "partial":
        notes.append(
            "It is partial: the pod has looked at some of the data only, and its number of records is no count. Take "
            "it again once the pod has read all."
        )
    names = {each.name for each in document.features}
    if still := [name for name in source.choices.ignore if name in names]:
        notes.append(
            f"{_named(still)} should never be read, and the pod tells it all the same: it has not heard of that. "
            "Write the datasources into its configuration and reload it."
        )
    other = [
        each.name
        for each in document.features
        if source.choices.force.get(each.name, each.stype) not in (each.stype, "image_prefix")
    ]
    if other:
        notes.append(
            f"{_named(other)} has another type than the one that was chosen here: the pod has not heard of it."
        )
    return notes


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"“{stranger(name, 60)}”" for name in names[:_SHOWN]) + more


def _unusable(why: str) -> PodadminError:
    return Unavailable(
        "schema.pod-unusable",
        "What the pod told is no schema that can be used.",
        why,
        "Look whether it really is the pod that listens there, and at its version and its output.",
    )
