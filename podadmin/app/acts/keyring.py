"""Acts on the place where secrets live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.registry import act
from podadmin.app.views.facts import Done
from podadmin.app.views.status import KeyringView
from podadmin.core.errors import PodadminError
from podadmin.core.progress import Progress

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

ASK_SECONDS = 120.0
"""How long a person may take to type the password that the system asks for."""

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
    from podadmin.vault.model import KeyringState

    try:
        secrets = profile.vault.secrets
        state = secrets.state()
    except PodadminError as error:
        return KeyringView("refused", TITLES.get(choice, choice), f"{error.what} {error.why}", error.next_step)
    words = state.words
    if choice == "passphrase" and state is KeyringState.READY:
        words = "The file opens with its passphrase."
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


@act("keyring unlock")
def unlock(profile: Profile, progress: Progress) -> KeyringView:
    """Unlock the keyring: the system asks for its password, and that can be called off."""
    from podadmin.vault.os_keyring import OsKeyring
    from podadmin.vault.service import KEK_ITEM

    vault = profile.vault
    secrets = vault.secrets
    if isinstance(secrets, OsKeyring):
        progress.report("Waiting for the keyring; the system may ask for its password")
        secrets.unlock(KEK_ITEM, ASK_SECONDS, progress.check)
    progress.report("Opening the keys")
    vault.unlock()
    return show(profile)


@act("keyring exchange", writes=True, kinds=("keyring", "key"))
def exchange(profile: Profile, progress: Progress) -> Done:
    """Seal every key and secret under a new key-encryption key.

    It can be broken off at any moment without losing anything: whoever opens the keys next finishes it. Copies of the
    key folder from before do not open any more.
    """
    progress.report("Opening the keyring", 0.1)
    vault = profile.open_vault()
    progress.report("Sealing everything anew", 0.3)
    vault.exchange_kek(profile.actor)
    progress.report("Done", 1.0)
    return Done("Everything is sealed under a new key-encryption key.", vault.secrets.name)
