"""The row that a pod's NIFTISource makes of a file, from the file's header alone (bitfount contract, section 2.2).

The header stands in the first 348 (NIfTI-1) or 540 (NIfTI-2) bytes, packed by gzip or not; nibabel reads it as the pod
does. Of a packed file no more than that is unpacked.
"""

from __future__ import annotations

import logging
import os
import warnings
import zlib
from math import prod
from pathlib import PurePath
from typing import Any, Final

from podadmin.core.late import Late
from podadmin.datasources.header_facts import (
    FLOAT,
    INTEGER,
    NOTHING,
    OBJECT,
    PICTURE,
    PIXELS,
    TEXT,
    WORD,
    Cell,
    Picture,
    Row,
    Unreadable,
)

nifti1: Any = Late("nibabel.nifti1")
nifti2: Any = Late("nibabel.nifti2")

_FIRST, _SECOND = 348, 540
_MOST_PACKED: Final = 1_032
"""Deflate makes nothing smaller than by this factor (its authors, zlib technical details)."""
_AXES = ("VoxelSizeX", "VoxelSizeY", "VoxelSizeZ", "TemporalResolution")
_OBJECTS = ("AffineMatrix", "Affine", "OriginalAffine", "Pixdim", "SpatialShape", PIXELS)


def read(path: bytes, texts: frozenset[str]) -> Row:
    """The cells of the NIfTI file at `path`. `texts`: columns whose values are needed as they are.

    Raises Unreadable, and OSError where the file cannot be read.
    """
    with open(path, "rb") as file:  # noqa: PTH123 - a path of bytes: names need not be text
        size = os.fstat(file.fileno()).st_size
        head = file.read(1 << 16)
    if not head:
        raise Unreadable("empty")
    name = PurePath(os.fsdecode(path))
    packed = head[:2] == b"\x1f\x8b"
    header = parsed(_unpacked(head) if packed else head)
    shape = tuple(int(each) for each in header.get_data_shape())
    steps = tuple(float(each) for each in header.get_zooms())
    volume = prod(shape) * int(header["bitpix"]) // 8
    if not shape or min(shape) < 0:
        raise Unreadable("damaged")
    if int(header["vox_offset"]) + volume > size * (_MOST_PACKED if packed else 1):
        raise Unreadable("cut-short")
    kind = str(header.get_data_dtype())
    row: list[Cell] = [
        ("Filename", WORD if "Filename" in texts else TEXT, name.name),
        ("FileExtension", WORD, ".nii.gz" if name.name.lower().endswith(".nii.gz") else name.suffix.lower()),
        ("ImageShape", WORD, str(shape)),
        ("ImageDimensions", INTEGER, float(len(shape))),
        ("VoxelDimensions", WORD if "VoxelDimensions" in texts else TEXT, str(steps)),
        ("DataType", WORD, kind),
        ("FilePath", WORD if "FilePath" in texts else TEXT, path),
        ("OriginalChannelDim", NOTHING, None),
        ("NumberOfVolumes", INTEGER, float(shape[3] if len(shape) > 3 else 1)),
    ]
    row += [(axis, FLOAT, step) for axis, step in zip(_AXES, steps, strict=False) if len(steps) > 2]
    row += [(axis, WORD, unit) for axis, unit in zip(("SpatialUnits", "TemporalUnits"), _units(header), strict=True)]
    row += [(each, OBJECT, None) for each in _OBJECTS]
    row.append((PICTURE, WORD, Picture(shape, "NIfTI", kind).as_text()))
    return [tuple(row)]


def parsed(head: bytes) -> Any:
    """The header that begins a file, as nibabel gives it (which declares no types). Raises Unreadable."""
    logging.getLogger("nibabel.global").disabled = True
    sizes = {int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if _SECOND in sizes and head[4:7] in (b"n+2", b"ni2"):
                made, magic = nifti2.Nifti2Header, b"n+2"
                length = _SECOND
            else:
                made, magic = nifti1.Nifti1Header, b"n+1"
                length = _FIRST
            if len(head) < length:
                raise Unreadable("cut-short" if sizes & {_FIRST, _SECOND} else "not-nifti")
            if not sizes & {_FIRST, _SECOND}:
                raise Unreadable("not-nifti")
            header = made(head[:length])
            if bytes(header["magic"].tobytes()[:3]) != magic:
                # headers whose pixels lie in another file, and those of the format before it
                raise Unreadable("not-nifti")
            header.get_data_shape(), header.get_zooms(), header.get_data_dtype(), header.get_best_affine()
            header.get_xyzt_units()
    except Unreadable:
        raise
    except MemoryError as large:
        raise Unreadable("memory") from large
    except Exception as broken:
        raise Unreadable("damaged") from broken
    return header


def _units(header: Any) -> tuple[str, str]:
    space, time = header.get_xyzt_units()
    return str(space), str(time)


def _unpacked(head: bytes) -> bytes:
    """The first bytes of a packed file, no more than a header takes."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        return unpacker.decompress(head, _SECOND)
    except zlib.error as damage:
        raise Unreadable("damaged") from damage
