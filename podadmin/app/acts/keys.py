"""Acts on the keys of this pod: see, make, import, give out the public half, replace, end, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts import handover, keys_clear, keys_trust
from podadmin.app.acts.asked import Why
from podadmin.app.acts.registry import act
from podadmin.app.key_rows import all_rows, own_row
from podadmin.app.views.keys import KeyDone, KeyRow, PublicHalf
from podadmin.core.errors import BadInput
from podadmin.core.files import expanded
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.vault.model import KeyInfo, KeyKind, Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

__all__ = ["handover", "keys_clear", "keys_trust"]

KeyId = Annotated[str, "the key's id"]
Overlap = Annotated[int, "for how many days the old key is still accepted"]

KINDS = {"es384": KeyKind.P_384, "rs384": KeyKind.RSA_3072}
_TELL_REQUESTERS = (
    "Requesters who have pinned the old key are asked whether they trust the new one: give them its words by telephone."
)
_TELL_EHR = "Register the new public half at the health record system before the old key ends: export the key set."
_TELL_REVIEWER = "Give the new public half to those who check what the reviewer signs."


@act("keys list")
def list_keys(profile: Profile) -> tuple[KeyRow, ...]:
    """List the keys and secrets of this profile and the keys of others that were seen."""
    return all_rows(profile)


@act("keys create", writes=True, kinds=("key",))
def create(
    profile: Profile,
    purpose: Annotated[Literal["pod", "journal", "reviewer", "ehr"], "what the key is for"],
    *,
    name: Annotated[str, "whose it is, where there are several: a reviewer, a health record system"] = "",
    kind: Annotated[
        Literal["usual", "es384", "rs384"], "for a health record system: which signature it takes"
    ] = "usual",
    progress: Progress,
) -> KeyDone:
    """Make a key: for the pod, the journal, a reviewer, or a health record system."""
    progress.report("Opening the keyring", 0.05)
    vault = profile.open_vault()
    progress.report("Making the key", 0.2)
    info = vault.create(Purpose(purpose), profile.actor, name.strip(), KINDS.get(kind))
    if info.purpose is Purpose.JOURNAL:
        _anchor(profile)
    progress.report("Made", 1.0)
    return KeyDone("The key was made.", own_row(profile, info), _tell(info, new=False))


@act("keys import", writes=True, kinds=("key",))
def import_key(
    profile: Profile,
    path: Annotated[str, "the key file, or the folder of the pod that holds pod_rsa.pem"],
    *,
    passphrase: Annotated[Secret[str] | None, "the passphrase of the key file"] = None,
    purpose: Annotated[Literal["pod", "reviewer", "ehr"], "what the key is for"] = "pod",
    name: Annotated[str, "whose it is, where there are several"] = "",
    replace: Annotated[bool, "put it in the place of the key that is in use"] = False,
    overlap_days: Overlap = 14,
    progress: Progress,
) -> KeyDone:
    """Take over a key of other software, and tell what of it stays behind in clear.

    Reads OpenSSH, PKCS #1 and PKCS #8, with or without a passphrase. The file itself is left where it is: seal and
    remove it with `podadmin keys seal`.
    """
    from podadmin.vault.importing import check_size, key_file_at, read_key_file

    file = key_file_at(expanded(path).absolute())
    progress.report("Reading the key file", 0.1)
    found = read_key_file(file, passphrase)
    wanted = Purpose(purpose)
    check_size(found, wanted)
    progress.report("Opening the keyring", 0.3)
    vault = profile.open_vault()
    present = vault.find(wanted, name.strip())
    progress.report("Sealing the key", 0.6)
    if present is not None and replace:
        info = vault.rotate(present.id, profile.actor, _overlap(overlap_days), found.private)
    else:
        info = vault.import_key(wanted, found.private, profile.actor, name.strip())
    progress.report("Taken over", 1.0)
    words = f"The key was taken over from its {found.form} file and reads back from the vault."
    left = keys_clear.left_files(profile, file)
    return KeyDone(words, own_row(profile, info), _tell(info, new=present is not None), left)


@act("keys public")
def public_half(
    profile: Profile,
    key: KeyId,
    *,
    form: Annotated[Literal["openssh", "pem", "jwk"], "in which form"] = "openssh",
    to: Annotated[str, "the file to write; without it the text is shown"] = "",
) -> PublicHalf:
    """Give out the public half of a key as an OpenSSH line, a PEM block or a JSON Web Key."""
    from podadmin.app.key_export import one_public_half

    return one_public_half(profile.vault.key(key), form, to)


@act("keys jwks")
def key_set(
    profile: Profile,
    *,
    name: Annotated[str, "only the keys of this health record system"] = "",
    to: Annotated[str, "the file to write; without it the text is shown"] = "",
) -> PublicHalf:
    """Give out the public halves of the EHR client keys that are accepted, as a JSON Web Key Set."""
    from podadmin.app.key_export import ehr_key_set

    return ehr_key_set(profile, name.strip(), to)


@act("keys rotate", writes=True, kinds=("key", "keyring"))
def rotate(profile: Profile, key: KeyId, *, overlap_days: Overlap = 14, progress: Progress) -> KeyDone:
    """Replace a key by a new one; the old one is accepted for some days yet.

    The gate publishes a new pod key as soon as no task runs. A journal key has no overlap: what it has signed stays
    proved by it, and the journal is anchored anew at once.
    """
    progress.report("Opening the keyring", 0.05)
    vault = profile.open_vault()
    old = vault.key(key)
    overlap = timedelta() if old.purpose is Purpose.JOURNAL else _overlap(overlap_days)
    progress.report("Making the new key", 0.2)
    info = vault.rotate(old.id, profile.actor, overlap)
    if info.purpose is Purpose.JOURNAL:
        _anchor(profile)
    progress.report("Replaced", 1.0)
    return KeyDone("The key was replaced.", own_row(profile, info), _tell(info, new=True))


@act("keys end", writes=True, kinds=("key",))
def end(profile: Profile, key: KeyId) -> KeyDone:
    """Let the time in which a replaced key is still accepted end now."""
    vault = profile.vault
    vault.end(key, profile.actor)
    return KeyDone("The old key is not accepted any more.", own_row(profile, vault.key(key)))


@act("keys revoke", writes=True, kinds=("key", "request", "keyring"), guarded=True)
def revoke(profile: Profile, key: KeyId, reason: Why) -> KeyDone:
    """Stop a key at once, in every process: nothing is opened, signed or delivered under it any more.

    Needs no keyring. With the pod's key the gate goes off until there is a new one, and requests that wait are refused.
    A journal key is replaced first, so that the journal is never without an anchor.
    """
    from podadmin.app.key_revoking import replace_journal_key, stop_requests

    vault = profile.vault
    info = vault.key(key)
    if info.purpose is Purpose.JOURNAL and info.retired_at is None and info.revoked_at is None:
        profile.open_vault()
        replace_journal_key(profile, info)
        _anchor(profile)
    revoked = vault.revoke(key, profile.actor, reason)
    steps: tuple[str, ...] = ()
    if info.purpose is Purpose.POD and vault.find(Purpose.POD) is None:
        refused = stop_requests(profile)
        steps = ("Make a new pod key: until then nothing is received.",)
        if refused:
            count = f"{refused} waiting requests were" if refused > 1 else "One waiting request was"
            tell = "Nobody can be told through the network, because that needs the key: let them send again."
            steps = (*steps, f"{count} refused. {tell}")
    return KeyDone("The key was revoked.", own_row(profile, revoked), steps)


def _overlap(days: int) -> timedelta:
    if 0 <= days <= 365:
        return timedelta(days=days)
    raise BadInput(
        "vault.overlap",
        "The key was not replaced.",
        "The old key can be accepted for 0 to 365 days.",
        "Give a number of days in that range.",
    )


def _anchor(profile: Profile) -> None:
    from podadmin.journal.service import anchor_head

    vault = profile.vault
    anchor_head(profile.store, vault, vault.journal_signer(), profile.clock)


def _tell(info: KeyInfo, *, new: bool) -> tuple[str, ...]:
    if info.purpose is Purpose.POD:
        return (_TELL_REQUESTERS,) if new else ()
    if info.purpose is Purpose.EHR:
        return (_TELL_EHR,)
    return (_TELL_REVIEWER,) if info.purpose is Purpose.REVIEWER else ()
