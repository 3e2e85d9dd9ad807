"""What the practice server can tell of a picture: format, size and colours. It does not see what is in it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence

from voice_ui.images import Image

SAMPLE = 48
"""Pixels of a side to which a picture is shrunk before its colours are counted."""

MOST_COLOURS = 3

LEAST_SHARE = 0.08
"""Of the picture, for a colour to be named."""

_COLOURS = {
    "black": (10, 10, 10), "white": (245, 245, 245), "grey": (128, 128, 128), "red": (205, 40, 40),
    "orange": (240, 140, 30), "yellow": (240, 215, 50), "green": (50, 150, 60), "turquoise": (50, 180, 170),
    "blue": (50, 90, 200), "purple": (130, 60, 160), "pink": (240, 150, 190), "brown": (110, 70, 35),
    "beige": (225, 205, 170),
}  # fmt: skip


def described(images: Sequence[Image]) -> str:
    """Return what is to be said about the pictures. Takes milliseconds: not for the event loop."""
    which = ("a picture", "It is") if len(images) == 1 else (f"{len(images)} pictures", "The last one is")
    last = images[-1]
    kind = f"a {last.type.upper()} of {last.width} by {last.height} pixels"
    colours = _joined(named(last))
    if not colours:
        return f"You showed me {which[0]}, but it could not be decoded. {which[1]} {kind}."
    return f"You showed me {which[0]}. {which[1]} {kind}, mostly {colours}. I cannot see what is in it."


def named(image: Image) -> list[str]:
    """Return the names of its main colours, the most frequent first; none if it cannot be decoded."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(io.BytesIO(image.data), formats=["PNG", "JPEG"]) as picture:
            picture.draft("RGB", (SAMPLE, SAMPLE))
            small = picture.convert("RGB").resize((SAMPLE, SAMPLE))
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
        return []
    pixels = small.tobytes()
    counts = Counter(_nearest(pixels[at : at + 3]) for at in range(0, len(pixels), 3))
    enough = [name for name, count in counts.most_common(MOST_COLOURS) if count >= LEAST_SHARE * SAMPLE * SAMPLE]
    return enough or [counts.most_common(1)[0][0]]


def _nearest(pixel: Iterable[int]) -> str:
    values = tuple(pixel)
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], values, strict=True)))


def _joined(names: list[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))
