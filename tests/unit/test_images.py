"""Images: known by their bytes, bounded, counted, and small on the page."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given, strategies as st
from PIL import Image as Pillow

from tests.pictures import file, picture
from voice_ui import images
from voice_ui.offline.looking import described, named
from voice_ui.page.thumbnail import thumbnail


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_type_and_size_are_read_from_the_bytes(kind: str) -> None:
    image = images.read(file(kind, (123, 45)))
    assert (image.type, image.width, image.height) == (kind.lower(), 123, 45)
    assert images.read_url(image.url) == image


def test_a_jpeg_of_a_camera_has_its_size_behind_other_segments() -> None:
    written = io.BytesIO()
    exif = Pillow.Exif()
    exif[270] = "x" * 5000
    Pillow.new("RGB", (300, 200)).save(written, "JPEG", exif=exif, progressive=True)
    image = images.read(written.getvalue())
    assert (image.width, image.height) == (300, 200)


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"<svg>"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        images.read(data)


def test_what_is_too_large_or_claims_to_be_is_refused_before_anybody_decodes_it() -> None:
    with pytest.raises(ValueError, match="450,000"):
        images.read(file() + bytes(images.MOST_BYTES))
    bomb = bytearray(file())
    bomb[16:24] = (100_000).to_bytes(4, "big") * 2
    with pytest.raises(ValueError, match="4096"):
        images.read(bytes(bomb))


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    for start in (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        try:
            image = images.read(start + data)
        except ValueError:
            continue
        assert thumbnail(image) == "" or thumbnail(image).startswith("data:image/jpeg;base64,")
        assert isinstance(named(image), list)


@pytest.mark.parametrize(
    ("size", "tokens"),
    [((512, 512), 85 + 170), ((1024, 1024), 85 + 4 * 170), ((2048, 4096), 85 + 6 * 170), ((100, 100), 85 + 170)],
)
def test_tokens_are_counted_by_tiles(size: tuple[int, int], tokens: int) -> None:
    """The second and the third are the examples of OpenAI's own page."""
    assert images.Image(b"", "png", *size).tokens == tokens


def test_the_page_gets_a_small_picture() -> None:
    small = thumbnail(picture("PNG", (2000, 1000), "green"))
    data = base64.b64decode(small.partition(",")[2])
    with Pillow.open(io.BytesIO(data)) as shown:
        assert shown.size == (240, 120)
    assert len(small) < 20_000


def test_colours_are_named() -> None:
    half = Pillow.new("RGB", (100, 100), "white")
    half.paste("blue", (0, 0, 40, 100))
    written = io.BytesIO()
    half.save(written, "JPEG")
    image = images.read(written.getvalue())
    assert named(image) == ["white", "blue"]
    assert "a JPEG of 100 by 100 pixels, mostly white and blue." in described([image])
    assert "2 pictures" in described([image, image])
    broken = images.Image(image.data[:200], "jpeg", 100, 100)
    assert "could not be decoded" in described([broken])
