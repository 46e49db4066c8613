"""An anchor on paper: the signed head of the journal as a QR code, with words that say how it is used later."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import segno

from podadmin.app.exports.paper import Paper
from podadmin.app.exports.writing import new_file
from podadmin.core.text import grouped
from podadmin.journal.anchors import signed
from podadmin.journal.chain import Anchor, moment_of

if TYPE_CHECKING:
    from podadmin.vault.handles import Signer

_QUIET = 4


def write_sheet(to: Path, anchor: Anchor, signer: Signer, pod: str) -> None:
    """Write a PDF of one page. Raises what `new_file` raises, and what signing raises."""
    text = signed(anchor, signer).decode("ascii")
    at = moment_of(anchor)
    paper = Paper(f"Anchor of the journal of {pod}", f"Anchor of {pod} · entry {anchor.seq}", at)
    paper.heading("Anchor of the journal", 0)
    paper.words(f"The journal of the pod {pod} ended with this entry on {at:%d %B %Y, %H:%M:%S} UTC.", size=11)
    paper.facts([("Entry", f"{anchor.seq:,}"), ("Signed by the journal key", grouped(signer.fingerprint))])
    paper.words("Hash of the entry", "muted", 8)
    paper.code(grouped(anchor.hash))
    paper.square(_dots(text), 78.0)
    paper.words(
        "Keep this sheet where nobody who works with the pod can exchange it. To hold the journal against it, scan the "
        "code, save its text as a file, and run:"
    )
    paper.code("podadmin journal verify --anchor FILE")
    paper.words(
        "A journal that was shortened, or written anew, does not fit this sheet. The text of the code:", "muted", 8
    )
    paper.code(text, 6.5)
    with new_file(to) as file:
        paper.save(file)


def _dots(text: str) -> list[list[bool]]:
    """The squares of the code with the quiet zone around them that readers need (ISO/IEC 18004: four)."""
    lines = [[bool(dot) for dot in line] for line in segno.make(text, error="m", micro=False).matrix]
    empty = [False] * (len(lines) + 2 * _QUIET)
    side = [False] * _QUIET
    return [empty] * _QUIET + [side + line + side for line in lines] + [empty] * _QUIET
