"""Reading the configuration file of a real pod, as the real software would understand it; see `yaml_config`.

The file is a stranger's: no tags that make objects, no bombs, no repeated meaning of a name; what is a secret is taken
out and handed over apart, and relative paths are made absolute, from where the real software would see them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from podadmin.core.errors import BadInput
from podadmin.core.files import expanded
from podadmin.core.late import Late
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.networks.bitfount.config_values import Reference, is_absolute
from podadmin.networks.bitfount.pod_config import PodConfig, said

if TYPE_CHECKING:
    import yaml
else:
    yaml = Late("yaml")

LARGEST = 1024 * 1024
"""Bytes of a configuration file."""
MOST_NODES, DEEPEST = 100_000, 40

KEY_ID, KEY = "BITFOUNT_API_KEY_ID", "BITFOUNT_API_KEY"
"""Where the real software itself looks for the pod's API key when its configuration names none."""
_ARGS = ("datasources", "#", "data_config", "datasource_args")
_SECRET_PLACES = frozenset(
    {("secrets", *use, key) for use in ((), ("bitfount",), ("ehr",)) for key in ("access_key", "access_key_id")}
    | {(*_ARGS, "connection_string"), (*_ARGS, "token"), ("ehr_config", "key_pair", "private_key")}
)
_WHOLE = re.compile(r"\$(?:\{([A-Za-z_][\w.-]*)\}|([A-Za-z_][\w.-]*))")
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)\\x24")
"""YAML's own escape of a `$` in a quoted text: the substitution of variables does not see that one."""
_DOLLAR = "\ue024one dollar\ue024"
"""Stands for it while the text is read, between characters for private use."""
_ANY = re.compile(r"\$(?:(\$)|\{([^{}|]*)(?:\|([^{}]*))?\}|([A-Za-z_][\w.-]*)(?:\|(.*))?)")


@dataclass(frozen=True)
class Found:
    """What a file said. `secrets` stood in it in clear, by the name of the variable that now stands for each.

    `variables` are those that the pod needs in its environment. `relative` are paths that were not absolute.
    """

    config: PodConfig
    secrets: Mapping[str, Secret[str]] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    relative: tuple[str, ...] = ()


