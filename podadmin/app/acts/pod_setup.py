"""Acts on a pod of the network's own software: bring one that exists, write its configuration, see what is odd."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.registry import act
from podadmin.app.views.facts import Done
from podadmin.app.views.pod import Brought, ConfigText, OddityRow
from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.core.files import expanded, read_named
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.networks import service as networks
from podadmin.networks.service import ApiKey
from podadmin.pod import service, setup
from podadmin.vault.model import Purpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.pod.oddities import Oddity
    from podadmin.pod.yaml_reading import Found
    from podadmin.vault.service import Vault

_DEFAULT_STORAGE = "~/.bitfount"
_LARGEST_VARIABLES = 64 * 1024
_NONE: list[str] = []
_NOTHING: dict[str, str] = {}


@act("pod import", writes=True, kinds=("pod", "key", "gate"))
def bring(
    profile: Profile,
    file: Annotated[str, "the pod's configuration file (YAML)"],
    *,
    storage: Annotated[str, "the pod's storage folder, where its keys and caches lie"] = _DEFAULT_STORAGE,
    variables: Annotated[str, "a file with the variables that the pod is started with: NAME=value on each line"] = "",
    started_in: Annotated[str, "the folder in which the pod is started now; relative paths are seen from there"] = "",
    key: Annotated[str, "the pod's private key, where it does not lie in the storage folder"] = "",
    passphrase: Annotated[Secret[str] | None, "the passphrase of the key file"] = None,
    network: Annotated[
        Literal["bitfount", "bitfount-staging", "bitfount-sandbox"], "the network that the pod's API key is for"
    ] = "bitfount",
    progress: Progress,
) -> Brought:
    """Bring a pod that exists: its configuration, its key and its secrets. Its files stay as they are.

    Secrets that stood in the file lie in the vault afterwards, and the pod gets them in its environment. What is odd
    about the pod is listed, each with a fix or with the reason why there is none. The pod is not started.
    """
    from podadmin.pod.launch import Launch
    from podadmin.pod.oddities import judge, key_folder, look
    from podadmin.pod.yaml_reading import read
    from podadmin.vault.importing import POD_KEY, check_size, key_file_at, read_key_file

    path = expanded(file).absolute()
    kept = expanded(storage).absolute()
    environment = read_variables(expanded(variables)) if variables else {}
    progress.report("Reading the configuration", 0.1)
    base = expanded(started_in).absolute() if started_in else path.parent
    found = read(_text(path), environment=environment, beside=path.parent, started_in=base)
    config = found.config
    pod = service.find(profile.store)
    if pod is not None and pod.identifier != config.identifier:
        raise Refused(
            "pod.other-pod",
            "The pod was not brought.",
            f"This profile is that of {pod.identifier}, and the file is that of {stranger(config.identifier, 80)}.",
            "Use another profile (--profile) for another pod.",
        )
    if config.username == "_default":
        raise BadInput(
            "pod.no-owner",
            "The pod was not brought.",
            "Its configuration names no owner (username), so that nobody could say which pod it is.",
            "Add the name of the pod's account at its hub to the file.",
        )
    progress.report("Opening the keyring", 0.2)
    vault = profile.open_vault()
    present = vault.find(Purpose.POD)
    key_path = expanded(key).absolute() if key else key_folder(kept, config) / POD_KEY
    if present is None:
        progress.report("Taking over the key", 0.4)
        given = read_key_file(key_file_at(key_path), passphrase)
        check_size(given, Purpose.POD)
        present = vault.import_key(Purpose.POD, given.private, profile.actor)
    if vault.find(Purpose.JOURNAL) is None:
        vault.create(Purpose.JOURNAL, profile.actor)
    if pod is None:
        service.create(profile.store, profile.clock, profile.actor, config.name, config.username)
    progress.report("Sealing its secrets", 0.7)
    _seal(profile, vault, found, network)
    facts = look(found, path, kept, environment)
    told = tuple((name, value) for name, value in environment.items() if _is_plain(name, found))
    launch = Launch(variables=told, folder=str(base) if started_in else "")
    setup.bring(profile.store, profile.clock, profile.actor, config, kept, str(path), launch)
    progress.report("Taken over", 1.0)
    odd = tuple(_row(each) for each in judge(facts))
    count = len(config.datasources or ())
    sources = "one datasource" if count == 1 else f"{count} datasources"
    words = f"The pod {config.identifier} was taken over, with {sources}. It does not run yet."
    return Brought(words, config.identifier, present.fingerprint, tuple(sorted(found.secrets)), odd)


@act("pod odd")
def odd(profile: Profile) -> tuple[OddityRow, ...]:
    """List what is odd about the pod that was brought, each with a fix or the reason why there is none."""
    from podadmin.pod.launch import defences
    from podadmin.pod.oddities import judge, look
    from podadmin.pod.yaml_reading import Found

    now = setup.needed(profile.store)
    results = profile.folder / "pod" / "results"
    # as it is started from here: what that puts right is not odd any more
    told = {**defences(now.storage, results, 0), **dict(now.launch.variables)}
    told.pop("BITFOUNT_POD_CONTROL_SERVER_PORT")
    facts = look(Found(now.config), Path(now.source), now.storage, told)
    return tuple(_row(each) for each in judge(facts) if each.code != "no-key")


@act("pod export-config")
def export_config(
    profile: Profile,
    *,
    to: Annotated[str, "the file to write; without it the text is shown"] = "",
) -> ConfigText:
    """Show or write the configuration of the pod as the network's software reads it. No secret is in it."""
    from podadmin.app.text_files import write_text
    from podadmin.pod.yaml_config import written
    from podadmin.pod.yaml_reading import KEY, KEY_ID, references

    now = setup.needed(profile.store)
    text = written(now.config)
    names = tuple(dict.fromkeys((KEY_ID, KEY, *references(now.config))))
    if to:
        path = expanded(to).absolute()
        write_text(path, text, _not_written)
        return ConfigText("", names, str(path))
    return ConfigText(text, names)


