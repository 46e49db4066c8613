"""Rooms in the object store: where the network lets a pod leave the schema of a dataset, and where a task's uploads go.

A task is given room that leads to the gate (`uploads`); an upload to an address that nobody gave was not part of any
decision.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

from podadmin.core.errors import Refused
from podadmin.gate.uploads import Uploads
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.places import Places

T = TypeVar("T")
MOST: Final = 4096
PODS_PATH: Final = "/api/pods"
_DOWNLOAD: Final = "DownloadUrl"


def offered(method: str, path: str, document: object) -> Iterator[tuple[str, bool]]:
    """The addresses in an answer of the hub or the access manager at which a pod gets or leaves something.

    True where it may leave something there: the room for a schema, in the answer to a registration. What it gets there:
    a schema, a model's code and weights (bitfount contract, sections 6.2 and 7). An address anywhere else in an answer
    is text that some requester can have written, such as the description of a model, and leads nowhere.
    """
    if not isinstance(document, Mapping):
        return
    if method not in {"GET", "HEAD"} and path == PODS_PATH:
        several = document.get("uploadUrls")
        for url in (document.get("uploadUrl"), *(several if isinstance(several, list) else ())):
            if isinstance(url, str):
                yield url, True
    limits = document.get("limits")
    for part in (document, *(limits if isinstance(limits, list) else ())):
        for name, url in part.items() if isinstance(part, Mapping) else ():
            if name.endswith(_DOWNLOAD) and isinstance(url, str):
                yield url, False


class Rooms:
    """Safe from any thread. Without `uploads` there is room for nothing: the built-in worker hands its results over
    whole.
    """

    def __init__(self, places: Places | None = None, uploads: Uploads | None = None) -> None:
        self._places = places
        self.uploads = uploads
        self._lock = threading.Lock()
        self._given: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._hosts: OrderedDict[str, None] = OrderedDict()

    def of_a_task(self, answer: bytes, request_id: str, size: int) -> bytes:
        """What the pod gets for the network's answer to a question for room, for a body of at most `size` bytes.

        It names a place on the same host that leads to what is kept here. Raises Refused (`gate.upload-not-given`,
        `gate.upload-too-much`), Unavailable (`gate.upload-not-kept`).
        """
        host = self.reach(pb.BlobStorageData.FromString(answer).uploadUrl)
        if self.uploads is None or not host:
            raise not_given()
        made = self.uploads.make_room(request_id, size)
        url = f"https://{host}/{made}"
        return pb.BlobStorageData(uploadUrl=url, downloadUrl=url, uploadFields={"key": made}).SerializeToString()

    def tell(self, url: str) -> None:
        """The network has given room at this address, for a registration."""
        if host := self.reach(url):
            self._remember(self._given, (host, urlsplit(url).path))

    def reach(self, url: str) -> str:
        """The network has given this address, for getting something there. The host, empty where it has none."""
        host = urlsplit(self._places.outward(url) if self._places else url).hostname or ""
        if host:
            self._remember(self._hosts, host)
        return host

    def _remember(self, known: OrderedDict[T, None], one: T) -> None:
        with self._lock:
            known[one] = None
            while len(known) > MOST:
                known.popitem(last=False)

    def is_given(self, host: str, path: str) -> bool:
        """Has the network given room at this address?"""
        return (host, path) in self._given

    def has_host(self, host: str) -> bool:
        """Did the network give any address on this host?"""
        return host in self._hosts


def not_given() -> Refused:
    """An upload to a place that nobody has given."""
    return Refused(
        "gate.upload-not-given",
        "An upload of the pod was stopped.",
        "The network gave no room for it, so it was not part of any decision.",
        "Look at the task that runs: it may send data past the requester's messages.",
    )
