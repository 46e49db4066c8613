"""Acts at the hub of a network: prove who asks, register and publish datasources, see projects, datasets and limits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import anyio

from podadmin.app.acts.registry import act
from podadmin.app.views.facts import Done, Fact
from podadmin.app.views.hub import HubView, ProjectRow, Publication, PublishedColumn, UsageRow
from podadmin.core.errors import NotFound, Refused
from podadmin.core.progress import Progress
from podadmin.core.secret import Secret
from podadmin.core.text import stranger
from podadmin.networks import service as networks
from podadmin.networks.service import ApiKey
from podadmin.pod import service as pods
from podadmin.store.unit import Fact as Entry
from podadmin.vault.model import SecretPurpose

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.networks.bitfount.containers import MinimalSchemaUploadConfig

Network = Annotated[Literal["bitfount", "bitfount-staging", "bitfount-sandbox"], "which network"]
Name = Annotated[str, "the datasource, by its name"]
ProjectId = Annotated[str, "the project's id at the hub"]
_SHOWN_LABELS = 12


@act("hub show")
def show(profile: Profile, *, network: Network = "bitfount") -> HubView:
    """Show how this pod proves itself at the hub of a network, and until when."""
    from podadmin.app.hub_access import places, session

    where = places(network)
    vault = profile.open_vault()
    if networks.has_api_key(vault, network):
        return HubView(
            network, where.hub, "an API key", "The pod proves itself by an API key, which lies in the vault."
        )
    kept = session(vault, network)
    if kept is None:
        return HubView(network, where.hub, "nothing", "Nobody logged in, and there is no API key.")
    words = f"{stranger(kept.username, 80)} is logged in. The session lies in the vault and is renewed by itself."
    return HubView(network, where.hub, "a session of a person", words, stranger(kept.username, 80), kept.ends)


@act("hub login", writes=True, kinds=("network", "key"))
def log_in(profile: Profile, *, network: Network = "bitfount", progress: Progress) -> HubView:
    """Log in to a network: open the page that is named and type the code there. No password comes near podadmin."""
    from podadmin.app.hub_access import become_member, keep_session, login

    vault = profile.open_vault()
    place = login(profile, network)
    progress.report("Asking for a code")
    code = anyio.run(place.begin)
    words = f"Open {stranger(code.page, 200)} and type the code {stranger(code.user_code, 40)}"
    progress.report(words)
    now = anyio.run(place.wait, code, lambda: progress.report(words))
    keep_session(vault, network, now, profile.actor)
    become_member(profile, network, now.username, "a session")
    return show(profile, network=network)


@act("hub key", writes=True, kinds=("network", "key"))
def keep_key(
    profile: Profile,
    key_id: Annotated[str, "the id of the API key, which is no secret"],
    *,
    key: Annotated[Secret[str], "the API key"],
    owner: Annotated[str, "the account that the key belongs to"] = "",
    network: Network = "bitfount",
) -> HubView:
    """Keep an API key of a network in the vault. The hub, the access manager and the pod are asked with it."""
    from podadmin.app.hub_access import become_member

    vault = profile.open_vault()
    networks.keep_api_key(vault, network, ApiKey(key_id.strip(), key), profile.actor)
    become_member(profile, network, owner or pods.needed(profile.store).owner, "an API key")
    return show(profile, network=network)


@act("hub logout", writes=True, kinds=("network", "key"))
def log_out(profile: Profile, *, network: Network = "bitfount") -> Done:
    """Forget the session and the API key of a network here, and leave it. What the hub holds stays there."""
    from podadmin.app.hub_access import holder

    vault = profile.open_vault()
    info = vault.find_secret(SecretPurpose.TOKEN, holder(network))
    if info is not None:
        vault.remove_secret(info.id, profile.actor)
    networks.forget_api_key(vault, network, profile.actor)
    networks.record_leave(profile.store, profile.clock, profile.actor, network)
    return Done("The session and the API key are forgotten here, and the network was left.", network)


@act("hub register", writes=True, kinds=("network",))
def register(profile: Profile, *, network: Network = "bitfount", progress: Progress) -> Done:
    """Make the pod known at the hub by its name and public key, without any datasource or schema."""
    from podadmin.app.hub_access import client

    pod = pods.needed(profile.store)
    public = profile.open_vault().pod_key().public_ssh
    asked = client(profile, network)
    progress.report("Registering the pod")
    anyio.run(partial(asked.register_pod, pod.name, public, display_name=pod.name))
    with profile.store.record(Entry(profile.actor, "hub.registered", pod.identifier, {"network": network})):
        pass
    return Done("The pod is known at the hub, with its public key.", pod.identifier)


@act("hub publish", writes=True, kinds=("network", "schema"))
def publish(
    profile: Profile,
    datasource: Name,
    *,
    seen: Annotated[str, "the proof that this very content was looked at; without it, it is only shown"] = "",
    network: Network = "bitfount",
    progress: Progress,
) -> Publication:
    """Show exactly what would be published of a datasource; with the proof that it shows, publish that and no more.

    Only a schema that was released can be published, as it was released: labels withheld and merged.
    """
    from podadmin.app.hub_access import client
    from podadmin.networks.bitfount.hub_work import digest_of
    from podadmin.networks.bitfount.hub_work import publish as sent

    progress.report("Putting together what would leave")
    upload = _upload(profile, datasource, network)
    digest = digest_of(upload)
    if not seen:
        return _publication(upload, network, digest, published=False)
    if seen != digest:
        raise Refused(
            "hub.not-what-was-seen",
            "Nothing was published.",
            "What would be published is not what was looked at: something has changed since.",
            "Look at it again.",
        )
    progress.report("Publishing it")
    asked = client(profile, network)
    body = {"network": network, "content_sha256": digest, "columns": len(upload.public_metadata.schema["features"])}
    with profile.store.record(Entry(profile.actor, "hub.publishing", upload.public_metadata.name, body)):
        pass
    known = anyio.run(sent, asked, upload)
    body = {"network": network, "content_sha256": digest, "known_before": known}
    with profile.store.record(Entry(profile.actor, "hub.published", upload.public_metadata.name, body)):
        pass
    return _publication(upload, network, digest, published=True)


@act("hub archive", writes=True, kinds=("network",))
def archive(profile: Profile, datasource: Name, *, network: Network = "bitfount", progress: Progress) -> Done:
    """Take a datasource off the hub: nobody finds it there any more. What others have seen of it they have seen."""
    from podadmin.app.hub_access import client
    from podadmin.networks.bitfount import hub_work

    pod = pods.needed(profile.store)
    progress.report("Taking it off the hub")
    anyio.run(hub_work.archive, client(profile, network), f"{pod.owner}/{datasource}")
    with profile.store.record(Entry(profile.actor, "hub.archived", datasource, {"network": network})):
        pass
    return Done("The datasource was taken off the hub.", datasource)


@act("hub beat", writes=True, kinds=("network",))
def beat(profile: Profile, *, network: Network = "bitfount", progress: Progress) -> Done:
    """Tell the hub once that the pod is there and how its datasources are. A pod that runs does it by itself."""
    from podadmin.app.hub_access import client
    from podadmin.datasources import service as datasources
    from podadmin.networks.bitfount.hub_work import DatasourceHealth, heartbeat
    from podadmin.requests import service as requests

    pod = pods.needed(profile.store)
    checks = [(each.name, (each.last_check or {}).get("ok", True)) for each in datasources.list_all(profile.store)]
    health = [DatasourceHealth(name, "healthy" if good else "unhealthy") for name, good in checks]
    if not health:
        raise NotFound(
            "hub.nothing-to-tell",
            "The hub was not told anything.",
            "It takes news of datasources, and none is connected.",
            "Connect a datasource first.",
        )
    busy = requests.active(profile.store) is not None
    progress.report("Telling the hub")
    anyio.run(partial(heartbeat, client(profile, network), pod.id, busy=busy, health=health))
    return Done(f"The hub knows how {len(health)} datasources are.", pod.identifier)


@act("hub projects")
def projects(profile: Profile, *, network: Network = "bitfount", progress: Progress) -> tuple[ProjectRow, ...]:
    """List the projects at the hub, with the datasets that are linked to each."""
    from podadmin.app.hub_access import client
    from podadmin.networks.bitfount import hub_work

    progress.report("Asking the hub")
    found = anyio.run(hub_work.projects, client(profile, network))
    return tuple(
        ProjectRow(
            stranger(each.id, 80),
            stranger(each.name, 200),
            stranger(each.role, 40),
            stranger(each.status, 40),
            tuple(stranger(one.identifier, 120) for one in each.linked or ()),
        )
        for each in found
    )


@act("hub link", writes=True, kinds=("network",))
def link(
    profile: Profile,
    project: ProjectId,
    datasource: Name,
    *,
    network: Network = "bitfount",
    progress: Progress,
) -> Done:
    """Offer a datasource to a project at the hub. Its members may then send tasks; each is still decided here."""
    from podadmin.app.hub_access import client
    from podadmin.networks.bitfount import hub_work

    progress.report("Linking it")
    anyio.run(hub_work.link, client(profile, network), project, [datasource])
    with profile.store.record(Entry(profile.actor, "hub.linked", datasource, {"project": stranger(project, 80)})):
        pass
    return Done("The datasource is linked to the project.", datasource)


@act("hub limits")
def limits(
    profile: Profile,
    project: ProjectId,
    *,
    model: Annotated[str, "one model, as owner/Model:version; with what each member has used"] = "",
    network: Network = "bitfount",
    progress: Progress,
) -> tuple[UsageRow, ...]:
    """Show what a project has used of its models, as the hub counts it."""
    from podadmin.app.hub_access import client
    from podadmin.networks.bitfount import hub_work

    progress.report("Asking the hub")
    asked = client(profile, network)
    if model:
        found = anyio.run(hub_work.model_limits, asked, project, model)[1]
    else:
        found = anyio.run(hub_work.limits, asked, project)
    return tuple(
        UsageRow(stranger(each.resource, 200), each.total, each.limit, stranger(each.user, 80)) for each in found
    )


def _upload(profile: Profile, name: str, network: str) -> MinimalSchemaUploadConfig:
    from podadmin.app.hub_access import access_manager_key
    from podadmin.datasources import service as datasources
    from podadmin.networks.bitfount.containers import (
        DatasourceContainer,
        DatasourceContainerConfig,
        MinimalSchemaUploadConfig,
        PodPublicMetadata,
    )
    from podadmin.pod.from_datasources import container
    from podadmin.schema.releases import outgoing

    source = datasources.get(profile.store, name)
    document = outgoing(profile.store, source.id)
    config = container(source) or DatasourceContainerConfig(source.name, source)
    told = PodPublicMetadata.of(DatasourceContainer.completed(config, document))
    return MinimalSchemaUploadConfig(told, access_manager_key(network), profile.open_vault().pod_key().public_ssh)


def _publication(upload: MinimalSchemaUploadConfig, network: str, digest: str, *, published: bool) -> Publication:
    told = upload.public_metadata
    columns: list[PublishedColumn] = []
    for feature in told.schema["features"]:
        labels = list((feature.get("encoder") or {}).get("classes") or ())
        shown = ", ".join(stranger(each, 40) for each in labels[:_SHOWN_LABELS])
        more = f" and {len(labels) - _SHOWN_LABELS} more" if len(labels) > _SHOWN_LABELS else ""
        columns.append(
            PublishedColumn(stranger(feature["featureName"], 120), feature["semanticType"], len(labels), shown + more)
        )
    records = f"{told.number_of_records:,}" if told.number_of_records is not None else "it is not told"
    labels_in_all = sum(each.labels for each in columns)
    facts = (
        Fact("Name at the hub", told.name),
        Fact("Display name", stranger(told.display_name, 200)),
        Fact("Description", stranger(told.description, 400)),
        Fact("Number of records", records),
        Fact("Columns", str(len(columns))),
        Fact("Category labels", f"{labels_in_all:,}", "warn" if labels_in_all else "plain"),
        Fact("Public key of the pod", stranger(upload.pod_public_key, 60), mono=True),
        Fact("Proof of this content", digest, mono=True),
    )
    words = (
        "Published: this and nothing else."
        if published
        else "This and nothing else would be published. Nothing has left yet."
    )
    return Publication(words, told.name, network, digest, published, facts, tuple(columns))
