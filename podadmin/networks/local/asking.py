"""Reading what is asked of the local network over HTTP, and saying no in the words of the public hub."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

LONGEST_TEXT = 64 * 1024
MOST_BYTES = 48 * 1024 * 1024
"""Of one question, with what is uploaded."""
Caller = Callable[[web.Request], str]
"""Who asks, by the keys shown; refuses a stranger."""


def no(kind: type[web.HTTPException], message: str) -> web.HTTPException:
    """An answer that refuses, in the form of the public hub."""
    return kind(text=json.dumps({"success": False, "errorMessage": message}), content_type="application/json")


def too_big() -> web.HTTPException:
    """What was sent is more than is taken."""
    return web.HTTPRequestEntityTooLarge(max_size=0, actual_size=0, text="too large")


async def json_of(request: web.Request) -> dict[str, Any]:
    """The map in a question."""
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise no(web.HTTPBadRequest, "not JSON") from None
    if not isinstance(body, dict):
        raise no(web.HTTPBadRequest, "not a map")
    return body


def text_of(body: dict[str, Any], name: str, default: str | None = None) -> str:
    """The text under a name; `default` where there is none, and no text is refused without it."""
    value = body.get(name, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise no(web.HTTPBadRequest, f"{name} is not text")
    return value
