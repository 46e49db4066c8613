"""What the many errors of keyring libraries mean, in the five states of ours. Their texts never reach a screen."""

from __future__ import annotations

from podadmin.core.errors import PodadminError, Refused, Unavailable
from podadmin.vault.model import KeyringState

_BY_CODE = {
    "vault.keyring-locked": KeyringState.LOCKED,
    "vault.keyring-absent": KeyringState.ABSENT,
    "vault.keyring-refused": KeyringState.REFUSED,
    "vault.keyring-unresponsive": KeyringState.UNRESPONSIVE,
}
_BY_TYPE = {
    "keyring.errors.KeyringLocked": KeyringState.LOCKED,
    "keyring.errors.InitError": KeyringState.LOCKED,
    "keyring.errors.NoKeyringError": KeyringState.ABSENT,
    "keyring.errors.KeyringError": KeyringState.REFUSED,
    "secretstorage.exceptions.LockedException": KeyringState.LOCKED,
    "secretstorage.exceptions.PromptDismissedException": KeyringState.LOCKED,
    "secretstorage.exceptions.SecretServiceNotAvailableException": KeyringState.ABSENT,
}
_BY_BUS_ERROR = {
    "org.freedesktop.Secret.Error.IsLocked": KeyringState.LOCKED,
    "org.freedesktop.DBus.Error.ServiceUnknown": KeyringState.ABSENT,
    "org.freedesktop.DBus.Error.NameHasNoOwner": KeyringState.ABSENT,
    "org.freedesktop.DBus.Error.AccessDenied": KeyringState.REFUSED,
}
_WHY = {
    KeyringState.LOCKED: "Its password was not given, or its question for it was closed or could not be shown.",
    KeyringState.ABSENT: "No keyring service is running for your account, and none could be started.",
    KeyringState.REFUSED: "The keyring refused to keep, give or remove an item of podadmin.",
    KeyringState.UNRESPONSIVE: "It gave no answer in time, or broke off while answering.",
}


def state_for(error: BaseException) -> KeyringState:
    """The state in which a keyring is that failed with `error`; whatever is not known counts as unresponsive.

    Types are compared by name, because their packages exist on some operating systems only.
    """
    if isinstance(error, PodadminError):
        return _BY_CODE.get(error.code, KeyringState.REFUSED)
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__]
    if "jeepney.wrappers.DBusErrorResponse" in names:
        return _BY_BUS_ERROR.get(str(getattr(error, "name", "")), KeyringState.UNRESPONSIVE)
    for name in names:
        if name in _BY_TYPE:
            # opening fails as `InitError` for a closed question and for a service that has gone
            if error.__cause__ is not None and state_for(error.__cause__) is KeyringState.ABSENT:
                return KeyringState.ABSENT
            return _BY_TYPE[name]
    return KeyringState.UNRESPONSIVE


def trouble(state: KeyringState) -> PodadminError:
    """The error that a user meets for a state that is not ready."""
    family = Refused if state is KeyringState.REFUSED else Unavailable
    return family(f"vault.keyring-{state.value}", state.words, _WHY[state], state.next_step)
