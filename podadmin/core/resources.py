"""Where the files that ship beside the code lie: a source tree, an installed copy or a frozen bundle."""

from __future__ import annotations

import sys
from pathlib import Path


def resource(*parts: str) -> Path:
    """The path of a file below `resources/`. Raises FileNotFoundError where the installation is incomplete."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle else Path(__file__).resolve().parents[2]
    path = root.joinpath("resources", *parts)
    if not path.exists():
        raise FileNotFoundError(f"the installation lacks resources/{'/'.join(parts)}")
    return path
