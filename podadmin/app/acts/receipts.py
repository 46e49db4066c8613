"""Acts on receipts: list and show them, sign those that wait, export one for its requester, verify a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from podadmin.app.acts.asked import FileTo, HowMany
from podadmin.app.acts.registry import act
from podadmin.app.signing import sign_receipts
from podadmin.app.views.facts import Done
from podadmin.app.views.grants import ReceiptCheck, ReceiptDetail, ReceiptKey, ReceiptPage, ReceiptRow
from podadmin.core.clock import unstamp
from podadmin.core.errors import BadInput, ExitCode, NotFound, Unavailable
from podadmin.core.files import expanded, read_named
from podadmin.core.text import stranger
from podadmin.requests import receipts
from podadmin.store.engine import explain

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

MOST_ROWS = 1000
_WORDS = {
    "approved": "Approved",
    "refused": "Refused",
    "held": "Held for a decision",
    "reviewed": "Reviewed",
    "grant-made": "Grant made",
    "grant-voided": "Grant voided: a pin has changed",
    "grant-revoked": "Grant revoked",
    "grant-varied": "Grant changed: a pin may vary",
}


@act("receipt list")
def list_receipts(
    profile: Profile,
    *,
    about: Annotated[str, "only those of this request or grant, or the one with this reference"] = "",
    limit: HowMany = 50,
    before: Annotated[int, "only receipts with a smaller number; 0 for the newest"] = 0,
) -> ReceiptPage:
    """List receipts, the newest first."""
    if not 1 <= limit <= MOST_ROWS:
        raise BadInput(
            "receipt.bad-limit",
            "The list was not made.",
            f"It can show 1 to {MOST_ROWS} receipts at a time.",
            "Ask for fewer and continue with `before`.",
        )
    rows, unsigned = receipts.listing(profile.store, about=about.strip(), limit=limit + 1, before=before)
    more = rows[limit - 1][0].number if len(rows) > limit else None
    return ReceiptPage(tuple(_row(row, source) for row, source in rows[:limit]), unsigned, more)


@act("receipt show")
def show(profile: Profile, reference: Annotated[str, "the receipt's reference, R-…"]) -> ReceiptDetail:
    """Show everything that a receipt says."""
    row = receipts.find(profile.store, reference)
    found, _ = receipts.listing(profile.store, about=row.reference, limit=1, before=0)
    return ReceiptDetail(_row(*found[0]), json.loads(row.document), row.signature, row.key)


@act("receipt export", writes=True, kinds=("receipt",), auditing=True)
def export(
    profile: Profile,
    reference: Annotated[str, "the receipt's reference, R-…"],
    to: FileTo,
) -> Done:
    """Write a signed receipt to a file, for the requester to keep and to verify."""
    text = receipts.signed_of(receipts.find(profile.store, reference)).as_file()
    path = expanded(to)
    write_text(path, text)
    return Done("The receipt was written.", str(path))


@act("receipt key")
def key(profile: Profile) -> ReceiptKey:
    """Show the public key that verifies this pod's receipts."""
    from podadmin.vault.model import Purpose

    info = profile.vault.find(Purpose.JOURNAL)
    if info is None:
        raise NotFound(
            "receipt.no-key",
            "There is no key that signs receipts yet.",
            "It is made together with the pod.",
            "Make the pod first.",
        )
    return ReceiptKey(info.fingerprint, info.words, info.public_pem)


@act("receipt sign", writes=True, kinds=("receipt",))
def sign(profile: Profile) -> Done:
    """Open the keyring and sign every receipt that is not signed yet."""
    profile.open_vault()
    count = sum(iter(lambda: sign_receipts(profile), 0))
    if not count:
        return Done("No receipt waits for a signature.")
    return Done("1 receipt was signed." if count == 1 else f"{count:,} receipts were signed.")


def _ends_with(check: ReceiptCheck) -> ExitCode:
    return ExitCode.OK if check.state == "right" else ExitCode.INTEGRITY


@act("receipt verify", ends_with=_ends_with)
def verify(
    profile: Profile,
    file: Annotated[str, "the receipt's file"],
    *,
    public_key: Annotated[str, "a file with the public key in PEM; empty: the keys of this profile"] = "",
) -> ReceiptCheck:
    """Verify a receipt against a public key, or against the keys that this profile has had."""
    signed = receipts.read_file(read_text(Path(file)))
    if public_key:
        keys = [_public(read_text(Path(public_key)))]
    else:
        keys = [
            _public(info.public_pem)
            for info in profile.vault.every_key()
            if info.fingerprint == signed.key and info.kind.value == "Ed25519"
        ]
    if not keys:
        words = "It is signed with a key that this profile has never had."
        return ReceiptCheck("unknown-key", words, signed.facts)
    if any(receipts.right(signed, each) for each in keys):
        return ReceiptCheck("right", "The receipt is what was signed.", signed.facts)
    return ReceiptCheck("wrong", "The receipt is NOT what was signed with this key.", signed.facts)


def _row(row: Any, source: Any) -> ReceiptRow:
    told = json.loads(row.document)
    return ReceiptRow(
        number=row.number,
        reference=row.reference,
        act=row.act,
        act_words=_WORDS.get(row.act, row.act),
        about=row.grant_id if row.act.startswith("grant-") else row.request_id,
        by=stranger(str(told.get("by", ""))),
        requester=stranger(source.requester) if source is not None else "",
        made_at=unstamp(row.made_at),
        signed=bool(row.signature),
        signed_words="Signed" if row.signature else "Not yet signed: the key was locked",
        entry=row.entry,
    )


def read_text(path: Path) -> str:
    """The text of a file that somebody has sent. Raises Unavailable (`receipt.cannot-read`), BadInput."""
    try:
        data = read_named(path, receipts.LARGEST_FILE + 1)
        if len(data) > receipts.LARGEST_FILE:
            raise BadInput(
                "receipt.unreadable",
                "The file is not a receipt.",
                "It is far larger than one.",
                "Ask for the file again as it was exported.",
            )
        return data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            "receipt.cannot-read",
            "The file could not be read.",
            "It does not exist, is not readable for your account, or is no file with text.",
            "Name a file that you can open.",
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a new file. Raises BadInput (`receipt.file-there`), Unavailable (`receipt.export`)."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput(
            "receipt.file-there",
            "The receipt was not written.",
            "There is a file of that name already.",
            "Name a new file.",
        ) from None
    except OSError as error:
        reason = explain(error, "writing the receipt")
        raise Unavailable("receipt.export", "The receipt was not written.", reason.why, reason.next_step) from error


def _public(pem: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        found = load_pem_public_key(pem.encode())
    except ValueError:
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise BadInput(
            "receipt.bad-key",
            "The receipt was not verified.",
            "The file with the public key holds no Ed25519 key in PEM.",
            "Ask the pod's custodian for the output of `podadmin receipt key`.",
        )
    return found.public_bytes(Encoding.Raw, PublicFormat.Raw)
