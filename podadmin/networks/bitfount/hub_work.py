"""What a pod's custodian does at the hub: publish a schema, say that the pod is there, look at projects and limits.

Every question goes through `HubClient`. Sources: bitfount contract, sections 3.4, 6.3 and 7.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, ConfigDict, Field, RootModel

from podadmin.core.canon import canonical
from podadmin.core.errors import BadInput, Refused, Unavailable
from podadmin.networks import way_out
from podadmin.networks.bitfount.codec import pack_plain
from podadmin.networks.bitfount.containers import MinimalSchemaUploadConfig
from podadmin.networks.bitfount.hub import HubClient

LARGEST_SCHEMA = 10 * 1024 * 1024
"""Bytes of a schema that the hub takes."""
PAGE = 50
MOST_PROJECTS = 2000
UPLOAD_SECONDS = 60.0
_MOST_PARTS = 1000
_STORES = (".amazonaws.com",)


@dataclass(frozen=True)
class LinkedDataset:
    """A dataset of a project. `identifier` is `owner/name`."""

    identifier: str
    display_name: str
    last_online: str


@dataclass(frozen=True)
class Project:
    """A project of the caller. `role` is the caller's in it; `linked` None: the hub does not tell."""

    id: str
    name: str
    role: str
    status: str
    demo: bool
    linked: tuple[LinkedDataset, ...] | None


@dataclass(frozen=True)
class Usage:
    """How much of a resource (`owner/Model:version`) is used. `limit` None: the hub sets none. `user`: whose it is."""

    resource: str
    limit: int | None
    total: int
    user: str = ""
    role: str = ""


@dataclass(frozen=True)
class DatasourceHealth:
    """How a datasource is, by the words of the field: `status` healthy | unhealthy, `code` of the cause."""

    name: str
    status: Literal["healthy", "unhealthy"]
    code: str = ""
    message: str = ""

    def as_json(self) -> dict[str, str]:
        told = {"name": self.name, "status": str(self.status), "error_code": self.code, "message": self.message}
        return {name: value for name, value in told.items() if value}


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


class _Registered(_Answer):
    success: bool = True
    alreadyExisted: bool = False
    uploadUrl: str | None = Field(default=None, max_length=8192)
    uploadFields: dict[str, str] | None = None
    uploadUrls: list[str] | None = Field(default=None, max_length=_MOST_PARTS)
    chunkSize: int | None = Field(default=None, gt=0)
    uploadId: str | None = None
    key: str | None = None


class _Linked(_Answer):
    ownerUsername: str = Field(max_length=300)
    name: str = Field(max_length=300)
    podDisplayName: str | None = Field(default=None, max_length=1000)
    lastOnline: str | None = Field(default=None, max_length=100)


class _Project(_Answer):
    id: str = Field(max_length=300)
    name: str = Field(max_length=1000)
    role: str = Field(default="", max_length=100)
    status: str = Field(default="", max_length=100)
    isDemo: bool = False
    linked_datasets: list[_Linked] | None = Field(default=None, max_length=10_000)


class _Projects(_Answer):
    totalProjects: int = Field(ge=0)
    projects: list[_Project] = Field(max_length=10_000)


class _Usage(_Answer):
    resourceName: str = Field(max_length=1000)
    limit: int | None = None
    totalUsage: int = Field(ge=0)
    granteeUsername: str = Field(default="", max_length=300)
    role: str = Field(default="", max_length=100)

    def value(self) -> Usage:
        return Usage(self.resourceName, self.limit, self.totalUsage, self.granteeUsername, self.role)


class _Limits(RootModel[Annotated[list[_Usage], Field(max_length=10_000)]]):
    pass


class _ModelLimits(_Answer):
    default: int | None = None
    totalGrantees: int = 0
    usage: list[_Usage] = Field(default=[], max_length=10_000)


class _Beat(_Answer):
    computeId: str = ""
    domain: str = ""


def schema_bytes(schema: Mapping[str, Any]) -> bytes:
    """A schema in the form in which it is uploaded. Raises BadInput (`hub.schema-too-large`)."""
    packed = pack_plain(dict(schema))
    if len(packed) > LARGEST_SCHEMA:
        raise BadInput(
            "hub.schema-too-large",
            "The schema was not published.",
            f"It has {len(packed) // 2**20} MB, and the hub takes {LARGEST_SCHEMA // 2**20} MB.",
            "Withhold or merge labels of columns that have very many.",
        )
    return packed


def digest_of(upload: MinimalSchemaUploadConfig) -> str:
    """The SHA-256 of what would be published: what was looked at is what is sent, or nothing is."""
    told = registration(upload)
    return hashlib.sha256(canonical(told).encode() + schema_bytes(upload.public_metadata.schema)).hexdigest()


def registration(upload: MinimalSchemaUploadConfig) -> dict[str, Any]:
    """What is registered at the hub beside the schema itself."""
    metadata = upload.public_metadata
    told: dict[str, Any] = {
        "name": metadata.name,
        "podDisplayName": metadata.display_name,
        "podPublicKey": upload.pod_public_key,
        "accessManagerPublicKey": upload.access_manager_public_key,
        "description": metadata.description,
        "schemaSize": len(schema_bytes(metadata.schema)),
    }
    if metadata.number_of_records is not None:
        told["numberOfRecords"] = metadata.number_of_records
    if metadata.file_processing_metadata is not None:
        told["fileProcessingMetadata"] = metadata.file_processing_metadata.as_json()
    return told


