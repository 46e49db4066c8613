"""What a requester is told of a task that goes well, in its order."""

from __future__ import annotations

GOOD = [
    "JOB_ACCEPT", "PREPARING_DATA", "CONFIGURING_TASK", "NUMBER_OF_BATCHES", "TASK_START", "EVALUATION_RESULTS",
    "BATCHES_COMPLETE",
]  # fmt: skip
