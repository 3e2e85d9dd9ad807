"""The one PCM format of the house, and the ways in and out of it. Pure: bytes in, bytes out.

PCM here is 16-bit little-endian signed, one channel, 24 kHz: the only linear format the realtime protocol
takes (openai 3.54, types/realtime/realtime_audio_formats.py). Whatever arrives at another rate is resampled here.
"""

from __future__ import annotations

import binascii
import sys
from array import array

SAMPLE_RATE = 24_000
"""Hertz, on the wire in both directions."""

SAMPLE_BYTES = 2
"""One 16-bit sample."""

BYTES_A_SECOND = SAMPLE_RATE * SAMPLE_BYTES

CHUNK_MS = 20
"""Milliseconds of audio that travel together: half of it is the mean wait of a sample, so more would be felt."""


def encode(pcm: bytes) -> str:
    """Return PCM as the base64 text that travels in JSON."""
    return binascii.b2a_base64(pcm, newline=False).decode("ascii")


def decode(text: str) -> bytes:
    """Return the PCM in base64 text; raises ValueError for anything but whole 16-bit samples in clean base64."""
    try:
        pcm = binascii.a2b_base64(text, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"not base64: {error}") from error
    if len(pcm) % SAMPLE_BYTES:
        raise ValueError(f"{len(pcm)} bytes are not whole 16-bit samples")
    return pcm


def milliseconds(pcm: bytes, rate: int = SAMPLE_RATE) -> float:
    """Return how long PCM at `rate` hertz plays, in milliseconds."""
    return len(pcm) * 1000 / (SAMPLE_BYTES * rate)


def silence(duration_ms: float, rate: int = SAMPLE_RATE) -> bytes:
    """Return `duration_ms` of digital silence at `rate` hertz."""
    return bytes(SAMPLE_BYTES * round(rate * duration_ms / 1000))


def peak(pcm: bytes) -> int:
    """Return about the largest sample, 0 to 32768: every eighth is looked at, which is enough for a voice."""
    samples = array("h", pcm)[::8]
    if sys.byteorder == "big":
        samples.byteswap()
    return max(max(samples), -min(samples)) if samples else 0


class Resampler:
    """Brings a stream of PCM from one rate to another; keeps its filter state, so use one per stream.

    soxr at HQ holds back up to 39 ms of audio and differs from one-shot resampling by at most 2 units of the last
    bit (measured with soxr 1.1, 20 ms chunks). numpy and soxr are imported at the first use: together they take
    half a second, which the first page must not wait for.
    """

    def __init__(self, source_rate: int, target_rate: int = SAMPLE_RATE) -> None:
        import soxr

        self._stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="int16", quality="HQ")

    def process(self, pcm: bytes, *, last: bool = False) -> bytes:
        """Return what is ready of the resampled stream after `pcm`; with `last`, all that was held back too."""
        import numpy as np

        samples: bytes = self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2"), last=last).tobytes()
        return samples
