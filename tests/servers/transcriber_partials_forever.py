"""A recogniser's process in tests: it never finishes with a second or more of audio unless it is aborted."""

from __future__ import annotations

import time

from voice_ui.offline.worker.handler import Aborted, Handler, Stop

SECOND = 48_000
"""Bytes."""


def load() -> Handler:
    return Handler("a test", handle)


def handle(pcm: bytes, stop: Stop) -> bytes:
    if len(pcm) < SECOND:
        return f"{len(pcm)} bytes".encode()
    while not stop():
        time.sleep(0.001)
    raise Aborted
