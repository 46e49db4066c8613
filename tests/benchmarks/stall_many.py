"""How long the window stands still at the most with a million requests and two million journal entries behind it.

The real desktop, offscreen, driven as a person would drive it: lists are scrolled, sorted, filtered and searched, rows
are opened, the journal is verified and that is stopped again, and all the while requests go on arriving. After each
part the watchdog of the driver tells the longest time in which the event loop was away.

The profile is that of a custodian who has used it before: before it starts, the head of its journal is anchored in its
passphrase file (`million.anchor`). So the start proves what has come since, and the whole chain of two million entries
is proved anew by the process for that, beside the window, as after every start. With the memory keyring there would be
no anchor, and the window would share its interpreter with a walk over two million entries.

By hand with a folder that `million` has filled: `python -m tests.benchmarks.stall_many FOLDER [ARRIVING [WORDS]]`. With
words only those parts are played in whose names they are.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.benchmarks import million
from tests.benchmarks.figures import ROOT, beside_bound, environment, ran

BOUND: Final = 50.0
ARRIVING: Final = 80
"""Requests that arrive in a second: five thousand in a minute."""
_PARTS: Final[dict[str, str]] = {
    "the list of requests comes": """
        page Requests
        wait "1,0" 60
        click "All*"
        wait "lab-" 20""",
    "the list is scrolled": """
        tab-to "Requests"
        key PgDown *40""",
    "the end of what was read is jumped to, again and again": """
        key End *20""",
    "filters": """
        click "Decided*"
        wait "lab-" 20
        click "Waiting*"
        wait "lab-" 20
        click "All*"
        wait "lab-" 20""",
    "searches": """
        type "Search requests" "lab-17"
        wait-gone "Loading" 20
        type "Search requests" "source-3"
        wait-gone "Loading" 20
        type "Search requests" "nothing is like this"
        wait "Nothing found" 20
        type "Search requests" "st"
        wait "lab-" 60
        type "Search requests" ""
        wait "lab-" 20""",
    "other orders": """
        choose "Order of the requests" "Oldest first"
        wait "lab-1" 20
        tab-to "Requests"
        key End *5
        choose "Order of the requests" "By requester"
        wait-gone "lab-2" 20
        click "Decided*"
        choose "Order of the requests" "By datasource"
        wait "source-0" 20
        click "All*"
        choose "Order of the requests" "Newest first"
        wait "lab-2" 20""",
    "a request is opened": """
        choose "Order of the requests" "Oldest first"
        wait "Refused" 20
        open-row "Refused"
        wait "What leaves the pod" 30
        click "Back to all requests"
        choose "Order of the requests" "Newest first"
        wait "lab-" 20""",
    "the overview": """
        page Overview
        wait "Overview"
        page Requests
        wait "lab-" 20""",
    "the journal comes": """
        page Journal
        wait "scroll for older ones" 30""",
    "the journal is scrolled": """
        tab-to "Journal entries"
        key PgDown *40
        key End *20""",
    "the journal is filtered and searched": """
        choose "Kind of act" "Requests"
        wait "scroll for older ones" 60
        choose "Kind of act" "Everything"
        type "Search the journal" "req_000000500000"
        wait "Searched back" 60
        wait-gone "Searched back" 120
        type "Search the journal" "1000000"
        wait "1,000,000" 300
        type "Search the journal" ""
        wait "scroll for older ones" 60""",
    "the journal is verified, scrolled meanwhile, and that is stopped": """
        click "Verify the journal"
        wait "Checking the database file" 120
        tab-to "Journal entries"
        key PgDown *30
        page Requests
        wait "lab-" 20
        tab-to "Requests"
        key PgDown *30
        page Journal
        click "Cancel: Verifying the journal"
        wait "The verification was stopped" 5""",
    "grants and rules come, their lists one after the other": """
        page "Grants & rules"
        wait "Rules"
        click "Grants"
        wait "Lasting" 30
        click "Receipts"
        wait "R-" 30
        click "People"
        click "Projects"
        wait "study-" 30
        tab-to "Projects"
        key PgDown *10
        click "Rules"
        wait "Make a rule" 30""",
    "a rule is begun": """
        click "Make a rule"
        wait "Name" 30
        page Requests
        wait "lab-" 20""",
    "models and limits come": """
        page "Models & limits"
        wait "Models & limits" 30
        click "Limits of your own*"
        click "What is odd*"
        click "Models" """,
    "every other page comes for the first time": """
        page Datasources
        wait "Datasources"
        page Keys
        wait "Keys of this pod" 30
        page Networks
        wait "Local network" 30
        page "Pod & gate"
        wait "Gate"
        page Settings
        wait "Time to decide" 30
        page Overview
        wait "Overview" """,
}
_PROGRAM: Final = """
import sys
from pathlib import Path
from time import perf_counter, thread_time
from podadmin.app.options import Options
from podadmin.desktop import application, driver, seek

