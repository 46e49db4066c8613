"""From an envelope to a decision: what was verified, what it would do, who allowed it, what became of it."""
