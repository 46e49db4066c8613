"""The connected datasources on their way into the pod's configuration, with the secrets that it needs for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podadmin.core.errors import NotFound
from podadmin.core.secret import Secret
from podadmin.datasources import service as datasources
from podadmin.datasources.model import Datasource, SqlSource
from podadmin.networks.bitfount.pod_config import DatasourceConfig
from podadmin.pod.from_datasources import datasource_config, variable_of

if TYPE_CHECKING:
    from podadmin.app.profile import Profile


def configured(profile: Profile) -> tuple[tuple[DatasourceConfig, ...], dict[str, Secret[str]]]:
    """The datasources as a pod is told them, and the values of the variables that they name.

    Raises NotFound (`pod.no-datasources`) where none is of a kind that a pod knows, Unavailable
    (`datasource.password-missing`).
    """
    sources = datasources.list_all(profile.store)
    told = [(each, config) for each in sources if (config := datasource_config(each)) is not None]
    if not told:
        raise NotFound(
            "pod.no-datasources",
            "The pod's configuration was not changed.",
            "No datasource is connected of a kind that a pod of this network knows.",
            "Connect one on the Datasources page first.",
        )
    secrets: dict[str, Secret[str]] = {}
    for each, _config in told:
        name = variable_of(each)
        value = _value(profile, each) if name else None
        if value is not None:
            secrets[name] = value
    return tuple(config for _each, config in told), secrets


def _value(profile: Profile, each: Datasource) -> Secret[str] | None:
    password = datasources.password_of(each.source, profile.open_vault)
    if not isinstance(each.source, SqlSource):
        return password
    from sqlalchemy import make_url

    url = make_url(each.source.url)
    if password is not None:
        url = url.set(password=password.reveal())
    return Secret(url.render_as_string(hide_password=False))
