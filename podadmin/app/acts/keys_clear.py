"""Acts on what other software left in clear: look, seal and remove, give back; and on secrets that are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts.registry import act
from podadmin.app.views.facts import Done
from podadmin.app.views.keys import LeftFile
from podadmin.core.files import expanded

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

SecretId = Annotated[str, "the secret's id"]


@act("keys left")
def left(
    profile: Profile, path: Annotated[str, "the key file, or the folder of the pod that holds pod_rsa.pem"]
) -> tuple[LeftFile, ...]:
    """List the files with secrets that other software keeps beside a pod's key, and whether each lies sealed here."""
    from podadmin.vault.importing import key_file_at

    profile.open_vault()
    given = expanded(path).absolute()
    return left_files(profile, given / "pod_rsa.pem" if given.is_dir() else key_file_at(given))


@act("keys seal", writes=True, kinds=("key",))
def seal(
    profile: Profile,
    path: Annotated[str, "the file that holds a secret in clear"],
    *,
    remove: Annotated[bool, "remove the file once the vault holds the same and was read back"] = False,
) -> Done:
    """Seal a file that other software left in clear, and remove it where that is wanted.

    A removed file can still be in a backup, a snapshot or the free space of its disk: replace a key that lay in clear.
    """
    from podadmin.vault.clearing import remove_clear_file, seal_file

    vault = profile.open_vault()
    file = expanded(path).absolute()
    held = seal_file(vault, file, profile.actor)
    if not remove:
        return Done("What the file holds lies sealed in the vault. The file is still there, in clear.", held)
    remove_clear_file(vault, profile.store, file, profile.actor)
    return Done("What the file held lies sealed in the vault, and the file is gone from its folder.", held)


@act("keys give-back", writes=True, kinds=("key",), guarded=True)
def give_back(profile: Profile, key: SecretId, to: Annotated[str, "the file to write; a new one"]) -> Done:
    """Write a file that was sealed back to the disk, in clear, for your account only."""
    from podadmin.vault.clearing import give_back as written

    written(profile.open_vault(), profile.store, key, expanded(to).absolute(), profile.actor)
    return Done("The file was written. It lies there in clear.", key)


@act("keys forget", writes=True, kinds=("key",), guarded=True)
def forget(profile: Profile, key: SecretId) -> Done:
    """Forget a secret for good. Whatever needs it stops working until it is given anew."""
    profile.vault.remove_secret(key, profile.actor)
    return Done("The secret was forgotten.", key)


def left_files(profile: Profile, key_file: Path) -> tuple[LeftFile, ...]:
    """What lies beside a key file, as a person reads it."""
    from podadmin.vault.clearing import sealed_as
    from podadmin.vault.importing import left_behind

    return tuple(
        LeftFile(
            path=str(each.path),
            what=f"{each.what}. {each.without}",
            protected=each.protected,
            sealed=bool(sealed_as(profile.vault, each.path)),
        )
        for each in left_behind(key_file)
    )