@act("pod configure", writes=True, kinds=("pod", "gate"))
def configure(
    profile: Profile,
    *,
    datasources: Annotated[bool, "write the datasources that are connected here into the configuration"] = False,
    pod_db: Annotated[str, "the folder for the pod's project database; `off` for none"] = "",
    approved: Annotated[list[str], "pods that may share a secure aggregation, as owner/pod"] = _NONE,
    epsilon: Annotated[
        float, "the most privacy budget of a requester who uses differential privacy; 0 for none"
    ] = -1.0,
) -> Done:
    """Change the configuration. A pod that runs takes new datasources with `pod reload`, the rest when it starts."""
    from pydantic import ValidationError

    from podadmin.networks.bitfount.pod_config import DPPodConfig, PodConfig, PodDbConfig

    now = setup.needed(profile.store)
    config = now.config
    changed: dict[str, object] = {}
    try:
        if datasources:
            from podadmin.app.pod_datasources import configured

            sources, secrets = configured(profile)
            _keep(profile, profile.open_vault(), secrets)
            changed["datasources"] = sources
        if pod_db:
            changed["pod_db"] = False if pod_db == "off" else PodDbConfig(path=str(expanded(pod_db).absolute()))
        if approved:
            changed["approved_pods"] = tuple(approved)
        if epsilon >= 0:
            changed["differential_privacy"] = DPPodConfig(epsilon=epsilon) if epsilon else None
        new = PodConfig.model_validate({**dict(config), **changed})
    except ValidationError:
        raise BadInput(
            "pod.config-change",
            "The pod's configuration was not changed.",
            "Something in it would not be as the pod's software wants it.",
            "Check the names of the datasources and what else was given.",
        ) from None
    if not changed or new == config:
        return Done("Nothing was changed.", config.identifier)
    setup.change_config(profile.store, profile.clock, profile.actor, new)
    only = set(changed) == {"datasources"}
    words = "Let a running pod take it with `pod reload`." if only else "The pod follows at its next start."
    return Done(f"The pod's configuration was changed. {words}", config.identifier)


