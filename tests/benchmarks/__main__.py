"""`python -m tests.benchmarks [first_paint many_requests decide opening stall gate relay …]`: one line for each figure.

Each line: name, ours, the peer or the bound, the ratio with its least and greatest, the unit, and a note. Run it on a
quiet machine; a run that was disturbed says so.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from typing import Any

from tests.benchmarks import (
    capture,
    decide_many,
    dicom,
    first_paint,
    gate_overhead,
    many_requests,
    opening,
    pushdown,
    relay,
    schema_of_clinical,
    schema_of_flights,
    stall,
    stall_many,
)

FIGURES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "first_paint": first_paint.run,
    "many_requests": many_requests.run,
    "decide": decide_many.run,
    "opening": opening.run,
    "stall": stall.run,
    "stall_many": stall_many.run,
    "gate": gate_overhead.run,
    "relay": relay.run,
    "capture": capture.run,
    "schema": schema_of_flights.run,
    "clinical": schema_of_clinical.run,
    "dicom": dicom.run,
    "pushdown": pushdown.run,
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(FIGURES)}")
        return 2
    load = os.getloadavg()[0]
    disturbed = f" (DISTURBED: load {load:.1f})" if load > 0.1 * (os.cpu_count() or 1) + 0.5 else ""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}{disturbed}")
    for name in names or FIGURES:
        for figure in FIGURES[name]():
            ratio = f"ratio {figure['ratio']:.2f} ({figure['ratio_min']:.2f} to {figure['ratio_max']:.2f})"
            ours, peer, unit = figure["ours"], figure["peer"], figure["unit"]
            print(
                f"{figure['name']}: {ours:.4g} {unit} beside {peer:.4g} {unit}, {ratio}; {figure['note']}", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
