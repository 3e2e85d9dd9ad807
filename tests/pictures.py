"""Pictures to be shown."""

from __future__ import annotations

import io

from PIL import Image as Pillow

from voice_ui import images


def file(kind: str = "PNG", size: tuple[int, int] = (64, 48), colour: str = "blue") -> bytes:
    """Return a file of one colour."""
    found = io.BytesIO()
    Pillow.new("RGB", size, colour).save(found, kind)
    return found.getvalue()


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48), colour: str = "blue") -> images.Image:
    """Return the same, read."""
    return images.read(file(kind, size, colour))
