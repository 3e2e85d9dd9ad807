"""What travels between the server and a worker process: frames of a kind, a length and a payload. Pure."""

from __future__ import annotations

import struct

HEADER = struct.Struct(">cI")
"""The kind (one letter) and the length of the payload in bytes."""

NUMBER = struct.Struct(">Q")
"""The number of a request; both ends count them from 1."""

REQUEST = b"Q"
"""To the process: do this. Every request has exactly one answer, in order."""
ABORT = b"X"
"""To the process: stop working on the requests up to this number; has no answer of its own."""

READY = b"R"
"""From the process, the first frame: it can work; the payload names what it works with, in UTF-8."""
UNAVAILABLE = b"U"
"""From the process, the first frame and the last: it cannot work here, and why, in UTF-8."""
ANSWER = b"A"
"""From the process: the result of a request."""
ABORTED = b"S"
"""From the process, in place of a result: the request was aborted."""
FAILED = b"F"
"""From the process, in place of a result: the request raised an exception, its text in UTF-8."""


def frame(kind: bytes, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return HEADER.pack(kind, len(payload)) + payload