def read(
    text: str,
    *,
    environment: Mapping[str, str] | None = None,
    beside: Path | None = None,
    started_in: Path | None = None,
) -> Found:
    """The configuration in a YAML text, as the real software would understand it.

    `environment`: values of the variables that the file names. Relative paths are taken as those of the real software
    are: the schema's from `beside`, the folder of the file; the others from `started_in`, where the pod was started.
    Raises BadInput (`pod.config-*`); the error names places in the file and never a value.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise _bad(f"It is longer than {LARGEST // 1024} KiB.")
    tree = _tree(text)
    if not isinstance(tree, dict):
        raise _bad("It is not a table of names and values.")
    walk = _Walk(environment or {}, beside, started_in)
    tidy = {key: walk.value(each, (key,)) for key, each in tree.items() if key != "secrets"}
    if tree.get("secrets") is not None:
        secrets = walk.value(tree["secrets"], ("secrets",))
        if secrets != {"access_key_id": f"${{{KEY_ID}}}", "access_key": f"${{{KEY}}}"}:
            tidy["secrets"] = secrets
    try:
        config = PodConfig.model_validate(tidy)
    except ValidationError as error:
        raise _bad(_places(error)) from None
    return Found(config, walk.secrets, tuple(sorted(walk.variables)), tuple(walk.relative))


class _Walk:
    """Goes over what a file said: puts values for variables, takes secrets out, makes paths absolute."""

    def __init__(self, environment: Mapping[str, str], beside: Path | None, started_in: Path | None) -> None:
        self._environment = environment
        self._beside = beside
        self._started_in = started_in
        self._dataset = ""
        self.secrets: dict[str, Secret[str]] = {}
        self.variables: set[str] = set()
        self.relative: list[str] = []

    def value(self, value: Any, at: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            if at == ("datasources", "#"):
                self._dataset = str(value.get("name", ""))
            return {key: self.value(each, (*at, key)) for key, each in value.items() if each is not None}
        if isinstance(value, list):
            return [self.value(each, (*at, "#")) for each in value]
        if at in _SECRET_PLACES:
            return self._secret(value, at)
        if isinstance(value, _Scalar):
            value = value.with_variables(self._environment)
        return self._path(value, at) if isinstance(value, str) else value

    def _secret(self, value: Any, at: tuple[str, ...]) -> Any:
        whole = _WHOLE.fullmatch(value) if isinstance(value, _Scalar) else None
        if whole:
            name = whole[1] or whole[2]
            self.variables.add(name)
            if name in self._environment:
                self.secrets[name] = Secret(self._environment[name])
            return Reference(f"${{{name}}}")
        if isinstance(value, _Scalar):
            value = value.with_variables(self._environment)
        name = self._name_of(at)
        self.secrets[name] = Secret(str(value))
        self.variables.add(name)
        return Reference(f"${{{name}}}")

    def _name_of(self, at: tuple[str, ...]) -> str:
        known = {
            ("secrets", "access_key_id"): KEY_ID,
            ("secrets", "access_key"): KEY,
            ("secrets", "bitfount", "access_key_id"): KEY_ID,
            ("secrets", "bitfount", "access_key"): KEY,
            ("ehr_config", "key_pair", "private_key"): "BITFOUNT_EHR_KEY_PAIR_PRIVATE_KEY",
        }.get(at)
        if known:
            return known
        parts = ["PODADMIN", self._dataset if at[0] == "datasources" else at[-2], at[-1]]
        return re.sub(r"[^A-Z0-9]+", "_", "_".join(parts).upper())

    def _path(self, text: str, at: tuple[str, ...]) -> str:
        of_schema = at == ("datasources", "#", "schema")
        is_path = at in {(*_ARGS, "path"), (*_ARGS, "output_path"), ("pod_db", "path")}
        if not (of_schema or is_path) or "://" in text:
            return text
        if text.startswith("~"):
            return str(expanded(text))
        base = self._beside if of_schema else self._started_in
        if is_absolute(text) or base is None:
            return text
        self.relative.append(".".join(at))
        return str((base / text).absolute())


class _Scalar(str):
    """A text of the file in which a `$` stands; `plain` where it was not quoted, so that it can become a number."""

    plain: bool

    def __new__(cls, text: str, plain: bool) -> _Scalar:
        made = super().__new__(cls, text)
        made.plain = plain
        return made

    def with_variables(self, environment: Mapping[str, str]) -> Any:
        """The text with the values of variables in it. Raises BadInput (`pod.config-variable`)."""

        def put(found: re.Match[str]) -> str:
            if found[1]:
                return "$"
            name = found[2] if found[2] is not None else found[4]
            default = found[3] if found[2] is not None else found[5]
            if name in environment:
                return environment[name]
            if default is None:
                raise BadInput(
                    "pod.config-variable",
                    "The configuration was not taken over.",
                    f"It uses the environment variable {stranger(name, 60)}, whose value is not known here.",
                    "Name the file with the pod's variables (one NAME=value on each line), or a single $ as $$.",
                )
            return default

        text = _ANY.sub(put, self).replace(_DOLLAR, "\\x24" if self.plain else "$")
        return yaml.safe_load(text) if self.plain and _WHOLE.fullmatch(self) and _is_simple(text) else text


def _is_simple(text: str) -> bool:
    return bool(re.fullmatch(r"[\w.+-]{1,60}", text))


def _tree(text: str) -> Any:
    """The plain values of a YAML text: no tags that make objects, no bombs, no repeated names.

    Texts with a `$` become `_Scalar`.
    """
    if _DOLLAR in text:
        raise _bad("It holds characters that no configuration needs.")
    try:
        loader = yaml.SafeLoader(_ESCAPED.sub(rf"\1{_DOLLAR}", text))
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _measure(node)
            return _built(loader, node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError) as error:
        raise _bad("It is not YAML that can be read.") from error


def _measure(node: Any) -> None:
    """Raises BadInput where the text unfolds to more than a configuration can be: aliases count each time."""
    sizes: dict[int, int] = {}

    def size(each: Any, depth: int) -> int:
        if depth > DEEPEST:
            raise _bad("Its parts are nested too deeply.")
        known = sizes.get(id(each))
        if known is not None:
            return known
        total = 1
        if isinstance(each, yaml.MappingNode):
            total += sum(size(part, depth + 1) for pair in each.value for part in pair)
        elif isinstance(each, yaml.SequenceNode):
            total += sum(size(part, depth + 1) for part in each.value)
        if total > MOST_NODES:
            raise _bad("It unfolds to more than a configuration can hold.")
        sizes[id(each)] = total
        return total

    size(node, 0)


_PLAIN_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def _built(loader: Any, node: Any) -> Any:
    if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
        raise _bad("It wants to make something else than tables, lists and values.")
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        made: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int, float, bool)):
                raise _bad("A name in it is not text.")
            made[_settled(_unescaped(str(key)), key_node)] = _built(loader, value_node)
        return made
    if isinstance(node, yaml.SequenceNode):
        return [_built(loader, each) for each in node.value]
    value = loader.construct_object(node, deep=True)
    if isinstance(value, str):
        return _Scalar(value, plain=node.style is None) if "$" in value else _settled(value, node)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    # dates and bytes: the text as it stands there
    return str(node.value)


def _settled(text: str, node: Any) -> str:
    return text.replace(_DOLLAR, "$" if node.style == '"' else "\\x24")


def _unescaped(key: str) -> str:
    return key.replace("$$", "$")


def _places(error: ValidationError) -> str:
    """Where a configuration is wrong, in the names of its fields, and how: never what stands there."""
    found: list[str] = []
    for each in error.errors(include_input=False, include_url=False, include_context=False)[:3]:
        path = ".".join(str(part) for part in each["loc"] if isinstance(part, int) or str(part).isidentifier())
        how = each["msg"].removeprefix("Value error, ")
        found.append(f"{stranger(path, 80) or 'the file'}: {stranger(how, 120)}")
    return "Wrong are: " + "; ".join(found) + "."


def _bad(why: str) -> BadInput:
    return BadInput(
        "pod.config-unusable",
        "This is not a configuration that a pod could use.",
        why,
        "Correct the file, or write a new one with `podadmin pod export-config`.",
    )


def references(config: PodConfig) -> tuple[str, ...]:
    """The variables that a configuration names, sorted."""

    def within(value: Any) -> Iterator[str]:
        if isinstance(value, Reference):
            yield value.name
        elif isinstance(value, dict):
            for each in value.values():
                yield from within(each)
        elif isinstance(value, (list, tuple)):
            for each in value:
                yield from within(each)

    return tuple(sorted(set(within(said(config)))))