async def publish(client: HubClient, upload: MinimalSchemaUploadConfig) -> bool:
    """Register a dataset and upload its schema. Was it known before?

    Raises what `HubClient` raises, BadInput (`hub.schema-too-large`), Refused (`hub.odd-place`), Unavailable
    (`hub.upload`).
    """
    data = schema_bytes(upload.public_metadata.schema)
    told = await client.ask("POST", "/api/pods?multipartUpload=true", _Registered, registration(upload))
    if told.uploadUrls and told.chunkSize and told.uploadId and told.key:
        parts = [data[at : at + told.chunkSize] for at in range(0, len(data), told.chunkSize)]
        if len(parts) > len(told.uploadUrls):
            raise _not_uploaded("The hub gave room for less than the schema.")
        tags = [await _put(url, part) for url, part in zip(told.uploadUrls, parts, strict=False)]
        body = {
            "objectType": "Schema",
            "key": told.key,
            "uploadId": told.uploadId,
            "parts": [{"ETag": tag, "PartNumber": number} for number, tag in enumerate(tags, 1)],
        }
        await client.ask("POST", "/api/upload", _Answer, body)
    elif told.uploadUrl is not None:
        await _post(told.uploadUrl, told.uploadFields or {}, data)
    else:
        raise _not_uploaded("The hub registered the dataset, and gave no place for its schema.")
    return told.alreadyExisted


async def heartbeat(
    client: HubClient,
    instance: str,
    *,
    busy: bool,
    health: Sequence[DatasourceHealth],
    ehr: bool | None = None,
    cluster: str = "",
) -> None:
    """Say that the pod is there. A hub takes it every ten seconds; one without datasources says nothing.

    `ehr`: is the connection to a health record system up; None where there is none.
    """
    if not health:
        return
    body: dict[str, Any] = {
        "instanceId": instance,
        "isBusy": busy,
        "isEhrConfigured": ehr is not None,
        "isEhrConnected": bool(ehr),
        "datasourceHealth": [each.as_json() for each in health],
    }
    await client.ask("PATCH", "/api/pods", _Beat, body | ({"clusterId": cluster} if cluster else {}))


async def archive(client: HubClient, identifier: str) -> None:
    """Take a dataset off the hub. Its entry is kept there as archived."""
    owner, _, name = identifier.partition("/")
    await client.ask("POST", f"/api/pods/{quote(owner, safe='')}/{quote(name, safe='')}", _Answer, {"archive": True})


async def projects(client: HubClient) -> tuple[Project, ...]:
    """The caller's projects, page by page."""
    found: list[Project] = []
    while True:
        page = await client.ask("GET", f"/api/projects?limit={PAGE}&offset={len(found)}", _Projects)
        found += [_project(each) for each in page.projects]
        if not page.projects or len(found) >= min(page.totalProjects, MOST_PROJECTS):
            return tuple(found)


async def link(client: HubClient, project_id: str, names: Sequence[str]) -> None:
    """Offer datasets of the caller to a project. Its members may then send tasks for them."""
    body = [{"podName": name} for name in names]
    await client.ask("PUT", f"/api/projects/{quote(project_id, safe='')}/pod", _Answer, body)


async def limits(client: HubClient, project_id: str) -> tuple[Usage, ...]:
    """What the project has used of each model."""
    told = await client.ask("GET", f"/api/projects/{quote(project_id, safe='')}/limits", _Limits)
    return tuple(each.value() for each in told.root)


async def model_limits(client: HubClient, project_id: str, model: str) -> tuple[int | None, tuple[Usage, ...]]:
    """The limit of a model in a project where nothing else is said, and what each member has used of it."""
    where = f"/api/projects/{quote(project_id, safe='')}/limits/models/{quote(model, safe='/:')}"
    told = await client.ask("GET", where, _ModelLimits)
    return told.default, tuple(each.value() for each in told.usage)


def _project(told: _Project) -> Project:
    linked = told.linked_datasets
    return Project(
        told.id,
        told.name,
        told.role,
        told.status,
        told.isDemo,
        None
        if linked is None
        else tuple(
            LinkedDataset(f"{each.ownerUsername}/{each.name}", each.podDisplayName or each.name, each.lastOnline or "")
            for each in linked
        ),
    )


async def _put(url: str, data: bytes) -> str:
    answer = await _sent("PUT", url, content=data)
    return str(answer.headers.get("etag", ""))


async def _post(url: str, fields: Mapping[str, str], data: bytes) -> None:
    await _sent("POST", url, data=dict(fields), files={"file": data})


async def _sent(verb: str, url: str, **content: Any) -> httpx.Response:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname == "127.0.0.1"
    host = parts.hostname or ""
    stored = parts.scheme == "https" and parts.port in {None, 443} and host.endswith(_STORES)
    if parts.username is not None or not (local or stored):
        raise Refused(
            "hub.odd-place",
            "The schema was not uploaded.",
            "The hub named a place for it that is no object store of the network.",
            "Tell the network. Nothing of the schema has left.",
        )
    try:
        async with (
            httpx.AsyncClient(
                follow_redirects=False,
                timeout=UPLOAD_SECONDS,
                trust_env=not local,
                proxy=way_out.for_web(local),
                verify=not local,
            ) as session,
            session.stream(verb, url, **content) as answer,
        ):
            status = answer.status_code  # what it says beyond its head is of no interest and could be endless
    except (httpx.HTTPError, OSError) as error:
        raise way_out.problem_of(error, local) or _not_uploaded("There is no connection to the object store.") from None
    if status not in {200, 201, 204}:
        raise _not_uploaded(f"The object store answered with the number {status}.")
    return answer


def _not_uploaded(why: str) -> Unavailable:
    return Unavailable(
        "hub.upload",
        "The schema was not uploaded.",
        why,
        "Publish it again. Until then the hub shows what it had before.",
    )
