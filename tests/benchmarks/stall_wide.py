"""How long the window stands still at the most with ten thousand columns and with a folder of a million files.

The real desktop, offscreen, as in `stall_many`. By hand: `python -m tests.benchmarks.stall_wide FOLDER [FILES]`; what
is made in the folder is used again.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.figures import ROOT, environment
from tests.benchmarks.stall_many import longest_stalls, tell

COLUMNS: Final = 10_000
FILES: Final = 1_000_000
_IN_EACH: Final = 1_000
_PARTS: Final[dict[str, str]] = {
    "the datasources come": """
        page Datasources
        wait "pictures" 60""",
    "a schema of 10 000 columns comes": """
        click "Schema of wide"
        wait "Back to all datasources" 60
        wait "marker_0" 60""",
    "its columns and its document are looked through": """
        click "Columns"
        wait "marker_00010" 30
        tab-to "Columns of the schema"
        key PgDown *20
        click "Document"
        wait "version" 30
        click "What it reveals"
        click "Back to all datasources"
        wait "pictures" 30""",
    "a folder of a million files comes": """
        click "Schema of pictures"
        wait "What the folder holds" 60""",
    "its files are counted, and other pages are used meanwhile": """
        click "Count the files again"
        page Requests
        page Journal
        wait "Verify the journal" 60
        tab-to "Journal entries"
        key PgDown *10
        page Datasources
        wait "pictures" 60
        click "Schema of pictures"
        wait "{files:,}" 900""",
}


def make(folder: Path, files: int = FILES) -> Path:
    """The profile with both datasources; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    profile = folder / "profile"
    table, pictures = folder / "wide.csv", folder / "pictures"
    if not table.exists():
        names = [f"marker_{place:05d}" for place in range(COLUMNS)]
        lines = [
            ",".join(names),
            *(",".join(str((row * 7 + place) % 3) for place in range(COLUMNS)) for row in range(40)),
        ]
        table.write_text("\n".join(lines), encoding="utf-8")
    for number in range(files // _IN_EACH):
        inner = pictures / f"{number:05d}"
        if not inner.exists():
            inner.mkdir(parents=True)
            for place in range(_IN_EACH):
                (inner / f"{place:05d}.png").touch()
    if not profile.exists():
        _podadmin(profile, "datasource", "add", "wide", str(table))
        _podadmin(profile, "schema", "generate", "wide", "--save")
        _podadmin(profile, "datasource", "add", "pictures", str(pictures), "--kind", "image")
    return profile


def _podadmin(profile: Path, *words: str) -> None:
    given = [sys.executable, "-m", "podadmin", "--profile", str(profile), "--keyring", "memory", *words]
    subprocess.run(given, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)


def run(folder: Path | None = None, files: int = FILES) -> list[dict[str, Any]]:
    """The longest stall in ms of each part, beside the bound."""
    parts = {name: steps.replace("{files:,}", f"{files:,}") for name, steps in _PARTS.items()}
    if folder is not None:
        return longest_stalls(make(folder, files), parts)
    with tempfile.TemporaryDirectory() as made:
        return longest_stalls(make(Path(made), files), parts)


if __name__ == "__main__":
    tell(run(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else FILES))
