"""Websocket frames of the frequent kind, without a parser: short, whole text messages (RFC 6455, section 5.2). Pure.

websockets reads each frame through three generators and an enum, and writes it through a buffer: thirty calls for what
is six bytes of header. Whatever is not plainly a whole text message is left to it.
"""

from __future__ import annotations

from secrets import token_bytes
from typing import Any

from websockets.protocol import SERVER, Protocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # where websockets was built without its C extension
    from websockets.utils import apply_mask

_FINAL_TEXT = 0x81
_MASKED = 0x80


def read(protocol: Protocol, data: bytes) -> tuple[list[bytes], bytes]:
    """Return the text messages at the beginning of what was received, and the rest, which `protocol` is to read."""
    # Between frames, the parser of messages waits for more, or for the end, and for nothing else.
    parser: Any = protocol.parser
    waits_in = getattr(parser.gi_yieldfrom, "gi_yieldfrom", None)
    is_between_frames = waits_in is not None and waits_in.__name__ == "at_eof"
    # `current_size` is that of a message in several frames, while it has not come whole.
    if not is_between_frames or protocol.extensions or getattr(protocol, "current_size", 0) is not None:
        return [], data
    mask = _MASKED if protocol.side is SERVER else 0
    found, at, size = [], 0, len(data)
    while size - at > 2 and data[at] == _FINAL_TEXT and data[at + 1] & _MASKED == mask:
        length, start = data[at + 1] & 0x7F, at + 2
        if length == 127 or size - at < 8:
            break
        if length == 126:
            length, start = data[start] << 8 | data[start + 1], start + 2
        if mask:
            start += 4
        end = start + length
        if end > size:
            break
        found.append(apply_mask(data[start:end], data[start - 4 : start]) if mask else data[start:end])
        at = end
    return found, data[at:]


def write(message: bytes, *, masked: bool) -> bytes:
    """Return a text message as a frame; clients mask theirs."""
    mask, length = _MASKED if masked else 0, len(message)
    if length < 126:
        head = bytes((_FINAL_TEXT, mask | length))
    elif length < 65536:
        head = bytes((_FINAL_TEXT, mask | 126, length >> 8, length & 0xFF))
    else:
        head = bytes((_FINAL_TEXT, mask | 127)) + length.to_bytes(8, "big")
    if not masked:
        return head + message
    key = token_bytes(4)
    return b"".join((head, key, apply_mask(message, key)))
