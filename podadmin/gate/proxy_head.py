"""The first lines that a pod sends to its proxy, read as strictly as they are written: `CONNECT host:port HTTP/1.1`.

A pure function over bytes. What is not plainly right is refused; nothing is guessed (RFC 9110, section 9.3.6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 16 * 1024
MOST_FIELDS: Final = 64
_TARGET: Final = re.compile(rb"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([0-9]{1,5})")
_FIELD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[^\x00-\x08\x0a-\x1f\x7f]*")
_LINE: Final = re.compile(rb"([A-Z]{1,20}) ([!-~]{1,8192}) HTTP/1\.[01]")


@dataclass(frozen=True)
class Head:
    """`connect`: a tunnel is wanted. Otherwise it is an ordinary request, which goes over an unencrypted connection."""

    connect: bool
    host: str
    port: int


class BadHead(ValueError):
    """What was sent is not a request that a proxy serves."""


def read_head(data: bytes) -> Head:
    """The head that ends with an empty line. Raises BadHead."""
    if len(data) > LONGEST or not data.endswith(b"\r\n\r\n"):
        raise BadHead("not a whole head")
    lines = data[:-4].split(b"\r\n")
    found = _LINE.fullmatch(lines[0])
    if found is None:
        raise BadHead("the first line")
    if len(lines) - 1 > MOST_FIELDS or any(not _FIELD.fullmatch(line) for line in lines[1:]):
        raise BadHead("a field")
    method, target = found[1], found[2]
    if method == b"CONNECT":
        place = _TARGET.fullmatch(target)
        if place is None:
            raise BadHead("the target")
        return Head(True, _host(place[1].decode("ascii")), _port(int(place[2])))
    try:
        parts = urlsplit(target.decode("ascii"))
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadHead("the address") from None
    if parts.scheme != "http" or not host or "@" in parts.netloc:
        raise BadHead("the address")
    return Head(False, _host(host), _port(port if port is not None else 80))


def _host(text: str) -> str:
    host = text.lower()
    if not host.startswith("[") and (".." in host or len(host) > 253):
        raise BadHead("the host")
    return host


def _port(number: int) -> int:
    if not 0 < number < 65536:
        raise BadHead("the port")
    return number
