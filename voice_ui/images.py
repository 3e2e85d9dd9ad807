"""A picture that is shown to the model: PNG or JPEG, by what its bytes say. Pure; no pixel is decoded here."""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass, field
from functools import cached_property

MOST_BYTES = 450_000
"""Of one image: in base64, with a message around it, 600 kB. NiceGUI's socket takes a million bytes."""

LONGEST_SIDE, SHORTEST_SIDE = 2048, 768
"""Pixels. OpenAI scales an image into a square of the first, then its shorter side to the second, and looks at no
more than that (OpenAI, "Images and vision"). NOTE: image_scale.js does the same before an image is sent."""

MOST_SIDE = 4096
"""Pixels; a picture that claims more is refused before anybody decodes it."""

TILE, TILE_TOKENS, BASE_TOKENS = 512, 170, 85
"""What an image counts at detail `high`: so many tokens for each square of so many pixels, and once for the image."""

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG that begin a frame, and tell its size."""


@dataclass(frozen=True)
class Image:
    """A PNG or JPEG file in memory."""

    data: bytes = field(repr=False)
    type: str
    """png or jpeg"""
    width: int
    height: int

    @cached_property
    def url(self) -> str:
        """The file as a data URI, as the realtime protocol wants it."""
        return f"data:image/{self.type};base64,{base64.b64encode(self.data).decode()}"

    @property
    def tokens(self) -> int:
        """What it counts, by OpenAI's rule for tiles."""
        scale = min(1.0, LONGEST_SIDE / max(self.width, self.height))
        scale = min(scale, SHORTEST_SIDE / min(self.width, self.height))
        tiles = math.ceil(self.width * scale / TILE) * math.ceil(self.height * scale / TILE)
        return BASE_TOKENS + TILE_TOKENS * tiles


def read(data: bytes) -> Image:
    """Return the image in these bytes; raises ValueError if it is no PNG or JPEG, or too large."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"an image of {len(data):,} bytes; at most {MOST_BYTES:,} are sent")
    if data.startswith(_PNG):
        type, size = "png", _png_size(data)
    elif data.startswith(_JPEG):
        type, size = "jpeg", _jpeg_size(data)
    else:
        raise ValueError("neither a PNG nor a JPEG file")
    if size is None or not all(0 < side <= MOST_SIDE for side in size):
        raise ValueError(f"a {type.upper()} file whose size is missing or beyond {MOST_SIDE} pixels")
    return Image(data, type, *size)


def read_url(url: str) -> Image:
    """Return the image in a data URI; raises ValueError."""
    head, _, body = url.partition(",")
    if head not in {"data:image/png;base64", "data:image/jpeg;base64"}:
        raise ValueError("not a data URI of a PNG or JPEG image in base64")
    if len(body) > MOST_BYTES * 4 // 3 + 4:
        raise ValueError(f"an image of more than {MOST_BYTES:,} bytes")
    image = read(base64.b64decode(body, validate=True))
    if head != f"data:image/{image.type};base64":
        raise ValueError(f"the data URI names another type than {image.type}")
    return image


def _png_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + max(length, 2)
    return None
