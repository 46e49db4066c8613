"""A schema in the words of others: Frictionless Table Schema, and an Arrow schema as Dyff takes it. Pure."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

from podadmin.core.late import Late
from podadmin.schema.model import Document, Feature
from podadmin.schema.statistics import NULL_LABEL

if TYPE_CHECKING:
    import nanoarrow
    from nanoarrow import c_array_stream, ipc
else:
    nanoarrow = Late("nanoarrow")
    ipc, c_array_stream = Late("nanoarrow.ipc"), Late("nanoarrow.c_array_stream")

_FRICTIONLESS = {"Int64": "integer", "UInt64": "integer", "Float64": "number", "boolean": "boolean"}
INDEX = "_index_"
"""The first column of every Dyff dataset (dyff contract, section 1.3)."""


def frictionless(document: Document) -> str:
    """The document as a Frictionless Table Schema (JSON). Labels become `enum`, without the one for empty cells."""
    fields = [_field(feature) for feature in document.features]
    table: dict[str, Any] = {"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", "fields": fields}
    if document.description:
        table["description"] = document.description
    return json.dumps({**table, "missingValues": ["", "NA", "nan"]}, indent=2, ensure_ascii=False) + "\n"


def _field(feature: Feature) -> dict[str, Any]:
    kind = _FRICTIONLESS.get(feature.dtype, "string")
    found: dict[str, Any] = {"name": feature.name, "type": kind}
    if feature.description:
        found["description"] = feature.description
    labels = [label for label in feature.labels if label != NULL_LABEL]
    if feature.stype == "categorical" and kind == "string" and labels:
        found["constraints"] = {"enum": labels}
    return found


def arrow(document: Document, index: bool = True) -> str:
    """Base64 of one encapsulated Arrow IPC message: the schema that Dyff wants beside a dataset.

    Descriptions stand in the metadata of fields under `__doc__`; `index` puts `_index_: int64` first, as an input
    dataset has it (dyff contract, section 1.3).
    """
    kinds = {
        "Int64": nanoarrow.int64,
        "UInt64": nanoarrow.uint64,
        "Float64": nanoarrow.float64,
        "boolean": nanoarrow.bool_,
    }
    fields = {INDEX: nanoarrow.int64(nullable=False)} if index else {}
    for feature in document.features:
        made = kinds.get(feature.dtype, nanoarrow.string)()
        if feature.description:
            made = nanoarrow.schema(made, metadata={"__doc__": feature.description})
        fields[feature.name] = made
    return base64.b64encode(_message(nanoarrow.struct(fields))).decode("ascii")


def _message(schema: Any) -> bytes:
    """The message that a stream of no batches begins with: marker, length and metadata, without the stream's end."""
    out = io.BytesIO()
    with ipc.StreamWriter.from_writable(out) as writer:
        writer.write_stream(c_array_stream.CArrayStream.from_c_arrays([], nanoarrow.c_schema(schema)))
    written = out.getvalue()
    return written[: 8 + int.from_bytes(written[4:8], "little")]
