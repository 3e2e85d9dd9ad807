"""What runs in a worker process in tests: it answers as the request says."""

from __future__ import annotations

import os
import time

from voice_ui.offline.worker.handler import Aborted, Handler, Stop


def load() -> Handler:
    return Handler("a test", handle)


def handle(request: bytes, stop: Stop) -> bytes:
    match request:
        case b"die":
            os._exit(1)
        case b"raise":
            raise ValueError("as it was asked to")
        case b"print":
            print("a library's chatter")  # noqa: T201
        case b"until aborted":
            while not stop():
                time.sleep(0.001)
            raise Aborted
        case b"pid":
            return str(os.getpid()).encode()
    return request.upper()
