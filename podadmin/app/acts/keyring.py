"""Acts on the place where secrets live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.registry import act
from podadmin.app.views.status import KeyringView
from podadmin.core.errors import PodadminError

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

TITLES = {
    "system": "the keyring of this account",
    "passphrase": "a file sealed under a passphrase",
    "memory": "the memory of this process, which forgets it",
}


@act("keyring show")
def show(profile: Profile) -> KeyringView:
    """Show where the secrets of this profile live, and in which state that place is."""
    choice = profile.keyring_choice
    if choice is None:
        return KeyringView(
            "undecided",
            "",
            "It was not chosen yet where secrets live.",
            "Choose it on the first page, or with `podadmin keyring choose`.",
        )
    try:
        secrets = profile.vault.secrets
        state = secrets.state()
    except PodadminError as error:
        return KeyringView("refused", TITLES.get(choice, choice), f"{error.what} {error.why}", error.next_step)
    words = state.words
    if secrets.forgets:
        words = "Secrets are kept in memory only: they are forgotten when podadmin closes."
    return KeyringView(state.value, secrets.title, words, state.next_step, secrets.forgets)


@act("keyring choose", writes=True, kinds=("keyring",))
def choose(
    profile: Profile,
    backend: Annotated[
        Literal["system", "passphrase", "memory"], "the keyring of this account, a passphrase file, memory"
    ],
) -> KeyringView:
    """Choose where the secrets of this profile live. It is remembered, and never exchanged silently."""
    profile.choose_keyring(backend)
    return show(profile)
