"""Secrets that are no keys of this pod: API keys, tokens, passwords of datasources, files that others left in clear."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, insert, select

from podadmin.core.clock import Clock, new_id, stamp
from podadmin.core.errors import BadInput, NotFound, PodadminError
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.store.engine import Store
from podadmin.store.unit import Fact, Unit
from podadmin.vault.disk import discard
from podadmin.vault.kek import Keks, KeyEncryption
from podadmin.vault.model import SecretInfo, SecretPurpose
from podadmin.vault.records import secret, secret_of, secrets_kept
from podadmin.vault.sealed import SecretHeader

LARGEST_SECRET = 128 * 1024
"""Bytes of a secret."""
Together = Callable[[Unit], None]
"""What is written in the same transaction as a secret's row: neither is ever there without the other."""


def alone(_unit: Unit) -> None:
    """Nothing is written together with a secret."""


class Shelf:
    """The secrets of one profile. Its callers hold the lock of the vault where they change something."""

    def __init__(self, folder: Path, store: Store, clock: Clock, kek: KeyEncryption) -> None:
        self._folder = folder
        self._store = store
        self._clock = clock
        self._kek = kek

    def all(self) -> tuple[SecretInfo, ...]:
        with self._store.read() as connection:
            return secrets_kept(connection)

    def find(self, secret_id: str) -> SecretInfo:
        """Raises NotFound (`vault.no-secret`)."""
        with self._store.read() as connection:
            row = connection.execute(select(secret).where(secret.c.id == secret_id)).first()
        if row is None:
            raise NotFound(
                "vault.no-secret",
                "There is no such secret.",
                "It was removed or replaced, or its name was mistyped.",
                "List the keys and secrets with `podadmin keys list`.",
            )
        return secret_of(row)

    def put(
        self,
        purpose: SecretPurpose,
        holder: str,
        value: Secret[bytes],
        actor: str,
        expires_at: datetime | None,
        together: Together = alone,
    ) -> SecretInfo:
        """As `Vault.put_secret`."""
        if not 0 < len(value.reveal()) <= LARGEST_SECRET:
            raise BadInput(
                "vault.secret-size",
                "The secret was not kept.",
                f"It is empty, or longer than {LARGEST_SECRET // 1024} KiB.",
                "Give the secret itself.",
            )
        secret_id = new_id("sec")
        file = f"{secret_id}.sealed"
        info = SecretInfo(secret_id, purpose, holder, file, self._clock.now(), None, expires_at)
        with self._kek.changing() as write:
            try:
                write(file, value, _header(info))
                before = self._record(info, actor, together)
            except BaseException:
                self._forget(info)
                raise
        for old in before:
            discard(self._folder / old)
        return info

    def value(self, info: SecretInfo) -> Secret[bytes]:
        """Raises what opening a sealed file raises."""
        return self._kek.read(info.file, _header(info))

    def check(self, held: Keks) -> None:
        """Raises what opening a secret raises that does not open with one of these keys."""
        for info in self.all():
            self._kek.read_with(held, info.file, _header(info))

    def remove(self, secret_id: str, actor: str, together: Together = alone) -> None:
        """As `Vault.remove_secret`."""
        info = self.find(secret_id)
        with self._store.record(Fact(actor, "secret.removed", info.id, _told(info))) as unit:
            unit.execute(delete(secret).where(secret.c.id == info.id))
            together(unit)
        discard(self._folder / info.file)

    def _record(self, info: SecretInfo, actor: str, together: Together) -> list[str]:
        """Record it in place of the one before; gives the files that nobody needs any more."""
        of_same = (secret.c.purpose == info.purpose.value, secret.c.holder == info.holder)
        with self._store.record(Fact(actor, "secret.kept", info.id, _told(info))) as unit:
            before = list(unit.connection.execute(select(secret.c.file).where(*of_same)).scalars())
            unit.execute(delete(secret).where(*of_same))
            unit.execute(
                insert(secret).values(
                    id=info.id,
                    purpose=info.purpose.value,
                    holder=info.holder,
                    file=info.file,
                    created_at=stamp(info.created_at),
                    expires_at=stamp(info.expires_at) if info.expires_at else None,
                )
            )
            together(unit)
        return before

    def _forget(self, info: SecretInfo) -> None:
        """Remove the file of a secret that was not recorded; a sealed file too many stays where that is not known."""
        try:
            if all(each.id != info.id for each in self.all()):
                discard(self._folder / info.file)
        except PodadminError:
            return


def _header(info: SecretInfo) -> SecretHeader:
    return SecretHeader(info.id, info.purpose, info.holder)


def _told(info: SecretInfo) -> dict[str, str]:
    return {"purpose": info.purpose.value, "holder": stranger(info.holder)}