dogs = []

def aside(real):
    # what the driver itself needs to find its way is not the window's work
    def found(*given):
        began, busy = perf_counter(), thread_time()
        try:
            return real(*given)
        finally:
            for dog in dogs:
                dog._last += perf_counter() - began
                dog._busy += thread_time() - busy
    return found

def find(window, name, *kinds):
    if not name.endswith("*"):
        return real_find(window, name, *kinds)
    candidates = [each for each in seek.seen(seek.ground(window)) if not kinds or isinstance(each, kinds)]
    return next((each for each in candidates if any(n.startswith(name[:-1]) for n in seek.names_of(each))), None)

def tell(self, words):
    dog = self.watchdog
    print(f"part {words[0]} {dog.worst:.1f} {dog.worst_busy:.1f}", flush=True)
    dog.reset()

def begin(self, *given):
    real_begin(self, *given)
    dogs.append(self.watchdog)

real_find, real_begin = seek.find, driver.Driver.__init__
seek.find, seek.row_with = aside(find), aside(seek.row_with)
for name in ("_visible", "_tab_to", "_reading", "_rows"):
    setattr(driver.Driver, name, aside(getattr(driver.Driver, name)))
driver.Driver._no_stall, driver.Driver.__init__ = tell, begin
folder = Path(sys.argv[1])
given = Options(profile=folder, passphrase_file=folder.parent / "passphrase", headless=True, script=Path(sys.argv[2]))
sys.exit(application.run(given))
"""
_ARRIVING: Final = """
import sys
from pathlib import Path
from podadmin.core.clock import SystemClock
from podadmin.journal.records import Journal
from podadmin.store.engine import Store
from tests.benchmarks.intake import arrive
clock = SystemClock()
store = Store.open(Path(sys.argv[1]) / "podadmin.db", Journal(clock))
arrive(store, clock, float(sys.argv[2]), 3600.0, f"live-{clock.monotonic()}")
"""


def run(made: Path | None = None, arriving: int = ARRIVING, words: str = "") -> list[dict[str, Any]]:
    """The longest stall in ms of each part, beside the bound. `made`: a folder that `million` has filled before."""
    with tempfile.TemporaryDirectory() as folder:
        profile = (made or Path(folder)) / "profile"
        if made is None:
            million.fill(profile)
        if not (profile / "podadmin.db").exists():
            sys.exit(f"{profile} is no profile that `million` has made.")
        million.anchor(profile)
        comes = [sys.executable, "-c", _ARRIVING, str(profile), str(arriving)]
        others = subprocess.Popen(comes, cwd=ROOT, env=environment()) if arriving else None
        try:
            return longest_stalls(profile, {name: steps for name, steps in _PARTS.items() if words in name})
        finally:
            if others is not None:
                others.kill()
                others.wait()


def longest_stalls(profile: Path, parts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Play the parts one after the other; the longest stall of each in ms on the clock, beside the bound.

    The note says how long the window itself worked at a time: that does not depend on who else uses the machine.
    """
    names = list(parts)
    return [
        beside_bound(
            f"longest stall while {names[number]}", [worst], BOUND, f"processor time of the window {busy:.0f} ms"
        )
        for number, (worst, busy) in _play(profile, parts).items()
    ]


def _script(parts: Mapping[str, str]) -> str:
    lines: list[str] = []
    for number, part in enumerate(parts.values()):
        for line in part.strip().splitlines():
            step, _, times = line.strip().partition(" *")
            lines += [step] * int(times or 1)
        lines.append(f"expect-no-stall {number}")
    return "\n".join([*lines, "quit", ""])


def _play(profile: Path, parts: Mapping[str, str]) -> dict[int, tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.txt"
        script.write_text(_script(parts), encoding="utf-8")
        done = ran(_PROGRAM, profile, script, seconds=900)
    told = re.findall(r"^part (\d+) ([\d.]+) ([\d.]+)", done.stdout, re.M)
    seen = {int(number): (float(worst), float(busy)) for number, worst, busy in told}
    if done.returncode or len(seen) != len(parts):
        sys.stderr.write(done.stdout + done.stderr)
    return seen


def tell(figures: Sequence[Mapping[str, Any]]) -> None:
    """Print them, and how busy the machine is."""
    for figure in figures:
        print(f"{figure['name']}: {figure['ours']:.0f} ms on the clock; {figure['note']}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    told = dict(enumerate(sys.argv))
    tell(run(Path(told[1]), int(told.get(2, ARRIVING)), told.get(3, "")))
