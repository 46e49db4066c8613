"""Writing the configuration file of a real pod, so that the real software loads it without a difference.

The real software passes the file's text through a substitution of environment variables before it reads it as YAML
(bitfount contract, section 1.7): `$NAME` and `${NAME}` anywhere, `$$` for one `$`, and a quotation mark beside a `$$`
is lost. Hence the care with which texts are quoted here. A secret never stands in the file: there stands `${NAME}`,
and whoever starts the pod puts the value into its environment (`environment_value`). Reading: `yaml_reading`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from podadmin.core.errors import Unavailable
from podadmin.core.late import Late
from podadmin.core.secret import Secret
from podadmin.networks.bitfount.config_values import Reference
from podadmin.networks.bitfount.pod_config import PodConfig, said

if TYPE_CHECKING:
    import yaml
else:
    yaml = Late("yaml")


def written(config: PodConfig) -> str:
    """The file of a configuration: ASCII, absolute paths, no nulls, no secret, every `$` escaped."""
    return str(
        yaml.dump(_plain(said(config)), Dumper=_dumper(), sort_keys=False, width=10**9, default_flow_style=False)
    )


def environment_value(secret: Secret[str], *, in_file: bool = True) -> Secret[str]:
    """The value that a variable has to have so that the secret arrives.

    `in_file`: the file names it, so that its text becomes part of a quoted text of YAML before that is read.
    """
    return Secret(_escaped(secret.reveal()).replace("$", "\\x24")) if in_file else secret


def as_json(config: PodConfig, secrets: Mapping[str, Secret[str]]) -> Secret[str]:
    """The datasources as the pod's control server takes them, with the values of the secrets. Raises
    Unavailable (`pod.config-secret`)."""

    def told(value: Any) -> Any:
        if isinstance(value, Reference):
            if value.name not in secrets:
                raise missing_secret(value.name)
            return secrets[value.name].reveal()
        if isinstance(value, dict):
            return {key: told(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [told(each) for each in value]
        return value

    return Secret(json.dumps([told(said(each)) for each in config.datasources or ()]))


def missing_secret(name: str) -> Unavailable:
    """The error for a variable whose value the vault does not hold."""
    return Unavailable(
        "pod.config-secret",
        "The pod cannot be given its configuration.",
        f"The secret {name} is not where secrets live.",
        "Bring the pod's configuration again, or set the secret with `podadmin pod secret`.",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _escaped(text: str) -> str:
    """`text` as it stands between the quotation marks of YAML, in ASCII; a `$` is left as it is."""
    return "".join(_NAMED.get(char) or (char if " " <= char <= "~" else _code(ord(char))) for char in text)


_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def _code(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _quoted(text: str) -> str:
    """`text` in quotation marks, as YAML and the substitution before it both read it.

    `$$` where nothing can go wrong; beside a quotation mark, and where a brace follows, YAML's own escape of a `$`.
    """
    body = _escaped(text)
    told: list[str] = []
    for at, char in enumerate(body):
        if char == "$":
            beside = {body[at - 1] if at else '"', body[at + 1] if at + 1 < len(body) else '"'}
            told.append("\\x24" if beside & {'"', "'", "{"} else "$$")
        else:
            told.append(char)
    return f'"{"".join(told)}"'


def _dumper() -> Any:
    class Dumper(yaml.SafeDumper):
        """Writes texts so that they survive the substitution of variables."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

        def write_double_quoted(self, text: str, split: bool = True) -> None:
            marked = text.startswith(_MARK)
            self.write_indicator(f'"{text[len(_MARK) :]}"' if marked else _quoted(text), True)

    def text(dumper: Any, value: str) -> Any:
        if isinstance(value, Reference):
            return dumper.represent_scalar("tag:yaml.org,2002:str", _MARK + value, style='"')
        odd = "$" in value or not value.isprintable() or not value.isascii()
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"' if odd else None)

    Dumper.add_representer(str, text)
    Dumper.add_representer(Reference, text)
    return Dumper


_MARK = "\x00reference:"
"""No text of a configuration can begin so: a reference is written as it is."""
