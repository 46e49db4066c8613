"""Public halves for those who asked for them, on the screen or in a file. Private parts never come near this."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from podadmin.app.text_files import write_text
from podadmin.app.views.keys import PublicHalf
from podadmin.core.errors import NotFound, Unavailable
from podadmin.core.files import expanded
from podadmin.vault.forms import jwks, public_forms, published_jwk, read_public, thumbprint
from podadmin.vault.model import KeyInfo, KeyState, Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


def one_public_half(info: KeyInfo, form: str, to: str) -> PublicHalf:
    """The public half of one key: `form` is openssh, pem or jwk."""
    public = read_public(info.public_pem)
    if form == "jwk":
        text = json.dumps(published_jwk(public, info.algorithm), indent=2) + "\n"
    else:
        forms = public_forms(public)
        text = forms.pem if form == "pem" else f"{forms.ssh} {info.id}\n"
    return _given(form, text, thumbprint(public), to)


def ehr_key_set(profile: Profile, name: str, to: str) -> PublicHalf:
    """The JSON Web Key Set of the EHR client keys that are accepted. Raises NotFound (`vault.no-key`)."""
    now = profile.clock.now()
    infos = [
        info
        for info in profile.vault.every_key()
        if info.purpose is Purpose.EHR
        and name in {"", info.name}
        and info.state(now) in {KeyState.IN_USE, KeyState.ENDING}
    ]
    if not infos:
        raise NotFound(
            "vault.no-key",
            "There is no key for a health record system" + (" of that name." if name else " yet."),
            "A key set needs at least one key.",
            "Make one with `podadmin keys create ehr --name NAME`.",
        )
    found = jwks((read_public(info.public_pem), info.algorithm) for info in infos)
    return _given("jwks", json.dumps(found, indent=2) + "\n", found["keys"][-1]["kid"], to)


def _given(form: str, text: str, kid: str, to: str) -> PublicHalf:
    if not to:
        return PublicHalf(form, text, kid)
    path = expanded(to).absolute()
    write_text(path, text, _not_written)
    return PublicHalf(form, text, kid, str(path))


def _not_written(reason: str) -> Unavailable:
    return Unavailable(
        "vault.export",
        "The public half was not written.",
        f"The operating system reported: {reason}.",
        "Choose a file in a folder that is writable for your account.",
    )
