"""Whatever a keyring library raises becomes one of five states and an error in a custodian's words."""

from __future__ import annotations

import pytest
from keyring import errors

from podadmin.core.errors import ExitCode, NotFound
from podadmin.vault.keyring_states import state_for, trouble
from podadmin.vault.model import KeyringState

jeepney = pytest.importorskip("jeepney", reason="the D-Bus library is there on Linux only")
secretstorage = pytest.importorskip("secretstorage", reason="the Secret Service library is there on Linux only")


def bus_error(name: str) -> Exception:
    call = jeepney.new_method_call(jeepney.DBusAddress("/x", "x.y"), "Z")
    return jeepney.DBusErrorResponse(jeepney.new_error(call, name, "s", ("secret words of the service",)))


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


NO_SERVICE = secretstorage.SecretServiceNotAvailableException("x")
CASES = [
    (errors.KeyringLocked("x"), KeyringState.LOCKED),
    (errors.InitError("x"), KeyringState.LOCKED),
    (caused(errors.InitError("x"), secretstorage.PromptDismissedException("x")), KeyringState.LOCKED),
    (caused(errors.InitError("x"), NO_SERVICE), KeyringState.ABSENT),
    (errors.NoKeyringError("x"), KeyringState.ABSENT),
    (errors.PasswordSetError("x"), KeyringState.REFUSED),
    (errors.PasswordDeleteError("x"), KeyringState.REFUSED),
    (secretstorage.LockedException("x"), KeyringState.LOCKED),
    (NO_SERVICE, KeyringState.ABSENT),
    (secretstorage.SecretStorageException("x"), KeyringState.UNRESPONSIVE),
    (bus_error("org.freedesktop.Secret.Error.IsLocked"), KeyringState.LOCKED),
    (bus_error("org.freedesktop.DBus.Error.ServiceUnknown"), KeyringState.ABSENT),
    (bus_error("org.freedesktop.DBus.Error.NameHasNoOwner"), KeyringState.ABSENT),
    (bus_error("org.freedesktop.DBus.Error.AccessDenied"), KeyringState.REFUSED),
    (bus_error("org.freedesktop.Secret.Error.NoSession"), KeyringState.UNRESPONSIVE),
    (TimeoutError("x"), KeyringState.UNRESPONSIVE),
    (ConnectionResetError("x"), KeyringState.UNRESPONSIVE),
    (RuntimeError("x"), KeyringState.UNRESPONSIVE),
    (NotFound("other.code", "x", "x", "x"), KeyringState.REFUSED),
]


@pytest.mark.parametrize(("error", "state"), CASES, ids=lambda value: getattr(value, "value", type(value).__name__))
def test_every_known_error_has_its_state(error: Exception, state: KeyringState) -> None:
    assert state_for(error) is state


@pytest.mark.parametrize("state", [state for state in KeyringState if state is not KeyringState.READY])
def test_the_error_for_a_state_says_what_why_and_what_next_and_leads_back_to_the_state(state: KeyringState) -> None:
    error = trouble(state)
    assert error.code == f"vault.keyring-{state.value}"
    assert all(sentence.endswith(".") for sentence in (error.what, error.why, error.next_step))
    assert error.exit_code is (ExitCode.REFUSED if state is KeyringState.REFUSED else ExitCode.UNAVAILABLE)
    assert state_for(error) is state
