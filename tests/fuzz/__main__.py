"""`python -m tests.fuzz [--seconds 60] [target …]`: random bytes, led by which code they reach, for each target.

By hand only, and not part of the suite: it needs `atheris`, which is installed for it (`pip install atheris`; it has no
wheel for every system). Each target runs in a process of its own, begins with the golden vectors and ends after its
seconds. What breaks one is kept in `crashes/` beside this file, where the suite tries it ever after.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

CRASHES = Path(__file__).with_name("crashes")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.in_this_process:
        _fuzz(given.targets[0], given.seconds)
        return 0
    from tests.fuzz.targets import TARGETS

    unknown = sorted(set(given.targets) - set(TARGETS))
    if unknown:
        print(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
        return 2
    broken = []
    for name in given.targets or TARGETS:
        print(f"--- {name}", flush=True)
        own = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(given.seconds), "--in-this-process"]
        if subprocess.run(own, check=False).returncode:
            broken.append(name)
    print(f"broken: {', '.join(broken) or 'none'}")
    return 1 if broken else 0


def _fuzz(name: str, seconds: int) -> None:
    import atheris

    with atheris.instrument_imports(include=["podadmin", "tests.fuzz"]):
        from tests.fuzz.targets import TARGETS, seeds
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds(name)):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        CRASHES.mkdir(exist_ok=True)
        options = (f"-max_total_time={seconds}", "-max_len=20000", "-timeout=10", "-rss_limit_mb=2048")
        shown = (f"-artifact_prefix={CRASHES}/{name}-", "-print_final_stats=1", "-verbosity=0")
        atheris.Setup([sys.argv[0], *options, *shown, folder], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
