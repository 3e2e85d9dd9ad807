"""A recogniser's process in tests: a second or more of audio is its end."""

from __future__ import annotations

import os

from tests.servers.transcriber_partials_forever import SECOND
from voice_ui.offline.worker.handler import Handler, Stop


def load() -> Handler:
    return Handler("a test", handle)


def handle(pcm: bytes, stop: Stop) -> bytes:
    if len(pcm) < SECOND:
        return f"{len(pcm)} bytes".encode()
    os._exit(1)
