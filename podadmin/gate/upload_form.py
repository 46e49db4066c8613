"""Taking the upload of a task as the object store would: a form with the body in it, read as it comes.

What is kept is the body alone, and the gate makes a form of its own when it goes: there is no second reading of a
stranger's form in which it could be another body than the one that was judged.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import ClientError, web
from aiohttp.http_exceptions import HttpProcessingError
from anyio import to_thread

from podadmin.core.errors import Refused
from podadmin.gate import web_forward
from podadmin.gate.uploads import Upload, Uploads

_CHUNK: Final = 256 * 1024
_MOST_FIELDS: Final = 40
_LONGEST_FIELD: Final = 64 * 1024
_FILE: Final = "file"
"""The name of the part that holds the body: the last one, after the fields that the store has signed."""
_ROOM_FOR_FIELDS: Final = 1024 * 1024


async def take_upload(uploads: Uploads, room: Upload, request: web.BaseRequest) -> web.Response:
    """Keep the body of a form, in the place of one that was put there before.

    Raises Refused (`gate.odd-upload`, `gate.upload-closed`), Unavailable (`gate.upload-not-kept`), BadInput
    (`gate.slow-question`).
    """
    if request.method != "POST" or not request.content_type.startswith("multipart/form-data"):
        raise _odd()
    if (request.content_length or 0) > room.most + _ROOM_FOR_FIELDS:
        raise _odd()
    try:
        await _read(uploads, room, request)
    except (ValueError, AssertionError, RuntimeError, ClientError, HttpProcessingError):
        raise _odd() from None  # what the library says of a form that is none
    except OSError:  # time is up, or the pod has hung up
        raise web_forward.too_slow() from None
    return web.Response(status=204)


async def _read(uploads: Uploads, room: Upload, request: web.BaseRequest) -> None:
    reader = await request.multipart()
    for _ in range(_MOST_FIELDS):
        part: Any = await _soon(reader.next())
        if getattr(part, "name", None) != _FILE:
            if part is None or not hasattr(part, "read_chunk"):
                raise _odd()
            await _skip(part)
            continue
        arriving = await to_thread.run_sync(uploads.begin, room)
        try:
            size = 0
            while chunk := await _soon(part.read_chunk(_CHUNK)):
                size += len(chunk)
                if size > room.most:
                    raise _odd()
                await to_thread.run_sync(arriving.write, chunk)
            if not part.at_eof():
                raise _odd()  # it was cut off before the end of the form
            await to_thread.run_sync(uploads.finish, arriving)
        finally:
            uploads.leave(arriving)
        return
    raise _odd()


async def _skip(part: Any) -> None:
    size = 0
    while chunk := await _soon(part.read_chunk(_LONGEST_FIELD)):
        size += len(chunk)
        if size > _LONGEST_FIELD:
            raise _odd()


async def _soon(coming: Any) -> Any:
    async with asyncio.timeout(web_forward.SECONDS):
        return await coming


def _odd() -> Refused:
    return Refused(
        "gate.odd-upload",
        "An upload of the pod was stopped.",
        "It is no form with one body, or the body is larger than it was announced.",
        "Look at the task that runs: the pod's own software uploads what it has announced.",
    )