@act("pod launch", writes=True, kinds=("pod", "gate"))
def launch(
    profile: Profile,
    *,
    command: Annotated[str, "the command, with {config} where the configuration file belongs"] = "",
    image: Annotated[str, "the image of a container; without it, the command is run on this computer"] = "",
    runtime: Annotated[Literal["docker", "podman"], "what runs the container"] = "docker",
    options: Annotated[str, "more options for the container's start"] = "",
    folder: Annotated[str, "the folder in which it is started"] = "",
    variables: Annotated[dict[str, str], "more of its environment, as NAME=value; never a secret"] = _NOTHING,
) -> Done:
    """Choose how the pod is started: a command on this computer, or a container. It holds from the next start on."""
    import shlex

    from podadmin.pod.launch import Launch, parsed

    now = setup.needed(profile.store).launch
    new = Launch(
        kind="container" if image else "command",
        command=parsed(command) if command else now.command,
        folder=str(expanded(folder).absolute()) if folder else now.folder,
        runtime=runtime,
        image=image,
        options=parsed(options) if options else (),
        variables=tuple({**dict(now.variables), **variables}.items()),
    )
    setup.change_launch(profile.store, profile.actor, new)
    return Done(f"The pod is started with: {new.image or shlex.join(new.command)}", "")


@act("pod secret", writes=True, kinds=("key",))
def secret(
    profile: Profile,
    variable: Annotated[str, "the variable that the configuration names"],
    *,
    value: Annotated[Secret[str], "the secret"],
) -> Done:
    """Keep the value of a variable of the pod's environment in the vault, for example after a password was changed."""
    _keep(profile, profile.open_vault(), {variable: value})
    return Done("The secret lies in the vault. The pod gets it at its next start.", variable)


@act("pod worker", writes=True, kinds=("pod", "gate"))
def choose_worker(
    profile: Profile,
    which: Annotated[Literal["built-in", "bitfount"], "the built-in worker, or the pod that was brought"],
) -> Done:
    """Choose which software does the pod's work: the built-in worker, or the pod of the network's own software."""
    setup.choose_worker(profile.store, profile.actor, which)
    words = {"built-in": "The built-in worker does the work.", "bitfount": "The pod that was brought does the work."}
    return Done(words[which], which)


def read_variables(path: Path) -> dict[str, str]:
    """The variables in a file of NAME=value lines. Raises Unavailable (`pod.file`), BadInput (`pod.variables`)."""
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path, _LARGEST_VARIABLES).splitlines(), 1):
        told = line.strip().removeprefix("export ")
        if not told or told.startswith("#"):
            continue
        name, equals, value = told.partition("=")
        if not equals or not name.strip().isidentifier():
            raise BadInput(
                "pod.variables",
                "The variables were not read.",
                f"Line {number} of their file is not of the form NAME=value.",
                "Correct that line.",
            )
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        found[name.strip()] = value[1:-1] if quoted else value
    return found


def _seal(profile: Profile, vault: Vault, found: Found, network: str) -> None:
    from podadmin.app.hub_access import become_member
    from podadmin.pod.yaml_reading import KEY, KEY_ID

    rest = dict(found.secrets)
    key_id, key = rest.pop(KEY_ID, None), rest.pop(KEY, None)
    if key_id is not None and key is not None:
        networks.keep_api_key(vault, network, ApiKey(key_id.reveal(), key), profile.actor)
        if all(each.kind != network for each in networks.joined(profile.store)):
            # with its key the pod is a member already
            become_member(profile, network, found.config.username, "an API key")
    _keep(profile, vault, rest)


def _keep(profile: Profile, vault: Vault, secrets: dict[str, Secret[str]]) -> None:
    for name, value in secrets.items():
        vault.put_secret(setup.PURPOSE, setup.holder(name), Secret(value.reveal().encode("utf-8")), profile.actor)


def _is_plain(name: str, found: Found) -> bool:
    """May the value of this variable lie in the profile in clear? Only what steers the pod and holds no secret."""
    secret = any(word in name for word in ("KEY", "TOKEN", "SECRET", "PASSWORD", "AWS_"))
    return name.startswith("BITFOUNT_") and not secret and name not in found.variables


def _not_written(reason: str) -> Unavailable:
    return Unavailable(
        "pod.config-not-written",
        "The configuration was not written.",
        f"The operating system reported: {reason}.",
        "Choose a file in a folder that is writable for your account.",
    )


def _row(each: Oddity) -> OddityRow:
    return OddityRow(**vars(each))


def _text(path: Path, most: int = 2 * 1024 * 1024) -> str:
    try:
        return read_named(path, most).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "It is not text in UTF-8"
        raise Unavailable(
            "pod.file",
            "The file was not read.",
            f"{why or type(error).__name__}.",
            "Check its name, and that your account may read it.",
        ) from error
