"""Signs receipts that wait for it. A locked keyring hinders no decision: what it left unsigned is signed later."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from podadmin.core.errors import PodadminError
from podadmin.requests import receipts

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

log = logging.getLogger("podadmin.receipts")


def sign_receipts(profile: Profile) -> int:
    """Sign the oldest receipts that are not signed yet; how many were. Never waits for a keyring: 0 where it is locked.

    At most `receipts.AT_ONCE`, so that nobody who decides something or closes podadmin waits for very many.
    """
    from podadmin.vault.model import Purpose

    if profile.keyring_choice is None:
        return 0
    try:
        vault = profile.vault
        if vault.locked or vault.find(Purpose.JOURNAL) is None:
            return 0
        return receipts.sign_due(profile.store, vault.journal_signer())
    except PodadminError as error:
        log.warning("receipts wait for their signature: %s", error.code)
        return 0
