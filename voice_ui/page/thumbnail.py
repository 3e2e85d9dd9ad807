"""The small picture that the page shows of an image."""

from __future__ import annotations

import base64
import io

from voice_ui.images import Image

SIDE = 240
"""Pixels at the most; it is shown at half of that, on screens with twice the pixels."""

QUALITY = 70


def thumbnail(image: Image) -> str:
    """Return a data URI of a few kilobytes; empty if the image cannot be decoded. Takes milliseconds."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(io.BytesIO(image.data), formats=["PNG", "JPEG"]) as picture:
            picture.draft("RGB", (SIDE, SIDE))
            small = Pillow.new("RGB", picture.size, "white")
            visible = picture.convert("RGBA")
            small.paste(visible, mask=visible)
        small.thumbnail((SIDE, SIDE))
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombError):
        return ""
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
