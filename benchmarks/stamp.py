"""How sound and words carry the moment at which they set out, through everything that is measured. Pure.

A chunk begins with a stamp where its first samples were; a delta is a stamp written out. So nothing on the way need
know that it is measured, and no two ends need agree on anything but the clock: the monotonic one of this machine.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import takewhile

LAYOUT = struct.Struct("<HdHH")  # NOTE: browser.py writes the same
MAGIC = 0x5643

DELTA_CHARACTERS = 10
"""Of one delta, with its space: two short words. RunningText may break between any two of them."""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Stamp:
    """When a chunk set out, and which reply it asks for."""

    sent: float
    """Seconds of the monotonic clock."""
    deltas: int = 0
    """Of the reply; 0 asks for none."""
    delta_ms: int = 20
    """From one delta to the next; 0 is as fast as they are taken."""

    def on(self, pcm: bytes) -> bytes:
        """Return a chunk of PCM with this stamp at its beginning."""
        return LAYOUT.pack(MAGIC, self.sent, self.deltas, self.delta_ms) + pcm[LAYOUT.size :]


def of_chunk(pcm: bytes) -> Stamp | None:
    """Return the stamp of a chunk, None for one that has none."""
    if len(pcm) < LAYOUT.size or not pcm.startswith(MAGIC.to_bytes(2, "little")):
        return None
    return Stamp(*LAYOUT.unpack_from(pcm)[1:])


def delta(sent: float) -> str:
    """Return the words of a delta that sets out at that moment."""
    microseconds, word = round(sent * 1e6), ""
    for _ in range(DELTA_CHARACTERS - 1):
        microseconds, digit = divmod(microseconds, 36)
        word = DIGITS[digit] + word
    return f" {word}"


def newer(text: str, than: float) -> list[float]:
    """Return the moments at the end of a text that are later than that one, the latest first."""
    return [*takewhile(lambda sent: sent > than, (int(word, 36) / 1e6 for word in reversed(text.split())))]
