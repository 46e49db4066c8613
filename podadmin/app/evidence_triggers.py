"""Nothing acts in the database by itself but what podadmin put there: a trigger could change each row as it is written.

A hand in the file can leave one behind that lets every result go or approves every request, long after it was there;
the rows that it has not met yet are all as the journal says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from podadmin.app.evidence_rows import Found
from podadmin.core.text import stranger

OURS: Final[Mapping[str, str]] = {
    "request_counted": "7850494bc61a94acdf168c5252199cb70962dae1b9d7ce7dc4a48d127e297ce3",
    "request_uncounted": "5994b75d2930612f6bb8337b574040e94f11d99d89f54d85faaf3e754e696170",
    "request_recounted": "567eb509c889979d6913df8682ce10e22be2327b6e74808acd2d6e1eee67d7f5",
    "request_indexed": "8a474fb3b5b0ac380904e88a45a0c5480fc9d7daa3c71f31d489d3aab450c04d",
    "request_unindexed": "f04df826acdfed72056db8f66da63a2eb157e82354c40c54379eba62a40a2027",
    "request_reindexed": "6b10888b7f43dc49e1dc44b00922af8b41182d2cace7f34e53af2baf3e22a0e9",
}
"""SHA-256 of the SQL of each trigger that the migrations make (revision 0005). There are no views."""


def differing_trigger(connection: Connection) -> Found:
    """The first thing in the database that acts by itself, or is missing, against what podadmin puts there."""
    seen = set()
    for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"):
        if hashlib.sha256(str(row.sql).encode()).hexdigest() != OURS.get(row.name):
            return (
                None,
                f"Something in the database acts by itself that podadmin did not put there: {stranger(row.name)}.",
            )
        seen.add(row.name)
    gone = sorted(set(OURS) - seen)
    return (None, f"Something that keeps the database in order was removed from it: {gone[0]}.") if gone else None
