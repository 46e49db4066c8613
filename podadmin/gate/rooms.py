"""Rooms in the object store: which the network has given for which task, and by which name the pod may reach them.

A body above 128 KiB does not travel in a message: the pod asks for room, puts the body there and sends its address. An
upload to an address that nobody gave was not part of any decision.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from podadmin.networks.bitfount import codec, messages, references
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.places import Places

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
    """Safe from any thread. Without places nothing is rewritten: the pod reaches the store by its address."""

    def __init__(self, places: Places | None = None) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._given: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._hosts: OrderedDict[str, None] = OrderedDict()
        self._names_itself = False
        """Does the network name its object store in the very form that the pod may use?"""

    def given(self, answer: bytes, task_id: str) -> bytes:
        """The network's answer to a question for room, as the pod gets it."""
        room = pb.BlobStorageData.FromString(answer)
        with self._lock:
            for url in (room.uploadUrl, *room.uploadUrls):
                if url:
                    self.tell(url, task_id)
        if self._places is None or self._places.outward(room.downloadUrl) == room.downloadUrl:
            self._names_itself = True
            return answer
        self._names_itself = False
        room.downloadUrl = self._places.outward(room.downloadUrl)
        if room.HasField("uploadUrl"):
            room.uploadUrl = self._places.outward(room.uploadUrl)
        for place, url in enumerate(room.uploadUrls):
            room.uploadUrls[place] = self._places.outward(url)
        return room.SerializeToString()

    def tell(self, url: str, what: str) -> None:
        """The network has given room at this address, for `what`."""
        if host := self.reach(url):
            self._given[host, urlsplit(url).path] = what
        while len(self._given) > MOST:
            self._given.popitem(last=False)

    def reach(self, url: str) -> str:
        """The network has given this address, for getting something there. The host, empty where it has none."""
        host = urlsplit(self._places.outward(url) if self._places else url).hostname or ""
        if host:
            self._hosts[host] = None
        while len(self._hosts) > MOST:
            self._hosts.popitem(last=False)
        return host

    def what_for(self, host: str, path: str) -> str | None:
        """For what room was given at an address; None where it was not."""
        return self._given.get((host, path))

    def has_host(self, host: str) -> bool:
        """Did the network give any address on this host?"""
        return host in self._hosts

    def outgoing(self, message: pb.BitfountMessage, data: bytes) -> bytes:
        """A message of the pod as the network gets it: the address of its body in the network's own form."""
        if self._places is None or not self._places.addresses or self._names_itself:
            return data
        url = references.reference_in(message.body)
        if url is None or self._places.inward(url) == url:
            return data
        return messages.with_body(message, codec.pack_plain(self._places.inward(url))).SerializeToString()
