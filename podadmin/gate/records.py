"""What the gate of a real pod keeps: its certificate authorities, hosts beside the network's, wishes, its port."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from podadmin.store.tables import metadata

authority = Table(
    "gate_authority",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("certificate", Text, nullable=False),
    Column("names", Text, nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("ends_at", String(32), nullable=False),
    Column("secret_id", String(32), nullable=False),
    Column("ended_at", String(32)),
)
"""`certificate` is PEM; its private key is the vault's secret `secret_id`. `names`: JSON list of what it is for."""

host = Table(
    "gate_host",
    metadata,
    Column("host", Text, primary_key=True),
    Column("verdict", String(8), nullable=False, server_default=""),
    Column("count", Integer, nullable=False, server_default="0"),
    Column("first_at", String(32)),
    Column("last_at", String(32)),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_at", String(32)),
    Column("reason", Text, nullable=False, server_default=""),
)
"""`verdict`: allowed | refused, by a person; empty where nobody has decided, which refuses."""

wish = Table(
    "gate_wish",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request_id", String(32), nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    Column("words", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", String(32), nullable=False),
    Column("done_at", String(32)),
    Column("outcome", Text, nullable=False, server_default=""),
)
"""What a person wants of a task that runs. `kind`: stop | withhold."""

result = Table(
    "gate_result",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("request_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("type", Integer, nullable=False),
    Column("wire", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("at", String(32), nullable=False),
    Column("reasons", Text, nullable=False, server_default="[]"),
    Column("digest", String(64), nullable=False, server_default=""),
)
"""What waits to be seen before it leaves, sealed as the pod sent it. `state`: held | released | sent | withheld
| given up, which reaches nobody. `reasons`: JSON list of sentences. `digest` is what is left of `wire` once it has
gone; empty before revision 0016."""
Index("ix_gate_result_request", result.c.request_id, result.c.digest)

outgoing = Table(
    "gate_outgoing",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("request_id", String(32), nullable=False, index=True),
    Column("type", Integer, nullable=False),
    Column("at", String(32), nullable=False),
    Column("last_at", String(32), nullable=False),
    Column("messages", Integer, nullable=False, server_default="1"),
    Column("size", Integer, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("sealed", String(10), nullable=False),
    Column("rows", Integer),
    Column("what", Text, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("digest", String(64), nullable=False),
    Column("result_id", String(32), nullable=False, server_default=""),
)
"""A message of a task that wanted to leave, or that many `messages` alike. `sealed`: session | reference | other | no.
`what`: JSON facts, nothing of the content. `outcome`: passed | held | withheld | refused | stripped. `result_id` names
what is kept of one that was held."""

pod = Table(
    "gate_pod",
    metadata,
    Column("instance", Text, primary_key=True),
    Column("at", String(32), nullable=False),
)
"""The run of the pod that stands behind the gate, by the name that it gives itself. One row."""

port = Table(
    "gate_port",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("port", Integer, nullable=False),
)
"""Where the gate listens. It is kept, because a pod that runs knows no other."""
