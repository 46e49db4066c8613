"""What members publish over the hub of the local network, and find there: schemas of pods and code of models.

What a pod's own software asks of a hub beside that is answered here as well: its heartbeat, and the pods of a project
(bitfount contract, section 7). Bodies lie in the object store, under addresses that only the hub gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from aiohttp import web

from podadmin.networks.local.asking import Caller, json_of, no, text_of
from podadmin.networks.local.ledger import Ledger, Pod, Published
from podadmin.networks.local.rules import Rules

SCHEMA: Final = "schema"
MODEL: Final = "model"
_DEEPEST: Final = 8


class Publications:
    """`rules` gives the present rules; `object_store` is where the object store listens; `caller` tells who asks."""

    def __init__(self, ledger: Ledger, rules: Callable[[], Rules], object_store: str, caller: Caller) -> None:
        self._ledger = ledger
        self._rules = rules
        self._object_store = object_store
        self._caller = caller

    def routes(self) -> list[web.RouteDef]:
        return [
            web.patch("/api/pods", self.heartbeat),
            web.get("/api/projects/{project}/pods/{owner}/{pod}", self.pod_of_project),
            web.get("/api/projects/{project}/limits", self.limits),
            web.get("/api/projects", self.projects),
            web.post("/api/models", self.publish_model),
            web.get("/api/models", self.model),
        ]

    # --- pods --------------------------------------------------------------------------------------------------------

    async def heartbeat(self, request: web.Request) -> web.Response:
        """A pod says that it is there. It learns nothing by it: this network gives no certificates."""
        await json_of(request)
        self._ledger.connected(self._caller(request))
        return web.json_response({})

    async def pod_of_project(self, request: web.Request) -> web.Response:
        """A pod as a member of a project sees it."""
        caller, named = self._caller(request), request.match_info
        project = self._rules().projects.get(named["project"])
        identifier = f"{named['owner']}/{named['pod']}"
        found = self._ledger.pod(identifier)
        if project is None or found is None or caller not in {*project.members, found.owner}:
            raise no(web.HTTPNotFound, "no such pod")
        if "*" not in project.pods and identifier not in project.pods:
            raise no(web.HTTPNotFound, "no such pod")
        return web.json_response(self.shown(found))

    def shown(self, pod: Pod) -> dict[str, Any]:
        """A pod in the form of the public hub."""
        schema = self._ledger.published(SCHEMA, pod.identifier)
        found: dict[str, Any] = {
            "podIdentifier": pod.identifier,
            "podName": pod.identifier.partition("/")[2],
            "podDisplayName": pod.display_name,
            "podPublicKey": pod.public_key,
            "description": pod.description,
            "providerUserName": pod.owner,
            "isOnline": True,
            "visibility": "private",
        }
        if schema is not None:
            found["schemaDownloadUrl"] = self._address(schema)
        return found

    def schema_room(self, identifier: str, size: object) -> dict[str, Any]:
        """Where the schema of a pod is to be put, for the answer to its registration; nothing where it has none."""
        if size is None:
            return {}
        return self._room(SCHEMA, identifier, "", size)[0]

    async def projects(self, request: web.Request) -> web.Response:
        """The projects that the caller is in, or has pods in."""
        caller = self._caller(request)
        pods = tuple(pod.identifier for pod in self._ledger.pods() if pod.owner == caller)
        found = []
        for name, project in sorted(self._rules().projects.items()):
            linked = [each for each in pods if "*" in project.pods or each in project.pods]
            if linked or caller in project.members:
                role = "MEMBER" if caller in project.members else "DATA_PROVIDER"
                found.append({"id": name, "name": name, "role": role, "status": "PUBLISHED", "isDemo": False})
        first, most = (_number(request.query.get(name, "")) for name in ("offset", "limit"))
        page = found[first or 0 :][: most if most is not None else len(found)]
        return web.json_response({"totalProjects": len(found), "projects": page})

    async def limits(self, request: web.Request) -> web.Response:
        """What a project may use and has used."""
        caller, name = self._caller(request), request.match_info["project"]
        project = self._rules().projects.get(name)
        if project is None or caller not in project.members:
            raise no(web.HTTPNotFound, "no such project")
        used = self._ledger.used(name)
        rows = [
            {
                "resourceType": "MODEL_INFERENCE",
                "resourceName": each,
                "limit": project.limits.get(each),
                "totalUsage": used.get(each, 0.0),
            }
            for each in sorted({*project.limits, *used})
        ]
        return web.json_response(rows)

    # --- models ------------------------------------------------------------------------------------------------------

    async def publish_model(self, request: web.Request) -> web.Response:
        """Room for the code of a model; another content is another version."""
        caller, body = self._caller(request), await json_of(request)
        name, digest = text_of(body, "modelName"), text_of(body, "modelHash")
        room, version = self._room(MODEL, f"{caller}/{name}", digest, body.get("modelSize"))
        return web.json_response({"success": True, "alreadyExisted": version > 1, "version": version, **room})

    async def model(self, request: web.Request) -> web.Response:
        """Where the code of a model is."""
        self._caller(request)
        asked = request.query
        version = _number(asked.get("modelVersion", ""))
        name = f"{asked.get('modellerName', '')}/{asked.get('modelName', '')}"
        found = self._ledger.published(MODEL, name, version)
        if found is None:
            raise no(web.HTTPNotFound, "no such model")
        return web.json_response(
            {"modelDownloadUrl": self._address(found), "modelHash": found.digest, "modelVersion": found.version}
        )

    def models_in(self, protocol: Mapping[str, Any]) -> dict[str, str]:
        """The models that a task runs and that were published here: `owner/Model:version` and where its code is."""
        found = {}
        for owner, name, version in _references(protocol):
            published = self._ledger.published(MODEL, f"{owner}/{name}", version)
            if published is not None:
                found[f"{owner}/{name}:{published.version}"] = self._address(published)
        return found

    # --- the object store --------------------------------------------------------------------------------------------

    def _room(self, kind: str, name: str, digest: str, size: object) -> tuple[dict[str, Any], int]:
        if not isinstance(size, int) or not 0 < size <= self._rules().object_bytes:
            raise no(web.HTTPBadRequest, "not a size")
        room, version = self._ledger.publish(kind, name, digest, size)
        fields = {"uploadUrl": f"{self._origin()}/upload/{room.upload}", "uploadFields": {"key": room.upload}}
        return fields, version

    def _address(self, published: Published) -> str:
        return f"{self._origin()}/object/{published.download}"

    def _origin(self) -> str:
        return self._rules().store_origin(self._object_store)


def _number(text: str) -> int | None:
    """A number in the query of an address; None where there is none."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise no(web.HTTPBadRequest, "not a number")
    return int(text)


def _references(value: object, depth: int = 0) -> Iterator[tuple[str, str, int | None]]:
    """Owner, name and version of every model that a protocol names (bitfount contract, section 5.3)."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for each in value:
            yield from _references(each, depth + 1)
    elif isinstance(value, Mapping):
        owner, name, version = (value.get(key) for key in ("username", "model_ref", "model_version"))
        if isinstance(owner, str) and isinstance(name, str) and (version is None or isinstance(version, int)):
            yield owner, name, version
        for each in value.values():
            yield from _references(each, depth + 1)
