"""How an inference limit is used up: the arithmetic of bitfount contract, section 6.3, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class InferenceLimit:
    """How many inferences a project may make in all, and how many it has made. `limit` None: none is set."""

    limit: int | None = None
    total_usage: int = 0

    @property
    def left(self) -> int | None:
        """How many inferences are still allowed; None where no limit is set."""
        return None if self.limit is None else max(0, self.limit - self.total_usage)


@dataclass(frozen=True)
class Settled:
    """`after`: the limit with the batch counted. `allowed`: rows of the batch that may be delivered. `ended`: the
    run ends here, also where the last allowed inference was exactly reached."""

    after: InferenceLimit
    allowed: int
    ended: bool


def settle(limit: InferenceLimit, consumed: int) -> Settled:
    """Count a batch of `consumed` inferences (zero or more)."""
    total = limit.total_usage + consumed
    after = InferenceLimit(limit.limit, total)
    if limit.limit is None:
        return Settled(after, consumed, False)
    overrun = max(0, total - limit.limit)
    return Settled(after, max(0, consumed - overrun), total >= limit.limit)
