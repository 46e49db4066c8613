"""Acts on the keys of others: confirm, take another in place of a pinned one, turn away, trust one by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.asked import Why
from podadmin.app.acts.registry import act
from podadmin.app.key_rows import trusted_row, trusted_rows
from podadmin.app.views.keys import KeyDone, KeyRow
from podadmin.core.errors import BadInput, Unavailable
from podadmin.core.files import read_named

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


def _must_decide(profile: Profile) -> None:
    """Whom to believe is decided by those who decide on requests; anybody can turn a key away."""
    from podadmin.requests.grant_cover import must_decide

    must_decide(profile.store, profile.clock, profile.actor)


TrustId = Annotated[str, "the id of the pinned key"]


@act("keys trusted")
def trusted(profile: Profile) -> tuple[KeyRow, ...]:
    """List the keys of requesters, access managers and hubs, those first under whose name another one came."""
    return trusted_rows(profile)


@act("keys confirm", writes=True, kinds=("key",))
def confirm(
    profile: Profile, key: TrustId, words: Annotated[str, "the six words that the owner of the key has read out"]
) -> KeyDone:
    """Confirm a pinned key by the words that its owner reads out from their own screen, by telephone."""
    from podadmin.vault import trust

    _must_decide(profile)
    known = trust.confirm(profile.store, profile.clock, key, words, profile.actor)
    return KeyDone("The key is confirmed.", trusted_row(known))


@act("keys accept", writes=True, kinds=("key",))
def accept(profile: Profile, key: TrustId, reason: Why) -> KeyDone:
    """Take the key that came under a pinned name in place of the pinned one. It is again not yet confirmed."""
    from podadmin.vault import trust

    _must_decide(profile)
    known = trust.replace(profile.store, profile.clock, key, reason, profile.actor)
    steps = ("Compare its words with the owner by telephone, then confirm it.", "Grants for the old key do not hold.")
    return KeyDone("The new key was taken in place of the old one.", trusted_row(known), steps)


@act("keys keep", writes=True, kinds=("key",))
def keep(profile: Profile, key: TrustId, reason: Why) -> KeyDone:
    """Turn away the key that came under a pinned name, and keep the pinned one."""
    from podadmin.vault import trust

    known = trust.keep(profile.store, key, reason, profile.actor)
    return KeyDone("The other key was turned away.", trusted_row(known))


@act("keys distrust", writes=True, kinds=("key",))
def distrust(profile: Profile, key: TrustId, reason: Why) -> KeyDone:
    """Take nothing any more that this key has signed, until it is confirmed again."""
    from podadmin.vault import trust

    known = trust.distrust(profile.store, profile.clock, key, reason, profile.actor)
    return KeyDone("Nothing that this key has signed is taken any more.", trusted_row(known))


@act("keys trust", writes=True, kinds=("key",))
def trust_key(
    profile: Profile,
    role: Annotated[Literal["requester", "access-manager", "hub"], "whose key it is"],
    holder: Annotated[str, "the name under which it is known at its network"],
    path: Annotated[str, "the file with the public key, an OpenSSH line or a PEM block"],
    *,
    network: Annotated[str, "the network"] = "local",
    key_id: Annotated[str, "the number that the network gives the key"] = "by hand",
) -> KeyDone:
    """Pin a key that its owner has handed over, before it is first seen on a network."""
    from podadmin.vault import trust
    from podadmin.vault.forms import LARGEST_PUBLIC_KEY, public_forms, read_public

    _must_decide(profile)
    if not holder.strip():
        raise BadInput("vault.trust-holder", "The key was not pinned.", "It has no owner.", "Name its owner.")
    try:
        text = read_named(Path(path), LARGEST_PUBLIC_KEY).decode("utf-8", "replace")
    except OSError as error:
        raise Unavailable(
            "vault.trust-file",
            "The key was not pinned.",
            f"Its file cannot be read: {error.strerror or type(error).__name__}.",
            "Check that the file exists and that your account may read it.",
        ) from error
    forms = public_forms(read_public(text))
    seen = trust.Seen(role, network, holder.strip(), key_id, forms.fingerprint, forms.pem)
    same = trust.see(profile.store, profile.clock, seen, profile.actor)
    known = next(
        each
        for each in trust.trusted_keys(profile.store)
        if (each.role, each.network, each.holder, each.key_id) == (role, network, holder.strip(), key_id)
    )
    words = "The key is pinned." if same else "Another key is pinned under this name: settle first which one is right."
    return KeyDone(words, trusted_row(known), ("Compare its words with the owner by telephone, then confirm it.",))
