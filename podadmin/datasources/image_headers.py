"""The row that a pod's ImageSource makes of a file, from the file's header alone (bitfount contract, section 2.2).

Pillow names format, mode and size without decoding a pixel. A picture that says that it is larger than Pillow itself
agrees to decode is refused by what it says, before anything is made of it.
"""

from __future__ import annotations

import os
import warnings
from functools import cache
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Final

from podadmin.core.late import Late
from podadmin.datasources.header_facts import (
    INTEGER,
    OBJECT,
    PICTURE,
    PIXELS,
    TEXT,
    WORD,
    Picture,
    Row,
    Strip,
    Unreadable,
)

if TYPE_CHECKING:
    import PIL
    from PIL import Image
else:
    PIL = Late("PIL")
    Image = Late("PIL.Image")

FORMATS: Final = ("JPEG", "MPO", "PNG", "BMP", "DIB", "TIFF", "GIF", "WEBP", "JPEG2000", "PPM")
"""Formats that are looked for, whatever the name of the file says; those that run programs or macros are not."""
MOST_PIXELS: Final = 2 * 178_956_970
"""Beyond twice its limit Pillow, and so a pod, refuses a picture as a decompression bomb."""


def read(path: bytes, texts: frozenset[str]) -> Row:
    """The row of the image at `path`. `texts`: columns whose values are needed as they are.

    Raises Unreadable, and OSError where the file cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - a path of bytes: names need not be text
        start = file.read(1)
        if not start:
            raise Unreadable("empty")
        file.seek(0)
        picture = seen(file)
    width, height = picture.dimensions
    name = PurePath(os.fsdecode(path))
    strip: Strip = (
        ("Filename", WORD if "Filename" in texts else TEXT, name.name),
        ("FileExtension", WORD, name.suffix.lower()),
        ("ImageWidth", INTEGER, float(width)),
        ("ImageHeight", INTEGER, float(height)),
        ("ImageMode", WORD, picture.mode),
        ("ImageFormat", WORD, picture.format),
        (PIXELS, OBJECT, None),
        (PICTURE, WORD, picture.as_text()),
    )
    return [strip]


@cache
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow knows."""
    Image.init()
    return tuple(each for each in FORMATS if each in Image.OPEN)


def seen(file: IO[bytes]) -> Picture:
    """What the header of an open image says. Raises Unreadable and OSError (of the file itself)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=_formats()) as image:
                found = Picture(image.size, image.format or "", image.mode)
    except Image.DecompressionBombError as bomb:
        raise Unreadable("large") from bomb
    except PIL.UnidentifiedImageError as unknown:
        raise Unreadable("not-image") from unknown
    except MemoryError as large:
        raise Unreadable("memory") from large
    except OSError as broken:
        if broken.errno:
            raise
        raise Unreadable("damaged") from broken
    except Exception as broken:
        raise Unreadable("damaged") from broken
    width, height = found.dimensions
    if width <= 0 or height <= 0:
        raise Unreadable("damaged")
    if width * height > MOST_PIXELS:
        raise Unreadable("large")
    return found
